"""The Huffman codes of one scan of a JPEG, sequential (ITU-T T.81 F.2.2) or progressive (G.1.2 and figure G.7).

A code and the bits behind it are looked up together by the next 16 bits of the stream. An entry of a table holds the
bits to go on by in its lowest 6, the zeros before the coefficient in the next 6, a mark in the next 3, and the
coefficient, with its sign, above them.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from desktop.intake.jpeg_lossless_codes import windows_of
from desktop.intake.jpeg_lossless_errors import CorruptStream, CutStream

Chosen = tuple["array[int]", int, int]
"""A component's coefficients, 64 for each block in zigzag order, and the numbers of its DC and AC tables."""

Numbers = npt.NDArray[np.int64]

_VALUE, _LONG, _END, _ZEROS, _NO_CODE = 0, 1, 2, 3, 4
_PADDING = b"\xff" * 512
"""More than one block can read over the end."""


@dataclass(frozen=True)
class Scan:
    """Which coefficients, from `first` to `last` in zigzag order, and which of their bits: down to number `low`, after
    number `high` in a refinement.
    """

    first: int
    last: int
    high: int
    low: int
    progressive: bool


@dataclass
class Tables:
    """Huffman tables by number, as they stand before a scan."""

    dc: dict[int, list[int]] = field(default_factory=dict)
    ac: dict[int, list[int]] = field(default_factory=dict)


def dc_codes(counts: bytes, values: bytes) -> list[int]:
    """A table of differences: each code stands for how many bits follow."""
    if any(value > 15 for value in values):
        raise CorruptStream("a Huffman table that no encoder writes")
    length, symbol = _lengths(counts, values)
    return _entries(length, symbol, np.zeros(1 << 16, dtype=np.int64), np.zeros(1 << 16, dtype=np.int64))


def ac_codes(counts: bytes, values: bytes) -> list[int]:
    """A table of coefficients: each code stands for zeros before it, and how many bits follow."""
    length, symbol = _lengths(counts, values)
    size, run = symbol & 15, symbol >> 4
    mark = np.where(size > 0, _VALUE, np.where(run == 15, _ZEROS, _END))
    return _entries(length, size, run, mark)


def _lengths(counts: bytes, values: bytes) -> tuple[Numbers, Numbers]:
    """Bits and meaning of the code that begins each 16 bits."""
    length, symbol = np.zeros(1 << 16, dtype=np.int64), np.zeros(1 << 16, dtype=np.int64)
    code, used = 0, 0
    for bits, count in enumerate(counts, start=1):
        for value in values[used : used + count]:
            if code >= 1 << bits:
                raise CorruptStream("a Huffman table that no encoder writes")
            span = slice(code << (16 - bits), (code + 1) << (16 - bits))
            length[span], symbol[span] = bits, value
            code += 1
        used += count
        code <<= 1
    return length, symbol


def _entries(
    length: Numbers,
    size: Numbers,
    run: Numbers,
    mark: Numbers,
) -> list[int]:
    bits = np.arange(1 << 16, dtype=np.int64)
    whole = length + size <= 16
    spare = np.where(whole, 16 - length - size, 0)
    extra = (bits >> spare) & ((1 << size) - 1)
    value = np.where(extra < (1 << size) >> 1, extra - (1 << size) + 1, extra)
    value[size == 0] = 0
    # A coefficient whose bits go beyond the 16: the entry holds how many they are, and goes on by the code alone.
    value = np.where(whole, value, size)
    step = np.where(whole, length + size, length)
    kind = np.where(length == 0, _NO_CODE, np.where(whole, mark, _LONG))
    # An end of a band is told by the zeros' field, and its bits are read by whoever knows what they mean.
    step = np.where((kind == _END) | (kind == _ZEROS), length, step)
    found: list[int] = (value << 15 | kind << 12 | run << 6 | step).tolist()
    return found


class _Bits:
    """The 64 bits that begin at each byte, and how many bits there are."""

    def __init__(self, part: bytes) -> None:
        self.windows = array("Q", windows_of(part + _PADDING).tobytes())
        self.end = 8 * len(part)


