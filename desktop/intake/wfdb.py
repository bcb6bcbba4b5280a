"""WFDB records (PhysioNet): a header, signal files beside it, annotation files if there are any.

Our own small reader: the wfdb package brings pandas, matplotlib and aiohttp, which a clinic's PC does not need.
"""

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import clean
from desktop.intake.ecg_parts import Neighbours, check_rate, check_size, empty, finite, in_millivolts, moved, too_long
from desktop.intake.wfdb_header import RecordHeader, StoredSignal, parse_header
from desktop.intake.wfdb_marks import read_marks
from desktop.intake.wfdb_samples import DIFFERENCES, FORMATS, MISSING, SampleFormat, Values, read_values, samples_in
from desktop.records import (
    FileHeader,
    Lead,
    Modality,
    Recording,
    Sex,
    Statement,
    Trace,
    TraceFormat,
    TraceMark,
    standard_lead,
)
from desktop.records.trace import Samples

MARK_SUFFIXES = ("atr", "qrs")
"""Annotation files looked for beside a header: reference marks, then those of the common detectors."""

_PLAIN_NAME = re.compile(r"[^\s/\\:.][^/\\:\x00-\x1f]{0,200}")
_AGE = re.compile(r"<?age>?\s*:?\s*(\d{1,3})\b", re.IGNORECASE)
_SEX = re.compile(r"<?sex>?\s*:?\s*(male|female|m|f)\b", re.IGNORECASE)
_NULL = 0


def files_of(data: bytes, neighbours: Neighbours) -> tuple[str, ...]:
    """The plain names of every file the record needs or has beside its header, the header itself left out.

    Raises UserFacingError `ecg.damaged` for a header that points outside its own folder.
    """
    header = parse_header(data)
    names: dict[str, None] = {}
    for name, _ in header.segments:
        if name == "~":
            continue
        inner = neighbours(_plain(f"{name}.hea"))
        if inner is None:
            continue
        names[f"{name}.hea"] = None
        names |= dict.fromkeys(_signal_files(parse_header(inner)))
    names |= dict.fromkeys(_signal_files(header))
    for suffix in MARK_SUFFIXES:
        if _PLAIN_NAME.fullmatch(header.name) and neighbours(f"{header.name}.{suffix}") is not None:
            names[f"{header.name}.{suffix}"] = None
    return tuple(names)


def _signal_files(header: RecordHeader) -> list[str]:
    return [_plain(signal.file) for signal in header.signals if signal.file != "~"]


