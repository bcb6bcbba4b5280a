"""What passes between the node and whoever runs it: plain values, so that nobody else needs to know pynetdicom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ssl


class Answer(IntEnum):
    """What a caller is told about an object (PS3.4 B.2.3). STORED only once it is on the disk for certain."""

    STORED = 0x0000
    NO_ROOM = 0xA700
    NOT_AS_ANNOUNCED = 0xA900
    NOT_UNDERSTOOD = 0xC000
    NOT_ALLOWED = 0x0124


@dataclass(frozen=True, eq=False)
class Received:
    """An object as it came. data: a whole file (PS3.10) whose data set is byte for byte what was sent. title: the
    caller's AE title."""

    data: bytes = field(repr=False)
    sop_class: str
    instance_uid: str
    transfer_syntax: str
    title: str
    address: str


@dataclass(frozen=True)
class StepQuery:
    """What a device asks of the worklist; what is empty or None does not matter. name: with * and ? as PS3.4 C.2.2.2.4
    says."""

    title: str
    name: str = ""
    number: str = ""
    since: date | None = None
    until: date | None = None
    modality: str = ""


@dataclass(frozen=True)
class Step:
    """One scheduled examination of a worklist (PS3.4 K.6.1.2). name: alphabetic and ideographic groups of a PN.
    birth_date: DICOM's form, empty where not known to the day. sex: M, F, O or empty."""

    name: str
    number: str
    birth_date: str
    sex: str
    study_uid: str
    step_id: str
    accession: str = ""
    start: datetime | None = None
    modality: str = ""
    station: str = ""
    description: str = ""


@dataclass(frozen=True)
class StudyQuery:
    """What is asked of an archive. name: with * and ?. days: DICOM's form, `20260101-20261231`."""

    name: str = ""
    number: str = ""
    days: str = ""
    modality: str = ""
    accession: str = ""
    study_uid: str = ""


@dataclass(frozen=True)
class FoundStudy:
    """One study of an archive, as it describes it; dates in DICOM's form. images: as it counts, None where it does not
    say."""

    study_uid: str
    name: str = ""
    number: str = ""
    birth_date: str = ""
    sex: str = ""
    day: str = ""
    modalities: tuple[str, ...] = ()
    description: str = ""
    accession: str = ""
    images: int | None = None


@dataclass(frozen=True)
class Committed:
    """A peer's word on what it was given: what it keeps for good, and what it does not (PS3.4 J.3.3)."""

    transaction: str
    kept: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True)
class ObjectName:
    """How objects are named to others: by SOP class and instance UID."""

    sop_class: str
    instance_uid: str


@dataclass(frozen=True)
class KeepingAsked:
    """A peer asks us to keep objects for good. title, address: of whoever asks."""

    transaction: str
    objects: tuple[ObjectName, ...]
    title: str
    address: str


class NotKept(IntEnum):
    """Why we do not promise to keep an object (PS3.3 C.14.1.1)."""

    FAILURE = 0x0110
    UNKNOWN = 0x0112
    OTHER_CLASS = 0x0119


@dataclass(frozen=True)
class KeepingAnswer:
    """Our word on such a request: what is here for certain, and what is not."""

    transaction: str
    kept: tuple[ObjectName, ...]
    failed: tuple[tuple[ObjectName, NotKept], ...] = ()


class Desk(Protocol):
    """Who takes what the node receives. Called from several threads; what it raises is told the caller as a failure."""

    def receive(self, received: Received) -> Answer:
        """Keep an object; the answer goes to the caller after this has returned."""

    def worklist(self, query: StepQuery) -> Sequence[Step]:
        """What is to be done today."""

    def committed(self, word: Committed) -> None:
        """A peer answers a request for storage commitment."""

    def keeping(self, asked: KeepingAsked) -> KeepingAnswer:
        """Which of these objects are here for certain. May take as long as reading all of them."""

    def untold(self, asked: KeepingAsked, answer: KeepingAnswer) -> None:
        """The caller has gone without our answer, which it now gets on a call of ours."""

    def quiet(self) -> None:
        """An association is over."""


@dataclass(frozen=True)
class Caller:
    """Who may call. title: empty for any. address: an IP address, empty for any."""

    title: str = ""
    address: str = ""


@dataclass(frozen=True, eq=False)
class Listening:
    """How the node listens. host: empty for every network of this PC. port: 0 for any free one."""

    title: str
    port: int
    host: str = ""
    callers: tuple[Caller, ...] = ()
    tls: "ssl.SSLContext | None" = None


@dataclass(frozen=True, eq=False)
class Line:
    """How a peer is called. title: its AE title. own_title: ours."""

    title: str
    address: str
    port: int
    own_title: str
    tls: "ssl.SSLContext | None" = None
