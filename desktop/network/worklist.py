"""A modality worklist in DICOM's form (PS3.4 annex K): queries read and written, steps read and written."""

import contextlib
from datetime import date, datetime
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items

from desktop.network.parts import Step, StepQuery

_UTF8 = "ISO_IR 192"


def read_query(identifier: Dataset, title: str) -> StepQuery:
    """What a device wants. title: the device's, whose name stands for the station where it asks for none."""
    step = next(iter(identifier.get("ScheduledProcedureStepSequence") or ()), Dataset())
    since, until = _range(_text(step, "ScheduledProcedureStepStartDate"))
    return StepQuery(
        title,
        _text(identifier, "PatientName").rstrip("^"),
        _text(identifier, "PatientID"),
        since,
        until,
        _text(step, "Modality"),
    )


def to_data_set(step: Step, query: StepQuery) -> Dataset:
    """One answer. Where nothing is planned for one kind of device, the one that asks is told that it is its own."""
    planned = Dataset()
    planned.Modality = step.modality or query.modality or "OT"
    planned.ScheduledStationAETitle = step.station or query.title
    planned.ScheduledProcedureStepStartDate = step.start.strftime("%Y%m%d") if step.start else ""
    planned.ScheduledProcedureStepStartTime = step.start.strftime("%H%M%S") if step.start else ""
    planned.ScheduledPerformingPhysicianName = ""
    planned.ScheduledProcedureStepDescription = step.description
    planned.ScheduledProcedureStepID = step.step_id
    answer = Dataset()
    answer.SpecificCharacterSet = _UTF8
    answer.AccessionNumber = step.accession
    answer.ReferringPhysicianName = ""
    answer.PatientName = step.name
    answer.PatientID = step.number
    answer.PatientBirthDate = step.birth_date
    answer.PatientSex = step.sex
    answer.StudyInstanceUID = step.study_uid
    answer.RequestedProcedureDescription = step.description
    answer.RequestedProcedureID = step.step_id
    answer.ScheduledProcedureStepSequence = Items([planned])
    return answer


def to_identifier(query: StepQuery) -> Dataset:
    """Our own query of somebody else's worklist; empty values ask for everything and for the value back."""
    planned = Dataset()
    planned.Modality = query.modality
    planned.ScheduledStationAETitle = ""
    planned.ScheduledProcedureStepStartDate = _written_range(query.since, query.until)
    planned.ScheduledProcedureStepStartTime = ""
    planned.ScheduledProcedureStepDescription = ""
    planned.ScheduledProcedureStepID = ""
    wanted = Dataset()
    wanted.SpecificCharacterSet = _UTF8
    wanted.AccessionNumber = ""
    wanted.PatientName = query.name
    wanted.PatientID = query.number
    wanted.PatientBirthDate = ""
    wanted.PatientSex = ""
    wanted.StudyInstanceUID = ""
    wanted.RequestedProcedureDescription = ""
    wanted.RequestedProcedureID = ""
    wanted.ScheduledProcedureStepSequence = Items([planned])
    return wanted


def read_step(answer: Dataset) -> Step:
    """One answer of somebody else's worklist."""
    planned = next(iter(answer.get("ScheduledProcedureStepSequence") or ()), Dataset())
    return Step(
        name=name_in(answer),
        number=_text(answer, "PatientID"),
        birth_date=_text(answer, "PatientBirthDate"),
        sex=_text(answer, "PatientSex"),
        study_uid=_text(answer, "StudyInstanceUID"),
        step_id=_text(planned, "ScheduledProcedureStepID"),
        accession=_text(answer, "AccessionNumber"),
        start=_moment(
            _text(planned, "ScheduledProcedureStepStartDate"), _text(planned, "ScheduledProcedureStepStartTime")
        ),
        modality=_text(planned, "Modality"),
        station=_text(planned, "ScheduledStationAETitle"),
        description=_text(planned, "ScheduledProcedureStepDescription")
        or _text(answer, "RequestedProcedureDescription"),
    )


def name_in(answer: Dataset) -> str:
    """The patient's name; where no character set is declared, as Chinese devices write it all the same."""
    name: Any = answer.get("PatientName")
    raw = getattr(name, "original_string", b"")
    if "SpecificCharacterSet" not in answer and isinstance(raw, bytes) and not raw.isascii():
        for encoding in ("utf-8", "gb18030"):
            with contextlib.suppress(UnicodeDecodeError):
                return raw.decode(encoding).strip()
    return _text(answer, "PatientName")


def _text(source: Dataset, keyword: str) -> str:
    """A value as one text; several are joined as DICOM writes them."""
    try:
        value: Any = source.get(keyword)
    except Exception:  # converters of odd values raise anything at all
        return ""
    if value is None:
        return ""
    return "\\".join(map(str, value)).strip() if isinstance(value, MultiValue) else str(value).strip()


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        return None


def _range(text: str) -> tuple[date | None, date | None]:
    """The days of a range match (PS3.4 C.2.2.2.5); what is no day does not limit."""
    first, dash, last = text.partition("-")
    return (_day(first), _day(last)) if dash else (_day(first), _day(first))


def _written_range(since: date | None, until: date | None) -> str:
    first = since.strftime("%Y%m%d") if since else ""
    last = until.strftime("%Y%m%d") if until else ""
    return first if first == last else f"{first}-{last}"


def _moment(day: str, time: str) -> datetime | None:
    """A local moment without a zone, as devices write it."""
    for text, form in ((day + time[:6], "%Y%m%d%H%M%S"), (day + time[:4], "%Y%m%d%H%M"), (day, "%Y%m%d")):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  (devices write none)
        except ValueError:
            continue
    return None
