"""Two edits of one record that crossed: both side by side, field by field, until somebody settles it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from desktop import workflow
from desktop.i18n import format_datetime
from desktop.records import Patient, PatientField, Side, UserId
from desktop.ui.patients.comparison import Comparison, Sides
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import ConflictView, Settled


class ConflictPage(QWidget):
    """Signals: settled(Patient) once decided; left with both versions kept as they are."""

    settled = Signal(object)
    left = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("conflict_page")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._patient: Patient | None = None
        self._version = ""
        self._view: ConflictView | None = None
        self._names: Mapping[UserId, str] = {}
        self.comparison = Comparison(context)
        self.comparison.entered.connect(self._settle)
        self._build()
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self, self._settle)

    @property
    def patient(self) -> Patient | None:
        """Whose record it is about."""
        return self._patient

    def begin(self, patient: Patient, version: str, view: "ConflictView", names: "Mapping[UserId, str]") -> None:
        """Compare what is on file with the edit kept beside it. version: of what is on file."""
        self._patient, self._version, self._view, self._names = patient, version, view, names
        self.comparison.clear()
        self._fill()
        self.activated()

    def activated(self) -> None:
        """The first field to decide has the focus."""
        if not self.comparison.focus_first():
            self._go.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._fill()

    def clear(self) -> None:
        """Forget the patient."""
        self._patient = self._view = None
        self._version, self._names = "", {}
        self.comparison.clear()
        self._fill()

    def _build(self) -> None:
        title = label("conflict_title", "title", wrap=True)
        about = label("conflict_about", "muted", wrap=True)
        safe = label(role="small", wrap=True)
        back = button("conflict_back", "quiet")
        self._first = button("conflict_first")
        self._second = button("conflict_second")
        self._go = button("conflict_go", "primary")
        self._icons.add(self._go, "check")
        hint = label("conflict_hint", "small")
        for words, key in (
            (title, "merging.conflict.title"),
            (about, "merging.conflict.choose"),
            (safe, "merging.conflict.safe"),
            (back, "merging.back"),
            (self._go, "merging.conflict.go"),
            (hint, "merging.conflict.keys"),
        ):
            self._texts.add(words.setText, key)
        back.clicked.connect(self.left)
        self._first.clicked.connect(self._take_first)
        self._second.clicked.connect(self._take_second)
        self._go.clicked.connect(self._settle)
        whole = row()
        whole.addWidget(self._first)
        whole.addWidget(self._second)
        whole.addStretch(1)
        buttons = row()
        buttons.addWidget(back)
        buttons.addStretch(1)
        buttons.addWidget(hint)
        buttons.addWidget(self._go)
        layout = column(self, margin=24, spacing=12)
        layout.addWidget(title)
        layout.addWidget(about)
        layout.addLayout(whole)
        layout.addWidget(self.comparison, 1)
        layout.addWidget(safe)
        layout.addLayout(buttons)

    def _fill(self) -> None:
        if self._patient is None or self._view is None or self._context.clinic is None:
            return
        tr, conflict = self._context.tr, self._view.conflict
        mine = conflict.author == self._context.clinic.session.user.id
        when = format_datetime(conflict.edited.astimezone(), self._context.language)
        who = self._names.get(conflict.author, tr("merging.somebody"))
        titles = (
            tr("merging.conflict.on_file"),
            tr("merging.conflict.mine" if mine else "merging.conflict.other", who=who, when=when),
        )
        choices = self.comparison.choices or dict.fromkeys(PatientField, Side.FIRST)
        self.comparison.show_sides(Sides(self._patient, conflict.losing, titles, choices))
        self._first.setText(tr("merging.conflict.keep_theirs" if mine else "merging.conflict.keep_on_file"))
        self._second.setText(tr("merging.conflict.keep_mine" if mine else "merging.conflict.keep_other"))

    def _take_first(self) -> None:
        self.comparison.choose_all(Side.FIRST)
        self._go.setFocus()

    def _take_second(self) -> None:
        self.comparison.choose_all(Side.SECOND)
        self._go.setFocus()

    def _settle(self) -> None:
        if self._view is None or not self._go.isEnabled():
            return
        clinic, conflict, version = self._context.open_clinic, self._view.conflict.id, self._version
        take = [field for field, side in self.comparison.choices.items() if side is Side.SECOND]

        def work(job: "Job") -> "Settled":
            return workflow.settle_conflict(clinic, job, conflict, take, version)

        self._go.setEnabled(False)
        self._context.operations.run(work, initiator=self, done=self._done, failed=self._failed, ended=self._ready)

    def _done(self, result: "Settled") -> None:
        self._context.toast(self._context.tr("merging.conflict.settled"))
        self.settled.emit(result.patient)

    def _failed(self, error: Exception) -> None:
        """Say it, and go back to the chart, which shows how things are now."""
        self._context.show_error(error, self)
        self.left.emit()

    def _ready(self) -> None:
        self._go.setEnabled(True)
