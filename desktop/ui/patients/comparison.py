"""Two versions of a record side by side: each field in which they differ is chosen by arrow keys or one click."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QWidget

from desktop.records import Patient, PatientField, Side, values_of
from desktop.ui.icons import pixmap
from desktop.ui.patients.words import field_text
from desktop.ui.widgets.one_of import OneOf
from desktop.ui.widgets.parts import column, label, set_role

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_CAPTION_WIDTH = 128
_BOTH_WIDTH = 112
_MARK = 16
_LINE = 20


@dataclass(frozen=True)
class Sides:
    """What is compared. titles: what either version is called. both: fields that may take the values of both."""

    first: Patient
    second: Patient
    titles: tuple[str, str]
    choices: Mapping[PatientField, Side]
    both: frozenset[PatientField] = frozenset()


class _Value(QPushButton):
    """One version's value, wrapped over as many lines as it needs; a tick stands before the chosen one."""

    def __init__(self, context: "UiContext", name: str, text: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(text)
        self._context = context
        self._mark = QLabel()
        self._mark.setFixedSize(_MARK, _LINE)
        self._mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words = label(f"{name}_words", wrap=True)
        self.words.setText(text)
        for part in (self._mark, self.words):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inside = QHBoxLayout(self)
        inside.setContentsMargins(12, 8, 12, 8)
        inside.setSpacing(8)
        inside.addWidget(self._mark, alignment=Qt.AlignmentFlag.AlignTop)
        inside.addWidget(self.words, 1)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.toggled.connect(self._show_mark)
        self._show_mark()

    def hasHeightForWidth(self) -> bool:
        """Its words wrap."""
        return True

    def heightForWidth(self, width: int) -> int:
        """As high as the wrapped words."""
        inside = self.layout()
        return inside.heightForWidth(width) if inside is not None else super().heightForWidth(width)

    def sizeHint(self) -> QSize:
        """As the words want it."""
        inside = self.layout()
        return inside.sizeHint() if inside is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Never cut."""
        return QSize(80, self.heightForWidth(max(80, self.width())))

    def _show_mark(self) -> None:
        chosen = self.isChecked()
        self._mark.setPixmap(pixmap("check", self._context.colours.ink, _MARK, 2.0) if chosen else QPixmap())
        set_role(self.words, "strong" if chosen else "")


class FieldRow(OneOf):
    """One field. A single Tab stop: Left and Right or 1 and 2 choose a side, 3 both; Enter is the page's."""

    chosen = Signal()

    def __init__(self, context: "UiContext", field: PatientField, sides: Sides) -> None:
        super().__init__(f"compare_{field.value}")
        self.field = field
        tr = context.tr
        caption = label(role="strong", wrap=True)
        caption.setText(tr(f"patients.field.{field.value}"))
        caption.setFixedWidth(_CAPTION_WIDTH)
        self.setAccessibleName(caption.text())
        grid = QGridLayout(self)
        grid.setContentsMargins(2, 2, 2, 2)
        grid.setHorizontalSpacing(8)
        grid.addWidget(caption, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        texts = {
            Side.FIRST: field_text(context, sides.first, field),
            Side.SECOND: field_text(context, sides.second, field),
        }
        if field in sides.both:
            texts[Side.BOTH] = tr("merging.both")
        for place, (side, text) in enumerate(texts.items(), 1):
            made = _Value(context, f"compare_{field.value}_{side.value}", text)
            self._add(made)
            grid.addWidget(made, 0, place)
        self._sides = tuple(texts)
        if Side.BOTH not in self._sides:
            grid.addWidget(label(), 0, 3)
        grid.setColumnMinimumWidth(3, _BOTH_WIDTH)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        self._check(0)
        self.choose(sides.choices.get(field, Side.FIRST))

    @property
    def side(self) -> Side:
        """Whose value is taken."""
        return self._sides[self._at]

    def choose(self, side: Side) -> None:
        """Take a side without telling; one that the field has not changes nothing."""
        if side in self._sides:
            self._check(self._sides.index(side))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down to the other fields, and what holds for all such rows."""
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)

    def _picked(self, at: int) -> None:
        self.chosen.emit()


class Comparison(QScrollArea):
    """Signals: changed when another value was chosen; entered on Enter in a row."""

    changed = Signal()
    entered = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("comparison")
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._context = context
        self._rows: list[FieldRow] = []
        self._sides: Sides | None = None
        context.theme_changed.connect(self._again)
        self.clear()

    @property
    def choices(self) -> dict[PatientField, Side]:
        """What is chosen for each field that differs."""
        return {row.field: row.side for row in self._rows}

    def show_sides(self, sides: Sides) -> None:
        """Compare two versions; a row that has the keyboard keeps it."""
        focused = next((row.field for row in self._rows if row.hasFocus()), None)
        self._sides = sides
        different = [field for field in PatientField if values_of(sides.first, field) != values_of(sides.second, field)]
        inner = QWidget()
        inner.setProperty("role", "scroll")
        layout = column(inner, spacing=8)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.addWidget(self._heading(sides))
        self._rows = [FieldRow(self._context, field, sides) for field in different]
        for row in self._rows:
            row.chosen.connect(self.changed)
            row.entered.connect(self.entered)
            layout.addWidget(row)
        same = [field for field in PatientField if field not in different]
        if same:
            layout.addSpacing(4)
            layout.addWidget(self._same(sides.first, same))
        layout.addStretch(1)
        self.setWidget(inner)
        for before, after in itertools.pairwise(self._rows):
            QWidget.setTabOrder(before, after)
        for row in self._rows:
            if row.field is focused:
                row.setFocus()

    def choose_all(self, side: Side) -> None:
        """Take one version in every field."""
        for row in self._rows:
            row.choose(side)
        self.changed.emit()

    def focus_first(self) -> bool:
        """Begin at the first field that differs; False where none does."""
        if self._rows:
            self._rows[0].setFocus()
        return bool(self._rows)

    def clear(self) -> None:
        """Forget both."""
        self._sides = None
        self._rows = []
        self.setWidget(QWidget())

    def _heading(self, sides: Sides) -> QWidget:
        head = QWidget()
        grid = QGridLayout(head)
        grid.setContentsMargins(2, 0, 2, 0)
        grid.setHorizontalSpacing(8)
        blank = label()
        blank.setFixedWidth(_CAPTION_WIDTH)
        grid.addWidget(blank, 0, 0)
        for place, text in enumerate(sides.titles, 1):
            words = label(f"compare_title_{place}", "strong", wrap=True)
            words.setText(text)
            policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
            policy.setHeightForWidth(True)
            words.setSizePolicy(policy)
            words.setContentsMargins(12, 0, 0, 0)
            grid.addWidget(words, 0, place, Qt.AlignmentFlag.AlignTop)
            grid.setColumnStretch(place, 1)
        grid.addWidget(label(), 0, 3)
        grid.setColumnMinimumWidth(3, _BOTH_WIDTH)
        return head

    def _same(self, patient: Patient, fields: Sequence[PatientField]) -> QWidget:
        """One calm line about what needs no decision."""
        tr = self._context.tr
        listed = tr("merging.same_join").join(
            tr("merging.same_field", field=tr(f"patients.field.{f.value}"), value=field_text(self._context, patient, f))
            for f in fields
        )
        words = label("compare_same", "muted", wrap=True)
        words.setText(tr("merging.same_in_both", list=listed))
        return words

    def _again(self) -> None:
        if self._sides is not None:
            sides = self._sides
            self.show_sides(Sides(sides.first, sides.second, sides.titles, self.choices, sides.both))
