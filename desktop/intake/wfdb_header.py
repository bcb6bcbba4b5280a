"""The header file of a WFDB record (PhysioNet, header(5)): what is stored where, and in which unit."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time

from desktop.errors import UserFacingError
from desktop.intake.ecg_parts import MAX_TRACE_LEADS

MAX_SEGMENTS = 20_000
_MAX_LINES = 50_000
_DEFAULT_RATE = 250.0  # header(5): the rate of a record that names none
_RECORD = re.compile(r"([^\s/]+)(?:/(\d{1,9}))?")
_FORMAT = re.compile(r"(\d{1,4})(?:x(\d{1,4}))?(?::(\d{1,6}))?(?:\+(\d{1,9}))?")
_GAIN = re.compile(r"([-+.\deE]+)(?:\(([-+]?\d{1,12})\))?(?:/(\S+))?")
_RATE = re.compile(r"([-+.\deE]+)")


@dataclass(frozen=True)
class StoredSignal:
    """One signal line. gain: adu per unit, None where the file gives none. baseline: the adu of 0 in that unit.

    per_frame: samples in each frame; skew: frames this signal comes late; offset: bytes before the first sample.
    """

    file: str
    format: int
    gain: float | None
    baseline: int
    unit: str
    description: str
    per_frame: int = 1
    skew: int = 0
    offset: int = 0
    first: int = 0


@dataclass(frozen=True)
class RecordHeader:
    """A record. length: frames, None where the file does not say. segments: name and frames of each, `~` for a gap."""

    name: str
    rate: float
    length: int | None
    start: datetime | None
    signals: tuple[StoredSignal, ...] = ()
    segments: tuple[tuple[str, int], ...] = ()
    comments: tuple[str, ...] = field(default=())


def is_header(data: bytes) -> bool:
    """Whether a file that begins so is a WFDB header: a record line whose second word is a number of signals, then a
    signal line with a known format or a segment line."""
    try:
        lines = data[:4096].decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        if error.start < len(data[:4096]) - 3:
            return False
        lines = data[: error.start].decode("utf-8").splitlines()
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) < 2:
        return False
    words, following = lines[0].split(), lines[1].split()
    record = _RECORD.fullmatch(words[0]) if len(words) >= 2 and words[1].isdecimal() else None
    if record is None or len(following) < 2:
        return False
    if record[2] is not None:
        return following[1].isdecimal()
    return _FORMAT.fullmatch(following[1]) is not None and not _number_row(words)


def _number_row(words: list[str]) -> bool:
    """A table of numbers has a number where a record has its name, and decimals all along."""
    return all(_RATE.fullmatch(word) for word in words) and any("." in word for word in words[:2])


def parse_header(data: bytes) -> RecordHeader:
    """The header in a `.hea` file's bytes. Raises UserFacingError `ecg.damaged`."""
    try:
        return _parse(data)
    except (ValueError, IndexError, OverflowError) as error:
        raise UserFacingError("ecg.damaged") from error


def _parse(data: bytes) -> RecordHeader:
    text = data.decode("utf-8", "replace")
    every = text.splitlines()
    if len(every) > _MAX_LINES:
        raise ValueError("too many lines")
    lines = [line.strip() for line in every if line.strip() and not line.lstrip().startswith("#")]
    comments = tuple(line.strip().lstrip("#").strip() for line in every if line.lstrip().startswith("#"))
    words = lines[0].split()
    named = _RECORD.fullmatch(words[0])
    if named is None or not words[1].isdecimal():
        raise ValueError("no record line")
    count = int(words[1])
    segments = int(named[2]) if named[2] is not None else 0
    if count > MAX_TRACE_LEADS or segments > MAX_SEGMENTS:
        raise UserFacingError("ecg.too_many_leads", count=MAX_TRACE_LEADS)
    rate = _rate(words[2]) if len(words) > 2 else _DEFAULT_RATE
    length = int(words[3]) if len(words) > 3 and words[3].isdecimal() else None
    start = _start(words[4:6])
    rest = lines[1:]
    if segments:
        parts = [line.split() for line in rest[:segments]]
        if len(parts) != segments:
            raise ValueError("segments missing")
        listed = tuple((part[0], int(part[1])) for part in parts)
        return RecordHeader(named[1], rate, length, start, (), listed, comments)
    if len(rest) < count:
        raise ValueError("signals missing")
    signals = tuple(_signal(line) for line in rest[:count])
    return RecordHeader(named[1], rate, length, start, signals, (), comments)


def _rate(word: str) -> float:
    found = _RATE.match(word)
    if found is None:
        raise ValueError("no rate")
    return float(found[1])


def _start(words: list[str]) -> datetime | None:
    """`HH:MM:SS[.mmm] [DD/MM/YYYY]`; anything else is no time. A time without a day is no date either."""
    if len(words) < 2:
        return None
    day = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", words[1])
    clock = re.fullmatch(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?", words[0])
    if day is None or clock is None:
        return None
    try:
        when = time(int(clock[1]), int(clock[2]), int(clock[3]), int((clock[4] or "0").ljust(6, "0")))
        return datetime.combine(date(int(day[3]), int(day[2]), int(day[1])), when)
    except ValueError:
        return None


def _signal(line: str) -> StoredSignal:
    words = line.split(None, 8)
    stored = _FORMAT.fullmatch(words[1])
    if stored is None:
        raise ValueError("no format")
    gain, baseline, unit = None, None, ""
    if len(words) > 2:
        scale = _GAIN.fullmatch(words[2])
        if scale is None:
            raise ValueError("no gain")
        gain = float(scale[1]) or None  # 0 says that nobody calibrated it
        baseline = int(scale[2]) if scale[2] else None
        unit = scale[3] or "mV"  # header(5): the unit where a gain stands alone
    zero = int(words[4]) if len(words) > 4 else 0
    first = int(words[5]) if len(words) > 5 else zero
    description = words[8].strip() if len(words) > 8 else ""
    return StoredSignal(
        file=words[0],
        format=int(stored[1]),
        gain=gain,
        baseline=zero if baseline is None else baseline,
        unit=unit if gain is not None else "",
        description=description,
        per_frame=int(stored[2] or 1),
        skew=int(stored[3] or 0),
        offset=int(stored[4] or 0),
        first=first,
    )
