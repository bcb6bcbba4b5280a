"""Reading the Huffman codes of a JPEG Lossless film in thousands of lanes at once, as arrays.

Where a code begins is known only once all before it are read, and a plain loop over them takes a second for a film.
But Huffman codes fall into step by themselves: whoever begins at any bit reads nonsense for some dozens of codes, and
from then on the true ones. So the bits are cut into lanes. Each lane begins to read some codes before its own bits,
and all lanes go on together, one code of each at a time.

Nothing rests on luck. A lane counts only if it came to its own bits exactly where the lane before it left off. The
first lane begins where the data does; so, lane after lane, what counts is what reading from the first bit on would
have given. A lane that fell into step too late is read again from where the lane before it left off.

All places are bits. An interval between restart markers is called a part here; its first lane begins with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.intake.jpeg_lossless_codes import (
    LEFT_OVER,
    LONG,
    NO_CODE,
    PADDING,
    STEP,
    Codes,
    Entries,
    Places,
    Windows,
    values,
    windows_of,
)
from desktop.intake.jpeg_lossless_errors import CorruptStream, CutStream

_LANES = 4096
"""Read together: many enough for arrays to pay, few enough for a processor's cache."""

_FEWEST_CODES, _MOST_CODES = 64, 1024
"""In one lane, about."""

_CODES_BEFORE = 192
"""Read before a lane's own, to fall into step. In films of 10 to 14 bits all of 3,700 lanes do, with 16 bits and much
noise all but two; in a black surround, where a code is followed by nothing but itself, up to half do not (measured)."""

_BLOCK = 64
"""Steps taken before anyone looks which lanes are done."""

_PAGE = 24 * _BLOCK
"""Steps whose entries lie in one array: enough for all lanes but those in black surrounds."""

_SHORTEST, _WIDEST = 64, 16 * _MOST_CODES
"""Bits in one lane: more than a code and what may be left over have, and no more than memory bears."""


@dataclass(frozen=True, eq=False)
class _Lanes:
    """Each for all lanes: where it begins to read, where its own bits begin and end, and the number of its part."""

    starts: Places
    lows: Places
    highs: Places
    parts: npt.NDArray[np.intp]

    def some(self, first: int, entry: int) -> "_Lanes":
        """Those read together, from the lane `first` on, which goes on at the bit `entry` unless it begins a part."""
        rows = slice(first, first + _LANES)
        starts = self.starts[rows].copy()
        if first and self.parts[first] == self.parts[first - 1]:
            starts[0] = entry
        return _Lanes(starts, self.lows[rows], self.highs[rows], self.parts[rows])

    def counted_from(self, origin: int) -> "_Lanes":
        """The same lanes, where the bit `origin` is number 0."""
        return _Lanes(self.starts - origin, self.lows - origin, self.highs - origin, self.parts)


@dataclass(frozen=True, eq=False)
class _Read:
    """What each lane read of its own bits, where the first code of that begins, and where the next one does."""

    pieces: list[Entries]
    entries: list[int]
    exits: list[int]


@dataclass(frozen=True, eq=False)
class _Page:
    """What some lanes read from a certain step on: a row for each lane, a column for each step."""

    lanes: npt.NDArray[np.intp]
    begin: int
    entries: Entries

    def write(self, lanes: npt.NDArray[np.intp], step: int, block: Entries) -> None:
        """Keeps what these lanes read from this step on. block: a row for each step."""
        columns = slice(step - self.begin, step - self.begin + len(block))
        if len(lanes) == len(self.lanes):
            self.entries[:, columns] = block.T
        else:
            self.entries[np.searchsorted(self.lanes, lanes), columns] = block.T

    def rows(self, first: Places, last: Places) -> list[Entries]:
        """Of each of its lanes, what it read from its first step up to its last one, if on this page."""
        bounds = (np.clip(steps[self.lanes] - self.begin, 0, _PAGE).tolist() for steps in (first, last))
        return [row[begin:end] for row, begin, end in zip(self.entries, *bounds, strict=True)]


