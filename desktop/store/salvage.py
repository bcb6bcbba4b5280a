"""What can be saved out of a clinic that is damaged: every record and file that the audit chain attests.

The new clinic has the old one's keys, so everybody's passphrase and the recovery card go on working, and a chain of
its own, which begins anew: each saved record gets a line in it. The old chain, as far as it could be read, lies beside
it as `audit-salvaged.jsonl`.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.store import clinic_settings, reports
from desktop.store.attachments import KIND as ATTACHMENT
from desktop.store.attachments import SealedFolder, StoredFile
from desktop.store.audit_file import row_line
from desktop.store.backup_moment import keystore_copy
from desktop.store.building_site import ASIDE, SALVAGING, building_site, is_free, settle
from desktop.store.canonical import from_canonical, time_text
from desktop.store.clinic_settings import Clinic
from desktop.store.database import translated
from desktop.store.heads import HeadsFile
from desktop.store.kept import KEPT, Kept
from desktop.store.places import StoreFiles
from desktop.store.reports import Seal
from desktop.store.salvage_finds import Finds
from desktop.store.salvage_pages import Carved, carve
from desktop.store.store import Store
from desktop.store.verification_findings import Verification
from desktop.vault import Unlocked
from desktop.vault.files import sync_folder, write_durably
from desktop.vault.keystore_file import COPY, PRIMARY

TRAIL = "audit-salvaged.jsonl"

_AT_ONCE = 1000
_FORMER_KEY = "attachment_key/"
_NEXT_CARD = "next_card"


@dataclass(frozen=True)
class Salvaged:
    """What became of a damaged clinic.

    saved, lost: records by the kind the audit chain gives them; lost are those it speaks of and that could not be read,
    or whose file is gone. lines: audit lines that could be read. lines_lost: those that could not, up to the newest one
    read or noted. verification: of the new clinic.
    """

    saved: Mapping[str, int]
    lost: Mapping[str, int]
    lines: int
    lines_lost: int
    verification: Verification


@dataclass
class _Facts:
    """The few facts about the store that the new one needs. former_keys: of sealed files, by epoch."""

    former_keys: dict[int, bytes] = field(default_factory=dict)
    next_card: int = 1


def salvage(folder: Path, dest: Path, unlocked: Unlocked, job: Job, *, clock: Callable[[], datetime]) -> Salvaged:
    """Save what can be proven out of `folder` into a new clinic in `dest`, which must be absent or empty. The damaged
    clinic is only read; the new one gets its place when it is complete, so a power cut leaves it or none.

    Raises UserFacingError `store.salvage_not_empty`, `store.salvage_nothing` where no audit line can be read,
    KnownFailure of the disk, and Cancelled; `dest` is then as it was.
    """
    try:
        dest = dest.resolve()
        _check_destination(folder, dest)
        dest.parent.mkdir(parents=True, exist_ok=True)
        with building_site(dest, SALVAGING) as building:
            with translated(), Finds(building.with_name(ASIDE)) as finds:
                facts = _read(StoreFiles(folder, unlocked.epoch), unlocked.master.derive("db"), finds, job)
                result = _build(folder, building, unlocked, finds, facts, job, clock)
            settle(building, dest)
        return result
    except OSError as error:
        raise from_os_error(error) from error


def _check_destination(folder: Path, dest: Path) -> None:
    inside = dest.is_relative_to(folder.resolve())
    if inside or not is_free(dest, SALVAGING):
        raise UserFacingError("store.salvage_not_empty", kind=ErrorKind.NOT_EMPTY)


# Reading


def _read(files: StoreFiles, key: bytes, finds: Finds, job: Job) -> _Facts:
    """Twice through every page: first for the audit lines, then for what they attest. Raises KnownFailure
    `store.salvage_nothing`."""
    facts = _Facts()

    def pages() -> Iterator[Carved]:
        job.report("store.salvage.step.reading")
        return carve(files.database, files.write_ahead_log, key, job.check)

    with finds.together():
        for row in pages():
            finds.take_line(row)
        if not finds.line_count:
            raise KnownFailure("store.salvage_nothing", kind=ErrorKind.IO)
        finds.attest(job.check)
    with finds.together():
        for row in pages():
            _take_fact(row, facts)
            finds.take_row(row)
        finds.take_groups()
        _drop_broken_reports(finds)
    return facts


def _take_fact(row: Carved, facts: _Facts) -> None:
    if row.key is not None or len(row.values) != 2:
        return
    name, value = row.values
    if name == _NEXT_CARD and isinstance(value, int):
        facts.next_card = max(facts.next_card, value)
    elif isinstance(name, str) and name.startswith(_FORMER_KEY) and isinstance(value, bytes):
        with contextlib.suppress(ValueError):
            facts.former_keys[int(name.removeprefix(_FORMER_KEY))] = value


def _drop_broken_reports(finds: Finds) -> None:
    """A report whose signed bytes are gone, and addenda behind one that is, are no use any more."""
    for identity, _ in finds.pending(reports.REPORT):
        content, *_, seal = _blobs(finds, reports.REPORT, identity)
        if hashlib.sha256(content).hexdigest() != from_canonical(Seal, seal).sha256:
            finds.drop(reports.REPORT, identity)
    for identity, subject in finds.pending(reports.ADDENDUM):
        report, number = subject.rsplit("/", 1)
        if not all(finds.is_pending(reports.ADDENDUM, f"{report}/{earlier}") for earlier in range(1, int(number))):
            finds.drop(reports.ADDENDUM, identity)


def _blobs(finds: Finds, kind: str, identity: int) -> list[bytes]:
    """The bytes in the first row of a record."""
    return [value for value in finds.rows(kind, identity)[0].values if isinstance(value, bytes)]


# Writing


def _build(
    folder: Path,
    dest: Path,
    unlocked: Unlocked,
    finds: Finds,
    facts: _Facts,
    job: Job,
    clock: Callable[[], datetime],
) -> Salvaged:
    keystore = keystore_copy(folder, unlocked)
    for name in (PRIMARY, COPY):
        write_durably(dest / name, keystore)
    trail = _write_trail(dest / TRAIL, finds)
    Store.create(dest, unlocked, _clinic_name(finds), now=clock(), clock=clock).close()
    files = _Files(folder, dest, {**facts.former_keys, unlocked.epoch: unlocked.master.derive("attachments")})
    with Store.open(dest, unlocked, clock=clock) as store:
        actor = unlocked.user_id
        with store.transaction() as tx:
            reason = f"lines: {finds.line_count}, trail: {trail}"
            tx.audit.add(AuditAction.SALVAGE_CLINIC, store.store_id, actor=actor, reason=reason)
        for identity, _ in finds.pending(ATTACHMENT):
            if not files.bring(_blobs(finds, ATTACHMENT, identity)[0], job):
                finds.drop(ATTACHMENT, identity)
        saved = _write(store, finds, actor, job)
        _settle(store, facts, clock(), job)
    with Store.open(dest, unlocked, clock=clock) as store:
        verification = store.verify(job)
    lines_lost = _newest_noted(folder, unlocked, finds.last_line) - finds.line_count
    return Salvaged(saved, _lost(finds, saved), finds.line_count, lines_lost, verification)


def _newest_noted(folder: Path, unlocked: Unlocked, known: int) -> int:
    """The number of the newest audit line: read, or noted beside the database."""
    path = StoreFiles(folder, unlocked.epoch).heads
    heads = HeadsFile(path, unlocked.store_id, unlocked.master.derive("audit"))
    return max(known, max((line.head.sequence for line in heads.lines() if line.head is not None), default=0))


def _write_trail(path: Path, finds: Finds) -> str:
    """The old chain's lines, oldest first; returns the file's SHA-256 (hex)."""
    digest = hashlib.sha256()
    with path.open("xb") as stream:
        for row in finds.lines():
            line = row_line(row)
            digest.update(line)
            stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()


def _clinic_name(finds: Finds) -> str:
    for identity, _ in finds.pending(clinic_settings.CLINIC):
        return from_canonical(Clinic, _blobs(finds, clinic_settings.CLINIC, identity)[0]).name
    return "?"


class _Files:
    """Sealed files on their way: each is read through before it counts, and stays sealed as it is."""

    def __init__(self, folder: Path, dest: Path, keys: Mapping[int, bytes]) -> None:
        self._source = SealedFolder(folder, keys)
        self._target = SealedFolder(dest, keys)

    def bring(self, record: bytes, job: Job) -> bool:
        """Copy an attachment's file; False where it is not what was imported. record: the attachment's, as stored.
        Raises OSError of the new place."""
        job.report("store.salvage.step.files")
        stored = from_canonical(StoredFile, record)
        digest = hashlib.sha256()
        try:
            with self._source.open(stored) as stream:
                while block := stream.read(1 << 20):
                    job.check()
                    digest.update(block)
        except (KnownFailure, OSError):
            return False
        if digest.hexdigest() != stored.attachment.sha256:
            return False
        path = self._target.path(stored.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._source.path(stored.file), path)
        with path.open("rb+") as copy:
            os.fsync(copy.fileno())
        sync_folder(path.parent)
        sync_folder(path.parent.parent)
        return True


def _write(store: Store, finds: Finds, actor: str, job: Job) -> dict[str, int]:
    """Write what was found, as often as something comes of it: some records wait for others. Returns how many were
    saved, by kind."""
    saved: dict[str, int] = {}
    before = 0
    while (left := finds.pending_count) != before:
        before, done = left, 0
        for kept in KEPT:
            waiting = finds.pending(kept.kind)
            while batch := list(islice(waiting, _AT_ONCE)):
                job.report("store.salvage.step.writing", done, left)
                written = _write_batch(store, kept, batch, finds, actor)
                saved[kept.kind] = saved.get(kept.kind, 0) + written
                done += len(batch)
    return {kind: count for kind, count in saved.items() if count}


def _write_batch(store: Store, kept: Kept, batch: Sequence[tuple[int, str]], finds: Finds, actor: str) -> int:
    """Write some records in one transaction; what must wait for something it belongs to stays. Returns how many."""
    written = []
    with store.transaction() as tx:
        for identity, subject in batch:
            with contextlib.suppress(dbapi2.IntegrityError):
                tx.salvage.put(kept, subject, finds.rows(kept.kind, identity), actor)
                written.append(identity)
    with finds.together():
        for identity in written:
            finds.drop(kept.kind, identity)
    return len(written)


def _settle(store: Store, facts: _Facts, now: datetime, job: Job) -> None:
    """What follows from the records: merges that still hold, signed studies, the next card, the search index."""
    with store.transaction() as tx:
        for epoch, former in facts.former_keys.items():
            tx.attachment_keys.keep(epoch, former)
        tx.salvage.settle(facts.next_card, time_text(now))
    last = -1
    while keys := _patients_after(store, last):
        job.report("store.salvage.step.writing")
        with store.transaction() as tx:
            for key in keys:
                tx.patients.index_again(key)
        last = keys[-1]


def _patients_after(store: Store, key: int) -> list[int]:
    with store.snapshot() as tx:
        return tx.salvage.patients_after(key, _AT_ONCE)


def _lost(finds: Finds, saved: Mapping[str, int]) -> dict[str, int]:
    """Records the chain speaks of, less those that were saved, by kind."""
    counts = {kind: count - saved.get(kind, 0) for kind, count in finds.spoken_of().items()}
    return {kind: count for kind, count in counts.items() if count}


__all__ = ["TRAIL", "Salvaged", "salvage"]
