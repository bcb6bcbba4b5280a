"""The viewer for electrocardiograms and other traces: paper true to scale, calipers, measurements with their method."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from desktop.jobs import Job
from desktop.records import Recording
from desktop.signals.measure import EcgMeasurements, measure_ecg
from desktop.ui.context import UiContext
from desktop.ui.viewers import ecg_painting as painting
from desktop.ui.viewers.ecg_beats import BEATS_ENLARGED, paint_beats, paint_table, table_width
from desktop.ui.viewers.ecg_commands import ECG_COMMANDS, Around
from desktop.ui.viewers.ecg_screen import ScreenScale, scale_of
from desktop.ui.viewers.ecg_source import EcgSource
from desktop.ui.viewers.ecg_state import (
    Caliper,
    EcgFilter,
    EcgLayout,
    EcgView,
    Page,
    clamped,
    fitting_layout,
    lay_out,
)
from desktop.ui.viewers.ecg_tiles import TraceTiles
from desktop.ui.viewers.ecg_words import (
    caliper_words,
    foot_words,
    lead_words,
    measurement_words,
    method_words,
    recorder_words,
)
from desktop.ui.viewers.film_words import FilmText

_MARGIN = 10.0
_FOOT = 24.0
_SMALL, _LARGE = 12, 15
_DRAG = 4.0
_WHEEL_SECONDS = 0.4
_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class Earlier:
    """An earlier electrocardiogram of the same patient, for comparison. title: its day."""

    title: str
    measured: EcgMeasurements


class EcgViewer(QWidget):
    """Shows one recording's main trace.

    Signals: view_changed after anything about the view changed; measured(EcgMeasurements) when the numbers are there.
    """

    view_changed = Signal()
    measured = Signal(object)

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ecg_viewer")
        self._context = context
        self._recording: Recording | None = None
        self._source: EcgSource | None = None
        self._measurements: EcgMeasurements | None = None
        self._earlier: Earlier | None = None
        self._view = EcgView()
        self._text = FilmText()
        self._titles = ("", "")
        self._drag: QPointF | None = None
        self._panned: float | None = None
        self._kept: tuple[object, QPixmap] | None = None
        self._tiles = TraceTiles()
        self._measured_scale: float | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 200)

    # What is shown

    @property
    def view(self) -> EcgView:
        """How it is shown."""
        return self._view

    @property
    def source(self) -> EcgSource | None:
        """The trace made ready, once it is."""
        return self._source

    @property
    def measurements(self) -> EcgMeasurements | None:
        """What was measured, once it is."""
        return self._measurements

    @property
    def earlier(self) -> Earlier | None:
        """What the beats are compared with."""
        return self._earlier

    def show_recording(self, recording: Recording) -> None:
        """Show another recording from its beginning; it is measured in the background."""
        self.clear()
        self._recording = recording
        trace = recording.main
        self._view = EcgView(layout=fitting_layout(trace))
        if trace.row(self._view.rhythm) is None:
            self._view = replace(self._view, rhythm=next((trace.leads[row].name for row in trace.ecg), ""))
        self._prepare()
        self._context.operations.run(
            partial(_measure, recording),
            initiator=self,
            done=self._take_measurements,
            pool="compute",
            title=self._context.tr("ecg.progress.measuring"),
        )
        self.view_changed.emit()

    def set_earlier(self, earlier: Earlier | None, titles: tuple[str, str] = ("", "")) -> None:
        """What to compare with. titles: of the columns now and earlier."""
        self._earlier, self._titles = earlier, titles
        self.update()

    def set_text(self, text: FilmText) -> None:
        """Whose trace it is."""
        self._text = text
        self.update()

    def set_screen_scale(self, measured: float | None) -> None:
        """Logical pixels in a millimetre as somebody measured them on this screen, or None."""
        self._measured_scale = measured
        self._changed()

    def clear(self) -> None:
        """Forget every sample and every word."""
        self._recording = self._source = self._measurements = self._earlier = self._kept = None
        self._tiles.forget()
        self._text, self._titles = FilmText(), ("", "")
        self._drag = self._panned = None
        self._view = EcgView()
        self.update()

    def set_view(self, view: EcgView) -> None:
        """Show it another way."""
        if view == self._view:
            return
        before, self._view = self._view, view
        if view.setting != before.setting:
            self._prepare()
        self._changed()

    def run(self, command: str) -> bool:
        """Carry out a command by its id, such as `ecg.speed`. False without a trace or such a command."""
        if self._source is None or command not in ECG_COMMANDS:
            return False
        page = self.page()
        if page is None:
            return False
        view = ECG_COMMANDS[command](self._view, Around(self._source.trace, page))
        self.set_view(view)
        again = self.page()
        if again is not None:
            self.set_view(clamped(self._view, self._source.trace, again.seconds))
        return True

    def choose_filter(self, choice: EcgFilter) -> None:
        """Another filter by its name."""
        if self._source is not None:
            self.set_view(replace(self._view, filter=choice))

    def page(self) -> Page | None:
        """The page as it is laid out now."""
        if self._source is None:
            return None
        area, scale = self._paper(), self.screen_scale()
        return lay_out(self._source.trace, self._view, (area.width() / scale.pixels, area.height() / scale.pixels))

    def screen_scale(self) -> ScreenScale:
        """Logical pixels in a millimetre of this screen."""
        return scale_of(self.screen(), self._measured_scale)

    # Work

    def _prepare(self) -> None:
        recording, setting = self._recording, self._view.setting
        if recording is None:
            return
        self._context.operations.run(
            partial(EcgSource.build, recording.main, setting),
            initiator=self,
            done=self._take_source,
            pool="compute",
            title=self._context.tr("ecg.progress.filtering"),
        )

    def _take_source(self, source: EcgSource) -> None:
        """What was asked for last is shown; the trace of another recording, or another filter's, is dropped."""
        if self._recording is None or source.recorded is not self._recording.main:
            return
        if source.setting == self._view.setting:
            self._source = source
            self._changed()

    def _take_measurements(self, result: tuple[Recording, EcgMeasurements]) -> None:
        if result[0] is self._recording:
            self._measurements = result[1]
            self._changed()
            self.measured.emit(result[1])

    def _changed(self) -> None:
        self.update()
        self.view_changed.emit()

    # Painting

    def sizeHint(self) -> QSize:
        """A page of ten seconds."""
        return QSize(1000, 620)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the page out anew."""
        super().resizeEvent(event)
        page = self.page()
        if page is not None and self._source is not None:
            self._view = clamped(self._view, self._source.trace, page.seconds)
        self._changed()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words above, the page, words below; calipers over the page."""
        colours = painting.inks(self._context.settings.theme)
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.paper)
        page, source = self.page(), self._source
        if page is not None and source is not None:
            self._paint_words(painter, page, source, colours)
            area = self._paper()
            painter.save()
            painter.setClipRect(area)
            painter.translate(area.topLeft())
            self._paint_page(painter, page, source, colours)
            painter.restore()
        if self.hasFocus():
            painter.setPen(QPen(colours.caliper, 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paper(self) -> QRectF:
        """Where the page lies."""
        top = self._head_lines() * (_SMALL + 7.0) + 18.0
        return QRectF(0, top, self.width(), max(1.0, self.height() - top - _FOOT))

    def _head_lines(self) -> int:
        """Lines above the page: whose it is, the numbers, how they came about, what the recorder said."""
        return 3 + bool(self._recording is not None and self._recording.statements)

    def _paint_words(self, painter: QPainter, page: Page, source: EcgSource, colours: painting.Inks) -> None:
        left, right = "  ".join(self._text.patient), "  ".join(self._text.study)
        y = self._line(painter, colours, 6.0, left, right)
        if self._measurements is not None:
            y = self._line(painter, colours, y, measurement_words(self._context, self._measurements), size=_LARGE)
            y = self._line(painter, colours, y, method_words(self._context, self._measurements))
        else:
            y = self._line(painter, colours, y, self._context.tr("ecg.progress.measuring"), size=_LARGE)
        if self._recording is not None and self._recording.statements:
            words = recorder_words(self._context, self._recording)
            self._line(painter, colours, self._paper().top() - _SMALL - 9.0, words)
        shown = page.scale if self._view.layout is not EcgLayout.BEATS else BEATS_ENLARGED
        foot = foot_words(self._context, self._view, source, self.screen_scale(), shown)
        time = self._context.tr("ecg.time", start=f"{self._view.start:.1f}", total=f"{source.trace.seconds:.1f}")
        caliper = self._view.caliper
        aside = caliper_words(self._context, caliper, self._view) if caliper is not None else time
        self._line(painter, colours, self.height() - _FOOT + 4.0, foot, aside, strong=caliper is not None)

    def _line(
        self,
        painter: QPainter,
        colours: painting.Inks,
        top: float,
        left: str,
        right: str = "",
        *,
        size: int = _SMALL,
        strong: bool = False,
    ) -> float:
        """One line of words, cut where it would run over; the y below it."""
        font = QFont(self.font())
        font.setPixelSize(size)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        base = top + metrics.ascent()
        beside = metrics.horizontalAdvance(right) + 16 if right else 0.0
        painter.setPen(colours.label if size == _SMALL else colours.trace)
        room = self.width() - 2 * _MARGIN - beside
        painter.drawText(QPointF(_MARGIN, base), metrics.elidedText(left, Qt.TextElideMode.ElideRight, room))
        if right:
            painter.setPen(colours.caliper if strong else colours.label)
            painter.drawText(QPointF(self.width() - _MARGIN - metrics.horizontalAdvance(right), base), right)
        return top + metrics.height() + 2.0

    def _paint_page(self, painter: QPainter, page: Page, source: EcgSource, colours: painting.Inks) -> None:
        scale = self.screen_scale().pixels
        if self._view.layout is EcgLayout.BEATS:
            self._paint_beats(painter, scale, colours)
            return
        pixels = scale * page.scale
        self._draw_paper(painter, page, source, pixels, colours)
        self._tiles.paint(painter, source, page, self._view, pixels, self.devicePixelRatioF(), colours.trace)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(painting.label_font(self.font()))
        for strip in page.strips:
            painting.paint_label(painter, strip, lead_words(self._context, source, strip.row), pixels, colours)
        if self._view.marks and self._measurements is not None:
            peaks = np.array(self._measurements.r_peaks, np.float64) / source.trace.rate
            painting.paint_r_marks(painter, peaks, page, self._view, pixels, colours)
        if self._view.caliper is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painting.paint_caliper(painter, self._view.caliper, page, self._view, pixels, colours)

    def _draw_paper(
        self, painter: QPainter, page: Page, source: EcgSource, pixels: float, colours: painting.Inks
    ) -> None:
        """The squares and pulses stand still while the trace moves, so they are drawn once for each page and theme."""
        area, ratio = self._paper(), self.devicePixelRatioF()
        pulses = [strip for strip in page.strips if strip.first and strip.row not in source.ranges]
        places = tuple(strip.middle for strip in pulses)
        key = (area.width(), area.height(), pixels, ratio, colours, self._view.gain, places)
        if self._kept is None or self._kept[0] != key:
            drawn = QPixmap(QSize(int(area.width() * ratio) + 1, int(area.height() * ratio) + 1))
            drawn.setDevicePixelRatio(ratio)
            inner = QPainter(drawn)
            painting.paint_grid(inner, page.width, page.height, pixels, colours)
            inner.setRenderHint(QPainter.RenderHint.Antialiasing)
            inner.setPen(painting.trace_pen(colours.trace))
            for strip in pulses:
                painting.paint_pulse(inner, strip, self._view, pixels)
            inner.end()
            self._kept = (key, drawn)
        painter.drawPixmap(0, 0, self._kept[1])

    def _paint_beats(self, painter: QPainter, scale: float, colours: painting.Inks) -> None:
        area = self._paper()
        width, height = area.width(), area.height()
        scale *= BEATS_ENLARGED
        painting.paint_grid(painter, width / scale, height / scale, scale, colours)
        now = self._measurements
        if now is None:
            return
        earlier = self._earlier.measured if self._earlier is not None else None
        table = table_width(width)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(painting.label_font(self.font()))
        if now.beat is not None:
            paint_beats(painter, QRectF(0, 0, width - table, height), self._view, scale, now, earlier, colours)
        painter.fillRect(QRectF(width - table, 0, table, height), colours.paper)
        box = QRectF(width - table + 12, 8, table - 24, height - 16)
        font = QFont(self.font())
        font.setPixelSize(_SMALL + 1)
        painter.setFont(font)
        paint_table(painter, box, self._context, now, earlier, self._titles, colours)
        if earlier is None:
            painter.setPen(colours.label)
            words = self._context.tr("ecg.no_earlier")
            painter.drawText(box.adjusted(0, 190, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap, words)

    # Keys and mouse

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the caliper's active end, or without one the page; Esc takes the caliper away."""
        key = Qt.Key(event.key())
        caliper = self._view.caliper
        if caliper is not None and key in _ARROWS:
            coarse = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self._move_caliper(caliper, *(coarse * part for part in _ARROWS[key]))
        elif caliper is not None and key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.run("ecg.swap")
        elif caliper is not None and key == Qt.Key.Key_Escape:
            self.run("ecg.caliper")
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.run("ecg.forward" if key == Qt.Key.Key_Right else "ecg.back")
        else:
            super().keyPressEvent(event)

    def _move_caliper(self, caliper: Caliper, right: float, down: float) -> None:
        """By logical pixels; heights begin in the middle of the page."""
        page = self.page()
        if page is None:
            return
        pixels = self.screen_scale().pixels * page.scale
        if down and caliper.heights is None:
            caliper = replace(caliper, heights=(page.height / 2, page.height / 2))
        moved = caliper.moved(right / pixels / self._view.speed, down / pixels)
        self.set_view(replace(self._view, caliper=moved))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Left: a caliper is drawn. Middle or right: the page is moved."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self._source is None or self._view.layout is EcgLayout.BEATS:
            return
        self._drag = event.position()
        self._panned = None if event.button() is Qt.MouseButton.LeftButton else self._view.start

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the hand."""
        page, begin = self.page(), self._drag
        if page is None or begin is None or self._source is None:
            return
        at, pixels = event.position(), self.screen_scale().pixels * page.scale
        if self._panned is not None:
            start = self._panned - (at.x() - begin.x()) / pixels / self._view.speed
            self.set_view(clamped(replace(self._view, start=start), self._source.trace, page.seconds))
        elif (at - begin).manhattanLength() > _DRAG:
            top = self._paper().top()
            times = tuple(page.time_at(point.x() / pixels, self._view) for point in (begin, at))
            heights = tuple((point.y() - top) / pixels for point in (begin, at))
            flat = abs(at.y() - begin.y()) <= _DRAG
            drawn = Caliper((times[0], times[1]), None if flat else (heights[0], heights[1]))
            self.set_view(replace(self._view, caliper=drawn))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The hand lets go."""
        self._drag = self._panned = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Along the trace; with Ctrl, larger and smaller."""
        notches = event.angleDelta().y() / 120
        page = self.page()
        if page is not None and self._source is not None and notches:
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.run("ecg.gain_up" if notches > 0 else "ecg.gain_down")
            else:
                moved = replace(self._view, start=self._view.start - notches * _WHEEL_SECONDS)
                self.set_view(clamped(moved, self._source.trace, page.seconds))
        event.accept()


def _measure(recording: Recording, job: Job) -> tuple[Recording, EcgMeasurements]:
    job.report("ecg.progress.measuring")
    return recording, measure_ecg(recording.main)
