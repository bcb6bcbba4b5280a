"""The words about how pictures hang, and the one way a choice is remembered."""

from dataclasses import replace

from desktop.records import ImagingStudy
from desktop.settings import OwnLayout
from desktop.ui.context import UiContext
from desktop.ui.reading.hanging import Occasion, learned, own_layout, taken

_MONTH, _YEAR = 61, 730
"""Days up to which days are counted, and months."""


def elapsed_words(context: UiContext, now: ImagingStudy, other: ImagingStudy) -> str:
    """How long before or after another study was taken."""
    days = (taken(now) - taken(other)).days
    if days == 0:
        return context.tr("compare.same_day")
    span = abs(days)
    if span < _MONTH:
        unit, count = "days", span
    elif span < _YEAR:
        unit, count = "months", round(span / 30.44)
    else:
        unit, count = "years", round(span / 365.25)
    key = f"compare.{'earlier' if days > 0 else 'later'}.{unit}"
    return context.tr(f"{key}.one" if count == 1 else key, count=count)


def sight_words(context: UiContext, kind: str, part: str, earlier: bool) -> str:
    """Which pictures a layout is for, such as `X-ray · Chest · with an earlier one`."""
    modality = f"reading.modality.{kind.upper()}"
    kinds = context.tr("hanging.kind.x_ray") if kind == "x_ray" else kind.upper()
    if kind != "x_ray" and context.has_text(modality):
        kinds = context.tr(modality)
    body = f"reading.body.{part.lower()}"
    parts = context.tr(body) if part and context.has_text(body) else part
    words = [kinds, parts or context.tr("hanging.part.unknown")]
    words.append(context.tr("hanging.with_earlier" if earlier else "hanging.alone"))
    return " · ".join(words)


def remember(context: UiContext, choice: OwnLayout) -> None:
    """Keep how somebody hung this kind of picture; said once, when it is the first time."""
    own = context.settings.own_layouts
    before = own_layout(own, choice.user, Occasion(choice.kind, choice.part, choice.earlier))
    if before == choice:
        return
    context.change_settings(replace(context.settings, own_layouts=learned(own, choice)))
    if before is None:
        words = sight_words(context, choice.kind, choice.part, choice.earlier)
        context.toast(context.tr("hanging.remembered", sight=words))
