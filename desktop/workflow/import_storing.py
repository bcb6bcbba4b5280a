"""Keeping gathered files: read and sealed one by one, then on record together or not at all.

`seal_files` does what takes long and touches no row; `keep_files` is one short transaction. What a power cut leaves
between the two is a sealed file nobody refers to, which the store sweeps away.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.intake import NameVerdict, names_fit
from desktop.intake.folder import Source
from desktop.intake.folder_content import Content, in_words, read_content
from desktop.intake.marks import MarksFile
from desktop.jobs import Job
from desktop.records import (
    Attachment,
    AttachmentId,
    AuditAction,
    Changes,
    DocumentId,
    DocumentKind,
    DocumentReference,
    InstanceId,
    Patient,
    PatientId,
    StudyId,
    new_id,
)
from desktop.store import Transaction
from desktop.store.attachments import Laid, Staged
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.documents import same_document
from desktop.workflow.drawings_importing import PlacedMarks, keep_marks, place_marks
from desktop.workflow.importing import NameMismatch
from desktop.workflow.network_objects import MEDIA_TYPE as DICOM_TYPE
from desktop.workflow.network_objects import ObjectHeader, add_to_study
from desktop.workflow.words import plain_line, plain_text

_STEP = 4 * 1024 * 1024


class FileState(StrEnum):
    """What became of a file. VERSION: not kept, as a picture of the same UID with other bytes is on record."""

    OK = "ok"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    VERSION = "version"
    ERROR = "error"


@dataclass(frozen=True)
class FileKept:
    """One file. error: why it was not kept; with OK, what is odd about it all the same. askable: a single picture or a
    trace, which models may be asked about. study: None for a document. drawings, key_images: how many new ones a file
    brought that marks other files' pictures."""

    name: str
    state: FileState
    error: UserFacingError | None = None
    study: StudyId | None = None
    instance: InstanceId | None = None
    attachment: AttachmentId | None = None
    askable: bool = False
    drawings: int = 0
    key_images: int = 0


@dataclass(frozen=True)
class FilesKept:
    """What became of files, in their order."""

    files: tuple[FileKept, ...]
    changes: Changes


@dataclass(frozen=True)
class Consent:
    """What somebody said to the questions. mismatch: why a name that does not fit is accepted. versions: whether a
    second version of a picture is kept beside the first."""

    mismatch: str = ""
    versions: bool = False


NOTHING_ASKED = Consent()


@dataclass(frozen=True, eq=False)
class _Sealed:
    """A file that lies sealed, without a row. content: without its bytes. place: among the sealed ones. reason: why
    another name was accepted."""

    name: str
    content: Content
    place: int
    reason: str
    again: bool


@dataclass(frozen=True, eq=False)
class SealedFiles:
    """What `seal_files` made: each file's answer so far, or what is to be put on record.

    staged: sealed files that nothing refers to yet.
    """

    patient: PatientId
    files: "tuple[FileKept | _Sealed, ...]"
    staged: tuple[Staged, ...]


@requires(Permission.IMPORT_IMAGES)
def seal_files(
    clinic: Clinic, job: Job, sources: Sequence[Source], patient: PatientId, consent: Consent = NOTHING_ASKED
) -> SealedFiles:
    """Read and seal files for a patient; none is on record yet. What is wrong with a file is its answer.

    Raises Cancelled, UserFacingError where the patient cannot take any; then nothing is left behind.
    """
    with clinic.store.snapshot() as tx:
        tx.patients.must_be_open(patient)
        record = tx.patients.get(patient)
    sealing = _Sealing(clinic, record, consent)
    done: list[FileKept | _Sealed] = []
    try:
        for number, source in enumerate(sources):
            job.report("importing.progress.sealing", number, len(sources))
            done.append(sealing.seal(source, job))
        return SealedFiles(patient, tuple(done), clinic.store.attachments.settle(sealing.laid))
    except BaseException:
        for laid in sealing.laid:
            clinic.store.attachments.discard(laid)
        raise


