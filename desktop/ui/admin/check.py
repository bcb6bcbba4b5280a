"""Check the clinic: keystore, database, audit trail, every record, every sealed file."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop import workflow
from desktop.ui.settings.section import Section
from desktop.ui.widgets.parts import button, card, column, label, row, set_role

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Verification


class CheckSection(Section):
    """One button; then that all is well, or each problem with what to do."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "admin_check", "settings.section.check")
        self._result: Verification | None = None
        about = label(role="muted", wrap=True)
        self.texts.add(about.setText, "admin.check.about")
        self._start = button("check_start", "primary")
        self.icons.add(self._start, "shield")
        self.texts.add(self._start.setText, "admin.check.start")
        self._start.clicked.connect(self._check)
        line = row()
        line.addWidget(self._start)
        line.addStretch(1)
        self._verdict = label("check_verdict", "heading", wrap=True)
        self._problems: QVBoxLayout = column(spacing=12)
        self.body.addWidget(about)
        self.body.addLayout(line)
        self.body.addWidget(self._verdict)
        self.body.addLayout(self._problems)
        self.body.addStretch(1)

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self._show()

    def clear(self) -> None:
        """The clinic is locked."""
        self._result = None
        self._show()

    def _check(self) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> "Verification":
            return workflow.verify(clinic, job)

        self._start.setEnabled(False)
        self.context.operations.run(
            work,
            initiator=self,
            done=self._checked,
            ended=self._ready,
            title=self.context.tr("admin.check.running"),
        )

    def _checked(self, result: "Verification") -> None:
        self._result = result
        self._show()

    def _show(self) -> None:
        while self._problems.count():
            item = self._problems.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if self._result is None:
            self._verdict.setText("")
            return
        problems = self._result.problems
        key = "admin.check.problems" if problems else "admin.check.ok"
        self._verdict.setText(self.context.tr(key, count=len(problems)))
        set_role(self._verdict, "danger" if problems else "ok")
        for problem in problems:
            self._problems.addWidget(self._box(problem.key, problem.where, dict(problem.details)))

    def _box(self, key: str, where: str, details: dict[str, object]) -> QWidget:
        box = card("check_problem")
        inside = column(box, margin=16, spacing=4)
        texts = ((self.context.tr(key, **details), "strong"), (self.context.tr(f"{key}.advice", **details), "body"))
        for text, role in (*texts, (where, "small")):
            words = label(role=role, wrap=True, selectable=True)
            words.setText(text)
            inside.addWidget(words)
        return box

    def _ready(self) -> None:
        self._start.setEnabled(True)
