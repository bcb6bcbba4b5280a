"""What a doctor would count in a strip, as numbers: how irregular, how early, how alike, P waves, noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.rhythm_lead import AFTER, BEFORE, RATE, ReadyLead
from desktop.signals.filters import band_pass

Floats = npt.NDArray[np.float64]

NAMES = (
    "beats_per_second", "rr_median", "rr_spread", "rr_steps", "rr_steps_share", "rr_steps_robust", "rr_entropy",
    "rr_shortest", "rr_longest", "rr_early_share", "rr_pause_share", "rr_early_paused_share", "rr_lag_1", "rr_lag_2",
    "rr_turning", "rr_steps_evidence", "rr_step_entropy", "rr_core_spread", "alike_mean", "alike_lowest_tenth",
    "odd_shape_share", "early_odd_share", "width", "p_height", "p_steady", "t_height", "qrs_spread", "before_qrs_waves",
    "fast_noise", "slow_wander", "steepness_peaked", "flat_share", "height_ratio", "residual",
)  # fmt: skip  # a list reads better with several to a line
"""Names of the features, in order."""

_P = slice(BEFORE - 25, BEFORE - 7)
_QRS = slice(BEFORE - 8, BEFORE + 9)
_T = slice(BEFORE + 12, AFTER + BEFORE)


@dataclass(frozen=True, eq=False)
class Bands:
    """A lead's wave between 20 and 40 Hz, below 2 Hz and between 5 and 20 Hz, each (length,): noise, wander, QRS."""

    fast: Floats
    slow: Floats
    steep: Floats


def bands_of(lead: ReadyLead) -> Bands:
    """The bands of a whole lead, filtered once for all its strips."""
    wave, rate = lead.wave[None], lead.rate
    return Bands(
        band_pass(wave, rate, 20.0, min(40.0, 0.45 * rate))[0],
        band_pass(wave, rate, 0.5, 2.0)[0],
        band_pass(wave, rate, 5.0, 20.0)[0],
    )


def features(lead: ReadyLead, bands: Bands, begin: float, end: float) -> npt.NDArray[np.float32]:
    """(len(NAMES),) float32, finite, of the stretch from begin to end in seconds. What cannot be counted is 0."""
    inside = (lead.when >= begin) & (lead.when < end)
    part = slice(round(begin * lead.rate), round(end * lead.rate))
    rr = np.diff(lead.when[inside])
    numbers = [float(inside.sum()) / max(end - begin, 1.0)]
    numbers += _of_intervals(rr) if len(rr) >= 4 else [0.0] * 17
    numbers += _of_shapes(lead, inside, rr) if inside.sum() >= 4 else [0.0] * 10
    numbers += _of_wave(lead, bands, part, inside)
    found = np.nan_to_num(np.array(numbers, np.float64), nan=0.0, posinf=10.0, neginf=-10.0)
    return np.clip(found, -10.0, 10.0).astype(np.float32)


def _of_intervals(rr: Floats) -> list[float]:
    """Of the intervals between beats, all relative to their median but the first."""
    median = float(np.median(rr))
    x = rr / median
    steps = np.diff(x)
    early = x < 0.85
    paused = np.concatenate([x[1:] > 1.1, [False]])
    centred = x - x.mean()
    power = float((centred**2).sum()) + 1e-9
    turns = (steps[1:] * steps[:-1] < 0).mean() if len(steps) > 1 else 0.0
    core = x[(x > 0.8) & (x < 1.2)]
    return [
        median,
        float(x.std()),
        float(np.sqrt((steps**2).mean())),
        float((np.abs(steps) > 0.08).mean()),
        float(np.median(np.abs(steps))),
        _entropy(x),
        float(x.min()),
        float(x.max()),
        float(early.mean()),
        float((x > 1.3).mean()),
        float((early & paused).mean()),
        float((centred[1:] * centred[:-1]).sum()) / power,
        float((centred[2:] * centred[:-2]).sum()) / power,
        float(turns),
        _evidence(steps),
        _spread_out(steps),
        float(core.std()) if len(core) > 1 else 0.0,
    ]


