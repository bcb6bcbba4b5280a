"""A JPEG Lossless encoder for tests, as arrays: whole films with a Huffman table of their own (ITU-T T.81 H.1, K.2).

The test of the decoder has a second one, one sample after the other and word for word from the standard.
"""

import heapq
import struct
from itertools import count as counter
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int64]
Table = tuple[bytes, bytes]


def segment(marker: int, body: bytes) -> bytes:
    """A marker segment (B.1.1.4)."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def encode_film(
    samples: npt.NDArray[Any],
    precision: int,
    predictor: int = 1,
    *,
    rows_per_restart: int = 0,
    tables: tuple[Table, ...] = (),
) -> bytes:
    """A codestream of (rows, columns) or (rows, columns, components).

    tables: the components' Huffman tables in turn (counts of codes of 1 to 16 bits, sizes); without, one made to
    measure for all.
    """
    values = np.atleast_3d(samples).astype(np.int64)
    rows, columns, count = values.shape
    band = rows_per_restart or rows
    tops = range(0, rows, band)
    parts = [predicted_differences(values[top : top + band], precision, predictor) for top in tops]
    if not tables:
        tables = (fitting_table(np.bincount(sizes_of(np.concatenate(parts)).ravel(), minlength=17)),)
    of_component = [index % len(tables) for index in range(count)]
    frame = struct.pack(">BHHB", precision, rows, columns, count)
    frame += b"".join(bytes([index + 1, 0x11, 0]) for index in range(count))
    scan = bytes([count]) + b"".join(bytes([index + 1, of_component[index] << 4]) for index in range(count))
    out = b"\xff\xd8" + segment(0xC3, frame)
    out += b"".join(segment(0xC4, bytes([index]) + b"".join(table)) for index, table in enumerate(tables))
    if rows_per_restart:
        out += segment(0xDD, struct.pack(">H", rows_per_restart * columns))
    out += segment(0xDA, scan + bytes([predictor, 0, 0]))
    for number, part in enumerate(parts):
        coded = entropy_coded(part, [tables[index] for index in of_component])
        out += (bytes([0xFF, 0xD0 + (number - 1) % 8]) if number else b"") + coded.replace(b"\xff", b"\xff\x00")
    return out + b"\xff\xd9"


def predicted_differences(values: Samples, precision: int, predictor: int) -> Samples:
    """What is left when the prediction is taken away, from -32,768 to 32,767. values: (rows, columns, components)."""
    guess = np.empty_like(values)
    left, above, corner = values[1:, :-1], values[:-1, 1:], values[:-1, :-1]
    guess[1:, 1:] = {
        1: left,
        2: above,
        3: corner,
        4: left + above - corner,
        5: left + ((above - corner) >> 1),
        6: above + ((left - corner) >> 1),
        7: (left + above) >> 1,
    }[predictor]
    guess[0, 1:], guess[1:, 0], guess[0, 0] = values[0, :-1], values[:-1, 0], 1 << (precision - 1)
    return (values - guess + 32768) % 65536 - 32768


def sizes_of(differences: Samples) -> Samples:
    """SSSS of each (table H.2)."""
    return np.frexp(np.abs(differences).astype(np.float64))[1].astype(np.int64)


def fitting_table(frequencies: npt.NDArray[np.int64]) -> Table:
    """Short codes for frequent sizes. The code of ones alone stays free (C.2)."""
    used: list[int] = np.flatnonzero(frequencies).tolist()
    least = max(1, int(frequencies.sum()) >> 10)  # keeps every code within 16 bits
    order = counter()
    heap = [(max(least, int(frequencies[size])), next(order), [size]) for size in used] + [(0, next(order), [-1])]
    lengths = dict.fromkeys([-1, *used], 0)
    heapq.heapify(heap)
    while len(heap) > 1:
        one, other = heapq.heappop(heap), heapq.heappop(heap)
        for size in one[2] + other[2]:
            lengths[size] += 1
        heapq.heappush(heap, (one[0] + other[0], next(order), one[2] + other[2]))
    del lengths[-1]
    counts = bytes(sum(length == bits for length in lengths.values()) for bits in range(1, 17))
    return counts, bytes(size for _, size in sorted((length, size) for size, length in lengths.items()))


def codes_of(table: Table) -> dict[int, tuple[int, int]]:
    """Code and its length, by size (C.2)."""
    found = {}
    code, used = 0, 0
    for length, count in enumerate(table[0], start=1):
        for size in table[1][used : used + count]:
            found[size] = (code, length)
            code += 1
        used += count
        code <<= 1
    return found


def entropy_coded(differences: Samples, tables: list[Table]) -> bytes:
    """Codes and differences, (rows, columns, components), one behind the other, filled up with ones; not stuffed."""
    sizes = sizes_of(differences)
    bits, lengths = np.empty_like(sizes), np.empty_like(sizes)
    for index, table in enumerate(tables):
        code, length = np.zeros(17, dtype=np.int64), np.zeros(17, dtype=np.int64)
        for its_size, (its_code, its_length) in codes_of(table).items():
            code[its_size], length[its_size] = its_code, its_length
        size = sizes[:, :, index]
        extra_bits = np.where(size == 16, 0, size)
        extra = np.where(differences[:, :, index] < 0, -1, 0) + differences[:, :, index]
        bits[:, :, index] = (code[size] << extra_bits) | (extra & ((1 << extra_bits) - 1))
        lengths[:, :, index] = length[size] + extra_bits
    assert lengths.min() > 0, "a size without a code"
    return packed(bits.ravel(), lengths.ravel())


def packed(bits: Samples, lengths: Samples) -> bytes:
    """Numbers of so many bits, up to 32, one behind the other."""
    ends = np.cumsum(lengths)
    begins = ends - lengths
    word = begins >> 5
    wide = bits.astype(np.uint64) << (64 - lengths - (begins & 31)).astype(np.uint64)
    first = np.flatnonzero(np.diff(word, prepend=-1))
    words = np.zeros(int(word[-1]) + 2, dtype=np.uint64)
    words[word[first]] += np.add.reduceat(wide >> np.uint64(32), first)
    words[word[first] + 1] += np.add.reduceat(wide & np.uint64(0xFFFFFFFF), first)
    whole = bytearray(words.astype(">u4").tobytes()[: -(-int(ends[-1]) // 8)])
    whole[-1] |= (1 << (-int(ends[-1]) % 8)) - 1
    return bytes(whole)
