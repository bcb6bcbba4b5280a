"""Painting in volumes: kept with author and time, opened again, handed to other programs as DICOM SEG."""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from desktop.access import Permission
from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.exports.label_map import nifti, nrrd
from desktop.imaging.volume import VolumeGrid
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Changes,
    GridSource,
    ImagingStudy,
    Modality,
    Segment,
    Segmentation,
    SegmentationId,
    StudyId,
    new_id,
)
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.reading import check_unsigned
from desktop.workflow.reporting import Exported, write_whole
from desktop.workflow.words import plain_line


@dataclass(frozen=True, eq=False)
class MaskDraft:
    """What is painted now. series: as `OpenSeries.key`. grid, shape: of the series' volume. begun_from: the
    segmentation that was opened, whoever painted it; None where it was begun from nothing."""

    study: StudyId
    series: str
    grid: VolumeGrid
    shape: tuple[int, int, int]
    source: GridSource
    segments: tuple[Segment, ...]
    begun_from: SegmentationId | None = None


@dataclass(frozen=True)
class MaskKept:
    """What is on record now."""

    segmentation: Segmentation
    changes: Changes


@dataclass(frozen=True)
class MaskOn:
    """A segmentation of a series, to choose from. by: who painted it, or had it merged. own: whether that is who asks.
    after: whose it was begun from, empty where from nothing. merged: from how many people's."""

    id: SegmentationId
    by: str
    own: bool
    after: str
    merged: int


@requires(Permission.VIEW_IMAGES)
def open_mask(
    clinic: Clinic, job: Job, study: StudyId, series: str, which: SegmentationId | None = None
) -> Segmentation | None:
    """What was painted on a series: the one that is named, else the own one, else whatever changed last; None where
    nothing ever was."""
    job.check()
    with clinic.store.snapshot() as tx:
        return _chosen(clinic, tx.segmentations.standing(study, series), which)


@requires(Permission.VIEW_IMAGES)
def masks_on(clinic: Clinic, job: Job, study: StudyId, series: str) -> tuple[MaskOn, ...]:
    """Every segmentation of a series, the one changed last at the end."""
    job.check()
    with clinic.store.snapshot() as tx:
        standing = tx.segmentations.standing(study, series)
        names = {user.id: user.name for user in tx.users.all()}
    by = {one.id: names.get(one.author, one.author) for one in standing}
    return tuple(
        MaskOn(
            one.id,
            by[one.id],
            one.author == clinic.session.user.id,
            by.get(one.begun_from, "") if one.begun_from is not None else "",
            len(one.merged_from),
        )
        for one in standing
    )


@requires(Permission.READ_IMAGES)
def keep_mask(clinic: Clinic, job: Job, draft: MaskDraft) -> MaskKept:
    """Keep what is painted; earlier forms stay. Nobody's is changed by anybody else: who goes on from another's, or
    from a merged one, begins one of their own. Raises UserFacingError where the study's report is signed."""
    job.check()
    with clinic.store.transaction() as tx:
        check_unsigned(tx, draft.study)
        standing = tx.segmentations.standing(draft.study, draft.series)
        mine = [one for one in standing if one.author == clinic.session.user.id and not one.merged_from]
        own = next((one for one in mine if one.id == draft.begun_from), None)
        # A second stroke may come before whoever paints knows what the first was kept as.
        before = own or next((one for one in reversed(mine) if one.begun_from == draft.begun_from), None)
        kept = Segmentation(
            id=before.id if before is not None else SegmentationId(new_id()),
            study=draft.study,
            series=draft.series,
            shape=draft.shape,
            origin=draft.grid.origin,
            through=draft.grid.through,
            down=draft.grid.down,
            across=draft.grid.across,
            source=draft.source,
            segments=draft.segments,
            author=clinic.session.user.id,
            created=clinic.clock(),
            begun_from=before.begun_from if before is not None else draft.begun_from,
        )
        tx.segmentations.add(kept)
        tx.audit.add(AuditAction.PAINT_MASK, kept.id, actor=clinic.actor)
    return MaskKept(kept, Changes(annotations=True))


def _chosen(clinic: Clinic, standing: Sequence[Segmentation], which: SegmentationId | None) -> Segmentation | None:
    if which is not None:
        return next((one for one in standing if one.id == which), None)
    own = [one for one in standing if one.author == clinic.session.user.id and not one.merged_from]
    return next(reversed(own or standing), None)


def person_name(name: str) -> str:
    """A PN value; one of a single part ends with a caret, which says that it is meant so."""
    plain = plain_line(name).replace("\\", " ").replace("=", " ").replace("^", " ").strip()[:62]
    return f"{plain}^" if plain else ""


@requires(Permission.EXPORT_REPORT)
def export_mask(
    clinic: Clinic, job: Job, study: StudyId, series: str, out: Path, which: SegmentationId | None = None
) -> Exported:
    """Write what was painted on a series: as a DICOM segmentation, or, of a volume file, which has no DICOM pictures
    that one could refer to, as a label map, NIfTI where `out` is called so (.nii, .nii.gz) and NRRD otherwise.

    which: as `open_mask` has it. Raises UserFacingError: nothing painted, pictures that lack what a segmentation
    repeats; KnownFailure of the disk.
    """
    with clinic.store.snapshot() as tx:
        record = tx.studies.get(study)
        painted = _chosen(clinic, tx.segmentations.standing(study, series), which)
        author = tx.users.get(painted.author).name if painted is not None else ""
    if painted is None or not any(segment.voxels for segment in painted.segments):
        raise UserFacingError("volume.mask.nothing")
    job.report("volume.progress.writing")
    try:
        if record.modality is Modality.VOLUME:
            data = _label_map(painted, out)
        else:
            data = _dicom_segmentation(clinic, record, painted, author, job)
    except MemoryError as error:
        raise KnownFailure("workflow.out_of_memory", kind=ErrorKind.BAD_INPUT) from error
    except (AttributeError, ValueError) as error:  # what the format asks of every picture is lacking in these
        raise UserFacingError("volume.mask.incomplete") from error
    write_whole(out, data)
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.EXPORT_MASK, painted.id, actor=clinic.actor)
    return Exported(out, hashlib.sha256(data).hexdigest())


def _label_map(painted: Segmentation, out: Path) -> bytes:
    name = out.name.lower()
    if name.endswith(".nii"):
        return gzip.decompress(nifti(painted))
    return nifti(painted) if name.endswith(".nii.gz") else nrrd(painted)


def _dicom_segmentation(clinic: Clinic, record: ImagingStudy, painted: Segmentation, author: str, job: Job) -> bytes:
    # Late: they bring pydicom and highdicom along, which no start of the window should wait for.
    from desktop.exports.segmentation import PaintedSeries, render
    from desktop.intake.series import series_headers

    sources = [partial(clinic.store.attachments.open, one.attachment) for one in record.instances]
    try:
        headers = series_headers(sources, painted.series, job)
    except OSError as error:
        raise from_os_error(error) from error
    if not headers:
        raise UserFacingError("volume.mask.not_dicom")
    return render(PaintedSeries(painted, headers, person_name(author), record.description), clinic.clock())
