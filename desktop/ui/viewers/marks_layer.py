"""What other programs' files draw on a film, and that it is a key image: over the film, out of the mouse's way."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.imaging.frame_run import FramePlace
from desktop.ui.viewers.film import FilmViewer
from desktop.ui.viewers.film_painting import BADGE, BADGE_TEXT, overlay_font, paint_marks
from desktop.ui.viewers.foreign_mark import ForeignMark

_TOP = 44.0


class MarksLayer(QWidget):
    """Lies over the film and shows what belongs to the picture in front. place: says which that is."""

    def __init__(self, viewer: FilmViewer, place: Callable[[], FramePlace | None]) -> None:
        super().__init__(viewer)
        self.setObjectName("marks_layer")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._viewer = viewer
        self._place = place
        self._marks: tuple[ForeignMark, ...] = ()
        self._keys: frozenset[FramePlace] = frozenset()
        self._badge = ""
        self._shown = True
        viewer.state_changed.connect(self._follow)
        viewer.picture_changed.connect(self._follow)
        viewer.installEventFilter(self)
        self.hide()

    def set_marks(self, marks: Sequence[ForeignMark]) -> None:
        """What files of other programs draw on pictures of the study."""
        self._marks = tuple(marks)
        self._follow()

    def set_keys(self, keys: frozenset[FramePlace], badge: str) -> None:
        """Which pictures are key images, and how that is said."""
        self._keys, self._badge = keys, badge
        self._follow()

    @property
    def shown(self) -> bool:
        """Whether imported drawings are on the screen."""
        return self._shown

    def set_shown(self, shown: bool) -> None:
        """Show imported drawings, or leave them out."""
        self._shown = shown
        self._follow()

    @property
    def here(self) -> tuple[ForeignMark, ...]:
        """Imported drawings on the picture in front."""
        place = self._place()
        return tuple(one for one in self._marks if one.place == place) if self._shown else ()

    @property
    def is_key(self) -> bool:
        """Whether the picture in front is a key image."""
        return self._place() in self._keys

    def clear(self) -> None:
        """Forget every word."""
        self._marks, self._keys, self._badge = (), frozenset(), ""
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """As large as the film."""
        if event.type() is QEvent.Type.Resize:
            self.setGeometry(self._viewer.rect())
        return False

    def _follow(self) -> None:
        wanted = self._viewer.state is not None and (bool(self.here) or self.is_key)
        self.setGeometry(self._viewer.rect())
        self.setVisible(wanted)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The drawings, then the badge."""
        state = self._viewer.state
        if state is None:
            return
        painter = QPainter(self)
        painter.setFont(overlay_font(self.font()))
        marks, words, corners = [one.mark for one in self.here], self._viewer.words_at, self._viewer.corners_at
        paint_marks(painter, marks, state, self.width(), self.height(), words, corners)
        if self.is_key:
            self._paint_badge(painter)
        painter.end()

    def _paint_badge(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        wide = metrics.horizontalAdvance(self._badge) + 16
        box = QRectF((self.width() - wide) / 2, _TOP, wide, metrics.height() + 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(BADGE)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(BADGE_TEXT)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._badge)
