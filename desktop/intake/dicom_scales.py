"""Scales that are not one spacing for a whole picture: calibrated regions of ultrasound, and uptake of PET."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydicom.dataset import Dataset

from desktop.intake.dicom_fields import Fields
from desktop.records import CalibratedRegion, Spacing, SpacingSource, Uptake

_CENTIMETRES = 3
"""Physical Units X and Y Direction (PS3.3 C.8.5.5.1.15)."""
_MOST_REGIONS = 64
_TIME = re.compile(r"(\d{2})(\d{2})?(\d{2})?(\.\d{1,6})?")
_LONGEST_DECAY = timedelta(days=2)


def calibrated_regions(fields: Fields) -> tuple[CalibratedRegion, ...]:
    """The calibrated regions of an ultrasound picture (PS3.3 C.8.5.5), those with impossible borders left out.

    Where one reaches over the picture's edge, the picture was made smaller or cut since it was taken, and nobody
    brought its regions along: then none of them has a scale. One pixel is forgiven: some count the borders from 1.
    """
    items = fields.value("SequenceOfUltrasoundRegions")
    found: list[CalibratedRegion] = []
    if not isinstance(items, Sequence):
        return ()
    for item in list(items)[:_MOST_REGIONS]:
        region = _region(Fields(item)) if isinstance(item, Dataset) else None
        if region is not None:
            found.append(region)
    rows, columns = fields.integer("Rows") or 0, fields.integer("Columns") or 0
    if any(region.right > columns or region.bottom > rows for region in found):
        return tuple(replace(region, spacing=None) for region in found)
    return tuple(found)


def _region(fields: Fields) -> CalibratedRegion | None:
    names = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    left, top, right, bottom = (fields.integer(name) for name in names)
    if (
        left is None
        or top is None
        or right is None
        or bottom is None
        or not (0 <= left <= right and 0 <= top <= bottom)
    ):
        return None
    return CalibratedRegion(left, top, right, bottom, _region_spacing(fields))


def _region_spacing(fields: Fields) -> Spacing | None:
    units = fields.integer("PhysicalUnitsXDirection"), fields.integer("PhysicalUnitsYDirection")
    across, down = fields.number("PhysicalDeltaX"), fields.number("PhysicalDeltaY")
    if units != (_CENTIMETRES, _CENTIMETRES) or across is None or down is None:
        return None
    try:
        # A delta may be negative where an axis points the other way.
        return Spacing(abs(down) * 10, abs(across) * 10, SpacingSource.ULTRASOUND_REGION)
    except ValueError:
        return None


def uptake(fields: Fields) -> Uptake | None:
    """What standardized uptake by body weight needs, or None where the file does not have all of it.

    Only for values in Bq/ml that are corrected for attenuation and decay, the latter to the beginning of the series or
    to the injection (QIBA's vendor-neutral computation, the cases that need no private element).
    """
    corrected = {str(word).strip().upper() for word in fields.values("CorrectedImage")}
    if fields.text("Units").upper() != "BQML" or not {"ATTN", "DECY"} <= corrected:
        return None
    drug = fields.first_item("RadiopharmaceuticalInformationSequence")
    weight = fields.number("PatientWeight")
    if drug is None or weight is None:
        return None
    dose, half_life = drug.number("RadionuclideTotalDose"), drug.number("RadionuclideHalfLife")
    if dose is None or half_life is None or not (weight > 0 and dose > 0 and half_life > 0):
        return None
    left = dose
    reference = fields.text("DecayCorrection").upper()
    if reference == "START":
        waited = _waited(fields, drug)
        if waited is None:
            return None
        left = dose * math.pow(2.0, -waited.total_seconds() / half_life)
    elif reference != "ADMIN":
        return None
    return Uptake(weight * 1000, left) if left > 0 else None


def _waited(fields: Fields, drug: Fields) -> timedelta | None:
    """From the injection to the beginning of the series; None where that makes no sense."""
    day = fields.date("SeriesDate") or fields.date("AcquisitionDate")
    begun, injected = _clock(fields.text("SeriesTime")), _clock(drug.text("RadiopharmaceuticalStartTime"))
    if day is None or begun is None:
        return None
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + begun
    moment = _moment(drug.text("RadiopharmaceuticalStartDateTime"))
    if moment is None:
        if injected is None:
            return None
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + injected
        if moment > start:
            moment -= timedelta(days=1)
    waited = start - moment
    return waited if timedelta(0) <= waited <= _LONGEST_DECAY else None


def _clock(text: str) -> timedelta | None:
    """A TM value since midnight."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds + float(match[4] or 0))


def _moment(text: str) -> datetime | None:
    """A DT value known to the second. Scanners write both ends in one zone; which one does not matter here."""
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
