"""A new key epoch: everything is there under other keys, or nothing changed; whatever interrupts it."""

import contextlib
import errno
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import Cancelled, ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import Attachment, AuditAction, AuditEntry, Patient, UserId, new_id
from desktop.store import Store, verify_folder
from desktop.store.attachments import StoredFile
from desktop.store.places import StoreFiles, epochs_present
from desktop.vault import derive
from tests.store.helpers import NOW, PASSPHRASE, USER, add_patient, keys_of, kinds, patient

FILM = b"film of a chest " * 9000
KEYSTORES = ("keystore.json", "keystore.copy.json")


@dataclass
class Clinic:
    """A closed clinic with one patient and two films."""

    folder: Path
    card: str
    owner: Patient
    films: tuple[Attachment, ...]

    def unlock(self) -> vault.Unlocked:
        return vault.unlock(self.folder, USER, PASSPHRASE)

    @contextlib.contextmanager
    def open(self) -> Iterator[Store]:
        unlocked = self.unlock()
        with Store.open(self.folder, unlocked) as store:
            yield store
        unlocked.close()

    def copied(self, to: Path) -> "Clinic":
        shutil.copytree(self.folder, to)
        return Clinic(to, self.card, self.owner, self.films)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.name not in (*KEYSTORES, "clinic.lock", "att")}

    def sealed(self) -> set[str]:
        return {path.name for path in (self.folder / "att").rglob("*") if path.is_file()}

    def is_whole(self) -> int:
        """Everything reads and verifies; returns the epoch."""
        with self.open() as store:
            with store.snapshot() as tx:
                assert tx.patients.get(self.owner.id) == self.owner
            for film in self.films:
                assert store.attachments.read(film.id) == FILM + film.id.encode()
            found = store.verify(Job())
            assert found.ok, found.problems
            epoch = store._files.epoch
        checked = verify_folder(self.folder, USER, PASSPHRASE, Job())
        assert checked.ok, checked.problems
        assert vault.unlock_with_card(self.folder, self.card, touch=False).epoch == epoch
        return epoch


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    for name, cost in (("_FLOOR_MEMORY_KIB", 64), ("_FLOOR_TIME", 1), ("_TARGET_SECONDS", 0.0)):
        monkeypatch.setattr(derive, name, cost)
    folder = tmp_path / "clinic"
    unlocked, card = vault.create(folder, new_id(), USER, UserId(new_id()), ("administrator",), PASSPHRASE)
    with Store.create(folder, unlocked, "清河村卫生室", now=NOW) as store:
        owner = add_patient(store, patient())
        films = tuple(own_film(store, owner) for _ in range(2))
    unlocked.close()
    return Clinic(folder, card.code, owner, films)


def own_film(store: Store, owner: Patient) -> Attachment:
    """A film whose bytes name its attachment."""
    staged_name = new_id()
    data = FILM + staged_name.encode()
    staged = store.attachments.stage(data, Job())
    film = Attachment(staged_name, owner.id, staged.sha256, staged.size, "image/png", "film.png", NOW)  # type: ignore[arg-type]  # an id
    with store.transaction() as tx:
        tx.attachments.add(film, staged)
        tx.audit.add(AuditAction.ADD_ATTACHMENT, film.id, actor="t")
    return film


def records(store: Store) -> list[StoredFile]:
    with store.snapshot() as tx:
        return [tx.attachments.stored(row[0]) for row in tx.attachments._rows.all("SELECT id FROM attachments")]


def rekey(clinic: Clinic) -> None:
    with clinic.open() as store:
        store.begin_epoch(Job(), actor="t")
        assert store.attachments.reseal(Job(), actor="t") == 0


