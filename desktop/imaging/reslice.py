"""Pictures cut out of a volume: a frozen request in, light out. Pure arrays; meant to run off the main thread.

Planes along the volume's axes are cut without touching more voxels than they show; oblique ones are sampled linearly
(nearest voxel for the least or the average of a padded volume, whose borders must not bleed in).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.imaging.orientation import Plane
from desktop.imaging.slab import THIN, Mask, Slab, SlabMode, across, gathered
from desktop.imaging.volume import OUTSIDE, Floats, Vector, Volume, as_vector
from desktop.imaging.window import apply_window
from desktop.records import VoiWindow
from desktop.records.picture import Array

Light = npt.NDArray[np.uint8]
Check = Callable[[], None]

_ALIGNED = 1e-6
_ON_VOXEL = 1e-4
_LARGEST_SIDE = 4096
_CODES = 65536
_DRAFT, _DRAFT_PIXELS, _DRAFT_LAYERS = 2, 40_000, 4


@dataclass(frozen=True)
class Frame:
    """The raster of a plane. origin: centre of its first pixel, LPS millimetres. pixel_mm: the side of its square
    pixels. Pixel coordinates are (x, y), x to the right, y down, centres at integers."""

    plane: Plane
    origin: Vector
    rows: int
    columns: int
    pixel_mm: float

    def coarser(self, factor: int) -> "Frame":
        """The same part of the plane in pixels `factor` times as large."""
        origin = self.to_patient((factor - 1) / 2, (factor - 1) / 2)
        rows, columns = -(-self.rows // factor), -(-self.columns // factor)
        return Frame(self.plane, origin, rows, columns, self.pixel_mm * factor)

    def to_patient(self, x: float, y: float) -> Vector:
        """A point of the picture in LPS millimetres."""
        right, down = np.array(self.plane.right), np.array(self.plane.down)
        return as_vector(np.array(self.origin) + (x * right + y * down) * self.pixel_mm)

    def to_picture(self, point: Vector) -> tuple[float, float]:
        """Where an LPS point lies on the picture, or would if it were moved onto its plane."""
        away = (np.array(point) - np.array(self.origin)) / self.pixel_mm
        return float(away @ np.array(self.plane.right)), float(away @ np.array(self.plane.down))

    def depth(self, point: Vector) -> float:
        """Millimetres from the plane to an LPS point, away from who looks."""
        return float((np.array(point) - np.array(self.origin)) @ np.array(self.plane.normal))


@dataclass(frozen=True, eq=False)
class SliceRequest:
    """What to cut. serial: grows with each request. window: in the volume's own values (HU of a CT). draft: while
    something is being dragged, an oblique plane may be coarser. whole: the brightest along each line of sight through
    all of the volume (`volume_turn`), not a plane."""

    serial: int
    volume: Volume
    plane: Plane
    window: VoiWindow
    slab: Slab = THIN
    inverted: bool = False
    draft: bool = False
    whole: bool = False


@dataclass(frozen=True, eq=False)
class SliceImage:
    """The answer. light: (rows, columns) uint8, 0 dark, also where there is no voxel."""

    request: SliceRequest
    frame: Frame
    light: Light


@dataclass(frozen=True, eq=False)
class Cut:
    """A plane's stored values, (rows, columns) int16 or float32, and where there are any (None: everywhere)."""

    values: Array
    inside: Mask | None


