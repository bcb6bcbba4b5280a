"""Words that the search index has lost, gained or filed under somebody else are found, however many patients."""

from pathlib import Path

import pytest

from desktop import vault
from desktop.jobs import Job
from desktop.records import AuditAction, Patient
from desktop.store import Store, verification_search
from desktop.store.database import connect
from desktop.store.patients import filing_of
from desktop.store.places import DATABASE
from desktop.store.verification_findings import Findings
from desktop.store.verification_search import check_search
from tests.store.helpers import as_attacker, patient


def fill(folder: Path, keys: vault.Unlocked, count: int) -> list[Patient]:
    people = [patient(f"{'王李张刘'[number % 4]}{'甲乙丙丁戊'[number % 5]}") for number in range(count)]
    with Store.open(folder, keys) as store, store.transaction() as tx:
        tx.patients.add_all(people, [filing_of(person) for person in people])
        tx.audit.add_all(AuditAction.ADD_PATIENT, [person.id for person in people], actor="t")
    return people


def told(folder: Path, keys: vault.Unlocked) -> set[tuple[str, str]]:
    connection, found = connect(folder / DATABASE, keys.master.derive("db")), Findings()
    try:
        check_search(connection, found, Job())
    finally:
        connection.close()
    return {(problem.where, problem.key) for problem in found.verification().problems}


def file_under(row: int, tokens: str) -> tuple[str, str]:
    """Statements that file a row under other words."""
    return (
        f"DELETE FROM patient_search WHERE rowid = {row}",
        f"INSERT INTO patient_search (rowid, tokens) VALUES ({row}, '{tokens}')",
    )


def tokens_of(person: Patient) -> str:
    return filing_of(person).tokens


def test_words_lost_and_gained_are_found_among_many_thousand_patients(folder: Path, keys: vault.Unlocked) -> None:
    people = fill(folder, keys, 5_050)
    poorer, richer, moved = people[3], people[2_000], people[5_040]
    as_attacker(
        folder,
        keys,
        *file_under(4, tokens_of(poorer).rpartition(" ")[0]),
        *file_under(2_001, f"{tokens_of(richer)} s1"),
        *file_under(5_041, tokens_of(people[1])),
    )
    assert told(folder, keys) == {
        (f"patients/{person.id}", "verify.search_index") for person in (poorer, richer, moved)
    }


def test_more_patients_than_are_compared_at_once(
    folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification_search, "_AT_ONCE", 50)
    people = fill(folder, keys, 170)
    as_attacker(folder, keys, "UPDATE patients SET key = 90000 WHERE key = 170", *file_under(90_000, "s1"))
    assert (f"patients/{people[169].id}", "verify.search_index") in told(folder, keys)
    as_attacker(
        folder,
        keys,
        "DELETE FROM patient_search WHERE rowid = 170",
        *file_under(90_000, tokens_of(people[169])),
    )
    assert told(folder, keys) == set()
    as_attacker(folder, keys, *file_under(50, "s1"), *file_under(51, "s1"), *file_under(149, "s1"))
    assert told(folder, keys) == {(f"patients/{people[row - 1].id}", "verify.search_index") for row in (50, 51, 149)}


def test_whose_words_are_all_lost_is_told_though_the_index_lists_him(folder: Path, keys: vault.Unlocked) -> None:
    (person,) = fill(folder, keys, 1)
    as_attacker(folder, keys, *file_under(1, ""))
    assert (f"patients/{person.id}", "verify.search_index") in told(folder, keys)


def test_a_merged_record_that_is_still_filed_is_told(folder: Path, keys: vault.Unlocked) -> None:
    _, gone = fill(folder, keys, 2)
    as_attacker(folder, keys, "UPDATE patients SET merged_into = 1 WHERE key = 2")
    assert told(folder, keys) == {
        ("patient_search", "verify.search_leftover"),
        (f"patients/{gone.id}", "verify.search_index"),
    }
