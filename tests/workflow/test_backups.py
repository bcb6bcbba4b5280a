"""Backups by hand and by plan, their state, the drill, and the restore that needs nothing but the card."""

import errno
import functools
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desktop import workflow
from desktop.errors import Cancelled, ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, new_id
from desktop.store.backup_runs import BackupPlan, BackupRun, PlannedPlace, RunKind
from desktop.vault import keystore
from desktop.workflow.backups import is_due

JOB = Job()
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watch: Watch) -> Iterator[workflow.Created]:
    monkeypatch.setattr(keystore, "create", functools.partial(keystore.create, calibrate=False))
    made = workflow.create_clinic(
        tmp_path / "clinic",
        JOB,
        name="石桥村卫生室",
        admin="li",
        passphrase="correct horse",
        models=workflow.load_models(),
        clock=watch,
    )
    yield made
    if made.clinic.store._connection is not None:
        workflow.lock(made.clinic)


@pytest.fixture
def clinic(created: workflow.Created) -> workflow.Clinic:
    return created.clinic


def refusal(deed: Callable[[], object]) -> UserFacingError:
    with pytest.raises(UserFacingError) as caught:
        deed()
    return caught.value


def said(clinic: workflow.Clinic) -> list[tuple[AuditAction, str]]:
    """Deeds and remarks of the audit trail, oldest first."""
    with clinic.store.snapshot() as tx:
        return [(entry.action, entry.reason) for entry in reversed(tx.audit.entries(1000))]


