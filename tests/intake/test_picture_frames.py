"""A file's frames, one at a time: the right one, with what the file says of it, and words for what cannot be read."""

import io
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    RLELossless,
)

from desktop.errors import UserFacingError
from desktop.imaging.measure import length, scale_at
from desktop.intake import picture_frames
from desktop.intake.picture_frames import FramesFile, read_frames_file
from desktop.records import Modality, Photometric, SpacingSource
from tests.intake.dicom_files import SC_STORAGE, file_bytes, film, gradient

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"
FRAMES = np.stack([np.roll(gradient(12, 16, 1000 + 100 * number), number) for number in range(5)])


def clip(**elements: object) -> Dataset:
    """Five frames of ultrasound, each brighter than the one before."""
    told: dict[str, object] = {"SOPClassUID": ULTRASOUND, "Modality": "US", "NumberOfFrames": 5}
    dataset = film(FRAMES[0], **(told | elements))
    dataset.PixelData = FRAMES.tobytes()
    return dataset


def compressed() -> Dataset:
    """The same, packed."""
    dataset = clip()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.compress(RLELossless)
    return dataset


def opened(data: bytes) -> FramesFile:
    return read_frames_file(partial(io.BytesIO, data))


def refusal(data: bytes) -> str:
    with pytest.raises(UserFacingError) as caught:
        opened(data)
    return caught.value.key


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_each_frame_is_its_own(syntax: UID) -> None:
    dataset = clip()
    if not syntax.is_little_endian:
        dataset.PixelData = FRAMES.astype(">u2").tobytes()
    file = opened(file_bytes(dataset, syntax))
    assert (file.count, file.header.modality) == (5, Modality.US)
    for number in (4, 0, 2):
        picture = file.picture(number)
        assert np.array_equal(picture.pixels, FRAMES[number])
        assert (picture.frames, picture.photometric) == (5, Photometric.MONOCHROME2)
    with pytest.raises(UserFacingError):
        file.picture(5)


@pytest.mark.parametrize("tables", [True, False])
def test_compressed_frames_are_found_with_and_without_a_table(tables: bool) -> None:
    dataset = compressed()
    coded = list(generate_frames(dataset.PixelData, number_of_frames=5))
    dataset.PixelData = encapsulate(coded, has_bot=tables)
    file = opened(file_bytes(dataset, RLELossless))
    assert [int(file.picture(number).pixels.max()) for number in (3, 1)] == [1300, 1100]


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "dicomParser__CT0012.fragmented_no_bot_jpeg_ls.80.dcm",
        "dicomParser__CT0012.not_fragmented_no_bot_rle.dcm",
        "pydicom-data__SC_rgb_2frame.dcm",
        "pydicom-data__emri_small_jpeg_ls_lossless.dcm",
    ],
)
def test_frames_of_other_peoples_files(shared_data: Path, name: str) -> None:
    path = shared_data / "dicom_conformance" / "files" / name
    file = read_frames_file(lambda: path.open("rb"))
    whole = pydicom.dcmread(path).pixel_array
    assert len(whole) == file.count
    for number in (file.count - 1, 0):
        assert np.array_equal(file.picture(number).pixels, whole[number])


def test_colour_stays_colour_where_a_frame_has_none() -> None:
    grey = np.repeat(gradient(12, 16, 255).astype(np.uint8)[..., None], 3, axis=2)
    tinted = grey.copy()
    tinted[..., 0] = 255
    dataset = film(grey, SOPClassUID=ULTRASOUND, Modality="US", NumberOfFrames=2)
    dataset.PixelData = grey.tobytes() + tinted.tobytes()
    file = opened(file_bytes(dataset))
    assert [file.picture(number).photometric for number in (0, 1)] == [Photometric.RGB] * 2
    assert np.array_equal(file.picture(1).pixels, tinted)


def test_a_frames_own_facts_go_before_those_of_the_file() -> None:
    def group(slope: str, spacing: list[str]) -> Dataset:
        values, measures, item = Dataset(), Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = slope, "0", "US"
        measures.PixelSpacing = spacing
        item.PixelValueTransformationSequence = Sequence([values])
        item.PixelMeasuresSequence = Sequence([measures])
        return item

    each = [group(str(number + 1), ["0.5", "0.25"]) for number in range(5)]
    shared = Dataset()
    window = Dataset()
    window.WindowCenter, window.WindowWidth = "500", "1000"
    shared.FrameVOILUTSequence = Sequence([window])
    dataset = clip(RescaleSlope="9", PixelSpacing=["7", "7"])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(each)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    picture = opened(file_bytes(dataset)).picture(3)
    assert (picture.slope, picture.windows[0].center) == (4.0, 500.0)
    assert picture.spacing is not None
    assert (picture.spacing.row_mm, picture.spacing.source) == (0.5, SpacingSource.PIXEL_SPACING)


