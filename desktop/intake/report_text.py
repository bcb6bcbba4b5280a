"""Reports in words: structured reports of other programs (PS3.3 A.35) that mark no picture, and PDF pages in DICOM.

The content tree is given as it stands, line by line, with who wrote it and whether somebody verified it. Nothing is
left out, summed up or translated.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import judged, open_dicom
from desktop.intake.dicom_header import file_header
from desktop.intake.dicom_kind import kind_of
from desktop.intake.inspection import ContentKind
from desktop.intake.limits import MAX_FILE_BYTES
from desktop.intake.marks import items, made_at, moment, source_words
from desktop.records import FileHeader, Modality
from desktop.records.written_report import ReportLine, Verifier, WrittenReport

_DEEPEST = 24
_MOST_LINES = 20_000
_MOST_LETTERS = 100_000
_MOST_LETTERS_IN_ALL = 2_000_000
_OBSERVER = "121008"
_PDF = "application/pdf"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_PLAIN = {"CODE", "TEXT", "NUM", "PNAME", "DATE", "TIME", "DATETIME", "UIDREF", "CONTAINER"}
_REFERENCES = {"IMAGE", "COMPOSITE", "WAVEFORM"}


@dataclass(frozen=True, eq=False)
class WrittenPages:
    """A PDF that came in a DICOM file. title: as the file says, or empty."""

    header: FileHeader
    title: str
    pages: bytes


def read_written(data: bytes) -> WrittenReport | WrittenPages | None:
    """The words of a DICOM file's bytes; None for a file of another kind.

    Raises UserFacingError: damaged, cut short, more than anybody reads (`intake.report.too_long`), pages that are no
    PDF (`intake.report.not_pdf`).
    """
    return judged(_read, data)


def _read(data: bytes) -> WrittenReport | WrittenPages | None:
    file = open_dicom(io.BytesIO(data))
    fields = Fields(file.dataset)
    kind = kind_of(file, fields, 1)
    if kind not in (ContentKind.REPORT, ContentKind.DOCUMENT):
        return None
    if file.cut_short:
        raise UserFacingError("intake.truncated")
    header = file_header(fields, Modality.OT, str(file.syntax or ""))
    return _report(fields, header) if kind is ContentKind.REPORT else _pages(fields, header)


def _pages(fields: Fields, header: FileHeader) -> WrittenPages:
    content = fields.value("EncapsulatedDocument")
    if fields.text("MIMETypeOfEncapsulatedDocument").lower() != _PDF or not isinstance(content, bytes):
        raise UserFacingError("intake.report.not_pdf")
    if not content.startswith(b"%PDF-") or len(content) > MAX_FILE_BYTES:
        raise UserFacingError("intake.report.not_pdf")
    title = fields.text("DocumentTitle") or _meaning(fields.dataset, "ConceptNameCodeSequence")
    return WrittenPages(header, title or fields.text("SeriesDescription"), content)


def _report(fields: Fields, header: FileHeader) -> WrittenReport:
    root = fields.dataset
    lines: list[ReportLine] = []
    letters = 0
    for line in _walk(root, 0):
        lines.append(line)
        letters += len(line.name) + len(line.value)
        if len(lines) > _MOST_LINES or letters > _MOST_LETTERS_IN_ALL:
            raise UserFacingError("intake.report.too_long")
    flag = fields.text("CompletionFlag").upper()
    return WrittenReport(
        header=header,
        title=_meaning(root, "ConceptNameCodeSequence") or fields.text("SeriesDescription"),
        authors=_authors(root),
        source=source_words(fields),
        made=made_at(fields, "ContentDate", "ContentTime"),
        complete={"COMPLETE": True, "PARTIAL": False}.get(flag),
        verified=tuple(_verifiers(fields)),
        lines=tuple(lines),
    )


def _authors(root: Dataset) -> tuple[str, ...]:
    """Who the file says wrote it (PS3.3 C.17.2), else the observers its tree names (PS3.16 TID 1002)."""
    named = [
        _name(Fields(item), "PersonName") or Fields(item).text("InstitutionName")
        for keyword in ("AuthorObserverSequence", "ParticipantSequence")
        for item in items(root, keyword)
    ]
    if not any(named):
        named = [
            _name(Fields(item), "PersonName") or Fields(item).text("TextValue")
            for item in items(root, "ContentSequence")
            if _code(item) == _OBSERVER
        ]
    return tuple(dict.fromkeys(one for one in named if one))


def _verifiers(fields: Fields) -> Iterator[Verifier]:
    """Nobody, unless the report says that it is verified."""
    if fields.text("VerificationFlag").upper() != "VERIFIED":
        return
    offset = fields.text("TimezoneOffsetFromUTC")
    for item in items(fields.dataset, "VerifyingObserverSequence"):
        who = Fields(item)
        name = _name(who, "VerifyingObserverName") or who.text("VerifyingOrganization")
        if name:
            yield Verifier(name, moment(who.text("VerificationDateTime").partition(".")[0].ljust(14, "0"), offset))


def _walk(item: Dataset, depth: int) -> Iterator[ReportLine]:
    if depth > _DEEPEST:
        raise UserFacingError("intake.damaged")
    for child in items(item, "ContentSequence"):
        fields = Fields(child)
        kind = fields.text("ValueType").upper()
        name, value = _meaning(child, "ConceptNameCodeSequence"), _value(fields, kind)
        uid = ""
        if kind in _REFERENCES:
            reference = fields.first_item("ReferencedSOPSequence")
            uid = reference.text("ReferencedSOPInstanceUID") if reference is not None else ""
        if name or value or uid:
            yield ReportLine(depth, name, value, uid)
        yield from _walk(child, depth + 1)


def _value(fields: Fields, kind: str) -> str:
    """What an item says. What is no words, such as a place on a picture, is called by its kind alone."""
    if kind == "TEXT":
        return _words(fields)
    if kind == "CODE":
        return _meaning(fields.dataset, "ConceptCodeSequence")
    if kind == "NUM":
        return _number(fields)
    if kind == "PNAME":
        return _name(fields, "PersonName")
    if kind == "UIDREF":
        return fields.text("UID")
    if kind in ("DATE", "TIME", "DATETIME"):
        return _time(fields, kind)
    return "" if kind in _PLAIN or kind in _REFERENCES else kind


def _words(fields: Fields) -> str:
    value = fields.value("TextValue")
    text = str(value) if value is not None else ""
    if len(text) > _MOST_LETTERS:
        raise UserFacingError("intake.report.too_long")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_CONTROL.sub(" ", line).rstrip() for line in lines).strip()


def _number(fields: Fields) -> str:
    measured = fields.first_item("MeasuredValueSequence")
    if measured is None:
        # A number that could not be had says why (PS3.3 C.18.1).
        return _meaning(fields.dataset, "NumericValueQualifierCodeSequence")
    unit = measured.first_item("MeasurementUnitsCodeSequence")
    code = unit.text("CodeValue") if unit is not None else ""
    shown = "" if unit is None or code == "1" else unit.text("CodeMeaning") or code
    return " ".join(part for part in (measured.text("NumericValue"), shown) if part)


def _time(fields: Fields, kind: str) -> str:
    text = fields.text({"DATE": "Date", "TIME": "Time", "DATETIME": "DateTime"}[kind])
    if kind == "DATE":
        day = fields.date("Date")
        return day.isoformat() if day is not None else text
    if kind == "TIME" and text[:6].isdecimal() and len(text) >= 6:
        return f"{text[:2]}:{text[2:4]}:{text[4:6]}"
    if kind == "DATETIME" and text[:14].isdecimal() and len(text) >= 14:
        return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:14]}{text[14:]}"
    return text


def _name(fields: Fields, keyword: str) -> str:
    return " ".join(" ".join(fields.name_groups(keyword)).replace("^", " ").split())


def _code(item: Dataset) -> str:
    named = Fields(item).first_item("ConceptNameCodeSequence")
    return named.text("CodeValue") if named is not None else ""


def _meaning(item: Dataset, keyword: str) -> str:
    named = Fields(item).first_item(keyword)
    return (named.text("CodeMeaning") or named.text("CodeValue")) if named is not None else ""
