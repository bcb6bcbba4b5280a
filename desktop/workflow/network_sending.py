"""Studies that go to a peer: queued, tried, tried again, and followed until the peer has promised to keep them.

What is queued is on the disk: a power cut, or a line that breaks in the middle, costs no more than the objects that the
peer had not acknowledged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from desktop.access import Permission
from desktop.errors import Cancelled, ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.jobs import Job
from desktop.records import AuditAction, Changes, Instance, InstanceId, StudyId, new_id
from desktop.records.dicom_node import Peer, Sending, SendingId, SendingParts, SendingState
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.network_lines import line_to
from desktop.workflow.network_objects import MEDIA_TYPE
from desktop.workflow.network_receiving import note_commitment
from desktop.workflow.network_reports import has_report, report_object
from desktop.workflow.network_settings import find_peer

if TYPE_CHECKING:
    from desktop.network.calls import Given, Outgoing

_PAUSES = (1, 5, 15, 60, 180, 360, 720)
"""Minutes until the next try. After the last one it is given up: a day and a half in all."""

_TRYING = timedelta(hours=1)
"""For which the outbox leaves alone what somebody is sending at this moment."""
_TOLD = (SendingState.COMMITTED, SendingState.FAILED)
_BEGIN_BYTES = 4096
_NOTED_EACH = 100
"""Objects after which it is written down that the peer has them."""


@dataclass(frozen=True)
class SendingChanged:
    """How far a sending is now. left: pictures the peer does not have yet."""

    sending: Sending
    left: int
    changes: Changes


@dataclass(frozen=True)
class FileSent:
    """What became of a file. failure: key of the sentence that says why the peer does not have it, or empty."""

    path: Path
    failure: str


@requires(Permission.SEND_IMAGES)
def send_study(
    clinic: Clinic,
    job: Job,
    study: StudyId,
    peer: str | Peer,
    *,
    commitment: bool = True,
    parts: SendingParts = SendingParts.IMAGES,
) -> SendingChanged:
    """Send a study's DICOM pictures, its signed report, or both to a peer, now; what could not go waits and is tried
    again while the clinic is open.

    peer: the name of one on the list, or another, which is tried once.
    Raises UserFacingError `network.no_such_peer`, `network.peer_does_not_listen`, `network.nothing_to_send`,
    `network.no_report`, `store.study_not_found`. That the peer is not there is no error: the sending waits.
    """
    known = find_peer(clinic, peer) if isinstance(peer, str) else peer
    changed = _try(clinic, job, _queued(clinic, study, known, commitment, parts, _TRYING), known)
    if isinstance(peer, str) or changed.sending.state is not SendingState.WAITING:
        return changed
    once = _write(clinic, replace(changed.sending, state=SendingState.FAILED, next_try=None))
    return replace(changed, sending=once)


@requires(Permission.SEND_IMAGES)
def queue_study(
    clinic: Clinic, job: Job, study: StudyId, peer: str, parts: SendingParts = SendingParts.IMAGES
) -> SendingChanged:
    """Have a study sent as soon as the outbox gets to it. Raises as `send_study`."""
    job.check()
    sending = _queued(clinic, study, find_peer(clinic, peer), True, parts, timedelta())
    return SendingChanged(sending, len(_objects(clinic, sending)), Changes(network=True))


@dataclass(frozen=True)
class Sendable:
    """What of a study could go. images: DICOM files of it. signed: whether there is a signed report."""

    images: int
    signed: bool


@requires(Permission.SEND_IMAGES)
def sendable(clinic: Clinic, job: Job, study: StudyId) -> Sendable:
    """What there is to send. Raises UserFacingError `network.nothing_to_send`, `store.study_not_found`."""
    job.check()
    return Sendable(len(_pictures(clinic, study)), has_report(clinic, study))


@requires(Permission.SEND_IMAGES)
def retry_sending(clinic: Clinic, job: Job, sending: SendingId) -> SendingChanged:
    """Try again now, whatever became of it. Raises as `send_study`, and `network.sending_not_found`."""
    found, peer = _due_again(clinic, sending, _TRYING)
    return _try(clinic, job, found, peer)


@requires(Permission.SEND_IMAGES)
def requeue_sending(clinic: Clinic, job: Job, sending: SendingId) -> SendingChanged:
    """Have the outbox try again as soon as it can, with all its patience anew. Raises as `retry_sending`."""
    job.check()
    found, _ = _due_again(clinic, sending, timedelta())
    left = [one for one in _objects(clinic, found) if one.key not in found.sent]
    return SendingChanged(found, len(left), Changes(network=True))


@requires(Permission.SEND_IMAGES)
def cancel_sending(clinic: Clinic, job: Job, sending: SendingId) -> SendingChanged:
    """Call a sending off; what the peer has stays there. One that is over stays as it is.

    Raises UserFacingError `network.sending_not_found`.
    """
    job.check()
    with clinic.store.transaction() as tx:
        found = tx.sendings.get(sending)
        if found.state in (SendingState.WAITING, SendingState.FAILED):
            found = replace(found, state=SendingState.CANCELLED, next_try=None)
            tx.sendings.update(found)
            tx.audit.add(AuditAction.SEND_STUDY, sending, actor=clinic.actor, reason=found.state.value)
    return SendingChanged(found, 0, Changes(network=True))


@dataclass(frozen=True)
class SendingCounts:
    """How many sendings still have to go, and how many were given up and nobody has decided about."""

    waiting: int
    failed: int


@requires(Permission.USE_CLINIC)
def count_sendings(clinic: Clinic, job: Job) -> SendingCounts:
    """No more than the numbers."""
    job.check()
    with clinic.store.snapshot() as tx:
        return SendingCounts(tx.sendings.count(SendingState.WAITING), tx.sendings.count(SendingState.FAILED))


@dataclass(frozen=True)
class SendingView:
    """A sending as a list shows it. objects: how many are to go, the report among them. patient: the name of whose they
    are."""

    sending: Sending
    patient: str
    modality: str
    objects: int


@requires(Permission.SEND_IMAGES)
def sendings_in_words(clinic: Clinic, job: Job, limit: int = 50) -> tuple[SendingView, ...]:
    """What was and is to be sent, the newest first, with whose it is."""
    views = []
    with clinic.store.snapshot() as tx:
        for sending in tx.sendings.newest(limit):
            job.check()
            study = tx.studies.get(sending.study)
            patient = tx.patients.standing(study.patient)
            images = len(study.instances) if sending.parts is not SendingParts.REPORT else 0
            objects = images + (sending.parts is not SendingParts.IMAGES)
            views.append(SendingView(sending, patient.display_name, study.modality.value, objects))
    return tuple(views)


@requires(Permission.SEND_IMAGES)
def list_sendings(clinic: Clinic, job: Job, limit: int = 50) -> tuple[Sending, ...]:
    """What was and is to be sent, the newest first."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tuple(tx.sendings.newest(limit))


