"""A widget that shows frames of a film and never waits for them."""

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop.records import Picture
from desktop.ui.context import UiContext
from desktop.ui.viewers.frames import (
    BACKGROUND,
    FilmSource,
    Frame,
    FrameRequest,
    picture_to_device,
    render_frame,
)
from desktop.ui.viewers.overlay import Overlay
from desktop.ui.viewers.view_state import ViewState


class FrameView(QWidget):
    """Holds a `ViewState`; each change asks for a frame, at most one at a time, and only the newest wish is kept.

    Until the new frame is there the old one is shown moved, so pan and zoom follow the hand at once.
    Signals: state_changed after the view changed in any way; first_frame when a new picture is on the screen;
    frame_shown for every frame that is.
    """

    state_changed = Signal()
    first_frame = Signal()
    frame_shown = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._picture: Picture | None = None
        self._source: FilmSource | None = None
        self._state: ViewState | None = None
        self._overlay: Overlay | None = None
        self._frame: Frame | None = None
        self._serial = 0
        self._oldest = 0
        self._in_flight = False
        self._wanted = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # What is shown

    @property
    def picture(self) -> Picture | None:
        """The picture on show."""
        return self._picture

    @property
    def source(self) -> FilmSource | None:
        """The picture with its reduced copies, once they are made."""
        return self._source

    @property
    def state(self) -> ViewState | None:
        """How it is shown; None without a picture."""
        return self._state

    @property
    def frame(self) -> Frame | None:
        """The newest frame that arrived."""
        return self._frame

    def show_picture(self, picture: Picture) -> None:
        """Show another picture, fitted, as its file wants it."""
        self.clear()
        self._picture = picture
        self._state = ViewState(picture.rows, picture.columns).fit(self.width(), self.height())
        self._context.operations.run(
            partial(FilmSource.build, picture), initiator=self, done=self._take_source, pool="display"
        )
        self.state_changed.emit()

    def show_instead(self, picture: Picture) -> None:
        """The same picture in another form, such as its green light alone: the view stays, with that form's window."""
        if self._state is None or self._picture is None or picture is self._picture:
            return
        self._picture = picture
        self._state = replace(self._state, window=None)
        self._context.operations.run(
            partial(FilmSource.build, picture), initiator=self, done=self._take_source, pool="display"
        )

    def show_next(self, source: FilmSource) -> None:
        """Another picture of the same run, prepared already: the view stays, and the one on the screen until then."""
        if self._state is None:
            return
        self._picture, self._source = source.picture, source
        if (self._state.rows, self._state.columns) != (source.picture.rows, source.picture.columns):
            self._state = replace(self._state, rows=source.picture.rows, columns=source.picture.columns)
            self._state = self._state.fit(self.width(), self.height())
        self._ask()

    def clear(self) -> None:
        """Forget every pixel."""
        self._picture = self._source = self._state = self._overlay = self._frame = None
        self._in_flight = self._wanted = False
        self._serial += 1
        self._oldest = self._serial
        self.update()
        self.state_changed.emit()

    def set_state(self, state: ViewState) -> None:
        """Show the picture another way."""
        if self._state is None or state == self._state:
            return
        self._state = state
        self._ask()
        self.update()
        self.state_changed.emit()

    def set_overlay(self, overlay: Overlay | None) -> None:
        """What models laid over the picture, shown once that is switched on."""
        if overlay is self._overlay or (overlay is not None and overlay.like(self._overlay)):
            return
        self._overlay = overlay
        if self._state is not None and self._state.overlay:
            if overlay is None:
                self.set_state(replace(self._state, overlay=False))
            else:
                self._ask()
        self.state_changed.emit()

    @property
    def overlay(self) -> Overlay | None:
        """What models laid over the picture; None where they gave nothing of the kind."""
        return self._overlay

    # Frames

    def _take_source(self, source: FilmSource) -> None:
        if source.picture is not self._picture:
            return
        self._source = source
        self._ask()
        self.state_changed.emit()

    def _ask(self) -> None:
        if self._source is None or self._state is None:
            return
        if self._in_flight:
            self._wanted = True
            return
        self._serial += 1
        self._in_flight, self._wanted = True, False
        request = FrameRequest(
            self._serial,
            self._source,
            self._state,
            self.width(),
            self.height(),
            self.devicePixelRatioF(),
            self._overlay,
        )
        self._context.operations.run(
            partial(render_frame, request),
            initiator=self,
            done=self._take_frame,
            ended=self._frame_ended,
            pool="display",
        )

    def _take_frame(self, frame: Frame) -> None:
        """Show an answer, unless it is about a picture that is gone or older than what is shown. Of a run the one
        before last may still be shown: while somebody scrolls there is always a later one on its way."""
        if frame.request.serial <= self._oldest:
            return
        if self._frame is not None and frame.request.serial <= self._frame.request.serial:
            return
        first = self._frame is None
        self._frame = frame
        self.update()
        if first:
            self.first_frame.emit()
        self.frame_shown.emit()

    def _frame_ended(self) -> None:
        self._in_flight = False
        if self._wanted:
            self._ask()

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted picture fitted."""
        super().resizeEvent(event)
        if self._state is not None:
            before = self._state
            self._state = before.resized(self.width(), self.height())
            self._ask()
            self.state_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The newest frame, moved to where the view is by now, then whatever lies over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(*BACKGROUND))
        if self._frame is not None and self._state is not None:
            self._paint_frame(painter, self._frame, self._state)
        self.paint_over(painter)
        painter.end()

    def paint_over(self, painter: QPainter) -> None:
        """For what lies over the film."""

    def _paint_frame(self, painter: QPainter, frame: Frame, state: ViewState) -> None:
        shown = replace(frame.request, ratio=1.0)
        now = replace(shown, state=state, width=self.width(), height=self.height())
        if shown.state != state or (shown.width, shown.height) != (now.width, now.height):
            back, possible = picture_to_device(shown).inverted()
            if possible:
                painter.setTransform(back * picture_to_device(now))
        painter.drawImage(0, 0, frame.image)
        painter.resetTransform()
