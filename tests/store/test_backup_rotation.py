"""Which scheduled backups stay, and that the attachments they share stay as long as one of them needs them."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import KnownFailure
from desktop.jobs import Job
from desktop.store import Store, backup_check
from desktop.store.backup import MadeBackup, make_backup
from desktop.store.backup_check import Backup, Fault
from desktop.store.backup_manifest import MANIFEST
from desktop.store.backup_rotation import (
    MEDIUM,
    kept,
    make_scheduled,
    mark_medium,
    medium_of,
    rotate,
    scheduled_folder,
)
from desktop.store.restore import find_backups
from tests.store.backup_clinic import query
from tests.store.helpers import NOW, add_patient, as_attacker, full_patient, import_file, read_a_film

DAY = timedelta(days=1)


def test_seven_days_four_weeks_twelve_months_are_kept() -> None:
    daily = [NOW - number * DAY for number in range(800)]
    stay = kept(daily, UTC)
    assert stay >= set(daily[:7])
    assert len({moment.isocalendar()[:2] for moment in stay}) >= 4
    assert {(moment.year, moment.month) for moment in stay} >= {(2026, month) for month in range(1, 12)} | {(2025, 12)}
    assert len(stay) <= 7 + 4 + 12
    assert min(stay) > NOW - 366 * DAY


def test_of_one_day_the_newest_stays() -> None:
    hours = [NOW.replace(hour=hour) for hour in (6, 12, 18)]
    assert kept([*hours, NOW - 40 * DAY], UTC) == {hours[2], NOW - 40 * DAY}


def test_days_are_the_clinics_own() -> None:
    late, early = datetime(2026, 11, 20, 15, 30, tzinfo=UTC), datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    assert kept([late, early], UTC) == {early}
    assert kept([late, early], timezone(timedelta(hours=8))) == {late, early}


def test_years_of_daily_backups_end_in_the_same_as_all_at_once() -> None:
    """Rotating each day never loses one that is still to be kept a month later."""
    standing: frozenset[datetime] = frozenset()
    for number in range(500):
        standing = kept([*standing, NOW + number * DAY], UTC)
    days = sorted(standing, reverse=True)
    assert days[:7] == [NOW + number * DAY for number in range(499, 492, -1)]
    assert len({(moment.year, moment.month) for moment in days}) == 12
    assert len(standing) <= 23


def test_after_a_closed_year_the_old_ones_are_still_there() -> None:
    old = [NOW - number * DAY for number in range(20)]
    assert kept([*old, NOW + 400 * DAY], UTC) > set(old[:6])


@pytest.fixture
def clinic(store: Store, keys: vault.Unlocked) -> Store:
    """An open clinic with one film."""
    read_a_film(store, keys)
    return store


def made_on(clinic: Store, stick: Path, day: int) -> MadeBackup:
    stick.mkdir(exist_ok=True)
    return make_scheduled(clinic, stick, Job(), now=NOW + day * DAY)


def pooled(stick: Path, clinic: Store) -> set[str]:
    return {path.name for path in scheduled_folder(stick, clinic.store_id).glob("att/*/*")}


def test_generations_cost_one_copy_of_the_films(clinic: Store, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    for day in range(9):
        made = made_on(clinic, stick, day)
        assert made.faults == ()
    backups = find_backups(stick)
    assert len(backups) == 8  # seven days and the end of the week before
    assert len(pooled(stick, clinic)) == 1


def test_a_film_goes_with_the_last_backup_that_has_it(
    clinic: Store, keys: vault.Unlocked, folder: Path, tmp_path: Path
) -> None:
    stick = tmp_path / "stick"
    attachment, _ = import_file(clinic, add_patient(clinic, full_patient()), b"a film to be erased" * 4000)
    (file,) = [row[0] for row in query(clinic, f"SELECT file FROM attachments WHERE id = '{attachment.id}'")]
    made_on(clinic, stick, 0)
    assert file in pooled(stick, clinic)
    clinic.close()
    as_attacker(
        folder,
        keys,
        f"DELETE FROM imaging_instances WHERE attachment = '{attachment.id}'",
        f"DELETE FROM attachments WHERE id = '{attachment.id}'",
    )
    with Store.open(folder, keys) as store:
        for day in range(1, 8):
            make_scheduled(store, stick, Job(), now=NOW + day * DAY)
            assert (file in pooled(stick, store)) is (day < 7 or any_has(stick, file))
        make_scheduled(store, stick, Job(), now=NOW + 40 * DAY)
        for day in range(400, 800, 31):
            make_scheduled(store, stick, Job(), now=NOW + day * DAY)
        assert file not in pooled(stick, store)
        assert len(pooled(stick, store)) == 1


def any_has(stick: Path, file: str) -> bool:
    return any(
        part.name.endswith(file)
        for backup in find_backups(stick)
        for parts in backup.manifest.attachments
        for part in parts
    )


def test_manual_backups_and_other_clinics_are_left_alone(clinic: Store, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    manual = [make_backup(clinic, stick, Job(), now=NOW - 900 * DAY).backup.folder for _ in range(3)]
    other = stick / "lantern-00000000-scheduled" / "lantern-00000000-20200101-000000-abcd"
    other.mkdir(parents=True)
    for day in range(9):
        made_on(clinic, stick, day)
    assert all((folder / MANIFEST).is_file() for folder in manual)
    assert other.is_dir()


def test_where_a_manifest_cannot_be_read_no_film_goes(clinic: Store, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    root = scheduled_folder(stick, clinic.store_id)
    first = made_on(clinic, stick, 0).backup
    (first.folder / MANIFEST).write_bytes(b"{")
    stray = root / "att" / "ab" / ("ab" * 16)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"of the first one, perhaps")
    made_on(clinic, stick, 1)
    assert stray.is_file()
    shutil.rmtree(first.folder)
    rotate(root, Job(), UTC)
    assert not stray.exists()
    assert len(pooled(stick, clinic)) == 1


def test_a_shared_film_that_the_medium_spoilt_is_written_again(clinic: Store, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    first = made_on(clinic, stick, 0).backup
    film = first.attachments_root / first.manifest.attachments[0][0].name
    good = film.read_bytes()
    film.write_bytes(bytes(len(good)))
    assert made_on(clinic, stick, 1).faults == ()
    assert film.read_bytes() == good
    assert len(find_backups(stick)) == 2


def test_a_medium_that_gives_back_something_else_is_told(
    clinic: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick"
    kept_one = made_on(clinic, stick, 0).backup

    def always(backup: Backup, *_: object) -> tuple[Fault, ...]:
        return (Fault(backup.manifest.database[0].name, "backup.fault.part"),)

    assert backup_check.faults_of is not always
    monkeypatch.setattr("desktop.store.backup.faults_of", always)
    with pytest.raises(KnownFailure, match=r"backup\.medium_unreliable"):
        made_on(clinic, stick, 1)
    assert find_backups(stick) == (kept_one,)


def test_a_medium_keeps_its_id(tmp_path: Path) -> None:
    assert medium_of(tmp_path) == ""
    identity = mark_medium(tmp_path)
    assert identity
    assert (mark_medium(tmp_path), medium_of(tmp_path)) == (identity, identity)
    for spoilt in ("", "[]", '{"format": "other", "id": "x"}', json.dumps({"format": "lantern-medium"})):
        (tmp_path / MEDIUM).write_text(spoilt, encoding="utf-8")
        assert medium_of(tmp_path) == ""
    os.unlink(tmp_path / MEDIUM)
    assert mark_medium(tmp_path) != identity
