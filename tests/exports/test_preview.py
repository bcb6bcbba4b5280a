"""Page images: right size, right colours, and a clear no for what is no PDF."""

import numpy as np
import pytest

from desktop.exports import EXPORTERS, ReportBundle
from desktop.exports.preview import pages
from desktop.i18n import Language
from desktop.records import SignedReport


def test_a4_at_the_resolution_asked_for(report: SignedReport) -> None:
    pdf = EXPORTERS["pdf"].render(ReportBundle(report), (Language.ENGLISH,))
    for dpi in (50, 150):
        (page,) = pages(pdf, dpi)
        assert page.dtype == np.uint8
        rows, columns, channels = page.shape
        assert channels == 3
        assert rows == pytest.approx(297 / 25.4 * dpi, abs=2)
        assert columns == pytest.approx(210 / 25.4 * dpi, abs=2)
        assert page.max() == 255
        assert page.min() < 60


def test_colours_are_rgb() -> None:
    import typst

    pdf = typst.compile(b'#set page(fill: rgb("#ff0000"), width: 10pt, height: 10pt)\n')
    (page,) = pages(pdf, 72)
    assert page[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize("data", [b"", b"not a PDF", b"%PDF-1.7\n%%EOF"])
def test_what_is_no_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a PDF"):
        pages(data)