def put(clinic: Clinic, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        (clinic.folder / name).write_bytes(data)


def contents(clinic: Clinic, *names: str) -> dict[str, bytes]:
    return {name: (clinic.folder / name).read_bytes() for name in names}


def test_everything_is_there_under_other_keys_and_nothing_of_the_old_epoch_is_left(clinic: Clinic) -> None:
    old_key = clinic.unlock().master.derive("db")
    old_files = clinic.sealed()
    with clinic.open() as store:
        before = [entry.action for entry in head_entries(store)]
        assert store.begin_epoch(Job(), actor="t") == 2
        assert store.attachments.to_reseal()
        assert store.attachments.reseal(Job(), actor="t") == 0
        assert not store.attachments.to_reseal()
        assert {stored.epoch for stored in records(store)} == {2}
        after = [entry.action for entry in head_entries(store)]
        assert after[-len(before) :] == before
        assert after[: -len(before)] == [AuditAction.RESEAL_ATTACHMENTS] * 2 + [AuditAction.NEW_EPOCH]
        add_patient(store, patient("新来的"))
        assert store.verify(Job()).ok
    assert clinic.names() == {"clinic-2.db", "audit-heads-2.jsonl"}
    assert len(clinic.sealed()) == 2
    assert not clinic.sealed() & old_files
    assert clinic.is_whole() == 2
    assert clinic.unlock().master.derive("db") != old_key


def head_entries(store: Store) -> list[AuditEntry]:
    with store.snapshot() as tx:
        return list(tx.audit.entries(100))


def test_another_epoch_follows_while_files_of_the_first_still_wait(clinic: Clinic) -> None:
    with clinic.open() as store:
        store.begin_epoch(Job(), actor="t")
        own = own_film(store, clinic.owner)
        store.begin_epoch(Job(), actor="t")
        assert {stored.epoch for stored in records(store)} == {1, 2}
        assert store.attachments.read(own.id).startswith(FILM)
        assert store.verify(Job()).ok
    with clinic.open() as store:
        assert store.attachments.reseal(Job(), actor="t") == 0
        assert {stored.epoch for stored in records(store)} == {3}
    assert clinic.is_whole() == 3


def test_sealing_anew_goes_on_where_it_was_cancelled(clinic: Clinic) -> None:
    class AfterOne(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            if done == 1:
                self.cancel()
            super().report(key, done, total)

    with clinic.open() as store:
        store.begin_epoch(Job(), actor="t")
        with pytest.raises(Cancelled):
            store.attachments.reseal(AfterOne(), actor="t")
        assert sorted(stored.epoch for stored in records(store)) == [1, 2]
    assert clinic.is_whole() == 2
    with clinic.open() as store:
        assert store.attachments.to_reseal()
        assert store.attachments.reseal(Job(), actor="t") == 0
        assert not store.attachments.to_reseal()
    assert clinic.is_whole() == 2


def test_a_damaged_file_keeps_its_key_and_its_name(clinic: Clinic) -> None:
    with clinic.open() as store:
        stored = records(store)[0]
        path = store._sealed.path(stored.file)
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        store.begin_epoch(Job(), actor="t")
        assert store.attachments.reseal(Job(), actor="t") == 1
        assert store.attachments.to_reseal()
        assert [problem.where for problem in store.verify(Job()).problems] == [f"attachments/{stored.attachment.id}"]
        path.write_bytes(whole)
        assert store.attachments.reseal(Job(), actor="t") == 0
    assert clinic.is_whole() == 2


def test_a_backup_holds_a_new_epoch_back(clinic: Clinic) -> None:
    with clinic.open() as store, store.moment(), pytest.raises(KnownFailure, match=r"backup\.running"):
        store.begin_epoch(Job(), actor="t")
    assert clinic.is_whole() == 1


class AtFiles(Job):
    """A check that is held up when it comes to the files."""

    def __init__(self) -> None:
        super().__init__()
        self.there, self.go_on = threading.Event(), threading.Event()

    def report(self, key: str, done: int = 0, total: int = 0) -> None:
        if key == "verify.step.attachments":
            self.there.set()
            assert self.go_on.wait(30)
        super().report(key, done, total)


def test_a_check_sees_its_own_moment_while_files_are_sealed_anew(clinic: Clinic) -> None:
    with clinic.open() as store, ThreadPoolExecutor(2) as pool:
        store.begin_epoch(Job(), actor="t")
        check = AtFiles()
        checked = pool.submit(store.verify, check)
        assert check.there.wait(30)
        with pytest.raises(KnownFailure, match=r"store\.being_checked"):
            store.begin_epoch(Job(), actor="t")
        sealed = pool.submit(store.attachments.reseal, Job(), actor="t")
        deadline = time.monotonic() + 30
        while all(stored.epoch == 1 for stored in records(store)):
            assert time.monotonic() < deadline
        check.go_on.set()
        assert checked.result(30).problems == ()
        assert sealed.result(30) == 0
    assert clinic.is_whole() == 2


def test_what_was_sealed_before_may_still_be_added_as_long_as_its_key_is_kept(clinic: Clinic) -> None:
    with clinic.open() as store:
        staged = store.attachments.stage(FILM, Job())
        late = Attachment(new_id(), clinic.owner.id, staged.sha256, staged.size, "image/png", "f", NOW)  # type: ignore[arg-type]  # an id
        store.begin_epoch(Job(), actor="t")
        with store.transaction() as tx:
            tx.attachments.add(late, staged)
            tx.audit.add(AuditAction.ADD_ATTACHMENT, late.id, actor="t")
        assert store.attachments.read(late.id) == FILM
        too_late = store.attachments.stage(FILM, Job())
        old = type(staged)(staged.file, staged.sha256, staged.size, staged.wrapped_key, epoch=1)
        assert too_late.epoch == 2
        assert store.attachments.reseal(Job(), actor="t") == 0
        again = Attachment(new_id(), clinic.owner.id, old.sha256, old.size, "image/png", "f", NOW)  # type: ignore[arg-type]  # an id
        with pytest.raises(KnownFailure, match=r"store\.sealed_too_early"), store.transaction() as tx:
            tx.attachments.add(again, old)
        store.attachments.discard(too_late)
    assert clinic.is_whole() == 2


# Interrupted


@pytest.mark.parametrize("step", ["people.step.copying", "people.step.checking"])
def test_cancelling_leaves_the_clinic_as_it_was(clinic: Clinic, step: str) -> None:
    class Stopped(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            if key == step:
                self.cancel()
            super().report(key, done, total)

    before = contents(clinic, *KEYSTORES)
    with clinic.open() as store:
        with pytest.raises(Cancelled):
            store.begin_epoch(Stopped(), actor="t")
        add_patient(store, patient("仍可登记"))
    assert contents(clinic, *KEYSTORES) == before
    assert clinic.names() == {"clinic.db", "audit-heads.jsonl"}
    assert clinic.is_whole() == 1


class Disk:
    """Counts what changes the folder and does something at the n-th call."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, at: int, deed: Callable[[], None], *, then_always: bool
    ) -> None:
        self.calls = 0
        self.at, self.deed, self.then_always = at, deed, then_always
        fsync, replace, unlink = os.fsync, Path.replace, Path.unlink

        def counted_fsync(descriptor: int) -> None:
            self.count()
            fsync(descriptor)

        def counted_replace(path: Path, target: Path) -> Path:
            self.count()
            return replace(path, target)

        def counted_unlink(path: Path, missing_ok: bool = False) -> None:
            self.count()
            unlink(path, missing_ok=missing_ok)

        monkeypatch.setattr(os, "fsync", counted_fsync)
        monkeypatch.setattr(Path, "replace", counted_replace)
        monkeypatch.setattr(Path, "unlink", counted_unlink)

    def count(self) -> None:
        self.calls += 1
        if self.calls == self.at or (self.then_always and self.calls > self.at):
            self.deed()


def fail_with(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "then_always"), [(errno.EIO, False), (errno.EIO, True), (errno.ENOSPC, True)], ids=str
)
def test_the_nth_call_to_the_disk_fails(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, then_always: bool
) -> None:
    """For every n until nothing fails any more: the old or the new clinic is there, whole, and work goes on."""
    epochs = []
    for n in range(1, 200):
        victim = clinic.copied(tmp_path / f"{n}")
        told = ""
        unlocked = victim.unlock()
        store = Store.open(victim.folder, unlocked)
        with monkeypatch.context() as patch, quiet_logs(patch):
            disk = Disk(patch, n, fail_with(number), then_always=then_always)
            try:
                store.begin_epoch(Job(), actor="t")
                store.attachments.reseal(Job(), actor="t")
            except KnownFailure as error:
                told = error.key
            store.close()
        unlocked.close()
        epochs.append(victim.is_whole())
        shutil.rmtree(victim.folder)
        if disk.calls < n:
            break
        assert told in ("error.io", "error.disk_full", "vault.half_written", "")
    assert epochs[0] == 1
    assert epochs[-1] == 2
    assert len(epochs) > 15


@contextlib.contextmanager
def quiet_logs(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that fails is logged by several modules; which of them depends on n."""
    for module in ("key_epochs", "heads", "signing"):
        patch.setattr(f"desktop.store.{module}._log.disabled", True)
    patch.setattr("desktop.vault.keystore._log.disabled", True)
    yield


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_the_process_dies_at_the_nth_call(clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    epochs = []
    for n in range(1, 200):
        victim = clinic.copied(tmp_path / f"{n}")
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                Disk(monkeypatch, n, lambda: os._exit(9), then_always=False)
                rekey(victim)
            os._exit(0)
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        epochs.append(victim.is_whole())
        assert len(epochs_present(victim.folder)) == 1
        assert not list(victim.folder.glob("*.new*"))
        shutil.rmtree(victim.folder)
        if died == 0:
            break
    assert (epochs[0], epochs[-1]) == (1, 2)
    assert len(epochs) > 15


def test_a_store_closes_rather_than_write_to_the_epoch_that_may_be_given_up(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = clinic.unlock()
    store = Store.open(clinic.folder, unlocked)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("desktop.vault.changes.write_copies", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.begin_epoch(Job(), actor="t")
    with pytest.raises(RuntimeError, match="closed"), store.snapshot():
        pass
    unlocked.close()
    assert clinic.is_whole() == 1
    assert clinic.names() == {"clinic.db", "audit-heads.jsonl"}


# Old files put back


def test_both_keystores_of_the_former_epoch_put_back_are_a_problem_of_the_keystore(clinic: Clinic) -> None:
    old = contents(clinic, *KEYSTORES)
    rekey(clinic)
    newest = contents(clinic, *KEYSTORES)
    put(clinic, old)
    unlocked = clinic.unlock()
    with pytest.raises(KnownFailure) as caught:
        Store.open(clinic.folder, unlocked)
    assert (caught.value.key, caught.value.kind) == ("store.keystore_of_former_epoch", ErrorKind.UNLOCK)
    unlocked.close()
    assert kinds(verify_folder(clinic.folder, USER, PASSPHRASE, Job())) == {"keystore"}
    put(clinic, newest)
    assert clinic.is_whole() == 2


def test_so_are_they_with_the_old_database_beside_the_newer_one(clinic: Clinic) -> None:
    old = contents(clinic, *KEYSTORES, "clinic.db", "audit-heads.jsonl")
    rekey(clinic)
    newest = contents(clinic, *KEYSTORES)
    put(clinic, old)
    assert kinds(verify_folder(clinic.folder, USER, PASSPHRASE, Job())) == {"keystore"}
    assert epochs_present(clinic.folder) == (1, 2)
    put(clinic, newest)
    assert clinic.is_whole() == 2
    assert epochs_present(clinic.folder) == (2,)


@pytest.mark.parametrize("name", KEYSTORES)
def test_one_keystore_of_the_former_epoch_is_a_note(clinic: Clinic, name: str) -> None:
    old = contents(clinic, name)
    rekey(clinic)
    put(clinic, old)
    with clinic.open() as store:
        found = store.verify(Job())
    assert found.ok
    assert [(note.where, note.key) for note in found.notes] == [(name, "verify.keystore_older")]
    assert clinic.is_whole() == 2


def test_the_old_database_in_place_of_the_new_one_is_a_missing_database(clinic: Clinic) -> None:
    old = contents(clinic, "clinic.db")
    rekey(clinic)
    put(clinic, old)
    StoreFiles(clinic.folder, 2).database.unlink()
    assert kinds(verify_folder(clinic.folder, USER, PASSPHRASE, Job())) == {"database"}


def test_a_twin_left_behind_before_the_switch_survives_a_damaged_primary(clinic: Clinic) -> None:
    """A power cut between the two copies, then a bad sector in the first: the clinic of before opens."""
    before = contents(clinic, *KEYSTORES, "clinic.db", "audit-heads.jsonl")
    unlocked = clinic.unlock()
    store = Store.open(clinic.folder, unlocked)
    real = vault.NextEpoch.begin
    successor_files: dict[str, bytes] = {}

    def begin(successor: vault.NextEpoch, *arguments: object, **options: object) -> None:
        successor_files.update(contents(clinic, "clinic-2.db", "audit-heads-2.jsonl", "clinic.db", "clinic.db-wal"))
        real(successor, *arguments, **options)  # type: ignore[arg-type]  # handed through

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vault.NextEpoch, "begin", begin)
        store.begin_epoch(Job(), actor="t")
    store.close()
    unlocked.close()
    for name in clinic.names():
        (clinic.folder / name).unlink()
    put(clinic, {**before, **successor_files, KEYSTORES[0]: b"{damaged"})
    with clinic.open() as reopened:
        assert keys_of(reopened.verify(Job())) == {"verify.keystore_damaged"}
    assert clinic.is_whole() == 1
    assert epochs_present(clinic.folder) == (1,)


# The database follows the keystore


def users(store: Store) -> dict[str, object]:
    with store.snapshot() as tx:
        return {user.name: user for user in tx.users.all()}


def test_a_change_cut_off_before_the_database_knew_is_taken_over(clinic: Clinic) -> None:
    unlocked = clinic.unlock()
    anna = UserId(new_id())
    expected: list[tuple[Callable[[], None], AuditAction]] = [
        (lambda: add_slot(clinic, unlocked, anna), AuditAction.ADD_USER),
        (
            lambda: vault.set_roles(clinic.folder, unlocked, user_id=anna, roles=("doctor",)),
            AuditAction.CHANGE_ROLES,
        ),
        (
            lambda: vault.reset_user(clinic.folder, unlocked, user_id=anna, passphrase="another passphrase"),
            AuditAction.RESET_USER,
        ),
        (lambda: vault.drop_user(clinic.folder, unlocked, user_id=anna), AuditAction.DISABLE_USER),
        (lambda: add_slot(clinic, unlocked, anna), AuditAction.ENABLE_USER),
    ]
    for change, action in expected:
        change()
        with clinic.open() as store:
            with store.snapshot() as tx:
                entries = [(entry.action, entry.actor) for entry in tx.audit.entries(2)]
                assert tx.membership.generation() == unlocked.generation
            assert entries == [(AuditAction.TAKE_OVER_KEYSTORE, "system"), (action, "system")]
            assert store.verify(Job()).ok
    with clinic.open() as store, store.snapshot() as tx:
        user = tx.users.get(anna)
    assert (user.name, user.roles, user.disabled) == ("Anna", ("nurse",), False)
    assert len(user.earlier_public_keys) == 2
    unlocked.close()


def add_slot(clinic: Clinic, unlocked: vault.Unlocked, identity: UserId) -> None:
    vault.add_user(
        clinic.folder, unlocked, user_id=identity, name="Anna", roles=("nurse",), passphrase="a nurse's words"
    )


def test_an_opening_without_changes_writes_no_line(clinic: Clinic) -> None:
    with clinic.open() as store, store.snapshot() as tx:
        before = tx.audit.head()
    with clinic.open() as store, store.snapshot() as tx:
        assert tx.audit.head() == before


def test_keystores_put_back_within_an_epoch_are_named_and_bring_nobody_back(clinic: Clinic) -> None:
    unlocked = clinic.unlock()
    anna = UserId(new_id())
    add_slot(clinic, unlocked, anna)
    with_anna = contents(clinic, *KEYSTORES)
    clinic.open().__enter__().close()
    vault.drop_user(clinic.folder, unlocked, user_id=anna)
    clinic.open().__enter__().close()
    put(clinic, with_anna)
    with clinic.open() as store:
        assert keys_of(store.verify(Job())) == {"verify.keystore_rolled_back"}
        with store.snapshot() as tx:
            assert tx.users.get(anna).disabled
        store.begin_epoch(Job(), actor="t")
        assert store.verify(Job()).ok
    assert vault.users(clinic.folder) == (USER,)
    assert clinic.is_whole() == 2
    unlocked.close()
