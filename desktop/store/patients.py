"""Patients: kept, found, and compared with those already known."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import DuplicateCandidate, Patient, PatientId, PatientMatch
from desktop.store import duplicates, search
from desktop.store.canonical import canonical_bytes, from_canonical, parse_time, time_text
from desktop.store.card_numbers import card_number
from desktop.store.rows import Rows, decoded, listed
from desktop.store.search import Rank, Word
from desktop.store.search_keys import SearchKeys, keys_of, number_text, token_text, words
from desktop.store.standing import group, identity, marks, open_key, own_key, top_key

KIND = "patient"

T = TypeVar("T")


@dataclass(frozen=True)
class Filing:
    """What somebody will be found by: worked out before the transaction that puts many on file, so that it need not
    wait. tokens: with spaces between them."""

    keys: SearchKeys
    tokens: str
    words: frozenset[str]

    def with_card(self, number: str) -> "Filing":
        """Of the same person with the card number that was given meanwhile."""
        card = number_text(number)
        return self if not card else replace(self, keys=replace(self.keys, card=number), tokens=f"{self.tokens} {card}")


def filing_of(patient: Patient) -> Filing:
    """Where a patient's record will be filed."""
    keys = keys_of(patient)
    return Filing(keys, token_text(keys), frozenset(words(keys)))


def united(own: SearchKeys, others: Sequence[SearchKeys]) -> SearchKeys:
    """Keys of a person who had several records: names, phones and numbers of all, the rest of the one that stands."""
    if not others:
        return own
    everybody = (own, *others)
    cards = tuple(keys.card for keys in others if keys.card)
    return replace(
        own,
        han_names=_all_of(keys.han_names for keys in everybody),
        readings=_all_of(keys.readings for keys in everybody),
        latin_words=_all_of(keys.latin_words for keys in everybody),
        phones=_all_of(keys.phones for keys in everybody),
        identifiers=_all_of((*(keys.identifiers for keys in everybody), cards)),
    )


def _all_of(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(item for part in parts for item in part))


