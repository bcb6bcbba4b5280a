"""Whatever is changed behind Lantern's back is found and named; what a crash leaves behind is not called damage."""

import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import vault
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.store import Checkup, Store, Verification, database, verify_folder
from desktop.store.audit import ChainLine, read_lines
from desktop.store.kept import KEPT
from desktop.store.places import ATTACHMENTS, DATABASE
from tests.store.helpers import (
    PASSPHRASE,
    USER,
    Read,
    add_patient,
    as_attacker,
    import_file,
    keys_of,
    kinds,
    patient,
    said_in_both_languages,
    verify,
)


def attachment_file(folder: Path) -> Path:
    return next(path for path in sorted((folder / ATTACHMENTS).glob("*/*")))


def test_an_untouched_clinic_is_whole(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    found = verify(folder, keys)
    assert found.ok, found.problems
    assert found.notes == ()
    assert found.counts == {"patients": 1, "attachments": 1, "studies": 1, "suggestions": 1, "reports": 1}
    assert found.head is not None
    assert found.head.sequence > 10


def test_every_table_of_records_is_covered(store: Store) -> None:
    """A new table must be declared in `kept`, or it goes unchecked."""
    with store.snapshot() as tx:
        rows = tx.patients._rows
        tables = rows.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'patient_search%'")
    unrecorded = {"meta", "audit_log", "drafts", "unsaved_forms", "search_words"}
    unrecorded |= {"sqlite_sequence", "sqlite_stat1", "sqlite_stat4"}
    assert {name for (name,) in tables} - unrecorded == {kept.table for kept in KEPT}


# The database file, without the key


PAGE = 4096


def test_any_flipped_bit_of_the_database_is_found(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    data = (folder / DATABASE).read_bytes()
    chance = random.Random(20261121)
    for _ in range(12):
        place = chance.randrange(len(data))
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << chance.randrange(8)
        (folder / DATABASE).write_bytes(spoiled)
        found = verify_folder_of(folder)
        assert "database" in kinds(found), f"byte {place}"
        assert said_in_both_languages(found)


def verify_folder_of(folder: Path, passphrase: str = PASSPHRASE) -> Verification:
    return Checkup(passphrase).verify(folder, USER, Job())


@pytest.mark.parametrize(
    ("spoil", "key"),
    [
        (lambda path: path.unlink(), "store.database_missing"),
        (lambda path: path.write_bytes(b""), "store.database_damaged"),
        (lambda path: path.write_bytes(os.urandom(8192)), "store.database_damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:4096]), "store.database_damaged"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(4080)), "store.not_encrypted"),
    ],
)
def test_a_database_that_does_not_open_is_a_problem_not_an_error(
    folder: Path, read: Read, spoil: Callable[[Path], object], key: str
) -> None:
    spoil(folder / DATABASE)
    found = verify_folder_of(folder)
    assert kinds(found) == {"database"}
    assert keys_of(found) == {key}
    assert said_in_both_languages(found)


def test_a_wrong_passphrase_is_a_problem_too(folder: Path, read: Read) -> None:
    found = verify_folder_of(folder, "wrong horse")
    assert (kinds(found), keys_of(found)) == ({"unlock"}, {"unlock.wrong_passphrase"})


def test_an_older_database_is_called_rolled_back(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    shutil.copy(folder / DATABASE, folder.parent / "older")
    with Store.open(folder, keys) as store:
        add_patient(store, patient())
    shutil.copy(folder.parent / "older", folder / DATABASE)
    found = verify(folder, keys)
    assert kinds(found) == {"rollback"}
    assert keys_of(found) == {"verify.tail_missing"}
    with Store.open(folder, keys) as store:  # going on working does not cover it up
        add_patient(store, patient("李四"))
        add_patient(store, patient("赵六"))
    assert "rollback" in kinds(verify(folder, keys))


def test_any_single_page_put_back_is_found(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    before = (folder / DATABASE).read_bytes()
    with Store.open(folder, keys) as store, store.transaction() as tx:
        tx.patients.update(replace(read.patient, village="下河村"))
        tx.audit.add(AuditAction.EDIT_PATIENT, read.patient.id, actor="t")
    after = (folder / DATABASE).read_bytes()
    starts = [start for start in range(0, len(before), PAGE) if before[start:][:PAGE] != after[start:][:PAGE]]
    assert len(starts) > 3
    newest = contents(folder, keys)
    named = set()
    for start in starts:
        (folder / DATABASE).write_bytes(after[:start] + before[start:][:PAGE] + after[start:][PAGE:])
        found = verify_folder_of(folder)
        named |= kinds(found)
        # A page may differ in unused bytes only; then nothing is lost and nothing is said.
        assert not found.ok or contents(folder, keys) == newest, f"page {start // PAGE + 1} went unnoticed"
    assert "rollback" in named


def contents(folder: Path, keys: vault.Unlocked) -> list[object]:
    """Every row, but for the note of how far the heads are signed, which the heads file itself proves."""
    with Store.open(folder, keys) as store, store.snapshot() as tx:
        rows = tx.patients._rows
        tables = rows.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'patient_search%'")
        everything = [rows.all(f"SELECT * FROM {table} ORDER BY 1") for (table,) in sorted(tables) if table != "meta"]
        return [*everything, rows.all("SELECT * FROM meta WHERE name NOT IN ('signed_head', 'begun_head')")]


@pytest.mark.full_keys
def test_a_lost_write_ahead_log_is_called_rolled_back(folder: Path, keys: vault.Unlocked) -> None:
    program = (
        "import sys, os, signal; from pathlib import Path; from desktop import vault\n"
        "from desktop.store import Store; from tests.store.helpers import *\n"
        "folder = Path(sys.argv[1])\n"
        "unlocked = vault.unlock(folder, USER, PASSPHRASE)\n"
        "store = Store.open(folder, unlocked)\n"
        "for name in ('甲', '乙', '丙'): add_patient(store, patient(name))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=Path.cwd(), check=False)
    assert done.returncode == -signal.SIGKILL
    shutil.copytree(folder, folder.parent / "healthy")
    assert verify(folder.parent / "healthy", keys).ok
    (folder / f"{DATABASE}-wal").unlink()
    found = verify(folder, keys)
    assert kinds(found) == {"rollback"}
    assert found.problems[0].details["count"] == 3


# With the key: somebody who may open the clinic, and uses another tool


AUDIT_TAMPERS = {
    "edit": (["UPDATE audit_log SET actor = 'somebody' WHERE sequence = 4"], "audit/4", "verify.line_changed"),
    "delete": (["DELETE FROM audit_log WHERE sequence = 4"], "audit/4", "verify.line_missing"),
    "reorder": (
        [
            "UPDATE audit_log SET sequence = -1 WHERE sequence = 4",
            "UPDATE audit_log SET sequence = 4 WHERE sequence = 5",
            "UPDATE audit_log SET sequence = 5 WHERE sequence = -1",
        ],
        "audit/4",
        "verify.link_broken",
    ),
}


@pytest.mark.parametrize("tamper", AUDIT_TAMPERS)
def test_the_first_broken_link_is_named(folder: Path, keys: vault.Unlocked, read: Read, tamper: str) -> None:
    statements, where, key = AUDIT_TAMPERS[tamper]
    as_attacker(folder, keys, *statements)
    found = verify(folder, keys)
    first = next(problem for problem in found.problems if problem.kind.value == "audit")
    assert (first.where, first.key) == (where, key)
    assert said_in_both_languages(found)


def test_a_deleted_tail_is_named(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    as_attacker(folder, keys, "DELETE FROM audit_log WHERE sequence > 5")
    found = verify(folder, keys)
    assert "verify.tail_missing" in keys_of(found)
    assert "rollback" in kinds(found)


def test_a_chain_forged_to_the_end_does_not_fit_the_heads(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    """Even hashes recomputed with care contradict what was noted beside the database."""
    with Store.open(folder, keys) as store, store.snapshot() as tx:
        lines = read_lines(tx.audit._rows)
    statements, previous = [], lines[3].previous
    for line in lines[3:]:
        fields = {**vars(line), "previous": previous, "actor": "somebody"}
        forged = ChainLine(**fields)
        previous = forged.expected_hash()
        statements.append(
            f"UPDATE audit_log SET actor = 'somebody', previous = '{fields['previous']}', hash = '{previous}' "
            f"WHERE sequence = {line.sequence}"
        )
    as_attacker(folder, keys, *statements)
    found = verify(folder, keys)
    assert kinds(found) == {"rollback"}
    assert keys_of(found) == {"verify.head_differs"}


def edited(table: str, column: str, old: str, new: str) -> str:
    return f"UPDATE {table} SET {column} = CAST(replace(CAST({column} AS TEXT), '{old}', '{new}') AS BLOB)"


FORGED = """INSERT INTO policies (name, record) VALUES ('x', CAST('{"name":"x","value":"y"}' AS BLOB))"""

RECORD_TAMPERS = {
    "a patient edited": ("patients", edited("patients", "record", "清河村", "清江村")),
    "a patient's card changed": ("patients", "UPDATE patients SET card_number = '0000013'"),
    "a patient removed": ("patients", "DELETE FROM patients"),
    "a study given to nobody": ("imaging_studies", "UPDATE imaging_studies SET patient = 'nobody'"),
    "an impression removed": ("impressions", "DELETE FROM impressions"),
    "a review removed": ("reviews", "DELETE FROM reviews"),
    "a drawing removed": ("annotations", "DELETE FROM annotations"),
    "a key image removed": ("key_images", "DELETE FROM key_images"),
    "an imported drawing edited": ("imported_marks", edited("imported_marks", "record", "片影", "正常")),
    "a reveal backdated": ("suggestion_reveals", edited("suggestion_reveals", "record", "2026", "2025")),
    "a suggestion edited": ("suggestions", edited("suggestions", "record", "0.875", "0.125")),
    "a report edited": ("reports", edited("reports", "content", "肺炎", "正常")),
    "an addendum removed": ("addenda", "DELETE FROM addenda"),
    "a policy edited": ("policies", edited("policies", "record", "zh", "en")),
    "the clinic renamed": ("clinic", edited("clinic", "record", "清河", "清江")),
    "a user's key exchanged": ("users", "UPDATE users SET public_key = zeroblob(32)"),
    "an instance moved": ("imaging_instances", "UPDATE imaging_instances SET study = 'other'"),
    "a record of nobody's": ("policies", FORGED),
    "no record at all": ("patients", "UPDATE patients SET record = x'00ff'"),
}


@pytest.mark.parametrize("tamper", RECORD_TAMPERS)
def test_changed_records_are_named(folder: Path, keys: vault.Unlocked, read: Read, tamper: str) -> None:
    table, statement = RECORD_TAMPERS[tamper]
    as_attacker(folder, keys, statement)
    found = verify(folder, keys)
    assert "record" in kinds(found)
    assert any(problem.where.startswith(f"{table}/") for problem in found.problems)
    assert said_in_both_languages(found)


def test_one_of_several_forms_of_a_drawing_is_missed(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    with Store.open(folder, keys) as store, store.transaction() as tx:
        (drawing,) = tx.annotations.for_instance(read.instance.id)
        tx.annotations.add(replace(drawing, label="later"))
        tx.audit.add(AuditAction.ANNOTATE, drawing.id, actor="t")
    as_attacker(folder, keys, "DELETE FROM annotations WHERE key = 1")
    assert keys_of(verify(folder, keys)) == {"verify.record_missing"}


def test_an_earlier_form_of_a_record_is_called_rolled_back(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    with Store.open(folder, keys) as store, store.transaction() as tx:
        tx.patients.update(replace(read.patient, village="下河村"))
        tx.audit.add(AuditAction.EDIT_PATIENT, read.patient.id, actor="t")
    as_attacker(folder, keys, edited("patients", "record", "下河村", "清河村"))
    found = verify(folder, keys)
    assert kinds(found) == {"rollback"}
    assert keys_of(found) == {"verify.record_older"}


# Files beside the database


def flipped(data: bytes, place: int) -> bytes:
    """The bytes with one of them changed, whatever it was."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


ATTACHMENT_TAMPERS: dict[str, Callable[[Path], object]] = {
    "flipped": lambda path: path.write_bytes(flipped(path.read_bytes(), -40)),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("tamper", ATTACHMENT_TAMPERS)
def test_a_spoiled_attachment_is_named(folder: Path, keys: vault.Unlocked, read: Read, tamper: str) -> None:
    ATTACHMENT_TAMPERS[tamper](attachment_file(folder))
    found = verify(folder, keys)
    assert [(problem.kind.value, problem.where) for problem in found.problems] == [
        ("attachment", f"attachments/{read.attachment.id}")
    ]
    assert keys_of(found) == {f"verify.attachment_{'missing' if tamper == 'missing' else 'damaged'}"}
    assert said_in_both_languages(found)


def test_exchanged_attachments_are_named(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    with Store.open(folder, keys) as store:
        import_file(store, add_patient(store, patient("李四")), b"other film" * 3000)
    first, second = sorted((folder / ATTACHMENTS).glob("*/*"))
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    found = verify(folder, keys)
    assert [problem.kind.value for problem in found.problems] == ["attachment", "attachment"]


def test_orphans_are_notes(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    with Store.open(folder, keys) as store:
        store.attachments.stage(b"crashed before its row", Job())
    found = verify(folder, keys)
    assert found.ok
    assert [note.key for note in found.notes] == ["verify.orphan"]
    assert said_in_both_languages(found)


@pytest.mark.parametrize("whole", [True, False])
def test_a_check_removes_old_orphans_where_all_is_well(
    folder: Path, keys: vault.Unlocked, read: Read, whole: bool
) -> None:
    """In a damaged clinic the file of a lost row looks like an orphan too."""
    with Store.open(folder, keys) as store:
        orphan = store._sealed.path(store.attachments.stage(b"crashed before its row", Job()).file)
    os.utime(orphan, (0, 0))
    if not whole:
        as_attacker(folder, keys, "DELETE FROM audit_log WHERE sequence = (SELECT max(sequence) FROM audit_log)")
    assert verify_folder(folder, USER, PASSPHRASE, Job()).ok is whole
    assert orphan.exists() is not whole


def test_a_search_index_whose_directory_is_of_another_time_is_named(
    folder: Path, keys: vault.Unlocked, read: Read
) -> None:
    as_attacker(folder, keys, "UPDATE patient_search_idx SET segid = segid + 1")
    found = verify(folder, keys)
    assert (kinds(found), "verify.database_inconsistent" in keys_of(found)) == ({"database"}, True)


def test_a_table_that_is_gone_is_damage(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    as_attacker(folder, keys, "DROP TABLE policies", "DROP TABLE clinic")
    found = verify_folder_of(folder)
    assert (kinds(found), keys_of(found)) == ({"database"}, {"verify.form_changed"})
    assert {problem.where for problem in found.problems} == {f"{DATABASE}/policies", f"{DATABASE}/clinic"}
    assert said_in_both_languages(found)


def test_a_copy_spoiled_while_the_clinic_is_open_is_named(folder: Path, keys: vault.Unlocked) -> None:
    unlocked = vault.unlock(folder, USER, PASSPHRASE)
    with Store.open(folder, unlocked) as store:
        assert store.verify(Job()).ok
        (folder / "keystore.copy.json").write_bytes(b"?")
        assert keys_of(store.verify(Job())) == {"verify.keystore_damaged"}


@pytest.mark.parametrize("name", ["keystore.json", "keystore.copy.json"])
def test_a_spoiled_keystore_copy_is_named_although_unlocking_mends_it(folder: Path, read: Read, name: str) -> None:
    (folder / name).write_bytes(b"{}")
    for found in (verify_folder_of(folder), verify_folder(folder, USER, PASSPHRASE, Job())):
        assert [(problem.kind.value, problem.where) for problem in found.problems] == [("keystore", name)]
        assert said_in_both_languages(found)
    assert verify_folder_of(folder).ok


def test_no_keystore_at_all(folder: Path, read: Read) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        (folder / name).unlink()
    found = verify_folder_of(folder)
    assert kinds(found) == {"keystore"}
    assert said_in_both_languages(found)


# Beside a backup


def test_a_check_keeps_nobody_waiting_for_a_backup(
    folder: Path, keys: vault.Unlocked, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backup reads an earlier moment, so the log cannot be emptied; until it is, nothing could be saved."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 60.0)
    with Store.open(folder, keys) as store:
        with store.moment() as moment:
            late = add_patient(store, patient("李四"))
            started = time.monotonic()
            found = store.verify(Job())
            assert time.monotonic() - started < 30
            assert found.ok, found.problems
            assert moment.connection.execute("SELECT count(*) FROM patients").fetchone() == (1,)
        with store.snapshot() as tx:
            assert tx.patients.get(late.id) == late
        assert store.verify(Job()).ok


@pytest.mark.full_keys
@pytest.mark.parametrize("logged", [True, False])
def test_pages_are_checked_beside_a_backup_after_a_crash(folder: Path, keys: vault.Unlocked, logged: bool) -> None:
    """A page that the crash left half written is written again from the log; no other one may be spoilt."""
    with Store.open(folder, keys) as store:
        for number in range(100):
            add_patient(store, patient(f"王{number}", village="村" * 200))
    subprocess.run([sys.executable, "-c", CRASH, str(folder)], cwd=Path.cwd(), check=False)
    log = (folder / f"{DATABASE}-wal").read_bytes()
    frames = range(32, len(log) - PAGE, 24 + PAGE)
    in_log = {int.from_bytes(log[frame : frame + 4]) for frame in frames}
    data = bytearray((folder / DATABASE).read_bytes())
    torn = next(page for page in range(len(data) // PAGE, 1, -1) if (page in in_log) is logged)
    data[(torn - 1) * PAGE : torn * PAGE - 2048] = bytes(2048)
    (folder / DATABASE).write_bytes(data)
    with Store.open(folder, keys) as store, store.moment():
        add_patient(store, patient("李四"))
        found = store.verify(Job())
    assert ("database" in kinds(found)) is not logged
    assert found.ok is logged


# At opening


def test_a_clinic_that_was_closed_needs_no_look(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    with Store.open(folder, keys) as store:
        assert not store.ended_uncleanly
        assert store.found_at_opening == store.quick_check(Job()) == Verification(())


CRASH = (
    "import sys, os, signal; from pathlib import Path; from desktop import vault\n"
    "from desktop.store import Store; from tests.store.helpers import *\n"
    "folder = Path(sys.argv[1])\n"
    "store = Store.open(folder, vault.unlock(folder, USER, PASSPHRASE))\n"
    "for name in ('甲', '乙', '丙'): add_patient(store, patient(name))\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)


@pytest.mark.full_keys
def test_after_a_crash_a_quick_check_runs_and_names_a_lost_log(folder: Path, keys: vault.Unlocked) -> None:
    subprocess.run([sys.executable, "-c", CRASH, str(folder)], cwd=Path.cwd(), check=False)
    shutil.copytree(folder, folder.parent / "healthy")
    with Store.open(folder.parent / "healthy", keys) as store:
        assert store.ended_uncleanly
        assert store.quick_check(Job()).ok
    (folder / f"{DATABASE}-wal").unlink()
    with Store.open(folder, keys) as store:
        found = store.quick_check(Job())
    assert (kinds(found), keys_of(found)) == ({"rollback"}, {"verify.tail_missing"})


@pytest.mark.full_keys
def test_a_damaged_page_is_named_after_a_crash_though_the_clinic_opens(
    folder: Path, keys: vault.Unlocked, caplog: pytest.LogCaptureFixture
) -> None:
    with Store.open(folder, keys) as store:
        for number in range(300):
            add_patient(store, patient(f"王{number}", village="村" * 200))
    subprocess.run([sys.executable, "-c", CRASH, str(folder)], cwd=Path.cwd(), check=False)
    data = bytearray((folder / DATABASE).read_bytes())
    # Of a page that the log has too, the copy in the database is not read any more.
    log = (folder / f"{DATABASE}-wal").read_bytes()
    newer = {int.from_bytes(log[at : at + 4], "big") for at in range(32, len(log), 4096 + 24)}
    page = next(number for number in range(len(data) // 4096 // 2, 0, -1) if number not in newer)
    data[(page - 1) * 4096 + 100] ^= 1
    (folder / DATABASE).write_bytes(data)
    store = Store.open(folder, keys)
    found = store.quick_check(Job())
    # Random identifiers decide what lies on that page: closing may find it, and says so.
    with caplog.at_level(logging.CRITICAL, "desktop.store.signing"):
        store.close()
    assert kinds(found) == {"database"}
    assert said_in_both_languages(found)


def test_an_edited_keystore_is_named_after_unlocking(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    (folder / "keystore.copy.json").write_bytes(b"{}")
    unlocked = vault.unlock(folder, USER, PASSPHRASE)
    with Store.open(folder, unlocked) as store:
        assert keys_of(store.quick_check(Job())) == {"verify.keystore_damaged"}
    unlocked.close()
