"""What a DICOM file says about whose picture it is and how it was made."""

import re

from desktop.imaging.synthetic.marks import COMMENT, MAKER
from desktop.intake.dicom_fields import Fields
from desktop.records import FileHeader, Modality, PartialDate, Sex, Spacing, SpacingSource

_UID = re.compile(r"[0-9.]{1,64}")
_AGE = re.compile(r"(\d{1,3})([DWMY])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_SEXES = {"M": Sex.MALE, "F": Sex.FEMALE, "O": Sex.OTHER}
_CALIBRATED = ("GEOMETRY", "FIDUCIAL")
_LEAST_ENLARGED, _MOST_ENLARGED = 1.0, 10.0
"""A projection enlarges; by ten it would be a factor in percent, or a mistake."""


def file_header(fields: Fields, modality: Modality, transfer_syntax: str) -> FileHeader:
    """Everything Lantern keeps of a file's header; whatever is missing or unreadable stays empty."""
    birth_date = fields.partial_date("PatientBirthDate")
    study_date = fields.date("StudyDate") or fields.date("AcquisitionDate") or fields.date("ContentDate")
    return FileHeader(
        modality=modality,
        name_groups=fields.name_groups("PatientName"),
        patient_number=fields.text("PatientID"),
        birth_date=birth_date,
        sex=_SEXES.get(fields.text("PatientSex").upper()),
        age_years=_age(fields, birth_date),
        study_uid=_uid(fields, "StudyInstanceUID"),
        series_uid=_uid(fields, "SeriesInstanceUID"),
        instance_uid=_uid(fields, "SOPInstanceUID"),
        study_date=study_date,
        body_part=fields.text("BodyPartExamined"),
        view_position=fields.text("ViewPosition"),
        laterality=fields.text("ImageLaterality") or fields.text("Laterality"),
        description=fields.text("StudyDescription") or fields.text("SeriesDescription"),
        manufacturer=fields.text("Manufacturer"),
        transfer_syntax=transfer_syntax,
        burned_in_synthetic=_is_our_synthetic_film(fields),
        model_name=fields.text("ManufacturerModelName"),
    )


def _uid(fields: Fields, keyword: str) -> str:
    text = fields.text(keyword)
    return text if _UID.fullmatch(text) else ""


def _age(fields: Fields, birth_date: PartialDate | None) -> float | None:
    """Years at the study: as the station wrote it, else from birth and study date where both are known."""
    match = _AGE.fullmatch(fields.text("PatientAge").upper())
    if match is not None:
        return int(match[1]) * _YEARS[match[2]]
    study_date = fields.date("StudyDate") or fields.date("AcquisitionDate")
    if birth_date is None or study_date is None:
        return None
    age = birth_date.age_on(study_date)
    return age.years if age is not None else None


def _is_our_synthetic_film(fields: Fields) -> bool:
    return (
        fields.text("Manufacturer") == MAKER
        and fields.text("ImageComments") == COMMENT
        and fields.text("BurnedInAnnotation").upper() == "YES"
    )


def spacing(fields: Fields) -> Spacing | None:
    """Millimetres between pixels, and where they come from (PS3.3 10.7.1.3).

    PixelSpacing of a projection counts as measured in the patient only where the file says that it was calibrated or
    where it differs from the detector's own spacing; equal to it, it is the detector's spacing under another name. The
    detector's is brought to the patient by the estimated magnification where the file gives one (PS3.3 C.8.7.10).
    """
    pixel = _pair(fields, "PixelSpacing")
    detector = _pair(fields, "ImagerPixelSpacing")
    if pixel is not None:
        calibrated = fields.text("PixelSpacingCalibrationType").upper() in _CALIBRATED
        if detector is None or calibrated or pixel != detector:
            return _spacing(pixel, SpacingSource.PIXEL_SPACING)
    if detector is not None:
        enlarged = fields.number("EstimatedRadiographicMagnificationFactor")
        if enlarged is not None and _LEAST_ENLARGED <= enlarged <= _MOST_ENLARGED:
            return _spacing((detector[0] / enlarged, detector[1] / enlarged), SpacingSource.MAGNIFICATION)
        return _spacing(detector, SpacingSource.IMAGER_PIXEL_SPACING)
    nominal = _pair(fields, "NominalScannedPixelSpacing")
    return _spacing(nominal, SpacingSource.NOMINAL_SCANNED) if nominal is not None else None


def _pair(fields: Fields, keyword: str) -> tuple[float, float] | None:
    numbers = fields.numbers(keyword)
    return (numbers[0], numbers[1]) if len(numbers) == 2 and len(fields.values(keyword)) == 2 else None


def _spacing(pair: tuple[float, float], source: SpacingSource) -> Spacing | None:
    try:
        return Spacing(*pair, source)
    except ValueError:
        return None
