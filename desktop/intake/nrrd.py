"""NRRD volumes: a text header, and voxels behind it or in a file beside it."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake import volume
from desktop.intake.inspection import Inspection
from desktop.intake.volume import Around, Grid, Vector, VolumeHeader, Voxels

_MOST_LINE, _MOST_LINES = 4096, 1000
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_PACKINGS = {"raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
_SPACES = {
    **dict.fromkeys(("left-posterior-superior", "lps"), (1.0, 1.0, 1.0)),
    **dict.fromkeys(("right-anterior-superior", "ras"), (-1.0, -1.0, 1.0)),
    **dict.fromkeys(("left-anterior-superior", "las"), (1.0, -1.0, 1.0)),
}
"""What turns a space's axes to LPS."""
_COLOURS = ("rgb-color", "rgba-color", "3-color", "4-color", "vector", "list", "3-vector", "4-vector", "2-vector")


def survey(stream: BinaryIO, path: Path | None) -> Inspection:
    """What `lantern inspect` says of an NRRD file."""
    return volume.survey(open_nrrd, stream, path)


def open_nrrd(stream: BinaryIO, around: Around) -> Voxels:
    """An NRRD file's header and voxels; the caller closes what is beside it. Raises UserFacingError."""
    words = _fields(stream)
    header = _header(words)
    packing = _PACKINGS.get(words.get("encoding", "").lower())
    if packing is None:
        raise UserFacingError("intake.unsupported_volume")
    name = words.get("data file", words.get("datafile", ""))
    source = volume.beside(around, name.removeprefix("./")) if name else stream
    for _ in range(_whole(words.get("line skip", words.get("lineskip", "0")), _MOST_LINES)):
        source.readline(_MOST_LINE)
    skip = words.get("byte skip", words.get("byteskip", "0"))
    if packing == "raw":
        begin = source.tell()
        end = source.seek(0, 2)
        begin = end - header.size if skip == "-1" else begin + _whole(skip, end)
        if begin < 0 or end - begin < header.size:
            raise UserFacingError("intake.truncated")
        source.seek(begin)
    elif skip != "0":
        raise UserFacingError("intake.unsupported_volume")
    return Voxels(header, volume.unpacked(source, packing), source if name else None)


def _fields(stream: BinaryIO) -> dict[str, str]:
    """The header's `field: value` lines, up to the empty one; comments and `key:=value` are left out."""
    found: dict[str, str] = {}
    for _ in range(_MOST_LINES):
        line = stream.readline(_MOST_LINE).decode("latin-1")
        if not line.endswith("\n"):
            if not line:  # a header of its own may end without an empty line
                return found
            raise UserFacingError("intake.damaged")
        text = line.strip()
        if not text:
            return found
        name, separator, value = text.partition(":")
        if separator and not text.startswith("#") and not value.startswith("="):
            found[name.strip().lower()] = value.strip()
    raise UserFacingError("intake.damaged")


def _whole(text: str, most: int) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise UserFacingError("intake.damaged") from error
    if not 0 <= number <= most:
        raise UserFacingError("intake.damaged")
    return number


def _header(words: dict[str, str]) -> VolumeHeader:
    kind = _TYPES.get(words.get("type", "").lower())
    if kind is None:
        raise UserFacingError("intake.unsupported_volume")
    sizes = [_whole(text, 1 << 31) for text in words.get("sizes", "").split()]
    if len(sizes) != _whole(words.get("dimension", ""), 16) or not sizes:
        raise UserFacingError("intake.damaged")
    kinds = words.get("kinds", "").lower().split()
    inner = bool(kinds) and kinds[0] in _COLOURS
    samples = sizes[0] if inner else 1
    body = [*sizes[inner:], 1, 1, 1]
    order = ">" if words.get("endian", "little").lower() == "big" else "<"
    return VolumeHeader(
        columns=body[0],
        rows=body[1],
        slices=body[2],
        times=int(np.prod([*body[3:], 1], dtype=object)),
        samples=samples,
        dtype=np.dtype(order + kind),
        grid=_grid(words, inner),
    )


def _grid(words: dict[str, str], inner: bool) -> Grid | None:
    """Space directions and origin, where the space is one of the body's."""
    signs = _SPACES.get(words.get("space", "").lower())
    if signs is None:
        return None
    steps = [step for text in words.get("space directions", "").split() if (step := _vector(text, signs)) is not None]
    origin = _vector(words.get("space origin", ""), signs)
    if len(steps) != 3 or origin is None:
        return None
    return Grid(origin, (steps[0], steps[1], steps[2]))


def _vector(text: str, signs: Vector) -> Vector | None:
    """`(x,y,z)`, or None for `none`."""
    parts = text.strip().removeprefix("(").removesuffix(")").split(",")
    if len(parts) != 3:
        return None
    try:
        x, y, z = volume.finite([float(part) for part in parts])
    except ValueError:
        return None
    return x * signs[0], y * signs[1], z * signs[2]
