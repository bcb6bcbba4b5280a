"""PDF documents, by the library that Chrome shows them with; nothing in one is run."""

from typing import BinaryIO

from desktop.errors import UserFacingError
from desktop.intake.inspection import ContentKind, Inspection, InspectionStatus
from desktop.intake.limits import MAX_FILE_BYTES


def survey(stream: BinaryIO) -> Inspection:
    """What `lantern inspect` says of a PDF: how many pages can be opened. It has no pixels of its own."""
    import pypdfium2  # type: ignore[import-untyped]  # the library ships no types

    found = Inspection(InspectionStatus.NO_PIXELS, ContentKind.DOCUMENT)
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        return found.failed(UserFacingError("intake.too_large", megabytes=MAX_FILE_BYTES // (1024 * 1024)))
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        return found.failed(UserFacingError("intake.pdf_locked" if locked else "intake.pdf_damaged"))
    try:
        pages = len(document)
        for index in range(pages):
            document[index].close()
    except pypdfium2.PdfiumError:
        return found.failed(UserFacingError("intake.pdf_damaged"))
    finally:
        document.close()
    if not pages:
        return found.failed(UserFacingError("intake.pdf_damaged"))
    return Inspection(
        InspectionStatus.NO_PIXELS, ContentKind.DOCUMENT, UserFacingError("intake.document"), frames=pages
    )
