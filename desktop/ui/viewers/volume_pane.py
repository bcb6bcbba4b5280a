"""One pane of the volume viewer: asks for its picture, paints it, and tells what the mouse wants."""

import math
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from desktop.errors import UserFacingError
from desktop.imaging.orientation import Plane, cross, dot
from desktop.imaging.reslice import Slicer
from desktop.imaging.volume import Vector, Volume
from desktop.imaging.volume_mask import MaskLayer
from desktop.imaging.volume_presets import VolumePreset
from desktop.imaging.volume_series import VolumeSeries
from desktop.ui.context import UiContext
from desktop.ui.viewers.film_painting import Corner, overlay_font
from desktop.ui.viewers.film_words import FilmText
from desktop.ui.viewers.frames import BACKGROUND
from desktop.ui.viewers.volume_frames import PaneImage, PaneRequest, render_pane
from desktop.ui.viewers.volume_mask_book import Painted
from desktop.ui.viewers.volume_overlay import PaneOverlay
from desktop.ui.viewers.volume_painting import CrossLine, paint_brush, paint_rim
from desktop.ui.viewers.volume_scaling import Scaled, paint_scaled, scaled
from desktop.ui.viewers.volume_state import (
    PLANES,
    PaneKind,
    VolumeState,
    centre_of,
    extent,
    in_pane,
    in_patient,
    plane_for,
)
from desktop.ui.viewers.volume_words import pane_corners

_WHEEL_NOTCH = 120


@dataclass(frozen=True, eq=False)
class PaneContent:
    """What a pane is told. text: whose series it is, in the pane that says so."""

    series: VolumeSeries
    state: VolumeState
    presets: tuple[VolumePreset, ...]
    masks: tuple[MaskLayer, ...] = ()
    text: FilmText | None = None
    draft: bool = False
    painted: Painted | None = None


