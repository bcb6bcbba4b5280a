"""The report's pages on the screen, exactly as they would be printed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import AuditAction, PrintedPicture, ReportId, StudyId
from desktop.ui.context import UiContext
from desktop.ui.operations import Operation

A4_WIDTH_INCHES = 8.27
MARGIN = 16
LARGEST_DPI = 300
Page = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Made:
    """An answer with the number of its question: what was asked before the last question is dropped."""

    number: int
    pdf: bytes
    pages: tuple[Page, ...] = ()


class ReportPreview(QScrollArea):
    """Pages one below the other, as wide as there is room.

    Signals: shown() when the pages asked for last are on the screen; failed(error); left() on Esc.
    """

    shown = Signal()
    failed = Signal(object)
    left = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("report_pages")
        self.setProperty("role", "paper")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._context = context
        self._pdf: bytes | None = None
        self._ready = False
        self._number = 0
        self._making: Operation[_Made] | None = None
        self._drawing: Operation[_Made] | None = None
        self._sheet = QWidget(self)
        self._column = QVBoxLayout(self._sheet)
        self._column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self._column.setSpacing(MARGIN)
        self._say = QLabel(self._sheet)
        self._say.setObjectName("preview_words")
        self._say.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._column.addWidget(self._say)
        self._column.addStretch(1)
        self._pages: list[QLabel] = []
        self.setWidget(self._sheet)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(200)
        self._again.timeout.connect(self._draw)

    @property
    def ready(self) -> bool:
        """Whether the pages asked for last are on the screen."""
        return self._ready

    @property
    def page_count(self) -> int:
        """How many pages are shown."""
        return len(self._pages)

    def show_draft(
        self,
        study: StudyId,
        findings_text: str,
        languages: tuple[Language, ...],
        picture: PrintedPicture | None = None,
    ) -> None:
        """What would be signed now. picture: of a scan, the slice for the paper."""
        clinic = self._context.open_clinic
        self._make(lambda job: workflow.preview_report(clinic, job, study, findings_text, languages, picture))

    def show_report(self, report: ReportId, languages: tuple[Language, ...]) -> None:
        """A signed report."""
        clinic = self._context.open_clinic
        self._make(
            lambda job: workflow.report_bytes(clinic, job, report, "pdf", languages, action=AuditAction.VIEW_STUDY)
        )

    def step(self, by: int) -> None:
        """A screenful down (1) or up (-1)."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + by * round(0.9 * bar.pageStep()))

    def clear(self) -> None:
        """Forget every page."""
        for operation in (self._making, self._drawing):
            if operation is not None:
                operation.cancel()
        self._making = self._drawing = None
        self._number += 1
        self._again.stop()
        self._pdf = None
        self._ready = False
        self._drop_pages()
        self._say.clear()

    def retranslate(self) -> None:
        """Speak the window's language (the pages speak the report's)."""
        if not self._ready:
            self._say.setText(self._context.tr("reports.preview.making") if self._making is not None else "")

    def _make(self, work: Callable[[Job], bytes]) -> None:
        self.clear()
        self._say.setText(self._context.tr("reports.preview.making"))
        self._say.show()
        number = self._number
        self._making = self._context.operations.run(
            lambda job: _Made(number, work(job)),
            initiator=self,
            done=self._take_pdf,
            failed=self._fail,
            title=self._context.tr("reports.progress.preview"),
        )

    def _take_pdf(self, made: _Made) -> None:
        if made.number == self._number:
            self._making = None
            self._pdf = made.pdf
            self._draw()

    def _draw(self) -> None:
        """Draw the pages at the resolution of the screen."""
        clinic, pdf, number = self._context.clinic, self._pdf, self._number
        if clinic is None or pdf is None:
            return
        dpi = min(round(self._page_width() * self.devicePixelRatioF() / A4_WIDTH_INCHES), LARGEST_DPI)
        if self._drawing is not None:
            self._drawing.cancel()
        self._drawing = self._context.operations.run(
            lambda job: _Made(number, pdf, tuple(workflow.page_images(clinic, job, pdf, dpi))),
            initiator=self,
            done=self._take_pages,
            failed=self._fail,
            pool="display",
        )

    def _page_width(self) -> int:
        return max(self.viewport().width() - 2 * MARGIN, 200)

    def _take_pages(self, made: _Made) -> None:
        if made.number != self._number:
            return
        self._drawing = None
        self._drop_pages()
        self._say.hide()
        ratio = self.devicePixelRatioF()
        for number, page in enumerate(made.pages):
            data = np.ascontiguousarray(page)
            image = QImage(data.data, data.shape[1], data.shape[0], data.strides[0], QImage.Format.Format_RGB888)
            picture = QPixmap.fromImage(image)
            picture.setDevicePixelRatio(ratio)
            label = QLabel(self._sheet)
            label.setObjectName(f"page_{number + 1}")
            label.setPixmap(picture)
            label.setStyleSheet("border: 1px solid #8a8f96;")
            self._column.insertWidget(self._column.count() - 1, label, 0, Qt.AlignmentFlag.AlignHCenter)
            self._pages.append(label)
        self._ready = True
        self.shown.emit()

    def _drop_pages(self) -> None:
        for label in self._pages:
            self._column.removeWidget(label)
            label.clear()
            label.hide()
            label.deleteLater()
        self._pages = []

    def _fail(self, error: Exception) -> None:
        self._making = self._drawing = None
        self._say.clear()
        self.failed.emit(error)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw again at the new width, once it stays."""
        super().resizeEvent(event)
        if self._pdf is not None and event.size().width() != event.oldSize().width():
            self._again.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back to the film."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """As large as the film beside it."""
        return QSize(600, 600)
