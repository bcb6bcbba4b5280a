"""Which DICOM object a stored file is: what a file about it has to repeat."""

import re

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_kind import sop_class_of
from desktop.records.source_object import SourceObject

_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")


def source_object(fields: Fields, frames: int) -> SourceObject:
    """The numbers and names of a parsed file. frames: that are there.

    Raises UserFacingError `intake.no_numbers`, where the file does not say which object it is.
    """
    study_time = fields.text("StudyTime")
    try:
        return SourceObject(
            class_uid=_uid(sop_class_of(fields)),
            instance_uid=_uid(fields.text("SOPInstanceUID")),
            series_uid=_uid(fields.text("SeriesInstanceUID")),
            study_uid=_uid(fields.text("StudyInstanceUID")),
            rows=fields.integer("Rows") or 0,
            columns=fields.integer("Columns") or 0,
            frames=frames,
            patient_name="=".join(fields.name_groups("PatientName")),
            patient_number=fields.text("PatientID"),
            birth_date=_date(fields, "PatientBirthDate"),
            sex=sex if (sex := fields.text("PatientSex").upper()) in ("M", "F", "O") else "",
            study_date=_date(fields, "StudyDate"),
            study_time=study_time if _TIME.fullmatch(study_time) else "",
            study_id=fields.text("StudyID"),
            study_description=fields.text("StudyDescription"),
            accession=fields.text("AccessionNumber"),
            referring="=".join(fields.name_groups("ReferringPhysicianName")),
            modality=fields.text("Modality").upper(),
            laterality=(fields.text("Laterality") or fields.text("ImageLaterality")).upper(),
            rescale_type=fields.text("RescaleType")[:16],
        )
    except ValueError as error:
        raise UserFacingError("intake.no_numbers") from error


def _uid(text: str) -> str:
    return text if len(text) <= 64 and _UID.fullmatch(text) else ""


def _date(fields: Fields, keyword: str) -> str:
    text = fields.text(keyword)
    return text if _DATE.fullmatch(text) and fields.date(keyword) is not None else ""