@requires(Permission.IMPORT_IMAGES)
def keep_files(clinic: Clinic, job: Job, sealed: SealedFiles) -> FilesKept:
    """Put sealed files on record: all of them, or none. Raises KnownFailure, UserFacingError, Cancelled; then none."""
    files: list[FileKept] = []
    unwanted: list[Staged] = []
    try:
        job.check()
        with clinic.store.transaction() as tx:
            tx.patients.must_be_open(sealed.patient)
            keeping = _Keeping(clinic, tx, sealed.patient)
            answers: dict[int, FileKept] = {}
            # Pictures first: what is drawn on them may come in the same drop.
            for place in sorted(range(len(sealed.files)), key=lambda place: _is_marks(sealed.files[place])):
                one = sealed.files[place]
                if isinstance(one, FileKept):
                    answers[place] = one
                    continue
                answers[place] = kept = keeping.keep(one, sealed.staged[one.place])
                if kept.state in (FileState.DUPLICATE, FileState.ERROR):
                    unwanted.append(sealed.staged[one.place])
            files.extend(answers[place] for place in range(len(sealed.files)))
            keeping.finish()
    except BaseException:
        discard_files(clinic, job, sealed)
        raise
    for staged in unwanted:
        clinic.store.attachments.discard(staged)
    new = [one for one in files if one.state is FileState.OK]
    return FilesKept(
        tuple(files),
        Changes(
            studies=any(one.study for one in new),
            visits=any(one.study is None for one in new),
            annotations=any(one.drawings or one.key_images for one in new),
        ),
    )


@requires(Permission.IMPORT_IMAGES)
def discard_files(clinic: Clinic, job: Job, sealed: SealedFiles) -> None:
    """Remove what was sealed and shall not be kept after all."""
    for staged in sealed.staged:
        clinic.store.attachments.discard(staged)


def _is_marks(one: FileKept | _Sealed) -> bool:
    return isinstance(one, _Sealed) and one.content.marks is not None


class _Sealing:
    """Files of one patient, one after the other. laid: the sealed ones; their names are certain once all are there."""

    def __init__(self, clinic: Clinic, patient: Patient, consent: Consent) -> None:
        self._clinic = clinic
        self._patient = patient
        self._reason = plain_text(consent.mismatch)
        self._versions = consent.versions
        self.laid: list[Laid] = []
        self._uids: dict[str, set[str]] = {}
        self._digests: set[str] = set()

    def seal(self, source: Source, job: Job) -> FileKept | _Sealed:
        try:
            return self._seal(source, job)
        except UserFacingError as error:
            state = FileState.REFUSED if isinstance(error, NameMismatch) else FileState.ERROR
            return FileKept(source.name, state, error)
        except OSError as error:  # it was pulled out between two looks at it
            return FileKept(source.name, FileState.ERROR, in_words(error))

    def _seal(self, source: Source, job: Job) -> FileKept | _Sealed:
        content = read_content(source, job)
        digest = _digest(source, content, job)
        known = self._known(source.name, content, digest)
        if known is not None:
            return known
        header = content.header
        fits = names_fit(header, self._patient).verdict
        if fits is NameVerdict.MISMATCH and not self._reason:
            raise NameMismatch(header, self._patient)
        # The same file twice in one import is no other version; the transaction finds the first.
        again = digest not in self._digests and self._is_version(header.study_uid, header.instance_uid)
        if again and not self._versions:
            return FileKept(source.name, FileState.VERSION, UserFacingError("importing.other_version"))
        if content.data is not None:
            laid = self._clinic.store.attachments.lay(content.data, job)
        else:
            with source.open() as stream:
                laid = self._clinic.store.attachments.lay(stream, job)
        self.laid.append(laid)
        self._digests.add(digest)
        reason = self._reason if fits is NameVerdict.MISMATCH else ""
        return _Sealed(source.name, replace(content, data=None), len(self.laid) - 1, reason, again)

    def _known(self, name: str, content: Content, digest: str) -> FileKept | None:
        with self._clinic.store.snapshot() as tx:
            return _on_record(tx, self._patient.id, name, content, digest)

    def _is_version(self, study_uid: str, instance_uid: str) -> bool:
        """Whether the patient has a picture of that UID, on record or sealed a moment ago."""
        if not study_uid or not instance_uid:
            return False
        if study_uid not in self._uids:
            with self._clinic.store.snapshot() as tx:
                study = tx.studies.by_uid(self._patient.id, study_uid)
            self._uids[study_uid] = {one.instance_uid for one in study.instances} if study is not None else set()
        known = instance_uid in self._uids[study_uid]
        self._uids[study_uid].add(instance_uid)
        return known


