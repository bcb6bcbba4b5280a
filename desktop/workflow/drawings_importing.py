"""Drawings and key images from files of other programs: shown with where they came from, never in the place of ours."""

import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import (
    Annotation,
    AnnotationId,
    AttachmentId,
    AuditAction,
    Changes,
    ImagingStudy,
    ImportedDrawing,
    ImportedMarks,
    Instance,
    MarkedPicture,
    MarksId,
    PatientId,
    StudyId,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.words import plain_line, plain_text

if TYPE_CHECKING:
    from desktop.intake.marks import MarksFile

_OWN_UID = "2.25."


@dataclass(frozen=True)
class PlacedMarks:
    """What of a file is new to a patient's record, study by study.

    study: a study it is about that is here, if one is. known: marks that are on record already. elsewhere: marks on
    pictures that are not here; they are kept with the study they name and show once their pictures come.
    """

    study: StudyId | None
    drawings: Mapping[str, tuple[ImportedDrawing, ...]] = field(default_factory=dict)
    key_images: Mapping[str, tuple[MarkedPicture, ...]] = field(default_factory=dict)
    known: int = 0
    elsewhere: int = 0

    @property
    def study_uids(self) -> tuple[str, ...]:
        """The studies something new is about."""
        return tuple(dict.fromkeys((*self.drawings, *self.key_images)))

    @property
    def counts(self) -> tuple[int, int]:
        """New drawings and new key images."""
        return sum(map(len, self.drawings.values())), sum(map(len, self.key_images.values()))


def place_marks(tx: Transaction, patient: PatientId, marks: "MarksFile", *, early: bool = False) -> PlacedMarks:
    """Which marks of a file are new, and where they go.

    early: they may be here before their pictures. Raises UserFacingError `workflow.drawings.not_here`, where none of
    the pictures it marks is on the patient's record and they may not.
    """
    here = _pictures_here(tx, patient, marks)
    if not here and not early:
        raise UserFacingError("workflow.drawings.not_here")
    seen = _Seen(tx, patient, {study.study_uid: study for study, _ in here.values()})
    drawings: dict[str, list[ImportedDrawing]] = {}
    key_images: dict[str, list[MarkedPicture]] = {}
    known = elsewhere = 0
    for drawing in marks.drawings:
        if seen.drawing(drawing, here.get(drawing.instance_uid)):
            known += 1
            continue
        elsewhere += drawing.instance_uid not in here
        drawings.setdefault(_study_uid(here, drawing.instance_uid, marks), []).append(drawing)
    for picture in marks.key_images:
        if seen.key_image(picture, here.get(picture.instance_uid)):
            known += 1
            continue
        elsewhere += picture.instance_uid not in here
        key_images.setdefault(_study_uid(here, picture.instance_uid, marks), []).append(picture)
    return PlacedMarks(
        next((study.id for study, _ in here.values()), None),
        {uid: tuple(found) for uid, found in drawings.items()},
        {uid: tuple(found) for uid, found in key_images.items()},
        known,
        elsewhere,
    )


def keep_received(
    clinic: Clinic, tx: Transaction, patient: PatientId, attachment: AttachmentId, marks: "MarksFile", actor: str
) -> StudyId | None:
    """Put marks that came over the network on record, also before their pictures; the study they are about, if it is
    here."""
    placed = place_marks(tx, patient, marks, early=True)
    keep_marks(clinic, tx, patient, attachment, marks, placed, actor)
    return placed.study


def keep_marks(
    clinic: Clinic,
    tx: Transaction,
    patient: PatientId,
    attachment: AttachmentId,
    marks: "MarksFile",
    placed: PlacedMarks,
    actor: str = "",
) -> None:
    """Put what `place_marks` found on record; the attachment is there already. actor: in the audit trail, else whoever
    is at the keyboard."""
    for study_uid in placed.study_uids:
        imported = ImportedMarks(
            id=MarksId(new_id()),
            patient=patient,
            attachment=attachment,
            study_uid=study_uid,
            format=marks.format,
            source=plain_line(marks.source),
            author=clinic.session.user.id,
            added=clinic.clock(),
            drawings=tuple(_plain(drawing) for drawing in placed.drawings.get(study_uid, ())),
            key_images=placed.key_images.get(study_uid, ()),
            title=plain_line(marks.title),
            made=marks.made,
        )
        tx.imported.add(imported)
        tx.audit.add(AuditAction.IMPORT_MARKS, imported.id, actor=actor or clinic.actor)


@dataclass(frozen=True)
class MarksHidden:
    """Imported marks without a drawing that is no longer shown."""

    imported: ImportedMarks
    changes: Changes


@requires(Permission.READ_IMAGES)
def hide_imported(clinic: Clinic, job: Job, marks: MarksId, drawing: AnnotationId) -> MarksHidden:
    """Take an imported drawing off the screen; it stays on record. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.transaction() as tx:
        before = tx.imported.get(marks)
        hidden = replace(before, hidden=tuple(dict.fromkeys((*before.hidden, drawing))))
        tx.imported.add(hidden)
        tx.audit.add(AuditAction.HIDE_MARKS, marks, actor=clinic.actor)
    return MarksHidden(hidden, Changes(annotations=True))


def _plain(drawing: ImportedDrawing) -> ImportedDrawing:
    """Its words as everything else is kept: without control characters, normalised."""
    return replace(
        drawing,
        label=plain_text(drawing.label),
        stated=tuple(plain_line(line) for line in drawing.stated),
        observer=plain_line(drawing.observer),
    )


def _pictures_here(tx: Transaction, patient: PatientId, marks: "MarksFile") -> dict[str, tuple[ImagingStudy, Instance]]:
    """The marked pictures that are on the patient's record, by SOP instance."""
    wanted = marks.pictures
    studies = [summary.study for summary in tx.studies.for_patient(patient)]
    # Of two pictures of one number the one of the study that the file names.
    studies.sort(key=lambda study: study.study_uid == marks.header.study_uid)
    return {
        instance.instance_uid: (study, instance)
        for study in studies
        for instance in study.instances
        if instance.instance_uid in wanted and study.study_uid
    }


def _study_uid(here: Mapping[str, tuple[ImagingStudy, Instance]], instance_uid: str, marks: "MarksFile") -> str:
    if instance_uid in here:
        return here[instance_uid][0].study_uid
    return marks.header.study_uid or next((study.study_uid for study, _ in here.values()), "")


class _Seen:
    """What is on record already: our own drawings, and those that came in files before."""

    def __init__(self, tx: Transaction, patient: PatientId, studies: Mapping[str, ImagingStudy]) -> None:
        self._tx = tx
        imported = [one for uid in studies for one in tx.imported.for_study(patient, uid)]
        self._drawings = {_key(drawing) for one in imported for drawing in one.drawings if drawing.tracking_uid}
        self._pictures = {picture for one in imported for picture in one.key_images}
        self._key_images = {
            (one.instance, one.frame) for study in studies.values() for one in tx.key_images.for_study(study.id)
        }

    def drawing(self, drawing: ImportedDrawing, where: tuple[ImagingStudy, Instance] | None) -> bool:
        """Whether it is one of ours as it stands now, or came before."""
        if drawing.tracking_uid and _key(drawing) in self._drawings:
            return True
        ours = _own_id(drawing.tracking_uid)
        if ours is None or where is None:
            return False
        return any(one.id == ours and _same(one, drawing) for one in self._tx.annotations.for_instance(where[1].id))

    def key_image(self, picture: MarkedPicture, where: tuple[ImagingStudy, Instance] | None) -> bool:
        """Whether the picture is marked already."""
        return picture in self._pictures or (where is not None and (where[1].id, picture.frame) in self._key_images)


def _own_id(tracking_uid: str) -> AnnotationId | None:
    """The id of a drawing of ours, if its UID is made of one."""
    digits = tracking_uid.removeprefix(_OWN_UID)
    if digits == tracking_uid or not digits.isdecimal() or len(digits) > 39 or int(digits) >= 1 << 128:
        return None
    return AnnotationId(str(uuid.UUID(int=int(digits))))


def _key(drawing: ImportedDrawing) -> tuple[object, ...]:
    return drawing.tracking_uid, drawing.instance_uid, drawing.frame, drawing.kind, _single(drawing.points)


def _same(ours: Annotation, theirs: ImportedDrawing) -> bool:
    """Whether a drawing is ours within what a file can hold of it."""
    return (ours.kind, ours.frame, ours.label) == (theirs.kind, theirs.frame, theirs.label) and _single(
        ours.points
    ) == _single(theirs.points)


def _single(points: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Points as single floats from the outer corner, as files hold them."""
    return tuple(struct.unpack("<f", struct.pack("<f", value + 0.5))[0] for point in points for value in point)
