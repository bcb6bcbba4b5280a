"""How this clinic's node is set up: whom it answers, where it listens, what it proves itself with."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.jobs import Job
from desktop.records import AuditAction, Changes
from desktop.records.dicom_node import NodeSettings, Peer, is_title
from desktop.workflow.clinic import Clinic, open_to_all, requires

_MOST_CERTIFICATE_BYTES = 64 * 1024
_MOST_PORT = 65535


@dataclass(frozen=True)
class NodeView:
    """The settings as people see them; the private key is not among them. certificate: PEM, to hand to others, with
    until when it holds and its SHA-256 to compare; empty and None where there is none."""

    on: bool
    title: str
    port: int
    tls: bool
    peers: tuple[Peer, ...]
    certificate: str = ""
    expires: datetime | None = None
    sha256: str = ""


@dataclass(frozen=True)
class NodeChanged:
    """The settings now in force."""

    view: NodeView
    changes: Changes


@requires(Permission.USE_CLINIC)
def dicom_peers(clinic: Clinic, job: Job) -> tuple[Peer, ...]:
    """Whom the clinic knows on its network, by name."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tuple(sorted(tx.node.get().peers, key=lambda peer: peer.name))


@requires(Permission.USE_CLINIC)
def dicom_peer(clinic: Clinic, job: Job, name: str) -> Peer:
    """The peer of that name, if it listens. Raises UserFacingError `network.no_such_peer`,
    `network.peer_does_not_listen`."""
    job.check()
    return find_peer(clinic, name)


@requires(Permission.MANAGE_CLINIC)
def dicom_node(clinic: Clinic, job: Job) -> NodeView:
    """The settings."""
    job.check()
    return _view(stored_settings(clinic))


@requires(Permission.MANAGE_CLINIC)
def set_dicom_node(clinic: Clinic, job: Job, *, on: bool, title: str, port: int, tls: bool) -> NodeChanged:
    """Change our own side. The first time TLS is wanted, a certificate is made.

    Raises UserFacingError `network.bad_title`, `network.bad_port`.
    """
    job.check()
    title = _checked_title(title)
    _check_port(port)
    settings = replace(stored_settings(clinic), on=on, title=title, port=port)
    if tls and not settings.certificate:
        settings = _with_certificate(clinic, settings)
    return _keep(clinic, replace(settings, tls=tls))


@requires(Permission.MANAGE_CLINIC)
def set_dicom_peers(clinic: Clinic, job: Job, peers: Sequence[Peer]) -> NodeChanged:
    """Change who is known. Raises UserFacingError `network.same_name`, `network.bad_address`,
    `network.peer_needs_certificate`, `network.certificate_unreadable`."""
    job.check()
    if len({peer.name for peer in peers}) < len(peers):
        raise UserFacingError("network.same_name")
    for peer in peers:
        check_peer(peer)
    return _keep(clinic, replace(stored_settings(clinic), peers=tuple(peers)))


@requires(Permission.MANAGE_CLINIC)
def renew_dicom_certificate(clinic: Clinic, job: Job) -> NodeChanged:
    """Make another certificate; the peers need it before they can speak TLS with us again."""
    job.check()
    return _keep(clinic, _with_certificate(clinic, stored_settings(clinic)))


@requires(Permission.MANAGE_CLINIC)
def read_certificate(clinic: Clinic, job: Job, path: Path) -> str:
    """A peer's certificate from a PEM file. Raises UserFacingError `network.certificate_unreadable`, of the disk."""
    from desktop.network.certificates import describe

    job.check()
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_CERTIFICATE_BYTES + 1)
    except OSError as error:
        raise from_os_error(error) from error
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise UserFacingError("network.certificate_unreadable") from error
    if len(data) > _MOST_CERTIFICATE_BYTES or "PRIVATE KEY" in text:
        raise UserFacingError("network.certificate_unreadable")
    describe(text)
    return text


@requires(Permission.MANAGE_CLINIC)
def save_dicom_certificate(clinic: Clinic, job: Job, path: Path) -> None:
    """Write our certificate, without its key, for whoever sets up other devices. Raises KnownFailure of the disk."""
    job.check()
    try:
        path.write_text(stored_settings(clinic).certificate, encoding="ascii")
    except OSError as error:
        raise from_os_error(error) from error


@open_to_all
def new_peer(name: str, title: str, address: str, port: int, *, tls: bool = False, certificate: str = "") -> Peer:
    """A peer out of what was typed. Raises UserFacingError `network.name_missing`, `network.bad_title`,
    `network.bad_port`, and as `check_peer`."""
    if not name.strip():
        raise UserFacingError("network.name_missing")
    if port:
        _check_port(port)
    peer = Peer(name.strip(), _checked_title(title), address.strip(), port, tls, certificate)
    check_peer(peer)
    return peer


def check_peer(peer: Peer) -> None:
    """Whether a peer can be spoken with as it is described. Raises UserFacingError."""
    from desktop.network.certificates import describe

    if peer.port and not peer.address:
        raise UserFacingError("network.bad_address")
    if peer.address and not _may_be_host(peer.address):
        raise UserFacingError("network.bad_address")
    if peer.certificate:
        describe(peer.certificate)
    elif peer.tls:
        raise UserFacingError("network.peer_needs_certificate")


def stored_settings(clinic: Clinic) -> NodeSettings:
    """The settings with everything in them; for the node itself."""
    with clinic.store.snapshot() as tx:
        return tx.node.get()


def find_peer(clinic: Clinic, name: str) -> Peer:
    """A peer by name. Raises UserFacingError `network.no_such_peer`, `network.peer_does_not_listen`."""
    for peer in stored_settings(clinic).peers:
        if peer.name.casefold() == name.strip().casefold():
            if not peer.listens:
                raise UserFacingError("network.peer_does_not_listen")
            return peer
    raise UserFacingError("network.no_such_peer", kind=ErrorKind.NOT_FOUND)


def _keep(clinic: Clinic, settings: NodeSettings) -> NodeChanged:
    with clinic.store.transaction() as tx:
        if tx.node.get() != settings:
            tx.node.set(settings)
            tx.audit.add(AuditAction.CHANGE_NODE, "node", actor=clinic.actor)
    return NodeChanged(_view(settings), Changes(network=True))


def _with_certificate(clinic: Clinic, settings: NodeSettings) -> NodeSettings:
    from desktop.network.certificates import make

    certificate, key = make(settings.title, clinic.clock())
    return replace(settings, certificate=certificate, private_key=key)


def _view(settings: NodeSettings) -> NodeView:
    seen = NodeView(settings.on, settings.title, settings.port, settings.tls, settings.peers)
    if not settings.certificate:
        return seen
    from desktop.network.certificates import describe

    found = describe(settings.certificate)
    return replace(seen, certificate=settings.certificate, expires=found.expires, sha256=found.sha256)


def _checked_title(title: str) -> str:
    title = title.strip()
    if not is_title(title):
        raise UserFacingError("network.bad_title")
    return title


def _check_port(port: int) -> None:
    if not 1 <= port <= _MOST_PORT:
        raise UserFacingError("network.bad_port")


def _may_be_host(text: str) -> bool:
    """An IP address or a host name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return all(part and part.isascii() and part.replace("-", "").isalnum() for part in text.split(".")) and (
            not text.replace(".", "").isdigit()
        )
    return True
