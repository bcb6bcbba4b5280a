"""Tables of numbers: one column for each lead, with or without a column of time.

Nothing is guessed. The sampling rate comes from a time column that names its unit (`time_s`, `time (ms)`) or from a
remark (`# sampling_rate: 500`); units from the headings (`II (mV)`) or a remark (`# unit: mV`). What is not said is
missing: without a rate the file is refused, without units the numbers stay numbers.
"""

import io
import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import clean
from desktop.intake.ecg_parts import check_rate, check_size, finite, in_millivolts
from desktop.records import FileHeader, Lead, Modality, Recording, Trace, TraceFormat, standard_lead

_HEAD_LINES = 200
_HEADING = re.compile(r"(.+?)\s*(?:[\[(]\s*([^\])]*?)\s*[\])]|[_/ ]\s*(mV|uV|µV|V))?", re.IGNORECASE)
_TIME = re.compile(r"(?:time|t|elapsed)\s*[\s_(\[/]\s*(s|sec|seconds|ms|milliseconds)\s*[\])]?", re.IGNORECASE)
_TIME_NAMES = frozenset({"time", "t", "elapsed", "timestamp", "index", "sample"})
_RATE = re.compile(r"(?:sampling[ _]?(?:rate|frequency)|sample[ _]?rate|fs)(?:[ _]?\(?hz\)?)?", re.IGNORECASE)
_JITTER = 0.01


@dataclass(frozen=True)
class _Head:
    """What stands above the numbers. skip: lines before the first row of numbers."""

    separator: str
    names: tuple[str, ...]
    remarks: dict[str, str]
    skip: int


def is_ecg_table(header: bytes) -> bool:
    """Whether a file that begins so is a table of leads: numbers under headings of which one is an ECG lead's, or under
    a remark that gives a sampling rate."""
    text = _decoded(header, cut=True)
    if text is None or "\0" in text:
        return False
    try:
        head = _head(text.splitlines()[:-1] or text.splitlines())
    except UserFacingError:
        return False
    leads = [_lead(name, "") for name in head.names]
    return any(lead.is_ecg for lead in leads) or _remark(head, _RATE) is not None


def decode(data: bytes) -> Recording:
    """The table as one trace. Raises UserFacingError: no rate, uneven time, damaged, too long."""
    text = _decoded(data, cut=False)
    if text is None:
        raise UserFacingError("ecg.damaged")
    head = _head(text[:65536].splitlines())
    columns = max(1, len(head.names))
    check_size(columns, text.count("\n") + 1)
    table = _numbers(text, head)
    names = head.names or tuple(str(number + 1) for number in range(table.shape[1]))
    if len(names) != table.shape[1]:
        raise UserFacingError("ecg.damaged")
    clock = next((column for column, name in enumerate(names) if _TIME.fullmatch(name.strip())), None)
    dropped = {column for column, name in enumerate(names) if name.strip().lower() in _TIME_NAMES} | {clock}
    kept = [column for column in range(table.shape[1]) if column not in dropped]
    if not kept:
        raise UserFacingError("ecg.no_samples")
    rate = _rate(head, table, names, clock)
    unit = _remark(head, re.compile(r"units?", re.IGNORECASE)) or ""
    leads = tuple(_lead(names[column], unit) for column in kept)
    factors = np.array([in_millivolts(_unit(names[column]) or unit)[1] for column in kept])
    samples = np.ascontiguousarray((table[:, kept] * factors).T, np.float32)
    modality = Modality.ECG if any(lead.is_ecg for lead in leads) else Modality.HD
    start = _start(head)
    header = FileHeader(modality=modality, study_date=start.date() if start is not None else None)
    return Recording((Trace(finite(samples), rate, leads, start),), header, TraceFormat.CSV)


