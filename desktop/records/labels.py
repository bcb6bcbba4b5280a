"""What people say about single findings, apart from reading for a report: for learning and for judging models."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from desktop.records.ids import InstanceId, LabelId, StudyId, UserId


class LabelValue(StrEnum):
    """Whether a finding is there."""

    PRESENT = "present"
    ABSENT = "absent"
    UNSURE = "unsure"


class LabelBasis(StrEnum):
    """How somebody knows. BLIND: looked at the picture without having seen what a model suggests. REVIEWED: after
    having seen it. LAY: looked at a single cell, untrained. The others are reference standards, found out otherwise
    than from the picture."""

    BLIND = "blind"
    REVIEWED = "reviewed"
    LAY = "lay"
    SECOND_OPINION = "second_opinion"
    LABORATORY = "laboratory"
    OTHER_IMAGING = "other_imaging"
    FOLLOW_UP = "follow_up"

    @property
    def is_reference(self) -> bool:
        """Whether it is more than another look at the same picture."""
        return self not in (LabelBasis.BLIND, LabelBasis.REVIEWED, LabelBasis.LAY)


@dataclass(frozen=True)
class Label:
    """One person's word on one finding of one picture or trace. Of several by the same author on the same finding and
    basis the newest holds; none is erased. finding: the key models use. note: the author's words, may be empty. A lay
    word is none: it is kept as a `CellLabel`, where nothing that judges or teaches a model looks."""

    id: LabelId
    study: StudyId
    instance: InstanceId
    finding: str
    value: LabelValue
    basis: LabelBasis
    author: UserId
    created: datetime
    note: str = ""

    def __post_init__(self) -> None:
        if not self.finding.strip():
            raise ValueError("a label names a finding")
        if self.basis is LabelBasis.LAY:
            raise ValueError("a lay word is about a cell, not about a picture")
