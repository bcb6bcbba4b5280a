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

    def standing(self, study: StudyId, series: str) -> list[Segmentation]:
        """The newest form of each that was painted on a series, the one changed last at the end."""
        rows = self._rows.all(
            """SELECT record FROM segmentations WHERE key IN
               (SELECT max(key) FROM segmentations WHERE study = ? AND series = ? GROUP BY id) ORDER BY key""",
            (study, series),
        )
        return [from_canonical(Segmentation, row[0]) for row in rows]

    def by_several(self) -> list[tuple[StudyId, str]]:
        """Series on which more than one was painted, by study."""
        rows = self._rows.all(
            """SELECT study, series FROM segmentations GROUP BY study, series
               HAVING count(DISTINCT id) > 1 ORDER BY min(key)"""
        )
        return [(StudyId(row[0]), str(row[1])) for row in rows]
