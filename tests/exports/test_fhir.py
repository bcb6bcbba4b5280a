"""The report as a FHIR R4 Bundle: valid, closed in itself, honest about who said what."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from desktop.errors import UserFacingError
from desktop.exports import EXPORTERS, ReportBundle
from desktop.i18n import Language
from desktop.records import ReportContent, ReportedCount, SignedReport
from desktop.records.canonical_report import report_canonical_bytes, report_from_canonical
from tests.exports.samples import several

BOTH = (Language.CHINESE, Language.ENGLISH)

_ALWAYS = {"resourceType", "id", "meta", "implicitRules", "language", "text", "contained", "extension"}
R4_ELEMENTS = {
    "AllergyIntolerance": "identifier clinicalStatus verificationStatus type category criticality code patient"
    " encounter onsetDateTime recordedDate recorder asserter lastOccurrence note reaction",
    "Device": "identifier definition udiCarrier status statusReason distinctIdentifier manufacturer manufactureDate"
    " expirationDate lotNumber serialNumber deviceName modelNumber partNumber type specialization version property"
    " patient owner contact location url note safety parent",
    "DiagnosticReport": "identifier basedOn status category code subject encounter effectiveDateTime issued performer"
    " resultsInterpreter specimen result imagingStudy media conclusion conclusionCode presentedForm",
    "ImagingStudy": "identifier status modality subject encounter started basedOn referrer interpreter endpoint"
    " numberOfSeries numberOfInstances procedureReference procedureCode location reasonCode reasonReference note"
    " description series",
    "Observation": "identifier basedOn partOf status category code subject focus encounter effectiveDateTime issued"
    " performer valueString valueCodeableConcept valueQuantity dataAbsentReason interpretation note bodySite method"
    " specimen device referenceRange hasMember derivedFrom component",
    "Organization": "identifier active type name alias telecom address partOf contact endpoint",
    "Patient": "identifier active name telecom gender birthDate deceasedBoolean address maritalStatus photo contact"
    " communication generalPractitioner managingOrganization link",
    "Practitioner": "identifier active name telecom address gender birthDate photo qualification communication",
    "Provenance": "target occurredDateTime recorded policy location reason activity agent entity signature",
}
"""Top-level elements of FHIR 4.0.1 (hl7.org/fhir/R4), which the R4B models alone would not hold us to."""


def _bundle(report: SignedReport, film: npt.NDArray[np.uint8] | None = None) -> dict[str, Any]:
    data = EXPORTERS["fhir"].render(ReportBundle(report, film), BOTH)
    loaded = json.loads(data.decode("utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def _resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


@pytest.fixture
def bundle(report: SignedReport, film: npt.NDArray[np.uint8]) -> dict[str, Any]:
    return _bundle(report, film)


def test_accepted_by_the_r4b_models_and_made_of_r4_elements(bundle: dict[str, Any]) -> None:
    from fhir.resources.R4B.bundle import Bundle

    Bundle.model_validate(bundle)
    assert bundle["type"] == "collection"
    for entry in bundle["entry"]:
        resource = entry["resource"]
        allowed = _ALWAYS | set(R4_ELEMENTS[resource["resourceType"]].split())
        assert set(resource) <= allowed, resource["resourceType"]


def test_every_reference_resolves_inside(bundle: dict[str, Any]) -> None:
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert urls == [f"urn:uuid:{entry['resource']['id']}" for entry in bundle["entry"]]
    references = set(_references(bundle))
    assert len(references) > 10
    assert references <= set(urls)


def test_same_report_same_bytes(report: SignedReport, film: npt.NDArray[np.uint8]) -> None:
    render = EXPORTERS["fhir"].render
    first = render(ReportBundle(report, film), BOTH)
    assert first == render(ReportBundle(report, film), BOTH)
    assert "石桥村卫生室".encode() in first


def test_report_says_what_the_doctor_wrote(bundle: dict[str, Any], content: ReportContent) -> None:
    (written,) = _resources(bundle, "DiagnosticReport")
    assert written["id"] == content.report
    assert written["conclusion"] == content.impression
    assert written["issued"] == "2026-05-07T10:42:03+08:00"
    assert written["effectiveDateTime"] == "2026-05-07"
    assert written["conclusionCode"][0]["coding"][0]["code"] == "J18.9"
    texts = [observation.get("valueString") for observation in _resources(bundle, "Observation")]
    assert content.findings_text in texts
    assert content.impression in texts


def test_status_says_whether_words_were_added(report: SignedReport) -> None:
    (appended,) = _resources(_bundle(report), "DiagnosticReport")
    (final,) = _resources(_bundle(replace(report, addenda=())), "DiagnosticReport")
    assert (appended["status"], final["status"]) == ("appended", "final")


def test_suggestion_and_decision_are_two_observations(bundle: dict[str, Any], content: ReportContent) -> None:
    observations = {item["id"]: item for item in _resources(bundle, "Observation")}
    (device,) = _resources(bundle, "Device")
    suggested = [item for item in observations.values() if "device" in item]
    assert len(suggested) == 2
    for item in suggested:
        assert item["status"] == "preliminary"
        assert item["device"]["reference"] == f"urn:uuid:{device['id']}"
        assert item["method"]["text"] == "chest-xray-child 1.0.0"
        assert "performer" not in item
    assert suggested[0]["component"][0]["valueQuantity"]["value"] == 0.934
    assert suggested[0]["valueCodeableConcept"]["coding"][0]["code"] == "likely"

    results = [
        item["reference"].removeprefix("urn:uuid:") for item in _resources(bundle, "DiagnosticReport")[0]["result"]
    ]
    decided = [observations[result] for result in results if "component" in observations[result]]
    assert [item["component"][0]["valueCodeableConcept"]["coding"][0]["code"] for item in decided] == [
        "accept",
        "amend",
        "added",
    ]
    assert not set(results) & {item["id"] for item in suggested}
    assert decided[0]["derivedFrom"][0]["reference"] == f"urn:uuid:{suggested[0]['id']}"
    assert decided[1]["note"] == [{"text": "lobar, high fever"}]
    assert all(item["performer"][0]["reference"] == f"urn:uuid:{content.author}" for item in decided)
    assert device["identifier"][0]["value"] == content.model_sha256
    assert device["version"] == [{"value": "1.0.0"}]


def test_undecided_finding_has_no_decision(report: SignedReport) -> None:
    undecided = replace(report.content.findings[0], verdict=None, decided=None)
    bundle = _bundle(replace(report, content=replace(report.content, findings=(undecided,)), addenda=()))
    observations = _resources(bundle, "Observation")
    assert [item["note"][0]["text"] for item in observations if "device" in item] == ["未作判断"]
    assert not [item for item in observations if item["status"] == "final" and "component" in item]
    assert "conclusionCode" not in _resources(bundle, "DiagnosticReport")[0]


def test_every_suggestion_names_its_model_and_picture(report: SignedReport) -> None:
    bundle = _bundle(replace(report, content=several(report.content), addenda=()))
    resources = [entry["resource"] for entry in bundle["entry"]]
    assert [one["deviceName"][0]["name"] for one in resources if one["resourceType"] == "Device"] == [
        "chest-xray-child",
        "chest-xray-adult",
    ]
    said = [one for one in resources if one.get("status") == "preliminary"]
    assert [one["derivedFrom"][0]["display"] for one in said] == ["Picture 1", "Picture 1", "Picture 2", "Picture 2"]
    assert {one["method"]["text"] for one in said} == {"chest-xray-child 1.0.0"}
    ids = [one["id"] for one in resources]
    assert len(ids) == len(set(ids))
    decided = [one for one in resources if one.get("component", [{}])[0].get("valueCodeableConcept")]
    assert [one["derivedFrom"][0]["reference"] for one in decided[:3]] == [f"urn:uuid:{one['id']}" for one in said[:3]]


def test_what_a_model_counted_is_preliminary(report: SignedReport) -> None:
    counts = (ReportedCount("red_cell", "Red cells", "红细胞", 123, 110, 140), ReportedCount("b", "Other", "其他", 0))
    bundle = _bundle(replace(report, content=replace(report.content, counts=counts), addenda=()))
    test_accepted_by_the_r4b_models_and_made_of_r4_elements(bundle)
    test_every_reference_resolves_inside(bundle)
    first, second = (item for item in _resources(bundle, "Observation") if "valueQuantity" in item)
    assert (first["status"], first["code"]["text"], first["valueQuantity"]["value"]) == ("preliminary", "红细胞", 123)
    assert first["code"]["coding"][0]["code"] == "red_cell"
    assert [part["valueQuantity"]["value"] for part in first["component"]] == [110, 140]
    assert second["valueQuantity"]["value"] == 0
    assert "component" not in second


def test_report_without_a_model(report: SignedReport) -> None:
    content = replace(
        report.content, model_name="", model_version="", model_sha256="", model_device="", findings=(), study_date=None
    )
    bundle = _bundle(replace(report, content=replace(content, modality="PHOTO", study_uid="", body_part="")))
    assert not _resources(bundle, "Device")
    (study,) = _resources(bundle, "ImagingStudy")
    assert "modality" not in study
    assert "started" not in study
    assert "effectiveDateTime" not in _resources(bundle, "DiagnosticReport")[0]


def test_carries_the_paper_and_the_signed_bytes(bundle: dict[str, Any], report: SignedReport) -> None:
    paper, signed = _resources(bundle, "DiagnosticReport")[0]["presentedForm"]
    assert base64.b64decode(paper["data"]).startswith(b"%PDF-")
    data = base64.b64decode(signed["data"])
    assert data == report_canonical_bytes(report.content)
    assert len(data) == signed["size"]
    assert report_from_canonical(data) == report.content

    first, addendum = _resources(bundle, "Provenance")
    assert [entity["what"]["identifier"]["value"] for entity in first["entity"]] == [
        report.sha256,
        report.content.image_sha256,
        report.content.audit_head,
    ]
    assert base64.b64decode(first["signature"][0]["data"]) == report.signature
    assert addendum["entity"][0]["what"]["identifier"]["value"] == report.addenda[0].sha256
    (author,) = _resources(bundle, "Practitioner")
    assert author["identifier"][0]["value"] == report.public_key.hex()


def test_allergies_travel_as_resources_of_their_own(bundle: dict[str, Any], content: ReportContent) -> None:
    allergies = _resources(bundle, "AllergyIntolerance")
    assert [item["code"]["text"] for item in allergies] == [a.substance for a in content.patient.allergies]
    assert "contained" not in _resources(bundle, "Patient")[0]


def test_synthetic_is_labelled_everywhere(report: SignedReport) -> None:
    bundle = _bundle(replace(report, content=replace(report.content, synthetic=True)))
    assert {entry["resource"]["meta"]["security"][0]["code"] for entry in bundle["entry"]} == {"HTEST"}


def test_hostile_words_stay_words(report: SignedReport) -> None:
    words = '<script>alert("x")</script> & \x0c\x00 \ud83d $x$'
    content = replace(report.content, impression=words, findings_text="\u3000", study_date="soon")
    signed = replace(report, content=replace(content, findings=(), author_name="A & <B>"), addenda=())
    with pytest.raises(ValueError, match="surrogates"):
        _bundle(signed)
    safe = words.replace("\ud83d", "")
    bundle = _bundle(replace(signed, content=replace(signed.content, impression=safe)))
    (report_resource,) = _resources(bundle, "DiagnosticReport")
    assert report_resource["conclusion"] == safe.replace("\x0c", "\ufffd").replace("\x00", "\ufffd")
    assert "<script>" not in report_resource["text"]["div"]
    assert "&lt;script&gt;" in report_resource["text"]["div"]


def test_a_draft_does_not_travel(content: ReportContent, report: SignedReport) -> None:
    for draft in (ReportBundle(content), ReportBundle(report, draft=True)):
        with pytest.raises(UserFacingError) as caught:
            EXPORTERS["fhir"].render(draft, BOTH)
        assert caught.value.key == "fhir.not_signed"
