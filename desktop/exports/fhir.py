"""The report as a FHIR R4 Bundle (4.0.1), for a hospital or a district server.

The Bundle is a `collection`: what a `document` adds (a Composition, its own signature) the signed report has already in
its canonical bytes, and a `transaction` would tell a server what to do. Every reference inside is a `urn:uuid:` that
the Bundle resolves; two exports of one report are the same bytes.

Codes: LOINC 18748-4, 18782-3, 19005-8 and 55107-7 as the DICOM Diagnostic Imaging Report uses them (PS3.20); the
findings' own codes come from the model's manifest.
"""

import json
from collections.abc import Iterator

from desktop.errors import UserFacingError
from desktop.exports import pdf
from desktop.exports.bundle import ReportBundle
from desktop.exports.fhir_parts import (
    LOINC,
    Json,
    Names,
    base64_text,
    concept,
    instant,
    labelled_synthetic,
    narrative,
    study_date,
    well_formed,
)
from desktop.exports.fhir_patient import allergies_to_fhir, patient_to_fhir
from desktop.exports.fhir_provenance import provenances
from desktop.exports.fhir_results import codings_of, counts, decisions, device, suggestions, written
from desktop.exports.words import Words
from desktop.i18n import Language
from desktop.records import Decision, ReportContent, SignedReport
from desktop.records.canonical_report import report_canonical_bytes, report_format

_MODELS = (
    *("Bundle", "AllergyIntolerance", "Device", "DiagnosticReport", "ImagingStudy", "Observation", "Organization"),
    *("Patient", "Practitioner", "Provenance", "Address", "Annotation", "Attachment", "CodeableConcept", "Coding"),
    *("ContactPoint", "HumanName", "Identifier", "Meta", "Narrative", "Quantity", "Reference", "Signature"),
)
"""The resources of a Bundle, and what they are made of."""

_DICOM_MODALITIES = frozenset({"CR", "DX", "OT"})


def render(bundle: ReportBundle, languages: tuple[Language, ...]) -> bytes:
    """The signed report as UTF-8 JSON; words of ours in the first language, the PDF inside in all of them.

    Raises UserFacingError (`fhir.not_signed`) for a draft: only signed reports travel.
    """
    if bundle.signed is None:
        raise UserFacingError("fhir.not_signed")
    return encode(report_bundle(bundle.signed, languages, pdf.render(bundle, languages)))


def encode(resource: Json) -> bytes:
    """A Bundle as bytes, after the R4B models have accepted it. Raises ValueError where they do not."""
    from fhir.resources.R4B.bundle import Bundle

    resource = well_formed(resource)
    Bundle.model_validate(resource)
    return json.dumps(resource, ensure_ascii=False, indent=1, allow_nan=False).encode("utf-8")


def load_models() -> None:
    """Import the R4B models that a Bundle of ours needs; they take a third of a second."""
    from fhir.resources.R4B import get_fhir_model_class

    for name in _MODELS:
        get_fhir_model_class(name)


def report_bundle(report: SignedReport, languages: tuple[Language, ...], paper: bytes) -> Json:
    """The Bundle. paper: the report as PDF, carried as the report's presented form."""
    content = report.content
    names = Names(content.report)
    words = Words(languages[:1])
    results = [*written(report, names), *decisions(content, names, words)]
    resources = [
        _diagnostic_report(report, names, words, paper, results),
        {**patient_to_fhir(content.patient, with_allergies=False), "id": content.patient.id},
        *_allergies(content, names),
        {"resourceType": "Organization", "id": names.of("clinic"), "name": content.clinic_name},
        _practitioner(report),
        _imaging_study(content),
        *device(content, names),
        *suggestions(content, names, words),
        *counts(content, names, words),
        *results,
        *provenances(report, names),
    ]
    return {
        "resourceType": "Bundle",
        "id": names.of("bundle"),
        "language": words.languages[0].value,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{content.report}"},
        "type": "collection",
        "timestamp": instant(report.addenda[-1].signed if report.addenda else content.signed),
        "entry": [
            {"fullUrl": f"urn:uuid:{resource['id']}", "resource": labelled_synthetic(resource, content.synthetic)}
            for resource in resources
        ],
    }


