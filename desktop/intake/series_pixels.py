"""Frames of slice files as voxels: int16 where the values fit, float32 where they do not or their scale varies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from desktop.errors import UserFacingError
from desktop.imaging.volume import OUTSIDE
from desktop.intake.dicom_file import open_dicom
from desktop.intake.dicom_frames import stored_frames
from desktop.intake.dicom_native import values_from
from desktop.intake.series_header import Meaning, SliceFile
from desktop.records.picture import Array

_UNSIGNED_SHIFT = 32768


@dataclass(frozen=True, eq=False)
class Codes:
    """How stored values become voxels.

    dtype: int16 or float32. shift: taken off unsigned values of 16 bits, so that they fit; `meaning` makes up for it.
    scaled: voxels are the values meant already, for files that differ in slope or intercept. padded: OUTSIDE is used.
    """

    dtype: "np.dtype[np.int16] | np.dtype[np.float32]"
    meaning: Meaning
    shift: int = 0
    scaled: bool = False
    padded: bool = False


def codes_for(files: Iterable[SliceFile]) -> Codes:
    """One way for all slices of a series."""
    every = list(files)
    meanings = {(f.meaning.slope, f.meaning.intercept) for file in every for f in file.frames}
    layouts = [file.layout for file in every]
    first = every[0].frames[0].meaning
    wide = any(layout.floating or layout.stored > 16 for layout in layouts)
    if wide or len(meanings) > 1:
        scaled = len(meanings) > 1
        plain = replace(first, slope=1.0, intercept=0.0) if scaled else first
        return Codes(np.dtype(np.float32), plain, scaled=scaled)
    shift = _UNSIGNED_SHIFT if any(not layout.signed and layout.stored > 15 for layout in layouts) else 0
    padded = any(frame.meaning.padding is not None for file in every for frame in file.frames)
    return Codes(
        np.dtype(np.int16), replace(first, intercept=first.intercept + shift * first.slope), shift, padded=padded
    )


def read_frames(file: SliceFile, targets: Mapping[int, Array], codes: Codes) -> None:
    """Some frames of a file into their places. Raises UserFacingError, OSError, and what a hostile file makes parsers
    raise."""
    if file.native:
        for number, target in targets.items():
            read_frame(file, number, target, codes)
        return
    with file.source() as stream:
        opened = open_dicom(stream)
        if opened.pixels is None or opened.syntax is None:
            raise UserFacingError("intake.damaged")
        last = max(targets)
        found = stored_frames(opened.pixels, file.layout, file.syntax, len(file.frames), opened.dataset)
        for number, (values, _) in enumerate(found):
            if number in targets:
                _put(values, file, number, targets[number], codes)
            if number == last:
                return
    raise UserFacingError("intake.truncated")


def read_frame(file: SliceFile, number: int, target: Array, codes: Codes) -> None:
    """One frame into its place."""
    if not file.native:
        read_frames(file, {number: target}, codes)
        return
    bits = file.layout.native_bits()
    begin, skip = number * bits // 8, number * bits % 8
    count = -(-(skip + bits) // 8)
    with file.source() as stream:
        stream.seek(file.start + begin)
        left = (file.length or 0) - begin
        data = stream.read(max(0, min(count, left)))
    values, _ = values_from(data, file.layout, skip=skip, big=not file.syntax.is_little_endian)
    _put(values, file, number, target, codes)


def _put(values: Array, file: SliceFile, number: int, target: Array, codes: Codes) -> None:
    """Stored values into their place, (rows, columns) each."""
    if values.shape != target.shape:
        raise UserFacingError("intake.damaged")
    meaning = file.frames[number].meaning
    if codes.dtype == np.int16:
        if codes.shift:
            target[:] = (values.astype(np.int32) - codes.shift).astype(np.int16)
        else:
            target[:] = values
        if meaning.padding is not None:
            target[values == meaning.padding] = OUTSIDE
    elif codes.scaled:
        target[:] = values * np.float64(meaning.slope) + np.float64(meaning.intercept)
    else:
        target[:] = values
