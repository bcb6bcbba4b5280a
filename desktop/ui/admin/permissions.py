"""Who may do what: every permission and the roles that carry it, to look up."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from desktop import workflow
from desktop.access import Role

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_TICK = "✓"
_ROW_HEIGHT = 32
_Index = QModelIndex | QPersistentModelIndex


class PermissionModel(QAbstractTableModel):
    """A row per permission, a column per role; each cell is also said in words."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self._context = context
        self._rows = workflow.people.permission_matrix()

    def rowCount(self, parent: _Index | None = None) -> int:
        """How many permissions there are."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        """The permission's words, then the roles."""
        return 0 if parent is not None and parent.isValid() else 1 + len(Role)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A role's name."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return self._context.tr(f"people.role.{list(Role)[section - 1]}" if section else "people.matrix.permission")

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The permission in words; a tick or nothing."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        row = self._rows[index.row()]
        words = self._context.tr(f"people.permission.{row.permission.value}")
        if index.column() == 0:
            return words if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        who = list(Role)[index.column() - 1]
        may = who in row.roles
        if role == Qt.ItemDataRole.DisplayRole:
            return _TICK if may else ""
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            key = "people.matrix.may" if may else "people.matrix.may_not"
            return self._context.tr(key, role=self._context.tr(f"people.role.{who}"), permission=words)
        return None

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.beginResetModel()
        self.endResetModel()


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignHCenter if column else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


class PermissionTable(QTableView):
    """As high as its rows: the page scrolls, not the table."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("permission_table")
        self._context = context
        self._model = PermissionModel(context)
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        # As narrow as the roles' names allow: the sentences need the room.
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._model.retranslate()
        self.setAccessibleName(self._context.tr("people.matrix.title"))
        header = self.horizontalHeader().sizeHint().height()
        self.setFixedHeight(header + self._model.rowCount() * _ROW_HEIGHT + 2 * self.frameWidth())