class VolumePane(QWidget):
    """Signals: pressed(pane, event), moved(pane, event), released(pane), wheeled(pane, notches, event) and
    doubled(pane) for the mouse; drawn(pane) when a new picture is there; failed(error) where a slice cannot be read."""

    pressed = Signal(object, object)
    moved = Signal(object, object)
    released = Signal(object)
    wheeled = Signal(object, int, object)
    doubled = Signal(object)
    drawn = Signal(object)
    failed = Signal(object)

    def __init__(self, context: UiContext, kind: PaneKind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"volume_pane_{kind.value}")
        self.kind = kind
        self._context = context
        self._slicer = Slicer()
        self._content: PaneContent | None = None
        self._image: PaneImage | None = None
        self._scaled: tuple[object, Scaled | None] | None = None
        self._over = PaneOverlay()
        self._serial = 0
        self._in_flight = self._wanted = self._drafted = False
        self._notches = 0.0
        self._brush: float | None = None
        self._pointer: QPointF | None = None
        self.corners: tuple[Corner, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 100)

    # What is shown

    @property
    def image(self) -> PaneImage | None:
        """The newest picture."""
        return self._image

    def show_content(self, content: PaneContent) -> None:
        """Show something else; nothing is asked for where the picture would be the same."""
        before, self._content = self._content, content
        if before is not None and before.series is not content.series:
            self._image = None
            self._slicer.forget()
        if before is None or _other_picture(self.kind, before, content) or self._coarse():
            self._ask()  # painted once, when it is there
        if not self._in_flight:
            self.update()

    def clear(self) -> None:
        """Forget every voxel and every word; answers on their way are dropped."""
        self._content = self._image = self._scaled = None
        self.corners = ()
        self._over.forget()
        self._slicer.forget()
        self.update()

    def _ask(self) -> None:
        if self._content is None or self.isHidden():
            return
        if self._in_flight:
            self._wanted = True
            return
        content = self._content
        self._serial += 1
        self._in_flight, self._wanted = True, False
        self._drafted = content.draft and self.kind is PaneKind.OBLIQUE  # the others cost nothing
        request = PaneRequest(
            self._serial, content.series, self.kind, content.state, content.masks, self._drafted, content.painted
        )
        self._context.operations.run(
            partial(render_pane, request, self._slicer),
            initiator=self,
            done=self._take,
            failed=self._fail,
            ended=self._ended,
            pool="display",
        )

    def _coarse(self) -> bool:
        """Whether a draft was asked for last, though nothing moves any more."""
        return self._drafted and self._content is not None and not self._content.draft

    def _take(self, image: PaneImage) -> None:
        content = self._content
        if content is None or image.request.series is not content.series:
            return
        if self._image is not None and image.request.serial <= self._image.request.serial:
            return
        self._image = image
        self.drawn.emit(self)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self.failed.emit(error)

    def _ended(self) -> None:
        self._in_flight = False
        if self._wanted or self._coarse():
            self._ask()
        elif self._content is None:
            self._slicer.forget()
        self.update()

    # Geometry

    @property
    def volume(self) -> Volume | None:
        """What pane coordinates are about."""
        content = self._content
        if content is None:
            return None
        if content.series.solid:
            return content.series.volumes[content.state.moment]
        return self._image.volume if self._image is not None else None

    def scale(self) -> float:
        """Logical pixels per millimetre."""
        volume, content = self.volume, self._content
        if volume is None or content is None:
            return 1.0
        across, down = extent(self.kind, volume, content.state)
        fitted = min(max(self.width(), 1) / across, max(self.height(), 1) / down)
        return fitted * content.state.zoom(self.kind).factor

    def to_pane(self, at: QPointF) -> tuple[float, float]:
        """A point of the widget in pane coordinates."""
        middle = self._content.state.zoom(self.kind).middle if self._content is not None else (0.0, 0.0)
        scale = self.scale()
        return (at.x() - self.width() / 2) / scale + middle[0], (at.y() - self.height() / 2) / scale + middle[1]

    def to_widget(self, x: float, y: float) -> QPointF:
        """A point in pane coordinates on the widget."""
        middle = self._content.state.zoom(self.kind).middle if self._content is not None else (0.0, 0.0)
        scale = self.scale()
        return QPointF((x - middle[0]) * scale + self.width() / 2, (y - middle[1]) * scale + self.height() / 2)

    def point_under(self, at: QPointF) -> Vector | None:
        """The LPS point on the plane of now under a point of the widget."""
        volume, content = self.volume, self._content
        if volume is None or content is None:
            return None
        return in_patient(*self.to_pane(at), plane_for(self.kind, volume, content.state), centre_of(volume))

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The newest picture where the view is by now, then what lies over it."""
        painter = QPainter(self)
        content, image, volume = self._content, self._image, self.volume
        if content is not None and image is not None and volume is not None:
            self._paint_picture(painter, image, volume)
            self._paint_over(painter, content, volume)
        else:
            painter.fillRect(self.rect(), QColor(*BACKGROUND))
        painter.end()

    def _paint_picture(self, painter: QPainter, image: PaneImage, volume: Volume) -> None:
        """Scaled once for as long as neither the picture nor the view changes."""
        ratio = self.devicePixelRatioF()
        frame = image.slice.frame
        middle = self._content.state.zoom(self.kind).middle if self._content is not None else (0.0, 0.0)
        key = (image, self.size(), ratio, self.scale(), middle)
        if self._scaled is None or self._scaled[0] != key:
            x, y = in_pane(frame.origin, frame.plane, centre_of(volume))
            corner = self.to_widget(x - frame.pixel_mm / 2, y - frame.pixel_mm / 2) * ratio
            room = QSize(round(self.width() * ratio), round(self.height() * ratio))
            last = self._scaled[1] if self._scaled is not None else None
            step = self.scale() * frame.pixel_mm * ratio
            self._scaled = key, scaled(image.slice.light, image.overlay, corner, step, room, last)
        paint_scaled(painter, self._scaled[1], self.rect(), ratio, QColor(*BACKGROUND))

    def _paint_over(self, painter: QPainter, content: PaneContent, volume: Volume) -> None:
        state = content.state
        plane = plane_for(self.kind, volume, state)
        painter.setFont(overlay_font(self.font()))
        width, height, ratio = self.width(), self.height(), self.devicePixelRatioF()
        whole = state.whole(self.kind) and content.series.solid
        if state.crosshair and content.series.solid and not whole:
            at = self.to_widget(*in_pane(state.cross, plane, centre_of(volume)))
            self._over.paint_cross(painter, at, _lines(self.kind, plane, volume, state), width, height, ratio)
        if content.series.positions or content.series.solid:
            self._over.paint_letters(painter, plane, width, height, ratio)
        words = pane_corners(self._context, self.kind, content.series, volume, state, content.presets, content.text)
        self._over.paint_corners(painter, words, width, height, ratio)
        self.corners = words
        if self._brush is not None and self._pointer is not None and not whole:
            paint_brush(painter, self._pointer, self._brush * self.scale())
        active = state.active is self.kind and content.series.solid and not state.alone
        paint_rim(painter, self.kind, active, width, height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A pane that was hidden may have no picture yet."""
        super().resizeEvent(event)
        if self._image is None:
            self._ask()

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Handed on."""
        self.pressed.emit(self, event)

    def set_brush(self, radius: float | None) -> None:
        """A ring of millimetres under the pointer; None without."""
        self._brush = radius
        self.setMouseTracking(radius is not None)
        if radius is None:
            self._pointer = None
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """No ring where no pointer is."""
        self._pointer = None
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Handed on."""
        if self._brush is not None:
            self._pointer = event.position()
            self.update()
        self.moved.emit(self, event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Handed on."""
        self.released.emit(self)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Handed on."""
        self.doubled.emit(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Whole notches; a touch pad's small steps add up."""
        self._notches += event.angleDelta().y() / _WHEEL_NOTCH
        whole = int(self._notches)
        if whole:
            self._notches -= whole
            self.wheeled.emit(self, whole, event)
        event.accept()


def _other_picture(kind: PaneKind, before: PaneContent, now: PaneContent) -> bool:
    """Whether a pane must be cut or lit anew: not for a zoom, nor for a crosshair that moves within its plane."""
    if before.series is not now.series or before.masks != now.masks:
        return True
    one, two = before.state, now.state
    shared = ("window", "slab", "moment", "inverted", "number", "turning")
    if any(getattr(one, name) != getattr(two, name) for name in shared):
        return True
    if before.painted is not now.painted:
        return True
    if (now.masks or now.painted) and one.opacity != two.opacity:
        return True
    if not now.series.solid:
        return False
    if kind is PaneKind.OBLIQUE and one.angles != two.angles:
        return True
    if two.whole(kind):
        return False
    volume = now.series.volumes[two.moment]
    plane = plane_for(kind, volume, two)
    return abs(dot(two.cross, plane.normal) - dot(one.cross, plane.normal)) > 1e-6


def _lines(kind: PaneKind, plane: Plane, volume: Volume, state: VolumeState) -> tuple[CrossLine, ...]:
    """Where the other planes cut this one, as directions on the screen."""
    found = []
    for other in PLANES:
        if other is kind or (other is PaneKind.OBLIQUE and kind is not PaneKind.AXIAL):
            continue
        cutting = cross(plane.normal, plane_for(other, volume, state).normal)
        length = math.hypot(*cutting)
        if length < 1e-3:
            continue
        found.append(CrossLine(other, (dot(cutting, plane.right) / length, dot(cutting, plane.down) / length)))
    return tuple(found)
