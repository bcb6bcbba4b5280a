"""Where each compressed frame of a DICOM file lies, so that any of them can be read without those before it.

Only the items' headers are read (PS3.5 A.4), and of fragments without any table their last bytes. The same rules as
pydicom's for which fragment belongs to which frame.
"""

from bisect import bisect_right
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.encaps import parse_basic_offsets, parse_fragments

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import Budgeted, PixelElement

_ITEM_HEADER = 8
_END_OF_IMAGE, _LAST_BYTES = b"\xff\xd9", 10


@dataclass(frozen=True)
class Fragment:
    """Bytes of a compressed frame. start: in the plain file."""

    start: int
    length: int


CodedFrame = tuple[Fragment, ...]


def find_coded_frames(element: PixelElement, count: int, dataset: Dataset) -> tuple[CodedFrame, ...]:
    """The frames that are there, at most as many as the header claims. Raises UserFacingError; pydicom raises anything
    for a hostile file."""
    source = element.source
    source.seek(element.start)
    basic = parse_basic_offsets(source)
    begin = source.tell()
    extended = _extended(dataset)
    if extended is not None:
        offsets, lengths = extended
        return tuple((Fragment(begin + o + _ITEM_HEADER, n),) for o, n in zip(offsets, lengths, strict=True))[:count]
    fragments = _fragments(source)
    if not fragments:
        raise UserFacingError("intake.truncated")
    if len(basic) > 1 and len(basic) <= len(fragments):
        return _by_offsets(fragments, [begin + offset for offset in basic])[:count]
    if count == 1:
        return (tuple(fragments),)
    if len(fragments) <= count:
        return tuple((fragment,) for fragment in fragments)
    return _by_end_of_image(source, fragments)[:count]


def read_coded(source: Budgeted, frame: CodedFrame) -> bytes:
    """A compressed frame's bytes. Raises UserFacingError where the file ends before it does."""
    parts = []
    for fragment in frame:
        source.seek(fragment.start)
        part = source.read(fragment.length)
        if len(part) < fragment.length:
            raise UserFacingError("intake.truncated")
        parts.append(part)
    return b"".join(parts)


def _fragments(source: Budgeted) -> list[Fragment]:
    begin = source.tell()
    _, places = parse_fragments(source)
    found = []
    for place in places:
        source.seek(place + 4)
        found.append(Fragment(place + _ITEM_HEADER, int.from_bytes(source.read(4), "little")))
    source.seek(begin)
    return found


def _by_offsets(fragments: list[Fragment], begins: list[int]) -> tuple[CodedFrame, ...]:
    """Each fragment with the last frame that begins at or before it."""
    frames: list[list[Fragment]] = [[] for _ in begins]
    for fragment in fragments:
        frames[max(0, bisect_right(begins, fragment.start - _ITEM_HEADER) - 1)].append(fragment)
    return tuple(tuple(frame) for frame in frames)


def _by_end_of_image(source: Budgeted, fragments: list[Fragment]) -> tuple[CodedFrame, ...]:
    """A frame ends with the fragment that ends with a JPEG's last marker."""
    frames: list[CodedFrame] = []
    frame: list[Fragment] = []
    for fragment in fragments:
        frame.append(fragment)
        last = min(_LAST_BYTES, fragment.length)
        source.seek(fragment.start + fragment.length - last)
        if _END_OF_IMAGE in source.read(last):
            frames.append(tuple(frame))
            frame = []
    return (*frames, tuple(frame)) if frame else tuple(frames)


def _extended(dataset: Dataset) -> tuple[list[int], list[int]] | None:
    """The Extended Offset Table (PS3.3 C.7.6.3.1.8), where a whole one is there."""
    fields = Fields(dataset)
    tables = []
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        raw = fields.value(keyword)
        if not isinstance(raw, bytes) or not raw or len(raw) % 8:
            return None
        tables.append([int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8)])
    return (tables[0], tables[1]) if len(tables[0]) == len(tables[1]) else None
