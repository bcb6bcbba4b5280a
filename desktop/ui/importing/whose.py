"""Whose film is it: search, or put the patient on file without losing the film."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QStackedWidget, QVBoxLayout, QWidget

from desktop.records import Patient
from desktop.ui.context import UiContext
from desktop.ui.patients.finder import PatientFinder
from desktop.ui.patients.form_page import PatientFormPage
from desktop.ui.widgets.parts import label


class WhoseDialog(QDialog):
    """Signals: chosen(patient id)."""

    chosen = Signal(str)

    def __init__(self, context: UiContext, files: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("whose_dialog")
        self.setWindowTitle(context.tr("importing.whose.title"))
        self.resize(720, 560)
        say = label("whose_words", "heading", wrap=True)
        say.setText(context.tr("importing.whose", count=files))
        say.setContentsMargins(24, 16, 24, 0)
        self.finder = PatientFinder(context)
        self.finder.chosen.connect(self.chosen)
        self.finder.register_requested.connect(self._register)
        self.form = PatientFormPage(context)
        self.form.saved.connect(self._saved)
        self.form.left.connect(self._search)
        self.form.patient_chosen.connect(self.chosen)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.finder)
        self._stack.addWidget(self.form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(say)
        layout.addWidget(self._stack, 1)
        self._search()

    def _search(self) -> None:
        self._stack.setCurrentWidget(self.finder)
        self.finder.activated()

    def _register(self, typed: str) -> None:
        self._stack.setCurrentWidget(self.form)
        self.form.begin()

    def _saved(self, patient: Patient) -> None:
        self.chosen.emit(patient.id)
