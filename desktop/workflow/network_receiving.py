"""The desk that takes what the node receives: sealed, matched, on the disk for certain, and only then acknowledged."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.network.parts import Answer, Committed, KeepingAnswer, KeepingAsked, Received, Step, StepQuery
from desktop.records import AttachmentId, AuditAction, DocumentId, InstanceId, PatientId, StudyId, new_id
from desktop.records.dicom_node import Arrival, ArrivalId, Doubt, SendingState
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic
from desktop.workflow.documents import same_document
from desktop.workflow.network_keeping import BY_THE_NODE, OwedAnswers, keeping
from desktop.workflow.network_matching import whose
from desktop.workflow.network_notes import keep_note, note_in
from desktop.workflow.network_objects import ObjectHeader, add_to_study, attachment_of, read_object
from desktop.workflow.network_worklist import steps_for

_log = logging.getLogger(__name__)

_REMEMBERED = 50


@dataclass(frozen=True)
class Stored:
    """An object that is on the disk for certain.

    duplicate: the same bytes were there already, and their ids are given. patient, study, instance: where the rules
    filed it; document: where it is a report in words. arrival, doubt: where it is asked whose it is, and why. sent_by:
    the caller's AE title.
    """

    received: datetime
    sent_by: str
    attachment: AttachmentId
    sha256: str
    size: int
    class_uid: str
    instance_uid: str
    study_uid: str
    transfer_syntax: str
    duplicate: bool = False
    patient: PatientId | None = None
    study: StudyId | None = None
    instance: InstanceId | None = None
    document: DocumentId | None = None
    arrival: ArrivalId | None = None
    doubt: Doubt | None = None


class Reception:
    """Takes objects for one open clinic. told: hears of each stored object, from the thread that stored it, before the
    caller gets its answer. quiet: hears that an association is over. owed: answers that are to be taken to somebody."""

    def __init__(self, clinic: Clinic, told: Callable[[Stored], None], quiet: Callable[[], None]) -> None:
        self._clinic = clinic
        self._told = told
        self._quiet = quiet
        self.owed = OwedAnswers(clinic)
        self._latest: deque[Stored] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()
        self._stored = self._failed = 0

    @property
    def latest(self) -> tuple[Stored, ...]:
        """What arrived last, the newest first."""
        with self._lock:
            return tuple(reversed(self._latest))

    @property
    def counts(self) -> tuple[int, int]:
        """Objects stored, and objects that were not."""
        with self._lock:
            return self._stored, self._failed

    def receive(self, received: Received) -> Answer:
        """Keep an object; whatever is wrong with it or with us is an answer, never a half-stored object."""
        try:
            stored = self._keep(received)
        except _NotAsAnnounced:
            return self._not_kept(Answer.NOT_AS_ANNOUNCED)
        except UserFacingError as error:
            # Sentences about files name what is wrong with them; everything else is a failure of ours.
            understood = error.kind is not ErrorKind.BAD_INPUT or not error.key.startswith("intake.")
            _log.warning("an object was not kept: %s", error.key)
            return self._not_kept(Answer.NO_ROOM if understood else Answer.NOT_UNDERSTOOD)
        with self._lock:
            self._latest.append(stored)
            self._stored += 1
        self._told(stored)
        return Answer.STORED

    def worklist(self, query: StepQuery) -> Sequence[Step]:
        """Today's patients."""
        return steps_for(self._clinic, query)

    def committed(self, word: Committed) -> None:
        """Note what a peer promised to keep, or did not."""
        note_commitment(self._clinic, word)

    def keeping(self, asked: KeepingAsked) -> KeepingAnswer:
        """Promise to keep what is here, whole."""
        return keeping(self._clinic, asked, BY_THE_NODE)

    def untold(self, asked: KeepingAsked, answer: KeepingAnswer) -> None:
        """Whoever asked is called."""
        self.owed.add(asked, answer)
        self._quiet()

    def quiet(self) -> None:
        """An association is over."""
        self._quiet()

    def _not_kept(self, answer: Answer) -> Answer:
        with self._lock:
            self._failed += 1
        return answer

    def _keep(self, received: Received) -> Stored:
        found = read_object(received.data)
        if (found.class_uid, found.instance_uid) != (received.sop_class, received.instance_uid):
            raise _NotAsAnnounced
        clinic = self._clinic
        with ThreadPoolExecutor(1, "sealing") as aside:
            sealing = aside.submit(clinic.store.attachments.stage, received.data, Job())
            try:
                with clinic.store.snapshot() as tx:
                    owner = whose(tx, found.header)
            except BaseException:
                clinic.store.attachments.discard(sealing.result())
                raise
            staged = sealing.result()
        attachment = attachment_of(staged, found.instance_uid, clinic)
        stored = Stored(
            attachment.added,
            received.title,
            attachment.id,
            attachment.sha256,
            attachment.size,
            found.class_uid,
            found.instance_uid,
            found.header.study_uid,
            received.transfer_syntax,
        )
        note = note_in(received.data) if not found.rows else None
        with clinic.store.snapshot() as tx:
            again = _known_already(tx, owner, stored)
        if again is not None:
            clinic.store.attachments.discard(staged)
            return again
        try:
            with clinic.store.transaction() as tx:
                if isinstance(owner, Doubt):
                    tx.attachments.add(attachment, staged)
                    stored = replace(stored, arrival=_ask(tx, stored, owner, found), doubt=owner)
                else:
                    tx.patients.must_be_open(owner)
                    tx.attachments.add(replace(attachment, patient=owner), staged)
                    tx.patients.touch(owner)
                    if note is not None:
                        about, document = keep_note(clinic, tx, owner, attachment.id, note, BY_THE_NODE)
                        stored = replace(stored, patient=owner, study=about, document=document)
                    else:
                        study, instance = add_to_study(tx, owner, attachment.id, found, clinic)
                        stored = replace(stored, patient=owner, study=study, instance=instance)
                tx.audit.add(AuditAction.RECEIVE_OBJECT, attachment.id, actor=BY_THE_NODE, reason=received.title)
        except BaseException:
            clinic.store.attachments.discard(staged)
            raise
        return stored


