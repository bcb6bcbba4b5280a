"""SCP-ECG files (EN 1064, ISO 11073-91064): resting electrocardiograms with whole-sample coding.

Read are rhythm data stored plainly or Huffman-coded, with first or second differences. Two further codings of the
standard, reference-beat subtraction and bimodal rates, are refused in words: no file was at hand to prove them on.
"""

import binascii
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import clean
from desktop.intake.ecg_parts import LEAD_BY_CODE, check_rate, empty, too_long
from desktop.records import (
    MILLIVOLT,
    FileHeader,
    Lead,
    Modality,
    PartialDate,
    Recording,
    Sex,
    Statement,
    Trace,
    TraceFormat,
)

_SECTION_HEADER, _FIRST_POINTER, _POINTER = 16, 22, 10
_MOST_LEADS, _MOST_VALUES = 64, 4_000_000
_DEFAULT_TABLE = 19999
_TAG_END = 255
_SEXES = {1: Sex.MALE, 2: Sex.FEMALE}
_AGE_UNITS = {1: 1.0, 2: 1 / 12, 3: 1 / 52.18, 4: 1 / 365.25}
_REFERENCE_BEAT = 1

_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HuffmanCode:
    """One row of a table: its prefix as the bits are met, how many bits follow, and the value where none do."""

    prefix: str
    extra: int
    value: int


_DEFAULT_CODES = (
    HuffmanCode("0", 0, 0),
    *(
        HuffmanCode("1" * (n + 1) + "0" + sign, 0, value)
        for n in range(8)
        for sign, value in (("0", n + 1), ("1", -n - 1))
    ),
    HuffmanCode("1111111110", 8, 0),
    HuffmanCode("1111111111", 16, 0),
)
"""The table that needs not be written down (EN 1064, annex C): small steps in few bits, others after an escape."""


def is_scp(header: bytes) -> bool:
    """Whether a file that begins so is SCP-ECG: its section 0 says so, or its first pointer points at itself."""
    if len(header) < _FIRST_POINTER + _POINTER or header[8:10] != b"\0\0":
        return False
    if header[16:22] == b"SCPECG":
        return True
    section, _, index = struct.unpack_from("<HII", header, _FIRST_POINTER)
    return bool(section == 0 and index == 7)


def decode(data: bytes) -> Recording:
    """The rhythm data of an SCP-ECG file in mV, with what sections 1 and 8 say.

    Raises UserFacingError: damaged (also by a section's checksum), truncated, a coding without a reader, too long.
    """
    try:
        return _decode(data)
    except UserFacingError:
        raise
    except MemoryError as error:
        raise too_long() from error
    except (struct.error, ValueError, IndexError, KeyError, OverflowError) as error:
        raise UserFacingError("ecg.damaged") from error


def _decode(data: bytes) -> Recording:
    if len(data) < 6 or struct.unpack_from("<I", data, 2)[0] > len(data):
        raise UserFacingError("ecg.truncated")
    sections = _sections(data)
    if 6 not in sections or 3 not in sections:
        raise UserFacingError("ecg.no_samples")
    tags = dict(_tags(sections.get(1, b"")))
    start = _moment(tags)
    trace = _rhythm(sections, start)
    return Recording((trace,), _header(tags, start), TraceFormat.SCP, _statements(sections.get(8, b"")))


def _sections(data: bytes) -> Mapping[int, bytes]:
    """Sections by their number, each without its header, their checksums compared where they have one."""
    _, length = struct.unpack_from("<HI", data, 8)
    end = min(6 + length, len(data))
    found: dict[int, bytes] = {}
    for at in range(_FIRST_POINTER, end - _POINTER + 1, _POINTER):
        number, size, index = struct.unpack_from("<HII", data, at)
        if size <= _SECTION_HEADER or number == 0:
            continue
        begin = index - 1
        if begin < 0 or begin + size > len(data):
            raise UserFacingError("ecg.truncated")
        whole = data[begin : begin + size]
        checksum, own_number = struct.unpack_from("<HH", whole, 0)
        if own_number != number or (checksum and binascii.crc_hqx(whole[2:], 0xFFFF) != checksum):
            raise UserFacingError("ecg.damaged")
        found.setdefault(number, whole[_SECTION_HEADER:])
    return found


