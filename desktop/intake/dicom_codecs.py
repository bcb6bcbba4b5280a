"""One decoder for each compressed transfer syntax, so that a film looks the same on every PC.

GDCM is left out on purpose: a spoilt header makes it end the whole program, and spoilt data passes without a word.
"""

import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
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
from desktop.intake import jpeg_dct, jpeg_lossless, rle
from desktop.intake.codestream import CodedFrame, coded_frame, colours_of
from desktop.intake.dicom_fields import clean
from desktop.intake.dicom_layout import Layout
from desktop.intake.dicom_native import stored_bits, values_from
from desktop.intake.jpeg_lossless_errors import CorruptStream, CutStream, UnsupportedStream
from desktop.intake.limits import LARGE_FRAME, MOST_VALUES_PER_BYTE
from desktop.records.picture import Array

_PLUGINS: Mapping[str, str] = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000: "pylibjpeg",
    JPEG2000Lossless: "pylibjpeg",
    HTJ2K: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
}
"""Which plug-in of pydicom each goes through; the others are our own.

Grey JPEG 2000 of up to 16 bits goes through Pillow's copy of the same library, which works on every core where it is
asked to (half the time on two); the other copy cannot.
"""

os.environ.setdefault("OPJ_NUM_THREADS", "ALL_CPUS")

DEFLATED_FRAME = UID("1.2.840.10008.1.2.8.1")
ENCAPSULATED_NATIVE = UID("1.2.840.10008.1.2.1.98")
SPECTRAL_SELECTION = UID("1.2.840.10008.1.2.4.53")
FULL_PROGRESSION = UID("1.2.840.10008.1.2.4.55")


def decode_frame(frame: bytes, layout: Layout, syntax: UID) -> tuple[Array, str]:
    """A compressed frame's values as stored, (rows, columns[, samples]), and their photometric interpretation.

    syntax: one of DECODERS. Raises UserFacingError: truncated, damaged, contradicts the data set's header, or a kind of
    codestream that nothing here reads.
    """
    if layout.floating or layout.samples not in (1, 3):
        raise UserFacingError("intake.unsupported_pixels")
    values, photometric = DECODERS[syntax](frame, layout, syntax)
    if values.shape != layout.shape:
        raise UserFacingError("intake.damaged")
    if photometric in ("YBR_ICT", "YBR_RCT"):
        photometric = "RGB"
    return values, photometric


def unsupported(syntax: UID) -> UserFacingError:
    """The refusal of a transfer syntax nothing here reads."""
    return UserFacingError("intake.unsupported_transfer_syntax", syntax=clean(syntax.name))


def _jpeg_family(frame: bytes, layout: Layout, syntax: UID) -> tuple[Array, str]:
    """What pydicom's plug-ins decode."""
    coded = _checked(frame, layout)
    plugin = _PLUGINS[syntax]
    if syntax in (JPEG2000, JPEG2000Lossless) and layout.samples == 1 and coded.precision <= 16:
        plugin = "pillow"
    if plugin not in get_decoder(syntax).available_plugins:
        raise unsupported(syntax)
    if syntax == JPEGExtended12Bit and (coded.precision != 8 or layout.stored != 8):
        return _dct(frame, layout, syntax)
    # pydicom types each keyword as the whole dictionary of them.
    described: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": 1,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.allocated,
        "bits_stored": layout.stored,
        "pixel_representation": int(layout.signed),
        "photometric_interpretation": _photometric(layout),
        "planar_configuration": int(layout.planar),
        "pixel_keyword": layout.keyword,
        "allow_excess_frames": False,
        "correct_unused_bits": layout.justified == 0,
    }
    try:
        values, properties = get_decoder(syntax).as_array(
            encapsulate([frame], has_bot=False), index=0, raw=True, decoding_plugin=plugin, **described
        )
    except Exception as error:  # each decoder fails in its own way
        raise UserFacingError("intake.damaged") from error
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if layout.justified:
        values = stored_bits(values, layout)
    return values, str(properties["photometric_interpretation"])


def _photometric(layout: Layout) -> str:
    return layout.photometric or ("MONOCHROME2" if layout.samples == 1 else "RGB")


def _lossless(frame: bytes, layout: Layout, syntax: UID) -> tuple[Array, str]:
    """Our own JPEG Lossless."""
    _checked(frame, layout)
    return _own(jpeg_lossless.decode, frame, layout, syntax)


def _as_stored(decoded: Array, layout: Layout) -> Array:
    """Values of a decoder that knows no sign, as the data set's header describes them."""
    values: Array = decoded.astype(f"u{layout.allocated // 8}", copy=False)
    if layout.signed:
        values = values.view(f"i{layout.allocated // 8}")
    return stored_bits(values, layout)


