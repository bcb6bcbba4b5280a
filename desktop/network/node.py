"""The node that listens: takes objects, answers echoes and worklist queries, says and hears what is kept for good."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, _config, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from desktop.errors import ErrorKind, KnownFailure
from desktop.network import limits
from desktop.network.commitment import ASK, COMMITMENT, read_report, read_request, tell
from desktop.network.guard import GuardedServer
from desktop.network.parts import Answer, Caller, Desk, KeepingAsked, Listening, Received
from desktop.network.worklist import read_query, to_data_set

_log = logging.getLogger(__name__)

# What pynetdicom would log are names and whole data sets; and a line for each PDU takes longer than the PDU.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False

VERIFICATION = "1.2.840.10008.1.1"
WORKLIST = "1.2.840.10008.5.1.4.31"

# The pixels of JPIP and SMPTE ST 2110 lie elsewhere; all others are kept as they come.
_ELSEWHERE = ("1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.7.")
_EXPLICIT = "1.2.840.10008.1.2.1"
TRANSFER_SYNTAXES = sorted(
    (str(uid) for uid in ALL_TRANSFER_SYNTAXES if not str(uid).startswith(_ELSEWHERE)),
    # The first that both know is agreed on: lengths and kinds written out are worth more than the oldest form.
    key=lambda uid: uid != _EXPLICIT,
)
_PENDING, _CANCELLED, _DONE, _FAILED = 0xFF00, 0xFE00, 0x0000, 0xC001
_NO_SUCH_ACTION, _INVALID_ARGUMENT, _NO_RESOURCES = 0x0123, 0x0115, 0x0213
_STOP_SECONDS = 30.0
_HANG_UP_SECONDS = 0.3
"""In which a caller that wants its answer on another line has hung up."""


class Node:
    """Listens from `start` to `stop`."""

    def __init__(self, listening: Listening, desk: Desk) -> None:
        self._listening = listening
        self._desk = desk
        self._server: GuardedServer | None = None
        self._thread: threading.Thread | None = None
        self._busy = 0
        self._idle = threading.Condition()
        self._stopping = False
        self._gone = threading.Event()
        self._answering = threading.Semaphore(limits.MOST_KEEPINGS)

    @property
    def port(self) -> int:
        """Where it listens really; 0 while it does not."""
        return int(self._server.server_address[1]) if self._server is not None else 0

    @property
    def connected(self) -> int:
        """How many callers are connected."""
        return self._server.places.taken if self._server is not None else 0

    @property
    def refused(self) -> int:
        """How many calls were refused since it started."""
        return self._server.refused if self._server is not None else 0

    def start(self) -> None:
        """Listen. Raises KnownFailure `network.port_taken`, `network.port_not_allowed`, `network.cannot_listen`."""
        wanted = self._listening
        entity = AE(wanted.title)
        entity.maximum_pdu_size = limits.ASKED_PDU
        entity.maximum_associations = limits.MOST_ASSOCIATIONS
        entity.acse_timeout = limits.REQUEST_SECONDS
        entity.dimse_timeout = limits.ANSWER_SECONDS
        entity.network_timeout = limits.IDLE_SECONDS
        entity.require_called_aet = True
        handlers = [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_RELEASED, self._over),
            (evt.EVT_ABORTED, self._over),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_N_EVENT_REPORT, self._report),
            (evt.EVT_N_ACTION, self._asked_to_keep),
        ]
        try:
            self._server = GuardedServer(
                entity, (wanted.host, wanted.port), _contexts(), handlers, known=self._known, tls=wanted.tls
            )
        except OSError as error:
            raise _cannot_listen(error, wanted.port) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="dicom-node", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Take no more calls, let what is being stored come to its end, hang up on the rest. Harmless twice."""
        server = self._server
        if server is None:
            return
        self._stopping = True
        self._gone.set()
        server.stop()
        end = time.monotonic() + _STOP_SECONDS
        with self._idle:
            while self._busy and time.monotonic() < end:
                self._idle.wait(0.2)
        for association in server.active_associations:
            association.abort(block=False)
        while server.places.taken and time.monotonic() < end:
            time.sleep(0.02)
        self._server = None

    def _known(self, host: str) -> bool:
        """Whether any caller may come from there."""
        return not self._stopping and any(_same_host(caller, host) for caller in self._listening.callers)

    def _requested(self, event: evt.Event) -> None:
        """Refuse whoever is not on the list, before anything is negotiated."""
        association = event.assoc
        title = _text(cast(Any, association.requestor.primitive).calling_ae_title)
        host = str(association.requestor.address)
        for caller in self._listening.callers:
            if caller.title in ("", title) and _same_host(caller, host):
                return
        if self._server is not None:
            self._server.refused += 1
        # Rejected for good, by the user of the service, calling AE title not recognised (PS3.8 table 9-21).
        association.acse.send_reject(0x01, 0x01, 0x03)
        association.kill()

    def _over(self, _event: evt.Event) -> None:
        self._desk.quiet()

    def _store(self, event: evt.Event) -> int:
        request = cast(Any, event.request)
        if not self._begin():
            return int(Answer.NO_ROOM)
        try:
            return int(self._desk.receive(_received(event, request)))
        except MemoryError:
            return int(Answer.NO_ROOM)
        except Exception as error:
            _log.warning("an object was not kept: %s", type(error).__name__)
            return int(Answer.NO_ROOM)
        finally:
            self._end()

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        if str(event.context.abstract_syntax) != WORKLIST:
            yield _FAILED, None
            return
        if not self._begin():
            yield _FAILED, None
            return
        try:
            query = read_query(event.identifier, _text(event.assoc.requestor.ae_title))
            steps = list(self._desk.worklist(query))[: limits.MOST_ANSWERS]
        except Exception as error:
            _log.warning("a worklist query was not answered: %s", type(error).__name__)
            yield _FAILED, None
            return
        finally:
            self._end()
        for step in steps:
            if event.is_cancelled:
                yield _CANCELLED, None
                return
            yield _PENDING, to_data_set(step, query)

    def _report(self, event: evt.Event) -> tuple[int, None]:
        word = read_report(event.event_information)
        if word is not None and self._begin():
            try:
                self._desk.committed(word)
            except Exception as error:
                _log.warning("a commitment was not noted: %s", type(error).__name__)
                return 0x0110, None
            finally:
                self._end()
        return _DONE, None

    def _asked_to_keep(self, event: evt.Event) -> tuple[int, None]:
        """Take a request for storage commitment. It is answered once everything named was looked at: on this line if
        the caller waits, else on one of ours."""
        association = event.assoc
        if str(event.context.abstract_syntax) != COMMITMENT or event.action_type != ASK:
            return _NO_SUCH_ACTION, None
        caller, host = _text(association.requestor.ae_title), str(association.requestor.address)
        asked = read_request(event.action_information, caller, host)
        if asked is None:
            return _INVALID_ARGUMENT, None
        if not self._answering.acquire(blocking=False):
            return _NO_RESOURCES, None
        threading.Thread(target=self._answer, args=(association, asked), name="dicom-keeping", daemon=True).start()
        return _DONE, None

    def _answer(self, association: Association, asked: KeepingAsked) -> None:
        try:
            if not self._begin():
                return
            try:
                answer = self._desk.keeping(asked)
                self._gone.wait(_HANG_UP_SECONDS)
                if not (association.is_established and tell(association, answer)):
                    self._desk.untold(asked, answer)
            except Exception as error:
                _log.warning("a request for commitment was not answered: %s", type(error).__name__)
            finally:
                self._end()
        finally:
            self._answering.release()

    def _begin(self) -> bool:
        with self._idle:
            if self._stopping:
                return False
            self._busy += 1
            return True

    def _end(self) -> None:
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()