@requires(Permission.SEND_IMAGES)
def send_files(clinic: Clinic, job: Job, paths: Sequence[Path], peer: Peer, title: str = "") -> tuple[FileSent, ...]:
    """Send DICOM files from a disk, once. title: our AE title, if not the clinic's. Raises KnownFailure where the peer
    cannot be reached; what is wrong with one file is told of that one."""
    from desktop.network.calls import Outgoing, send

    outgoing: list[Outgoing] = []
    unreadable: dict[str, str] = {}
    for number, path in enumerate(paths):
        job.check()
        try:
            with path.open("rb") as stream:
                outgoing.append(Outgoing(str(number), stream.read(_BEGIN_BYTES), path.read_bytes))
        except OSError as error:
            unreadable[str(number)] = from_os_error(error).key
    given = send(line_to(clinic, peer, title), outgoing, job) if outgoing else None
    with clinic.store.transaction() as tx:
        count = len(given.sent) if given is not None else 0
        tx.audit.add(AuditAction.SEND_STUDY, "files", actor=clinic.actor, reason=f"{peer.title}: {count}")
    sent = set(given.sent) if given is not None else set()
    wrong = unreadable | dict(given.problems if given is not None else ())
    return tuple(
        FileSent(path, "" if str(number) in sent else wrong.get(str(number), "network.line_broken"))
        for number, path in enumerate(paths)
    )


