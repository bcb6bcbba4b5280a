"""What the tests of surveys share: asking for one, and files of several frames."""

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit

from desktop.intake import Inspection
from desktop.intake.dicom_survey import survey
from tests.intake.dicom_files import file_bytes, film


def inspected(data: bytes) -> Inspection:
    """What is said of a file's bytes."""
    return survey(io.BytesIO(data))


def reason(found: Inspection) -> str:
    """The key of the sentence that says why."""
    assert found.reason is not None
    return found.reason.key


def multi(pixels: npt.NDArray[np.generic], **elements: Any) -> Dataset:
    """Several frames of one film: (frames, rows, columns)."""
    dataset = film(pixels[0], NumberOfFrames=len(pixels), **elements)
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def deflated(data: bytes) -> bytes:
    """Raw deflate."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def of_deflated_frames(dataset: Dataset) -> bytes:
    """A file of a transfer syntax that pydicom does not know yet; its UID is as long as the one it replaces."""
    return file_bytes(dataset, JPEGBaseline8Bit).replace(JPEGBaseline8Bit.encode(), b"1.2.840.10008.1.2.8.1\0")