# Section 1: whose, and when


def _tags(section: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 3 <= len(section) and section[at] != _TAG_END:
        tag, length = struct.unpack_from("<BH", section, at)
        yield tag, section[at + 3 : at + 3 + length]
        at += 3 + length


def _text(value: bytes) -> str:
    """A text, in whichever of the usual encodings explains it; ASCII and ISO 8859-1 are the standard's first."""
    raw = value.split(b"\0", 1)[0]
    for encoding in ("utf-8", "gb18030"):
        try:
            return clean(raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return clean(raw.decode("latin-1"))


def _day(value: bytes) -> date | None:
    if len(value) < 4:
        return None
    year, month, day = struct.unpack_from("<HBB", value)
    try:
        return date(year, month, day) if year > 1850 else None
    except ValueError:
        return None


def _moment(tags: Mapping[int, bytes]) -> datetime | None:
    day, clock = _day(tags.get(25, b"")), tags.get(26, b"")
    if day is None or len(clock) < 3 or clock[0] > 23 or clock[1] > 59 or clock[2] > 59:
        return None
    return datetime.combine(day, time(clock[0], clock[1], clock[2]))


def _header(tags: Mapping[int, bytes], start: datetime | None) -> FileHeader:
    family, given, more = (_text(tags.get(tag, b"")) for tag in (0, 1, 3))
    born, day = _day(tags.get(5, b"")), _day(tags.get(25, b""))
    age, years = tags.get(4, b""), None
    if len(age) >= 3:
        number, unit = struct.unpack_from("<HB", age)
        years = number * _AGE_UNITS[unit] if unit in _AGE_UNITS and number else None
    name = "^".join(part for part in (family, given, more) if part) if family or given else ""
    return FileHeader(
        modality=Modality.ECG,
        name_groups=(name,) if name else (),
        patient_number=_text(tags.get(2, b"")),
        birth_date=PartialDate.from_date(born) if born is not None else None,
        sex=_SEXES.get(tags[8][0]) if tags.get(8) else None,
        age_years=years,
        study_date=start.date() if start is not None else day,
    )


def _statements(section: bytes) -> tuple[Statement, ...]:
    """Section 8: the report in words."""
    found, at = [], 9
    for _ in range(section[8] if len(section) > 8 else 0):
        if at + 3 > len(section):
            break
        length = struct.unpack_from("<H", section, at + 1)[0]
        words = _text(section[at + 3 : at + 3 + length])
        found += [Statement("", words)] if words else []
        at += 3 + length
    return tuple(found)


# Sections 2, 3 and 6: the samples


def _rhythm(sections: Mapping[int, bytes], start: datetime | None) -> Trace:
    leads, subtracted = _leads(sections[3])
    nanovolts, microseconds, differences, bimodal = struct.unpack_from("<HHBB", sections[6])
    if bimodal or subtracted:
        raise UserFacingError("ecg.unsupported_format", format="SCP-ECG")
    if not nanovolts or differences > 2:
        raise UserFacingError("ecg.damaged")
    rate = check_rate(1e6 / microseconds if microseconds else None)
    codes = _codes(sections[2]) if 2 in sections else None
    last = max(end for _, end, _ in leads)
    first = min(begin for begin, _, _ in leads)
    if len(leads) * (last - first + 1) > _MOST_VALUES:
        raise too_long()
    samples = empty(len(leads), last - first + 1)
    lengths = struct.unpack_from(f"<{len(leads)}H", sections[6], 6)
    at = 6 + 2 * len(leads)
    for row, ((begin, end, _), size) in enumerate(zip(leads, lengths, strict=True)):
        if at + size > len(sections[6]):
            raise UserFacingError("ecg.truncated")
        values = _whole(sections[6][at : at + size], end - begin + 1, codes, differences)
        samples[row, begin - first : end - first + 1] = values * (nanovolts * 1e-6)
        at += size
    named = tuple(Lead(LEAD_BY_CODE.get(code, f"#{code}"), MILLIVOLT) for _, _, code in leads)
    return Trace(samples, rate, named, start)


def _leads(section: bytes) -> tuple[list[tuple[int, int, int]], bool]:
    """First and last sample (from 1) and number of each lead; whether a reference beat was subtracted."""
    count, flags = section[0], section[1]
    if count < 1 or count > _MOST_LEADS:
        raise UserFacingError("ecg.no_samples" if count < 1 else "ecg.too_many_leads", count=_MOST_LEADS)
    leads = [struct.unpack_from("<IIB", section, 2 + 9 * number) for number in range(count)]
    if any(end < begin for begin, end, _ in leads):
        raise UserFacingError("ecg.damaged")
    return leads, bool(flags & _REFERENCE_BEAT)


def _codes(section: bytes) -> tuple[HuffmanCode, ...]:
    """The Huffman table in use. Files that switch between several are refused."""
    tables = struct.unpack_from("<H", section)[0]
    if tables == _DEFAULT_TABLE:
        return _DEFAULT_CODES
    if tables != 1:
        raise UserFacingError("ecg.unsupported_format", format="SCP-ECG")
    count = struct.unpack_from("<H", section, 2)[0]
    codes = []
    for number in range(count):
        bits, total, stays, value, code = struct.unpack_from("<BBBhI", section, 4 + 9 * number)
        if not 0 < bits <= 32 or not bits <= total <= bits + 32 or not stays:
            raise UserFacingError("ecg.unsupported_format", format="SCP-ECG")
        # The first bit met is the lowest of the written code.
        codes.append(HuffmanCode("".join(str(code >> bit & 1) for bit in range(bits)), total - bits, value))
    return tuple(codes)


def _whole(data: bytes, count: int, codes: tuple[HuffmanCode, ...] | None, differences: int) -> _Integers:
    """One lead's samples as whole numbers. Raises UserFacingError `ecg.truncated` where they end too early."""
    if codes is None:
        if len(data) < 2 * count:
            raise UserFacingError("ecg.truncated")
        values = np.frombuffer(data, "<i2", count).astype(np.int64)
    else:
        values = _unpacked(data, count, codes)
    if differences == 1:
        return np.cumsum(values)
    if differences == 2:
        return _twice_summed(values)
    return values


def _twice_summed(values: _Integers) -> _Integers:
    """Undo second differences: the first two values stand as they are (EN 1064, 5.9)."""
    if values.size < 3:
        return values
    steps = np.cumsum(np.concatenate([[values[1] - values[0]], values[2:]]))
    return np.concatenate([values[:1], values[0] + np.cumsum(steps)])


def _unpacked(data: bytes, count: int, codes: tuple[HuffmanCode, ...]) -> _Integers:
    bits = format(int.from_bytes(data, "big"), f"0{8 * len(data)}b") if data else ""
    pattern = re.compile("|".join(f"{code.prefix}([01]{{{code.extra}}})" for code in codes))
    values = np.empty(count, np.int64)
    at = 0
    for number in range(count):
        match = pattern.match(bits, at)
        if match is None:
            raise UserFacingError("ecg.truncated" if len(bits) - at < 32 else "ecg.damaged")
        code = codes[(match.lastindex or 1) - 1]
        values[number] = _signed(match[match.lastindex or 1]) if code.extra else code.value
        at = match.end()
    return values


def _signed(bits: str) -> int:
    number = int(bits, 2)
    return number - (1 << len(bits)) if bits[0] == "1" else number
