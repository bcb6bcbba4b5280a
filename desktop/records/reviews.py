"""What the doctor read, decided and drew. All of it append-only."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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
    """What the doctor does with a finding; ADDED is a finding the model does not know."""

    ACCEPT = "accept"
    AMEND = "amend"
    REJECT = "reject"
    ADDED = "added"


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


class AnnotationKind(StrEnum):
    """What was drawn."""

    REGION = "region"
    LENGTH = "length"


@dataclass(frozen=True)
class Annotation:
    """A drawing on a picture.

    points: (x, y) in picture pixels, x to the right, y down, pixel centres at integers. REGION: a closed polygon of at
    least 3 points or the 2 corners of a rectangle. LENGTH: 2 points. label: the doctor's words, may be empty.
    deleted: a later row with the same id hides it; nothing is erased.
    """

    id: AnnotationId
    instance: InstanceId
    kind: AnnotationKind
    points: tuple[tuple[float, float], ...]
    label: str
    author: UserId
    created: datetime
    deleted: bool = False

    def __post_init__(self) -> None:
        if len(self.points) < 2 or (self.kind is AnnotationKind.LENGTH and len(self.points) != 2):
            raise ValueError("a drawing needs its points")
