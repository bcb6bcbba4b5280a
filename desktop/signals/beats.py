"""Heart beats: where the R peaks are.

Detector: sleepecg (BSD-3), a compiled Pan-Tompkins with adaptive thresholds, on each good lead; the leads then vote.
"""

import math

import numpy as np
import numpy.typing as npt

from desktop.records import Trace
from desktop.signals.filters import Rows, band_pass
from desktop.signals.leads import LeadQuality, usable_rows

LEAST_RATE, LEAST_SECONDS = 80.0, 2.0
"""Below 80 samples a second the QRS band is cut; below two seconds there is nothing to adapt thresholds to."""

DETECTOR = "sleepecg (Pan-Tompkins), vote of leads"

_TOGETHER = 0.12
_REFINE = 0.07
_REFRACTORY = 0.2

_LEAST_FOR_A_LOOK = 5
_NEAR, _CLOSE, _WEAK = 0.05, 0.42, 0.5
_NEIGHBOURS, _LONG, _AFTER, _SEEN = 4, 1.35, 0.25, 0.45

Curve = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def r_peaks(trace: Trace, qualities: tuple[LeadQuality, ...]) -> Places:
    """Samples of the R peaks (the largest deflection of each QRS complex over the good leads), ascending.

    Empty where no lead is good, or the trace is too short or too slowly sampled to look.
    """
    good = [quality for quality in qualities if quality.weight > 0]
    if not good or trace.rate < LEAST_RATE or trace.seconds < LEAST_SECONDS:
        return np.empty(0, np.int64)
    rows = usable_rows(trace, qualities)
    found = [_detected(row, trace.rate) for row in rows]
    weights = [quality.weight for quality in good]
    voted = _vote(found, weights, trace.rate)
    looked = _second_look(voted, _steepness(rows, trace.rate), trace.rate)
    return _refined(looked, rows, trace.rate)


def _detected(row: npt.NDArray[np.float64], rate: float) -> Places:
    """One lead's beats. sleepecg's own filter reaches to 30 Hz, so it is not asked below 80 samples a second."""
    # Imported late: it brings scipy and takes a second or two.
    from sleepecg.heartbeats import detect_heartbeats

    if np.ptp(row) == 0:
        return np.empty(0, np.int64)
    return np.asarray(detect_heartbeats(row, rate), np.int64)


def _vote(found: list[Places], weights: list[float], rate: float) -> Places:
    """Beats that leads of at least half the weight see within a tenth of a second of each other."""
    if len(found) == 1:
        return found[0]
    places = np.concatenate(found)
    owner = np.repeat(np.arange(len(found)), [len(one) for one in found])
    order = np.argsort(places, kind="stable")
    places, owner = places[order], owner[order]
    needed = 0.5 * sum(weights)
    beats: list[int] = []
    begin = 0
    while begin < len(places):
        end = int(np.searchsorted(places, places[begin] + _TOGETHER * rate, "right"))
        members = np.unique(owner[begin:end])
        if sum(weights[member] for member in members) >= needed:
            beats.append(int(np.median(places[begin:end])))
            begin = end
        else:
            begin += 1
    return np.array(beats, np.int64)


def _steepness(rows: Rows, rate: float) -> Curve:
    """How steep the leads are together, each against its own usual size, over a tenth of a second; wider than the
    detector's band, so that a slow ventricular beat is seen too."""
    from scipy.ndimage import uniform_filter1d

    slopes = np.abs(np.gradient(band_pass(rows, rate, 2.0, min(20.0, 0.4 * rate)), axis=1))
    scale = np.percentile(slopes, 98, axis=1, keepdims=True)
    together = (slopes / np.where(scale > 0, scale, 1.0)).mean(axis=0)
    return np.asarray(uniform_filter1d(together, max(1, round(_TOGETHER * rate))))


def _second_look(beats: Places, steepness: Curve, rate: float) -> Places:
    """Drop the weaker of two beats that are too close to be two, and look again where a beat seems to be missing."""
    if len(beats) < _LEAST_FOR_A_LOOK:
        return beats
    peaks = [int(beat) for beat in beats]
    near = round(_NEAR * rate)
    size = {beat: float(steepness[max(0, beat - near) : beat + near].max()) for beat in peaks}
    usual = float(np.median(list(size.values())))
    kept: list[int] = []
    for beat in peaks:
        if kept and beat - kept[-1] < _CLOSE * rate and min(size[beat], size[kept[-1]]) < _WEAK * usual:
            if size[beat] > size[kept[-1]]:
                kept[-1] = beat
        else:
            kept.append(beat)
    gaps = np.diff(kept)
    added: list[int] = []
    for number, gap in enumerate(gaps):
        ordinary = float(np.median(gaps[max(0, number - _NEIGHBOURS) : number + _NEIGHBOURS + 1]))
        if gap < _LONG * ordinary:
            continue
        begin, end = kept[number] + round(_AFTER * rate), kept[number + 1] - round(_AFTER * rate)
        if end <= begin:
            continue
        place = begin + int(np.argmax(steepness[begin:end]))
        if steepness[place] > _SEEN * usual:
            added.append(place)
    return np.array(sorted(kept + added), np.int64)


def _refined(beats: Places, rows: Rows, rate: float) -> Places:
    """Each beat moved to the largest deflection nearby, over all leads; two on one complex become one."""
    if not len(beats):
        return beats
    band = band_pass(rows, rate, 1.0, min(40.0, 0.4 * rate))
    scale = np.percentile(np.abs(band), 99, axis=1, keepdims=True)
    size = (np.abs(band) / np.where(scale > 0, scale, 1.0)).sum(axis=0)
    reach = math.ceil(_REFINE * rate)
    moved: list[int] = []
    for beat in beats:
        begin = max(0, int(beat) - reach)
        place = begin + int(np.argmax(size[begin : int(beat) + reach + 1]))
        if not moved or place - moved[-1] > _REFRACTORY * rate:
            moved.append(place)
        elif size[place] > size[moved[-1]]:
            moved[-1] = place
    return np.array(moved, np.int64)
