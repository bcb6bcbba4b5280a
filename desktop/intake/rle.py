"""RLE Lossless (PS3.5 annex G): each byte of the values is a segment of its own, packed as PackBits.

PackBits itself is undone in C, by the library for TIFF that Pillow brings: the frame becomes a TIFF whose strips are
its segments, each of one long row, as codes may reach over the end of a picture's row. Whatever that library does not
like is looked at again, segment by segment, by Pillow's own decoder, which says what is wrong with it. Both stop at the
end of the picture whatever the codes ask for. For 12 bits in 4 million pixels the first takes 10 ms, the second 22, a
loop in Python 1,400 (measured).
"""

import io
import struct
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image

_HEADER = 64
_MOST_SEGMENTS = 15
_WORTH_IT, _MOST_AT_ONCE = 50_000, 80_000_000
"""Bytes of a frame. Of fewer the detour costs more than it saves; more Pillow takes for a bomb."""

_LONG, _SHORT = 4, 3
_WIDTH, _HEIGHT, _STRIP_STARTS, _STRIP_SIZES = 256, 257, 273, 279
_TIFF = (
    (_WIDTH, _LONG, 0),
    (_HEIGHT, _LONG, 0),
    (258, _SHORT, 8),  # bits of a sample
    (259, _SHORT, 32773),  # PackBits
    (262, _SHORT, 1),  # black is zero
    (_STRIP_STARTS, _LONG, 0),
    (277, _SHORT, 1),  # samples
    (278, _LONG, 1),  # rows of a strip
    (_STRIP_SIZES, _LONG, 0),
)
"""Tag, type and value of each entry of a directory, by tag; those of 0 depend on the frame."""


class BadRle(ValueError):
    """The segments contradict their header, or end before the picture does. cut: the latter."""

    def __init__(self, words: str, *, cut: bool = False) -> None:
        super().__init__(words)
        self.cut = cut


def decode_rle(frame: bytes, rows: int, columns: int, segments: int) -> npt.NDArray[np.uint8]:
    """The segments of one frame, (segments, rows x columns), the most significant byte of the first sample first.

    The caller has checked that the size is bearable. Raises BadRle.
    """
    places = _places(frame, segments)
    values = rows * columns
    # Of a strip without bytes that library guesses how long it is.
    if _WORTH_IT <= values * segments <= _MOST_AT_ONCE and all(low < high for low, high in places):
        found = _at_once(frame, places, values)
        if found is not None:
            return found
    unpacked = b"".join(_unpack(frame[low:high], values) for low, high in places)
    return np.frombuffer(unpacked, dtype=np.uint8).reshape(segments, values)


def _places(frame: bytes, wanted: int) -> list[tuple[int, int]]:
    """Where each segment lies, by the header's offsets (PS3.5 G.5)."""
    if len(frame) < _HEADER:
        raise BadRle("no header")
    header = np.frombuffer(frame[:_HEADER], dtype="<u4").tolist()
    if header[0] != wanted or not 1 <= wanted <= _MOST_SEGMENTS:
        raise BadRle("another number of segments than the picture needs")
    offsets = [*header[1 : wanted + 1], len(frame)]
    if offsets[0] < _HEADER or any(high < low for low, high in pairwise(offsets)):
        raise BadRle("segments that overlap or lie beyond the end", cut=max(offsets[:-1]) > len(frame))
    return list(pairwise(offsets))


def _at_once(frame: bytes, places: list[tuple[int, int]], values: int) -> npt.NDArray[np.uint8] | None:
    """All segments as the strips of one TIFF; None where one of them is not as it should be."""
    try:
        with Image.open(io.BytesIO(_as_tiff(frame, places, values)), formats=("TIFF",)) as image:
            return np.frombuffer(image.tobytes(), dtype=np.uint8).reshape(len(places), values)
    except (OSError, ValueError, SyntaxError):
        return None


def _as_tiff(frame: bytes, places: list[tuple[int, int]], values: int) -> bytes:
    """A TIFF (revision 6.0) of one row for each segment. What is not used of the frame, its header, stays in it."""
    count, begin = len(places), 8
    directory = begin + len(frame) + len(frame) % 2
    starts, sizes = [begin + low for low, _ in places], [high - low for low, high in places]
    # A single number stands in the entry itself.
    behind = directory + 2 + 12 * len(_TIFF) + 4
    where = (behind, behind + 4 * count) if count > 1 else (starts[0], sizes[0])
    given = {_WIDTH: values, _HEIGHT: count, _STRIP_STARTS: where[0], _STRIP_SIZES: where[1]}
    entries = [
        struct.pack("<HHII", tag, kind, count if tag in (_STRIP_STARTS, _STRIP_SIZES) else 1, given.get(tag, value))
        for tag, kind, value in _TIFF
    ]
    return b"".join(
        (
            struct.pack("<2sHI", b"II", 42, directory),
            frame,
            bytes(len(frame) % 2),
            struct.pack("<H", len(_TIFF)),
            *entries,
            bytes(4),
            struct.pack(f"<{2 * count}I", *starts, *sizes) if count > 1 else b"",
        )
    )


def _unpack(packed: bytes, values: int) -> bytes:
    """One segment. Codes may reach over the end of a picture's row, so all of it is one row."""
    try:
        return Image.frombytes("L", (values, 1), packed, "packbits", "L").tobytes()
    except ValueError as error:
        raise BadRle("the data ends within the picture", cut=True) from error
