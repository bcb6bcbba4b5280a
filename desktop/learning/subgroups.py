"""Where a model does worse in a part of the people than in all of them together, so that it is withheld there.

A part fails where its whole 95 % interval lies below that of all together: what lies apart by chance alone does not. Of
very few cases no interval is to be trusted, so that nothing is said of such a part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desktop.learning.records import Json

FEWEST = 30
"""Cases; a part of fewer cannot fail: drawn again and again, a handful of people rank the same pairs."""
OLDEST = 150
"""Completed years; nobody is asked about who is older."""


@dataclass(frozen=True)
class Part:
    """Some of the people, or views. name: as the card calls it. conditions: as the manifest states what a clinic can
    know (`sex`, `age_years`, `view`), empty where it cannot, as for who collected the pictures."""

    name: str
    conditions: Mapping[str, Json]


def of_sex(name: str, sex: str) -> Part:
    """sex: female or male."""
    return Part(name, {"sex": sex})


def of_ages(name: str, minimum: int, maximum: int) -> Part:
    """Completed years, both inclusive."""
    return Part(name, {"age_years": {"minimum": minimum, "maximum": maximum}})


def of_view(name: str, view: str) -> Part:
    """view: DICOM ViewPosition."""
    return Part(name, {"view": view.upper()})


def of_age_words(names: Sequence[str], *, up_to: str, over: str) -> list[Part]:
    """Parts named by the ages they end with, such as "up to 35", "up to 50" and "over 50": each begins where the one
    before ends. up_to, over: what stands before the years."""
    ends = sorted(int(name[len(up_to) :].split()[0]) for name in names if name.startswith(up_to))
    found = []
    for name in names:
        if name.startswith(up_to):
            end = int(name[len(up_to) :].split()[0])
            begin = max((one + 1 for one in ends if one < end), default=0)
            found.append(of_ages(name, begin, end))
        elif name.startswith(over):
            found.append(of_ages(name, int(name[len(over) :].split()[0]) + 1, OLDEST))
    return found


def of_origin(name: str) -> Part:
    """Whose pictures they are: a clinic's own are nobody's of the data, so what fails there fails everywhere."""
    return Part(name, {})


@dataclass(frozen=True)
class Failed:
    """A part in which a finding is told worse. areas: under the ROC curve with their intervals, `value`, `low`, `high`,
    in the part and in all together."""

    finding: str
    part: Part
    area: Mapping[str, Any]
    whole: Mapping[str, Any]


def failed_parts(
    finding: str, whole: Mapping[str, Any] | None, parts: Sequence[tuple[Part, Mapping[str, Any] | None]]
) -> list[Failed]:
    """Those that do. whole, parts: as `statistics.interval` writes them: None, or without bounds, where there are too
    few to say."""
    if whole is None or whole["low"] is None:
        return []
    return [
        Failed(finding, part, area, whole)
        for part, area in parts
        if area is not None and area["n"] >= FEWEST and area["high"] is not None and area["high"] < whole["low"]
    ]


def with_withheld(manifest: Mapping[str, Any], failed: Sequence[Failed]) -> dict[str, Any]:
    """The manifest, saying of each finding where it is withheld, and nothing of what was withheld before."""
    findings = []
    for spec in manifest["findings"]:
        said = {name: value for name, value in spec.items() if name != "withheld"}
        own = [{"part": one.part.name, **one.part.conditions} for one in failed if one.finding == spec["key"]]
        findings.append(said | {"withheld": own} if own else said)
    return {**manifest, "findings": findings}


def withheld_text(failed: Sequence[Failed]) -> str:
    """The card's paragraph."""
    rule = (
        f"A part of {FEWEST} cases or more in which the 95 % interval of a finding lies wholly below that of all "
        "together fails. There the program shows the probability and decides nothing; "
        "where a clinic cannot know whether its own pictures belong to such a part, it decides nothing of that "
        "finding at all."
    )
    if not failed:
        return f"{rule} No part failed."
    rows = "\n".join(
        f"| {one.finding} | {one.part.name} | {_area(one.area)} | {_area(one.whole)} "
        f"| {'there' if one.part.conditions else 'everywhere'} |"
        for one in failed
    )
    return f"{rule}\n\n| finding | part | AUC there | AUC of all | withheld |\n|---|---|---|---|---|\n{rows}"


def _area(area: Mapping[str, Any]) -> str:
    return f"{area['value']:.2f} ({area['low']:.2f}–{area['high']:.2f})"
