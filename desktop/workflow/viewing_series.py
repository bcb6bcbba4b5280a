"""Looking at series of slices: from the sealed files straight into memory, never through a file in the clear."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from desktop.access import Permission
from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.imaging.frame_run import FramePlace
from desktop.imaging.slice_ground import PrintedSlice, printed
from desktop.imaging.volume_mask import MaskLayer, measured
from desktop.imaging.volume_presets import volume_presets
from desktop.imaging.volume_series import VolumeSeries
from desktop.imaging.volume_stack import StackFindingKind
from desktop.jobs import Job
from desktop.records import GridSource, ImagingStudy, InstanceId, Modality, Picture, PrintedPicture, StudyId
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.importing import is_sliced
from desktop.workflow.viewing_frames import printed_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from desktop.imaging.volume import Volume
    from desktop.intake.series import SeriesFiles
    from desktop.intake.series_header import Source

_RESAMPLED = (StackFindingKind.TILT, StackFindingKind.VARYING)


@dataclass(frozen=True)
class SeriesName:
    """A series of a study as it is offered. description: what the station calls it. count: its slices."""

    description: str
    count: int


@dataclass(frozen=True, eq=False)
class OpenSeries:
    """A series on the screen. names: of all series of the study, the largest first. number: which of them this is.

    key: what drawings in it refer to: its Series Instance UID, or the attachment of a volume file. source: where the
    size of its voxels comes from. layers: segments that files of the study lay over it. series_of: which of the series
    each picture of the study belongs to.
    """

    study: StudyId
    names: tuple[SeriesName, ...]
    number: int
    series: VolumeSeries
    key: str = ""
    source: GridSource = GridSource.POSITIONS
    layers: tuple[MaskLayer, ...] = ()
    series_of: Mapping[InstanceId, int] = field(default_factory=dict)


@requires(Permission.VIEW_IMAGES)
def first_look_at_series(clinic: Clinic, job: Job, study: StudyId) -> "Volume":
    """One slice from the middle of a study's files, at once. Raises as `open_series`."""
    with clinic.store.snapshot() as tx:
        record = tx.studies.get(study)
    if not is_sliced(record) or not record.instances:
        raise UserFacingError("volume.no_slices")
    job.check()
    try:
        return _middle(clinic, record)[0]
    except OSError as error:
        raise from_os_error(error) from error


@requires(Permission.VIEW_IMAGES)
def open_series(clinic: Clinic, job: Job, study: StudyId, number: int = 0) -> OpenSeries:
    """A series of a study as a volume, or slice by slice where its slices allow none. `open_study` audited the look.

    number: which of the study's series, the largest first. Raises UserFacingError (not_found, `volume.no_slices`, what
    is wrong with the files), KnownFailure (damaged, disk, no memory), Cancelled.
    """
    from desktop.intake.series import load_files, sort_series

    with clinic.store.snapshot() as tx:
        record = tx.studies.get(study)
    if not is_sliced(record):
        raise UserFacingError("volume.no_slices")
    sources = [partial(clinic.store.attachments.open, instance.attachment) for instance in record.instances]
    try:
        if record.modality is Modality.VOLUME:
            return _open_volume_file(clinic, record, sources, number, job)
        found = sort_series(sources, job)
        at = min(max(number, 0), len(found) - 1)
        names = tuple(SeriesName(one.description, one.count) for one in found)
        series = load_files(found[at], job)
        resampled = any(finding.kind in _RESAMPLED for finding in series.findings)
        source = GridSource.RESAMPLED if resampled else GridSource.POSITIONS
        owners = {id(source): one.id for source, one in zip(sources, record.instances, strict=True)}
        series_of = {owners[id(file.source)]: n for n, one in enumerate(found) for file in one.files}
        return OpenSeries(study, names, at, series, found[at].uid, source, _layers(found[at], series, job), series_of)
    except OSError as error:
        raise from_os_error(error) from error
    except MemoryError as error:
        raise KnownFailure("workflow.out_of_memory", kind=ErrorKind.BAD_INPUT) from error