def send_what_waits(
    clinic: Clinic,
    stopped: Callable[[], bool],
    begun: Callable[[SendingId, Job], None] = lambda _sending, _job: None,
) -> int:
    """Try what is due; returns how many were tried. For the outbox's own thread, whoever is at the keyboard.

    begun: hears of each, with the job that can be watched and cancelled.
    """
    now = clinic.clock()
    with clinic.store.snapshot() as tx:
        due = [one for one in tx.sendings.waiting() if one.next_try is not None and one.next_try <= now]
    tried = 0
    for sending in due:
        if stopped():
            break
        tried += 1
        job = Job()
        begun(sending.id, job)
        try:
            _try(clinic, job, sending, find_peer(clinic, sending.peer))
        except Cancelled:  # called off, or the clinic is being locked; what the peer has is written down
            continue
        except UserFacingError as error:
            _after(clinic, sending, error.key, final=error.kind is not ErrorKind.IO)
    return tried


def _queued(
    clinic: Clinic, study: StudyId, peer: Peer, commitment: bool, parts: SendingParts, due_in: timedelta
) -> Sending:
    """A new sending, and when the outbox may take it. Raises UserFacingError where there is nothing to send."""
    sending = Sending(
        id=SendingId(new_id()),
        study=study,
        peer=peer.name,
        created=clinic.clock(),
        by=clinic.session.user.id,
        next_try=clinic.clock() + due_in,
        commitment=commitment,
        parts=parts,
    )
    _objects(clinic, sending)
    with clinic.store.transaction() as tx:
        tx.sendings.add(sending)
        tx.audit.add(AuditAction.SEND_STUDY, sending.id, actor=clinic.actor, reason=study)
    return sending


def _due_again(clinic: Clinic, sending: SendingId, due_in: timedelta) -> tuple[Sending, Peer]:
    """Whatever became of it, it waits, and the outbox may take it then. Raises where the peer is not on the list."""
    with clinic.store.snapshot() as tx:
        name = tx.sendings.get(sending).peer
    peer = find_peer(clinic, name)
    with clinic.store.transaction() as tx:
        found = tx.sendings.get(sending)
        state = SendingState.WAITING
        attempts = found.attempts if found.state is state else 0
        found = replace(found, state=state, attempts=attempts, next_try=clinic.clock() + due_in, failure="")
        tx.sendings.update(found)
        tx.audit.add(AuditAction.SEND_STUDY, sending, actor=clinic.actor, reason=state.value)
    return found, peer


class _Progress:
    """Writes down what the peer has, now and then."""

    def __init__(self, clinic: Clinic, sending: Sending) -> None:
        self._clinic = clinic
        self.sending = sending
        self._new: list[InstanceId] = []

    def taken(self, key: str) -> None:
        """The peer has one more."""
        self._new.append(InstanceId(key))
        if len(self._new) >= _NOTED_EACH:
            self.note()

    def note(self) -> Sending:
        """Write it down; the sending as it is then."""
        if self._new:
            sent = (*self.sending.sent, *self._new)
            self._new = []
            self.sending = _write(self._clinic, replace(self.sending, sent=sent))
        return self.sending


