"""Runs of early beats: how a fast stretch began and ended, and what beats that come alike say of each other."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NAMES = (
    "run_depth", "run_onset", "run_place", "run_length", "run_spread", "run_end", "run_mean", "run_depth_back",
    "run_onset_back", "run_place_back",
)  # fmt: skip  # a list reads better with several to a line
"""Names of the numbers, in order."""

_DROP, _STAY, _USUAL = 0.12, 0.06, 5
"""A run begins with an interval an eighth shorter than the median of the five before it, and lasts while intervals stay
shorter than that; logarithms."""

_NEAR, _SAME, _SHARED = 30, 0.1, 0.8


@dataclass(frozen=True, eq=False)
class _Runs:
    """All (intervals,), nothing outside runs. depth: how much shorter than before the run; onset: the same of the run's
    first interval; place: in the run, from 1; first: index of the run's first, -1 outside."""

    depth: Floats
    onset: Floats
    place: Floats
    first: npt.NDArray[np.int64]


def run_numbers(when: Floats) -> list[Floats]:
    """Columns (beats,) as in NAMES. when: seconds of at least two beats.

    A sinus node that speeds up does so gradually; a run of supraventricular or ventricular beats begins and ends with a
    step, however long it lasts.
    """
    rr = np.diff(when)
    logs = np.log(np.concatenate([[np.median(rr)], rr]))
    ahead, back = _runs(logs), _runs(logs[::-1])
    length, spread, end, mean = (np.zeros(len(logs)) for _ in range(4))
    for first in np.unique(ahead.first[ahead.first >= 0]):
        inside = np.flatnonzero(ahead.first == first)
        length[inside], spread[inside] = len(inside), logs[inside].std()
        end[inside] = logs[min(len(logs) - 1, inside[-1] + 1)] - logs[inside[-1]]
        mean[inside] = ahead.depth[inside].mean()
    behind = (back.depth[::-1], back.onset[::-1], np.log1p(back.place[::-1]))
    return [ahead.depth, ahead.onset, np.log1p(ahead.place), np.log1p(length), spread, end, mean, *behind]


def _runs(logs: Floats) -> _Runs:
    count = len(logs)
    depth, onset, place, first = np.zeros(count), np.zeros(count), np.zeros(count), np.full(count, -1)
    usual = [float(np.median(logs[max(0, at - _USUAL) : at])) for at in range(1, min(_USUAL, count))]
    if count > _USUAL:
        usual += np.median(np.lib.stride_tricks.sliding_window_view(logs[:-1], _USUAL), axis=1).tolist()
    began, before = -1, 0.0
    for at, of_late in enumerate(usual, start=1):
        if began < 0 or logs[at] >= before - _STAY:
            began, before = (at, of_late) if of_late - logs[at] > _DROP else (-1, 0.0)
        if began >= 0:
            depth[at], onset[at] = before - logs[at], before - logs[began]
            place[at], first[at] = at - began + 1, began
    return _Runs(depth, onset, place, first)


def told_alike(when: Floats, logits: Floats) -> Floats:
    """(beats,) log-odds that each beat learned from those near it that came after nearly the same interval.

    when: seconds of the beats; logits: (beats,). A beat that comes as its neighbours come is what they are: what a
    network says of each changes from beat to beat more than the heart does. A beat that came like none near it keeps
    its own; one with many like it takes four fifths of theirs.
    """
    count = len(when)
    if count < 3:
        return logits
    rr = np.diff(when)
    logs = np.log(np.concatenate([rr[:1], rr]))
    total, many = np.zeros(count), np.zeros(count)
    for apart in range(1, min(_NEAR, count - 1) + 1):
        alike = np.abs(logs[apart:] - logs[:-apart]) < _SAME
        total[apart:] += alike * logits[:-apart]
        total[:-apart] += alike * logits[apart:]
        many[apart:] += alike
        many[:-apart] += alike
    weight = _SHARED * many / (many + 1)
    return np.asarray((1 - weight) * logits + weight * total / np.maximum(many, 1))
