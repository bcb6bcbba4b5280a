"""EDF, EDF+ and BDF recordings, read with edfio after the header's promises were weighed against the file's size."""

import re
import warnings
from datetime import datetime

import numpy as np
from edfio import Bdf, Edf, read_bdf, read_edf
from edfio.edf_signal import BdfSignal, EdfSignal

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import clean
from desktop.intake.ecg_parts import check_rate, check_size, finite, in_millivolts, too_long
from desktop.records import (
    FileHeader,
    Lead,
    Modality,
    PartialDate,
    Recording,
    Sex,
    Trace,
    TraceFormat,
    TraceMark,
    standard_lead,
)

_FIXED, _PER_SIGNAL = 256, 256
_BDF = b"\xffBIOSEMI"
_LABEL = 16
_BEFORE_COUNTS = 216  # bytes of each signal's header before its samples per record
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
_SEXES = {"M": Sex.MALE, "F": Sex.FEMALE}
_FILTER = re.compile(r"\b(HP|LP|N)\s*:?\s*([0-9]+(?:[.,][0-9]+)?)\s*(m?)Hz", re.IGNORECASE)
_MOST_MARKS = 200_000

_File = Edf | Bdf
_Signal = EdfSignal | BdfSignal


def is_edf(header: bytes) -> bool:
    """Whether a file that begins so is EDF or BDF: its version, and a header as long as its signals need."""
    if not header.startswith((b"0       ", _BDF)) or len(header) < _FIXED:
        return False
    try:
        return int(header[184:192]) == _FIXED + _PER_SIGNAL * int(header[252:256])
    except ValueError:
        return False


def decode(data: bytes) -> Recording:
    """Signals of one sampling rate together, in mV where the file has volts; annotations as marks.

    Raises UserFacingError: damaged, truncated, broken off into stretches (EDF+D), too long. No warning, no log record.
    """
    width = 3 if data.startswith(_BDF) else 2
    try:
        _weigh(data, width)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = read_bdf if width == 3 else read_edf
            return _recording(read(data, header_encoding="latin-1"))
    except UserFacingError:
        raise
    except MemoryError as error:
        raise too_long() from error
    # edfio states no common error for files that contradict themselves.
    except Exception as error:
        raise UserFacingError("ecg.damaged") from error


def _weigh(data: bytes, width: int) -> None:
    """Compare what the header promises with what is there, before anything is reserved."""
    count, records = int(data[252:256]), int(data[236:244])
    check_size(count, 1)
    if len(data) < _FIXED + _PER_SIGNAL * count:
        raise UserFacingError("ecg.truncated")
    at = _FIXED + _BEFORE_COUNTS * count
    in_record = [int(data[at + 8 * number : at + 8 * number + 8]) for number in range(count)]
    if min(in_record) < 0 or records < -1:
        raise UserFacingError("ecg.damaged")
    there = (len(data) - _FIXED - _PER_SIGNAL * count) // max(1, width * sum(in_record))
    if records > there:
        raise UserFacingError("ecg.truncated")
    labels = [data[_FIXED + _LABEL * n : _FIXED + _LABEL * (n + 1)].decode("latin-1").strip() for n in range(count)]
    real = sum(size for size, label in zip(in_record, labels, strict=True) if label not in _ANNOTATIONS)
    check_size(1, real * (there if records == -1 else records))


def _recording(file: _File) -> Recording:
    if not file.is_continuous:
        raise UserFacingError("ecg.discontinuous")
    start = _start(file)
    by_rate: dict[float, list[_Signal]] = {}
    for signal in file.signals:
        if signal.samples_per_data_record:
            by_rate.setdefault(check_rate(signal.sampling_frequency), []).append(signal)
    if not by_rate:
        raise UserFacingError("ecg.no_samples")
    traces = tuple(_trace(file, rate, signals, start) for rate, signals in by_rate.items())
    modality = Modality.ECG if any(trace.ecg for trace in traces) else Modality.HD
    return Recording(traces, _header(file, modality, start), TraceFormat.EDF)


def _start(file: _File) -> datetime | None:
    """When it began; None where the date was blotted out (EDF+ lets one write 01.01.85 or X)."""
    try:
        return file.startdatetime
    except ValueError:  # edfio's AnonymizedDateError is one
        return None


def _trace(file: _File, rate: float, signals: list[_Signal], start: datetime | None) -> Trace:
    length = len(signals[0].digital)
    samples = np.empty((len(signals), length), np.float32)
    leads = []
    for row, signal in enumerate(signals):
        unit, factor = in_millivolts(signal.physical_dimension)
        samples[row] = signal.data * factor if unit else signal.digital
        filters = _filters(signal.prefiltering)
        leads.append(Lead(standard_lead(clean(signal.label)) or str(row + 1), unit, *filters))
    marks = [
        TraceMark(round(note.onset * rate), clean(note.text))
        for note in file.annotations[:_MOST_MARKS]
        if 0 <= note.onset * rate < length and clean(note.text)
    ]
    return Trace(finite(samples), rate, tuple(leads), start, tuple(marks))


def _filters(words: str) -> tuple[float | None, float | None, float | None]:
    """High pass, low pass and notch as EDF+ writes them: `HP:0.05Hz LP:150Hz N:50Hz`."""
    said = {
        kind.upper(): float(number.replace(",", ".")) * (0.001 if milli else 1.0)
        for kind, number, milli in _FILTER.findall(words)
    }
    return said.get("HP"), said.get("LP"), said.get("N")


def _header(file: _File, modality: Modality, start: datetime | None) -> FileHeader:
    """The patient field: in EDF+ code, sex, birth date and name; a plain EDF's words are kept as a number."""
    words = clean(file.local_patient_identification)
    number, sex, born, name = words, None, None, ""
    parts = words.split(" ")
    if file.reserved.startswith(("EDF+", "BDF+")) and len(parts) >= 4:
        number = "" if parts[0] == "X" else parts[0].replace("_", " ")
        sex = _SEXES.get(parts[1])
        born = _birth_date(parts[2])
        name = "" if parts[3] == "X" else parts[3].replace("_", " ")
    elif words.strip("X ") == "":
        number = ""
    return FileHeader(
        modality=modality,
        name_groups=(name,) if name else (),
        patient_number=number,
        birth_date=born,
        sex=sex,
        study_date=start.date() if start is not None else None,
    )


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def _birth_date(text: str) -> PartialDate | None:
    """`03-FEB-1980`."""
    match = re.fullmatch(r"(\d{2})-([A-Za-z]{3})-(\d{4})", text)
    if match is None or match[2].upper() not in _MONTHS:
        return None
    try:
        return PartialDate(int(match[3]), _MONTHS.index(match[2].upper()) + 1, int(match[1]))
    except ValueError:
        return None
