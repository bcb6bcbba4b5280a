"""What may only grow. Triggers in the file and an authorizer on the connection both refuse to change or remove it."""

from sqlcipher3 import dbapi2

APPEND_ONLY = frozenset(
    {
        "audit_log",
        "suggestions",
        "suggestion_reveals",
        "impressions",
        "reviews",
        "annotations",
        "reports",
        "addenda",
        "observations",
        "consents",
        "patient_merges",
        "edit_conflicts",
        "conflict_settlements",
        "key_images",
        "imported_marks",
        "segmentations",
        "labels",
        "cell_labels",
        "later_answers",
    }
)

_CHANGES = frozenset({dbapi2.SQLITE_UPDATE, dbapi2.SQLITE_DELETE})
_SCHEMA = frozenset(
    {
        dbapi2.SQLITE_DROP_TABLE,
        dbapi2.SQLITE_DROP_TRIGGER,
        dbapi2.SQLITE_DROP_INDEX,
        dbapi2.SQLITE_ALTER_TABLE,
        dbapi2.SQLITE_ATTACH,
        dbapi2.SQLITE_DETACH,
    }
)
_REFUSED_SETTINGS = frozenset({"writable_schema", "trusted_schema", "key", "rekey", "recursive_triggers"})


def authorise(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    """SQLite's authorizer: called while a statement is prepared (https://sqlite.org/c3ref/set_authorizer.html)."""
    if action in _CHANGES and first in APPEND_ONLY:
        return int(dbapi2.SQLITE_DENY)
    if action in _SCHEMA:
        return int(dbapi2.SQLITE_DENY)
    if action == dbapi2.SQLITE_PRAGMA and first is not None and first.lower() in _REFUSED_SETTINGS and second:
        return int(dbapi2.SQLITE_DENY)
    return int(dbapi2.SQLITE_OK)
