"""What a patient agreed to, by purpose. Each decision is a record of its own; the latest one holds."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum

from desktop.records.ids import ConsentId, DocumentId, PatientId, UserId


class ConsentPurpose(StrEnum):
    """What the patient's data may be used for."""

    CARE = "care"
    TEACHING = "teaching"
    FEEDBACK = "feedback"


class ConsentDecision(StrEnum):
    """What was decided."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class ConsentTerms:
    """What was decided about whom, before it is on file.

    decided_by: who decided where it was not the patient, such as a child's mother. valid_until: last day on which
    it holds. retain_until: last day on which what it allowed may be kept. document: the signed form, if there is one.
    """

    patient: PatientId
    purpose: ConsentPurpose
    decision: ConsentDecision
    decided_by: str = ""
    valid_until: date | None = None
    retain_until: date | None = None
    document: DocumentId | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Consent(ConsentTerms):
    """One decision on file (FHIR Consent): its terms, and who wrote it down when."""

    id: ConsentId
    decided: datetime
    author: UserId

    @classmethod
    def of(cls, terms: ConsentTerms, consent: ConsentId, *, decided: datetime, author: UserId) -> "Consent":
        """Terms as they go on file. Raises ValueError where they cannot hold."""
        said = {field.name: getattr(terms, field.name) for field in fields(ConsentTerms)}
        return cls(id=consent, decided=decided, author=author, **said)

    def __post_init__(self) -> None:
        if self.decided.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        if self.valid_until is not None:
            if self.decision is not ConsentDecision.GIVEN:
                raise ValueError("only a consent that was given can end")
            if self.valid_until < self.decided.date():
                raise ValueError("a consent cannot end before it begins")


@dataclass(frozen=True)
class ConsentState:
    """Where the patient stands on one purpose. history: every decision, the latest first; empty if never asked."""

    purpose: ConsentPurpose
    history: tuple[Consent, ...] = ()

    @property
    def latest(self) -> Consent | None:
        """The decision that holds, or None where nobody asked."""
        return self.history[0] if self.history else None

    def permits(self, today: date) -> bool:
        """Whether the purpose is allowed today. Never asked is not allowed."""
        latest = self.latest
        return (
            latest is not None
            and latest.decision is ConsentDecision.GIVEN
            and (latest.valid_until is None or today <= latest.valid_until)
        )

    def must_go_by(self) -> date | None:
        """Last day on which what was allowed may be kept; None where no day was set."""
        return self.latest.retain_until if self.latest is not None else None


def consent_states(decisions: Sequence[Consent]) -> tuple[ConsentState, ...]:
    """A patient's decisions, in the order in which they were written down, by purpose. The latest written holds."""
    return tuple(
        ConsentState(purpose, tuple(decision for decision in reversed(decisions) if decision.purpose is purpose))
        for purpose in ConsentPurpose
    )
