"""Backups: made by hand or by plan, proven by a drill, restored on a bare PC."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, AuditHead, Changes, new_id
from desktop.store import Problem
from desktop.store.backup import MadeBackup, make_backup
from desktop.store.backup_check import Backup, Fault
from desktop.store.backup_drill import prove
from desktop.store.backup_files import is_folder, on_medium
from desktop.store.backup_rotation import make_scheduled, mark_medium, medium_of
from desktop.store.backup_runs import PLAN_ID, BackupPlan, BackupRun, PlannedPlace, RunKind
from desktop.store.restore import check_card, find_backups, is_backup, restore_backup
from desktop.vault.files import sync_folder
from desktop.workflow.clinic import Clinic, Clock, open_to_all, requires, system_clock
from desktop.workflow.media import Media

__all__ = [
    "BackupInfo",
    "BackupMade",
    "BackupPlan",
    "BackupProven",
    "BackupRun",
    "BackupState",
    "KnownBackup",
    "PlannedPlace",
    "RestoredClinic",
    "RunKind",
    "back_up",
    "backup_state",
    "check_recovery_card",
    "drill",
    "inspect_backup",
    "known_backups",
    "restore",
    "run_scheduled_backup",
    "set_backup_plan",
]

OVERDUE_AFTER = timedelta(hours=24)
DRILL_EVERY = timedelta(days=30)
RETRY_AFTER = timedelta(hours=1)
DRILL_AGAIN_AFTER = timedelta(days=1)

# A restored clinic is as well backed up as on the day of the backup that it came from.
_BACKUPS = (RunKind.MANUAL, RunKind.SCHEDULED, RunKind.RESTORE)


@dataclass(frozen=True)
class BackupMade:
    """A backup. folder: its own, new. faults: what was found when it was read back. counts: patients, attachments,
    reports. size: bytes."""

    run: BackupRun
    folder: Path
    faults: tuple[Fault, ...]
    counts: Mapping[str, int]
    size: int
    changes: Changes

    @property
    def verified(self) -> bool:
        """Whether it was read back from its medium and holds what the clinic holds, whole."""
        return not self.faults


@dataclass(frozen=True)
class BackupState:
    """How well the clinic is backed up.

    last: the newest good backup; for a clinic that was restored since, the one it came from. failure: the newest try,
    if it failed. proven: the newest restore drill that went well. overdue: the last good one is more than 24 hours old.
    due: the plan asks for one now. drill_due: a month has passed since a backup was proven, and a day since that was
    last tried.
    """

    last: BackupRun | None
    failure: BackupRun | None
    proven: BackupRun | None
    plan: BackupPlan
    overdue: bool
    due: bool
    drill_due: bool


@dataclass(frozen=True)
class KnownBackup:
    """A backup that the clinic remembers; also the one it came from itself. there: it lies where it was made; else its
    medium is not plugged in, or does not answer. proven: it was restored to a scratch place, and nothing was wrong."""

    run: BackupRun
    there: bool
    proven: bool


@dataclass(frozen=True)
class BackupInfo:
    """What a backup says of itself before any key is used. counts as in `BackupMade`."""

    folder: Path
    made: datetime
    store_id: str
    counts: Mapping[str, int]
    size: int
    scheduled: bool


@dataclass(frozen=True)
class BackupProven:
    """A backup that was restored into a scratch place and checked. problems: what was found there."""

    run: BackupRun
    problems: tuple[Problem, ...]
    changes: Changes


@dataclass(frozen=True)
class RestoredClinic:
    """A clinic that came from a backup, closed; people unlock it with the passphrases they had. problems: what its full
    check found, head: the newest line of its audit chain."""

    id: str
    backup: BackupInfo
    counts: Mapping[str, int]
    head: AuditHead | None
    problems: tuple[Problem, ...]

    @property
    def verified(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@requires(Permission.BACK_UP)
def back_up(clinic: Clinic, job: Job, dest: Path) -> BackupMade:
    """Make a backup in a new folder below `dest`, which is made if its parent exists, and read it back; audited.

    Other backups there are left alone. Raises UserFacingError (not_found, bad_input), KnownFailure (disk_full, io), or
    Cancelled; then the clinic and every earlier backup are as they were.
    """
    fresh = _prepare(clinic, dest)
    try:
        made = make_backup(clinic.store, dest, job, now=clinic.clock())
    except BaseException as failure:
        if fresh:
            with contextlib.suppress(OSError):
                dest.rmdir()
        _remember_failure(clinic, RunKind.MANUAL, failure, dest)
        raise
    return _remember(clinic, RunKind.MANUAL, made)


@requires(Permission.BACK_UP)
def backup_state(clinic: Clinic, job: Job) -> BackupState:
    """The last backup, the last proven restore, and what is due."""
    job.check()
    now = clinic.clock()
    with clinic.store.snapshot() as tx:
        last = tx.backups.latest(*_BACKUPS, ok=True)
        newest = tx.backups.latest(*_BACKUPS)
        proven = tx.backups.latest(RunKind.DRILL, ok=True)
        drilled = tx.backups.latest(RunKind.DRILL)
        scheduled = tx.backups.latest(RunKind.SCHEDULED)
        plan = tx.backups.plan()
        first = next((entry.time for entry in tx.audit.entries(1, before=2)), now)
    return BackupState(
        last,
        newest if newest is not None and not newest.ok else None,
        proven,
        plan,
        overdue=_apart(now, last.as_of if last else first, OVERDUE_AFTER),
        due=is_due(plan, scheduled, now),
        drill_due=_apart(now, proven.finished if proven else first, DRILL_EVERY)
        and (drilled is None or _apart(now, drilled.finished, DRILL_AGAIN_AFTER)),
    )


@requires(Permission.BACK_UP)
def known_backups(clinic: Clinic, job: Job, limit: int = 50) -> tuple[KnownBackup, ...]:
    """The backups that the clinic remembers, newest first, without those that are gone from a medium that is there."""
    job.check()
    with clinic.store.snapshot() as tx:
        runs = [run for run in tx.backups.newest(*_BACKUPS, limit=limit) if run.place and run.backup]
        proven = {run.backup for run in tx.backups.newest(RunKind.DRILL, ok=True)}
    media: dict[Path, list[BackupRun]] = {}
    for run in runs:
        media.setdefault(Path(run.place).parent, []).append(run)
    seen = clinic.media.ask({medium: partial(_look_at, medium, media[medium]) for medium in media}, _Seen())
    told = ((run, seen[Path(run.place).parent]) for run in runs)
    return tuple(
        KnownBackup(run, run.id in one.backups, run.backup in proven)
        for run, one in told
        if run.id in one.backups or not one.there
    )


@dataclass(frozen=True)
class _Seen:
    """What lies on a medium. there: its folder. backups: ids of the runs whose backups lie on it."""

    there: bool = False
    backups: frozenset[str] = frozenset()


def _look_at(medium: Path, runs: list[BackupRun]) -> _Seen:
    return _Seen(is_folder(medium), frozenset(run.id for run in runs if is_backup(Path(run.place))))


def is_due(plan: BackupPlan, last: BackupRun | None, now: datetime) -> bool:
    """Whether the plan asks for a backup. last: the newest scheduled try.

    A failed one is tried again after an hour; one that lies ahead, because the clock was put back, counts for nothing.
    """
    if not plan.places:
        return False
    if last is None or last.finished > now:
        return True
    if not last.ok:
        return now - last.finished >= RETRY_AFTER
    if plan.hour is None:
        return now - last.finished >= timedelta(hours=plan.every_hours)
    slot = now.replace(hour=plan.hour, minute=0, second=0, microsecond=0)
    if slot > now:
        slot -= timedelta(days=1)
    return last.finished < slot


@requires(Permission.MANAGE_CLINIC)
def set_backup_plan(
    clinic: Clinic,
    job: Job,
    *,
    places: tuple[Path | PlannedPlace, ...],
    hour: int | None = None,
    every_hours: int = 24,
) -> BackupPlan:
    """Say when and where backups are made unasked; audited. No places: none are made.

    places: new folders, each made if its parent exists, where a small file with an id is written so that a stranger's
    stick is not taken for it; and places of the present plan, which need not be plugged in. hour, every_hours: as in
    `BackupPlan`. Raises as `back_up`, and ValueError.
    """
    job.check()
    BackupPlan((), hour, every_hours)
    planned: dict[str, PlannedPlace] = {}
    for place in places:
        if isinstance(place, Path):
            _prepare(clinic, place)
            place = PlannedPlace(str(place.absolute()), mark_medium(place))
        planned[place.medium] = place
    plan = BackupPlan(tuple(planned.values()), hour, every_hours)
    with clinic.store.transaction() as tx:
        tx.backups.set_plan(plan)
        tx.audit.add(AuditAction.CHANGE_BACKUP_PLAN, PLAN_ID, actor=clinic.actor)
    return plan


@requires(Permission.BACK_UP)
def run_scheduled_backup(clinic: Clinic, job: Job) -> BackupMade | None:
    """Make the backup that the plan asks for now, on the medium whose last one is oldest, and let old ones go; audited.

    None where none is due. Raises UserFacingError `backup.no_medium` where no planned medium is plugged in, and as
    `back_up`.
    """
    with clinic.store.snapshot() as tx:
        plan = tx.backups.plan()
        if not is_due(plan, tx.backups.latest(RunKind.SCHEDULED), clinic.clock()):
            return None
        last = {place.medium: tx.backups.last_on(place.medium) for place in plan.places}
    # Several sticks may be planned under the same drive letter: the id tells which one is plugged in.
    paths = {Path(place.path) for place in plan.places}
    marks = clinic.media.ask({path: partial(medium_of, path) for path in paths}, "")
    reachable = [place for place in plan.places if marks[Path(place.path)] == place.medium]
    if not reachable:
        raise UserFacingError("backup.no_medium", kind=ErrorKind.NOT_FOUND)
    never = datetime.min.replace(tzinfo=clinic.clock().tzinfo)
    place = min(reachable, key=lambda one: run.finished if (run := last[one.medium]) else never)
    try:
        made = make_scheduled(clinic.store, Path(place.path), job, now=clinic.clock())
    except BaseException as failure:
        _remember_failure(clinic, RunKind.SCHEDULED, failure, Path(place.path), place.medium)
        raise
    return _remember(clinic, RunKind.SCHEDULED, made, place.medium)


@requires(Permission.BACK_UP)
def drill(clinic: Clinic, job: Job) -> BackupProven:
    """Restore the newest reachable backup into a scratch folder beside the clinic, check all of it, and remove it.

    Remembered as the last proven restore where nothing is wrong; audited either way. Raises UserFacingError
    `backup.nothing_to_prove` where no backup can be reached, and KnownFailure of the medium, the disk or the backup.
    """
    backup = _newest_reachable(clinic)
    try:
        found = prove(backup, clinic.store, clinic.unlocked, job, clinic.clock)
    except UserFacingError as failure:
        _write_run(clinic, AuditAction.PROVE_BACKUP, _run(clinic, RunKind.DRILL, backup, failure.key))
        raise
    key = found.problems[0].key if found.problems else ""
    run = _run(clinic, RunKind.DRILL, backup, key)
    _write_run(clinic, AuditAction.PROVE_BACKUP, run)
    return BackupProven(run, found.problems, Changes(backups=True))


@open_to_all
def inspect_backup(source: Path, job: Job) -> tuple[BackupInfo, ...]:
    """The backup in a folder, or those that lie below it, newest first; quick, and without a key.

    Raises UserFacingError (not_a_backup), KnownFailure (backup_damaged, io).
    """
    job.check()
    Media().require(source)
    return tuple(_info(backup) for backup in find_backups(source))


@open_to_all
def check_recovery_card(source: Path, job: Job, *, card: str) -> None:
    """Say at once whether the card opens the backup in `source`; `restore` reads all of it before it tries the card.

    Raises UserFacingError (wrong_recovery_card, not_a_backup), KnownFailure (backup_damaged, io).
    """
    Media().require(source)
    check_card(source, card, job)


@open_to_all
def restore(source: Path, folder: Path, job: Job, *, card: str, clock: Clock = system_clock) -> RestoredClinic:
    """Bring a clinic back into an absent or empty folder, with nothing but a backup and the recovery card's code.

    Every part is compared with its checksum before the card is tried. The backup is only read. Raises UserFacingError
    (not_a_backup, not_empty, wrong_recovery_card, bad_input), KnownFailure (backup_damaged, disk_full, io), Cancelled;
    then the folder is as it was.
    """
    Media().require(source)
    done = restore_backup(source, folder, card, job, clock=clock)
    return RestoredClinic(
        done.store_id,
        _info(done.backup),
        dict(done.backup.manifest.counts),
        done.found.head,
        done.found.problems,
    )


def _prepare(clinic: Clinic, dest: Path) -> bool:
    """Make the folder for backups where it is not there yet, and say whether it was not. Raises UserFacingError,
    KnownFailure."""
    clinic.media.require(dest)
    with on_medium(dest.parent):
        if dest.resolve().is_relative_to(clinic.store.folder.resolve()):
            raise UserFacingError("backup.inside_the_clinic")
        if dest.exists():
            if not dest.is_dir():
                raise UserFacingError("backup.not_a_folder")
            return False
        if not dest.parent.is_dir():
            raise UserFacingError("backup.parent_missing", kind=ErrorKind.NOT_FOUND)
        dest.mkdir()
        try:
            sync_folder(dest.parent)
        except OSError:
            dest.rmdir()
            raise
    return True


def _remember(clinic: Clinic, kind: RunKind, made: MadeBackup, medium: str = "") -> BackupMade:
    """A backup of a clinic that had lost something itself is still the best there can be of it."""
    spoilt = next((fault.key for fault in made.faults if not fault.in_clinic), "")
    run = _run(clinic, kind, made.backup, spoilt, medium)
    _write_run(clinic, AuditAction.BACKUP_FAILED if spoilt else AuditAction.BACK_UP, run)
    manifest = made.backup.manifest
    return BackupMade(run, made.backup.folder, made.faults, dict(manifest.counts), manifest.size, Changes(backups=True))


def _remember_failure(clinic: Clinic, kind: RunKind, failure: BaseException, place: Path, medium: str = "") -> None:
    """Note a try that failed, as far as the clinic's disk lets. Somebody who cancelled knows it."""
    if isinstance(failure, UserFacingError):
        run = BackupRun(new_id(), kind, clinic.clock(), False, failure.key, place=str(place), medium=medium)
        with contextlib.suppress(UserFacingError):
            _write_run(clinic, AuditAction.BACKUP_FAILED, run)


