"""Pages of a PDF as pictures, for a preview on the screen and for the printer."""

from typing import Any

import numpy as np
import numpy.typing as npt

_POINTS_PER_INCH = 72


def pages(pdf: bytes, dpi: int = 96) -> tuple[npt.NDArray[np.uint8], ...]:
    """Each page as (rows, columns, 3) uint8 RGB at `dpi` dots per inch. Raises ValueError for what is no PDF."""
    import pypdfium2  # type: ignore[import-untyped]  # the library ships no types

    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        raise ValueError("not a PDF") from error
    try:
        return tuple(_page(document, number, dpi / _POINTS_PER_INCH) for number in range(len(document)))
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