def _open_volume_file(
    clinic: Clinic, record: ImagingStudy, sources: "Sequence[Source]", number: int, job: Job
) -> OpenSeries:
    """One of a study's volume files; each is a series, in the order they were brought in."""
    from desktop.intake.volume_loading import count_slices, load_volume

    if not sources:
        raise UserFacingError("volume.no_slices")
    at = min(max(number, 0), len(sources) - 1)
    with clinic.store.snapshot() as tx:
        called = [tx.attachments.get(instance.attachment).file_name for instance in record.instances]
    names = tuple(SeriesName(name, count_slices(source)) for name, source in zip(called, sources, strict=True))
    series = load_volume(sources[at], called[at], job)
    return OpenSeries(record.id, names, at, series, record.instances[at].attachment, GridSource.VOLUME_FILE)


def _layers(files: "SeriesFiles", series: VolumeSeries, job: Job) -> tuple[MaskLayer, ...]:
    """Segments of the study's other files that lie in the same frame of reference; damaged ones are left out, as the
    pictures are not theirs to withhold."""
    from desktop.intake.segmentation import read_segmentation

    found: list[MaskLayer] = []
    for source in files.masks if series.solid else ():
        job.check()
        try:
            with source() as stream:
                read = read_segmentation(stream)
        except UserFacingError:
            continue
        if read.frame_of_reference and read.frame_of_reference == files.frame_of_reference:
            found += map(measured, read.layers)
    return tuple(found)


def _middle(clinic: Clinic, record: ImagingStudy) -> "tuple[Volume, InstanceId]":
    """A slice from the middle of a study's files, and the file it is of."""
    from desktop.intake.series import first_slice
    from desktop.intake.series_header import IsSegmentation
    from desktop.intake.volume_loading import middle_slice

    volume_file = record.modality is Modality.VOLUME
    middle = 0 if volume_file else len(record.instances) // 2
    for at in sorted(range(len(record.instances)), key=lambda number: abs(number - middle)):
        instance = record.instances[at]
        source = partial(clinic.store.attachments.open, instance.attachment)
        try:
            return middle_slice(source) if volume_file else first_slice(source), instance.id
        except IsSegmentation:
            continue
    raise UserFacingError("volume.no_slices")


@requires(Permission.VIEW_IMAGES)
def slice_picture(clinic: Clinic, job: Job, study: ImagingStudy, place: FramePlace) -> Picture:
    """One slice as its file has it, to measure on as films are measured on. Raises as `FrameRun.read`."""
    job.check()
    return printed_picture(clinic, study, place)


def printed_slice(
    clinic: Clinic, study: ImagingStudy, wanted: PrintedPicture | None = None
) -> tuple[PrintedSlice, FramePlace]:
    """For the report: a slice lying as the viewer has it, and which one it is.

    wanted: None takes the slice in the middle of the files, in its file's own window. Raises as `open_series`.
    """
    from desktop.intake.series import slice_at, windows_of

    if wanted is None or study.modality is Modality.VOLUME:
        volume, instance = _middle(clinic, study)
        chosen, source = PrintedPicture(instance), _source(clinic, study, instance)
    else:
        chosen, source = wanted, _source(clinic, study, wanted.instance)
        volume = slice_at(source, chosen.frame - 1)
    windows = () if study.modality is Modality.VOLUME else windows_of(source)
    window = chosen.window or volume_presets(volume, windows)[0].window
    return printed(volume, window, inverted=chosen.inverted), FramePlace(chosen.instance, chosen.frame)


def _source(clinic: Clinic, study: ImagingStudy, instance: InstanceId) -> "Source":
    attachment = next(one.attachment for one in study.instances if one.id == instance)
    return partial(clinic.store.attachments.open, attachment)
