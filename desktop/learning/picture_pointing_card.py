"""What the card of a picture model, and the limits in its manifest, say of where its maps point."""

from collections.abc import Mapping
from typing import Any

from desktop.learning.card_words import share
from desktop.learning.picture_pointing import points_nowhere as _points_nowhere
from desktop.learning.picture_sets import PictureSet


def points_nowhere(figures: Mapping[str, Any]) -> bool:
    """Whether of some finding the maps were shown to point no better than what looks at no picture."""
    return bool(_weak(figures))


def _weak(figures: Mapping[str, Any]) -> list[str]:
    """Those findings."""
    return [key for key, one in figures.get("pointing", {}).items() if one is not None and _points_nowhere(one)]


def limits(wanted: PictureSet, figures: Mapping[str, Any]) -> dict[str, str]:
    """A sentence beside an answer, by language, each with the space before it; empty where there is nothing to say."""
    said = {"en": "", "zh": ""}
    names = {one.key: one.name for one in wanted.findings}
    for key in _weak(figures):
        hits, chance = figures["pointing"][key]["hits"], 100 * figures["pointing"][key]["chance"]
        count = round(hits["value"] * hits["n"])
        said["en"] += (
            f" Where radiologists had drawn {names[key]['en'].lower()}, the overlay pointed into their box on {count} "
            f"of {hits['n']} films (blindly it would be {chance:.0f} %): do not go by it."
        )
        said["zh"] += (
            f"在放射科医生标出{names[key]['zh']}的 {hits['n']} 张胸片中，热区最高处落在标注框内的只有 {count} 张"
            f"（随意指认约为 {chance:.0f}%），请勿据此判断。"
        )
    return said


def section(wanted: PictureSet, figures: Mapping[str, Any]) -> str:
    """The card's section; empty where nobody drew boxes."""
    found = figures.get("pointing", {})
    if not found:
        return ""
    rows = "\n".join(
        f"| {key} | {one['hits']['n']} / {one['people']} | {share(one['hits'])} | {100 * one['chance']:.1f} % | "
        f"{share(one['middle'])} | {share(one['usual'])} | {share(one['seen'])} |"
        for key, one in found.items()
        if one is not None
    )
    without = ", ".join(key for key, one in found.items() if one is None)
    beside = f"\n\nAlso drawn, but there is no map of what it does not speak of: {without}." if without else ""
    weak = _weak(figures)
    verdict = (
        f"\n\n**Do not go by the map.** For {', '.join(weak)} it is not shown to point better than the best of the "
        "three, none of which\nlooks at the film. The program says so over the picture, and shows no map unasked."
        if weak
        else ""
    )
    return f"""## Whether the map points there

The pointing game (Zhang et al., IJCV 126:1084, 2018): the share of pictures whose map, that of the network that never
saw the patient, is highest inside the box a person drew, without any tolerance. Beside it a place chosen by chance, the
picture's middle, and the place where most boxes of other people lie. Seen at all: the map was strong enough to show.

| finding | pictures / people | in the box | by chance | the middle | the usual place | seen at all |
|---|---|---|---|---|---|---|
{rows}{verdict}{beside}"""
