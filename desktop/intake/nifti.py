"""NIfTI-1 and NIfTI-2 volumes, plain or gzipped, in one file or with their voxels beside them."""

import gzip
import io
import struct
import zlib
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import BinaryIO

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake import volume
from desktop.intake.inspection import Inspection
from desktop.intake.signatures import GZIP, nifti_version
from desktop.intake.volume import Around, Bytes, Grid, Vector, VolumeHeader, Voxels

_TYPES = {
    2: ("u1", 1),
    4: ("i2", 1),
    8: ("i4", 1),
    16: ("f4", 1),
    64: ("f8", 1),
    128: ("u1", 3),
    256: ("i1", 1),
    512: ("u2", 1),
    768: ("u4", 1),
    1024: ("i8", 1),
    1280: ("u8", 1),
    2304: ("u1", 4),
}
"""Data type codes; complex numbers and 128-bit floats are refused."""
_MILLIMETRES = {1: 1000.0, 3: 0.001}
"""Units of length that are not millimetres: metres and micrometres (xyzt_units); an unknown unit is taken as one."""
_LPS = (-1.0, -1.0, 1.0)
"""NIfTI's axes point right, anterior and superior; LPS's left, posterior and superior."""


@dataclass(frozen=True)
class _Offsets:
    """Where the two versions keep what is wanted here, and how it is packed."""

    length: int
    dim: tuple[int, str]
    kind: int
    pixdim: tuple[int, str]
    voxels: tuple[int, str]
    scale: tuple[int, str]
    forms: tuple[int, str]
    quatern: tuple[int, str]
    sform: tuple[int, str]
    units: tuple[int, str]
    magic: int


_ONE = _Offsets(
    length=348,
    dim=(40, "8h"),
    kind=70,
    pixdim=(76, "8f"),
    voxels=(108, "f"),
    scale=(112, "2f"),
    forms=(252, "2h"),
    quatern=(256, "6f"),
    sform=(280, "12f"),
    units=(123, "B"),
    magic=344,
)
_TWO = _Offsets(
    length=540,
    dim=(16, "8q"),
    kind=12,
    pixdim=(104, "8d"),
    voxels=(168, "q"),
    scale=(176, "2d"),
    forms=(344, "2i"),
    quatern=(352, "6d"),
    sform=(400, "12d"),
    units=(500, "i"),
    magic=4,
)


def survey(stream: BinaryIO, path: Path | None) -> Inspection:
    """What `lantern inspect` says of a NIfTI file."""
    return volume.survey(open_nifti, stream, path)


def open_nifti(stream: BinaryIO, around: Around) -> Voxels:
    """A NIfTI file's header and voxels; the caller closes what is beside it. Raises UserFacingError."""
    packed = stream.read(2) == GZIP
    stream.seek(0)
    source = volume.unpacked(stream, "gzip" if packed else "raw")
    try:
        raw = source.read(_TWO.length)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserFacingError("intake.damaged") from error
    version = nifti_version(raw)
    if version is None:
        raise UserFacingError("intake.damaged")
    offsets, order = _TWO if version[0] == _TWO.length else _ONE, version[1]
    header = _header(raw, offsets, order)
    begin = int(_numbers(raw, offsets.voxels, order)[0])
    if raw[offsets.magic : offsets.magic + 2] == b"ni":
        return _apart(header, around, begin)
    if begin < offsets.length:
        raise UserFacingError("intake.damaged")
    _skip_to(source, stream, packed, begin, len(raw))
    if not packed:
        volume.check_length(stream, header.size)
    return Voxels(header, source)


