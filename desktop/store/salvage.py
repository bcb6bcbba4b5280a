"""What can be saved out of a clinic that is damaged: every record and file that the audit chain attests.

The new clinic has the old one's keys, so everybody's passphrase and the recovery card go on working, and a chain of
its own, which begins anew: each saved record gets a line in it. The old chain, as far as it could be read, lies beside
it as `audit-salvaged.jsonl`.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.store import clinic_settings, reports, visits
from desktop.store.attachments import KIND as ATTACHMENT
from desktop.store.attachments import SealedFolder, StoredFile
from desktop.store.audit import COLUMNS, row_hash
from desktop.store.audit_file import row_line
from desktop.store.backup_files import put_in_place, remove_tree
from desktop.store.backup_moment import keystore_copy
from desktop.store.canonical import from_canonical, time_text
from desktop.store.clinic_settings import Clinic
from desktop.store.heads import HeadsFile
from desktop.store.kept import KEPT, Kept
from desktop.store.places import StoreFiles
from desktop.store.reports import Seal
from desktop.store.rows import Row
from desktop.store.salvage_pages import Carved, carve
from desktop.store.store import Store
from desktop.store.verification_findings import Verification
from desktop.vault import Unlocked
from desktop.vault.files import sync_folder, write_durably
from desktop.vault.keystore_file import COPY, PRIMARY

TRAIL = "audit-salvaged.jsonl"

_BUILDING = ".salvaging"
_AT_ONCE = 1000
_FORMER_KEY = "attachment_key/"
_NEXT_CARD = "next_card"

Subject = tuple[str, str]


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
class _Finds:
    """What was read. rows: of each attested record, or group of records, its rows as they lay in their table."""

    lines: dict[int, Row] = field(default_factory=dict)
    rows: dict[Subject, list[Carved]] = field(default_factory=dict)
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
        finds = _read(StoreFiles(folder, unlocked.epoch), unlocked.master.derive("db"), job)
        if not finds.lines:
            raise KnownFailure("store.salvage_nothing", kind=ErrorKind.IO)
        building = dest.with_name(f".{dest.name}{_BUILDING}")
        dest.parent.mkdir(parents=True, exist_ok=True)
        remove_tree(building)
        try:
            building.mkdir()
            result = _build(folder, building, unlocked, finds, job, clock)
            put_in_place(building, dest)
        finally:
            remove_tree(building)
        return result
    except OSError as error:
        raise from_os_error(error) from error


def _check_destination(folder: Path, dest: Path) -> None:
    inside = dest.is_relative_to(folder.resolve())
    if inside or (dest.exists() and (not dest.is_dir() or any(dest.iterdir()))):
        raise UserFacingError("store.salvage_not_empty", kind=ErrorKind.NOT_EMPTY)


# Reading


def _read(files: StoreFiles, key: bytes, job: Job) -> _Finds:
    """Twice through every page: first for the audit lines, then for what they attest."""
    finds = _Finds()

    def pages() -> Iterator[Carved]:
        job.report("store.salvage.step.reading")
        return carve(files.database, files.write_ahead_log, key, job.check)

    for row in pages():
        _take_line(row, finds)
    wanted, groups = _attested(finds.lines)
    observed: dict[int, dict[int, Carved]] = {}
    for row in pages():
        _take_fact(row, finds)
        for value in row.values:
            if isinstance(value, bytes):
                for subject in wanted.get(hashlib.sha256(value).digest(), ()):
                    _add(finds.rows.setdefault(subject, []), row)
        if row.key is None and len(row.values) > 2 and isinstance(row.values[-1], bytes):
            encounter, number = row.values[:2]
            if isinstance(encounter, int) and isinstance(number, int):
                observed.setdefault(encounter, {})[number] = row
    _take_groups(finds, groups, observed)
    _drop_broken_reports(finds)
    return finds


def _take_line(row: Carved, finds: _Finds) -> None:
    if row.key is not None and len(row.values) == len(COLUMNS) and all(isinstance(v, str) for v in row.values[1:]):
        line = (row.key, *row.values[1:])
        if row_hash(line) == line[-1]:
            finds.lines[row.key] = line


def _attested(lines: Mapping[int, Row]) -> tuple[dict[bytes, list[Subject]], dict[str, str]]:
    """Which hashes belong to which records, each in its newest form; and the hash of each group of observations."""
    versions = {kept.kind for kept in KEPT if kept.versions}
    newest: dict[Subject, str] = {}
    every: list[tuple[Subject, str]] = []
    for sequence in sorted(lines):
        _, _, _, _, subject, kind, digest, *_ = lines[sequence]
        if kind in versions:
            every.append(((kind, subject), digest))
        elif kind:
            newest[kind, subject] = digest
    groups = {subject: digest for (kind, subject), digest in newest.items() if kind == visits.OBSERVATIONS}
    wanted: dict[bytes, list[Subject]] = {}
    for one, digest in (*newest.items(), *every):
        if one[0] != visits.OBSERVATIONS:
            wanted.setdefault(bytes.fromhex(digest), []).append(one)
    return wanted, groups


def _add(rows: list[Carved], row: Carved) -> None:
    """A row may be read several times, from the file and from the log: the last one counts."""
    for place, known in enumerate(rows):
        if known.key == row.key:
            rows[place] = row
            return
    rows.append(row)


def _take_fact(row: Carved, finds: _Finds) -> None:
    """The two facts about the store that the new one needs."""
    if row.key is not None or len(row.values) != 2:
        return
    name, value = row.values
    if name == _NEXT_CARD and isinstance(value, int):
        finds.next_card = max(finds.next_card, value)
    elif isinstance(name, str) and name.startswith(_FORMER_KEY) and isinstance(value, bytes):
        with contextlib.suppress(ValueError):
            finds.former_keys[int(name.removeprefix(_FORMER_KEY))] = value


def _take_groups(finds: _Finds, groups: Mapping[str, str], observed: Mapping[int, Mapping[int, Carved]]) -> None:
    for subject, digest in groups.items():
        (encounter, *_) = finds.rows.get((visits.ENCOUNTER, subject), [None])
        rows = observed.get(encounter.key, {}) if encounter is not None and encounter.key is not None else {}
        ordered = [rows[number] for number in sorted(rows)]
        if hashlib.sha256(b"".join(_record(row) for row in ordered)).hexdigest() == digest:
            finds.rows[visits.OBSERVATIONS, subject] = ordered


def _drop_broken_reports(finds: _Finds) -> None:
    """A report whose signed bytes are gone, and addenda behind one that is, are no use any more."""
    for (kind, subject), rows in list(finds.rows.items()):
        blobs = [value for value in rows[0].values if isinstance(value, bytes)]
        if kind == reports.REPORT:
            seal = from_canonical(Seal, blobs[-1])
            if hashlib.sha256(blobs[0]).hexdigest() != seal.sha256:
                del finds.rows[kind, subject]
        elif kind == reports.ADDENDUM:
            report, number = subject.rsplit("/", 1)
            if any((kind, f"{report}/{earlier}") not in finds.rows for earlier in range(1, int(number))):
                del finds.rows[kind, subject]


def _record(row: Carved) -> bytes:
    """The stored bytes of an observation: its table's last column."""
    value = row.values[-1]
    assert isinstance(value, bytes)
    return value


