"""Which way is which in the patient: letters on a picture's edges, and the planes a doctor asks for by name.

Pictures are shown as radiology has them: an axial one seen from the feet, a coronal one from the front, a sagittal one
from the patient's left. L left, R right, A front, P back, H head, F feet (PS3.3 C.7.6.1.1.1), always the patient's.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import permutations

import numpy as np
import numpy.typing as npt

from desktop.imaging.volume import Vector, VolumeGrid, as_vector

_LETTERS = (("R", "L"), ("A", "P"), ("F", "H"))
_FAINT = 0.08
"""Below this share (some 5°) a direction's further letters are left out."""


class View(StrEnum):
    """The three planes of a patient."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


_WANTED: dict[View, tuple[Vector, Vector]] = {
    View.AXIAL: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    View.CORONAL: ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    View.SAGITTAL: ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}
"""To the right and down on the screen, LPS."""


@dataclass(frozen=True)
class Plane:
    """A plane through the patient as it is looked at. centre: a point on it, LPS millimetres. right, down: unit
    vectors along the screen, perpendicular to one another. Raises ValueError otherwise."""

    centre: Vector
    right: Vector
    down: Vector

    def __post_init__(self) -> None:
        lengths = abs(math.hypot(*self.right) - 1), abs(math.hypot(*self.down) - 1)
        if max(*lengths, abs(dot(self.right, self.down))) > 1e-6:
            raise ValueError("the directions of a plane are perpendicular and of length 1")

    @cached_property
    def normal(self) -> Vector:
        """Away from who looks, of length 1."""
        return cross(self.right, self.down)

    def through(self, centre: Vector) -> "Plane":
        """The parallel plane through another point."""
        return Plane(centre, self.right, self.down)

    def turned(self, axis: Vector, degrees: float) -> "Plane":
        """Turned about an axis (unit vector) through its centre, right-handed."""
        right, down = turned(self.right, axis, degrees), turned(self.down, axis, degrees)
        # Kept square: a thousand small turns must not add up to a skewed picture.
        r = _unit(right)
        share = dot(down, r)
        return Plane(self.centre, r, _unit((down[0] - share * r[0], down[1] - share * r[1], down[2] - share * r[2])))


def turned(vector: Vector, axis: Vector, degrees: float) -> Vector:
    """A vector turned about an axis (unit vector) through the origin, right-handed (Rodrigues)."""
    angle = math.radians(degrees)
    same, aside = math.cos(angle), math.sin(angle)
    along, across = dot(axis, vector) * (1 - same), cross(axis, vector)
    x, y, z = (v * same + c * aside + k * along for v, c, k in zip(vector, across, axis, strict=True))
    return x, y, z


def cross(one: Vector, two: Vector) -> Vector:
    """The vector product. Plain numbers, as here and below: a pane asks for dozens of these each time it is painted,
    and an array of three takes twenty times as long."""
    (a, b, c), (x, y, z) = one, two
    return b * z - c * y, c * x - a * z, a * y - b * x


def dot(one: Vector, two: Vector) -> float:
    """The scalar product."""
    return one[0] * two[0] + one[1] * two[1] + one[2] * two[2]


def _unit(vector: Vector) -> Vector:
    length = math.hypot(*vector)
    return vector[0] / length, vector[1] / length, vector[2] / length


def letters(direction: npt.ArrayLike) -> str:
    """Where a direction in LPS points in the patient, the strongest part first: `L`, `AH`, `PFR`; empty for none."""
    x = np.asarray(direction, dtype=np.float64)
    length = float(np.linalg.norm(x))
    if length == 0:
        return ""
    shares = x / length
    order = sorted(range(3), key=lambda axis: -abs(shares[axis]))
    return "".join(_LETTERS[axis][int(shares[axis] > 0)] for axis in order if abs(shares[axis]) > _FAINT)


def edge_letters(plane: Plane) -> tuple[str, str, str, str]:
    """The letters of a picture's left, top, right and bottom edge."""
    right, down = np.array(plane.right), np.array(plane.down)
    return letters(-right), letters(-down), letters(right), letters(down)


def plane_of(view: View, grid: VolumeGrid, centre: Vector) -> Plane:
    """The plane of that name along the volume's own axes, so that nothing is interpolated that need not be.

    Of a scan that lies askew in the patient these are the nearest planes; the letters on the edges say how askew.
    """
    return Plane(centre, *_directions(view, grid))


def true_plane(view: View, centre: Vector) -> Plane:
    """The plane of that name along the patient's axes, whatever the scan's are."""
    right, down = _WANTED[view]
    return Plane(centre, right, down)


def view_of(grid: VolumeGrid) -> View:
    """Which plane the slices of a scan are nearest to."""
    return {0: View.SAGITTAL, 1: View.CORONAL, 2: View.AXIAL}[_axes(grid).index(0)]


@lru_cache(maxsize=64)
def _directions(view: View, grid: VolumeGrid) -> tuple[Vector, Vector]:
    """To the right and down on the screen along a grid's own axes."""
    right, down = _WANTED[view]
    axes = _axes(grid)
    return _along(grid.units, axes, right), _along(grid.units, axes, down)


@lru_cache(maxsize=64)
def _axes(grid: VolumeGrid) -> tuple[int, int, int]:
    """Which index axis (0 slices, 1 rows, 2 columns) runs nearest along x, y and z; each is taken once."""
    shares = np.abs(grid.units)

    def fit(axes: tuple[int, ...]) -> float:
        return float(sum(shares[axis, axes[axis]] for axis in range(3)))

    best = max(permutations(range(3)), key=fit)
    return best[0], best[1], best[2]


def _along(units: npt.NDArray[np.float64], axes: tuple[int, int, int], wanted: Vector) -> Vector:
    patient = int(np.argmax(np.abs(wanted)))
    direction = units[:, axes[patient]]
    same = np.sign(direction[patient]) == np.sign(wanted[patient])
    return as_vector(direction if same else -direction)
