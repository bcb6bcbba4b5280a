"""Huffman tables of JPEG Lossless, and what the bits behind a code mean (ITU-T T.81 H.1.2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from desktop.intake.jpeg_lossless_errors import CorruptStream, CutStream

Entries = npt.NDArray[np.uint32]
Places = npt.NDArray[np.int64]
Windows = npt.NDArray[np.uint64]

# An entry: the difference in the upper 16 bits, these flags, and the bits from this code to the next in the lowest 6.
STEP = 0x3F
NO_CODE = 0x40
LONG = 0x80

PADDING = b"\xff" * 8
LEFT_OVER = 16
"""Bits that may not be left at the end: up to 7 fill a byte, and some stations fill a whole 16-bit word."""

_BATCH = 1 << 17


@dataclass(frozen=True, eq=False)
class Codes:
    """A Huffman table, by the next 16 bits of the stream.

    length: bits of the code that begins them, 0 where none does. size: bits of the difference after it (SSSS).
    """

    length: npt.NDArray[np.uint8]
    size: npt.NDArray[np.uint8]

    @cached_property
    def step(self) -> npt.NDArray[np.uint8]:
        """Bits of the code and its difference, at most 31; 0 where no code begins."""
        # A difference of size 16 is always 32,768 and needs no further bits.
        return self.length + np.where(self.size == 16, 0, self.size).astype(np.uint8)

    @cached_property
    def entries(self) -> Entries:
        """Step, difference and flags. LONG: the difference goes beyond the 16 bits. NO_CODE: its step is 1."""
        step = self.step.astype(np.uint32)
        bits = np.arange(1 << 16, dtype=np.uint64) << np.uint64(48)
        difference = _differences(bits, self.length, self.size).astype(np.uint32) << 16
        entries = np.where(step > 16, step | LONG, step | difference)
        return np.where(step == 0, np.uint32(NO_CODE | 1), entries).astype(np.uint32)

    @cached_property
    def leaps(self) -> bytes:
        """Bits of all codes, with their differences, that the 16 bits hold whole; of the first one in any case."""
        windows = np.arange(1 << 16, dtype=np.uint32)
        leap = self.entries & STEP
        while True:
            step = self.step[(windows << np.minimum(leap, 16)) & 0xFFFF]
            more = (step > 0) & (leap + step <= 16)
            if not more.any():
                return leap.astype(np.uint8).tobytes()
            leap[more] += step[more]

    @cached_property
    def longest(self) -> int:
        """The largest step, at least 1."""
        return max(1, int(self.step.max()))


def _differences(bits: Windows, length: npt.NDArray[np.uint8], size: npt.NDArray[np.uint8]) -> Places:
    """The differences, modulo 65,536, whose codes of this length begin at the top of these 64 bits (F.2.2.1)."""
    extra_bits = np.where(size == 16, 0, size).astype(np.uint64)
    # In two shifts, because a shift by 64 means nothing.
    extra = ((bits << length) >> np.uint64(1) >> (np.uint64(63) - extra_bits)).astype(np.int64)
    whole = np.int64(1) << extra_bits.astype(np.int64)
    difference = np.where(extra < whole >> 1, extra - whole + 1, extra)
    return np.where(size == 16, 32768, difference) & 0xFFFF


def windows_of(padded: bytes) -> Windows:
    """For each byte but the last 7: the 64 bits that begin with it."""
    return np.ndarray((len(padded) - 7,), ">u8", padded, strides=(1,)).astype(np.uint64)


def values(
    entries: Entries, long: npt.NDArray[np.intp], places: Places, windows: Windows, table: Codes
) -> npt.NDArray[np.uint16]:
    """The differences of these entries. long: which ones are LONG. places: the bits where the codes of those begin."""
    found = (entries >> 16).astype(np.uint16)
    if len(long):
        bits = windows[places >> 3] << (places & 7).astype(np.uint64)
        code = (bits >> np.uint64(48)).astype(np.intp)
        found[long] = _differences(bits, table.length[code], table.size[code])
    return found


def read_in_turn(part: bytes, count: int, tables: Sequence[Codes]) -> npt.NDArray[np.uint16]:
    """`count` differences coded with several tables in turn: one plain loop follows the codes.

    Raises CutStream or CorruptStream.
    """
    windows = windows_of(part + PADDING)
    steps = [_steps(windows, table) for table in tables]
    found = np.empty(count, dtype=np.uint16)
    end = 8 * len(part)
    at = 0
    for first in range(0, count, _BATCH * len(tables)):
        size = min(_BATCH * len(tables), count - first)
        places, at = _follow(steps, at, size)
        if at > end:
            raise CutStream("the data ends within the picture")
        for index, table in enumerate(tables):
            own = places[index :: len(tables)]
            code = (windows[own >> 3] >> (48 - (own & 7)).astype(np.uint64)) & np.uint64(0xFFFF)
            entries = table.entries[code.astype(np.intp)]
            if (entries & NO_CODE).any():
                raise CorruptStream("bits that begin no code")
            long = np.flatnonzero((entries & LONG) != 0)
            found[first + index : first + size : len(tables)] = values(entries, long, own[long], windows, table)
    if end - at >= LEFT_OVER:
        raise CorruptStream("data left over")
    return found


def _steps(windows: Windows, table: Codes) -> bytes:
    """For each bit: how many bits on the next code begins, should one begin here."""
    steps = np.empty((len(windows), 8), dtype=np.uint8)
    for bit in range(8):
        steps[:, bit] = table.step[((windows >> np.uint64(48 - bit)) & np.uint64(0xFFFF)).astype(np.intp)]
    return steps.tobytes()


def _follow(steps: list[bytes], at: int, count: int) -> tuple[Places, int]:
    """Where the next `count` codes begin, and where the one after them does."""
    places: list[int] = []
    add = places.append
    try:
        for _ in range(count // len(steps)):
            for step in steps:
                add(at)
                at += step[at]
    except IndexError:
        raise CutStream("the data ends within the picture") from None
    return np.asarray(places, dtype=np.int64), at
