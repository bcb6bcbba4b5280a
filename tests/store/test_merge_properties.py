"""Merging and undoing, in any order, with edits in between: nothing is lost, and nothing is left over."""

import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop import vault
from desktop.jobs import Job
from desktop.records import (
    AllergyIntolerance,
    AuditAction,
    FieldChoice,
    HumanName,
    Identifier,
    MergeId,
    PartialDate,
    Patient,
    PatientField,
    PatientId,
    PatientMerge,
    Sex,
    Side,
    combined,
    differences,
    new_id,
    values_of,
    with_field,
)
from desktop.records.patient_fields import LISTS
from desktop.store import Store, merges
from tests.store.helpers import NOW, Keys, patient
from tests.store.visiting import TESTER, unmerge

PEOPLE = 4

allergies: st.SearchStrategy[tuple[tuple[AllergyIntolerance, ...], bool]] = st.sampled_from(
    [((), False), ((), True), ((AllergyIntolerance("青霉素"),), False), ((AllergyIntolerance("花生", "皮疹"),), False)]
)


@st.composite
def records(draw: st.DrawFn) -> Patient:
    """Records that share some values, as those of one person do."""
    known, none = draw(allergies)
    return patient(
        names=(HumanName(draw(st.sampled_from(["王小明", "王晓明", "Wang Xiaoming"]))),),
        sex=draw(st.sampled_from(Sex)),
        birth_date=draw(st.sampled_from([None, PartialDate(2021), PartialDate(2021, 5), PartialDate(2020, 1, 2)])),
        phones=tuple(draw(st.lists(st.sampled_from(["1381", "1392", "1373"]), max_size=2, unique=True))),
        village=draw(st.sampled_from(["", "清河村", "石桥村"])),
        identifiers=tuple(Identifier(value) for value in draw(st.lists(st.sampled_from("AB"), max_size=1))),
        allergies=known,
        no_known_allergies=none,
    )


@dataclass(frozen=True)
class Merge:
    kept: int
    gone: int
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Undo:
    which: int


@dataclass(frozen=True)
class Edit:
    who: int
    field: PatientField


people = st.integers(0, PEOPLE - 1)
merging = st.builds(Merge, people, people, st.tuples(*(st.sampled_from(Side) for _ in PatientField)))
undoing = st.builds(Undo, st.integers(0, 9))
editing = st.builds(Edit, people, st.sampled_from([*PatientField]))


class Clinic:
    """A store with some people in it, and what a dictionary knows of them."""

    def __init__(self, store: Store, start: list[Patient]) -> None:
        self.store = store
        self.expected = list(start)
        self.merges: list[tuple[MergeId, int, int]] = []
        self.edits = 0
        with store.transaction() as tx:
            for record in start:
                tx.patients.add(record)
            tx.audit.add(AuditAction.ADD_PATIENT, start[0].id, actor=TESTER)

    def identity(self, place: int) -> PatientId:
        return self.expected[place].id

    def is_gone(self, place: int) -> bool:
        return any(gone == place for _, _, gone in self.merges)

    def do(self, step: Merge | Undo | Edit) -> None:
        match step:
            case Merge(kept, gone, sides):
                if kept != gone and not self.is_gone(kept) and not self.is_gone(gone):
                    self.merge(kept, gone, dict(zip(PatientField, sides, strict=True)))
            case Undo(which):
                if self.merges:
                    merge, _, _ = self.merges.pop(which % len(self.merges))
                    unmerge(self.store, merge)
            case Edit(who, field):
                if not self.is_gone(who):
                    self.edit(who, field)

    def merge(self, kept: int, gone: int, wanted: dict[PatientField, Side]) -> None:
        with self.store.transaction() as tx:
            first, second = tx.patients.get(self.identity(kept)), tx.patients.get(self.identity(gone))
            sides = {
                field: Side.SECOND if side is Side.BOTH and field not in LISTS else side
                for field, side in wanted.items()
            }
            choices = tuple(FieldChoice(one.field, sides[one.field]) for one in differences(first, second))
            merge = PatientMerge(MergeId(new_id()), first.id, second.id, NOW, TESTER, choices)
            tx.merges.merge(merge)
            tx.audit.add(AuditAction.MERGE_PATIENTS, merge.id, actor=TESTER)
        self.merges.append((merge.id, kept, gone))

    def edit(self, who: int, field: PatientField) -> None:
        """A value nobody else has, so that it is known who wrote it."""
        self.edits += 1
        text = f"edit {self.edits}"
        source = patient(
            names=(HumanName(text),),
            sex=self.expected[who].sex,
            birth_date=PartialDate(1900 + self.edits),
            phones=(text,),
            village=text,
            identifiers=(Identifier(text),),
            allergies=(AllergyIntolerance(text),),
        )
        if field is PatientField.SEX:
            return
        with self.store.transaction() as tx:
            tx.patients.update(with_field(tx.patients.get(self.identity(who)), field, source))
            tx.audit.add(AuditAction.EDIT_PATIENT, self.identity(who), actor=TESTER)
        self.expected[who] = with_field(self.expected[who], field, source)

    def records(self) -> list[Patient]:
        with self.store.snapshot() as tx:
            return [tx.patients.get(record.id) for record in self.expected]

    def versions(self) -> list[str]:
        with self.store.snapshot() as tx:
            return [tx.patients.version(record.id) for record in self.expected]


