"""What became of each file of an import."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from desktop.records import StudyId


class Status(StrEnum):
    """As the command line says it."""

    OK = "ok"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    ERROR = "error"


@dataclass(frozen=True)
class FileOutcome:
    """One file. words: what happened and what to do, empty where there is nothing to say. study: where it lies now."""

    path: Path
    status: Status
    words: str = ""
    study: StudyId | None = None


@dataclass(frozen=True)
class Summary:
    """Counts of an import, for its last sentence."""

    kept: int
    duplicates: int
    failed: int

    @classmethod
    def of(cls, outcomes: tuple[FileOutcome, ...]) -> "Summary":
        """Count."""
        statuses = [outcome.status for outcome in outcomes]
        return cls(
            statuses.count(Status.OK),
            statuses.count(Status.DUPLICATE),
            statuses.count(Status.REFUSED) + statuses.count(Status.ERROR),
        )
