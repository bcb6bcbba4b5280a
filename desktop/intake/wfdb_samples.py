"""Sample formats of WFDB signal files (PhysioNet, signal(5)), all channels of one file at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.int32]
"""Stored values; MISSING where the format says that there is none."""

MISSING = np.int32(-(2**31))


@dataclass(frozen=True)
class SampleFormat:
    """bytes_for: how many bytes so many samples take. read: those bytes to int32 values. invalid: means "missing"."""

    bytes_for: Callable[[int], int]
    read: Callable[[npt.NDArray[np.uint8], int], Values]
    invalid: int | None


def _plain(dtype: str, size: int, less: int = 0) -> SampleFormat:
    def read(data: npt.NDArray[np.uint8], count: int) -> Values:
        values = data[: count * size].view(np.dtype(dtype)).astype(np.int32)
        return values - np.int32(less) if less else values

    invalid = {1: -128, 2: -32768, 4: -(2**31)}[size]
    return SampleFormat(lambda count: count * size, read, invalid)


def _read_24(data: npt.NDArray[np.uint8], count: int) -> Values:
    triples = data[: count * 3].reshape(-1, 3).astype(np.int32)
    return triples[:, 0] | triples[:, 1] << 8 | _signed(triples[:, 2], 8) << 16


def _read_212(data: npt.NDArray[np.uint8], count: int) -> Values:
    """Pairs of 12-bit values in three bytes: the middle byte holds both high halves, the first value's below."""
    padded = np.zeros(-(-count // 2) * 3, np.uint8)
    padded[: min(data.size, padded.size)] = data[: padded.size]
    triples = padded.reshape(-1, 3).astype(np.int32)
    values = np.empty((len(triples), 2), np.int32)
    values[:, 0] = _signed(triples[:, 0] | (triples[:, 1] & 0x0F) << 8, 12)
    values[:, 1] = _signed(triples[:, 2] | (triples[:, 1] & 0xF0) << 4, 12)
    return values.reshape(-1)[:count]


def _words(data: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.int32]:
    padded = np.zeros(-(-count // 3) * 4, np.uint8)
    padded[: min(data.size, padded.size)] = data[: padded.size]
    return padded.view("<u2").reshape(-1, 2).astype(np.int32)


def _read_310(data: npt.NDArray[np.uint8], count: int) -> Values:
    """Three 10-bit values in two words: bits 1 to 10 of each, the third from the top five bits of both."""
    words = _words(data, count)
    third = (words[:, 0] >> 11 & 0x1F) | (words[:, 1] >> 11 & 0x1F) << 5
    values = np.stack([words[:, 0] >> 1 & 0x3FF, words[:, 1] >> 1 & 0x3FF, third], axis=1)
    return _signed(values, 10).reshape(-1)[:count]


def _read_311(data: npt.NDArray[np.uint8], count: int) -> Values:
    """Three 10-bit values in the low thirty bits of four bytes."""
    words = _words(data, count)
    whole = words[:, 0].astype(np.int64) | words[:, 1].astype(np.int64) << 16
    values = np.stack([whole & 0x3FF, whole >> 10 & 0x3FF, whole >> 20 & 0x3FF], axis=1).astype(np.int32)
    return _signed(values, 10).reshape(-1)[:count]


def _signed(values: Values, bits: int) -> Values:
    half = np.int32(1 << (bits - 1))
    return (values ^ half) - half


FORMATS: dict[int, SampleFormat] = {
    8: SampleFormat(lambda count: count, lambda data, count: data[:count].view(np.int8).astype(np.int32), None),
    16: _plain("<i2", 2),
    24: SampleFormat(lambda count: count * 3, _read_24, -(2**23)),
    32: _plain("<i4", 4),
    61: _plain(">i2", 2),
    80: _plain("u1", 1, less=128),
    160: _plain("<u2", 2, less=32768),
    212: SampleFormat(lambda count: -(-count * 3 // 2), _read_212, -2048),
    310: SampleFormat(lambda count: count // 3 * 4 + (0, 2, 4)[count % 3], _read_310, -512),
    311: SampleFormat(lambda count: count // 3 * 4 + (0, 2, 3)[count % 3], _read_311, -512),
}
"""Formats by their number. 8 holds differences; whoever asks adds them up from the header's first value."""

DIFFERENCES = 8


def samples_in(stored: SampleFormat, size: int) -> int:
    """How many whole samples lie in that many bytes."""
    low, high = 0, size * 2
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if stored.bytes_for(middle) <= size else (low, middle - 1)
    return low


def read_values(stored: SampleFormat, data: memoryview, count: int) -> Values:
    """`count` values from a file's bytes, with MISSING where the format says so."""
    values = stored.read(np.frombuffer(data, np.uint8), count)
    if stored.invalid is not None:
        values[values == stored.invalid] = MISSING
    return values
