"""A patient to FHIR and back; what other systems write; what cannot be read says where and what to write."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.errors import UserFacingError
from desktop.exports.fhir_patient import CARD_SYSTEM, patient_from_fhir, patient_to_fhir
from desktop.i18n import Language, Translator
from desktop.records import (
    AllergyIntolerance,
    HumanName,
    Identifier,
    PartialDate,
    Patient,
    PatientId,
    Sex,
    is_id,
    new_id,
)

words = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
some_names = st.builds(
    HumanName,
    text=st.just("") | words,
    family=words,
    given=st.lists(words, max_size=3).map(tuple),
)
some_dates = st.none() | st.builds(
    PartialDate,
    year=st.integers(1900, 2100),
    month=st.integers(1, 12),
    day=st.none() | st.integers(1, 28),
)
some_allergies = st.builds(
    AllergyIntolerance, substance=words.filter(lambda text: "known" not in text.lower()), reaction=st.just("") | words
)
systems = st.sampled_from(["", "hospital", "医保号", "urn:oid:1.2.3"])
some_patients = st.builds(
    Patient,
    id=st.just(PatientId(new_id())),
    names=st.lists(some_names, min_size=1, max_size=3).map(tuple),
    sex=st.sampled_from(Sex),
    birth_date=some_dates,
    phones=st.lists(words, max_size=2).map(tuple),
    village=st.just("") | words,
    identifiers=st.lists(
        st.builds(Identifier, value=words, system=st.sampled_from(["", "hospital", "医保号", "urn:oid:1.2.3"])),
        max_size=2,
    ).map(tuple),
    allergies=st.lists(some_allergies, max_size=2).map(tuple),
    synthetic=st.booleans(),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_patients, st.booleans())
def test_round_trip_gives_the_same_patient_under_a_new_id(patient: Patient, none_known: bool) -> None:
    patient = replace(patient, no_known_allergies=none_known and not patient.allergies)
    read = patient_from_fhir(patient_to_fhir(patient))
    assert is_id(read.id)
    assert read.id != patient.id
    assert replace(read, id=patient.id) == patient


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the first one loads the models
@given(some_patients)
def test_what_we_write_is_valid_r4(patient: Patient) -> None:
    from fhir.resources.R4B.patient import Patient as R4BPatient

    written = patient_to_fhir(patient)
    understood = json.loads(R4BPatient.model_validate(written).model_dump_json())
    assert understood == json.loads(json.dumps(written)), "another system reads each element we write, and no other"


def test_reads_what_a_hospital_writes() -> None:
    patient = patient_from_fhir(
        {
            "resourceType": "Patient",
            "id": "example",
            "meta": {"versionId": "3"},
            "active": True,
            "extension": [{"url": "http://example.org", "valueString": "x"}],
            "identifier": [
                {"use": "usual", "type": {"coding": [{"code": "MR", "display": "Medical record"}]}, "value": " 12345 "},
                {"system": "http://example.org/id", "value": "511322202302110034", "period": {"start": "2020"}},
                {"system": "http://example.org/none"},
            ],
            "name": [
                {"use": "official", "family": "Wang", "given": ["Xiao", "Ming"]},
                {"text": "王　小明"},
                {"use": "old"},
            ],
            "telecom": [
                {"system": "phone", "value": "138 0013 8000", "use": "mobile"},
                {"system": "email", "value": "a@example.org"},
                {"value": "+86 817 1234567"},
                {"system": "phone"},
            ],
            "gender": "male",
            "birthDate": "2023-02",
            "deceasedBoolean": False,
            "address": [{"line": ["1 Road"], "city": "石桥村"}, {"city": "elsewhere"}],
            "contact": [{"name": {"family": "Li"}}],
            "photo": None,
        }
    )
    assert patient.names == (HumanName(family="Wang", given=("Xiao", "Ming")), HumanName(text="王 小明"))
    assert patient.identifiers == (
        Identifier("12345", "Medical record"),
        Identifier("511322202302110034", "http://example.org/id"),
    )
    assert patient.phones == ("138 0013 8000", "+86 817 1234567")
    assert patient.village == "石桥村"
    assert patient.birth_date == PartialDate(2023, 2)
    assert patient.sex is Sex.MALE
    assert not patient.no_known_allergies
    assert not patient.synthetic


def test_card_number_of_another_clinic_stays_an_identifier(patient: Patient) -> None:
    read = patient_from_fhir(patient_to_fhir(patient))
    assert read.card_number == ""
    assert read.identifiers == (Identifier("000127-4", CARD_SYSTEM), *patient.identifiers)


def _allergy(**members: Any) -> dict[str, Any]:
    return {"resourceType": "AllergyIntolerance", "patient": {"reference": "#"}, **members}


def _with_allergies(*allergies: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"text": "A"}], "contained": list(allergies)}


def test_reads_allergies_and_the_answers_about_them() -> None:
    snomed = "http://snomed.info/sct"
    penicillin = _allergy(
        code={"coding": [{"system": snomed, "code": "764146007", "display": "Penicillin"}]},
        reaction=[{"manifestation": [{"text": "rash"}, {"coding": [{"display": "Hives"}]}]}],
    )
    refuted = _allergy(code={"text": "egg"}, verificationStatus={"coding": [{"code": "refuted"}]})
    no_drug_allergy = _allergy(code={"coding": [{"system": snomed, "code": "409137002"}]})
    read = patient_from_fhir(_with_allergies(penicillin, refuted, no_drug_allergy, {"resourceType": "Organization"}))
    assert read.allergies == (AllergyIntolerance("Penicillin", "rash; Hives"),)
    assert not read.no_known_allergies

    none_known = _allergy(code={"coding": [{"system": snomed, "code": "716186003"}]})
    assert patient_from_fhir(_with_allergies(none_known)).no_known_allergies
    assert patient_from_fhir(_with_allergies(_allergy(code={"text": "No known allergies"}))).no_known_allergies
    assert not patient_from_fhir(_with_allergies(refuted)).no_known_allergies


def _patient(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"text": "A"}], **members}


@pytest.mark.parametrize(
    ("resource", "key", "element"),
    [
        (None, "fhir.not_a_patient", None),
        ([], "fhir.not_a_patient", None),
        ("Patient", "fhir.not_a_patient", None),
        ({}, "fhir.not_a_patient", None),
        ({"resourceType": "Observation"}, "fhir.not_a_patient", None),
        ({"resourceType": ["Patient"]}, "fhir.expected_text", "resourceType"),
        ({"resourceType": "Patient"}, "fhir.no_name", "name"),
        (_patient(name=[]), "fhir.no_name", "name"),
        (_patient(name=[{"text": "  ", "given": [None, " "]}]), "fhir.no_name", "name"),
        (_patient(name={"text": "A"}), "fhir.expected_list", "name"),
        (_patient(name=["A"]), "fhir.expected_object", "name[0]"),
        (_patient(name=[{"text": "A"}, {"family": 3}]), "fhir.expected_text", "name[1].family"),
        (_patient(name=[{"given": "A"}]), "fhir.expected_list", "name[0].given"),
        (_patient(name=[{"given": ["A", 1]}]), "fhir.expected_text", "name[0].given[1]"),
        (_patient(name=[{"text": "A\x00"}]), "fhir.bad_character", "name[0].text"),
        (_patient(name=[{"text": "\ud800"}]), "fhir.bad_character", "name[0].text"),
        (_patient(gender="m"), "fhir.bad_gender", "gender"),
        (_patient(gender=1), "fhir.expected_text", "gender"),
        (_patient(birthDate="11.2.2023"), "fhir.bad_birth_date", "birthDate"),
        (_patient(birthDate="2023-02-30"), "fhir.bad_birth_date", "birthDate"),
        (_patient(birthDate="2026-05-08"), "fhir.born_later", "birthDate"),
        (_patient(birthDate=20230211), "fhir.expected_text", "birthDate"),
        (_patient(telecom="138"), "fhir.expected_list", "telecom"),
        (_patient(telecom=[{"value": 138}]), "fhir.expected_text", "telecom[0].value"),
        (_patient(address=[{"city": {}}]), "fhir.expected_text", "address[0].city"),
        (_patient(identifier=[{"value": "1", "type": "MR"}]), "fhir.expected_object", "identifier[0].type"),
        (_with_allergies(_allergy()), "fhir.no_substance", "contained[0].code.text"),
        (
            _with_allergies(_allergy(code={"text": "egg"}), _allergy(code={"text": "无已知过敏"})),
            "fhir.allergies_and_none",
            "contained",
        ),
    ],
)
def test_what_cannot_be_read_names_its_element(resource: object, key: str, element: str | None) -> None:
    with pytest.raises(UserFacingError) as caught:
        patient_from_fhir(resource, today=date(2026, 5, 7))
    assert caught.value.key == key
    assert caught.value.details.get("element") == element
    for language in Language:
        text = Translator(language).error(caught.value)
        assert key not in (text.message, text.advice)
        assert "{" not in text.message + text.advice.replace('{"', "")
        assert element is None or element in text.message + text.advice


def test_null_means_absent() -> None:
    absent = dict.fromkeys(("gender", "birthDate", "telecom", "address", "identifier", "contained", "meta"))
    read = patient_from_fhir(_patient(name=[{"text": None, "family": "A", "given": None}, None], **absent))
    assert read.sex is Sex.UNKNOWN
    assert read.names == (HumanName(family="A"),)


leaves = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "male", "2020", "A"])
objects = st.dictionaries(st.sampled_from(["text", "value", "code", "city", "given"]), leaves, max_size=2)
json_values = leaves | objects | st.lists(leaves | objects, max_size=2)
elements = ["name", "identifier", "telecom", "address", "gender", "birthDate", "contained", "meta", "active"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(elements), json_values, max_size=4))
def test_any_json_gives_a_patient_or_a_sentence(members: dict[str, Any]) -> None:
    try:
        outcome = patient_from_fhir({"resourceType": "Patient", **members}).display_name
    except UserFacingError as error:
        outcome = str(error.details.get("element", error.key))
    assert outcome