class Slicer:
    """Cuts for one pane. The newest cut is kept, so that another window costs a look-up and nothing else."""

    def __init__(self) -> None:
        self._key: tuple[Volume, Plane, Slab, bool, bool] | None = None
        self._copies: dict[bool, tuple[Volume, Volume]] = {}
        self._cut: tuple[Frame, Cut] | None = None
        self._table: tuple[tuple[VoiWindow, bool, float, float], Light] | None = None

    def render(self, request: SliceRequest, check: Check = lambda: None) -> SliceImage:
        """Cut and light. check: called between steps; may raise to cancel."""
        key = (request.volume, request.plane, request.slab, request.draft, request.whole)
        if self._cut is None or self._key is None or self._key[0] is not key[0] or self._key[1:] != key[1:]:
            frame, found = self._whole(request, check) if request.whole else self._plane(request, check)
            if request.volume.voxels.dtype == np.int16 and found.values.dtype != np.int16:
                found = Cut(np.rint(found.values).astype(np.int16), found.inside)  # once, not for every window
            self._cut, self._key = (frame, found), key
        frame, found = self._cut
        check()
        return SliceImage(request, frame, self._light(found, request))

    def forget(self) -> None:
        """Let go of every voxel."""
        self._key = self._cut = None
        self._copies.clear()

    def _plane(self, request: SliceRequest, check: Check) -> tuple[Frame, Cut]:
        frame = frame_of(request.volume, request.plane)
        if request.draft and not aligned(request.volume, frame):
            frame = frame.coarser(max(_DRAFT, math.ceil(math.sqrt(frame.rows * frame.columns / _DRAFT_PIXELS))))
        return frame, cut(request.volume, frame, request.slab, check, request.draft)

    def _whole(self, request: SliceRequest, check: Check) -> tuple[Frame, Cut]:
        from desktop.imaging.volume_turn import COARSE_SIDE, DRAFT_SIDE, coarse, frame_around, seen

        known = self._copies.get(request.draft)
        if known is None or known[0] is not request.volume:
            side = DRAFT_SIDE if request.draft else COARSE_SIDE
            known = self._copies[request.draft] = request.volume, coarse(request.volume, side, check)
        frame = frame_around(known[1], request.plane)
        return frame, seen(known[1], frame, check)

    def _light(self, found: Cut, request: SliceRequest) -> Light:
        volume, inverted = request.volume, request.volume.inverted != request.inverted
        if found.values.dtype != np.int16:
            meant = found.values * np.float32(volume.slope) + np.float32(volume.intercept)
            shade = apply_window(meant, request.window)
            light: Light = np.rint((1 - shade if inverted else shade) * np.float32(255)).astype(np.uint8)
        else:
            light = _looked_up(self._codes(request.window, inverted, volume), found.values)
        if found.inside is not None:
            light[~found.inside] = 0
        return np.ascontiguousarray(light)

    def _codes(self, window: VoiWindow, inverted: bool, volume: Volume) -> Light:
        """Light for each of the 65,536 stored values, read as unsigned."""
        key = (window, inverted, volume.slope, volume.intercept)
        if self._table is None or self._table[0] != key:
            stored = np.arange(_CODES, dtype=np.uint16).view(np.int16).astype(np.float32)
            shade = apply_window(stored * np.float32(volume.slope) + np.float32(volume.intercept), window)
            table: Light = np.rint((1 - shade if inverted else shade) * np.float32(255)).astype(np.uint8)
            self._table = key, table
        return self._table[1]


def _looked_up(table: Light, codes: Array) -> Light:
    """65,536 entries by stored value; OpenCV needs a quarter of numpy's time."""
    import cv2  # loads in a tenth of a second; the window starts without it

    return np.asarray(cv2.LUT(np.ascontiguousarray(codes).view(np.uint16), table), dtype=np.uint8)


def frame_of(volume: Volume, plane: Plane) -> Frame:
    """The raster of a plane that shows all of the volume's cross-section, in pixels of its finest spacing there."""
    right, down, normal = (np.array(v) for v in (plane.right, plane.down, plane.normal))
    units, spacing = volume.grid.units, np.array(volume.grid.spacing)
    centre = np.array(plane.centre)
    shown = [axis for axis in range(3) if abs(float(units[:, axis] @ normal)) < 1 - _ALIGNED]
    pixel = float(min(spacing[axis] for axis in shown))
    ends = [np.array([-0.5, size - 0.5]) for size in volume.shape]
    corners = volume.grid.to_patient(np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)) - centre
    across_, along = corners @ right, corners @ down
    pixel = max(pixel, float(max(np.ptp(across_), np.ptp(along))) / _LARGEST_SIDE)
    columns = max(1, round(float(np.ptp(across_)) / pixel))
    rows = max(1, round(float(np.ptp(along)) / pixel))
    left, top = float(across_.min()) + pixel / 2, float(along.min()) + pixel / 2
    return Frame(plane, as_vector(centre + left * right + top * down), rows, columns, pixel)


def cut(volume: Volume, frame: Frame, slab: Slab = THIN, check: Check = lambda: None, draft: bool = False) -> Cut:
    """The stored values on a raster."""
    start, down, right = _steps(volume, frame)
    if aligned(volume, frame):
        rows, columns = int(np.argmax(np.abs(down))), int(np.argmax(np.abs(right)))
        return _aligned(volume, frame, slab, start, (rows, float(down[rows])), (columns, float(right[columns])))
    return _oblique(volume, frame, slab, draft, check)


