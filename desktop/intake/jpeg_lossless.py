"""JPEG Lossless (ITU-T T.81 Annex H, DICOM's .57 and .70), the usual compression of films on a disc.

Written here because the native decoders at hand end the whole program on a spoilt header and go on without a word after
spoilt data; this one reads whole films or nothing. It is array maths throughout: codes are read in thousands of lanes
at once (`jpeg_lossless_lanes`), and most predictors are running sums (`jpeg_lossless_predictors`). A film of 4 million
pixels takes 0.15 to 0.25 seconds of one core (measured); only colours coded with a table each take a plain loop.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.intake.jpeg_lossless_codes import Codes, read_in_turn
from desktop.intake.jpeg_lossless_errors import CorruptStream, CutStream, UnsupportedStream
from desktop.intake.jpeg_lossless_lanes import read_in_lanes
from desktop.intake.jpeg_lossless_predictors import undo

__all__ = ["CorruptStream", "CutStream", "UnsupportedStream", "decode"]

Array = npt.NDArray[Any]

_SOF3, _DHT, _SOS, _DRI, _EOI = 0xC3, 0xC4, 0xDA, 0xDD, 0xD9
_OTHER_FRAMES = frozenset(range(0xC0, 0xD0)) - {_SOF3, _DHT, 0xC8, 0xCC}
_RESTARTS = frozenset(range(0xD0, 0xD8))


@dataclass
class _Header:
    rows: int = 0
    columns: int = 0
    precision: int = 0
    components: tuple[int, ...] = ()
    known: dict[bytes, Codes] = field(default_factory=dict)
    tables: dict[int, Codes] = field(default_factory=dict)
    restart: int = 0
    chosen: tuple[int, ...] = ()
    predictor: int = 0
    shift: int = 0


def decode(data: bytes) -> Array:
    """A codestream's samples: (rows, columns) or (rows, columns, components), uint8 up to 8 bits, else uint16.

    Raises CutStream, CorruptStream or UnsupportedStream. The caller has checked that the size is bearable.
    """
    header, scan = _read_header(data)
    parts = _entropy_segments(data, scan)
    count = len(header.components)
    rows_per_part = header.rows
    if header.restart:
        if header.restart % header.columns:
            raise UnsupportedStream("restarts within a row")
        rows_per_part = header.restart // header.columns
    wanted = -(-header.rows // rows_per_part)
    if len(parts) < wanted:
        raise CutStream("restart intervals are missing")
    if len(parts) > wanted:
        raise CorruptStream("too many restart intervals")
    rows = [min(rows_per_part, header.rows - top) for top in range(0, header.rows, rows_per_part)]
    tables = [header.tables[chosen] for chosen in header.chosen]
    counts = [some * header.columns * count for some in rows]
    if all(table is tables[0] for table in tables):
        differences = read_in_lanes(parts, counts, tables[0])
    else:
        each = zip(parts, counts, strict=True)
        differences = np.concatenate([read_in_turn(part, some, tables) for part, some in each])
    differences = differences.reshape(header.rows, header.columns, count)
    start = 1 << (header.precision - header.shift - 1)
    values = np.empty_like(differences)
    for top in range(0, header.rows, rows_per_part):
        band = slice(top, top + rows_per_part)
        for index in range(count):
            values[band, :, index] = undo(differences[band, :, index], header.predictor, start)
    if int(values.max()) >> (header.precision - header.shift):
        raise CorruptStream("values beyond the precision")
    values <<= header.shift
    values = values.astype(np.uint8 if header.precision <= 8 else np.uint16, copy=False)
    return values[:, :, 0] if count == 1 else values


def _read_header(data: bytes) -> tuple[_Header, int]:
    """All marker segments up to the scan, and where its entropy-coded data begins."""
    header = _Header()
    if not data.startswith(b"\xff\xd8"):
        raise CorruptStream("no start of image")
    at = 2
    while True:
        if at + 4 > len(data):
            raise CutStream("no scan")
        if data[at] != 0xFF:
            raise CorruptStream("no marker where one must be")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            raise CutStream("a marker segment runs over the end")
        if marker == _SOF3:
            _read_frame(header, body)
        elif marker == _DHT:
            _read_tables(header, body)
        elif marker == _DRI and len(body) == 2:
            header.restart = int.from_bytes(body, "big")
        elif marker in _OTHER_FRAMES:
            raise UnsupportedStream("another kind of JPEG")
        elif marker == _SOS:
            _read_scan(header, body)
            return header, at + 2 + length
        elif marker == _EOI or marker in _RESTARTS:
            raise CorruptStream("a marker out of place")
        at += 2 + length


def _read_frame(header: _Header, body: bytes) -> None:
    """Frame header (B.2.2)."""
    if header.components or len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise CorruptStream("a frame header that does not add up")
    header.precision = body[0]
    header.rows, header.columns = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    header.components = tuple(body[6 + 3 * index] for index in range(body[5]))
    if not 2 <= header.precision <= 16 or not header.rows or not header.columns or not header.components:
        raise CorruptStream("a frame without a size")
    if any(body[7 + 3 * index] != 0x11 for index in range(body[5])):
        raise UnsupportedStream("subsampled components")


def _read_tables(header: _Header, body: bytes) -> None:
    """Huffman tables (B.2.4.2); those for AC coefficients have no use here."""
    at = 0
    while at < len(body):
        counts = body[at + 1 : at + 17]
        values = body[at + 17 : at + 17 + sum(counts)]
        if len(counts) != 16 or len(values) != sum(counts):
            raise CorruptStream("a Huffman table that runs over its end")
        if body[at] >> 4 == 0:
            same = counts + values  # two tables may be one
            if same not in header.known:
                header.known[same] = _codes(counts, values)
            header.tables[body[at]] = header.known[same]
        at += 17 + len(values)


def _codes(counts: bytes, values: bytes) -> Codes:
    length, size = np.zeros(65536, dtype=np.uint8), np.zeros(65536, dtype=np.uint8)
    code, used = 0, 0
    for bits, count in enumerate(counts, start=1):
        for value in values[used : used + count]:
            if value > 16 or code >= 1 << bits:
                raise CorruptStream("a Huffman table that no encoder writes")
            span = slice(code << (16 - bits), (code + 1) << (16 - bits))
            length[span], size[span] = bits, value
            code += 1
        used += count
        code <<= 1
    return Codes(length, size)


def _read_scan(header: _Header, body: bytes) -> None:
    """Scan header (B.2.3)."""
    count = body[0] if body else 0
    if not header.components or len(body) != 4 + 2 * count:
        raise CorruptStream("a scan header that does not add up")
    if count != len(header.components):
        raise UnsupportedStream("components in scans of their own")
    if tuple(body[1 + 2 * index] for index in range(count)) != header.components:
        raise CorruptStream("a scan of other components")
    header.chosen = tuple(body[2 + 2 * index] >> 4 for index in range(count))
    header.predictor = body[-3]
    header.shift = body[-1] & 0x0F
    if any(chosen not in header.tables for chosen in header.chosen):
        raise CorruptStream("a Huffman table is missing")
    if not 1 <= header.predictor <= 7 or header.shift >= header.precision:
        raise CorruptStream("a predictor that does not exist")


def _entropy_segments(data: bytes, start: int) -> list[bytes]:
    """The coded data of each restart interval, without stuffed bytes, up to the end of the image."""
    body = np.frombuffer(data, dtype=np.uint8, offset=start)
    after = body[1:]
    marked = np.flatnonzero((body[:-1] == 0xFF) & (after != 0) & (after != 0xFF))
    parts = []
    begin = 0
    for place in marked.tolist():
        parts.append(body[begin:place].tobytes().replace(b"\xff\x00", b"\xff"))
        if int(body[place + 1]) not in _RESTARTS:
            if body[place + 1] != _EOI:
                raise CorruptStream("a marker within the picture")
            return parts
        begin = place + 2
    raise CutStream("no end of image")
