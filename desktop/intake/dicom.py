"""DICOM files: single X-ray films and pictures kept as secondary captures, with their tables and windows.

What is read is decided by the SOP class, not by the modality's word: a secondary capture is a picture whatever machine
it was taken from, while a slice of a CT or MR series, a frame of a clip or a dose map taken for a film would lose what
makes it readable (neighbours, Hounsfield units, time) and is refused in words. `picture_frames` reads those.
"""

import io
import warnings
from dataclasses import dataclass, replace

import numpy as np
from pydicom.dataset import Dataset

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields, clean
from desktop.intake.dicom_file import DicomFile, open_dicom
from desktop.intake.dicom_frames import fits_exactly
from desktop.intake.dicom_header import file_header, spacing
from desktop.intake.dicom_layout import Layout, frame_count, read_layout
from desktop.intake.dicom_pixels import decode_pixels
from desktop.intake.dicom_scales import calibrated_regions, uptake
from desktop.intake.limits import MAX_SAMPLES
from desktop.records import Modality, Picture, VoiWindow
from desktop.records.picture import Array

_BASIC_DIRECTORY = "1.2.840.10008.1.3.10"
_STORAGE = "1.2.840.10008.5.1.4.1.1."

_PROJECTION_CLASSES = {
    _STORAGE + "1": Modality.CR,  # Computed Radiography
    _STORAGE + "1.1": Modality.DX,  # Digital X-Ray, for presentation
    _STORAGE + "1.1.1": Modality.DX,  # and for processing
    _STORAGE + "1.2": Modality.OT,  # Digital Mammography
    _STORAGE + "1.2.1": Modality.OT,
    _STORAGE + "1.3": Modality.OT,  # Digital Intra-Oral X-Ray
    _STORAGE + "1.3.1": Modality.OT,
    _STORAGE + "12.1": Modality.XA,  # X-Ray Angiographic (one frame)
    _STORAGE + "12.2": Modality.RF,  # X-Ray Radiofluoroscopic (one frame)
    _STORAGE + "77.1.4": Modality.OT,  # VL Photographic
    _STORAGE + "7": Modality.SC,  # Secondary Capture
    _STORAGE + "7.2": Modality.SC,  # and its multi-frame kinds (one frame)
    _STORAGE + "7.3": Modality.SC,
    _STORAGE + "7.4": Modality.SC,
}
_MODALITIES = {
    "CR": Modality.CR,
    "DX": Modality.DX,
    "SC": Modality.SC,
    "XA": Modality.XA,
    "RF": Modality.RF,
    **dict.fromkeys(("", "OT", "RG", "PX", "IO", "MG", "XC"), Modality.OT),
}
"""What counts where a file names no storage class this release knows."""


