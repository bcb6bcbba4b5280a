"""Letters and planes are the patient's, however the scanner lay and the patient in it."""

import math
from itertools import product

import numpy as np
import pytest

from desktop.imaging.orientation import Plane, View, edge_letters, letters, plane_of, true_plane, view_of
from desktop.imaging.reslice import Slicer, SliceRequest
from desktop.imaging.slab import Slab, SlabMode
from desktop.imaging.volume import Vector, VolumeGrid
from desktop.records import VoiWindow
from desktop.records.picture import Array
from tests.imaging.volume_phantom import MARKERS, grid_around, phantom

_TILT = math.radians(18.0)

SCANS: dict[str, tuple[Vector, Vector]] = {
    "axial, head first, on the back": ((1, 0, 0), (0, 1, 0)),
    "axial, head first, on the belly": ((-1, 0, 0), (0, -1, 0)),
    "axial, feet first, on the back": ((-1, 0, 0), (0, 1, 0)),
    "axial, feet first, on the belly": ((1, 0, 0), (0, -1, 0)),
    "axial, on the left side": ((0, 1, 0), (-1, 0, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "coronal from behind": ((-1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "sagittal from the right": ((0, -1, 0), (0, 0, -1)),
    "axial, tilted": ((1, 0, 0), (0, math.cos(_TILT), -math.sin(_TILT))),
    "axial, turned": ((math.cos(_TILT), math.sin(_TILT), 0), (-math.sin(_TILT), math.cos(_TILT), 0)),
}
VALUES = {letter: value for letter, (_, value) in MARKERS.items()}
WINDOW = VoiWindow(500.0, 1000.0, function="LINEAR_EXACT")
EXPECTED = {
    View.AXIAL: ("R", "A", "L", "P"),
    View.CORONAL: ("R", "H", "L", "F"),
    View.SAGITTAL: ("A", "H", "P", "F"),
}


def _marker_on_edge(light: Array, edge: int) -> float:
    """The brightest light in the quarter of a picture next to an edge: left, top, right, bottom; away from corners."""
    rows, columns = light.shape
    across, along = slice(columns // 3, 2 * columns // 3), slice(rows // 3, 2 * rows // 3)
    parts = (
        light[along, : columns // 4],
        light[: rows // 4, across],
        light[along, -(columns // 4) :],
        light[-(rows // 4) :, across],
    )
    return float(parts[edge].max())


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("askew", [False, True], ids=["along the scan", "along the patient"])
def test_the_letter_on_each_edge_is_that_of_the_marker_seen_there(scan: str, view: View, askew: bool) -> None:
    volume = phantom(grid_around(*SCANS[scan]))
    middle: Vector = (0.0, 0.0, 0.0)
    plane = true_plane(view, middle) if askew else plane_of(view, volume.grid, middle)
    # A slab, because the markers of a tilted scan lie beside its own planes.
    request = SliceRequest(1, volume, plane, WINDOW, Slab(SlabMode.MAXIMUM, 30.0))
    light = Slicer().render(request).light
    for edge, words in enumerate(edge_letters(plane)):
        assert words[0] == EXPECTED[view][edge]
        assert _marker_on_edge(light, edge) == pytest.approx(VALUES[words[0]] * 0.255, abs=4)


@pytest.mark.parametrize(
    ("scan", "view"),
    [("axial, feet first, on the belly", View.AXIAL), ("coronal", View.CORONAL), ("sagittal", View.SAGITTAL)],
)
def test_the_scan_names_its_own_plane(scan: str, view: View) -> None:
    assert view_of(grid_around(*SCANS[scan])) is view


def test_letters_name_what_matters_first() -> None:
    assert letters((1, 0, 0)) == "L"
    assert letters((0, 0.95, -0.31)) == "PF"
    assert letters((-0.6, 0.5, 0.62)) == "HRP"
    assert letters((0.999, 0.03, 0.03)) == "L"
    assert letters((0, 0, 0)) == ""


def test_a_thousand_small_turns_leave_a_plane_square() -> None:
    plane = Plane((0, 0, 0), (1, 0, 0), (0, 1, 0))
    for _ in range(1000):
        plane = plane.turned((0, 0.6, 0.8), 0.36)
    assert np.allclose(plane.right, (1, 0, 0), atol=1e-6)
    assert abs(float(np.dot(plane.right, plane.down))) < 1e-12


def test_planes_and_grids_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError):
        Plane((0, 0, 0), (1, 0, 0), (0.5, 0.5, 0))
    with pytest.raises(ValueError):
        VolumeGrid((0, 0, 0), (0, 0.3, 1), (0, 1, 0), (1, 0, 0))
    with pytest.raises(ValueError):
        VolumeGrid((0, 0, math.nan), (0, 0, 1), (0, 1, 0), (1, 0, 0))


def test_every_scan_shows_every_marker_somewhere() -> None:
    for scan, letter in product(SCANS, MARKERS):
        place, value = MARKERS[letter]
        assert phantom(grid_around(*SCANS[scan])).value_at(place) == value
