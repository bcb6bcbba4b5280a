"""One decoded frame and what its file says about it."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.records.partial_date import PartialDate
from desktop.records.patients import Sex

Array = npt.NDArray[Any]


class Photometric(StrEnum):
    """How stored values map to light (PS3.3 C.7.6.3.1.2). Colour is always RGB once decoded."""

    MONOCHROME1 = "MONOCHROME1"
    MONOCHROME2 = "MONOCHROME2"
    RGB = "RGB"


class Modality(StrEnum):
    """DICOM modalities this release reads; PHOTO is a picture file (PNG, JPEG, TIFF), ECG and HD are traces, CT and MR
    are series of slices. US, XA, RF, PT and NM come as clips or as series of pictures; OT is whatever else is one.
    VOLUME is a volume file (NIfTI, NRRD, MetaImage)."""

    CR = "CR"
    DX = "DX"
    SC = "SC"
    OT = "OT"
    US = "US"
    XA = "XA"
    RF = "RF"
    PT = "PT"
    NM = "NM"
    PHOTO = "PHOTO"
    ECG = "ECG"
    HD = "HD"
    CT = "CT"
    MR = "MR"
    VOLUME = "VOLUME"


class SpacingSource(StrEnum):
    """Where a millimetre comes from. Only these may be printed beside a length."""

    PIXEL_SPACING = "pixel_spacing"
    IMAGER_PIXEL_SPACING = "imager_pixel_spacing"
    NOMINAL_SCANNED = "nominal_scanned_pixel_spacing"
    MAGNIFICATION = "estimated_magnification"
    ULTRASOUND_REGION = "ultrasound_region"
    MANUAL = "manual"
    VOXELS = "voxels"
    """Of a plane cut out of a volume, which is no file's own picture."""


@dataclass(frozen=True)
class Spacing:
    """Millimetres between pixel centres: row_mm down a column, column_mm along a row (PS3.3 10.7.1.3)."""

    row_mm: float
    column_mm: float
    source: SpacingSource

    def __post_init__(self) -> None:
        if not (0 < self.row_mm < 1000 and 0 < self.column_mm < 1000):
            raise ValueError("spacing must be positive millimetres")


@dataclass(frozen=True)
class CalibratedRegion:
    """A part of an ultrasound picture with a scale of its own (PS3.3 C.8.5.5).

    left, top, right, bottom: in pixels, all four inside. spacing: None where the region is calibrated in something
    other than centimetres both ways (a Doppler trace: seconds across, cm/s up), where a length makes no sense.
    """

    left: int
    top: int
    right: int
    bottom: int
    spacing: Spacing | None

    def holds(self, x: float, y: float) -> bool:
        """Whether a picture point lies in it."""
        return self.left - 0.5 <= x <= self.right + 0.5 and self.top - 0.5 <= y <= self.bottom + 0.5


@dataclass(frozen=True)
class Uptake:
    """What turns the values of a PET picture (Bq/ml, decay corrected) into standardized uptake by body weight.

    grams: the patient's weight. becquerels: what was injected and is left of it at the time the picture is corrected
    to (PS3.3 C.8.9.1, QIBA's vendor-neutral SUV computation).
    """

    grams: float
    becquerels: float

    def __post_init__(self) -> None:
        if not (self.grams > 0 and self.becquerels > 0):
            raise ValueError("nobody weighs nothing, and nothing injected is taken up nowhere")


@dataclass(frozen=True)
class VoiWindow:
    """A linear VOI window in modality units (PS3.3 C.11.2.1.2). function: LINEAR, LINEAR_EXACT or SIGMOID."""

    center: float
    width: float
    name: str = ""
    function: str = "LINEAR"

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise ValueError("a window is wider than nothing")


@dataclass(frozen=True)
class FileHeader:
    """What the file says about whose picture it is and how it was made; everything may be missing.

    name_groups: the PN component groups, alphabetic, ideographic, phonetic, each as `family^given…` (PS3.5 6.2.1).
    burned_in_synthetic: the file says its picture is synthetic (our own demo films). manufacturer, model_name: of what
    took it, as DICOM's Manufacturer's Model Name and EXIF's Make and Model say.
    """

    modality: Modality
    name_groups: tuple[str, ...] = ()
    patient_number: str = ""
    birth_date: PartialDate | None = None
    sex: Sex | None = None
    age_years: float | None = None
    study_uid: str = ""
    series_uid: str = ""
    instance_uid: str = ""
    study_date: date | None = None
    body_part: str = ""
    view_position: str = ""
    laterality: str = ""
    description: str = ""
    manufacturer: str = ""
    transfer_syntax: str = ""
    burned_in_synthetic: bool = False
    model_name: str = ""

    @property
    def taken_with(self) -> str:
        """Maker and model of what took the picture, in one; empty where the file names neither."""
        maker, model = self.manufacturer.strip(), self.model_name.strip()
        return model if model.lower().startswith(maker.lower()) else f"{maker} {model}".strip()


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame, decoded, before modality and VOI LUT.

    pixels: (rows, columns) of any integer or float dtype, or (rows, columns, 3) uint8 for RGB; stored values.
    bits: significant bits of stored values. slope, intercept: modality rescale to modality units.
    modality_lut, voi_lut: tables as float64 arrays with the first mapped value, or None.
    pixel_padding: stored value that means "no picture here", or None.
    regions: where an ultrasound picture is calibrated; then `spacing` is None. uptake: only where a PET file has
    everything standardized uptake needs. hounsfield: whether the values of a CT are Hounsfield units.
    """

    pixels: Array
    photometric: Photometric
    header: FileHeader
    bits: int = 8
    slope: float = 1.0
    intercept: float = 0.0
    windows: tuple[VoiWindow, ...] = ()
    voi_lut: Array | None = None
    voi_lut_first: int = 0
    modality_lut: Array | None = None
    modality_lut_first: int = 0
    pixel_padding: int | None = None
    spacing: Spacing | None = None
    frames: int = field(default=1)
    regions: tuple[CalibratedRegion, ...] = ()
    uptake: Uptake | None = None
    hounsfield: bool = True

    def __post_init__(self) -> None:
        expected = 3 if self.photometric is Photometric.RGB else 2
        if self.pixels.ndim != expected or 0 in self.pixels.shape:
            raise ValueError("pixels do not fit the photometric interpretation")
        if self.photometric is Photometric.RGB and self.pixels.dtype != np.uint8:
            raise ValueError("colour pixels are uint8")

    @property
    def rows(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def columns(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])
