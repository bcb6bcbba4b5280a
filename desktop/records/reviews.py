"""What the doctor read, decided and drew. All of it append-only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from desktop.records.ids import (
    AnnotationId,
    ImpressionId,
    InstanceId,
    ReviewId,
    StudyId,
    SuggestionId,
    UserId,
)
from desktop.records.suggestions import Decision


class Verdict(StrEnum):
    """What the doctor does with a finding; ADDED is a finding the model does not know, WITHDRAWN takes the decision
    before it back: from then on there is none."""

    ACCEPT = "accept"
    AMEND = "amend"
    REJECT = "reject"
    ADDED = "added"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Impression:
    """The doctor's own reading. before_reveal: written while the suggestion was still sealed."""

    id: ImpressionId
    study: StudyId
    author: UserId
    text: str
    created: datetime
    before_reveal: bool

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("an impression needs words")


@dataclass(frozen=True)
class Review:
    """The doctor's decision on one finding; the newest row per finding counts, the older ones stay.

    suggestion: None for an ADDED finding. finding: the finding's key, or the doctor's words for an ADDED one.
    value: what holds now, in the doctor's view. An AMEND needs a value, a REJECT or AMEND may say why.
    """

    id: ReviewId
    study: StudyId
    suggestion: SuggestionId | None
    finding: str
    verdict: Verdict
    value: Decision | None
    reason: str
    author: UserId
    created: datetime

    def __post_init__(self) -> None:
        if not self.finding.strip():
            raise ValueError("a review names a finding")
        if self.verdict is Verdict.AMEND and self.value is None:
            raise ValueError("an amendment needs a value")
        if (self.verdict is Verdict.ADDED) != (self.suggestion is None):
            raise ValueError("only an added finding stands without a suggestion")
        if self.verdict is Verdict.WITHDRAWN and self.value is not None:
            raise ValueError("a decision taken back holds nothing")

    @property
    def question(self) -> "Question":
        """What it is about."""
        return Question(self.suggestion, self.finding)


class Question(NamedTuple):
    """What a decision is about: a finding of one suggestion, or one the doctor added (no suggestion). The same finding
    of another picture or of another model is another question."""

    suggestion: SuggestionId | None
    finding: str


def standing(reviews: Iterable[Review]) -> dict[Question, Review]:
    """The decisions that hold: the newest about each question, without those taken back. reviews: oldest first."""
    newest = {review.question: review for review in reviews}
    return {about: review for about, review in newest.items() if review.verdict is not Verdict.WITHDRAWN}


class AnnotationKind(StrEnum):
    """What was drawn. The points of each, in order:

    REGION: the corners of a polygon, 3 or more, or 2 opposite corners of a rectangle. FREEHAND: a closed line drawn by
    hand, 3 or more. ELLIPSE: 2 opposite corners of the rectangle around it. POINT: 1. LENGTH, CALIBRATION: 2 ends.
    ANGLE: end, vertex, end. COBB: 2 ends of each of two lines. BIDIRECTIONAL: the ends of the long axis, then of the
    short one. CARDIOTHORACIC: 2 of the heart, 2 of the chest, then 2 of the midline where the film is askew. COUNT: 1
    or more of what was counted under one name, the label. GRID_DISC, GRID_FOVEA: the middle of a macular grid, then 2
    that give its size: opposite rims of the optic disc, or the centres of disc and fovea.
    """

    REGION = "region"
    LENGTH = "length"
    ANGLE = "angle"
    COBB = "cobb"
    BIDIRECTIONAL = "bidirectional"
    CARDIOTHORACIC = "cardiothoracic"
    ELLIPSE = "ellipse"
    FREEHAND = "freehand"
    POINT = "point"
    CALIBRATION = "calibration"
    COUNT = "count"
    GRID_DISC = "grid_disc"
    GRID_FOVEA = "grid_fovea"


_POINTS = {
    AnnotationKind.REGION: (2, None),
    AnnotationKind.LENGTH: (2, 2),
    AnnotationKind.ANGLE: (3, 3),
    AnnotationKind.COBB: (4, 4),
    AnnotationKind.BIDIRECTIONAL: (4, 4),
    AnnotationKind.CARDIOTHORACIC: (4, 6),
    AnnotationKind.ELLIPSE: (2, 2),
    AnnotationKind.FREEHAND: (3, None),
    AnnotationKind.POINT: (1, 1),
    AnnotationKind.CALIBRATION: (2, 2),
    AnnotationKind.COUNT: (1, None),
    AnnotationKind.GRID_DISC: (3, 3),
    AnnotationKind.GRID_FOVEA: (3, 3),
}
"""The fewest and the most points of each kind."""


@dataclass(frozen=True)
class Annotation:
    """A drawing on a picture.

    points: (x, y) in picture pixels, x to the right, y down, pixel centres at integers; how many of them and in which
    order, `AnnotationKind` says. label: the doctor's words, may be empty; of a CALIBRATION it is how many millimetres
    the known object is long, as a decimal number (a field of its own would change the bytes of every signed report).
    deleted: a later row with the same id hides it; nothing is erased. frame: of the instance, counted from 1 as DICOM
    does (PS3.3 10.3, Referenced Frame Number); a picture of one frame has no other.
    """

    id: AnnotationId
    instance: InstanceId
    kind: AnnotationKind
    points: tuple[tuple[float, float], ...]
    label: str
    author: UserId
    created: datetime
    deleted: bool = False
    frame: int = 1

    def __post_init__(self) -> None:
        if self.frame < 1:
            raise ValueError("frames are counted from 1")
        fewest, most = _POINTS[self.kind]
        if not fewest <= len(self.points) <= (most or len(self.points)):
            raise ValueError("a drawing needs its points")
        if self.kind is AnnotationKind.CARDIOTHORACIC and len(self.points) == 5:
            raise ValueError("a midline has two points")
        if self.kind is AnnotationKind.CALIBRATION and self.millimetres is None:
            raise ValueError("a calibration says how long its object is")

    @property
    def millimetres(self) -> float | None:
        """How long the known object of a CALIBRATION is, under ten metres; None for every other kind."""
        if self.kind is not AnnotationKind.CALIBRATION:
            return None
        try:
            length = float(self.label)
        except ValueError:
            return None
        return length if 0 < length < 10_000 else None