def aligned(volume: Volume, frame: Frame) -> bool:
    """Whether a plane runs along two of the volume's axes."""
    _, down, right = _steps(volume, frame)
    axes = [int(np.argmax(np.abs(step))) for step in (down, right)]
    rest = [np.abs(np.delete(step, axis)).max() for step, axis in zip((down, right), axes, strict=True)]
    return bool(max(rest) < _ALIGNED) and axes[0] != axes[1]


def _steps(volume: Volume, frame: Frame) -> tuple[Floats, Floats, Floats]:
    """In indices: the first pixel, and the steps to the pixel below and to the one at the right."""
    inverse = volume.grid.inverse
    down = inverse @ np.array(frame.plane.down) * frame.pixel_mm
    right = inverse @ np.array(frame.plane.right) * frame.pixel_mm
    return volume.grid.to_index(frame.origin), down, right


def _aligned(
    volume: Volume, frame: Frame, slab: Slab, start: Floats, down: tuple[int, float], right: tuple[int, float]
) -> Cut:
    """A plane along two of the volume's axes: down and right are (index axis, indices per pixel)."""
    depth = 3 - down[0] - right[0]
    sheet = _sheet(volume, slab, depth, float(start[depth]))
    if sheet is None:
        return Cut(np.zeros((frame.rows, frame.columns), np.int16), np.zeros((frame.rows, frame.columns), np.bool_))
    values, inside = sheet
    if down[0] > right[0]:
        values, inside = values.T, inside.T if inside is not None else None
    for axis, (index, step), count in ((0, down, frame.rows), (1, right, frame.columns)):
        places = start[index] + step * np.arange(count)
        values, inside = _along(values, inside, places, axis)
    return Cut(values, inside)


def _sheet(volume: Volume, slab: Slab, depth: int, at: float) -> tuple[Array, Mask | None] | None:
    """What lies at an index along one axis, thin or a slab thick; None beside the volume."""
    size = volume.shape[depth]
    half = slab.thickness_mm / 2 / volume.grid.spacing[depth]
    if not -0.5 - half <= at <= size - 0.5 + half:
        return None
    block = np.moveaxis(volume.voxels, depth, 0)
    first, last = math.ceil(at - half - _ON_VOXEL), math.floor(at + half + _ON_VOXEL)
    if slab.thickness_mm > 0 and last > first:
        part = volume.voxels[(slice(None),) * depth + (slice(max(first, 0), min(last, size - 1) + 1),)]
        return across(part, depth, slab.mode, volume.padded)
    nearest = min(max(round(at), 0), size - 1)
    place = min(max(at, 0.0), size - 1.0)
    if abs(place - nearest) < _ON_VOXEL:
        sheet = np.ascontiguousarray(block[nearest])
        return sheet, sheet != OUTSIDE if volume.padded else None
    lower = math.floor(place)
    return _blend(block[lower], block[lower + 1], np.float32(place - lower), volume.padded)


def _blend(low: Array, high: Array, weight: "np.float32 | Array", padded: bool) -> tuple[Array, Mask | None]:
    values = low * (np.float32(1) - weight) + high * weight
    return values, (low != OUTSIDE) & (high != OUTSIDE) if padded else None


def _along(values: Array, inside: Mask | None, places: Floats, axis: int) -> tuple[Array, Mask | None]:
    """Values at fractional places along an axis; nothing is invented more than half a voxel beyond its ends."""
    size = values.shape[axis]
    whole = np.rint(places).astype(np.int64)
    if np.abs(places - whole).max() < _ON_VOXEL and whole.min() >= 0 and whole.max() < size:
        if len(whole) == size and whole[0] == 0 and (len(whole) == 1 or whole[1] == 1):
            return values, inside
        return np.take(values, whole, axis), np.take(inside, whole, axis) if inside is not None else None
    if inside is None and _even(places, size):
        return _stretched(values, places, axis), None
    held = np.clip(places, 0, size - 1)
    lower = np.minimum(held.astype(np.int64), max(size - 2, 0))
    upper = np.minimum(lower + 1, size - 1)
    shape = (-1, 1) if axis == 0 else (1, -1)
    weight = (held - lower).astype(np.float32).reshape(shape)
    low, high = np.take(values, lower, axis), np.take(values, upper, axis)
    blended: Array = low * (np.float32(1) - weight) + high * weight
    if inside is not None:
        inside = (np.take(inside, lower, axis) | (weight > 1 - _ON_VOXEL)) & (
            np.take(inside, upper, axis) | (weight < _ON_VOXEL)
        )
    beside = ((places < -0.5 - _ON_VOXEL) | (places > size - 0.5 + _ON_VOXEL)).reshape(shape)
    if beside.any():
        inside = ~np.broadcast_to(beside, blended.shape) & (True if inside is None else inside)
    return blended, inside


