"""Printing a signed report and saving it as a file."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QStandardPaths, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop import workflow
from desktop.records import AuditAction, Patient, SignedReport
from desktop.ui.context import UiContext
from desktop.ui.printing import print_pages
from desktop.ui.widgets.file_dialog import file_dialog

PRINT_DPI = 300
_ENDINGS = {"pdf": "pdf", "fhir": "json"}
Page = npt.NDArray[np.uint8]


def file_name(report: SignedReport, format: str) -> str:
    """A name that sorts by date and tells nobody whose report it is: study date and the clinic's card number."""
    content = report.content
    day = content.study_date or content.signed.date().isoformat()
    number = re.sub(r"[^0-9A-Za-z-]+", "", _card(content.patient)) or str(content.report)[:8]
    return f"{date.fromisoformat(day[:10]).isoformat()}-{number}-report.{_ENDINGS[format]}"


def _card(patient: Patient) -> str:
    return patient.card_number


class HandingOver(QObject):
    """Runs what follows a press on Print, Save PDF or Save FHIR. Signals: failed(error)."""

    failed = Signal(object)

    def __init__(self, context: UiContext, parent: QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self._widget = parent
        self._dialog: QFileDialog | None = None
        self._pending: tuple[SignedReport, str, workflow.ReportLanguage] | None = None

    # Paper

    def print_report(self, report: SignedReport, language: "workflow.ReportLanguage") -> None:
        """Make the pages, then ask which printer; printing is audited."""
        clinic, languages = self._context.open_clinic, language.languages
        self._context.operations.run(
            lambda job: workflow.page_images(
                clinic,
                job,
                workflow.report_bytes(
                    clinic, job, report.content.report, "pdf", languages, action=AuditAction.PRINT_REPORT
                ),
                PRINT_DPI,
            ),
            initiator=self,
            done=self._print,
            failed=self._fail,
            title=self._context.tr("reports.progress.print"),
        )

    def _print(self, pages: list[Page]) -> None:
        print_pages(self._context, pages, self._widget)

    # Files

    def save_report(self, report: SignedReport, format: str, language: "workflow.ReportLanguage") -> None:
        """Ask where, then write."""
        self.close()
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = file_dialog(self._context, self._widget, self._context.tr(f"reports.save.{format}.title"))
        dialog.setObjectName("save_report_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(_ENDINGS[format])
        dialog.setNameFilter(self._context.tr(f"reports.save.{format}.filter"))
        if Path(folder).is_dir():
            dialog.setDirectory(folder)
        dialog.selectFile(file_name(report, format))
        dialog.fileSelected.connect(self._write)
        self._pending = (report, format, language)
        self._dialog = dialog
        dialog.open()

    def close(self) -> None:
        """Take a dialog that is still open off the screen."""
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
            self._dialog = None
        self._pending = None

    def _write(self, path: str) -> None:
        clinic, pending = self._context.clinic, self._pending
        if pending is None or clinic is None or not path:
            return
        report, format, language = pending
        self._context.operations.run(
            lambda job: workflow.export_report(
                clinic, job, report.content.report, format, Path(path), language.languages
            ),
            initiator=self,
            done=self._written,
            failed=self._fail,
            title=self._context.tr("reports.progress.save"),
        )

    def _written(self, exported: "workflow.Exported") -> None:
        self._context.toast(self._context.tr("reports.saved", file=exported.file.name))

    def _fail(self, error: Exception) -> None:
        self.failed.emit(error)
