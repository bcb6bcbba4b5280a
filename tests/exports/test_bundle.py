"""A bundle that exists can be printed."""

import numpy as np
import numpy.typing as npt
import pytest

from desktop.exports import EXPORTERS, ReportBundle
from desktop.records import ReportContent


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint16), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)],
)
def test_refuses_what_is_no_grey_picture(content: ReportContent, image: npt.NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        ReportBundle(content, image)  # type: ignore[arg-type]  # wrong on purpose


def test_exporters_say_what_they_make() -> None:
    assert {name: (exporter.media_type, exporter.suffix) for name, exporter in EXPORTERS.items()} == {
        "pdf": ("application/pdf", ".pdf"),
        "fhir": ("application/fhir+json", ".json"),
    }
