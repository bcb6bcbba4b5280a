"""Papers about a patient: kept as sealed files with their bytes unchanged, and shown without leaving memory."""

import codecs
import contextlib
import hashlib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.access import Permission
from desktop.errors import UserFacingError, from_os_error
from desktop.exports.preview import page_count, page_of_width
from desktop.imaging.display import grey
from desktop.intake import read_picture, recognise
from desktop.jobs import Job
from desktop.records import (
    Attachment,
    AttachmentId,
    AuditAction,
    Changes,
    DocumentId,
    DocumentKind,
    DocumentReference,
    EncounterId,
    PatientId,
    Photometric,
    Picture,
    new_id,
)
from desktop.records.written_report import WrittenReport
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.reporting import Exported, write_whole
from desktop.workflow.words import plain_line, plain_text

_HEADER = 4096
_PDF = "application/pdf"
_TEXT = "text/plain"
_DICOM = "application/dicom"
_PICTURES = ("image/png", "image/jpeg", "image/tiff")
_MOST_LETTERS = 2_000_000
"""Longer texts are no letters about a patient, and would hold the window up."""
_ENCODINGS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (b"", "utf-8-sig"), (b"", "gb18030"))
"""How texts are written on the PCs of clinics: the first that fits. gb18030 is what older Chinese programs write."""
_LAYOUT = "\n\r\t\f"

Page = npt.NDArray[np.uint8]


class DocumentShape(StrEnum):
    """How a document is shown."""

    PAGES = "pages"
    PICTURE = "picture"
    TEXT = "text"
    REPORT = "report"


@dataclass(frozen=True)
class DocumentKept:
    """A document now on file."""

    document: DocumentReference
    changes: Changes


@dataclass(frozen=True, eq=False)
class OpenDocument:
    """A document that is being looked at, in memory only. text: of a text. report: of another program, in its words.
    pages: how many there are of anything else; `document_page` draws them. data: the bytes of what is shown. file_name:
    what the file was called."""

    document: DocumentReference
    shape: DocumentShape
    data: bytes
    file_name: str
    text: str = ""
    report: WrittenReport | None = None
    pages: int = 1


@requires(Permission.RECORD_VISITS)
def look_at_file(clinic: Clinic, job: Job, path: Path) -> DocumentShape:
    """Whether a file can be kept and shown here. Raises UserFacingError `documents.cannot_show` where it cannot be
    shown, KnownFailure where it cannot be read."""
    job.check()
    return _shape(_media_type(_beginning(path)))


@requires(Permission.RECORD_VISITS)
def add_document(
    clinic: Clinic,
    job: Job,
    path: Path,
    patient: PatientId,
    *,
    kind: DocumentKind,
    title: str,
    encounter: EncounterId | None = None,
) -> DocumentKept:
    """Keep a file about the patient, its bytes unchanged and sealed.

    Raises UserFacingError (not_found, `store.patient_merged`, `visits.no_title`), KnownFailure of the disk; then
    nothing is stored.
    """
    title = plain_text(title)
    if not title:
        raise UserFacingError("visits.no_title")
    with clinic.store.snapshot() as tx:
        tx.patients.must_be_open(patient)
    media_type = _media_type(_beginning(path))
    job.report("workflow.progress.storing")
    staged = clinic.store.attachments.stage(path, job)
    now = clinic.clock()
    try:
        attachment = Attachment(
            AttachmentId(new_id()), patient, staged.sha256, staged.size, media_type, plain_line(path.name), now
        )
        document = DocumentReference(
            DocumentId(new_id()),
            patient,
            attachment.id,
            kind,
            title,
            now,
            clinic.session.user.id,
            encounter,
        )
        with clinic.store.transaction() as tx:
            tx.attachments.add(attachment, staged)
            tx.documents.add(document)
            tx.patients.touch(patient)
            tx.audit.add(AuditAction.ADD_ATTACHMENT, attachment.id, actor=clinic.actor)
            tx.audit.add(AuditAction.ADD_DOCUMENT, document.id, actor=clinic.actor)
    except BaseException:
        clinic.store.attachments.discard(staged)
        raise
    return DocumentKept(document, Changes(visits=True))


@requires(Permission.VIEW_PATIENTS)
def document_bytes(clinic: Clinic, job: Job, document: DocumentId) -> bytes:
    """A document as it was kept; the look is audited. Raises UserFacingError (not_found), KnownFailure where the
    sealed file is damaged."""
    job.check()
    with clinic.store.transaction() as tx:
        reference = tx.documents.get(document)
        tx.audit.add(AuditAction.VIEW_DOCUMENT, document, actor=clinic.actor)
    return clinic.store.attachments.read(reference.attachment)


