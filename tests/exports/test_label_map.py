"""Label maps of painted volumes, read by SimpleITK: every label where it was painted, in millimetres."""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from desktop.exports.label_map import nifti, nrrd
from desktop.imaging.volume import VolumeGrid
from desktop.records import Segmentation
from tests.exports.test_segmentation import SHAPE, painted

# Turned by 30 degrees about the body's axis, voxels of 0.5 x 0.8 x 3 mm, away from the middle.
GRID = VolumeGrid(
    (-12.5, 40.25, -300.0),
    (0.0, 0.0, 3.0),
    (-0.8 * 0.5, 0.8 * float(np.sqrt(0.75)), 0.0),
    (0.5 * float(np.sqrt(0.75)), 0.5 * 0.5, 0.0),
)


@pytest.fixture(scope="module")
def record() -> Segmentation:
    return painted(GRID)[1]


@pytest.mark.parametrize("ending", ["nrrd", "nii.gz", "nii"])
def test_every_label_lies_where_it_was_painted(tmp_path: Path, record: Segmentation, ending: str) -> None:
    path = tmp_path / f"mask.{ending}"
    data = nrrd(record) if ending == "nrrd" else nifti(record)
    path.write_bytes(gzip.decompress(data) if ending == "nii" else data)
    tools: Any = SimpleITK  # half of it has types
    image = tools.ReadImage(str(path))
    values = tools.GetArrayFromImage(image)
    assert (values.shape, values.dtype) == (SHAPE, np.uint8)
    assert [int((values == number).sum()) for number in (1, 2)] == [143, 63]
    assert [values[3, 6, 5], values[7, 15, 10], values[0, 0, 0]] == [0, 2, 0]
    for index in ((0, 0, 0), (5, 6, 3), (19, 23, 8)):
        x, y, z = index
        steps = np.array([GRID.across, GRID.down, GRID.through]).T
        there = np.array(GRID.origin) + steps @ (x, y, z)
        assert np.allclose(image.TransformIndexToPhysicalPoint(index), there, atol=1e-4)
    assert np.allclose(image.GetSpacing(), (0.5, 0.8, 3.0), atol=1e-6)


def test_names_and_colours_go_along_with_nrrd(record: Segmentation) -> None:
    odd = replace(record, segments=(replace(record.segments[0], name="a\\b\nc"), record.segments[1]))
    head = nrrd(odd).partition(b"\n\n")[0].decode()
    assert "Segment0_Name:=a\\\\b c" in head
    assert "Segment1_Name:=Cyst\nSegment1_Color:=0.337255 0.705882 0.913725\nSegment1_LabelValue:=2" in head


def test_what_nifti_cannot_say_is_refused(record: Segmentation) -> None:
    with pytest.raises(ValueError, match="too many"):
        nifti(replace(record, shape=(9, 24, 40_000)))
