"""Files of one series as a volume: headers first, the order from their positions, then the voxels straight into place.

Memory is declared before it is taken: the voxels, RESERVE beside them, and for a pile that must be resampled the
resampled voxels too. Where that is not there, every second slice is taken, then slices one at a time.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from pydicom.dataset import Dataset

from desktop.errors import Cancelled, UserFacingError
from desktop.imaging.volume import Volume, VolumeGrid, as_vector
from desktop.imaging.volume_regular import fill_regular, moved, regular_grid, regular_shape
from desktop.imaging.volume_series import SliceOrigin, VolumeSeries
from desktop.imaging.volume_stack import SlicePlace, Stack, StackFinding, StackFindingKind, arrange
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import open_dicom
from desktop.intake.limits import MAX_VOLUME_BYTES
from desktop.intake.series_header import FrameFacts, IsSegmentation, SliceFile, Source, read_slice_file
from desktop.intake.series_memory import fits
from desktop.intake.series_pixels import Codes, codes_for, read_frame, read_frames
from desktop.jobs import Job
from desktop.records import VoiWindow
from desktop.records.picture import Array

WORKERS = 2
_LEAST_THINNED = 8
_THINNED_TO = 2
_BATCH = 8

FirstSlice = Callable[[Volume], None]


@dataclass(frozen=True, eq=False)
class _Frame:
    """One frame of one file."""

    file: SliceFile
    number: int

    @property
    def facts(self) -> FrameFacts:
        return self.file.frames[self.number]

    @property
    def place(self) -> SlicePlace:
        place = self.facts.place
        return place if place is not None else _nowhere(self.file, self.number)


def first_slice(source: Source) -> Volume:
    """One slice of a series, to look at while the others are on their way. Raises UserFacingError, OSError."""
    with reading_quietly(), damage_in_words():
        file = read_slice_file(source)
        frame = _Frame(file, len(file.frames) // 2)
        return _one_slice(frame, codes_for([file]))


def slice_at(source: Source, number: int) -> Volume:
    """One frame of a file, counted from 0, as a volume of one slice. Raises UserFacingError, OSError."""
    with reading_quietly(), damage_in_words():
        file = read_slice_file(source)
        if not 0 <= number < len(file.frames):
            raise UserFacingError("intake.truncated")
        return _one_slice(_Frame(file, number), codes_for([file]))


def windows_of(source: Source) -> tuple[VoiWindow, ...]:
    """A file's own windows. Raises UserFacingError, OSError."""
    with reading_quietly(), damage_in_words():
        return read_slice_file(source).windows


@dataclass(frozen=True, eq=False)
class SeriesFiles:
    """The files of one series, read up to their pixels. unread: how many more could not be read. masks: segmentations
    among the study's files, whichever series they are of."""

    files: tuple[SliceFile, ...]
    unread: int = 0
    masks: tuple[Source, ...] = ()

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return self.files[0].series_uid

    @property
    def frame_of_reference(self) -> str:
        """Frame of Reference UID, empty where the files say none."""
        return self.files[0].frame_of_reference

    @property
    def description(self) -> str:
        """What the station calls the series."""
        return self.files[0].description

    @property
    def count(self) -> int:
        """Frames of all files."""
        return sum(len(file.frames) for file in self.files)


def sort_series(sources: Sequence[Source], job: Job) -> tuple[SeriesFiles, ...]:
    """Files by the series they say they belong to, the largest first; what cannot be read counts against each.

    Raises UserFacingError where none can be read, Cancelled; OSError of the disk.
    """
    if not sources:
        raise UserFacingError("volume.no_slices")
    with reading_quietly():
        files, unread, masks = _headers(sources, job)
    if not files:
        raise unread[0] if unread else UserFacingError("volume.no_slices")
    groups: dict[str, list[SliceFile]] = {}
    for file in files:
        groups.setdefault(file.series_uid, []).append(file)
    sorted_ = [SeriesFiles(tuple(group), len(unread), tuple(masks)) for group in groups.values()]
    return tuple(sorted(sorted_, key=lambda one: -one.count))


