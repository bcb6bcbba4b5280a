"""What the clinic asks of others: are you there, which studies have you, who is on your list, give me this one."""

from dataclasses import dataclass

from desktop.access import Permission
from desktop.jobs import Job
from desktop.network.parts import Answer, FoundStudy, Received, Step, StepQuery, StudyQuery
from desktop.records import AuditAction, Changes
from desktop.records.dicom_node import Peer
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.network_lines import line_to
from desktop.workflow.network_node import Hearers
from desktop.workflow.network_receiving import Reception


@dataclass(frozen=True)
class RetrievedStudy:
    """What came of a retrieval. completed: objects that are stored here now, or were before. failed: those that the
    archive could not send or that could not be kept."""

    completed: int
    failed: int
    changes: Changes


@requires(Permission.USE_CLINIC)
def echo_peer(clinic: Clinic, job: Job, peer: Peer, title: str = "") -> None:
    """Ask whether a peer is there and takes our calls (C-ECHO). title: our AE title, if not the clinic's.

    Raises KnownFailure in words: nobody there, another name, we are not known there, no certificate fits.
    """
    from desktop.network.calls import echo

    job.report("network.progress.calling")
    echo(line_to(clinic, peer, title))


@requires(Permission.IMPORT_IMAGES)
def query_peer(clinic: Clinic, job: Job, peer: Peer, query: StudyQuery, title: str = "") -> tuple[FoundStudy, ...]:
    """Studies of an archive (C-FIND). Raises KnownFailure."""
    from desktop.network.calls import find

    job.report("network.progress.calling")
    found = find(line_to(clinic, peer, title), query, job)
    _note(clinic, peer, f"{len(found)}")
    return tuple(found)


@requires(Permission.IMPORT_IMAGES)
def query_worklist(clinic: Clinic, job: Job, peer: Peer, query: StepQuery, title: str = "") -> tuple[Step, ...]:
    """What somebody else's worklist holds. Raises KnownFailure."""
    from desktop.network.calls import worklist

    job.report("network.progress.calling")
    found = worklist(line_to(clinic, peer, title), query, job)
    _note(clinic, peer, f"{len(found)}")
    return tuple(found)


@requires(Permission.IMPORT_IMAGES)
def retrieve_study(
    clinic: Clinic, job: Job, peer: Peer, study_uid: str, hearers: Hearers, title: str = ""
) -> RetrievedStudy:
    """Fetch a study over our own call (C-GET): works without the node. Each object is stored, or asked about, as one
    that was sent to us. Raises KnownFailure."""
    from desktop.network.calls import get

    job.report("network.progress.calling")
    reception = Reception(clinic, hearers.stored, hearers.quiet)

    def keep(received: Received) -> Answer:
        return reception.receive(received)

    done = get(line_to(clinic, peer, title), study_uid, keep, job)
    _note(clinic, peer, f"{done.completed}")
    return RetrievedStudy(done.completed, done.failed, Changes(studies=True, network=True))


@requires(Permission.IMPORT_IMAGES)
def have_study_sent(
    clinic: Clinic, job: Job, peer: Peer, study_uid: str, title: str = "", destination: str = ""
) -> RetrievedStudy:
    """Have an archive send a study to our node (C-MOVE), which must be running under `destination`, else under our
    title. Raises KnownFailure, `network.destination_unknown` where the archive does not know us."""
    from desktop.network.calls import move

    job.report("network.progress.calling")
    line = line_to(clinic, peer, title)
    done = move(line, study_uid, destination or line.own_title, job)
    _note(clinic, peer, f"{done.completed}")
    return RetrievedStudy(done.completed, done.failed, Changes(studies=True, network=True))


def _note(clinic: Clinic, peer: Peer, count: str) -> None:
    """That somebody asked, and how much came; never whom they asked for."""
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.QUERY_PEER, peer.title, actor=clinic.actor, reason=count)
