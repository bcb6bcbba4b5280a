"""The DICOM node: whom it speaks with, what arrived and waits for an answer, what is to be sent."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from desktop.records.ids import AttachmentId, InstanceId, StudyId, UserId
from desktop.records.picture import FileHeader

ArrivalId = NewType("ArrivalId", str)
SendingId = NewType("SendingId", str)
OwedAnswerId = NewType("OwedAnswerId", str)

DEFAULT_TITLE = "LANTERN"
DEFAULT_PORT = 11112
"""Registered for DICOM with IANA, and free for programs without special rights (unlike 104)."""

_TITLE = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")
_MOST_PORT = 65535


def is_title(text: str) -> bool:
    """Whether a text may be an AE title: 1 to 16 printable ASCII characters without a backslash (PS3.5 6.2, VR AE)."""
    return _TITLE.fullmatch(text) is not None


@dataclass(frozen=True)
class Peer:
    """Another program that speaks DICOM.

    name: what the clinic calls it. title: its AE title. address: its IP address or host name, empty for any. port:
    where it listens, 0 where it only sends. tls: the line to it is encrypted. certificate: PEM; what it must prove
    itself with over TLS: its own certificate or that of its authority.
    """

    name: str
    title: str
    address: str = ""
    port: int = 0
    tls: bool = False
    certificate: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or not is_title(self.title):
            raise ValueError("a peer has a name and an AE title")
        if not 0 <= self.port <= _MOST_PORT:
            raise ValueError("a port lies between 1 and 65535")

    @property
    def listens(self) -> bool:
        """Whether something can be asked of it or sent to it."""
        return bool(self.address and self.port)


@dataclass(frozen=True)
class NodeSettings:
    """Our own side. title: our AE title. port: where we listen. tls: callers must speak TLS. certificate, private_key:
    PEM; what we prove ourselves with, empty where there is none. peers: nobody else is answered."""

    on: bool = False
    title: str = DEFAULT_TITLE
    port: int = DEFAULT_PORT
    tls: bool = False
    certificate: str = ""
    private_key: str = ""
    peers: tuple[Peer, ...] = ()

    def __post_init__(self) -> None:
        if not is_title(self.title):
            raise ValueError("not an AE title")
        if not 0 <= self.port <= _MOST_PORT:
            raise ValueError("a port lies between 0 and 65535")
        if len({peer.name for peer in self.peers}) < len(self.peers):
            raise ValueError("two peers of one name")
        if self.tls and not (self.certificate and self.private_key):
            raise ValueError("TLS needs a certificate")


class Doubt(StrEnum):
    """Why it is asked whose an object is. UNSURE: the name fits somebody, but too little says that it is they, or
    something speaks against it."""

    NO_NAME = "no_name"
    NOBODY = "nobody"
    SEVERAL = "several"
    UNSURE = "unsure"


class ArrivalState(StrEnum):
    """What became of it. FILED: it lies with a patient. SET_ASIDE: it is nobody's; it is kept, and not asked about."""

    WAITING = "waiting"
    FILED = "filed"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True)
class Arrival:
    """An object from the network that no rule gave to a patient.

    sent_by: AE title of the caller. header: what the object says of itself. rows, columns: in pixels, 0 for what is no
    picture. instance: where it was filed. settled_by: who answered.
    """

    id: ArrivalId
    attachment: AttachmentId
    received: datetime
    sent_by: str
    doubt: Doubt
    header: FileHeader
    rows: int = 0
    columns: int = 0
    state: ArrivalState = ArrivalState.WAITING
    instance: InstanceId | None = None
    settled_by: UserId | None = None


class SendingState(StrEnum):
    """How far a sending is. SENT: the peer answered that it has everything. COMMITTED: it also promised to keep it
    (storage commitment, PS3.4 annex J). FAILED: given up, or refused for good. CANCELLED: somebody called it off."""

    WAITING = "waiting"
    SENT = "sent"
    COMMITTED = "committed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SendingParts(StrEnum):
    """What of a study goes: its DICOM images, its signed report, or both."""

    IMAGES = "images"
    REPORT = "report"
    BOTH = "both"


@dataclass(frozen=True)
class Sending:
    """A study that goes to a peer.

    peer: its name. attempts: tries so far. next_try: None unless waiting. failure: key of the sentence that says why
    the last try failed, or empty. sent: what the peer has, pictures and reports by the keys they are sent under.
    transaction: UID of the commitment that was asked for, or
    empty. commitment: whether it is to be asked for.
    """

    id: SendingId
    study: StudyId
    peer: str
    created: datetime
    by: UserId
    state: SendingState = SendingState.WAITING
    attempts: int = 0
    next_try: datetime | None = None
    failure: str = ""
    sent: tuple[InstanceId, ...] = ()
    transaction: str = ""
    commitment: bool = True
    parts: SendingParts = SendingParts.IMAGES


class OwedState(StrEnum):
    """What became of an answer. GIVEN_UP: nobody took it; whoever asked has to ask again."""

    WAITING = "waiting"
    TOLD = "told"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class OwedObject:
    """One object we were asked to keep. failure: why we do not promise it (PS3.3 C.14.1.1), None where we do."""

    class_uid: str
    instance_uid: str
    failure: int | None = None


@dataclass(frozen=True)
class OwedAnswer:
    """Our word on a request for storage commitment that whoever asked has not heard yet.

    title, address: who asked. transaction: UID of the request. objects: none any more once it is settled. answered:
    when they were looked up. tried: calls so far. due: when the next one is.
    """

    id: OwedAnswerId
    title: str
    address: str
    transaction: str
    objects: tuple[OwedObject, ...]
    answered: datetime
    due: datetime
    tried: int = 0
    state: OwedState = OwedState.WAITING
