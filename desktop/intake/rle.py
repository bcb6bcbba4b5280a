"""RLE Lossless (PS3.5 annex G): each byte of the values is a segment of its own, packed as PackBits.

PackBits itself is undone by Pillow's decoder for TIFF, in C, a whole segment as one row: it takes 3 ms for a million
values where a loop in Python takes 180 (measured), and it stops at the row's end whatever the codes ask for.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image

_HEADER = 64
_MOST_SEGMENTS = 15


class BadRle(ValueError):
    """The segments contradict their header, or end before the picture does. cut: the latter."""

    def __init__(self, words: str, *, cut: bool = False) -> None:
        super().__init__(words)
        self.cut = cut


def decode_rle(frame: bytes, length: int, segments: int) -> Iterator[npt.NDArray[np.uint8]]:
    """The segments of one frame, `length` bytes each, the most significant byte of the first sample first.

    The caller has checked that the size is bearable. Raises BadRle.
    """
    for packed in _segments(frame, segments):
        yield np.frombuffer(_unpack(packed, length), dtype=np.uint8)


def _segments(frame: bytes, wanted: int) -> list[bytes]:
    """The packed bytes of each segment, by the header's offsets (PS3.5 G.5)."""
    if len(frame) < _HEADER:
        raise BadRle("no header")
    header = np.frombuffer(frame[:_HEADER], dtype="<u4").tolist()
    if header[0] != wanted or not 1 <= wanted <= _MOST_SEGMENTS:
        raise BadRle("another number of segments than the picture needs")
    offsets = [*header[1 : wanted + 1], len(frame)]
    if offsets[0] < _HEADER or any(high < low for low, high in pairwise(offsets)):
        raise BadRle("segments that overlap or lie beyond the end", cut=max(offsets[:-1]) > len(frame))
    return [frame[low:high] for low, high in pairwise(offsets)]


def _unpack(packed: bytes, length: int) -> bytes:
    try:
        row = Image.frombytes("L", (length, 1), packed, "packbits", "L")
    except ValueError as error:
        raise BadRle("the data ends within the picture", cut=True) from error
    return row.tobytes()
