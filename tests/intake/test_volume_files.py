"""NIfTI, NRRD and MetaImage as volumes: where each voxel lies and what it says, against ITK, which wrote the files."""

import io
import struct
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from desktop.errors import UserFacingError
from desktop.imaging.orientation import View, letters, plane_of
from desktop.imaging.reslice import Slicer, SliceRequest, cut, frame_of
from desktop.imaging.volume import OUTSIDE, Volume
from desktop.imaging.volume_stack import StackFindingKind
from desktop.intake.folder import DiskSource, gather
from desktop.intake.folder_content import read_content
from desktop.intake.folder_index import index_folder
from desktop.intake.series_memory import RESERVE
from desktop.intake.volume_bundle import BUNDLE, is_bundle
from desktop.intake.volume_loading import count_slices, load_volume, middle_slice
from desktop.jobs import Job
from desktop.records import Modality, VoiWindow
from tests.imaging.volume_phantom import MARKERS, grid_around, phantom

PLENTY = 1 << 40
ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr")
TURNED = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
"""Directions of the axes as ITK has them, a matrix row by row: turned about the length of the body."""


def asymmetric(dtype: str = "int16", shape: tuple[int, int, int] = (6, 8, 10)) -> np.ndarray[Any, Any]:
    """Every value another one."""
    return np.arange(np.prod(shape)).astype(dtype).reshape(shape)


def image_of(values: np.ndarray[Any, Any], direction: tuple[float, ...] = TURNED) -> Any:
    """An ITK image with spacings all different, away from the origin."""
    image: Any = SimpleITK.GetImageFromArray(values)
    image.SetSpacing((0.5, 0.75, 2.0))
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection(direction)
    return image


def source(path: Path) -> Any:
    """What opens a file: two files as the clinic keeps them."""
    content = read_content(DiskSource(path, path.stat().st_size), Job())
    assert content.data is not None
    return partial(io.BytesIO, content.data)


def loaded(path: Path) -> Volume:
    """The one volume of a file."""
    series = load_volume(source(path), path.name, Job(), free=PLENTY)
    assert (series.moments, series.refusals) == (1, ())
    return series.volumes[0]


def stored(path: Path, image: Any) -> Path:
    """Written by ITK."""
    SimpleITK.WriteImage(image, str(path))
    return path


def reason(data: bytes) -> str:
    """Why bytes are no volume."""
    with pytest.raises(UserFacingError) as refused:
        load_volume(partial(io.BytesIO, data), "", Job(), free=PLENTY)
    return refused.value.key


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("direction", [TURNED, (0, 0, 1, 1, 0, 0, 0, -1, 0)])
def test_every_voxel_lies_where_itk_has_it(tmp_path: Path, ending: str, direction: tuple[float, ...]) -> None:
    values = asymmetric()
    image = image_of(values, tuple(float(part) for part in direction))
    volume = loaded(stored(tmp_path / f"one{ending}", image))
    for index in np.ndindex(*values.shape):
        point = image.TransformIndexToPhysicalPoint([int(part) for part in reversed(index)])
        assert volume.value_at(point) == values[index]
    assert sorted(volume.grid.spacing) == pytest.approx([0.5, 0.75, 2.0])


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "float32", "float64"])
def test_every_kind_of_value_keeps_its_meaning(tmp_path: Path, ending: str, dtype: str) -> None:
    values = (np.arange(480).reshape(6, 8, 10) * 17 % 251 - (120 if dtype == "int8" else 0)).astype(dtype)
    values[0, 0, 0] = np.iinfo(dtype).max if values.dtype.kind in "iu" else 0.25
    volume = loaded(stored(tmp_path / f"one{ending}", image_of(values)))
    meant = np.sort(volume.voxels.astype(np.float64).ravel() * volume.slope + volume.intercept)
    assert meant == pytest.approx(np.sort(values.astype(np.float64).ravel()), rel=1e-6)
    assert volume.voxels.dtype == (np.int16 if values.dtype.itemsize <= 2 else np.float32)


