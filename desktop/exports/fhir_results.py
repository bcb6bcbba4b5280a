"""What the doctor wrote and decided, and what the model suggested, as FHIR R4 Observations."""

from collections.abc import Iterator
from typing import NamedTuple

from desktop.exports.fhir_parts import LOINC, Json, Names, concept, instant, local, reference, study_date
from desktop.exports.words import Words
from desktop.i18n import Language
from desktop.records import Decision, ReportContent, ReportedFinding, ReportedSuggestion, SignedReport

_IMAGING = concept("http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging")
_UNKNOWN = concept("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown", "Unknown")


class _Numbered(NamedTuple):
    """A finding of a report. number: part of the ids of what is said of it. said: the suggestion it is of, None for one
    the doctor added."""

    number: str
    finding: ReportedFinding
    said: ReportedSuggestion | None


def _numbered(content: ReportContent) -> Iterator[_Numbered]:
    """Every finding. Those of a report's only suggestion are numbered with those added, as they always were."""
    for place, said in enumerate(content.suggestions):
        for number, finding in enumerate(said.findings):
            yield _Numbered(f"{place}.{number}", finding, said)
    only = content.said[0] if content.said and not content.suggestions else None
    for number, finding in enumerate(content.findings):
        yield _Numbered(str(number), finding, only if finding.suggested is not None else None)


def _device_role(content: ReportContent, said: ReportedSuggestion) -> str:
    """The role of the resource that stands for a suggestion's model."""
    return f"model {said.model_sha256}" if content.suggestions else "model"


def device(content: ReportContent, names: Names) -> Iterator[Json]:
    """The models that ran, each once."""
    told: set[str] = set()
    for said in content.said:
        role = _device_role(content, said)
        if role in told:
            continue
        told.add(role)
        resource: Json = {
            "resourceType": "Device",
            "id": names.of(role),
            "identifier": [{"system": "urn:lantern:model-sha256", "value": said.model_sha256}],
            "deviceName": [{"name": said.model_name, "type": "model-name"}],
            "type": {"text": "Software: machine-learned model"},
            "version": [{"value": said.model_version}],
        }
        if said.model_device:
            resource["note"] = [{"text": f"Run on {said.model_device}"}]
        yield resource


def _of_model(content: ReportContent, said: ReportedSuggestion, names: Names) -> Json:
    """What every Observation of a model says of where it comes from; of several pictures also which one."""
    source: Json = reference(content.study)
    if content.suggestions:
        source["identifier"] = {"system": "urn:lantern:image-sha256", "value": said.image_sha256}
        source["display"] = f"Picture {said.picture}"
    return {
        "method": {"text": f"{said.model_name} {said.model_version}"},
        "device": reference(names.of(_device_role(content, said)), said.model_name),
        "derivedFrom": [source],
    }


def written(report: SignedReport, names: Names) -> Iterator[Json]:
    """The doctor's findings, impression and addenda in the doctor's own words."""
    content = report.content
    texts = (
        ("findings", "18782-3", "Radiology Study observation (narrative)", content.findings_text),
        ("impression", "19005-8", "Radiology Imaging study [Impression] (narrative)", content.impression),
    )
    for role, code, display, text in texts:
        if text.strip():
            yield {
                **_observation(content, names.of(role), "final"),
                "code": concept(LOINC, code, display),
                "performer": [reference(content.author, content.author_name)],
                "issued": instant(content.signed),
                "valueString": text,
                "derivedFrom": [reference(content.study)],
            }
    for number, addendum in enumerate(report.addenda, 1):
        yield {
            **_observation(content, names.of(f"addendum {number}"), "final"),
            "code": concept(LOINC, "55107-7", "Addendum Document"),
            "performer": [{"display": addendum.author_name}],
            "issued": instant(addendum.signed),
            "valueString": addendum.text,
        }


