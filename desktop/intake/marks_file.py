"""One DICOM file that marks pictures: which kind it is, and what it marks."""

import io

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import judged, open_dicom
from desktop.intake.dicom_header import file_header
from desktop.intake.dicom_kind import STORAGE, kind_of, sop_class_of
from desktop.intake.inspection import ContentKind
from desktop.intake.marks import MarksFile
from desktop.intake.measurement_report import read_key_objects, read_measurements
from desktop.intake.presentation_state import read_presentation
from desktop.records import Modality

KEY_OBJECTS = STORAGE + "88.59"
MARKS = (ContentKind.PRESENTATION, ContentKind.REPORT)


def read_marks(data: bytes) -> MarksFile | None:
    """What a DICOM file's bytes mark on pictures; None for a file of another kind.

    Raises UserFacingError: damaged, cut short, or a report or presentation state in which nothing is drawn
    (`intake.marks.none`), or not on a picture (`intake.marks.in_space`), or too much (`intake.marks.too_many`).
    """
    return judged(_read, data)


def _read(data: bytes) -> MarksFile | None:
    file = open_dicom(io.BytesIO(data))
    fields = Fields(file.dataset)
    kind = kind_of(file, fields, 1)
    if kind not in MARKS:
        return None
    if file.cut_short:
        raise UserFacingError("intake.truncated")
    header = file_header(fields, Modality.OT, str(file.syntax or ""))
    if kind is ContentKind.PRESENTATION:
        found = read_presentation(fields, header)
    elif sop_class_of(fields) == KEY_OBJECTS or fields.text("Modality").upper() == "KO":
        found = read_key_objects(fields, header)
    else:
        found = read_measurements(fields, header)
    if not found.pictures:
        raise UserFacingError("intake.marks.none")
    return found
