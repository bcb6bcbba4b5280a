"""What somebody draws on in a volume: one of the scan's own pictures, or a plane that was cut out of it.

Only a picture keeps a drawing: its pixels are the file's, so other programs find it there again. What is measured on
a plane between pictures, across them or several voxels thick is true where it is drawn and belongs to no file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from desktop.imaging.frame_run import FramePlace
from desktop.imaging.geometry import Orientation, Point
from desktop.imaging.orientation import Plane, plane_of, view_of
from desktop.imaging.reslice import Slicer, SliceRequest, cut, frame_of
from desktop.imaging.slab import THIN, Slab
from desktop.imaging.volume import OUTSIDE, Vector, Volume, as_vector
from desktop.imaging.volume_series import SliceOrigin
from desktop.records import FileHeader, Modality, Photometric, Picture, Spacing, SpacingSource, VoiWindow
from desktop.records.picture import Array

_ON_PICTURE = 0.02
_NEAR_PICTURE = 0.5
"""How far from a picture a plane may lie and still show that picture alone, or it more than another: shares of the
distance of the volume's slices."""
_SAME_MM = 1e-3


@dataclass(frozen=True)
class Ground:
    """A raster in the patient: pixel (x, y), centres at integers, lies at origin + x * across + y * down, LPS
    millimetres. place: which picture of a file it is; None where it is none, and then slab and moment tell planes at
    one place from one another."""

    origin: Vector
    across: Vector
    down: Vector
    rows: int
    columns: int
    place: FramePlace | None = None
    slab: Slab = THIN
    moment: int = 0

    @property
    def plane(self) -> Plane:
        """The plane it lies in, as it is looked at."""
        right, down = np.array(self.across), np.array(self.down)
        return Plane(self.origin, as_vector(right / np.linalg.norm(right)), as_vector(down / np.linalg.norm(down)))

    def to_patient(self, point: Point) -> Vector:
        """Where a pixel lies."""
        across, down = np.array(self.across), np.array(self.down)
        return as_vector(np.array(self.origin) + point[0] * across + point[1] * down)

    def to_picture(self, point: Vector) -> Point:
        """The pixel at an LPS point, or before or behind which it lies; not clamped to the picture."""
        away = np.array(point) - np.array(self.origin)
        across, down = np.array(self.across), np.array(self.down)
        return float(away @ across / (across @ across)), float(away @ down / (down @ down))

    def clamped(self, point: Point) -> Point:
        """The nearest place on the picture."""
        return min(max(point[0], -0.5), self.columns - 0.5), min(max(point[1], -0.5), self.rows - 0.5)

    def same(self, other: "Ground") -> bool:
        """Whether what is drawn on one belongs on the other."""
        if self.place is not None or other.place is not None:
            return self.place == other.place
        if (self.slab, self.moment, self.rows, self.columns) != (
            other.slab,
            other.moment,
            other.rows,
            other.columns,
        ):
            return False
        pairs = ((self.origin, other.origin), (self.across, other.across), (self.down, other.down))
        return all(float(np.abs(np.subtract(one, two)).max()) < _SAME_MM for one, two in pairs)


@dataclass(frozen=True)
class Nearest:
    """The picture nearest to a plane. number: which of the series' pictures. alone: the plane shows it and nothing
    else. near: the plane shows it more than any other."""

    number: int
    alone: bool
    near: bool


def picture_near(volume: Volume, point: Vector, origins: Sequence[SliceOrigin | None]) -> Nearest | None:
    """Which picture is nearest to the plane along the slices through an LPS point; None where there are none."""
    at = float(volume.grid.to_index(point)[0])
    away = {number: abs(one.at - at) for number, one in enumerate(origins) if one is not None}
    if not away:
        return None
    number = min(away, key=lambda one: away[one])
    return Nearest(number, away[number] <= _ON_PICTURE, away[number] <= _NEAR_PICTURE + 1e-6)


def at_picture(volume: Volume, point: Vector, origin: SliceOrigin) -> Vector:
    """An LPS point moved across the slices onto a picture."""
    index = volume.grid.to_index(point)
    index[0] = origin.at
    return as_vector(volume.grid.to_patient(index))


def on_slice(volume: Volume, origin: SliceOrigin, place: FramePlace) -> Ground:
    """One of the scan's own pictures, in its file's own pixels."""
    first = as_vector(volume.grid.to_patient((origin.at, origin.down, origin.right)))
    return Ground(first, volume.grid.across, volume.grid.down, origin.rows, origin.columns, place)


def on_plane(volume: Volume, plane: Plane, slab: Slab, moment: int) -> Ground:
    """Any other plane, in pixels of the volume's finest spacing there."""
    frame = frame_of(volume, plane)
    across, down = (as_vector(np.array(way) * frame.pixel_mm) for way in (plane.right, plane.down))
    return Ground(frame.origin, across, down, frame.rows, frame.columns, None, slab, moment)


def plane_picture(volume: Volume, plane: Plane, slab: Slab) -> Picture:
    """What `on_plane` shows, to measure on: its pixels are as large as the volume's voxels say."""
    frame = frame_of(volume, plane)
    found = cut(volume, frame, slab)
    pixels: Array = found.values
    if found.inside is not None:
        pixels = np.where(found.inside, pixels, pixels.dtype.type(OUTSIDE))
    modality = Modality.CT if volume.unit == "HU" else Modality.VOLUME
    return Picture(
        pixels=pixels,
        photometric=Photometric.MONOCHROME1 if volume.inverted else Photometric.MONOCHROME2,
        header=FileHeader(modality),
        bits=16,
        slope=volume.slope,
        intercept=volume.intercept,
        pixel_padding=OUTSIDE if found.inside is not None else None,
        spacing=Spacing(frame.pixel_mm, frame.pixel_mm, SpacingSource.VOXELS),
    )


def lying(volume: Volume) -> Orientation:
    """How a slice's own pixels are turned to lie as the viewer has them."""
    plane = plane_of(view_of(volume.grid), volume.grid, volume.middle)
    wanted = []
    for axis in (2, 1):
        unit = volume.grid.units[:, axis]
        wanted.append((round(float(unit @ np.array(plane.right))), round(float(unit @ np.array(plane.down)))))
    every = (Orientation(turns, mirrored) for mirrored in (False, True) for turns in range(4))
    return next(one for one in every if [one.to_view((1, 0), 1, 1), one.to_view((0, 1), 1, 1)] == wanted)


@dataclass(frozen=True, eq=False)
class PrintedSlice:
    """A slice for the paper, lying as the viewer has it. light: (rows, columns) uint8."""

    light: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"
    volume: Volume
    plane: Plane

    def placed(self, point: Point) -> Point:
        """Where a pixel of the slice's file lies on it."""
        frame = frame_of(self.volume, self.plane)
        return frame.to_picture(as_vector(self.volume.grid.to_patient((0, point[1], point[0]))))


def printed(volume: Volume, window: VoiWindow, *, inverted: bool = False) -> PrintedSlice:
    """A volume of one slice as paper shows it."""
    plane = plane_of(view_of(volume.grid), volume.grid, volume.middle)
    image = Slicer().render(SliceRequest(0, volume, plane, window, inverted=inverted))
    return PrintedSlice(image.light, volume, plane)
