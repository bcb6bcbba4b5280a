"""What a chart says before anything else: two versions that wait for a decision, and records that were merged in."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QFrame, QPushButton, QVBoxLayout, QWidget

from desktop.access import Permission
from desktop.i18n import format_date, format_datetime
from desktop.records import Patient, PatientMerge, UserId
from desktop.ui.widgets.parts import button, card, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import ConflictView, PatientChart


class ChartNotices(QWidget):
    """Signals: conflict_chosen(conflict id) to compare; undo_requested(merge id). Takes no room where nothing is to
    be said."""

    conflict_chosen = Signal(str)
    undo_requested = Signal(str)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("chart_notices")
        self._context = context
        self._layout: QVBoxLayout = column(self, spacing=8)
        self._first: QPushButton | None = None

    @property
    def waits(self) -> bool:
        """Whether a decision is due."""
        return self._first is not None

    def focus_first(self) -> None:
        """To the decision that is due."""
        if self._first is not None:
            self._first.setFocus()

    def show_chart(self, chart: "PatientChart | None") -> None:
        """Say what concerns this chart; the keyboard stays here if it was here."""
        had_focus = self.isAncestorOf(focused) if (focused := QApplication.focusWidget()) is not None else False
        self._empty()
        if chart is not None and self._context.clinic is not None:
            may = self._context.clinic.session.may
            for view in chart.conflicts:
                self._layout.addWidget(self._conflict(view, chart.colleagues, may(Permission.EDIT_PATIENTS)))
            merged = {patient.id: patient for patient in chart.merged}
            for merge in chart.merges:
                gone = merged.get(merge.gone)
                if gone is not None:
                    self._layout.addWidget(self._merge(merge, gone, chart.colleagues, may(Permission.MERGE_PATIENTS)))
        self.setVisible(self._layout.count() > 0)
        if had_focus:
            self.focus_first()

    def _empty(self) -> None:
        self._first = None
        while self._layout.count():
            item = self._layout.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _conflict(self, view: "ConflictView", names: Mapping[UserId, str], may_settle: bool) -> QFrame:
        tr, conflict = self._context.tr, view.conflict
        box = card("chart_conflict", "notice")
        inside = row(box, margin=12, spacing=16)
        words = column(spacing=4)
        title = label("chart_conflict_title", "strong", wrap=True)
        title.setText(tr("merging.conflict.title"))
        about = label("chart_conflict_about", "muted", wrap=True)
        fields = tr("patients.list_comma").join(tr(f"patients.field.{field.value}") for field in view.differing)
        about.setText(
            tr(
                "merging.conflict.about" if fields else "merging.conflict.same",
                who=names.get(conflict.author, tr("merging.somebody")),
                when=format_datetime(conflict.edited.astimezone(), self._context.language),
                fields=fields,
            )
        )
        words.addWidget(title)
        words.addWidget(about)
        inside.addLayout(words, 1)
        if may_settle:
            compare = button("chart_conflict_compare", "primary")
            compare.setText(tr("merging.conflict.compare"))
            compare.setProperty("conflict", str(conflict.id))
            compare.clicked.connect(self._compare)
            inside.addWidget(compare)
            self._first = self._first or compare
        return box

    def _merge(self, merge: PatientMerge, gone: Patient, names: Mapping[UserId, str], may_undo: bool) -> QFrame:
        tr = self._context.tr
        box = card("chart_merge")
        inside = row(box, spacing=16)
        inside.setContentsMargins(16, 4, 8, 4)
        words = label("chart_merge_words", "muted", wrap=True)
        words.setText(
            tr(
                "merging.earlier",
                name=gone.display_name,
                number=gone.card_number,
                when=format_date(merge.decided.astimezone().date(), self._context.language),
                who=names.get(merge.author, tr("merging.somebody")),
            )
        )
        inside.addWidget(words, 1)
        if may_undo:
            undo = button("chart_merge_undo", "quiet")
            undo.setText(tr("merging.undo"))
            undo.setProperty("merge", str(merge.id))
            undo.clicked.connect(self._undo)
            inside.addWidget(undo)
        return box

    def _compare(self) -> None:
        self.conflict_chosen.emit(self.sender().property("conflict"))

    def _undo(self) -> None:
        self.undo_requested.emit(self.sender().property("merge"))
