"""Whether a file is about the patient whose chart is open.

A wrong "fits" files a film under the wrong child; a wrong "does not fit" costs a doctor one question. So only whole
names fit: an initial stands for a middle name at most, and a family name alone for nobody.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice, product

from desktop.records import FileHeader, HumanName, Patient, Sex

_MAX_READINGS = 256
_SYLLABLE = re.compile(
    "(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?"
    "(?:a|ai|an|ang|ao|e|ei|en|eng|er|i|ia|ian|iang|iao|ie|in|ing|iong|iu|o|ong|ou|"
    "u|ua|uai|uan|uang|ue|ui|un|uo|v|van|ve|vn)"
)
"""Loosely, one syllable of pinyin without its tone."""


class NameVerdict(StrEnum):
    """The answer about the name."""

    FITS = "fits"
    NO_NAME = "no_name"
    MISMATCH = "mismatch"


@dataclass(frozen=True)
class NameCheck:
    """What a comparison of file and patient found.

    file_name: the name in the file as people write it (never to be logged), empty for NO_NAME.
    remarks: keys of sentences about contradictions beside the name: `intake.remark.birth_date_differs`,
    `intake.remark.sex_differs`, `intake.remark.characters_differ`. They warn; only the name decides the verdict.
    """

    verdict: NameVerdict
    file_name: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Name:
    """A name ready for comparison. han: its 汉字 in order, or empty. words: its other words in order.

    optional: words that may be absent on the other side (middle names of a PN). family: those of the words that are
    known to be the family name.
    """

    han: str
    words: tuple[str, ...]
    optional: tuple[str, ...] = ()
    family: tuple[str, ...] = ()


def names_fit(header: FileHeader, patient: Patient) -> NameCheck:
    """Compare the name in a file with a patient's names (PS3.5 6.2.1, FHIR HumanName).

    FITS if any component group of the file fits any of the patient's names, regardless of order, case, accents and
    punctuation; 汉字 fit the same 汉字, and a Latin name fits 汉字 that can be read so (pinyin without tones, every
    reading of a character, ü as v, u or yu). NO_NAME if no group holds a letter. Else MISMATCH.
    """
    groups = [(text, _from_pn(text)) for text in header.name_groups]
    named = [(text, name) for text, name in groups if name.han or name.words]
    remarks = _remarks(header, patient)
    if not named:
        return NameCheck(NameVerdict.NO_NAME, remarks=remarks)
    shown = " = ".join(" ".join(text.replace("^", " ").split()) for text, _ in named)
    known = [form for name in patient.names for form in _from_human(name)]
    fitting = [name for _, name in named if any(_same(name, other) for other in known)]
    if not fitting:
        return NameCheck(NameVerdict.MISMATCH, shown, remarks)
    characters = {other.han for other in known if other.han}
    written = {name.han for _, name in named if name.han}
    if characters and written and not written & characters:
        remarks = (*remarks, "intake.remark.characters_differ")
    return NameCheck(NameVerdict.FITS, shown, remarks)


def _remarks(header: FileHeader, patient: Patient) -> tuple[str, ...]:
    found = []
    if header.birth_date and patient.birth_date and not header.birth_date.agrees_with(patient.birth_date):
        found.append("intake.remark.birth_date_differs")
    known = (Sex.MALE, Sex.FEMALE)
    if header.sex in known and patient.sex in known and header.sex is not patient.sex:
        found.append("intake.remark.sex_differs")
    return tuple(found)


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff" or character == "\u3007"


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """The 汉字 of a text joined, and its other words without case, accents and punctuation."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text)).casefold()
    han: list[str] = []
    letters: list[str] = []
    for character in folded:
        if _is_han(character):
            han.append(character)
            letters.append(" ")
        elif unicodedata.category(character)[0] == "M":
            continue  # an accent, told from its letter by the decomposition
        elif character in "'’`´ʼ":
            continue  # O'Neil is one word, and so is Xi'an
        else:
            letters.append(character if character.isalnum() else " ")
    return "".join(han), tuple("".join(letters).replace("ł", "l").replace("ø", "o").replace("đ", "d").split())


