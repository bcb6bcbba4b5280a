"""Changing who gets in: every change is whole, and a withdrawn passphrase opens nothing."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.records import UserId, new_id
from desktop.vault import KeystoreHealth, RecoveryCard, changes, derive, keystore_file
from tests.vault.helpers import PASSPHRASE, USER, Made, make_keystore

FILES = (keystore_file.PRIMARY, keystore_file.COPY)
OTHER = "a nurse's own words"


@pytest.fixture
def made(tmp_path: Path, cheap_keys: None) -> Made:
    """A keystore whose passphrases cost next to nothing: what a cost is for is tested elsewhere."""
    return make_keystore(tmp_path / "clinic")


@pytest.fixture
def admin(made: Made) -> Iterator[vault.Unlocked]:
    unlocked = vault.unlock(made.folder, USER, PASSPHRASE)
    yield unlocked
    unlocked.close()


def add(made: Made, admin: vault.Unlocked, name: str = "Anna", passphrase: str = OTHER) -> UserId:
    identity = UserId(new_id())
    vault.add_user(made.folder, admin, user_id=identity, name=name, roles=("nurse",), passphrase=passphrase)
    return identity


def opens(made: Made, user: str, passphrase: str) -> bool:
    try:
        vault.unlock(made.folder, user, passphrase, touch=False).close()
    except UserFacingError as error:
        if error.key != "unlock.wrong_passphrase":
            raise
        return False
    return True


def content(made: Made) -> list[bytes]:
    return [(made.folder / name).read_bytes() for name in FILES]


def test_a_new_user_opens_the_same_clinic_with_keys_of_their_own(made: Made, admin: vault.Unlocked) -> None:
    identity = add(made, admin)
    anna = vault.unlock(made.folder, "anna", OTHER)
    assert anna.master.derive("test") == made.sub_key
    assert (anna.user_id, anna.user_name, anna.roles) == (identity, "Anna", ("nurse",))
    assert anna.public_key != admin.public_key
    assert anna.generation == admin.generation == 2
    assert len(set(content(made))) == 1
    assert [(member.name, member.roles) for member in vault.members(made.folder, admin)] == [
        (USER, ("doctor",)),
        ("Anna", ("nurse",)),
    ]


@pytest.mark.parametrize("name", ["anna", " ANNA ", "Ａｎｎａ"])
def test_a_name_is_given_once_whatever_its_case_and_form(made: Made, admin: vault.Unlocked, name: str) -> None:
    add(made, admin)
    before = content(made)
    with pytest.raises(UserFacingError, match=r"vault\.name_taken"):
        add(made, admin, name)
    assert content(made) == before


def test_short_passphrases_are_refused_before_anything_is_written(made: Made, admin: vault.Unlocked) -> None:
    before = content(made)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: add(made, admin, passphrase="1234567"),
        lambda: vault.change_passphrase(made.folder, admin, old=PASSPHRASE, new="short"),
        lambda: vault.reset_user(made.folder, admin, user_id=made.user_id, passphrase=""),
    )
    for deed in deeds:
        with pytest.raises(UserFacingError, match=r"unlock\.passphrase_too_short"):
            deed()
    assert content(made) == before


def test_a_changed_passphrase_replaces_the_old_one_and_keeps_the_signing_key(made: Made, admin: vault.Unlocked) -> None:
    vault.change_passphrase(made.folder, admin, old=PASSPHRASE, new="another four words")
    assert not opens(made, USER, PASSPHRASE)
    again = vault.unlock(made.folder, USER, "another four words")
    assert again.public_key == admin.public_key
    assert again.master.derive("test") == made.sub_key


def test_only_who_knows_the_old_passphrase_may_change_it(made: Made, admin: vault.Unlocked) -> None:
    before = content(made)
    with pytest.raises(UserFacingError) as caught:
        vault.change_passphrase(made.folder, admin, old="not this one", new="another four words")
    assert (caught.value.key, caught.value.kind) == ("unlock.wrong_passphrase", ErrorKind.UNLOCK)
    assert content(made) == before


def test_a_reset_gives_a_new_passphrase_and_a_new_signing_key(made: Made, admin: vault.Unlocked) -> None:
    identity = add(made, admin)
    old = vault.unlock(made.folder, "Anna", OTHER).public_key
    vault.reset_user(made.folder, admin, user_id=identity, passphrase="given by the doctor")
    assert not opens(made, "Anna", OTHER)
    assert vault.unlock(made.folder, "Anna", "given by the doctor").public_key != old


def test_a_dropped_user_is_refused_like_a_wrong_passphrase(made: Made, admin: vault.Unlocked) -> None:
    identity = add(made, admin)
    vault.drop_user(made.folder, admin, user_id=identity)
    assert not opens(made, "Anna", OTHER)
    assert vault.users(made.folder) == (USER,)


def test_a_dropped_user_costs_as_much_time_as_a_wrong_passphrase(
    made: Made, admin: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[int] = []
    real = derive.KdfParameters.derive

    def counted(parameters: derive.KdfParameters, text: str) -> bytes:
        paid.append(parameters.time)
        return real(parameters, text)

    identity = add(made, admin)
    # As on a PC that is fast enough for more than the fewest passes, however busy this one is.
    monkeypatch.setattr(derive, "_TARGET_SECONDS", 0.01)
    monkeypatch.setattr(derive, "_seconds", lambda parameters: 0.002)
    vault.change_passphrase(made.folder, admin, old=PASSPHRASE, new="another four words")
    vault.drop_user(made.folder, admin, user_id=identity)
    monkeypatch.setattr(derive.KdfParameters, "derive", counted)
    assert not opens(made, "Anna", OTHER)
    assert not opens(made, USER, "guess")
    assert paid[0] == paid[1] > derive._FLOOR_TIME
    assert len(paid) == 2


def test_roles_change_without_the_passphrase(made: Made, admin: vault.Unlocked) -> None:
    identity = add(made, admin)
    vault.set_roles(made.folder, admin, user_id=identity, roles=("doctor", "auditor"))
    assert vault.unlock(made.folder, "Anna", OTHER).roles == ("doctor", "auditor")


def test_who_is_not_there_is_not_found(made: Made, admin: vault.Unlocked) -> None:
    nobody = UserId(new_id())
    deeds: tuple[Callable[[], object], ...] = (
        lambda: vault.drop_user(made.folder, admin, user_id=nobody),
        lambda: vault.set_roles(made.folder, admin, user_id=nobody, roles=("nurse",)),
        lambda: vault.reset_user(made.folder, admin, user_id=nobody, passphrase=OTHER),
    )
    for deed in deeds:
        with pytest.raises(UserFacingError) as caught:
            deed()
        assert caught.value.kind is ErrorKind.NOT_FOUND


def test_a_new_card_ends_the_old_one_and_is_handed_over_first(made: Made, admin: vault.Unlocked) -> None:
    handed: list[RecoveryCard] = []

    def refuse(card: RecoveryCard) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError):
        vault.new_recovery_card(made.folder, admin, clinic_name="石桥", hand_over=refuse)
    assert vault.unlock_with_card(made.folder, made.code, touch=False).by_card
    card = vault.new_recovery_card(made.folder, admin, clinic_name="石桥", hand_over=handed.append)
    assert handed == [card]
    assert vault.unlock_with_card(made.folder, card.code).master.derive("test") == made.sub_key
    with pytest.raises(UserFacingError, match=r"unlock\.wrong_card"):
        vault.unlock_with_card(made.folder, made.code, touch=False)


def test_a_drafted_card_opens_nothing_until_it_is_taken(made: Made, admin: vault.Unlocked) -> None:
    handed: list[RecoveryCard] = []
    drafted = vault.draft_recovery_card(admin, "石桥")
    with pytest.raises(UserFacingError, match=r"unlock\.wrong_card"):
        vault.unlock_with_card(made.folder, drafted.code, touch=False)
    assert vault.unlock_with_card(made.folder, made.code, touch=False).by_card
    taken = vault.new_recovery_card(made.folder, admin, clinic_name="", hand_over=handed.append, card=drafted)
    assert taken is drafted
    assert vault.unlock_with_card(made.folder, drafted.code, touch=False).master.derive("test") == made.sub_key
    with pytest.raises(UserFacingError, match=r"unlock\.wrong_card"):
        vault.unlock_with_card(made.folder, made.code, touch=False)


# Power cuts and bad disks


def test_a_withdrawn_passphrase_does_not_open_the_copy_a_power_cut_left_behind(
    made: Made, admin: vault.Unlocked
) -> None:
    identity = add(made, admin)
    older = content(made)
    vault.drop_user(made.folder, admin, user_id=identity)
    vault.change_passphrase(made.folder, admin, old=PASSPHRASE, new="another four words")
    for place, name in enumerate(FILES):
        newer = content(made)
        (made.folder / name).write_bytes(older[place])
        assert not opens(made, "Anna", OTHER)
        assert not opens(made, USER, PASSPHRASE)
        assert opens(made, USER, "another four words")
        unlocked = vault.unlock(made.folder, USER, "another four words")
        assert [finding.health for finding in unlocked.found if finding.file == name] == [KeystoreHealth.OLDER]
        (made.folder / name).write_bytes(newer[place])


class FailingDisk:
    """The n-th call that changes the disk fails, and so does each one after it where the disk stays broken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, stays_broken: bool) -> None:
        self.calls = 0
        self.fails_at = 0
        self.stays_broken = stays_broken
        fsync, replace = os.fsync, Path.replace

        def failing_fsync(descriptor: int) -> None:
            self.count()
            fsync(descriptor)

        def failing_replace(path: Path, target: Path) -> Path:
            self.count()
            return replace(path, target)

        monkeypatch.setattr(os, "fsync", failing_fsync)
        monkeypatch.setattr(Path, "replace", failing_replace)

    def count(self) -> None:
        self.calls += 1
        if self.calls == self.fails_at or (self.stays_broken and 0 < self.fails_at < self.calls):
            raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("stays_broken", [False, True])