def decode(data: bytes) -> Picture:
    """The single frame in a DICOM file, before modality and VOI LUT, with what its header says.

    Raises UserFacingError: no picture, several pictures, a kind of picture this release does not read, a transfer
    syntax without a decoder, truncated, damaged, too many pixels. No other exception, no warning, no log record.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
            return _decode(data)
    except UserFacingError:
        raise
    except MemoryError as error:
        raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000) from error
    # A hostile data set makes the parser fail in ways nobody has listed (recursion, struct, index, attribute …).
    except Exception as error:
        raise UserFacingError("intake.damaged") from error


def _decode(data: bytes) -> Picture:
    file = open_dicom(io.BytesIO(data))
    dataset = file.dataset
    fields = Fields(dataset)
    modality = _modality(file, fields)
    if file.pixels is None or file.pixels.keyword != "PixelData":
        cut_short = file.cut_short and ("Rows" in dataset or not len(dataset))
        raise UserFacingError("intake.truncated" if cut_short else "intake.no_pixels")
    if frame_count(fields) > 1:
        raise UserFacingError("intake.several_pictures")
    layout = read_layout(fields)
    if file.syntax is None or (not file.told and not fits_exactly(file.pixels, layout, 1)):
        raise UserFacingError("intake.no_transfer_syntax")
    pixels, photometric, bits = decode_pixels(file.pixels, dataset, layout, file.syntax)
    header = file_header(fields, modality, clean(str(file.syntax)))
    regions = calibrated_regions(fields)
    scale = None if regions else spacing(fields)
    picture = Picture(pixels, photometric, header, bits=bits, spacing=scale, regions=regions, uptake=uptake(fields))
    # What was stored in colour has no grey transformations, even where it turned out to be grey.
    return transformed(picture, fields, layout) if layout.photometric.startswith("MONOCHROME") else picture


def _modality(file: DicomFile, fields: Fields) -> Modality:
    """What kind of picture this is. Raises UserFacingError for kinds this release does not read."""
    sop_class = fields.text("SOPClassUID")
    word = fields.text("Modality").upper()
    file_class = Fields(getattr(fields.dataset, "file_meta", Dataset())).text("MediaStorageSOPClassUID")
    if "DirectoryRecordSequence" in fields.dataset or _BASIC_DIRECTORY in (sop_class, file_class):
        raise UserFacingError("intake.directory")
    known = _PROJECTION_CLASSES.get(sop_class)
    if known is Modality.SC:
        return _MODALITIES[word] if word in ("CR", "DX") else Modality.SC
    if known is not None:
        return known
    if word in _MODALITIES and not sop_class.startswith(_STORAGE):
        return _MODALITIES[word]
    if file.pixels is None and "Rows" not in fields.dataset:
        raise UserFacingError("intake.no_pixels")
    raise UserFacingError("intake.not_an_image_of_this_kind", modality=word or "?")


def transformed(picture: Picture, fields: Fields, layout: Layout) -> Picture:
    """A grey picture with its modality and VOI transformations (PS3.3 C.11.1, C.11.2)."""
    pixels = picture.pixels
    padding = _signed(fields.integer("PixelPaddingValue"), layout)
    limit = _signed(fields.integer("PixelPaddingRangeLimit"), layout)
    if padding is not None and limit is not None and limit != padding:
        low, high = sorted((padding, limit))
        # A range of padding becomes one value, so that nothing after this has to know of ranges.
        pixels = np.where((pixels >= low) & (pixels <= high), pixels.dtype.type(padding), pixels)
    said = fields.number("RescaleSlope")
    slope, intercept = said or 1.0, fields.number("RescaleIntercept") or 0.0
    modality = _table(fields.first_item("ModalityLUTSequence"), layout.signed)
    # The input of a VOI LUT is signed where what comes before it can be negative; a modality LUT's output never is.
    negative = modality is None and (layout.signed or intercept < 0)
    voi = _table(fields.first_item("VOILUTSequence"), negative)
    return replace(
        picture,
        pixels=pixels,
        slope=slope,
        intercept=intercept,
        windows=_windows(fields),
        voi_lut=voi.scaled() if voi else None,
        voi_lut_first=voi.first if voi else 0,
        modality_lut=modality.values if modality else None,
        modality_lut_first=modality.first if modality else 0,
        pixel_padding=padding,
        # PS3.3 C.11.1.1.2: of a CT that is rescaled, unless its file names another unit.
        hounsfield=said is not None and fields.text("RescaleType").upper() in ("", "HU"),
    )


def _signed(value: int | None, layout: Layout) -> int | None:
    """A stored value as the pixels have it: some files write a negative padding value as unsigned."""
    if value is None:
        return None
    top = 1 << layout.allocated
    if layout.signed:
        value = value - top if value >= top // 2 else value
        return value if -(top // 2) <= value < top // 2 else None
    value = value + top if value < 0 else value
    return value if 0 <= value < top else None


@dataclass(frozen=True, eq=False)
class _Table:
    """A look-up table of a file. first: the input that gives values[0]. bits: of each entry."""

    values: Array
    first: int
    bits: int

    def scaled(self) -> Array:
        """The entries as fractions of what `bits` can hold."""
        top = max(float((1 << self.bits) - 1), float(self.values.max()))
        scaled: Array = self.values / top
        return scaled


def _table(item: Fields | None, signed: bool) -> _Table | None:
    """A modality or VOI LUT (PS3.3 C.11.1.1.1), or None where its description and its data disagree."""
    if item is None:
        return None
    descriptor = item.numbers("LUTDescriptor")
    if len(descriptor) != 3:
        return None
    entries, first, bits = (int(number) for number in descriptor)
    entries = entries % 65536 or 65536
    first %= 65536
    if signed and first >= 32768:
        first -= 65536
    if not 8 <= bits <= 16:
        return None
    raw = item.value("LUTData")
    if isinstance(raw, bytes):
        order = ">" if item.dataset.original_encoding[1] is False else "<"
        # 8-bit entries may be packed two to a word; their bytes are then in order.
        wide = len(raw) >= 2 * entries
        values = np.frombuffer(raw[: len(raw) // 2 * 2], dtype=f"{order}u2") if wide else np.frombuffer(raw, "u1")
    else:
        values = np.asarray(item.numbers("LUTData"))
    if len(values) < entries:
        return None
    return _Table(values[:entries].astype(np.float64), first, bits)


def _windows(fields: Fields) -> tuple[VoiWindow, ...]:
    centers, widths = fields.numbers("WindowCenter"), fields.numbers("WindowWidth")
    names = [clean(str(name)) for name in fields.values("WindowCenterWidthExplanation")]
    function = fields.text("VOILUTFunction").upper()
    function = function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR"
    found = []
    for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if width >= 1 or (width > 0 and function != "LINEAR"):
            found.append(VoiWindow(center, width, names[index] if index < len(names) else "", function))
    return tuple(found)
