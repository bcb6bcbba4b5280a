"""The header of a DICOM file at a glance, for sorting a folder of thousands into patients, studies and series.

pydicom makes an object of every element; a folder needs some twenty values of each file. So the first kilobytes are
walked over (PS3.5 7.1), the wanted values are cut out, and what is not plain little endian, or does not add up, is left
to the full parser. Text is decoded where somebody asks for it.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ImplicitVRLittleEndian

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import open_dicom
from desktop.intake.signatures import is_dicom

WANTED = frozenset(
    (
        0x00020002,  # Media Storage SOP Class UID
        0x00020010,  # Transfer Syntax UID
        0x00080005,  # Specific Character Set
        0x00080008,  # Image Type
        0x00080016,  # SOP Class UID
        0x00080018,  # SOP Instance UID
        0x00080020,  # Study Date
        0x00080022,  # Acquisition Date
        0x00080023,  # Content Date
        0x00080030,  # Study Time
        0x00080050,  # Accession Number
        0x00080060,  # Modality
        0x00080070,  # Manufacturer
        0x00081030,  # Study Description
        0x0008103E,  # Series Description
        0x00100010,  # Patient's Name
        0x00100020,  # Patient ID
        0x00100030,  # Patient's Birth Date
        0x00100040,  # Patient's Sex
        0x00101010,  # Patient's Age
        0x00180015,  # Body Part Examined
        0x00185101,  # View Position
        0x0020000D,  # Study Instance UID
        0x0020000E,  # Series Instance UID
        0x00200011,  # Series Number
        0x00200012,  # Acquisition Number
        0x00200013,  # Instance Number
        0x00200032,  # Image Position (Patient)
        0x00200037,  # Image Orientation (Patient)
        0x00200052,  # Frame of Reference UID
        0x00200060,  # Laterality
        0x00200062,  # Image Laterality
        0x00280002,  # Samples per Pixel
        0x00280004,  # Photometric Interpretation
        0x00280008,  # Number of Frames
        0x00280010,  # Rows
        0x00280011,  # Columns
        0x00280030,  # Pixel Spacing
    )
)
"""What a folder is sorted by."""

_ALWAYS = (0x00080018, 0x0020000D, 0x0020000E)
_NUMBERS = (0x00280002, 0x00280010, 0x00280011)
_LAST = max(WANTED)
_FIRST_READ, _MOST = 8 * 1024, 4 * 1024 * 1024
_UNDEFINED = 0xFFFFFFFF
_DEPTH = 32
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_VRS = _LONG | frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_DEFLATED, _BIG = b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.2"

_short = struct.Struct("<HHI").unpack_from
_long = struct.Struct("<I").unpack_from
_tag = struct.Struct("<HH").unpack_from


class _Beyond(Exception):
    """The walk left the bytes that were read."""


class _Odd(Exception):
    """Something only the full parser can judge."""


@dataclass(frozen=True, eq=False)
class ScannedHeader:
    """The wanted values of one file, as their bytes, by tag."""

    values: Mapping[int, bytes]

    def text(self, tag: int) -> str:
        """A value of a code, number or UID, without padding; a file may hold anything there."""
        return self.values.get(tag, b"").decode("latin-1").strip(" \0")

    def number(self, tag: int) -> int | None:
        """A value of two bytes (Rows, Columns)."""
        raw = self.values.get(tag, b"")
        return int.from_bytes(raw, "little") if len(raw) == 2 else None

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return self.text(0x0020000D)

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return self.text(0x0020000E)

    @property
    def instance_uid(self) -> str:
        """SOP Instance UID."""
        return self.text(0x00080018)

    @property
    def modality(self) -> str:
        """Modality."""
        return self.text(0x00080060)

    def fields(self) -> Fields:
        """The same values by keyword, with text decoded as the file's character set says."""
        dataset = Dataset()
        found = {
            Tag(tag): RawDataElement(Tag(tag), None, len(raw), raw, 0, True, True)
            for tag, raw in self.values.items()
            if tag >> 16 != 2
        }
        dataset._dict.update(found)
        declared = self.text(0x00080005)
        encodings = convert_encodings(declared.split("\\")) if declared else None
        dataset.set_original_encoding(True, True, encodings)
        return Fields(dataset)


def scan_file(path: Path) -> ScannedHeader:
    """The header of a file on disk. Raises UserFacingError where it is no DICOM file or damaged, OSError."""
    with path.open("rb", buffering=0) as stream:
        return scan(stream)