def _decoded(data: bytes, *, cut: bool) -> str | None:
    """The text; a beginning that was cut off in the middle of a character is still text."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            if cut and error.start >= len(data) - 4:
                return data[: error.start].decode(encoding)
    return None


def _head(lines: list[str]) -> _Head:
    """Remarks, then at most one row of headings, then numbers; the first row of numbers tells how cells are parted."""
    remarks: dict[str, str] = {}
    heading: str | None = None
    for number, line in enumerate(lines[:_HEAD_LINES]):
        words = line.strip()
        if not words or words.startswith("#"):
            key, found, value = words.lstrip("# ").replace("=", ":", 1).partition(":")
            if found:
                remarks[key.strip()] = value.strip()
            continue
        separator = next((one for one in (";", "\t", ",") if one in words), " " if " " in words else ",")
        if all(_is_number(cell) for cell in _cells(words, separator)):
            names = tuple(_cells(heading, separator)) if heading is not None else ()
            return _Head(separator, names, remarks, number)
        if heading is not None:
            break  # two rows of words are another kind of table
        heading = words
    raise UserFacingError("ecg.damaged")


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(None if separator == " " else separator)]


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", ".") if cell else "nan")
    except ValueError:
        return False
    return True


def _numbers(text: str, head: _Head) -> npt.NDArray[np.float64]:
    lines = text.splitlines()[head.skip :]
    if head.separator == ";":
        lines = [line.replace(",", ".") for line in lines]
    try:
        separator = None if head.separator == " " else head.separator
        return np.loadtxt(io.StringIO("\n".join(lines)), delimiter=separator, ndmin=2, comments="#")
    except ValueError:
        return _with_gaps(lines, head.separator)


def _with_gaps(lines: list[str], separator: str) -> npt.NDArray[np.float64]:
    """Rows in which cells may be empty. Raises UserFacingError for anything else that is no number."""
    rows = []
    try:
        for line in lines:
            if line.strip() and not line.lstrip().startswith("#"):
                cells = line.split(None if separator == " " else separator)
                rows.append([float(cell.strip().strip('"') or "nan") for cell in cells])
        return np.array(rows, np.float64, ndmin=2)
    except ValueError as error:
        raise UserFacingError("ecg.damaged") from error


def _remark(head: _Head, key: "re.Pattern[str]") -> str | None:
    return next((value for name, value in head.remarks.items() if key.fullmatch(name)), None)


def _rate(head: _Head, table: npt.NDArray[np.float64], names: tuple[str, ...], clock: int | None) -> float:
    said = re.match(r"[-+.\deE]+", _remark(head, _RATE) or "")
    if said is not None:
        try:
            return check_rate(float(said[0]))
        except ValueError:
            raise UserFacingError("ecg.no_rate") from None
    if clock is None or len(table) < 2:
        raise UserFacingError("ecg.no_rate")
    unit = _TIME.fullmatch(names[clock].strip())
    seconds = table[:, clock] * (1e-3 if unit is not None and unit[1].lower().startswith("m") else 1.0)
    step = (seconds[-1] - seconds[0]) / (len(seconds) - 1)
    # Rounded times wobble by less than one step; a gap or a repeated stretch does not.
    if not step > 0 or np.abs(seconds - seconds[0] - step * np.arange(len(seconds))).max() > step * (0.5 + _JITTER):
        raise UserFacingError("ecg.uneven_time")
    return check_rate(round(1.0 / step, 6))


def _unit(heading: str) -> str:
    match = _HEADING.fullmatch(heading.strip())
    return (match[2] or match[3] or "") if match is not None else ""


def _lead(heading: str, unit: str) -> Lead:
    match = _HEADING.fullmatch(heading.strip())
    name = match[1] if match is not None else heading
    return Lead(standard_lead(clean(name)) or heading, in_millivolts(_unit(heading) or unit)[0])


def _start(head: _Head) -> datetime | None:
    words = _remark(head, re.compile(r"start|date|recorded", re.IGNORECASE))
    try:
        return datetime.fromisoformat(words).replace(tzinfo=None) if words else None
    except ValueError:
        return None
