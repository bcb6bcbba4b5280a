"""What people said about single cells. A later word of the same author stands beside the earlier one."""

from desktop.records import CellLabel, StudyId
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows

CELL_LABEL = "cell_label"


class CellLabels:
    """The rows of words on cells."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, label: CellLabel) -> None:
        """Keep a word beside the earlier ones."""
        data = self._rows.written(CELL_LABEL, label.id, label)
        self._rows.run("INSERT INTO cell_labels (id, study, record) VALUES (?, ?, ?)", (label.id, label.study, data))

    def for_study(self, study: StudyId) -> list[CellLabel]:
        """Oldest first."""
        rows = self._rows.all("SELECT record FROM cell_labels WHERE study = ? ORDER BY key", (study,))
        return [from_canonical(CellLabel, row[0]) for row in rows]

    def page(self, after: int, limit: int) -> list[tuple[int, CellLabel]]:
        """Words of all studies in the order they came, each with its place. after: the last place one had, 0 at
        first."""
        rows = self._rows.all("SELECT key, record FROM cell_labels WHERE key > ? ORDER BY key LIMIT ?", (after, limit))
        return [(int(row[0]), from_canonical(CellLabel, row[1])) for row in rows]
