"""Visits and what was measured at them.

An encounter's observations are attested together: one audit line, kind `observations`, under the encounter's id, with
the SHA-256 of their stored bytes, one after the other in the order of their numbers. A correction is one more row.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import (
    Encounter,
    EncounterId,
    Observation,
    ObservationStatus,
    PatientId,
    RecordedObservation,
)
from desktop.store.canonical import canonical_bytes, from_canonical
from desktop.store.rows import Row, Rows, decoded, listed
from desktop.store.standing import marks, open_key, own_key, person

ENCOUNTER = "encounter"
OBSERVATIONS = "observations"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """A moment as a whole number since 1970, as columns hold it: it sorts, and takes a quarter of the space of text."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(number: int) -> datetime:
    """Undo `microseconds`; in UTC."""
    return _EPOCH + number * _MICROSECOND


class Visits:
    """The rows of encounters and observations."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, encounter: Encounter, observations: Sequence[Observation] = ()) -> None:
        """Keep a visit and what was measured.

        Raises UserFacingError `store.patient_not_found`, `store.patient_merged`.
        """
        patient = open_key(self._rows, encounter.patient)
        data = self._rows.written(ENCOUNTER, encounter.id, encounter)
        key = self._rows.insert(
            "INSERT INTO encounters (id, patient, started, record) VALUES (?, ?, ?, ?)",
            (encounter.id, patient, microseconds(encounter.started), data),
        )
        self._write(key, patient, encounter, observations, [])

    def add_all(self, visits: Sequence[tuple[Encounter, Sequence[Observation]]]) -> None:
        """Keep many visits, as `add` does each."""
        keys = self._open_keys({encounter.patient for encounter, _ in visits})
        row = self._rows.one("SELECT max(key) FROM encounters")
        before = (row[0] or 0) if row else 0
        encounters, measured = [], []
        for key, (encounter, observations) in enumerate(visits, before + 1):
            patient, started = keys[encounter.patient], microseconds(encounter.started)
            data = self._rows.written(ENCOUNTER, encounter.id, encounter)
            encounters.append((key, encounter.id, patient, started, data))
            written = [canonical_bytes(observation) for observation in observations]
            for number, (observation, one) in enumerate(zip(observations, written, strict=True), 1):
                effective = microseconds(observation.effective) if observation.effective else started
                measured.append((key, number, patient, observation.code, effective, one))
            if written:
                self._rows.attested(OBSERVATIONS, encounter.id, b"".join(written))
        self._rows.insert_all("encounters (key, id, patient, started, record)", encounters)
        self._rows.insert_all("observations (encounter, number, patient, code, effective, record)", measured)

    def _open_keys(self, patients: set[PatientId]) -> dict[PatientId, int]:
        """The rows of records that may be written to. Raises as `open_key`."""
        rows = self._rows.all(
            "SELECT id, key FROM patients WHERE merged_into IS NULL AND id IN (SELECT value FROM json_each(?))",
            (listed(sorted(patients)),),
        )
        found: dict[PatientId, int] = dict(rows)
        for patient in patients - found.keys():
            open_key(self._rows, patient)
        return found

    def update(self, encounter: Encounter) -> None:
        """Put a visit's record in place of the earlier one; it stays the same patient's.

        Raises UserFacingError `store.visit_not_found`, and ValueError for another patient.
        """
        key, patient = self._place(encounter.id)
        if own_key(self._rows, encounter.patient) != patient:
            raise ValueError("a visit cannot go to another patient")
        data = self._rows.written(ENCOUNTER, encounter.id, encounter)
        self._rows.run(
            "UPDATE encounters SET started = ?, record = ? WHERE key = ?",
            (microseconds(encounter.started), data, key),
        )

    def get(self, encounter: EncounterId) -> Encounter:
        """Raises UserFacingError `store.visit_not_found`."""
        row = self._rows.one("SELECT record FROM encounters WHERE id = ?", (encounter,))
        return decoded(Encounter, row, "store.visit_not_found")

    def append(self, encounter: EncounterId, observations: Sequence[Observation]) -> None:
        """Add observations or corrections to a visit on file.

        Raises UserFacingError `store.visit_not_found`, `store.observation_not_found` for a correction of nothing of
        that kind.
        """
        key, patient = self._place(encounter)
        rows = self._rows.all("SELECT number, code FROM observations WHERE encounter = ?", (key,))
        known: dict[int, str] = dict(rows)
        if any(one.replaces is not None and known.get(one.replaces) != one.code for one in observations):
            raise UserFacingError("store.observation_not_found", kind=ErrorKind.NOT_FOUND)
        rows = self._rows.all("SELECT record FROM observations WHERE encounter = ? ORDER BY number", (key,))
        self._write(key, patient, self.get(encounter), observations, [bytes(row[0]) for row in rows])

    def of_person(
        self, patient: PatientId, limit: int, before: datetime | None = None
    ) -> list[tuple[Encounter, tuple[RecordedObservation, ...]]]:
        """The person's visits, the newest first, with what still stands of their observations.

        before: only visits that began earlier. Raises UserFacingError `store.patient_not_found`.
        """
        keys = person(self._rows, patient)
        rows = self._rows.all(
            f"SELECT key, record FROM encounters WHERE patient IN ({marks(keys)}) AND started < ? "
            "ORDER BY started DESC, key DESC LIMIT ?",
            (*keys, microseconds(before) if before else 1 << 62, limit),
        )
        encounters = {int(key): from_canonical(Encounter, record) for key, record in rows}
        measured: dict[int, list[RecordedObservation]] = {key: [] for key in encounters}
        for row in self._rows.all(
            "SELECT encounter, number, effective, record FROM observations "
            "WHERE encounter IN (SELECT value FROM json_each(?)) ORDER BY encounter, number",
            (json.dumps(list(encounters)),),
        ):
            measured[row[0]].append(_recorded(encounters[row[0]].id, row))
        return [(encounter, standing(measured[key])) for key, encounter in encounters.items()]

    def count(self, patient: PatientId) -> int:
        """How many visits the person has. Raises UserFacingError `store.patient_not_found`."""
        keys = person(self._rows, patient)
        row = self._rows.one(f"SELECT count(*) FROM encounters WHERE patient IN ({marks(keys)})", keys)
        return int(row[0]) if row is not None else 0

    def observations(self, encounter: EncounterId) -> list[RecordedObservation]:
        """Everything that was ever written down at a visit, corrected or not, in order.

        Raises UserFacingError `store.visit_not_found`.
        """
        key, _ = self._place(encounter)
        rows = self._rows.all(
            "SELECT encounter, number, effective, record FROM observations WHERE encounter = ? ORDER BY number", (key,)
        )
        return [_recorded(encounter, row) for row in rows]

    def course(self, patient: PatientId, code: str, limit: int) -> list[RecordedObservation]:
        """One kind of observation (LOINC) of a person over time, the newest first, what still stands of it."""
        keys = person(self._rows, patient)
        found: list[RecordedObservation] = []
        read = 0
        while len(found) < limit:
            rows = self._rows.all(
                "SELECT observations.encounter, number, effective, observations.record, encounters.id "
                "FROM observations JOIN encounters ON encounters.key = observations.encounter "
                f"WHERE observations.patient IN ({marks(keys)}) AND code = ? "
                "ORDER BY effective DESC, observations.encounter DESC, number DESC LIMIT ? OFFSET ?",
                (*keys, code, limit, read),
            )
            holding = {key: self._holding(key, code) for key in {row[0] for row in rows}}
            found += [_recorded(EncounterId(row[4]), row) for row in rows if row[1] in holding[row[0]]]
            read += len(rows)
            if len(rows) < limit:
                break
        return found[:limit]

    def _holding(self, key: int, code: str) -> set[int]:
        """Numbers of a visit's observations of one kind that still stand; a correction is of the same kind."""
        rows = self._rows.all(
            "SELECT encounter, number, effective, record FROM observations WHERE encounter = ? AND code = ?",
            (key, code),
        )
        return {one.number for one in standing(_recorded(EncounterId(""), row) for row in rows)}

    def unknown(self, encounters: Sequence[str]) -> int:
        """How many of these ids are no visit here."""
        rows = self._rows.one(
            "SELECT count(*) FROM encounters WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(encounters),)
        )
        return len(encounters) - (int(rows[0]) if rows else 0)

    def _write(
        self, key: int, patient: int, encounter: Encounter, observations: Sequence[Observation], earlier: list[bytes]
    ) -> None:
        """Write observations down after the earlier ones of the visit, whose stored bytes are given in order."""
        if not observations:
            return
        written = [canonical_bytes(observation) for observation in observations]
        values = [
            (
                key,
                number,
                patient,
                observation.code,
                microseconds(observation.effective or encounter.started),
                data,
            )
            for number, (observation, data) in enumerate(
                zip(observations, written, strict=True), start=len(earlier) + 1
            )
        ]
        self._rows.run_many(
            "INSERT INTO observations (encounter, number, patient, code, effective, record) VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )
        self._rows.attested(OBSERVATIONS, encounter.id, b"".join((*earlier, *written)))

    def _place(self, encounter: EncounterId) -> tuple[int, int]:
        """The visit's row and its patient's. Raises UserFacingError `store.visit_not_found`."""
        row = self._rows.one("SELECT key, patient FROM encounters WHERE id = ?", (encounter,))
        if row is None:
            raise UserFacingError("store.visit_not_found", kind=ErrorKind.NOT_FOUND)
        return int(row[0]), int(row[1])


def standing(observations: Iterable[RecordedObservation]) -> tuple[RecordedObservation, ...]:
    """What holds of a visit's observations: neither corrected by a later one nor entered in error."""
    everything = tuple(observations)
    replaced = {one.observation.replaces for one in everything}
    return tuple(
        one
        for one in everything
        if one.number not in replaced and one.observation.status is not ObservationStatus.ENTERED_IN_ERROR
    )


def _recorded(encounter: EncounterId, row: Row) -> RecordedObservation:
    return RecordedObservation(encounter, row[1], moment(row[2]), from_canonical(Observation, row[3]))
