"""A backup is the clinic of one moment, whole and unreadable without the card, or it is not called a backup."""

import contextlib
import errno
import json
import random
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import Cancelled, ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import Attachment, AttachmentId, AuditAction, UserId, new_id
from desktop.store import Store, backup_check, backup_database, backup_files, backup_manifest
from desktop.store.backup import make_backup
from desktop.store.backup_check import Backup
from desktop.store.backup_files import PARTIAL
from desktop.store.backup_manifest import MANIFEST, DamagedManifest, Manifest, parse
from desktop.store.database import Connection, value
from desktop.store.places import StoreFiles
from desktop.store.restore import find_backups
from tests.store.backup_clinic import Carried, breaking, query, tree
from tests.store.helpers import (
    NOW,
    PASSPHRASE,
    USER,
    add_patient,
    full_patient,
    import_file,
    patient,
    read_a_film,
    snapshot,
)


@pytest.fixture(scope="module")
def _clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, vault.Unlocked, str]]:
    folder = tmp_path_factory.mktemp("carried") / "clinic"
    roles = ("doctor", "administrator")
    unlocked, card = vault.create(folder, new_id(), USER, UserId(new_id()), roles, PASSPHRASE, calibrate=False)
    with Store.create(folder, unlocked, "清河村卫生室", now=NOW) as store:
        read_a_film(store, unlocked)
    yield folder, unlocked, card.code
    unlocked.close()


@pytest.fixture
def clinic(_clinic: tuple[Path, vault.Unlocked, str], tmp_path: Path) -> Iterator[Carried]:
    """A copy of a clinic with one film, open."""
    folder, unlocked, card = _clinic
    shutil.copytree(folder, tmp_path / "clinic")
    with Store.open(tmp_path / "clinic", unlocked) as store:
        yield Carried(store, unlocked, card)


def test_a_backup_is_whole_and_says_so(clinic: Carried, tmp_path: Path) -> None:
    made = clinic.back_up(tmp_path / "stick")
    assert made.faults == ()
    folder = made.backup.folder
    assert folder.parent == tmp_path / "stick"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {MANIFEST} | {
        part.name for part in (*made.backup.manifest.own_parts, *made.backup.manifest.attachments[0])
    }
    told = json.loads((folder / MANIFEST).read_bytes())
    assert told["format"] == "lantern-backup"
    assert told["counts"] == {"patients": 1, "attachments": 1, "reports": 1}
    with snapshot(clinic.store) as tx:
        head = tx.audit.head()
    assert told["audit"] == {"seq": head.sequence, "head": head.hash}
    assert find_backups(folder)[0].manifest == made.backup.manifest


def test_it_holds_nothing_readable(clinic: Carried, tmp_path: Path) -> None:
    add_patient(clinic.store, patient("金丝雀凤凰", phones=("13977531246",), village="Canarywoodpecker"))
    made = clinic.back_up(tmp_path / "stick")
    needles = [
        "金丝雀凤凰",
        "13977531246",
        "Canarywoodpecker",
        "清河村",
        PASSPHRASE,
        "王小明",
        "film.png",
        "SQLite format",
    ]
    for name, data in tree(made.backup.folder).items():
        assert not [needle for needle in needles if needle.encode() in data], name


def test_the_database_has_a_key_of_its_own_each_time(clinic: Carried, tmp_path: Path) -> None:
    first, second = clinic.back_up(tmp_path / "stick"), clinic.back_up(tmp_path / "stick")
    assert first.backup.folder != second.backup.folder
    assert first.backup.manifest.head == second.backup.manifest.head
    assert first.backup.manifest.database != second.backup.manifest.database
    assert len(find_backups(tmp_path / "stick")) == 2


