"""Series of DICOM files as volumes: real ones, made ones with every fault, and with too little memory."""

import io
import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, RLELossless, generate_uid

from desktop.errors import Cancelled, UserFacingError
from desktop.imaging.orientation import View, view_of
from desktop.imaging.volume import OUTSIDE, Volume, as_vector
from desktop.imaging.volume_series import SliceOrigin
from desktop.imaging.volume_stack import StackFindingKind
from desktop.intake.series import Source, first_slice, load_series
from desktop.intake.series_memory import RESERVE, fits, free_bytes
from desktop.jobs import Job
from desktop.records.picture import Array

SERIES = generate_uid()
PLENTY = 1 << 40


def ct_slice(
    number: int, pixels: Array, *, z: float | None = None, change: Callable[[Dataset], None] | None = None
) -> bytes:
    """A CT slice as a scanner would write it; change: for what is unusual about it."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
    ds.SeriesInstanceUID, ds.Modality, ds.InstanceNumber = SERIES, "CT", number
    ds.Rows, ds.Columns = pixels.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelRepresentation = int(pixels.dtype == np.int16)
    ds.ImagePositionPatient = [-10, -20, 2.5 * number if z is None else z]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness = [0.5, 0.5], 2.5
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.WindowCenter, ds.WindowWidth = 40, 400
    ds.PixelData = pixels.tobytes()
    if change is not None:
        change(ds)
    return written(ds)


def written(ds: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """A data set as a file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def sources(files: list[bytes]) -> list[Source]:
    """Files in memory."""
    return [partial(io.BytesIO, data) for data in files]


def slices(count: int, dtype: type[np.int16] | type[np.uint16] = np.int16) -> list[Array]:
    """Slices that differ everywhere."""
    generator = np.random.default_rng(count)
    return [generator.integers(0, 3000, (24, 20)).astype(dtype) for _ in range(count)]


def opened(path: Path) -> BinaryIO:
    """A file on the disk."""
    return path.open("rb")


def folder_sources(folder: Path) -> list[Source]:
    """The files of a folder of real data."""
    return [partial(opened, path) for path in sorted(folder.iterdir()) if path.suffix != ".txt"]


def test_files_in_any_order_become_a_volume_in_hounsfield_units() -> None:
    pictures = slices(12)
    files = [ct_slice(number, picture) for number, picture in enumerate(pictures)]
    files = [files[n] for n in (5, 0, 11, 3, 8, 1, 10, 2, 9, 4, 7, 6)]
    seen: list[Volume] = []
    series = load_series(sources(files), Job(), first=seen.append, free=PLENTY)
    volume = series.volumes[0]
    assert np.array_equal(volume.voxels, np.stack(pictures))
    assert volume.voxels.dtype == np.int16
    assert (volume.unit, volume.slope, volume.intercept) == ("HU", 1.0, -1024.0)
    assert volume.grid.spacing == pytest.approx((2.5, 0.5, 0.5))
    assert volume.value_at(as_vector(volume.grid.to_patient((3, 4, 5)))) == pictures[3][4, 5] - 1024
    assert (series.count, series.moments, series.findings) == (12, 1, ())
    assert np.array_equal(seen[0].voxels[0], pictures[10])
    assert np.array_equal(series.read_slice(7, 0).voxels[0], pictures[7])


def test_unsigned_values_of_sixteen_bits_keep_every_value() -> None:
    pictures = slices(3, np.uint16)
    pictures[1][3, 4] = 65535
    files = [ct_slice(number, picture) for number, picture in enumerate(pictures)]
    volume = load_series(sources(files), Job(), free=PLENTY).volumes[0]
    meant = volume.voxels.astype(float) * volume.slope + volume.intercept
    assert volume.voxels.dtype == np.int16
    assert np.array_equal(meant, np.stack(pictures).astype(float) - 1024)


def test_slices_that_differ_in_slope_become_values_meant() -> None:
    def scaled(factor: float, ds: Dataset) -> None:
        ds.RescaleSlope = factor

    pictures = slices(4)
    files = [ct_slice(n, picture, change=partial(scaled, 1.0 + n)) for n, picture in enumerate(pictures)]
    volume = load_series(sources(files), Job(), free=PLENTY).volumes[0]
    expected = np.stack([picture * (1.0 + n) - 1024 for n, picture in enumerate(pictures)])
    assert volume.voxels.dtype == np.float32
    assert np.allclose(volume.voxels, expected)


