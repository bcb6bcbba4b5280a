"""Pages of a PDF as pictures, for a preview on the screen and for the printer."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

_POINTS_PER_INCH = 72
_one_at_a_time = threading.Lock()
"""PDFium knows no threads, and pages are drawn in one pool while another counts them."""
_MOST_PIXELS = 25_000_000
"""Most pixels of a drawn page: a page of a stranger's file may claim to be a road."""


def pages(pdf: bytes, dpi: int = 96) -> tuple[npt.NDArray[np.uint8], ...]:
    """Each page as (rows, columns, 3) uint8 RGB at `dpi` dots per inch. Raises ValueError for what is no PDF."""
    with _opened(pdf) as document:
        return tuple(_page(document, number, dpi / _POINTS_PER_INCH) for number in range(len(document)))


def page_count(pdf: bytes) -> int:
    """How many pages there are. Raises ValueError for what is no PDF, wants a password or has no page."""
    with _opened(pdf) as document:
        if not len(document):
            raise ValueError("no page")
        return len(document)


def page_of_width(pdf: bytes, number: int, width: int) -> npt.NDArray[np.uint8]:
    """One page, from 0, as (rows, columns, 3) uint8 RGB, about so many pixels wide, fewer where it would be too many in
    all. Raises ValueError for what is no PDF, or no page of it."""
    with _opened(pdf) as document:
        if not 0 <= number < len(document):
            raise ValueError("no such page")
        points_wide, points_high = document.get_page_size(number)
        if points_wide <= 0 or points_high <= 0:
            raise ValueError("a page of no size")
        scale = min(width / points_wide, (_MOST_PIXELS / (points_wide * points_high)) ** 0.5)
        return _page(document, number, scale)


@contextlib.contextmanager
def _opened(pdf: bytes) -> Iterator[Any]:
    import pypdfium2  # type: ignore[import-untyped]  # the library ships no types

    with _one_at_a_time:
        try:
            document = pypdfium2.PdfDocument(pdf)
        except pypdfium2.PdfiumError as error:
            raise ValueError("not a PDF") from error
        try:
            yield document
        except pypdfium2.PdfiumError as error:
            raise ValueError("a damaged page") from error
        finally:
            document.close()


def _page(document: Any, number: int, scale: float) -> npt.NDArray[np.uint8]:
    page = document[number]
    bitmap = page.render(scale=scale, rev_byteorder=True)
    try:
        # A copy: the bitmap's own memory goes when it is closed.
        return np.array(bitmap.to_numpy()[:, :, :3], dtype=np.uint8)
    finally:
        bitmap.close()
        page.close()
