"""What a volume viewer shows, as one frozen value. Pure: no Qt.

A pane's coordinates are millimetres in its plane from the middle of the volume, x to the right, y down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from desktop.imaging.orientation import Plane, View, dot, plane_of, view_of
from desktop.imaging.slab import THIN, Slab
from desktop.imaging.volume import Vector, Volume, VolumeGrid, as_vector
from desktop.imaging.volume_series import VolumeSeries
from desktop.records import VoiWindow

MAX_ZOOM, MIN_ZOOM = 20.0, 0.2
MAX_ANGLE = 180.0


class PaneKind(StrEnum):
    """What a pane shows; SLICES is the files' own slices, one after the other."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"
    OBLIQUE = "oblique"
    SLICES = "slices"


PLANES = (PaneKind.AXIAL, PaneKind.CORONAL, PaneKind.SAGITTAL, PaneKind.OBLIQUE)


@dataclass(frozen=True)
class PaneZoom:
    """factor: 1 shows all of the volume. middle: what lies in the middle of the pane, in its coordinates."""

    factor: float = 1.0
    middle: tuple[float, float] = (0.0, 0.0)

    def zoomed(self, factor: float, anchor: tuple[float, float]) -> "PaneZoom":
        """Larger or smaller, the point `anchor` (pane coordinates) staying where it is."""
        wanted = min(max(self.factor * factor, MIN_ZOOM), MAX_ZOOM)
        share = self.factor / wanted
        x, y = (a + (m - a) * share for a, m in zip(anchor, self.middle, strict=True))
        return PaneZoom(wanted, (x, y))

    def panned(self, dx: float, dy: float) -> "PaneZoom":
        """Moved by millimetres: what is seen moves right and down."""
        return replace(self, middle=(self.middle[0] - dx, self.middle[1] - dy))


@dataclass(frozen=True)
class VolumeState:
    """cross: where the crosshair is, LPS millimetres; the planes go through it. angles: of the oblique plane in
    degrees, about the vertical and about its own horizontal. alone: only the active pane is shown, large. number: of
    the slice on show where there is no volume. opacity: of the overlay, 0 to 1. turning: the oblique pane shows all of
    the volume, the brightest along each line of sight."""

    cross: Vector
    window: VoiWindow
    slab: Slab = THIN
    moment: int = 0
    angles: tuple[float, float] = (45.0, 0.0)
    active: PaneKind = PaneKind.AXIAL
    alone: bool = False
    inverted: bool = False
    crosshair: bool = True
    opacity: float = 0.4
    number: int = 0
    turning: bool = False
    zooms: Mapping[PaneKind, PaneZoom] = field(default_factory=lambda: MappingProxyType({}))

    def whole(self, kind: PaneKind) -> bool:
        """Whether a pane shows no plane but all of the volume."""
        return self.turning and kind is PaneKind.OBLIQUE

    def zoom(self, kind: PaneKind) -> PaneZoom:
        """How large a pane shows its plane."""
        return self.zooms.get(kind, PaneZoom())

    def with_zoom(self, kind: PaneKind, zoom: PaneZoom) -> "VolumeState":
        """One pane larger, smaller or moved."""
        return replace(self, zooms=MappingProxyType({**self.zooms, kind: zoom}))


