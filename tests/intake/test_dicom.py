import io
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from desktop.imaging.display import modality_values
from desktop.intake import READERS, read_picture, recognise
from desktop.records import Modality, PartialDate, Photometric, Sex, Spacing, SpacingSource, VoiWindow
from tests.intake.dicom_files import SC_STORAGE, file_bytes, film, film_bytes, gradient


class TestStoredValues:
    @pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
    def test_come_back_from_little_endian_files(self, syntax: UID) -> None:
        picture = read_picture(file_bytes(film(), syntax))
        assert np.array_equal(picture.pixels, gradient())
        assert picture.header.transfer_syntax == syntax
        assert (picture.photometric, picture.bits) == (Photometric.MONOCHROME2, 12)

    def test_come_back_from_big_endian_files(self) -> None:
        dataset = film()
        dataset.PixelData = gradient().astype(">u2").tobytes()
        assert np.array_equal(read_picture(file_bytes(dataset, ExplicitVRBigEndian)).pixels, gradient())

    def test_are_in_native_byte_order_and_writable_by_nobody_else(self) -> None:
        dataset = film()
        dataset.PixelData = gradient().astype(">u2").tobytes()
        assert read_picture(file_bytes(dataset, ExplicitVRBigEndian)).pixels.dtype.isnative

    @pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
    def test_keep_their_type_and_sign(self, dtype: type[np.integer[Any]]) -> None:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        pixels = np.linspace(low, high, 60).astype(dtype).reshape(6, 10)
        picture = read_picture(film_bytes(pixels, BitsStored=8 * pixels.dtype.itemsize))
        assert np.array_equal(picture.pixels, pixels)
        assert picture.pixels.dtype == dtype

    def test_come_back_from_run_length_coding(self) -> None:
        dataset = dcmread(io.BytesIO(film_bytes()))
        dataset.compress(RLELossless, encoding_plugin="pydicom")
        assert np.array_equal(read_picture(file_bytes(dataset, RLELossless)).pixels, gradient())

    def test_come_back_without_preamble_and_prefix(self) -> None:
        data = film_bytes()
        assert np.array_equal(read_picture(data[132:]).pixels, gradient())

    def test_lose_what_is_written_in_unused_bits(self) -> None:
        overlaid = gradient() | np.uint16(0x8000)
        assert np.array_equal(read_picture(film_bytes(overlaid)).pixels, gradient())

    def test_are_shifted_down_where_an_old_file_left_the_low_bits_empty(self) -> None:
        picture = read_picture(film_bytes(gradient() << 4, BitsStored=12, HighBit=15))
        assert np.array_equal(picture.pixels, gradient())

    def test_of_monochrome1_are_not_turned(self) -> None:
        picture = read_picture(film_bytes(PhotometricInterpretation="MONOCHROME1"))
        assert picture.photometric is Photometric.MONOCHROME1
        assert np.array_equal(picture.pixels, gradient())


