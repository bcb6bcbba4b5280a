"""The node of an open clinic: started, looked at, and stopped before the clinic is locked."""

import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from desktop.access import Permission
from desktop.jobs import Job
from desktop.network.parts import Caller, Listening
from desktop.records.dicom_node import NodeSettings, Peer
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.network_outbox import Outbox
from desktop.workflow.network_receiving import Reception, Stored
from desktop.workflow.network_settings import stored_settings

_log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"


def _nobody(_stored: Stored) -> None:
    """Nobody wants to hear of it."""


def _nothing() -> None:
    """Nobody wants to hear of it."""


@dataclass(frozen=True)
class Hearers:
    """Who hears of what the node does, from its threads. stored: each object, once it is certain and before its sender
    is answered. quiet: a caller has gone. sent: something was tried to be sent."""

    stored: Callable[[Stored], None] = _nobody
    quiet: Callable[[], None] = _nothing
    sent: Callable[[], None] = _nothing


@dataclass(frozen=True)
class NodeStatus:
    """What the node is doing. stored, not_stored, refused: objects, objects and calls since it started. latest: what
    arrived last, the newest first."""

    title: str
    port: int
    connected: int
    stored: int
    not_stored: int
    refused: int
    latest: tuple[Stored, ...] = field(default=())


class RunningNode:
    """Listens until `stop`, and sends what waits. Stop it before the clinic is locked. outbox: what sends."""

    def __init__(self, clinic: Clinic, settings: NodeSettings, listening: Listening, hearers: Hearers) -> None:
        from desktop.network.node import Node

        self.settings = settings
        self._hearers = hearers
        self._reception = Reception(clinic, hearers.stored, self._gone)
        self._node = Node(listening, self._reception)
        self._node.start()
        self.outbox = Outbox(clinic, hearers.sent)

    @property
    def status(self) -> NodeStatus:
        """How it is going."""
        stored, not_stored = self._reception.counts
        return NodeStatus(
            self.settings.title,
            self._node.port,
            self._node.connected,
            stored,
            not_stored,
            self._node.refused,
            self._reception.latest,
        )

    def stop(self) -> None:
        """Let the object that is being stored or sent come to its end, then listen no more. Harmless twice."""
        self.outbox.stop()
        self._node.stop()

    def _gone(self) -> None:
        """A caller has gone; perhaps without an answer that is owed."""
        if self._reception.owed:
            self.outbox.wake()
        self._hearers.quiet()


@requires(Permission.USE_CLINIC)
def start_dicom_node(clinic: Clinic, job: Job, hearers: Hearers) -> RunningNode | None:
    """Listen as an administrator has set it up, whoever is at the keyboard; None where the node is off.

    Raises KnownFailure `network.port_taken`, `network.port_not_allowed`, `network.cannot_listen`.
    """
    job.check()
    settings = stored_settings(clinic)
    if not settings.on:
        return None
    return RunningNode(clinic, settings, _listening(settings, callers_of(settings.peers), ""), hearers)


@requires(Permission.USE_CLINIC)
def start_outbox(clinic: Clinic, job: Job, hearers: Hearers) -> Outbox:
    """Send what waits although the node is off. Stop it before the clinic is locked."""
    job.check()
    return Outbox(clinic, hearers.sent)


@requires(Permission.IMPORT_IMAGES)
def receive_from(
    clinic: Clinic,
    job: Job,
    hearers: Hearers,
    *,
    title: str = "",
    port: int | None = None,
    peers: Sequence[Peer] = (),
) -> RunningNode:
    """Listen until stopped, whether the node is on or off: for whoever is set up, for `peers`, and, where there is
    nobody of either, for programs on this very PC. title, port: if not those that are set up.

    Raises as `start_dicom_node`.
    """
    job.check()
    settings = stored_settings(clinic)
    callers = callers_of((*settings.peers, *peers))
    host = "" if callers else _LOOPBACK
    wanted = replace(settings, on=True, title=title or settings.title, port=settings.port if port is None else port)
    return RunningNode(clinic, wanted, _listening(wanted, callers or (Caller("", _LOOPBACK),), host), hearers)


def callers_of(peers: Sequence[Peer]) -> tuple[Caller, ...]:
    """Who may call, by AE title and every address its host name stands for now."""
    callers = []
    for peer in peers:
        if not peer.address:
            callers.append(Caller(peer.title))
        for address in _addresses(peer.address):
            callers.append(Caller(peer.title, address))
    return tuple(callers)


def _addresses(host: str) -> set[str]:
    if not host:
        return set()
    with contextlib.suppress(ValueError):
        return {str(ipaddress.ip_address(host))}
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError:
        _log.warning("the name of a peer stands for no address")
        return set()


def _listening(settings: NodeSettings, callers: tuple[Caller, ...], host: str) -> Listening:
    context = None
    if settings.tls:
        from desktop.network.certificates import server_context

        trusted = [peer.certificate for peer in settings.peers if peer.certificate]
        context = server_context(settings.certificate, settings.private_key, trusted)
    return Listening(settings.title, settings.port, host, callers, context)
