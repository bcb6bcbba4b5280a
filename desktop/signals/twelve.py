"""Twelve leads made ready for judging: one rate, no wander, their beats found, and the usual beat of all twelve."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from desktop.records import MILLIVOLT, Lead, Trace
from desktop.signals.average import AverageBeat, average_beat
from desktop.signals.beats import Places, r_peaks
from desktop.signals.filters import filled
from desktop.signals.intervals import Fiducials, fiducials
from desktop.signals.leads import LeadState, lead_qualities

Floats = npt.NDArray[np.float64]

RATE = 100.0
"""Samples a second: the least any recorder we read takes, so that every recorder's trace looks the same."""

LONGEST = 60.0
"""Seconds that are looked at; the first of a longer recording."""

_USUAL_MV = 1.2
_UNSEEN = (LeadState.FLAT, LeadState.MISSING)


@dataclass(frozen=True, eq=False)
class TwelveLeads:
    """rows: (12, length) at RATE in mV, I II III aVR aVL aVF V1..V6, nothing missing. peaks: R peaks, samples.

    beat: the usual beat at 1000 Hz, all twelve leads, or None where no three beats look alike. waves: where they lie.
    silent: (12,) leads without a signal. calibrated: whether mV are mV; else they were scaled to the usual size.
    alike: share of the beats that look like the usual one.
    """

    rows: Floats
    peaks: Places
    beat: AverageBeat | None
    waves: Fiducials
    silent: npt.NDArray[np.bool_]
    calibrated: bool
    alike: float


def ready_twelve(trace: Trace) -> TwelveLeads:
    """trace: the twelve standard leads in the order of printing, any rate of at least 80 a second, any unit."""
    calibrated = all(lead.unit == MILLIVOLT for lead in trace.leads)
    part = _at_rate(replace(trace, samples=trace.samples[:, : round(LONGEST * trace.rate)]), RATE)
    if not calibrated:
        part = _scaled(part)
    qualities = lead_qualities(part)
    peaks = r_peaks(part, qualities)
    everything = tuple(replace(quality, weight=max(quality.weight, 1e-3)) for quality in qualities)
    beat = average_beat(part, everything, peaks)
    whole = max(1, len(peaks) - 2)
    return TwelveLeads(
        rows=filled(part.samples),
        peaks=peaks,
        beat=beat,
        waves=fiducials(beat) if beat is not None else Fiducials(),
        silent=np.array([quality.state in _UNSEEN for quality in qualities]),
        calibrated=calibrated,
        alike=min(1.0, beat.used / whole) if beat is not None else 0.0,
    )


def _at_rate(trace: Trace, rate: float) -> Trace:
    """The trace at another rate; what the new rate cannot carry is filtered away before. NaN is bridged."""
    rows = filled(trace.samples)
    if abs(trace.rate - rate) > 1e-6:
        from scipy.signal import resample_poly

        ratio = Fraction(rate / trace.rate).limit_denominator(1000)
        rows = resample_poly(rows, ratio.numerator, ratio.denominator, axis=1, padtype="line")
    return replace(trace, samples=rows.astype(np.float32), rate=rate, marks=())


def _scaled(trace: Trace) -> Trace:
    """Numbers without a unit as if the usual lead's complexes had the usual size."""
    size = float(np.median(np.subtract(*np.percentile(trace.samples, [99.5, 0.5], axis=1))))
    factor = _USUAL_MV / size if size > 0 else 1.0
    leads = tuple(Lead(lead.name, MILLIVOLT) for lead in trace.leads)
    return replace(trace, samples=(trace.samples * factor).astype(np.float32), leads=leads)
