"""What the clinic remembers of its backups: each one that was made, that failed or that was proven, and the plan."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows

RUN = "backup_run"
PLAN = "backup_plan"

# There is one plan.
PLAN_ID = "plan"
_LONGEST_INTERVAL_HOURS = 24 * 7


class RunKind(StrEnum):
    """What was done. DRILL: a backup was restored to a scratch place and proven. RESTORE: this store came from one."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    DRILL = "drill"
    RESTORE = "restore"


@dataclass(frozen=True)
class BackupRun:
    """One backup, drill or restore.

    ok: it is verified. failure: key of the sentence that says why it is not, or empty. backup, made, sequence: the
    backup's id, its moment and the last audit line it holds; empty, None and 0 where none came about. place: the
    backup's folder; of a restore, where it lay then. medium: id of the scheduled medium, or empty.
    """

    id: str
    kind: RunKind
    finished: datetime
    ok: bool
    failure: str = ""
    backup: str = ""
    made: datetime | None = None
    sequence: int = 0
    place: str = ""
    medium: str = ""

    @property
    def as_of(self) -> datetime:
        """What was done until then is in the backup. It was finished soon after; a restore may come years later."""
        return self.made if self.kind is RunKind.RESTORE and self.made is not None else self.finished


@dataclass(frozen=True)
class PlannedPlace:
    """A folder or USB stick that takes scheduled backups. medium: the id written on it, so that a stranger's stick in
    the same socket is not taken for it."""

    path: str
    medium: str


@dataclass(frozen=True)
class BackupPlan:
    """When and where backups are made unasked.

    places: the one whose last backup is oldest is taken, so that two sticks may alternate. hour: of the day, local
    time (0–23), from which on the day's backup is due; None: `every_hours` after the last one.
    """

    places: tuple[PlannedPlace, ...] = ()
    hour: int | None = None
    every_hours: int = 24

    def __post_init__(self) -> None:
        if self.hour is not None and not 0 <= self.hour <= 23:
            raise ValueError("an hour lies between 0 and 23")
        if not 1 <= self.every_hours <= _LONGEST_INTERVAL_HOURS:
            raise ValueError("backups are made at least once a week")


class Backups:
    """The rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, run: BackupRun) -> None:
        """Remember a run."""
        self._rows.run(
            "INSERT INTO backup_runs (id, kind, ok, medium, record) VALUES (?, ?, ?, ?, ?)",
            (run.id, run.kind.value, int(run.ok), run.medium, self._rows.written(RUN, run.id, run)),
        )

    def latest(self, *kinds: RunKind, ok: bool | None = None) -> BackupRun | None:
        """The newest run of those kinds: that went well, that did not, or either."""
        return next(iter(self.newest(*kinds, ok=ok, limit=1)), None)

    def newest(self, *kinds: RunKind, ok: bool | None = None, limit: int = 100) -> list[BackupRun]:
        """Runs of those kinds, newest first: that went well, that did not, or either."""
        marks = ", ".join("?" * len(kinds))
        wanted = (0, 1) if ok is None else (int(ok), int(ok))
        rows = self._rows.all(
            f"SELECT record FROM backup_runs WHERE ok IN (?, ?) AND kind IN ({marks}) ORDER BY key DESC LIMIT ?",
            (*wanted, *(kind.value for kind in kinds), limit),
        )
        return [from_canonical(BackupRun, row[0]) for row in rows]

    def last_on(self, medium: str) -> BackupRun | None:
        """The newest verified backup on a scheduled medium."""
        row = self._rows.one(
            "SELECT record FROM backup_runs WHERE ok = 1 AND medium = ? ORDER BY key DESC LIMIT 1", (medium,)
        )
        return from_canonical(BackupRun, row[0]) if row else None

    def plan(self) -> BackupPlan:
        """The plan; one without places where nobody made one."""
        row = self._rows.one("SELECT record FROM backup_plans WHERE id = ?", (PLAN_ID,))
        return from_canonical(BackupPlan, row[0]) if row else BackupPlan()

    def set_plan(self, plan: BackupPlan) -> None:
        """Change the plan."""
        self._rows.run(
            """INSERT INTO backup_plans (id, record) VALUES (?, ?)
               ON CONFLICT (id) DO UPDATE SET record = excluded.record""",
            (PLAN_ID, self._rows.written(PLAN, PLAN_ID, plan)),
        )