class _Keeping:
    """Rows of one transaction."""

    def __init__(self, clinic: Clinic, tx: Transaction, patient: PatientId) -> None:
        self._clinic = clinic
        self._tx = tx
        self._patient = patient
        self._studies: dict[StudyId, None] = {}
        self._added = False

    def keep(self, sealed: _Sealed, staged: Staged) -> FileKept:
        tx, clinic, content = self._tx, self._clinic, sealed.content
        known = _on_record(tx, self._patient, sealed.name, content, staged.sha256)
        if known is not None:
            return known
        marks, placed = content.marks, None
        if marks is not None:
            try:
                placed = place_marks(tx, self._patient, marks)
            except UserFacingError as error:
                return FileKept(sealed.name, FileState.ERROR, error)
            if not any(placed.counts):
                return FileKept(sealed.name, FileState.DUPLICATE, None, placed.study)
        self._added = True
        file_name = plain_line(sealed.name.replace("\\", "/").rpartition("/")[2])
        attachment = Attachment(
            id=AttachmentId(new_id()),
            patient=self._patient,
            sha256=staged.sha256,
            size=staged.size,
            media_type=content.media_type,
            file_name=file_name,
            added=clinic.clock(),
        )
        tx.attachments.add(attachment, staged)
        tx.audit.add(AuditAction.ADD_ATTACHMENT, attachment.id, actor=clinic.actor)
        if content.document:
            self._add_document(attachment, content.title)
            odd = UserFacingError("importing.kept_in_words") if content.media_type == DICOM_TYPE else None
            return FileKept(sealed.name, FileState.OK, odd, attachment=attachment.id)
        if marks is not None and placed is not None:
            return self._keep_marks(sealed.name, attachment, marks, placed)
        found = ObjectHeader(content.header, "", content.header.instance_uid, content.rows, content.columns)
        study, instance = add_to_study(tx, self._patient, attachment.id, found, clinic, sealed.reason)
        self._studies[study] = None
        odd = UserFacingError("importing.kept_version") if sealed.again else None
        return FileKept(sealed.name, FileState.OK, odd, study, instance, attachment.id, content.askable)

    def _keep_marks(self, name: str, attachment: Attachment, marks: MarksFile, placed: PlacedMarks) -> FileKept:
        keep_marks(self._clinic, self._tx, self._patient, attachment.id, marks, placed)
        drawings, key_images = placed.counts
        odd = UserFacingError("importing.marks.some_not_here", count=placed.elsewhere) if placed.elsewhere else None
        return FileKept(
            name,
            FileState.OK,
            odd,
            placed.study,
            attachment=attachment.id,
            drawings=drawings,
            key_images=key_images,
        )

    def _add_document(self, attachment: Attachment, title: str) -> None:
        document = DocumentReference(
            DocumentId(new_id()),
            self._patient,
            attachment.id,
            DocumentKind.REPORT if attachment.media_type == DICOM_TYPE else DocumentKind.OTHER,
            plain_line(title) or attachment.file_name or "PDF",
            attachment.added,
            self._clinic.session.user.id,
        )
        self._tx.documents.add(document)
        self._tx.audit.add(AuditAction.ADD_DOCUMENT, document.id, actor=self._clinic.actor)

    def finish(self) -> None:
        if self._added:
            self._tx.patients.touch(self._patient)
        for study in self._studies:
            self._tx.audit.add(AuditAction.IMPORT_STUDY, study, actor=self._clinic.actor)


def _digest(source: Source, content: Content, job: Job) -> str:
    """SHA-256 (hex) of a file's bytes as they are kept."""
    if content.data is not None:
        return hashlib.sha256(content.data).hexdigest()
    digest = hashlib.sha256()
    with source.open() as stream:
        while part := stream.read(_STEP):
            digest.update(part)
            job.check()
    return digest.hexdigest()


def _on_record(tx: Transaction, patient: PatientId, name: str, content: Content, digest: str) -> FileKept | None:
    """Where the same bytes lie with the same patient already."""
    found = tx.studies.find_duplicate(patient, digest)
    if found is not None:
        study, instance = found
        return FileKept(name, FileState.DUPLICATE, None, study.id, instance.id, instance.attachment, content.askable)
    if content.marks is not None:
        again = tx.imported.find_duplicate(patient, digest)
        if again is not None:
            about = tx.studies.by_uid(again.patient, again.study_uid)
            where = about.id if about is not None else None
            return FileKept(name, FileState.DUPLICATE, None, where, attachment=again.attachment)
    if content.document:
        same = same_document(tx, patient, digest)
        if same is not None:
            return FileKept(name, FileState.DUPLICATE, None, attachment=same.attachment)
    return None
