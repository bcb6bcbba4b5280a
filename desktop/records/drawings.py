"""Pictures marked as key images, and drawings that came in files of other programs.

An imported drawing never becomes one of ours: it lies in a record of its own, which says where it came from.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from desktop.records.ids import AnnotationId, AttachmentId, InstanceId, KeyImageId, MarksId, PatientId, UserId
from desktop.records.reviews import AnnotationKind


class MarksFormat(StrEnum):
    """Files that hold marks on pictures: softcopy presentation states (PS3.3 A.33), measurement reports (PS3.16 TID
    1500, and structured reports with coordinates), key object selections (PS3.3 A.35.4)."""

    PRESENTATION = "presentation"
    MEASUREMENTS = "measurements"
    KEY_IMAGES = "key_images"


@dataclass(frozen=True)
class KeyImage:
    """A picture somebody marked as one to look at.

    frame: of the instance, counted from 1. deleted: a later row of the same id takes the mark away; nothing is erased.
    """

    id: KeyImageId
    instance: InstanceId
    author: UserId
    created: datetime
    deleted: bool = False
    frame: int = 1

    def __post_init__(self) -> None:
        if self.frame < 1:
            raise ValueError("frames are counted from 1")


@dataclass(frozen=True)
class MarkedPicture:
    """A picture a file of another program points at: its SOP instance UID, and which frame, from 1."""

    instance_uid: str
    frame: int = 1


@dataclass(frozen=True)
class ImportedDrawing:
    """A drawing as a file of another program has it.

    instance_uid: SOP instance of the picture. frame: which of its frames, from 1. kind: which of our drawings it is,
    None for lines that are none of them. points: as `Annotation.points`; without a kind, the corners of one line,
    joined to the first where it is closed, or the one place a text belongs to. label: its words. stated: what the file
    says it measures, a line each. observer, created: who drew it and when, as the file says. tracking_uid: what the
    file calls it, or empty.
    """

    id: AnnotationId
    instance_uid: str
    points: tuple[tuple[float, float], ...]
    kind: AnnotationKind | None = None
    closed: bool = False
    frame: int = 1
    label: str = ""
    stated: tuple[str, ...] = ()
    observer: str = ""
    created: datetime | None = None
    tracking_uid: str = ""

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError("a drawing needs its points")
        if self.frame < 1:
            raise ValueError("frames are counted from 1")


@dataclass(frozen=True)
class ImportedMarks:
    """What one file marks on pictures of a study.

    source: who made the file, in the file's own words (station, program, institution). drawings, key_images: they name
    SOP instances, so pictures that come later find their marks. hidden: drawings somebody took off the screen; a later
    row of the same id says so, and nothing is erased. title: what the file calls itself. made: when, as the file says.
    """

    id: MarksId
    patient: PatientId
    attachment: AttachmentId
    study_uid: str
    format: MarksFormat
    source: str
    author: UserId
    added: datetime
    drawings: tuple[ImportedDrawing, ...] = ()
    key_images: tuple[MarkedPicture, ...] = ()
    hidden: tuple[AnnotationId, ...] = ()
    title: str = ""
    made: datetime | None = None

    @property
    def shown(self) -> tuple[ImportedDrawing, ...]:
        """The drawings that nobody hid."""
        return tuple(drawing for drawing in self.drawings if drawing.id not in self.hidden)
