"""What `lantern inspect` says of DICOM files: the figures of every frame, or why there are none."""

import dataclasses
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    MPEG2MPML,
    MPEG4HP41,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from desktop.intake import ContentKind, Inspection, InspectionStatus, survey_file
from tests.intake.conformance import BEYOND_THE_REFERENCE, Row, read_manifest
from tests.intake.dicom_files import CT_STORAGE, file_bytes, film, film_bytes, gradient
from tests.intake.other_formats import clip_bytes, picture_bytes
from tests.intake.surveying import deflated, inspected, multi, of_deflated_frames, reason

STORAGE = "1.2.840.10008.5.1.4.1.1."
PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def shape_of(found: Inspection) -> tuple[int, ...]:
    """The shape pydicom's array would have."""
    assert found.frames is not None
    assert found.rows is not None
    assert found.columns is not None
    assert found.samples is not None
    frames = (found.frames,) if found.frames > 1 else ()
    return (*frames, found.rows, found.columns, *((found.samples,) if found.samples > 1 else ()))


@pytest.fixture(scope="module")
def surveyed(shared_data: Path) -> list[tuple[Row, Inspection]]:
    """Every file of the folder, and what is said of it."""
    return [(row, survey_file(row.path)) for row in read_manifest(shared_data)]


@pytest.mark.data
def test_every_decoded_file_has_the_figures_of_the_reference(surveyed: list[tuple[Row, Inspection]]) -> None:
    compared = 0
    for row, found in surveyed:
        if row.decoded != "yes":
            continue
        assert found.status is InspectionStatus.OK, f"{row.name}: {found.reason}"
        assert shape_of(found) == row.shape, row.name
        assert found.figures is not None
        assert found.figures.dtype == row.dtype, row.name
        figures = (found.figures.minimum, found.figures.maximum, found.figures.mean)
        if row.transfer_syntax.startswith("JPEG Extended"):
            # The reference rounds in its transform otherwise than GDCM and dcmtk, whose values ours are to the last
            # bit (`test_second_decoder`).
            assert figures[:2] == pytest.approx(row.figures[:2], abs=1), row.name
            assert figures[2] == pytest.approx(row.figures[2], abs=0.05), row.name
        else:
            assert figures == pytest.approx(row.figures, abs=1e-3, rel=1e-6), row.name
        compared += 1
    assert compared == 171


@pytest.mark.data
def test_every_other_file_has_a_true_reason(surveyed: list[tuple[Row, Inspection]]) -> None:
    for row, found in surveyed:
        if row.decoded == "yes":
            continue
        if row.name in BEYOND_THE_REFERENCE or "Waveform" in row.sop_class:
            assert found.status is InspectionStatus.OK, f"{row.name}: {found.reason}"
            continue
        expected = InspectionStatus.ERROR if row.decoded.startswith("ERROR") else InspectionStatus.NO_PIXELS
        assert found.status is expected, row.name
        assert found.reason is not None


@pytest.mark.data
def test_kinds_follow_the_classes(surveyed: list[tuple[Row, Inspection]]) -> None:
    kinds = {row.name: (row, found.kind) for row, found in surveyed}
    expected = {
        "Segmentation Storage": ContentKind.SEGMENTATION,
        "RT Structure Set Storage": ContentKind.SEGMENTATION,
        "RT Dose Storage": ContentKind.DOSE,
        "RT Plan Storage": ContentKind.PLAN,
        "RT Ion Plan Storage": ContentKind.PLAN,
        "Basic Text SR Storage": ContentKind.REPORT,
        "Comprehensive 3D SR Storage": ContentKind.REPORT,
        "12-lead ECG Waveform Storage": ContentKind.WAVEFORM,
        "Hemodynamic Waveform Storage": ContentKind.WAVEFORM,
        "CT Image Storage": ContentKind.IMAGE,
        "VL Whole Slide Microscopy Image Storage": ContentKind.IMAGE,
        "Ultrasound Multi-frame Image Storage": ContentKind.IMAGE,
        "MR Spectroscopy Storage": ContentKind.OTHER,
        "Real World Value Mapping Storage": ContentKind.OTHER,
    }
    seen = {row.sop_class for row, kind in kinds.values() if expected.get(row.sop_class, kind) is not kind}
    assert not seen
    assert {kind for name, (_, kind) in kinds.items() if "DICOMDIR" in name} == {ContentKind.DIRECTORY}
    volumes = [row for row, kind in kinds.values() if kind is ContentKind.VOLUME]
    assert len(volumes) >= 10
    assert all(len(row.shape) == 3 or row.name in BEYOND_THE_REFERENCE for row in volumes)


