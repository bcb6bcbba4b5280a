"""Lines of the audit trail as a table."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from desktop import workflow
from desktop.i18n import format_datetime
from desktop.records import AuditEntry

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_COLUMNS = ("number", "time", "who", "what", "subject", "reason")
_WIDTHS = (64, 180, 170, 190, 300)
_SHORT = 8
_Index = QModelIndex | QPersistentModelIndex


class AuditModel(QAbstractTableModel):
    """Lines of the trail."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self._context = context
        self._entries: tuple[AuditEntry, ...] = ()
        self._names: Mapping[str, str] = {}

    @property
    def entries(self) -> tuple[AuditEntry, ...]:
        """What is loaded, newest first."""
        return self._entries

    def set_entries(self, entries: Sequence[AuditEntry], names: Mapping[str, str] | None = None) -> None:
        """Show other lines. names: what the clinic's users are called, by id; None as before."""
        self.beginResetModel()
        self._entries = tuple(entries)
        self._names = self._names if names is None else names
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
            self.name_of(entry.actor),
            self._context.tr(f"admin.action.{entry.action.value}"),
            entry.subject,
            entry.reason,
        )
        return cells[index.column()]

    def name_of(self, actor: str) -> str:
        """A user by name; who is none, such as the recovery card or nobody at all, in words."""
        if actor in self._names:
            return self._names[actor]
        if actor == workflow.people.CARD_ACTOR:
            return self._context.tr("admin.audit.who.card")
        if self._context.has_text(f"admin.audit.who.{actor}"):
            return self._context.tr(f"admin.audit.who.{actor}")
        return actor[:_SHORT] if actor else self._context.tr("admin.audit.who.system")


def audit_table(model: AuditModel) -> QTableView:
    """A calm table: whole lines, no grid, Tab goes on to the next field."""
    table = QTableView()
    table.setObjectName("audit_table")
    table.setModel(model)
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
    table.setMinimumHeight(240)
    return table