def read_in_lanes(parts: Sequence[bytes], counts: Sequence[int], table: Codes) -> npt.NDArray[np.uint16]:
    """`counts[i]` differences of parts[i], modulo 65,536, one part after the other, coded with one table.

    parts: without stuffed bytes. Raises CutStream or CorruptStream.
    """
    for part, count in zip(parts, counts, strict=True):
        if 8 * len(part) < count:
            raise CutStream("the data ends within the picture")
        if 8 * len(part) >= count * table.longest + LEFT_OVER:
            raise CorruptStream("data left over")
    data = b"".join(part + PADDING for part in parts)
    lanes = _lay([8 * len(part) for part in parts], sum(counts))
    missing = list(counts)
    found = []
    entry = 0
    for first in range(0, len(lanes.lows), _LANES):
        some = lanes.some(first, entry)
        origin = int(some.starts.min()) & ~7
        some = some.counted_from(origin)
        windows = windows_of(data[origin >> 3 : ((origin + int(some.highs[-1])) >> 3) + len(PADDING)])
        read = _read_in_step(windows, table, some)
        entry = origin + read.exits[-1]
        last = first + _LANES >= len(lanes.lows) or lanes.parts[first + _LANES] != lanes.parts[first + _LANES - 1]
        _settle(read, some, missing, last)
        found.append(_values(read, windows, table))
    return np.concatenate(found)


