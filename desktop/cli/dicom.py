"""`dicom echo | send | receive | query`."""

import argparse
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.cli.output import Output, note
from desktop.cli.session import milliseconds_since, unlocked
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import StudyId
from desktop.records.dicom_node import DEFAULT_TITLE, Peer, SendingParts, SendingState, is_title

_ANY_TITLE = "ANY-SCP"
_POLL_SECONDS = 0.2


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of this module's commands."""
    verbs = commands.add_parser("dicom", help="talk with other DICOM programs").add_subparsers(
        dest="verb", required=True
    )
    echo = verbs.add_parser("echo", help="ask whether a peer is there (C-ECHO)")
    send = verbs.add_parser("send", help="send files, or studies of the clinic (C-STORE)")
    send.add_argument("paths", nargs="*", type=Path, metavar="FILE")
    send.add_argument(
        "--study", action="append", default=[], metavar="ID", help="a study of the clinic; may be repeated"
    )
    send.add_argument(
        "--parts",
        type=SendingParts,
        choices=list(SendingParts),
        default=SendingParts.IMAGES,
        help="of a study: its images, its signed report as DICOM SR, or both",
    )
    send.add_argument("--no-commitment", action="store_true", help="do not ask the peer to promise to keep it")
    receive = verbs.add_parser("receive", help="take what others send, until stopped (Ctrl-C)")
    receive.add_argument("--port", type=_port, required=True, metavar="N", help="where to listen; 0 for any free port")
    receive.add_argument("--aet", type=_title, required=True, metavar="A", help="our own AE title")
    receive.add_argument(
        "--peer",
        action="append",
        default=[],
        type=_caller,
        metavar="AE[@ADDRESS]",
        help="who may send besides the clinic's own list; without either, programs on this PC",
    )
    query = verbs.add_parser("query", help="ask an archive for studies (C-FIND), and fetch them")
    for option, words in (
        ("--patient-name", "with * and ? as wildcards, FAMILY^GIVEN"),
        ("--patient-id", "the patient's number there"),
        ("--accession", "the order's number"),
        ("--study-uid", "one study"),
    ):
        query.add_argument(option, default="", metavar="TEXT", help=words)
    query.add_argument("--modality", default="", metavar="M", help="CR, CT, US …")
    query.add_argument("--date", default="", type=_days, metavar="DAY", help="YYYYMMDD, or YYYYMMDD-YYYYMMDD")
    query.add_argument("--worklist", action="store_true", help="ask for the modality worklist instead of studies")
    query.add_argument("--retrieve", choices=("get", "move"), help="fetch each study found (C-GET or C-MOVE)")
    query.add_argument(
        "--retrieve-port", type=_port, metavar="N", help="where C-MOVE finds us, if not at the clinic's port"
    )
    for verb in (echo, send, query):
        verb.add_argument("--peer", metavar="NAME", help="a peer of the clinic's own list")
        verb.add_argument("--host", metavar="H", help="or where it is")
        verb.add_argument("--port", type=_port, metavar="N", help="and its port")
        verb.add_argument("--aec", type=_title, default=_ANY_TITLE, metavar="A", help="and its AE title")
        verb.add_argument("--aet", type=_title, default="", metavar="A", help="our own AE title, if not the clinic's")


def misuse(parsed: argparse.Namespace) -> str:
    """What argparse cannot say; empty where all is well."""
    if parsed.verb == "receive":
        return ""
    if bool(parsed.peer) == bool(parsed.host and parsed.port):
        return "dicom takes --peer, or --host and --port"
    if parsed.verb == "send" and bool(parsed.study) == bool(parsed.paths):
        return "send takes files, or --study"
    if parsed.verb == "query" and parsed.worklist and parsed.retrieve:
        return "a worklist holds nothing to retrieve"
    return ""


def dicom(arguments: argparse.Namespace, output: Output) -> None:
    """`dicom echo | send | receive | query`."""
    deeds = {"echo": _echo, "send": _send, "receive": _receive, "query": _query}
    with unlocked(arguments) as clinic:
        deeds[arguments.verb](arguments, output, clinic)


