"""DICOM files: single X-ray films and pictures kept as secondary captures, with their tables and windows.

What is read is decided by the SOP class, not by the modality's word: a secondary capture is a picture whatever machine
it was taken from, while a slice of a CT or MR series, an ultrasound frame or a dose map shown as if it were a film
would lose what makes it readable (neighbours, Hounsfield units, calibrated regions) and is refused in words.
"""

import io
import logging
import warnings
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields, clean
from desktop.intake.dicom_header import file_header, spacing
from desktop.intake.dicom_pixels import Layout, decode_pixels, read_layout
from desktop.intake.limits import MAX_FILE_BYTES, MAX_PARSER_READS, MAX_SAMPLES
from desktop.records import Modality, Picture, VoiWindow
from desktop.records.picture import Array

if TYPE_CHECKING:
    from pydicom.tag import BaseTag

# Odd values are ours to judge, one by one (`Fields`); and what pydicom would say about them can hold a patient's name.
config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

_PREFIX_END = 132
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
    _STORAGE + "12.1": Modality.OT,  # X-Ray Angiographic (one frame)
    _STORAGE + "12.2": Modality.OT,  # X-Ray Radiofluoroscopic (one frame)
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
    **dict.fromkeys(("", "OT", "RG", "PX", "IO", "MG", "RF", "XA", "XC"), Modality.OT),
}
"""What counts where a file names no storage class this release knows."""


class _Budgeted(io.BytesIO):
    """Bytes that end a parse which would never end, and remember whether it ran over their end."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = 0
        self.ran_over = False

    def read(self, size: int | None = -1, /) -> bytes:
        """Like BytesIO's. Raises UserFacingError after MAX_PARSER_READS."""
        self._reads += 1
        if self._reads > MAX_PARSER_READS:
            raise UserFacingError("intake.damaged")
        part = super().read(size)
        # Between two elements 8 bytes are asked for, and none left there is the honest end.
        if size is not None and len(part) < size and (part or size != 8):
            self.ran_over = True
        return part


def decode(data: bytes) -> Picture:
    """The single frame in a DICOM file, before modality and VOI LUT, with what its header says.

    Raises UserFacingError: no picture, several pictures, a kind of picture this release does not read, a transfer
    syntax without a decoder, truncated, damaged, too many pixels. No other exception, no warning, no log record.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # see the settings above
            return _decode(data)
    except UserFacingError:
        raise
    except MemoryError as error:
        raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000) from error
    # A hostile data set makes the parser fail in ways nobody has listed (recursion, struct, index, attribute …).
    except Exception as error:
        raise UserFacingError("intake.damaged") from error


def _decode(data: bytes) -> Picture:
    dataset, syntax, ran_over = _parse(data)
    fields = Fields(dataset)
    modality = _modality(fields)
    if "PixelData" not in dataset:
        # pydicom gives up on the whole data set where a compressed picture has no end.
        cut_short = ran_over and ("Rows" in dataset or not len(dataset))
        raise UserFacingError("intake.truncated" if cut_short else "intake.no_pixels")
    if syntax is None:
        raise UserFacingError("intake.no_transfer_syntax")
    if not syntax.is_transfer_syntax:
        raise UserFacingError("intake.unsupported_transfer_syntax", syntax=clean(str(syntax)))
    _refuse_several(fields)
    layout = read_layout(fields)
    pixels, photometric, bits = decode_pixels(dataset, layout, syntax)
    header = file_header(fields, modality, clean(str(syntax)))
    picture = Picture(pixels, photometric, header, bits=bits, spacing=spacing(fields))
    # What was stored in colour has no grey transformations, even where it turned out to be grey.
    return _transformed(picture, fields, layout) if layout.photometric.startswith("MONOCHROME") else picture


def _parse(data: bytes) -> tuple[Dataset, UID | None, bool]:
    """The data set, its transfer syntax, and whether the file ended in the middle of an element."""
    source = _Budgeted(data)
    has_prefix = data[_PREFIX_END - 4 : _PREFIX_END] == b"DICM"
    source.seek(_PREFIX_END if has_prefix else 0)
    meta = FileMetaDataset()
    if data[source.tell() : source.tell() + 2] == b"\x02\0":
        meta = FileMetaDataset(read_dataset(source, False, True, stop_when=_after_meta))
    syntax = meta.get("TransferSyntaxUID")
    if syntax == DeflatedExplicitVRLittleEndian:
        body = _Budgeted(_inflate(data[source.tell() :]))
        inner = read_dataset(body, False, True)
        return FileDataset("", inner, b"", meta, False, True), syntax, body.ran_over
    source.seek(0)
    return dcmread(source, force=True), UID(syntax) if syntax else None, source.ran_over


def _after_meta(tag: "BaseTag", _vr: str | None, _length: int) -> bool:
    return tag.group != 2


def _inflate(data: bytes) -> bytes:
    """A deflated data set (PS3.5 A.5), which may unfold to a thousand times its size."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unfolded = inflater.decompress(data, MAX_FILE_BYTES)
    except zlib.error as error:
        raise UserFacingError("intake.damaged") from error
    if inflater.unconsumed_tail:
        raise UserFacingError("intake.too_large", megabytes=MAX_FILE_BYTES // (1024 * 1024))
    if not inflater.eof:
        raise UserFacingError("intake.truncated")
    return unfolded


def _modality(fields: Fields) -> Modality:
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
    if "PixelData" not in fields.dataset and "Rows" not in fields.dataset:
        raise UserFacingError("intake.no_pixels")
    raise UserFacingError("intake.not_an_image_of_this_kind", modality=word or "?")


def _refuse_several(fields: Fields) -> None:
    frames = fields.integer("NumberOfFrames")
    if frames is None and fields.text("NumberOfFrames"):
        raise UserFacingError("intake.damaged")
    if frames is not None and frames > 1:
        raise UserFacingError("intake.several_pictures")


def _transformed(picture: Picture, fields: Fields, layout: Layout) -> Picture:
    """A grey picture with its modality and VOI transformations (PS3.3 C.11.1, C.11.2)."""
    pixels = picture.pixels
    padding = _signed(fields.integer("PixelPaddingValue"), layout)
    limit = _signed(fields.integer("PixelPaddingRangeLimit"), layout)
    if padding is not None and limit is not None and limit != padding:
        low, high = sorted((padding, limit))
        # A range of padding becomes one value, so that nothing after this has to know of ranges.
        pixels = np.where((pixels >= low) & (pixels <= high), pixels.dtype.type(padding), pixels)
    slope, intercept = fields.number("RescaleSlope") or 1.0, fields.number("RescaleIntercept") or 0.0
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