def _entropy(x: Floats) -> float:
    """Sample entropy of order 1 (Lake and Moorman 2011), tolerance 0.1 of the median interval."""
    one = np.abs(x[:-1, None] - x[None, :-1]) < 0.1
    two = one & (np.abs(x[1:, None] - x[None, 1:]) < 0.1)
    count = len(x) - 1
    return float(-np.log((two.sum() - count + 1.0) / (one.sum() - count + 1.0)))


def _evidence(steps: Floats) -> float:
    """Points of the map of successive steps that lie apart from each other and from its middle (after Sarkar 2008)."""
    if len(steps) < 2:
        return 0.0
    cells = np.unique(np.round(np.stack([steps[1:], steps[:-1]]) / 0.08).astype(int), axis=1)
    return float((np.abs(cells).max(axis=0) > 0).sum() / (len(steps) - 1))


def _spread_out(steps: Floats) -> float:
    """Shannon entropy of the steps' histogram, 1 where every step is another."""
    counts = np.histogram(np.clip(steps, -0.6, 0.6), bins=np.linspace(-0.62, 0.62, 32))[0]
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(max(len(steps), 2)))


def _of_shapes(lead: ReadyLead, inside: npt.NDArray[np.bool_], rr: Floats) -> list[float]:
    shapes, alike = lead.shapes[inside], lead.alike[inside]
    odd = alike < 0.8
    early = np.concatenate([[False], rr < 0.85 * np.median(rr)])
    mean = np.median(shapes[alike >= np.median(alike)], axis=0)
    level = float(np.median(mean[_P.stop - 3 : _P.stop + 1]))
    p = shapes[:, _P] - shapes[:, _P].mean(axis=1, keepdims=True)
    shared = p.mean(axis=0)
    steady = float((shared**2).mean() / ((p**2).mean() + 1e-9))
    qrs = mean[_QRS] - level
    return [
        float(alike.mean()),
        float(np.quantile(alike, 0.1)),
        float(odd.mean()),
        float((odd & early).mean()),
        float((np.abs(qrs) > 0.25 * np.abs(qrs).max()).mean()),
        float(np.ptp(mean[_P])),
        steady,
        float(np.ptp(mean[_T])),
        float(np.std(np.ptp(shapes[:, _QRS], axis=1))),
        float(np.sqrt((np.diff(p - shared, axis=1) ** 2).mean())),
    ]


def _of_wave(lead: ReadyLead, bands: Bands, part: slice, inside: npt.NDArray[np.bool_]) -> list[float]:
    wave = lead.wave[part]
    if len(wave) < lead.rate:
        return [0.0] * 6
    power = float(wave.var()) + 1e-9
    fast, slow, steep = bands.fast[part], bands.slow[part], bands.steep[part]
    peaked = float((steep**4).mean() / (steep.var() ** 2 + 1e-12))
    still = float((np.abs(np.diff(wave)) < 1e-4).mean())
    heights = np.ptp(lead.shapes[inside][:, _QRS], axis=1) if inside.any() else np.zeros(1)
    ratio = float(np.percentile(np.abs(wave), 99) / (np.median(heights) + 0.05))
    rest = lead.shapes[inside] - lead.usual if inside.any() else np.zeros((1, 1))
    return [
        float(fast.var() / power),
        float(slow.var() / power),
        min(peaked, 40.0) / 10.0,
        still,
        ratio,
        float(np.median(np.sqrt((rest**2).mean(axis=1)))),
    ]


def interval_curve(lead: ReadyLead, count: int) -> Floats:
    """(count,) at RATE: at each moment how long the present interval is against the usual one, as a logarithm."""
    if len(lead.beats) < 3:
        return np.zeros(count)
    rr = np.diff(lead.when)
    at = np.searchsorted(lead.when, np.arange(count) / RATE, side="right") - 1
    relative = np.log(rr / np.median(rr))
    return np.clip(relative[np.clip(at, 0, len(rr) - 1)], -1.5, 1.5)
