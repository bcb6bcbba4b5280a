"""What people say about single cells and germs, cut out of a photograph where a model boxed them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from desktop.records.ids import InstanceId, LabelId, StudyId, SuggestionId, UserId
from desktop.records.labels import LabelBasis, LabelValue


class CellQuestion(StrEnum):
    """What is asked about a cut-out. PARASITE: whether a malaria parasite is in the cell. BACILLUS: whether it is an
    acid-fast bacillus."""

    PARASITE = "parasite"
    BACILLUS = "bacillus"


@dataclass(frozen=True)
class CellBox:
    """Where a cell lies in its picture. x, y: its top left corner; all in pixels of the file."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (self.width > 0 and self.height > 0):
            raise ValueError("a box has a size")


@dataclass(frozen=True)
class CellLabel:
    """One person's word on one cell; of several by the same author on the same cell the newest holds, none is erased.

    suggestion: the answer whose box it is, and so of which version of which model. box: None where the whole picture is
    one cell. basis: LAY of a helper, BLIND or REVIEWED of somebody who reads pictures, who has in the second case seen
    what helpers or a model said.
    """

    id: LabelId
    study: StudyId
    instance: InstanceId
    suggestion: SuggestionId
    box: CellBox | None
    question: CellQuestion
    value: LabelValue
    basis: LabelBasis
    author: UserId
    created: datetime

    def __post_init__(self) -> None:
        if self.basis.is_reference:
            raise ValueError("nobody knows of a single cell otherwise than by looking at it")
