"""Patients: kept, found, and compared with those already known."""

from collections.abc import Callable, Iterable
from datetime import datetime

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import DuplicateCandidate, Patient, PatientId, PatientMatch
from desktop.store import duplicates, search
from desktop.store.canonical import canonical_bytes, from_canonical, parse_time, time_text
from desktop.store.card_numbers import card_number
from desktop.store.rows import Rows, decoded
from desktop.store.search import Rank, Word
from desktop.store.search_keys import SearchKeys, keys_of, tokens, words

KIND = "patient"


class Patients:
    """The rows of patients and their search index."""

    def __init__(self, rows: Rows, clock: Callable[[], datetime]) -> None:
        self._rows = rows
        self._clock = clock

    def add(self, patient: Patient) -> None:
        """Add somebody. Raises UserFacingError `store.card_number_taken`."""
        self._card_is_free(patient)
        keys = keys_of(patient)
        data = self._rows.written(KIND, patient.id, patient)
        self._rows.run(
            "INSERT INTO patients (id, card_number, touched, search_keys, record) VALUES (?, ?, ?, ?, ?)",
            (patient.id, patient.card_number or None, self._now(), canonical_bytes(keys), data),
        )
        self._index(self._key(patient.id), keys)

    def update(self, patient: Patient) -> None:
        """Put a record in place of the earlier one. Raises UserFacingError `store.patient_not_found`,
        `store.card_number_taken`."""
        key = self._key(patient.id)
        self._card_is_free(patient)
        keys = keys_of(patient)
        data = self._rows.written(KIND, patient.id, patient)
        self._rows.run(
            "UPDATE patients SET card_number = ?, touched = ?, search_keys = ?, record = ? WHERE key = ?",
            (patient.card_number or None, self._now(), canonical_bytes(keys), data, key),
        )
        self._rows.run("DELETE FROM patient_search WHERE rowid = ?", (key,))
        self._index(key, keys)

    def get(self, patient: PatientId) -> Patient:
        """Raises UserFacingError `store.patient_not_found`."""
        row = self._rows.one("SELECT record FROM patients WHERE id = ?", (patient,))
        return decoded(Patient, row, "store.patient_not_found")

    def touch(self, patient: PatientId) -> None:
        """Note that somebody looked at or worked on the patient just now. Not audited by itself."""
        self._rows.run("UPDATE patients SET touched = ? WHERE id = ?", (self._now(), patient))

    def recent(self, limit: int = 50) -> list[PatientMatch]:
        """Those last touched, the latest first."""
        rows = self._rows.all("SELECT record, touched FROM patients ORDER BY touched DESC, key DESC LIMIT ?", (limit,))
        return [PatientMatch(from_canonical(Patient, row[0]), (), parse_time(row[1])) for row in rows]

    def count(self) -> int:
        """How many there are."""
        row = self._rows.one("SELECT count(*) FROM patients")
        return int(row[0]) if row else 0

    def next_card_number(self) -> str:
        """A card number nobody has had yet; the same one comes again only if the transaction is not committed."""
        while True:
            row = self._rows.one("SELECT value FROM meta WHERE name = 'next_card'")
            serial = int(row[0]) if row else 1
            self._rows.run("UPDATE meta SET value = ? WHERE name = 'next_card'", (serial + 1,))
            number = card_number(serial)
            if self._rows.one("SELECT 1 FROM patients WHERE card_number = ?", (number,)) is None:
                return number

    def search(self, text: str, limit: int = 50) -> list[PatientMatch]:
        """Patients in whom every word of the text matches some field, the best matches first, then the latest
        registered. An empty text gives those last touched."""
        query = search.parse(text)
        if not query:
            return self.recent(limit) if not text.strip() else []
        found: dict[int, tuple[Rank, PatientMatch]] = {}
        for rank in Rank:
            if rank is Rank.TYPO:
                forgiving = search.with_typos(self._rows, query)
                if forgiving == query:
                    break
                query = forgiving
            self._collect(query, rank, limit, found)
            if len(found) >= limit:
                break
        ordered = sorted(found.items(), key=lambda item: (item[1][0], -item[0]))
        return [match for _, (_, match) in ordered[:limit]]

    def duplicates(self, patient: Patient, limit: int = 5) -> list[DuplicateCandidate]:
        """Others who may be the same person, the likeliest first."""
        keys = keys_of(patient)
        found = []
        for key in duplicates.candidate_keys(self._rows, keys):
            row = self._rows.one("SELECT search_keys, record FROM patients WHERE key = ?", (key,))
            if row is None:
                continue
            other = from_canonical(Patient, row[1])
            if other.id == patient.id:
                continue
            candidate = duplicates.score(patient, keys, other, from_canonical(SearchKeys, row[0]))
            if candidate.score >= duplicates.THRESHOLD:
                found.append(candidate)
        return sorted(found, key=lambda candidate: -candidate.score)[:limit]

    def _collect(self, query: list[Word], rank: Rank, limit: int, found: dict[int, tuple[Rank, PatientMatch]]) -> None:
        """Add matches of at least this rank until there are enough. The index proposes, the fields decide."""
        for key in search.candidates(self._rows, query, rank):
            if key in found:
                continue
            row = self._rows.one("SELECT search_keys, record, touched FROM patients WHERE key = ?", (key,))
            if row is None:
                continue
            keys = from_canonical(SearchKeys, row[0])
            reasons = [search.explain(keys, word) for word in query]
            known = [reason for reason in reasons if reason is not None]
            if len(known) != len(reasons):
                continue
            why = tuple(dict.fromkeys(reason.field for reason in known))
            worst = max(reason.rank for reason in known)
            found[key] = (worst, PatientMatch(from_canonical(Patient, row[1]), why, parse_time(row[2])))
            if len(found) >= limit:
                return

    def _index(self, key: int, keys: SearchKeys) -> None:
        self._rows.run(
            "INSERT INTO patient_search (rowid, tokens) VALUES (?, ?)", (key, " ".join(sorted(tokens(keys))))
        )
        self._learn(words(keys))

    def _learn(self, known: Iterable[str]) -> None:
        """Keep the words in which typos are looked for."""
        for word in sorted(known):
            self._rows.run("INSERT OR IGNORE INTO search_words (word) VALUES (?)", (word,))

    def _key(self, patient: PatientId) -> int:
        row = self._rows.one("SELECT key FROM patients WHERE id = ?", (patient,))
        if row is None:
            raise UserFacingError("store.patient_not_found", kind=ErrorKind.NOT_FOUND)
        return int(row[0])

    def _card_is_free(self, patient: Patient) -> None:
        if not patient.card_number:
            return
        row = self._rows.one(
            "SELECT 1 FROM patients WHERE card_number = ? AND id <> ?", (patient.card_number, patient.id)
        )
        if row is not None:
            raise UserFacingError("store.card_number_taken")

    def _now(self) -> str:
        return time_text(self._clock())