def test_a_failing_disk_leaves_the_old_or_the_new_keystore_never_half_of_one(
    made: Made, admin: vault.Unlocked, monkeypatch: pytest.MonkeyPatch, stays_broken: bool
) -> None:
    failures = 0
    for fails_at in range(1, 20):
        before = content(made)
        with monkeypatch.context() as patch:
            disk = FailingDisk(patch, stays_broken=stays_broken)
            disk.fails_at = fails_at
            try:
                add(made, admin, f"user {fails_at}")
            except KnownFailure as error:
                failures += 1
                if not isinstance(error, changes.HalfWritten):
                    assert content(made) == before, "nothing changed, so nothing may have changed"
            else:
                assert len(vault.users(made.folder)) > 1
                break
        unlocked = vault.unlock(made.folder, USER, PASSPHRASE)
        assert opens(made, f"user {fails_at}", OTHER) in (True, False)
        vault.mend(made.folder, unlocked)
        assert {finding.health for finding in vault.check_copies(made.folder, unlocked)} == {KeystoreHealth.WHOLE}
    assert failures >= 6


@pytest.mark.parametrize("lost", ["keystore.json", "keystore.copy.json"])
def test_half_a_new_epoch_stays_nowhere_although_a_copy_was_lost(
    made: Made, admin: vault.Unlocked, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """Its database is removed when the change failed: a keystore that speaks of it would open nothing."""
    (made.folder / lost).unlink()
    before = {path.name: path.read_bytes() for path in made.folder.glob("keystore*")}
    failures = 0
    for fails_at in range(1, 20):
        with monkeypatch.context() as patch:
            FailingDisk(patch, stays_broken=False).fails_at = fails_at
            try:
                vault.NextEpoch(admin).begin(made.folder)
            except KnownFailure:
                failures += 1
            else:
                break
        assert {path.name: path.read_bytes() for path in made.folder.glob("keystore*")} == before
    assert failures >= 5


def test_a_full_disk_changes_nothing(made: Made, admin: vault.Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(made)

    def full(path: Path, data: bytes) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keystore_file, "stage", full)
    with pytest.raises(KnownFailure) as caught:
        add(made, admin)
    assert caught.value.kind is ErrorKind.DISK_FULL
    assert content(made) == before
    assert admin.generation == 1


def test_a_keystore_that_somebody_edited_is_not_written_over(made: Made, admin: vault.Unlocked) -> None:
    for name in FILES:
        (made.folder / name).write_bytes(b"{}")
    with pytest.raises(KnownFailure, match=r"vault\.keystore_changed"):
        add(made, admin)
    assert content(made) == [b"{}", b"{}"]


# A new key epoch


def begin(made: Made, admin: vault.Unlocked, **options: object) -> None:
    successor = vault.NextEpoch(admin)
    successor.begin(made.folder, **options)  # type: ignore[arg-type]  # options of `begin` by name


def test_a_new_epoch_needs_nobodys_passphrase_and_changes_every_key(made: Made, admin: vault.Unlocked) -> None:
    add(made, admin)
    signing = admin.public_key
    begin(made, admin)
    assert admin.epoch == 2
    assert admin.master.derive("test") != made.sub_key
    for name, passphrase in ((USER, PASSPHRASE), ("Anna", OTHER)):
        unlocked = vault.unlock(made.folder, name, passphrase)
        assert unlocked.epoch == 2
        assert unlocked.master.derive("test") == admin.master.derive("test")
    card = vault.unlock_with_card(made.folder, made.code)
    assert card.master.derive("test") == admin.master.derive("test")
    assert vault.unlock(made.folder, USER, PASSPHRASE).public_key == signing
    assert vault.describe(made.folder).epoch == 2


def test_who_was_disabled_cannot_open_the_new_epoch_with_an_old_keystore(made: Made, admin: vault.Unlocked) -> None:
    identity = add(made, admin)
    taken_along = content(made)
    vault.drop_user(made.folder, admin, user_id=identity)
    begin(made, admin)
    newest = content(made)
    for name, data in zip(FILES, taken_along, strict=True):
        (made.folder / name).write_bytes(data)
    old = vault.unlock(made.folder, "Anna", OTHER, touch=False)
    assert old.epoch == 1
    assert old.master.derive("test") != admin.master.derive("test")
    for name, data in zip(FILES, newest, strict=True):
        (made.folder / name).write_bytes(data)
    assert not opens(made, "Anna", OTHER)


def test_a_slot_that_was_put_back_does_not_come_along(made: Made, admin: vault.Unlocked) -> None:
    identity = add(made, admin)
    with_anna = content(made)
    vault.drop_user(made.folder, admin, user_id=identity)
    for name, data in zip(FILES, with_anna, strict=True):
        (made.folder / name).write_bytes(data)
    begin(made, admin, barred={identity}, after=7)
    assert vault.users(made.folder) == (USER,)
    assert admin.generation == 8


def test_a_twin_of_any_former_epoch_is_an_honest_remain_and_a_forged_one_is_not(
    made: Made, admin: vault.Unlocked
) -> None:
    former = [content(made)[1]]
    begin(made, admin)
    former.append(content(made)[1])
    begin(made, admin)
    newest = content(made)[1]
    for older in former:
        (made.folder / FILES[1]).write_bytes(older)
        unlocked = vault.unlock(made.folder, USER, PASSPHRASE)
        assert unlocked.epoch == 3
        assert [finding.health for finding in unlocked.found] == [KeystoreHealth.WHOLE, KeystoreHealth.OLDER]
        vault.mend(made.folder, unlocked)
        assert content(made)[1] == newest
        (made.folder / FILES[1]).write_bytes(older.replace(b'"doctor"', b'"auditor"'))
        unlocked = vault.unlock(made.folder, USER, PASSPHRASE)
        assert [finding.health for finding in unlocked.found] == [KeystoreHealth.WHOLE, KeystoreHealth.CHANGED]


def test_an_epoch_that_is_not_begun_changes_nothing(made: Made, admin: vault.Unlocked) -> None:
    before = content(made)
    successor = vault.NextEpoch(admin)
    assert successor.master.epoch == 2
    assert successor.master.derive("db") != admin.master.derive("db")
    successor.close()
    with pytest.raises(ValueError):
        successor.master.derive("db")
    assert content(made) == before
    assert admin.epoch == 1
