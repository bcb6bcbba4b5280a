"""Pages to the printer, as pictures: what comes out of it is what the preview showed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPageLayout, QPageSize, QPainter
from PySide6.QtWidgets import QDialog, QWidget

if TYPE_CHECKING:
    from PySide6.QtPrintSupport import QPrinter

    from desktop.ui.context import UiContext

Page = npt.NDArray[np.uint8]


class PrintRun(QObject):
    """One visit to the system's print dialog. `printed` once the pages were handed to the printer."""

    printed = Signal()

    def __init__(self, context: "UiContext", pages: Sequence[Page], parent: QWidget) -> None:
        super().__init__(parent)
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        self._context = context
        self._pages = tuple(pages)
        self._printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        self._printer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
        self._printer.setFullPage(True)
        self._dialog = QPrintDialog(self._printer, parent)
        self._dialog.setWindowTitle(context.tr("ui.print.title"))
        self._dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog.accepted.connect(self._print)
        self._dialog.finished.connect(self.deleteLater)

    def open(self) -> None:
        """Ask which printer; nothing blocks."""
        QDialog.open(self._dialog)

    def _print(self) -> None:
        if paint_pages(self._printer, self._pages):
            self._context.toast(self._context.tr("ui.print.sent"))
            self.printed.emit()
        else:
            self._context.toast(self._context.tr("ui.print.failed"))


def paint_pages(printer: "QPrinter", pages: Sequence[Page]) -> bool:
    """Fill the printer's sheets with (rows, columns, 3) uint8 pages. False where the printer refused."""
    painter = QPainter()
    if not painter.begin(printer):
        return False
    for number, page in enumerate(pages):
        if number:
            printer.newPage()
        sheet = QRectF(printer.pageLayout().fullRect(QPageLayout.Unit.Point))
        scale = printer.resolution() / 72
        whole = QRectF(0, 0, sheet.width() * scale, sheet.height() * scale)
        data = np.ascontiguousarray(page)
        rows, columns = data.shape[:2]
        picture = QImage(data.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(whole, picture)
    return painter.end()


def print_pages(context: "UiContext", pages: Sequence[Page], parent: QWidget) -> PrintRun:
    """Open the print dialog for pages as (rows, columns, 3) uint8."""
    run = PrintRun(context, pages, parent)
    run.open()
    return run