@requires(Permission.VIEW_PATIENTS)
def open_document(clinic: Clinic, job: Job, document: DocumentId) -> OpenDocument:
    """A document to be looked at; the look is audited. It is unsealed into memory and never written anywhere.

    Raises UserFacingError (not_found, `documents.cannot_show`, `documents.damaged`), KnownFailure where the sealed file
    is damaged.
    """
    data = document_bytes(clinic, job, document)
    with clinic.store.snapshot() as tx:
        reference = tx.documents.get(document)
        name = tx.attachments.get(reference.attachment).file_name
    media_type = _media_type(data[:_HEADER])
    if media_type == _DICOM:
        return _written(reference, data, name)
    shape = _shape(media_type)
    if shape is DocumentShape.TEXT:
        return OpenDocument(reference, shape, data, name, text=_text(data))
    if shape is DocumentShape.PICTURE:
        return OpenDocument(reference, shape, data, name)
    try:
        return OpenDocument(reference, shape, data, name, pages=page_count(data))
    except ValueError as error:
        raise UserFacingError("documents.damaged") from error


@requires(Permission.EXPORT_REPORT)
def save_document(clinic: Clinic, job: Job, document: DocumentId, out: Path) -> Exported:
    """Write a copy of a document, as it was kept, to a file that is not sealed: whole or not at all. It is audited.

    Raises UserFacingError (not_found), KnownFailure (disk_full, io) or where the sealed file is damaged.
    """
    job.check()
    with clinic.store.transaction() as tx:
        reference = tx.documents.get(document)
        tx.audit.add(AuditAction.EXPORT_DOCUMENT, document, actor=clinic.actor)
    data = clinic.store.attachments.read(reference.attachment)
    write_whole(out, data)
    return Exported(out, hashlib.sha256(data).hexdigest())


@requires(Permission.VIEW_PATIENTS)
def document_page(clinic: Clinic, job: Job, opened: OpenDocument, number: int, width: int) -> Page:
    """One page, from 0, or the picture: (rows, columns, 3) uint8 RGB. width: pixels a page shall have; a picture keeps
    its own size. Raises UserFacingError `documents.damaged`, and those of `intake.read_picture`."""
    job.check()
    if opened.shape is DocumentShape.PICTURE:
        return _drawn(read_picture(opened.data))
    try:
        return page_of_width(opened.data, number, width)
    except ValueError as error:
        raise UserFacingError("documents.damaged") from error


def same_document(tx: Transaction, patient: PatientId, sha256: str) -> DocumentReference | None:
    """The patient's document with the same bytes (SHA-256, hex)."""
    for one in tx.documents.of_person(patient):
        if tx.attachments.get(one.attachment).sha256 == sha256:
            return one
    return None


def _written(reference: DocumentReference, data: bytes, name: str) -> OpenDocument:
    """A report or pages that came as DICOM."""
    # Late, as pydicom would slow down every start of the window.
    from desktop.intake.report_text import read_written

    written = read_written(data)
    if isinstance(written, WrittenReport):
        return OpenDocument(reference, DocumentShape.REPORT, data, name, report=written)
    if written is None:
        raise UserFacingError("documents.cannot_show")
    try:
        pages = page_count(written.pages)
    except ValueError as error:
        raise UserFacingError("documents.damaged") from error
    return OpenDocument(reference, DocumentShape.PAGES, written.pages, name, pages=pages)


def _drawn(picture: Picture) -> Page:
    if picture.photometric is Photometric.RGB:
        return np.ascontiguousarray(picture.pixels)
    levels = (grey(picture) * 255 + 0.5).astype(np.uint8)
    return np.repeat(levels[:, :, np.newaxis], 3, axis=2)


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEADER)
    except OSError as error:
        raise from_os_error(error) from error


def _media_type(header: bytes) -> str:
    """What kind of file it is; a document may be of any kind."""
    if header.startswith(b"%PDF-"):
        return _PDF
    try:
        return recognise(header).media_type
    except UserFacingError:
        return _TEXT if _begins_a_text(header) else "application/octet-stream"


def _shape(media_type: str) -> DocumentShape:
    """Raises UserFacingError `documents.cannot_show`."""
    if media_type == _PDF:
        return DocumentShape.PAGES
    if media_type in _PICTURES:
        return DocumentShape.PICTURE
    if media_type == _TEXT:
        return DocumentShape.TEXT
    raise UserFacingError("documents.cannot_show")


def _begins_a_text(beginning: bytes) -> bool:
    """Whether a text may begin so. The last letter may be cut in two."""
    for mark, name in _ENCODINGS:
        if not beginning.startswith(mark):
            continue
        try:
            text = codecs.getincrementaldecoder(name)().decode(beginning)
        except UnicodeDecodeError:
            continue
        if text and not any(unicodedata.category(one) == "Cc" and one not in _LAYOUT for one in text):
            return True
    return False


def _text(data: bytes) -> str:
    """All of it decides how it is written: many texts begin in English alone. Raises UserFacingError:
    `documents.damaged` where it goes on as nothing that is known, `documents.cannot_show` if it is no letter."""
    for mark, name in _ENCODINGS:
        with contextlib.suppress(UnicodeDecodeError):
            if data.startswith(mark):
                text = data.decode(name)
                break
    else:
        raise UserFacingError("documents.damaged")
    if len(text) > _MOST_LETTERS:
        raise UserFacingError("documents.cannot_show")
    return text
