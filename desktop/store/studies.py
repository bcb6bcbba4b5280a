"""Imaging studies and their pictures."""

import json
from collections.abc import Sequence
from dataclasses import replace

from desktop.records import (
    ImagingStudy,
    Instance,
    InstanceId,
    Patient,
    PatientId,
    StudyId,
    StudySummary,
)
from desktop.store.canonical import from_canonical, time_text
from desktop.store.rows import Row, Rows, decoded
from desktop.store.standing import identity, marks, person, top_key

STUDY = "imaging_study"
INSTANCE = "imaging_instance"

_SUMMARY = """
SELECT imaging_studies.record, imaging_studies.signed, patients.record, patients.key, patients.merged_into,
  EXISTS (SELECT 1 FROM impressions WHERE impressions.study = imaging_studies.id),
  EXISTS (SELECT 1 FROM suggestions WHERE suggestions.study = imaging_studies.id)
FROM imaging_studies JOIN patients ON patients.id = imaging_studies.patient
"""


class Studies:
    """The rows of imaging_studies and imaging_instances."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add_study(self, study: ImagingStudy) -> None:
        """Add a study and the instances it brings along."""
        data = self._rows.written(STUDY, study.id, replace(study, instances=()))
        self._rows.run(
            "INSERT INTO imaging_studies (id, patient, study_uid, added, record) VALUES (?, ?, ?, ?, ?)",
            (study.id, study.patient, study.study_uid, time_text(study.added), data),
        )
        for instance in study.instances:
            self.add_instance(instance)

    def add_instance(self, instance: Instance) -> None:
        """Add a picture to its study."""
        data = self._rows.written(INSTANCE, instance.id, instance)
        self._rows.run(
            "INSERT INTO imaging_instances (id, study, attachment, record) VALUES (?, ?, ?, ?)",
            (instance.id, instance.study, instance.attachment, data),
        )

    def get(self, study: StudyId) -> ImagingStudy:
        """A study with its instances. Raises UserFacingError `store.study_not_found`."""
        row = self._rows.one("SELECT record FROM imaging_studies WHERE id = ?", (study,))
        return self._with_instances(decoded(ImagingStudy, row, "store.study_not_found"))

    def instance(self, instance: InstanceId) -> Instance:
        """One picture. Raises UserFacingError `store.instance_not_found`."""
        row = self._rows.one("SELECT record FROM imaging_instances WHERE id = ?", (instance,))
        return decoded(Instance, row, "store.instance_not_found")

    def by_uid(self, patient: PatientId, study_uid: str) -> ImagingStudy | None:
        """The patient's study of that DICOM UID, if there is one."""
        row = self._rows.one(
            "SELECT record FROM imaging_studies WHERE patient = ? AND study_uid = ? ORDER BY added LIMIT 1",
            (patient, study_uid),
        )
        return self._with_instances(from_canonical(ImagingStudy, row[0])) if row and study_uid else None

    def for_patient(self, patient: PatientId) -> list[StudySummary]:
        """The person's studies, newest first, those of records that were merged into one included."""
        ids = [identity(self._rows, key) for key in person(self._rows, patient)]
        rows = self._rows.all(
            f"{_SUMMARY} WHERE imaging_studies.patient IN ({marks(ids)}) ORDER BY imaging_studies.added DESC", ids
        )
        return [self._summary(row) for row in rows]

    def worklist(self, limit: int) -> list[StudySummary]:
        """Studies of all patients: unsigned first, the newest first among them."""
        rows = self._rows.all(
            f"{_SUMMARY} ORDER BY imaging_studies.signed, imaging_studies.added DESC LIMIT ?", (limit,)
        )
        return [self._summary(row) for row in rows]

    def count_unsigned(self) -> int:
        """How many studies wait for a signed report."""
        row = self._rows.one("SELECT count(*) FROM imaging_studies WHERE signed = 0")
        return int(row[0]) if row else 0

    def find_duplicate(self, patient: PatientId, sha256: str) -> tuple[ImagingStudy, Instance] | None:
        """Where the same bytes (SHA-256, hex) already lie with the same person."""
        ids = [identity(self._rows, key) for key in person(self._rows, patient)]
        row = self._rows.one(
            f"""SELECT imaging_instances.record FROM attachments
               JOIN imaging_instances ON imaging_instances.attachment = attachments.id
               WHERE attachments.patient IN ({marks(ids)}) AND attachments.sha256 = ?
               ORDER BY imaging_instances.key LIMIT 1""",
            (*ids, sha256),
        )
        if row is None:
            return None
        instance = from_canonical(Instance, row[0])
        return self.get(instance.study), instance

    def unknown(self, studies: Sequence[str]) -> int:
        """How many of these ids are no study here."""
        row = self._rows.one(
            "SELECT count(*) FROM imaging_studies WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(studies),)
        )
        return len(studies) - (int(row[0]) if row else 0)

    def _with_instances(self, study: ImagingStudy) -> ImagingStudy:
        rows = self._rows.all("SELECT record FROM imaging_instances WHERE study = ? ORDER BY key", (study.id,))
        return replace(study, instances=tuple(from_canonical(Instance, row[0]) for row in rows))

    def _summary(self, row: Row) -> StudySummary:
        study, signed, patient, key, merged_into, has_impression, has_suggestion = row
        if merged_into is not None:
            standing = self._rows.one("SELECT record FROM patients WHERE key = ?", (top_key(self._rows, key),))
            patient = standing[0] if standing is not None else patient
        return StudySummary(
            self._with_instances(from_canonical(ImagingStudy, study)),
            from_canonical(Patient, patient).display_name,
            has_impression=bool(has_impression),
            has_suggestion=bool(has_suggestion),
            signed=bool(signed),
        )
