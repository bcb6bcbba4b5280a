"""A DICOM file's pixel data as an array, with every claim about its size checked first."""

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, convert_color_space
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from desktop.errors import UserFacingError
from desktop.intake import jpeg_lossless
from desktop.intake.codestream import coded_frame
from desktop.intake.colour import from_rgb, grey_from_ybr
from desktop.intake.dicom_fields import Fields
from desktop.intake.limits import MAX_SAMPLES
from desktop.records import Photometric
from desktop.records.picture import Array

_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_YBR = ("YBR_FULL", "YBR_FULL_422")
_COLOUR = ("RGB", *_YBR, "YBR_ICT", "YBR_RCT")
_PALETTE = "PALETTE COLOR"

_PLUGINS: dict[str, str] = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000: "pylibjpeg",
    JPEG2000Lossless: "pylibjpeg",
    RLELossless: "pydicom",
    HTJ2K: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
}
"""One decoder per compressed transfer syntax, so that a film looks the same on every PC.

GDCM is left out on purpose: a spoilt header makes it end the whole program, and spoilt data passes without a word.
"""

_OUR_OWN = (JPEGLossless, JPEGLosslessSV1)


@dataclass(frozen=True)
class Layout:
    """How the pixel data is laid out, as the header claims (PS3.3 C.7.6.3)."""

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    photometric: str

    @property
    def justified(self) -> int:
        """Bits below the stored ones: not 0 in some old files."""
        return self.high_bit + 1 - self.stored


def read_layout(fields: Fields) -> Layout:
    """The claims, checked for sense before anything is decoded. Raises UserFacingError."""
    rows, columns = fields.integer("Rows"), fields.integer("Columns")
    allocated = fields.integer("BitsAllocated")
    if not rows or not columns or allocated is None or rows < 0 or columns < 0:
        raise UserFacingError("intake.damaged")
    samples = fields.integer("SamplesPerPixel") or 1
    if rows * columns * max(1, samples) > MAX_SAMPLES:
        raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000)
    stored = fields.integer("BitsStored") or allocated
    high_bit = fields.integer("HighBit")
    layout = Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        allocated=allocated,
        stored=stored,
        high_bit=stored - 1 if high_bit is None else high_bit,
        signed=fields.integer("PixelRepresentation") == 1,
        photometric=fields.text("PhotometricInterpretation").upper(),
    )
    grey = layout.photometric in (*_MONOCHROME, _PALETTE) and samples == 1
    colour = layout.photometric in _COLOUR and samples == 3
    if not (grey or colour) or allocated not in (8, 16, 32) or not 1 <= stored <= allocated:
        raise UserFacingError("intake.unsupported_pixels")
    if not 0 <= layout.justified <= allocated - stored:
        raise UserFacingError("intake.damaged")
    return layout


def decode_pixels(dataset: Dataset, layout: Layout, syntax: UID) -> tuple[Array, Photometric, int]:
    """Stored values (rows, columns), or (rows, columns, 3) uint8 RGB; what they mean; significant bits.

    Unused high bits are dropped (PS3.5 8.1.1). Raises UserFacingError where the data is short, contradicts the header
    or is of a kind no decoder here reads.
    """
    raw, photometric = decode_raw(dataset, layout, syntax)
    if photometric in _MONOCHROME:
        return raw, Photometric(photometric), layout.stored
    if photometric in _YBR:
        grey = grey_from_ybr(raw)
        if grey is not None:
            return grey, Photometric.MONOCHROME2, 8
        raw = convert_color_space(raw, "YBR_FULL", "RGB")
    if photometric == _PALETTE:
        try:
            rgb = np.asarray(apply_color_lut(raw, dataset))[:, :, :3]
        except Exception as error:  # a palette that does not fit its own description
            raise UserFacingError("intake.damaged") from error
        bits = rgb.dtype.itemsize * 8
    else:
        rgb, bits = raw, layout.stored
    if rgb.shape != (layout.rows, layout.columns, 3):
        raise UserFacingError("intake.damaged")
    pixels, kind = from_rgb(_eight_bits(rgb, bits))
    return pixels, kind, 8


