"""What was painted in volumes. A change is a later row of the same id."""

from desktop.records import Segmentation, StudyId
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows

SEGMENTATION = "segmentation"


class Segmentations:
    """The rows of segmentations."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, segmentation: Segmentation) -> None:
        """Keep what was painted, or a later form of it."""
        data = self._rows.written(SEGMENTATION, segmentation.id, segmentation)
        self._rows.run(
            "INSERT INTO segmentations (id, study, series, record) VALUES (?, ?, ?, ?)",
            (segmentation.id, segmentation.study, segmentation.series, data),
        )

    def newest(self, study: StudyId, series: str) -> Segmentation | None:
        """What holds now of a series, None where nothing was ever painted."""
        row = self._rows.one(
            "SELECT record FROM segmentations WHERE study = ? AND series = ? ORDER BY key DESC LIMIT 1", (study, series)
        )
        return from_canonical(Segmentation, row[0]) if row else None