def scan(stream: BinaryIO) -> ScannedHeader:
    """The header of the DICOM file in a stream. Raises UserFacingError."""
    data = stream.read(_FIRST_READ)
    if not is_dicom(data):
        raise UserFacingError("intake.not_recognised" if data else "intake.empty")
    try:
        return ScannedHeader(_values(data))
    except _Beyond:
        pass
    except _Odd:
        return _parsed(stream)
    data += stream.read(_MOST - len(data))
    try:
        return ScannedHeader(_values(data, whole=len(data) < _MOST))
    except (_Beyond, _Odd):
        return _parsed(stream)


def _values(data: bytes, *, whole: bool = False) -> dict[int, bytes]:
    """The wanted values. whole: there are no bytes beyond these. Raises _Beyond or _Odd."""
    found: dict[int, bytes] = {}
    at = 132 if data[128:132] == b"DICM" else 0
    if data[at : at + 2] == b"\x02\0":
        at = _walk(data, at, found, explicit=True, last=0x0002FFFF, whole=whole)
    elif not at and data[:2] != b"\x08\0":  # a data set alone, of big endian
        raise _Odd
    syntax = found.get(0x00020010, b"").rstrip(b"\0 ")
    if syntax in (_DEFLATED, _BIG):
        raise _Odd
    explicit = syntax != ImplicitVRLittleEndian.encode() if syntax else data[at + 4 : at + 6] in _VRS
    _walk(data, at, found, explicit=explicit, last=_LAST, whole=whole)
    # Where one of these is missing, elements may lie out of order.
    if any(tag not in found for tag in _ALWAYS):
        raise _Odd
    return found


def _walk(data: bytes, at: int, found: dict[int, bytes], *, explicit: bool, last: int, whole: bool) -> int:
    """Cut wanted values out, from the place `at` on; returns the place of the first element after `last`."""
    size = len(data)
    before = 0
    while at + 8 <= size:
        group, element, length = _short(data, at)
        tag = group << 16 | element
        if tag > last:
            return at
        if tag <= before:  # out of order: a file that is not what it seems
            raise _Odd
        before = tag
        at += 8
        if explicit:
            length, at = _explicit(data, at, length)
        if length == _UNDEFINED:
            at = _after_items(data, at, explicit, 0)
            continue
        if tag in WANTED:
            if at + length > size:
                raise _Beyond
            found[tag] = data[at : at + length]
        at += length
    if at > size or not whole:
        raise _Beyond
    return at


def _explicit(data: bytes, at: int, length: int) -> tuple[int, int]:
    """Length and place of a value whose element names its VR. length: the four bytes that begin with the VR."""
    vr = data[at - 4 : at - 2]
    if vr in _LONG:
        if at + 4 > len(data):
            raise _Beyond
        return _long(data, at)[0], at + 4
    if vr not in _VRS:
        raise _Odd
    return length >> 16, at


def _after_items(data: bytes, at: int, explicit: bool, depth: int) -> int:
    """The place after a sequence of undefined length."""
    if depth > _DEPTH:
        raise _Odd
    size = len(data)
    while at + 8 <= size:
        group, element, length = _short(data, at)
        tag = group << 16 | element
        at += 8
        if tag == _SEQUENCE_END:
            return at
        if tag != _ITEM:
            raise _Odd
        at = _after_elements(data, at, explicit, depth) if length == _UNDEFINED else at + length
    raise _Beyond


def _after_elements(data: bytes, at: int, explicit: bool, depth: int) -> int:
    """The place after an item of undefined length."""
    size = len(data)
    while at + 8 <= size:
        group, element, length = _short(data, at)
        at += 8
        if group == 0xFFFE:
            if element != _ITEM_END & 0xFFFF:
                raise _Odd
            return at
        if explicit:
            length, at = _explicit(data, at, length)
        at = _after_items(data, at, explicit, depth + 1) if length == _UNDEFINED else at + length
    raise _Beyond


def _parsed(stream: BinaryIO) -> ScannedHeader:
    """The same by the full parser; values are turned to little endian where the file is of big endian."""
    stream.seek(0)
    try:
        opened = open_dicom(stream)
    except UserFacingError:
        raise
    except Exception as error:  # a hostile data set fails in ways nobody has listed
        raise UserFacingError("intake.damaged") from error
    if not len(opened.dataset):
        raise UserFacingError("intake.damaged")
    found: dict[int, bytes] = {}
    for tag in WANTED:
        element: object = opened.dataset.get_item(BaseTag(tag))
        if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
            turned = tag in _NUMBERS and not element.is_little_endian
            found[tag] = element.value[::-1] if turned else element.value
    if opened.syntax is not None:
        found[0x00020010] = str(opened.syntax).encode("ascii", "replace")
    return ScannedHeader(found)
