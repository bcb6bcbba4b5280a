"""How a picture lies on the screen, and how long things in it are.

Points are (x, y) in pixels, x to the right, y down, pixel centres at integers: a picture of `columns` x `rows` covers
x from -0.5 to columns - 0.5. A view is the picture mirrored left to right (where asked) and then turned clockwise.
"""

import math
from dataclasses import dataclass

import numpy as np

from desktop.records import Picture, SpacingSource
from desktop.records.picture import Array

Point = tuple[float, float]


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways a picture can lie. quarter_turns: clockwise, after mirroring left to right."""

    quarter_turns: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "quarter_turns", self.quarter_turns % 4)

    def turned(self, quarters: int = 1) -> "Orientation":
        """As seen after turning the view clockwise."""
        return Orientation(self.quarter_turns + quarters, self.mirrored)

    def flipped_horizontally(self) -> "Orientation":
        """As seen after mirroring the view left to right."""
        return Orientation(-self.quarter_turns, not self.mirrored)

    def flipped_vertically(self) -> "Orientation":
        """As seen after mirroring the view top to bottom."""
        return Orientation(2 - self.quarter_turns, not self.mirrored)

    def apply(self, pixels: Array) -> Array:
        """(rows, columns[, 3]) of the picture as (rows, columns[, 3]) of the view; a view of the same memory."""
        if self.mirrored:
            pixels = pixels[:, ::-1]
        turned: Array = np.rot90(pixels, -self.quarter_turns)
        return turned

    def view_size(self, rows: int, columns: int) -> tuple[int, int]:
        """(rows, columns) of the view of a picture of that size."""
        return (columns, rows) if self.quarter_turns % 2 else (rows, columns)

    def to_view(self, point: Point, rows: int, columns: int) -> Point:
        """A picture point (of a picture of rows x columns) in view pixels."""
        x, y = point
        if self.mirrored:
            x = columns - 1 - x
        for _ in range(self.quarter_turns):
            x, y = rows - 1 - y, x
            rows, columns = columns, rows
        return x, y

    def to_picture(self, point: Point, rows: int, columns: int) -> Point:
        """A view point in pixels of the picture, which is rows x columns; the inverse of `to_view`."""
        x, y = point
        height, width = self.view_size(rows, columns)
        for _ in range(self.quarter_turns):
            x, y = y, width - 1 - x
            height, width = width, height
        if self.mirrored:
            x = columns - 1 - x
        return x, y


@dataclass(frozen=True)
class Length:
    """A distance and what its unit rests on. unit: mm with a source, or px without one.

    IMAGER_PIXEL_SPACING is millimetres at the detector: what lies nearer the tube looks larger than it is.
    """

    value: float
    unit: str
    source: SpacingSource | None = None


def length(picture: Picture, start: Point, end: Point) -> Length:
    """Distance of two picture points: in mm where the file says how, else in px."""
    across, down = end[0] - start[0], end[1] - start[1]
    if picture.spacing is None:
        return Length(math.hypot(across, down), "px")
    spacing = picture.spacing
    return Length(math.hypot(across * spacing.column_mm, down * spacing.row_mm), "mm", spacing.source)
