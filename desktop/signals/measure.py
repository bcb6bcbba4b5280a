"""Everything Lantern measures on an electrocardiogram, or why it does not."""

from dataclasses import dataclass

import numpy as np

from desktop.records import Trace
from desktop.signals.average import LEAST_BEATS, AverageBeat, average_beat
from desktop.signals.beats import DETECTOR, LEAST_RATE, LEAST_SECONDS, r_peaks
from desktop.signals.intervals import PR_METHOD, QRS_METHOD, QT_METHOD, Fiducials, fiducials
from desktop.signals.leads import LeadQuality, lead_qualities, with_calculated_limb_leads

RATE_METHOD = "60000 / mean RR interval"
BAZETT, FRIDERICIA = "Bazett: QT / RR^(1/2)", "Fridericia: QT / RR^(1/3)"
_INTERVAL_RATE = 100.0


@dataclass(frozen=True)
class Measured:
    """One number or the key of the sentence that says why there is none. value: ms, or beats per minute."""

    value: float | None
    method: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class EcgMeasurements:
    """r_peaks: samples of the trace. rr_spread: standard deviation of RR as a share of its mean, None for fewer than
    three beats. lead_states: of every ECG lead; calculated: limb leads that were calculated from I and II."""

    trace: Trace
    r_peaks: tuple[int, ...]
    rate: Measured
    pr: Measured
    qrs: Measured
    qt: Measured
    qtc_bazett: Measured
    qtc_fridericia: Measured
    rr_spread: float | None
    lead_states: tuple[LeadQuality, ...]
    calculated: tuple[str, ...]
    beat: AverageBeat | None
    waves: Fiducials | None


def measure_ecg(recorded: Trace) -> EcgMeasurements:
    """Measure a trace; r_peaks are samples of it as recorded."""
    trace, calculated = with_calculated_limb_leads(recorded)
    qualities = lead_qualities(trace)
    peaks = r_peaks(trace, qualities)
    refused = _refusal(trace, qualities, len(peaks))
    gaps = np.diff(peaks) / trace.rate
    rr = float(gaps.mean()) if len(gaps) else None
    rate = Measured(60.0 / rr, RATE_METHOD) if rr else Measured(None, RATE_METHOD, refused or "ecg.cannot.few_beats")
    beat, waves = None, None
    why = refused
    if not why and trace.rate < _INTERVAL_RATE:
        why = "ecg.cannot.slow_sampling"
    if not why:
        beat = average_beat(trace, qualities, peaks)
        why = "" if beat is not None else "ecg.cannot.beats_differ"
    if beat is not None:
        waves = fiducials(beat)
    pr, qrs, qt = _intervals(waves, why)
    return EcgMeasurements(
        trace=trace,
        r_peaks=tuple(int(peak) for peak in peaks),
        rate=rate,
        pr=pr,
        qrs=qrs,
        qt=qt,
        qtc_bazett=_corrected(qt, rr, 1 / 2, BAZETT),
        qtc_fridericia=_corrected(qt, rr, 1 / 3, FRIDERICIA),
        rr_spread=float(gaps.std() / gaps.mean()) if len(gaps) > 1 else None,
        lead_states=qualities,
        calculated=calculated,
        beat=beat,
        waves=waves,
    )


def _refusal(trace: Trace, qualities: tuple[LeadQuality, ...], beats: int) -> str:
    """Why nothing at all can be measured, or empty."""
    if not qualities:
        return "ecg.cannot.no_ecg_lead"
    if trace.derived:
        return "ecg.cannot.derived"
    if trace.rate < LEAST_RATE:
        return "ecg.cannot.slow_sampling"
    if trace.seconds < LEAST_SECONDS:
        return "ecg.cannot.too_short"
    if not any(quality.weight > 0 for quality in qualities):
        return "ecg.cannot.bad_leads"
    return "" if beats >= LEAST_BEATS else "ecg.cannot.few_beats"


def _intervals(waves: Fiducials | None, why: str) -> tuple[Measured, Measured, Measured]:
    if waves is None:
        return Measured(None, PR_METHOD, why), Measured(None, QRS_METHOD, why), Measured(None, QT_METHOD, why)
    begin = waves.qrs_onset
    return (
        _between(waves.p_onset, begin, PR_METHOD, waves.p_reason),
        _between(begin, waves.qrs_end, QRS_METHOD, waves.qrs_reason),
        _between(begin, waves.t_end, QT_METHOD, waves.t_reason),
    )


def _between(begin: float | None, end: float | None, method: str, reason: str) -> Measured:
    return Measured(None, method, reason) if begin is None or end is None else Measured(end - begin, method)


def _corrected(qt: Measured, rr: float | None, power: float, method: str) -> Measured:
    """QT as it would be at 60 beats a minute. rr: seconds."""
    if qt.value is None or not rr:
        return Measured(None, method, qt.reason or "ecg.cannot.few_beats")
    return Measured(qt.value / rr**power, method)


__all__ = ["DETECTOR", "EcgMeasurements", "Measured", "measure_ecg"]