@pytest.fixture(scope="module")
def shared(_empty_clinic: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One clinic for all examples, each with people of its own; it must be whole at the end."""
    folder = tmp_path_factory.mktemp("merges") / "clinic"
    shutil.copytree(_empty_clinic.folder, folder)
    with Store.open(folder, _empty_clinic.unlocked) as store:
        yield store
        found = store.verify(Job())
        assert found.problems == ()


four = st.lists(records(), min_size=PEOPLE, max_size=PEOPLE)


@settings(max_examples=60, deadline=None)
@given(start=four, steps=st.lists(st.one_of(merging, merging, undoing), max_size=12), order=st.randoms())
def test_undoing_everything_in_any_order_is_the_identity(
    shared: Store, start: list[Patient], steps: list[Merge | Undo], order: random.Random
) -> None:
    clinic = Clinic(shared, start)
    before = clinic.versions()
    for step in steps:
        clinic.do(step)
    order.shuffle(clinic.merges)
    while clinic.merges:
        clinic.do(Undo(0))
    assert clinic.records() == start
    assert clinic.versions() == before


@settings(max_examples=60, deadline=None)
@given(start=four, steps=st.lists(st.one_of(merging, undoing, editing), max_size=14), order=st.randoms())
def test_what_was_edited_in_between_is_all_that_stays(
    shared: Store, start: list[Patient], steps: list[Merge | Undo | Edit], order: random.Random
) -> None:
    clinic = Clinic(shared, start)
    for step in steps:
        clinic.do(step)
    order.shuffle(clinic.merges)
    while clinic.merges:
        clinic.do(Undo(0))
    for found, expected in zip(clinic.records(), clinic.expected, strict=True):
        for field in PatientField:
            assert values_of(found, field) == values_of(expected, field), field


def phones(*numbers: str) -> list[Patient]:
    """People who differ in their phone only."""
    return [patient(phones=(number,)) for number in numbers]


def everything(side: Side) -> tuple[Side, ...]:
    return (side,) * len(PatientField)


def test_an_edit_between_two_merges_is_what_the_second_stands_on(store: Store) -> None:
    clinic = Clinic(store, phones("0", "1", "2"))
    clinic.do(Merge(0, 1, everything(Side.SECOND)))
    clinic.do(Edit(0, PatientField.PHONES))
    clinic.do(Merge(0, 2, everything(Side.BOTH)))
    assert clinic.records()[0].phones == ("edit 1", "2")
    clinic.do(Undo(0))
    assert clinic.records()[0].phones == ("edit 1", "2")
    clinic.do(Undo(0))
    assert clinic.records()[0].phones == ("edit 1",)


def test_an_earlier_undoing_does_not_look_like_an_edit(store: Store) -> None:
    """The second, the third (and out again), the fourth come in; then the second goes, and at last the fourth."""
    clinic = Clinic(store, phones("0", "1", "2", "3"))
    before = clinic.versions()
    clinic.do(Merge(0, 1, everything(Side.SECOND)))
    clinic.do(Merge(0, 2, everything(Side.SECOND)))
    clinic.do(Undo(1))
    clinic.do(Merge(0, 3, everything(Side.SECOND)))
    clinic.do(Undo(0))
    assert clinic.records()[0].phones == ("3",)
    clinic.do(Undo(0))
    assert clinic.versions() == before


def test_what_a_merge_gave_leaves_with_it_though_another_one_came_later(store: Store) -> None:
    clinic = Clinic(store, phones("0", "1", "2"))
    clinic.do(Merge(0, 1, everything(Side.BOTH)))
    clinic.do(Merge(0, 2, everything(Side.BOTH)))
    clinic.do(Undo(0))
    assert clinic.records()[0].phones == ("0", "2")


def test_a_record_of_an_older_form_comes_back_byte_for_byte(store: Store, keys: vault.Unlocked) -> None:
    """A field that a later release added is missing in the stored bytes; the undoing must not write it in."""
    kept, gone = patient("王小明"), patient("王晓明", phones=("1381",))
    with store.transaction() as tx:
        for record in (kept, gone):
            tx.patients.add(record)
        key = tx.patients._rows.one("SELECT key FROM patients WHERE id = ?", (kept.id,))
        assert key is not None
        old = tx.patients.stored(key[0]).replace(b',"synthetic":false', b"")
        tx.patients.write(key[0], kept, old)
        tx.audit.add(AuditAction.ADD_PATIENT, kept.id, actor=TESTER)
    clinic = Clinic(store, [patient("甲"), patient("乙")])
    clinic.expected = [kept, gone]
    before = clinic.versions()
    clinic.merge(0, 1, dict.fromkeys(PatientField, Side.BOTH))
    assert clinic.versions() != before
    clinic.do(Undo(0))
    assert clinic.versions() == before
    assert store.verify(Job()).ok


def test_the_thirtieth_undoing_asks_little_more_than_the_first(
    store: Store, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each merge found is worked out once, not anew for every one that came after it."""
    asked = 0

    def counted(first: Patient, second: Patient, choices: Mapping[PatientField, Side]) -> Patient:
        nonlocal asked
        asked += 1
        assert asked < 200_000
        return combined(first, second, choices)

    monkeypatch.setattr(merges, "combined", counted)
    clinic = Clinic(store, phones("0", "1"))
    before = clinic.versions()
    for _ in range(30):
        clinic.do(Merge(0, 1, everything(Side.BOTH)))
        clinic.do(Undo(0))
    assert clinic.versions() == before
