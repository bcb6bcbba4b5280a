"""A volume file that is not DICOM as a series: the same memory, the same findings and the same planes as one of CT.

Its slices are put in order as those of any scan, so that a grid that leans is resampled upright, and one whose place
in the body the file does not say is shown slice by slice.
"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from desktop.errors import UserFacingError
from desktop.imaging.volume import OUTSIDE, Volume, VolumeGrid, as_vector
from desktop.imaging.volume_regular import fill_regular, regular_grid, regular_shape
from desktop.imaging.volume_series import VolumeSeries
from desktop.imaging.volume_stack import SlicePlace, Stack, StackFinding, StackFindingKind, arrange
from desktop.intake.limits import MAX_VOLUME_BYTES
from desktop.intake.series import thinned_stack
from desktop.intake.series_header import Source
from desktop.intake.series_memory import fits
from desktop.intake.volume import Bytes, VolumeHeader, slices
from desktop.intake.volume_file import check_grey, opened
from desktop.jobs import Job
from desktop.records.picture import Array

_SHIFT = 32768
_SQUARE = 1e-3
_PORTION = 1 << 22


@dataclass(frozen=True, eq=False)
class _Form:
    """How a file's values become voxels: int16 where they fit (16-bit ones without a sign moved down by `shift`),
    float32 else, where what is no number becomes OUTSIDE."""

    dtype: "np.dtype[np.int16] | np.dtype[np.float32]"
    slope: float
    intercept: float
    shift: int = 0

    def put(self, values: Array, target: Array) -> bool:
        """Values into their place; whether any of them is no number."""
        if self.shift:
            target[:] = (values.astype(np.int32) - self.shift).astype(np.int16)
            return False
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is no value then
            target[:] = values
        if values.dtype.kind != "f":
            return False
        lost = ~np.isfinite(target)
        if not lost.any():
            return False
        target[lost] = OUTSIDE
        return True


@dataclass(frozen=True, eq=False)
class _File:
    """A file whose header was read. places: of its slices, in their order in the file."""

    source: Source
    header: VolumeHeader
    form: _Form
    places: tuple[SlicePlace, ...]
    stack: Stack


def load_volume(source: Source, name: str, job: Job, *, free: int | None = None) -> VolumeSeries:
    """A volume file as a series. name: what the series is called.

    free: bytes that may be taken; None asks the system. Raises UserFacingError where it cannot be read, Cancelled,
    MemoryError, OSError of the disk.
    """
    file = _file(source)
    if file.stack.solid:
        for stack in (file.stack, thinned_stack(file.stack)):
            if stack is None or not fits(_bytes_wanted(file, stack), free):
                continue
            try:
                return _series(file, stack, _loaded(file, stack, job), name)
            except MemoryError:  # less was left than the system said; the next smaller way may do
                continue
        finding = StackFinding(StackFindingKind.NO_MEMORY, file.header.slices)
        file = replace(file, stack=replace(file.stack, findings=(*file.stack.findings, finding)))
    return _series(file, file.stack, (), name)


def middle_slice(source: Source) -> Volume:
    """One slice to look at while the others are on their way. Raises UserFacingError, OSError."""
    file = _file(source)
    return _read_slice(file, file.stack, len(file.stack.times[0]) // 2, 0)


def count_slices(source: Source) -> int:
    """How many slices a file has, of all moments. Raises UserFacingError, OSError."""
    with source() as stream, opened(stream) as voxels:
        return voxels.header.slices * voxels.header.times


def _file(source: Source) -> _File:
    with source() as stream, opened(stream) as voxels:
        header = voxels.header
    check_grey(header)
    kind, size = header.dtype.kind, header.dtype.itemsize
    if kind in "iu" and size <= 2:
        shift = _SHIFT if (kind, size) == ("u", 2) else 0
        form = _Form(np.dtype(np.int16), header.slope, header.intercept + shift * header.slope, shift)
    else:
        form = _Form(np.dtype(np.float32), header.slope, header.intercept)
    places = _places(header)
    if places is None:
        findings = (StackFinding(StackFindingKind.NO_GEOMETRY, header.slices),)
        nowhere = SlicePlace((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), 1.0, 1.0, header.rows, header.columns)
        places = tuple(replace(nowhere, position=(0.0, 0.0, float(number))) for number in range(header.slices))
        stack = Stack((tuple(range(header.slices)),), (), (0.0, 0.0, 1.0), (0.0, 0.0), 1.0, findings)
    else:
        stack = arrange(places)
    moments = range(header.times)
    times = tuple(tuple(index + moment * header.slices for index in stack.times[0]) for moment in moments)
    return _File(source, header, form, places, replace(stack, times=times))


def _places(header: VolumeHeader) -> tuple[SlicePlace, ...] | None:
    """Where each slice lies; None where the file does not say, or its rows and columns are not perpendicular."""
    grid = header.grid
    if grid is None:
        return None
    across, down, through = (np.array(step) for step in grid.steps)
    column_mm, row_mm = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    if not (0 < column_mm < 1000 and 0 < row_mm < 1000):
        return None
    along_row, along_column = across / column_mm, down / row_mm
    apart = abs(float(np.cross(along_row, along_column) @ through))
    if abs(float(along_row @ along_column)) > _SQUARE or (header.slices > 1 and apart < 1e-3):
        return None
    return tuple(
        SlicePlace(
            as_vector(np.array(grid.origin) + number * through),
            as_vector(along_row),
            as_vector(along_column),
            row_mm,
            column_mm,
            header.rows,
            header.columns,
            number=number,
        )
        for number in range(header.slices)
    )


def _bytes_wanted(file: _File, stack: Stack) -> int:
    block = len(stack.offsets) * file.header.rows * file.header.columns
    wanted = block * len(stack.times)
    if not stack.regular:
        shape = regular_shape(stack, file.places[stack.times[0][0]])
        wanted = block + shape[0] * shape[1] * shape[2] * len(stack.times)
    wanted *= file.form.dtype.itemsize
    return wanted if wanted <= MAX_VOLUME_BYTES else 1 << 62


def _loaded(file: _File, stack: Stack, job: Job) -> tuple[Volume, ...]:
    """Every moment's voxels, read in one go through the file."""
    header, first = file.header, file.places[stack.times[0][0]]
    order = {index: place for place, index in enumerate(stack.times[0])}
    shape = (len(order), header.rows, header.columns)
    whole = header.slices * header.times
    volumes: list[Volume] = []
    lost = False
    with file.source() as stream, opened(stream) as voxels:
        found = slices(header, voxels.source)
        block = np.empty(shape, file.form.dtype)
        for number, values in enumerate(found):
            job.report("volume.progress.slices", number, whole)
            place = order.get(number % header.slices)
            if place is not None:
                lost |= file.form.put(values, block[place])
            if (number + 1) % header.slices:
                continue
            if stack.regular:
                volumes.append(_volume(file, block, _grid(first, stack), padded=lost))
                block = np.empty(shape, file.form.dtype) if number + 1 < whole else block
            else:
                out = np.empty(regular_shape(stack, first), file.form.dtype)
                fill_regular(block, stack, first, out)
                volumes.append(_volume(file, out, regular_grid(stack, first), padded=True))
    # One moment with holes makes the others' say where they have voxels, too.
    return tuple(replace(volume, padded=True) for volume in volumes) if lost else tuple(volumes)


