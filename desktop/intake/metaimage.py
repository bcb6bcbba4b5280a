"""MetaImage volumes (.mha, .mhd): `Key = Value` lines, and voxels behind them or in a file beside them."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake import volume
from desktop.intake.inspection import Inspection
from desktop.intake.volume import Around, Grid, Vector, VolumeHeader, Voxels

_MOST_LINE, _MOST_LINES = 4096, 500
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def survey(stream: BinaryIO, path: Path | None) -> Inspection:
    """What `lantern inspect` says of a MetaImage file."""
    return volume.survey(open_metaimage, stream, path)


def open_metaimage(stream: BinaryIO, around: Around) -> Voxels:
    """A MetaImage's header and voxels; the caller closes what is beside it. Raises UserFacingError."""
    words = _fields(stream)
    header = _header(words)
    name = words.get("ElementDataFile", "")
    local = name.upper() == "LOCAL"
    source = stream if local else volume.beside(around, name)
    if _true(words, "CompressedData"):
        return Voxels(header, volume.unpacked(source, "zlib"), None if local else source)
    skip = words.get("HeaderSize", "0")
    if not local:
        end = source.seek(0, 2)
        source.seek(end - header.size if skip == "-1" and end >= header.size else _whole(skip.lstrip("-")))
    volume.check_length(source, header.size)
    return Voxels(header, source, None if local else source)


def _fields(stream: BinaryIO) -> dict[str, str]:
    """The lines up to `ElementDataFile`, which is the last."""
    found: dict[str, str] = {}
    for _ in range(_MOST_LINES):
        line = stream.readline(_MOST_LINE)
        name, separator, value = line.decode("latin-1").partition("=")
        if not separator:
            raise UserFacingError("intake.damaged")
        found[name.strip()] = value.strip()
        if name.strip() == "ElementDataFile":
            return found
    raise UserFacingError("intake.damaged")


def _true(words: dict[str, str], name: str) -> bool:
    return words.get(name, "").lower() in ("true", "1", "t")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise UserFacingError("intake.damaged") from error


def _header(words: dict[str, str]) -> VolumeHeader:
    kind = _TYPES.get(words.get("ElementType", "").upper())
    if kind is None or words.get("BinaryData", "True").lower() not in ("true", "1", "t"):
        raise UserFacingError("intake.unsupported_volume")
    sizes = [_whole(text) for text in words.get("DimSize", "").split()]
    if not 1 <= len(sizes) <= 8 or len(sizes) != _whole(words.get("NDims", "0")):
        raise UserFacingError("intake.damaged")
    body = [*sizes, 1, 1, 1]
    big = _true(words, "BinaryDataByteOrderMSB") or _true(words, "ElementByteOrderMSB")
    return VolumeHeader(
        columns=body[0],
        rows=body[1],
        slices=body[2],
        times=int(np.prod([*sizes[3:], 1], dtype=object)),
        samples=_whole(words.get("ElementNumberOfChannels", "1")),
        dtype=np.dtype((">" if big else "<") + kind),
        grid=_grid(words, len(sizes)),
    )


def _grid(words: dict[str, str], dimensions: int) -> Grid | None:
    """Offset, spacing and directions; MetaImage's axes are LPS as ITK writes them. Of moments after one another (four
    dimensions) the space's part is taken, where time has an axis of its own."""
    if dimensions not in (3, 4):
        return None
    origin = _numbers(words, ("Offset", "Position", "Origin"), dimensions)
    spacing = _numbers(words, ("ElementSpacing", "ElementSize"), dimensions)
    directions = _numbers(words, ("TransformMatrix", "Rotation", "Orientation"), dimensions**2)
    if origin is None or spacing is None:
        return None
    matrix = np.eye(dimensions) if directions is None else np.array(directions).reshape(dimensions, dimensions)
    if np.abs(matrix[:3, 3:]).max(initial=0.0) > 1e-6 or np.abs(matrix[3:, :3]).max(initial=0.0) > 1e-6:
        return None
    first, second, third = (_vector((matrix[axis, :3] * spacing[axis]).tolist()) for axis in range(3))
    return Grid(_vector(origin[:3]), (first, second, third))


def _vector(values: list[float]) -> Vector:
    x, y, z = values
    return x, y, z


def _numbers(words: dict[str, str], names: tuple[str, ...], count: int) -> list[float] | None:
    for name in names:
        if name in words:
            try:
                found = volume.finite([float(text) for text in words[name].split()])
            except ValueError as error:
                raise UserFacingError("intake.damaged") from error
            return found if len(found) == count else None
    return None
