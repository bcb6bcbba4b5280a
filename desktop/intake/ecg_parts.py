"""What the readers of traces share: limits checked before memory is asked for, units, and a file's neighbours."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError
from desktop.records import MILLIVOLT
from desktop.records.trace import Samples

Values = npt.NDArray[np.floating[Any]]

MAX_TRACE_VALUES = 40_000_000
"""Most numbers (leads x samples) of one recording: 160 MB. A day of three leads at 128 Hz has 33 million."""

MAX_TRACE_LEADS = 512
"""Most channels of one recording; an electroencephalogram has some hundreds."""

LEAD_BY_CODE = {
    **dict(enumerate(("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "V7"), start=1)),
    11: "V3R",
    12: "V4R",
    13: "V5R",
    14: "V6R",
    16: "X",
    17: "Y",
    18: "Z",
    20: "CM5",
    61: "III",
    62: "aVR",
    63: "aVL",
    64: "aVF",
    65: "-aVR",
    66: "V8",
    67: "V9",
}
"""Leads by their number in SCP-ECG (EN 1064), which DICOM (CID 3001) and ISO/IEEE 11073-10102 share."""

Neighbours = Callable[[str], bytes | None]
"""The bytes of another file of the same record by its plain name; None where there is no such file."""


def no_neighbours(_name: str) -> bytes | None:
    """For a file that came alone."""
    return None


_PER_MILLIVOLT = {
    "v": 1e3,
    "mv": 1.0,
    "millivolt": 1.0,
    "millivolts": 1.0,
    "uv": 1e-3,
    "µv": 1e-3,
    "μv": 1e-3,
    "microvolt": 1e-3,
    "microvolts": 1e-3,
    "nv": 1e-6,
    "nanovolt": 1e-6,
}


def in_millivolts(unit: str) -> tuple[str, float]:
    """A file's unit as we write it, and what its numbers are multiplied by: volts of any size become mV."""
    plain = " ".join(unit.split())
    factor = _PER_MILLIVOLT.get(plain.lower())
    if plain == "MV" or factor is None:  # megavolts are nobody's heart; EDF's capitals are sloppy
        return (MILLIVOLT, 1.0) if plain == "MV" else (plain, 1.0)
    return MILLIVOLT, factor


def too_long() -> UserFacingError:
    """The refusal of a recording over MAX_TRACE_VALUES."""
    return UserFacingError("ecg.too_long", millions=MAX_TRACE_VALUES // 1_000_000)


def check_size(leads: int, length: int) -> None:
    """Refuse what is too long to hold, or nothing at all, by what the header says.

    Raises UserFacingError `ecg.too_long`, `ecg.too_many_leads` or `ecg.no_samples`.
    """
    if leads > MAX_TRACE_LEADS:
        raise UserFacingError("ecg.too_many_leads", count=MAX_TRACE_LEADS)
    if leads < 1 or length < 1:
        raise UserFacingError("ecg.no_samples")
    if leads * length > MAX_TRACE_VALUES:
        raise too_long()


def check_rate(rate: float | None) -> float:
    """A sampling rate that can be one. Raises UserFacingError `ecg.no_rate`: a time axis is never guessed."""
    if rate is None or not math.isfinite(rate) or not 0.001 <= rate <= 200_000:
        raise UserFacingError("ecg.no_rate")
    return rate


def empty(leads: int, length: int) -> Samples:
    """Room for samples, all of them missing; the size is checked first."""
    check_size(leads, length)
    return np.full((leads, length), np.nan, np.float32)


def moved(row: Values, late: int) -> Values:
    """A row whose channel was sampled `late` samples after the others (before them where negative), put in its place;
    what is lacking at one end is missing. row: floats, (length,)."""
    if not late:
        return row
    gap = np.full(min(abs(late), row.size), np.nan, row.dtype)
    return np.concatenate([gap, row[:-late]] if late > 0 else [row[-late:], gap])


def finite(samples: Samples) -> Samples:
    """The samples with infinities as missing ones (a spoilt gain or a float file can hold them)."""
    samples[~np.isfinite(samples)] = np.nan
    return samples