@pytest.mark.parametrize("part_bytes", [40_000, 100_000])
def test_large_files_are_cut_into_parts(clinic: Carried, tmp_path: Path, part_bytes: int) -> None:
    made = clinic.back_up(tmp_path / "stick", part_bytes=part_bytes)
    assert made.faults == ()
    manifest = made.backup.manifest
    assert len(manifest.database) > 1
    assert len(manifest.attachments[0]) > 1
    assert max(path.stat().st_size for path in made.backup.folder.rglob("*")) <= part_bytes
    assert not list(clinic.store.folder.glob("backup-*"))
    assert clinic.restore(made.backup.folder, tmp_path / "again").found.ok


def test_work_goes_on_and_is_in_it_or_not(clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, written = threading.Event(), threading.Event()
    real = backup_files.write_part

    def paused(*args: object) -> object:
        reached.set()
        assert written.wait(30)
        return real(*args)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr("desktop.store.backup.write_part", paused)
    made = []
    thread = threading.Thread(target=lambda: made.append(clinic.back_up(tmp_path / "stick")))
    thread.start()
    assert reached.wait(30)
    late = add_patient(clinic.store, full_patient())
    import_file(clinic.store, late, b"film taken meanwhile" * 9000)
    written.set()
    thread.join()
    assert made[0].faults == ()
    assert made[0].backup.manifest.counts == {"patients": 1, "attachments": 1, "reports": 1}
    assert clinic.back_up(tmp_path / "stick").backup.manifest.counts["attachments"] == 2


def find_attachment(clinic: Carried) -> AttachmentId:
    return AttachmentId(query(clinic.store, "SELECT id FROM attachments")[0][0])


def test_only_one_is_made_at_a_time(clinic: Carried, tmp_path: Path) -> None:
    with clinic.store.moment(), pytest.raises(KnownFailure, match=r"backup\.running"):
        clinic.back_up(tmp_path / "stick")
    assert clinic.back_up(tmp_path / "stick").faults == ()


def test_cancelling_leaves_nothing(clinic: Carried, tmp_path: Path) -> None:
    earlier = clinic.back_up(tmp_path / "stick")
    before = tree(tmp_path / "stick")

    class Impatient(Job):
        def __init__(self, until: str) -> None:
            super().__init__()
            self.until = until

        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            if key == self.until:
                self.cancel()
            super().report(key, done, total)

    steps = ("database", "attachments", "check_parts", "check_database", "check_attachments")
    for step in (f"backup.step.{name}" for name in steps):
        with pytest.raises(Cancelled):
            make_backup(clinic.store, tmp_path / "stick", Impatient(step), now=NOW)
        assert tree(tmp_path / "stick") == before
    assert earlier.backup.folder.is_dir()


def test_any_failing_operation_leaves_no_half_backup(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick"
    kept = clinic.back_up(stick)
    before = tree(stick)
    with breaking(monkeypatch, 0) as counting:
        shutil.rmtree(clinic.back_up(stick).backup.folder)
    assert counting.calls > 15
    failed = 0
    for failing in range(1, counting.calls + 1):
        for code, kind in ((errno.ENOSPC, ErrorKind.DISK_FULL), (errno.EIO, ErrorKind.IO)):
            kinds: list[ErrorKind] = []
            with breaking(monkeypatch, failing, code):
                try:
                    whole = clinic.back_up(stick)
                except KnownFailure as failure:
                    kinds = [failure.kind]
            failed += len(kinds)
            assert kinds in ([], [kind])
            if not kinds:
                shutil.rmtree(whole.backup.folder)
            elif tree(stick) != before:
                # The rename was done, and only its certainty could not be had.
                (found,) = [backup for backup in find_backups(stick) if backup.folder != kept.backup.folder]
                shutil.rmtree(found.folder)
            assert tree(stick) == before
    assert failed >= 2 * (counting.calls - 3)
    assert clinic.store.verify(Job()).ok


def test_what_a_power_cut_left_is_swept_by_the_next(clinic: Carried, tmp_path: Path) -> None:
    made = clinic.back_up(tmp_path / "stick")
    torn = made.backup.folder.with_name(made.backup.folder.name[:-4] + "dead" + PARTIAL)
    made.backup.folder.rename(torn)
    strangers = tmp_path / "stick" / ("lantern-00000000-x" + PARTIAL)
    strangers.mkdir()
    (torn / MANIFEST).unlink()
    with pytest.raises(Exception, match=r"backup\.unfinished"):
        find_backups(torn)
    with pytest.raises(Exception, match=r"backup\.not_a_backup"):
        find_backups(tmp_path / "stick")
    again = clinic.back_up(tmp_path / "stick")
    assert set((tmp_path / "stick").iterdir()) == {again.backup.folder, strangers}


def test_a_pulled_stick_is_told_as_such(clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stick = tmp_path / "stick"
    real = backup_files.write_part

    def pulled(folder: Path, name: str, data: bytes) -> object:
        if name == MANIFEST:
            shutil.rmtree(stick)
        return real(folder, name, data)

    monkeypatch.setattr("desktop.store.backup.write_part", pulled)
    with pytest.raises(KnownFailure, match=r"backup\.medium_gone"):
        clinic.back_up(stick)
    assert clinic.store.verify(Job()).ok


def test_a_stick_pulled_before_the_records_are_copied_is_told_as_such(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite only says that it cannot open a file; the folder that the stick was mounted on is still there."""
    real = backup_database.copy_database

    def pulled(source: Connection, path: Path, *rest: object) -> None:
        shutil.rmtree(path.parent)
        real(source, path, *rest)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr("desktop.store.backup.copy_database", pulled)
    with pytest.raises(KnownFailure, match=r"backup\.medium_gone"):
        clinic.back_up(tmp_path / "stick")
    assert not list((tmp_path / "stick").iterdir())


@pytest.mark.parametrize("step", ["database", "attachments", "check_parts", "check_attachments"])
def test_where_a_stick_was_pulled_nothing_is_written_to_this_pc(clinic: Carried, tmp_path: Path, step: str) -> None:
    """The folder that the stick was mounted on stays, and is empty."""
    stick = tmp_path / "stick"
    stick.mkdir()

    class Pulled(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            if key == f"backup.step.{step}":
                for path in stick.iterdir():
                    shutil.rmtree(path)

    with pytest.raises(KnownFailure, match=r"backup\.medium_gone"):
        make_backup(clinic.store, stick, Pulled(), now=NOW)
    assert not list(stick.iterdir())
    assert clinic.store.verify(Job()).ok


def test_checking_and_working_go_on_meanwhile(clinic: Carried, tmp_path: Path) -> None:
    query(clinic.store, "PRAGMA busy_timeout = 100")  # how long the check waits for the backup to let go of the log
    with clinic.store.moment() as moment:
        for _ in range(20):
            add_patient(clinic.store, full_patient())
        assert clinic.store.verify(Job()).ok
        assert value(moment.connection, "SELECT count(*) FROM patients") == 1
    assert clinic.back_up(tmp_path / "stick").backup.manifest.counts["patients"] == 21


def test_memory_stays_constant(clinic: Carried, tmp_path: Path) -> None:
    film = tmp_path / "film"
    with film.open("wb") as stream:
        stream.truncate(48 << 20)
    owner = add_patient(clinic.store, full_patient())
    staged = clinic.store.attachments.stage(film, Job())
    record = Attachment(AttachmentId(new_id()), owner.id, staged.sha256, staged.size, "image/png", "film", NOW)
    with clinic.store.transaction() as tx:
        tx.attachments.add(record, staged)
        tx.audit.add(AuditAction.ADD_ATTACHMENT, record.id, actor="t")
    tracemalloc.start()
    try:
        made = clinic.back_up(tmp_path / "stick")
        assert clinic.restore(made.backup.folder, tmp_path / "again").found.ok
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("spoil", ["flip", "cut", "remove", "lengthen"])
def test_what_the_medium_spoils_is_found_when_it_is_read_back(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    real = backup_check.faults_of
    names = [part.name for part in clinic.back_up(tmp_path / "first").backup.manifest.own_parts]
    for name in (*names, MANIFEST, "att"):

        def spoilt(made: Backup, *rest: object, name: str = name) -> object:
            path = made.folder / name if name != "att" else made.folder / made.manifest.attachments[0][0].name
            spoil_file(path, spoil)
            return real(made, *rest)  # type: ignore[arg-type]  # as they came

        monkeypatch.setattr("desktop.store.backup.faults_of", spoilt)
        made = clinic.back_up(tmp_path / "stick")
        wanted = name if name != "att" else made.backup.manifest.attachments[0][0].name
        assert [(fault.where, fault.key) for fault in made.faults] == [(wanted, "backup.fault.part")]


def spoil_file(path: Path, how: str) -> None:
    """Flip a bit in the middle, cut the end off, lengthen it or remove it."""
    data = bytearray(path.read_bytes())
    if how == "remove":
        path.unlink()
        return
    if how == "flip":
        data[len(data) // 2] ^= 1
    elif how == "cut":
        del data[-1:]
    else:
        data += b"\0"
    path.write_bytes(data)


def test_what_the_clinic_lost_does_not_stop_the_rest(clinic: Carried, tmp_path: Path) -> None:
    lost = find_attachment(clinic)
    second = import_file(clinic.store, add_patient(clinic.store, full_patient()), b"another film" * 9000)[0]
    with snapshot(clinic.store) as tx:
        paths = {one: clinic.store._sealed.path(tx.attachments.stored(one).file) for one in (lost, second.id)}
    paths[lost].unlink()
    spoil_file(paths[second.id], "flip")
    made = clinic.back_up(tmp_path / "stick")
    assert {(fault.where, fault.key, fault.in_clinic) for fault in made.faults} == {
        (f"attachments/{lost}", "backup.fault.attachment_missing", True),
        (f"attachments/{second.id}", "backup.fault.attachment_damaged", True),
    }
    restored = clinic.restore(made.backup.folder, tmp_path / "again")
    assert {problem.where for problem in restored.found.problems} == {f"attachments/{lost}", f"attachments/{second.id}"}


def test_a_damaged_clinic_is_not_backed_up_over_anything(clinic: Carried, tmp_path: Path) -> None:
    earlier = clinic.back_up(tmp_path / "stick").backup
    folder = clinic.store.folder
    page = query(clinic.store, "SELECT rootpage FROM sqlite_schema WHERE name = 'suggestions'")[0][0]
    clinic.store.close()
    database = StoreFiles(folder).database
    data = bytearray(database.read_bytes())
    data[(page - 1) * 4096 + 100] ^= 1
    database.write_bytes(data)
    with Store.open(folder, clinic.unlocked) as store:
        with pytest.raises(KnownFailure) as caught:
            make_backup(store, tmp_path / "stick", Job(), now=NOW)
        assert (caught.value.key, caught.value.kind) == ("store.database_damaged", ErrorKind.IO)
    assert find_backups(tmp_path / "stick") == (earlier,)
    assert len(list((tmp_path / "stick").iterdir())) == 1
    assert clinic.restore(tmp_path / "stick", tmp_path / "again").found.ok


def test_files_sealed_anew_meanwhile_are_taken_with_their_new_rows(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = find_attachment(clinic)
    with snapshot(clinic.store) as tx:
        stored = tx.attachments.stored(identity)
    calls = 0

    def refers(file: str) -> bool:
        nonlocal calls
        calls += 1
        hidden.rename(path)  # by the second try everything is in its place
        return False

    path = clinic.store._sealed.path(stored.file)
    hidden = path.with_name("hidden")
    path.rename(hidden)
    monkeypatch.setattr(clinic.store, "_refers_to", refers)
    assert clinic.back_up(tmp_path / "stick").faults == ()
    assert calls == 1
    assert len(list((tmp_path / "stick").iterdir())) == 1


def test_scheduled_backups_share_their_attachments(clinic: Carried, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    first = clinic.back_up(stick, shared=True)
    film = first.backup.attachments_root / first.backup.manifest.attachments[0][0].name
    inode = film.stat().st_ino
    second = clinic.back_up(stick, shared=True)
    assert (first.faults, second.faults) == ((), ())
    assert film.stat().st_ino == inode
    assert len(list((stick / "att").rglob("*/*"))) == 1
    spoil_file(film, "cut")
    assert clinic.back_up(stick, shared=True).faults == ()  # a torn one is written again
    spoil_file(film, "flip")
    assert [fault.where for fault in clinic.back_up(stick, shared=True).faults] == [
        f"att/{film.parent.name}/{film.name}"
    ]
    film.unlink()
    assert clinic.back_up(stick, shared=True).faults == ()
    assert clinic.restore(second.backup.folder, tmp_path / "again").found.ok


def test_every_changed_byte_of_a_manifest_is_noticed(clinic: Carried, tmp_path: Path) -> None:
    data = (clinic.back_up(tmp_path / "stick").backup.folder / MANIFEST).read_bytes()
    assert isinstance(parse(data), Manifest)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 2
        with contextlib.suppress(KnownFailure), pytest.raises(DamagedManifest):
            parse(bytes(changed))
    with pytest.raises(DamagedManifest):
        parse(data + b"\n")


def test_a_manifest_cannot_lead_out_of_its_folder(clinic: Carried, tmp_path: Path) -> None:
    data = (clinic.back_up(tmp_path / "stick").backup.folder / MANIFEST).read_bytes()
    for name in ("../../evil", "/etc/passwd", "att/ab/../../x", "clinic.db"):
        raw = json.loads(data)
        raw["attachments"][0][0]["name"] = name
        del raw["checksum"]
        with pytest.raises(DamagedManifest):
            parse(backup_manifest.file_of(raw))


@pytest.mark.parametrize(("name", "value"), [("epoch", 0), ("epoch", float("inf")), ("attachments", [[]])])
def test_a_manifest_of_what_cannot_be_is_damaged(clinic: Carried, tmp_path: Path, name: str, value: object) -> None:
    raw = json.loads((clinic.back_up(tmp_path / "stick").backup.folder / MANIFEST).read_bytes())
    del raw["checksum"]
    with pytest.raises(DamagedManifest):
        parse(backup_manifest.file_of({**raw, name: value}))


# Makes backups for ever, each found good when it was made.
WORKER = """
import sys
from pathlib import Path
from desktop import vault
from desktop.jobs import Job
from desktop.store import Store
from desktop.store.backup import make_backup
from tests.store.helpers import NOW, PASSPHRASE, USER
store = Store.open(Path(sys.argv[1]), vault.unlock(Path(sys.argv[1]), USER, PASSPHRASE))
print("ready", flush=True)
while True:
    made = make_backup(store, Path(sys.argv[2]), Job(), now=NOW)
    assert made.faults == ()
    print(made.backup.folder.name, flush=True)
"""


@pytest.mark.full_keys
def test_kill_nine_leaves_whole_backups_and_unfinished_ones(clinic: Carried, tmp_path: Path) -> None:
    stick, folder = tmp_path / "stick", clinic.store.folder
    clinic.store.close()
    stick.mkdir()
    chance = random.Random(7)
    acknowledged: list[str] = []
    for _ in range(3):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), str(stick)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        acknowledged.append(worker.stdout.readline().strip())
        time.sleep(chance.uniform(0, 0.2))
        worker.kill()
        acknowledged += worker.stdout.read().split()
        worker.stdout.close()
        worker.wait()
    whole = {backup.folder.name: backup for backup in find_backups(stick)}
    assert whole.keys() >= set(acknowledged)
    with Store.open(folder, clinic.unlocked) as store:
        for backup in whole.values():
            assert backup_check.faults_of(backup, clinic.unlocked, store._sealed, folder, Job()) == ()
        assert make_backup(store, stick, Job(), now=NOW).faults == ()
        assert not list(stick.glob("*" + PARTIAL))
        assert not list(folder.glob("backup-*"))
        assert store.verify(Job()).ok
