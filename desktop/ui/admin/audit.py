"""The audit trail: who did what, newest first; ids, never a name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableView

from desktop import workflow
from desktop.i18n import format_datetime
from desktop.records import AuditEntry
from desktop.ui.settings.section import Section
from desktop.ui.widgets.parts import button, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext

_PAGE = 200
_COLUMNS = ("number", "time", "who", "what", "subject", "reason")
_WIDTHS = (64, 190, 150, 170, 310)
_Index = QModelIndex | QPersistentModelIndex


class AuditModel(QAbstractTableModel):
    """Lines of the trail."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self._context = context
        self._entries: tuple[AuditEntry, ...] = ()
        self._names: dict[str, str] = {}

    @property
    def entries(self) -> tuple[AuditEntry, ...]:
        """What is loaded, newest first."""
        return self._entries

    def set_entries(self, entries: Sequence[AuditEntry]) -> None:
        """Show other lines."""
        self.beginResetModel()
        self._entries = tuple(entries)
        clinic = self._context.clinic
        self._names = {clinic.session.user.id: clinic.session.user.name} if clinic is not None else {}
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """How many lines are loaded."""
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def columnCount(self, parent: _Index | None = None) -> int:
        """How many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A column's name."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._context.tr(f"admin.audit.{_COLUMNS[section]}")
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """One cell in words."""
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) or not index.isValid():
            return None
        entry = self._entries[index.row()]
        cells = (
            str(entry.sequence),
            format_datetime(entry.time.astimezone(), self._context.language),
            self._names.get(entry.actor, entry.actor[:8]),
            self._context.tr(f"admin.action.{entry.action.value}"),
            entry.subject,
            entry.reason,
        )
        return cells[index.column()]


class AuditSection(Section):
    """Search in what is loaded; older lines on demand. Looking at it is audited too."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "admin_audit", "settings.section.audit")
        about = label(role="muted", wrap=True)
        self.texts.add(about.setText, "admin.audit.about")
        self.body.addWidget(about)
        self.search = QLineEdit()
        self.search.setObjectName("audit_search")
        self.search.setClearButtonEnabled(True)
        self.texts.add(self.search.setPlaceholderText, "admin.audit.search")
        self.texts.add(self.search.setAccessibleName, "admin.audit.search")
        self.body.addWidget(self.search)
        self._model = AuditModel(context)
        self._found = QSortFilterProxyModel(self)
        self._found.setSourceModel(self._model)
        self._found.setFilterKeyColumn(-1)
        self._found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.search.textChanged.connect(self._found.setFilterFixedString)
        self.table = self._build_table()
        self.body.addWidget(self.table, 1)
        self._older = button("audit_older")
        self.texts.add(self._older.setText, "admin.audit.older")
        self._older.clicked.connect(self._load_older)
        foot = row()
        foot.addWidget(self._older)
        foot.addStretch(1)
        self.body.addLayout(foot)
        inner = self.widget()
        if inner is not None:
            inner.setMaximumWidth(16777215)

    def activated(self) -> None:
        """Load the newest lines."""
        self._load(None)

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self._model.set_entries(self._model.entries)

    def clear(self) -> None:
        """The clinic is locked."""
        self.search.setText("")
        self._model.set_entries(())

    def _build_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("audit_table")
        table.setModel(self._found)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for place, width in enumerate(_WIDTHS):
            table.setColumnWidth(place, width)
        table.horizontalHeader().setSectionResizeMode(len(_COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        table.setMinimumHeight(320)
        self.texts.add(table.setAccessibleName, "settings.section.audit")
        return table

    def _load_older(self) -> None:
        if self._model.entries:
            self._load(self._model.entries[-1].sequence)

    def _load(self, before: int | None) -> None:
        clinic = self.context.open_clinic
        known = self._model.entries if before is not None else ()

        def work(job: "Job") -> tuple[AuditEntry, ...]:
            return (*known, *workflow.audit_entries(clinic, job, _PAGE, before))

        self.context.operations.run(work, initiator=self, done=self._show)

    def _show(self, entries: tuple[AuditEntry, ...]) -> None:
        self._model.set_entries(entries)
        self._older.setEnabled(bool(entries) and entries[-1].sequence > 1)