def _try(clinic: Clinic, job: Job, sending: Sending, peer: Peer) -> SendingChanged:
    """One try of what the peer does not have yet. Raises Cancelled."""
    from desktop.network.calls import send

    objects = _objects(clinic, sending)
    there = [one for one in objects if one.key in sending.sent]
    outgoing = [one for one in objects if one.key not in sending.sent]
    if sending.commitment:
        sending = _write(clinic, replace(sending, transaction=f"2.25.{uuid4().int}"))
    progress = _Progress(clinic, sending)
    try:
        given = send(
            line_to(clinic, peer),
            outgoing,
            job,
            transaction=sending.transaction,
            before=there,
            taken=progress.taken,
        )
    except KnownFailure as error:
        return SendingChanged(_after(clinic, progress.note(), error.key), len(outgoing), Changes(network=True))
    except Cancelled:
        _write(clinic, replace(progress.note(), next_try=clinic.clock()))
        raise
    sending = progress.note()
    left = len(outgoing) - len(given.sent)
    return SendingChanged(_noted(clinic, sending, given, left), left, Changes(network=True))


def _noted(clinic: Clinic, sending: Sending, given: "Given", left: int) -> Sending:
    """What a try brought about."""
    if left:
        return _after(clinic, sending, given.failure, final=given.final)
    done = _write(
        clinic,
        replace(
            sending,
            state=SendingState.SENT,
            attempts=sending.attempts + 1,
            next_try=None,
            failure="",
            transaction=sending.transaction if given.asked else "",
        ),
    )
    if given.word is None:
        return done
    note_commitment(clinic, given.word)
    with clinic.store.snapshot() as tx:
        return tx.sendings.get(sending.id)


def _after(clinic: Clinic, sending: Sending, failure: str, *, final: bool = False) -> Sending:
    """Note a try that failed: later again, or never."""
    attempts = sending.attempts + 1
    over = final or attempts > len(_PAUSES)
    return _write(
        clinic,
        replace(
            sending,
            state=SendingState.FAILED if over else SendingState.WAITING,
            attempts=attempts,
            next_try=None if over else clinic.clock() + timedelta(minutes=_PAUSES[attempts - 1]),
            failure=failure,
        ),
    )


def _write(clinic: Clinic, sending: Sending) -> Sending:
    """Note how far it is. One that was called off meanwhile stays so, unless everything had gone; and the peer may have
    said meanwhile, on another line, whether it keeps everything."""
    open_still = sending.state in (SendingState.WAITING, SendingState.FAILED)
    with clinic.store.transaction() as tx:
        now = tx.sendings.get(sending.id)
        if now.state is SendingState.CANCELLED and open_still:
            sending = replace(sending, state=now.state, next_try=None)
        if now.state in _TOLD and now.transaction == sending.transaction != "":
            sending = replace(sending, state=now.state, failure=now.failure, sent=now.sent, next_try=None)
        tx.sendings.update(sending)
        tx.audit.add(AuditAction.SEND_STUDY, sending.id, actor=sending.by, reason=sending.state.value)
    return sending


def _objects(clinic: Clinic, sending: Sending) -> "list[Outgoing]":
    """Everything that is to go. Raises UserFacingError `network.nothing_to_send`, `network.no_report`."""
    from desktop.network.calls import Outgoing

    pictures = _pictures(clinic, sending.study)
    objects = [_outgoing(clinic, one) for one in pictures] if sending.parts is not SendingParts.REPORT else []
    if sending.parts is not SendingParts.IMAGES:
        report = report_object(clinic, sending.study)
        objects.append(Outgoing(report.key, report.data[:_BEGIN_BYTES], lambda: report.data))
    return objects


def _pictures(clinic: Clinic, study: StudyId) -> list[Instance]:
    """A study's pictures that are DICOM files. Raises UserFacingError `network.nothing_to_send`."""
    with clinic.store.snapshot() as tx:
        instances = tx.studies.get(study).instances
        found = [one for one in instances if tx.attachments.get(one.attachment).media_type == MEDIA_TYPE]
    if not found:
        raise UserFacingError("network.nothing_to_send")
    return found


def _outgoing(clinic: Clinic, picture: Instance) -> "Outgoing":
    from desktop.network.calls import Outgoing

    with clinic.store.attachments.open(picture.attachment) as stream:
        begin = stream.read(_BEGIN_BYTES)
    return Outgoing(picture.id, begin, lambda: clinic.store.attachments.read(picture.attachment))