# Writing


def _build(
    folder: Path, dest: Path, unlocked: Unlocked, finds: _Finds, job: Job, clock: Callable[[], datetime]
) -> Salvaged:
    keystore = keystore_copy(folder, unlocked)
    for name in (PRIMARY, COPY):
        write_durably(dest / name, keystore)
    trail = _write_trail(dest / TRAIL, finds.lines)
    Store.create(dest, unlocked, _clinic_name(finds), now=clock(), clock=clock).close()
    files = _Files(folder, dest, {**finds.former_keys, unlocked.epoch: unlocked.master.derive("attachments")})
    saved: dict[str, int] = {}
    with Store.open(dest, unlocked, clock=clock) as store:
        actor = unlocked.user_id
        with store.transaction() as tx:
            reason = f"lines: {len(finds.lines)}, trail: {trail}"
            tx.audit.add(AuditAction.SALVAGE_CLINIC, store.store_id, actor=actor, reason=reason)
        pending = [(kept, subject) for kept in KEPT for kind, subject in finds.rows if kind == kept.kind]
        pending = [one for one in pending if one[0].kind != ATTACHMENT or files.bring(finds, one[1], job)]
        while pending:
            left = _write_round(store, pending, finds, saved, actor, job)
            if len(left) == len(pending):
                break  # what these belong to is lost
            pending = left
        _settle(store, finds, clock(), job)
    with Store.open(dest, unlocked, clock=clock) as store:
        verification = store.verify(job)
    lost = _newest_noted(folder, unlocked, max(finds.lines)) - len(finds.lines)
    return Salvaged(saved, _lost(finds, saved), len(finds.lines), lost, verification)


