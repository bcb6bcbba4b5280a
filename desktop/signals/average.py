"""The average of the beats that look alike: noise falls with their number, waves stay."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.records import MILLIVOLT, Trace
from desktop.signals.beats import Places
from desktop.signals.filters import Rows, low_pass, notch
from desktop.signals.leads import LeadQuality, usable_rows

LEAST_BEATS = 3
FINE_RATE = 1000.0
_BEFORE, _AFTER = 0.45, 0.75
_MOST_BEATS = 120
_ALIKE = 0.85
_MAINS_STANDS_OUT = 6.0
_ALIGN = 0.03
_LEVEL = (0.100, 0.070)
_NOISE_HZ = 40.0

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AverageBeat:
    """The median of the beats of the commonest shape.

    rows: (good leads, samples) at `rate`, in the leads' unit, without wander and mains; names: of those leads.
    r: the sample of the R peak. noise: (good leads,) standard error of the median below 40 Hz. qrs_size: (good leads,)
    peak to peak of the QRS complex. used: beats it is made of; beats: (used, good leads, samples) each of them.
    previous_t, next_p: samples before and after which the neighbouring beats' waves lie.
    """

    rows: Rows
    names: tuple[str, ...]
    rate: float
    r: int
    noise: Curve
    qrs_size: Curve
    calibrated: bool
    previous_t: int
    next_p: int
    used: int
    beats: npt.NDArray[np.float32]


def average_beat(trace: Trace, qualities: tuple[LeadQuality, ...], peaks: Places) -> AverageBeat | None:
    """The average beat, None where fewer than LEAST_BEATS beats look alike, or they are fewer than half of all."""
    if len(peaks) < LEAST_BEATS:
        return None
    names = tuple(quality.name for quality in qualities if quality.weight > 0)
    rows = _clean(usable_rows(trace, qualities), trace.rate, peaks)
    # A beat counts only if all of it was recorded.
    whole = [place for place in peaks if place >= _BEFORE * trace.rate and place + _AFTER * trace.rate < trace.length]
    if len(whole) < LEAST_BEATS:
        return None
    spread = np.linspace(0, len(whole) - 1, min(len(whole), _MOST_BEATS)).round().astype(int)
    chosen = np.array(whole)[np.unique(spread)]
    beats = _cut(rows, trace.rate, chosen)
    r = round(_BEFORE * FINE_RATE)
    beats, alike = _alike(_aligned(beats, r), r)
    if alike.sum() < max(LEAST_BEATS, math.ceil(0.5 * len(chosen))):
        return None
    beats = beats[alike]
    median = np.median(beats, axis=0)
    scatter = low_pass(beats - median, FINE_RATE, _NOISE_HZ)
    deviation = 1.4826 * np.median(np.abs(scatter), axis=(0, 2))
    rr = float(np.median(np.diff(peaks))) / trace.rate
    reach = round(0.1 * FINE_RATE)
    return AverageBeat(
        rows=median,
        names=names,
        rate=FINE_RATE,
        r=r,
        noise=1.25 * deviation / math.sqrt(len(beats)),
        qrs_size=np.ptp(median[:, r - reach : r + reach], axis=1),
        calibrated=all(trace.leads[q.row].unit == MILLIVOLT for q in qualities if q.weight > 0),
        previous_t=r - round((rr - min(0.5, 0.55 * rr)) * FINE_RATE),
        next_p=r + round((rr - min(0.24, 0.28 * rr)) * FINE_RATE),
        used=len(beats),
        beats=beats.astype(np.float32),
    )


def _clean(rows: Rows, rate: float, peaks: Places) -> Rows:
    """Without mains where it stands out, and without wander: a smooth curve through the level just before each QRS
    complex is taken away. (A filter slow enough for that would bend the baseline under the T wave.)"""
    from scipy.interpolate import PchipInterpolator

    for hertz in (50.0, 60.0):
        if hertz < 0.45 * rate and _stands_out(rows, rate, hertz):
            rows = notch(rows, rate, hertz)
    first, last = round(_LEVEL[0] * rate), round(_LEVEL[1] * rate)
    knots = peaks[peaks >= first] - (first + last) // 2
    levels = np.stack([rows[:, peak - first : peak - last].mean(axis=1) for peak in peaks[peaks >= first]], axis=1)
    if knots.size < 2:
        return np.asarray(rows - levels)
    curve = PchipInterpolator(knots, levels, axis=1)
    return np.asarray(rows - curve(np.clip(np.arange(rows.shape[1]), knots[0], knots[-1])))


def _stands_out(rows: Rows, rate: float, hertz: float) -> bool:
    """Whether one frequency is much stronger than its neighbours."""
    spectrum = (np.abs(np.fft.rfft(rows, axis=1)) ** 2).mean(axis=0)
    step = rate / rows.shape[1]
    at = round(hertz / step)
    near, far = max(1, round(0.5 / step)), max(2, round(4.0 / step))
    if at + far >= spectrum.size:
        return False
    around = np.concatenate([spectrum[at - far : at - near], spectrum[at + near + 1 : at + far]])
    return bool(spectrum[at - near : at + near + 1].max() > _MAINS_STANDS_OUT**2 * np.median(around))


def _cut(rows: Rows, rate: float, peaks: Places) -> Rows:
    """(beats, leads, samples) about each peak, at FINE_RATE."""
    from scipy.interpolate import CubicSpline

    when = np.arange(-round(_BEFORE * FINE_RATE), round(_AFTER * FINE_RATE)) / FINE_RATE
    margin = math.ceil(4)
    cut = np.empty((len(peaks), len(rows), when.size))
    for number, peak in enumerate(peaks):
        first = max(0, math.floor(peak - _BEFORE * rate) - margin)
        last = min(rows.shape[1], math.ceil(peak + _AFTER * rate) + margin)
        curve = CubicSpline((np.arange(first, last) - peak) / rate, rows[:, first:last], axis=1)
        cut[number] = curve(when)
    return cut


def _aligned(beats: Rows, r: int) -> Rows:
    """Beats moved by at most _ALIGN so that their QRS complexes lie on each other."""
    reach, most = round(0.09 * FINE_RATE), round(_ALIGN * FINE_RATE)
    steep = np.gradient(beats, axis=2)
    pattern = np.median(steep, axis=0)[:, r - reach : r + reach]
    moved = np.empty_like(beats)
    for number, beat in enumerate(steep):
        scores = [
            float((beat[:, r - reach + shift : r + reach + shift] * pattern).sum()) for shift in range(-most, most + 1)
        ]
        moved[number] = np.roll(beats[number], -(int(np.argmax(scores)) - most), axis=1)
    return moved


def _alike(beats: Rows, r: int) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Which beats have the commonest shape: the one most others correlate with, from before the QRS to the T wave."""
    part = beats[:, :, r - round(0.12 * FINE_RATE) : r + round(0.30 * FINE_RATE)]
    flat = (part - part.mean(axis=2, keepdims=True)).reshape(len(beats), -1)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = flat / np.where(lengths > 0, lengths, 1.0)
    alike = unit @ unit.T > _ALIKE
    return beats, alike[int(np.argmax(alike.sum(axis=1)))]
