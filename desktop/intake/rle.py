"""RLE Lossless (PS3.5 annex G): each byte of the values is a segment of its own, packed as PackBits.

PackBits itself is undone by Pillow's decoder for TIFF, in C: it takes 3 ms for a million values where a loop in Python
takes 180 (measured), and it stops at the end of the picture whatever the codes ask for.
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


def decode_rle(frame: bytes, rows: int, columns: int, segments: int) -> Iterator[npt.NDArray[np.uint8]]:
    """The segments of one frame, rows x columns bytes each, the most significant byte of the first sample first.

    The caller has checked that the size is bearable. Raises BadRle.
    """
    for packed in _segments(frame, segments):
        yield np.frombuffer(_unpack(packed, rows, columns), dtype=np.uint8)


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


def _unpack(packed: bytes, rows: int, columns: int) -> bytes:
    """Row by row, as they should be packed; where codes reach over the end of a row, all in one."""
    for size in ((columns, rows), (columns * rows, 1)):
        try:
            return Image.frombytes("L", size, packed, "packbits", "L").tobytes()
        except ValueError:
            continue
    raise BadRle("the data ends within the picture", cut=True)