def decode_raw(dataset: Dataset, layout: Layout, syntax: UID) -> tuple[Array, str]:
    """Values as stored, and their photometric interpretation after decoding."""
    if syntax in _OUR_OWN:
        photometric = layout.photometric
        array = _decode_lossless(_checked_frame(dataset, layout, syntax), layout, syntax)
    else:
        array, photometric = _decode_with_pydicom(dataset, layout, syntax)
    expected = (layout.rows, layout.columns, 3) if layout.samples == 3 else (layout.rows, layout.columns)
    if array.shape != expected:
        raise UserFacingError("intake.damaged")
    if photometric in ("YBR_ICT", "YBR_RCT"):
        photometric = "RGB"
    if layout.samples == 3 and photometric != "RGB" and (photometric not in _YBR or array.dtype != np.uint8):
        raise UserFacingError("intake.damaged")
    return array, photometric


def _decode_lossless(frame: bytes, layout: Layout, syntax: UID) -> Array:
    try:
        decoded = jpeg_lossless.decode(frame)
    except jpeg_lossless.CutStream as error:
        raise UserFacingError("intake.truncated") from error
    except jpeg_lossless.CorruptStream as error:
        raise UserFacingError("intake.damaged") from error
    except jpeg_lossless.UnsupportedStream as error:
        raise UserFacingError("intake.unsupported_transfer_syntax", syntax=syntax.name) from error
    array: Array = decoded.astype(f"u{layout.allocated // 8}", copy=False)
    if layout.signed:
        array = array.view(f"i{layout.allocated // 8}")
    return _stored_bits(array, layout)


def _decode_with_pydicom(dataset: Dataset, layout: Layout, syntax: UID) -> tuple[Array, str]:
    plugin = ""
    if syntax.is_encapsulated:
        plugin = _PLUGINS.get(syntax, "")
        if not plugin or plugin not in get_decoder(syntax).available_plugins:
            raise UserFacingError("intake.unsupported_transfer_syntax", syntax=syntax.name)
        _checked_frame(dataset, layout, syntax)
    else:
        _check_length(dataset, layout)
    try:
        array, properties = get_decoder(syntax).as_array(
            dataset,
            index=0,
            raw=True,
            decoding_plugin=plugin,
            allow_excess_frames=False,  # type: ignore[arg-type]  # pydicom types each keyword as
            correct_unused_bits=layout.justified == 0,  # type: ignore[arg-type]  # the whole dictionary
        )
    except Exception as error:  # each decoder fails in its own way
        raise UserFacingError("intake.damaged") from error
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if layout.justified and array.dtype.kind in "iu":
        array = _stored_bits(array, layout)
    return array, str(properties["photometric_interpretation"])


def _stored_bits(array: Array, layout: Layout) -> Array:
    """The stored bits of each value alone, moved down where an old file left the low ones empty; the sign is kept."""
    top = layout.allocated - 1 - layout.high_bit
    return (array << top) >> (top + layout.justified)


def _check_length(dataset: Dataset, layout: Layout) -> None:
    data = dataset.get_item("PixelData").value
    if not isinstance(data, bytes | bytearray):
        raise UserFacingError("intake.damaged")
    expected = layout.rows * layout.columns * layout.samples * layout.allocated // 8
    if layout.photometric == "YBR_FULL_422":
        expected = expected * 2 // 3
    if len(data) < expected:
        raise UserFacingError("intake.truncated")


def _checked_frame(dataset: Dataset, layout: Layout, syntax: UID) -> bytes:
    """The coded picture, whose own header agrees with the data set's: native code reserves memory for either."""
    try:
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    except Exception as error:  # fragments that run over the end, offsets that point nowhere
        raise UserFacingError("intake.truncated") from error
    if not frame:
        raise UserFacingError("intake.truncated")
    if syntax == RLELossless:
        return frame
    coded = coded_frame(frame)
    if coded is None:
        raise UserFacingError("intake.damaged")
    if (coded.rows, coded.columns, coded.samples) != (layout.rows, layout.columns, layout.samples):
        raise UserFacingError("intake.damaged")
    if coded.precision > layout.allocated:
        raise UserFacingError("intake.damaged")
    if not coded.complete:
        raise UserFacingError("intake.truncated")
    if syntax == JPEGExtended12Bit and coded.precision != 8:
        raise UserFacingError("intake.unsupported_transfer_syntax", syntax=syntax.name)
    return frame


def _eight_bits(rgb: Array, bits: int) -> Array:
    if rgb.dtype == np.uint8 and bits == 8:
        return rgb
    top = (1 << bits) - 1
    scaled = rgb.astype(np.float32)
    scaled *= 255.0 / top
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