class TestColour:
    def test_stays_colour(self) -> None:
        pixels = np.random.default_rng(3).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        picture = read_picture(film_bytes(pixels, SOPClassUID=SC_STORAGE))
        assert picture.photometric is Photometric.RGB
        assert np.array_equal(picture.pixels, pixels)

    def test_of_equal_channels_is_grey(self) -> None:
        grey = gradient(top=255).astype(np.uint8)
        picture = read_picture(film_bytes(np.dstack([grey] * 3), SOPClassUID=SC_STORAGE))
        assert picture.photometric is Photometric.MONOCHROME2
        assert np.array_equal(picture.pixels, grey)

    @pytest.mark.parametrize("bits", [12, 16])
    def test_of_many_bits_is_brought_to_eight(self, bits: int) -> None:
        top = (1 << bits) - 1
        pixels = np.array([[[0, top, top // 2], [top, 0, 0]]], dtype=np.uint16)
        picture = read_picture(film_bytes(pixels, SOPClassUID=SC_STORAGE, BitsStored=bits))
        assert picture.pixels.tolist() == [[[0, 255, 127], [255, 0, 0]]]

    def test_planes_are_woven_together(self) -> None:
        pixels = np.random.default_rng(4).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        dataset = film(pixels, SOPClassUID=SC_STORAGE, PlanarConfiguration=1)
        dataset.PixelData = np.moveaxis(pixels, 2, 0).tobytes()
        assert np.array_equal(read_picture(file_bytes(dataset)).pixels, pixels)

    def test_from_a_palette_is_looked_up(self) -> None:
        dataset = film(np.array([[0, 1, 2]], dtype=np.uint8), PhotometricInterpretation="PALETTE COLOR")
        for colour, entries in (("Red", (0, 65535, 0)), ("Green", (0, 0, 32768)), ("Blue", (65535, 0, 0))):
            setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [3, 0, 16])
            setattr(dataset, f"{colour}PaletteColorLookupTableData", np.array(entries, dtype="<u2").tobytes())
        assert read_picture(file_bytes(dataset)).pixels.tolist() == [[[0, 0, 255], [255, 0, 0], [0, 128, 0]]]

    def test_jpeg_of_a_grey_film_is_grey(self) -> None:
        from PIL import Image

        grey = gradient(64, 64, 255).astype(np.uint8)
        coded = io.BytesIO()
        Image.fromarray(np.dstack([grey] * 3)).save(coded, "JPEG", quality=95)
        dataset = film(np.dstack([grey] * 3), SOPClassUID=SC_STORAGE, PhotometricInterpretation="YBR_FULL_422")
        dataset.PixelData = encapsulate([coded.getvalue()])
        picture = read_picture(file_bytes(dataset, JPEGBaseline8Bit))
        assert picture.photometric is Photometric.MONOCHROME2
        assert np.abs(picture.pixels.astype(int) - grey).mean() < 2


def lut_item(first: int, bits: int, entries: npt.NDArray[Any]) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries) % 65536, first, bits]
    item.LUTData = entries.astype("<u2").tobytes()
    item["LUTDescriptor"].VR = "US"
    item["LUTData"].VR = "OW"
    return item


class TestTransformations:
    def test_rescale_gives_modality_values(self) -> None:
        picture = read_picture(film_bytes(RescaleSlope="0.5", RescaleIntercept="-100"))
        assert np.allclose(modality_values(picture), gradient() * 0.5 - 100)

    @pytest.mark.parametrize("slope", ["0", "", "nonsense"])
    def test_a_senseless_slope_counts_as_one(self, slope: str) -> None:
        data = film_bytes(RescaleSlope="1.50")
        spoilt = data.replace(b"1.50", slope.encode()[:4].ljust(4))
        assert read_picture(spoilt).slope == 1.0

    def test_modality_table_agrees_with_pydicom(self) -> None:
        dataset = film(np.arange(200, dtype=np.uint16).reshape(10, 20))
        dataset.ModalityLUTSequence = [lut_item(20, 16, np.arange(100) ** 2)]
        data = file_bytes(dataset)
        expected = apply_modality_lut(dcmread(io.BytesIO(data)).pixel_array, dcmread(io.BytesIO(data)))
        assert np.array_equal(modality_values(read_picture(data)), expected)

    def test_voi_table_is_kept_as_fractions(self) -> None:
        dataset = film()
        dataset.VOILUTSequence = [lut_item(64, 12, np.array([0, 1000, 4095]))]
        picture = read_picture(file_bytes(dataset))
        assert picture.voi_lut is not None
        assert picture.voi_lut.tolist() == pytest.approx([0, 1000 / 4095, 1])
        assert picture.voi_lut_first == 64

    def test_a_signed_picture_has_a_signed_first_entry(self) -> None:
        dataset = film(np.arange(-6, 6, dtype=np.int16).reshape(3, 4), BitsStored=16)
        dataset.VOILUTSequence = [lut_item(65536 - 5, 8, np.arange(4))]
        assert read_picture(file_bytes(dataset)).voi_lut_first == -5

    def test_a_negative_rescale_makes_the_first_entry_signed_too(self) -> None:
        dataset = film(RescaleSlope="1", RescaleIntercept="-1024")
        dataset.VOILUTSequence = [lut_item(65536 - 1024, 8, np.arange(4))]
        assert read_picture(file_bytes(dataset)).voi_lut_first == -1024

    def test_a_modality_table_leaves_the_first_entry_unsigned(self) -> None:
        dataset = film(np.arange(-6, 6, dtype=np.int16).reshape(3, 4), BitsStored=16)
        dataset.ModalityLUTSequence = [lut_item(65536 - 6, 16, np.arange(12) * 5000)]
        dataset.VOILUTSequence = [lut_item(40000, 8, np.arange(4))]
        picture = read_picture(file_bytes(dataset))
        assert (picture.modality_lut_first, picture.voi_lut_first) == (-6, 40000)

    def test_big_endian_tables_are_read_in_their_order(self) -> None:
        dataset = film(np.array([[0, 1, 2]], dtype=np.uint16))
        dataset.PixelData = np.array([0, 1, 2], dtype=">u2").tobytes()
        item = lut_item(0, 12, np.array([0, 1000, 4095]))
        item.LUTData = np.array([0, 1000, 4095], dtype=">u2").tobytes()
        dataset.VOILUTSequence = [item]
        found = read_picture(file_bytes(dataset, ExplicitVRBigEndian)).voi_lut
        assert found is not None
        assert found.tolist() == pytest.approx([0, 1000 / 4095, 1])

    def test_a_table_shorter_than_it_says_is_left_out(self) -> None:
        dataset = film()
        item = lut_item(0, 12, np.arange(10))
        item.LUTDescriptor = [4000, 0, 12]
        dataset.VOILUTSequence = [item]
        assert read_picture(file_bytes(dataset)).voi_lut is None

    def test_windows_come_with_names_and_function(self) -> None:
        picture = read_picture(
            film_bytes(
                WindowCenter=[2000, 300],
                WindowWidth=[4000, 0],
                WindowCenterWidthExplanation=["LUNG", "BONE"],
                VOILUTFunction="SIGMOID",
            )
        )
        assert picture.windows == (VoiWindow(2000, 4000, "LUNG", "SIGMOID"),)

    def test_a_padding_range_becomes_one_value(self) -> None:
        picture = read_picture(film_bytes(PixelPaddingValue=0, PixelPaddingRangeLimit=100))
        stored = gradient()
        assert picture.pixel_padding == 0
        assert np.array_equal(picture.pixels, np.where(stored <= 100, 0, stored))

    def test_padding_of_a_signed_picture_is_signed(self) -> None:
        pixels = np.full((2, 2), -2000, dtype=np.int16)
        dataset = film(pixels, BitsStored=16)
        dataset.add_new(0x00280120, "US", 65536 - 2000)
        assert read_picture(file_bytes(dataset)).pixel_padding == -2000


class TestHeader:
    def test_carries_who_and_what(self) -> None:
        header = read_picture(
            film_bytes(
                PatientBirthDate="20230702",
                PatientSex="F",
                PatientAge="003Y",
                StudyDate="20261120",
                BodyPartExamined="CHEST",
                ViewPosition="AP",
                ImageLaterality="R",
                StudyDescription="Thorax",
                Manufacturer="ACME",
                ManufacturerModelName="Acme  DR 3",
            )
        ).header
        assert header.modality is Modality.CR
        assert header.name_groups == ("Wang^Xiaoming",)
        assert header.patient_number == "P-1"
        assert header.birth_date == PartialDate(2023, 7, 2)
        assert header.sex is Sex.FEMALE
        assert header.age_years == 3
        assert header.study_date == date(2026, 11, 20)
        assert (header.study_uid, header.series_uid, header.instance_uid) == ("1.2.3", "1.2.3.4", "1.2.3.4.5")
        assert (header.body_part, header.view_position, header.laterality) == ("CHEST", "AP", "R")
        assert (header.description, header.manufacturer) == ("Thorax", "ACME")
        assert header.taken_with == "Acme  DR 3"
        assert not header.burned_in_synthetic

    @pytest.mark.parametrize(
        ("written", "years"),
        [("018M", 1.5), ("026W", 0.498), ("010D", 0.0274), ("005Y", 5), ("5Y", 5), ("old", None), ("", None)],
    )
    def test_reads_ages(self, written: str, years: float | None) -> None:
        found = read_picture(film_bytes(PatientAge=written)).header.age_years
        assert found == (None if years is None else pytest.approx(years, rel=0.01))

    def test_works_an_age_out_from_birth_and_study_date(self) -> None:
        header = read_picture(film_bytes(PatientBirthDate="20230702", StudyDate="20261120")).header
        assert header.age_years == pytest.approx(3 + 4 / 12)

    @pytest.mark.parametrize(
        ("written", "date_"),
        [
            ("20230702", PartialDate(2023, 7, 2)),
            ("2023.07.02", PartialDate(2023, 7, 2)),
            ("202307", PartialDate(2023, 7)),
            ("2023", PartialDate(2023)),
            ("20230700", PartialDate(2023, 7)),
            ("00000000", None),
            ("20231341", None),
            ("", None),
        ],
    )
    def test_reads_dates_as_exact_as_they_are(self, written: str, date_: PartialDate | None) -> None:
        data = film_bytes(PatientBirthDate="18990101")
        spoilt = data.replace(b"DA\x08\x0018990101", b"DA" + _even(written) + written.encode())
        if written and len(written) % 2:
            pytest.fail("values have even length")
        assert read_picture(spoilt).header.birth_date == date_

    @pytest.mark.parametrize(
        ("charset", "encoded", "groups"),
        [
            ("ISO_IR 192", "Wang^XiaoDong=王^小东", ("Wang^XiaoDong", "王^小东")),
            ("GB18030", "Wang^XiaoDong=王^小东", ("Wang^XiaoDong", "王^小东")),
            ("GBK", "王^小东", ("王^小东",)),
            ("ISO_IR 100", "Buc^Jérôme", ("Buc^Jérôme",)),
        ],
    )
    def test_decodes_names(self, charset: str, encoded: str, groups: tuple[str, ...]) -> None:
        data = film_bytes(SpecificCharacterSet=charset, PatientName=encoded)
        assert read_picture(data).header.name_groups == groups

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
    def test_decodes_chinese_names_that_declare_no_character_set(self, encoding: str) -> None:
        dataset = film()
        dataset.add_new("PatientName", "PN", "王^小东".encode(encoding))
        assert read_picture(file_bytes(dataset)).header.name_groups == ("王^小东",)

    def test_keeps_every_name_in_one_clean_line(self) -> None:
        assert read_picture(film_bytes(PatientName="A\r\nB^C")).header.name_groups == ("A B^C",)

    @pytest.mark.parametrize("uid", ["1.2.x", "../../etc", "1" * 65])
    def test_drops_what_is_no_uid(self, uid: str) -> None:
        dataset = film()
        dataset.add_new("StudyInstanceUID", "UI", uid)
        assert read_picture(file_bytes(dataset)).header.study_uid == ""


def _even(text: str) -> bytes:
    return len(text).to_bytes(2, "little")


class TestSpacing:
    @pytest.mark.parametrize(
        ("elements", "expected"),
        [
            ({}, None),
            ({"PixelSpacing": [0.2, 0.3]}, Spacing(0.2, 0.3, SpacingSource.PIXEL_SPACING)),
            ({"ImagerPixelSpacing": [0.1, 0.1]}, Spacing(0.1, 0.1, SpacingSource.IMAGER_PIXEL_SPACING)),
            (
                {"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1]},
                Spacing(0.1, 0.1, SpacingSource.IMAGER_PIXEL_SPACING),
            ),
            (
                {"PixelSpacing": [0.09, 0.09], "ImagerPixelSpacing": [0.1, 0.1]},
                Spacing(0.09, 0.09, SpacingSource.PIXEL_SPACING),
            ),
            (
                {
                    "PixelSpacing": [0.1, 0.1],
                    "ImagerPixelSpacing": [0.1, 0.1],
                    "PixelSpacingCalibrationType": "FIDUCIAL",
                },
                Spacing(0.1, 0.1, SpacingSource.PIXEL_SPACING),
            ),
            ({"NominalScannedPixelSpacing": [0.17, 0.17]}, Spacing(0.17, 0.17, SpacingSource.NOMINAL_SCANNED)),
            ({"PixelSpacing": [0, 0]}, None),
            ({"PixelSpacing": [0.1]}, None),
        ],
    )
    def test_says_where_millimetres_come_from(self, elements: dict[str, Any], expected: Spacing | None) -> None:
        assert read_picture(film_bytes(**elements)).spacing == expected


class TestKinds:
    @pytest.mark.parametrize(
        ("sop_class", "modality", "expected"),
        [
            ("1.2.840.10008.5.1.4.1.1.1", "CR", Modality.CR),
            ("1.2.840.10008.5.1.4.1.1.1.1", "DX", Modality.DX),
            (SC_STORAGE, "OT", Modality.SC),
            (SC_STORAGE, "MR", Modality.SC),
            (SC_STORAGE, "CR", Modality.CR),
            ("1.2.840.10008.5.1.4.1.1.12.1", "XA", Modality.XA),
            ("1.3.46.670589.11.0.0.12.1", "CR", Modality.CR),
        ],
    )
    def test_are_known_by_their_class(self, sop_class: str, modality: str, expected: Modality) -> None:
        assert read_picture(film_bytes(SOPClassUID=sop_class, Modality=modality)).header.modality is expected


class TestRecognising:
    def test_finds_the_reader_by_content(self) -> None:
        assert recognise(film_bytes()[:4096]).media_type == "application/dicom"
        assert recognise(film_bytes()[132:]).media_type == "application/dicom"
        assert [reader.media_type for reader in READERS] == [
            "application/dicom",
            "image/png",
            "image/jpeg",
            "image/tiff",
            "image/bmp",
            "application/x-nifti",
            "application/x-nrrd",
            "application/x-metaimage",
            "video/mp4",
            "application/pdf",
        ]

    def test_reads_from_a_stream(self) -> None:
        data = film_bytes()
        picture = recognise(data).read(io.BytesIO(data + b"more"), len(data))
        assert np.array_equal(picture.pixels, gradient())
