"""Check the clinic: keystore, database, audit trail, every record, every sealed file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.ui.admin.damage import ProblemList
from desktop.ui.settings.section import Section
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.ui.widgets.parts import button, label, row, set_role

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Operation
    from desktop.workflow import Anchor, Verification

_PROOFS = "*.json"


@dataclass(frozen=True)
class _Compared:
    """A check against an audit head that was kept elsewhere. name: of its file."""

    name: str
    anchor: "Anchor"
    checked: "Verification"


class CheckSection(Section):
    """One button; then that all is well, or each problem with what to do. Work goes on meanwhile."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "admin_check", "settings.section.check")
        self._result: Verification | _Compared | None = None
        self._running: Operation[Any] | None = None
        inside = self.box("admin.check.title", "admin.check.about")
        self._start = button("check_start", "primary")
        self._stop = button("check_stop", "quiet")
        self.icons.add(self._start, "shield")
        self.texts.add(self._start.setText, "admin.check.start")
        self.texts.add(self._stop.setText, "ui.cancel")
        line = row()
        line.addWidget(self._start)
        line.addWidget(self._stop)
        line.addStretch(1)
        inside.addLayout(line)
        self._verdict = label("check_verdict", "heading", wrap=True)
        self.found = ProblemList(context, "check_found")
        inside.addWidget(self._verdict)
        inside.addWidget(self.found)
        anchor = self.box("admin.check.anchor", "admin.check.anchor.about")
        self._choose = button("check_anchor")
        self.icons.add(self._choose, "folder")
        self.texts.add(self._choose.setText, "admin.check.anchor.choose")
        anchor.addWidget(self._choose, alignment=Qt.AlignmentFlag.AlignLeft)
        self.body.addStretch(1)
        self._start.clicked.connect(self.check)
        self._stop.clicked.connect(self._cancel)
        self._choose.clicked.connect(self._ask_for_anchor)
        self.retranslate()

    def activated(self) -> None:
        """The bright button has the focus."""
        self._start.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self._show()

    def clear(self) -> None:
        """The clinic is locked."""
        self._result = self._running = None
        self._show()

    def check(self) -> None:
        """Check everything now."""
        clinic = self.context.open_clinic

        def work(job: "Job") -> "Verification":
            return workflow.verify(clinic, job)

        self._run(work)

    def compare(self, path: Path) -> None:
        """Check everything, and that the trail holds the audit head in a file."""
        clinic = self.context.open_clinic

        def work(job: "Job") -> _Compared:
            anchor = workflow.read_anchor(path)
            if anchor is None:
                raise UserFacingError("verify.anchor_unreadable")
            return _Compared(path.name, anchor, workflow.verify(clinic, job, anchor=anchor))

        self._run(work)

    def _run(self, work: Any) -> None:
        if self._running is not None:
            return
        self._result = None
        # A button that is switched off hands its focus on, and the page would scroll after it.
        self.setFocus()
        self._running = self.context.operations.run(
            work,
            initiator=self,
            done=self._checked,
            ended=self._ended,
            pool="background",
            title=self.context.tr("admin.check.running"),
        )
        self._show()

    def _ask_for_anchor(self) -> None:
        dialog = file_dialog(self.context, self, self.context.tr("admin.check.anchor.choose"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(f"{self.context.tr('admin.check.anchor.files')} ({_PROOFS})")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._anchor_chosen)
        dialog.open()

    def _anchor_chosen(self, chosen: str) -> None:
        self.compare(Path(chosen))

    def _cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def _checked(self, result: "Verification | _Compared") -> None:
        self._result = result

    def _ended(self) -> None:
        self._running = None
        self._show()
        if self.isVisible():
            self._start.setFocus()

    def _show(self) -> None:
        running = self._running is not None
        self._start.setEnabled(not running)
        self._choose.setEnabled(not running)
        self._stop.setVisible(running)
        checked = self._result.checked if isinstance(self._result, _Compared) else self._result
        self._verdict.setVisible(checked is not None)
        self.found.setVisible(checked is not None)
        if checked is None:
            self.found.set_found(())
            return
        self._verdict.setText(self._words(checked))
        set_role(self._verdict, "danger" if checked.problems else "ok")
        self.found.set_found(checked.problems, checked.notes)

    def _words(self, checked: "Verification") -> str:
        tr, compared = self.context.tr, self._result
        if checked.problems:
            return tr("admin.check.problems", count=len(checked.problems))
        if not isinstance(compared, _Compared):
            return tr("admin.check.ok")
        return tr("admin.check.anchor.ok", file=compared.name, sequence=compared.anchor.sequence)