def test_a_backup_is_remembered_and_audited(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    made = workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    assert made.verified
    assert made.folder.parent == tmp_path / "stick"
    assert made.counts == {"patients": 0, "attachments": 0, "reports": 0}
    assert made.changes.backups
    state = workflow.backups.backup_state(clinic, JOB)
    assert (state.last, state.failure, state.overdue) == (made.run, None, False)
    assert said(clinic)[-1] == (AuditAction.BACK_UP, made.run.backup)
    assert clinic.store.verify(JOB).ok


def test_a_day_without_a_backup_is_overdue(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    assert not workflow.backups.backup_state(clinic, JOB).overdue
    watch.now += DAY + HOUR
    assert workflow.backups.backup_state(clinic, JOB).overdue
    workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    assert not workflow.backups.backup_state(clinic, JOB).overdue
    watch.now += 25 * HOUR
    assert workflow.backups.backup_state(clinic, JOB).overdue
    watch.now = MONDAY - 3 * DAY  # the clock was ahead when the last one was made
    assert workflow.backups.backup_state(clinic, JOB).overdue


def test_what_failed_is_remembered_until_one_goes_well(
    clinic: workflow.Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=0))
        told = refusal(lambda: workflow.backups.back_up(clinic, JOB, tmp_path / "stick"))
    assert told.kind is ErrorKind.DISK_FULL
    assert not (tmp_path / "stick").exists()
    state = workflow.backups.backup_state(clinic, JOB)
    assert state.last is None
    assert state.failure is not None
    assert state.failure.failure == "backup.medium_short"
    assert said(clinic)[-1] == (AuditAction.BACKUP_FAILED, "backup.medium_short")
    workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    assert workflow.backups.backup_state(clinic, JOB).failure is None
    assert clinic.store.verify(JOB).ok


def test_cancelling_is_silence(clinic: workflow.Clinic, tmp_path: Path) -> None:
    before = said(clinic)
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        workflow.backups.back_up(clinic, job, tmp_path / "stick")
    assert not (tmp_path / "stick").exists()
    assert said(clinic) == before


def test_places_that_will_not_do(clinic: workflow.Clinic, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    places = {
        tmp_path / "no" / "where": "backup.parent_missing",
        tmp_path / "file": "backup.not_a_folder",
        clinic.store.folder: "backup.inside_the_clinic",
        clinic.store.folder / "backups": "backup.inside_the_clinic",
        tmp_path / "clinic" / ".." / "clinic" / "att": "backup.inside_the_clinic",
    }
    for place, key in places.items():
        assert refusal(lambda place=place: workflow.backups.back_up(clinic, JOB, place)).key == key  # type: ignore[misc]  # bound now
    assert workflow.backups.backup_state(clinic, JOB).failure is None


def run_at(moment: datetime, *, ok: bool = True) -> BackupRun:
    return BackupRun("r", RunKind.SCHEDULED, moment, ok)


@pytest.mark.parametrize(
    ("hour", "last", "now", "due"),
    [
        (12, None, MONDAY, True),
        (12, MONDAY - DAY, MONDAY, True),  # yesterday's at eight, before yesterday's noon
        (12, MONDAY - 19 * HOUR, MONDAY, False),
        (12, MONDAY - 19 * HOUR, MONDAY + 4 * HOUR, True),
        (12, MONDAY + 4 * HOUR, MONDAY + 5 * HOUR, False),
        (None, MONDAY - 23 * HOUR, MONDAY, False),
        (None, MONDAY - 24 * HOUR, MONDAY, True),
        (None, MONDAY + HOUR, MONDAY, True),  # the clock was put back
    ],
)
def test_when_a_backup_is_due(hour: int | None, last: datetime | None, now: datetime, due: bool) -> None:
    plan = BackupPlan((PlannedPlace("p", "m"),), hour)
    assert is_due(plan, run_at(last) if last else None, now) is due
    assert not is_due(BackupPlan((), hour), None, now)


def test_a_failed_one_is_tried_again_after_an_hour() -> None:
    plan = BackupPlan((PlannedPlace("p", "m"),), 12)
    assert not is_due(plan, run_at(MONDAY, ok=False), MONDAY + HOUR / 2)
    assert is_due(plan, run_at(MONDAY, ok=False), MONDAY + HOUR)


def test_a_plan_makes_backups_when_they_are_due(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    assert workflow.backups.run_scheduled_backup(clinic, JOB) is None
    plan = workflow.backups.set_backup_plan(clinic, JOB, places=(tmp_path / "stick",), hour=12)
    assert said(clinic)[-1][0] is AuditAction.CHANGE_BACKUP_PLAN
    state = workflow.backups.backup_state(clinic, JOB)
    assert (state.plan, state.due) == (plan, True)
    first = workflow.backups.run_scheduled_backup(clinic, JOB)
    assert first is not None
    assert first.verified
    assert first.run.medium == plan.places[0].medium
    assert workflow.backups.run_scheduled_backup(clinic, JOB) is None
    watch.now += 5 * HOUR
    assert workflow.backups.backup_state(clinic, JOB).due
    assert workflow.backups.run_scheduled_backup(clinic, JOB) is not None
    assert clinic.store.verify(JOB).ok


def test_two_sticks_alternate(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    places = (tmp_path / "blue", tmp_path / "red")
    workflow.backups.set_backup_plan(clinic, JOB, places=places)
    used = []
    for _ in range(4):
        made = workflow.backups.run_scheduled_backup(clinic, JOB)
        assert made is not None
        used.append(made.folder.parent.parent.name)
        watch.now += DAY
    assert used == ["blue", "red", "blue", "red"]
    shutil.move(tmp_path / "blue", tmp_path / "drawer")
    made = workflow.backups.run_scheduled_backup(clinic, JOB)
    assert made is not None
    assert made.folder.parent.parent.name == "red"


def test_sticks_of_one_drive_letter_take_their_turns(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    drive, drawer = tmp_path / "E", tmp_path / "drawer"
    first = workflow.backups.set_backup_plan(clinic, JOB, places=(drive,))
    shutil.move(drive, drawer)
    both = workflow.backups.set_backup_plan(clinic, JOB, places=(*first.places, drive), hour=12)
    assert len({place.medium for place in both.places}) == 2
    assert {place.path for place in both.places} == {str(drive)}
    assert workflow.backups.set_backup_plan(clinic, JOB, places=(*both.places, drive), hour=12) == both
    red = workflow.backups.run_scheduled_backup(clinic, JOB)
    shutil.move(drive, tmp_path / "pocket")
    shutil.move(drawer, drive)
    watch.now += DAY
    blue = workflow.backups.run_scheduled_backup(clinic, JOB)
    assert red is not None
    assert blue is not None
    assert (blue.run.medium, red.run.medium) == (both.places[0].medium, both.places[1].medium)


def test_a_strangers_stick_is_not_written_to(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    workflow.backups.set_backup_plan(clinic, JOB, places=(tmp_path / "stick",))
    shutil.move(tmp_path / "stick", tmp_path / "drawer")
    lines = len(said(clinic))
    for stranger in (False, True):
        if stranger:
            (tmp_path / "stick").mkdir()
        told = refusal(lambda: workflow.backups.run_scheduled_backup(clinic, JOB))
        assert (told.key, told.kind) == ("backup.no_medium", ErrorKind.NOT_FOUND)
    assert not list((tmp_path / "stick").iterdir())
    assert len(said(clinic)) == lines
    assert workflow.backups.backup_state(clinic, JOB).due


def test_the_drill_proves_the_newest_backup(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    assert refusal(lambda: workflow.backups.drill(clinic, JOB)).key == "backup.nothing_to_prove"
    watch.now += 31 * DAY
    assert workflow.backups.backup_state(clinic, JOB).drill_due
    workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    newest = workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    before = sorted(path.name for path in tmp_path.iterdir())
    proof = workflow.backups.drill(clinic, JOB)
    assert proof.problems == ()
    assert proof.run.backup == newest.run.backup
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    state = workflow.backups.backup_state(clinic, JOB)
    assert (state.proven, state.drill_due) == (proof.run, False)
    assert said(clinic)[-1] == (AuditAction.PROVE_BACKUP, newest.run.backup)
    shutil.rmtree(newest.folder)
    assert workflow.backups.drill(clinic, JOB).run.backup != newest.run.backup
    assert clinic.store.verify(JOB).ok


def test_a_drill_does_not_take_where_it_was_started_for_a_place(
    clinic: workflow.Clinic, tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    with clinic.store.transaction() as tx:
        run = BackupRun(new_id(), RunKind.RESTORE, watch.now, True, backup=made.run.backup, made=watch.now)
        tx.backups.add(run)
        tx.audit.add(AuditAction.RESTORE_BACKUP, run.id, actor=clinic.actor)
    monkeypatch.chdir(made.folder.rename(tmp_path / "moved"))
    assert refusal(lambda: workflow.backups.drill(clinic, JOB)).key == "backup.nothing_to_prove"


def test_a_drill_finds_what_became_of_a_backup(clinic: workflow.Clinic, tmp_path: Path) -> None:
    made = workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    database = made.folder / "database"
    data = bytearray(database.read_bytes())
    data[5000] ^= 1
    database.write_bytes(data)
    told = refusal(lambda: workflow.backups.drill(clinic, JOB))
    assert (told.key, told.details) == ("backup.part_damaged", {"part": "database"})
    assert workflow.backups.backup_state(clinic, JOB).proven is None
    assert said(clinic)[-1] == (AuditAction.PROVE_BACKUP, "backup.part_damaged")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_drill_knows_another_course_of_events(created: workflow.Created, tmp_path: Path) -> None:
    clinic = created.clinic
    early = workflow.backups.back_up(clinic, JOB, tmp_path / "early")
    workflow.lock(clinic)
    workflow.backups.restore(early.folder, tmp_path / "second", JOB, card=created.recovery_card.code)
    second = workflow.unlock(
        tmp_path / "second", JOB, user="li", passphrase="correct horse", models=workflow.load_models()
    )
    late = workflow.backups.back_up(second, JOB, tmp_path / "late")
    workflow.lock(second)
    first = workflow.unlock(
        tmp_path / "clinic", JOB, user="li", passphrase="correct horse", models=workflow.load_models()
    )
    try:
        workflow.backups.back_up(first, JOB, tmp_path / "stick")
        made = workflow.backups.back_up(first, JOB, tmp_path / "stick")
        shutil.rmtree(made.folder)
        shutil.copytree(late.folder, made.folder)
        # The stranger under the name of ours is passed over for the one before.
        assert workflow.backups.drill(first, JOB).run.backup not in (made.run.backup, late.run.backup)
    finally:
        workflow.lock(first)


def test_everything_comes_back_with_the_card(created: workflow.Created, tmp_path: Path) -> None:
    clinic = created.clinic
    made = workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    (info,) = workflow.backups.inspect_backup(tmp_path / "stick", JOB)
    assert (info.folder, info.store_id, info.scheduled) == (made.folder, clinic.store.store_id, False)
    assert (
        info.size
        == made.size
        == sum(
            path.stat().st_size for path in made.folder.rglob("*") if path.name != "manifest.json" and path.is_file()
        )
    )
    done = workflow.backups.restore(tmp_path / "stick", tmp_path / "again", JOB, card=created.recovery_card.code)
    assert done.verified
    assert (done.id, done.counts) == (clinic.store.store_id, made.counts)
    again = workflow.unlock(
        tmp_path / "again", JOB, user="li", passphrase="correct horse", models=workflow.load_models()
    )
    try:
        assert again.session.user == clinic.session.user
        assert (AuditAction.RESTORE_BACKUP, made.run.backup) in said(again)
        assert workflow.verify(again, JOB).ok
    finally:
        workflow.lock(again)


def test_a_restored_clinic_knows_the_backup_it_came_from(
    created: workflow.Created, tmp_path: Path, watch: Watch
) -> None:
    watch.now += DAY
    made = workflow.backups.back_up(created.clinic, JOB, tmp_path / "stick")
    refusal(lambda: workflow.backups.back_up(created.clinic, JOB, tmp_path / "no" / "such"))
    workflow.lock(created.clinic)
    watch.now += 5 * HOUR
    place, card = tmp_path / "again", created.recovery_card.code
    workflow.backups.restore(tmp_path / "stick", place, JOB, card=card, clock=watch)
    again = workflow.unlock(
        place, JOB, user="li", passphrase="correct horse", models=workflow.load_models(), clock=watch
    )
    try:
        state = workflow.backups.backup_state(again, JOB)
        assert state.last is not None
        assert (state.last.kind, state.last.backup) == (RunKind.RESTORE, made.run.backup)
        assert (state.last.as_of, state.last.place) == (watch.now - 5 * HOUR, str(made.folder))
        assert (state.overdue, state.failure, state.proven) == (False, None, None)
        assert [(one.run, one.there) for one in workflow.backups.known_backups(again, JOB)] == [(state.last, True)]
        assert workflow.backups.drill(again, JOB).run.backup == made.run.backup
        watch.now += DAY - 5 * HOUR + timedelta(seconds=1)
        assert workflow.backups.backup_state(again, JOB).overdue, (
            "of what was done since the backup, not since the restore"
        )
        newer = workflow.backups.back_up(again, JOB, tmp_path / "stick")
        assert workflow.backups.backup_state(again, JOB).last == newer.run
    finally:
        workflow.lock(again)


def test_the_pulled_stick_leaves_the_state_true(
    clinic: workflow.Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    workflow.backups.set_backup_plan(clinic, JOB, places=(tmp_path / "stick",))

    def pulled(*_: object) -> None:
        shutil.rmtree(tmp_path / "stick")
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("desktop.store.backup.write_part", pulled)
        with pytest.raises(KnownFailure, match=r"backup\.medium_gone"):
            workflow.backups.run_scheduled_backup(clinic, JOB)
    state = workflow.backups.backup_state(clinic, JOB)
    assert state.failure is not None
    assert state.failure.failure == "backup.medium_gone"
    assert not state.due
    watch.now += HOUR
    assert workflow.backups.backup_state(clinic, JOB).due


def test_known_backups_say_which_are_there_and_proven(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    assert workflow.backups.known_backups(clinic, JOB) == ()
    first = workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    workflow.backups.drill(clinic, JOB)
    second = workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    told = workflow.backups.known_backups(clinic, JOB)
    assert [(one.run, one.there, one.proven) for one in told] == [(second.run, True, False), (first.run, True, True)]
    shutil.rmtree(second.folder)
    assert [one.run for one in workflow.backups.known_backups(clinic, JOB)] == [first.run]
    shutil.move(tmp_path / "stick", tmp_path / "drawer")
    assert [one.there for one in workflow.backups.known_backups(clinic, JOB)] == [False, False]


def test_a_drill_that_failed_is_tried_again_the_next_day(clinic: workflow.Clinic, tmp_path: Path, watch: Watch) -> None:
    made = workflow.backups.back_up(clinic, JOB, tmp_path / "stick")
    (made.folder / "database").unlink()
    watch.now += 31 * DAY
    assert workflow.backups.backup_state(clinic, JOB).drill_due
    refusal(lambda: workflow.backups.drill(clinic, JOB))
    assert not workflow.backups.backup_state(clinic, JOB).drill_due
    watch.now += DAY + HOUR
    assert workflow.backups.backup_state(clinic, JOB).drill_due


def test_a_write_protected_stick_is_called_that(
    clinic: workflow.Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    (tmp_path / "stick").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refuse)
        told = refusal(lambda: workflow.backups.back_up(clinic, JOB, tmp_path / "stick"))
    assert told.key == "backup.medium_protected"
    state = workflow.backups.backup_state(clinic, JOB)
    assert state.failure is not None
    assert state.failure.failure == told.key
