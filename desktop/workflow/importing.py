"""Bringing pictures into a patient's record."""

import hashlib
import os
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from desktop.access import Permission
from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.intake import NameCheck, NameVerdict, names_fit, read_file, read_picture, recognise
from desktop.intake.ecg import find_trace, read_recording, read_trace_file
from desktop.jobs import Job
from desktop.records import (
    Attachment,
    AttachmentId,
    AuditAction,
    Changes,
    FileHeader,
    ImagingStudy,
    Instance,
    InstanceId,
    Modality,
    Patient,
    PatientId,
    Picture,
    Recording,
    StudyId,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.words import plain_line, plain_text

_NUMBER_OF_FRAMES = 0x00280008
_LARGE_FILE = 32 * 1024 * 1024
IMPORT_OK, IMPORT_DUPLICATE = "ok", "duplicate"
CLIPS = (
    "intake.not_an_image_of_this_kind",
    "intake.several_pictures",
    "intake.too_large",
    "intake.no_single_picture",
)
"""What `stored_picture` says of a file that is no single film; its frames are read one by one."""


@dataclass(frozen=True, eq=False)
class FilePreview:
    """A file that was read but not kept: shown on screen while it is being stored.

    content: the picture in it, or the recording of a trace; then `data` may hold the files beside it too.
    """

    path: Path
    data: bytes = field(repr=False)
    content: Picture | Recording
    media_type: str = ""

    @property
    def header(self) -> FileHeader:
        """What the file says about itself."""
        return self.content.header


@dataclass(frozen=True)
class Imported:
    """What became of a file. duplicate: the same bytes were on this patient's record already; the old ids are given."""

    study: StudyId
    instance: InstanceId
    attachment: AttachmentId
    duplicate: bool
    changes: Changes


class NameMismatch(UserFacingError):
    """The name in the file fits none of the patient's names. Accepting it needs a reason."""

    def __init__(self, header: FileHeader, patient: Patient) -> None:
        in_file = " / ".join(group.replace("^", " ").strip() for group in header.name_groups if group)
        super().__init__("workflow.name_mismatch", in_file=in_file, on_record=patient.display_name)
        self.header = header
        self.patient = patient


@requires(Permission.IMPORT_IMAGES)
def preview_file(clinic: Clinic, job: Job, path: Path) -> FilePreview:
    """Read a file without keeping it. Raises UserFacingError or KnownFailure in words for whatever cannot be read."""
    if find_trace(path) is not None:
        trace = read_trace_file(path, job)
        return FilePreview(path, trace.data, trace.recording, trace.media_type)
    data, picture = read_in_words(path, job)
    return FilePreview(path, data, picture)


@requires(Permission.VIEW_PATIENTS)
def check_identity(clinic: Clinic, job: Job, header: FileHeader, patient: PatientId) -> NameCheck:
    """Whether a file's name, birth date and sex fit a patient's record."""
    job.check()
    with clinic.store.snapshot() as tx:
        return names_fit(header, tx.patients.get(patient))


@requires(Permission.IMPORT_IMAGES)
def import_file(
    clinic: Clinic, job: Job, path: Path, patient: PatientId, accept_mismatch: str | None = None
) -> Imported:
    """Keep a file's bytes, unchanged and sealed, as a study of the patient.

    accept_mismatch: why a name that does not fit is accepted all the same; kept with the study.
    Raises NameMismatch, UserFacingError (bad_input, not_found), KnownFailure (disk_full, io); then nothing is stored.
    """
    return import_preview(clinic, job, preview_file(clinic, job, path), patient, accept_mismatch)


@requires(Permission.IMPORT_IMAGES)
def import_preview(
    clinic: Clinic, job: Job, preview: FilePreview, patient: PatientId, accept_mismatch: str | None = None
) -> Imported:
    """`import_file` for a file that was read already."""
    digest = hashlib.sha256(preview.data).hexdigest()
    job.check()
    with clinic.store.snapshot() as tx:
        tx.patients.must_be_open(patient)
        record = tx.patients.get(patient)
        found = tx.studies.find_duplicate(patient, digest)
    if found is not None:
        study, instance = found
        return Imported(study.id, instance.id, instance.attachment, duplicate=True, changes=Changes())
    reason = plain_text(accept_mismatch or "")
    fits = names_fit(preview.header, record).verdict
    if fits is NameVerdict.MISMATCH and not reason:
        raise NameMismatch(preview.header, record)
    if fits is not NameVerdict.MISMATCH:
        reason = ""
    job.report("workflow.progress.storing")
    staged = clinic.store.attachments.stage(preview.data, job)
    try:
        attachment = Attachment(
            id=AttachmentId(new_id()),
            patient=patient,
            sha256=digest,
            size=len(preview.data),
            media_type=preview.media_type or recognise(preview.data[:4096]).media_type,
            file_name=plain_line(preview.path.name),
            added=clinic.clock(),
        )
        with clinic.store.transaction() as tx:
            tx.attachments.add(attachment, staged)
            tx.patients.touch(patient)
            study, instance = _add_to_study(clinic, tx, preview.content, attachment, reason)
            tx.audit.add(AuditAction.ADD_ATTACHMENT, attachment.id, actor=clinic.actor)
            tx.audit.add(AuditAction.IMPORT_STUDY, study.id, actor=clinic.actor)
    except BaseException:
        clinic.store.attachments.discard(staged)
        raise
    return Imported(study.id, instance.id, attachment.id, duplicate=False, changes=Changes(studies=True))


def _add_to_study(
    clinic: Clinic, tx: Transaction, content: Picture | Recording, attachment: Attachment, reason: str
) -> tuple[ImagingStudy, Instance]:
    """Join the study the file names, or begin one."""
    header = content.header
    rows, columns = content.main.samples.shape if isinstance(content, Recording) else content.pixels.shape[:2]
    known = tx.studies.by_uid(attachment.patient, header.study_uid) if header.study_uid else None
    study = known or ImagingStudy(
        id=StudyId(new_id()),
        patient=attachment.patient,
        study_uid=header.study_uid,
        modality=header.modality,
        started=header.study_date,
        description=header.description,
        added=attachment.added,
        mismatch_reason=reason,
    )
    if known is None:
        tx.studies.add_study(study)
    instance = Instance(
        id=InstanceId(new_id()),
        study=study.id,
        attachment=attachment.id,
        instance_uid=header.instance_uid,
        rows=rows,
        columns=columns,
        body_part=header.body_part,
        view_position=header.view_position,
        laterality=header.laterality,
    )
    tx.studies.add_instance(instance)
    return tx.studies.get(study.id), instance


def read_in_words(path: Path, job: Job) -> tuple[bytes, Picture]:
    """A file's bytes and its picture, with the system's errors in words."""
    try:
        return read_file(path, job)
    except OSError as error:
        raise from_os_error(error) from error
    except MemoryError as error:
        raise KnownFailure("workflow.out_of_memory", kind=ErrorKind.BAD_INPUT) from error


def is_trace(study: ImagingStudy) -> bool:
    """Whether a study holds traces, not pictures."""
    return study.modality in (Modality.ECG, Modality.HD)


def is_sliced(study: ImagingStudy) -> bool:
    """Whether a study holds series of slices, looked at with `open_series`."""
    return study.modality in (Modality.CT, Modality.MR, Modality.VOLUME)


def stored_recording(clinic: Clinic, instance: Instance) -> Recording:
    """Decode a stored trace. Raises KnownFailure where the sealed file is damaged."""
    return read_recording(clinic.store.attachments.read(instance.attachment))


def stored_picture(clinic: Clinic, instance: Instance) -> Picture:
    """Decode a stored film. Raises KnownFailure where the sealed file is damaged, UserFacingError (CLIPS) where it is
    no single picture; a large clip is not read for that."""
    with closing(clinic.store.attachments.open(instance.attachment)) as stream:
        if stream.seek(0, os.SEEK_END) > _LARGE_FILE and _frames_claimed(stream) > 1:
            raise UserFacingError("intake.several_pictures")
    return read_picture(clinic.store.attachments.read(instance.attachment))


def _frames_claimed(stream: BinaryIO) -> int:
    # Late, as pydicom would slow down every start of the window.
    from desktop.intake.dicom_scan import scan

    stream.seek(0)
    try:
        return int(scan(stream).text(_NUMBER_OF_FRAMES) or 1)
    except (UserFacingError, ValueError):
        return 1
