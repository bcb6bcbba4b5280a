"""Users, PINs, new keys and locking, as the window uses them."""

import errno
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop import workflow
from desktop.access import PERMISSIONS, Permission, Role
from desktop.errors import Cancelled, ErrorKind, KnownFailure, UserFacingError
from desktop.i18n import Language, catalogue
from desktop.jobs import Job
from desktop.records import AuditAction, HumanName
from desktop.store import sounds
from desktop.store.membership import Membership
from desktop.vault import HalfWritten, attempts, changes
from desktop.vault.keystore_file import UncertainKeystore

JOB = Job()
PASSPHRASE = "correct horse battery"
NURSE = "a nurse's own words"
KEYSTORES = ("keystore.json", "keystore.copy.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "clinic"


@pytest.fixture
def cards() -> list[workflow.RecoveryCard]:
    return []


@pytest.fixture
def clinic(folder: Path, cards: list[workflow.RecoveryCard]) -> Iterator[workflow.Clinic]:
    made = workflow.create_clinic(
        folder,
        JOB,
        name="N",
        admin="li",
        passphrase=PASSPHRASE,
        models=workflow.Registry([]),
        hand_over=cards.append,
    ).clinic
    yield made
    workflow.lock(made)


def unlock(folder: Path, user: str = "li", passphrase: str = PASSPHRASE) -> workflow.Clinic:
    return workflow.unlock(folder, JOB, user=user, passphrase=passphrase, models=workflow.Registry([]))


def refused(folder: Path, user: str, passphrase: str) -> UserFacingError:
    with pytest.raises(UserFacingError) as caught:
        unlock(folder, user, passphrase)
    return caught.value


def add_nurse(clinic: workflow.Clinic) -> workflow.people.UserChanged:
    return workflow.people.add_user(clinic, JOB, name="王芳", roles=[Role.NURSE, Role.NURSE], passphrase=NURSE)


def newest(clinic: workflow.Clinic) -> AuditAction:
    with clinic.store.snapshot() as tx:
        return tx.audit.entries(1)[0].action


def test_each_deed_says_what_changed_and_leaves_a_line(clinic: workflow.Clinic) -> None:
    made = add_nurse(clinic)
    assert made.changes.users
    assert (made.user.name, made.user.roles, newest(clinic)) == ("王芳", ("nurse",), AuditAction.ADD_USER)
    workflow.people.set_roles(clinic, JOB, name=" 王芳 ", roles=[Role.AUDITOR, Role.DOCTOR])
    assert newest(clinic) is AuditAction.CHANGE_ROLES
    workflow.people.reset_user(clinic, JOB, name="王芳", passphrase="given anew")
    assert newest(clinic) is AuditAction.RESET_USER
    workflow.people.disable_user(clinic, JOB, name="王芳")
    assert newest(clinic) is AuditAction.DISABLE_USER
    again = workflow.people.enable_user(clinic, JOB, name="王芳", passphrase="welcome back").user
    assert newest(clinic) is AuditAction.ENABLE_USER
    assert (again.id, again.roles, again.disabled) == (made.user.id, ("doctor", "auditor"), False)
    assert len(again.earlier_public_keys) == 2
    workflow.people.change_passphrase(clinic, JOB, old=PASSPHRASE, new="another passphrase")
    assert newest(clinic) is AuditAction.CHANGE_PASSPHRASE
    assert workflow.verify(clinic, JOB).ok


def test_what_the_own_words_of_somebody_need(clinic: workflow.Clinic, folder: Path) -> None:
    with pytest.raises(UserFacingError) as caught:
        workflow.people.change_passphrase(clinic, JOB, old="not mine", new="another passphrase")
    assert caught.value.kind is ErrorKind.UNLOCK
    for deed in (workflow.people.reset_user, workflow.people.enable_user):
        with pytest.raises(UserFacingError) as unknown:
            deed(clinic, JOB, name="nobody", passphrase=NURSE)
        assert unknown.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(UserFacingError, match=r"people\.is_active"):
        workflow.people.enable_user(clinic, JOB, name="li", passphrase=NURSE)
    with pytest.raises(UserFacingError, match=r"people\.needs_role"):
        workflow.people.add_user(clinic, JOB, name="x", roles=[], passphrase=NURSE)


def test_guessing_the_present_passphrase_at_an_open_clinic_is_slow_and_leaves_lines(
    clinic: workflow.Clinic, folder: Path
) -> None:
    for _ in range(2):
        with pytest.raises(UserFacingError, match=r"unlock\.wrong_passphrase"):
            workflow.people.change_passphrase(clinic, JOB, old="not mine", new="another passphrase")
    with pytest.raises(UserFacingError, match=r"unlock\.wait") as waits:
        workflow.people.change_passphrase(clinic, JOB, old=PASSPHRASE, new="another passphrase")
    assert waits.value.details["seconds"] == 1
    assert workflow.seconds_until_next_try(folder) == 1
    failed = [
        (entry.action, entry.actor, entry.subject, entry.reason)
        for entry in workflow.audit_entries(clinic, JOB)
        if entry.action is AuditAction.UNLOCK_FAILED
    ]
    assert failed == [(AuditAction.UNLOCK_FAILED, clinic.actor, clinic.actor, "change_passphrase")] * 2
    long_ago = {"failures": 2, "last": "2020-01-01T00:00:00+00:00"}
    (folder / attempts.COUNTER).write_text(json.dumps(long_ago), encoding="utf-8")
    workflow.people.change_passphrase(clinic, JOB, old=PASSPHRASE, new="another passphrase")
    assert workflow.seconds_until_next_try(folder) == 0
    workflow.lock(clinic)
    again = unlock(folder, "li", "another passphrase")
    lines = [entry.action for entry in workflow.audit_entries(again, JOB)]
    assert lines.count(AuditAction.UNLOCK_FAILED) == 2
    workflow.lock(again)


def test_a_report_signed_before_a_reset_stays_valid(clinic: workflow.Clinic, folder: Path) -> None:
    clinic.store.sign_head()
    workflow.people.add_user(clinic, JOB, name="second", roles=[Role.ADMINISTRATOR], passphrase=NURSE)
    workflow.lock(clinic)
    second = unlock(folder, "second", NURSE)
    workflow.people.reset_user(second, JOB, name="li", passphrase="given anew")
    assert workflow.verify(second, JOB).ok
    workflow.lock(second)
    first = unlock(folder, "li", "given anew")
    assert workflow.verify(first, JOB).ok
    workflow.lock(first)


def test_a_disabled_user_stays_out_even_with_the_old_keystore_put_back(clinic: workflow.Clinic, folder: Path) -> None:
    add_nurse(clinic)
    taken_along = {name: (folder / name).read_bytes() for name in KEYSTORES}
    workflow.people.disable_user(clinic, JOB, name="王芳")
    workflow.lock(clinic)
    for name, data in taken_along.items():
        (folder / name).write_bytes(data)
    assert refused(folder, "王芳", NURSE).key == "unlock.wrong_passphrase"
    admin = unlock(folder)
    assert newest(admin) is AuditAction.UNLOCK
    assert {problem.kind.value for problem in workflow.verify(admin, JOB).problems} == {"keystore"}
    with pytest.raises(KnownFailure, match=r"people\.keystore_put_back"):
        workflow.people.set_roles(admin, JOB, name="li", roles=[Role.ADMINISTRATOR])
    assert workflow.people.start_new_epoch(admin, JOB) == 2
    assert workflow.verify(admin, JOB).ok
    workflow.lock(admin)
    assert refused(folder, "王芳", NURSE).key == "unlock.wrong_passphrase"


def test_the_open_clinic_goes_on_under_the_new_key(clinic: workflow.Clinic, folder: Path) -> None:
    before = workflow.register_patient(clinic, JOB, workflow.PatientDraft((HumanName("甲"),))).patient
    assert workflow.people.start_new_epoch(clinic, JOB) == 2
    after = workflow.register_patient(clinic, JOB, workflow.PatientDraft((HumanName("乙"),))).patient
    assert workflow.people.clinic_info(folder).epoch == 2
    workflow.lock(clinic)
    again = unlock(folder)
    assert {match.patient.id for match in workflow.search_patients(again, JOB, "甲", 5)} == {before.id}
    assert {match.patient.id for match in workflow.search_patients(again, JOB, "乙", 5)} == {after.id}
    assert workflow.people.files_to_reseal(again, JOB)
    assert workflow.people.reseal_attachments(again, JOB) == 0
    assert not workflow.people.files_to_reseal(again, JOB)
    workflow.lock(again)


def test_a_cancelled_epoch_leaves_the_clinic_as_it_was(clinic: workflow.Clinic, folder: Path) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        workflow.people.start_new_epoch(clinic, job)
    assert workflow.people.clinic_info(folder).epoch == 1
    assert workflow.verify(clinic, JOB).ok


def test_the_card_resets_while_nobody_can_unlock(
    clinic: workflow.Clinic, folder: Path, cards: list[workflow.RecoveryCard]
) -> None:
    workflow.lock(clinic)
    changed = workflow.people.reset_with_card(folder, JOB, name="LI", card=cards[0].code, passphrase="found again")
    assert changed.user.name == "li"
    again = unlock(folder, "li", "found again")
    entries = [(entry.action, entry.actor) for entry in workflow.audit_entries(again, JOB, 5)]
    assert (AuditAction.RESET_USER, workflow.people.CARD_ACTOR) in entries
    assert workflow.verify(again, JOB).ok
    workflow.lock(again)


def test_a_new_card_whose_file_cannot_be_written_leaves_the_old_one_good(
    clinic: workflow.Clinic, folder: Path, cards: list[workflow.RecoveryCard]
) -> None:
    def fail(card: workflow.RecoveryCard) -> None:
        raise UserFacingError("cli.recovery_file_exists")

    with pytest.raises(UserFacingError):
        workflow.people.new_recovery_card(clinic, JOB, hand_over=fail)
    new = workflow.people.new_recovery_card(clinic, JOB, hand_over=cards.append)
    assert newest(clinic) is AuditAction.NEW_RECOVERY_CARD
    workflow.lock(clinic)
    with pytest.raises(UserFacingError) as caught:
        workflow.people.reset_with_card(folder, JOB, name="li", card=cards[0].code, passphrase="found again")
    assert caught.value.kind is ErrorKind.WRONG_RECOVERY_CARD
    assert (
        workflow.people.reset_with_card(folder, JOB, name="li", card=new.code, passphrase="found again").user.name
        == "li"
    )


# The disk fails between the key files and the database


def full(*_words: object, **_more: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def set_nurse_roles(clinic: workflow.Clinic) -> object:
    return workflow.people.set_roles(clinic, JOB, name="王芳", roles=[Role.DOCTOR])


HOLDING: dict[str, tuple[str, Callable[[workflow.Clinic], object], AuditAction]] = {
    "add": (
        "people.holds.passphrase",
        lambda clinic: workflow.people.add_user(clinic, JOB, name="x", roles=[Role.NURSE], passphrase=NURSE),
        AuditAction.ADD_USER,
    ),
    "change": (
        "people.holds.passphrase",
        lambda clinic: workflow.people.change_passphrase(clinic, JOB, old=PASSPHRASE, new="another passphrase"),
        AuditAction.TAKE_OVER_KEYSTORE,
    ),
    "reset": (
        "people.holds.passphrase",
        lambda clinic: workflow.people.reset_user(clinic, JOB, name="王芳", passphrase="given anew"),
        AuditAction.RESET_USER,
    ),
    "disable": (
        "people.holds.disabled",
        lambda clinic: workflow.people.disable_user(clinic, JOB, name="王芳"),
        AuditAction.DISABLE_USER,
    ),
    "roles": ("people.holds.roles", set_nurse_roles, AuditAction.CHANGE_ROLES),
    "card": (
        "people.holds.card",
        lambda clinic: workflow.people.new_recovery_card(clinic, JOB),
        AuditAction.TAKE_OVER_KEYSTORE,
    ),
    "epoch": (
        "people.holds.epoch",
        lambda clinic: workflow.people.start_new_epoch(clinic, JOB),
        AuditAction.NEW_EPOCH,
    ),
}


@pytest.mark.parametrize("deed", HOLDING)
def test_what_the_key_files_hold_is_said_to_hold_although_the_database_could_not_follow(
    clinic: workflow.Clinic, folder: Path, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    key, do, action = HOLDING[deed]
    add_nurse(clinic)

    with monkeypatch.context() as patch:
        patch.setattr(Membership, "take_over", full)
        with pytest.raises(workflow.people.StillHolds) as caught:
            do(clinic)
    assert (caught.value.key, caught.value.kind) == (key, ErrorKind.DISK_FULL)
    workflow.lock(clinic)
    again = unlock(folder, "li", "another passphrase" if deed == "change" else PASSPHRASE)
    assert action in {entry.action for entry in workflow.audit_entries(again, JOB, 6)}
    assert workflow.verify(again, JOB).problems == ()
    workflow.lock(again)


def test_what_holds_is_told_with_what_it_means_and_what_to_do() -> None:
    for language in Language:
        for what in workflow.people.Holding:
            assert {what.value, f"{what.value}.data", f"{what.value}.advice"} <= catalogue(language).keys()


def test_a_card_is_taken_back_only_where_it_certainly_opens_nothing(
    clinic: workflow.Clinic, folder: Path, cards: list[workflow.RecoveryCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    back: list[workflow.RecoveryCard] = []
    first = cards[0]

    def new_card(error: type[OSError]) -> None:
        def fail(*_words: object) -> None:
            raise error(errno.EIO, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(changes, "write_copies", fail)
            workflow.people.new_recovery_card(clinic, JOB, hand_over=cards.append, take_back=back.append)

    with pytest.raises(UserFacingError, match=r"error\.io"):
        new_card(OSError)
    assert back == cards[1:]
    with pytest.raises(HalfWritten):
        new_card(UncertainKeystore)
    assert len(back) == 1
    with monkeypatch.context() as patch:
        patch.setattr(Membership, "take_over", full)
        with pytest.raises(workflow.people.StillHolds):
            workflow.people.new_recovery_card(clinic, JOB, hand_over=cards.append, take_back=back.append)
    assert len(back) == 1
    workflow.lock(clinic)
    with pytest.raises(UserFacingError) as caught:
        workflow.people.reset_with_card(folder, JOB, name="li", card=first.code, passphrase="found again")
    assert caught.value.kind is ErrorKind.WRONG_RECOVERY_CARD
    changed = workflow.people.reset_with_card(folder, JOB, name="li", card=cards[-1].code, passphrase="found again")
    assert changed.user.name == "li"


# The shift


def test_people_take_turns_with_their_pins(clinic: workflow.Clinic, folder: Path) -> None:
    shift = workflow.Shift()
    add_nurse(clinic)
    workflow.set_pin(clinic, JOB, shift, pin="280641")
    assert newest(clinic) is AuditAction.SET_PIN
    workflow.lock(clinic)
    nurse = unlock(folder, "王芳", NURSE)
    workflow.set_pin(nurse, JOB, shift, pin="7394")
    workflow.lock(nurse)
    assert set(workflow.pin_users(shift, folder)) == {"li", "王芳"}
    for user, pin in (("li", "280641"), ("王芳", "7394"), ("li", "280641")):
        taken = workflow.unlock_with_pin(folder, JOB, shift, user=user, pin=pin, models=workflow.Registry([]))
        assert taken.session.user.name == user
        assert taken.session.may(Permission.MANAGE_USERS) is (user == "li")
        with taken.store.snapshot() as tx:
            entry = tx.audit.entries(1)[0]
        assert (entry.action, entry.actor, entry.reason) == (AuditAction.UNLOCK, taken.actor, "pin")
        # The nurse was added meanwhile: that is no earlier keystore which somebody put back.
        assert taken.store.found_at_opening.problems == ()
        workflow.lock(taken)
    admin = unlock(folder)
    workflow.people.disable_user(admin, JOB, name="王芳")
    workflow.forget_pin(admin, JOB, shift)
    workflow.lock(admin)
    for user, pin in (("li", "280641"), ("王芳", "7394")):
        with pytest.raises(UserFacingError, match=r"people\.pin_gone"):
            workflow.unlock_with_pin(folder, JOB, shift, user=user, pin=pin, models=workflow.Registry([]))
    workflow.end_shift(shift)


def test_wrong_pins_reach_the_audit_trail(clinic: workflow.Clinic, folder: Path) -> None:
    shift = workflow.Shift()
    workflow.set_pin(clinic, JOB, shift, pin="280641")
    workflow.lock(clinic)
    with pytest.raises(UserFacingError, match=r"people\.pin_wrong"):
        workflow.unlock_with_pin(folder, JOB, shift, user="li", pin="111222", models=workflow.Registry([]))
    taken = workflow.unlock_with_pin(folder, JOB, shift, user="li", pin="280641", models=workflow.Registry([]))
    failed = [entry for entry in workflow.audit_entries(taken, JOB, 5) if entry.action is AuditAction.UNLOCK_FAILED]
    assert [entry.actor for entry in failed] == [taken.actor]
    workflow.lock(taken)


# Locking


def test_a_locked_clinic_has_no_keys_no_connection_and_no_names(clinic: workflow.Clinic) -> None:
    workflow.register_patient(clinic, JOB, workflow.PatientDraft((HumanName("欧阳凤凰"),)))
    assert workflow.search_patients(clinic, JOB, "欧阳", 5)
    assert sounds.name_readings.cache_info().currsize
    secret, seed = clinic.unlocked.master._secret, clinic.unlocked.signing_key._seed
    workflow.lock(clinic)
    assert not secret
    assert not seed
    assert sounds.name_readings.cache_info().currsize == 0
    with pytest.raises(RuntimeError, match="closed"):
        workflow.search_patients(clinic, JOB, "欧阳", 5)
    with pytest.raises(ValueError, match="locked"):
        clinic.unlocked.master.derive("db")


def test_locking_waits_for_what_is_being_written_and_nothing_is_written_after(clinic: workflow.Clinic) -> None:
    inside, go_on = threading.Event(), threading.Event()
    registered: list[str] = []

    def register() -> None:
        with clinic.store.transaction() as tx:
            tx.policy.set("report_language", "zh")
            tx.audit.add(AuditAction.CHANGE_POLICY, clinic.store.store_id, actor=clinic.actor)
            inside.set()
            go_on.wait(20)
        registered.append("committed")

    worker = threading.Thread(target=register)
    worker.start()
    assert inside.wait(20)
    locker = threading.Thread(target=workflow.lock, args=(clinic,))
    locker.start()
    go_on.set()
    locker.join(30)
    worker.join(30)
    assert registered == ["committed"]
    assert not locker.is_alive()


# What the administrator's screen shows


def test_the_matrix_tells_every_permission_in_both_languages() -> None:
    rows = workflow.people.permission_matrix()
    assert {row.permission for row in rows} == set(Permission)
    for row in rows:
        assert set(row.roles) == {role for role in Role if row.permission in PERMISSIONS[role]}
    keys = [f"people.permission.{row.permission.value}" for row in rows] + [f"people.role.{role}" for role in Role]
    for language in Language:
        assert [key for key in keys if key not in catalogue(language)] == []


def test_doctor_and_administrator_together_may_do_everything() -> None:
    assert PERMISSIONS[Role.DOCTOR] | PERMISSIONS[Role.ADMINISTRATOR] == set(Permission)
