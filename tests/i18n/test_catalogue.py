import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from desktop.errors import UserFacingError
from desktop.i18n import Language, Translator, catalogue, format_age, format_date
from desktop.i18n.catalogue import resource_folder

ENGLISH, CHINESE = catalogue(Language.ENGLISH), catalogue(Language.CHINESE)
SOURCE = Path(__file__).resolve().parents[2] / "desktop"
#: Names of widgets that look like keys.
NO_KEYS = {"viewer.more"}
KEY = re.compile(r"[a-z]+(?:\.[a-z0-9_]+)+")
FILE_SUFFIXES = {"json", "jsonl", "pdf", "txt", "typ", "dcm", "png", "py", "db", "md", "onnx", "html", "svg", "bin"}


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def spoken_keys() -> dict[str, str]:
    """Every string in the code that looks like a key of an area the catalogue has, with where it stands."""
    areas = {key.split(".")[0] for key in ENGLISH}
    found: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value)):
                continue
            if node.value.split(".")[0] in areas and node.value.split(".")[-1] not in FILE_SUFFIXES:
                found[node.value] = f"{path.name}:{node.lineno}"
    return found


def test_every_key_in_the_code_has_a_sentence() -> None:
    prefixes = {key.rsplit(".", 1)[0] for key in ENGLISH}

    def spoken(key: str) -> bool:
        # An Action's id; its sentence stands elsewhere.
        commands = (f"action.{key}", "reading.action." + key.replace(".", "_"))
        return (
            key in ENGLISH
            or key in NO_KEYS
            or key in prefixes
            or key.endswith("_")
            or any(c in ENGLISH for c in commands)
        )

    missing = {key: place for key, place in spoken_keys().items() if not spoken(key)}
    assert missing == {}


def test_both_languages_say_the_same_things() -> None:
    english = {key for key in ENGLISH if not key.endswith(".one")}
    assert english == {key for key in CHINESE if not key.endswith(".one")}


def test_both_languages_fill_in_the_same_fields() -> None:
    different = {
        key: (fields(ENGLISH[key]), fields(CHINESE[key]))
        for key in CHINESE
        if key in ENGLISH and fields(ENGLISH[key]) != fields(CHINESE[key])
    }
    assert different == {}


def test_every_error_raised_has_its_sentence_and_its_advice() -> None:
    missing: list[str] = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("UserFacingError", "KnownFailure")):
                continue
            key = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if isinstance(key, str):
                missing += [f"{path.name}:{node.lineno} {k}" for k in (key, f"{key}.advice") if k not in ENGLISH]
    assert missing == []


def test_chinese_is_written_in_chinese() -> None:
    own = re.compile(r"[\u3400-\u9fff]")
    strange = [
        key
        for key, sentence in CHINESE.items()
        if re.search(r"[A-Za-z]{4,} [a-z]{2,} [a-z]{2,}", re.sub(r"lantern( [a-z-]+)+", "", sentence))
        or (len(sentence) > 24 and not own.search(sentence))
    ]
    assert strange == []


def test_chinese_sentences_use_full_width_punctuation() -> None:
    half_width = re.compile(r"[\u3400-\u9fff][,;:!?](?!//)")
    assert {key: s for key, s in CHINESE.items() if half_width.search(s)} == {}


def test_chinese_numbers_stand_apart_and_names_do_not() -> None:
    """Ages, and what is shown as somebody would type it, are written without a space."""
    han = "[\u3400-\u9fff]"
    number = r"(?:\{(?:count|number|minimum|seconds|sequence|noted|lines?|group|total|epoch|shortest|longest)\}|\d)"
    word = r"\{(?:who|user|when)\}"
    close, apart = re.compile(f"{han}{number}|{number}{han}"), re.compile(f"{han} {word}|{word} {han}")
    as_typed = re.compile(r"age\.\w+|.+\.(hint|wrong)")
    assert {k: s for k, s in CHINESE.items() if close.search(s) and not as_typed.fullmatch(k)} == {}
    assert {k: s for k, s in CHINESE.items() if apart.search(s)} == {}


def test_one_thing_has_one_chinese_name() -> None:
    """The audit trail is 操作记录, what is on file of a patient 资料 (or 病历); 记录 is an entry, or to write down."""
    assert {k: s for k, s in CHINESE.items() if "审计" in s.replace("审计员", "")} == {}
    assert {k: s for k, s in CHINESE.items() if k.startswith("merging.") and "份记录" in s} == {}
    assert {k: s for k, s in CHINESE.items() if "患者记录" in s} == {}


def test_nobody_shouts() -> None:
    assert [k for k, s in {**ENGLISH, **CHINESE}.items() if "!" in s.replace("!=", "") or "！" in s] == []


def test_areas_live_in_files_of_their_language() -> None:
    english = {path.name for path in (resource_folder() / "translations" / "en").glob("*.json")}
    chinese = {path.name for path in (resource_folder() / "translations" / "zh").glob("*.json")}
    assert english == chinese


@pytest.mark.parametrize(
    ("months", "days", "english", "chinese"),
    [
        (0, 0, "0 days", "0天"),
        (0, 1, "1 day", "1天"),
        (0, 30, "30 days", "30天"),
        (1, 31, "1 month", "1个月"),
        (23, 720, "23 months", "23个月"),
        (24, 731, "2 years", "2岁"),
        (71, 2190, "5 years", "5岁"),
    ],
)
def test_ages_are_told_in_the_unit_a_doctor_says(months: int, days: int, english: str, chinese: str) -> None:
    assert format_age(months, days, Language.ENGLISH) == english
    assert format_age(months, days, Language.CHINESE) == chinese


def test_dates_are_written_the_local_way() -> None:
    from datetime import date

    assert format_date(date(2019, 5, 7), Language.ENGLISH) == "7 May 2019"
    assert format_date(date(2019, 5, 7), Language.CHINESE) == "2019年5月7日"


def test_an_error_is_told_with_what_to_do() -> None:
    told = Translator(Language.CHINESE).error(UserFacingError("workflow.name_mismatch", in_file="A", on_record="B"))
    assert "A" in told.message
    assert "B" in told.message
    assert told.advice == CHINESE["workflow.name_mismatch.advice"]
