"""Backups and key epochs: the card that was good when a backup was made opens it, whatever became of the clinic."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from desktop import vault
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import UserId, new_id
from desktop.store import Store, backup_drill, restore
from desktop.store.backup_drill import prove
from desktop.store.building_site import building_site
from desktop.store.places import StoreFiles
from desktop.vault import RecoveryCard
from tests.store.backup_clinic import Carried, everything
from tests.store.helpers import NOW, PASSPHRASE, USER, add_patient, import_file, patient, read_a_film


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Carried]:
    """An open clinic with two films, and the card it was created with."""
    folder = tmp_path / "clinic"
    roles = ("doctor", "administrator")
    unlocked, card = vault.create(folder, new_id(), USER, UserId(new_id()), roles, PASSPHRASE, calibrate=False)
    with Store.create(folder, unlocked, "清河村卫生室", now=NOW) as store:
        read_a_film(store, unlocked)
        import_file(store, add_patient(store, patient()), b"another film" * 9000)
        yield Carried(store, unlocked, card.code)
    unlocked.close()


def restored(clinic: Carried, source: Path, target: Path) -> tuple[int, dict[str, str]]:
    """The key epoch and contents of what comes back; it is whole and opens with the passphrase."""
    assert clinic.restore(source, target).found.problems == ()
    with contextlib.closing(vault.unlock(target, USER, PASSPHRASE)) as keys, Store.open(target, keys) as store:
        assert store.verify(Job()).ok
        return keys.epoch, everything(store)


def test_backups_of_every_epoch_come_back_with_the_same_card(clinic: Carried, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    before = everything(clinic.store)
    first = clinic.back_up(stick).backup
    assert clinic.store.begin_epoch(Job(), actor=clinic.unlocked.user_id) == 2
    between = clinic.back_up(stick)
    clinic.store.attachments.reseal(Job(), actor=clinic.unlocked.user_id)
    after = clinic.back_up(stick)
    assert (between.faults, after.faults) == ((), ())
    assert between.backup.manifest.attachments == first.manifest.attachments
    assert not {*after.backup.manifest.attachments} & {*first.manifest.attachments}
    assert restored(clinic, first.folder, tmp_path / "one") == (1, before)
    assert restored(clinic, between.backup.folder, tmp_path / "two") == (2, before)
    assert restored(clinic, after.backup.folder, tmp_path / "three") == (2, before)
    assert StoreFiles(tmp_path / "three", 2).database.is_file()
    assert not StoreFiles(tmp_path / "three").database.exists()


def test_a_drill_wants_a_backup_of_the_present_keys(clinic: Carried, tmp_path: Path) -> None:
    old = clinic.back_up(tmp_path / "stick").backup
    clinic.store.begin_epoch(Job(), actor=clinic.unlocked.user_id)
    with pytest.raises(UserFacingError, match=r"backup\.former_keys"):
        prove(old, clinic.store, clinic.unlocked, Job(), lambda: NOW)
    new = clinic.back_up(tmp_path / "stick").backup
    found = prove(new, clinic.store, clinic.unlocked, Job(), lambda: NOW)
    assert found.problems == ()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_disk_that_fills_up_during_a_drill_is_said_in_words(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise dbapi2.OperationalError("database or disk is full")

    made = clinic.back_up(tmp_path / "stick").backup
    monkeypatch.setattr(restore, "copy_database", full)
    with pytest.raises(KnownFailure) as told:
        prove(made, clinic.store, clinic.unlocked, Job(), lambda: NOW)
    assert told.value.kind is ErrorKind.DISK_FULL
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_no_epoch_begins_while_a_backup_is_proven(clinic: Carried, tmp_path: Path) -> None:
    class Meanwhile(Job):
        refused = 0

        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            if key == "backup.step.restore_attachments":
                with pytest.raises(KnownFailure, match=r"store\.being_checked"):
                    clinic.store.begin_epoch(Job(), actor=clinic.unlocked.user_id)
                self.refused += 1
            super().report(key, done, total)

    made = clinic.back_up(tmp_path / "stick").backup
    job = Meanwhile()
    assert prove(made, clinic.store, clinic.unlocked, job, lambda: NOW).problems == ()
    assert job.refused
    assert clinic.store.begin_epoch(Job(), actor=clinic.unlocked.user_id) == 2


def test_no_epoch_begins_between_looking_at_the_keys_and_proving(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = clinic.back_up(tmp_path / "stick").backup

    def meanwhile(place: Path, ending: str) -> AbstractContextManager[Path]:
        with pytest.raises(KnownFailure) as refused:
            clinic.store.begin_epoch(Job(), actor=clinic.unlocked.user_id)
        assert refused.value.key == "store.being_checked"
        return building_site(place, ending)

    monkeypatch.setattr(backup_drill, "building_site", meanwhile)
    assert prove(made, clinic.store, clinic.unlocked, Job(), lambda: NOW).problems == ()


def test_a_backup_is_good_though_its_maker_got_new_keys_meanwhile(clinic: Carried, tmp_path: Path) -> None:
    """Until the next unlock an administrator who gave themselves a new passphrase signs with the key of before."""
    me = clinic.unlocked.user_id
    vault.reset_user(clinic.store.folder, clinic.unlocked, user_id=me, passphrase="another four words")
    with clinic.store.transaction() as tx:
        now = vault.members(clinic.store.folder, clinic.unlocked)
        tx.membership.take_over(now, clinic.unlocked.generation, actor=me)
    made = clinic.back_up(tmp_path / "stick")
    assert made.faults == ()
    assert clinic.restore(made.backup.folder, tmp_path / "back").found.problems == ()


def test_a_drill_wants_a_backup_that_the_present_card_opens(clinic: Carried, tmp_path: Path) -> None:
    old = clinic.back_up(tmp_path / "stick").backup
    cards: list[RecoveryCard] = []
    vault.new_recovery_card(clinic.store.folder, clinic.unlocked, clinic_name="清河村", hand_over=cards.append)
    with pytest.raises(UserFacingError, match=r"backup\.former_card"):
        prove(old, clinic.store, clinic.unlocked, Job(), lambda: NOW)
    new = clinic.back_up(tmp_path / "stick").backup
    assert prove(new, clinic.store, clinic.unlocked, Job(), lambda: NOW).problems == ()
    later = Carried(clinic.store, clinic.unlocked, cards[0].code)
    assert later.restore(new.folder, tmp_path / "new").found.ok
    assert clinic.restore(old.folder, tmp_path / "old").found.ok
    for carried, backup in ((clinic, new), (later, old)):
        with pytest.raises(UserFacingError, match=r"unlock\.wrong_card"):
            carried.restore(backup.folder, tmp_path / "never")


def test_a_clinic_with_new_people_is_proven_by_an_older_backup(clinic: Carried, tmp_path: Path) -> None:
    """The keystore in the backup is behind the clinic's; that is no fault of the backup, nor a danger to the clinic."""
    backup = clinic.back_up(tmp_path / "stick").backup
    vault.add_user(
        clinic.store.folder,
        clinic.unlocked,
        user_id=UserId(new_id()),
        name="wang",
        roles=("nurse",),
        passphrase=PASSPHRASE,
    )
    generation = clinic.unlocked.generation
    assert prove(backup, clinic.store, clinic.unlocked, Job(), lambda: NOW).problems == ()
    assert clinic.unlocked.generation == generation
    assert {"wang", USER} == set(vault.users(clinic.store.folder))


def test_no_new_keys_while_a_backup_is_made(clinic: Carried) -> None:
    with clinic.store.moment(), pytest.raises(KnownFailure, match=r"backup\.running"):
        clinic.store.begin_epoch(Job(), actor=clinic.unlocked.user_id)
