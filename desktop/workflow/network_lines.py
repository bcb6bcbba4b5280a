"""How a peer is called: by which title of ours, and over which line."""

from desktop.network.parts import Line
from desktop.records.dicom_node import Peer
from desktop.workflow.clinic import Clinic
from desktop.workflow.network_settings import stored_settings


def line_to(clinic: Clinic, peer: Peer, title: str = "") -> Line:
    """The line to a peer. title: our AE title, if not the clinic's. Raises UserFacingError
    `network.peer_needs_certificate`, `network.certificate_unreadable`."""
    settings = stored_settings(clinic)
    context = None
    if peer.tls:
        from desktop.network.certificates import client_context

        context = client_context(settings.certificate, settings.private_key, peer.certificate)
    return Line(peer.title, peer.address, peer.port, title or settings.title, context)
