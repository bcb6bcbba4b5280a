"""A patient as a FHIR R4 Patient resource, read tolerantly and written strictly (hl7.org/fhir/R4/patient.html).

Allergies are resources of their own in FHIR; here they travel as `contained` AllergyIntolerance resources, so that a
patient is one JSON object.
"""

import re
from collections.abc import Iterator
from datetime import date

from desktop.errors import UserFacingError
from desktop.exports.json_element import Element, Json
from desktop.records import (
    AllergyIntolerance,
    HumanName,
    Identifier,
    PartialDate,
    Patient,
    PatientId,
    Sex,
    new_id,
)

CARD_SYSTEM = "urn:lantern:card-number"
SNOMED = "http://snomed.info/sct"
NO_KNOWN_ALLERGY = "716186003"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_NONE_IN_WORDS = frozenset({"no known allergies", "no known allergy", "无已知过敏"})
_PARTLY_NONE = frozenset({"409137002", "428607008", "429625007"})
"""SNOMED CT: no known drug, environmental, food allergy. None of them says that there is no allergy."""
_WITHDRAWN = frozenset({"refuted", "entered-in-error"})
_VERSION = re.compile(r"[0-9a-f]{64}")
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)


def patient_from_fhir(resource: object, *, today: date | None = None) -> Patient:
    """The patient a parsed FHIR R4 Patient (JSON) tells of, under a new id of the clinic's own.

    Null and blank mean absent; elements we do not keep are passed over. A card number another clinic gave stays an
    identifier. today: where given, a birth date after it is refused.
    Raises UserFacingError (`fhir.…`) naming the element that cannot be read and what to write there.
    """
    root = Element.root(resource)
    if root.text("resourceType") != "Patient":
        raise UserFacingError("fhir.not_a_patient")
    names = tuple(_names(root))
    if not names:
        raise UserFacingError("fhir.no_name", element="name")
    allergies, none_known = _allergies(root)
    return Patient(
        id=PatientId(new_id()),
        names=names,
        sex=_sex(root),
        birth_date=_birth_date(root, today),
        phones=tuple(_phones(root)),
        village=_village(root),
        identifiers=tuple(_identifiers(root)),
        allergies=allergies,
        no_known_allergies=none_known,
        synthetic=_is_synthetic(root),
    )


def patient_to_fhir(patient: Patient, *, with_allergies: bool = True, version: str = "") -> Json:
    """The patient as a FHIR R4 Patient (JSON).

    with_allergies: as contained resources; False leaves them to the caller. version: `meta.versionId`, if given.
    """
    resource: Json = {"resourceType": "Patient", "id": patient.id}
    meta: Json = {"versionId": version} if version else {}
    if patient.synthetic:
        meta["security"] = [{"system": ACT_REASON, "code": "HTEST", "display": "test health data"}]
    if meta:
        resource["meta"] = meta
    contained = list(allergies_to_fhir(patient, "#")) if with_allergies else []
    if contained:
        resource["contained"] = [{**allergy, "id": f"allergy-{number}"} for number, allergy in enumerate(contained, 1)]
    if patient.identifiers or patient.card_number:
        resource["identifier"] = [_identifier_to_fhir(identifier) for identifier in patient.identifiers]
        if patient.card_number:
            card: Json = {"use": "usual", "system": CARD_SYSTEM, "value": patient.card_number}
            resource["identifier"] = [card, *resource["identifier"]]
    resource["name"] = [_name_to_fhir(name) for name in patient.names]
    if patient.phones:
        resource["telecom"] = [{"system": "phone", "value": phone} for phone in patient.phones]
    resource["gender"] = patient.sex.value
    if patient.birth_date is not None:
        resource["birthDate"] = str(patient.birth_date)
    if patient.village:
        resource["address"] = [{"city": patient.village}]
    return resource


def version_in_fhir(resource: object) -> str | None:
    """The version of one of our records that a Patient names in `meta.versionId`; None where it names none.

    Ours are SHA-256 in hexadecimal. What other programs number says nothing about our record.
    Raises UserFacingError (`fhir.…`).
    """
    meta = Element.root(resource).child("meta")
    version = meta.text("versionId") if meta is not None else ""
    return version if _VERSION.fullmatch(version) else None


def is_own_card(identifier: Identifier, card_number: str) -> bool:
    """Whether an identifier is the card number that this clinic gave, come back in a resource we wrote."""
    return identifier.system == CARD_SYSTEM and identifier.value == card_number


def allergies_to_fhir(patient: Patient, reference: str) -> Iterator[Json]:
    """Each allergy as an AllergyIntolerance without an id. reference: how it refers to the patient.

    "No known allergies" is an answer and is written; that nobody asked is not.
    """
    shared: Json = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
        "patient": {"reference": reference},
    }
    if patient.no_known_allergies:
        coding = {"system": SNOMED, "code": NO_KNOWN_ALLERGY, "display": "No known allergy"}
        yield {**shared, "code": {"coding": [coding], "text": "No known allergies"}}
    for allergy in patient.allergies:
        resource = {**shared, "code": {"text": allergy.substance}}
        if allergy.reaction:
            resource["reaction"] = [{"manifestation": [{"text": allergy.reaction}]}]
        yield resource


