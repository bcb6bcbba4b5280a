"""DICOM waveforms (PS3.3 A.34): 12-lead and general electrocardiograms, haemodynamic and other traces."""

import io
import re
import warnings
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields, clean
from desktop.intake.dicom_file import open_dicom
from desktop.intake.dicom_header import file_header
from desktop.intake.ecg_parts import LEAD_BY_CODE, check_rate, check_size, finite, in_millivolts, moved, too_long
from desktop.records import Lead, Modality, Recording, Statement, Trace, TraceFormat, TraceMark, standard_lead
from desktop.records.trace import Samples

Stored = npt.NDArray[np.integer[Any]]

_WAVEFORM_CLASSES = b"1.2.840.10008.5.1.4.1.1.9."
_CLASS_ELEMENTS = (b"\x02\0\x02\0UI", b"\x08\0\x16\0UI", b"\x08\0\x16\0", b"\0\x08\0\x16UI")
_DTYPES = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}
_MOST_GROUPS, _MOST_NOTES = 64, 20_000
_MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{1,6}))?(?:[+-]\d{4})?")
_LEAD_CODE = re.compile(r"(?:5\.6\.3-9-|2:)(\d{1,5})")


def is_waveform(header: bytes) -> bool:
    """Whether a DICOM file that begins so names a waveform storage class as its own."""
    for element in _CLASS_ELEMENTS:
        at = header.find(element)
        if at >= 0:
            begin = at + len(element)
            return _WAVEFORM_CLASSES in header[begin : begin + 4 + len(_WAVEFORM_CLASSES)]
    return False


