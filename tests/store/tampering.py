"""A clinic to tamper with, and what is found in it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2

from desktop import vault
from desktop.store import Verification
from desktop.store.places import DATABASE
from tests.store.helpers import Read
from tests.store.visiting import Seen

Look = Callable[[Path], Verification]


@dataclass(frozen=True)
class Clinic:
    """A closed clinic in which every table holds something, and a copy of it as it was before the last day's work."""

    folder: Path
    earlier: Path
    read: Read
    seen: Seen


def told(found: Verification) -> set[tuple[str, str]]:
    return {(problem.kind.value, problem.where) for problem in found.problems}


def kinds(found: Verification) -> set[str]:
    return {problem.kind.value for problem in found.problems}


def contents(folder: Path, keys: vault.Unlocked) -> object:
    """Everything in the database, the search index included, but for the note of how far the heads are signed."""
    connection = opened(folder, keys)
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'patient_search%' ORDER BY name"
        )
    ]
    statements = [f"SELECT * FROM {name}" for name in tables if name != "meta"]
    statements.append("SELECT * FROM meta WHERE name NOT IN ('signed_head', 'begun_head')")
    statements.append("SELECT term, doc FROM temp.pairs")
    connection.execute("CREATE VIRTUAL TABLE temp.pairs USING fts5vocab(main, patient_search, instance)")
    rows = [sorted(connection.execute(statement).fetchall(), key=repr) for statement in statements]
    connection.close()
    return rows


def opened(folder: Path, keys: vault.Unlocked) -> Any:
    connection = dbapi2.connect(str(folder / DATABASE), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{keys.master.derive('db').hex()}'\"")
    return connection
