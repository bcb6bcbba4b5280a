"""A study's drawings as files for other programs: presentation states, a measurement report, key objects."""

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.access import Permission, Role
from desktop.errors import UserFacingError, from_os_error
from desktop.imaging.geometry import Orientation
from desktop.imaging.measure import manual_scale
from desktop.imaging.measured import Measured, measured
from desktop.imaging.window import default_window
from desktop.jobs import Job
from desktop.records import (
    Annotation,
    AnnotationId,
    AuditAction,
    ImagingStudy,
    Instance,
    InstanceId,
    KeyImage,
    Photometric,
    Picture,
    SignedReport,
    StudyId,
    VoiWindow,
)
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.importing import is_trace
from desktop.workflow.reading import Reading, read_state
from desktop.workflow.reporting import Exported, write_whole

if TYPE_CHECKING:
    from desktop.exports.drawings import DrawingsBundle, DrawnPicture, Observer, Shown

__all__ = [
    "DRAWING_FORMATS",
    "DrawingsExported",
    "Measured",
    "View",
    "export_drawings",
    "measured_drawings",
    "pictures_of",
]

GSPS, TID1500, KEY_OBJECTS = "gsps", "tid1500", "ko"
DRAWING_FORMATS = (GSPS, TID1500, KEY_OBJECTS)
"""Softcopy presentation states; a measurement report; a key object selection."""


@dataclass(frozen=True)
class View:
    """How a picture is shown on the screen. window: None for what its file begins with."""

    window: VoiWindow | None = None
    inverted: bool = False
    orientation: Orientation = field(default_factory=Orientation)


@dataclass(frozen=True)
class DrawingsExported:
    """Files that left the clinic, and how many drawings, or key images, they hold."""

    files: tuple[Exported, ...]
    count: int


@requires(Permission.EXPORT_REPORT)
def export_drawings(
    clinic: Clinic,
    job: Job,
    study: StudyId,
    format: str,
    out: Path,
    views: Mapping[InstanceId, View] | None = None,
) -> DrawingsExported:
    """Write a study's drawings, or its key images, for other programs.

    out: the file; where there must be several (pictures in colour, turned or inverted need a presentation state of
    their own) the others are called `name-2.dcm` and so on. views: how pictures are shown on the screen now; the others
    are as their files begin. Raises UserFacingError: not found, nothing drawn, not a DICOM picture; KnownFailure.
    """
    if format not in DRAWING_FORMATS:
        raise UserFacingError("workflow.no_such_format", formats=", ".join(DRAWING_FORMATS))
    with clinic.store.snapshot() as tx:
        record = tx.studies.get(study)
        state = read_state(tx, study, clinic.session.user.id)
    _check_something(record, state, format)
    job.report("workflow.progress.drawings")
    bundle = _bundle(clinic, job, record, state, views or {}, format)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' words can hold a patient's name
        files = _renderer(format)(bundle)
    exported = []
    for number, data in enumerate(files, 1):
        place = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
        write_whole(place, data)
        exported.append(Exported(place, hashlib.sha256(data).hexdigest()))
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.EXPORT_MARKS, study, actor=clinic.actor, reason=format)
    count = len(state.key_images) if format == KEY_OBJECTS else len(state.annotations)
    return DrawingsExported(tuple(exported), count)


