"""What cannot be shown honestly, and what somebody made to break a reader: each ends in one sentence."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from desktop.errors import UserFacingError
from desktop.intake import limits, read_picture
from tests.intake.dicom_files import CT_STORAGE, SC_STORAGE, file_bytes, film, film_bytes, gradient


def refusal(data: bytes) -> str:
    """The key of the sentence that refuses a file."""
    with pytest.raises(UserFacingError) as caught:
        read_picture(data)
    return caught.value.key


class TestKinds:
    @pytest.mark.parametrize("sop_class", [CT_STORAGE, "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.6.1"])
    def test_slices_and_ultrasound_are_refused(self, sop_class: str) -> None:
        assert refusal(film_bytes(SOPClassUID=sop_class)) == "intake.not_an_image_of_this_kind"

    def test_a_ct_without_a_class_is_refused_and_named(self) -> None:
        with pytest.raises(UserFacingError) as caught:
            read_picture(film_bytes(SOPClassUID="1.3.46.670589.11.0.0.12.1", Modality="CT"))
        assert caught.value.details == {"modality": "CT"}

    def test_several_frames_are_refused(self) -> None:
        pixels = np.stack([gradient()] * 2)
        dataset = film(gradient(), NumberOfFrames=2)
        dataset.PixelData = pixels.tobytes()
        assert refusal(file_bytes(dataset)) == "intake.several_pictures"

    def test_one_declared_frame_is_read(self) -> None:
        assert read_picture(film_bytes(NumberOfFrames=1)).frames == 1

    def test_a_frame_count_that_is_no_number_is_named(self) -> None:
        data = film_bytes(NumberOfFrames=1).replace(b"IS\x02\x001 ", b"IS\x02\x001A")
        assert refusal(data) == "intake.bad_frame_count"

    def test_a_report_holds_no_picture(self) -> None:
        dataset = Dataset()
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
        dataset.Modality = "SR"
        assert refusal(file_bytes(dataset)) == "intake.no_pixels"

    def test_a_film_without_pixels_holds_no_picture(self) -> None:
        dataset = film()
        del dataset.PixelData
        assert refusal(file_bytes(dataset)) == "intake.no_pixels"

    def test_a_disc_directory_is_named(self) -> None:
        dataset = Dataset()
        dataset.DirectoryRecordSequence = []
        dataset.SOPClassUID = "1.2.840.10008.1.3.10"
        assert refusal(file_bytes(dataset)) == "intake.directory"


class TestLayout:
    @pytest.mark.parametrize(
        ("elements", "key"),
        [
            ({"Rows": 0}, "intake.no_size"),
            ({"Columns": None}, "intake.no_size"),
            ({"BitsAllocated": None}, "intake.no_size"),
            ({"BitsAllocated": 24}, "intake.unsupported_pixels"),
            ({"BitsAllocated": 1}, "intake.unsupported_pixels"),
            ({"BitsStored": 20}, "intake.unsupported_pixels"),
            ({"HighBit": 3}, "intake.damaged"),
            ({"HighBit": 40}, "intake.damaged"),
            ({"SamplesPerPixel": 2}, "intake.unsupported_pixels"),
            ({"SamplesPerPixel": 3}, "intake.unsupported_pixels"),
            ({"PhotometricInterpretation": "HSV"}, "intake.unsupported_pixels"),
            ({"PhotometricInterpretation": None}, "intake.unsupported_pixels"),
            ({"PhotometricInterpretation": "PALETTE COLOR"}, "intake.damaged"),
            ({"Rows": 25}, "intake.truncated"),
            ({"Rows": 65535, "Columns": 65535}, "intake.too_many_pixels"),
        ],
    )
    def test_that_makes_no_sense_is_refused(self, elements: dict[str, Any], key: str) -> None:
        assert refusal(film_bytes(**elements)) == key

    def test_is_checked_before_memory_is_asked_for(self) -> None:
        import tracemalloc

        data = film_bytes(Rows=65535, Columns=65535)
        tracemalloc.start()
        refusal(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8_000_000


class TestTransferSyntaxes:
    def test_video_is_named(self) -> None:
        dataset = film(np.zeros((8, 8), np.uint8))
        dataset.PixelData = encapsulate([b"\0\0\1\xb3" + bytes(60)])
        with pytest.raises(UserFacingError) as caught:
            read_picture(file_bytes(dataset, MPEG2MPML))
        assert caught.value.key == "intake.unsupported_transfer_syntax"
        assert caught.value.details == {"syntax": MPEG2MPML.name}

    @pytest.mark.parametrize(("implicit", "little"), [(True, True), (False, True)])
    def test_a_missing_one_is_told_from_the_bytes_where_the_length_fits(self, implicit: bool, little: bool) -> None:
        buffer = io.BytesIO()
        film().save_as(buffer, implicit_vr=implicit, little_endian=little)
        assert np.array_equal(read_picture(buffer.getvalue()).pixels, gradient())

    def test_a_missing_one_is_refused_where_the_length_fits_no_native_picture(self) -> None:
        dataset = film()
        dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2]
        buffer = io.BytesIO()
        dataset.save_as(buffer, implicit_vr=True, little_endian=True)
        assert refusal(buffer.getvalue()) == "intake.no_transfer_syntax"

    def test_an_unknown_one_is_named(self) -> None:
        data = film_bytes().replace(
            ExplicitVRLittleEndian.encode().ljust(20, b"\0"), b"1.2.3.4.5.6.7.8.9.10"[:20].ljust(20, b"\0")
        )
        assert refusal(data) == "intake.unsupported_transfer_syntax"


class TestTruncation:
    def test_at_every_place_is_refused(self) -> None:
        data = film_bytes()
        keys = {refusal(data[:end]) for end in range(140, len(data) - 1, 37)}
        assert keys <= {"intake.truncated", "intake.damaged", "intake.no_pixels", "intake.no_transfer_syntax"}
        assert refusal(data[:-200]) == "intake.truncated"
        assert refusal(data[: len(data) // 2]) == "intake.truncated"

    def test_inside_the_element_before_the_pixels_is_truncation(self) -> None:
        data = film_bytes(ImageComments="x" * 200)
        assert refusal(data[: data.index(b"x" * 200) + 50]) in {"intake.no_pixels", "intake.truncated"}
        data = film_bytes(WindowCenterWidthExplanation="y" * 64)
        assert refusal(data[: data.index(b"y" * 64) + 20]) == "intake.truncated"

    def test_of_a_run_length_coded_film_is_refused(self) -> None:
        dataset = dcmread(io.BytesIO(film_bytes(np.random.default_rng(1).integers(0, 4096, (40, 40), np.uint16))))
        dataset.compress(RLELossless, encoding_plugin="pydicom")
        data = file_bytes(dataset, RLELossless)
        for end in (len(data) - 30, len(data) - 1000):
            assert refusal(data[:end]) in {"intake.truncated", "intake.damaged"}

    def test_of_a_coded_picture_inside_a_whole_file_is_refused(self) -> None:
        from PIL import Image

        coded = io.BytesIO()
        Image.fromarray(gradient(64, 64, 255).astype(np.uint8)).save(coded, "JPEG")
        dataset = film(gradient(64, 64, 255).astype(np.uint8))
        dataset.PixelData = encapsulate([coded.getvalue()[:-300]])
        assert refusal(file_bytes(dataset, JPEGBaseline8Bit)) == "intake.truncated"

    def test_of_a_deflated_film_is_refused(self) -> None:
        data = file_bytes(film(), DeflatedExplicitVRLittleEndian)
        assert refusal(data[:-40]) == "intake.truncated"


class TestCodestreams:
    def _jpeg(self, size: tuple[int, int]) -> bytes:
        from PIL import Image

        coded = io.BytesIO()
        Image.new("L", size).save(coded, "JPEG")
        return coded.getvalue()

    def test_a_coded_picture_of_another_size_is_named(self) -> None:
        dataset = film(np.zeros((16, 16), np.uint8))
        dataset.PixelData = encapsulate([self._jpeg((16, 24))])
        assert refusal(file_bytes(dataset, JPEGBaseline8Bit)) == "intake.frame_differs"

    @pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLosslessSV1, JPEG2000Lossless, RLELossless])
    def test_garbage_is_refused(self, syntax: UID) -> None:
        dataset = film(np.zeros((16, 16), np.uint8))
        dataset.PixelData = encapsulate([b"this is no codestream, whatever it says" + b"\xff\xd9"])
        assert refusal(file_bytes(dataset, syntax)) == "intake.damaged"

    def test_a_jpeg2000_header_that_promises_gigabytes_is_named(self) -> None:
        size = struct.pack(">HHIIIIIIIIH", 41, 0, 60000, 60000, 0, 0, 60000, 60000, 0, 0, 1) + b"\x07\x01\x01"
        dataset = film(np.zeros((16, 16), np.uint8))
        dataset.PixelData = encapsulate([b"\xff\x4f\xff\x51" + size + bytes(40) + b"\xff\xd9"])
        assert refusal(file_bytes(dataset, JPEG2000Lossless)) == "intake.frame_differs"

    def test_no_fragment_is_truncation(self) -> None:
        dataset = film(np.zeros((16, 16), np.uint8))
        dataset.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
        data = file_bytes(dataset, JPEGBaseline8Bit)
        at = data.index(b"\xff\xd8\xff\xd9") - 8
        assert refusal(data[:at] + data[at + 12 :]) == "intake.truncated"


class TestHostileFiles:
    def test_a_deflated_bomb_is_cut_short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("desktop.intake.dicom_file.MAX_INFLATED_BYTES", 10_000_000)
        head = file_bytes(film(), DeflatedExplicitVRLittleEndian)
        head = head[: head.index(DeflatedExplicitVRLittleEndian.encode()) + len(DeflatedExplicitVRLittleEndian)]
        packer = zlib.compressobj(9, wbits=-15)
        bomb = packer.compress(bytes(60_000_000)) + packer.flush()
        assert refusal(head + bytes(len(head) % 2) + bomb) == "intake.too_large"

    def test_sequences_within_sequences_end(self) -> None:
        opened = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
        data = film_bytes()
        assert refusal(data[:400] + opened * 20_000) in {"intake.damaged", "intake.truncated", "intake.no_pixels"}

    def test_millions_of_empty_elements_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("desktop.intake.dicom_file.MAX_PARSER_READS", 20_000)
        private = b"".join(
            struct.pack("<HH2sH", 0x0009 + 2 * (number >> 16), number & 0xFFFF, b"LO", 0) for number in range(60_000)
        )
        data = film_bytes()
        at = data.index(b"\x10\0\x10\0PN")
        assert refusal(data[:at] + private + data[at:]) == "intake.damaged"

    def test_a_huge_table_is_not_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("desktop.intake.dicom_fields.MAX_TABLE_BYTES", 100)
        item = Dataset()
        item.LUTDescriptor = [100, 0, 12]
        item.LUTData = bytes(200)
        item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
        dataset = film()
        dataset.VOILUTSequence = [item]
        assert read_picture(file_bytes(dataset)).voi_lut is None

    def test_lengths_beyond_the_end_are_truncation(self) -> None:
        data = bytearray(film_bytes())
        at = data.index(b"OW\0\0") + 4
        data[at : at + 4] = b"\xf0\xff\xff\xff"
        assert np.array_equal(read_picture(bytes(data)).pixels, gradient())
        data[at : at + 4] = b"\xff\xff\xff\xff"
        assert refusal(bytes(data)) in {"intake.truncated", "intake.damaged"}

    def test_a_whole_file_over_the_limit_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("desktop.intake.reader.MAX_FILE_BYTES", 1000)
        assert refusal(film_bytes()) == "intake.too_large"

    def test_limits_leave_room_for_the_largest_detectors(self) -> None:
        assert limits.MAX_SAMPLES >= 5 * 4300 * 3500
        assert limits.MAX_FILE_BYTES >= 2 * 2 * limits.MAX_SAMPLES

    def test_secondary_capture_in_32_bits_and_colour_is_counted_whole(self) -> None:
        assert (
            refusal(film_bytes(np.zeros((2, 2, 3), np.uint8), SOPClassUID=SC_STORAGE, Rows=6000, Columns=6000))
            == "intake.too_many_pixels"
        )
