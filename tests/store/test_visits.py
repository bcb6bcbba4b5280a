"""Visits and everything around them: kept, read back in order, attested, and found out when they are tampered with."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    ConditionStatus,
    ConsentDecision,
    ConsentPurpose,
    EncounterId,
    EncounterStatus,
    Observation,
    ObservationStatus,
    PatientId,
    consent_states,
    new_id,
)
from desktop.store import Store
from desktop.store.visits import microseconds, moment
from tests.store.helpers import NOW, add_patient, as_attacker, full_patient, keys_of, kinds, patient, verify
from tests.store.visiting import (
    DIASTOLIC,
    PULSE,
    SYSTOLIC,
    TEMPERATURE,
    TESTER,
    Seen,
    consent_of,
    record_visit,
    see_a_patient,
    vitals,
)


def test_moments_are_whole_microseconds_and_sort() -> None:
    for given in (NOW, datetime(1931, 2, 3, 4, 5, 6, 789, tzinfo=UTC), datetime(2026, 11, 21, 9, 30, 0, 1, tzinfo=UTC)):
        assert moment(microseconds(given)) == given
    assert microseconds(datetime(1969, 12, 31, tzinfo=UTC)) < 0 < microseconds(NOW)


def test_a_visit_comes_back_as_it_was_written(store: Store) -> None:
    owner = add_patient(store, full_patient())
    encounter = record_visit(store, owner.id)
    with store.snapshot() as tx:
        assert tx.visits.get(encounter.id) == encounter
        recorded = tx.visits.observations(encounter.id)
        assert [one.observation for one in recorded] == list(vitals())
        assert [one.number for one in recorded] == [1, 2, 3, 4]
        assert {one.effective for one in recorded} == {NOW}
    assert store.verify(Job()).ok


def test_visits_are_listed_newest_first_and_page_by_page(store: Store) -> None:
    owner = add_patient(store, full_patient())
    other = add_patient(store, patient())
    record_visit(store, other.id)
    made = [record_visit(store, owner.id, NOW + timedelta(days=day)) for day in (3, 1, 2, 5, 4)]
    newest_first = sorted(made, key=lambda encounter: encounter.started, reverse=True)
    with store.snapshot() as tx:
        listed = tx.visits.of_person(owner.id, 10)
        assert [encounter for encounter, _ in listed] == newest_first
        assert all(len(observations) == 4 for _, observations in listed)
        first = tx.visits.of_person(owner.id, 2)
        rest = tx.visits.of_person(owner.id, 10, before=first[-1][0].started)
        assert [encounter for encounter, _ in (*first, *rest)] == newest_first


def test_the_course_of_one_kind_of_observation(store: Store) -> None:
    owner = add_patient(store, full_patient())
    for day, value in ((1, 39.5), (2, 38.1), (3, 36.8)):
        record_visit(store, owner.id, NOW + timedelta(days=day), value)
    with store.snapshot() as tx:
        assert [one.observation.value for one in tx.visits.course(owner.id, TEMPERATURE, 10)] == [36.8, 38.1, 39.5]
        assert [one.observation.value for one in tx.visits.course(owner.id, TEMPERATURE, 2)] == [36.8, 38.1]
        assert tx.visits.course(owner.id, "2708-6", 10) == []


def test_a_correction_stands_and_the_wrong_value_stays_on_file(store: Store) -> None:
    owner = add_patient(store, full_patient())
    encounter = record_visit(store, owner.id, temperature=83.5)
    corrected = Observation(TEMPERATURE, 38.5, "Cel", status=ObservationStatus.CORRECTED, replaces=1)
    withdrawn = Observation(PULSE, 104, "/min", status=ObservationStatus.ENTERED_IN_ERROR, replaces=2)
    with store.transaction() as tx:
        tx.visits.append(encounter.id, (corrected, withdrawn))
        tx.audit.add(AuditAction.EDIT_VISIT, encounter.id, actor=TESTER)
    with store.snapshot() as tx:
        ((_, standing),) = tx.visits.of_person(owner.id, 10)
        assert {one.observation.code: one.observation.value for one in standing} == {
            SYSTOLIC: 96.0,
            DIASTOLIC: 61.0,
            TEMPERATURE: 38.5,
        }
        assert [one.observation.value for one in tx.visits.course(owner.id, TEMPERATURE, 10)] == [38.5]
        assert tx.visits.course(owner.id, PULSE, 10) == []
        assert [one.observation.value for one in tx.visits.observations(encounter.id)][:2] == [83.5, 104.0]
    assert store.verify(Job()).ok


@pytest.mark.parametrize("number", [1, 9])
def test_a_correction_of_nothing_of_the_kind_is_refused(store: Store, number: int) -> None:
    owner = add_patient(store, full_patient())
    encounter = record_visit(store, owner.id)
    wrong = Observation(PULSE, 90, "/min", status=ObservationStatus.CORRECTED, replaces=number)
    with pytest.raises(UserFacingError) as refusal, store.transaction() as tx:
        tx.visits.append(encounter.id, (wrong,))
    assert refusal.value.key == "store.observation_not_found"


def test_a_visit_can_be_changed_but_not_given_to_somebody_else(store: Store) -> None:
    owner, other = add_patient(store, full_patient()), add_patient(store, patient())
    encounter = record_visit(store, owner.id)
    ended = replace(encounter, status=EncounterStatus.ENTERED_IN_ERROR, started=NOW - timedelta(days=1))
    with store.transaction() as tx:
        tx.visits.update(ended)
        tx.audit.add(AuditAction.EDIT_VISIT, encounter.id, actor=TESTER)
    with store.snapshot() as tx:
        assert tx.visits.get(encounter.id) == ended
    with pytest.raises(ValueError, match="another patient"), store.transaction() as tx:
        tx.visits.update(replace(ended, patient=other.id))
    assert store.verify(Job()).ok


def test_what_is_not_there_is_said_in_words(store: Store) -> None:
    nobody, nothing = PatientId(new_id()), EncounterId(new_id())
    with store.snapshot() as tx:
        for ask, key in (
            (lambda: tx.visits.get(nothing), "store.visit_not_found"),
            (lambda: tx.visits.of_person(nobody, 5), "store.patient_not_found"),
            (lambda: tx.conditions.get(nothing), "store.condition_not_found"),
            (lambda: tx.medications.get(nothing), "store.medication_not_found"),
            (lambda: tx.documents.get(nothing), "store.document_not_found"),
        ):
            with pytest.raises(UserFacingError) as refusal:
                ask()
            assert refusal.value.key == key


def test_conditions_and_prescriptions_end(store: Store) -> None:
    seen = see_a_patient(store)
    with store.transaction() as tx:
        (condition,) = tx.conditions.of_person(seen.patient.id)
        tx.conditions.update(replace(condition, status=ConditionStatus.RESOLVED))
        with pytest.raises(ValueError, match="another patient"):
            tx.conditions.update(replace(condition, encounter=None))
        tx.audit.add(AuditAction.EDIT_VISIT, condition.id, actor=TESTER)
    with store.snapshot() as tx:
        assert tx.conditions.get(condition.id).status is ConditionStatus.RESOLVED
        assert tx.medications.of_person(seen.patient.id)[0].medication == "阿莫西林"
        assert tx.documents.of_person(seen.patient.id)[0].title == "转诊单"
    assert store.verify(Job()).ok


def test_the_latest_consent_holds_and_every_decision_stays(store: Store) -> None:
    owner = add_patient(store, full_patient())
    given = replace(
        consent_of(owner.id, ConsentPurpose.TEACHING, ConsentDecision.GIVEN), valid_until=date(2027, 11, 21)
    )
    withdrawn = consent_of(owner.id, ConsentPurpose.TEACHING, ConsentDecision.WITHDRAWN)
    today = NOW.date()
    for decision, allowed in ((given, True), (withdrawn, False)):
        with store.transaction() as tx:
            tx.consents.add(decision)
            tx.audit.add(AuditAction.RECORD_CONSENT, decision.id, actor=TESTER)
        with store.snapshot() as tx:
            states = {state.purpose: state for state in consent_states(tx.consents.of_person(owner.id))}
        assert states[ConsentPurpose.TEACHING].permits(today) is allowed
        assert not states[ConsentPurpose.FEEDBACK].permits(today)
    assert states[ConsentPurpose.TEACHING].history == (withdrawn, given)
    assert states[ConsentPurpose.CARE].latest is None


# Tampering


@pytest.fixture
def seen(folder: Path, keys: vault.Unlocked) -> Seen:
    """A closed clinic in which somebody was seen."""
    with Store.open(folder, keys) as store:
        return see_a_patient(store)


def test_an_untouched_clinic_is_whole(folder: Path, keys: vault.Unlocked, seen: Seen) -> None:
    found = verify(folder, keys)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        ("UPDATE observations SET record = replace(record, '38.5', '36.5') WHERE number = 1", "verify.record_changed"),
        ("DELETE FROM observations WHERE number = 4", "verify.record_changed"),
        ("DELETE FROM observations", "verify.record_missing"),
        ("UPDATE observations SET code = '2708-6' WHERE number = 1", "verify.record_changed"),
        ("UPDATE observations SET number = 9 WHERE number = 1", "verify.record_changed"),
        ("UPDATE observations SET patient = patient + 1", "verify.record_changed"),
        ("UPDATE encounters SET patient = patient + 1", "verify.record_changed"),
        ("UPDATE encounters SET started = started + 1", "verify.record_changed"),
        ("UPDATE conditions SET encounter = NULL", "verify.record_changed"),
        ("DELETE FROM medication_requests", "verify.record_missing"),
        ("UPDATE documents SET record = replace(record, '转诊单', '病历')", "verify.record_changed"),
        ("UPDATE consents SET record = replace(record, 'given', 'refused')", "verify.record_changed"),
        ("DELETE FROM conflict_settlements", "verify.record_missing"),
        ("UPDATE edit_conflicts SET patient = patient + 1", "verify.record_changed"),
        ("UPDATE patients SET merged_into = 1 WHERE key = 2", "verify.record_changed"),
        ("UPDATE patient_merges SET undoes = NULL", "verify.record_changed"),
    ],
)
def test_tampering_with_the_chart_is_found_and_named(
    folder: Path, keys: vault.Unlocked, seen: Seen, statement: str, key: str
) -> None:
    statement = statement.replace("record = replace(record,", "record = CAST(replace(CAST(record AS TEXT),")
    if "CAST(" in statement:
        head, _, tail = statement.partition(" WHERE ")
        statement = head + " AS BLOB)" + (f" WHERE {tail}" if tail else "")
    as_attacker(folder, keys, statement)
    found = verify(folder, keys)
    assert "record" in kinds(found)
    assert key in keys_of(found)


def test_a_visit_moved_under_another_visit_is_found(folder: Path, keys: vault.Unlocked, seen: Seen) -> None:
    """Two visits with the same numbers exchanged: each row is genuine, the places are not."""
    with Store.open(folder, keys) as store:
        record_visit(store, seen.patient.id, NOW + timedelta(days=1), 40.1)
    as_attacker(
        folder,
        keys,
        "UPDATE observations SET encounter = encounter + 100",
        "UPDATE observations SET encounter = CASE encounter WHEN 101 THEN 2 ELSE 1 END",
    )
    found = verify(folder, keys)
    assert "verify.record_changed" in keys_of(found)