def test_padding_is_no_value() -> None:
    def padded(ds: Dataset) -> None:
        ds.PixelPaddingValue = 0

    pictures = [np.full((8, 8), 1000, np.int16) for _ in range(3)]
    pictures[1][0, :] = 0
    files = [ct_slice(n, picture, change=padded) for n, picture in enumerate(pictures)]
    volume = load_series(sources(files), Job(), free=PLENTY).volumes[0]
    assert volume.padded
    assert (volume.voxels[1, 0] == OUTSIDE).all()
    assert volume.value_at(as_vector(volume.grid.to_patient((1, 0, 3)))) is None


def test_compressed_slices_are_decoded() -> None:
    pictures = slices(3)
    files = []
    for number, picture in enumerate(pictures):
        ds = pydicom.dcmread(io.BytesIO(ct_slice(number, picture)))
        ds.compress(RLELossless)
        stream = io.BytesIO()
        ds.save_as(stream)
        files.append(stream.getvalue())
    assert np.array_equal(load_series(sources(files), Job(), free=PLENTY).volumes[0].voxels, np.stack(pictures))


def test_a_missing_slice_is_told_and_the_others_can_be_looked_at() -> None:
    pictures = slices(9)
    files = [ct_slice(n, picture) for n, picture in enumerate(pictures) if n != 4]
    series = load_series(sources(files), Job(), free=PLENTY)
    assert not series.solid
    assert [finding.kind for finding in series.refusals] == [StackFindingKind.GAP]
    assert series.count == 8
    assert series.positions[4] - series.positions[3] == pytest.approx(5.0)
    assert np.array_equal(series.read_slice(4, 0).voxels[0], pictures[5])


def test_the_same_file_twice_is_one_and_a_torn_one_is_told() -> None:
    pictures = slices(5)
    files = [ct_slice(n, picture) for n, picture in enumerate(pictures)]
    twice = load_series(sources([*files, files[2]]), Job(), free=PLENTY)
    assert [f.kind for f in twice.findings] == [StackFindingKind.DUPLICATES]
    assert twice.volumes[0].shape[0] == 5
    torn = load_series(sources([*files[:4], files[4][:300]]), Job(), free=PLENTY)
    assert [f.kind for f in torn.findings] == [StackFindingKind.UNREADABLE]
    assert not torn.solid
    with pytest.raises(UserFacingError):
        load_series(sources([files[0][:300]]), Job(), free=PLENTY)
    with pytest.raises(UserFacingError, match=r"volume\.no_slices"):
        load_series([], Job())


def test_an_enhanced_ct_is_placed_by_its_functional_groups() -> None:
    pictures = slices(6)
    ds = pydicom.dcmread(io.BytesIO(ct_slice(0, pictures[0])))
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleIntercept"):
        delattr(ds, keyword)
    shared, measures, orientation, values = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.5], 2.0
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    values.RescaleIntercept, values.RescaleSlope, values.RescaleType = -1000, 1, "HU"
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([values])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    order, items = (3, 0, 5, 1, 4, 2), []
    for place in order:
        item, position = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 2.0 * place, 0]
        item.PlanePositionSequence = Sequence([position])
        items.append(item)
    ds.PerFrameFunctionalGroupsSequence = Sequence(items)
    ds.NumberOfFrames = 6
    ds.PixelData = np.stack([pictures[place] for place in order]).tobytes()
    volume = load_series(sources([written(ds)]), Job(), free=PLENTY).volumes[0]
    assert view_of(volume.grid) is View.CORONAL
    assert volume.intercept == -1000
    along_y = volume.grid.units[1, 0]
    assert np.array_equal(volume.voxels, np.stack(pictures)[:: int(along_y)])


