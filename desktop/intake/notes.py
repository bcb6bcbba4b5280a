"""DICOM files without a picture of their own: drawings on pictures of other files, and reports in words."""

from desktop.errors import UserFacingError
from desktop.intake.marks import MarksFile
from desktop.intake.marks_file import read_marks
from desktop.intake.report_text import WrittenPages, read_written
from desktop.records.written_report import WrittenReport

_IN_WORDS = ("intake.marks.none", "intake.marks.in_space")
"""What a report may be that can still be read as it stands."""


def read_note(data: bytes) -> MarksFile | WrittenReport | WrittenPages | None:
    """What a DICOM file's bytes mark on pictures, else what they say; None for a file of another kind.

    Raises UserFacingError as `read_marks` and `read_written`.
    """
    nothing_drawn: UserFacingError | None = None
    try:
        marks = read_marks(data)
    except UserFacingError as error:
        if error.key not in _IN_WORDS:
            raise
        marks, nothing_drawn = None, error
    if marks is not None:
        return marks
    written = read_written(data)
    if written is None and nothing_drawn is not None:
        raise nothing_drawn
    return written