def _from_pn(text: str) -> _Name:
    """One component group `family^given^middle^prefix^suffix`; prefix and suffix are no name."""
    components = text.split("^")
    han, words = _split(" ".join(components[:2]))
    more_han, optional = _split(" ".join(components[2:3]))
    if not han and not words:
        return _Name(more_han, optional)
    return _Name(han + more_han, words, optional)


def _from_human(name: HumanName) -> Iterator[_Name]:
    """A patient's name in each way it is known: as text, as parts, its 汉字 and its Latin words apart."""
    _, family = _split(name.family)
    for text in (name.text, " ".join((name.family, *name.given))):
        han, words = _split(text)
        if han:
            yield _Name(han, ())
        if words:
            yield _Name("", words, family=family)


def _same(file: _Name, known: _Name) -> bool:
    if file.han and known.han:
        return file.han == known.han
    if file.han:
        return _sounds_like(file.han, known.words)
    if known.han:
        whole = (*file.words, *file.optional)
        return _sounds_like(known.han, file.words) or _sounds_like(known.han, whole)
    return _same_words(file, known)


def _same_words(file: _Name, known: _Name) -> bool:
    """Whether two Latin names have the same words in any order, give or take further given names."""
    if not known.words or not file.words:
        return False
    if not _joined(file.words).isdisjoint(_joined(known.words)):
        return True
    only_known = list((Counter(known.words) - Counter(file.words)).elements())
    only_file = list((Counter(file.words) - Counter(known.words)).elements())
    shared = set(known.words) & set(file.words)
    if only_known and only_file:
        return False
    # Two words of a family name are still only a family name.
    if len(shared) < 2 or (known.family and (shared <= set(known.family) or not shared & set(known.family))):
        return not only_known and not only_file
    # `Maria Garcia` may be `Maria Elena Garcia Lopez`. `Li Wei` is not `Li Wei Ming`: pinyin is often written with a
    # space in the given name, so a further word that is one syllable of pinyin makes another person.
    return all(
        _stands_for(word, file.optional) if file.optional and word in only_known else not _SYLLABLE.fullmatch(word)
        for word in (*only_known, *only_file)
    )


def _joined(words: tuple[str, ...]) -> set[str]:
    """`Wang Xiao Ming` as wangxiaoming, xiaomingwang and mingwangxiao: spaces differ, and so does the first word."""
    return {"".join(words[cut:] + words[:cut]) for cut in range(len(words))}


def _stands_for(word: str, middle: tuple[str, ...]) -> bool:
    return any(word == other or (len(other) == 1 and word.startswith(other)) for other in middle)


def _sounds_like(han: str, words: tuple[str, ...]) -> bool:
    """Whether Latin words, family name first or last, are a reading of 汉字."""
    if not words or len(han) < 2:
        return False
    return not _joined(words).isdisjoint(_readings(han))


def forget_names() -> None:
    """Drop the readings of names that were compared; called when the clinic is locked."""
    _readings.cache_clear()


@lru_cache(maxsize=64)
def _readings(han: str) -> frozenset[str]:
    """Every way 汉字 can be spelt in pinyin without tones and spaces."""
    # Imported late: the dictionary of readings takes a tenth of a second and some megabytes.
    from pypinyin import Style, pinyin

    syllables = pinyin(han, style=Style.NORMAL, heteronym=True, errors="ignore", v_to_u=False)
    if len(syllables) != len(han):
        return frozenset()
    spelt = [sorted({form for reading in readings for form in _spellings(reading)}) for readings in syllables]
    return frozenset("".join(parts) for parts in islice(product(*spelt), _MAX_READINGS))


def _spellings(syllable: str) -> set[str]:
    """A syllable with ü as v, u and yu (吕: lv, lu, lyu; passports have written all three)."""
    if "v" not in syllable:
        return {syllable}
    return {syllable, syllable.replace("v", "u"), syllable.replace("v", "yu")}
