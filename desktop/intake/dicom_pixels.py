"""The single frame of a film as grey values or RGB, whatever its photometric interpretation."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import UID

from desktop.errors import UserFacingError
from desktop.intake.colour import from_rgb, grey_from_ybr
from desktop.intake.dicom_file import PixelElement
from desktop.intake.dicom_frames import stored_frames, to_rgb
from desktop.intake.dicom_layout import COLOUR, MONOCHROME, PALETTE, YBR, Layout
from desktop.records import Photometric
from desktop.records.picture import Array


def decode_pixels(
    element: PixelElement, dataset: Dataset, layout: Layout, syntax: UID
) -> tuple[Array, Photometric, int]:
    """Stored values (rows, columns), or (rows, columns, 3) uint8 RGB; what they mean; significant bits.

    Unused high bits are dropped (PS3.5 8.1.1). Raises UserFacingError where the data is short, contradicts the header
    or is of a kind no decoder here reads.
    """
    raw, photometric = decode_raw(element, dataset, layout, syntax)
    if photometric in MONOCHROME:
        return raw, Photometric(photometric), layout.stored
    if photometric in YBR:
        grey = grey_from_ybr(raw)
        if grey is not None:
            return grey, Photometric.MONOCHROME2, 8
    pixels, kind = from_rgb(in_colour(raw, photometric, dataset, layout))
    return pixels, kind, 8


def in_colour(raw: Array, photometric: str, dataset: Dataset, layout: Layout) -> Array:
    """A frame's values that are no grey as (rows, columns, 3) uint8 RGB. Raises UserFacingError."""
    bits = layout.stored
    if photometric == PALETTE:
        try:
            rgb = np.asarray(apply_color_lut(raw, dataset))[:, :, :3]
        except Exception as error:  # a palette that does not fit its own description
            raise UserFacingError("intake.damaged") from error
        bits = rgb.dtype.itemsize * 8
    else:
        rgb = to_rgb(raw) if photometric in YBR else raw
    if rgb.shape != (layout.rows, layout.columns, 3):
        raise UserFacingError("intake.damaged")
    return _eight_bits(rgb, bits)


def decode_raw(element: PixelElement, dataset: Dataset, layout: Layout, syntax: UID) -> tuple[Array, str]:
    """The first frame's values as stored, and their photometric interpretation after decoding."""
    grey = layout.photometric in (*MONOCHROME, PALETTE) and layout.samples == 1
    colour = layout.photometric in COLOUR and layout.samples == 3
    if not (grey or colour) or layout.allocated not in (8, 16, 32):
        raise UserFacingError("intake.unsupported_pixels")
    if not 0 <= layout.justified <= layout.allocated - layout.stored:
        raise UserFacingError("intake.damaged")
    array, photometric = next(stored_frames(element, layout, syntax, 1, dataset))
    if layout.samples == 3 and photometric != "RGB" and (photometric not in YBR or array.dtype != np.uint8):
        raise UserFacingError("intake.damaged")
    return array, photometric


def _eight_bits(rgb: Array, bits: int) -> Array:
    if rgb.dtype == np.uint8 and bits == 8:
        return rgb
    top = (1 << bits) - 1
    scaled = rgb.astype(np.float32)
    scaled *= 255.0 / top
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
