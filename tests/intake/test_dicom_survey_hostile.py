"""Headers that claim what is not there."""

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from desktop.intake import Inspection, InspectionStatus, survey_file
from desktop.intake.dicom_survey import survey
from tests.intake.dicom_files import file_bytes, film, film_bytes
from tests.intake.surveying import deflated, inspected, multi, of_deflated_frames, reason


class TestHostileHeaders:
    """Claims are weighed against what is there before anything is reserved for them."""

    def peak(self, data: bytes) -> tuple[Inspection, int]:
        """What is said, and the most memory it took."""
        survey(io.BytesIO(film_bytes()))  # what is imported on first use is no part of it
        tracemalloc.start()
        found = inspected(data)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found, most

    def test_ten_thousand_native_frames_that_are_not_there(self) -> None:
        found, most = self.peak(film_bytes(NumberOfFrames=10_000))
        assert (found.status, reason(found)) == (InspectionStatus.ERROR, "intake.truncated")
        assert most < 2_000_000

    def test_ten_thousand_coded_frames_that_are_not_there(self) -> None:
        dataset = film()
        dataset.NumberOfFrames = 10_000
        dataset.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
        found, most = self.peak(file_bytes(dataset, RLELossless))
        assert (found.status, reason(found)) == (InspectionStatus.ERROR, "intake.truncated")
        assert most < 2_000_000

    def test_huge_rows(self) -> None:
        found, most = self.peak(film_bytes(Rows=65535, Columns=65535))
        assert (found.status, reason(found)) == (InspectionStatus.REFUSED, "intake.too_many_pixels")
        assert most < 2_000_000

    def test_a_codestream_of_next_to_nothing_that_claims_many_megapixels(self) -> None:
        size = struct.pack(">HHIIIIIIIIH", 41, 0, 9000, 9000, 0, 0, 9000, 9000, 0, 0, 1) + b"\x07\x01\x01"
        dataset = film(np.zeros((1, 1), np.uint8), Rows=9000, Columns=9000)
        dataset.PixelData = encapsulate([b"\xff\x4f\xff\x51" + size + bytes(40) + b"\xff\xd9"])
        found, most = self.peak(file_bytes(dataset, JPEG2000Lossless))
        assert (found.status, reason(found)) == (InspectionStatus.REFUSED, "intake.implausible_size")
        assert most < 2_000_000

    def test_a_deflated_frame_unfolds_no_further_than_the_picture(self) -> None:
        dataset = film()
        dataset.PixelData = encapsulate([deflated(bytes(50_000_000))])
        found, most = self.peak(of_deflated_frames(dataset))
        assert found.status is InspectionStatus.OK
        assert most < 2_000_000

    def test_a_deflate_bomb(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("desktop.intake.dicom_file.MAX_INFLATED_BYTES", 1_000_000)
        dataset = film(np.zeros((2000, 1000), np.uint16))
        found, most = self.peak(file_bytes(dataset, DeflatedExplicitVRLittleEndian))
        assert (found.status, reason(found)) == (InspectionStatus.REFUSED, "intake.too_large")
        assert most < 8_000_000

    def test_an_element_longer_than_the_file(self) -> None:
        whole = film_bytes(ImageComments="x" * 100)
        at = whole.index(b"\x20\x00\x00\x40LT") + 6
        found, most = self.peak(whole[:at] + b"\xff\xfe" + whole[at + 2 :])
        assert found.status is not InspectionStatus.OK
        assert most < 2_000_000

    def test_deep_sequences(self) -> None:
        depth = 5_000
        opened = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * depth
        whole = film_bytes()
        found = inspected(whole[: whole.index(b"\x08\x00\x60\x00CS")] + opened)
        assert (found.status, reason(found)) == (InspectionStatus.ERROR, "intake.broken_structure")

    def test_memory_does_not_grow_with_the_frames(self, tmp_path: Path) -> None:
        frames = 400
        path = tmp_path / "cine.dcm"
        dataset = multi(np.zeros((1, 256, 256), np.uint16))
        dataset.NumberOfFrames = frames
        dataset.PixelData = bytes(frames * 256 * 256 * 2)
        path.write_bytes(file_bytes(dataset))
        survey_file(path)
        tracemalloc.start()
        found = survey_file(path)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found.frames == frames
        assert most < 4_000_000