def _dct(frame: bytes, layout: Layout, syntax: UID) -> tuple[Array, str]:
    """Our own JPEG of 12 bits, sequential or progressive; those of 8 bits any reader of JPEG knows."""
    if _checked(frame, layout).precision == 8 and layout.stored == 8:
        return _jpeg_family(frame, layout, JPEGBaseline8Bit)
    return _own(jpeg_dct.decode, frame, layout, syntax)


def _own(decode: Callable[[bytes], Array], frame: bytes, layout: Layout, syntax: UID) -> tuple[Array, str]:
    try:
        decoded = decode(frame)
    except CutStream as error:
        raise UserFacingError("intake.truncated") from error
    except CorruptStream as error:
        raise UserFacingError("intake.damaged") from error
    except UnsupportedStream as error:
        raise unsupported(syntax) from error
    return _as_stored(decoded, layout), colours_of(frame, _photometric(layout))


def _rle(frame: bytes, layout: Layout, _syntax: UID) -> tuple[Array, str]:
    """RLE Lossless; bits are packed eight to a byte first."""
    if layout.allocated not in (1, 8, 16, 32):
        raise UserFacingError("intake.unsupported_pixels")
    width = layout.allocated // 8 or 1
    photometric = _photometric(layout)
    try:
        if layout.allocated == 1:
            (bits,) = rle.decode_rle(frame, 1, -(-layout.values // 8), 1)
            return values_from(bits.tobytes(), layout)[0], photometric
        planes = rle.decode_rle(frame, layout.rows, layout.columns, layout.samples * width)
    except rle.BadRle as error:
        raise UserFacingError("intake.truncated" if error.cut else "intake.damaged") from error
    # Segments: all high bytes of the first sample, then the next lower ones, and so on (PS3.5 G.2).
    order = [sample * width + byte for sample in range(layout.samples) for byte in reversed(range(width))]
    values = _interleaved([planes[place] for place in order]).view(f"<{'i' if layout.signed else 'u'}{width}")
    shaped = values.reshape(layout.shape).astype(layout.dtype, copy=False)
    return (shaped if _fits(planes[::width], layout) else stored_bits(shaped, layout, own=True)), photometric


def _fits(highest: Array, layout: Layout) -> bool:
    """Whether no bit is set above the stored ones. highest: the highest byte of each value."""
    left = layout.stored - (layout.allocated - 8)
    return not layout.signed and not layout.justified and left > 0 and int(highest.max()) < 1 << left


def _interleaved(planes: Sequence[Array]) -> Array:
    """Planes of (values,) uint8 -> (values, planes): OpenCV's vectorised loop takes a sixth of numpy's time."""
    if len(planes) == 1:
        return planes[0].copy()
    import cv2

    merged: Array = cv2.merge(planes)
    return merged.reshape(-1, len(planes))


def _deflated(frame: bytes, layout: Layout, _syntax: UID) -> tuple[Array, str]:
    """Deflated Image Frame Compression (PS3.5 A.4.13): one native frame, unfolded no further than it may be long."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(frame, -(-layout.native_bits() // 8) + 1)
    except zlib.error as error:
        raise UserFacingError("intake.damaged") from error
    return values_from(data, layout)


def _plain(frame: bytes, layout: Layout, _syntax: UID) -> tuple[Array, str]:
    """Native frames in fragments (PS3.5 A.4.11)."""
    return values_from(frame, layout)


def _checked(frame: bytes, layout: Layout) -> CodedFrame:
    """The coded frame's own header, which agrees with the data set's: native code reserves memory for either."""
    coded = coded_frame(frame)
    if coded is None:
        raise UserFacingError("intake.damaged")
    if (coded.rows, coded.columns, coded.samples) != (layout.rows, layout.columns, layout.samples):
        raise UserFacingError("intake.frame_differs")
    if coded.precision > layout.allocated:
        raise UserFacingError("intake.frame_differs")
    if not coded.complete:
        raise UserFacingError("intake.truncated")
    if layout.values > LARGE_FRAME and layout.values > MOST_VALUES_PER_BYTE * len(frame):
        raise UserFacingError("intake.implausible_size", megapixels=LARGE_FRAME // 1_000_000)
    return coded


DECODERS: Mapping[str, Callable[[bytes, Layout, UID], tuple[Array, str]]] = {
    **dict.fromkeys(_PLUGINS, _jpeg_family),
    JPEGLossless: _lossless,
    JPEGLosslessSV1: _lossless,
    SPECTRAL_SELECTION: _dct,
    FULL_PROGRESSION: _dct,
    RLELossless: _rle,
    DEFLATED_FRAME: _deflated,
    ENCAPSULATED_NATIVE: _plain,
}
