"""JPEG with a cosine transform and Huffman codes, of 8 or 12 bits, sequential or progressive (ITU-T T.81 F and G).

Written here for the films of 12 bits that Pillow's library does not read (DICOM's .51, and the retired .53 and .55):
GDCM would, but ends the whole program on a spoilt header. The transform is the reference library's in whole numbers, so
the values are the same to the last bit (compared with GDCM and dcmtk). The codes are followed by a plain loop: 1 to 3
seconds for a film of 4 million pixels (measured), of a coding that is seldom met.
"""

from array import array
from dataclasses import dataclass, field

import numpy as np

from desktop.intake.jpeg_dct_scans import Scan, Tables, ac_codes, dc_codes, read_scan
from desktop.intake.jpeg_dct_transform import ZIGZAG, inverse
from desktop.intake.jpeg_lossless_errors import CorruptStream, CutStream, UnsupportedStream
from desktop.records.picture import Array

_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), (0xC2,)
_OTHER_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC0, 0xC1, 0xC2, 0xC4, 0xC8, 0xCC}
_DHT, _SOI, _EOI, _SOS, _DQT, _DRI = 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD
_RESTARTS = frozenset(range(0xD0, 0xD8))
_MOST_BLOCKS = 400_000
_MOST_SCANS = 32
"""Per component. An honest progressive picture has about ten; more only keep a reader busy."""


@dataclass
class _Component:
    """quantization: number of its table. coefficients: 64 for each block, in zigzag order."""

    quantization: int
    coefficients: "array[int]"


