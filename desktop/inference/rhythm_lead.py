"""One lead made ready for judging its rhythm: cleaned, scaled, its beats found and cut out."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from desktop.signals.filters import band_pass
from desktop.signals.qrs import Places, qrs_complexes

Floats = npt.NDArray[np.float64]

RATE = 100.0
"""Samples a second of everything the networks see."""

BEFORE, AFTER = 30, 50
"""Samples at RATE before and after the top of a QRS complex that belong to a beat."""

SILENT = 0.05
"""Of a lead without contact, see `silent_share`: beyond that no rhythm is decided."""

_WINDOW = 30.0
"""Seconds: as long as the strips that a rhythm is told from."""

_BAND = (0.5, 40.0)
_MOST = 6.0
_QRS = slice(BEFORE - 8, BEFORE + 9)


@dataclass(frozen=True, eq=False)
class ReadyLead:
    """wave: (length,) the lead between 0.5 and 40 Hz at its own `rate`, in units of its usual QRS complex's height.

    beats: QRS complexes, samples at `rate`; shapes: (beats, BEFORE + AFTER) each at RATE. usual: (BEFORE + AFTER,) the
    commonest shape. alike: (beats,) correlation of each complex and its surroundings with that.
    """

    wave: Floats
    rate: float
    beats: Places
    shapes: Floats
    usual: Floats
    alike: Floats

    @property
    def when(self) -> Floats:
        """Seconds at which the beats are."""
        return self.beats / self.rate

    @property
    def seconds(self) -> float:
        """How long the lead is."""
        return len(self.wave) / self.rate

    def resampled(self) -> Floats:
        """The wave at RATE."""
        count = int(self.seconds * RATE)
        return np.interp(np.arange(count) / RATE, np.arange(len(self.wave)) / self.rate, self.wave)


def silent_share(lead: Floats, rate: float) -> float:
    """How much of a lead, (length,) in any unit, NaN where nothing was recorded, is without contact: of that half
    minute which has most of it, where it is longer. Without contact are stretches of a second or more in which nothing
    moves at all. Not one of CinC 2017's 7,228 records nor of MIT-BIH's half hours here has any, pauses of the heart
    included. An open lead that hums or drifts is not noticed by that."""
    silent = np.zeros(len(lead) + 1)
    for begin, end in silent_stretches(lead, rate):
        silent[begin + 1 : end + 1] = 1.0
    size = max(1, min(len(lead), round(_WINDOW * rate)))
    so_far = np.cumsum(silent)
    return float(np.max(so_far[size:] - so_far[:-size])) / size


def silent_stretches(lead: Floats, rate: float) -> tuple[tuple[int, int], ...]:
    """Where contact is lost, see `silent_share`: samples, end exclusive."""
    still = np.isnan(lead[1:]) | (lead[1:] == lead[:-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    pairs = zip(edges[::2].tolist(), (edges[1::2] + 1).tolist(), strict=True)
    return tuple((begin, end) for begin, end in pairs if end - begin >= rate)


def ready_lead(lead: Floats, rate: float) -> ReadyLead:
    """lead: (length,) at any rate of at least 80 a second, any unit, nothing missing."""
    beats = qrs_complexes(lead, rate)
    wave = band_pass(lead[None], rate, _BAND[0], min(_BAND[1], 0.45 * rate))[0]
    shapes = cut(wave, rate, beats)
    height = float(np.median(np.ptp(shapes[:, _QRS], axis=1))) if len(beats) >= 3 else 0.0
    if not height > 0:
        height = float(np.subtract(*np.percentile(wave, [99.5, 0.5])))
    scale = 1.0 / height if height > 0 else 0.0
    wave, shapes = np.clip(wave * scale, -_MOST, _MOST), np.clip(shapes * scale, -_MOST, _MOST)
    usual, alike = _commonest(shapes)
    return ReadyLead(wave, rate, beats, shapes, usual, alike)


def with_wave(lead: ReadyLead, wave: Floats) -> ReadyLead:
    """The same lead and beats with another wave of its length and scale."""
    wave = np.clip(wave, -_MOST, _MOST)
    shapes = cut(wave, lead.rate, lead.beats)
    usual, alike = _commonest(shapes)
    return replace(lead, wave=wave, shapes=shapes, usual=usual, alike=alike)


def cut(wave: Floats, rate: float, beats: Places) -> Floats:
    """(beats, BEFORE + AFTER) the wave about each beat at RATE; beyond its ends the last value goes on."""
    offsets = np.arange(-BEFORE, AFTER) / RATE * rate
    return np.interp(beats[:, None] + offsets, np.arange(len(wave)), wave)


def _commonest(shapes: Floats) -> tuple[Floats, Floats]:
    """The median of the beats that look like most others, and how each beat correlates with it."""
    if len(shapes) < 3:
        return np.zeros(BEFORE + AFTER), np.zeros(len(shapes))
    chosen = shapes[np.unique(np.linspace(0, len(shapes) - 1, min(len(shapes), 200)).astype(int))]
    alike = correlation(chosen[:, None], chosen[None])
    best = chosen[alike[np.argmax((alike > 0.9).sum(axis=1))] > 0.9]
    usual = np.median(best, axis=0)
    return usual, correlation(shapes, usual)


_LOOKED_AT = slice(BEFORE - 15, BEFORE + 20)


def correlation(one: Floats, other: Floats) -> Floats:
    """Of beats' complexes and what lies next to them, along the last axis."""
    a, b = one[..., _LOOKED_AT], other[..., _LOOKED_AT]
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    norm = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.asarray((a * b).sum(axis=-1) / np.where(norm > 0, norm, 1.0))