def _newest_noted(folder: Path, unlocked: Unlocked, known: int) -> int:
    """The number of the newest audit line: read, or noted beside the database."""
    path = StoreFiles(folder, unlocked.epoch).heads
    heads = HeadsFile(path, unlocked.store_id, unlocked.master.derive("audit"))
    return max([known, *(line.head.sequence for line in heads.lines() if line.head is not None)])


def _write_trail(path: Path, lines: Mapping[int, Row]) -> str:
    """The old chain's lines, oldest first; returns the file's SHA-256 (hex)."""
    digest = hashlib.sha256()
    with path.open("xb") as stream:
        for sequence in sorted(lines):
            line = row_line(lines[sequence])
            digest.update(line)
            stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()


def _clinic_name(finds: _Finds) -> str:
    for (kind, _), rows in finds.rows.items():
        if kind == clinic_settings.CLINIC:
            return next(from_canonical(Clinic, value).name for value in rows[0].values if isinstance(value, bytes))
    return "?"


class _Files:
    """Sealed files on their way: each is read through before it counts, and stays sealed as it is."""

    def __init__(self, folder: Path, dest: Path, keys: Mapping[int, bytes]) -> None:
        self._source = SealedFolder(folder, keys)
        self._target = SealedFolder(dest, keys)

    def bring(self, finds: _Finds, attachment: str, job: Job) -> bool:
        """Copy an attachment's file; False where it is not what was imported. Raises OSError of the new place."""
        job.report("store.salvage.step.files")
        record = next(value for value in finds.rows[ATTACHMENT, attachment][0].values if isinstance(value, bytes))
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


def _write_round(
    store: Store,
    pending: list[tuple[Kept, str]],
    finds: _Finds,
    saved: dict[str, int],
    actor: str,
    job: Job,
) -> list[tuple[Kept, str]]:
    """Write what is pending; returns what must wait for something it belongs to."""
    left: list[tuple[Kept, str]] = []
    for start in range(0, len(pending), _AT_ONCE):
        job.report("store.salvage.step.writing", start, len(pending))
        with store.transaction() as tx:
            for kept, subject in pending[start : start + _AT_ONCE]:
                try:
                    tx.salvage.put(kept, subject, finds.rows[kept.kind, subject], actor)
                except dbapi2.IntegrityError:
                    left.append((kept, subject))
                else:
                    saved[kept.kind] = saved.get(kept.kind, 0) + 1
    return left


def _settle(store: Store, finds: _Finds, now: datetime, job: Job) -> None:
    """What follows from the records: merges that still hold, signed studies, the next card, the search index."""
    with store.transaction() as tx:
        for epoch, former in finds.former_keys.items():
            tx.attachment_keys.keep(epoch, former)
        tx.salvage.settle(finds.next_card, time_text(now))
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


def _lost(finds: _Finds, saved: Mapping[str, int]) -> dict[str, int]:
    """Records the chain speaks of, less those that were saved, by kind."""
    spoken: dict[str, set[str]] = {}
    for line in finds.lines.values():
        if line[5]:
            spoken.setdefault(line[5], set()).add(line[4])
    counts = {kind: len(subjects) - saved.get(kind, 0) for kind, subjects in spoken.items()}
    return {kind: count for kind, count in counts.items() if count}


__all__ = ["TRAIL", "Salvaged", "salvage"]
