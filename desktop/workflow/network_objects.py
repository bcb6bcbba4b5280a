"""What an object from the network says of itself, read without its pixels; and putting it on a patient's record."""

import io
import warnings
from dataclasses import dataclass, replace

from desktop.errors import UserFacingError
from desktop.records import (
    Attachment,
    AttachmentId,
    FileHeader,
    ImagingStudy,
    Instance,
    InstanceId,
    Modality,
    PatientId,
    StudyId,
    new_id,
)
from desktop.store import Staged, Transaction
from desktop.workflow.clinic import Clinic

MEDIA_TYPE = "application/dicom"
_WAVEFORMS = "1.2.840.10008.5.1.4.1.1.9."
"""What every waveform storage class begins with (PS3.4 B.5)."""


@dataclass(frozen=True)
class ObjectHeader:
    """What was read. class_uid, instance_uid: the SOP class and instance it says it is. rows, columns: in pixels; of a
    trace, its leads and the samples of each; 0 for what is neither."""

    header: FileHeader
    class_uid: str
    instance_uid: str
    rows: int = 0
    columns: int = 0


def read_object(data: bytes) -> ObjectHeader:
    """The header of a DICOM file's bytes. Raises UserFacingError `intake.damaged`, or what else is wrong with them."""
    # Late, as pydicom would slow down every start of the window.
    from desktop.intake.dicom_fields import Fields
    from desktop.intake.dicom_file import open_dicom
    from desktop.intake.dicom_header import file_header

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
            file = open_dicom(io.BytesIO(data))
            fields = Fields(file.dataset)
            header = file_header(fields, _modality(fields.text("Modality")), str(file.syntax or ""))
            uids = fields.text("SOPClassUID"), fields.text("SOPInstanceUID")
            size = fields.integer("Rows") or 0, fields.integer("Columns") or 0
    except UserFacingError:
        raise
    except Exception as error:  # a hostile data set makes the parser fail in ways nobody has listed
        raise UserFacingError("intake.damaged") from error
    if not all(uids) or file.cut_short:
        raise UserFacingError("intake.damaged")
    found = ObjectHeader(header, *uids, *(max(0, length) for length in size))
    return _trace(found, data) if uids[0].startswith(_WAVEFORMS) else found


def _trace(found: ObjectHeader, data: bytes) -> ObjectHeader:
    """The header of a recording: an electrocardiogram, or another trace, whatever it calls itself. One that this
    release cannot draw is kept as it says."""
    from desktop.intake.ecg import read_recording

    try:
        recording = read_recording(data)
    except UserFacingError:
        return found
    leads, samples = recording.main.samples.shape
    header = replace(found.header, modality=recording.header.modality)
    return replace(found, header=header, rows=leads, columns=samples)


def _modality(word: str) -> Modality:
    try:
        return Modality(word.upper())
    except ValueError:
        return Modality.OT


def attachment_of(staged: Staged, instance_uid: str, clinic: Clinic) -> Attachment:
    """The record of a sealed file that came over the network and is nobody's yet."""
    return Attachment(
        id=AttachmentId(new_id()),
        patient=PatientId(""),
        sha256=staged.sha256,
        size=staged.size,
        media_type=MEDIA_TYPE,
        file_name=f"{instance_uid}.dcm",
        added=clinic.clock(),
    )


def add_to_study(
    tx: Transaction, patient: PatientId, attachment: AttachmentId, found: ObjectHeader, clinic: Clinic, reason: str = ""
) -> tuple[StudyId, InstanceId]:
    """Join the study the object names, or begin one. reason: why a name that does not fit was accepted."""
    header = found.header
    study = tx.lookups.study_of(patient, header.study_uid)
    if study is None:
        study = StudyId(new_id())
        tx.studies.add_study(
            ImagingStudy(
                id=study,
                patient=patient,
                study_uid=header.study_uid,
                modality=header.modality,
                started=header.study_date,
                description=header.description,
                added=clinic.clock(),
                mismatch_reason=reason,
            )
        )
    elif found.rows:
        # What came before may have been a note about pictures, which says nothing of their kind.
        tx.lookups.name_kind(study, header.modality)
    instance = Instance(
        id=InstanceId(new_id()),
        study=study,
        attachment=attachment,
        instance_uid=header.instance_uid,
        rows=found.rows,
        columns=found.columns,
        body_part=header.body_part,
        view_position=header.view_position,
        laterality=header.laterality,
    )
    tx.studies.add_instance(instance)
    return study, instance.id
