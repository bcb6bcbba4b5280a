"""A new key epoch: everything is there under other keys, or nothing changed; whatever interrupts it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import Cancelled, ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import Attachment, AuditAction, AuditEntry, UserId, new_id
from desktop.store import Store, verify_folder
from desktop.store.attachments import StoredFile
from desktop.store.places import StoreFiles, epochs_present
from tests.store.epoch_clinic import FILM, KEYSTORES, Clinic, contents, own_film, put, quick_clinic, rekey
from tests.store.helpers import NOW, PASSPHRASE, USER, add_patient, keys_of, kinds, patient


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    return quick_clinic(tmp_path / "clinic", monkeypatch)


def records(store: Store) -> list[StoredFile]:
    with store.snapshot() as tx:
        return [tx.attachments.stored(row[0]) for row in tx.attachments._rows.all("SELECT id FROM attachments")]


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
