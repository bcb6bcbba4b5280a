"""Segmentations other programs wrote: dcmqi, highdicom, 3D Slicer's library, in every transfer syntax there is."""

from pathlib import Path

import pytest

from desktop.errors import UserFacingError
from desktop.imaging.volume_mask import MaskLayer
from desktop.intake.segmentation import read_segmentation
from tests.intake.test_series_volume import opened

pytestmark = pytest.mark.data

LIVERS = ["pydicom-data__liver_deflate.dcm", "pydicom-data__liver_expb.dcm", "pydicom-data__liver_j2k.dcm"]


def layers(folder: Path, name: str) -> tuple[MaskLayer, ...]:
    """The segments of a file."""
    with opened(folder / "dicom_conformance" / "files" / name) as stream:
        return read_segmentation(stream).layers


@pytest.mark.parametrize("name", [*LIVERS, "pydicom-data__liver_rle.dcm"])
def test_the_same_liver_in_every_coding(shared_data: Path, name: str) -> None:
    (liver,) = layers(shared_data, name)
    assert (liver.name, liver.volume.shape, int(liver.volume.voxels.sum())) == ("Liver", (3, 222, 272), 107098)


def test_frames_that_lie_apart_keep_their_distance(shared_data: Path) -> None:
    (sparse,) = layers(shared_data, "dcmqi__sparse-labelmap-noppv.dcm")  # slices 1 and 3 of three
    assert sparse.volume.shape == (3, 20, 20)
    assert [bool(one.any()) for one in sparse.volume.voxels] == [True, False, True]
    (tumour,) = layers(shared_data, "dcmqi__seg.dcm")
    assert (tumour.name, int(tumour.volume.voxels.sum())) == ("Neoplasm, Primary", 795)


@pytest.mark.parametrize("name", ["highdicom__seg_image_sm_dots_tiled_full.dcm", "highdicom__seg_image_cr_binary.dcm"])
def test_segments_of_films_and_slides_lie_in_no_volume(shared_data: Path, name: str) -> None:
    with pytest.raises(UserFacingError) as refused:
        layers(shared_data, name)
    assert refused.value.key == "volume.segmentation.geometry"