def read_scan(part: bytes, scan: Scan, chosen: Sequence[Chosen], tables: Tables, begin: int, count: int) -> None:
    """Reads `count` blocks of each chosen component, from the block `begin` on, out of one restart interval.

    Raises CutStream or CorruptStream.
    """
    bits = _Bits(part)
    if not scan.progressive:
        _sequential(bits, chosen, tables, begin, count)
        return
    if not 0 <= scan.first <= scan.last <= 63 or scan.low > 13 or (scan.high and scan.high != scan.low + 1):
        raise CorruptStream("a scan that does not exist")
    if scan.first == 0:
        if scan.last:
            raise CorruptStream("a scan that does not exist")
        if scan.high:
            _refine_first(bits, scan, chosen, begin, count)
        else:
            _firsts(bits, scan, chosen, tables, begin, count)
        return
    if len(chosen) != 1:
        raise CorruptStream("a band of several components")
    codes = tables.ac.get(chosen[0][2])
    if codes is None:
        raise CorruptStream("a Huffman table is missing")
    if scan.high:
        _Refinement(bits, scan, chosen[0][0], codes).read(begin, count)
    else:
        _band(bits, scan, chosen[0][0], codes, begin, count)


def _tables_of(chosen: Sequence[Chosen], tables: Tables) -> list[tuple["array[int]", list[int], list[int]]]:
    found = []
    for coefficients, dc, ac in chosen:
        if dc not in tables.dc or ac not in tables.ac:
            raise CorruptStream("a Huffman table is missing")
        found.append((coefficients, tables.dc[dc], tables.ac[ac]))
    return found


def _sequential(bits: _Bits, chosen: Sequence[Chosen], tables: Tables, begin: int, count: int) -> None:
    """All coefficients of each block in one go."""
    windows, end = bits.windows, bits.end
    components = _tables_of(chosen, tables)
    before = [0] * len(components)
    at = 0
    for block in range(begin, begin + count):
        for index, (coefficients, dc, ac) in enumerate(components):
            base = block << 6
            entry = dc[windows[at >> 3] >> (48 - (at & 7)) & 0xFFFF]
            value, at = _difference(bits, entry, at)
            before[index] += value
            coefficients[base] = _bearable(before[index])
            place = base + 1
            last = base + 64
            while place < last:
                entry = ac[windows[at >> 3] >> (48 - (at & 7)) & 0xFFFF]
                at += entry & 63
                mark = entry >> 12 & 7
                if not mark:
                    place += entry >> 6 & 63
                    if place >= last:
                        raise CorruptStream("more coefficients than a block has")
                    coefficients[place] = entry >> 15
                    place += 1
                elif mark == _END:
                    break
                elif mark == _ZEROS:
                    place += 16
                elif mark == _LONG:
                    place += entry >> 6 & 63
                    if place >= last:
                        raise CorruptStream("more coefficients than a block has")
                    coefficients[place] = _extra(windows, at, entry >> 15)
                    at += entry >> 15
                    place += 1
                else:
                    raise _no_code(at, end)
        if at > end:
            raise CutStream("the data ends within the picture")


def _extra(windows: "array[int]", at: int, size: int) -> int:
    """The signed number in the next `size` bits (F.2.2.1)."""
    raw = windows[at >> 3] >> (64 - (at & 7) - size) & ((1 << size) - 1)
    return raw if raw >> (size - 1) else raw - (1 << size) + 1


def _no_code(at: int, end: int) -> CorruptStream:
    """What is wrong with bits that begin no code; behind the end of the data there are only such."""
    return CutStream("the data ends within the picture") if at > end - 16 else CorruptStream("bits that begin no code")


def _difference(bits: _Bits, entry: int, at: int) -> tuple[int, int]:
    """The difference that an entry of a DC table stands for, and where the next code begins."""
    at += entry & 63
    mark = entry >> 12 & 7
    if mark == _VALUE:
        return entry >> 15, at
    if mark == _LONG:
        size = entry >> 15
        return _extra(bits.windows, at, size), at + size
    raise _no_code(at, bits.end)


def _bearable(value: int) -> int:
    if not -(1 << 24) < value < 1 << 24:
        raise CorruptStream("values beyond the precision")
    return value


def _firsts(bits: _Bits, scan: Scan, chosen: Sequence[Chosen], tables: Tables, begin: int, count: int) -> None:
    """The first coefficient of each block, without its lowest bits (G.1.2.1)."""
    windows, end = bits.windows, bits.end
    if any(dc not in tables.dc for _, dc, _ in chosen):
        raise CorruptStream("a Huffman table is missing")
    components = [(coefficients, tables.dc[dc]) for coefficients, dc, _ in chosen]
    before = [0] * len(components)
    at = 0
    for block in range(begin, begin + count):
        for index, (coefficients, dc) in enumerate(components):
            entry = dc[windows[at >> 3] >> (48 - (at & 7)) & 0xFFFF]
            value, at = _difference(bits, entry, at)
            before[index] += value
            coefficients[block << 6] = _bearable(before[index]) << scan.low
        if at > end:
            raise CutStream("the data ends within the picture")


