"""What lies inside a drawing: area, and mean, spread, least and greatest of the values there, with their unit."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.imaging.geometry import Point
from desktop.imaging.measure import proportions
from desktop.imaging.window import brightness, to_modality
from desktop.records import Photometric, Picture, Spacing, SpacingSource

_CIRCLE = 72
"""Corners of the polygon that stands for an ellipse on the screen; its numbers come from the ellipse itself."""


class ValueUnit(StrEnum):
    """What a picture's values are. STORED: figures without a unit, which compare only within one picture."""

    HOUNSFIELD = "hu"
    UPTAKE = "suv"
    BRIGHTNESS = "brightness"
    STORED = "stored"


@dataclass(frozen=True)
class Area:
    """An area in mm² with a source, or px² without."""

    value: float
    unit: str
    source: SpacingSource | None = None


@dataclass(frozen=True)
class RegionValues:
    """Of the pixels whose centres lie inside. deviation: of these pixels themselves (divided by their number)."""

    area: Area
    pixels: int
    mean: float
    deviation: float
    minimum: float
    maximum: float
    unit: ValueUnit


@dataclass(frozen=True)
class PointValue:
    """The value of one pixel. x, y: which one, counted from 0."""

    x: int
    y: int
    value: float
    unit: ValueUnit


def value_unit(picture: Picture) -> ValueUnit:
    """The unit of a picture's values, as far as its file lets us say."""
    if picture.photometric is Photometric.RGB:
        return ValueUnit.BRIGHTNESS
    if picture.uptake is not None:
        return ValueUnit.UPTAKE
    hounsfield = picture.hounsfield and picture.header.modality.value == "CT"
    return ValueUnit.HOUNSFIELD if hounsfield else ValueUnit.STORED


def point_value(picture: Picture, point: Point) -> PointValue | None:
    """The value under a point; None off the picture, and where the file says that there is no picture."""
    x, y = math.floor(point[0] + 0.5), math.floor(point[1] + 0.5)
    if not (0 <= x < picture.columns and 0 <= y < picture.rows):
        return None
    if _is_padding(picture, picture.pixels[y, x]):
        return None
    return PointValue(x, y, float(_values(picture, picture.pixels[y : y + 1, x : x + 1])[0]), value_unit(picture))


def polygon_values(picture: Picture, corners: tuple[Point, ...], scale: Spacing | None) -> RegionValues | None:
    """Inside a closed line of 3 or more corners (even-odd where it crosses itself); None where no pixel is inside."""
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    left, top, right, bottom = _box(picture, min(xs), min(ys), max(xs), max(ys))
    if left >= right or top >= bottom:
        return None
    inside = polygon_mask(corners, left, top, right, bottom)
    twice = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True))
    return _summary(picture, (left, top, right, bottom), inside, abs(twice) / 2, scale)


def ellipse_values(picture: Picture, ends: tuple[Point, Point], scale: Spacing | None) -> RegionValues | None:
    """Inside the ellipse that fills the rectangle between two corners; None where no pixel is inside."""
    (x0, x1), (y0, y1) = sorted((ends[0][0], ends[1][0])), sorted((ends[0][1], ends[1][1]))
    across, down = (x1 - x0) / 2, (y1 - y0) / 2
    left, top, right, bottom = _box(picture, x0, y0, x1, y1)
    if left >= right or top >= bottom or not (across > 0 and down > 0):
        return None
    ys, xs = np.ogrid[top:bottom, left:right]
    inside = ((xs - (x0 + x1) / 2) / across) ** 2 + ((ys - (y0 + y1) / 2) / down) ** 2 <= 1.0
    return _summary(picture, (left, top, right, bottom), inside, math.pi * across * down, scale)


def ellipse_outline(ends: tuple[Point, Point]) -> tuple[Point, ...]:
    """A polygon that looks like the ellipse between two corners."""
    (x0, y0), (x1, y1) = ends
    middle, across, down = ((x0 + x1) / 2, (y0 + y1) / 2), abs(x1 - x0) / 2, abs(y1 - y0) / 2
    turns = (2 * math.pi * step / _CIRCLE for step in range(_CIRCLE))
    return tuple((middle[0] + across * math.cos(turn), middle[1] + down * math.sin(turn)) for turn in turns)


def polygon_mask(corners: tuple[Point, ...], left: int, top: int, right: int, bottom: int) -> npt.NDArray[np.bool_]:
    """Which pixel centres of a box lie inside a closed line: (bottom - top, right - left), even-odd."""
    inside = np.zeros((bottom - top, right - left), dtype=bool)
    rows, columns = np.arange(top, bottom, dtype=np.float64), np.arange(left, right, dtype=np.float64)
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if y0 == y1:
            continue
        low, high = min(y0, y1), max(y0, y1)
        first, last = np.searchsorted(rows, (low, high), side="left")
        crossing = x0 + (rows[first:last] - y0) * ((x1 - x0) / (y1 - y0))
        inside[first:last] ^= columns[None, :] < crossing[:, None]
    return inside


def _box(picture: Picture, x0: float, y0: float, x1: float, y1: float) -> tuple[int, int, int, int]:
    """The pixels whose centres may lie within: left, top, right, bottom, the ends excluded."""
    left, top = max(math.ceil(x0), 0), max(math.ceil(y0), 0)
    return left, top, min(math.floor(x1) + 1, picture.columns), min(math.floor(y1) + 1, picture.rows)


def _summary(
    picture: Picture,
    box: tuple[int, int, int, int],
    inside: npt.NDArray[np.bool_],
    square_pixels: float,
    scale: Spacing | None,
) -> RegionValues | None:
    left, top, right, bottom = box
    stored = picture.pixels[top:bottom, left:right][inside]
    if picture.pixel_padding is not None and picture.photometric is not Photometric.RGB:
        stored = stored[stored != picture.pixel_padding]
    if not len(stored):
        return None
    values = _values(picture, stored).astype(np.float64)
    wide, high = proportions(scale)
    area = Area(square_pixels * wide * high, "px²" if scale is None else "mm²", scale.source if scale else None)
    return RegionValues(
        area=area,
        pixels=len(values),
        mean=float(values.mean()),
        deviation=float(values.std()),
        minimum=float(values.min()),
        maximum=float(values.max()),
        unit=value_unit(picture),
    )


def _values(picture: Picture, stored: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Pixels, in whatever shape but with colour last, as values in `value_unit`, flat."""
    if picture.photometric is Photometric.RGB:
        return brightness(np.asarray(stored).reshape(-1, 3))
    values = to_modality(picture, stored.ravel())
    if picture.uptake is not None:
        values = values * np.float32(picture.uptake.grams / picture.uptake.becquerels)
    return values


def _is_padding(picture: Picture, stored: object) -> bool:
    return (
        picture.pixel_padding is not None
        and picture.photometric is not Photometric.RGB
        and bool(stored == picture.pixel_padding)
    )