def series_headers(sources: Sequence[Source], series_uid: str, job: Job) -> tuple[Dataset, ...]:
    """The headers of one series' files, without pixels; files that are damaged, of other series or segmentations are
    left out. Raises Cancelled, OSError."""
    found = []
    for number, source in enumerate(sources):
        job.report("volume.progress.headers", number, len(sources))
        try:
            with reading_quietly(), damage_in_words(), source() as stream:
                dataset = open_dicom(stream).dataset
                fields = Fields(dataset)
                if fields.text("SeriesInstanceUID") == series_uid and fields.text("Modality").upper() != "SEG":
                    found.append(dataset)
        except UserFacingError:
            continue
    return tuple(found)


def load_series(
    sources: Sequence[Source], job: Job, *, first: FirstSlice | None = None, free: int | None = None
) -> VolumeSeries:
    """The largest series among files as a volume, or slice by slice where no honest volume can be made of it.

    first: called, in this thread, with a slice from the middle before the others are read. free: bytes that may be
    taken; None asks the system. Raises UserFacingError where nothing can be read, Cancelled; OSError of the disk.
    """
    if first is not None and sources:
        first(first_slice(sources[len(sources) // 2]))
        job.check()
    return load_files(sort_series(sources, job)[0], job, free=free)


def load_files(series: SeriesFiles, job: Job, *, free: int | None = None) -> VolumeSeries:
    """One series of `sort_series`; as `load_series`."""
    with reading_quietly():
        return _load(series.files, series.unread, job, free)


def _load(files: Sequence[SliceFile], unread: int, job: Job, free: int | None) -> VolumeSeries:
    frames = [_Frame(file, number) for file in _distinct(files) for number in range(len(file.frames))]
    spare = sum(len(file.frames) for file in files) - len(frames)
    stack = _arranged(frames)
    findings = list(stack.findings)
    if spare:
        findings.append(StackFinding(StackFindingKind.DUPLICATES, spare))
    if unread:
        findings.append(StackFinding(StackFindingKind.UNREADABLE, unread))
    stack = replace(stack, findings=tuple(findings))
    used = [frames[index] for time in stack.times for index in time]
    codes = codes_for({id(frame.file): frame.file for frame in used}.values())
    return _within_memory(frames, stack, codes, job, free)


def _headers(sources: Sequence[Source], job: Job) -> tuple[list[SliceFile], list[UserFacingError], list[Source]]:
    """Every file up to its pixels; what cannot be read is counted, not passed over in silence, and segmentations are
    no slices."""
    read: list[SliceFile] = []
    failed: list[UserFacingError] = []
    masks: list[Source] = []
    job.report("volume.progress.headers", 0, len(sources))
    for number, source in enumerate(sources):
        if number % _BATCH == 0:
            job.report("volume.progress.headers", number, len(sources))
        try:
            with damage_in_words():
                read.append(read_slice_file(source))
        except IsSegmentation:
            masks.append(source)
        except UserFacingError as error:
            failed.append(error)
    return read, failed, masks


def _distinct(files: Iterable[SliceFile]) -> list[SliceFile]:
    """The same instance twice is one."""
    known: dict[str, SliceFile] = {}
    return [file for file in files if not file.instance_uid or known.setdefault(file.instance_uid, file) is file]


def _arranged(frames: Sequence[_Frame]) -> Stack:
    """Frames in order; where one does not say where it lies, as their files are numbered, and with a refusal."""
    lost = sum(frame.facts.place is None for frame in frames)
    if not lost:
        return arrange([frame.place for frame in frames])
    size = frames[0].file.layout.rows, frames[0].file.layout.columns
    order = tuple(i for i, f in enumerate(frames) if (f.file.layout.rows, f.file.layout.columns) == size)
    findings = [StackFinding(StackFindingKind.NO_GEOMETRY, lost)]
    if len(order) < len(frames):
        findings.append(StackFinding(StackFindingKind.OTHER_GEOMETRY, len(frames) - len(order)))
    return Stack((order,), (), (0.0, 0.0, 1.0), (0.0, 0.0), 1.0, tuple(findings))


def _within_memory(frames: Sequence[_Frame], stack: Stack, codes: Codes, job: Job, free: int | None) -> VolumeSeries:
    """As much of the series as there is memory for."""
    if stack.solid:
        for thinned in (False, True):
            smaller = thinned_stack(stack) if thinned else stack
            if smaller is None or not fits(_bytes_wanted(frames, smaller, codes), free):
                continue
            try:
                return _loaded(frames, smaller, codes, job)
            except MemoryError:  # less was left than the system said; the next smaller way may do
                continue
        findings = (*stack.findings, StackFinding(StackFindingKind.NO_MEMORY, len(stack.times[0])))
        stack = replace(stack, findings=findings)
    return _series(frames, stack, (), partial(_read_slice, frames, stack, codes))


def _bytes_wanted(frames: Sequence[_Frame], stack: Stack, codes: Codes) -> int:
    place = frames[stack.times[0][0]].place
    voxels = len(stack.times[0]) * place.rows * place.columns
    out = 0
    if not stack.regular:
        slices, rows, columns = regular_shape(stack, place)
        out = slices * rows * columns
    wanted = (voxels + out * len(stack.times) if out else voxels * len(stack.times)) * codes.dtype.itemsize
    return wanted if wanted <= MAX_VOLUME_BYTES else 1 << 62


def thinned_stack(stack: Stack) -> Stack | None:
    """Every second slice; None where few are left."""
    if len(stack.offsets) < _LEAST_THINNED:
        return None
    return replace(
        stack,
        times=tuple(time[::_THINNED_TO] for time in stack.times),
        offsets=stack.offsets[::_THINNED_TO],
        step=stack.step * _THINNED_TO,
        findings=(*stack.findings, StackFinding(StackFindingKind.THINNED, _THINNED_TO)),
    )


def _loaded(frames: Sequence[_Frame], stack: Stack, codes: Codes, job: Job) -> VolumeSeries:
    first = frames[stack.times[0][0]].place
    shape = (len(stack.offsets), first.rows, first.columns)
    done, whole = 0, len(stack.times) * shape[0]
    volumes = []
    block = None
    for time in stack.times:
        if block is None or stack.regular:
            block = np.empty(shape, codes.dtype)
        _fill(block, [frames[index] for index in time], codes, job, done, whole)
        done += shape[0]
        if stack.regular:
            volumes.append(_volume(block, _grid(first, stack), codes))
            continue
        job.check()
        out = np.empty(regular_shape(stack, first), codes.dtype)
        fill_regular(block, stack, first, out)
        volumes.append(_volume(out, regular_grid(stack, first), replace(codes, padded=True)))
    return _series(frames, stack, tuple(volumes), partial(_from_volumes, tuple(volumes)))


def _fill(block: Array, frames: Sequence[_Frame], codes: Codes, job: Job, done: int, whole: int) -> None:
    """Decode frames into a block, two files at a time."""
    by_file: dict[int, list[int]] = {}
    for place, frame in enumerate(frames):
        by_file.setdefault(id(frame.file), []).append(place)
    batches: list[list[int]] = []
    for places in by_file.values():
        if batches and len(batches[-1]) < _BATCH and len(places) == 1:
            batches[-1] += places
        else:
            batches.append(list(places))

    def read(places: list[int]) -> int:
        job.check()
        by_own_file: dict[int, list[int]] = {}
        for place in places:
            by_own_file.setdefault(id(frames[place].file), []).append(place)
        for mine in by_own_file.values():
            targets = {frames[place].number: block[place] for place in mine}
            with damage_in_words():
                read_frames(frames[mine[0]].file, targets, codes)
        return len(places)

    with ThreadPoolExecutor(WORKERS, "slices") as pool:
        waiting: set[Future[int]] = {pool.submit(read, places) for places in batches}
        try:
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                done += sum(future.result() for future in finished)
                job.report("volume.progress.slices", done, whole)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _series(
    frames: Sequence[_Frame], stack: Stack, volumes: tuple[Volume, ...], read_slice: Callable[[int, int], Volume]
) -> VolumeSeries:
    first = frames[stack.times[0][0]]
    positions = stack.offsets
    if volumes:
        start, step = positions[0], volumes[0].grid.spacing[0]
        positions = tuple(start + step * number for number in range(volumes[0].shape[0]))
    return VolumeSeries(
        modality=first.file.modality,
        volumes=volumes,
        count=volumes[0].shape[0] if volumes else len(stack.times[0]),
        moments=len(stack.times),
        positions=positions,
        findings=stack.findings,
        read_slice=read_slice,
        thickness=first.place.thickness,
        windows=first.file.windows,
        description=first.file.description,
        origins=tuple(tuple(_origins([frames[index] for index in time], stack, volumes)) for time in stack.times),
    )


def _origins(frames: Sequence[_Frame], stack: Stack, volumes: tuple[Volume, ...]) -> Iterator[SliceOrigin | None]:
    """Where each picture of a moment lies in its volume."""
    for number, frame in enumerate(frames):
        uid, layout = frame.file.instance_uid, frame.file.layout
        at, right, down = float(number), 0.0, 0.0
        if volumes and not stack.regular:
            along = stack.offsets[number] - stack.offsets[0]
            at, (right, down) = along / stack.step, moved(stack, frames[0].place, along)
        yield SliceOrigin(uid, frame.number + 1, layout.rows, layout.columns, at, right, down) if uid else None


def _grid(first: SlicePlace, stack: Stack) -> VolumeGrid:
    row = np.array(first.along_row) / np.linalg.norm(first.along_row)
    normal = np.array(stack.normal)
    column = np.cross(normal, row)
    return VolumeGrid(
        first.position,
        as_vector(normal * stack.step),
        as_vector(column * first.row_mm),
        as_vector(row * first.column_mm),
    )


def _volume(voxels: Array, grid: VolumeGrid, codes: Codes) -> Volume:
    meaning = codes.meaning
    padded = codes.padded and bool(voxels.dtype == np.int16)
    return Volume(voxels, grid, meaning.slope, meaning.intercept, meaning.unit, padded, meaning.inverted)


def _from_volumes(volumes: tuple[Volume, ...], number: int, time: int) -> Volume:
    return volumes[time].slab_of(number)


def _read_slice(frames: Sequence[_Frame], stack: Stack, codes: Codes, number: int, time: int) -> Volume:
    with reading_quietly(), damage_in_words():
        return _one_slice(frames[stack.times[time][number]], codes)


def _one_slice(frame: _Frame, codes: Codes) -> Volume:
    place = frame.place
    block = np.empty((1, place.rows, place.columns), codes.dtype)
    read_frame(frame.file, frame.number, block[0], codes)
    depth = place.thickness or 1.0
    stack = Stack(((0,),), (0.0,), as_vector(place.normal), (0.0, 0.0), depth, ())
    return _volume(block, _grid(place, stack), codes)


def _nowhere(file: SliceFile, number: int) -> SlicePlace:
    """A stand-in for a frame that does not say where it lies: right for looking at, never for measuring."""
    return SlicePlace(
        (0.0, 0.0, float(number)), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), 1.0, 1.0, file.layout.rows, file.layout.columns
    )


@contextmanager
def damage_in_words() -> Iterator[None]:
    """Whatever a hostile file makes the parser raise is told as a damaged file; the disk's own errors pass."""
    try:
        yield
    except (UserFacingError, Cancelled, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserFacingError("intake.damaged") from error


@contextmanager
def reading_quietly() -> Iterator[None]:
    """pydicom's words can hold a patient's name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


__all__ = [
    "FirstSlice",
    "SeriesFiles",
    "Source",
    "damage_in_words",
    "first_slice",
    "load_files",
    "load_series",
    "reading_quietly",
    "series_headers",
    "slice_at",
    "sort_series",
    "thinned_stack",
    "windows_of",
]
