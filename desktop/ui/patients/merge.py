"""One person, two records: find the other one, compare both, merge. Nothing of it is lost, and it can be undone."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.records import MergePreview, Patient, PatientId
from desktop.records.patient_fields import LISTS, suggested_choices
from desktop.ui.patients.comparison import Comparison, Sides
from desktop.ui.patients.merge_finder import MergeFinder
from desktop.ui.patients.words import facts
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Merged


class MergePage(QStackedWidget):
    """Signals: merged(Merged); left when nothing was merged."""

    merged = Signal(object)
    left = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("merge_page")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._preview: MergePreview | None = None
        self._searched = False
        self._wanted: tuple[PatientId, PatientId] | None = None
        self.finder = MergeFinder(context)
        self.finder.chosen.connect(self._chosen)
        self.finder.left.connect(self.left)
        self._patient: Patient | None = None
        self._compare = QWidget()
        self._compare.setObjectName("merge_compare")
        self.comparison = Comparison(context)
        self.comparison.entered.connect(self._merge)
        self._build()
        self.addWidget(self.finder)
        self.addWidget(self._compare)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self._compare, self._merge)

    @property
    def patient(self) -> Patient | None:
        """Whose page was left for this one."""
        return self._patient

    def begin(self, patient: Patient) -> None:
        """Find the other record of somebody."""
        self.clear()
        self._patient = patient
        self._searched = True
        self.finder.begin(patient)

    def compare(self, patient: Patient, other: PatientId) -> None:
        """Look at two known records."""
        self.clear()
        self._patient = patient
        self._load(patient.id, other)

    def go_back(self) -> None:
        """One step back: from comparing to finding, from there to the page one came from."""
        if self.currentWidget() is self._compare and self._searched:
            self.setCurrentWidget(self.finder)
            self.finder.activated()
        else:
            self.left.emit()

    def activated(self) -> None:
        """The next thing to do has the focus."""
        if self.currentWidget() is self.finder:
            self.finder.activated()
        elif not self.comparison.focus_first():
            self._go.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self.finder.retranslate()
        if self._preview is not None:
            self._fill(self._preview, keep=True)

    def clear(self) -> None:
        """Forget both."""
        self._patient = self._preview = self._wanted = None
        self._searched = False
        self.finder.clear()
        self.comparison.clear()
        self._moves.setText("")
        self.setCurrentWidget(self.finder)

    def _build(self) -> None:
        title = label("merge_title", "title", wrap=True)
        about = label(role="muted", wrap=True)
        self._texts.add(title.setText, "merging.title")
        self._texts.add(about.setText, "merging.about")
        self._moves = label("merge_moves", "strong", wrap=True)
        safe = label(role="small", wrap=True)
        self._texts.add(safe.setText, "merging.safe")
        layout = column(self._compare, margin=24, spacing=12)
        layout.addWidget(title)
        layout.addWidget(about)
        layout.addWidget(self.comparison, 1)
        layout.addWidget(self._moves)
        layout.addWidget(safe)
        layout.addLayout(self._build_buttons())

    def _build_buttons(self) -> QHBoxLayout:
        back = button("merge_back", "quiet")
        swap = button("merge_swap", "quiet")
        self._go = button("merge_go", "primary")
        self._icons.add(self._go, "check")
        hint = label("merge_hint", "small")
        for words, key in (
            (back, "merging.back"),
            (swap, "merging.swap"),
            (self._go, "merging.go"),
            (hint, "merging.keys"),
        ):
            self._texts.add(words.setText, key)
        back.clicked.connect(self.go_back)
        swap.clicked.connect(self._swap)
        self._go.clicked.connect(self._merge)
        buttons = row()
        buttons.addWidget(back)
        buttons.addWidget(swap)
        buttons.addStretch(1)
        buttons.addWidget(hint)
        buttons.addWidget(self._go)
        return buttons

    def _chosen(self, other: str) -> None:
        if self._patient is not None:
            self._load(self._patient.id, PatientId(other))

    def _swap(self) -> None:
        if self._preview is not None:
            self._load(self._preview.gone.id, self._preview.kept.id)

    def _load(self, kept: PatientId, gone: PatientId) -> None:
        clinic = self._context.open_clinic
        self._wanted = (kept, gone)

        def work(job: "Job") -> MergePreview:
            return workflow.merge_preview(clinic, job, kept, gone)

        self._context.operations.run(work, initiator=self, done=self._show, failed=self._failed)

    def _show(self, preview: MergePreview) -> None:
        if (preview.kept.id, preview.gone.id) != self._wanted:
            return
        self._preview = preview
        self._fill(preview)
        self.setCurrentWidget(self._compare)
        if self.isVisible():
            self.activated()

    def _fill(self, preview: MergePreview, *, keep: bool = False) -> None:
        """keep: what was chosen so far stays chosen."""
        tr, kept, gone = self._context.tr, preview.kept, preview.gone
        choices = self.comparison.choices if keep else suggested_choices(kept, gone)
        titles = (
            tr("merging.kept", name=kept.display_name, facts=facts(self._context, kept)),
            tr("merging.gone", name=gone.display_name, facts=facts(self._context, gone)),
        )
        self.comparison.show_sides(Sides(kept, gone, titles, choices, LISTS))
        moves = preview.moves
        counted = [
            tr(f"merging.moves.{what}", count=count)
            for what, count in (("studies", moves.studies), ("visits", moves.visits), ("documents", moves.documents))
            if count
        ]
        listed = tr("patients.list_comma").join(counted)
        self._moves.setText(tr("merging.moves", list=listed) if counted else tr("merging.moves.nothing"))

    def _merge(self) -> None:
        preview, clinic = self._preview, self._context.open_clinic
        if preview is None or not self._go.isEnabled():
            return
        choices = self.comparison.choices

        def work(job: "Job") -> "Merged":
            return workflow.merge_patients(clinic, job, preview.kept.id, preview.gone.id, choices, preview)

        self._go.setEnabled(False)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._done,
            failed=self._failed,
            ended=self._ready,
            title=self._context.tr("merging.running"),
        )

    def _done(self, result: "Merged") -> None:
        self.merged.emit(result)

    def _failed(self, error: Exception) -> None:
        """Say it; where a record was changed meanwhile, show both as they are now."""
        self._context.show_error(error, self)
        changed = isinstance(error, UserFacingError) and error.key == "merging.changed"
        if changed and self._preview is not None:
            self._load(self._preview.kept.id, self._preview.gone.id)

    def _ready(self) -> None:
        self._go.setEnabled(True)