def decode(data: bytes) -> Recording:
    """Every multiplex group of a DICOM waveform file as a trace of its own.

    Raises UserFacingError only; no warning, no log record.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what pydicom would say about odd values can hold a patient's name
            return _decode(data)
    except UserFacingError:
        raise
    except MemoryError as error:
        raise too_long() from error
    # A hostile data set makes the parser fail in ways nobody has listed (recursion, struct, index, attribute …).
    except Exception as error:
        raise UserFacingError("ecg.damaged") from error


def _decode(data: bytes) -> Recording:
    opened = open_dicom(io.BytesIO(data))
    fields = Fields(opened.dataset)
    groups = _items(fields, "WaveformSequence")
    if not groups:
        raise UserFacingError("ecg.truncated" if opened.cut_short else "ecg.no_samples")
    if len(groups) > _MOST_GROUPS:
        raise UserFacingError("ecg.damaged")
    order = "<" if opened.dataset.original_encoding[1] is not False else ">"
    notes = _items(fields, "WaveformAnnotationSequence")[:_MOST_NOTES]
    check_size(1, sum((g.integer("NumberOfWaveformChannels") or 0) * (_length(g)) for g in groups))
    traces = tuple(_trace(group, number, _start(fields), notes, order) for number, group in enumerate(groups, 1))
    modality = Modality.ECG if any(trace.ecg for trace in traces) else Modality.HD
    header = file_header(fields, modality, clean(str(opened.syntax or "")))
    return Recording(traces, header, TraceFormat.DICOM, _statements(notes))


def _items(fields: Fields, keyword: str) -> list[Fields]:
    """The items of a sequence of any size; the file itself is bounded."""
    return [Fields(item) for item in fields.dataset.get(keyword) or ()]


def _length(group: Fields) -> int:
    return group.integer("NumberOfWaveformSamples") or 0


def _start(fields: Fields) -> datetime | None:
    """Local time at the recorder: the acquisition's, else the study's where it has a time of day."""
    for text in (
        fields.text("AcquisitionDateTime"),
        fields.text("AcquisitionDate") + fields.text("AcquisitionTime"),
        fields.text("StudyDate") + fields.text("StudyTime"),
    ):
        match = _MOMENT.fullmatch(text)
        if match is None:
            continue
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        part = int((match[7] or "0").ljust(6, "0"))
        try:
            # Local time at the recorder; its zone is rarely told and never needed here.
            return datetime.combine(date(year, month, day), time(hour, minute, second, part))
        except ValueError:
            continue
    return None


def _trace(group: Fields, number: int, start: datetime | None, notes: list[Fields], order: str) -> Trace:
    """One multiplex group (PS3.3 C.10.9)."""
    channels = _items(group, "ChannelDefinitionSequence")
    count, length = group.integer("NumberOfWaveformChannels") or 0, _length(group)
    check_size(count, length)
    rate = check_rate(group.number("SamplingFrequency"))
    if len(channels) != count:
        raise UserFacingError("ecg.damaged")
    values = _values(group, count, length, order)
    samples = np.full((count, length), np.nan, np.float32)
    for row, channel in enumerate(channels):
        samples[row] = _scaled(channel, values[:, row], _padding(group, order), rate)
    later = group.number("MultiplexGroupTimeOffset") or 0.0
    if start is not None and abs(later) < 1e10:
        start += timedelta(milliseconds=later)
    return Trace(
        finite(samples),
        rate,
        tuple(_lead(channel, row) for row, channel in enumerate(channels)),
        start,
        tuple(mark for note in notes for mark in _marks(note, number, count, length)),
        group.text("MultiplexGroupLabel"),
        group.text("WaveformOriginality").upper() == "DERIVED",
    )


def _values(group: Fields, count: int, length: int, order: str) -> Stored:
    """Stored values, (samples, channels): channels of one moment lie together (PS3.3 C.10.9.1.4)."""
    dtype, data = _dtype(group, order), group.value("WaveformData")
    if not isinstance(data, bytes) or len(data) < count * length * dtype.itemsize:
        raise UserFacingError("ecg.truncated")
    return np.frombuffer(data, dtype, count * length).reshape(length, count)


def _dtype(group: Fields, order: str) -> "np.dtype[Any]":
    kind = group.text("WaveformSampleInterpretation").upper()
    if kind not in _DTYPES:
        raise UserFacingError("ecg.unsupported_format", format=kind or "?")
    return np.dtype(order + _DTYPES[kind])


def _padding(group: Fields, order: str) -> int | None:
    """The stored value that means "nothing here"."""
    value, dtype = group.value("WaveformPaddingValue"), _dtype(group, order)
    if isinstance(value, bytes) and len(value) >= dtype.itemsize:
        return int(np.frombuffer(value, dtype, 1)[0])
    return value if isinstance(value, int) else None


def _scaled(channel: Fields, stored: Stored, padding: int | None, rate: float) -> Samples:
    """One channel in its unit (PS3.3 C.10.9.1.2): stored value x sensitivity x correction + baseline.

    Without a sensitivity the values stay as stored.
    """
    row = stored.astype(np.float64)
    sensitivity = channel.number("ChannelSensitivity")
    if sensitivity is not None:
        correction = channel.number("ChannelSensitivityCorrectionFactor")
        row *= sensitivity * (1.0 if correction is None else correction)
        row += channel.number("ChannelBaseline") or 0.0
        row *= in_millivolts(_unit(channel))[1]
    if padding is not None:
        row[stored == padding] = np.nan
    skew = channel.number("ChannelTimeSkew")
    late = skew * rate if skew is not None else channel.number("ChannelSampleSkew") or 0.0
    return moved(row, round(late) if abs(late) < row.size else 0).astype(np.float32)


def _lead(channel: Fields, row: int) -> Lead:
    source = channel.first_item("ChannelSourceSequence")
    code = _LEAD_CODE.fullmatch(source.text("CodeValue")) if source is not None else None
    name = LEAD_BY_CODE.get(int(code[1]), "") if code is not None else ""
    words = channel.text("ChannelLabel") or (source.text("CodeMeaning") if source is not None else "")
    calibrated = channel.number("ChannelSensitivity") is not None
    return Lead(
        name or standard_lead(words) or str(row + 1),
        in_millivolts(_unit(channel))[0] if calibrated else "",
        channel.number("FilterLowFrequency"),
        channel.number("FilterHighFrequency"),
        channel.number("NotchFilterFrequency"),
    )


def _unit(channel: Fields) -> str:
    units = channel.first_item("ChannelSensitivityUnitsSequence")
    code = units.text("CodeValue") if units is not None else ""
    return "mmHg" if code == "mm[Hg]" else code


def _concept(note: Fields) -> str:
    concept = note.first_item("ConceptNameCodeSequence")
    return concept.text("CodeMeaning") if concept is not None else ""


def _marks(note: Fields, group: int, count: int, length: int) -> list[TraceMark]:
    """Points on the time axis of one multiplex group; positions and channels count from 1 (PS3.3 C.10.10)."""
    words = _concept(note) or note.text("UnformattedTextValue")
    if not words or note.number("NumericValue") is not None:
        return []
    channels = [int(number) for number in note.numbers("ReferencedWaveformChannels")]
    leads = [b - 1 for a, b in zip(channels[::2], channels[1::2], strict=False) if a == group]
    if channels and not leads:
        return []
    lead = leads[0] if len(leads) == 1 and 0 <= leads[0] < count else None
    places = [int(number) - 1 for number in note.numbers("ReferencedSamplePositions")]
    return [TraceMark(place, words, lead) for place in places if 0 <= place < length]


def _statements(notes: list[Fields]) -> tuple[Statement, ...]:
    """What the recorder wrote: free words, and its own measurements with their units."""
    found = []
    for note in notes:
        if text := note.text("UnformattedTextValue"):
            found.append(Statement("", text))
        elif (value := note.text("NumericValue")) and _concept(note):
            units = note.first_item("MeasurementUnitsCodeSequence")
            unit = units.text("CodeValue") if units is not None else ""
            found.append(Statement(_concept(note), value, "" if unit in ("1", "{unitless}") else unit))
    return tuple(found)
