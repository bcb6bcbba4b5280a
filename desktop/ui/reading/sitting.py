"""One study on the screen and how far its reading is: what every part of the reading panel is shown."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from desktop.errors import UserFacingError

if TYPE_CHECKING:
    from desktop.workflow import OpenStudy, Policy, Reading


class StudyKind(StrEnum):
    """What lies on the desk: a film or photograph, a trace, or piles of slices."""

    FILM = "film"
    TRACE = "trace"
    SLICES = "slices"


@dataclass(frozen=True, eq=False)
class Sitting:
    """Replaced, never changed, whenever something happens.

    asking: a model is at work on this study. asked: it was asked since the study was opened. failure: why it gave
    nothing. may_*: what the user's roles allow; words and buttons follow.
    """

    study: "OpenStudy"
    reading: "Reading"
    policy: "Policy"
    may_read: bool
    may_sign: bool
    may_export: bool
    asking: bool = False
    asked: bool = False
    failure: UserFacingError | None = None

    @property
    def signed(self) -> bool:
        """Whether the report is signed; from then on nothing but addenda is written."""
        return bool(self.reading.reports)

    @property
    def kind(self) -> StudyKind:
        """What is read."""
        if self.study.recordings:
            return StudyKind.TRACE
        return StudyKind.SLICES if self.study.sliced else StudyKind.FILM

    @property
    def no_model(self) -> bool:
        """Whether nothing is sealed, for no model on this PC speaks of what is read."""
        if self.reading.suggestion_ready:
            return False
        heard = self.asked and not self.asking and self.failure is None
        return self.kind is StudyKind.SLICES or heard

    @property
    def may_preview(self) -> bool:
        """Whether there is a report to look at, and the user may."""
        return self.may_export if self.signed else self.may_read and bool(self.reading.impressions)

    @property
    def writable(self) -> bool:
        """Whether the user may still write into this reading."""
        return self.may_read and not self.signed