def _plain(name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        raise UserFacingError("ecg.damaged")
    return name


def decode(data: bytes, neighbours: Neighbours) -> Recording:
    """The record whose header these bytes are; its other files come from `neighbours`.

    Leads sampled faster than others make a trace of their own. Raises UserFacingError: damaged, truncated, a signal
    file missing, a format without a reader, too long.
    """
    header = parse_header(data)
    try:
        traces = _segmented(header, neighbours) if header.segments else _single(header, neighbours)
    except (ValueError, OverflowError, FloatingPointError) as error:
        raise UserFacingError("ecg.damaged") from error
    except MemoryError as error:
        raise too_long() from error
    words = " ".join(header.comments)
    age, sex = _AGE.search(words), _SEX.search(words)
    about = FileHeader(
        modality=Modality.ECG if any(trace.ecg for trace in traces) else Modality.HD,
        age_years=float(age[1]) if age else None,
        sex=(Sex.MALE if sex[1][0] in "mM" else Sex.FEMALE) if sex else None,
        study_date=header.start.date() if header.start else None,
    )
    said = tuple(Statement("", clean(comment)) for comment in header.comments if clean(comment))
    return Recording(traces, about, TraceFormat.WFDB, said)


def _single(header: RecordHeader, neighbours: Neighbours) -> tuple[Trace, ...]:
    rate = check_rate(header.rate)
    rows = _read_rows(header, neighbours)
    return _traces(header, rate, rows, neighbours)


def _traces(
    header: RecordHeader, rate: float, rows: Sequence[tuple[StoredSignal, Samples]], neighbours: Neighbours
) -> tuple[Trace, ...]:
    """Rows of one sampling rate together, those with the fewest samples per frame first."""
    made = []
    for per_frame in sorted({signal.per_frame for signal, _ in rows}):
        here = [(signal, row) for signal, row in rows if signal.per_frame == per_frame]
        leads = tuple(Lead(_name(signal, n), in_millivolts(signal.unit)[0]) for n, (signal, _) in enumerate(here))
        samples = np.stack([row for _, row in here])
        marks = _marks(header.name, samples.shape[1], neighbours) if per_frame == 1 else ()
        made.append(Trace(samples, rate * per_frame, leads, header.start, marks))
    return tuple(made)


def _name(signal: StoredSignal, number: int) -> str:
    return standard_lead(clean(signal.description)) or str(number + 1)


def _marks(record: str, length: int, neighbours: Neighbours) -> tuple[TraceMark, ...]:
    """The first annotation file there is; they count in frames."""
    if not _PLAIN_NAME.fullmatch(record):
        return ()
    for suffix in MARK_SUFFIXES:
        data = neighbours(f"{record}.{suffix}")
        if data is not None:
            return read_marks(data, length)
    return ()


def _read_rows(header: RecordHeader, neighbours: Neighbours) -> list[tuple[StoredSignal, Samples]]:
    """Each signal in its own unit. Signals of one file follow each other (header(5)) and are read together."""
    groups = [(file, list(group)) for file, group in groupby(header.signals, key=lambda signal: signal.file)]
    for file, signals in groups:
        if file != "~" and signals[0].format != _NULL:
            _format(signals)  # an unknown one is refused before anything is read
    frames = header.length or _frames_there(groups, neighbours)
    check_size(len(header.signals), frames)
    check_size(1, frames * sum(signal.per_frame for signal in header.signals))
    rows: list[tuple[StoredSignal, Samples]] = []
    for file, signals in groups:
        if file == "~" or signals[0].format == _NULL:
            rows += [(signal, empty(1, frames * signal.per_frame)[0]) for signal in signals]
        else:
            rows += _read_file(signals, frames, _bytes_of(file, neighbours))
    return rows


def _bytes_of(file: str, neighbours: Neighbours) -> bytes:
    data = neighbours(_plain(file))
    if data is None:
        raise UserFacingError("ecg.companion_missing", file=clean(file))
    return data


def _format(signals: list[StoredSignal]) -> SampleFormat:
    number = signals[0].format
    if number not in FORMATS or any(signal.format != number for signal in signals):
        raise UserFacingError("ecg.unsupported_format", format=number)
    return FORMATS[number]


def _frames_there(groups: list[tuple[str, list[StoredSignal]]], neighbours: Neighbours) -> int:
    """Frames in the shortest signal file, where the header does not count them."""
    found = []
    for file, signals in groups:
        if file != "~" and signals[0].format != _NULL:
            size = len(_bytes_of(file, neighbours)) - signals[0].offset
            found.append(samples_in(_format(signals), max(size, 0)) // sum(s.per_frame for s in signals))
    return min(found, default=0)


def _read_file(signals: list[StoredSignal], frames: int, data: bytes) -> list[tuple[StoredSignal, Samples]]:
    """The signals interleaved in one file. Raises UserFacingError `ecg.truncated` where it is shorter than promised."""
    stored = _format(signals)
    in_frame = sum(signal.per_frame for signal in signals)
    if in_frame < 1:
        raise ValueError("a frame without samples")
    body = memoryview(data)[signals[0].offset :]
    if stored.bytes_for(frames * in_frame) > len(body):
        raise UserFacingError("ecg.truncated")
    values = read_values(stored, body, frames * in_frame).reshape(frames, in_frame)
    rows, column = [], 0
    for signal in signals:
        own = values[:, column : column + signal.per_frame].reshape(-1)
        column += signal.per_frame
        rows.append((signal, _in_unit(signal, own)))
    return rows


def _in_unit(signal: StoredSignal, values: Values) -> Samples:
    """Stored values in the signal's unit; without a gain they stay the recorder's own numbers."""
    missing = values == MISSING
    if signal.format == DIFFERENCES:
        values = np.cumsum(values, dtype=np.int64).astype(np.int32) + np.int32(signal.first)
    row = values.astype(np.float32)
    if signal.gain is not None:
        factor = in_millivolts(signal.unit)[1] / signal.gain
        row = ((values.astype(np.float64) - signal.baseline) * factor).astype(np.float32)
    row[missing] = np.nan
    early = min(signal.skew * signal.per_frame, row.size)
    return finite(moved(row, -early))


def _segmented(header: RecordHeader, neighbours: Neighbours) -> tuple[Trace, ...]:
    """A record in pieces. Leads are those of the layout or of the first piece; a gap, and a piece that lacks a lead,
    leave missing samples. Raises UserFacingError where a piece is missing."""
    rate = check_rate(header.rate)
    pieces = [(name, frames, _piece(name, neighbours) if name != "~" else None) for name, frames in header.segments]
    layout = next((piece for _, _, piece in pieces if piece is not None), None)
    if layout is None:
        raise UserFacingError("ecg.no_samples")
    total = sum(frames for _, frames, _ in pieces)
    check_size(len(layout.signals), total)
    check_size(1, total * sum(signal.per_frame for signal in layout.signals))
    rows = [(signal, empty(1, total * signal.per_frame)[0]) for signal in layout.signals]
    at = 0
    for _, frames, piece in pieces:
        if piece is not None and frames > 0:
            _fill(rows, at, frames, _read_rows(piece, neighbours))
        at += frames
    return _traces(header, rate, rows, neighbours)


def _piece(name: str, neighbours: Neighbours) -> RecordHeader:
    data = neighbours(_plain(f"{name}.hea"))
    if data is None:
        raise UserFacingError("ecg.companion_missing", file=clean(f"{name}.hea"))
    piece = parse_header(data)
    if piece.segments:
        raise UserFacingError("ecg.damaged")
    return piece


def _fill(
    rows: list[tuple[StoredSignal, Samples]], at: int, frames: int, pieces: list[tuple[StoredSignal, Samples]]
) -> None:
    """Put one piece's leads where they belong, by their names and units."""
    known = {(signal.description, signal.per_frame): row for signal, row in pieces}
    for signal, row in rows:
        part = known.get((signal.description, signal.per_frame))
        if part is not None:
            length = min(part.size, frames * signal.per_frame)
            row[at * signal.per_frame : at * signal.per_frame + length] = part[:length]
