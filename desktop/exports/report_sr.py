"""A signed report as a Basic Text SR (PS3.3 A.35.1, PS3.16 TID 2000), for the archive that keeps the study's images.

The same report gives the same bytes and UIDs, so that an archive which gets it twice knows it. An addendum makes
another object of the same series. What a model suggested stays with the clinic: the object says what the doctor wrote
and decided; where there were several suggestions, also about which picture and whose suggestion each decision is.
"""

import io
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from desktop import __version__
from desktop.exports.words import answer_words
from desktop.i18n import Language, Translator
from desktop.records import Addendum, ReportContent, ReportedFinding, SignedReport

BASIC_TEXT = "1.2.840.10008.5.1.4.1.1.88.11"

_ROOT = ("18748-4", "LN", "Diagnostic imaging report")
_LANGUAGE = ("121049", "DCM", "Language of Content Item and Descendants")
_OBSERVER_TYPE, _PERSON = ("121005", "DCM", "Observer Type"), ("121006", "DCM", "Person")
_OBSERVER_NAME = ("121008", "DCM", "Person Observer Name")
_OBSERVER_HOUSE = ("121009", "DCM", "Person Observer's Organization Name")
_FINDINGS, _FINDING = ("121070", "DCM", "Findings"), ("121071", "DCM", "Finding")
_IMPRESSIONS, _IMPRESSION = ("121072", "DCM", "Impressions"), ("121073", "DCM", "Impression")
_ADDENDUM, _COMMENT = ("55107-7", "LN", "Addendum"), ("121106", "DCM", "Comment")
_LANGUAGES = {Language.ENGLISH: ("en", "RFC5646", "English"), Language.CHINESE: ("zh-Hans", "RFC5646", "Chinese")}
_NAME_SIGNS = str.maketrans("\\=^", "   ")
_MOST_LO = 64


@dataclass(frozen=True)
class ReportedObject:
    """A picture or trace that was read."""

    class_uid: str
    series_uid: str
    instance_uid: str


@dataclass(frozen=True)
class ReportedStudy:
    """The study as its own files name it, so that an archive puts the report beside them; dates and times in DICOM's
    form, empty where the files say nothing. name: PN with all its groups."""

    study_uid: str
    objects: tuple[ReportedObject, ...]
    name: str = ""
    number: str = ""
    birth_date: str = ""
    sex: str = ""
    date: str = ""
    time: str = ""
    study_id: str = ""
    accession: str = ""
    referring: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if not self.study_uid or not self.objects:
            raise ValueError("a report is about a study with objects in it")


def render(report: SignedReport, study: ReportedStudy, language: Language) -> bytes:
    """The report with its addenda so far, as the bytes of a file."""
    content = report.content
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID = UID(BASIC_TEXT)
    made.SOPInstanceUID = _uid(report, f"object {len(report.addenda)}")
    _patient_and_study(made, study)
    made.Modality = "SR"
    made.SeriesInstanceUID = _uid(report, "series")
    made.SeriesNumber = 1
    made.ReferencedPerformedProcedureStepSequence = []
    made.Manufacturer = "Lantern"
    made.ManufacturerModelName = "Lantern"
    made.DeviceSerialNumber = "0"
    made.SoftwareVersions = __version__
    last = report.addenda[-1].signed if report.addenda else content.signed
    made.InstanceNumber = len(report.addenda) + 1
    made.ContentDate, made.ContentTime = _day(last), _time(last)
    made.TimezoneOffsetFromUTC = last.strftime("%z") or "+0000"
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "VERIFIED"
    made.VerifyingObserverSequence = [_verifier(content.author_name, content.clinic_name, content.signed)]
    made.PerformedProcedureCodeSequence = []
    made.CurrentRequestedProcedureEvidenceSequence = [_evidence(study)]
    _content(made, report, language)
    return _file(made)


def _patient_and_study(made: Dataset, study: ReportedStudy) -> None:
    made.PatientName, made.PatientID = study.name, study.number
    made.PatientBirthDate, made.PatientSex = study.birth_date, study.sex
    made.StudyInstanceUID, made.StudyID = UID(study.study_uid), study.study_id
    made.StudyDate, made.StudyTime = study.date, study.time
    made.AccessionNumber, made.ReferringPhysicianName = study.accession, study.referring
    if study.description:
        made.StudyDescription = study.description