def _refine_first(bits: _Bits, scan: Scan, chosen: Sequence[Chosen], begin: int, count: int) -> None:
    """One more bit of the first coefficient of each block."""
    if count * len(chosen) > bits.end:
        raise CutStream("the data ends within the picture")
    windows = bits.windows
    at = 0
    for block in range(begin, begin + count):
        for coefficients, _, _ in chosen:
            if windows[at >> 3] >> (63 - (at & 7)) & 1:
                coefficients[block << 6] |= 1 << scan.low
            at += 1


def _band(bits: _Bits, scan: Scan, coefficients: "array[int]", codes: list[int], begin: int, count: int) -> None:
    """A band of coefficients, without their lowest bits (G.1.2.2)."""
    windows, end = bits.windows, bits.end
    at = 0
    skip = 0
    for block in range(begin, begin + count):
        if skip:
            skip -= 1
            continue
        place = (block << 6) + scan.first
        last = (block << 6) + scan.last
        while place <= last:
            entry = codes[windows[at >> 3] >> (48 - (at & 7)) & 0xFFFF]
            at += entry & 63
            mark = entry >> 12 & 7
            run = entry >> 6 & 63
            if mark == _END:
                skip = (1 << run) - 1
                if run:
                    skip += windows[at >> 3] >> (64 - (at & 7) - run) & ((1 << run) - 1)
                    at += run
                break
            place += run
            if mark == _ZEROS:
                place += 1
                continue
            if mark == _NO_CODE:
                raise _no_code(at, end)
            if place > last:
                raise CorruptStream("more coefficients than a band has")
            value = entry >> 15
            if mark == _LONG:
                value, at = _extra(windows, at, value), at + value
            coefficients[place] = value << scan.low
            place += 1
        if at > end:
            raise CutStream("the data ends within the picture")


class _Refinement:
    """One more bit of a band's coefficients, and the ones that were zero so far (G.1.2.3)."""

    def __init__(self, bits: _Bits, scan: Scan, coefficients: "array[int]", codes: list[int]) -> None:
        self._bits = bits
        self._scan = scan
        self._coefficients = coefficients
        self._codes = codes
        self._at = 0
        self._step = 1 << scan.low

    def read(self, begin: int, count: int) -> None:
        """All blocks of one restart interval. Raises CutStream or CorruptStream."""
        skip = 0
        for block in range(begin, begin + count):
            place, last = (block << 6) + self._scan.first, (block << 6) + self._scan.last
            if skip:
                skip -= 1
                self._correct(place, last, 64)
            else:
                skip = self._block(place, last)
            if self._at > self._bits.end:
                raise CutStream("the data ends within the picture")

    def _block(self, place: int, last: int) -> int:
        """One block; returns how many blocks after it have no new coefficients."""
        windows = self._bits.windows
        while place <= last:
            at = self._at
            entry = self._codes[windows[at >> 3] >> (48 - (at & 7)) & 0xFFFF]
            mark, run = entry >> 12 & 7, entry >> 6 & 63
            self._at += entry & 63
            if mark == _END:
                skip = (1 << run) - 1
                for _ in range(run):
                    skip += self._bit() << (run - 1)
                    run -= 1
                self._correct(place, last, 64)
                return skip
            if mark == _ZEROS:
                place = self._correct(place, last, 15) + 1
                continue
            if mark == _NO_CODE:
                raise _no_code(self._at, self._bits.end)
            # A new coefficient is plus or minus one step; its one bit is its sign.
            if entry >> 15 not in (-1, 1):
                raise CorruptStream("a coefficient that appears too late")
            place = self._correct(place, last, run)
            if place > last:
                raise CorruptStream("more coefficients than a band has")
            self._coefficients[place] = (entry >> 15) * self._step
            place += 1
        return 0

    def _correct(self, place: int, last: int, zeros: int) -> int:
        """Gives a bit to each coefficient that is not zero, up to the zero after so many others; returns its place."""
        coefficients, step = self._coefficients, self._step
        while place <= last:
            value = coefficients[place]
            if value:
                if self._bit() and not abs(value) & step:
                    coefficients[place] = value + (step if value > 0 else -step)
            else:
                if not zeros:
                    break
                zeros -= 1
            place += 1
        return place

    def _bit(self) -> int:
        at = self._at
        self._at += 1
        return self._bits.windows[at >> 3] >> (63 - (at & 7)) & 1