def _echo(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    peer = _peer(arguments, clinic)
    start = time.perf_counter()
    line: dict[str, object] = {
        "title": peer.title,
        "host": peer.address,
        "port": peer.port,
        "status": "ok",
        "reason": None,
    }
    try:
        workflow.echo_peer(clinic, Job(), peer, arguments.aet)
    except UserFacingError as error:
        output.failed = True
        line |= {"status": "error", "reason": output.reason(error)}
    output.answer(
        {**line, "milliseconds": milliseconds_since(start)},
        output.translator.text("network.echo_ok") if not output.failed else "",
    )


def _send(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    if arguments.paths:
        sent = workflow.send_files(clinic, Job(), _files(arguments.paths), _peer(arguments, clinic), arguments.aet)
        for one in sent:
            output.failed = output.failed or bool(one.failure)
            output.answer(
                {
                    "file": str(one.path),
                    "status": "error" if one.failure else "ok",
                    "reason": output.reason(UserFacingError(one.failure)) if one.failure else None,
                }
            )
        return
    for study in arguments.study:
        changed = workflow.send_study(
            clinic,
            Job(),
            StudyId(study),
            arguments.peer or _peer(arguments, clinic),
            commitment=not arguments.no_commitment,
            parts=arguments.parts,
        )
        sending = changed.sending
        output.failed = output.failed or sending.state in (SendingState.WAITING, SendingState.FAILED)
        output.answer(
            {
                "id": sending.id,
                "study": sending.study,
                "peer": sending.peer,
                "status": sending.state.value,
                "reason": output.reason(UserFacingError(sending.failure)) if sending.failure else None,
                "sent": len(sending.sent),
                "left": changed.left,
                "attempts": sending.attempts,
                "next_try": sending.next_try.isoformat() if sending.next_try else None,
                "transaction": sending.transaction or None,
            }
        )


def _receive(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    """One line per stored object, before its sender is answered; what the models think of new studies is made while
    nobody sends."""
    hearer = _Hearer(output)
    node = workflow.receive_from(
        clinic,
        Job(),
        workflow.Hearers(stored=hearer.stored),
        title=arguments.aet,
        port=arguments.port,
        peers=arguments.peer,
    )
    try:
        with _until_stopped() as stopped:
            note(output.translator.text("network.listening", title=arguments.aet, port=node.status.port))
            while not stopped.wait(_POLL_SECONDS):
                if hearer.gone:
                    break
                if not node.status.connected:
                    hearer.suggest(clinic, stopped)
    finally:
        node.stop()
    if hearer.gone:
        raise BrokenPipeError
    hearer.suggest(clinic, threading.Event())


class _Hearer:
    """Writes a line for each stored object, one at a time."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._studies: dict[StudyId, None] = {}
        self.gone = False

    def stored(self, stored: workflow.Stored) -> None:
        """An object is certain."""
        line = stored_line(stored, self._output)
        with self._lock:
            if stored.study is not None and not stored.duplicate:
                self._studies[stored.study] = None
            try:
                self._output.answer(line)
            except (BrokenPipeError, ValueError):
                self.gone = True

    def suggest(self, clinic: workflow.Clinic, stopped: threading.Event) -> None:
        """Ask the models about studies that came in."""
        while not stopped.is_set():
            with self._lock:
                if not self._studies:
                    return
                study = next(iter(self._studies))
                del self._studies[study]
            try:
                workflow.suggest(clinic, Job(), study)
            except UserFacingError as error:
                note(self._output.reason(error))


def stored_line(stored: workflow.Stored, output: Output) -> dict[str, object]:
    """What is said of a stored object; ids only."""
    reason = output.translator.text(f"network.doubt.{stored.doubt.value}") if stored.doubt is not None else None
    return {
        "id": stored.instance or stored.document or stored.arrival,
        "status": "duplicate" if stored.duplicate else "ok",
        "reason": reason,
        "patient": stored.patient,
        "study": stored.study,
        "instance": stored.instance,
        "attachment": stored.attachment,
        "arrival": stored.arrival,
        "sop_class_uid": stored.class_uid,
        "sop_instance_uid": stored.instance_uid,
        "study_instance_uid": stored.study_uid,
        "transfer_syntax": stored.transfer_syntax,
        "calling_aet": stored.sent_by,
        "bytes": stored.size,
        "sha256": stored.sha256,
        "received": stored.received.isoformat(),
    }


def _query(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    peer = _peer(arguments, clinic)
    if arguments.worklist:
        first, last = _range(arguments.date)
        steps = workflow.StepQuery(
            arguments.aet or DEFAULT_TITLE,
            arguments.patient_name,
            arguments.patient_id,
            first,
            last,
            arguments.modality,
        )
        for step in workflow.query_worklist(clinic, Job(), peer, steps, arguments.aet):
            output.answer(_step_line(step))
        return
    query = workflow.StudyQuery(
        arguments.patient_name,
        arguments.patient_id,
        arguments.date,
        arguments.modality,
        arguments.accession,
        arguments.study_uid,
    )
    found = workflow.query_peer(clinic, Job(), peer, query, arguments.aet)
    node = _node_for_moves(arguments, clinic, peer) if arguments.retrieve == "move" and found else None
    try:
        for study in found:
            output.answer(_study_line(study) | _fetched(arguments, output, clinic, peer, study.study_uid))
    finally:
        if node is not None:
            node.stop()


def _node_for_moves(arguments: argparse.Namespace, clinic: workflow.Clinic, peer: Peer) -> workflow.RunningNode:
    """C-MOVE makes the archive call us, so we listen meanwhile, for it and whoever else is on the clinic's list."""
    return workflow.receive_from(
        clinic,
        Job(),
        workflow.Hearers(),
        title=arguments.aet,
        port=arguments.retrieve_port,
        peers=(Peer("archive", peer.title),),
    )


def _fetched(
    arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic, peer: Peer, study_uid: str
) -> dict[str, object]:
    """The part of a study's line about fetching it."""
    line: dict[str, object] = {"retrieved": None, "failed": None, "reason": None}
    if not arguments.retrieve:
        return line
    try:
        if arguments.retrieve == "get":
            done = workflow.retrieve_study(clinic, Job(), peer, study_uid, workflow.Hearers(), arguments.aet)
        else:
            done = workflow.have_study_sent(clinic, Job(), peer, study_uid, arguments.aet)
    except UserFacingError as error:
        output.failed = True
        return line | {"reason": output.reason(error)}
    output.failed = output.failed or bool(done.failed)
    return line | {"retrieved": done.completed, "failed": done.failed}


def _study_line(study: workflow.FoundStudy) -> dict[str, object]:
    return {
        "study_instance_uid": study.study_uid,
        "patient_name": study.name,
        "patient_id": study.number,
        "birth_date": study.birth_date,
        "sex": study.sex,
        "study_date": study.day,
        "modalities": list(study.modalities),
        "description": study.description,
        "accession": study.accession,
        "images": study.images,
    }


def _step_line(step: workflow.ScheduledStep) -> dict[str, object]:
    return {
        "patient_name": step.name,
        "patient_id": step.number,
        "birth_date": step.birth_date,
        "sex": step.sex,
        "study_instance_uid": step.study_uid,
        "step": step.step_id,
        "accession": step.accession,
        "start": step.start.isoformat() if step.start is not None else None,
        "modality": step.modality,
        "station": step.station,
        "description": step.description,
    }


def _peer(arguments: argparse.Namespace, clinic: workflow.Clinic) -> Peer:
    """Who is meant: by name, or as described. Raises UserFacingError."""
    if arguments.peer:
        return workflow.dicom_peer(clinic, Job(), arguments.peer)
    return workflow.new_peer(
        f"{arguments.aec}@{arguments.host}:{arguments.port}", arguments.aec, arguments.host, arguments.port
    )


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and every file below a folder named, in order of their names."""
    found: list[Path] = []
    for path in paths:
        found += sorted(inner for inner in path.rglob("*") if inner.is_file()) if path.is_dir() else [path]
    return found


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Set by Ctrl-C, and by being told to end."""
    stopped = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {one: signal.signal(one, lambda _number, _frame: stopped.set()) for one in signals}
    try:
        yield stopped
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError("a port lies between 0 and 65535")
    return port


def _title(text: str) -> str:
    """An AE title; argparse hands the empty default through here too."""
    if text and not is_title(text):
        raise ValueError("an AE title has 1 to 16 characters of ASCII")
    return text


def _caller(text: str) -> Peer:
    """AE, or AE@ADDRESS."""
    title, _, address = text.partition("@")
    return Peer(text, title, address)


def _days(text: str) -> str:
    """A day or two with a dash between, either of which may be left out."""
    if text and not any(_range(text)):
        raise ValueError("a day is written YYYYMMDD")
    return text


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  # a day has no zone


def _range(text: str) -> tuple[date | None, date | None]:
    first, dash, last = text.partition("-")
    days = tuple(_day(one) if one else None for one in (first, last))
    return (days[0], days[1]) if dash else (days[0], days[0])
