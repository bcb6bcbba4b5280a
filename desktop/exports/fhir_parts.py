"""Small parts that every FHIR resource of ours is made of."""

import base64
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from desktop.exports.fhir_patient import ACT_REASON
from desktop.exports.json_element import Json
from desktop.records import PartialDate, ReportContent

__all__ = [
    "LOINC",
    "Json",
    "Names",
    "base64_text",
    "concept",
    "instant",
    "labelled_synthetic",
    "local",
    "narrative",
    "reference",
    "study_date",
    "well_formed",
]

LOINC = "http://loinc.org"
_LOCAL = "urn:lantern:"
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True)
class Names:
    """Ids for resources that have none of their own: the same for the same report and role, on every export."""

    report: str

    def of(self, role: str) -> str:
        """The id of a role in this report (RFC 9562 version 5)."""
        return str(uuid.uuid5(uuid.UUID(self.report), role))


def reference(resource_id: str, display: str = "") -> Json:
    """A reference inside the Bundle."""
    target: Json = {"reference": f"urn:uuid:{resource_id}"}
    return {**target, "display": display} if display else target


def concept(system: str, code: str, display: str, text: str = "") -> Json:
    """A CodeableConcept of one code."""
    resource: Json = {"coding": [{"system": system, "code": code, "display": display}]}
    return {**resource, "text": text} if text else resource


def local(kind: str, code: str, text: str) -> Json:
    """A CodeableConcept with a code of our own, such as `decision` `cannot_say`, and its words."""
    return {"coding": [{"system": f"{_LOCAL}{kind}", "code": code}], "text": text}


def instant(moment: datetime) -> str:
    """FHIR instant, to the second, with the moment's own distance to UTC."""
    return moment.isoformat(timespec="seconds")


def study_date(content: ReportContent) -> str:
    """When the picture was taken as FHIR writes it, empty where the file did not say."""
    try:
        return str(PartialDate.parse(content.study_date or ""))
    except ValueError:
        return ""


def base64_text(data: bytes) -> str:
    """FHIR base64Binary."""
    return base64.b64encode(data).decode("ascii")


def narrative(sections: Iterable[tuple[str, str]]) -> Json:
    """Headings and texts as a Narrative. `additional`: it holds more than the coded elements do."""
    parts = []
    for heading, text in sections:
        lines = "<br/>".join(escape(line, quote=False) for line in text.strip().splitlines())
        parts.append(f"<p><b>{escape(heading, quote=False)}</b></p><p>{lines}</p>")
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(parts)}</div>'}


def labelled_synthetic(resource: Json, synthetic: bool) -> Json:
    """The resource with the label that test data bear (v3 ActReason HTEST), where it is synthetic."""
    if not synthetic:
        return resource
    label = {"system": ACT_REASON, "code": "HTEST", "display": "test health data"}
    return {**resource, "meta": {"security": [label]}}


def well_formed(value: Any) -> Any:
    """JSON without what FHIR does not allow in it: control characters become U+FFFD, empty texts go."""
    if isinstance(value, str):
        return _NOT_IN_TEXT.sub("\ufffd", value)
    if isinstance(value, list):
        return [well_formed(item) for item in value]
    if isinstance(value, dict):
        return {name: well_formed(member) for name, member in value.items() if member not in ("", None)}
    return value
