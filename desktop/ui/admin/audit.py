"""The audit trail: who did what, newest first, searched as a whole; handed out as a signed file and checked again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout

from desktop import workflow
from desktop.i18n import format_datetime
from desktop.records import AuditEntry
from desktop.ui.admin.audit_filter import AuditFilter, Wanted
from desktop.ui.admin.audit_table import AuditModel, audit_table
from desktop.ui.settings.section import Section
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.ui.widgets.parts import button, card, column, label, row, set_role

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import ExportedTrail, FileCheck, SignedHead

_PAGE = 200
_MOST_PROBLEMS = 3
_ANY_WIDTH = 16777215


@dataclass(frozen=True)
class _Found:
    """Lines that fit, and what the clinic's users are called. number: of the question."""

    number: int
    entries: tuple[AuditEntry, ...]
    more: bool
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Checked:
    """What an exported file is like. known: it was signed with the key of somebody who works or worked here."""

    path: Path
    check: "FileCheck"
    known: bool


class AuditSection(Section):
    """Searches the whole trail; older lines on demand. Looking at it is audited too."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "admin_audit", "settings.section.audit")
        self._number = 0
        self._result: ExportedTrail | _Checked | None = None
        about = label(role="muted", wrap=True)
        self.texts.add(about.setText, "admin.audit.about")
        self.body.addWidget(about)
        self.filter = AuditFilter(context)
        self.filter.changed.connect(self._search)
        self.body.addWidget(self.filter)
        self._model = AuditModel(context)
        self.table = audit_table(self._model)
        self.texts.add(self.table.setAccessibleName, "settings.section.audit")
        self.body.addWidget(self.table, 1)
        self.body.addLayout(self._build_foot())
        self._box = card("audit_result")
        inside = column(self._box, margin=16, spacing=4)
        self._verdict = label("audit_result_title", "strong", wrap=True)
        self._details = label("audit_result_details", "muted", wrap=True, selectable=True)
        inside.addWidget(self._verdict)
        inside.addWidget(self._details)
        self.body.addWidget(self._box)
        inner = self.widget()
        if inner is not None:
            inner.setMaximumWidth(_ANY_WIDTH)
        self._say()

    def activated(self) -> None:
        """Load the newest lines that fit."""
        self._search()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self.filter.retranslate()
        self._model.set_entries(self._model.entries)
        self._say()

    def clear(self) -> None:
        """The clinic is locked."""
        self._number += 1
        self._result = None
        self.filter.clear()
        self._model.set_entries((), {})
        self._say()

    def _build_foot(self) -> QHBoxLayout:
        self._older = button("audit_older")
        self._count = label("audit_count", "small")
        check = button("audit_check", "quiet")
        export = button("audit_export")
        self.icons.add(export, "save")
        self.texts.add(self._older.setText, "admin.audit.older")
        self.texts.add(check.setText, "admin.audit.check")
        self.texts.add(export.setText, "admin.audit.export")
        self._older.clicked.connect(self._load_older)
        check.clicked.connect(self._choose_file)
        export.clicked.connect(self._choose_place)
        foot = row()
        foot.addWidget(self._older)
        foot.addWidget(self._count)
        foot.addStretch(1)
        foot.addWidget(check)
        foot.addWidget(export)
        return foot

    # Searching

    def _search(self) -> None:
        wanted = self.filter.wanted()
        if wanted is not None and self.context.clinic is not None:
            self._load(wanted, None)

    def _load_older(self) -> None:
        wanted = self.filter.wanted()
        if wanted is not None and self._model.entries:
            self._load(wanted, self._model.entries[-1].sequence)

    def _load(self, wanted: Wanted, before: int | None) -> None:
        clinic = self.context.open_clinic
        self._number += 1
        number, known = self._number, self._model.entries if before is not None else ()

        def work(job: "Job") -> _Found:
            page = workflow.search_audit(
                clinic,
                job,
                text=wanted.text,
                action=wanted.action,
                actor=wanted.actor,
                since=wanted.since,
                until=wanted.until,
                limit=_PAGE,
                before=before,
            )
            names = {str(user.id): user.name for user in workflow.people.list_users(clinic, job)}
            return _Found(number, (*known, *page), len(page) == _PAGE, names)

        self.context.operations.run(work, initiator=self, done=self._show, title=self.context.tr("admin.audit.running"))

    def _show(self, found: _Found) -> None:
        if found.number != self._number:
            return
        self.filter.set_names(found.names)
        self._model.set_entries(found.entries, found.names)
        self._older.setVisible(found.more)
        self._say()

    # Handing out and checking

    def _choose_place(self) -> None:
        dialog = file_dialog(self.context, self, self.context.tr("admin.audit.export.title"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setNameFilter("JSON Lines (*.jsonl)")
        dialog.setDefaultSuffix("jsonl")
        day = self.context.open_clinic.clock().astimezone().date()
        dialog.selectFile(self.context.tr("admin.audit.export.name", day=day.isoformat()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.export_to)
        dialog.open()

    def export_to(self, chosen: str) -> None:
        """Write the whole trail, signed, to a file that is not there yet."""
        clinic = self.context.open_clinic

        def work(job: "Job") -> "ExportedTrail":
            return workflow.export_audit(clinic, job, Path(chosen))

        title = self.context.tr("admin.audit.export.running")
        self.context.operations.run(work, initiator=self, done=self._take, title=title)

    def _choose_file(self) -> None:
        dialog = file_dialog(self.context, self, self.context.tr("admin.audit.check.title"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter("JSON Lines (*.jsonl)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.check_file)
        dialog.open()

    def check_file(self, chosen: str) -> None:
        """Say whether an exported file is whole, and whose signature it bears."""
        clinic = self.context.open_clinic

        def work(job: "Job") -> _Checked:
            check = workflow.verify_audit_file(Path(chosen), job)
            head, users = check.head, workflow.people.list_users(clinic, job)
            known = head is not None and any(
                user.id == head.user and head.public_key in user.public_keys for user in users
            )
            return _Checked(Path(chosen), check, known)

        title = self.context.tr("admin.audit.check.running")
        self.context.operations.run(work, initiator=self, done=self._take, title=title)

    def _take(self, result: "ExportedTrail | _Checked") -> None:
        self._result = result
        self._say()
        self.ensureWidgetVisible(self._box)

    # In words

    def _say(self) -> None:
        tr, entries = self.context.tr, self._model.entries
        if self.context.clinic is None or not self._number:
            self._count.setText("")
        else:
            self._count.setText(tr("admin.audit.count", count=len(entries)) if entries else tr("admin.audit.none"))
        self._box.setVisible(self._result is not None)
        if self._result is None:
            self._verdict.setText("")
            self._details.setText("")
        elif isinstance(self._result, _Checked):
            self._say_checked(self._result)
        else:
            set_role(self._verdict, "strong")
            self._verdict.setText(tr("admin.audit.export.done", count=self._result.rows))
            self._details.setText(
                tr("admin.audit.export.where", path=str(self._result.path), sha256=self._result.sha256)
            )

    def _say_checked(self, result: _Checked) -> None:
        tr, check = self.context.tr, result.check
        path = tr("admin.audit.check.file", path=str(result.path))
        if check.problems:
            set_role(self._verdict, "danger")
            self._verdict.setText(tr("admin.audit.check.problems", count=len(check.problems)))
            told = [
                f"{tr(problem.key, **problem.details)} {tr(f'{problem.key}.advice', **problem.details)}"
                for problem in check.problems[:_MOST_PROBLEMS]
            ]
            self._details.setText("\n".join((*told, path)))
            return
        set_role(self._verdict, "ok")
        self._verdict.setText(tr("admin.audit.check.ok", count=check.rows))
        parts = [path]
        if check.head is not None:
            parts.insert(0, self._signature(check.head, known=result.known))
        self._details.setText("\n".join(parts))

    def _signature(self, head: "SignedHead", *, known: bool) -> str:
        """Whose it is. Another clinic's cannot be told from here."""
        clinic = self.context.clinic
        if clinic is not None and head.store_id != clinic.store.store_id:
            return self.context.tr("admin.audit.check.other_clinic")
        if not known:
            return self.context.tr("admin.audit.check.nobody")
        when = format_datetime(head.time.astimezone(), self.context.language)
        return self.context.tr("admin.audit.check.signed", who=self._model.name_of(head.user), when=when)
