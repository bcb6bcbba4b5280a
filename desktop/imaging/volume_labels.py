"""Painting in a volume: one label per voxel, 0 for none, on the volume's own grid. Pure arrays; no Qt.

A brush paints a disc in the plane that is looked at, one picture thick, or a ball. What a stroke changed can be undone.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from desktop.imaging.orientation import Plane
from desktop.imaging.reslice import Frame
from desktop.imaging.volume import Floats, Vector, VolumeGrid

Labels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int, int, int]
Colour = tuple[int, int, int]

_UNDO_BYTES = 96 * 1024 * 1024
_ALIGNED = 1e-6


@dataclass(frozen=True)
class Brush:
    """label: painted, 0 rubs out. radius: millimetres. ball: in all directions, not in the plane alone."""

    label: int
    radius: float
    ball: bool = False


@dataclass(frozen=True, eq=False)
class Packed:
    """The voxels of one label. box, bits: as `Segment` keeps them."""

    box: Box
    bits: bytes
    voxels: int


@dataclass(eq=False)
class _Stroke:
    patches: list[tuple[tuple[slice, ...], Labels]] = field(default_factory=list)
    size: int = 0


class LabelVolume:
    """labels: (slices, rows, columns) uint8, on `grid`."""

    def __init__(self, grid: VolumeGrid, shape: tuple[int, int, int]) -> None:
        self.grid = grid
        self.labels: Labels = np.zeros(shape, np.uint8)
        self._counts = np.zeros(256, np.int64)
        self._bounds: dict[int, Box] = {}
        self._done: list[_Stroke] = []
        self._undone: list[_Stroke] = []

    # What is there

    def count(self, label: int) -> int:
        """Voxels of a label."""
        return int(self._counts[label])

    def millilitres(self, label: int) -> float:
        """Volume of a label: its voxels, each as large as the grid's steps make it."""
        return self.count(label) * abs(float(np.linalg.det(self.grid.steps))) / 1000.0

    @property
    def may_undo(self) -> bool:
        """Whether there is a stroke to take back."""
        return bool(self._done)

    @property
    def may_redo(self) -> bool:
        """Whether there is one to put back."""
        return bool(self._undone)

    # Painting

    def begin(self) -> None:
        """A stroke begins: what is painted until the next one is undone together."""
        self._done.append(_Stroke())
        self._undone.clear()

    def paint(self, plane: Plane, start: Vector, end: Vector, brush: Brush) -> bool:
        """Draw a brush from one LPS point of a plane to another; whether a voxel changed."""
        box = self._box_around(plane, start, end, brush)
        if box is None:
            return False
        region = self.labels[box]
        touched = self._touched(box, plane, start, end, brush) & (region != brush.label)
        if not touched.any():
            return False
        before = region.copy()
        region[touched] = brush.label
        self._recount(before, region)
        self._reaches((brush.label,), box)
        if not self._done:
            self.begin()
        stroke = self._done[-1]
        stroke.patches.append((box, before))
        stroke.size += before.size
        while len(self._done) > 1 and sum(one.size for one in self._done) > _UNDO_BYTES:
            del self._done[0]
        return True

    def clear(self, label: int) -> bool:
        """Rub out all of a label, as one stroke."""
        if not self.count(label):
            return False
        self.begin()
        place = _slices(self._bounds[label])
        region = self.labels[place]
        before = region.copy()
        region[region == label] = 0
        self._recount(before, region)
        self._done[-1].patches.append((place, before))
        self._done[-1].size = before.size
        return True

    def undo(self) -> bool:
        """Take the last stroke back."""
        return self._move(self._done, self._undone)

    def redo(self) -> bool:
        """Put back what was taken back last."""
        return self._move(self._undone, self._done)

    def _move(self, source: list[_Stroke], target: list[_Stroke]) -> bool:
        while source:
            stroke = source.pop()
            if not stroke.patches:  # a click beside the volume
                continue
            other = _Stroke(size=stroke.size)
            for place, before in reversed(stroke.patches):
                region = self.labels[place]
                other.patches.append((place, region.copy()))
                self._recount(region, before)
                region[...] = before
                self._reaches(np.unique(before).tolist(), place)
            target.append(other)
            return True
        return False

    def _recount(self, before: Labels, after: Labels) -> None:
        self._counts += np.bincount(after.ravel(), minlength=256) - np.bincount(before.ravel(), minlength=256)

    def _reaches(self, labels: Iterable[int], place: tuple[slice, ...]) -> None:
        """Each label lies within its bounds; they only grow, so that a large volume is never searched whole."""
        for label in labels:
            low, high = [one.start for one in place], [one.stop for one in place]
            known = self._bounds.get(label)
            if known is not None:
                low = [min(pair) for pair in zip(low, known[:3], strict=True)]
                high = [max(pair) for pair in zip(high, known[3:], strict=True)]
            self._bounds[label] = (low[0], low[1], low[2], high[0], high[1], high[2])

    def _reach(self, plane: Plane, brush: Brush) -> tuple[float, float]:
        """Millimetres in the plane, and to both sides of it."""
        units, spacing = self.grid.units, np.array(self.grid.spacing)
        shares = np.abs(units.T @ np.array(plane.normal))
        axis = int(np.argmax(shares))
        aligned = shares[axis] > 1 - _ALIGNED
        within = np.delete(spacing, axis) if aligned else spacing
        radius = max(brush.radius, 0.51 * float(within.max()))
        if brush.ball:
            return radius, max(radius, 0.51 * float(spacing.max()))
        return radius, float(spacing[axis] if aligned else spacing.max()) / 2

    def _box_around(self, plane: Plane, start: Vector, end: Vector, brush: Brush) -> tuple[slice, ...] | None:
        """The voxels a brush may touch, None beside the volume."""
        inverse = np.linalg.inv(self.grid.steps)
        radius, half = self._reach(plane, brush)
        along = np.abs(inverse @ np.array(plane.normal))
        across = np.sqrt(np.maximum(0.0, np.square(inverse).sum(axis=1) - along**2))
        reach = radius * across + half * along
        ends = self.grid.to_index(np.array([start, end]))
        low = np.maximum(0, np.ceil(ends.min(axis=0) - reach - _ALIGNED)).astype(int)
        high = np.minimum(self.labels.shape, np.floor(ends.max(axis=0) + reach + _ALIGNED).astype(int) + 1)
        if (low >= high).any():
            return None
        return tuple(slice(int(first), int(last)) for first, last in zip(low, high, strict=True))

    def _touched(
        self, box: tuple[slice, ...], plane: Plane, start: Vector, end: Vector, brush: Brush
    ) -> npt.NDArray[np.bool_]:
        radius, half = self._reach(plane, brush)
        away = _offsets(self.grid, box, start)
        normal = np.array(plane.normal)
        depth = away @ normal
        inside = away - depth[..., None] * normal
        way = np.array(end) - np.array(start)
        way = way - (way @ normal) * normal
        length = float(way @ way)
        if length > 0:
            share = np.clip(inside @ way / length, 0.0, 1.0)
            inside = inside - share[..., None] * way
        distance = np.square(inside).sum(axis=-1)
        touched: npt.NDArray[np.bool_]
        if brush.ball:
            touched = distance / radius**2 + np.square(depth) / half**2 <= 1 + 1e-9
        else:
            # Of two slices at the same distance one is painted.
            touched = (distance <= radius**2 + 1e-9) & (depth > -half + 1e-9) & (depth <= half + 1e-9)
        return touched

    # Keeping

    def pack(self, label: int) -> Packed:
        """The voxels of a label as they are kept."""
        bounds = self._bounds.get(label)
        here = self.labels[_slices(bounds)] == label if bounds is not None else np.zeros((1, 1, 1), np.bool_)
        tight = _box_of(here)
        if bounds is None or tight is None:
            return Packed((0, 0, 0, 0, 0, 0), b"", 0)
        inner = here[_slices(tight)]
        k, r, c = bounds[:3]
        box = (tight[0] + k, tight[1] + r, tight[2] + c, tight[3] + k, tight[4] + r, tight[5] + c)
        return Packed(box, zlib.compress(np.packbits(inner).tobytes(), 6), int(inner.sum()))

    def unpack(self, label: int, packed: Packed) -> None:
        """Put voxels back as they were kept. Raises ValueError where they are not what they say."""
        if packed.voxels == 0:
            return
        place = _slices(packed.box)
        region = self.labels[place]
        before = region.copy()
        region[unpacked_bits(packed.box, packed.bits)] = label
        self._recount(before, region)
        self._reaches((label,), place)
        if int((region == label).sum()) != packed.voxels:
            raise ValueError("not as many voxels as were kept")