@dataclass
class _Picture:
    rows: int = 0
    columns: int = 0
    precision: int = 0
    progressive: bool = False
    components: dict[int, _Component] = field(default_factory=dict)
    quantization: dict[int, Array] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)
    restart: int = 0
    scans: int = 0

    @property
    def across(self) -> int:
        """Blocks in a row of blocks."""
        return -(-self.columns // 8)

    @property
    def blocks(self) -> int:
        """Blocks of one component."""
        return self.across * -(-self.rows // 8)


def decode(data: bytes) -> Array:
    """A codestream's samples: (rows, columns) or (rows, columns, components), uint8 of 8 bits, uint16 of 12.

    Raises CutStream, CorruptStream or UnsupportedStream. The caller has checked that the size is bearable.
    """
    picture = _Picture()
    if not data.startswith(b"\xff\xd8"):
        raise CorruptStream("no start of image")
    at = 2
    while True:
        if at + 4 > len(data):
            if data[at : at + 2] == b"\xff\xd9":
                break
            raise CutStream("no end of image")
        if data[at] != 0xFF:
            raise CorruptStream("no marker where one must be")
        marker = data[at + 1]
        if marker == _EOI:
            break
        if marker == 0xFF or marker in _RESTARTS:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2 or marker == _SOI:
            raise CutStream("a marker segment runs over the end")
        at += 2 + length
        if marker == _SOS:
            at = _read_scan(picture, body, data, at)
        else:
            _read_segment(picture, marker, body)
    if not picture.scans:
        raise CorruptStream("no scan")
    return _samples(picture)


def _read_segment(picture: _Picture, marker: int, body: bytes) -> None:
    if marker in (*_SEQUENTIAL, *_PROGRESSIVE):
        _read_frame(picture, marker, body)
    elif marker in _OTHER_FRAMES:
        raise UnsupportedStream("another kind of JPEG")
    elif marker == _DHT:
        _read_codes(picture.tables, body)
    elif marker == _DQT:
        _read_quantization(picture, body)
    elif marker == _DRI and len(body) == 2:
        picture.restart = int.from_bytes(body, "big")


def _read_frame(picture: _Picture, marker: int, body: bytes) -> None:
    """Frame header (B.2.2)."""
    if picture.components or len(body) < 6 or len(body) != 6 + 3 * body[5] or not body[5]:
        raise CorruptStream("a frame header that does not add up")
    picture.precision = body[0]
    picture.rows, picture.columns = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    picture.progressive = marker in _PROGRESSIVE
    if picture.precision not in (8, 12):
        raise UnsupportedStream("another precision")
    if not picture.rows or not picture.columns:
        raise CorruptStream("a frame without a size")
    if picture.blocks * body[5] > _MOST_BLOCKS:
        raise UnsupportedStream("larger than any film of this kind")
    for index in range(body[5]):
        name, factors, table = body[6 + 3 * index : 9 + 3 * index]
        if factors != 0x11 and body[5] > 1:
            raise UnsupportedStream("subsampled components")
        picture.components[name] = _Component(table, array("i", bytes(4 * 64 * picture.blocks)))
    if len(picture.components) != body[5]:
        raise CorruptStream("components of one name")


def _read_codes(tables: Tables, body: bytes) -> None:
    """Huffman tables (B.2.4.2)."""
    at = 0
    while at < len(body):
        counts = body[at + 1 : at + 17]
        values = body[at + 17 : at + 17 + sum(counts)]
        if len(counts) != 16 or len(values) != sum(counts):
            raise CorruptStream("a Huffman table that runs over its end")
        if body[at] >> 4:
            tables.ac[body[at] & 15] = ac_codes(counts, values)
        else:
            tables.dc[body[at] & 15] = dc_codes(counts, values)
        at += 17 + len(values)


def _read_quantization(picture: _Picture, body: bytes) -> None:
    """Quantization tables (B.2.4.1), in zigzag order."""
    at = 0
    while at < len(body):
        wide = body[at] >> 4
        size = 64 * (2 if wide else 1)
        values = np.frombuffer(body[at + 1 : at + 1 + size], dtype=">u2" if wide else "u1").astype(np.int64)
        if len(values) != 64:
            raise CorruptStream("a quantization table that runs over its end")
        picture.quantization[body[at] & 15] = values
        at += 1 + size


def _read_scan(picture: _Picture, body: bytes, data: bytes, start: int) -> int:
    """One scan (B.2.3) and its coded data, which begins at `start`; returns where it ends."""
    count = body[0] if body else 0
    if not picture.components or not 1 <= count <= 4 or len(body) != 4 + 2 * count:
        raise CorruptStream("a scan header that does not add up")
    picture.scans += 1
    if picture.scans > _MOST_SCANS * len(picture.components):
        raise CorruptStream("more scans than any picture has")
    parts, end = _parts(data, start)
    chosen = []
    for index in range(count):
        name, tables = body[1 + 2 * index], body[2 + 2 * index]
        component = picture.components.get(name)
        if component is None:
            raise CorruptStream("a scan of another component")
        chosen.append((component.coefficients, tables >> 4, tables & 15))
    scan = Scan(
        first=body[-3] if picture.progressive else 0,
        last=body[-2] if picture.progressive else 63,
        high=body[-1] >> 4 if picture.progressive else 0,
        low=body[-1] & 15 if picture.progressive else 0,
        progressive=picture.progressive,
    )
    per_part = picture.restart or picture.blocks
    if len(parts) != -(-picture.blocks // per_part):
        raise CutStream("restart intervals are missing")
    for number, part in enumerate(parts):
        begin = number * per_part
        read_scan(part, scan, chosen, picture.tables, begin, min(per_part, picture.blocks - begin))
    return end


def _parts(data: bytes, start: int) -> tuple[list[bytes], int]:
    """The coded data of each restart interval, without stuffed bytes, and where the scan ends."""
    body = np.frombuffer(data, dtype=np.uint8, offset=start)
    marked = np.flatnonzero((body[:-1] == 0xFF) & (body[1:] != 0) & (body[1:] != 0xFF))
    parts, begin = [], 0
    for place in marked.tolist():
        parts.append(body[begin:place].tobytes().replace(b"\xff\x00", b"\xff"))
        if int(body[place + 1]) not in _RESTARTS:
            return parts, start + place
        begin = place + 2
    raise CutStream("no end of image")


def _samples(picture: _Picture) -> Array:
    planes = []
    order = np.argsort(ZIGZAG)
    for component in picture.components.values():
        quantization = picture.quantization.get(component.quantization)
        if quantization is None:
            raise CorruptStream("a quantization table is missing")
        blocks = np.frombuffer(component.coefficients, dtype=np.int32).reshape(-1, 64)[:, order]
        whole = inverse(blocks, quantization[order], picture.precision, picture.across)
        planes.append(whole[: picture.rows, : picture.columns])
    return planes[0] if len(planes) == 1 else np.stack(planes, axis=2)
