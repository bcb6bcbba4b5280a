"""The strip under the volume's own: labels, brush and eraser, how large each label is, whose painting is shown, and the
way out as a file."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from desktop.ui.context import UiContext
from desktop.ui.viewers.volume_mask_book import BRUSHES, MOST_LABELS, MaskBook
from desktop.ui.viewers.volume_mask_commands import MASK_COMMANDS
from desktop.ui.viewers.volume_words import mask_words
from desktop.workflow import MaskOn

_TOOLS = {
    "add": "volume.add_label",
    "erase": "volume.erase",
    "ball": "volume.ball",
    "undo": "volume.undo",
    "redo": "volume.redo",
}
_ICON = 14
_PEOPLE_WIDTH = 260
_ANEW = ""
"""Stands for a painting that is begun from nothing."""


class MaskBar(QFrame):
    """Shown while something is painted, or can be. Signals: export_asked(); compare_asked(); person_chosen(id of a
    segmentation, empty for one from nothing); used() after a control was."""

    export_asked = Signal()
    compare_asked = Signal()
    person_chosen = Signal(str)
    used = Signal()

    def __init__(self, context: UiContext, book: MaskBook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("film_bar")
        self._context, self._book = context, book
        self._layers: tuple[tuple[str, float | None], ...] = ()
        self._exports, self._as_dicom = False, True
        self._found: tuple[MaskOn, ...] = ()
        self._shown, self._may_begin = _ANEW, False
        self.people = QComboBox()
        self.people.setObjectName("mask_people")
        self.people.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.people.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.people.setMaximumWidth(_PEOPLE_WIDTH)
        self.labels = QComboBox()
        self.labels.setObjectName("mask_labels")
        self.labels.setEditable(True)
        self.labels.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.labels.setIconSize(QSize(_ICON, _ICON))
        self.labels.setMinimumWidth(130)
        field = self.labels.lineEdit()
        assert field is not None
        self.name = field
        self.name.setMaxLength(64)
        self.brush = QSlider(Qt.Orientation.Horizontal)
        self.brush.setObjectName("mask_brush")
        self.brush.setRange(0, len(BRUSHES) - 1)
        self.brush.setFixedWidth(90)
        self.size_words = QLabel()
        self.tools = {name: self._tool(name) for name in (*_TOOLS, "wipe", "compare", "export")}
        self.words = QLabel()
        self.words.setObjectName("mask_words")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self._lay_out()
        self.labels.activated.connect(self._label_chosen)
        self.people.activated.connect(self._person_chosen)
        self.name.editingFinished.connect(self._renamed)
        self.brush.valueChanged.connect(book.set_brush)
        book.changed.connect(self.follow)
        self.retranslate()

    def _tool(self, name: str) -> QToolButton:
        tool = QToolButton(self)
        tool.setObjectName(f"mask_tool_{name}")
        tool.setProperty("role", "film")
        tool.setAutoRaise(True)
        tool.setCheckable(name in ("erase", "ball"))
        tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tool.clicked.connect(self._pressed)
        return tool

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for part in (self.labels, self.tools["add"], self.brush, self.size_words):
            row.addWidget(part)
        for name in ("erase", "ball", "undo", "redo", "wipe"):
            row.addWidget(self.tools[name])
        row.addStretch(1)
        row.addWidget(self.tools["export"])
        page = QVBoxLayout(self)
        page.setContentsMargins(4, 4, 4, 4)
        page.setSpacing(2)
        page.addLayout(row)
        below = QHBoxLayout()
        below.setSpacing(4)
        below.addWidget(self.people)
        below.addWidget(self.tools["compare"])
        below.addWidget(self.words, 100)
        # While there are no words: the list keeps its width.
        below.addStretch(1)
        page.addLayout(below)

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        for name, tool in self.tools.items():
            tool.setText(tr(f"volume.mask.{name}"))
            tool.setToolTip(tr(f"volume.mask.{name}.tip"))
        self.labels.setAccessibleName(tr("volume.mask.label"))
        self.brush.setAccessibleName(tr("volume.mask.brush"))
        self.brush.setToolTip(tr("volume.mask.brush"))
        self.people.setAccessibleName(tr("volume.mask.people"))
        self.people.setToolTip(tr("volume.mask.people.tip"))
        self.follow()

    def offer_export(self, on: bool, *, as_dicom: bool = True) -> None:
        """Whether what is painted can be written as a file, and whether as a DICOM segmentation."""
        self._exports, self._as_dicom = on, as_dicom
        self.follow()

    def name_people(self, found: Sequence[MaskOn], shown: str, *, may_begin: bool) -> None:
        """Whose paintings there are, and which is shown; empty for one that was begun from nothing and holds nothing
        yet. may_begin: whether one may be begun from nothing."""
        self._found, self._shown, self._may_begin = tuple(found), shown, may_begin
        self.follow()

    def name_layers(self, layers: tuple[tuple[str, float | None], ...]) -> None:
        """What the study's own files lay over the series, with its millilitres where they were counted."""
        self._layers = layers
        self.follow()

    def follow(self) -> None:
        """Keep the strip as the book is."""
        book, tr = self._book, self._context.tr
        self.setVisible(bool(book.painting or book.anything or book.elsewhere or self._layers or self._found))
        self._list_people()
        self.labels.blockSignals(True)
        self.labels.clear()
        for label in book.labels:
            pixels = QPixmap(_ICON, _ICON)
            pixels.fill(QColor(*label.colour))
            name = label.name or tr("volume.mask.label.number", number=label.number)
            self.labels.addItem(QIcon(pixels), name, label.number)
        self.labels.setCurrentIndex([label.number for label in book.labels].index(book.current.number))
        self.labels.blockSignals(False)
        self.brush.blockSignals(True)
        self.brush.setValue(book.brush)
        self.brush.blockSignals(False)
        self.size_words.setText(tr("volume.mask.radius", value=f"{book.radius:g}"))
        self.tools["erase"].setChecked(book.erasing)
        self.tools["ball"].setChecked(book.ball)
        self.tools["undo"].setEnabled(book.may_undo)
        self.tools["redo"].setEnabled(book.may_redo)
        self.tools["wipe"].setEnabled(book.voxels(book.current.number) > 0)
        self.tools["add"].setEnabled(len(book.labels) < MOST_LABELS)
        self.tools["export"].setVisible(self._exports)
        self.tools["export"].setEnabled(book.anything)
        self.tools["export"].setToolTip(tr(f"volume.mask.export.{'tip' if self._as_dicom else 'tip.file'}"))
        for part in (self.brush, self.size_words, *(self.tools[name] for name in (*_TOOLS, "wipe"))):
            part.setVisible(book.available)
        self.labels.setVisible(book.available or book.anything)
        self.name.setReadOnly(not book.available)
        words = mask_words(self._context, book, self._layers)
        self.words.setText(words)
        self.words.setVisible(bool(words))

    def _list_people(self) -> None:
        tr = self._context.tr
        self.people.blockSignals(True)
        self.people.clear()
        for one in self._found:
            by = tr("volume.mask.people.own", by=one.by) if one.own else one.by
            if one.merged:
                by = tr("volume.mask.people.merged", count=one.merged)
            elif one.after:
                by = tr("volume.mask.people.after", by=by, after=one.after)
            self.people.addItem(by, one.id)
        if self._may_begin or not self._shown:
            self.people.addItem(tr("volume.mask.people.anew"), _ANEW)
        self.people.setCurrentIndex(self.people.findData(self._shown))
        self.people.blockSignals(False)
        self.people.setVisible(bool(self._found) and self.people.count() > 1)
        self.tools["compare"].setVisible(len(self._found) > 1)

    def _person_chosen(self, at: int) -> None:
        chosen = self.people.itemData(at)
        if chosen != self._shown:
            self.person_chosen.emit(chosen)
        self.used.emit()

    def _label_chosen(self, at: int) -> None:
        self._book.choose(self.labels.itemData(at))
        self.used.emit()

    def _renamed(self) -> None:
        words = self.name.text()
        current = self._book.current
        if words != self._context.tr("volume.mask.label.number", number=current.number):
            self._book.rename(words)

    def _pressed(self) -> None:
        name = self.sender().objectName().removeprefix("mask_tool_")
        if name == "export":
            self.export_asked.emit()
        elif name == "compare":
            self.compare_asked.emit()
        elif name == "wipe":
            self._book.wipe()
        else:
            MASK_COMMANDS[_TOOLS[name]](self._book)
        self.used.emit()
