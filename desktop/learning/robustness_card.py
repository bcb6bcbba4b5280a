"""What a card and the limits in a manifest say of the losses after changes, see `robustness`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desktop.learning.robustness import FEWEST, PERMITTED, Lost, lost_rows

_POINTS = f"{100 * PERMITTED:.0f}"
_MANY = 0.2
"""Share refused from which on the card names the change."""


@dataclass(frozen=True)
class Cause:
    """A kind of change. starts: how a battery names such changes. en, zh: for the limits. advice: for the card."""

    starts: tuple[str, ...]
    en: str
    zh: str
    advice: str


_STILL = "Clean the skin, renew the electrodes, let the person lie warm and still, and record again."
_GAIN = "Set the recorder's gain so that the tallest waves fit, and record again."

CAUSES = (
    Cause(("white noise",), "a noisy trace", "心电信号有噪声", _STILL),
    Cause(("slow wander",), "a wandering trace", "基线漂移", _STILL),
    Cause(("tremor",), "muscle tremor or hum in the trace", "肌颤或工频干扰", _STILL),
    Cause(("low gain",), "a trace recorded with too little gain", "心电增益过低", _GAIN),
    Cause(("clipped",), "a clipped trace", "心电波形削顶", _GAIN),
    Cause(
        ("no contact",),
        "an electrode off for seconds",
        "电极接触中断",
        "Press the electrodes on and record again without a gap.",
    ),
    Cause(
        ("the first five seconds",),
        "a recording of five seconds only",
        "记录仅有五秒",
        "Record ten seconds at least.",
    ),
    Cause(("arm cables",), "exchanged arm cables", "左右手电极接反", "Look at the cables, and record again."),
    Cause(
        ("every number",),
        "numbers measured inexactly",
        "数值测量不准",
        "Measure again before relying on an answer that stands near its border.",
    ),
    Cause(
        ("one value", "the weightiest"),
        "a value left out",
        "缺少一项数值",
        "Measure what is missing; the answer says what weighs most.",
    ),
    Cause(
        ("phone through", "phone held"),
        "a phone held to the eyepiece",
        "用手机对着目镜拍摄",
        "Use the microscope's or the eye camera's own camera; a phone's picture is not what it learned from.",
    ),
    Cause(
        ("phone", "photograph of"),
        "a photograph of the picture taken with a phone",
        "用手机翻拍",
        "Give the file the machine wrote; where there is only a photograph, do not go by this model.",
    ),
    Cause(("noise",), "a grainy picture", "图像颗粒重", "Take it again with more light."),
    Cause(("blur", "out of focus"), "a blurred picture", "图像模糊", "Focus, hold still, and take it again."),
    Cause(
        ("gamma",),
        "another curve of greys",
        "灰阶曲线不同",
        "Give the file as the machine wrote it, without anybody's window or filter.",
    ),
    Cause(("exposure × 0", "lamp × 0", "darker by"), "a dark picture", "图像过暗", "Take it again with more exposure."),
    Cause(
        ("exposure × 1", "lamp × 1", "brighter"), "a bright picture", "图像过亮", "Take it again with less exposure."
    ),
    Cause(("darker towards",), "uneven light", "光照不均", "Centre the lamp, and take it again."),
    Cause(
        ("warm light", "yellow light", "stain", "paler"),
        "light or stain of another colour",
        "光线或染色偏色",
        "Set the white balance on an empty place, and stain as the source did.",
    ),
    Cause(("JPEG",), "strong lossy compression", "强有损压缩", "Export without loss; send none by messenger."),
    Cause(("turned",), "a leaning picture", "图像倾斜", "Set it straight first."),
    Cause(("half the pixels", "twice the pixels"), "other pixels", "像素数不同", "Give it unscaled."),
    Cause(("black frame", "stretched"), "a frame around or a squeezed picture", "有黑边或被拉伸", "Give it whole."),
)
"""In the order in which they are looked up."""


def cause_of(change: str) -> Cause:
    """The kind of a change. Raises ValueError for one that no cause describes: a card must say what to do about it."""
    for cause in CAUSES:
        if change.startswith(cause.starts):
            return cause
    raise ValueError(f"no cause tells what to do about {change!r}")


def section(figures: Mapping[str, Any], measure: str, drawn: str, more: str = "") -> str:
    """What may be lost, what is, and what to do; empty where nothing was measured.

    measure: what the points are points of. drawn: what the intervals draw with replacement. more: a sentence behind.
    """
    rows = lost_rows(figures.get("robustness", ()))
    if not rows:
        return ""
    told = list(dict.fromkeys(one.of for one in rows))
    lines = []
    for change in dict.fromkeys(one.change for one in rows):
        own = {one.of: one for one in rows if one.change == change}
        cells = " | ".join(_cell(own[of]) if of in own else "–" for of in told)
        refused = " / ".join(dict.fromkeys(f"{100 * one.refused:.1f} %" for one in own.values()))
        lines.append(f"| {change} | {refused} | {cells} |")
    return f"""## What may be lost

