"""What a key does to an ECG page: each command is a pure step from one `EcgView` to the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from desktop.records import Trace
from desktop.ui.viewers.ecg_state import (
    GAINS,
    MAINS,
    SPEEDS,
    Caliper,
    EcgFilter,
    EcgLayout,
    EcgView,
    Page,
    clamped,
    next_rhythm_lead,
)

_STEP = 0.2
"""Seconds of one press: a large square at 25 mm/s."""


@dataclass(frozen=True)
class Around:
    """What a command may need besides the view."""

    trace: Trace
    page: Page


Command = Callable[[EcgView, Around], EcgView]


def _layout(layout: EcgLayout, view: EcgView, _around: Around) -> EcgView:
    return replace(view, layout=layout)


def _speed(view: EcgView, _around: Around) -> EcgView:
    return replace(view, speed=SPEEDS[(SPEEDS.index(view.speed) + 1) % len(SPEEDS)])


def _gain(by: int, view: EcgView, _around: Around) -> EcgView:
    return replace(view, gain=GAINS[min(max(GAINS.index(view.gain) + by, 0), len(GAINS) - 1)])


def _filter(view: EcgView, _around: Around) -> EcgView:
    every = list(EcgFilter)
    return replace(view, filter=every[(every.index(view.filter) + 1) % len(every)])


def _mains(view: EcgView, _around: Around) -> EcgView:
    return replace(view, mains=MAINS[(MAINS.index(view.mains) + 1) % len(MAINS)])


def _scroll(steps: float, view: EcgView, around: Around) -> EcgView:
    return clamped(replace(view, start=view.start + steps * _STEP), around.trace, around.page.seconds)


def _page(by: int, view: EcgView, around: Around) -> EcgView:
    return clamped(replace(view, start=view.start + by * around.page.seconds), around.trace, around.page.seconds)


def _end(view: EcgView, around: Around) -> EcgView:
    return clamped(replace(view, start=around.trace.seconds), around.trace, around.page.seconds)


def _caliper(view: EcgView, around: Around) -> EcgView:
    if view.caliper is not None:
        return replace(view, caliper=None, march=False)
    middle, reach = view.start + around.page.seconds / 2, min(0.4, around.page.seconds / 4)
    return replace(view, caliper=Caliper((middle - reach, middle + reach)))


def _with_caliper(change: Callable[[Caliper], Caliper], view: EcgView, _around: Around) -> EcgView:
    return replace(view, caliper=change(view.caliper)) if view.caliper is not None else view


def _march(view: EcgView, around: Around) -> EcgView:
    if view.caliper is None:
        view = _caliper(view, around)
    return replace(view, march=not view.march)


def _rhythm(view: EcgView, around: Around) -> EcgView:
    return replace(view, rhythm=next_rhythm_lead(around.trace, view.rhythm))


ECG_COMMANDS: Mapping[str, Command] = {
    "ecg.layout_3x4": partial(_layout, EcgLayout.THREE_BY_FOUR),
    "ecg.layout_6x2": partial(_layout, EcgLayout.SIX_BY_TWO),
    "ecg.layout_12x1": partial(_layout, EcgLayout.TWELVE_BY_ONE),
    "ecg.layout_beats": partial(_layout, EcgLayout.BEATS),
    "ecg.speed": _speed,
    "ecg.gain_up": partial(_gain, 1),
    "ecg.gain_down": partial(_gain, -1),
    "ecg.filter": _filter,
    "ecg.mains": _mains,
    "ecg.true_size": lambda view, _around: replace(view, fitted=not view.fitted),
    "ecg.marks": lambda view, _around: replace(view, marks=not view.marks),
    "ecg.rhythm_lead": _rhythm,
    "ecg.caliper": _caliper,
    "ecg.swap": partial(_with_caliper, Caliper.swapped),
    "ecg.march": _march,
    "ecg.forward": partial(_scroll, 1),
    "ecg.back": partial(_scroll, -1),
    "ecg.page_forward": partial(_page, 1),
    "ecg.page_back": partial(_page, -1),
    "ecg.begin": lambda view, _around: replace(view, start=0.0),
    "ecg.end": _end,
}
