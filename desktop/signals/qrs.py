"""Where the QRS complexes of one lead are, for a rhythm: every beat counts, also the small, the wide and the early.

An energy detector in two passes (after Pan and Tompkins 1985): the first finds how tall complexes are here, the second
holds every bump against that, and looks again, less strictly, where a beat is missing. Its settings were chosen on the
first half of the MIT-BIH database (desktop/learning/rhythm_card.py prints what it reached).
"""

import math

import numpy as np
import numpy.typing as npt

from desktop.signals.filters import band_pass

Curve = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEAST_SECONDS = 2.0
_MOST_RATE = 400.0

_BAND = (5.0, 20.0)
_WINDOW = 0.10
_APART = 0.10
_REFRACTORY = 0.25
_T_WAVE_WITHIN, _T_WAVE_HEIGHT = 0.36, 0.55
_ACCEPT, _FLOOR = 0.30, 0.05
_SMALL, _TIGHT = 0.50, 1.40
_MISSING, _LONG_SECONDS, _AGAIN, _AGAIN_AFTER, _AGAIN_BEFORE = 1.5, 2.0, 0.18, 0.36, 0.30
_BLOCK, _BLOCKS, _BEATS, _GAPS = 2.0, 7, 31, 17
_REFINE = 0.07


def qrs_complexes(lead: Curve, rate: float) -> Places:
    """Samples of the QRS complexes of one lead, ascending; at the largest deflection of each.

    lead: (length,) in any unit, no missing value. rate: samples a second, at least 80. Empty where nothing moves.
    """
    if len(lead) < LEAST_SECONDS * rate or not np.ptp(lead) > 0:
        return np.empty(0, np.int64)
    step = max(1, math.ceil(rate / _MOST_RATE))
    energy = _energy(lead if step == 1 else _thinned(lead, step), rate / step)
    places, heights = _bumps(energy, rate / step)
    if len(places) < 2:
        return np.empty(0, np.int64)
    when = places / (rate / step)
    level, floor = _first_level(energy, rate / step, when)
    chosen = np.empty(0, np.int64)
    for _ in range(2):
        chosen = _accepted(when, heights, level, floor)
        chosen = _without_squeezed(chosen, when, heights, level)
        chosen = _with_missing(chosen, when, heights, level, floor)
        if len(chosen) >= 5:
            level = np.interp(when, when[chosen], running_median(heights[chosen], _BEATS))
    return _refined(places[chosen] * step, lead, rate)


