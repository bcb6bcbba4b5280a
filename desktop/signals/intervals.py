"""PR, QRS and QT on the average beat of a trace, each refused in words where it cannot be told.

QRS: begin and end of the spatial velocity (the leads' slopes taken together), so the earliest beginning and latest end
over the leads, as the common standards for measuring electrocardiographs (IEC 60601-2-25) want. T end: the tangent to
the steepest part of the T wave's last limb, where it meets the baseline; the median over the leads that show a T wave.
P: the wave that stands out before the QRS complex in every beat, begin where its slope begins.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.signals.average import AverageBeat
from desktop.signals.filters import Rows, low_pass

Curve = npt.NDArray[np.float64]

QRS_METHOD = "spatial velocity, all good leads"
QT_METHOD = "QRS onset to T end by tangent, median of leads"
PR_METHOD = "P onset to QRS onset, average beat"


@dataclass(frozen=True)
class Fiducials:
    """Where the waves of the average beat lie, in ms from its R peak (before it: negative); None where not found.

    reason_*: the key of the sentence that says why.
    """

    p_onset: float | None = None
    qrs_onset: float | None = None
    qrs_end: float | None = None
    t_end: float | None = None
    p_reason: str = ""
    qrs_reason: str = ""
    t_reason: str = ""


def fiducials(beat: AverageBeat) -> Fiducials:
    """Find the waves of an average beat."""
    begin, end = _qrs(beat)
    if begin is None or end is None:
        why = "ecg.cannot.qrs"
        return Fiducials(p_reason=why, qrs_reason=why, t_reason=why)
    t_end, t_reason = _t_end(beat, begin, end)
    p_onset, p_reason = _p_onset(beat, begin)
    return Fiducials(
        p_onset=_ms(beat, p_onset),
        qrs_onset=_ms(beat, begin),
        qrs_end=_ms(beat, end),
        t_end=_ms(beat, t_end),
        p_reason=p_reason,
        t_reason=t_reason,
    )


def _ms(beat: AverageBeat, place: float | None) -> float | None:
    return None if place is None else (place - beat.r) * 1000.0 / beat.rate


# QRS

_VELOCITY_WINDOW = 0.012
_QRS_REACH = (0.16, 0.20)
_QRS_CORE, _QRS_QUIET, _QRS_NOISIEST = 0.20, 0.03, 0.05
_QUIET_SECONDS = (0.010, 0.014)
_QRS_BOUNDS = (0.040, 0.240)


def _qrs(beat: AverageBeat) -> tuple[int | None, int | None]:
    """First and last sample of the QRS complex."""
    velocity = _velocity(low_pass(beat.rows, beat.rate, 100.0), beat.rate)
    left, right = beat.r - round(_QRS_REACH[0] * beat.rate), beat.r + round(_QRS_REACH[1] * beat.rate)
    if left < 0 or right >= velocity.size:
        return None, None
    top = float(velocity[left:right].max())
    rest = float(np.percentile(velocity, 20))
    quiet = max(_QRS_QUIET * top, 3.0 * rest)
    if not top > 0 or quiet > _QRS_NOISIEST * top:
        return None, None
    core = left + np.flatnonzero(velocity[left:right] > _QRS_CORE * top)
    begin = _first_quiet(velocity, int(core[0]), -1, quiet, round(_QUIET_SECONDS[0] * beat.rate), left)
    end = _first_quiet(velocity, int(core[-1]), 1, quiet, round(_QUIET_SECONDS[1] * beat.rate), right)
    if begin is None or end is None:
        return None, None
    # The slope is taken over a window, so it shows half of that before and after the wave itself.
    half = round(_VELOCITY_WINDOW * beat.rate / 4)
    width = (end - begin - 2 * half) / beat.rate
    if not _QRS_BOUNDS[0] <= width <= _QRS_BOUNDS[1]:
        return None, None
    return begin + half, end - half


def _velocity(rows: Rows, rate: float) -> Curve:
    """Root mean square over the leads of their slope, each lead in its own usual size of QRS."""
    step = max(1, round(_VELOCITY_WINDOW * rate / 2))
    slopes = np.zeros_like(rows)
    slopes[:, step:-step] = rows[:, 2 * step :] - rows[:, : -2 * step]
    return np.asarray(np.sqrt((slopes**2).mean(axis=0)))


def _first_quiet(curve: Curve, start: int, step: int, quiet: float, long: int, limit: int) -> int | None:
    """Where a curve first stays below `quiet` for `long` samples, going from `start`; the near end of that stretch."""
    still = 0
    place = start
    while place != limit:
        still = still + 1 if curve[place] < quiet else 0
        if still >= long:
            return place - step * (still - 1)
        place += step
    return None


# T

_T_AFTER_QRS, _T_LONGEST = 0.04, 0.62
_T_LEAST_MV, _T_LEAST_NOISES = 0.05, 4.0
_T_LAST_WAVE = 0.5
_T_SPREAD = 0.040


def _t_end(beat: AverageBeat, begin: int, end: int) -> tuple[float | None, str]:
    """The end of the T wave, and where there is none the key of the reason."""
    rate = beat.rate
    rows = low_pass(beat.rows, rate, 20.0)
    first = end + round(_T_AFTER_QRS * rate)
    last = min(begin + round(_T_LONGEST * rate), beat.next_p, rows.shape[1] - 1)
    if last - first < round(0.1 * rate):
        return None, "ecg.cannot.t_covered"
    level = rows[:, max(0, begin - round(0.04 * rate)) : max(1, begin - round(0.008 * rate))].mean(axis=1)
    height = np.abs(rows[:, first:last] - level[:, None]).max(axis=1)
    least = np.maximum(_T_LEAST_NOISES * beat.noise, _T_LEAST_MV if beat.calibrated else 0.04 * beat.qrs_size)
    ends = [
        found
        for row in np.flatnonzero(height > least)
        if (found := _tangent_end(rows[row] - level[row], first, last, rate)) is not None
    ]
    if len(ends) < max(1, math.ceil(0.25 * len(rows))):
        return None, "ecg.cannot.t_flat"
    middle = float(np.median(ends))
    if float(np.median(np.abs(np.array(ends) - middle))) > _T_SPREAD * rate:
        return None, "ecg.cannot.t_unclear"
    return middle, ""


def _tangent_end(curve: Curve, first: int, last: int, rate: float) -> float | None:
    """Where the tangent to the steepest part of the last limb of the T wave meets the baseline (0)."""
    part = curve[first:last]
    inner = np.flatnonzero((np.abs(part[1:-1]) >= np.abs(part[:-2])) & (np.abs(part[1:-1]) > np.abs(part[2:]))) + 1
    if not inner.size:
        return None
    heights = np.abs(part[inner])
    top = int(inner[np.flatnonzero(heights >= _T_LAST_WAVE * heights.max())[-1]])
    sign = 1.0 if part[top] > 0 else -1.0
    limb = sign * part[top : top + round(0.20 * rate)]
    below = np.flatnonzero(limb <= 0)
    limb = limb[: below[0] + 1] if below.size else limb
    if limb.size < 5:
        return None
    slope = np.gradient(limb)
    steepest = int(np.argmin(slope))
    if not slope[steepest] < 0:
        return None
    place = first + top + steepest + limb[steepest] / -slope[steepest]
    return float(place) if place <= last + 0.06 * rate else None


# P

_P_LONGEST_PR, _P_SHORTEST_PR = 0.36, 0.06
_P_LEAST_MV, _P_LEAST_NOISES = 0.02, 4.0
_P_SAME = 0.6
_P_SLOPE_BEGINS = 0.08


def _p_onset(beat: AverageBeat, begin: int) -> tuple[float | None, str]:
    """The beginning of the P wave before a QRS complex that begins there, and else the key of the reason."""
    rate = beat.rate
    first = max(begin - round(_P_LONGEST_PR * rate), beat.previous_t, 0)
    last = begin - round(0.012 * rate)
    if last - first < round(0.08 * rate):
        return None, "ecg.cannot.p_covered"
    single = low_pass(beat.beats.astype(np.float64), rate, 30.0)[:, :, first:last]
    single -= _line(single)
    rows = np.median(single, axis=0)
    size = np.sqrt((rows**2).mean(axis=0))
    top = int(np.argmax(size))
    scatter = 1.4826 * np.median(np.abs(single - rows), axis=0)
    noise = 1.25 * float(np.sqrt((scatter**2).mean())) / math.sqrt(len(single))
    least = max(_P_LEAST_NOISES * noise, _P_LEAST_MV if beat.calibrated else 0.0)
    if size[top] < least or _likeness(single, rows) < _P_SAME:
        return None, "ecg.cannot.no_p_wave"
    onset = _slope_begins(size, top, rate)
    if onset is None:
        return None, "ecg.cannot.p_covered"
    pr = (begin - first - onset) / rate
    return (first + onset, "") if _P_SHORTEST_PR <= pr <= _P_LONGEST_PR else (None, "ecg.cannot.no_p_wave")


def _line(rows: Rows) -> Rows:
    """The straight line from the first to the last stretch along the last axis: what the P wave stands on."""
    edge = max(2, rows.shape[-1] // 10)
    left, right = rows[..., :edge].mean(axis=-1, keepdims=True), rows[..., -edge:].mean(axis=-1, keepdims=True)
    return np.asarray(left + (right - left) * np.linspace(0.0, 1.0, rows.shape[-1]))


def _likeness(single: Rows, pattern: Rows) -> float:
    """How much single beats resemble the average: the mean correlation, all leads taken together. Small for what does
    not belong to the beat, as the waves of atrial fibrillation. single: (beats, leads, samples)."""
    lengths = np.sqrt((single**2).sum(axis=(1, 2)) * (pattern**2).sum())
    products = (single * pattern).sum(axis=(1, 2))
    return float(np.mean(products[lengths > 0] / lengths[lengths > 0])) if (lengths > 0).any() else 0.0


def _slope_begins(size: Curve, top: int, rate: float) -> int | None:
    """Going back from the top, where the slope falls under a share of its steepest before the top."""
    back = max(0, top - round(0.12 * rate))
    slope = np.gradient(size)
    steepest = back + int(np.argmax(slope[back : top + 1]))
    if not slope[steepest] > 0:
        return None
    place = steepest
    while place > 0 and slope[place] > _P_SLOPE_BEGINS * slope[steepest]:
        place -= 1
    return place if place > 0 else None
