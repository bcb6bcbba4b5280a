"""Objects from the network that are no pictures: drawings on other pictures, and reports in words."""

from typing import TYPE_CHECKING

from desktop.errors import UserFacingError
from desktop.records import (
    AttachmentId,
    AuditAction,
    DocumentId,
    DocumentKind,
    DocumentReference,
    PatientId,
    StudyId,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic
from desktop.workflow.drawings_importing import keep_received
from desktop.workflow.words import plain_line

if TYPE_CHECKING:
    from desktop.intake.marks import MarksFile
    from desktop.intake.report_text import WrittenPages
    from desktop.records.written_report import WrittenReport

    Note = MarksFile | WrittenReport | WrittenPages

_NAMELESS = "SR"
"""What a report is called on the chart that calls itself nothing: DICOM's word, the same in every language."""


def note_in(data: bytes) -> "Note | None":
    """What an object without a picture of its own marks or says; None where it is anything else, or cannot be read."""
    # Late, as pydicom would slow down every start of the window.
    from desktop.intake.notes import read_note

    try:
        return read_note(data)
    except UserFacingError:
        return None


def keep_note(
    clinic: Clinic, tx: Transaction, patient: PatientId, attachment: AttachmentId, note: "Note", actor: str
) -> tuple[StudyId | None, DocumentId | None]:
    """Put it on the patient's record: the study here that its marks are about, if one is; the document, of words."""
    from desktop.intake.marks import MarksFile

    if isinstance(note, MarksFile):
        return keep_received(clinic, tx, patient, attachment, note, actor), None
    document = DocumentReference(
        DocumentId(new_id()),
        patient,
        attachment,
        DocumentKind.REPORT,
        plain_line(note.title) or _NAMELESS,
        clinic.clock(),
        clinic.session.user.id,
    )
    tx.documents.add(document)
    tx.audit.add(AuditAction.ADD_DOCUMENT, document.id, actor=actor)
    return None, document.id
