"""The first frame of a gathered file, or its trace, to be looked at before anything is decided."""

import warnings
from contextlib import closing
from typing import BinaryIO

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import open_dicom
from desktop.intake.dicom_frames import frames
from desktop.intake.dicom_header import file_header
from desktop.intake.dicom_layout import MONOCHROME, frame_count, read_layout
from desktop.intake.ecg import read_recording, read_trace_file, trace_reader
from desktop.intake.folder import DiskSource, Source
from desktop.intake.reader import HEADER_BYTES, read_picture, recognise
from desktop.intake.signatures import is_dicom
from desktop.jobs import Job
from desktop.records import Modality, Photometric, Picture, Trace, VoiWindow

_MOST = 256 * 1024 * 1024
"""Larger pictures are not looked at beforehand."""
_MOST_TRACE = 32 * 1024 * 1024
"""Nor are larger traces: some hours of them."""


def first_frame(source: Source, job: Job) -> Picture | None:
    """The first picture in a file, None where it is none. Raises UserFacingError where it is damaged, OSError."""
    with closing(source.open()) as stream:
        beginning = stream.read(HEADER_BYTES)
        stream.seek(0)
        if is_dicom(beginning):
            return _first(stream)
        if source.size > _MOST or not recognise(beginning).media_type.startswith("image/"):
            return None
        data = stream.read(_MOST)
    job.check()
    return read_picture(data)


def first_trace(source: Source, job: Job) -> Trace | None:
    """The trace in a file; None where it is none, or a long one. Raises UserFacingError where it is damaged,
    KnownFailure, OSError."""
    if source.size > _MOST_TRACE:
        return None
    with closing(source.open()) as stream:
        beginning = stream.read(HEADER_BYTES)
        if trace_reader(beginning) is None:
            return None
        data = b"" if isinstance(source, DiskSource) else beginning + stream.read(_MOST_TRACE)
    job.check()
    recording = read_trace_file(source.path, job).recording if isinstance(source, DiskSource) else read_recording(data)
    return recording.main


def _first(stream: BinaryIO) -> Picture | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
            return _frame(stream)
    except (UserFacingError, OSError):
        raise
    except Exception as error:  # a hostile data set makes the parser fail in ways nobody has listed
        raise UserFacingError("intake.damaged") from error


def _frame(stream: BinaryIO) -> Picture | None:
    file = open_dicom(stream)
    fields = Fields(file.dataset)
    if file.pixels is None or file.syntax is None:
        return None
    layout = read_layout(fields, file.pixels.keyword).aligned()
    values = next(frames(file.pixels, layout, file.syntax, frame_count(fields), file.dataset))
    header = file_header(fields, Modality.OT, str(file.syntax))
    if values.ndim == 3:
        return Picture(np.ascontiguousarray(values[..., :3]).astype(np.uint8), Photometric.RGB, header)
    if layout.photometric not in MONOCHROME:
        return None
    centers, widths = fields.numbers("WindowCenter"), fields.numbers("WindowWidth")
    window = (VoiWindow(centers[0], widths[0]),) if centers and widths and widths[0] >= 1 else ()
    padding = fields.integer("PixelPaddingValue")
    return Picture(
        values,
        Photometric(layout.photometric),
        header,
        bits=layout.stored,
        slope=fields.number("RescaleSlope") or 1.0,
        intercept=fields.number("RescaleIntercept") or 0.0,
        windows=window,
        pixel_padding=padding if padding is not None and layout.signed else None,
    )
