"""One gathered file, read and proven: what it is, and that its picture, trace or pages can be opened.

Films and traces are decoded whole. Of series and clips the first frame is, which shows that there is a decoder for the
rest; a file too large to be held is proven the same way and then read again as it is stored.
"""

import io
import warnings
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.intake.dicom_fields import Fields, clean
from desktop.intake.dicom_file import DicomFile, open_dicom
from desktop.intake.dicom_frames import fits_exactly, frames
from desktop.intake.dicom_header import file_header
from desktop.intake.dicom_kind import kind_of
from desktop.intake.dicom_layout import frame_count, read_layout
from desktop.intake.ecg import read_recording, read_trace_file, trace_reader
from desktop.intake.folder import DiskSource, Source
from desktop.intake.inspection import ContentKind
from desktop.intake.limits import MAX_FILE_BYTES, MAX_SAMPLES, MAX_VOLUME_BYTES
from desktop.intake.marks import MarksFile
from desktop.intake.notes import read_note
from desktop.intake.picture_frames import frames_of, picture_modality
from desktop.intake.reader import DICOM, HEADER_BYTES, PDF, VIDEO, read_picture, recognise, too_large
from desktop.intake.segmentation import is_segmentation, read_segmentation
from desktop.intake.signatures import is_dicom
from desktop.intake.volume_bundle import BUNDLE
from desktop.intake.volume_file import around, bundled, header_beside, media_type, prove
from desktop.jobs import Job
from desktop.records import FileHeader, Modality
from desktop.records.written_report import WrittenReport

_HELD = 64 * 1024 * 1024
"""Larger DICOM files are not held in memory."""
_STEP = 4 * 1024 * 1024
_NOT_ONE_FILM = ("intake.not_an_image_of_this_kind", "intake.several_pictures", "intake.too_large")
_SLICES = frozenset((Modality.CT, Modality.MR))
FILMS = frozenset((Modality.CR, Modality.DX, Modality.SC, Modality.OT, Modality.PHOTO, Modality.ECG, Modality.HD))
"""Kinds whose files are single pictures or traces; what other kinds there are come as series."""


@dataclass(frozen=True, eq=False)
class Content:
    """What a file holds. data: its bytes as they are kept, None where they are too many to be held.

    rows, columns: in pixels; of a trace, its leads and the samples of each. askable: whether it is one picture or a
    trace, which models may be asked about. document: whether it is pages or a report in words, kept with the patient's
    papers; title: what such a report calls itself. marks: what it marks on pictures of other files; it has none itself.
    """

    header: FileHeader
    rows: int
    columns: int
    media_type: str
    data: bytes | None = field(repr=False)
    askable: bool = False
    document: bool = False
    title: str = ""
    marks: MarksFile | None = None


def read_content(source: Source, job: Job) -> Content:
    """Read one file. Raises UserFacingError or KnownFailure in words for whatever is wrong with it, Cancelled."""
    try:
        return _read(source, job)
    except OSError as error:
        raise in_words(error) from error
    except MemoryError as error:
        raise KnownFailure("workflow.out_of_memory", kind=ErrorKind.BAD_INPUT) from error


def in_words(error: OSError) -> UserFacingError:
    """A failure of the disk, or of what is packed in an archive."""
    return from_os_error(error) if error.errno is not None else UserFacingError("importing.archive.damaged")


