"""What the DICOM node needs kept: its settings, what arrived and waits for an answer, what is to be sent."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from desktop.records import AttachmentId, Encounter, ImagingStudy, Modality, PatientId, StudyId
from desktop.records.dicom_node import (
    Arrival,
    ArrivalId,
    ArrivalState,
    NodeSettings,
    OwedAnswer,
    OwedState,
    Sending,
    SendingId,
    SendingState,
)
from desktop.store.attachments import KIND as ATTACHMENT
from desktop.store.attachments import StoredFile
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows, decoded
from desktop.store.studies import STUDY
from desktop.store.visits import microseconds

ARRIVAL = "arrival"
NODE = "dicom_node"
OWED = "owed_answer"
SENDING = "dicom_sending"

# There is one node.
NODE_ID = "node"
_NEWEST_VISITS = 2000


class Nodes:
    """The one row of settings."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def get(self) -> NodeSettings:
        """The settings; those of a node that is off where nobody made any."""
        row = self._rows.one("SELECT record FROM dicom_nodes WHERE id = ?", (NODE_ID,))
        return from_canonical(NodeSettings, row[0]) if row else NodeSettings()

    def set(self, settings: NodeSettings) -> None:
        """Change the settings."""
        self._rows.run(
            """INSERT INTO dicom_nodes (id, record) VALUES (?, ?)
               ON CONFLICT (id) DO UPDATE SET record = excluded.record""",
            (NODE_ID, self._rows.written(NODE, NODE_ID, settings)),
        )


class Arrivals:
    """Objects that no rule gave to a patient. Their rows stay when the question is answered."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, arrival: Arrival) -> None:
        """Keep a question."""
        self._rows.run(
            "INSERT INTO arrivals (id, attachment, waiting, study_uid, record) VALUES (?, ?, ?, ?, ?)",
            (
                arrival.id,
                arrival.attachment,
                int(arrival.state is ArrivalState.WAITING),
                arrival.header.study_uid,
                self._rows.written(ARRIVAL, arrival.id, arrival),
            ),
        )

    def update(self, arrival: Arrival) -> None:
        """Note what became of it."""
        self._rows.run(
            "UPDATE arrivals SET waiting = ?, record = ? WHERE id = ?",
            (
                int(arrival.state is ArrivalState.WAITING),
                self._rows.written(ARRIVAL, arrival.id, arrival),
                arrival.id,
            ),
        )

    def get(self, arrival: ArrivalId) -> Arrival:
        """Raises UserFacingError `network.arrival_not_found`."""
        row = self._rows.one("SELECT record FROM arrivals WHERE id = ?", (arrival,))
        return decoded(Arrival, row, "network.arrival_not_found")

    def waiting(self, limit: int = 5000) -> list[Arrival]:
        """What still waits for an answer, the newest first."""
        rows = self._rows.all("SELECT record FROM arrivals WHERE waiting = 1 ORDER BY key DESC LIMIT ?", (limit,))
        return [from_canonical(Arrival, row[0]) for row in rows]

    def count_waiting(self) -> int:
        """How many objects wait."""
        row = self._rows.one("SELECT count(*) FROM arrivals WHERE waiting = 1")
        return int(row[0]) if row else 0

    def same_waiting(self, sha256: str) -> Arrival | None:
        """The waiting arrival with the same bytes (SHA-256, hex)."""
        row = self._rows.one(
            """SELECT arrivals.record FROM attachments JOIN arrivals ON arrivals.attachment = attachments.id
               WHERE attachments.patient IS NULL AND attachments.sha256 = ? AND arrivals.waiting = 1""",
            (sha256,),
        )
        return from_canonical(Arrival, row[0]) if row else None


class Sendings:
    """Studies that go to a peer, and those that went."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, sending: Sending) -> None:
        """Keep one that is to go."""
        self._rows.run(
            "INSERT INTO dicom_sendings (id, state, transaction_uid, record) VALUES (?, ?, ?, ?)",
            (sending.id, sending.state.value, sending.transaction, self._rows.written(SENDING, sending.id, sending)),
        )

    def update(self, sending: Sending) -> None:
        """Note how far it is."""
        self._rows.run(
            "UPDATE dicom_sendings SET state = ?, transaction_uid = ?, record = ? WHERE id = ?",
            (sending.state.value, sending.transaction, self._rows.written(SENDING, sending.id, sending), sending.id),
        )

    def get(self, sending: SendingId) -> Sending:
        """Raises UserFacingError `network.sending_not_found`."""
        row = self._rows.one("SELECT record FROM dicom_sendings WHERE id = ?", (sending,))
        return decoded(Sending, row, "network.sending_not_found")

    def waiting(self) -> list[Sending]:
        """Those still to go, the oldest first."""
        rows = self._rows.all(
            "SELECT record FROM dicom_sendings WHERE state = ? ORDER BY key", (SendingState.WAITING.value,)
        )
        return [from_canonical(Sending, row[0]) for row in rows]

    def count(self, state: SendingState) -> int:
        """How many are in a state."""
        row = self._rows.one("SELECT count(*) FROM dicom_sendings WHERE state = ?", (state.value,))
        return int(row[0]) if row else 0

    def newest(self, limit: int = 50) -> list[Sending]:
        """The newest first."""
        rows = self._rows.all("SELECT record FROM dicom_sendings ORDER BY key DESC LIMIT ?", (limit,))
        return [from_canonical(Sending, row[0]) for row in rows]

    def of_transaction(self, uid: str) -> Sending | None:
        """The one whose storage commitment bears that UID."""
        row = self._rows.one(
            "SELECT record FROM dicom_sendings WHERE transaction_uid = ? AND transaction_uid <> ''", (uid,)
        )
        return from_canonical(Sending, row[0]) if row else None


