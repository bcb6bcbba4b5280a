"""A drawn electrocardiogram of nobody, whose intervals are known exactly because they were put in.

It serves the demo clinic and the tests of measuring. Every wave begins and ends where it is told to: no wave has tails.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.records import MILLIVOLT, STANDARD_LEADS, Lead, Trace

_Curve = npt.NDArray[np.float64]

_AMPLITUDES = {
    "I": (0.08, -0.05, 0.60, -0.10, 0.20),
    "II": (0.15, -0.08, 1.10, -0.15, 0.30),
    "V1": (0.06, 0.00, 0.25, -0.90, -0.08),
    "V2": (0.08, 0.00, 0.45, -1.25, 0.40),
    "V3": (0.08, -0.02, 0.85, -0.90, 0.50),
    "V4": (0.08, -0.05, 1.40, -0.50, 0.45),
    "V5": (0.08, -0.08, 1.30, -0.20, 0.35),
    "V6": (0.07, -0.08, 1.00, -0.08, 0.25),
}
"""mV of P, Q, R, S and T in the leads that are free; the other limb leads follow from I and II (Einthoven)."""

_T_RISE, _T_FALL_ROUNDED = 0.55, 0.12


@dataclass(frozen=True)
class DrawnHeart:
    """What is drawn. Times in ms: pr from the P wave's beginning to the QRS's, qrs its width, qt from the QRS's
    beginning to where the T wave's straight falling limb meets the baseline (what the tangent method looks for).

    rr: of each beat; a sequence is repeated. p_wave: False draws none (and PR means nothing then).
    """

    rr: tuple[float, ...] = (800.0,)
    pr: float = 160.0
    qrs: float = 90.0
    qt: float = 380.0
    p_width: float = 100.0
    p_wave: bool = True
    amplitude: float = 1.0


@dataclass(frozen=True, eq=False)
class Drawn:
    """A drawn trace and its truth. r_peaks: samples of the R waves' tops; onsets: of the QRS complexes' beginnings."""

    trace: Trace
    r_peaks: tuple[int, ...]
    onsets: tuple[int, ...]


def draw(
    heart: DrawnHeart,
    *,
    rate: float = 500.0,
    seconds: float = 10.0,
    noise_mv: float = 0.0,
    wander_mv: float = 0.0,
    mains_mv: float = 0.0,
    seed: int = 0,
) -> Drawn:
    """Twelve leads. noise_mv: standard deviation of white noise; wander_mv, mains_mv: amplitudes of a slow wave
    (0.3 Hz, as breathing makes it) and of 50 Hz."""
    count = round(seconds * rate)
    when = np.arange(count) / rate * 1000.0
    free = np.zeros((len(_AMPLITUDES), count))
    sizes = np.array(list(_AMPLITUDES.values())) * heart.amplitude
    onset, beat = max(heart.pr, 0.0) + 140.0, 0
    onsets: list[float] = []
    while onset + heart.qt < when[-1]:
        onsets.append(onset)
        for wave, curve in enumerate(_waves(when - onset, heart)):
            free += sizes[:, wave, None] * curve
        onset += heart.rr[beat % len(heart.rr)]
        beat += 1
    leads = _twelve(dict(zip(_AMPLITUDES, free, strict=True)))
    noise = np.random.default_rng(seed)
    leads += noise.normal(0.0, noise_mv, leads.shape) if noise_mv else 0.0
    phases = noise.uniform(0, 2 * np.pi, (len(leads), 2, 1))
    leads += wander_mv * np.sin(2 * np.pi * 0.3 * when / 1000 + phases[:, 0])
    leads += mains_mv * np.sin(2 * np.pi * 50.0 * when / 1000 + phases[:, 1])
    top = 0.45 * heart.qrs
    trace = Trace(leads.astype(np.float32), rate, tuple(Lead(name, MILLIVOLT) for name in STANDARD_LEADS))
    return Drawn(
        trace,
        tuple(round((at + top) * rate / 1000) for at in onsets),
        tuple(round(at * rate / 1000) for at in onsets),
    )


def _twelve(free: dict[str, _Curve]) -> _Curve:
    one, two = free["I"], free["II"]
    limb = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    return np.stack([{**free, **limb}[name] for name in STANDARD_LEADS])


def _waves(since: _Curve, heart: DrawnHeart) -> tuple[_Curve, ...]:
    """P, Q, R, S and T of height 1. since: ms since the QRS's beginning."""
    none = np.zeros_like(since)
    p = _bump(since, -heart.pr, -heart.pr + heart.p_width) if heart.p_wave else none
    q = _lobe(since, 0.0, 0.28 * heart.qrs)
    r = _lobe(since, 0.20 * heart.qrs, 0.70 * heart.qrs)
    s = _lobe(since, 0.62 * heart.qrs, heart.qrs)
    return p, q, r, s, _t_wave(since, 0.32 * heart.qt + 0.5 * heart.qrs, heart.qt)


def _bump(since: _Curve, begin: float, end: float) -> _Curve:
    """A raised cosine."""
    inside = (since > begin) & (since < end)
    return np.where(inside, 0.5 - 0.5 * np.cos(2 * np.pi * (since - begin) / (end - begin)), 0.0)


def _lobe(since: _Curve, begin: float, end: float) -> _Curve:
    """Half a sine: steep from its very beginning, as a QRS complex is."""
    inside = (since > begin) & (since < end)
    return np.where(inside, np.sin(np.pi * (since - begin) / (end - begin)), 0.0)


def _t_wave(since: _Curve, begin: float, end: float) -> _Curve:
    """A slow rise, a rounded top, a straight fall whose line meets the baseline at `end`, a rounded foot after it."""
    top = begin + _T_RISE * (end - begin)
    rounding = _T_FALL_ROUNDED * (end - top)
    rise = np.where((since > begin) & (since <= top), 0.5 - 0.5 * np.cos(np.pi * (since - begin) / (top - begin)), 0.0)
    slope = 1.0 / (end - top - rounding)
    line = (end - since) * slope
    # A parabola joins top and line, another joins line and baseline; both have the line's slope where they meet it.
    shoulder = 1.0 - slope * (since - top) ** 2 / (4 * rounding)
    foot = slope * (end + rounding - since) ** 2 / (4 * rounding)
    fall = np.where(since < top + 2 * rounding, shoulder, np.where(since < end - rounding, line, foot))
    return rise + np.where((since > top) & (since < end + rounding), fall, 0.0)