class _NotAsAnnounced(Exception):
    """The data set is another object than the command said."""


def _known_already(tx: Transaction, owner: PatientId | Doubt, stored: Stored) -> Stored | None:
    """Where the very same bytes lie already."""
    if isinstance(owner, Doubt):
        waiting = tx.arrivals.same_waiting(stored.sha256)
        if waiting is None:
            return None
        return replace(stored, duplicate=True, attachment=waiting.attachment, arrival=waiting.id, doubt=waiting.doubt)
    marks = tx.imported.find_duplicate(owner, stored.sha256)
    if marks is not None:
        return replace(stored, duplicate=True, attachment=marks.attachment, patient=owner)
    paper = same_document(tx, owner, stored.sha256)
    if paper is not None:
        return replace(stored, duplicate=True, attachment=paper.attachment, patient=owner, document=paper.id)
    found = tx.studies.find_duplicate(owner, stored.sha256)
    if found is None:
        return None
    study, instance = found
    return replace(
        stored, duplicate=True, attachment=instance.attachment, patient=owner, study=study.id, instance=instance.id
    )


def _ask(tx: Transaction, stored: Stored, doubt: Doubt, found: ObjectHeader) -> ArrivalId:
    arrival = Arrival(
        id=ArrivalId(new_id()),
        attachment=stored.attachment,
        received=stored.received,
        sent_by=stored.sent_by,
        doubt=doubt,
        header=found.header,
        rows=found.rows,
        columns=found.columns,
    )
    tx.arrivals.add(arrival)
    return arrival.id


def note_commitment(clinic: Clinic, word: Committed) -> None:
    """What a peer says about a request for storage commitment; about one we did not make, nothing is noted."""
    with clinic.store.transaction() as tx:
        sending = tx.sendings.of_transaction(word.transaction)
        if sending is None or sending.state not in (SendingState.WAITING, SendingState.SENT):
            return
        state = SendingState.FAILED if word.failed else SendingState.COMMITTED
        failure = "network.not_committed" if word.failed else ""
        # What it does not keep is sent again if somebody wants another try.
        lost = {one.id for one in tx.studies.get(sending.study).instances if one.instance_uid in word.failed}
        sent = tuple(one for one in sending.sent if one not in lost)
        tx.sendings.update(replace(sending, state=state, next_try=None, failure=failure, sent=sent))
        tx.audit.add(AuditAction.SEND_STUDY, sending.id, actor=BY_THE_NODE, reason=state.value)
