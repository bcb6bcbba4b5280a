"""Consents. Each decision is a row that stays; withdrawing is one more."""

from datetime import date

from desktop.records import Consent, PatientId
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows
from desktop.store.standing import marks, open_key, person

CONSENT = "consent"


class Consents:
    """The rows of consents."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, consent: Consent) -> None:
        """Keep a decision. Raises UserFacingError `store.patient_not_found`, `store.patient_merged`."""
        patient = open_key(self._rows, consent.patient)
        data = self._rows.written(CONSENT, consent.id, consent)
        self._rows.run(
            "INSERT INTO consents (id, patient, retain_until, record) VALUES (?, ?, ?, ?)",
            (consent.id, patient, consent.retain_until.isoformat() if consent.retain_until else None, data),
        )

    def of_person(self, patient: PatientId) -> list[Consent]:
        """Every decision of the person, in the order in which they were written down.

        Raises UserFacingError `store.patient_not_found`.
        """
        keys = person(self._rows, patient)
        rows = self._rows.all(f"SELECT record FROM consents WHERE patient IN ({marks(keys)}) ORDER BY key", keys)
        return [from_canonical(Consent, row[0]) for row in rows]

    def to_go_by(self, today: date) -> list[Consent]:
        """Decisions whose last day for keeping what they allowed has passed, the longest ago first; later decisions
        may have taken their place."""
        rows = self._rows.all(
            "SELECT record FROM consents WHERE retain_until < ? ORDER BY retain_until, key", (today.isoformat(),)
        )
        return [from_canonical(Consent, row[0]) for row in rows]
