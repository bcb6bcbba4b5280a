"""What is painted in a volume: labels, the brush, what is undone, and what of it is to be kept. No widget."""

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from desktop.imaging.orientation import Plane
from desktop.imaging.volume import Vector, Volume, VolumeGrid
from desktop.imaging.volume_labels import Brush, Labels, LabelVolume, Packed, unpacked_bits
from desktop.imaging.volume_mask import COLOURS, Colour, MaskLayer
from desktop.records import GridSource, Segment, Segmentation

BRUSHES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0)
"""Radii in millimetres."""
MOST_LABELS = 24


@dataclass(frozen=True)
class MaskLabel:
    """number: 1 and on. name: the doctor's word for it, empty while there is none."""

    number: int
    name: str
    colour: Colour


@dataclass(frozen=True, eq=False)
class Painted:
    """What a pane lays over its picture; another one after every change."""

    labels: Labels
    grid: VolumeGrid
    colours: dict[int, Colour]


class MaskBook(QObject):
    """Signals: changed() when anything about it is another; to_keep() when something was painted that is to be kept."""

    changed = Signal()
    to_keep = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._volume: LabelVolume | None = None
        self._labels: tuple[MaskLabel, ...] = ()
        self._current = 1
        self._last: tuple[Plane, Vector] | None = None
        self._stroke_changed = False
        self._painted: Painted | None = None
        self.source = GridSource.POSITIONS
        self.writable = False
        self.painting = self.erasing = self.ball = False
        self.brush = BRUSHES.index(4.0)
        self.elsewhere: tuple[MaskLayer, ...] = ()
        self.clear()

    # What there is

    @property
    def available(self) -> bool:
        """Whether this series can be painted in."""
        return self._volume is not None and self.writable

    @property
    def labels(self) -> tuple[MaskLabel, ...]:
        """Every label there is."""
        return self._labels

    @property
    def current(self) -> MaskLabel:
        """What is painted with."""
        return next(label for label in self._labels if label.number == self._current)

    @property
    def painted(self) -> Painted | None:
        """What lies over the series, None where nothing does."""
        return self._painted

    @property
    def radius(self) -> float:
        """Of the brush, in millimetres."""
        return BRUSHES[self.brush]

    @property
    def may_undo(self) -> bool:
        """Whether there is a stroke to take back."""
        return self._volume is not None and self._volume.may_undo

    @property
    def may_redo(self) -> bool:
        """Whether there is one to put back."""
        return self._volume is not None and self._volume.may_redo

    def voxels(self, label: int) -> int:
        """How many a label has."""
        return self._volume.count(label) if self._volume is not None else 0

    def millilitres(self, label: int) -> float:
        """How large a label is."""
        return self._volume.millilitres(label) if self._volume is not None else 0.0

    @property
    def anything(self) -> bool:
        """Whether anything is painted."""
        return any(self.voxels(label.number) for label in self._labels)

    # Another series

    def clear(self) -> None:
        """Forget everything."""
        self._volume = self._painted = self._last = None
        self._labels, self._current = (MaskLabel(1, "", COLOURS[0]),), 1
        self.writable = self.painting = self.erasing = False
        self.elsewhere = ()
        self.changed.emit()

    def begin(self, volume: Volume, source: GridSource, kept: Segmentation | None, *, writable: bool) -> None:
        """Another series, and what was painted on it. What was painted on another grid of it (every second slice, for
        lack of memory) is shown, and nothing can be painted: `elsewhere` holds it."""
        self.clear()
        self.source, self.writable = source, writable
        if kept is not None and not _same_grid(kept, volume):
            self.elsewhere = _as_layers(kept)
            self.writable = False
        else:
            self._volume = LabelVolume(volume.grid, volume.shape)
            if kept is not None and kept.segments:
                self._labels = tuple(MaskLabel(one.number, one.name, one.colour) for one in kept.segments)
                self._current = self._labels[0].number
                for segment in kept.segments:
                    self._volume.unpack(segment.number, Packed(segment.box, segment.bits, segment.voxels))
        self._lay()

    def segments(self) -> tuple[Segment, ...]:
        """What is to be kept; may run off the main thread."""
        volume = self._volume
        if volume is None:
            return ()
        found = []
        for label in self._labels:
            packed = volume.pack(label.number)
            found.append(Segment(label.number, label.name, label.colour, packed.box, packed.bits, packed.voxels))
        return tuple(found)

    @property
    def grid(self) -> tuple[VolumeGrid, tuple[int, int, int]] | None:
        """Where it lies and how large it is."""
        if self._volume is None:
            return None
        slices, rows, columns = self._volume.labels.shape
        return self._volume.grid, (slices, rows, columns)

    # Painting

    def press(self, plane: Plane, point: Vector) -> None:
        """A stroke begins."""
        if self._volume is None or not self.painting:
            return
        self._volume.begin()
        self._stroke_changed = False
        self._last = plane, point
        self._stroke(plane, point, point)

    def move(self, point: Vector) -> None:
        """It goes on, in the plane it began in."""
        if self._last is not None:
            plane, before = self._last
            self._last = plane, point
            self._stroke(plane, before, point)

    def release(self) -> None:
        """It ends."""
        if self._last is not None:
            self._last = None
            if self._stroke_changed:
                self.to_keep.emit()

    def _stroke(self, plane: Plane, start: Vector, end: Vector) -> None:
        brush = Brush(0 if self.erasing else self._current, self.radius, self.ball)
        if self._volume is not None and self._volume.paint(plane, start, end, brush):
            self._stroke_changed = True
            self._lay()

    def undo(self) -> None:
        """Take the last stroke back."""
        if self._volume is not None and self.available and self._volume.undo():
            self._lay()
            self.to_keep.emit()

    def redo(self) -> None:
        """Put it back."""
        if self._volume is not None and self.available and self._volume.redo():
            self._lay()
            self.to_keep.emit()

    def wipe(self) -> None:
        """Rub out all of the label."""
        if self._volume is not None and self.available and self._volume.clear(self._current):
            self._lay()
            self.to_keep.emit()

    # Tools

    def set_painting(self, on: bool) -> None:
        """Whether the left button paints."""
        self.painting = on and self.available
        self.changed.emit()

    def set_erasing(self, on: bool) -> None:
        """Whether it rubs out."""
        self.erasing = on
        self.changed.emit()

    def set_ball(self, on: bool) -> None:
        """Whether the brush reaches in all directions."""
        self.ball = on
        self.changed.emit()

    def set_brush(self, at: int) -> None:
        """One of BRUSHES."""
        self.brush = min(max(at, 0), len(BRUSHES) - 1)
        self.changed.emit()

    def choose(self, number: int) -> None:
        """Paint with another label."""
        if any(label.number == number for label in self._labels):
            self._current = number
            self.changed.emit()

    def next_label(self) -> None:
        """The label after it, round and round."""
        numbers = [label.number for label in self._labels]
        self.choose(numbers[(numbers.index(self._current) + 1) % len(numbers)])

    def add_label(self) -> None:
        """One more."""
        if not self.available or len(self._labels) >= MOST_LABELS:
            return
        number = max(label.number for label in self._labels) + 1
        self._labels = (*self._labels, MaskLabel(number, "", COLOURS[(number - 1) % len(COLOURS)]))
        self._current, self.erasing = number, False
        self._lay()

    def rename(self, name: str) -> None:
        """Give the label a word."""
        plain = " ".join(name.split())[:64]
        if self.available and plain != self.current.name:
            named = replace(self.current, name=plain)
            self._labels = tuple(named if label.number == named.number else label for label in self._labels)
            self.changed.emit()
            if self.anything:
                self.to_keep.emit()

    def _lay(self) -> None:
        volume = self._volume
        if volume is None or not self.anything:
            self._painted = None
        else:
            colours = {label.number: label.colour for label in self._labels}
            self._painted = Painted(volume.labels, volume.grid, colours)
        self.changed.emit()


def _same_grid(kept: Segmentation, volume: Volume) -> bool:
    grid = volume.grid
    if kept.shape != volume.shape:
        return False
    ours = (grid.origin, grid.through, grid.down, grid.across)
    return bool(np.allclose((kept.origin, kept.through, kept.down, kept.across), ours, atol=1e-4))


def _as_layers(kept: Segmentation) -> tuple[MaskLayer, ...]:
    """What is painted on a grid of its own, to be looked at only."""
    grid = VolumeGrid(kept.origin, kept.through, kept.down, kept.across)
    found = []
    for segment in kept.segments:
        if segment.voxels:
            x, y, z = (float(part) for part in grid.to_patient(segment.box[:3]))
            place = VolumeGrid((x, y, z), grid.through, grid.down, grid.across)
            inside = unpacked_bits(segment.box, segment.bits).astype(np.int16)
            found.append(MaskLayer(Volume(inside, place), segment.colour, segment.name))
    return tuple(found)