Permitted after each change: {_POINTS} points of {measure}. Lost of them, below 0 where something was gained, with 95 %
intervals by drawing {drawn} with replacement. What is refused after a change counts as nothing lost, for no answer is
given; how much that is stands beside it. A dash: not asked, or fewer than {FEWEST} of a kind, where one
would be so much.\
{f" {more}" if more else ""}

| change | refused | {" | ".join(told)} |
|---|---|{"---|" * len(told)}
{chr(10).join(lines)}

{_verdict(rows)}{_silent(rows)}"""


def _cell(one: Lost) -> str:
    if one.value is None:
        return "–"
    text = f"{_points(one.value)}{_range(one)}"
    return f"**{text}**" if one.beyond else text


def _points(value: float) -> str:
    return f"{100 * value + 0.0:+.1f}"


def _range(one: Lost) -> str:
    if one.low is None or one.high is None:
        return ""
    return f" ({_points(one.low)} to {_points(one.high)})"


def _verdict(rows: Sequence[Lost]) -> str:
    over = [one for one in rows if one.beyond]
    known = {one.of for one in rows if one.value is not None}
    if not known:
        return "There are too few cases to tell after any change."
    untold = dict.fromkeys(one.of for one in rows if one.of not in known)
    few = f" Too few to tell: {', '.join(untold)}." if untold else ""
    if not over:
        return f"Nothing loses more than {_POINTS} points after any change, as far as it can be told.{few}"
    lines = []
    for change in dict.fromkeys(one.change for one in over):
        own = [one for one in over if one.change == change]
        lost = ", ".join(f"{one.of} {_points(one.value or 0.0)}{_chance(one)}" for one in own)
        lines.append(f"- {change}: {lost}. {cause_of(change).advice}")
    rest = f"Otherwise nothing is, as far as it can be told.{few}"
    return "**Beyond what is permitted:**\n\n" + "\n".join([*lines, "", rest])


def _silent(rows: Sequence[Lost]) -> str:
    """Where nothing is lost because much is refused."""
    most: dict[str, float] = {}
    for one in rows:
        if one.refused >= _MANY:
            most[one.change] = max(one.refused, most.get(one.change, 0.0))
    told = ", ".join(f"{change} ({100 * share:.0f} %)" for change, share in most.items())
    return f"\n\nOne in five or more gets no answer after: {told}." if told else ""


def _chance(one: Lost) -> str:
    return " (perhaps by chance)" if one.perhaps_chance else ""


def limits(figures: Mapping[str, Any]) -> dict[str, str]:
    """A sentence on what loses more than is permitted, and not perhaps by chance, by language, with a space before it
    in English; empty where nothing does."""
    rows = lost_rows(figures.get("robustness", ()))
    over = [one.change for one in rows if one.beyond and not one.perhaps_chance]
    causes = list(dict.fromkeys(cause_of(change) for change in over))
    if not causes:
        return {"en": "", "zh": ""}
    english, chinese = ", ".join(one.en for one in causes), "、".join(one.zh for one in causes)
    return {
        "en": f" It errs clearly more often, by over {_POINTS} points, with: {english}.",
        "zh": f"在以下情况下，它明显更容易出错（超过 {_POINTS} 个百分点）：{chinese}。",
    }
