"""What a picture model's card says of goals for each place, and of the learning curve that tells places apart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from desktop.learning.card_words import figure
from desktop.learning.learning_curve import RISES, CurvePoint, curve_table
from desktop.learning.picture_sets import PictureSet


def goals(wanted: PictureSet, figures: Mapping[str, Any]) -> str:
    """Which goals of single places were reached, with the figures; empty where there are none."""
    told = [
        f"- {name}: {goal:.2f} was wanted, {figure(one['all_pairs'])} on {one['n']} pictures, "
        f"{'reached' if reached else 'not reached; see the learning curve below'}."
        for name, goal, one, reached in _goals(wanted, figures)
    ]
    if not told:
        return ""
    return """

The goals, place by place, over all pairs of pictures there, also those of which two regressions each rank one. Below,
by part of the data, only pairs that the same regression ranks are counted; where there are few pictures these are so
few that their area is mostly chance.

""" + "\n".join(told)


def _goals(wanted: PictureSet, figures: Mapping[str, Any]) -> Iterator[tuple[str, float, Mapping[str, Any], bool]]:
    """Measure, goal, figures and whether they reach it, of each place that can be judged."""
    for finding in wanted.findings:
        by = figures["findings"].get(finding.key, {}).get("by", {})
        for name, goal in finding.goals.items():
            one = by.get(name)
            if one is not None and one.get("all_pairs") is not None:
                yield f"{finding.key}, {name}", goal, one, one["all_pairs"]["value"] >= goal


def section(wanted: PictureSet, figures: Mapping[str, Any], points: Sequence[CurvePoint]) -> str:
    """The learning curve; empty where the set draws none place by place."""
    if wanted.lines is None:
        return ""
    if len(points) < 2:
        return "## Learning curve\n\nNone: there are too few people to learn from fewer of them."
    return f"""## Learning curve

The same regressions, learned from a share of the people of each place (smaller shares within larger ones), as far as
they are not of the part that is judged, and judged on the same pictures; the last line is the model's own. Area under
the ROC curve over all pairs of pictures of a place.

{curve_table(points, "people")}

{_verdict(wanted, figures, points)}"""


def _verdict(wanted: PictureSet, figures: Mapping[str, Any], points: Sequence[CurvePoint]) -> str:
    """What the curve shows, in words."""
    half, whole = points[-2], points[-1]
    missed = {name: (goal, one["all_pairs"]) for name, goal, one, reached in _goals(wanted, figures) if not reached}
    told = []
    for name, area in whole.figures.items():
        gain = area - half.figures[name]
        shown = "it still rises, so more people should help" if gain >= RISES else "it is flat"
        short = ""
        if name in missed:
            goal, found = missed[name]
            short = f" The goal of {goal:.2f} was missed there{_within(found, gain)}."
        told.append(f"- {name}: {gain:+.3f} from {half.share} % to {whole.share} % of the people; {shown}.{short}")
    return "\n".join(told)


def _within(found: Mapping[str, Any], gain: float) -> str:
    """That so few people may show such a step by chance, where they may. found: a figure with its interval."""
    if found["low"] is None or found["high"] - found["low"] <= 2 * abs(gain):
        return ""
    return f", and the figure's own interval ({found['low']:.2f}–{found['high']:.2f}) is wider than such a step"