def _run(clinic: Clinic, kind: RunKind, backup: Backup, failure: str, medium: str = "") -> BackupRun:
    manifest = backup.manifest
    return BackupRun(
        new_id(),
        kind,
        clinic.clock(),
        not failure,
        failure,
        manifest.id,
        manifest.made,
        manifest.head.sequence,
        str(backup.folder.absolute()),
        medium,
    )


def _write_run(clinic: Clinic, action: AuditAction, run: BackupRun) -> None:
    with clinic.store.transaction() as tx:
        tx.backups.add(run)
        tx.audit.add(action, run.id, actor=clinic.actor, reason=run.failure or run.backup)


def _newest_reachable(clinic: Clinic) -> Backup:
    """The newest good backup that lies where it was made. Raises UserFacingError `backup.nothing_to_prove`."""
    with clinic.store.snapshot() as tx:
        runs = tx.backups.newest(*_BACKUPS, ok=True)
    for run in runs:
        place = Path(run.place)
        if not run.place:
            continue  # a restore by an earlier release, which did not say from where
        if not clinic.media.ask({place.parent: partial(is_backup, place)}, False)[place.parent]:
            continue
        with contextlib.suppress(UserFacingError):
            for found in find_backups(place):
                if found.manifest.id == run.backup:
                    return found
    raise UserFacingError("backup.nothing_to_prove", kind=ErrorKind.NOT_FOUND)


def _info(backup: Backup) -> BackupInfo:
    manifest = backup.manifest
    return BackupInfo(
        backup.folder, manifest.made, manifest.store_id, dict(manifest.counts), manifest.size, manifest.shared
    )


def _apart(now: datetime, then: datetime, span: timedelta) -> bool:
    """Whether the two lie further apart; a moment that lies ahead was noted by a clock that went wrong."""
    return abs(now - then) > span
