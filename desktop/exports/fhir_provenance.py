"""Who signed what, as FHIR R4 Provenance: one for the report, one for each addendum."""

from collections.abc import Iterator
from datetime import datetime

from desktop.exports.fhir_parts import Json, Names, base64_text, concept, instant, reference
from desktop.records import SignedReport
from desktop.records.canonical_report import ADDENDUM_FORMAT, report_format

_AUTHOR = concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author", "Author")
_AUTHORS_SIGNATURE = {
    "system": "urn:iso-astm:E1762-95:2013",
    "code": "1.2.840.10065.1.12.1.1",
    "display": "Author's Signature",
}


def provenances(report: SignedReport, names: Names) -> Iterator[Json]:
    """Signatures are Ed25519 over canonical bytes, not over the FHIR JSON; `entity` names what was signed."""
    content = report.content
    author = reference(content.author, content.author_name)
    yield {
        "resourceType": "Provenance",
        "id": names.of("provenance"),
        "target": [reference(content.report)],
        "recorded": instant(content.signed),
        "agent": [{"type": _AUTHOR, "who": author, "onBehalfOf": reference(names.of("clinic"))}],
        "entity": [
            _source("urn:lantern:report-sha256", report.sha256, report_format(content)),
            _source("urn:lantern:image-sha256", content.image_sha256, "image file"),
            _source("urn:lantern:audit-head", content.audit_head, f"audit line {content.audit_sequence}"),
        ],
        "signature": [_signature(content.signed, author, report.signature)],
    }
    for number, addendum in enumerate(report.addenda, 1):
        who = {"display": addendum.author_name}
        yield {
            "resourceType": "Provenance",
            "id": names.of(f"provenance of addendum {number}"),
            "target": [reference(content.report), reference(names.of(f"addendum {number}"))],
            "recorded": instant(addendum.signed),
            "agent": [{"type": _AUTHOR, "who": who}],
            "entity": [_source("urn:lantern:addendum-sha256", addendum.sha256, ADDENDUM_FORMAT)],
            "signature": [_signature(addendum.signed, who, addendum.signature)],
        }


def _source(system: str, value: str, display: str) -> Json:
    return {"role": "source", "what": {"identifier": {"system": system, "value": value}, "display": display}}


def _signature(when: datetime, who: Json, data: bytes) -> Json:
    return {
        "type": [_AUTHORS_SIGNATURE],
        "when": instant(when),
        "who": who,
        "sigFormat": "application/octet-stream",
        "data": base64_text(data),
    }
