"""Visits, consents and merged records are valid once built, and two records are compared field by field."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from desktop.records import (
    AllergyIntolerance,
    Condition,
    ConditionId,
    Consent,
    ConsentDecision,
    ConsentId,
    ConsentPurpose,
    ConsentState,
    DocumentId,
    DocumentKind,
    DocumentReference,
    Dosage,
    Encounter,
    EncounterId,
    HumanName,
    MedicationRequest,
    MedicationRequestId,
    MergeId,
    Observation,
    ObservationStatus,
    PartialDate,
    Patient,
    PatientField,
    PatientId,
    PatientMerge,
    Sex,
    Side,
    UserId,
    combined,
    consent_states,
    differences,
    suggested_choices,
)
from desktop.records.visits import is_loinc

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NO_ZONE = datetime(2026, 11, 21, 9, 30)  # noqa: DTZ001 - the point is that it has none
P, U = PatientId("p"), UserId("u")


def person(**fields: object) -> Patient:
    values: dict[str, object] = {"id": P, "names": (HumanName("王小明"),), "card_number": "0000013", **fields}
    return Patient(**values)  # type: ignore[arg-type]  # fields of the record by name


# Visits


@pytest.mark.parametrize("code", ["8310-5", "8867-4", "8480-6", "8462-4", "2708-6", "9279-1", "29463-7", "8302-2"])
def test_loincs_own_codes_are_taken(code: str) -> None:
    """Temperature, pulse, blood pressure, oxygen saturation, breaths, weight, height."""
    assert is_loinc(code)


@pytest.mark.parametrize("code", ["8310-6", "8301-5", "8310", "8310-", "-5", "temperature", "", "8310-5 ", "８310-5"])
def test_a_slip_in_a_code_is_found(code: str) -> None:
    assert not is_loinc(code)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"code": "8310-6", "value": 38.5, "unit": "Cel"}, "LOINC"),
        ({"code": "8310-5"}, "a value or a text"),
        ({"code": "8310-5", "text": "  "}, "a value or a text"),
        ({"code": "8310-5", "value": 38.5, "unit": "Cel", "text": "hot"}, "a value or a text"),
        ({"code": "8310-5", "value": float("nan"), "unit": "Cel"}, "finite"),
        ({"code": "8310-5", "value": 38.5}, "UCUM"),
        ({"code": "8310-5", "value": 38.5, "unit": "deg C"}, "UCUM"),
        ({"code": "8310-5", "text": "hot", "unit": "Cel"}, "UCUM"),
        ({"code": "8310-5", "value": 38.5, "unit": "Cel", "effective": NO_ZONE}, "time zone"),
        ({"code": "8310-5", "value": 38.5, "unit": "Cel", "replaces": 1}, "correct"),
        ({"code": "8310-5", "value": 38.5, "unit": "Cel", "status": ObservationStatus.CORRECTED}, "correct"),
    ],
)
def test_an_observation_that_cannot_be_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Observation(**fields)  # type: ignore[arg-type]  # fields of the record by name


def test_a_whole_number_is_kept_as_the_number_it_is() -> None:
    assert repr(Observation("8867-4", 104, "/min").value) == "104.0"


def test_what_belongs_to_a_visit_needs_its_words_and_its_time() -> None:
    refused = (
        lambda: Encounter(EncounterId("e"), P, NO_ZONE, U),
        lambda: Condition(ConditionId("c"), P, " ", NOW, U),
        lambda: Condition(ConditionId("c"), P, "肺炎", NO_ZONE, U),
        lambda: MedicationRequest(MedicationRequestId("m"), P, "", NOW, U),
        lambda: DocumentReference(DocumentId("d"), P, "a", DocumentKind.OTHER, " ", NOW, U),  # type: ignore[arg-type]  # any id
        lambda: Dosage(0, "mg", 3),
        lambda: Dosage(250, " ", 3),
        lambda: Dosage(250, "mg", float("inf")),
        lambda: Dosage(250, "mg", 3, days=0),
        lambda: PatientMerge(MergeId("m"), P, P, NOW, U),
    )
    for build in refused:
        with pytest.raises(ValueError, match=r"\w"):
            build()


# Consents


def consent(decision: ConsentDecision, **fields: object) -> Consent:
    values: dict[str, object] = {"id": ConsentId("c"), "patient": P, "purpose": ConsentPurpose.TEACHING, **fields}
    return Consent(decision=decision, decided=NOW, author=U, **values)  # type: ignore[arg-type]  # fields by name


def test_never_asked_is_not_allowed() -> None:
    assert not ConsentState(ConsentPurpose.TEACHING).permits(NOW.date())
    assert ConsentState(ConsentPurpose.TEACHING).must_go_by() is None


def test_a_consent_ends_on_its_day() -> None:
    (state,) = (
        state
        for state in consent_states([consent(ConsentDecision.GIVEN, valid_until=date(2026, 12, 31))])
        if state.purpose is ConsentPurpose.TEACHING
    )
    assert state.permits(date(2026, 12, 31))
    assert not state.permits(date(2027, 1, 1))


def test_the_latest_decision_holds_with_its_retention_date() -> None:
    given = consent(ConsentDecision.GIVEN)
    withdrawn = consent(ConsentDecision.WITHDRAWN, retain_until=date(2027, 1, 31))
    state = consent_states([given, withdrawn])[1]
    assert (state.purpose, state.history) == (ConsentPurpose.TEACHING, (withdrawn, given))
    assert not state.permits(NOW.date())
    assert state.must_go_by() == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("decision", "until"), [(ConsentDecision.REFUSED, date(2027, 1, 1)), (ConsentDecision.GIVEN, date(2026, 11, 20))]
)
def test_a_consent_that_cannot_be_is_refused(decision: ConsentDecision, until: date) -> None:
    with pytest.raises(ValueError, match="consent"):
        consent(decision, valid_until=until)


# Two records


def test_equal_records_do_not_differ() -> None:
    assert differences(person(), person(id=PatientId("q"), card_number="0000021", synthetic=True)) == ()


def test_the_suggestion_loses_nothing_and_contradicts_least() -> None:
    first = person(birth_date=PartialDate(2021), phones=("1",), no_known_allergies=True)
    second = person(
        sex=Sex.MALE,
        birth_date=PartialDate(2021, 5, 7),
        phones=("2", "1"),
        village="清河村",
        allergies=(AllergyIntolerance("青霉素"),),
    )
    result = combined(first, second, suggested_choices(first, second))
    assert result == replace(
        first,
        sex=Sex.MALE,
        birth_date=PartialDate(2021, 5, 7),
        phones=("1", "2"),
        village="清河村",
        allergies=(AllergyIntolerance("青霉素"),),
        no_known_allergies=False,
    )


@pytest.mark.parametrize(
    ("first", "second", "side"),
    [
        (PartialDate(2021, 5), PartialDate(2020), Side.FIRST),
        (PartialDate(2021, 5, 7), PartialDate(2021, 5), Side.FIRST),
        (PartialDate(2021, 5, 7), PartialDate(2021, 5, 8), Side.FIRST),
        (PartialDate(1969), PartialDate(1970, 5, 4), Side.SECOND),
        (PartialDate(2021), PartialDate(2021, 5), Side.SECOND),
        (None, PartialDate(2021), Side.SECOND),
        (PartialDate(2021), None, Side.FIRST),
    ],
)
def test_the_more_exact_birth_date_is_suggested(
    first: PartialDate | None, second: PartialDate | None, side: Side
) -> None:
    suggested = suggested_choices(person(birth_date=first), person(birth_date=second))
    assert suggested == {PatientField.BIRTH_DATE: side}


def test_one_value_cannot_be_both() -> None:
    with pytest.raises(ValueError, match="one value"):
        combined(person(village="a"), person(village="b"), {PatientField.VILLAGE: Side.BOTH})


def test_the_card_number_and_the_origin_stay_the_kept_records() -> None:
    first, second = person(), person(id=PatientId("q"), card_number="0000021", synthetic=True, village="b")
    taken = combined(first, second, dict.fromkeys(PatientField, Side.SECOND))
    assert (taken.id, taken.card_number, taken.synthetic, taken.village) == (P, "0000013", False, "b")
