"""A paper about a patient, to be read: page by page, from memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QObject, QSize, QStandardPaths, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPlainTextEdit, QScrollArea, QStackedWidget, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.i18n import format_date
from desktop.records import DocumentId
from desktop.ui.patients.report_words import in_words
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row
from desktop.workflow import DocumentShape

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Exported, OpenDocument

_MARGIN = 16
_WIDEST = 1400
"""Wider than this, in logical pixels, nobody reads a page."""
_REST_MILLISECONDS = 200
_LETTERS = (DocumentShape.TEXT, DocumentShape.REPORT)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A page with the number of its question: what was asked before the last one is dropped."""

    asked: int
    pixels: npt.NDArray[np.uint8]


class DocumentPage(QWidget):
    """Signals: left on Esc, or where it cannot be shown."""

    left = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("document_page")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._wanted: DocumentId | None = None
        self._opened: OpenDocument | None = None
        self._number = 0
        self._asked = 0
        self._drawn_width = 0
        self._dialog: QFileDialog | None = None
        self._title = label("document_title", "title", wrap=True)
        self._about = label("document_facts", "muted", wrap=True)
        self._sheet = QLabel()
        self._sheet.setObjectName("document_sheet")
        self._sheet.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._sheet.setMargin(_MARGIN)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("document_scroll")
        self._scroll.setProperty("role", "paper")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._scroll.setWidget(self._sheet)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._scroll.installEventFilter(self)
        self._text = QPlainTextEdit()
        self._text.setObjectName("document_text")
        self._text.setReadOnly(True)
        self._text.setTabChangesFocus(True)
        self._texts.add(self._text.setAccessibleName, "documents.text")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._scroll)
        self._stack.addWidget(self._text)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(_REST_MILLISECONDS)
        self._again.timeout.connect(self._draw)
        layout = column(self, margin=24, spacing=8)
        layout.addLayout(self._build_head())
        layout.addWidget(self._title)
        layout.addWidget(self._about)
        layout.addWidget(self._stack, 1)
        layout.addLayout(self._build_turning())
        self.retranslate()

    @property
    def ready(self) -> bool:
        """Whether what was asked for is on the screen."""
        return self._opened is not None and (self._opened.shape in _LETTERS or self._drawn_width > 0)

    def open(self, document: DocumentId) -> None:
        """Show a paper; the look is audited."""
        self.clear()
        self._wanted = document
        clinic = self._context.open_clinic

        def work(job: "Job") -> "OpenDocument":
            return workflow.open_document(clinic, job, document)

        title = self._context.tr("documents.opening")
        self._context.operations.run(work, initiator=self, done=self._show, failed=self._failed, title=title)
        self.activated()

    def activated(self) -> None:
        """Ready to scroll."""
        shown = self._stack.currentWidget()
        if shown is not None:
            shown.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._say()

    def clear(self) -> None:
        """Forget the paper."""
        self._again.stop()
        self._wanted = self._opened = None
        self._number = self._drawn_width = 0
        self._asked += 1
        self._close_dialog()
        self._sheet.setPixmap(QPixmap())
        self._text.setPlainText("")
        self._say()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Page Up and Page Down at the end of a page turn it."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        turns = event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
        if turns:
            self._turn(1 if event.key() == Qt.Key.Key_PageDown else -1)
        return turns

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Pages are drawn as wide as there is room."""
        super().resizeEvent(event)
        if self._opened is not None and self._opened.shape not in _LETTERS:
            self._again.start()

    def _build_head(self) -> QHBoxLayout:
        back = button("document_back", "quiet")
        self._icons.add(back, "back")
        self._texts.add(back.setText, "documents.back")
        back.clicked.connect(self.left)
        head = row()
        self._copy = button("document_copy")
        self._icons.add(self._copy, "save")
        self._texts.add(self._copy.setText, "documents.copy")
        self._copy.clicked.connect(self.save_copy)
        head.addWidget(back)
        head.addStretch(1)
        head.addWidget(self._copy)
        return head

    def _build_turning(self) -> QHBoxLayout:
        self._previous = button("document_previous")
        self._next = button("document_next")
        self._place = label("document_place", "small")
        self._keys = label("document_keys", "small")
        self._texts.add(self._previous.setText, "documents.previous")
        self._texts.add(self._next.setText, "documents.next")
        self._texts.add(self._keys.setText, "documents.keys")
        self._previous.clicked.connect(self._back)
        self._next.clicked.connect(self._on)
        line = row(spacing=12)
        line.addWidget(self._previous)
        line.addWidget(self._place)
        line.addWidget(self._next)
        line.addStretch(1)
        line.addWidget(self._keys)
        return line

    def _show(self, opened: "OpenDocument") -> None:
        if opened.document.id != self._wanted or self._context.clinic is None:
            return
        self._opened = opened
        is_text = opened.shape in _LETTERS
        self._stack.setCurrentWidget(self._text if is_text else self._scroll)
        self._say()
        if not is_text:
            self._draw()
        self.activated()

    def save_copy(self) -> None:
        """Ask where a copy shall go; the dialog says that nothing seals it there."""
        if self._opened is None:
            return
        dialog = file_dialog(self._context, self, self._context.tr("documents.copy.title"))
        dialog.setObjectName("document_copy_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        if Path(folder).is_dir():
            dialog.setDirectory(folder)
        dialog.selectFile(self._opened.file_name)
        dialog.fileSelected.connect(self._write_copy)
        dialog.finished.connect(self._close_dialog)
        self._dialog = dialog
        dialog.open()

    def _write_copy(self, name: str) -> None:
        clinic, document, out = self._context.clinic, self._wanted, Path(name)
        if clinic is None or document is None:
            return

        def work(job: "Job") -> "Exported":
            return workflow.save_document(clinic, job, document, out)

        # A stick that hangs must not hold up anybody's deeds.
        title = self._context.tr("documents.copy.progress")
        self._context.operations.run(work, initiator=self, done=self._copied, pool="media", title=title)

    def _copied(self, exported: "Exported") -> None:
        self._context.toast(self._context.tr("documents.copy.saved", file=exported.file.name))

    def _close_dialog(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.close()
            dialog.deleteLater()

    def _failed(self, error: Exception) -> None:
        self._context.show_error(error, self)
        self.left.emit()

    def _say(self) -> None:
        tr, opened = self._context.tr, self._opened
        clinic = self._context.clinic
        may = clinic is not None and clinic.session.may(Permission.EXPORT_REPORT)
        self._copy.setVisible(opened is not None and may)
        pages = opened.pages if opened is not None else 1
        for part in (self._previous, self._next, self._place, self._keys):
            part.setVisible(pages > 1)
        self._previous.setEnabled(self._number > 0)
        self._next.setEnabled(self._number + 1 < pages)
        self._place.setText(tr("documents.page", number=self._number + 1, count=pages))
        self._title.setText(opened.document.title if opened is not None else "")
        if opened is None:
            self._about.setText(tr("documents.opening") if self._wanted is not None else "")
            return
        kept = format_date(opened.document.added.astimezone().date(), self._context.language)
        self._about.setText(f"{tr(f'documents.kind.{opened.document.kind.value}')} · {kept}")
        self._sheet.setAccessibleName(opened.document.title)
        if opened.shape in _LETTERS:
            report = opened.report
            words = in_words(report, tr, self._context.language) if report is not None else opened.text
            if words != self._text.toPlainText():
                self._text.setPlainText(words)

    def _draw(self) -> None:
        """The page at the resolution of the screen."""
        clinic, opened, number = self._context.clinic, self._opened, self._number
        if clinic is None or opened is None:
            return
        self._asked += 1
        asked, width = self._asked, round(self._page_width() * self.devicePixelRatioF())

        def work(job: "Job") -> _Drawn:
            return _Drawn(asked, workflow.document_page(clinic, job, opened, number, width))

        self._context.operations.run(work, initiator=self, done=self._paint, failed=self._failed, pool="display")

    def _page_width(self) -> int:
        return max(200, min(_WIDEST, self._scroll.viewport().width() - 2 * _MARGIN))

    def _paint(self, drawn: _Drawn) -> None:
        if drawn.asked != self._asked:
            return
        rows, columns, _ = drawn.pixels.shape
        image = QImage(drawn.pixels.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        ratio = self.devicePixelRatioF()
        wide = min(round(self._page_width() * ratio), columns)
        high = max(1, round(rows * wide / columns))
        if wide != columns:
            image = image.scaled(QSize(wide, high), mode=Qt.TransformationMode.SmoothTransformation)
        pixmap = QPixmap.fromImage(image)
        pixmap.setDevicePixelRatio(ratio)
        self._drawn_width = wide
        self._sheet.setPixmap(pixmap)

    def _on(self) -> None:
        self._go_to(self._number + 1)

    def _back(self) -> None:
        self._go_to(self._number - 1)

    def _go_to(self, number: int) -> None:
        if self._opened is not None and 0 <= number < self._opened.pages:
            self._number = number
            if number in (0, self._opened.pages - 1):
                self.activated()  # a button that is switched off would send the keyboard away
            self._scroll.verticalScrollBar().setValue(0)
            self._say()
            self._draw()

    def _turn(self, by: int) -> None:
        """A screenful on; at the end of the page, to the next one."""
        bar = self._scroll.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() if by > 0 else bar.value() <= bar.minimum()
        if at_end:
            self._go_to(self._number + by)
        else:
            bar.setValue(bar.value() + by * round(0.9 * bar.pageStep()))
