"""The signed report of a study as an object to send beside its images."""

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from desktop.errors import UserFacingError
from desktop.records import StudyId
from desktop.workflow.clinic import Clinic
from desktop.workflow.network_objects import MEDIA_TYPE
from desktop.workflow.policy import read_policy

if TYPE_CHECKING:
    from desktop.exports.report_sr import ReportedStudy

_WANTED = ("SOPClassUID", "SeriesInstanceUID", "SOPInstanceUID")


@dataclass(frozen=True)
class ReportObject:
    """key: other for every addendum, as that makes another object. data: the file."""

    key: str
    data: bytes = field(repr=False)


def report_object(clinic: Clinic, study: StudyId) -> ReportObject:
    """The newest signed report with its addenda. Raises UserFacingError `network.no_report`,
    `network.nothing_to_send` where no DICOM image says which study it is."""
    # Late, as pydicom would slow down every start of the window.
    from desktop.exports.report_sr import render

    with clinic.store.snapshot() as tx:
        reports = tx.reports.for_study(study)
        language = read_policy(tx).report_language.languages[0]
        files = [tx.attachments.get(one.attachment) for one in tx.studies.get(study).instances]
    if not reports:
        raise UserFacingError("network.no_report")
    described = []
    for file in files:
        if file.media_type == MEDIA_TYPE:
            with clinic.store.attachments.open(file.id) as stream:
                described.append(_described(stream))
    named = [one for one in described if one is not None]
    if not named:
        raise UserFacingError("network.nothing_to_send")
    first = named[0]
    objects = tuple(one.objects[0] for one in named if one.study_uid == first.study_uid)
    about = replace(first, objects=objects)
    report = reports[-1]
    return ReportObject(f"report:{report.content.report}:{len(report.addenda)}", render(report, about, language))


def has_report(clinic: Clinic, study: StudyId) -> bool:
    """Whether a report on it was signed."""
    with clinic.store.snapshot() as tx:
        return bool(tx.reports.for_study(study))


def _described(stream: BinaryIO) -> "ReportedStudy | None":
    """What a file says of itself and its study; None where it says too little."""
    from desktop.exports.report_sr import ReportedObject, ReportedStudy
    from desktop.intake.dicom_fields import Fields
    from desktop.intake.dicom_file import open_dicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
            fields = Fields(open_dicom(stream).dataset)
            study, names = fields.text("StudyInstanceUID"), [fields.text(keyword) for keyword in _WANTED]
            if not study or not all(names):
                return None
            return ReportedStudy(
                study,
                (ReportedObject(*names),),
                name="=".join(fields.name_groups("PatientName")),
                number=fields.text("PatientID"),
                birth_date=fields.text("PatientBirthDate"),
                sex=fields.text("PatientSex"),
                date=fields.text("StudyDate"),
                time=fields.text("StudyTime"),
                study_id=fields.text("StudyID"),
                accession=fields.text("AccessionNumber"),
                referring="=".join(fields.name_groups("ReferringPhysicianName")),
                description=fields.text("StudyDescription"),
            )
    except UserFacingError:
        return None