def _names(root: Element) -> Iterator[HumanName]:
    for name in root.children("name"):
        text, family = name.text("text"), name.text("family")
        given = tuple(name.texts("given"))
        if text or family or given:
            yield HumanName(text=text, family=family, given=given)


def _name_to_fhir(name: HumanName) -> Json:
    parts: Json = {"text": name.text, "family": name.family, "given": [part for part in name.given if part.strip()]}
    return {key: value for key, value in parts.items() if value}


def _sex(root: Element) -> Sex:
    gender = root.text("gender")
    try:
        return Sex(gender) if gender else Sex.UNKNOWN
    except ValueError as error:
        raise UserFacingError("fhir.bad_gender", element="gender") from error


def _birth_date(root: Element, today: date | None) -> PartialDate | None:
    written = root.text("birthDate")
    if not written:
        return None
    try:
        born = PartialDate.parse(written)
    except ValueError as error:
        raise UserFacingError("fhir.bad_birth_date", element="birthDate") from error
    if today is not None and born.earliest > today:
        raise UserFacingError("fhir.born_later", element="birthDate")
    return born


def _phones(root: Element) -> Iterator[str]:
    """Numbers one can call. A contact point that does not say what it is counts, if it looks like a number."""
    for point in root.children("telecom"):
        value, system = point.text("value"), point.text("system")
        if value and (system in ("phone", "sms") or (not system and re.fullmatch(r"\+?[\d\s()-]{3,}", value))):
            yield value


def _village(root: Element) -> str:
    for address in root.children("address"):
        return address.text("city")
    return ""


def _identifiers(root: Element) -> Iterator[Identifier]:
    for identifier in root.children("identifier"):
        value = identifier.text("value")
        if not value:
            continue
        kind = identifier.child("type")
        yield Identifier(value, identifier.text("system") or (_words(kind) if kind else ""))


def _identifier_to_fhir(identifier: Identifier) -> Json:
    resource: Json = {}
    if identifier.system:
        is_uri = _URI.fullmatch(identifier.system) is not None
        resource = {"system": identifier.system} if is_uri else {"type": {"text": identifier.system}}
    return {**resource, "value": identifier.value}


def _allergies(root: Element) -> tuple[tuple[AllergyIntolerance, ...], bool]:
    """The allergies among the contained resources, and whether "none known" was the answer."""
    allergies: list[AllergyIntolerance] = []
    none_known = False
    for resource in root.children("contained"):
        if resource.text("resourceType") != "AllergyIntolerance" or _is_withdrawn(resource):
            continue
        code = resource.child("code")
        substance = _words(code) if code is not None else ""
        codes = _snomed_codes(code) if code is not None else frozenset()
        if NO_KNOWN_ALLERGY in codes or substance.lower() in _NONE_IN_WORDS:
            none_known = True
            continue
        if codes & _PARTLY_NONE:
            continue
        if not substance:
            raise UserFacingError("fhir.no_substance", element=f"{resource.path}.code.text")
        allergies.append(AllergyIntolerance(substance, "; ".join(_reactions(resource))))
    if allergies and none_known:
        raise UserFacingError("fhir.allergies_and_none", element="contained")
    return tuple(allergies), none_known


def _is_withdrawn(allergy: Element) -> bool:
    """Whether the file itself says that this allergy is none: refuted, or entered in error."""
    status = allergy.child("verificationStatus")
    return status is not None and any(coding.text("code") in _WITHDRAWN for coding in status.children("coding"))


def _reactions(allergy: Element) -> Iterator[str]:
    for reaction in allergy.children("reaction"):
        for manifestation in reaction.children("manifestation"):
            if words := _words(manifestation):
                yield words


def _words(concept: Element) -> str:
    """What a CodeableConcept says in words: its text, else a coding's display, else a code."""
    if text := concept.text("text"):
        return text
    codings = list(concept.children("coding"))
    displays = [coding.text("display") for coding in codings]
    codes = [coding.text("code") for coding in codings]
    return next((words for words in (*displays, *codes) if words), "")


def _snomed_codes(concept: Element) -> frozenset[str]:
    return frozenset(coding.text("code") for coding in concept.children("coding") if coding.text("system") == SNOMED)


def _is_synthetic(root: Element) -> bool:
    """Whether the resource is labelled as test data (v3 ActReason HTEST), as a security label or a tag."""
    meta = root.child("meta")
    if meta is None:
        return False
    labels = (*meta.children("security"), *meta.children("tag"))
    return any(label.text("system") == ACT_REASON and label.text("code") == "HTEST" for label in labels)