def test_too_little_memory_takes_every_second_slice_then_one_at_a_time() -> None:
    pictures = slices(16)
    files = [ct_slice(n, picture) for n, picture in enumerate(pictures)]
    voxels = 16 * 24 * 20 * 2
    half = load_series(sources(files), Job(), free=RESERVE + voxels // 2)
    assert [f.kind for f in half.findings] == [StackFindingKind.THINNED]
    assert np.array_equal(half.volumes[0].voxels, np.stack(pictures[::2]))
    assert half.volumes[0].grid.spacing[0] == pytest.approx(5.0)
    none = load_series(sources(files), Job(), free=RESERVE + voxels // 4)
    assert not none.solid
    assert [f.kind for f in none.refusals] == [StackFindingKind.NO_MEMORY]
    assert np.array_equal(none.read_slice(11, 0).voxels[0], pictures[11])


def test_reading_can_be_stopped() -> None:
    files = [ct_slice(n, picture) for n, picture in enumerate(slices(20))]
    job = Job()

    def stop(_: Volume) -> None:
        job.cancel()

    with pytest.raises(Cancelled):
        load_series(sources(files), job, first=stop, free=PLENTY)


def test_memory_is_asked_for_before_it_is_taken() -> None:
    assert free_bytes() > 0
    assert not fits(free_bytes() * 2)
    assert fits(100, RESERVE + 100)
    assert not fits(101, RESERVE + 100)


@pytest.mark.skipif(sys.platform == "win32", reason="no address space limit there")
@pytest.mark.slow
def test_a_limit_on_memory_is_met_with_a_finding_not_with_an_end(tmp_path: Path) -> None:
    for number in range(160):
        (tmp_path / f"{number:03}").write_bytes(ct_slice(number, np.full((512, 512), number, np.int16)))
    program = textwrap.dedent(
        """
        import resource, sys
        from functools import partial
        from pathlib import Path
        from desktop.intake.series import load_series
        from desktop.intake.series_memory import RESERVE, free_bytes
        from desktop.jobs import Job
        wanted = int(sys.argv[2]) * 1024 * 1024
        sources = [partial(path.open, "rb") for path in sorted(Path(sys.argv[1]).iterdir())]
        load_series(sources[:3], Job())  # what is imported on first use is there
        used = next(int(l.split()[1]) * 1024 for l in open("/proc/self/status") if l.startswith("VmSize"))
        resource.setrlimit(resource.RLIMIT_AS, (used + RESERVE + wanted,) * 2)
        series = load_series(sources, Job())
        middle = series.read_slice(series.count // 2, 0).voxels
        print(series.solid, series.count, *(f.kind.value for f in series.findings), int(middle[0, 0, 0]))
        """
    )
    said = {}
    for megabytes in (100, 60, 20):
        command = [sys.executable, "-c", program, str(tmp_path), str(megabytes)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert ran.returncode == 0, ran.stderr
        said[megabytes] = ran.stdout.split()
    assert said == {
        100: ["True", "160", "80"],
        60: ["True", "80", "thinned", "80"],
        20: ["False", "160", "no_memory", "80"],
    }


@pytest.fixture
def ct(shared_data: Path) -> Path:
    """Real series."""
    return shared_data / "ct"


@pytest.mark.data
def test_each_slice_of_a_volume_is_known_by_its_file() -> None:
    uids = [generate_uid() for _ in range(5)]

    def name(ds: Dataset) -> None:
        ds.SOPInstanceUID = uids[int(ds.InstanceNumber)]

    files = [ct_slice(n, pixels, change=name) for n, pixels in enumerate(slices(5))]
    series = load_series(sources(files[::-1]), Job(), free=PLENTY)
    assert [one.instance_uid for one in series.origins[0] if one is not None] == uids
    assert series.origins[0][0] == SliceOrigin(uids[0], 1, 24, 20)


def test_slices_of_a_leaning_pile_are_known_with_how_far_each_was_moved() -> None:
    blocks = slices(5)

    def lean(ds: Dataset) -> None:
        ds.ImagePositionPatient = [-10, -20 + 0.5 * int(ds.InstanceNumber), 2.5 * int(ds.InstanceNumber)]

    files = [ct_slice(n, pixels, change=lean) for n, pixels in enumerate(blocks)]
    series = load_series(sources(files), Job(), free=PLENTY)
    volume = series.volumes[0]
    assert volume.shape[1] > 24
    for number, (origin, pixels) in enumerate(zip(series.origins[0], blocks, strict=True)):
        assert origin is not None
        down, right = round(origin.down), round(origin.right)
        assert (origin.down, origin.right) == pytest.approx((down, right))
        assert np.array_equal(volume.voxels[number, down : down + 24, right : right + 20], pixels)


def test_in_a_resampled_pile_the_pictures_lie_where_they_were_taken() -> None:
    heights = (0.0, 2.5, 5.0, 7.5, 11.0, 14.5)
    files = [ct_slice(n, pixels, z=z) for n, (z, pixels) in enumerate(zip(heights, slices(6), strict=True))]
    series = load_series(sources(files), Job(), free=PLENTY)
    assert series.solid
    step = series.volumes[0].grid.spacing[0]
    assert [one.at * step for one in series.origins[0] if one is not None] == pytest.approx(heights)


def test_a_head_with_gantry_tilt_is_set_upright(ct: Path) -> None:
    series = load_series(folder_sources(ct / "dicom_series_head_ct_GE"), Job(), free=PLENTY)
    kinds = {finding.kind: finding for finding in series.findings}
    assert kinds.keys() == {StackFindingKind.VARYING, StackFindingKind.TILT}
    assert kinds[StackFindingKind.TILT].low == pytest.approx(18.5, abs=0.01)
    assert kinds[StackFindingKind.VARYING].high == pytest.approx(7.0, abs=0.01)
    volume = series.volumes[0]
    assert volume.unit == "HU"
    # Its first slice lies unmoved at the bottom of the grid, or at the top, wherever the tilt has it.
    by_place = sorted(
        (pydicom.dcmread(path) for path in (ct / "dicom_series_head_ct_GE").glob("*.dcm")),
        key=lambda ds: float(ds.ImagePositionPatient[2]),
    )
    picture = by_place[0]
    corner = volume.grid.to_index([float(x) for x in picture.ImagePositionPatient])
    assert np.allclose(corner, np.rint(corner), atol=1e-3)
    top = round(float(corner[1]))
    shown = volume.voxels[0, top : top + 512]
    scanned = shown != OUTSIDE
    assert scanned.mean() > 0.7
    assert np.array_equal(shown[scanned], picture.pixel_array[scanned])


@pytest.mark.data
def test_a_functional_series_has_moments(ct: Path) -> None:
    series = load_series(folder_sources(ct / "dicom_series_brain_mr_fmri_GE"), Job(), free=PLENTY)
    assert (series.count, series.moments, series.findings) == (15, 3, ())
    assert len({volume.voxels.tobytes() for volume in series.volumes}) == 3


@pytest.mark.data
def test_a_brain_lies_as_its_files_say(ct: Path) -> None:
    folder = ct / "dicom_series_brain_mr_t1"
    series = load_series(folder_sources(folder), Job(), free=PLENTY)
    volume = series.volumes[0]
    for path in folder.iterdir():
        if path.suffix == ".txt":
            continue
        ds = pydicom.dcmread(path)
        index = np.rint(volume.grid.to_index([float(x) for x in ds.ImagePositionPatient])).astype(int)
        assert tuple(index[1:]) == (0, 0)
        assert np.array_equal(volume.voxels[index[0]], ds.pixel_array)


@pytest.mark.data
def test_multi_frame_files_are_volumes_or_say_why_not(shared_data: Path) -> None:
    files = shared_data / "dicom_conformance" / "files"
    placed = load_series([partial(opened, files / "dcmqi__mf.dcm")], Job(), free=PLENTY)
    assert placed.volumes[0].shape == (3, 38, 23)
    nowhere = load_series([partial(opened, files / "pydicom-data__emri_small_RLE.dcm")], Job(), free=PLENTY)
    assert [f.kind for f in nowhere.refusals] == [StackFindingKind.NO_GEOMETRY]
    assert nowhere.read_slice(9, 0).shape == (1, 64, 64)
    with pytest.raises(UserFacingError):
        first_slice(partial(opened, files / "dicomParser__report_dfl"))
