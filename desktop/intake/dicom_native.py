"""Pixels that are not compressed (PS3.5 8), a frame at a time: 1 to 64 bits, floating point, either byte order."""

import numpy as np
from pydicom.uid import UID

from desktop.errors import UserFacingError
from desktop.intake.dicom_file import PixelElement
from desktop.intake.dicom_layout import Layout
from desktop.records.picture import Array


def native_count(element: PixelElement, layout: Layout, count: int) -> int:
    """How many frames lie in a native pixel element: at least the claimed ones. Raises UserFacingError."""
    if element.length is None:
        raise UserFacingError("intake.damaged")
    each = layout.native_bits()
    there = element.available * 8
    if there < each * count:
        raise UserFacingError("intake.truncated")
    if layout.photometric == "YBR_FULL_422":
        # As much as three whole values per pixel: then the chroma is not halved, whatever the header says.
        if there >= layout.values * layout.allocated * count:
            raise UserFacingError("intake.damaged")
        return count
    return max(count, there // each)


def native_frame(element: PixelElement, layout: Layout, syntax: UID, index: int) -> tuple[Array, str]:
    """One frame that is not compressed."""
    bits = layout.native_bits()
    first, last = index * bits, (index + 1) * bits
    begin, end = first // 8, -(-last // 8)
    big = not syntax.is_little_endian
    swapped = big and layout.allocated == 8 and element.vr == "OW" and not layout.floating
    if swapped:  # bytes stored as words: their pairs are turned round (PS3.5 A.3)
        begin, end = begin & ~1, end + (end & 1)
    data = element.read(begin, end - begin)
    if swapped:
        data = np.frombuffer(data[: len(data) & ~1], dtype=">u2").astype("<u2").tobytes()[first // 8 - begin :]
        data = data[: bits // 8]
    return values_from(data, layout, skip=first % 8, big=big)


def values_from(data: bytes, layout: Layout, *, skip: int = 0, big: bool = False) -> tuple[Array, str]:
    """A native frame's values and photometric interpretation. skip: bits before the first. big: of big endian."""
    if len(data) * 8 < skip + layout.native_bits():
        raise UserFacingError("intake.truncated")
    photometric = layout.photometric or ("MONOCHROME2" if layout.samples == 1 else "RGB")
    if layout.allocated == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=skip + layout.values)
        return _shaped(bits[skip:], layout), photometric
    if layout.allocated == 12:
        return _shaped(_twelve(data, layout), layout), photometric
    kind = "f" if layout.floating else "i" if layout.signed else "u"
    order = ">" if big else "<"
    count = layout.native_bits() // layout.allocated
    flat = np.frombuffer(data, dtype=f"{order}{kind}{layout.allocated // 8}", count=count)
    if layout.photometric == "YBR_FULL_422":
        if layout.samples != 3 or layout.values % 6:
            raise UserFacingError("intake.damaged")
        return _shaped(_whole_chroma(flat), layout), "YBR_FULL"
    native = flat.astype(layout.dtype)
    return _shaped(native if layout.floating else stored_bits(native, layout), layout), photometric


def stored_bits(array: Array, layout: Layout, *, own: bool = False) -> Array:
    """The stored bits of each value alone, moved down where an old file left the low ones empty; the sign is kept. own:
    nobody else has the array, which may then be changed."""
    if layout.stored == layout.allocated:
        return array
    if array.dtype.kind == "u":
        low = array >> layout.justified if layout.justified else array
        mask = array.dtype.type((1 << layout.stored) - 1)
        masked: Array = np.bitwise_and(low, mask, out=low if own else None)
        return masked
    top = layout.allocated - 1 - layout.high_bit
    moved: Array = array << top
    moved >>= top + layout.justified
    return moved


def _shaped(flat: Array, layout: Layout) -> Array:
    if layout.planar:
        return flat.reshape(layout.samples, layout.rows, layout.columns).transpose(1, 2, 0)
    return flat.reshape(layout.shape)


def _whole_chroma(flat: Array) -> Array:
    """Two brightnesses share a pair of chroma values (PS3.3 C.7.6.3.1.2)."""
    quads = flat.reshape(-1, 4)
    whole = np.empty((len(quads), 2, 3), dtype=flat.dtype)
    whole[:, :, 0] = quads[:, :2]
    whole[:, :, 1:] = quads[:, None, 2:]
    return whole.reshape(-1)


def _twelve(data: bytes, layout: Layout) -> Array:
    """Values of 12 bits packed without gaps, as old stations wrote them (PS3.5 8.1.1, retired)."""
    if layout.values % 2 or layout.signed:
        raise UserFacingError("intake.unsupported_pixels")
    triples = np.frombuffer(data, np.uint8, count=layout.values * 3 // 2).reshape(-1, 3).astype(np.uint16)
    pairs = np.empty((len(triples), 2), dtype=np.uint16)
    pairs[:, 0] = triples[:, 0] | (triples[:, 1] & 0x0F) << 8
    pairs[:, 1] = triples[:, 1] >> 4 | triples[:, 2] << 4
    return pairs.reshape(-1) & ((1 << layout.stored) - 1)