def _content(made: Dataset, report: SignedReport, language: Language) -> None:
    """The tree: who wrote it, what was found, the impression, what was added."""
    content, words = report.content, Translator(language)
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    made.ConceptNameCodeSequence = [_code(_ROOT)]
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2000"
    made.ContentTemplateSequence = [template]
    findings = [content.findings_text, *_decided(content, words)]
    items = [
        _item("HAS CONCEPT MOD", "CODE", _LANGUAGE, code=_LANGUAGES[language]),
        _item("HAS OBS CONTEXT", "CODE", _OBSERVER_TYPE, code=_PERSON),
        _item("HAS OBS CONTEXT", "PNAME", _OBSERVER_NAME, text=_name(content.author_name)),
        _item("HAS OBS CONTEXT", "TEXT", _OBSERVER_HOUSE, text=content.clinic_name or "?"),
        *_section(_FINDINGS, _FINDING, findings),
        *_section(_IMPRESSIONS, _IMPRESSION, [content.impression]),
        *_section(_ADDENDUM, _COMMENT, [_added(one) for one in report.addenda]),
    ]
    made.ContentSequence = items


def _decided(content: ReportContent, words: Translator) -> Iterable[str]:
    """What the doctor decided on each finding, a line each; what was left undecided is not said."""
    for said in content.suggestions:
        about = answer_words(words, content, said)
        for finding in said.findings:
            if finding.verdict is not None:
                key = (
                    f"decision.{finding.decided.value}" if finding.decided else f"verdict.{finding.verdict.value}.alone"
                )
                yield f"{about}: {_named(finding, words)}: {words.text(f'report.{key}')}"
    for finding in content.findings:
        if finding.verdict is not None and finding.decided is not None:
            yield f"{_named(finding, words)}: {words.text(f'report.decision.{finding.decided.value}')}"


def _named(finding: ReportedFinding, words: Translator) -> str:
    return finding.name_zh if words.language is Language.CHINESE else finding.name_en


def _added(addendum: Addendum) -> str:
    return f"{addendum.signed:%Y-%m-%d %H:%M} {addendum.author_name}: {addendum.text}"


def _section(heading: tuple[str, str, str], concept: tuple[str, str, str], texts: Sequence[str]) -> list[Dataset]:
    """A heading with a text each; nothing where there are no words."""
    inside = [_item("CONTAINS", "TEXT", concept, text=text) for text in texts if text.strip()]
    if not inside:
        return []
    made = _item("CONTAINS", "CONTAINER", heading)
    made.ContinuityOfContent = "SEPARATE"
    made.ContentSequence = inside
    return [made]


def _item(
    relation: str,
    kind: str,
    concept: tuple[str, str, str],
    *,
    text: str = "",
    code: tuple[str, str, str] | None = None,
) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = relation, kind
    made.ConceptNameCodeSequence = [_code(concept)]
    if code is not None:
        made.ConceptCodeSequence = [_code(code)]
    elif kind == "PNAME":
        made.PersonName = text
    elif kind == "TEXT":
        made.TextValue = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return made


def _code(parts: tuple[str, str, str]) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = parts
    return made


def _verifier(name: str, house: str, moment: datetime) -> Dataset:
    made = Dataset()
    made.VerifyingOrganization = (house or "?").replace("\\", " ")[:_MOST_LO]
    made.VerificationDateTime = moment.strftime("%Y%m%d%H%M%S") + moment.strftime("%z")
    made.VerifyingObserverName = _name(name)
    made.VerifyingObserverIdentificationCodeSequence = []
    return made


def _evidence(study: ReportedStudy) -> Dataset:
    """Every object that was read, by series."""
    series: dict[str, list[Dataset]] = {}
    for one in study.objects:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = UID(one.class_uid), UID(one.instance_uid)
        series.setdefault(one.series_uid, []).append(item)
    groups = []
    for uid, items in series.items():
        group = Dataset()
        group.SeriesInstanceUID, group.ReferencedSOPSequence = UID(uid), items
        groups.append(group)
    made = Dataset()
    made.StudyInstanceUID, made.ReferencedSeriesSequence = UID(study.study_uid), groups
    return made


def _name(text: str) -> str:
    """Somebody's name as a PN whose parts nobody told us apart: 汉字 go into the second group."""
    plain = " ".join(text.translate(_NAME_SIGNS).split())[:_MOST_LO] or "?"
    return plain if plain.isascii() else f"={plain}"


def _day(moment: datetime) -> str:
    return moment.strftime("%Y%m%d")


def _time(moment: datetime) -> str:
    return moment.strftime("%H%M%S")


def _uid(report: SignedReport, part: str) -> UID:
    """UIDs follow from the report (PS3.5 B.2)."""
    return UID(f"2.25.{uuid.uuid5(uuid.UUID(report.content.report), f'dicom sr {part}').int}")


def _file(made: Dataset) -> bytes:
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
