"""What people said about single findings. A later word of the same author stands beside the earlier one."""

from desktop.records import Label, StudyId
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows

LABEL = "label"


class Labels:
    """The rows of labels."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, label: Label) -> None:
        """Keep a word beside the earlier ones."""
        data = self._rows.written(LABEL, label.id, label)
        self._rows.run("INSERT INTO labels (id, study, record) VALUES (?, ?, ?)", (label.id, label.study, data))

    def for_study(self, study: StudyId) -> list[Label]:
        """Oldest first."""
        rows = self._rows.all("SELECT record FROM labels WHERE study = ? ORDER BY key", (study,))
        return [from_canonical(Label, row[0]) for row in rows]

    def page(self, after: int, limit: int) -> list[tuple[int, Label]]:
        """Labels of all studies in the order they came, each with its place. after: the last place one had, 0 at
        first."""
        rows = self._rows.all("SELECT key, record FROM labels WHERE key > ? ORDER BY key LIMIT ?", (after, limit))
        return [(int(row[0]), from_canonical(Label, row[1])) for row in rows]
