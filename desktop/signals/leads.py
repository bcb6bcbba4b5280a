"""How good each lead is, and the limb leads that follow from two others."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.records import MILLIVOLT, STANDARD_LEADS, Lead, Trace
from desktop.signals.filters import Rows, band_pass, filled

_FLAT_MV = 0.05
_MOST_MISSING = 0.2
_MOST_STILL = 0.5
_MOST_CLIPPED = 0.05
_EDGE = 0.4
"""Seconds at either end in which the filter still settles."""

_LEAST_PEAKEDNESS = 4.5
"""Kurtosis of the QRS band (Li, Mark and Clifford 2008 use 5): beats stand out of rest; noise alone has 3."""


class LeadState(StrEnum):
    """What is wrong with a lead, or nothing."""

    GOOD = "good"
    MISSING = "missing"
    FLAT = "flat"
    CLIPPED = "clipped"
    NOISY = "noisy"


@dataclass(frozen=True)
class LeadQuality:
    """One lead's state. weight: how much it counts among the others, 0 where it is not used."""

    row: int
    name: str
    state: LeadState
    weight: float


def lead_qualities(trace: Trace) -> tuple[LeadQuality, ...]:
    """The state of every electrocardiogram lead of a trace."""
    rows = list(trace.ecg)
    if not rows:
        return ()
    whole = filled(trace.samples[rows])
    band = band_pass(whole, trace.rate, 5.0, min(30.0, 0.4 * trace.rate))
    edge = min(round(_EDGE * trace.rate), band.shape[1] // 4)
    band = band[:, edge : band.shape[1] - edge]
    return tuple(_quality(trace, row, whole[number], band[number]) for number, row in enumerate(rows))


def _quality(trace: Trace, row: int, whole: npt.NDArray[np.float64], band: npt.NDArray[np.float64]) -> LeadQuality:
    lead = trace.leads[row]
    spread = band.std()
    peakedness = float(((band - band.mean()) ** 4).mean() / spread**4) if spread > 0 else 0.0
    if np.isnan(trace.samples[row]).mean() > _MOST_MISSING:
        state = LeadState.MISSING
    elif _is_flat(whole, lead):
        state = LeadState.FLAT
    elif _clipped_share(whole) > _MOST_CLIPPED:
        state = LeadState.CLIPPED
    elif peakedness < _LEAST_PEAKEDNESS:
        state = LeadState.NOISY
    else:
        state = LeadState.GOOD
    weight = min(peakedness, 20.0) if state is LeadState.GOOD else 0.0
    return LeadQuality(row, lead.name, state, weight)


def _is_flat(whole: npt.NDArray[np.float64], lead: Lead) -> bool:
    """No signal: next to no movement at all, or standing still for half of the time."""
    low, high = np.percentile(whole, [0.5, 99.5])
    if high == low or (lead.unit == MILLIVOLT and high - low < _FLAT_MV):
        return True
    still = np.abs(np.diff(whole)) < 1e-4 * (high - low)
    return bool(_in_runs(still, 100).mean() > _MOST_STILL)


def _in_runs(wanted: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.bool_]:
    """Only those True that lie in runs of at least so many."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wanted.astype(np.int8), [0]])))
    kept = np.zeros_like(wanted)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        kept[begin:end] = end - begin >= least
    return kept


def _clipped_share(whole: npt.NDArray[np.float64]) -> float:
    """How much of the trace lies in runs exactly at its highest or lowest value: the recorder had no more room."""
    return float(max(_in_runs(whole == edge, 5).mean() for edge in (whole.max(), whole.min())))


def with_calculated_limb_leads(trace: Trace) -> tuple[Trace, tuple[str, ...]]:
    """The trace with III, aVR, aVL and aVF where they are lacking and follow from I and II, and their names.

    Einthoven and Goldberger: III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2. Standard leads come in
    the order of printing, other channels after them.
    """
    first, second = trace.row("I"), trace.row("II")
    if first is None or second is None or trace.leads[first].unit != trace.leads[second].unit:
        return trace, ()
    one, two = trace.samples[first], trace.samples[second]
    known = {lead.name: trace.samples[row] for row, lead in reversed(list(enumerate(trace.leads)))}
    leads = {lead.name: lead for lead in reversed(trace.leads)}
    possible = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    added = tuple(name for name in possible if name not in known)
    for name in added:
        known[name] = possible[name]
        leads[name] = replace(trace.leads[first], name=name)
    if not added:
        return trace, ()
    order = [name for name in STANDARD_LEADS if name in known]
    order += [lead.name for lead in trace.leads if lead.name not in order]
    samples = np.stack([known[name] for name in order]).astype(np.float32)
    return replace(trace, samples=samples, leads=tuple(leads[name] for name in order)), added


def usable_rows(trace: Trace, qualities: tuple[LeadQuality, ...]) -> Rows:
    """The good leads' samples, bridged where they miss something: (good leads, length)."""
    return filled(trace.samples[[quality.row for quality in qualities if quality.weight > 0]])
