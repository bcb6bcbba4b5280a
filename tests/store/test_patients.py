"""Patients, their card numbers, and who may be registered twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop import vault
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, HumanName, Identifier, PartialDate, Patient, PatientId, Sex
from desktop.store import Store
from desktop.store.card_numbers import card_number, is_card_number
from tests.store.helpers import add_patient, full_patient, patient


def test_an_edit_replaces_the_record_and_keeps_its_history_in_the_chain(store: Store) -> None:
    record = add_patient(store, full_patient())
    changed = patient("王晓明", id=record.id)
    with store.transaction() as tx:
        tx.patients.update(changed)
        tx.audit.add(AuditAction.EDIT_PATIENT, record.id, actor="t", reason="spelling")
    with store.snapshot() as tx:
        assert tx.patients.get(record.id) == changed
        assert tx.patients.count() == 1
        hashes = [entry.content_sha256 for entry in tx.audit.entries(10) if entry.subject == record.id]
    assert len(set(hashes)) == 2
    assert store.verify(Job()).ok


def test_editing_nobody_is_told(store: Store) -> None:
    with pytest.raises(UserFacingError, match=r"store\.patient_not_found"), store.transaction() as tx:
        tx.patients.update(patient())


def test_a_card_number_belongs_to_one_patient(store: Store) -> None:
    first = add_patient(store, patient(card_number="0000013"))
    with pytest.raises(UserFacingError, match=r"store\.card_number_taken"):
        add_patient(store, patient(card_number="0000013"))
    other = add_patient(store, patient())
    with pytest.raises(UserFacingError, match=r"store\.card_number_taken"), store.transaction() as tx:
        tx.patients.update(patient(id=other.id, card_number="0000013"))
    with store.transaction() as tx:
        tx.patients.update(patient("改名", id=first.id, card_number="0000013"))
        tx.audit.add(AuditAction.EDIT_PATIENT, first.id, actor="t")


def test_card_numbers_count_up_and_pass_over_taken_ones(store: Store) -> None:
    add_patient(store, patient(card_number=card_number(2)))
    with store.transaction() as tx:
        assert [tx.patients.next_card_number() for _ in range(3)] == [card_number(1), card_number(3), card_number(4)]
    with store.transaction() as tx:
        assert tx.patients.next_card_number() == card_number(5)


@given(st.integers(1, 10**9), st.data())
def test_a_wrong_digit_or_two_swapped_ones_do_not_fit(serial: int, data: st.DataObject) -> None:
    number = card_number(serial)
    assert is_card_number(number)
    place = data.draw(st.integers(0, len(number) - 1))
    digit = data.draw(st.sampled_from("0123456789"))
    if digit != number[place]:
        assert not is_card_number(number[:place] + digit + number[place + 1 :])
    if place and number[place] != number[place - 1]:
        swapped = number[: place - 1] + number[place] + number[place - 1] + number[place + 1 :]
        assert not is_card_number(swapped)


@pytest.mark.parametrize("text", ["", "5724", "abcdefg", "１２３４５６７", "0000014"])
def test_what_is_no_card_number(text: str) -> None:
    assert not is_card_number(text)


def test_those_last_touched_come_first(folder: Path, keys: vault.Unlocked) -> None:
    moments = iter(datetime(2026, 11, 21, tzinfo=UTC) + timedelta(minutes=minute) for minute in range(60))
    with Store.open(folder, keys, clock=lambda: next(moments)) as store:
        people = [add_patient(store, patient(name)) for name in ("甲", "乙", "丙")]
        with store.transaction() as tx:
            tx.patients.touch(people[1].id)
        with store.snapshot() as tx:
            found = tx.patients.recent(2)
            assert [match.patient.display_name for match in found] == ["乙", "丙"]
            assert found[0].last_seen is not None


# Duplicates

KNOWN = full_patient()  # 王小明, female, 2021-05, 138 1234 5678, 清河村, A-77


def like(**changes: object) -> Patient:
    return Patient(**{**vars(KNOWN), "id": PatientId("new"), **changes})


SAME = (
    ("everything the same", like(), ("identifier", "name", "birth_date", "phone", "village")),
    ("the identifier alone", patient("别的名字", identifiers=(Identifier("a 77"),)), ("identifier",)),
    ("name and birth date", like(phones=(), village="", identifiers=()), ("name", "birth_date")),
    ("name and phone", like(birth_date=None, village="", identifiers=()), ("name", "phone")),
    ("name alone, nothing against", patient("王小明"), ("name",)),
    (
        "another character, the same sound",
        like(names=(HumanName(text="王晓鸣"),), identifiers=()),
        ("name_sound", "birth_date", "phone", "village"),
    ),
    ("written in pinyin", like(names=(HumanName(text="Wang Xiaoming"),), identifiers=(), phones=()), ("name_sound",)),
    ("year of birth only", like(birth_date=PartialDate(2021), identifiers=(), phones=()), ("name", "birth_date")),
)
OTHER = (
    ("another name, the same phone", like(names=(HumanName(text="赵大海"),), identifiers=(), birth_date=None)),
    ("another name, the same village", patient("赵大海", village="清河村")),
    ("the name of a grandmother", like(birth_date=PartialDate(1956), phones=(), identifiers=(), village="")),
    ("brother and sister", like(names=(HumanName(text="王小亮"),), sex=Sex.MALE, identifiers=())),
    ("nothing in common", patient("Maria Lopez")),
)


@pytest.mark.parametrize(("case", "new", "reasons"), SAME, ids=[case for case, *_ in SAME])
def test_the_same_person_is_suspected(store: Store, case: str, new: Patient, reasons: tuple[str, ...]) -> None:
    add_patient(store, KNOWN)
    with store.snapshot() as tx:
        (candidate,) = tx.patients.duplicates(new)
    assert candidate.patient == KNOWN
    assert set(reasons) <= set(candidate.reasons)
    assert 0.5 <= candidate.score <= 1.0


@pytest.mark.parametrize(("case", "new"), OTHER, ids=[case for case, _ in OTHER])
def test_somebody_else_is_not(store: Store, case: str, new: Patient) -> None:
    add_patient(store, KNOWN)
    with store.snapshot() as tx:
        assert tx.patients.duplicates(new) == []


def test_latin_names_a_letter_apart_with_a_birth_date(store: Store) -> None:
    known = add_patient(store, patient("Maria Gonzalez", birth_date=PartialDate(2020, 2, 1)))
    with store.snapshot() as tx:
        (candidate,) = tx.patients.duplicates(patient("Maria Gonzales", birth_date=PartialDate(2020, 2, 1)))
        assert (candidate.patient, candidate.reasons) == (known, ("name_close", "birth_date"))
        (turned,) = tx.patients.duplicates(patient("González María", birth_date=PartialDate(2020, 2, 1)))
        assert turned.reasons == ("name", "birth_date")


def test_the_likeliest_comes_first_and_oneself_never(store: Store) -> None:
    twin = add_patient(store, full_patient())
    distant = add_patient(store, patient("王小明", phones=("13812345678",)))
    with store.snapshot() as tx:
        assert [entry.patient.id for entry in tx.patients.duplicates(like())] == [twin.id, distant.id]
        assert [entry.patient.id for entry in tx.patients.duplicates(twin)] == [distant.id]
        assert len(tx.patients.duplicates(like(), limit=1)) == 1


@pytest.mark.parametrize(
    ("told", "warned"),
    [("2023", True), ("2022", True), ("2024", True), ("2021", False), ("2022-04", False), ("2022-04-16", False)],
)
def test_a_year_told_from_an_age_may_be_one_off(store: Store, told: str, warned: bool) -> None:
    add_patient(store, patient("李明远", birth_date=PartialDate(2023, 4, 16)))
    with store.snapshot() as tx:
        found = tx.patients.duplicates(patient("李明远", birth_date=PartialDate.parse(told)))
    assert bool(found) is warned
