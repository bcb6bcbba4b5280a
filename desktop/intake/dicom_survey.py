"""A DICOM file inspected: its kind, its size, and the figures of every frame or of every waveform sample."""

import io
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_sequence
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields, clean
from desktop.intake.dicom_file import Budgeted, DicomFile, PixelElement, open_dicom
from desktop.intake.dicom_frames import coded_frames, fits_exactly, frames
from desktop.intake.dicom_kind import kind_of
from desktop.intake.dicom_layout import Layout, frame_count, read_layout
from desktop.intake.inspection import ContentKind, Inspection, InspectionStatus, tally
from desktop.intake.limits import MAX_FILE_BYTES, MAX_SAMPLES
from desktop.records.picture import Array

_VIDEO = tuple(f"1.2.840.10008.1.2.4.{kind}" for kind in range(100, 109))
"""MPEG-2, MPEG-4 AVC and HEVC, and their kinds with a point and a one behind, in many fragments."""

_SAMPLES = {
    "SB": "i1",
    "UB": "u1",
    "SS": "i2",
    "US": "u2",
    "SL": "i4",
    "UL": "u4",
    "SV": "i8",
    "UV": "u8",
}
"""WaveformSampleInterpretation (PS3.3 C.10.9.1.5). MB and AB, mu-law and A-law speech, are left out."""


def survey(stream: BinaryIO) -> Inspection:
    """Everything `lantern inspect` says of a DICOM file. Raises nothing but OSError."""
    found = Inspection(InspectionStatus.ERROR, ContentKind.OTHER)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
            try:
                file = open_dicom(stream)
                fields = Fields(file.dataset)
                found = _facts(file, fields)
                return _decoded(found, file, fields)
            except MemoryError as error:
                raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000) from error
    except UserFacingError as error:
        return found.failed(error)
    except OSError as error:
        if error.errno is not None:  # the disk's word; pydicom raises the bare type for a bad file
            raise
        return found.failed(UserFacingError("intake.broken_structure"))
    # A hostile data set makes the parser fail in ways nobody has listed (recursion, struct, index, attribute …).
    except Exception:
        return found.failed(UserFacingError("intake.broken_structure"))


def _facts(file: DicomFile, fields: Fields) -> Inspection:
    """What the header says, before anything is decoded."""
    claimed = fields.integer("NumberOfFrames") or 1
    has_size = file.pixels is not None or "Rows" in fields.dataset
    return Inspection(
        status=InspectionStatus.ERROR,
        kind=kind_of(file, fields, claimed),
        modality=fields.text("Modality") or None,
        transfer_syntax=clean(str(file.syntax)) if file.told else None,
        frames=claimed if file.pixels is not None else None,
        rows=fields.integer("Rows") if has_size else None,
        columns=fields.integer("Columns") if has_size else None,
        samples=fields.integer("SamplesPerPixel") or 1 if file.pixels is not None else None,
    )


def _decoded(found: Inspection, file: DicomFile, fields: Fields) -> Inspection:
    if file.pixels is not None:
        return _pixels(found, file, file.pixels, fields)
    if "WaveformSequence" in fields.dataset:
        return _waveform(found, fields)
    if not len(fields.dataset):
        raise UserFacingError("intake.truncated" if file.cut_short else "intake.damaged")
    key = "intake.directory" if found.kind is ContentKind.DIRECTORY else "intake.no_pixels"
    if file.cut_short:
        key = "intake.no_pixels_cut_off"
    return replace(found, status=InspectionStatus.NO_PIXELS, reason=UserFacingError(key))


def _pixels(found: Inspection, file: DicomFile, element: PixelElement, fields: Fields) -> Inspection:
    layout = read_layout(fields, element.keyword).aligned()
    claimed = frame_count(fields)
    syntax = file.syntax
    if syntax is None or (not file.told and not fits_exactly(element, layout, claimed)):
        raise UserFacingError("intake.no_transfer_syntax")
    if syntax.startswith(_VIDEO):
        return _clip(found, element, fields)
    counted = tally(frames(element, layout, syntax, claimed, fields.dataset))
    figures = counted.figures()
    if syntax == ExplicitVRBigEndian:
        figures = replace(figures, dtype=_big(layout))
    return replace(found, status=InspectionStatus.OK, frames=counted.frames, samples=layout.samples, figures=figures)


def _clip(found: Inspection, element: PixelElement, fields: Fields) -> Inspection:
    """A DICOM file of one video stream in fragments (PS3.5 8.2.5 and on), decoded as the clip it is."""
    from desktop.intake import video

    if element.available > MAX_FILE_BYTES:
        raise UserFacingError("intake.too_large", megabytes=MAX_FILE_BYTES // (1024 * 1024))
    stream = b"".join(coded_frames(element, 1, fields.dataset))
    clip = video.survey(io.BytesIO(stream))
    if clip.reason is not None:
        raise clip.reason
    if (clip.rows, clip.columns) != (found.rows, found.columns):
        raise UserFacingError("intake.frame_differs")
    return replace(found, status=clip.status, frames=clip.frames, samples=clip.samples, figures=clip.figures)


def _big(layout: Layout) -> str:
    """The type as pydicom names it for a file of big endian, whose byte order its array keeps."""
    return str(np.dtype(layout.dtype).newbyteorder(">"))


def _waveform(found: Inspection, fields: Fields) -> Inspection:
    groups = [Fields(item) for item in _items(fields.dataset)]
    if not groups:
        return replace(found, status=InspectionStatus.NO_PIXELS, reason=UserFacingError("intake.no_pixels"))
    counted = tally(_channels(groups))
    return replace(
        found,
        status=InspectionStatus.OK,
        kind=ContentKind.WAVEFORM if found.kind is ContentKind.OTHER else found.kind,
        samples=groups[0].integer("NumberOfWaveformSamples"),
        figures=counted.figures(),
    )


def _items(dataset: Dataset) -> Sequence:
    """The multiplex groups, parsed within a budget: a day's recording is longer than any table may be."""
    element: object = dataset.get_item("WaveformSequence")
    if not isinstance(element, RawDataElement):
        return Sequence(dataset.WaveformSequence)
    value = element.value if isinstance(element.value, bytes) else b""
    source = Budgeted(io.BytesIO(value))
    encoding = dataset._character_set
    reading = element.is_implicit_VR, element.is_little_endian
    return read_sequence(source, *reading, len(value), encoding)  # type: ignore[arg-type]  # all it needs of a file


def _channels(groups: list[Fields]) -> Iterator[Array]:
    """Each multiplex group's stored values, (samples, channels), before sensitivity and baseline."""
    for group in groups:
        channels, samples = group.integer("NumberOfWaveformChannels"), group.integer("NumberOfWaveformSamples")
        kind = _SAMPLES.get(group.text("WaveformSampleInterpretation").upper())
        data = group.value("WaveformData")
        if kind is None or not channels or not samples or channels < 0 or samples < 0:
            raise UserFacingError("intake.damaged")
        if not isinstance(data, bytes) or group.integer("WaveformBitsAllocated") != 8 * int(kind[1]):
            raise UserFacingError("intake.damaged")
        if len(data) < channels * samples * int(kind[1]):
            raise UserFacingError("intake.truncated")
        order = ">" if group.dataset.original_encoding[1] is False else "<"
        stored = np.frombuffer(data, dtype=f"{order}{kind}", count=channels * samples)
        yield stored.astype(stored.dtype.newbyteorder("=")).reshape(samples, channels)
