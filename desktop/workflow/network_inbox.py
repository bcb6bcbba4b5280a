"""What arrived and nobody knows whose it is: listed by study, given to a patient, or set aside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.intake import NameVerdict, names_fit
from desktop.jobs import Job
from desktop.records import AuditAction, Changes, FileHeader, InstanceId, Patient, PatientId, StudyId
from desktop.records.dicom_node import Arrival, ArrivalId, ArrivalState, Doubt
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.importing import NameMismatch
from desktop.workflow.network_matching import likely_patients
from desktop.workflow.network_notes import keep_note, note_in
from desktop.workflow.network_objects import ObjectHeader, add_to_study
from desktop.workflow.words import plain_text

if TYPE_CHECKING:
    from desktop.workflow.network_notes import Note


@dataclass(frozen=True)
class WaitingStudy:
    """Arrivals of one study that say they are of the same person. header: of the newest. likely: whom to offer, the
    likeliest first."""

    arrivals: tuple[ArrivalId, ...]
    header: FileHeader
    doubt: Doubt
    sent_by: str
    received: datetime
    likely: tuple[Patient, ...]


@dataclass(frozen=True)
class ArrivalsFiled:
    """Where arrivals went. studies: those that have new pictures."""

    studies: tuple[StudyId, ...]
    changes: Changes


@requires(Permission.IMPORT_IMAGES)
def waiting_arrivals(clinic: Clinic, job: Job) -> tuple[WaitingStudy, ...]:
    """What waits for an answer, the newest first."""
    job.check()
    with clinic.store.snapshot() as tx:
        groups: dict[tuple[object, ...], list[Arrival]] = {}
        for arrival in tx.arrivals.waiting():
            header = arrival.header
            key = (header.study_uid or arrival.id, header.name_groups, header.patient_number, header.birth_date)
            groups.setdefault(key, []).append(arrival)
        return tuple(
            WaitingStudy(
                tuple(one.id for one in group),
                group[0].header,
                group[0].doubt,
                group[0].sent_by,
                group[0].received,
                tuple(likely_patients(tx, group[0].header)),
            )
            for group in groups.values()
        )


@requires(Permission.USE_CLINIC)
def count_waiting_arrivals(clinic: Clinic, job: Job) -> int:
    """How many objects wait for an answer; no more than the number."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tx.arrivals.count_waiting()


@requires(Permission.IMPORT_IMAGES)
def file_arrivals(
    clinic: Clinic, job: Job, arrivals: Sequence[ArrivalId], patient: PatientId, accept_mismatch: str | None = None
) -> ArrivalsFiled:
    """Say whose arrivals are; all of them go onto the record, or none.

    accept_mismatch: why a name that does not fit is accepted all the same; kept with the study.
    Raises NameMismatch, UserFacingError `network.arrival_settled`, `network.arrival_not_found`,
    `store.patient_merged`.
    """
    reason = plain_text(accept_mismatch or "")
    studies: dict[StudyId, None] = {}
    notes = _notes(clinic, arrivals)
    with clinic.store.transaction() as tx:
        tx.patients.must_be_open(patient)
        record = tx.patients.get(patient)
        for done, identity in enumerate(arrivals):
            job.report("network.progress.filing", done, len(arrivals))
            arrival = _waiting(tx, identity)
            fits = names_fit(arrival.header, record).verdict
            if fits is NameVerdict.MISMATCH and not reason:
                raise NameMismatch(arrival.header, record)
            found = ObjectHeader(arrival.header, "", arrival.header.instance_uid, arrival.rows, arrival.columns)
            tx.lookups.give_attachment(arrival.attachment, patient)
            instance: InstanceId | None = None
            if identity in notes:
                about, _ = keep_note(clinic, tx, patient, arrival.attachment, notes[identity], clinic.actor)
            else:
                why = reason if fits is NameVerdict.MISMATCH else ""
                about, instance = add_to_study(tx, patient, arrival.attachment, found, clinic, why)
            studies |= {about: None} if about is not None else {}
            tx.arrivals.update(
                replace(arrival, state=ArrivalState.FILED, instance=instance, settled_by=clinic.session.user.id)
            )
            tx.audit.add(AuditAction.FILE_ARRIVAL, arrival.id, actor=clinic.actor, reason=reason)
        tx.patients.touch(patient)
    return ArrivalsFiled(tuple(studies), Changes(studies=True, visits=True, network=True))


@requires(Permission.IMPORT_IMAGES)
def set_aside_arrivals(clinic: Clinic, job: Job, arrivals: Sequence[ArrivalId]) -> Changes:
    """They are nobody's of this clinic: kept, sealed, and not asked about again. Raises as `file_arrivals`."""
    with clinic.store.transaction() as tx:
        for identity in arrivals:
            job.check()
            arrival = _waiting(tx, identity)
            tx.arrivals.update(replace(arrival, state=ArrivalState.SET_ASIDE, settled_by=clinic.session.user.id))
            tx.audit.add(AuditAction.SET_ASIDE_ARRIVAL, arrival.id, actor=clinic.actor)
    return Changes(network=True)


@requires(Permission.IMPORT_IMAGES)
def ask_again(clinic: Clinic, job: Job, arrivals: Sequence[ArrivalId]) -> Changes:
    """Take back that they were set aside. Raises UserFacingError `network.arrival_not_found`."""
    with clinic.store.transaction() as tx:
        for identity in arrivals:
            job.check()
            arrival = tx.arrivals.get(identity)
            if arrival.state is ArrivalState.SET_ASIDE:
                tx.arrivals.update(replace(arrival, state=ArrivalState.WAITING, settled_by=None))
                tx.audit.add(AuditAction.SET_ASIDE_ARRIVAL, arrival.id, actor=clinic.actor, reason="undone")
    return Changes(network=True)


def _notes(clinic: Clinic, arrivals: Sequence[ArrivalId]) -> "dict[ArrivalId, Note]":
    """What those among arrivals that are no pictures mark or say."""
    with clinic.store.snapshot() as tx:
        bare = {one.id: one.attachment for one in map(tx.arrivals.get, arrivals) if not one.rows}
    read = {identity: note_in(clinic.store.attachments.read(file)) for identity, file in bare.items()}
    return {identity: note for identity, note in read.items() if note is not None}


def _waiting(tx: Transaction, identity: ArrivalId) -> Arrival:
    arrival = tx.arrivals.get(identity)
    if arrival.state is not ArrivalState.WAITING:
        raise UserFacingError("network.arrival_settled")
    return arrival
