"""Key images, and what files of other programs mark on pictures. A change is a later row of the same id."""

from collections.abc import Iterable

from desktop.records import ImportedMarks, InstanceId, KeyImage, MarksId, PatientId, StudyId
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows, decoded
from desktop.store.standing import identity, marks, person

KEY_IMAGE = "key_image"
IMPORTED_MARKS = "imported_marks"


class KeyImages:
    """Pictures marked as ones to look at."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, key_image: KeyImage) -> None:
        """Keep a mark, or that it was taken away."""
        data = self._rows.written(KEY_IMAGE, key_image.id, key_image)
        self._rows.run(
            "INSERT INTO key_images (id, instance, record) VALUES (?, ?, ?)", (key_image.id, key_image.instance, data)
        )

    def for_instance(self, instance: InstanceId) -> list[KeyImage]:
        """The marks on a picture that hold, one for each marked frame, in the order they were set."""
        rows = self._rows.all("SELECT record FROM key_images WHERE instance = ? ORDER BY key", (instance,))
        newest = {one.id: one for one in (from_canonical(KeyImage, row[0]) for row in rows)}
        return [one for one in newest.values() if not one.deleted]

    def for_study(self, study: StudyId) -> list[KeyImage]:
        """The marks on a study's pictures that hold, in the order they were set."""
        rows = self._rows.all(
            """SELECT key_images.record FROM key_images
               JOIN imaging_instances ON imaging_instances.id = key_images.instance
               WHERE imaging_instances.study = ? ORDER BY key_images.key""",
            (study,),
        )
        return _holding(row[0] for row in rows)


def _holding(records: Iterable[bytes]) -> list[KeyImage]:
    """The newest form of each mark, without those that were taken away."""
    newest = {one.id: one for one in (from_canonical(KeyImage, record) for record in records)}
    return [one for one in newest.values() if not one.deleted]


class Imported:
    """One record for each file that was brought in."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, imported: ImportedMarks) -> None:
        """Keep what a file marks, or a later form of it."""
        data = self._rows.written(IMPORTED_MARKS, imported.id, imported)
        self._rows.run(
            "INSERT INTO imported_marks (id, patient, attachment, study_uid, record) VALUES (?, ?, ?, ?, ?)",
            (imported.id, imported.patient, imported.attachment, imported.study_uid, data),
        )

    def get(self, imported: MarksId) -> ImportedMarks:
        """The newest form of one. Raises UserFacingError `store.marks_not_found`."""
        row = self._rows.one("SELECT record FROM imported_marks WHERE id = ? ORDER BY key DESC LIMIT 1", (imported,))
        return decoded(ImportedMarks, row, "store.marks_not_found")

    def for_study(self, patient: PatientId, study_uid: str) -> list[ImportedMarks]:
        """The newest form of each that is about a study of this person, in the order they came."""
        if not study_uid:
            return []
        ids = [identity(self._rows, key) for key in person(self._rows, patient)]
        rows = self._rows.all(
            f"SELECT record FROM imported_marks WHERE study_uid = ? AND patient IN ({marks(ids)}) ORDER BY key",
            (study_uid, *ids),
        )
        newest = {one.id: one for one in (from_canonical(ImportedMarks, row[0]) for row in rows)}
        return list(newest.values())

    def find_duplicate(self, patient: PatientId, sha256: str) -> ImportedMarks | None:
        """What was brought in from the same bytes (SHA-256, hex) for the same person."""
        ids = [identity(self._rows, key) for key in person(self._rows, patient)]
        row = self._rows.one(
            f"""SELECT imported_marks.record FROM attachments
               JOIN imported_marks ON imported_marks.attachment = attachments.id
               WHERE attachments.patient IN ({marks(ids)}) AND attachments.sha256 = ?
               ORDER BY imported_marks.key DESC LIMIT 1""",
            (*ids, sha256),
        )
        return from_canonical(ImportedMarks, row[0]) if row else None
