"""What a disc, folder or archive holds: the list, the first picture, and whose each patient's studies are."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QImage, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from desktop.imaging.display import Pixels8
from desktop.ui.context import UiContext
from desktop.ui.widgets.parts import button, card, column, label
from desktop.ui.widgets.rows import Row, RowList

PICTURE = 256
"""Most pixels of the small picture's sides."""
_SIDE = 300


class DiscDialog(QDialog):
    """Does not block the window. It shows; what happens is `DiscFlow`'s.

    Signals: selected(key of a row); choose_requested, register_requested, leave_requested (for the selected patient);
    import_requested; keep_both_requested; stopped.
    """

    selected = Signal(str)
    choose_requested = Signal()
    register_requested = Signal()
    leave_requested = Signal()
    import_requested = Signal()
    keep_both_requested = Signal()
    stopped = Signal()

    def __init__(self, context: UiContext, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("disc_dialog")
        self._context = context
        tr = context.tr
        self.setWindowTitle(tr("importing.disc.title"))
        self.resize(1000, 640)
        self.words = label("disc_words", "heading", wrap=True)
        self.words.setText(tr("importing.disc.reading"))
        self.bar = QProgressBar(self)
        self.bar.setObjectName("disc_progress")
        self.bar.setTextVisible(False)
        self.list = RowList(context, "disc_list")
        self.list.setAccessibleName(tr("importing.disc.title"))
        self.list.selectionModel().currentChanged.connect(self._moved)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.list, 1)
        middle.addLayout(self._build_side())
        layout = column(self, margin=16, spacing=12)
        layout.addWidget(self.words)
        layout.addWidget(self.bar)
        layout.addLayout(middle, 1)
        layout.addLayout(self._build_foot())
        QShortcut(QKeySequence("Ctrl+N"), self, self._ask_register)
        self.show_patient("", "", "", may_choose=False, left_out=False)
        self.list.setFocus()

    def _build_side(self) -> QVBoxLayout:
        tr = self._context.tr
        self.picture = QLabel()
        self.picture.setObjectName("disc_picture")
        self.picture.setFixedSize(_SIDE, PICTURE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setStyleSheet("background: #101214;")  # the image area is near-black in every theme
        self._box = box = card("disc_whose")
        box.setFixedWidth(_SIDE)
        inside = column(box, margin=12, spacing=6)
        self._who = label("disc_who", "strong", wrap=True, selectable=True)
        self._goes = label("disc_goes", "", wrap=True)
        self._note = label("disc_note", "muted", wrap=True)
        self.choose = button("disc_choose")
        self.choose.setText(tr("importing.disc.choose"))
        self.choose.clicked.connect(self.choose_requested)
        self.register = button("disc_register")
        self.register.setText(tr("importing.disc.register"))
        self.register.clicked.connect(self._ask_register)
        self.leave = button("disc_leave", "quiet")
        self.leave.clicked.connect(self.leave_requested)
        for part in (self._who, self._goes, self._note, self.choose, self.register, self.leave):
            inside.addWidget(part)
        side = column(spacing=12)
        side.addWidget(self.picture)
        side.addWidget(box)
        side.addStretch(1)
        return side

    def _build_foot(self) -> QHBoxLayout:
        self.close_button = button("disc_close", "quiet")
        self.close_button.setText(self._context.tr("importing.results.stop"))
        self.close_button.clicked.connect(self.stopped)
        self.both = button("disc_both")
        self.both.clicked.connect(self.keep_both_requested)
        self.both.hide()
        self.go = button("disc_import", "primary")
        self.go.setDefault(True)
        self.go.setEnabled(False)
        self.go.setText(self._context.tr("importing.disc.import"))
        self.go.clicked.connect(self.import_requested)
        foot = QHBoxLayout()
        foot.addWidget(self.close_button)
        foot.addStretch(1)
        foot.addWidget(self.both)
        foot.addWidget(self.go)
        return foot

    def show_rows(self, rows: Sequence[Row], select: str = "") -> None:
        """The list anew; what was selected stays so, unless another key is asked for."""
        self.list.set_rows(rows, select_first=True)
        keys = [row.key for row in rows]
        if select in keys:
            self.list.setCurrentIndex(self.list.rows.index(keys.index(select)))

    def show_patient(self, who: str, goes: str, note: str, *, may_choose: bool, left_out: bool) -> None:
        """Whose the selected studies are by their files, and whose they will be."""
        self._who.setText(who)
        self._goes.setText(goes)
        self._note.setText(note)
        for line, text in ((self._who, who), (self._goes, goes), (self._note, note)):
            line.setVisible(bool(text))
        for pressed in (self.choose, self.register, self.leave):
            pressed.setVisible(may_choose)
        self._box.setVisible(bool(who or goes or note))
        self.leave.setText(self._context.tr("importing.disc.take_in" if left_out else "importing.disc.leave_out"))

    def show_picture(self, light: Pixels8 | None) -> None:
        """A small picture, or none."""
        if light is None:
            self.picture.setPixmap(QPixmap())
            self.picture.setText("")
            return
        light = np.ascontiguousarray(light)
        rows, columns = light.shape[:2]
        kind = QImage.Format.Format_RGB888 if light.ndim == 3 else QImage.Format.Format_Grayscale8
        image = QImage(light.tobytes(), columns, rows, light.strides[0], kind).copy()
        self.picture.setPixmap(
            QPixmap.fromImage(image).scaled(
                PICTURE, PICTURE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
        )

    def show_progress(self, words: str, done: int, total: int) -> None:
        """How far the work is."""
        self.words.setText(words)
        self.bar.setMaximum(total)
        self.bar.setValue(done)

    def set_busy(self, busy: bool) -> None:
        """While work is under way it can be stopped; afterwards the dialog closes."""
        self.bar.setVisible(busy)
        self.close_button.setText(self._context.tr("importing.results.stop" if busy else "reading.close"))

    def _moved(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.selected.emit(self.list.current_key)

    def _ask_register(self) -> None:
        if self.register.isVisible() and self.register.isEnabled():
            self.register_requested.emit()

    def reject(self) -> None:
        """Esc and the window's cross stop what runs, too."""
        self.stopped.emit()