@pytest.mark.parametrize(
    ("elements", "rate"),
    [
        ({"FrameTime": "40"}, 25.0),
        ({"RecommendedDisplayFrameRate": "15", "CineRate": "30", "FrameTime": "20"}, 15.0),
        ({"CineRate": "30", "FrameTime": "20"}, 30.0),
        ({"FrameTimeVector": ["0", "50", "50", "100", "200"]}, 10.0),
        ({"FrameTime": "0"}, None),
        ({"CineRate": "100000"}, None),
        ({}, None),
    ],
)
def test_the_speed_is_what_the_file_asks_for(elements: dict[str, object], rate: float | None) -> None:
    file = opened(file_bytes(clip(**elements)))
    assert file.rate == rate
    assert not file.sweep


def of_others(path: Path) -> FramesFile:
    return read_frames_file(partial(io.BytesIO, path.read_bytes()))


def of_pydicom(name: str) -> FramesFile:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    return of_others(Path(path))


def test_an_ultrasound_clip_of_others_has_its_speed_and_no_scale_that_it_lost() -> None:
    """480 × 640 when it was taken, halved since; its region still speaks of the former pixels."""
    clip_of_others = of_pydicom("examples_ybr_color.dcm")
    assert clip_of_others.count == 30
    assert clip_of_others.rate == pytest.approx(30, abs=0.01)
    picture = clip_of_others.picture(0)
    assert (picture.rows, picture.columns) == (240, 320)
    (region,) = picture.regions
    assert (region.right, region.bottom, region.spacing) == (595, 414, None)
    assert scale_at(picture, ((100, 100), (200, 100))) is None


def test_no_region_of_a_cut_picture_has_a_scale() -> None:
    picture = of_pydicom("examples_palette.dcm").picture(0)
    assert (picture.rows, picture.columns) == (350, 800)
    assert [region.spacing for region in picture.regions] == [None, None]


@pytest.mark.data
def test_ultrasound_of_others_is_measured_in_its_regions(shared_data: Path) -> None:
    """Against the elements themselves: centimetres for each pixel."""
    folder = shared_data / "dicom_conformance" / "files"
    for name, within, millimetres in (
        ("pydicom-data__JPGLosslessP14SV1_1s_1f_8b.dcm", ((100, 100), (200, 100)), 0.025476696592378157 * 1000),
        ("pydicom-data__OBXXXX1A_rle.dcm", ((300, 100), (300, 200)), 0.02622878766196998 * 1000),
        ("dcm4che__YBR_FULL-RLE.dcm", ((100, 100), (200, 100)), 0.009536785180637355 * 1000),
    ):
        picture = of_others(folder / name).picture(0)
        found = length(scale_at(picture, within), *within)
        assert (found.unit, found.source) == ("mm", SpacingSource.ULTRASOUND_REGION)
        assert found.value == pytest.approx(millimetres)
    trace = of_others(folder / "pydicom-data__OBXXXX1A_rle.dcm").picture(0)
    assert scale_at(trace, ((200, 540), (300, 540))) is None, "a curve over time has no millimetres"


def test_the_file_may_ask_to_be_played_forth_and_back() -> None:
    assert opened(file_bytes(clip(PreferredPlaybackSequencing=1))).sweep


class TestWhatIsWrong:
    def test_a_lie_about_ten_million_frames_reserves_nothing(self) -> None:
        assert opened(file_bytes(clip(NumberOfFrames=10_000_000))).count == 5

    def test_a_file_that_is_cut_off_still_shows_what_is_whole(self) -> None:
        data = file_bytes(clip())
        assert opened(data[: -FRAMES[0].nbytes]).count == 4

    def test_a_whole_slide_is_named(self) -> None:
        assert refusal(file_bytes(clip(SOPClassUID=picture_frames.WHOLE_SLIDE))) == "intake.whole_slide"

    def test_a_report_holds_no_picture(self) -> None:
        dataset = film(FRAMES[0], SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")
        assert refusal(file_bytes(dataset)) == "intake.no_pixels"

    def test_spoilt_bytes_end_in_words(self) -> None:
        data = bytearray(file_bytes(compressed(), RLELossless))
        at = len(data) - 200
        data[at : at + 150] = b"\xff" * 150
        file = opened(bytes(data))
        with pytest.raises(UserFacingError):
            file.picture(file.count - 1)

    def test_an_unknown_machine_makes_other_pictures(self) -> None:
        file = opened(file_bytes(film(FRAMES[0], SOPClassUID=SC_STORAGE, Modality="ES")))
        assert (file.count, file.header.modality, file.rate) == (1, Modality.OT, None)