def _contexts() -> list[PresentationContext]:
    """What the node serves."""
    contexts = [
        build_context(context.abstract_syntax or "", TRANSFER_SYNTAXES) for context in AllStoragePresentationContexts
    ]
    contexts += [build_context(VERIFICATION), build_context(WORKLIST)]
    commitment = build_context(COMMITMENT)
    # A peer that calls back to say what it committed to is the service's provider, though it calls.
    commitment.scu_role = commitment.scp_role = True
    return [*contexts, commitment]


def _received(event: evt.Event, request: Any) -> Received:
    association = event.assoc
    return Received(
        event.encoded_dataset(),
        str(request.AffectedSOPClassUID),
        str(request.AffectedSOPInstanceUID),
        str(event.context.transfer_syntax),
        _text(association.requestor.ae_title),
        str(association.requestor.address),
    )


def _same_host(caller: Caller, host: str) -> bool:
    plain = host.removeprefix("::ffff:")
    return caller.address in ("", host, plain)


def _text(title: object) -> str:
    return (title.decode("ascii", "replace") if isinstance(title, bytes) else str(title)).strip()


def _cannot_listen(error: OSError, port: int) -> KnownFailure:
    import errno

    if error.errno == errno.EADDRINUSE:
        return KnownFailure("network.port_taken", kind=ErrorKind.IO, port=port)
    if error.errno in (errno.EACCES, errno.EPERM):
        return KnownFailure("network.port_not_allowed", kind=ErrorKind.IO, port=port)
    return KnownFailure("network.cannot_listen", kind=ErrorKind.IO, port=port)