def first_state(series: VolumeSeries, window: VoiWindow) -> VolumeState:
    """How a series is first shown: its middle, in the plane it was scanned in."""
    if not series.solid:
        return VolumeState((0.0, 0.0, 0.0), window, active=PaneKind.SLICES, alone=True, number=series.count // 2)
    volume = series.volumes[0]
    return VolumeState(volume.middle, window, active=PaneKind(view_of(volume.grid).value))


def plane_for(kind: PaneKind, volume: Volume, state: VolumeState) -> Plane:
    """The plane a pane shows."""
    if kind is PaneKind.SLICES:
        return plane_of(view_of(volume.grid), volume.grid, volume.middle)
    if kind is not PaneKind.OBLIQUE:
        return plane_of(View(kind.value), volume.grid, state.cross)
    base = plane_of(View.CORONAL, volume.grid, state.cross)
    once = base.turned(base.down, state.angles[0])
    return once.turned(once.right, state.angles[1])


def centre_of(volume: Volume) -> Vector:
    """The middle of a volume's block, LPS millimetres: where pane coordinates begin."""
    return _centre(volume.grid, volume.shape)


@lru_cache(maxsize=64)
def _centre(grid: VolumeGrid, shape: tuple[int, int, int]) -> Vector:
    return as_vector(grid.to_patient([(size - 1) / 2 for size in shape]))


def in_pane(point: Vector, plane: Plane, centre: Vector) -> tuple[float, float]:
    """An LPS point in a pane's coordinates, moved onto its plane."""
    away = (point[0] - centre[0], point[1] - centre[1], point[2] - centre[2])
    return dot(away, plane.right), dot(away, plane.down)


def in_patient(x: float, y: float, plane: Plane, centre: Vector) -> Vector:
    """The LPS point of a plane under a pane coordinate."""
    base = np.array(centre)
    normal = np.array(plane.normal)
    onto = base + normal * float((np.array(plane.centre) - base) @ normal)
    return as_vector(onto + x * np.array(plane.right) + y * np.array(plane.down))


def extent(kind: PaneKind, volume: Volume, state: VolumeState) -> tuple[float, float]:
    """Millimetres a fitted pane must show, across and down. An oblique plane keeps one size while it is turned."""
    return _extent(kind, volume.grid, volume.shape, state.whole(kind))


@lru_cache(maxsize=64)
def _extent(kind: PaneKind, grid: VolumeGrid, shape: tuple[int, int, int], whole: bool) -> tuple[float, float]:
    lengths = np.array(grid.spacing) * shape
    if whole:
        diagonal = float(np.linalg.norm(lengths))
        return diagonal, diagonal
    if kind is PaneKind.OBLIQUE:
        side = float(np.sort(lengths)[-2:].max())
        return side, side
    view = view_of(grid) if kind is PaneKind.SLICES else View(kind.value)
    plane = plane_of(view, grid, grid.origin)
    across, down = (np.abs(grid.units.T @ np.array(direction)) @ lengths for direction in (plane.right, plane.down))
    return float(across), float(down)


def step_along(plane: Plane, volume: Volume) -> float:
    """Millimetres from one picture to the next: the volume's own spacing along an axis, the finest across it."""
    shares = np.abs(volume.grid.units.T @ np.array(plane.normal))
    axis = int(np.argmax(shares))
    return volume.grid.spacing[axis] if shares[axis] > 1 - 1e-6 else min(volume.grid.spacing)


def scrolled(state: VolumeState, kind: PaneKind, volume: Volume, steps: int) -> VolumeState:
    """The crosshair some pictures further along a pane's plane: towards the head, the back and the left; it stays in
    the volume."""
    plane = plane_for(kind, volume, state)
    normal = np.array(plane.normal)
    towards = normal * np.sign(normal[int(np.argmax(np.abs(normal)))])
    moved = np.array(state.cross) + towards * steps * step_along(plane, volume)
    return replace(state, cross=clamped(as_vector(moved), volume))


def clamped(point: Vector, volume: Volume) -> Vector:
    """The nearest place among the voxel centres' box."""
    index = np.clip(volume.grid.to_index(point), 0, np.array(volume.shape) - 1)
    return as_vector(volume.grid.to_patient(index))


def snapped(point: Vector, volume: Volume) -> Vector:
    """The nearest voxel centre: planes through it need no blending."""
    index = np.clip(np.rint(volume.grid.to_index(point)), 0, np.array(volume.shape) - 1)
    return as_vector(volume.grid.to_patient(index))


def slice_place(kind: PaneKind, volume: Volume, state: VolumeState) -> tuple[int, int] | None:
    """Which picture along an axis it is and of how many, counted from 1; None for an oblique plane."""
    plane = plane_for(kind, volume, state)
    shares = volume.grid.units.T @ np.array(plane.normal)
    axis = int(np.argmax(np.abs(shares)))
    if abs(shares[axis]) < 1 - 1e-6:
        return None
    index = round(float(volume.grid.to_index(state.cross)[axis]))
    size = volume.shape[axis]
    # Counted the way scrolling goes: towards the head, the back, the left.
    unit = volume.grid.units[:, axis]
    onward = unit[int(np.argmax(np.abs(unit)))] > 0
    return (index + 1 if onward else size - index), size
