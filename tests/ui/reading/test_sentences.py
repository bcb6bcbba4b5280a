"""Every sentence these screens can say exists in both languages, with the same fields."""

import json
import re
import string
from pathlib import Path

import pytest

from desktop.i18n import Language, catalogue
from desktop.i18n.catalogue import resource_folder
from desktop.imaging.colour_tables import ColourTable
from desktop.imaging.measure_region import ValueUnit
from desktop.records import Decision, Modality, Sex, SpacingSource, Verdict
from desktop.ui.importing.outcome import Status
from desktop.ui.reading.actions import READING_ACTIONS
from desktop.ui.reading.footer import _BUTTONS
from desktop.ui.reading.sitting import StudyKind
from desktop.ui.viewers.drawing import Tool
from desktop.ui.viewers.film_words import STEPS
from desktop.workflow.accepting import LeftOut

AREAS = ("viewer", "reading", "review", "reports", "importing")
PACKAGES = ("viewers", "reading", "review", "reports", "importing")
DESKTOP = Path(__file__).resolve().parents[3] / "desktop"
UI = DESKTOP / "ui"
BELOW = ("ui/discs.py", "intake/archive.py", "intake/folder*.py", "workflow/import_*.py")
"""What says sentences of these areas outside their packages."""


def files_below() -> list[Path]:
    """Modules outside the packages of these areas."""
    return [path for pattern in BELOW for path in DESKTOP.glob(pattern)]


def literal_keys() -> set[str]:
    """Keys written out in the code."""
    found = set()
    for path in (*(path for name in PACKAGES for path in (UI / name).glob("*.py")), *files_below()):
        found |= set(re.findall(r'"((?:viewer|reading|review|reports|importing)\.[a-z_.A-Z0-9]+)"', path.read_text()))
    return {key for key in found if not key.endswith(".")}


def command_ids() -> set[str]:
    """Ids that look like keys."""
    return {action.id for action in READING_ACTIONS} | {"viewer.more"}


def composed_keys() -> set[str]:
    """Keys put together from enums."""
    keys = {action.key for action in READING_ACTIONS}
    keys |= {f"reading.button.{name}" for names in _BUTTONS.values() for name in names if name != "back_to_film"}
    keys |= {f"reading.button.back_to.{kind.value}" for kind in StudyKind}
    keys |= {f"reading.modality.{modality.value}" for modality in Modality}
    keys |= {f"reading.sex.{sex.value}" for sex in Sex}
    keys |= {f"review.decision.{decision.value}" for decision in Decision}
    keys |= {f"review.why.{decision.value}" for decision in Decision}
    keys |= {f"review.row.{verdict.value}" for verdict in Verdict}
    keys |= {f"review.at_once.left.{why.value}" for why in LeftOut}
    keys |= {f"viewer.spacing.{source.value}" for source in SpacingSource}
    keys |= {f"viewer.hint.{tool.value}" for tool in Tool if tool.draws is not None and tool not in STEPS}
    keys |= {f"viewer.hint.{tool.value}_{step}" for tool, steps in STEPS.items() for step in range(1, steps + 1)}
    keys |= {f"viewer.colours.{table.value}" for table in ColourTable if table is not ColourTable.GREY}
    keys |= {f"viewer.value.{unit.value}" for unit in ValueUnit}
    keys |= {f"viewer.true_size.{screen}" for screen in ("measured", "reported")}
    keys |= {f"importing.status.{status.value}" for status in Status}
    keys |= {f"reports.language.{language}" for language in ("en", "zh", "both")}
    keys |= {f"reports.save.{format}.{part}" for format in ("pdf", "fhir") for part in ("title", "filter")}
    return keys


def fields(sentence: str) -> set[str]:
    """Names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", list(Language))
def test_every_key_has_a_sentence(language: Language) -> None:
    missing = (literal_keys() - command_ids() | composed_keys()) - set(catalogue(language))
    assert missing == set()


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_say_the_same_things(area: str) -> None:
    english, chinese = (
        json.loads((resource_folder() / "translations" / tag / f"{area}.json").read_text(encoding="utf-8"))
        for tag in ("en", "zh")
    )
    plain = {key for key in english if not key.endswith(".one")}
    assert plain == set(chinese)
    for key in plain:
        assert fields(english[key]) == fields(chinese[key]), key


@pytest.mark.parametrize("area", AREAS)
def test_no_sentence_is_left_over(area: str) -> None:
    used = literal_keys() | composed_keys()
    code = "".join(path.read_text() for package in PACKAGES for path in (UI / package).glob("*.py"))
    stems = set(re.findall(r'f"([a-z.]+)\.\{', code))
    keys = json.loads((resource_folder() / "translations" / "en" / f"{area}.json").read_text(encoding="utf-8"))
    unused = {
        key
        for key in keys
        if key not in used
        and key.removesuffix(".one") not in used
        and key.removesuffix(".advice") not in used
        and not any(key.startswith(f"{stem}.") for stem in stems)
    }
    assert unused == set()