@requires(Permission.VIEW_IMAGES)
def pictures_of(clinic: Clinic, job: Job, study: StudyId) -> tuple[Instance, ...]:
    """The pictures of a study, in their order. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tx.studies.get(study).instances


@requires(Permission.VIEW_IMAGES)
def measured_drawings(clinic: Clinic, job: Job, study: StudyId) -> Mapping[AnnotationId, tuple[Measured, ...]]:
    """What each drawing of a study measures; none for those whose picture cannot be read."""
    with clinic.store.snapshot() as tx:
        record = tx.studies.get(study)
        state = read_state(tx, study, clinic.session.user.id)
    found: dict[AnnotationId, tuple[Measured, ...]] = {}
    for instance in record.instances:
        here = tuple(one for one in state.annotations if one.instance == instance.id)
        for frame in dict.fromkeys(one.frame for one in here):
            job.check()
            picture = _any_picture(clinic, instance, frame)
            if picture is not None:
                found |= _measured(picture, tuple(one for one in here if one.frame == frame))
    return found


def _check_something(record: ImagingStudy, state: Reading, format: str) -> None:
    if is_trace(record):
        raise UserFacingError("workflow.drawings.trace")
    if format == KEY_OBJECTS and not state.key_images:
        raise UserFacingError("workflow.drawings.no_key_images")
    if format != KEY_OBJECTS and not state.annotations:
        raise UserFacingError("workflow.drawings.none")


def _renderer(format: str) -> "Callable[[DrawingsBundle], tuple[bytes, ...]]":
    # Late: they bring pydicom and highdicom along, which no start of the window should wait for.
    if format == GSPS:
        from desktop.exports.presentation_state import render as states

        return states
    if format == TID1500:
        from desktop.exports.measurement_report import render as report

        return report
    from desktop.exports.key_objects import render as objects

    return objects


def _bundle(
    clinic: Clinic, job: Job, record: ImagingStudy, state: Reading, views: Mapping[InstanceId, View], format: str
) -> "DrawingsBundle":
    from desktop.exports.drawings import DrawingsBundle

    pictures = []
    for number, instance in enumerate(record.instances):
        job.report("workflow.progress.drawings", number, len(record.instances))
        drawings = tuple(one for one in state.annotations if one.instance == instance.id and format != KEY_OBJECTS)
        marks = tuple(one for one in state.key_images if one.instance == instance.id and format == KEY_OBJECTS)
        if drawings or marks:
            pictures.append(_drawn(clinic, instance, drawings, marks, views.get(instance.id)))
    return DrawingsBundle(tuple(pictures), _observer(clinic, state), clinic.clock())


def _observer(clinic: Clinic, state: Reading) -> "Observer":
    """The doctor who signed; while nobody has, whoever drew, if that was one person, else whoever exports."""
    from desktop.exports.drawings import Observer

    signed: SignedReport | None = state.reports[-1] if state.reports else None
    authors = {one.author for one in state.annotations} | {one.author for one in state.key_images}
    who = signed.content.author if signed is not None else next(iter(authors)) if len(authors) == 1 else None
    with clinic.store.snapshot() as tx:
        known = {user.id: user for user in tx.users.all()}
    user = known.get(who or clinic.session.user.id, clinic.session.user)
    name = signed.content.author_name if signed is not None else user.name
    return Observer(name, clinic.name, Role.DOCTOR in user.roles, signed.content.signed if signed is not None else None)


def _drawn(
    clinic: Clinic,
    instance: Instance,
    drawings: tuple[Annotation, ...],
    marks: tuple[KeyImage, ...],
    view: View | None,
) -> "DrawnPicture":
    from desktop.exports.drawings import DrawnPicture
    from desktop.intake.dicom_fields import Fields
    from desktop.intake.picture_frames import read_frames_file
    from desktop.intake.source_object import source_object

    with clinic.store.snapshot() as tx:
        media_type = tx.attachments.get(instance.attachment).media_type
    if media_type != "application/dicom":
        raise UserFacingError("workflow.drawings.not_dicom")
    try:
        file = read_frames_file(partial(clinic.store.attachments.open, instance.attachment))
        source = source_object(Fields(file.dataset), file.count)
        frames = {one.frame for one in drawings} or {one.frame for one in marks}
        pictures = {frame: file.picture(min(frame, file.count) - 1) for frame in sorted(frames)}
    except OSError as error:
        raise from_os_error(error) from error
    numbers: dict[AnnotationId, tuple[Measured, ...]] = {}
    for frame, picture in pictures.items():
        numbers |= _measured(picture, tuple(one for one in drawings if one.frame == frame))
    first = next(iter(pictures.values()))
    shown = _shown(first, view or View())
    return DrawnPicture(source, first, shown, drawings, numbers, tuple(sorted(one.frame for one in marks)))


def _shown(picture: Picture, view: View) -> "Shown":
    from desktop.exports.drawings import Shown

    window = view.window
    if window is None and picture.photometric is not Photometric.RGB and picture.voi_lut is None:
        window = default_window(picture)
    return Shown(window, view.inverted, view.orientation)


def _any_picture(clinic: Clinic, instance: Instance, frame: int) -> Picture | None:
    """A frame of a stored picture, whatever it is; None where it cannot be read."""
    from desktop.intake import read_picture
    from desktop.intake.picture_frames import read_frames_file

    with clinic.store.snapshot() as tx:
        media_type = tx.attachments.get(instance.attachment).media_type
    try:
        if media_type != "application/dicom":
            return read_picture(clinic.store.attachments.read(instance.attachment))
        file = read_frames_file(partial(clinic.store.attachments.open, instance.attachment))
        return file.picture(min(frame, file.count) - 1)
    except (UserFacingError, OSError):
        return None


def _measured(picture: Picture, drawings: tuple[Annotation, ...]) -> dict[AnnotationId, tuple[Measured, ...]]:
    manual = manual_scale(picture, drawings)
    return {one.id: measured(picture, one.kind, one.points, manual, one.millimetres) for one in drawings}
