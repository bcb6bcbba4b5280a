"""Before an older store changes its form, its database is kept beside it; without room for that nothing changes."""

import contextlib
import shutil
import zipfile
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import UserId, new_id
from desktop.store import Store, backup_database, migrations
from desktop.store.backup_database import copies_before_migration, open_to_read
from desktop.store.database import Connection, value
from desktop.store.places import StoreFiles
from tests.store.helpers import NOW, PASSPHRASE, USER, add_patient, full_patient, verify


def add_colours(connection: Connection) -> None:
    connection.execute("INSERT INTO meta (name, value) VALUES ('colour', 'green')")


def add_shapes(connection: Connection) -> None:
    connection.execute("INSERT INTO meta (name, value) VALUES ('shape', 'round')")


def later(monkeypatch: pytest.MonkeyPatch, *steps: object) -> int:
    """Pretend that a later release brings these steps; returns the version before them."""
    version = len(migrations.MIGRATIONS)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, *steps))
    return version


def test_the_old_database_is_kept_readable(folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(folder, keys) as store:
        known = add_patient(store, full_patient())
        shutil.copytree(folder, folder.with_name("after a power cut"))  # what is still in the -wal counts too
    folder = folder.with_name("after a power cut")
    database = StoreFiles(folder).database
    version = later(monkeypatch, add_colours)
    with Store.open(folder, keys) as store, store.snapshot() as tx:
        assert tx.patients.get(known.id) == known
    (kept,) = copies_before_migration(database)
    assert kept.name == f"clinic.db.before-{version}"
    copy = open_to_read(kept, keys.master.derive("db"), still=True)
    assert value(copy, "PRAGMA user_version") == version
    assert value(copy, "SELECT id FROM patients") == known.id
    copy.close()
    assert b"SQLite format" not in kept.read_bytes()
    assert verify(folder, keys).ok


OLD_STORES = Path(__file__).resolve().parents[1] / "old_stores"


@pytest.mark.parametrize("name", sorted(path.stem for path in OLD_STORES.glob("*.zip")))
def test_every_released_store_is_kept_before_it_changes(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(OLD_STORES / f"{name}.zip") as archive:
        archive.extractall(tmp_path)
    old = vault.unlock(tmp_path / name, USER, "lantern-demo", touch=False)
    Store.open(tmp_path / name, old).close()
    (kept,) = copies_before_migration(StoreFiles(tmp_path / name).database)
    with contextlib.closing(open_to_read(kept, old.master.derive("db"), still=True)) as copy:
        assert value(copy, "PRAGMA user_version") < len(migrations.MIGRATIONS)
        assert value(copy, "SELECT count(*) FROM patients") > 0
    old.close()


def test_only_the_last_one_is_kept(folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (add_colours, add_shapes):
        version = later(monkeypatch, step)
        Store.open(folder, keys).close()
        assert [path.name for path in copies_before_migration(StoreFiles(folder).database)] == [
            f"clinic.db.before-{version}"
        ]
    Store.open(folder, keys).close()
    assert len(copies_before_migration(StoreFiles(folder).database)) == 1


def test_a_new_or_current_store_keeps_nothing(folder: Path, keys: vault.Unlocked) -> None:
    Store.open(folder, keys).close()
    assert copies_before_migration(StoreFiles(folder).database) == ()


def test_without_room_for_it_nothing_changes(
    folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        version = later(patched, add_colours)
        patched.setattr(backup_database, "sync_file", full)
        with pytest.raises(KnownFailure) as caught:
            Store.open(folder, keys)
        assert caught.value.kind is ErrorKind.DISK_FULL
    assert not list(folder.glob("*before*"))
    with Store.open(folder, keys) as store:
        assert value(store._connection, "PRAGMA user_version") == version  # type: ignore[arg-type]  # open


def test_a_copy_that_cannot_be_proven_stops_the_migration(
    folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        later(patched, add_colours)
        patched.setattr(backup_database, "is_sound", lambda *_: False)
        with pytest.raises(KnownFailure, match=r"store\.database_damaged"):
            Store.open(folder, keys)
    assert not list(folder.glob("*before*"))
    assert verify(folder, keys).ok


def test_new_keys_take_the_kept_copy_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens with the former keys, which somebody who left may still have."""
    roles = ("doctor", "administrator")
    unlocked, _ = vault.create(tmp_path / "c", new_id(), USER, UserId(new_id()), roles, PASSPHRASE, calibrate=False)
    Store.create(tmp_path / "c", unlocked, "x", now=NOW).close()
    later(monkeypatch, add_colours)
    with Store.open(tmp_path / "c", unlocked) as store:
        assert len(copies_before_migration(StoreFiles(store.folder).database)) == 1
        store.begin_epoch(Job(), actor=unlocked.user_id)
        assert not list(store.folder.glob("*before*"))
    later(monkeypatch, add_shapes)
    with Store.open(tmp_path / "c", unlocked) as store:
        assert len(copies_before_migration(StoreFiles(store.folder, 2).database)) == 1
    unlocked.close()
