"""The strip under the volume's own: labels, brush and eraser, how large each label is, and the way out as a file."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from desktop.ui.context import UiContext
from desktop.ui.viewers.volume_mask_book import BRUSHES, MOST_LABELS, MaskBook
from desktop.ui.viewers.volume_mask_commands import MASK_COMMANDS
from desktop.ui.viewers.volume_words import mask_words

_TOOLS = {
    "add": "volume.add_label",
    "erase": "volume.erase",
    "ball": "volume.ball",
    "undo": "volume.undo",
    "redo": "volume.redo",
}
_ICON = 14


class MaskBar(QFrame):
    """Shown while something is painted, or can be. Signals: export_asked(); used() after a control was."""

    export_asked = Signal()
    used = Signal()

    def __init__(self, context: UiContext, book: MaskBook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("film_bar")
        self._context, self._book = context, book
        self._layers: tuple[tuple[str, float | None], ...] = ()
        self._exports, self._as_dicom = False, True
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
        self.tools = {name: self._tool(name) for name in (*_TOOLS, "wipe", "export")}
        self.words = QLabel()
        self.words.setObjectName("mask_words")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self._lay_out()
        self.labels.activated.connect(self._label_chosen)
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
        page.addWidget(self.words)

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        for name, tool in self.tools.items():
            tool.setText(tr(f"volume.mask.{name}"))
            tool.setToolTip(tr(f"volume.mask.{name}.tip"))
        self.labels.setAccessibleName(tr("volume.mask.label"))
        self.brush.setAccessibleName(tr("volume.mask.brush"))
        self.brush.setToolTip(tr("volume.mask.brush"))
        self.follow()

    def offer_export(self, on: bool, *, as_dicom: bool = True) -> None:
        """Whether what is painted can be written as a file, and whether as a DICOM segmentation."""
        self._exports, self._as_dicom = on, as_dicom
        self.follow()

    def name_layers(self, layers: tuple[tuple[str, float | None], ...]) -> None:
        """What the study's own files lay over the series, with its millilitres where they were counted."""
        self._layers = layers
        self.follow()

    def follow(self) -> None:
        """Keep the strip as the book is."""
        book, tr = self._book, self._context.tr
        self.setVisible(bool(book.painting or book.anything or book.elsewhere or self._layers))
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
        elif name == "wipe":
            self._book.wipe()
        else:
            MASK_COMMANDS[_TOOLS[name]](self._book)
        self.used.emit()
