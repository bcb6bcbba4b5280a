"""The words on an ECG page, in the window's language."""

from desktop.records import MILLIVOLT, Recording
from desktop.signals.measure import EcgMeasurements, Measured
from desktop.ui.context import UiContext
from desktop.ui.viewers.ecg_screen import ScreenScale
from desktop.ui.viewers.ecg_source import EcgSource
from desktop.ui.viewers.ecg_state import Caliper, EcgFilter, EcgLayout, EcgView

_STATEMENTS_SHOWN = 6


def lead_words(context: UiContext, source: EcgSource, row: int) -> str:
    """A lead's name; a star where it was calculated, its unit where that is not mV."""
    lead = source.trace.leads[row]
    if lead.name in source.calculated:
        return f"{lead.name}*"
    if lead.unit == MILLIVOLT:
        return lead.name
    return context.tr("ecg.own_scale", lead=lead.name, unit=lead.unit or context.tr("ecg.no_unit"))


def foot_words(context: UiContext, view: EcgView, source: EcgSource, scale: ScreenScale, shown: float) -> str:
    """Speed, gain, filters and scale: everything needed to read a height or a width off the page.

    shown: how large the page is, as a share of true size.
    """
    tr = context.tr
    parts = [tr("ecg.speed", value=_plain(view.speed)), tr("ecg.gain", value=_plain(view.gain))]
    parts.append(filter_words(context, view))
    if (recorder := recorder_filter(context, source)) != "":
        parts.append(recorder)
    if source.calculated and view.layout is not EcgLayout.BEATS:
        parts.append(tr("ecg.calculated", leads=", ".join(source.calculated)))
    if shown > 1:
        parts.append(tr("ecg.enlarged"))
    elif shown < 0.995:
        parts.append(tr("ecg.reduced", percent=round(100 * shown)))
    else:
        parts.append(tr(f"ecg.scale.{scale.source.value}"))
    if any(lead.is_ecg and not lead.calibrated for lead in source.trace.leads):
        parts.append(tr("ecg.uncalibrated"))
    return " · ".join(parts)


def filter_words(context: UiContext, view: EcgView) -> str:
    """The filters in use, by their limits."""
    words = context.tr(f"ecg.filter.{view.filter.value}")
    return f"{words} + {context.tr('ecg.notch', value=_plain(view.mains))}" if view.mains is not None else words


def recorder_filter(context: UiContext, source: EcgSource) -> str:
    """What the recorder says it filtered, where all leads agree."""
    said = {(lead.low_hz, lead.high_hz) for lead in source.trace.leads if lead.is_ecg}
    low, high = said.pop() if len(said) == 1 else (None, None)
    if low is None or high is None:
        return ""
    return context.tr("ecg.recorder_filter", low=_plain(low), high=_plain(high))


def measurement_words(context: UiContext, measured: EcgMeasurements) -> str:
    """Rate and intervals with their methods; a dash stands for what cannot be measured."""
    tr = context.tr
    parts = [tr("ecg.measured.rate", value=_value(measured.rate))]
    parts += [
        tr(f"ecg.measured.{name}", value=_value(number))
        for name, number in (("pr", measured.pr), ("qrs", measured.qrs), ("qt", measured.qt))
    ]
    parts.append(tr("ecg.measured.qtc", bazett=_value(measured.qtc_bazett), fridericia=_value(measured.qtc_fridericia)))
    return "   ".join(parts)


def method_words(context: UiContext, measured: EcgMeasurements) -> str:
    """How it was measured, what was refused and why, which leads were left out."""
    tr = context.tr
    parts = []
    if measured.beat is not None:
        parts.append(tr("ecg.method", count=measured.beat.used))
    named = (("PR", measured.pr), ("QRS", measured.qrs), ("QT", measured.qt))
    reasons: dict[str, list[str]] = {}
    for name, number in named:
        if number.reason:
            reasons.setdefault(number.reason, []).append(name)
    parts += [tr("ecg.cannot", what=", ".join(names), why=tr(reason)) for reason, names in reasons.items()]
    left_out = [quality for quality in measured.lead_states if not quality.weight > 0]
    if left_out:
        words = ", ".join(f"{quality.name} ({tr(f'ecg.lead.{quality.state.value}')})" for quality in left_out)
        parts.append(tr("ecg.left_out", leads=words))
    return "  ".join(parts)


def recorder_words(context: UiContext, recording: Recording) -> str:
    """What the recorder itself wrote, at most a few words of it."""
    said = [f"{one.name} {one.value} {one.unit}".strip() if one.name else one.value for one in recording.statements]
    if not said:
        return ""
    more = " …" if len(said) > _STATEMENTS_SHOWN else ""
    return context.tr("ecg.recorder", words=" · ".join(said[:_STATEMENTS_SHOWN]) + more)


def caliper_words(context: UiContext, caliper: Caliper, view: EcgView) -> str:
    """The distance in ms and as a rate, and the height in mV."""
    tr = context.tr
    milliseconds = 1000 * caliper.seconds
    words = tr("ecg.caliper.time", value=round(milliseconds))
    if milliseconds >= 1:
        words += "  " + tr("ecg.caliper.rate", value=round(60_000 / milliseconds))
    if caliper.heights is not None:
        height = abs(caliper.heights[1] - caliper.heights[0]) / view.gain
        words += "  " + tr("ecg.caliper.height", value=f"{height:.2f}")
    return words


def filter_name(context: UiContext, choice: EcgFilter) -> str:
    """A filter in the list of filters."""
    return context.tr(f"ecg.filter.{choice.value}")


def _value(number: Measured) -> str:
    return "–" if number.value is None else f"{number.value:.0f}"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
