"""Volume files that are not DICOM (NIfTI, NRRD, MetaImage): a grid of voxels behind a short header.

The header is weighed against what is there before a slice is read, and slices come one at a time. Geometry is in LPS
millimetres (PS3.3 C.7.6.2), whatever the format's own convention is.
"""

import bz2
import gzip
import io
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import BinaryIO, Protocol

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake.inspection import ContentKind, Inspection, InspectionStatus, tally
from desktop.intake.limits import MAX_SAMPLES, MAX_VOLUME_BYTES
from desktop.records.picture import Array

Vector = tuple[float, float, float]
_MEGABYTE = 1024 * 1024
_PORTION = 1 << 20
_MOST_SLICE = 256 * _MEGABYTE
"""Most bytes of one slice, which is in memory whole."""


class Bytes(Protocol):
    """What voxels are read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer at the end."""


@dataclass(frozen=True)
class Around:
    """Where a header lies. name: its file's, empty where it has none. opens: a file beside it by its plain name, None
    where there is none of that name."""

    name: str = ""
    opens: Callable[[str], BinaryIO | None] = lambda _name: None


ALONE = Around()
"""Of bytes that lie nowhere."""


def on_disk(path: Path | None) -> Around:
    """A file in a folder; only what lies in the same one is beside it."""
    if path is None:
        return ALONE

    def opens(name: str) -> BinaryIO | None:
        other = path.parent / name
        return other.open("rb") if other.is_file() else None

    return Around(path.name, opens)


@dataclass(frozen=True)
class Grid:
    """Where voxels lie. origin: centre of the first one, LPS millimetres. steps: from one voxel to the next along a
    row, down a column and to the next slice, LPS millimetres each.
    """

    origin: Vector
    steps: tuple[Vector, Vector, Vector]


@dataclass(frozen=True, eq=False)
class VolumeHeader:
    """A volume's header. times: volumes after one another (4-D). samples: values per voxel. grid: None where the file
    gives no millimetres. slope, intercept: stored value to the value meant.
    """

    columns: int
    rows: int
    slices: int
    times: int
    samples: int
    dtype: np.dtype[np.generic]
    grid: Grid | None = None
    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        sizes = (self.columns, self.rows, self.slices, self.times, self.samples)
        if any(size < 1 for size in sizes):
            raise UserFacingError("intake.damaged")
        if self.columns * self.rows * self.samples > MAX_SAMPLES or self.slice_bytes > _MOST_SLICE:
            raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000)
        if self.size > MAX_VOLUME_BYTES:
            raise UserFacingError("intake.too_large", megabytes=MAX_VOLUME_BYTES // _MEGABYTE)

    @property
    def slice_bytes(self) -> int:
        """Bytes of one slice."""
        return self.columns * self.rows * self.samples * self.dtype.itemsize

    @property
    def size(self) -> int:
        """Bytes of all voxels."""
        return self.slice_bytes * self.slices * self.times


@dataclass(frozen=True, eq=False)
class Voxels:
    """A volume's header, and its voxels from the first one on, unpacked. own: their file, where it is another one."""

    header: VolumeHeader
    source: Bytes
    own: BinaryIO | None = None

    def __enter__(self) -> "Voxels":
        return self

    def __exit__(self, *_: object) -> None:
        if self.own is not None:
            self.own.close()


def slices(header: VolumeHeader, source: Bytes) -> Iterator[Array]:
    """Each slice, (rows, columns[, samples]), in the machine's byte order. Raises UserFacingError where they end early.

    source: just before the first voxel, already unpacked.
    """
    shape = (header.rows, header.columns, header.samples)[: 2 if header.samples == 1 else 3]
    native = header.dtype.newbyteorder("=")
    for _ in range(header.slices * header.times):
        try:
            data = _exactly(source, header.slice_bytes)
        except (EOFError, zlib.error, gzip.BadGzipFile, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise UserFacingError("intake.truncated" if isinstance(error, EOFError) else "intake.damaged") from error
        yield np.frombuffer(data, dtype=header.dtype).astype(native, copy=False).reshape(shape)


def survey(open_volume: Callable[[BinaryIO, Around], Voxels], stream: BinaryIO, path: Path | None) -> Inspection:
    """What `lantern inspect` says of a volume: the stored values, before slope and intercept."""
    found = Inspection(InspectionStatus.OK, ContentKind.VOLUME)
    try:
        with open_volume(stream, on_disk(path)) as voxels:
            header = voxels.header
            frames = header.slices * header.times
            found = replace(
                found,
                kind=ContentKind.VOLUME if frames > 1 else ContentKind.IMAGE,
                frames=frames,
                rows=header.rows,
                columns=header.columns,
                samples=header.samples,
            )
            return replace(found, figures=tally(slices(header, voxels.source)).figures())
    except UserFacingError as error:
        return found.failed(error)


def unpacked(stream: BinaryIO, packing: str) -> Bytes:
    """A stream without its packing: raw, gzip, zlib or bzip2."""
    if packing == "gzip":
        return gzip.GzipFile(fileobj=stream)
    if packing == "bzip2":
        return bz2.BZ2File(stream)
    return Inflated(stream) if packing == "zlib" else stream


class Inflated:
    """A zlib stream, unfolded only as far as it is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._inflater = zlib.decompressobj()

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer at the end. Raises zlib.error."""
        parts = []
        left = size
        while left > 0 and not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._stream.read(_PORTION)
            if not packed:
                break
            part = self._inflater.decompress(packed, left)
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def beside(around: Around, name: str) -> BinaryIO:
    """The voxels of a header that lie in a file of their own, in the same folder and nowhere else."""
    plain = PurePath(name)
    if plain.name != name or name in ("", ".", "..") or "\\" in name or "\0" in name:
        raise UserFacingError("intake.voxels_elsewhere")
    other = around.opens(name)
    if other is None:
        raise UserFacingError("intake.voxels_elsewhere")
    return other


def check_length(stream: BinaryIO, wanted: int) -> None:
    """Refuse voxels that are not packed and not all there, before any is read."""
    here = stream.tell()
    end = stream.seek(0, io.SEEK_END)
    stream.seek(here)
    if end - here < wanted:
        raise UserFacingError("intake.truncated")


def finite(values: list[float]) -> list[float]:
    """The numbers. Raises UserFacingError where one is none."""
    if not all(math.isfinite(value) and abs(value) < 1e9 for value in values):
        raise UserFacingError("intake.damaged")
    return values


def _exactly(source: Bytes, size: int) -> bytearray:
    data = bytearray()
    while len(data) < size:
        part = source.read(min(size - len(data), 16 * _MEGABYTE))
        if not part:
            raise EOFError
        data += part
    return data