def _skip_to(source: Bytes, stream: BinaryIO, packed: bool, begin: int, read: int) -> None:
    """Move on to the first voxel, past extensions of the header."""
    if not packed:
        if begin > stream.seek(0, io.SEEK_END):
            raise UserFacingError("intake.truncated")
        stream.seek(begin)
        return
    if begin < read:  # within what was read: begin again
        stream.seek(0)
        assert isinstance(source, gzip.GzipFile)
        source.rewind()
        read = 0
    try:
        while read < begin:
            part = source.read(min(begin - read, 1 << 20))
            if not part:
                raise UserFacingError("intake.truncated")
            read += len(part)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserFacingError("intake.damaged") from error


def _apart(header: VolumeHeader, around: Around, begin: int) -> Voxels:
    """The voxels of a header that stands by itself."""
    stem = around.name.removesuffix(".gz").removesuffix(".hdr")
    try:
        voxels = volume.beside(around, f"{stem}.img")
    except UserFacingError:
        voxels = volume.beside(around, f"{stem}.img.gz")
        return Voxels(header, volume.unpacked(voxels, "gzip"), voxels)
    voxels.seek(begin)
    volume.check_length(voxels, header.size)
    return Voxels(header, voxels, voxels)


def _numbers(raw: bytes, place: tuple[int, str], order: str) -> list[float]:
    return list(struct.unpack_from(order + place[1], raw, place[0]))


def _header(raw: bytes, offsets: _Offsets, order: str) -> VolumeHeader:
    dim = [int(size) for size in _numbers(raw, offsets.dim, order)]
    if not 1 <= dim[0] <= 7 or any(size < 1 for size in dim[1 : dim[0] + 1]):
        raise UserFacingError("intake.damaged")
    sizes = [*dim[1 : dim[0] + 1], 1, 1, 1]
    kind = _TYPES.get(struct.unpack_from(f"{order}h", raw, offsets.kind)[0])
    if kind is None:
        raise UserFacingError("intake.unsupported_volume")
    slope, intercept = _numbers(raw, offsets.scale, order)
    scaled = isfinite(slope) and slope != 0 and isfinite(intercept)
    return VolumeHeader(
        columns=sizes[0],
        rows=sizes[1],
        slices=sizes[2],
        times=int(np.prod([*sizes[3 : dim[0]], 1], dtype=object)),
        samples=kind[1],
        dtype=np.dtype(order + kind[0]),
        grid=_grid(raw, offsets, order),
        slope=slope if scaled else 1.0,
        intercept=intercept if scaled else 0.0,
    )


def _grid(raw: bytes, offsets: _Offsets, order: str) -> Grid | None:
    """The sform where there is one, else the qform (NIfTI-1's methods 3 and 2); method 1 says nothing of the body."""
    qform, sform = _numbers(raw, offsets.forms, order)
    pixdim = _numbers(raw, offsets.pixdim, order)
    if sform > 0:
        numbers = volume.finite(_numbers(raw, offsets.sform, order))
        rows = [numbers[0:4], numbers[4:8], numbers[8:12]]
    elif qform > 0:
        rows = _from_quaternion(volume.finite(_numbers(raw, offsets.quatern, order)), volume.finite(pixdim[:4]))
    else:
        return None
    unit = _MILLIMETRES.get(int(_numbers(raw, offsets.units, order)[0]) & 7, 1.0)
    columns = [tuple(unit * sign * row[axis] for sign, row in zip(_LPS, rows, strict=True)) for axis in range(4)]
    first, second, third, origin = (_vector(column) for column in columns)
    return Grid(origin, (first, second, third))


def _vector(values: tuple[float, ...]) -> Vector:
    x, y, z = values
    return x, y, z


def _from_quaternion(numbers: list[float], pixdim: list[float]) -> list[list[float]]:
    """The rotation a unit quaternion gives, times the voxel sizes, with the offset (nifti1.h, method 2)."""
    b, c, d, *offset = numbers
    a = sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    scaled = rotation * np.array([pixdim[1], pixdim[2], pixdim[3] * (-1.0 if pixdim[0] < 0 else 1.0)])
    return [[*row, shift] for row, shift in zip(scaled.tolist(), offset, strict=True)]