def suggestions(content: ReportContent, names: Names, words: Words) -> Iterator[Json]:
    """What the model suggested: `preliminary`, made by a device, with its calibrated probability."""
    for number, finding, said in _numbered(content):
        if finding.suggested is None or said is None:
            continue
        resource: Json = {
            **_observation(content, names.of(f"suggestion {number}"), "preliminary"),
            "code": _finding_code(finding, words),
            "valueCodeableConcept": _decision(finding.suggested, words),
            **_of_model(content, said, names),
        }
        if finding.probability is not None:
            value = {"value": finding.probability, "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"}
            resource["component"] = [
                {"code": local("component", "probability", "Calibrated probability"), "valueQuantity": value}
            ]
        if finding.verdict is None:
            resource["note"] = [{"text": words.label("report.undecided")}]
        yield resource


def counts(content: ReportContent, names: Names, words: Words) -> Iterator[Json]:
    """What models counted: `preliminary`, made by a device; between what the true number usually lies beside it."""
    chinese = words.languages[0] is Language.CHINESE
    counted = [
        (f"{place}.{number}" if content.suggestions else str(number), count, said)
        for place, said in enumerate(content.said)
        for number, count in enumerate(said.counts)
    ]
    for role, count, said in counted:
        resource: Json = {
            **_observation(content, names.of(f"count {role}"), "preliminary"),
            "code": local("count", count.key, count.name_zh if chinese else count.name_en),
            "valueQuantity": _number(count.number),
            **_of_model(content, said, names),
        }
        bounds = (("low", "Usually not below", count.low), ("high", "Usually not above", count.high))
        told = [
            {"code": local("component", key, display), "valueQuantity": _number(value)}
            for key, display, value in bounds
            if value is not None
        ]
        yield {**resource, "component": told} if told else resource


def _number(value: int) -> Json:
    return {"value": value, "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"}


def decisions(content: ReportContent, names: Names, words: Words) -> Iterator[Json]:
    """What the doctor decided on each finding. One left undecided has no decision, and none is made up."""
    for number, finding, _ in _numbered(content):
        if finding.verdict is None:
            continue
        verdict = local("verdict", finding.verdict.value, words.label(f"report.verdict.{finding.verdict.value}.alone"))
        sources = [reference(content.study)]
        if finding.suggested is not None:
            sources.insert(0, reference(names.of(f"suggestion {number}")))
        resource: Json = {
            **_observation(content, names.of(f"decision {number}"), "final"),
            "code": _finding_code(finding, words),
            "performer": [reference(content.author, content.author_name)],
            "issued": instant(content.signed),
            "component": [{"code": local("component", "verdict", "Verdict"), "valueCodeableConcept": verdict}],
            "derivedFrom": sources,
        }
        if finding.decided is None:
            resource["dataAbsentReason"] = _UNKNOWN
        else:
            resource["valueCodeableConcept"] = _decision(finding.decided, words)
        if finding.reason.strip():
            resource["note"] = [{"text": finding.reason}]
        yield resource


def _observation(content: ReportContent, resource_id: str, status: str) -> Json:
    resource: Json = {
        "resourceType": "Observation",
        "id": resource_id,
        "status": status,
        "category": [_IMAGING],
        "subject": reference(content.patient.id),
    }
    taken = study_date(content)
    return {**resource, "effectiveDateTime": taken} if taken else resource


def _finding_code(finding: ReportedFinding, words: Words) -> Json:
    chinese = words.languages[0] is Language.CHINESE
    codings = codings_of(finding)
    code: Json = {"text": finding.name_zh if chinese else finding.name_en}
    return {"coding": codings, **code} if codings else code


def codings_of(finding: ReportedFinding) -> list[Json]:
    """The finding's codes as FHIR Codings."""
    return [{"system": c.system, "code": c.code, "display": c.display or finding.name_en} for c in finding.codings]


def _decision(decision: Decision, words: Words) -> Json:
    return local("decision", decision.value, words.label(f"report.decision.{decision.value}"))
