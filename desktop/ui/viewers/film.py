"""The viewer for films and clips: window, zoom, turn, measure, mark, page, play. Everything works with the keyboard
alone."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QHideEvent, QKeyEvent, QPainter, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QWidget

from desktop.imaging.frame_run import FramePlace, FrameRun
from desktop.records import AnnotationKind, Picture
from desktop.ui.context import UiContext
from desktop.ui.viewers.cine_player import CINE_COMMANDS, CinePlayer
from desktop.ui.viewers.cine_words import frame_words
from desktop.ui.viewers.drawing import Tool
from desktop.ui.viewers.film_drawn import DrawnFilm
from desktop.ui.viewers.film_lens import histogram_box, paint_histogram, paint_lens
from desktop.ui.viewers.film_numbers import measured_words
from desktop.ui.viewers.film_painting import (
    SELECTED,
    TEXT,
    Corner,
    Mark,
    corner_boxes,
    overlay_font,
    paint_corners,
    paint_marks,
    paint_pen,
)
from desktop.ui.viewers.film_scale import TrueSize, ask_screen, true_size
from desktop.ui.viewers.film_words import FilmText, corners
from desktop.ui.viewers.frames import FilmSource
from desktop.ui.viewers.label_field import LabelField
from desktop.ui.viewers.overlay import Laid
from desktop.ui.viewers.view_commands import VIEW_COMMANDS, Surroundings
from desktop.ui.viewers.view_state import Point, ViewState

OPEN_ENDED = (AnnotationKind.REGION, AnnotationKind.FREEHAND)
"""What measures something only once it is closed."""

WHEEL_STEP = 1.2
_TOOLS = {f"viewer.tool_{tool.value}": tool for tool in Tool}
_MIDDLE = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
_CORNERS = ("viewer.corner_1", "viewer.corner_2", "viewer.corner_3", "viewer.corner_4")


class FilmViewer(DrawnFilm):
    """Shows a film, or a run of pictures one at a time.

    Signals, besides those of `DrawnFilm`: labelled(words) when the label asked for last was typed; picture_changed()
    when another picture of the run is shown.
    """

    labelled = Signal(str)
    picture_changed = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("film_viewer")
        self.setMinimumSize(240, 200)
        self.cine = CinePlayer(context, self._seen, self)
        self.cine.ready.connect(self._show_of_run)
        self.cine.changed.connect(self.update)
        self.cine.failed.connect(self._say_failure)
        self.frame_shown.connect(self.cine.frame_shown)
        self._turned = 0.0
        self._text = FilmText()
        self._empty = ""
        self._label = LabelField(context, self)
        self._labelled_points: tuple[Point, ...] = ()
        self._words_at: list[QRectF] = []
        self._corners_at: list[QRectF] = []
        self._label.kept.connect(self._label_kept)
        self._label.left.connect(self._take_keys)
        self.state_changed.connect(self._place_label)

    # What is shown

    def show_picture(self, picture: Picture) -> None:
        """Show another picture, fitted, with no drawing on it."""
        self.finish_label()
        super().show_picture(picture)

    def show_run(self, run: FrameRun, first: Picture) -> None:
        """Show a run at its first picture, which is decoded already."""
        self.show_picture(first)
        if len(run) > 1:
            self.cine.begin(run)

    def clear(self) -> None:
        """Forget every pixel and every word."""
        self._label.drop()
        self.cine.clear()
        self._text = FilmText()
        self._turned = 0.0
        super().clear()

    @property
    def place(self) -> FramePlace | None:
        """Which picture of a run is on the screen; None for a single film."""
        return self.cine.place

    def _take_source(self, source: FilmSource) -> None:
        super()._take_source(source)
        if source is self._source:
            self.cine.first_ready(source)

    def _show_of_run(self, source: FilmSource) -> None:
        """Another picture of the run, in the same view."""
        before = self._source
        self.finish_label()
        self.show_next(source)
        if before is not None and before is not source:
            before.forget_view()
        self._picture_changed()
        self.picture_changed.emit()

    def _say_failure(self, error: Exception) -> None:
        self._context.toast(self._context.error_text(error).message)

    def _seen(self) -> bool:
        """Whether anybody can see it: not while another screen is in front, nor minimised."""
        return self.isVisible() and not self.window().isMinimized()

    def set_text(self, text: FilmText) -> None:
        """Whose film it is, for the corners."""
        self._text = replace(text, note=self._text.note)
        self.update()

    def set_note(self, words: str) -> None:
        """Say in a corner that the film is not shown as it was taken; empty where it is."""
        self._text = replace(self._text, note=words)
        self.update()

    def set_empty_words(self, words: str) -> None:
        """What to say where there is no film."""
        self._empty = words
        self.update()

    # Commands: every one has a key

    def run(self, command: str) -> bool:
        """Carry out a command by its id, such as `viewer.invert`. False without a picture or such a command."""
        if self._state is None or self._source is None:
            return False
        if command == "viewer.true_size" and self.true_size.zoom is None:
            self._context.toast(self.true_size.words(self._context))
        elif command in VIEW_COMMANDS:
            self.set_state(VIEW_COMMANDS[command](self._state, self._surroundings()))
        elif command in CINE_COMMANDS:
            CINE_COMMANDS[command](self.cine)
        elif command in _TOOLS:
            self.set_tool(_TOOLS[command])
        elif command == "viewer.overlay":
            self.set_state(replace(self._state, overlay=self.overlay is not None and not self._state.overlay))
        elif command == "viewer.calibrate_screen":
            ask_screen(self._context, self)
        elif command == "viewer.magnifier":
            self._lens = not self._lens
            self.update()
        elif command == "viewer.histogram":
            self._histogram = not self._histogram
            self.update()
        elif command in _CORNERS:
            self._toggle_corner(_CORNERS.index(command))
        elif command == "viewer.next_drawing":
            self._select_next()
        elif command == "viewer.label_drawing":
            self._ask_about_selected(self.label_asked)
        elif command == "viewer.remove_drawing":
            self._ask_about_selected(self.removal_asked)
        else:
            return False
        return True

    def set_tool(self, tool: Tool) -> None:
        """As `DrawnFilm.set_tool`; nobody draws on pictures that pass by."""
        if tool.draws is not None:
            self.cine.pause()
        super().set_tool(tool)

    def _surroundings(self) -> Surroundings:
        if self._source is None:
            raise RuntimeError("no picture")
        return Surroundings(
            self.width(),
            self.height(),
            self.devicePixelRatioF(),
            self._source.base,
            self._source.presets,
            self.true_size.zoom,
        )

    def _toggle_corner(self, corner: int) -> None:
        """Show or hide the words of a corner, on this PC from now on; warnings stay."""
        hidden = set(self._context.settings.hidden_corners) ^ {corner}
        self._context.change_settings(replace(self._context.settings, hidden_corners=tuple(sorted(hidden))))
        self.update()

    @property
    def true_size(self) -> TrueSize:
        """At which zoom a millimetre is a millimetre, and what that rests on."""
        return true_size(self._picture, self._manual, self._context.settings.pixels_per_mm, self.screen())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and pauses where nothing is drawn; the rest as `DrawnFilm`."""
        if event.key() == Qt.Key.Key_Space and self._drawing is None and self.cine.run is not None:
            self.cine.toggle()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer. Where there are several pictures it pages, as with slices, and with Ctrl it zooms."""
        notches = event.angleDelta().y() / 120
        paging = self.cine.run is not None and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if paging:
            self._turned += notches
            whole = int(self._turned)
            self._turned -= whole
            if whole:
                self.cine.step(-whole)
        elif self._state is not None and notches:
            anchor = event.position().x(), event.position().y()
            self.set_state(self._state.zoomed(WHEEL_STEP**notches, anchor, self.width(), self.height()))
        event.accept()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing plays where nobody looks."""
        super().hideEvent(event)
        self.cine.pause()

    # Labels

    def start_label(self, points: tuple[Point, ...], words: str = "", hint: str = "viewer.label.placeholder") -> None:
        """Let the label of a drawing be typed beside it; whoever asks keeps in mind which drawing it is.

        hint: key of the sentence that says what to type.
        """
        if self._state is not None:
            self._labelled_points = points
            self._label.begin(words, hint)
            self._place_label()

    def finish_label(self) -> None:
        """Keep what is typed as a label, if somebody types one."""
        self._label.finish()

    def _label_kept(self, words: str) -> None:
        self.labelled.emit(words)

    def _take_keys(self) -> None:
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _place_label(self) -> None:
        if self._state is not None and not self._label.isHidden():
            corners = [QPointF(*self._state.to_view(p, self.width(), self.height())) for p in self._labelled_points]
            self._label.place(QPolygonF(corners).boundingRect(), self.size())

    # Painting

    @property
    def words_at(self) -> Sequence[QRectF]:
        """Where the words of drawings stand now."""
        return self._words_at

    @property
    def corners_at(self) -> Sequence[QRectF]:
        """Where the words in the corners do."""
        return self._corners_at

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that the keys go here."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The keys go elsewhere."""
        super().focusOutEvent(event)
        self.update()

    def paint_over(self, painter: QPainter) -> None:
        """Drawings, corners, the pen and the focus line."""
        painter.setFont(overlay_font(self.font()))
        if self._picture is None or self._state is None:
            painter.setPen(TEXT)
            painter.drawText(self.rect().adjusted(12, 12, -12, -12), _MIDDLE, self._empty)
            return
        size = (self.width(), self.height())
        texts = self._without_hidden(self._corners(self._state))
        self._corners_at = corner_boxes(QFontMetricsF(painter.font()), texts, *size)
        self._words_at = paint_marks(painter, self._marks(), self._state, *size, (), self._corners_at)
        if self._histogram and self._source is not None:
            box = histogram_box(self.width(), self.height())
            paint_histogram(painter, self._source.histogram, self._state.window or self._source.window, box)
        if self._lens and self._source is not None:
            at = self._pointer or (self.width() / 2, self.height() / 2)
            paint_lens(painter, self._source, self._state, at, size, self.devicePixelRatioF())
        if self._drawing is not None and not self.underMouse():
            paint_pen(painter, self._state.to_view(self._drawing.cursor, self.width(), self.height()))
        paint_corners(painter, texts, *size)
        if self.hasFocus():
            painter.setPen(QPen(SELECTED, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _corners(self, state: ViewState) -> tuple[Corner, Corner, Corner, Corner]:
        drawn = len(self._drawing.points) if self._drawing is not None else 0
        ratio = self.devicePixelRatioF()
        laid = self.overlay.kind if self.overlay is not None else Laid.LOOKED
        made = corners(self._context, self._text, state, self._source, self._tool, ratio, drawn, laid=laid)
        lines = made[2].lines
        if self.cine.run is not None:
            lines = (*lines, frame_words(self._context, self.cine))
        size = self.true_size
        if size.zoom is not None and abs(size.zoom - state.zoom) <= 1e-9:
            lines = (*lines, size.words(self._context))
        return made[0], made[1], replace(made[2], lines=lines), made[3]

    def _without_hidden(self, made: tuple[Corner, Corner, Corner, Corner]) -> tuple[Corner, Corner, Corner, Corner]:
        """Without the words of the corners somebody hid; what is drawn now still says what comes next."""
        kept = [
            Corner((), corner.badges) if at in self._context.settings.hidden_corners else corner
            for at, corner in enumerate(made)
        ]
        if self._tool.draws is not None:
            kept[2] = made[2]
        return kept[0], kept[1], kept[2], kept[3]

    def _marks(self) -> tuple[Mark, ...]:
        marks = [
            Mark(a.kind, a.points, self._words(a.kind, a.points, a.label), selected=a == self._selected)
            for a in self.annotations
        ]
        kept = [one for one in self._kept_here if one.place == self.place]
        marks += [Mark(one.kind, one.points, self._words(one.kind, one.points, "")) for one in kept]
        if self._drawing is not None and self._drawing.points:
            lines = self._drawing.outline
            words = "" if self._drawing.kind in OPEN_ENDED else self._words(self._drawing.kind, lines, "")
            rectangle = self._drag is not None and self._drag.far and len(lines) == 2
            marks.append(Mark(self._drawing.kind, lines, words, selected=True, open=not rectangle))
        return tuple(marks)

    def _words(self, kind: AnnotationKind, points: tuple[Point, ...], label: str) -> str:
        if self._picture is None:
            return label
        if kind is AnnotationKind.CALIBRATION and label:
            return self._context.tr("viewer.calibration.words", length=label)
        measured = measured_words(self._context, self._picture, kind, points, self._manual)
        return " · ".join(part for part in (label, measured) if part)
