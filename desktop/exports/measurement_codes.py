"""The codes of what is measured: concepts, UCUM units, and what a number's millimetres rest on.

SNOMED CT and DICOM codes where they say exactly this (PS3.16 CID 7469, 7470, 7471, 7472, 3488); else our own scheme
99LANTERN.
"""

from collections.abc import Mapping, Sequence

from pydicom.sr.coding import Code

from desktop.imaging.measure_region import ValueUnit
from desktop.imaging.measured import COUNTED, DEGREES, RATIO, Measured, Quantity
from desktop.records import SpacingSource

SCHEME = "99LANTERN"
SCHEME_NAME = "Lantern"

_LENGTH = Code("410668003", "SCT", "Length")
_PIXEL_VALUE = Code("pixel-value", SCHEME, "Pixel value")
_VALUE_CONCEPTS: Mapping[str, Code] = {
    ValueUnit.HOUNSFIELD.value: Code("112031", "DCM", "Attenuation Coefficient"),
    ValueUnit.UPTAKE.value: Code("126401", "DCM", "SUVbw"),
}
_CONCEPTS: Mapping[Quantity, Code] = {
    Quantity.LENGTH: _LENGTH,
    Quantity.KNOWN_LENGTH: _LENGTH,
    Quantity.ANGLE: Code("1483009", "SCT", "Angle"),
    Quantity.COBB_ANGLE: Code("285285000", "SCT", "Cobb angle"),
    Quantity.LONG_AXIS: Code("103339001", "SCT", "Long axis"),
    Quantity.SHORT_AXIS: Code("103340004", "SCT", "Short axis"),
    Quantity.HEART_WIDTH: Code("heart-width", SCHEME, "Heart width"),
    Quantity.CHEST_WIDTH: Code("chest-width", SCHEME, "Chest width"),
    Quantity.CARDIOTHORACIC_RATIO: Code("ctr", SCHEME, "Cardiothoracic ratio"),
    Quantity.COUNT: Code("count", SCHEME, "Count of marked objects"),
    Quantity.AREA: Code("42798000", "SCT", "Area"),
}
_DERIVATIONS: Mapping[Quantity, Code] = {
    Quantity.MEAN: Code("373098007", "SCT", "Mean"),
    Quantity.DEVIATION: Code("386136009", "SCT", "Standard Deviation"),
    Quantity.MINIMUM: Code("255605001", "SCT", "Minimum"),
    Quantity.MAXIMUM: Code("56851009", "SCT", "Maximum"),
}
_NO_UNITS = Code("1", "UCUM", "no units")
_UNITS: Mapping[str, Code] = {
    "mm": Code("mm", "UCUM", "millimeter"),
    "mm²": Code("mm2", "UCUM", "square millimeter"),
    "px": Code("{pixels}", "UCUM", "pixels"),
    "px²": Code("{square_pixels}", "UCUM", "square pixels"),
    DEGREES: Code("deg", "UCUM", "degree"),
    COUNTED: Code("{count}", "UCUM", "count"),
    RATIO: Code("{ratio}", "UCUM", "ratio"),
    ValueUnit.HOUNSFIELD.value: Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
    ValueUnit.UPTAKE.value: Code("g/ml{SUVbw}", "UCUM", "Standardized Uptake Value body weight"),
}
_METHODS: Mapping[SpacingSource | None, Code] = {
    SpacingSource.PIXEL_SPACING: Code("pixel-spacing", SCHEME, "Scale: Pixel Spacing"),
    SpacingSource.IMAGER_PIXEL_SPACING: Code("imager-spacing", SCHEME, "Scale: Imager Pixel Spacing, at the detector"),
    SpacingSource.NOMINAL_SCANNED: Code("nominal-scanned", SCHEME, "Scale: Nominal Scanned Pixel Spacing"),
    SpacingSource.MAGNIFICATION: Code("ermf", SCHEME, "Scale: Imager Pixel Spacing by estimated magnification (ERMF)"),
    SpacingSource.ULTRASOUND_REGION: Code("us-region", SCHEME, "Scale: calibrated ultrasound region"),
    SpacingSource.MANUAL: Code("manual", SCHEME, "Scale: known object, set by hand"),
    SpacingSource.VOXELS: Code("voxels", SCHEME, "Scale: voxels of a volume"),
    None: Code("no-scale", SCHEME, "No scale in the file: in pixels"),
}
_COUNT_METHOD = Code("counted-by-hand", SCHEME, "Marked one by one")
_PIXEL_METHOD = Code("pixel-statistics", SCHEME, "From the values of the pixels inside")
_WORDS: Mapping[SpacingSource, str] = {
    SpacingSource.PIXEL_SPACING: "pixel spacing",
    SpacingSource.IMAGER_PIXEL_SPACING: "at the detector",
    SpacingSource.NOMINAL_SCANNED: "nominal scanned spacing",
    SpacingSource.MAGNIFICATION: "estimated magnification",
    SpacingSource.ULTRASOUND_REGION: "ultrasound region",
    SpacingSource.MANUAL: "known object",
    SpacingSource.VOXELS: "voxels of a volume",
}
_NAMES: Mapping[Quantity, str] = {
    Quantity.LONG_AXIS: "long",
    Quantity.SHORT_AXIS: "short",
    Quantity.COBB_ANGLE: "Cobb",
    Quantity.HEART_WIDTH: "heart",
    Quantity.CHEST_WIDTH: "chest",
    Quantity.CARDIOTHORACIC_RATIO: "CTR",
    Quantity.AREA: "area",
    Quantity.MEAN: "mean",
    Quantity.DEVIATION: "SD",
    Quantity.MINIMUM: "min",
    Quantity.MAXIMUM: "max",
    Quantity.KNOWN_LENGTH: "known",
}
_SHOWN_UNITS = {"hu": "HU", "suv": "SUV", "stored": "", "brightness": "", "deg": "°", "ratio": "", "count": ""}


def concept(number: Measured) -> Code:
    """What is measured."""
    return _CONCEPTS.get(number.quantity) or _VALUE_CONCEPTS.get(number.unit, _PIXEL_VALUE)


def derivation(number: Measured) -> Code | None:
    """Which of many values it is: mean, least, greatest, spread."""
    return _DERIVATIONS.get(number.quantity)


def unit(number: Measured) -> Code:
    """Its UCUM unit."""
    return _UNITS.get(number.unit, _NO_UNITS)


def method(number: Measured) -> Code:
    """What the number rests on: a scale, no scale, or the pixels' values."""
    if number.unit in ("mm", "mm²", "px", "px²", DEGREES, RATIO):
        return _METHODS[number.source]
    return _COUNT_METHOD if number.unit == COUNTED else _PIXEL_METHOD


def number_words(numbers: Sequence[Measured]) -> str:
    """The numbers as plain words beside a drawing, ASCII but for ° and ², with what millimetres rest on."""
    if not numbers:
        return ""
    parts = [" ".join(part for part in (_NAMES.get(one.quantity, ""), _figure(one)) if part) for one in numbers]
    source = next((one.source for one in numbers if one.source is not None), None)
    return ", ".join(parts) + (f" ({_WORDS[source]})" if source is not None else "")


def _figure(number: Measured) -> str:
    digits = 2 if number.unit == RATIO else 0 if number.unit in ("px", "px²", COUNTED) else 1
    shown = _SHOWN_UNITS.get(number.unit, number.unit)
    return f"{number.value:.{digits}f}{'' if shown == '°' else ' '}{shown}".strip()
