"""What a check of the clinic finds, and the collector the single checks write into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from desktop.records import AuditHead

# Whoever rewrote everything need not be told of each line: the first ones say what happened.
_MOST_OF_A_KIND = 1000


class ProblemKind(StrEnum):
    """Where something is wrong, as the command line names it."""

    KEYSTORE = "keystore"
    UNLOCK = "unlock"
    DATABASE = "database"
    ROLLBACK = "rollback"
    AUDIT = "audit"
    ANCHOR = "anchor"
    RECORD = "record"
    ATTACHMENT = "attachment"


@dataclass(frozen=True)
class Problem:
    """Something is not what was written.

    where: a file of the clinic's folder, `audit/<sequence>`, or `<table>/<id>`; never a name. key: names the sentence
    (`key`) and what to do (`key.advice`). details: values for both.
    """

    kind: ProblemKind
    where: str
    key: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """An honest remain of a crash; nothing to do. key names the sentence."""

    where: str
    key: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Inventory:
    """SHA-256 (hex) of what the clinic holds, by id.

    patients: the stored bytes of the record. attachments: the plain bytes of each imported file, as they were read
    back; one that cannot be read is left out. reports: the bytes that were signed.
    """

    patients: Mapping[str, str] = field(default_factory=dict)
    attachments: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """What was found. counts: rows by table. head: the audit chain's newest line, None where it cannot be read.
    inventory: empty unless it was asked for."""

    problems: tuple[Problem, ...]
    notes: tuple[Note, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    head: AuditHead | None = None
    inventory: Inventory = Inventory()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class Findings:
    """Collects while the checks run."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.head: AuditHead | None = None
        self.patients: dict[str, str] = {}
        self.attachments: dict[str, str] = {}
        self.reports: dict[str, str] = {}
        self._problems: list[Problem] = []
        self._notes: list[Note] = []
        self._told: dict[ProblemKind, int] = {}

    def problem(self, kind: ProblemKind, where: str, key: str, **details: object) -> None:
        """Something is wrong. Of one kind, the first thousand are kept."""
        self._told[kind] = self._told.get(kind, 0) + 1
        if self._told[kind] <= _MOST_OF_A_KIND:
            self._problems.append(Problem(kind, where, key, details))

    def note(self, where: str, key: str, **details: object) -> None:
        """Something is worth a word and not wrong."""
        if len(self._notes) < _MOST_OF_A_KIND:
            self._notes.append(Note(where, key, details))

    def include(self, earlier: Verification) -> None:
        """What was found before."""
        for problem in earlier.problems:
            self.problem(problem.kind, problem.where, problem.key, **problem.details)
        for note in earlier.notes:
            self.note(note.where, note.key, **note.details)

    def has(self, kind: ProblemKind) -> bool:
        """Whether a problem of that kind was found."""
        return kind in self._told

    def verification(self) -> Verification:
        """Everything found so far."""
        return Verification(
            tuple(self._problems),
            tuple(self._notes),
            self.counts,
            self.head,
            Inventory(self.patients, self.attachments, self.reports),
        )