def test_every_file_that_pydicom_ships_has_the_figures_of_its_own_array() -> None:
    compared = 0
    for path in sorted(PYDICOM_FILES.rglob("*")):
        if not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                reference = pixel_array(dcmread(path), raw=False)
            except Exception:  # pydicom raises anything at all for what it does not read
                continue
        found = survey_file(path)
        assert found.figures is not None, f"{path.name}: {found.reason}"
        figures = (found.figures.minimum, found.figures.maximum, found.figures.mean)
        expected = (reference.min().item(), reference.max().item(), float(reference.mean(dtype=np.float64)))
        assert figures == pytest.approx(expected, rel=1e-9), path.name
        assert found.figures.dtype == str(reference.dtype), path.name
        assert shape_of(found) == reference.shape, path.name
        compared += 1
    assert compared > 70


@dataclasses.dataclass(frozen=True)
class Figures:
    """What is said of a file's pixels, whoever says it. dtype: of the machine's byte order."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    minimum: float | None
    maximum: float | None
    mean: object


def pydicoms(data: bytes) -> Figures:
    """The figures of pydicom's own array; the mean may differ in the last digits."""
    array = pixel_array(dcmread(io.BytesIO(data)), raw=False)
    mean = pytest.approx(float(array.mean(dtype=np.float64)), rel=1e-12)
    return Figures(array.shape, array.dtype.newbyteorder("="), array.min().item(), array.max().item(), mean)


def ours(data: bytes) -> Figures:
    """The figures `lantern inspect` gives."""
    found = inspected(data)
    assert found.status is InspectionStatus.OK, found.reason
    assert found.figures is not None
    said = found.figures
    return Figures(shape_of(found), np.dtype(said.dtype).newbyteorder("="), said.minimum, said.maximum, said.mean)


class TestAgainstPydicom:
    """Layouts made to order, each as pydicom's own array has it."""

    @pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
    @pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
    @pytest.mark.parametrize("frames", [1, 3])
    def test_native_values(self, syntax: UID, dtype: str, frames: int) -> None:
        random = np.random.default_rng(1)
        limits = np.iinfo(dtype)
        values = random.integers(limits.min, limits.max, (frames, 5, 7), dtype=dtype, endpoint=True)
        stored = values.astype(values.dtype.newbyteorder("=" if syntax.is_little_endian else ">"))
        dataset = multi(stored, BitsStored=8 * limits.dtype.itemsize)
        if limits.dtype.itemsize == 1:  # in words, so that bytes are turned round where the syntax is big endian
            padded = stored.tobytes() + bytes(stored.size % 2)
            words = np.frombuffer(padded, "<u2")
            dataset.PixelData = words.astype("<u2" if syntax.is_little_endian else ">u2").tobytes()
        else:
            dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
        data = file_bytes(dataset, syntax)
        assert ours(data) == pydicoms(data)
        found = inspected(data).figures
        assert found is not None
        assert (found.minimum, found.maximum) == (values.min(), values.max())
        assert found.mean == pytest.approx(float(values.mean(dtype="f8")))

    def test_unused_high_bits_are_dropped(self) -> None:
        noisy = gradient(top=4095) | np.uint16(0xA000)
        for data in (film_bytes(noisy), film_bytes(noisy.view(np.int16))):
            assert ours(data) == pydicoms(data)

    def test_bits_that_cross_the_ends_of_frames(self) -> None:
        bits = np.random.default_rng(2).integers(0, 2, (3, 5, 7), dtype=np.uint8)
        dataset = film(bits[0], NumberOfFrames=3, BitsAllocated=1, BitsStored=1, HighBit=0)
        packed = np.packbits(bits, axis=None, bitorder="little").tobytes()
        dataset.PixelData = packed + bytes(len(packed) % 2)
        data = file_bytes(dataset)
        assert ours(data) == pydicoms(data)
        found = inspected(data)
        assert found.figures is not None
        assert found.figures.mean == pytest.approx(float(bits.mean()))

    @pytest.mark.parametrize("planar", [0, 1])
    @pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
    def test_colours(self, planar: int, photometric: str) -> None:
        values = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        dataset = film(values, PlanarConfiguration=planar, PhotometricInterpretation=photometric)
        dataset.PixelData = (values.transpose(2, 0, 1) if planar else values).tobytes()
        data = file_bytes(dataset)
        assert ours(data) == pydicoms(data)

    def test_halved_chroma(self) -> None:
        values = np.random.default_rng(4).integers(0, 256, 6 * 8 * 2, dtype=np.uint8)
        dataset = film(np.zeros((6, 8, 3), np.uint8), PhotometricInterpretation="YBR_FULL_422")
        dataset.PixelData = values.tobytes()
        data = file_bytes(dataset)
        assert ours(data) == pydicoms(data)

    @pytest.mark.parametrize(("keyword", "dtype"), [("FloatPixelData", "f4"), ("DoubleFloatPixelData", "f8")])
    def test_floating_point(self, keyword: str, dtype: str) -> None:
        values = np.random.default_rng(5).normal(0, 1e6, (4, 6)).astype(dtype)
        dataset = film(np.zeros((4, 6), np.uint16), BitsAllocated=8 * values.dtype.itemsize)
        del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
        setattr(dataset, keyword, values.tobytes())
        data = file_bytes(dataset)
        assert ours(data) == pydicoms(data)

    @pytest.mark.parametrize("dtype", ["u1", "u2"])
    @pytest.mark.parametrize("samples", [1, 3])
    def test_rle(self, dtype: str, samples: int) -> None:
        values = np.random.default_rng(6).integers(0, 200, (9, 11, samples), dtype=dtype)
        values[3:6] = 7
        dataset = film(values[:, :, 0] if samples == 1 else values, BitsStored=8 * values.dtype.itemsize)
        dataset.file_meta = dcmread(io.BytesIO(film_bytes())).file_meta
        dataset.compress(RLELossless, encoding_plugin="pydicom")
        data = file_bytes(dataset, RLELossless)
        assert ours(data) == pydicoms(data)

    def test_more_frames_than_the_header_counts(self) -> None:
        values = np.stack([gradient(), gradient() + 1, gradient() + 2])
        dataset = multi(values)
        dataset.NumberOfFrames = 2
        data = file_bytes(dataset)
        with pytest.warns(UserWarning, match="3 frames"):
            assert ours(data) == pydicoms(data)
        assert inspected(data).frames == 3