def _lay(lengths: Sequence[int], count: int) -> _Lanes:
    """Lanes for parts of these lengths, with `count` codes in all, each followed by the padding."""
    bits = sum(lengths)
    codes = min(max(count // _LANES, _FEWEST_CODES), _MOST_CODES)
    width = min(max(codes * bits // count, _SHORTEST), _WIDEST)
    begins = np.cumsum([0, *(length + 8 * len(PADDING) for length in lengths[:-1])])
    ends = begins + np.asarray(lengths)
    # A lane that would be shorter belongs to the one before: what may be left over at the end is all in the last one.
    lows = [
        np.arange(begin, max(begin + 1, end - _SHORTEST), width, dtype=np.int64)
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    ]
    every = np.concatenate(lows)
    parts = np.repeat(np.arange(len(lengths)), [len(low) for low in lows])
    highs = np.append(every[1:], 0)
    closing = np.append(parts[1:] != parts[:-1], True)
    highs[closing] = ends
    starts = np.maximum(every - _CODES_BEFORE * bits // count, begins[parts])
    return _Lanes(starts, every, highs, parts)


def _read_in_step(windows: Windows, table: Codes, lanes: _Lanes) -> _Read:
    """What these lanes hold, each from where the one before it left off."""
    read = _read(windows, table, lanes.starts, lanes.lows, lanes.highs)
    wrong = []
    opens = np.append(True, lanes.parts[1:] != lanes.parts[:-1])
    for lane in np.flatnonzero(~opens).tolist():
        entry = read.exits[lane - 1]
        if read.entries[lane] != entry:
            read.entries[lane] = entry
            read.exits[lane] = _walk(windows, table, entry, int(lanes.highs[lane]))
            wrong.append(lane)
    if wrong:
        entries = np.asarray([read.entries[lane] for lane in wrong])
        again = _read(windows, table, entries, entries, lanes.highs[wrong])
        for lane, piece in zip(wrong, again.pieces, strict=True):
            read.pieces[lane] = piece
    return read


def _walk(windows: Windows, table: Codes, at: int, end: int) -> int:
    """Where the first code at or after the bit `end` begins, where one begins at the bit `at`."""
    first = at >> 3
    near = windows[first : (end >> 3) + 1].tolist()
    leaps, entries = table.leaps, table.entries
    while at <= end - 16:
        at += leaps[(near[(at >> 3) - first] >> (48 - (at & 7))) & 0xFFFF]
    while at < end:
        at += int(entries[(near[(at >> 3) - first] >> (48 - (at & 7))) & 0xFFFF]) & STEP
    return at


def _read(windows: Windows, table: Codes, starts: Places, lows: Places, highs: Places) -> _Read:
    """Lets all lanes read together, until each is past its own bits."""
    count = len(starts)
    # Of the entries that a lane reads, its own are those from its first up to its last.
    first, last = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    entries, exits = starts.copy(), starts.copy()
    block = np.empty((_BLOCK, count), dtype=np.uint32)
    places = np.empty((_BLOCK + 1, count), dtype=np.int64)
    pages: list[_Page] = []
    reading = np.arange(count)
    at = starts
    column = 0
    while len(reading):
        if column % _PAGE == 0:
            pages.append(_Page(reading, column, np.empty((len(reading), _PAGE), dtype=np.uint32)))
        block, places = block[:, : len(reading)], places[:, : len(reading)]
        places[0] = at
        _read_block(windows, table, block, places)
        pages[-1].write(reading, column, block)
        for bounds, columns, reached in ((lows, first, entries), (highs, last, exits)):
            crossing = np.flatnonzero((places[0] < bounds) & (places[-1] >= bounds))
            before = places[:, crossing]
            inside = np.count_nonzero(before < bounds[crossing], axis=0)
            columns[reading[crossing]] = column + inside
            reached[reading[crossing]] = before[inside, np.arange(len(crossing))]
        going = places[-1] < highs
        reading, at, lows, highs = reading[going], places[-1][going], lows[going], highs[going]
        column += _BLOCK
    return _Read(_pieces(pages, first, last), entries.tolist(), exits.tolist())


def _pieces(pages: list[_Page], first: Places, last: Places) -> list[Entries]:
    """Each lane's own entries."""
    found = pages[0].rows(first, last)
    for page in pages[1:]:
        for lane, row in zip(page.lanes.tolist(), page.rows(first, last), strict=True):
            found[lane] = np.concatenate([found[lane], row])
    return found


def _read_block(windows: Windows, table: Codes, block: Entries, places: Places) -> None:
    """Fills `block` with the next entries of each lane, a row for each step, and `places`, from its first row on."""
    count = block.shape[1]
    byte, step = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.uint64)
    bits, code = np.empty(count, dtype=np.uint64), np.empty(count, dtype=np.uint64)
    # The 64 bits of a window serve for several codes: at most 7 bits lie before the first, the last needs 16.
    codes_per_window = 1 + (64 - 7 - 16) // table.longest
    for row in range(_BLOCK):
        if row % codes_per_window == 0:
            np.right_shift(places[row], 3, out=byte)
            windows.take(byte, out=bits, mode="clip")
            np.bitwise_and(places[row], 7, out=step.view(np.int64))
        np.left_shift(bits, step, out=bits)
        np.right_shift(bits, 48, out=code)
        table.entries.take(code.view(np.int64), out=block[row], mode="clip")
        np.bitwise_and(block[row], STEP, out=step)
        np.add(places[row], step.view(np.int64), out=places[row + 1])


def _settle(read: _Read, lanes: _Lanes, missing: list[int], closes: bool) -> None:
    """Takes away what was read behind a part's last code; refuses parts that end too early or too late.

    missing: how many codes of each part are still to come. closes: whether the last lane is the last of its part.
    """
    closing = [*(lanes.parts[1:] != lanes.parts[:-1]).tolist(), closes]
    for lane, (part, high) in enumerate(zip(lanes.parts.tolist(), lanes.highs.tolist(), strict=True)):
        piece = read.pieces[lane]
        missing[part] -= len(piece)
        if not closing[lane]:
            if missing[part] < 0:
                raise CorruptStream("data left over")
            continue
        if missing[part] > 0:
            raise CutStream("the data ends within the picture")
        kept = len(piece) + missing[part]
        end = read.exits[lane] - int((piece[kept:] & STEP).sum())
        if end > high:
            raise CutStream("the data ends within the picture")
        if high - end >= LEFT_OVER:
            raise CorruptStream("data left over")
        read.pieces[lane] = piece[:kept]


def _values(read: _Read, windows: Windows, table: Codes) -> npt.NDArray[np.uint16]:
    """The differences that these lanes read."""
    entries = np.concatenate(read.pieces)
    flags = int(np.bitwise_or.reduce(entries))
    if flags & NO_CODE:
        raise CorruptStream("bits that begin no code")
    if not flags & LONG:
        return values(entries, np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int64), windows, table)
    long = np.flatnonzero((entries & LONG) != 0)
    return values(entries, long, _places(long, read), windows, table)


def _places(which: npt.NDArray[np.intp], read: _Read) -> Places:
    """The bits where the codes of some entries begin. which: their numbers in all pieces joined."""
    begins = np.cumsum([0, *(len(piece) for piece in read.pieces)])
    lane = np.searchsorted(begins, which, side="right") - 1
    # Only lanes with such entries are added up: in most films they are few.
    lanes, row = np.unique(lane, return_inverse=True)
    steps = np.concatenate([read.pieces[lane] for lane in lanes.tolist()]) & STEP
    before = np.cumsum(steps, dtype=np.uint32) - steps
    firsts = np.cumsum(begins[lanes + 1] - begins[lanes]) - (begins[lanes + 1] - begins[lanes])
    own = firsts[row] + which - begins[lane]
    places: Places = before[own] - before[firsts[row]] + np.asarray(read.entries)[lane]
    return places
