"""The audit trail: looked at, searched, signed, handed out as a file and checked without the clinic."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.jobs import Job
from desktop.records import AuditAction, AuditEntry, AuditHead
from desktop.store import AuditQuery, FileCheck, SignedHead, audit_file
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.words import plain_line, typed_text


@requires(Permission.VIEW_AUDIT)
def audit_entries(clinic: Clinic, job: Job, limit: int = 200, before: int | None = None) -> tuple[AuditEntry, ...]:
    """The audit trail, newest first. before: only lines with a smaller number. Looking at it is audited."""
    return _look(clinic, job, AuditQuery(), limit, before)


@requires(Permission.VIEW_AUDIT)
def search_audit(
    clinic: Clinic,
    job: Job,
    *,
    text: str = "",
    action: AuditAction | None = None,
    actor: str = "",
    subject: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 200,
    before: int | None = None,
) -> tuple[AuditEntry, ...]:
    """Lines that fit all that is given, newest first; what is left empty does not matter.

    text: words; a number is that of a line, any other word stands in its subject, deed or remark, or in the id or name
    of who did it. actor, subject: ids. until: left out itself. before: only lines with a smaller number. Looking is
    audited, what was looked for is not: it may be a name.
    """
    query = AuditQuery(typed_text(text), action, plain_line(actor), plain_line(subject), since, until)
    return _look(clinic, job, query, limit, before)


def _look(clinic: Clinic, job: Job, query: AuditQuery, limit: int, before: int | None) -> tuple[AuditEntry, ...]:
    job.check()
    with clinic.store.transaction() as tx:
        entries = tuple(tx.audit.search(query, limit, before))
        # The next page of what was looked at is the same look; one that begins in the middle is a look of its own.
        if before is None or not clinic.sitting.has_seen(AuditAction.VIEW_AUDIT, clinic.store.store_id):
            tx.audit.add(AuditAction.VIEW_AUDIT, clinic.store.store_id, actor=clinic.actor)
    clinic.sitting.saw(AuditAction.VIEW_AUDIT, clinic.store.store_id)
    return entries


@requires(Permission.VIEW_AUDIT)
def audit_head(clinic: Clinic, job: Job) -> SignedHead:
    """The newest audit line, signed by whoever asks: kept outside the clinic, it shows later that nothing was put
    back."""
    job.check()
    return _sign(clinic, clinic.store.sign_head())


@dataclass(frozen=True)
class ExportedTrail:
    """An audit trail in a file. rows: lines of the chain, the signed head not counted. sha256: of the file."""

    path: Path
    rows: int
    sha256: str
    head: SignedHead


@requires(Permission.VIEW_AUDIT)
def export_audit(clinic: Clinic, job: Job, out: Path) -> ExportedTrail:
    """Write the whole audit trail to a new file, oldest line first, its signed head last. The export is a line of it.

    Raises UserFacingError `workflow.file_exists` (not_empty), KnownFailure and Cancelled; no half file stays behind.
    """
    with _new_file(out) as stream:
        with clinic.store.transaction() as tx:
            entry = tx.audit.add(AuditAction.EXPORT_AUDIT, clinic.store.store_id, actor=clinic.actor)
        head = _sign(clinic, AuditHead(entry.sequence, entry.hash))
        digest = hashlib.sha256()
        for line in _lines(clinic, job, head):
            digest.update(line)
            stream.write(line)
    return ExportedTrail(out, head.sequence, digest.hexdigest(), head)


def _lines(clinic: Clinic, job: Job, head: SignedHead) -> Iterator[bytes]:
    """The file's lines. Others may work between two pages: what they add comes after the head and is left out."""
    done = 0
    while done < head.sequence:
        job.report("workflow.progress.exporting_audit", done, head.sequence)
        with clinic.store.snapshot() as tx:
            page = tx.audit.rows(after=done, until=head.sequence)
        if not page:
            break  # lines are missing, as the head will show
        yield from map(audit_file.row_line, page)
        done = page[-1][0]
    yield audit_file.head_line(head)


def _sign(clinic: Clinic, head: AuditHead) -> SignedHead:
    return SignedHead.sign(
        clinic.store.store_id, head, clinic.clock(), clinic.session.user.id, clinic.unlocked.signing_key
    )


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that did not exist, on the disk for certain when the block is left, and gone when that is by an error."""
    try:
        stream = path.open("xb")
    except FileExistsError as error:
        raise UserFacingError("workflow.file_exists", kind=ErrorKind.NOT_EMPTY) from error
    except OSError as error:
        raise from_os_error(error) from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException as error:
        with contextlib.suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise from_os_error(error) from error
        raise


@open_to_all
def verify_audit_file(path: Path, job: Job) -> FileCheck:
    """Everything that is wrong with an exported audit trail; neither the clinic nor a key is needed.

    That its head was signed by one of the clinic's users is for `verify` with that head to say. Raises KnownFailure.
    """
    try:
        with path.open("rb") as stream:
            return audit_file.check_lines(_bounded(stream, job))
    except OSError as error:
        raise from_os_error(error) from error


def _bounded(stream: BinaryIO, job: Job) -> Iterator[bytes]:
    """Lines of any file, one that is longer than any of ours in pieces."""
    while line := stream.readline(audit_file.LONGEST_LINE):
        job.check()
        yield line