def _allergies(content: ReportContent, names: Names) -> Iterator[Json]:
    for number, allergy in enumerate(allergies_to_fhir(content.patient, f"urn:uuid:{content.patient.id}")):
        yield {**allergy, "id": names.of(f"allergy {number}")}


def _practitioner(report: SignedReport) -> Json:
    """The author, with the key that verifies the signature."""
    return {
        "resourceType": "Practitioner",
        "id": report.content.author,
        "identifier": [{"system": "urn:lantern:ed25519-public-key", "value": report.public_key.hex()}],
        "name": [{"text": report.content.author_name}],
    }


def _imaging_study(content: ReportContent) -> Json:
    study: Json = {
        "resourceType": "ImagingStudy",
        "id": content.study,
        "identifier": [{"system": "urn:lantern:image-sha256", "value": content.image_sha256}],
        "status": "available",
        "subject": {"reference": f"urn:uuid:{content.patient.id}"},
    }
    if content.study_uid.replace(".", "").isdecimal():
        study["identifier"].insert(0, {"system": "urn:dicom:uid", "value": f"urn:oid:{content.study_uid}"})
    if content.modality in _DICOM_MODALITIES:
        study["modality"] = [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": content.modality}]
    if taken := study_date(content):
        study["started"] = taken
    if content.body_part:
        study["description"] = f"{content.modality} {content.body_part}"
    return study


def _diagnostic_report(report: SignedReport, names: Names, words: Words, paper: bytes, results: list[Json]) -> Json:
    """The report itself. With addenda it is `appended`: new words, the signed ones unchanged.

    `result` holds what the doctor wrote and decided. What the model suggested stands behind the decisions
    (`derivedFrom`), so that no reader takes it for a result.
    """
    content = report.content
    author = {"reference": f"urn:uuid:{content.author}", "display": content.author_name}
    clinic = {"reference": f"urn:uuid:{names.of('clinic')}", "display": content.clinic_name}
    resource: Json = {
        "resourceType": "DiagnosticReport",
        "id": content.report,
        "text": narrative(
            [
                (words.label("report.findings"), content.findings_text),
                (words.label("report.impression"), content.impression),
                *((words.label("report.addendum", number=n), a.text) for n, a in enumerate(report.addenda, 1)),
            ]
        ),
        "identifier": [
            {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{content.report}"},
            {"system": "urn:lantern:report-sha256", "value": report.sha256},
        ],
        "status": "appended" if report.addenda else "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")],
        "code": concept(LOINC, "18748-4", "Diagnostic imaging study"),
        "subject": {"reference": f"urn:uuid:{content.patient.id}", "display": content.patient.display_name},
        "issued": instant(content.signed),
        "performer": [clinic, author],
        "resultsInterpreter": [author],
        "result": [{"reference": f"urn:uuid:{observation['id']}"} for observation in results],
        "imagingStudy": [{"reference": f"urn:uuid:{content.study}"}],
        "presentedForm": _presented(report, words, paper),
    }
    if taken := study_date(content):
        resource["effectiveDateTime"] = taken
    if content.impression.strip():
        resource["conclusion"] = content.impression
    codes = [
        {"coding": codings_of(finding)}
        for finding in content.all_findings
        if finding.codings and finding.decided is Decision.LIKELY
    ]
    if codes:
        resource["conclusionCode"] = [code for place, code in enumerate(codes) if code not in codes[:place]]
    return resource


def _presented(report: SignedReport, words: Words, paper: bytes) -> list[Json]:
    """The paper, and the bytes that were signed: with the author's key they verify without the clinic."""
    forms = (
        ("application/pdf", paper, words.label("report.title")),
        ("application/json", report_canonical_bytes(report.content), report_format(report.content)),
    )
    created = instant(report.content.signed)
    return [
        {"contentType": kind, "data": base64_text(data), "size": len(data), "title": title, "creation": created}
        for kind, data, title in forms
    ]
