"""Wrong passphrases slow the next try down, and are remembered until the next unlock can put them into the audit chain.

While the clinic is locked there is no key to authenticate these two files with: whoever can write the folder can remove
them. They stop guessing at the keyboard; against a copied folder only the cost of Argon2id stands.
"""

import contextlib
import json
import math
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import new_id

COUNTER = "unlock-attempts.json"
PENDING = "unlock-failures.jsonl"

_LONGEST_WAIT = 30
_FREE_FAILURES = 1
_MOST_PENDING = 1000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FailedUnlock:
    """One failed try. user: the user id if such a user exists, else empty. Never what was typed."""

    id: str
    time: datetime
    user: str

    @property
    def reason(self) -> str:
        """What the audit line says: when it happened, and the try's own id so that none is told twice."""
        return f"{self.time.isoformat(timespec='seconds')} {self.id}"


@dataclass(frozen=True)
class _Counter:
    failures: int = 0
    last: datetime = _LONG_AGO

    def wait(self, now: datetime) -> float:
        """Seconds still to wait: none after the first failure, then 1, 2, 4 … 30."""
        if self.failures <= _FREE_FAILURES:
            return 0.0
        delay = float(min(_LONGEST_WAIT, 1 << min(self.failures - _FREE_FAILURES - 1, 10)))
        passed = (now - self.last).total_seconds()
        # A clock set back would otherwise lock people out until the old time comes round again.
        return min(delay, max(0.0, delay - passed))


def seconds_to_wait(folder: Path) -> int:
    """Whole seconds until the next try is allowed; 0 when it is allowed now."""
    return math.ceil(_load(folder).wait(datetime.now(UTC)))


def admit(folder: Path, wait: Callable[[float], None] | None) -> None:
    """Let a try begin, counted beforehand so that killing the program does not save it.

    wait: called with the seconds to wait, if the caller would rather wait than be told. Raises UserFacingError
    `unlock.wait` with `seconds` where there is none.
    """
    counter = _load(folder)
    remaining = counter.wait(datetime.now(UTC))
    if remaining > 0:
        if wait is None:
            raise UserFacingError("unlock.wait", kind=ErrorKind.UNLOCK, seconds=math.ceil(remaining))
        wait(remaining)
    _save(folder, _Counter(counter.failures + 1, datetime.now(UTC)))


def succeeded(folder: Path) -> None:
    """Forget the failures."""
    with contextlib.suppress(OSError):
        (folder / COUNTER).unlink(missing_ok=True)


def slow_down(folder: Path) -> None:
    """A try failed: start the wait now rather than when the try began."""
    _save(folder, _Counter(_load(folder).failures, datetime.now(UTC)))


def failed(folder: Path, user: str) -> None:
    """A try failed while the clinic is locked: slow down, and remember it for the audit chain."""
    slow_down(folder)
    with contextlib.suppress(OSError):
        path = folder / PENDING
        if path.exists() and path.stat().st_size > _MOST_PENDING * 120:
            return
        line = {"id": new_id(), "time": datetime.now(UTC).isoformat(), "user": user}
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


def pending(folder: Path) -> tuple[FailedUnlock, ...]:
    """Failures not yet in the audit chain, oldest first; lines that cannot be read are passed over."""
    found = []
    try:
        lines = (folder / PENDING).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return ()
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            raw = json.loads(line)
            moment = datetime.fromisoformat(raw["time"])
            found.append(FailedUnlock(str(raw["id"]), moment.astimezone(UTC), str(raw["user"])))
    return tuple(found)


def forget(folder: Path, moved: Collection[str]) -> None:
    """Drop failures by id once the audit chain holds them."""
    rest = [entry for entry in pending(folder) if entry.id not in moved]
    path = folder / PENDING
    with contextlib.suppress(OSError):
        if not rest:
            path.unlink(missing_ok=True)
            return
        lines = (json.dumps({**asdict(entry), "time": entry.time.isoformat()}) for entry in rest)
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _load(folder: Path) -> _Counter:
    try:
        raw = json.loads((folder / COUNTER).read_text(encoding="utf-8"))
        last = datetime.fromisoformat(raw["last"])
        return _Counter(max(0, int(raw["failures"])), last.astimezone(UTC))
    except (OSError, ValueError, TypeError, KeyError):
        return _Counter()


def _save(folder: Path, counter: _Counter) -> None:
    """Best effort: a folder that cannot be written must not keep people out of their own records."""
    text = json.dumps({"failures": counter.failures, "last": counter.last.isoformat()})
    with contextlib.suppress(OSError):
        temporary = folder / (COUNTER + ".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / COUNTER)
