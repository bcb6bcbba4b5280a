"""What a patient agrees to: asked per purpose, written down each time, withdrawn at any time."""

from dataclasses import dataclass, replace
from datetime import date

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Changes,
    Consent,
    ConsentDecision,
    ConsentId,
    ConsentPurpose,
    ConsentState,
    ConsentTerms,
    PatientId,
    consent_states,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.looking import looking_at_patients
from desktop.workflow.words import plain_text


@dataclass(frozen=True)
class ConsentDraft(ConsentTerms):
    """A decision before it is on file."""


@dataclass(frozen=True)
class ConsentRecorded:
    """A decision now on file."""

    consent: Consent
    changes: Changes


@requires(Permission.RECORD_CONSENTS)
def record_consent(clinic: Clinic, job: Job, draft: ConsentDraft) -> ConsentRecorded:
    """Write a decision down beside the earlier ones; from now on it holds.

    Raises UserFacingError (not_found, `store.patient_merged`, `consents.nothing_to_withdraw`, `consents.ends_early`).
    """
    job.check()
    now = clinic.clock()
    if draft.valid_until is not None and draft.valid_until < now.date():
        raise UserFacingError("consents.ends_early")
    clean = replace(draft, decided_by=plain_text(draft.decided_by), note=plain_text(draft.note))
    consent = Consent.of(clean, ConsentId(new_id()), decided=now, author=clinic.session.user.id)
    with clinic.store.transaction() as tx:
        latest = _state(tx, draft.patient, draft.purpose).latest
        if draft.decision is ConsentDecision.WITHDRAWN and (
            latest is None or latest.decision is not ConsentDecision.GIVEN
        ):
            raise UserFacingError("consents.nothing_to_withdraw")
        if draft.document is not None:
            tx.documents.get(draft.document)
        tx.consents.add(consent)
        tx.audit.add(AuditAction.RECORD_CONSENT, consent.id, actor=clinic.actor)
    return ConsentRecorded(consent, Changes(consents=True))


@requires(Permission.RECORD_CONSENTS)
def withdraw_consent(
    clinic: Clinic,
    job: Job,
    patient: PatientId,
    purpose: ConsentPurpose,
    *,
    decided_by: str = "",
    retain_until: date | None = None,
    note: str = "",
) -> ConsentRecorded:
    """Take a consent back. retain_until: last day on which what it allowed may be kept.

    Raises UserFacingError as `record_consent`.
    """
    draft = ConsentDraft(patient, purpose, ConsentDecision.WITHDRAWN, decided_by, retain_until=retain_until, note=note)
    return record_consent(clinic, job, draft)


@requires(Permission.VIEW_PATIENTS)
def consents(clinic: Clinic, job: Job, patient: PatientId) -> tuple[ConsentState, ...]:
    """Where the patient stands on each purpose, with every decision so far. Raises UserFacingError (not_found)."""
    job.check()
    with looking_at_patients(clinic, patient) as tx:
        return consent_states(tx.consents.of_person(patient))


@requires(Permission.VIEW_PATIENTS)
def retention_due(clinic: Clinic, job: Job) -> tuple[Consent, ...]:
    """The decisions that hold and whose last day for keeping what they allowed has passed, the longest ago first."""
    job.check()
    with clinic.store.snapshot() as tx:
        due = tx.consents.to_go_by(clinic.clock().date())
        return tuple(consent for consent in due if _state(tx, consent.patient, consent.purpose).latest == consent)


def _state(tx: Transaction, patient: PatientId, purpose: ConsentPurpose) -> ConsentState:
    states = consent_states(tx.consents.of_person(patient))
    return next(state for state in states if state.purpose is purpose)
