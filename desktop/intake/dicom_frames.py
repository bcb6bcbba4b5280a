"""The frames of a DICOM file one after the other, so that memory holds one of them however many there are.

Native frames are cut out of the pixel element, compressed ones out of its fragments (PS3.5 A.4). How many there are is
counted in the file, never taken from the header: a header that promises ten thousand frames reserves nothing.
"""

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, parse_basic_offsets, parse_fragments
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from desktop.errors import UserFacingError
from desktop.intake.dicom_codecs import DECODERS, decode_frame, unsupported
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import PixelElement
from desktop.intake.dicom_layout import YBR, Layout
from desktop.intake.dicom_native import native_count, native_frame
from desktop.records.picture import Array

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def frames(element: PixelElement, layout: Layout, syntax: UID, count: int, dataset: Dataset) -> Iterator[Array]:
    """Each frame's values, (rows, columns[, samples]), as pydicom's `pixel_array(raw=False)` gives them.

    count: what the header claims; more are given where the file holds more whole ones. Colour given as brightness and
    chroma comes as RGB, palette colour as indices. Raises UserFacingError.
    """
    for values, photometric in stored_frames(element, layout, syntax, count, dataset):
        yield to_rgb(values) if layout.samples == 3 and photometric in YBR else values


def stored_frames(
    element: PixelElement, layout: Layout, syntax: UID, count: int, dataset: Dataset
) -> Iterator[tuple[Array, str]]:
    """Each frame's values as stored, and their photometric interpretation. Raises UserFacingError."""
    if syntax in NATIVE:
        for index in range(native_count(element, layout, count)):
            yield native_frame(element, layout, syntax, index)
        return
    if syntax not in DECODERS:
        raise unsupported(syntax)
    for coded in coded_frames(element, count, dataset):
        yield decode_frame(coded, layout, syntax)


def fits_exactly(element: PixelElement, layout: Layout, count: int) -> bool:
    """Whether the pixel element is as long as this many native frames, and no longer than to an even length."""
    wanted = -(-layout.native_bits() * count // 8)
    return element.length in (wanted, wanted + wanted % 2) and element.available >= wanted


def to_rgb(values: Array) -> Array:
    """YBR_FULL as RGB. Raises UserFacingError where the values are not of 8 bits."""
    if values.dtype != np.uint8:
        raise UserFacingError("intake.unsupported_pixels")
    return np.asarray(convert_color_space(values, "YBR_FULL", "RGB"))


def coded_frames(element: PixelElement, count: int, dataset: Dataset) -> Iterator[bytes]:
    """Each compressed frame's bytes. Raises UserFacingError where there are fewer than `count`."""
    source = element.source
    found = 0
    try:
        source.seek(element.start)
        parse_basic_offsets(source)
        fragments, _ = parse_fragments(source)
        if fragments < count:
            raise UserFacingError("intake.truncated")
        source.seek(element.start)
        for coded in generate_frames(source, number_of_frames=count, extended_offsets=_extended(dataset)):
            if not coded:
                raise UserFacingError("intake.truncated")
            # Whoever takes a frame may move the source before asking for the next.
            place = source.tell()
            yield coded
            source.seek(place)
            found += 1
    except UserFacingError:
        raise
    except Exception as error:  # fragments that run over the end, offsets that point nowhere
        raise UserFacingError("intake.truncated" if source.ran_over else "intake.damaged") from error
    if found < count:
        raise UserFacingError("intake.truncated")


def _extended(dataset: Dataset) -> tuple[bytes, bytes] | None:
    """The Extended Offset Table (PS3.3 C.7.6.3.1.8), where a whole one is there."""
    fields = Fields(dataset)
    offsets, lengths = fields.value("ExtendedOffsetTable"), fields.value("ExtendedOffsetTableLengths")
    if isinstance(offsets, bytes) and isinstance(lengths, bytes) and offsets and len(offsets) == len(lengths):
        return offsets, lengths
    return None