def _read(source: Source, job: Job) -> Content:
    with closing(source.open()) as stream:
        beginning = stream.read(HEADER_BYTES)
        stream.seek(0)
        if source.size > _HELD and is_dicom(beginning):
            if source.size > MAX_VOLUME_BYTES:
                raise UserFacingError("intake.too_large", megabytes=MAX_VOLUME_BYTES // (1024 * 1024))
            return _series(stream, None)
        if media_type(beginning):
            return _volume(source, stream, beginning, job)
        reader = trace_reader(beginning)
        if reader is not None and isinstance(source, DiskSource):
            trace = read_trace_file(source.path, job)  # with the files beside it
            return _trace_content(trace.data, trace.media_type, job)
        if reader is None:
            header = None if is_dicom(beginning) else header_beside(source)
            if header is not None:
                return _read(header, job)
            recognise(beginning)
        data = _all(stream, source, job)
    if reader is not None:
        return _trace_content(data, reader.media_type, job)
    return _picture(data, job)


def _volume(source: Source, stream: BinaryIO, beginning: bytes, job: Job) -> Content:
    """A volume file; two files are kept as one. It is called as its file is: such files say nothing of themselves."""
    beside = around(source)
    header = prove(stream, beside, job)
    data = bundled(source, beside)
    kind = media_type(beginning) if data is None else BUNDLE
    if data is None and source.size <= _HELD:
        stream.seek(0)
        data = _all(stream, source, job)
    elif data is None and source.size > MAX_VOLUME_BYTES:
        raise UserFacingError("intake.too_large", megabytes=MAX_VOLUME_BYTES // (1024 * 1024))
    name = source.name.replace("\\", "/").rpartition("/")[2]
    return Content(FileHeader(Modality.VOLUME, description=clean(name)), header.rows, header.columns, kind, data)


def _all(stream: BinaryIO, source: Source, job: Job) -> bytes:
    if source.size > MAX_FILE_BYTES:
        raise too_large()
    parts, done = [], 0
    while part := stream.read(_STEP):
        parts.append(part)
        done += len(part)
        if done > MAX_FILE_BYTES:  # it grows while it is read
            raise too_large()
        job.check()
    return b"".join(parts)


def _trace_content(data: bytes, media_type: str, job: Job) -> Content:
    recording = read_recording(data)
    job.check()
    leads, samples = recording.main.samples.shape
    return Content(recording.header, leads, samples, media_type, data, askable=True)


def _picture(data: bytes, job: Job) -> Content:
    reader = recognise(data[:HEADER_BYTES])
    if reader is PDF:
        with io.BytesIO(data) as stream:
            found = reader.survey(stream, None)
        if found.reason is not None and found.reason.key != "intake.document":
            raise found.reason
        return Content(FileHeader(Modality.OT), 0, 0, reader.media_type, data, document=True)
    if reader is VIDEO:
        return _clip(data)
    try:
        picture = read_picture(data)
    except UserFacingError as error:
        other = _without_pixels(data) if reader is DICOM and error.key == "intake.no_pixels" else None
        if other is not None:
            return other
        if reader is not DICOM or error.key not in _NOT_ONE_FILM:
            raise
        return _series(io.BytesIO(data), data, error)
    job.check()
    rows, columns = picture.pixels.shape[:2]
    return Content(picture.header, rows, columns, reader.media_type, data, askable=True)


def _without_pixels(data: bytes) -> Content | None:
    """What marks pictures of other files, or a report in words; None for anything else."""
    found = read_note(data)
    if isinstance(found, MarksFile):
        return Content(found.header, 0, 0, DICOM.media_type, data, marks=found)
    if found is None:
        return None
    if isinstance(found, WrittenReport) and not found.lines:
        raise UserFacingError("intake.report.empty")
    return Content(found.header, 0, 0, DICOM.media_type, data, document=True, title=found.title)


def _clip(data: bytes) -> Content:
    """A video clip, every frame of it decoded once."""
    from desktop.intake.video_frames import media_type as clip_type
    from desktop.intake.video_frames import read_video_file

    clip = read_video_file(partial(io.BytesIO, data))
    return Content(FileHeader(Modality.OT), clip.rows, clip.columns, clip_type(data[:HEADER_BYTES]), data)


def _series(stream: BinaryIO, data: bytes | None, otherwise: UserFacingError | None = None) -> Content:
    """A slice, a volume or a clip. otherwise: what to say where this release has no viewer for it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
            file = open_dicom(stream)
            if is_segmentation(Fields(file.dataset)):
                return _segments(file, stream, data)
            return _proven(file, data, otherwise)
    except (UserFacingError, OSError, MemoryError):
        raise
    except Exception as error:  # a hostile data set makes the parser fail in ways nobody has listed
        raise UserFacingError("intake.damaged") from error


def _segments(file: DicomFile, stream: BinaryIO, data: bytes | None) -> Content:
    """Segments painted on the slices of a study: read whole, as they are laid over it. They join its study."""
    fields = Fields(file.dataset)
    stream.seek(0)
    modality = read_segmentation(stream).modality
    header = file_header(fields, modality, str(file.syntax))
    return Content(header, fields.integer("Rows") or 0, fields.integer("Columns") or 0, DICOM.media_type, data)


def _proven(file: DicomFile, data: bytes | None, otherwise: UserFacingError | None) -> Content:
    fields = Fields(file.dataset)
    kind = kind_of(file, fields, fields.integer("NumberOfFrames") or 1)
    if kind not in (ContentKind.IMAGE, ContentKind.VOLUME) or file.pixels is None:
        raise otherwise or UserFacingError("intake.no_pixels")
    modality = picture_modality(fields)
    if modality not in _SLICES:
        frames_of(file, _held)  # whatever the viewer of clips could not show is refused now
    layout = read_layout(fields, file.pixels.keyword).aligned()
    count = frame_count(fields)
    if file.syntax is None or (not file.told and not fits_exactly(file.pixels, layout, count)):
        raise UserFacingError("intake.no_transfer_syntax")
    if layout.values > MAX_SAMPLES:
        raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000)
    next(frames(file.pixels, layout, file.syntax, count, file.dataset))
    if file.pixels.length is not None and file.pixels.available < file.pixels.length:
        raise UserFacingError("intake.truncated")
    header = file_header(fields, modality, str(file.syntax))
    return Content(header, layout.rows, layout.columns, DICOM.media_type, data)


def _held() -> BinaryIO:
    """No frame is asked of a file that is only looked at."""
    raise OSError("the file is open already")