def running_median(values: Curve, width: int) -> Curve:
    """The median of so many neighbours (odd) about each value, mirrored at the ends; fewer where there are fewer."""
    if len(values) < 3:
        return np.full(len(values), np.median(values) if len(values) else 0.0)
    width = min(width, (len(values) - 1) // 2 * 2 + 1)
    padded = np.pad(values, width // 2, mode="reflect")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1), dtype=np.float64)


def _thinned(lead: Curve, step: int) -> Curve:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(lead, step)[::step])


def _energy(lead: Curve, rate: float) -> Curve:
    """How steep the lead is in the band of QRS complexes, smoothed over a tenth of a second; units per second."""
    from scipy.ndimage import uniform_filter1d

    band = band_pass(lead[None], rate, _BAND[0], min(_BAND[1], 0.45 * rate))[0]
    return np.asarray(uniform_filter1d(np.abs(np.gradient(band)) * rate, max(1, round(_WINDOW * rate))))


def _bumps(energy: Curve, rate: float) -> tuple[Places, Curve]:
    """The tops of the energy, at least _APART seconds from each other, and how high they are."""
    from scipy.ndimage import maximum_filter1d

    reach = max(1, round(_APART * rate))
    tops = np.flatnonzero((energy == maximum_filter1d(energy, 2 * reach + 1)) & (energy > 0))
    if len(tops):
        # Of a flat top only the first sample.
        tops = tops[np.concatenate([[True], np.diff(tops) > 1])]
    return tops.astype(np.int64), energy[tops]


def _first_level(energy: Curve, rate: float, when: Curve) -> tuple[Curve, float]:
    """How high complexes usually are at each bump, and how low none is, from the highest values of short blocks."""
    size = int(_BLOCK * rate)
    tops = np.array([energy[begin : begin + size].max() for begin in range(0, len(energy), size)])
    if len(tops) > 1 and len(energy) % size and len(energy) % size < size / 2:
        tops = tops[:-1]
    usual = float(np.median(tops))
    smooth = np.minimum(running_median(tops, _BLOCKS), 2.0 * usual)
    return np.interp(when, (np.arange(len(tops)) + 0.5) * _BLOCK, smooth), _FLOOR * usual


def _accepted(when: Curve, heights: Curve, level: Curve, floor: float) -> Places:
    """Bumps that are high enough, without the T waves and the second humps of wide complexes."""
    found: list[int] = []
    for bump in np.flatnonzero(heights >= np.maximum(_ACCEPT * level, floor)):
        here = int(bump)
        if found:
            last = found[-1]
            since = when[here] - when[last]
            if since < _REFRACTORY:
                if heights[here] > heights[last]:
                    found[-1] = here
                continue
            if since < _T_WAVE_WITHIN and heights[here] < _T_WAVE_HEIGHT * heights[last]:
                continue
            if since < _T_WAVE_WITHIN and heights[last] < _T_WAVE_HEIGHT * min(heights[here], level[here]):
                found[-1] = here
                continue
        found.append(here)
    return np.array(found, np.int64)


def _without_squeezed(chosen: Places, when: Curve, heights: Curve, level: Curve) -> Places:
    """Without low bumps between two beats that already stand as close as beats do here: P waves, noise."""
    while len(chosen) >= 4:
        gaps = np.diff(when[chosen])
        usual = running_median(gaps, _GAPS)
        inner = np.arange(1, len(chosen) - 1)
        high = heights[chosen]
        low = high[inner] < _SMALL * np.minimum(level[chosen[inner]], np.minimum(high[inner - 1], high[inner + 1]))
        squeezed = inner[low & (gaps[inner - 1] + gaps[inner] < _TIGHT * usual[inner])]
        if not len(squeezed):
            break
        chosen = np.delete(chosen, squeezed[np.concatenate([[True], np.diff(squeezed) > 1])])
    return chosen


def _with_missing(chosen: Places, when: Curve, heights: Curve, level: Curve, floor: float) -> Places:
    """With the highest bump of each gap that is too long, if it is high enough for a second look."""
    if len(chosen) < 3:
        return chosen
    gaps = np.diff(when[chosen])
    long = np.flatnonzero((gaps > _MISSING * running_median(gaps, 13)) | (gaps > _LONG_SECONDS))
    added: list[int] = []
    for gap in long:
        before, after = int(chosen[gap]), int(chosen[gap + 1])
        between = np.arange(before + 1, after)
        fits = (when[between] - when[before] > _AGAIN_AFTER) & (when[after] - when[between] > _AGAIN_BEFORE)
        fits &= heights[between] > np.maximum(_AGAIN * level[between], floor)
        if fits.any():
            added.append(int(between[fits][np.argmax(heights[between[fits]])]))
    return np.sort(np.concatenate([chosen, np.array(added, np.int64)]))


def _refined(places: Places, lead: Curve, rate: float) -> Places:
    """Each place moved to the largest deflection nearby, so that beats of one shape lie on each other."""
    if not len(places):
        return places
    band = np.abs(band_pass(lead[None], rate, 1.0, min(40.0, 0.45 * rate))[0])
    reach = math.ceil(_REFINE * rate)
    moved = []
    for place in places:
        begin = max(0, int(place) - reach)
        moved.append(begin + int(np.argmax(band[begin : int(place) + reach + 1])))
    return np.unique(np.array(moved, np.int64))
