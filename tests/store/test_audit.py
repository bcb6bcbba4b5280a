"""The chain grows with every change, and only grows."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2

from desktop import vault
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.store import Store, places
from desktop.store.append_only import APPEND_ONLY
from desktop.store.audit import AuditQuery, read_lines
from desktop.store.database import Connection, connect
from desktop.store.places import DATABASE
from tests.conftest import ExpectLog
from tests.store.helpers import USER, add_patient, full_patient, patient, read_a_film, verify
from tests.store.visiting import see_a_patient


def connection_of(store: Store) -> Connection:
    connection = store._connection
    assert connection is not None
    return connection


def noted(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / places.HEADS).read_text().splitlines()]


def test_lines_are_numbered_linked_and_hold_no_names(store: Store) -> None:
    record = add_patient(store, full_patient(), actor="somebody")
    with store.snapshot() as tx:
        entries = tx.audit.entries(10)
    assert [entry.sequence for entry in entries] == [3, 2, 1]
    assert [entry.previous for entry in entries[:2]] == [entry.hash for entry in entries[1:]]
    assert (entries[0].actor, entries[0].subject, entries[0].action) == ("somebody", record.id, AuditAction.ADD_PATIENT)
    assert "王" not in repr(entries)
    with store.snapshot() as tx:
        assert [entry.sequence for entry in tx.audit.entries(2, before=3)] == [2, 1]


def test_each_record_of_a_transaction_gets_its_line(store: Store, keys: vault.Unlocked) -> None:
    read = read_a_film(store, keys)
    with store.snapshot() as tx:
        subjects = {entry.subject for entry in tx.audit.entries(100)}
    assert {read.study.id, read.instance.id, read.attachment.id, read.suggestion.id} <= subjects
    assert {read.report.content.report, f"{read.report.content.report}/1", f"{read.suggestion.id}/reveal"} <= subjects


def test_the_hash_of_other_bytes_is_kept_but_attests_no_record(store: Store) -> None:
    record = add_patient(store, patient())
    with store.transaction() as tx:
        entry = tx.audit.add(AuditAction.EXPORT_REPORT, record.id, actor="t", content=b"%PDF")
    assert entry.content_sha256 == hashlib.sha256(b"%PDF").hexdigest()
    assert store.verify(Job()).ok


def test_the_time_is_the_clocks(folder: Path, keys: vault.Unlocked) -> None:
    moment = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    with Store.open(folder, keys, clock=lambda: moment) as store:
        add_patient(store, patient())
        with store.snapshot() as tx:
            assert tx.audit.entries(1)[0].time == moment


# Only grows


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("change", ["UPDATE {} SET rowid = rowid", "DELETE FROM {}"])
def test_triggers_refuse_even_without_our_authorizer(
    folder: Path, keys: vault.Unlocked, table: str, change: str
) -> None:
    with Store.open(folder, keys) as store:
        read_a_film(store, keys)
        see_a_patient(store)
    raw = connect(folder / DATABASE, keys.master.derive("db"))
    column = raw.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
    statement = change.replace("rowid", column).format(table)
    with pytest.raises(dbapi2.IntegrityError, match="may only grow"):
        raw.execute(statement)
    raw.close()


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_the_authorizer_refuses_before_anything_runs(store: Store, table: str) -> None:
    connection = connection_of(store)
    column = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
    statements = (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"DROP TABLE {table}",
        f"DROP TRIGGER {table}_refuses_update",
        f"ALTER TABLE {table} ADD COLUMN x",
    )
    for statement in statements:
        with pytest.raises(dbapi2.DatabaseError, match=r"not authorized|prohibited"):
            connection.execute(statement)


def test_replacing_is_refused_like_deleting(store: Store, keys: vault.Unlocked) -> None:
    read_a_film(store, keys)
    with pytest.raises(dbapi2.DatabaseError):
        connection_of(store).execute("INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log WHERE sequence = 1")


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA writable_schema = ON",
        "PRAGMA key = 'x'",
        "PRAGMA rekey = 'x'",
        "PRAGMA recursive_triggers = OFF",
        "ATTACH DATABASE ':memory:' AS other",
    ],
)
def test_ways_around_are_closed(store: Store, statement: str) -> None:
    with pytest.raises(dbapi2.DatabaseError):
        connection_of(store).execute(statement)


# Heads


def test_every_commit_notes_its_head_and_closing_signs_it(folder: Path, keys: vault.Unlocked) -> None:
    before = len(noted(folder))
    with Store.open(folder, keys) as store:
        add_patient(store, patient())
        with store.transaction() as tx:
            tx.patients.touch(patient().id)  # no line, no head
        add_patient(store, patient())
    lines = noted(folder)[before:]
    assert [line["sequence"] for line in lines] == [3, 4, 4]
    assert ["signature" in line for line in lines] == [False, False, True]


def test_every_hundredth_line_is_signed(folder: Path, keys: vault.Unlocked) -> None:
    with Store.open(folder, keys) as store:
        for _ in range(4):
            with store.transaction() as tx:
                for _ in range(30):
                    tx.audit.add(AuditAction.VIEW_PATIENT, "x", actor="t")
        signed = [line["sequence"] for line in noted(folder) if "signature" in line]
    assert signed[-1] == 2 + 4 * 30
    assert verify(folder, keys).ok


def test_signing_twice_notes_once(folder: Path, keys: vault.Unlocked) -> None:
    with Store.open(folder, keys) as store:
        add_patient(store, patient())
        assert store.sign_head() == store.sign_head()
    assert sum("signature" in line for line in noted(folder)) == 2


def test_a_disk_that_refuses_the_head_does_not_undo_the_deed(
    folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch, expected_log: ExpectLog
) -> None:
    with Store.open(folder, keys) as store:

        def full(_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched, expected_log("desktop.store", match="could not be noted"):
            patched.setattr(store._heads, "_opened", lambda: full(None))
            kept = add_patient(store, patient())
        with store.snapshot() as tx:
            assert tx.patients.get(kept.id) == kept
    assert verify(folder, keys).ok


def test_the_hash_is_that_of_a_json_array(store: Store) -> None:
    """Anybody can compute it: `json.dumps` without spaces over every column but the hash."""
    with store.transaction() as tx:
        tx.audit.add(AuditAction.IMPORT_STUDY, 'a"b\\c\n\t\x01/é中\u2028😀', actor="t", reason="")
    with store.snapshot() as tx:
        entry = tx.audit.entries(1)[0]
        (line,) = read_lines(tx.audit._rows, after=entry.sequence - 1)
    columns = list(vars(line).values())[:-1]
    text = json.dumps(columns, ensure_ascii=False, separators=(",", ":"))
    assert entry.hash == line.expected_hash() == hashlib.sha256(text.encode()).hexdigest()


# The clock


def test_a_clock_that_was_set_back_is_a_line_of_its_own(folder: Path, keys: vault.Unlocked) -> None:
    now = [datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)]
    with Store.open(folder, keys, clock=lambda: now[0]) as store:
        add_patient(store, patient(), actor="somebody")
        now[0] = datetime(2031, 2, 3, 3, 5, 6, tzinfo=UTC)
        add_patient(store, patient("李四"), actor="somebody")
        now[0] = datetime(2031, 2, 3, 3, 5, 4, tzinfo=UTC)  # as clocks do that are set by the network
        add_patient(store, patient("赵六"), actor="somebody")
        with store.snapshot() as tx:
            entries = tx.audit.entries(4)
        assert store.verify(Job()).ok
    assert [entry.action.value for entry in reversed(entries)] == [
        "add_patient",
        "clock_changed",
        "add_patient",
        "add_patient",
    ]
    changed = entries[2]
    assert (changed.actor, changed.subject, changed.reason) == ("somebody", store.store_id, "-3600 s")
    assert changed.time == datetime(2031, 2, 3, 3, 5, 6, tzinfo=UTC)


# Searching


def found(store: Store, limit: int = 50, before: int | None = None, **query: Any) -> list[int]:
    with store.snapshot() as tx:
        return [entry.sequence for entry in tx.audit.search(AuditQuery(**query), limit, before)]


def test_the_trail_is_searched_by_everything_in_a_line(folder: Path, keys: vault.Unlocked) -> None:
    now = [datetime(2031, 1, 1, tzinfo=UTC)]
    with Store.open(folder, keys, clock=lambda: now[0]) as store:
        one = add_patient(store, full_patient(), actor="nurse-1")
        now[0] = datetime(2031, 1, 2, tzinfo=UTC)
        with store.transaction() as tx:
            tx.audit.add(AuditAction.VIEW_PATIENT, one.id, actor=keys.user_id)
        now[0] = datetime(2031, 1, 3, tzinfo=UTC)
        with store.transaction() as tx:
            tx.audit.add(AuditAction.EXPORT_REPORT, "report-100%", actor=keys.user_id, reason="pdf")
        first = found(store)[-1]
        everything = found(store)
        added, viewed, exported = first + 2, first + 3, first + 4
        assert everything[:3] == [exported, viewed, added]
        assert found(store, text="") == everything
        assert found(store, subject=one.id) == [viewed, added]
        assert found(store, actor="nurse-1") == [added]
        assert found(store, action=AuditAction.VIEW_PATIENT) == [viewed]
        assert found(store, since=datetime(2031, 1, 2, tzinfo=UTC)) == [exported, viewed]
        assert found(store, since=datetime(2031, 1, 1, tzinfo=UTC), until=datetime(2031, 1, 3, tzinfo=UTC)) == [
            viewed,
            added,
        ]
        assert found(store, text="pdf") == [exported]
        assert found(store, text="VIEW") == [viewed]
        assert found(store, text=one.id[:13]) == [viewed, added]
        assert found(store, text=f"{USER} patient") == [viewed]
        assert found(store, text=str(added)) == [added]
        assert found(store, text="100%") == [exported]
        assert found(store, text="%") == [exported]
        assert found(store, text="nobody") == []
        assert found(store, limit=1, before=exported, subject=one.id) == [viewed]


@pytest.mark.parametrize("text", ["x " * 1500, "x" * 60_000])
def test_a_whole_page_pasted_into_the_search_finds_nothing(store: Store, text: str) -> None:
    assert found(store, text=text) == []