def unpacked_bits(box: Box, bits: bytes) -> npt.NDArray[np.bool_]:
    """What is inside a box. Raises ValueError where the bits are not as many as the box has voxels."""
    shape = tuple(last - first for first, last in zip(box[:3], box[3:], strict=True))
    count = int(np.prod(shape))
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(bits, (count + 7) // 8)
    except zlib.error as error:
        raise ValueError("the voxels are damaged") from error
    if len(plain) != (count + 7) // 8:
        raise ValueError("the voxels are damaged")
    return np.unpackbits(np.frombuffer(plain, np.uint8), count=count).astype(np.bool_).reshape(shape)


def cut_labels(labels: Labels, grid: VolumeGrid, frame: Frame) -> Labels:
    """The labels on a raster, (rows, columns) uint8: of the nearest voxel, 0 beside the volume."""
    inverse = np.linalg.inv(grid.steps)
    start = grid.to_index(frame.origin)
    down = inverse @ np.array(frame.plane.down) * frame.pixel_mm
    right = inverse @ np.array(frame.plane.right) * frame.pixel_mm
    ys, xs = np.arange(frame.rows)[:, None], np.arange(frame.columns)[None]
    index: list[npt.NDArray[np.intp]] = []
    inside: npt.NDArray[np.bool_] | None = None
    for axis, size in enumerate(labels.shape):
        steps_down, steps_right = abs(down[axis]) > _ALIGNED, abs(right[axis]) > _ALIGNED
        # Along the grid's own axes each index depends on the row alone, on the column alone, or on neither.
        places: Floats = np.full((1, 1), start[axis])
        if steps_down:
            places = places + down[axis] * ys
        if steps_right:
            places = places + right[axis] * xs
        nearest = np.floor(places + 0.5).astype(np.intp)
        within = (nearest >= 0) & (nearest < size)
        inside = within if inside is None else inside & within
        index.append(np.clip(nearest, 0, size - 1))
    found: Labels = np.broadcast_to(labels[tuple(index)], (frame.rows, frame.columns)).copy()
    if inside is not None:
        found[~np.broadcast_to(inside, found.shape)] = 0
    return found


def lit(labels: Labels, colours: Mapping[int, Colour], opacity: float) -> npt.NDArray[np.uint8] | None:
    """Labels of a raster as light: (rows, columns, 4) uint8, red, green, blue, alpha, premultiplied; None where
    nothing is to be seen."""
    if opacity <= 0 or not labels.any():
        return None
    table = np.zeros((256, 4), np.uint8)
    for label, colour in colours.items():
        table[label] = [*(round(part * opacity) for part in colour), round(255 * opacity)]
    return table[labels]


def _offsets(grid: VolumeGrid, box: Sequence[slice], start: Vector) -> Floats:
    """(…, 3) millimetres from a point to each voxel centre of a box."""
    first = grid.to_patient([place.start for place in box]) - np.array(start)
    steps = grid.steps
    parts = [np.arange(place.stop - place.start)[:, None] * steps[:, axis] for axis, place in enumerate(box)]
    away: Floats = first + parts[0][:, None, None] + parts[1][None, :, None] + parts[2][None, None]
    return away


def _box_of(inside: npt.NDArray[np.bool_]) -> Box | None:
    """Around everything that is inside."""
    ends: list[tuple[int, int]] = []
    for axis in range(3):
        there = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        if not there.size:
            return None
        ends.append((int(there[0]), int(there[-1]) + 1))
    return ends[0][0], ends[1][0], ends[2][0], ends[0][1], ends[1][1], ends[2][1]


def _slices(box: Box) -> tuple[slice, ...]:
    return tuple(slice(first, last) for first, last in zip(box[:3], box[3:], strict=True))