def _even(places: Floats, size: int) -> bool:
    """Whether an axis is stretched from one of its ends to the other, half a pixel at each."""
    step = abs(float(places[-1] - places[0])) / max(1, len(places) - 1)
    return (
        len(places) > 1
        and len(places) != size  # OpenCV copies what is to keep its size
        and round(size / step) == len(places)
        and abs(float(places.min()) - (step - 1) / 2) < _ON_VOXEL
        and float(places.max()) <= size - 0.5 + _ON_VOXEL
    )


def _stretched(values: Array, places: Floats, axis: int) -> Array:
    """What `_along` gives for an axis that is stretched evenly, in a quarter of the time."""
    import cv2  # loads in a tenth of a second; the window starts without it

    if places[0] > places[-1]:
        values = np.flip(values, axis)
    step = abs(float(places[-1] - places[0])) / (len(places) - 1)
    enlarged = (1.0, 1 / step) if axis == 0 else (1 / step, 1.0)
    source = np.ascontiguousarray(values, dtype=np.float32)
    return np.asarray(cv2.resize(source, None, fx=enlarged[0], fy=enlarged[1], interpolation=cv2.INTER_LINEAR))


def _oblique(volume: Volume, frame: Frame, slab: Slab, draft: bool, check: Check) -> Cut:
    """Any plane. A slab is sampled at the volume's finest spacing, a draft's in a few places."""
    start, down, right = _steps(volume, frame)
    into = volume.grid.inverse @ np.array(frame.plane.normal)
    step = min(volume.grid.spacing)
    beside = math.floor(slab.thickness_mm / 2 / step)
    if draft and beside > _DRAFT_LAYERS:
        beside, step = _DRAFT_LAYERS, slab.thickness_mm / 2 / _DRAFT_LAYERS
    layers = 2 * beside + 1
    order = 0 if volume.padded and layers > 1 and slab.mode is not SlabMode.MAXIMUM else 1

    def samples() -> Iterator[tuple[npt.NDArray[np.float32], Mask]]:
        for number in range(layers):
            check()
            at = start + into * step * (number - beside)
            yield _sampled(volume, frame, at, down, right, order)

    values, inside = gathered(samples(), slab.mode)
    return Cut(values, inside)


def _sampled(
    volume: Volume, frame: Frame, at: Floats, down: Floats, right: Floats, order: int
) -> tuple[npt.NDArray[np.float32], Mask]:
    from scipy import ndimage  # late: it would slow down every start of the window

    matrix = np.stack([np.zeros(3), down, right], axis=1)
    values = ndimage.affine_transform(
        volume.voxels,
        matrix,
        offset=at,
        output_shape=(1, frame.rows, frame.columns),
        output=np.float32,
        order=order,
        mode="nearest",
        prefilter=False,
    )[0]
    ys, xs = np.arange(frame.rows, dtype=np.float32)[:, None], np.arange(frame.columns, dtype=np.float32)[None]
    inside = np.ones(values.shape, np.bool_)
    for axis, size in enumerate(volume.shape):
        # What lies inside at all four corners lies inside between them.
        corners = [at[axis] + down[axis] * y + right[axis] * x for y in (0, ys.size - 1) for x in (0, xs.size - 1)]
        if min(corners) >= -0.5 and max(corners) <= size - 0.5:
            continue
        index = np.float32(at[axis]) + np.float32(down[axis]) * ys + np.float32(right[axis]) * xs
        inside &= (index >= -0.5 - _ON_VOXEL) & (index <= size - 0.5 + _ON_VOXEL)
    if volume.padded:
        inside &= values > OUTSIDE / 2
    return values, inside
