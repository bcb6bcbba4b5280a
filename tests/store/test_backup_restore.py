"""What comes back from a backup is the same clinic, or a sentence that says what is wrong with the backup."""

import contextlib
import errno
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import Cancelled, ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, UserId, new_id
from desktop.store import Store, backup_files, backup_manifest, migrations
from desktop.store.backup_check import Backup
from desktop.store.backup_manifest import DATABASE, HEADS, KEYSTORE, MANIFEST, parse
from desktop.store.database import Connection
from desktop.store.restore import check_card, find_backups, restore_backup
from desktop.vault import RecoveryCard
from tests.conftest import ExpectLog
from tests.store.backup_clinic import Carried, breaking, chain, everything, query, tree
from tests.store.helpers import NOW, PASSPHRASE, USER, add_patient, patient, read_a_film, snapshot, verify


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carried]:
    """One open clinic with a film; nothing here changes it but adding to it."""
    yield from carried(tmp_path_factory.mktemp("carried") / "clinic")


def carried(folder: Path) -> Iterator[Carried]:
    roles = ("doctor", "administrator")
    unlocked, card = vault.create(folder, new_id(), USER, UserId(new_id()), roles, PASSPHRASE, calibrate=False)
    with Store.create(folder, unlocked, "清河村卫生室", now=NOW) as store:
        read_a_film(store, unlocked)
        yield Carried(store, unlocked, card.code)
    unlocked.close()


@pytest.fixture
def backup(clinic: Carried, tmp_path: Path) -> Backup:
    made = clinic.back_up(tmp_path / "stick")
    assert made.faults == ()
    return made.backup


def refused(clinic: Carried, source: Path, target: Path, card: str | None = None) -> UserFacingError:
    """Why a restore was refused; the target and the backup are as they were."""
    before = tree(source) if source.is_dir() else {}
    there = target.exists(), tree(target) if target.is_dir() else {}
    with pytest.raises(UserFacingError) as caught:
        restore_backup(source, target, clinic.card if card is None else card, Job(), clock=lambda: NOW)
    assert (tree(source) if source.is_dir() else {}) == before
    assert (target.exists(), tree(target) if target.is_dir() else {}) == there
    assert not [path for path in target.parent.iterdir() if path.name.startswith(".")]
    return caught.value


@pytest.mark.parametrize("there", [False, True])
def test_the_same_clinic_comes_back(clinic: Carried, backup: Backup, tmp_path: Path, there: bool) -> None:
    before, lines = everything(clinic.store), chain(clinic.store)
    add_patient(clinic.store, patient("后来的人"))
    target = tmp_path / "new PC" / "诊所"
    if there:
        target.mkdir(parents=True)
    done = clinic.restore(backup.folder, target)
    assert done.found.ok, done.found.problems
    assert done.store_id == clinic.store.store_id
    with contextlib.closing(vault.unlock(target, USER, PASSPHRASE)) as keys, Store.open(target, keys) as store:
        assert (keys.user_id, keys.roles) == (clinic.unlocked.user_id, clinic.unlocked.roles)
        assert everything(store) == before
        again = chain(store)
        assert again[: len(lines)] == lines
        with snapshot(store) as tx:
            (said,) = tx.audit.entries(1)
        assert said.action is AuditAction.RESTORE_BACKUP
        assert (said.reason, said.sequence) == (backup.manifest.id, lines[-1][0] + 1)
        assert (said.sequence, said.hash) == (done.found.head.sequence, done.found.head.hash)  # type: ignore[union-attr]  # ok
        add_patient(store, patient("又一个人"))
    assert verify(target, clinic.unlocked).ok
    assert sorted(path.name for path in target.parent.iterdir()) == [target.name]