class TestBeyondPydicom:
    def test_twelve_bits_without_gaps(self) -> None:
        values = gradient(6, 8)
        flat = values.reshape(-1, 2).astype(np.uint32)
        packed = np.stack([flat[:, 0] & 255, flat[:, 0] >> 8 | (flat[:, 1] & 15) << 4, flat[:, 1] >> 4], axis=1)
        dataset = film(values, BitsAllocated=12)
        dataset.PixelData = packed.astype(np.uint8).tobytes()
        found = inspected(file_bytes(dataset)).figures
        assert found is not None
        assert (found.dtype, found.minimum, found.maximum) == ("uint16", 0, 4095)
        assert found.mean == pytest.approx(float(values.mean()))

    def test_deflated_frames(self) -> None:
        values = np.stack([gradient(), gradient() // 2])
        dataset = multi(values)
        coded = [deflated(frame.tobytes()) for frame in values]
        dataset.PixelData = encapsulate(coded)
        found = inspected(of_deflated_frames(dataset))
        assert found.frames == 2
        assert found.figures is not None
        assert found.figures.mean == pytest.approx(float(values.mean()))

    def test_frames_in_fragments_without_compression(self) -> None:
        dataset = film()
        dataset.PixelData = encapsulate([gradient().tobytes()])
        found = inspected(file_bytes(dataset, UID("1.2.840.10008.1.2.1.98"))).figures
        assert found is not None
        assert (found.minimum, found.maximum) == (0, 4095)

    @pytest.mark.parametrize("kind", [53, 55])
    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_progressive_jpeg_of_eight_bits(self, kind: int, mode: str) -> None:
        coded = picture_bytes("JPEG", mode, progressive=True)
        values = np.asarray(Image.open(io.BytesIO(coded)))
        photometric = "YBR_FULL_422" if mode == "RGB" else "MONOCHROME2"
        dataset = film(np.zeros_like(values), PhotometricInterpretation=photometric)
        dataset.PixelData = encapsulate([coded])
        found = inspected(file_bytes(dataset, UID(f"1.2.840.10008.1.2.4.{kind}"))).figures
        assert found is not None
        assert found.mean == pytest.approx(float(values.mean()), abs=0.3)

    @pytest.mark.parametrize(("syntax", "ending"), [(MPEG2MPML, ".m2v"), (MPEG4HP41, ".mp4")])
    def test_a_clip(self, syntax: UID, ending: str) -> None:
        stream = clip_bytes(ending)
        dataset = film(np.zeros((48, 64, 3), np.uint8), NumberOfFrames=12, SOPClassUID=STORAGE + "77.1.1.1")
        dataset.PixelData = encapsulate([stream + bytes(len(stream) % 2)])
        found = inspected(file_bytes(dataset, syntax))
        assert (found.status, found.kind, found.frames) == (InspectionStatus.OK, ContentKind.IMAGE, 12)
        assert found.figures is not None
        assert found.figures.mean == pytest.approx(110, abs=3)
        dataset.Rows = 50
        assert reason(inspected(file_bytes(dataset, syntax))) == "intake.frame_differs"

    def test_what_is_not_finite_does_not_count(self) -> None:
        values = np.array([[1.0, np.nan], [np.inf, 3.0]], dtype="f4")
        dataset = film(np.zeros((2, 2), np.uint16))
        del dataset.PixelData
        dataset.FloatPixelData = values.tobytes()
        found = inspected(file_bytes(dataset)).figures
        assert found is not None
        assert (found.minimum, found.maximum, found.mean) == (1.0, 3.0, 2.0)


class TestFacts:
    def test_of_a_slice(self) -> None:
        found = inspected(film_bytes(SOPClassUID=CT_STORAGE, Modality="CT"))
        assert found.status is InspectionStatus.OK
        assert (found.kind, found.modality, found.transfer_syntax) == (ContentKind.IMAGE, "CT", ExplicitVRLittleEndian)
        assert (found.frames, found.rows, found.columns, found.samples) == (1, 24, 32, 1)

    def test_stay_where_the_pixels_are_damaged(self) -> None:
        found = inspected(film_bytes(SOPClassUID=CT_STORAGE, Modality="CT")[:-300])
        assert found.status is InspectionStatus.ERROR
        assert reason(found) == "intake.truncated"
        assert (found.kind, found.modality, found.rows, found.figures) == (ContentKind.IMAGE, "CT", 24, None)

    @pytest.mark.parametrize(
        ("sop_class", "frames", "kind"),
        [
            ("2.1", 2, ContentKind.VOLUME),
            ("2.1", 1, ContentKind.IMAGE),
            ("3.1", 2, ContentKind.IMAGE),
            ("77.1.6", 2, ContentKind.IMAGE),
            ("66.4", 2, ContentKind.SEGMENTATION),
            ("481.2", 2, ContentKind.DOSE),
            ("20", 2, ContentKind.IMAGE),
        ],
    )
    def test_kind_of_pixels(self, sop_class: str, frames: int, kind: ContentKind) -> None:
        values = np.stack([gradient()] * frames)
        found = inspected(file_bytes(multi(values, SOPClassUID=STORAGE + sop_class)))
        assert (found.status, found.kind) == (InspectionStatus.OK, kind)

    @pytest.mark.parametrize(
        ("sop_class", "kind"),
        [
            ("11.1", ContentKind.PRESENTATION),
            ("88.59", ContentKind.REPORT),
            ("104.1", ContentKind.DOCUMENT),
            ("481.5", ContentKind.PLAN),
            ("66", ContentKind.OTHER),
        ],
    )
    def test_kind_without_pixels(self, sop_class: str, kind: ContentKind) -> None:
        dataset = Dataset()
        dataset.SOPClassUID = STORAGE + sop_class
        found = inspected(file_bytes(dataset))
        assert (found.status, found.kind, reason(found)) == (InspectionStatus.NO_PIXELS, kind, "intake.no_pixels")

    def test_a_waveform_counts_every_group(self) -> None:
        groups = []
        for channels, values in ((2, [[1, -2], [3, 4], [5, 6]]), (1, [[100]])):
            group = Dataset()
            group.NumberOfWaveformChannels = channels
            group.NumberOfWaveformSamples = len(values)
            group.WaveformBitsAllocated = 16
            group.WaveformSampleInterpretation = "SS"
            group.WaveformData = np.array(values, "<i2").tobytes()
            groups.append(group)
        dataset = Dataset()
        dataset.SOPClassUID = STORAGE + "9.1.1"
        dataset.WaveformSequence = groups
        found = inspected(file_bytes(dataset))
        assert (found.status, found.kind, found.samples) == (InspectionStatus.OK, ContentKind.WAVEFORM, 3)
        assert found.figures is not None
        assert dataclasses.astuple(found.figures) == ("int16", -2, 100, pytest.approx(117 / 7))
        groups[0].WaveformData = groups[0].WaveformData[:-2]
        assert reason(inspected(file_bytes(dataset))) == "intake.truncated"


@pytest.mark.data
def test_the_manifest_says_what_is_beyond_the_reference(shared_data: Path) -> None:
    rows: dict[str, Row] = {row.name: row for row in read_manifest(shared_data)}
    assert all(rows[name].decoded != "yes" for name in BEYOND_THE_REFERENCE)