def _volume(file: _File, voxels: Array, grid: VolumeGrid, *, padded: bool) -> Volume:
    return Volume(voxels, grid, file.form.slope, file.form.intercept, padded=padded)


def _grid(first: SlicePlace, stack: Stack) -> VolumeGrid:
    normal, row = np.array(stack.normal), np.array(first.along_row)
    return VolumeGrid(
        first.position,
        as_vector(normal * stack.step),
        as_vector(np.cross(normal, row) * first.row_mm),
        as_vector(row * first.column_mm),
    )


def _series(file: _File, stack: Stack, volumes: tuple[Volume, ...], name: str) -> VolumeSeries:
    positions = stack.offsets
    if volumes:
        step = volumes[0].grid.spacing[0]
        positions = tuple(positions[0] + step * number for number in range(volumes[0].shape[0]))
    return VolumeSeries(
        modality="",
        volumes=volumes,
        count=volumes[0].shape[0] if volumes else len(stack.times[0]),
        moments=len(stack.times),
        positions=positions,
        findings=stack.findings,
        read_slice=partial(_of_volumes, volumes) if volumes else partial(_read_slice, file, stack),
        description=name,
    )


def _of_volumes(volumes: tuple[Volume, ...], number: int, time: int) -> Volume:
    return volumes[time].slab_of(number)


def _read_slice(file: _File, stack: Stack, number: int, time: int) -> Volume:
    """One slice from the file; a packed one is unpacked as far as it."""
    header, index = file.header, stack.times[time][number]
    with file.source() as stream, opened(stream) as voxels:
        _skip(voxels.source, index * header.slice_bytes)
        values = next(_one(header, voxels.source))
    block = np.empty((1, header.rows, header.columns), file.form.dtype)
    lost = file.form.put(values, block[0])
    place = file.places[index % header.slices]
    alone = replace(stack, normal=as_vector(place.normal), step=1.0)
    return _volume(file, block, _grid(place, alone), padded=lost)


def _one(header: VolumeHeader, source: Bytes) -> Iterator[Array]:
    return slices(replace(header, slices=1, times=1), source)


def _skip(source: Bytes, size: int) -> None:
    if isinstance(source, io.BufferedReader | io.BytesIO):
        source.seek(size, io.SEEK_CUR)
        return
    while size > 0:
        try:
            part = source.read(min(size, _PORTION))
        except (EOFError, OSError, ValueError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise UserFacingError("intake.damaged") from error
        if not part:
            raise UserFacingError("intake.truncated")
        size -= len(part)


__all__ = ["count_slices", "load_volume", "middle_slice"]
