"""The traces of a page as tiles along their time: while a page scrolls, only what comes into sight is drawn."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from desktop.ui.viewers.ecg_painting import trace_pen
from desktop.ui.viewers.ecg_source import EcgSource
from desktop.ui.viewers.ecg_state import EcgView, Page, Strip

_WIDE = 128
"""Device pixels of a tile along the time."""

_MARGIN = 2
"""Device pixels beside a tile whose lines still reach into it."""

_SHARE_OF_ROW = 0.8


@dataclass(frozen=True, eq=False)
class _Tile:
    """top: of the picture on the paper, device pixels."""

    picture: QPixmap
    top: int


@dataclass(frozen=True, eq=False)
class _Look:
    """What every tile of a page depends on. pixels: device pixels for a millimetre of paper. ratio: device pixels for a
    logical one. deep: device pixels of the paper from top to bottom."""

    source: EcgSource
    speed: float
    gain: float
    pixels: float
    ratio: float
    deep: int
    ink: int

    def same(self, other: "_Look | None") -> bool:
        """Whether tiles made for the one are right for the other."""
        return other is not None and self.source is other.source and self._numbers() == other._numbers()

    def _numbers(self) -> tuple[float, ...]:
        return self.speed, self.gain, self.pixels, self.ratio, self.deep, self.ink

    @property
    def step(self) -> float:
        """Device pixels from one sample to the next."""
        return self.speed * self.pixels / self.source.trace.rate


class TraceTiles:
    """The tiles a page shows. A trace lies at most half a device pixel beside where its time is, so that a tile stays
    the same wherever it is scrolled to."""

    def __init__(self) -> None:
        self._look: _Look | None = None
        self._tiles: dict[tuple[int, float, float, int], _Tile | None] = {}

    def forget(self) -> None:
        """Let go of every trace."""
        self._look = None
        self._tiles.clear()

    def paint(
        self,
        painter: QPainter,
        source: EcgSource,
        page: Page,
        view: EcgView,
        pixels: float,
        ratio: float,
        colour: QColor,
    ) -> None:
        """Every strip of a page. pixels: logical pixels for a millimetre of paper. ratio: device pixels for one."""
        deep = math.ceil(page.height * pixels * ratio)
        look = _Look(source, view.speed, view.gain, pixels * ratio, ratio, deep, colour.rgba())
        known = self._tiles if look.same(self._look) else {}
        self._look, self._tiles = look, {}
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for strip in page.strips:
            self._paint_strip(painter, look, strip, known)

    def _paint_strip(
        self,
        painter: QPainter,
        look: _Look,
        strip: Strip,
        known: dict[tuple[int, float, float, int], _Tile | None],
    ) -> None:
        left, right = round(strip.left * look.pixels), round((strip.left + strip.width) * look.pixels)
        # Where time 0 lies.
        origin = round((strip.left - strip.begin * look.speed) * look.pixels)
        for number in range((left - origin) // _WIDE, -((origin - right) // _WIDE)):
            key = (strip.row, strip.middle, strip.height, number)
            tile = self._tiles[key] = known[key] if key in known else _draw(look, strip, number)
            if tile is None:
                continue
            begin = origin + number * _WIDE
            first, last = max(left, begin), min(right, begin + _WIDE)
            part = QRectF(first - begin, 0, last - first, tile.picture.height())
            painter.drawPixmap(QPointF(first / look.ratio, tile.top / look.ratio), tile.picture, part)


def _draw(look: _Look, strip: Strip, number: int) -> _Tile | None:
    """One tile of a lead; None where nothing is known."""
    source, step = look.source, look.step
    many = in_a_pixel(step)
    begin = number * _WIDE
    first = max(0, math.floor((begin - _MARGIN) / step) - 1) // many * many
    last = min(source.trace.length, -(-(math.ceil((begin + _WIDE + _MARGIN) / step) + 2) // many) * many)
    if last - first < 2:
        return None
    values = source.samples[strip.row, first:last].astype(np.float64)
    zero, per_unit = _scale(look, strip)
    place: npt.NDArray[np.float64] = np.arange(first, last, dtype=np.float64) * step - begin
    x, y = thinned(place, (strip.middle - (values - zero) * per_unit) * look.pixels, step)
    known = np.isfinite(y[:-1]) & np.isfinite(y[1:])
    if not known.any():
        return None
    ends = np.stack([x[:-1], y[:-1], x[1:], y[1:]], axis=1)[known]
    top = max(0, math.floor(ends[:, 1::2].min()) - _MARGIN)
    bottom = min(look.deep, math.ceil(ends[:, 1::2].max()) + _MARGIN)
    if top >= bottom:
        return None
    ends[:, 1::2] -= top
    return _Tile(_picture(ends / look.ratio, bottom - top, look), top)


def _picture(ends: npt.NDArray[np.float64], height: int, look: _Look) -> QPixmap:
    """Line by line: a path is stroked as one shape, which costs twenty times as much (and pyqtgraph draws its own so).
    ends: (n, 4), in logical pixels."""
    picture = QPixmap(_WIDE, height)
    picture.setDevicePixelRatio(look.ratio)
    picture.fill(Qt.GlobalColor.transparent)
    lines = PrimitiveArray(QLineF, 4)
    lines.resize(len(ends))
    lines.ndarray()[:] = ends
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(trace_pen(QColor.fromRgba(look.ink)))
    painter.drawLines(*lines.drawargs())
    painter.end()
    return picture


def in_a_pixel(step: float) -> int:
    """Samples that are drawn as their lowest and highest; 1 where each is drawn. step: device pixels for a sample."""
    many = int(0.999 / step) if step > 0 else 1
    return many if many >= 3 else 1


def thinned(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], step: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lowest and highest of each device pixel, in the order they come, where there are more than two samples in one.

    step: device pixels for a sample. No peak is lost by it.
    """
    many = in_a_pixel(step)
    if many == 1:
        return x, y
    whole = len(y) // many * many
    blocks = y[:whole].reshape(-1, many)
    chosen = np.ones(len(y), np.bool_)
    inner = chosen[:whole].reshape(-1, many)
    # A gap hides what is lowest and highest: beside one every sample stays.
    inner[~np.isnan(blocks).any(axis=1)] = False
    every = np.arange(len(blocks))
    inner[every, blocks.argmin(axis=1)] = inner[every, blocks.argmax(axis=1)] = True
    return x[chosen], y[chosen]


def _scale(look: _Look, strip: Strip) -> tuple[float, float]:
    """What lies in the middle of the row, and mm for one unit: 0 mV and the gain; what is no voltage fills its row."""
    own = look.source.ranges.get(strip.row)
    if own is None:
        return 0.0, look.gain
    low, high = own
    return (low + high) / 2, _SHARE_OF_ROW * strip.height / (high - low) if high > low else 1.0
