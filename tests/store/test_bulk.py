"""Many records in one go are on file exactly as those that were put there one by one."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from desktop import vault
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, PatientId, new_id
from desktop.store import Store
from desktop.store.card_numbers import card_number
from desktop.store.patients import Patients, filing_of
from tests.store.helpers import Keys, add_patient, full_patient, patient
from tests.store.visiting import TESTER, encounter_of, merge, vitals

STORED = {
    "patients": "SELECT id, card_number, search_keys, record FROM patients ORDER BY id",
    "words": "SELECT word FROM search_words ORDER BY word",
    "visits": """SELECT encounters.id, patients.id, started, encounters.record FROM encounters
        JOIN patients ON patients.key = encounters.patient ORDER BY encounters.id""",
    "observations": """SELECT encounters.id, number, code, effective, typeof(number), typeof(effective),
        typeof(observations.record), observations.record FROM observations
        JOIN encounters ON encounters.key = observations.encounter
        ORDER BY encounters.id, number""",
    "attested": """SELECT actor, action, subject, record, content_sha256 FROM audit_log WHERE record <> ''
        AND action IN ('add_patient', 'record_visit') ORDER BY record, subject""",
}
PEOPLE = (
    full_patient(),
    patient("曾小明", phones=("138 1234 5678",), village="清河村", card_number="0000013"),
    patient('O\'Neill "Zoë" \\ \u2028', village="\x7f\x00 村"),
    patient("吕布"),
)
VISITS = [(encounter_of(person.id, reason='"咳\x00嗽"'), vitals()) for person in PEOPLE] + [
    (encounter_of(PEOPLE[0].id), ()),
]


def contents(store: Store) -> dict[str, list[Any]]:
    with store.snapshot() as tx:
        return {name: tx.patients._rows.all(statement) for name, statement in STORED.items()}


def load(store: Store) -> None:
    with store.transaction() as tx:
        tx.patients.add_all(PEOPLE, [filing_of(person) for person in PEOPLE])
        tx.audit.add_all(AuditAction.ADD_PATIENT, [person.id for person in PEOPLE], actor=TESTER)
        tx.visits.add_all(VISITS)
        tx.audit.add_all(AuditAction.RECORD_VISIT, [encounter.id for encounter, _ in VISITS], actor=TESTER)


def load_one_by_one(store: Store) -> None:
    for person in PEOPLE:
        with store.transaction() as tx:
            tx.patients.add(person)
            tx.audit.add(AuditAction.ADD_PATIENT, person.id, actor=TESTER)
    for encounter, observations in VISITS:
        with store.transaction() as tx:
            tx.visits.add(encounter, observations)
            tx.audit.add(AuditAction.RECORD_VISIT, encounter.id, actor=TESTER)


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory, _empty_clinic: Keys, keys: vault.Unlocked) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("other") / "clinic"
    shutil.copytree(_empty_clinic.folder, folder)
    with Store.open(folder, keys) as opened:
        yield opened


def test_many_at_once_are_stored_like_one_by_one(store: Store, other: Store) -> None:
    load(store)
    load_one_by_one(other)
    assert contents(store) == contents(other)
    assert len(contents(store)["observations"]) == 4 * len(PEOPLE)
    for clinic in (store, other):
        found = clinic.verify(Job())
        assert found.ok, found.problems


def test_a_load_goes_on_after_what_is_there(store: Store) -> None:
    earlier = add_patient(store, patient("王建国"))
    load(store)
    with store.snapshot() as tx:
        assert {match.patient.id for match in tx.patients.search("曾")} == {PEOPLE[1].id}
        assert tx.patients.get(earlier.id) == earlier
        assert tx.patients.count() == len(PEOPLE) + 1
    assert store.verify(Job()).ok


def test_a_filing_gets_its_card_later(store: Store) -> None:
    waiting = [patient("单丽华"), patient("Anna Martin")]
    filings = [filing_of(person) for person in waiting]
    with store.transaction() as tx:
        numbers = tx.patients.next_card_numbers(2)
        known = [replace(person, card_number=number) for person, number in zip(waiting, numbers, strict=True)]
        tx.patients.add_all(known, [filing.with_card(number) for filing, number in zip(filings, numbers, strict=True)])
        tx.audit.add_all(AuditAction.ADD_PATIENT, [person.id for person in known], actor=TESTER)
    with store.snapshot() as tx:
        for person in known:
            assert [match.patient for match in tx.patients.search(person.card_number)] == [person]
    assert store.verify(Job()).ok


def test_card_numbers_pass_over_those_that_are_taken(store: Store) -> None:
    add_patient(store, patient("王芳", card_number=card_number(2)))
    with store.transaction() as tx:
        assert tx.patients.next_card_numbers(3) == [card_number(serial) for serial in (1, 3, 4)]
        assert tx.patients.next_card_number() == card_number(5)
        assert tx.patients.next_card_numbers(0) == []


@pytest.mark.parametrize("cards", [("0000013", "0000013"), ("0000026", "0000013")])
def test_a_card_is_nobody_elses(store: Store, cards: tuple[str, str]) -> None:
    add_patient(store, patient("王芳", card_number="0000026"))
    people = [patient("甲", card_number=card) for card in cards]
    with pytest.raises(UserFacingError, match="card_number_taken"), store.transaction() as tx:
        tx.patients.add_all(people, [filing_of(person) for person in people])
    with store.snapshot() as tx:
        assert tx.patients.count() == 1


def test_visits_of_nobody_and_of_merged_records_are_refused(store: Store) -> None:
    kept, gone = add_patient(store, patient("王建国")), add_patient(store, patient("王晓明"))
    merge(store, kept.id, gone.id)
    for owner, key in ((PatientId(new_id()), "store.patient_not_found"), (gone.id, "store.patient_merged")):
        with pytest.raises(UserFacingError, match=key), store.transaction() as tx:
            tx.visits.add_all([(encounter_of(kept.id), vitals()), (encounter_of(owner), vitals())])
    with store.snapshot() as tx:
        assert tx.visits.of_person(kept.id, 5) == []


def test_a_line_for_what_was_not_written_is_a_mistake(store: Store) -> None:
    known = add_patient(store, patient("王建国"))
    with pytest.raises(ValueError, match="not written"), store.transaction() as tx:
        tx.audit.add_all(AuditAction.ADD_PATIENT, [known.id], actor=TESTER)


def test_nothing_is_a_load_too(store: Store) -> None:
    with store.transaction() as tx:
        before = tx.audit.head()
        tx.patients.add_all((), ())
        tx.visits.add_all(())
        tx.audit.add_all(AuditAction.ADD_PATIENT, (), actor=TESTER)
        assert tx.audit.head() == before


def test_a_leaf_of_the_search_index_fits_a_page(store: Store) -> None:
    """A larger one would lie in two pages, each read and deciphered by itself."""
    people = [patient(f"王{chr(0x4E00 + number)}{chr(0x5E00 + number)}") for number in range(300)]
    with store.transaction() as tx:
        tx.patients.add_all(people, [filing_of(person) for person in people])
        tx.audit.add_all(AuditAction.ADD_PATIENT, [person.id for person in people], actor=TESTER)
    with store.snapshot() as tx:
        (longest,) = tx.patients._rows.all("SELECT max(length(block)) FROM patient_search_data")[0]
        (page,) = tx.patients._rows.all("PRAGMA page_size")[0]
    reserved, cell_header, record_header = 80, 35, 4  # sqlite.org/fileformat2.html#b_tree_pages
    assert 3000 < longest <= int(page) - reserved - cell_header - record_header


def test_the_number_after_many_cards_in_one_row_is_found_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [patient(f"王{serial}", card_number=card_number(serial)) for serial in range(1, 1501)]
    with store.transaction() as tx:
        tx.patients.add_all(people, [filing_of(person) for person in people])
        tx.audit.add_all(AuditAction.ADD_PATIENT, [person.id for person in people], actor=TESTER)
    looks: list[int] = []
    taken = Patients._taken

    def counted(self: Patients, cards: Sequence[str]) -> set[str]:
        looks.append(len(cards))
        return taken(self, cards)

    monkeypatch.setattr(Patients, "_taken", counted)
    with store.transaction() as tx:
        assert tx.patients.next_card_numbers(2) == [card_number(1501), card_number(1502)]
    assert sum(looks) < 40
