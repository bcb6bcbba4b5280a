"""What models laid over a picture: where one looked, what one boxed and counted, what one traced."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QTransform

from desktop.records import Activation, Analysis, DetectedBox, Mask

HEAT_COLOUR = (230, 159, 0)
HIDDEN_COLOUR = (0, 158, 115)
HEAT_FROM = 0.4
HEAT_OPACITY = 0.45
MASK_COLOUR = (86, 180, 233)
MASK_OPACITY = 0.55
KIND_COLOURS = (
    *(QColor(86, 180, 233), QColor(230, 159, 0), QColor(0, 158, 115), QColor(204, 121, 167), QColor(213, 94, 0)),
    QColor(240, 228, 66),
)
"""Okabe and Ito's. The kinds' numbers are told beside the picture, so that colour alone need tell nothing."""
_HALO = QColor(0, 0, 0, 150)
_PEN, _RIM = 1.6, 3.6


class Laid(StrEnum):
    """What an overlay is called: where a model looked, the same of one that is known to point badly, what it counted,
    what it traced, what it matters to hide."""

    LOOKED = "overlay"
    WEAK = "weak"
    BOXES = "boxes"
    MASKS = "masks"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class CountedBox:
    """A box that was counted. order: of its kind among those the model counts."""

    box: DetectedBox
    order: int


@dataclass(frozen=True, eq=False)
class Overlay:
    """activation: None where the model gives none. boxes: those counted. masks: what was traced, pixel by pixel.
    hidden: the activation is a map of the parts that matter when they are hidden. weak: of a model whose maps are known
    to point badly."""

    activation: Activation | None
    boxes: tuple[CountedBox, ...] = ()
    masks: tuple[Mask, ...] = ()
    hidden: bool = False
    weak: bool = False

    @property
    def kind(self) -> Laid:
        """What it is called, where it is of several kinds: boxes and masks are to be checked one by one."""
        if self.hidden:
            return Laid.HIDDEN
        looked = Laid.WEAK if self.weak else Laid.LOOKED
        return Laid.BOXES if self.boxes else Laid.MASKS if self.masks else looked

    @cached_property
    def tints(self) -> tuple[QImage, ...]:
        """The masks as they are painted, with every frame anew."""
        return tuple(_tinted(mask) for mask in self.masks)

    def like(self, other: "Overlay | None") -> bool:
        """Whether another one looks the same."""
        if other is None or other.activation is not self.activation or other.hidden is not self.hidden:
            return False
        return other.boxes == self.boxes and other.masks == self.masks and other.weak is self.weak


def _never(_analysis: Analysis) -> bool:
    return False


def overlay_of(
    analyses: Iterable[Analysis], finding: str | None, weak: Callable[[Analysis], bool] = _never
) -> Overlay | None:
    """What there is to lay over a picture; None where models gave nothing of the kind.

    analyses: of that picture. finding: whose activation is wanted; without one, the first there is. weak: whether the
    model that gave an answer is known to point badly.
    """
    here = list(analyses)
    seen = [(activation, analysis) for analysis in here for activation in analysis.activations]
    asked = [one for one in seen if one[0].finding == finding]
    activation, made = next(iter(asked or seen), (None, None))
    boxes = tuple(box for analysis in here for box in counted(analysis))
    masks = tuple(mask for analysis in here for mask in analysis.masks)
    if activation is None and not boxes and not masks:
        return None
    return Overlay(activation, boxes, masks, weak=made is not None and weak(made))


def counted(analysis: Analysis) -> tuple[CountedBox, ...]:
    """The boxes an answer counts: of each kind as many as it says, the surest."""
    found = []
    for order, count in enumerate(analysis.counts):
        of_kind = sorted((box for box in analysis.boxes if box.kind == count.kind), key=lambda box: -box.probability)
        found += [CountedBox(box, order) for box in of_kind[: count.number]]
    return tuple(found)


def kind_colour(order: int) -> QColor:
    """What the boxes of a kind are drawn in."""
    return KIND_COLOURS[order % len(KIND_COLOURS)]


def paint(painter: QPainter, overlay: Overlay, rows: int, columns: int, to_device: QTransform) -> None:
    """rows, columns: of the picture. to_device: from the picture, whose first pixel's middle is (0, 0)."""
    painter.setTransform(to_device)
    if overlay.activation is not None:
        _paint_heat(painter, overlay.activation, rows, columns, HIDDEN_COLOUR if overlay.hidden else HEAT_COLOUR)
    for tint in overlay.tints:
        painter.drawImage(QRectF(-0.5, -0.5, columns, rows), tint)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for one in overlay.boxes:
        place = QRectF(one.box.x - 0.5, one.box.y - 0.5, one.box.width, one.box.height)
        for colour, width in ((_HALO, _RIM), (kind_colour(one.order), _PEN)):
            pen = QPen(colour, width)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawRect(place)


def _tinted(mask: Mask) -> QImage:
    """A mask as one colour through which the picture shows. Empty where it is no picture."""
    drawn = QImage.fromData(mask.png).convertToFormat(QImage.Format.Format_Indexed8)
    clear, filled = QColor(0, 0, 0, 0), QColor(*MASK_COLOUR)
    filled.setAlphaF(MASK_OPACITY)
    drawn.setColorTable([clear.rgba() if grey < 128 else filled.rgba() for grey in range(256)])
    return drawn.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def _paint_heat(
    painter: QPainter, activation: Activation, rows: int, columns: int, colour: tuple[int, int, int]
) -> None:
    """The activation as one colour whose strength says how much; weak parts stay clear."""
    heat = np.clip((activation.heat.astype(np.float32) - HEAT_FROM) / (1 - HEAT_FROM), 0, 1) * HEAT_OPACITY
    pixels = np.empty((*heat.shape, 4), np.uint8)
    for channel, value in enumerate(colour):
        pixels[..., channel] = np.rint(heat * value)
    pixels[..., 3] = np.rint(heat * 255)
    image = QImage(
        pixels.data, heat.shape[1], heat.shape[0], pixels.strides[0], QImage.Format.Format_RGBA8888_Premultiplied
    )
    left, top, right, bottom = activation.box
    target = QRectF(left * columns - 0.5, top * rows - 0.5, (right - left) * columns, (bottom - top) * rows)
    painter.drawImage(target, image, QRectF(0, 0, heat.shape[1], heat.shape[0]), Qt.ImageConversionFlag.AutoColor)