def test_an_oblique_plane_is_that_of_itk(tmp_path: Path) -> None:
    grid = grid_around((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    image: Any = SimpleITK.GetImageFromArray(phantom(grid).voxels)
    image.SetSpacing((2.0, 2.0, 2.0))
    image.SetOrigin(grid.origin)
    volume = loaded(stored(tmp_path / "phantom.nii.gz", image))
    plane = plane_of(View.CORONAL, volume.grid, (3.0, -5.0, 7.0)).turned((0.0, 0.0, 1.0), 30.0)
    plane = plane.turned(plane.right, 20.0)
    frame = frame_of(volume, plane)
    mine = cut(volume, frame)
    directions = np.array([plane.right, plane.down, plane.normal]).T.ravel().tolist()
    itk: Any = SimpleITK
    transform = itk.Transform()
    theirs: Any = SimpleITK.Resample(
        image,
        [frame.columns, frame.rows, 1],
        transform,
        SimpleITK.sitkLinear,
        list(frame.origin),
        [frame.pixel_mm, frame.pixel_mm, 1.0],
        directions,
        float(OUTSIDE),
        SimpleITK.sitkFloat32,
    )
    expected = SimpleITK.GetArrayFromImage(theirs)[0]
    both = (expected != OUTSIDE) & (mine.inside if mine.inside is not None else True)
    assert both.mean() > 0.5
    assert np.abs(expected[both] - mine.values[both]).max() < 0.05


@pytest.mark.parametrize("ending", [".nii", ".nrrd", ".mha"])
def test_the_body_is_the_right_way_round(tmp_path: Path, ending: str) -> None:
    grid = grid_around((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))  # a sagittal scan
    image: Any = SimpleITK.GetImageFromArray(phantom(grid).voxels)
    image.SetSpacing((2.0, 2.0, 2.0))
    image.SetOrigin(grid.origin)
    image.SetDirection(np.column_stack([grid.units[:, 2], grid.units[:, 1], grid.units[:, 0]]).ravel().tolist())
    volume = loaded(stored(tmp_path / f"phantom{ending}", image))
    for letter, (place, value) in MARKERS.items():
        assert volume.value_at(place) == value
        assert letters(place) == letter
    axial = SliceRequest(1, volume, plane_of(View.AXIAL, volume.grid, (0.0, 0.0, 0.0)), VoiWindow(500, 1000))
    light = Slicer().render(axial).light
    rows, columns = light.shape
    # Seen from the feet: the patient's left is at the right, the back below.
    assert light[rows // 2, columns // 2 + 15] > light[rows // 2, columns // 2 - 15]
    assert light[rows // 2 + 15, columns // 2] > light[rows // 2 - 15, columns // 2]


def nifti(tmp_path: Path, change: "dict[int, tuple[str, Any]]", values: np.ndarray[Any, Any] | None = None) -> bytes:
    """A file of ITK's with some fields of its header (by their place) changed."""
    path = stored(tmp_path / "plain.nii", image_of(asymmetric() if values is None else values))
    data = bytearray(path.read_bytes())
    for place, (form, value) in change.items():
        struct.pack_into(f"<{form}", data, place, *(value if isinstance(value, tuple) else (value,)))
    return bytes(data)


def test_quaternion_and_matrix_agree_and_either_is_enough(tmp_path: Path) -> None:
    both = load_volume(partial(io.BytesIO, nifti(tmp_path, {})), "", Job()).volumes[0].grid
    for forms in ((1, 0), (0, 1)):
        one = load_volume(partial(io.BytesIO, nifti(tmp_path, {252: ("2h", forms)})), "", Job()).volumes[0].grid
        assert np.allclose(one.steps, both.steps, atol=1e-5)
        assert one.origin == pytest.approx(both.origin, abs=1e-4)


def test_other_units_become_millimetres(tmp_path: Path) -> None:
    plain = load_volume(partial(io.BytesIO, nifti(tmp_path, {})), "", Job()).volumes[0].grid
    for unit, factor in ((1, 1000.0), (3, 0.001)):
        steps = struct.unpack_from("<12f", nifti(tmp_path, {}), 280)
        changed = nifti(tmp_path, {123: ("B", unit), 280: ("12f", tuple(value / factor for value in steps))})
        grid = load_volume(partial(io.BytesIO, changed), "", Job()).volumes[0].grid
        assert np.allclose(grid.steps, plain.steps, rtol=1e-4)


def test_a_file_that_says_nothing_of_the_body_shows_slices_only(tmp_path: Path) -> None:
    series = load_volume(partial(io.BytesIO, nifti(tmp_path, {252: ("2h", (0, 0))})), "", Job())
    assert [finding.kind for finding in series.refusals] == [StackFindingKind.NO_GEOMETRY]
    assert (series.count, series.positions) == (6, ())
    values = asymmetric()
    assert all(np.array_equal(series.read_slice(number, 0).voxels[0], values[number]) for number in range(6))


def test_slices_that_lean_are_resampled_upright(tmp_path: Path) -> None:
    values = np.zeros((9, 24, 24), np.int16)
    values[:, 8:16, 8:16] = 100
    path = stored(tmp_path / "one.nii", image_of(values, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)))
    data = bytearray(path.read_bytes())
    lean = list(struct.unpack_from("<12f", data, 280))
    lean[6] += 0.3  # each slice moves 0.3 mm towards the front (RAS)
    struct.pack_into("<12f", data, 280, *lean)
    struct.pack_into("<2h", data, 252, 0, 1)
    series = load_volume(partial(io.BytesIO, bytes(data)), "", Job())
    assert [finding.kind for finding in series.findings] == [StackFindingKind.TILT]
    volume = series.volumes[0]
    # The middle of the square of the first and of the last slice, by the file's own matrix.
    rows = np.array(lean).reshape(3, 4)
    for number in (0, 8):
        x, y, z = rows @ np.array([11.5, 11.5, number, 1.0])
        assert volume.value_at((-x, -y, z)) == pytest.approx(100)
    assert volume.padded


def test_moments_follow_one_another(tmp_path: Path) -> None:
    moments = [asymmetric() + 1000 * number for number in range(3)]
    for ending in (".nii.gz", ".mha", ".nrrd"):
        itk: Any = SimpleITK
        joined = itk.JoinSeries([image_of(one) for one in moments], 0.0, 2.5)
        path = stored(tmp_path / f"four{ending}", joined)
        series = load_volume(source(path), "", Job())
        if ending == ".nrrd":  # written without the name of a space, so nothing says which way the body lies
            assert [finding.kind for finding in series.refusals] == [StackFindingKind.NO_GEOMETRY]
            assert int(series.read_slice(2, 1).voxels[0, 0, 0]) == int(moments[1][2, 0, 0])
            continue
        assert (series.moments, series.count) == (3, 6)
        ordered = [float(volume.voxels.mean()) for volume in series.volumes]
        assert ordered == pytest.approx([float(one.mean()) for one in moments])


def test_what_is_no_number_is_no_voxel(tmp_path: Path) -> None:
    values = asymmetric("float32")
    values[2, 3, 4] = np.nan
    image = image_of(values)
    volume = loaded(stored(tmp_path / "holes.nii", image))
    assert volume.padded
    assert volume.value_at(image.TransformIndexToPhysicalPoint([4, 3, 2])) is None
    assert volume.value_at(image.TransformIndexToPhysicalPoint([5, 3, 2])) == values[2, 3, 5]


def test_with_little_memory_every_second_slice_then_one_at_a_time(tmp_path: Path) -> None:
    values = asymmetric(shape=(10, 300, 300))
    opens = source(stored(tmp_path / "large.nii", image_of(values)))
    half = load_volume(opens, "", Job(), free=RESERVE + values.nbytes * 6 // 10)
    assert half.volumes[0].shape == (5, 300, 300)
    assert half.findings[-1].kind is StackFindingKind.THINNED
    none = load_volume(opens, "", Job(), free=RESERVE)
    assert none.volumes == ()
    assert [finding.kind for finding in none.refusals] == [StackFindingKind.NO_MEMORY]
    assert np.array_equal(none.read_slice(7, 0).voxels[0], values[7])
    assert middle_slice(opens).shape == (1, 300, 300)
    assert count_slices(opens) == 10


def test_colours_and_vectors_are_refused(tmp_path: Path) -> None:
    image: Any = SimpleITK.GetImageFromArray(np.zeros((4, 5, 6, 3), np.float32), isVector=True)
    path = stored(tmp_path / "field.nrrd", image)
    assert reason(path.read_bytes()) == "intake.several_values"
    with pytest.raises(UserFacingError, match="several_values"):
        read_content(DiskSource(path, path.stat().st_size), Job())


class TestBringingIn:
    @pytest.mark.parametrize(("ending", "voxels"), [(".mhd", ".raw"), (".nhdr", ".raw"), (".hdr", ".img")])
    def test_two_files_are_kept_as_one_whichever_is_chosen(self, tmp_path: Path, ending: str, voxels: str) -> None:
        path = stored(tmp_path / f"pair{ending}", image_of(asymmetric()))
        contents = [
            read_content(DiskSource(one, one.stat().st_size), Job()) for one in (path, path.with_suffix(voxels))
        ]
        assert contents[0].data == contents[1].data
        assert (contents[0].media_type, contents[0].header.modality) == (BUNDLE, Modality.VOLUME)
        assert contents[0].data is not None
        assert is_bundle(contents[0].data[:4096])
        with zipfile.ZipFile(io.BytesIO(contents[0].data)) as bundle:
            assert bundle.namelist() == [f"pair{ending}", f"pair{voxels}"]
        # What was kept can be brought in again, and stays the same file.
        again = tmp_path / "kept.zip"
        again.write_bytes(contents[0].data)
        with gather([again], Job()) as gathered:
            assert read_content(gathered.sources[0], Job()).data == contents[0].data

    def test_a_folder_and_an_archive_list_a_pair_once(self, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        stored(folder / "pair.mhd", image_of(asymmetric()))
        stored(folder / "alone.nii.gz", image_of(asymmetric()))
        archive = tmp_path / "files.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            for path in folder.iterdir():
                packed.write(path, f"inner/{path.name}")
        for chosen in (folder, archive):
            with gather([chosen], Job()) as gathered:
                index = index_folder(gathered, Job())
                assert (index.not_taken, index.strangers) == ((), ())
                sources = index.patients[0].studies[0].sources
                assert index.patients[0].studies[0].modalities == ("VOLUME",)
                assert sorted(one.name.rpartition("/")[2] for one in sources) == ["alone.nii.gz", "pair.mhd"]
                for one in sources:
                    content = read_content(one, Job())
                    assert content.data is not None
                    series = load_volume(partial(io.BytesIO, content.data), "", Job())
                    assert series.volumes[0].shape == (6, 8, 10)
                    assert content.header.description == one.name.rpartition("/")[2]

    @pytest.mark.parametrize("ending", [".nii.gz", ".mha"])
    def test_a_packed_file_that_ends_early_is_not_kept(self, tmp_path: Path, ending: str) -> None:
        random = np.random.default_rng(5).integers(0, 9999, (20, 30, 40)).astype(np.int16)
        path = tmp_path / f"torn{ending}"
        SimpleITK.WriteImage(image_of(random), str(path), useCompression=True)
        path.write_bytes(path.read_bytes()[:-2000])
        with pytest.raises(UserFacingError) as refused:
            read_content(DiskSource(path, path.stat().st_size), Job())
        assert refused.value.key in ("intake.truncated", "intake.damaged")


class TestHostileHeaders:
    def test_sizes_are_weighed_before_memory_is_asked_for(self, tmp_path: Path) -> None:
        assert reason(nifti(tmp_path, {42: ("3h", (512, 512, 4000))})) == "intake.truncated"
        assert reason(nifti(tmp_path, {42: ("3h", (20000, 20000, 2))})) == "intake.too_many_pixels"
        # A slice of float64 that would be 700 MB.
        assert reason(nifti(tmp_path, {42: ("3h", (9500, 9500, 1)), 70: ("2h", (64, 64))})) == "intake.too_many_pixels"
        head = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 9000 9000 100\nencoding: gzip\nendian: little\n\n"
        assert reason(head) == "intake.too_large"
        # Two thousand million slices of one voxel each, all of it within the bytes a volume may have.
        assert reason(head.replace(b"9000 9000 100", b"1 1 2000000000")) == "intake.too_many_slices"

    def test_changed_bytes_give_a_volume_or_a_sentence(self, tmp_path: Path) -> None:
        random = np.random.default_rng(7)
        whole = [source(stored(tmp_path / f"one{ending}", image_of(asymmetric())))().read() for ending in ENDINGS]
        kinds = set()
        for _ in range(60):
            for data in whole:
                changed = bytearray(data)
                for place in random.integers(0, min(len(changed), 600), 3):
                    changed[place] = random.integers(0, 256)
                try:
                    series = load_volume(partial(io.BytesIO, bytes(changed)), "", Job(), free=1 << 30)
                    series.read_slice(series.count - 1, series.moments - 1)
                    kinds.add("read")
                except UserFacingError as error:
                    kinds.add(error.key)
        assert {"read", "intake.damaged"} <= kinds