def test_a_folder_that_holds_one_backup_will_do(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    assert clinic.restore(tmp_path / "stick", tmp_path / "again").backup == backup
    clinic.back_up(tmp_path / "stick")
    told = refused(clinic, tmp_path / "stick", tmp_path / "third")
    assert (told.key, told.details["count"]) == ("backup.which", 2)
    assert backup.folder.name in str(told.details["names"])


def test_a_backup_can_be_moved_and_write_protected(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    shutil.copytree(backup.folder, tmp_path / "elsewhere" / "my backup")
    for path in (tmp_path / "elsewhere").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert clinic.restore(tmp_path / "elsewhere" / "my backup", tmp_path / "again").found.ok


def parts(backup: Backup) -> list[str]:
    return [path.relative_to(backup.folder).as_posix() for path in backup.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("how", ["flip", "cut", "lengthen", "remove", "empty"])
def test_damage_is_named_and_never_called_a_wrong_card(
    clinic: Carried, backup: Backup, tmp_path: Path, how: str
) -> None:
    for number, name in enumerate(parts(backup)):
        copy = tmp_path / f"copy {number}"
        shutil.copytree(backup.folder, copy)
        data = bytearray((copy / name).read_bytes())
        if how == "flip":
            data[len(data) // 3] ^= 4
        elif how == "cut":
            del data[-1]
        elif how == "lengthen":
            data += b"\n"
        else:
            data.clear()
        (copy / name).write_bytes(data)
        if how == "remove":
            (copy / name).unlink()
        for card in (clinic.card, "not a card at all"):
            told = refused(clinic, copy, tmp_path / "target", card)
            assert (told.key, told.kind) == ("backup.part_damaged", ErrorKind.BACKUP_DAMAGED)
            assert told.details == {"part": name}


def test_parts_of_two_backups_do_not_mix(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    other = clinic.back_up(tmp_path / "stick").backup
    for name in (DATABASE, MANIFEST):
        shutil.copytree(backup.folder, tmp_path / name)
        shutil.copy(other.folder / name, tmp_path / name / name)
        told = refused(clinic, tmp_path / name, tmp_path / "target")
        assert told.key == "backup.part_damaged"
        assert told.details == {"part": DATABASE}


def forge(folder: Path, **changes: object) -> None:
    """Somebody without any key writes the manifest anew, checksums and all."""
    raw = json.loads((folder / MANIFEST).read_bytes()) | changes
    raw.pop("checksum")
    for part in (raw["keystore"], raw["heads"], *raw["database"]):
        data = (folder / part["name"]).read_bytes()
        part |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / MANIFEST).write_bytes(backup_manifest.file_of(raw))


def test_a_manifest_written_anew_is_found_out(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    other = clinic.back_up(tmp_path / "stick").backup

    def forged(name: str, *brought: str, **changes: object) -> UserFacingError:
        shutil.copytree(backup.folder, tmp_path / name)
        for part in brought:
            shutil.copy(other.folder / part, tmp_path / name / part)
        forge(tmp_path / name, **changes)
        parse((tmp_path / name / MANIFEST).read_bytes())
        return refused(clinic, tmp_path / name, tmp_path / "target")

    for told in (
        forged("a database of another backup", DATABASE),
        forged("another head", audit={"seq": 3, "head": "00" * 32}),
        forged("other counts", counts={"patients": 7, "attachments": 1, "reports": 1}),
        forged("another time", made="2020-01-01T00:00:00.000000+00:00"),
        forged("another clinic", store_id=new_id()),
        forged("another signature", signature="AAAA"),
    ):
        assert (told.key, told.kind) == ("backup.part_forged", ErrorKind.BACKUP_DAMAGED)
    keystore = tmp_path / "slot"
    shutil.copytree(backup.folder, keystore)
    raw = json.loads((keystore / KEYSTORE).read_bytes())
    raw["slots"][0]["roles"] = ["administrator"]
    (keystore / KEYSTORE).write_text(json.dumps(raw, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    forge(keystore)
    assert refused(clinic, keystore, tmp_path / "target").details == {"part": KEYSTORE}


def test_wrong_cards(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    other, card = vault.create(tmp_path / "o", new_id(), USER, UserId("u"), (), PASSPHRASE, calibrate=False)
    other.close()
    assert isinstance(card, RecoveryCard)
    told = refused(clinic, backup.folder, tmp_path / "target", card.code)
    assert (told.key, told.kind) == ("unlock.wrong_card", ErrorKind.WRONG_RECOVERY_CARD)
    typed = "0" + clinic.card[1:] if clinic.card[0] != "0" else "1" + clinic.card[1:]
    told = refused(clinic, backup.folder, tmp_path / "target", typed)
    assert (told.key, told.kind, told.details) == ("unlock.card_group", ErrorKind.WRONG_RECOVERY_CARD, {"group": 1})
    assert refused(clinic, backup.folder, tmp_path / "target", "ABC").key == "unlock.card_length"


def test_a_card_can_be_tried_without_reading_everything(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    before = tree(backup.folder)
    (backup.folder / DATABASE).unlink()
    check_card(tmp_path / "stick", clinic.card, Job())
    with pytest.raises(UserFacingError, match=r"unlock\.card_length"):
        check_card(backup.folder, "ABC", Job())
    (backup.folder / KEYSTORE).write_bytes(before[KEYSTORE][:-1])
    with pytest.raises(KnownFailure, match=r"backup\.part_damaged"):
        check_card(backup.folder, "ABC", Job())
    assert tree(backup.folder).keys() == before.keys() - {DATABASE}


def test_a_target_that_holds_something_is_left_alone(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear all", encoding="utf-8")
    told = refused(clinic, backup.folder, tmp_path / "full")
    assert (told.key, told.kind) == ("backup.target_not_empty", ErrorKind.NOT_EMPTY)
    assert refused(clinic, backup.folder, tmp_path / "full" / "letter.txt").kind is ErrorKind.NOT_EMPTY
    assert refused(clinic, backup.folder, clinic.store.folder).kind is ErrorKind.NOT_EMPTY


def test_what_is_no_backup(clinic: Carried, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / MANIFEST).write_text('{"name": "chest", "version": 1}', encoding="utf-8")
    (tmp_path / "file").write_bytes(b"x")
    for source in (model, tmp_path / "file", tmp_path / "nothing here", tmp_path, clinic.store.folder):
        told = refused(clinic, source, tmp_path / "target")
        assert (told.key, told.kind) == ("backup.not_a_backup", ErrorKind.NOT_A_BACKUP)


def test_folders_that_cannot_be_looked_into_are_passed_over(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stick" / "System Volume Information").mkdir()
    real = Path.is_file

    def is_file(path: Path) -> bool:
        if path.parent.name.startswith("System"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    assert find_backups(tmp_path / "stick") == (backup,)


def test_the_folder_one_stands_in_will_do(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert clinic.restore(Path("..") / "stick", Path()).found.ok
    monkeypatch.chdir(tmp_path)
    assert verify(tmp_path / "here", clinic.unlocked).ok


def test_an_empty_target_is_still_there_where_it_fails(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    target.mkdir()

    def fails(folder: Path, name: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "rename", fails)
    assert refused(clinic, backup.folder, target).kind is ErrorKind.IO
    assert target.is_dir()


def test_a_damaged_backup_is_not_overlooked_in_a_folder(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    (backup.folder / MANIFEST).write_bytes(b"")
    assert refused(clinic, tmp_path / "stick", tmp_path / "target").key == "backup.part_damaged"


def test_any_failing_operation_leaves_nothing_or_the_clinic(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_log: ExpectLog
) -> None:
    original = tree(backup.folder)
    with breaking(monkeypatch, 0) as counting:
        clinic.restore(backup.folder, tmp_path / "first")
    assert counting.calls > 20
    failed = 0
    with expected_log("desktop.store.heads", logging.WARNING, match="could not be noted"):
        for failing in range(1, counting.calls + 1):
            target = tmp_path / f"target {failing}"
            code, kind = ((errno.ENOSPC, ErrorKind.DISK_FULL), (errno.EIO, ErrorKind.IO))[failing % 2]
            kinds: list[ErrorKind] = []
            with breaking(monkeypatch, failing, code):
                try:
                    clinic.restore(backup.folder, target)
                except KnownFailure as failure:
                    kinds = [failure.kind]
            failed += len(kinds)
            assert kinds in ([], [kind])
            if target.exists():
                assert verify(target, clinic.unlocked).ok
            assert not (tmp_path / f".{target.name}.restoring").exists()
            assert tree(backup.folder) == original
    assert failed > counting.calls // 2


def test_what_a_power_cut_left_does_not_stop_the_next_try(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    left = tmp_path / ".again.restoring"
    shutil.copytree(backup.folder, left / "clinic")
    (left / "lock").touch()
    assert clinic.restore(backup.folder, tmp_path / "again").found.ok
    assert not left.exists()


def test_cancelling_leaves_nothing(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        restore_backup(backup.folder, tmp_path / "target", clinic.card, job, clock=lambda: NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["stick"]


def test_a_full_disk_is_told_at_once(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1 << 20))
    told = refused(clinic, backup.folder, tmp_path / "target")
    assert (told.key, told.kind) == ("backup.disk_short", ErrorKind.DISK_FULL)
    assert int(str(told.details["missing"])) > 3


def test_a_stick_that_is_pulled_out_is_not_called_damaged(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backup_files.join

    def pulled(root: Path, *rest: object) -> object:
        if (rest[0])[0].name == DATABASE:  # type: ignore[index]  # the parts
            backup.folder.rename(tmp_path / "in the pocket")
        return real(root, *rest)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr("desktop.store.restore.join", pulled)
    with pytest.raises(KnownFailure, match=r"backup\.medium_gone"):
        clinic.restore(backup.folder, tmp_path / "target")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in the pocket", "stick"]


def add_colour(connection: Connection) -> None:
    connection.execute("INSERT INTO meta (name, value) VALUES ('colour', 'green')")


def test_a_backup_of_an_older_form_migrates(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, add_colour))
    assert clinic.restore(backup.folder, tmp_path / "again").found.ok
    with Store.open(tmp_path / "again", clinic.unlocked) as store:
        assert query(store, "SELECT value FROM meta WHERE name = 'colour'") == [("green",)]


def test_a_backup_of_a_newer_form_is_refused_in_words(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:-1])
    assert refused(clinic, backup.folder, tmp_path / "target").key == "store.too_new"
    forge(backup.folder, version=2)
    assert refused(clinic, backup.folder, tmp_path / "target").key == "backup.too_new"


def test_the_heads_that_come_along_are_those_of_the_backup(clinic: Carried, backup: Backup) -> None:
    (found,) = find_backups(backup.folder)
    newest = json.loads((backup.folder / HEADS).read_text(encoding="utf-8").splitlines()[-1])
    assert (newest["sequence"], newest["hash"]) == (found.manifest.head.sequence, found.manifest.head.hash)
    assert newest["signature"]
