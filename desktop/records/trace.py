"""Recorded traces: electrocardiograms, pressures and other signals over time, as their files give them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.records.picture import FileHeader

Samples = npt.NDArray[np.float32]

STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The twelve leads in the order they are printed."""

ECG_LEADS = frozenset(
    {*STANDARD_LEADS, "V", "V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R", "X", "Y", "Z", "MLI", "MLII", "MLIII"}
    | {"MLV1", "MLV2", "MLV3", "MLV4", "MLV5", "MLV6", "MCL1", "MCL6", "CM5", "ES", "AS", "AI", "ECG", "-aVR"}
)
"""Every name `standard_lead` gives to a lead of an electrocardiogram; ECG is one whose place is not told."""

MILLIVOLT = "mV"

_MAX_RATE = 200_000.0


class TraceFormat(StrEnum):
    """The file formats traces are read from."""

    DICOM = "dicom"
    WFDB = "wfdb"
    SCP = "scp"
    EDF = "edf"
    AECG = "aecg"
    CSV = "csv"


@dataclass(frozen=True)
class Lead:
    """One channel. name: of a standard ECG lead as `standard_lead` writes it, else the file's own words.

    unit: of the samples: `mV` wherever the file gives volts of any size, else as the file says (`mmHg`), empty where
    the file gives no calibration; the numbers are then the recorder's own and no size may be printed.
    low_hz, high_hz, notch_hz: the recorder's filters, where the file names them.
    """

    name: str
    unit: str
    low_hz: float | None = None
    high_hz: float | None = None
    notch_hz: float | None = None

    @property
    def is_ecg(self) -> bool:
        """Whether this is a lead of an electrocardiogram."""
        return self.name in ECG_LEADS or self.name.startswith("ECG ")

    @property
    def calibrated(self) -> bool:
        """Whether a sample's number is a size in `unit`."""
        return bool(self.unit)


@dataclass(frozen=True)
class TraceMark:
    """Something the file marks on the time axis: a beat (`N`, `V`), a rhythm (`(AFIB`), a fiducial point (`P Onset`).

    sample: its place in the trace; lead: None where it holds for all.
    """

    sample: int
    label: str
    lead: int | None = None


@dataclass(frozen=True)
class Statement:
    """A word or value the recorder wrote into the file, no finding of ours. name: empty for free text."""

    name: str
    value: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Trace:
    """Channels sampled together.

    samples: (leads, length) float32 in each lead's unit; NaN where nothing was recorded. rate: samples per second.
    start: local time at the recorder, without a zone. title: what the file calls this part (`RHYTHM`, `MEDIAN BEAT`).
    derived: computed from another part by the recorder (an average beat), so not a stretch of time.
    """

    samples: Samples
    rate: float
    leads: tuple[Lead, ...]
    start: datetime | None = None
    marks: tuple[TraceMark, ...] = ()
    title: str = ""
    derived: bool = False

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or 0 in self.samples.shape or self.samples.dtype != np.float32:
            raise ValueError("samples are (leads, length) float32 and not empty")
        if len(self.leads) != self.samples.shape[0]:
            raise ValueError("every lead has its samples")
        if not 0 < self.rate <= _MAX_RATE:
            raise ValueError("a sampling rate is positive")

    @property
    def length(self) -> int:
        """Samples of each lead."""
        return int(self.samples.shape[1])

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return self.length / self.rate

    @property
    def ecg(self) -> tuple[int, ...]:
        """Rows that are leads of an electrocardiogram."""
        return tuple(row for row, lead in enumerate(self.leads) if lead.is_ecg)

    def row(self, name: str) -> int | None:
        """The row of the first lead of that name."""
        return next((row for row, lead in enumerate(self.leads) if lead.name == name), None)


@dataclass(frozen=True, eq=False)
class Recording:
    """All traces of one file: those of one sampling rate together, or the groups the file makes."""

    traces: tuple[Trace, ...]
    header: FileHeader
    format: TraceFormat
    statements: tuple[Statement, ...] = ()

    def __post_init__(self) -> None:
        if not self.traces:
            raise ValueError("a recording has a trace")

    @property
    def main(self) -> Trace:
        """What is shown and measured first: the electrocardiogram with most leads, the longer one of two."""
        return max(self.traces, key=lambda t: (not t.derived, len(t.ecg), t.length))


_ONLY_WITH_PREFIX = frozenset({"X", "Y", "Z", "ES", "AS", "AI"})
"""Names of leads that are something else where nothing says that a lead is meant (an accelerometer has an X)."""
_BY_UPPER = {name.upper(): name for name in ECG_LEADS}
_ALIASES = {"AVR-": "-aVR", "EKG": "ECG", "VX": "X", "VY": "Y", "VZ": "Z"}
_PREFIXES = ("MDC_ECG_LEAD_", "MDC_ECG_ELEC_POTL_", "ECG LEAD ", "EKG LEAD ", "LEAD ", "LEAD_", "ECG ", "ECG-", "EKG ")


def standard_lead(name: str) -> str:
    """A file's word for a lead in the usual spelling: `avr`, `Lead aVR`, `MDC_ECG_LEAD_AVR`, `ECG aVR` → `aVR`.

    A numbered channel (`ECG_2`) stays a number: which lead it was nobody said. Words that name no lead are given back
    as they are, without outer blanks.
    """
    plain = " ".join(name.split())
    whole = plain.upper().partition("(")[0].strip()
    number = whole.removeprefix("ECG").removeprefix("EKG").strip(" _-")
    if whole.startswith(("ECG", "EKG")) and number.isdigit():
        return f"ECG {number}"
    prefix = next((p for p in _PREFIXES if whole.startswith(p)), "")
    rest = whole.removeprefix(prefix).strip()
    if not prefix and rest in _ONLY_WITH_PREFIX:
        return plain
    return _BY_UPPER.get(rest) or _ALIASES.get(rest) or plain