class Patients:
    """The rows of patients and their search index."""

    def __init__(self, rows: Rows, clock: Callable[[], datetime]) -> None:
        self._rows = rows
        self._clock = clock

    def add(self, patient: Patient) -> None:
        """Add somebody. Raises UserFacingError `store.card_number_taken`."""
        self.add_all((patient,), (filing_of(patient),))

    def add_all(self, patients: Sequence[Patient], filings: Sequence[Filing]) -> None:
        """Add many, each filed as `filing_of` says. Raises UserFacingError `store.card_number_taken`."""
        cards = [patient.card_number for patient in patients if patient.card_number]
        if len(set(cards)) < len(cards) or self._taken(cards):
            raise UserFacingError("store.card_number_taken")
        row = self._rows.one("SELECT max(key) FROM patients")
        before = (row[0] or 0) if row else 0
        now = self._now()
        written = [
            (
                key,
                patient.id,
                patient.card_number or None,
                now,
                canonical_bytes(filing.keys),
                self._rows.written(KIND, patient.id, patient),
            )
            for key, (patient, filing) in enumerate(zip(patients, filings, strict=True), before + 1)
        ]
        self._rows.insert_all("patients (key, id, card_number, touched, search_keys, record)", written)
        found_by = [(key, filing.tokens) for key, filing in enumerate(filings, before + 1)]
        self._rows.insert_all("patient_search (rowid, tokens)", found_by)
        self._learn(set[str]().union(*(filing.words for filing in filings)))

    def update(self, patient: Patient) -> None:
        """Put a record in place of the earlier one. Raises UserFacingError `store.patient_not_found`,
        `store.patient_merged`, `store.card_number_taken`."""
        key = open_key(self._rows, patient.id)
        self._card_is_free(patient)
        self.write(key, patient, canonical_bytes(patient))
        self.index_again(key)

    def write(self, key: int, patient: Patient, data: bytes) -> None:
        """Put these bytes of a record in place of the earlier ones, merged or not, without looking at the index."""
        self._rows.attested(KIND, patient.id, data)
        self._rows.run(
            "UPDATE patients SET card_number = ?, touched = ?, record = ? WHERE key = ?",
            (patient.card_number or None, self._now(), data, key),
        )

    def index_again(self, key: int) -> None:
        """File a record anew. The standing one is found by whatever those it stands for are found by; they are not."""
        self._rows.run("DELETE FROM patient_search WHERE rowid = ?", (key,))
        keys = self._keys_of_person(key)
        self._rows.run("UPDATE patients SET search_keys = ? WHERE key = ?", (canonical_bytes(keys), key))
        if top_key(self._rows, key) == key:
            self._index(key, keys)

    def get(self, patient: PatientId) -> Patient:
        """The record of that id, merged or not. Raises UserFacingError `store.patient_not_found`."""
        row = self._rows.one("SELECT record FROM patients WHERE id = ?", (patient,))
        return decoded(Patient, row, "store.patient_not_found")

    def standing(self, patient: PatientId) -> Patient:
        """The record that stands for the person: this one, or the one it was merged into. Raises as `get`."""
        return self.get(identity(self._rows, top_key(self._rows, own_key(self._rows, patient))))

    def must_be_open(self, patient: PatientId) -> None:
        """Raises UserFacingError `store.patient_not_found`, or `store.patient_merged` for a record that another one
        stands for."""
        open_key(self._rows, patient)

    def stood_for(self, patient: PatientId) -> list[Patient]:
        """The records that this one stands for, the first registered first. Raises as `get`."""
        key = own_key(self._rows, patient)
        below = [other for other in group(self._rows, key) if other != key]
        rows = self._rows.all(f"SELECT record FROM patients WHERE key IN ({marks(below)}) ORDER BY key", below)
        return [from_canonical(Patient, row[0]) for row in rows]

    def version(self, patient: PatientId) -> str:
        """SHA-256 (hex) of the stored record: what an edit says it is based on. Raises as `get`."""
        return hashlib.sha256(self.stored(own_key(self._rows, patient))).hexdigest()

    def past_versions(self, patient: PatientId) -> frozenset[str]:
        """Every version the record ever had, the present one included; none for somebody who was never on file."""
        rows = self._rows.all(
            "SELECT content_sha256 FROM audit_log WHERE record = ? AND record <> '' AND subject = ?", (KIND, patient)
        )
        return frozenset(row[0] for row in rows)

    def card_is_taken(self, number: str) -> bool:
        """Whether somebody has this card number."""
        return self._rows.one("SELECT 1 FROM patients WHERE card_number = ?", (number,)) is not None

    def stored(self, key: int) -> bytes:
        """The bytes of a row's record."""
        row = self._rows.one("SELECT record FROM patients WHERE key = ?", (key,))
        if row is None:
            raise UserFacingError("store.patient_not_found", kind=ErrorKind.NOT_FOUND)
        return bytes(row[0])

    def touch(self, patient: PatientId) -> None:
        """Note that somebody looked at or worked on the patient just now. Not audited by itself."""
        self._rows.run("UPDATE patients SET touched = ? WHERE id = ?", (self._now(), patient))

    def recent(self, limit: int = 50) -> list[PatientMatch]:
        """Those last touched, the latest first."""
        rows = self._rows.all(
            "SELECT record, touched FROM patients WHERE merged_into IS NULL ORDER BY touched DESC, key DESC LIMIT ?",
            (limit,),
        )
        return [PatientMatch(from_canonical(Patient, row[0]), (), parse_time(row[1])) for row in rows]

    def count(self) -> int:
        """How many there are."""
        row = self._rows.one("SELECT count(*) FROM patients")
        return int(row[0]) if row else 0

    def next_card_number(self) -> str:
        """A card number nobody has had yet; the same one comes again only if the transaction is not committed."""
        return self.next_card_numbers(1)[0]

    def next_card_numbers(self, count: int) -> list[str]:
        """As `next_card_number`, for many."""
        row = self._rows.one("SELECT value FROM meta WHERE name = 'next_card'")
        serial = int(row[0]) if row else 1
        numbers: list[str] = []
        while len(numbers) < count:
            offered = [card_number(serial + place) for place in range(count - len(numbers))]
            serial += len(offered)
            taken = self._taken(offered)
            numbers += [number for number in offered if number not in taken]
            if len(taken) == len(offered):
                serial = self._free_after(serial - 1)
        self._rows.run("UPDATE meta SET value = ? WHERE name = 'next_card'", (serial,))
        return numbers

    def search(self, text: str, limit: int = 50) -> list[PatientMatch]:
        """Patients in whom every word of the text matches some field, the best matches first, then the latest
        registered. An empty text gives those last touched."""
        query = search.parse(text)
        if not query:
            return self.recent(limit) if not text.strip() else []
        found: dict[int, tuple[Rank, PatientMatch]] = {}
        self._collect_by_id(query, found)
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
            if (match := self._matched(query, key)) is not None:
                found[key] = match
            if len(found) >= limit:
                return

    def _collect_by_id(self, query: list[Word], found: dict[int, tuple[Rank, PatientMatch]]) -> None:
        """Add whoever a word names by id, or who stands for the record that it names."""
        asked: dict[int, list[str]] = {}
        for named, key in search.named_by_id(self._rows, query).items():
            asked.setdefault(top_key(self._rows, key), []).append(named)
        for key, ids in asked.items():
            if (match := self._matched(query, key, ids)) is not None:
                found[key] = match

    def _matched(self, query: list[Word], key: int, ids: Sequence[str] = ()) -> tuple[Rank, PatientMatch] | None:
        """How all words match a patient; None where one does not."""
        row = self._rows.one("SELECT search_keys, record, touched FROM patients WHERE key = ?", (key,))
        if row is None:
            return None
        keys = from_canonical(SearchKeys, row[0])
        reasons = [search.explain(keys, word, ids) for word in query]
        known = [reason for reason in reasons if reason is not None]
        if len(known) != len(reasons):
            return None
        why = tuple(dict.fromkeys(reason.field for reason in known))
        worst = max(reason.rank for reason in known)
        return worst, PatientMatch(from_canonical(Patient, row[1]), why, parse_time(row[2]))

    def _index(self, key: int, keys: SearchKeys) -> None:
        self._rows.run("INSERT INTO patient_search (rowid, tokens) VALUES (?, ?)", (key, token_text(keys)))
        self._learn(words(keys))

    def _learn(self, known: Iterable[str]) -> None:
        """Keep the words in which typos are looked for."""
        self._rows.run(
            "INSERT OR IGNORE INTO search_words (word) SELECT value FROM json_each(?)", (listed(sorted(known)),)
        )

    def _keys_of_person(self, key: int) -> SearchKeys:
        """The keys of a record and of all it stands for."""
        own, *others = (keys_of(from_canonical(Patient, self.stored(one))) for one in group(self._rows, key))
        return united(own, others)

    def _free_after(self, serial: int) -> int:
        """Of a card that somebody has: a later one that nobody has, next to one that somebody has. Looked for in
        steps that double and then halve: people who brought their cards along mostly have them in one row."""
        taken, free = serial, serial + 1
        while self._taken([card_number(free)]):
            taken, free = free, free + 2 * (free - serial)
        while free - taken > 1:
            middle = (taken + free) // 2
            if self._taken([card_number(middle)]):
                taken = middle
            else:
                free = middle
        return free

    def _taken(self, cards: Sequence[str]) -> set[str]:
        """Those of the card numbers that somebody has."""
        rows = self._rows.all(
            "SELECT card_number FROM patients WHERE card_number IN (SELECT value FROM json_each(?))", (listed(cards),)
        )
        return {row[0] for row in rows}

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
