"""Is every record what the audit chain says, every signed report what was signed, every file what was imported?"""

import hashlib
from collections.abc import Collection

from desktop.errors import KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import Addendum
from desktop.records.canonical_report import addendum_canonical_bytes, report_from_canonical
from desktop.store.attachments import SEALED_NAME, SealedFolder, StoredFile
from desktop.store.canonical import from_canonical
from desktop.store.kept import KEPT, record_faults
from desktop.store.reports import Seal
from desktop.store.rows import Row, Rows
from desktop.store.verification_chain import known_keys
from desktop.store.verification_findings import Findings, ProblemKind
from desktop.vault import verify_signature

_BLOCK = 1 << 20
_PAGE = 1000


def check_records(rows: Rows, found: Findings, job: Job) -> None:
    """Every record against the last hash the chain holds of it; what is repeated beside it; whom it belongs to."""
    for place, kept in enumerate(KEPT):
        job.report("verify.step.records", place, len(KEPT))
        for fault in record_faults(rows, kept, job.check):
            kind = ProblemKind.ROLLBACK if fault.key == "verify.record_older" else ProblemKind.RECORD
            found.problem(kind, f"{kept.table}/{fault.subject}", fault.key, table=kept.table)
    for table, rowid, *_ in rows.all("PRAGMA foreign_key_check"):
        found.problem(ProblemKind.RECORD, f"{table}/{rowid}", "verify.record_without_parent", table=table)
    signed = (
        "SELECT id FROM imaging_studies WHERE signed <> EXISTS (SELECT 1 FROM reports WHERE study = imaging_studies.id)"
    )
    for (identity,) in rows.all(signed):
        where = f"imaging_studies/{identity}"
        found.problem(ProblemKind.RECORD, where, "verify.record_changed", table="imaging_studies")


def count(rows: Rows, found: Findings) -> None:
    """Rows by table, of those that are counted."""
    for kept in KEPT:
        if kept.counted:
            row = rows.one(f"SELECT count(*) FROM {kept.table}")
            found.counts[kept.counted] = int(row[0]) if row else 0


def list_patients(rows: Rows, found: Findings, job: Job) -> None:
    """The patients' part of the inventory."""
    last = ""
    while page := rows.all("SELECT id, record FROM patients WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)):
        job.check()
        for identity, record in page:
            found.patients[identity] = hashlib.sha256(record).hexdigest()
        last = page[-1][0]


def check_reports(rows: Rows, found: Findings, job: Job, *, inventory: bool) -> None:
    """Signed reports and their addenda: the bytes, their hash, the signature, and that none was dropped between."""
    keys = known_keys(rows)
    last = -1
    while page := rows.all(
        "SELECT key, id, study, content, record FROM reports WHERE key > ? ORDER BY key LIMIT 100", (last,)
    ):
        job.check()
        for row in page:
            _, identity, _, content, _ = row
            if inventory:
                found.reports[identity] = hashlib.sha256(content).hexdigest()
            if not _report_holds(rows, row, keys):
                found.problem(ProblemKind.RECORD, f"reports/{identity}", "verify.report_changed")
        last = page[-1][0]


def _report_holds(rows: Rows, row: Row, keys: Collection[bytes]) -> bool:
    _, identity, study, content, record = row
    try:
        seal = from_canonical(Seal, record)
    except ValueError:
        return True  # told by the record check
    try:
        return (
            hashlib.sha256(content).hexdigest() == seal.sha256
            and seal.public_key in keys
            and verify_signature(seal.public_key, content, seal.signature)
            and report_from_canonical(content).study == study
            and _addenda_hold(rows, identity, seal.sha256, keys)
        )
    except ValueError:
        return False


def _addenda_hold(rows: Rows, report: str, report_sha256: str, keys: Collection[bytes]) -> bool:
    """Whether each addendum is signed by one of the clinic's users and follows from the one before."""
    previous = ""
    addenda = rows.all("SELECT id, number, record FROM addenda WHERE report = ? ORDER BY number", (report,))
    for number, (identity, stored_number, record) in enumerate(addenda, start=1):
        addendum = from_canonical(Addendum, record)
        data = addendum_canonical_bytes(report_sha256, previous, addendum.text, addendum.author_name, addendum.signed)
        if (identity, stored_number) != (f"{report}/{number}", number):
            return False
        if hashlib.sha256(data).hexdigest() != addendum.sha256:
            return False
        if not any(verify_signature(key, data, addendum.signature) for key in keys):
            return False
        previous = addendum.sha256
    return True


def check_attachments(rows: Rows, sealed: SealedFolder, found: Findings, job: Job, *, inventory: bool) -> None:
    """Every imported file opens and holds the bytes that were imported; files of nobody are noted."""
    row = rows.one("SELECT count(*) FROM attachments")
    total, done, last = int(row[0]) if row else 0, 0, ""
    while page := rows.all("SELECT id, record FROM attachments WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)):
        for identity, record in page:
            job.report("verify.step.attachments", done, total)
            _check_attachment(identity, record, sealed, found, job, inventory=inventory)
            done += 1
        last = page[-1][0]
    _note_orphans(rows, sealed, found, job)


def _check_attachment(
    identity: str, record: bytes, sealed: SealedFolder, found: Findings, job: Job, *, inventory: bool
) -> None:
    try:
        stored = from_canonical(StoredFile, record)
    except ValueError:
        return  # told by the record check
    where = f"attachments/{identity}"
    try:
        digest = _plain_sha256(sealed, stored, job)
    except (KnownFailure, OSError) as error:
        missing = isinstance(error, UserFacingError) and error.key == "store.attachment_missing"
        found.problem(
            ProblemKind.ATTACHMENT, where, "verify.attachment_missing" if missing else "verify.attachment_damaged"
        )
        return
    if digest != stored.attachment.sha256:
        found.problem(ProblemKind.ATTACHMENT, where, "verify.attachment_damaged")
    if inventory:
        found.attachments[identity] = digest


def _plain_sha256(sealed: SealedFolder, stored: StoredFile, job: Job) -> str:
    digest = hashlib.sha256()
    with sealed.open(stored) as stream:
        while block := stream.read(_BLOCK):
            job.check()
            digest.update(block)
    return digest.hexdigest()


def _note_orphans(rows: Rows, sealed: SealedFolder, found: Findings, job: Job) -> None:
    """Files that no row refers to. What Lantern could not have written there is somebody else's, and a word too."""
    for path in sealed.files():
        job.check()
        if rows.one("SELECT 1 FROM attachments WHERE file = ?", (path.name,)) is not None:
            continue
        where = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
        found.note(where, "verify.orphan" if SEALED_NAME.fullmatch(path.name) else "verify.foreign_file")
