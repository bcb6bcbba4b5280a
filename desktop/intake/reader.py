"""What reads a file format, and the list of those there are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from desktop.errors import UserFacingError
from desktop.intake.inspection import Inspection
from desktop.intake.limits import MAX_FILE_BYTES
from desktop.intake.signatures import (
    is_bmp,
    is_dicom,
    is_jpeg,
    is_metaimage,
    is_nifti,
    is_nrrd,
    is_pdf,
    is_png,
    is_tiff,
    is_video,
)
from desktop.records import Picture

HEADER_BYTES = 4096
"""How much of a file's beginning `Reader.recognises` looks at."""


@dataclass(frozen=True)
class Reader:
    """One file format.

    recognises: whether a file's first bytes (up to HEADER_BYTES) are of this format.
    decode: all bytes of a file to its picture. Raises UserFacingError only.
    survey: what a file holds, read from its beginning in bounded memory; the path is for what lies beside it. Raises
    OSError only.
    """

    media_type: str
    recognises: Callable[[bytes], bool]
    decode: Callable[[bytes], Picture]
    survey: Callable[[BinaryIO, Path | None], Inspection]

    def read(self, source: BinaryIO, size: int) -> Picture:
        """The picture in the next `size` bytes of `source`. Raises UserFacingError; OSError is the caller's."""
        if size > MAX_FILE_BYTES:
            raise too_large()
        return self.decode(source.read(size))


# The decoders are imported on first use: pydicom and Pillow would slow down every start of the window.


def _decode_dicom(data: bytes) -> Picture:
    from desktop.intake.dicom import decode

    return decode(data)


def _decode_picture(data: bytes) -> Picture:
    from desktop.intake.picture import decode

    return decode(data)


def _no_single_picture(_data: bytes) -> Picture:
    raise UserFacingError("intake.no_single_picture")


def _survey_dicom(stream: BinaryIO, _path: Path | None) -> Inspection:
    from desktop.intake.dicom_survey import survey

    return survey(stream)


def _survey_picture(stream: BinaryIO, _path: Path | None) -> Inspection:
    from desktop.intake.picture_survey import survey

    return survey(stream)


def _survey_nifti(stream: BinaryIO, path: Path | None) -> Inspection:
    from desktop.intake.nifti import survey

    return survey(stream, path)


def _survey_nrrd(stream: BinaryIO, path: Path | None) -> Inspection:
    from desktop.intake.nrrd import survey

    return survey(stream, path)


def _survey_metaimage(stream: BinaryIO, path: Path | None) -> Inspection:
    from desktop.intake.metaimage import survey

    return survey(stream, path)


def _survey_document(stream: BinaryIO, _path: Path | None) -> Inspection:
    from desktop.intake.document import survey

    return survey(stream)


def _survey_video(stream: BinaryIO, _path: Path | None) -> Inspection:
    from desktop.intake.video import survey

    return survey(stream)


PNG = Reader("image/png", is_png, _decode_picture, _survey_picture)
JPEG = Reader("image/jpeg", is_jpeg, _decode_picture, _survey_picture)
TIFF = Reader("image/tiff", is_tiff, _decode_picture, _survey_picture)
BMP = Reader("image/bmp", is_bmp, _decode_picture, _survey_picture)
DICOM = Reader("application/dicom", is_dicom, _decode_dicom, _survey_dicom)
NIFTI = Reader("application/x-nifti", is_nifti, _no_single_picture, _survey_nifti)
NRRD = Reader("application/x-nrrd", is_nrrd, _no_single_picture, _survey_nrrd)
METAIMAGE = Reader("application/x-metaimage", is_metaimage, _no_single_picture, _survey_metaimage)
PDF = Reader("application/pdf", is_pdf, _no_single_picture, _survey_document)
VIDEO = Reader("video/mp4", is_video, _no_single_picture, _survey_video)

READERS: tuple[Reader, ...] = (DICOM, PNG, JPEG, TIFF, BMP, NIFTI, NRRD, METAIMAGE, VIDEO, PDF)
"""Every format this release reads, in the order they are asked."""


def warm_up() -> None:
    """Import now, in the background, what finds, decodes and scales pictures, so that the day's first film or series
    opens as fast as the others."""
    import cv2  # noqa: F401  (these are wanted for their own imports)

    import desktop.intake.dicom
    import desktop.intake.folder_index
    import desktop.intake.folder_picture
    import desktop.intake.picture
    import desktop.intake.picture_frames
    import desktop.intake.series
    import desktop.intake.volume_loading  # noqa: F401  (as above)


def too_large() -> UserFacingError:
    """The refusal of a file over MAX_FILE_BYTES."""
    return UserFacingError("intake.too_large", megabytes=MAX_FILE_BYTES // (1024 * 1024))


def recognise(header: bytes) -> Reader:
    """The reader for a file that begins with `header`. Raises UserFacingError("intake.not_recognised")."""
    for reader in READERS:
        if reader.recognises(header[:HEADER_BYTES]):
            return reader
    raise UserFacingError("intake.not_recognised" if header else "intake.empty")


def read_picture(data: bytes) -> Picture:
    """The picture in a file's bytes. Raises UserFacingError whatever is wrong with them."""
    if len(data) > MAX_FILE_BYTES:
        raise too_large()
    return recognise(data[:HEADER_BYTES]).decode(data)
