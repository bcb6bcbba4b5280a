"""Studies that go to a peer: tried at once, tried again, and followed until the peer has promised to keep them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from desktop.access import Permission
from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.jobs import Job
from desktop.records import AuditAction, Changes, Instance, InstanceId, StudyId, new_id
from desktop.records.dicom_node import Peer, Sending, SendingId, SendingState
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.network_lines import line_to
from desktop.workflow.network_objects import MEDIA_TYPE
from desktop.workflow.network_receiving import note_commitment
from desktop.workflow.network_settings import find_peer

if TYPE_CHECKING:
    from desktop.network.calls import Given, Outgoing

_PAUSES = (1, 5, 15, 60, 180, 360, 720)
"""Minutes until the next try. After the last one it is given up: a day and a half in all."""

_BEGIN_BYTES = 4096


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
    clinic: Clinic, job: Job, study: StudyId, peer: str | Peer, *, commitment: bool = True
) -> SendingChanged:
    """Send a study's DICOM pictures to a peer, now; what could not go waits and is tried again while the node is on.

    peer: the name of one on the list, or another, which is tried once.
    Raises UserFacingError `network.no_such_peer`, `network.peer_does_not_listen`, `network.nothing_to_send`,
    `store.study_not_found`. That the peer is not there is no error: the sending waits.
    """
    known = find_peer(clinic, peer) if isinstance(peer, str) else peer
    _pictures(clinic, study)
    sending = Sending(
        id=SendingId(new_id()),
        study=study,
        peer=known.name,
        created=clinic.clock(),
        by=clinic.session.user.id,
        next_try=clinic.clock(),
    )
    with clinic.store.transaction() as tx:
        tx.sendings.add(sending)
        tx.audit.add(AuditAction.SEND_STUDY, sending.id, actor=clinic.actor, reason=study)
    changed = _try(clinic, job, sending, known, commitment=commitment)
    if isinstance(peer, str) or changed.sending.state is not SendingState.WAITING:
        return changed
    once = _write(clinic, replace(changed.sending, state=SendingState.FAILED, next_try=None))
    return replace(changed, sending=once)


@requires(Permission.SEND_IMAGES)
def retry_sending(clinic: Clinic, job: Job, sending: SendingId) -> SendingChanged:
    """Try again now, whatever became of it. Raises as `send_study`, and `network.sending_not_found`."""
    with clinic.store.snapshot() as tx:
        found = tx.sendings.get(sending)
    return _try(clinic, job, found, find_peer(clinic, found.peer))


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


def send_what_waits(clinic: Clinic, stopped: Callable[[], bool]) -> int:
    """Try what is due; returns how many were tried. For the node's own thread, whoever is at the keyboard."""
    now = clinic.clock()
    with clinic.store.snapshot() as tx:
        due = [one for one in tx.sendings.waiting() if one.next_try is not None and one.next_try <= now]
    tried = 0
    for sending in due:
        if stopped():
            break
        tried += 1
        try:
            peer = find_peer(clinic, sending.peer)
            _try(clinic, Job(), sending, peer)
        except UserFacingError as error:
            _after(clinic, sending, error.key, final=error.kind is not ErrorKind.IO)
    return tried


def _try(clinic: Clinic, job: Job, sending: Sending, peer: Peer, *, commitment: bool = True) -> SendingChanged:
    """One try of what the peer does not have yet."""
    from desktop.network.calls import send

    pictures = _pictures(clinic, sending.study)
    there = [_outgoing(clinic, one) for one in pictures if one.id in sending.sent]
    outgoing = [_outgoing(clinic, one) for one in pictures if one.id not in sending.sent]
    if commitment:
        sending = _write(clinic, replace(sending, transaction=f"2.25.{uuid4().int}"))
    try:
        given = send(line_to(clinic, peer), outgoing, job, transaction=sending.transaction, before=there)
    except KnownFailure as error:
        return SendingChanged(_after(clinic, sending, error.key), len(outgoing), Changes(network=True))
    left = len(outgoing) - len(given.sent)
    return SendingChanged(_noted(clinic, sending, given, left), left, Changes(network=True))


def _noted(clinic: Clinic, sending: Sending, given: "Given", left: int) -> Sending:
    """What a try brought about; the peer may have said meanwhile, on another line, that it keeps everything."""
    sending = replace(sending, sent=(*sending.sent, *(InstanceId(key) for key in given.sent)))
    if left:
        return _after(clinic, sending, given.failure, final=given.final)
    if given.word is not None:
        note_commitment(clinic, given.word)
    with clinic.store.snapshot() as tx:
        now = tx.sendings.get(sending.id)
    told = now.state in (SendingState.COMMITTED, SendingState.FAILED) and now.transaction == sending.transaction
    return _write(
        clinic,
        replace(
            sending,
            state=now.state if told else SendingState.SENT,
            attempts=sending.attempts + 1,
            next_try=None,
            failure=now.failure if told else "",
            transaction=sending.transaction if given.asked else "",
        ),
    )


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
    with clinic.store.transaction() as tx:
        tx.sendings.update(sending)
        tx.audit.add(AuditAction.SEND_STUDY, sending.id, actor=sending.by, reason=sending.state.value)
    return sending


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