class OwedAnswers:
    """Our word to those who asked for storage commitment and hung up. Their rows stay once they have heard."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, owed: OwedAnswer) -> None:
        """Keep one that is to be told."""
        self._rows.run(
            "INSERT INTO owed_answers (id, waiting, record) VALUES (?, ?, ?)",
            (owed.id, int(owed.state is OwedState.WAITING), self._rows.written(OWED, owed.id, owed)),
        )

    def update(self, owed: OwedAnswer) -> None:
        """Note what became of it."""
        self._rows.run(
            "UPDATE owed_answers SET waiting = ?, record = ? WHERE id = ?",
            (int(owed.state is OwedState.WAITING), self._rows.written(OWED, owed.id, owed), owed.id),
        )

    def waiting(self) -> list[OwedAnswer]:
        """Those nobody has heard, the oldest first."""
        rows = self._rows.all("SELECT record FROM owed_answers WHERE waiting = 1 ORDER BY key")
        return [from_canonical(OwedAnswer, row[0]) for row in rows]

    def any_waiting(self) -> bool:
        """Whether there is one."""
        return self._rows.one("SELECT 1 FROM owed_answers WHERE waiting = 1 LIMIT 1") is not None


class NodeLookups:
    """Questions of the node to other records; each is answered by an index or a bounded number of rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def patients_numbered(self, number: str) -> list[PatientId]:
        """Records that stand (are merged into none) with that card number."""
        rows = self._rows.all("SELECT id FROM patients WHERE card_number = ? AND merged_into IS NULL", (number,))
        return [PatientId(row[0]) for row in rows]

    def study_of(self, patient: PatientId, study_uid: str) -> StudyId | None:
        """The patient's study of that UID, without reading its pictures."""
        row = self._rows.one(
            "SELECT id FROM imaging_studies WHERE patient = ? AND study_uid = ? AND study_uid <> '' "
            "ORDER BY added LIMIT 1",
            (patient, study_uid),
        )
        return StudyId(row[0]) if row else None

    def name_kind(self, study: StudyId, modality: Modality) -> None:
        """Of which kind a study is, where what came first of it left that open: something else, or a copy of a screen
        (OT, SC)."""
        row = self._rows.one("SELECT record FROM imaging_studies WHERE id = ?", (study,))
        known = decoded(ImagingStudy, row, "store.study_not_found")
        left_open = (Modality.OT, Modality.SC)
        if known.modality in left_open and modality not in left_open:
            data = self._rows.written(STUDY, study, replace(known, modality=modality))
            self._rows.run("UPDATE imaging_studies SET record = ? WHERE id = ?", (data, study))

    def files_of_objects(self, uids: Sequence[str]) -> dict[str, list[AttachmentId]]:
        """The files of each of these instance UIDs: with patients, waiting for an answer, and set aside. Reads through
        all of them once."""
        found: dict[str, list[AttachmentId]] = {}
        wanted = json.dumps(uids)
        for table, place in (("imaging_instances", "$.instance_uid"), ("arrivals", "$.header.instance_uid")):
            rows = self._rows.all(
                f"""SELECT json_extract(CAST(record AS TEXT), '{place}') AS uid, attachment FROM {table}
                    WHERE uid IN (SELECT value FROM json_each(?)) ORDER BY key DESC""",
                (wanted,),
            )
            for uid, attachment in rows:
                files = found.setdefault(uid, [])
                if attachment not in files:
                    files.append(AttachmentId(attachment))
        return self._notes_of_objects(uids, found)

    def _notes_of_objects(
        self, uids: Sequence[str], found: dict[str, list[AttachmentId]]
    ) -> dict[str, list[AttachmentId]]:
        """Adds drawings and reports in words: their files bear the numbers of their objects."""
        for table in ("imported_marks", "documents"):
            rows = self._rows.all(
                f"""SELECT json_extract(CAST(attachments.record AS TEXT), '$.attachment.file_name') AS name,
                    attachments.id FROM {table} JOIN attachments ON attachments.id = {table}.attachment
                    WHERE name IN (SELECT value || '.dcm' FROM json_each(?)) ORDER BY {table}.key DESC""",
                (json.dumps(uids),),
            )
            for name, attachment in rows:
                files = found.setdefault(name.removesuffix(".dcm"), [])
                if attachment not in files:
                    files.append(AttachmentId(attachment))
        return found

    def visits_since(self, moment: datetime) -> list[Encounter]:
        """Visits that began then or later, among the two thousand last recorded; the newest first."""
        rows = self._rows.all(
            "SELECT record FROM encounters WHERE key > (SELECT max(key) FROM encounters) - ? AND started >= ? "
            "ORDER BY key DESC",
            (_NEWEST_VISITS, microseconds(moment)),
        )
        return [from_canonical(Encounter, row[0]) for row in rows]

    def give_attachment(self, attachment: AttachmentId, patient: PatientId) -> None:
        """Give a file that was nobody's to a patient. Raises UserFacingError `store.attachment_not_found`, ValueError
        where it is somebody's already."""
        row = self._rows.one("SELECT record FROM attachments WHERE id = ?", (attachment,))
        stored = decoded(StoredFile, row, "store.attachment_not_found")
        if stored.attachment.patient:
            raise ValueError("the file is somebody's already")
        given = replace(stored, attachment=replace(stored.attachment, patient=patient))
        self._rows.run(
            "UPDATE attachments SET patient = ?, record = ? WHERE id = ?",
            (patient, self._rows.written(ATTACHMENT, attachment, given), attachment),
        )
