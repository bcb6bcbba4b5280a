"""Calm lists: two lines a row, one remark at the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.ui.theme import Palette

_HEIGHT = 56
_LOW_HEIGHT = 40
_MARGIN = 12
_TITLE_PIXELS = 14
_SMALL_PIXELS = 12
_Index = QModelIndex | QPersistentModelIndex


class Tone(StrEnum):
    """How the remark looks; its words carry the meaning."""

    QUIET = "quiet"
    NEXT = "next"
    GOOD = "good"
    CAUTION = "caution"


@dataclass(frozen=True)
class Row:
    """One row. key: what choosing it hands over."""

    key: str
    title: str
    subtitle: str = ""
    remark: str = ""
    tone: Tone = Tone.QUIET

    @property
    def spoken(self) -> str:
        """The whole row for a screen reader."""
        return ", ".join(part for part in (self.title, self.subtitle, self.remark) if part)


class RowModel(QAbstractListModel):
    """Rows in order."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is shown."""
        return self._rows

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """How many rows there are."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The row's words; the row itself under UserRole."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return row.spoken
        return row if role == Qt.ItemDataRole.UserRole else None


class RowDelegate(QStyledItemDelegate):
    """Paints a row; words that do not fit end in an ellipsis and stand whole in the tooltip."""

    def __init__(self, context: "UiContext", parent: QListView) -> None:
        super().__init__(parent)
        self._context = context

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Rows of two lines, or lower ones of one line."""
        row: Row = index.data(Qt.ItemDataRole.UserRole)
        return QSize(200, _HEIGHT if row.subtitle else _LOW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Title above, subtitle below, remark at the right."""
        row: Row = index.data(Qt.ItemDataRole.UserRole)
        colours = self._context.colours
        area = option.rect.adjusted(4, 2, -4, -2)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(colours.selection if chosen else colours.raised))
            painter.drawRoundedRect(area, 6, 6)
        if option.state & QStyle.StateFlag.State_HasFocus and chosen:
            painter.setBrush(QColor(colours.focus))
            painter.drawRoundedRect(QRect(area.left(), area.top() + 8, 4, area.height() - 16), 2, 2)
        inside = area.adjusted(_MARGIN, 0, -_MARGIN, 0)
        taken = self._paint_remark(painter, inside, row, colours)
        words = inside.adjusted(0, 6, -taken, -6)
        self._paint_words(painter, words, row, colours)
        painter.restore()

    def _paint_words(self, painter: QPainter, area: QRect, row: Row, colours: "Palette") -> None:
        half = area.height() // 2
        upper = QRect(area.left(), area.top(), area.width(), half)
        lower = QRect(area.left(), area.top() + half, area.width(), area.height() - half)
        title_area = upper if row.subtitle else area
        _draw(painter, title_area, row.title, _font(painter, _TITLE_PIXELS, bold=True), colours.ink)
        if row.subtitle:
            _draw(painter, lower, row.subtitle, _font(painter, _SMALL_PIXELS), colours.muted)

    def _paint_remark(self, painter: QPainter, area: QRect, row: Row, colours: "Palette") -> int:
        """The width it takes."""
        if not row.remark:
            return 0
        font = _font(painter, _SMALL_PIXELS, bold=row.tone is Tone.NEXT)
        width = min(QFontMetrics(font).horizontalAdvance(row.remark) + 2, area.width() // 2)
        place = QRect(area.right() - width, area.top(), width, area.height())
        tones = {Tone.NEXT: colours.link, Tone.GOOD: colours.ok, Tone.CAUTION: colours.caution}
        _draw(painter, place, row.remark, font, tones.get(row.tone, colours.muted))
        return width + 16


def _font(painter: QPainter, pixels: int, *, bold: bool = False) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def _draw(painter: QPainter, area: QRect, text: str, font: QFont, colour: str) -> None:
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)


class RowList(QListView):
    """`chosen(key)` on Enter or one click; arrow keys move."""

    chosen = Signal(str)

    def __init__(self, context: "UiContext", name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.rows = RowModel()
        self.setModel(self.rows)
        self.setItemDelegate(RowDelegate(context, self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.clicked.connect(self._choose)
        context.theme_changed.connect(self._repaint)

    def set_rows(self, rows: Sequence[Row], *, select_first: bool = False) -> None:
        """Show other rows; a selected key stays selected where it is still there."""
        key = self.current_key
        self.rows.set_rows(rows)
        keys = [row.key for row in rows]
        at = keys.index(key) if key in keys else (0 if select_first and keys else -1)
        if at >= 0:
            self.setCurrentIndex(self.rows.index(at))

    def fit_height(self) -> None:
        """Be exactly as high as the rows need; for short lists."""
        needed = sum(_HEIGHT if row.subtitle else _LOW_HEIGHT for row in self.rows.rows)
        self.setFixedHeight(needed + 2 * self.frameWidth() + 4)

    @property
    def current_key(self) -> str:
        """Key of the selected row, or empty."""
        index = self.currentIndex()
        return self.rows.rows[index.row()].key if index.isValid() else ""

    def choose_current(self) -> None:
        """As Enter does."""
        if self.current_key:
            self.chosen.emit(self.current_key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose_current()
            return
        super().keyPressEvent(event)

    def _choose(self, index: QModelIndex) -> None:
        self.setCurrentIndex(index)
        self.choose_current()

    def _repaint(self) -> None:
        self.viewport().update()
