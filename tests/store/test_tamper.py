"""Whatever somebody does to a closed clinic's folder is named with its kind and place, or has changed nothing.

`Checkup` looks, as `verify --batch` does: nothing is written, so that each tamper is judged as it lies there.
"""

import base64
import hashlib
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2

from desktop import vault
from desktop.i18n import Language, Translator
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.store import Checkup, SignedHead, Store, Verification, Wanted, parse_anchor
from desktop.store.audit import row_hash
from desktop.store.places import ATTACHMENTS, DATABASE, HEADS
from tests.store.helpers import NOW, PASSPHRASE, USER, Keys, Read, as_attacker, import_file, patient, read_a_film
from tests.store.visiting import Seen, see_a_patient

PAGE = 4096
CHUNK = 64 * 1024 + 16
HEADER = 84


@dataclass(frozen=True)
class Clinic:
    """A closed clinic in which every table holds something, and a copy of it as it was before the last day's work."""

    folder: Path
    earlier: Path
    read: Read
    seen: Seen


@pytest.fixture(scope="module")
def _worked(_empty_clinic: Keys, tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    base = tmp_path_factory.mktemp("tamper")
    folder = base / "clinic"
    shutil.copytree(_empty_clinic.folder, folder)
    with Store.open(folder, _empty_clinic.unlocked) as store:
        read = read_a_film(store, _empty_clinic.unlocked)
    shutil.copytree(folder, base / "earlier")
    with Store.open(folder, _empty_clinic.unlocked) as store:
        seen = see_a_patient(store)
        with store.transaction() as tx:
            tx.patients.update(replace(read.patient, village="下河村", phones=("139 8765 4321",)))
            tx.audit.add(AuditAction.EDIT_PATIENT, read.patient.id, actor="t")
        import_file(store, read.patient, random.Random(5).randbytes(3 * 64 * 1024))
    return Clinic(folder, base / "earlier", read, seen)


@pytest.fixture(scope="module")
def checkup() -> Checkup:
    return Checkup(PASSPHRASE)


@pytest.fixture
def clinic(_worked: Clinic, tmp_path: Path) -> Clinic:
    """One's own copy."""
    shutil.copytree(_worked.folder, tmp_path / "own")
    return replace(_worked, folder=tmp_path / "own")


@pytest.fixture
def look(checkup: Checkup) -> Callable[[Path], Verification]:
    """Check a folder; every problem found must be said in both languages."""

    def check(folder: Path) -> Verification:
        found = checkup.verify(folder, USER, Job())
        for language in Language:
            for problem in found.problems:
                for key in (problem.key, f"{problem.key}.advice"):
                    assert Translator(language).text(key, **problem.details) != key
        return found

    return check


Look = Callable[[Path], Verification]


def told(found: Verification) -> set[tuple[str, str]]:
    return {(problem.kind.value, problem.where) for problem in found.problems}


def kinds(found: Verification) -> set[str]:
    return {problem.kind.value for problem in found.problems}


def test_nothing_is_told_of_an_untouched_clinic(clinic: Clinic, look: Look) -> None:
    found = look(clinic.folder)
    assert (found.problems, found.notes) == ((), ())


# The database file, without the key


def test_any_flipped_bit_is_told(clinic: Clinic, look: Look) -> None:
    path = clinic.folder / DATABASE
    data = path.read_bytes()
    chance = random.Random(20261121)
    for place in [0, 15, 16, 4015, 4016, 4095, *(chance.randrange(len(data)) for _ in range(30))]:
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        assert ("database", DATABASE) in told(look(clinic.folder)), f"byte {place}"


@pytest.mark.parametrize("pages", [0.0, 0.3, 0.5, 1.0, 1.7])
def test_a_cut_database_is_told(clinic: Clinic, look: Look, pages: float) -> None:
    path = clinic.folder / DATABASE
    data = path.read_bytes()
    for length in {int(pages * PAGE), len(data) - int((pages or 1) * PAGE)}:
        path.write_bytes(data[:length])
        assert ("database", DATABASE) in told(look(clinic.folder)), f"{length} bytes"


@pytest.mark.parametrize("garbage", [b"SQLite format 3\0" + bytes(4080), b"\0" * 8192, b"words"])
def test_something_else_in_its_place_is_told(clinic: Clinic, look: Look, garbage: bytes) -> None:
    (clinic.folder / DATABASE).write_bytes(garbage)
    assert told(look(clinic.folder)) == {("database", DATABASE)}


def test_a_plain_database_in_its_place_is_told(clinic: Clinic, look: Look) -> None:
    (clinic.folder / DATABASE).unlink()
    plain = sqlite3.connect(clinic.folder / DATABASE)
    plain.execute("CREATE TABLE patients (id TEXT)")
    plain.close()
    found = look(clinic.folder)
    assert [problem.key for problem in found.problems] == ["store.not_encrypted"]


def test_a_missing_database_is_told(clinic: Clinic, look: Look) -> None:
    (clinic.folder / DATABASE).unlink()
    assert told(look(clinic.folder)) == {("database", DATABASE)}


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
    statements += ["SELECT * FROM meta WHERE name <> 'signed_head'", "SELECT term, doc FROM temp.pairs"]
    connection.execute("CREATE VIRTUAL TABLE temp.pairs USING fts5vocab(main, patient_search, instance)")
    rows = [sorted(connection.execute(statement).fetchall(), key=repr) for statement in statements]
    connection.close()
    return rows


def opened(folder: Path, keys: vault.Unlocked) -> Any:
    connection = dbapi2.connect(str(folder / DATABASE), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{keys.master.derive('db').hex()}'\"")
    return connection


def test_any_single_page_put_back_is_told(clinic: Clinic, look: Look, keys: vault.Unlocked) -> None:
    before, after = ((folder / DATABASE).read_bytes() for folder in (clinic.earlier, clinic.folder))
    newest = contents(clinic.folder, keys)
    starts = [start for start in range(0, len(before), PAGE) if before[start:][:PAGE] != after[start:][:PAGE]]
    assert len(starts) > 20
    named = set()
    for start in starts:
        (clinic.folder / DATABASE).write_bytes(after[:start] + before[start:][:PAGE] + after[start + PAGE :])
        found = look(clinic.folder)
        named |= kinds(found)
        # A page may differ in unused bytes only; then nothing is lost and nothing is said.
        assert not found.ok or contents(clinic.folder, keys) == newest, f"page {start // PAGE + 1} went unnoticed"
    assert {"database", "rollback"} <= named


def test_the_whole_database_put_back_is_told(clinic: Clinic, look: Look) -> None:
    shutil.copy(clinic.earlier / DATABASE, clinic.folder / DATABASE)
    assert "rollback" in kinds(look(clinic.folder))


def test_the_whole_folder_put_back_shows_by_an_anchor_alone(
    clinic: Clinic, look: Look, checkup: Checkup, keys: vault.Unlocked
) -> None:
    with Store.open(clinic.folder, keys) as store:
        head = SignedHead.sign(store.store_id, store.sign_head(), NOW, keys.user_id, keys.signing_key)
    anchor = parse_anchor(json.dumps(head.to_json()).encode())
    assert checkup.verify(clinic.folder, USER, Job(), Wanted(anchor=anchor)).ok
    shutil.rmtree(clinic.folder)
    shutil.copytree(clinic.earlier, clinic.folder)
    assert look(clinic.folder).ok
    found = checkup.verify(clinic.folder, USER, Job(), Wanted(anchor=anchor))
    assert told(found) == {("anchor", f"audit/{head.sequence}")}


# Sealed files


def sealed(clinic: Clinic) -> list[Path]:
    """The sealed files, the largest first."""
    return sorted((clinic.folder / ATTACHMENTS).glob("*/*"), key=lambda path: -path.stat().st_size)


def swap_chunks(path: Path) -> None:
    data = path.read_bytes()
    first, second = data[HEADER:][:CHUNK], data[HEADER + CHUNK :][:CHUNK]
    assert len(second) == CHUNK
    path.write_bytes(data[:HEADER] + second + first + data[HEADER + 2 * CHUNK :])


def drop_chunk(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:HEADER] + data[HEADER + CHUNK :])


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


FILE_TAMPERS: dict[str, Callable[[Path], object]] = {
    "magic flipped": lambda path: flip(path, 0),
    "size flipped": lambda path: flip(path, 23),
    "key flipped": lambda path: flip(path, 50),
    "data flipped": lambda path: flip(path, HEADER + 100),
    "tag flipped": lambda path: flip(path, -1),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "cut to chunks": lambda path: path.write_bytes(path.read_bytes()[: HEADER + CHUNK]),
    "chunks swapped": swap_chunks,
    "chunk dropped": drop_chunk,
    "lengthened": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "emptied": lambda path: path.write_bytes(b""),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("tamper", FILE_TAMPERS)
def test_a_spoiled_file_is_told(clinic: Clinic, look: Look, tamper: str, keys: vault.Unlocked) -> None:
    path = sealed(clinic)[0]
    (identity,) = (
        opened(clinic.folder, keys).execute("SELECT id FROM attachments WHERE file = ?", (path.name,)).fetchone()
    )
    FILE_TAMPERS[tamper](path)
    assert told(look(clinic.folder)) == {("attachment", f"attachments/{identity}")}


def test_exchanged_files_are_told(clinic: Clinic, look: Look) -> None:
    first, second, *_ = sealed(clinic)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert [problem.kind.value for problem in look(clinic.folder).problems] == ["attachment", "attachment"]


# The keystore


def edited(path: Path, change: Callable[[dict[str, Any]], object], *, as_lantern: bool = True) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    change(raw)
    text = json.dumps(raw, ensure_ascii=False, indent=1) + "\n" if as_lantern else json.dumps(raw)
    path.write_text(text, encoding="utf-8")


def inject_slot(raw: dict[str, Any]) -> None:
    raw["slots"].append({**raw["slots"][0], "user": "mallory", "user_id": "11111111-1111-4111-8111-111111111111"})


def set_cost(name: str, number: int) -> Callable[[dict[str, Any]], None]:
    def change(raw: dict[str, Any]) -> None:
        raw["slots"][0]["kdf"][name] = number

    return change


def spoil_mac(raw: dict[str, Any]) -> None:
    raw["mac"] = base64.b64encode(bytes(32)).decode()


KEYSTORE_TAMPERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "slot injected": inject_slot,
    "card injected": lambda raw: raw["recovery"].append(raw["recovery"][0]),
    "card removed": lambda raw: raw["recovery"].clear(),
    "role raised": lambda raw: raw["slots"][0]["roles"].append("auditor"),
    "passes below the floor": set_cost("time", 1),
    "memory below the floor": set_cost("memory_kib", 1024),
    "absurd memory": set_cost("memory_kib", 1 << 40),
    "absurd passes": set_cost("time", 1 << 30),
    "generation raised": lambda raw: raw.update(generation=99),
    "mac forged": spoil_mac,
}
# These change what the passphrase must open, so that in both copies it opens nothing.
LOCKING_TAMPERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "slot removed": lambda raw: raw["slots"].clear(),
    "passes changed": set_cost("time", 4),
    "epoch changed": lambda raw: raw.update(epoch=2),
    "another store": lambda raw: raw.update(store_id="11111111-1111-4111-8111-111111111111"),
}


@pytest.mark.parametrize("name", ["keystore.json", "keystore.copy.json"])
@pytest.mark.parametrize("tamper", [*KEYSTORE_TAMPERS, *LOCKING_TAMPERS])
def test_one_edited_copy_of_the_keystore_is_told(clinic: Clinic, look: Look, tamper: str, name: str) -> None:
    edited(clinic.folder / name, (KEYSTORE_TAMPERS | LOCKING_TAMPERS)[tamper])
    assert told(look(clinic.folder)) == {("keystore", name)}


@pytest.mark.parametrize("tamper", KEYSTORE_TAMPERS)
def test_two_edited_copies_are_told(clinic: Clinic, look: Look, tamper: str) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        edited(clinic.folder / name, KEYSTORE_TAMPERS[tamper])
    assert kinds(look(clinic.folder)) == {"keystore"}


@pytest.mark.parametrize("as_lantern", [True, False])
@pytest.mark.parametrize("tamper", LOCKING_TAMPERS)
def test_two_copies_that_open_nothing_are_a_failed_unlock(
    clinic: Clinic, look: Look, tamper: str, as_lantern: bool
) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        edited(clinic.folder / name, LOCKING_TAMPERS[tamper], as_lantern=as_lantern)
    found = kinds(look(clinic.folder))
    assert found == ({"unlock"} if as_lantern else {"unlock", "keystore"})


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"\0" * 40)])
def test_a_lost_copy_is_told_and_both_lost_too(clinic: Clinic, look: Look, spoil: Callable[[Path], object]) -> None:
    spoil(clinic.folder / "keystore.json")
    assert told(look(clinic.folder)) == {("keystore", "keystore.json")}
    spoil(clinic.folder / "keystore.copy.json")
    assert kinds(look(clinic.folder)) == {"keystore"}


def test_any_flipped_bit_of_a_keystore_is_told(clinic: Clinic, look: Look) -> None:
    path = clinic.folder / "keystore.copy.json"
    data = path.read_bytes()
    chance = random.Random(7)
    for place in (chance.randrange(len(data)) for _ in range(25)):
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        assert ("keystore", path.name) in told(look(clinic.folder)), f"byte {place}"


# The heads file


def test_an_older_heads_file_is_told(clinic: Clinic, look: Look) -> None:
    shutil.copy(clinic.earlier / HEADS, clinic.folder / HEADS)
    assert told(look(clinic.folder)) == {("audit", HEADS)}


def test_any_flipped_bit_of_the_heads_is_told(clinic: Clinic, look: Look) -> None:
    path = clinic.folder / HEADS
    data = path.read_bytes()
    chance = random.Random(8)
    for place in [len(data) - 1, *(chance.randrange(len(data)) for _ in range(25))]:
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        assert "audit" in kinds(look(clinic.folder)), f"byte {place}"


# With the key, and a tool of one's own: the audit chain


def rehash(folder: Path, keys: vault.Unlocked, *changes: str) -> None:
    """Change audit lines, then make every hash fit again."""
    as_attacker(folder, keys, *changes)
    connection = opened(folder, keys)
    rows = connection.execute(
        "SELECT sequence, time, actor, action, subject, record, content_sha256, reason, previous, hash "
        "FROM audit_log ORDER BY sequence"
    ).fetchall()
    connection.close()
    statements, previous = [], rows[0][-2]
    for row in rows:
        digest = row_hash((*row[:-2], previous, ""))
        statements.append(f"UPDATE audit_log SET previous = '{previous}', hash = '{digest}' WHERE sequence = {row[0]}")
        previous = digest
    as_attacker(folder, keys, *statements)


COLUMNS = "time, actor, action, subject, record, content_sha256, reason, previous, hash"
CHAIN_TAMPERS: dict[str, tuple[list[str], tuple[str, str]]] = {
    "time edited": (["UPDATE audit_log SET time = '2020' WHERE sequence = 7"], ("audit", "audit/7")),
    "hash edited": (["UPDATE audit_log SET hash = 'x' WHERE sequence = 7"], ("audit", "audit/7")),
    "first deleted": (["DELETE FROM audit_log WHERE sequence = 1"], ("audit", "audit/1")),
    "one deleted": (["DELETE FROM audit_log WHERE sequence = 7"], ("audit", "audit/7")),
    "swapped": (
        [
            "UPDATE audit_log SET sequence = 999 WHERE sequence = 7",
            "UPDATE audit_log SET sequence = 7 WHERE sequence = 8",
            "UPDATE audit_log SET sequence = 8 WHERE sequence = 999",
        ],
        ("audit", "audit/7"),
    ),
    "put in between": (
        [
            "UPDATE audit_log SET sequence = -sequence - 1 WHERE sequence >= 7",
            "UPDATE audit_log SET sequence = -sequence WHERE sequence < 0",
            f"INSERT INTO audit_log SELECT 7, {COLUMNS} FROM audit_log WHERE sequence = 6",
        ],
        ("audit", "audit/7"),
    ),
    "put before": (
        [f"INSERT INTO audit_log SELECT 0, {COLUMNS} FROM audit_log WHERE sequence = 1"],
        ("audit", "audit/0"),
    ),
    "put at the end": (
        [f"INSERT INTO audit_log SELECT (SELECT max(sequence) + 1 FROM audit_log), {COLUMNS} FROM audit_log LIMIT 1"],
        ("audit", "audit/end"),
    ),
    "tail deleted": (
        ["DELETE FROM audit_log WHERE sequence > 7"],
        ("rollback", "audit/8"),
    ),
    "all deleted": (["DELETE FROM audit_log"], ("rollback", "audit/1")),
}


@pytest.mark.parametrize("tamper", CHAIN_TAMPERS)
def test_a_changed_chain_is_told(clinic: Clinic, look: Look, keys: vault.Unlocked, tamper: str) -> None:
    statements, (kind, where) = CHAIN_TAMPERS[tamper]
    before = look(clinic.folder).head
    assert before is not None
    as_attacker(clinic.folder, keys, *statements)
    assert (kind, where.replace("end", str(before.sequence + 1))) in told(look(clinic.folder))


def test_a_chain_made_to_fit_again_contradicts_the_heads(clinic: Clinic, look: Look, keys: vault.Unlocked) -> None:
    rehash(clinic.folder, keys, "UPDATE audit_log SET actor = 'somebody' WHERE sequence = 7")
    assert "rollback" in kinds(look(clinic.folder))


# With the key: records


def substitute(table: str, column: str, old: str, new: str) -> str:
    return f"UPDATE {table} SET {column} = CAST(replace(CAST({column} AS TEXT), '{old}', '{new}') AS BLOB)"


ROW_TAMPERS: dict[str, tuple[str, str, str]] = {
    "patient edited": (substitute("patients", "record", "下河村", "上河村"), "record", "patients/"),
    "patient put back": (substitute("patients", "record", "下河村", "清河村"), "record", "patients/"),
    "patient deleted": ("DELETE FROM patients WHERE key = 1", "record", "patients/"),
    "card number": ("UPDATE patients SET card_number = '0000099' WHERE key = 1", "record", "patients/"),
    "merged away": ("UPDATE patients SET merged_into = 1 WHERE key = 2", "record", "patients/"),
    "visit moved": ("UPDATE encounters SET patient = 1", "record", "encounters/"),
    "visit backdated": ("UPDATE encounters SET started = started - 1", "record", "encounters/"),
    "observation edited": (substitute("observations", "record", "38.5", "36.5"), "record", "observations/"),
    "observation deleted": ("DELETE FROM observations WHERE number = 1", "record", "observations/"),
    "observations deleted": ("DELETE FROM observations", "record", "observations/"),
    "observation's code": ("UPDATE observations SET code = 'x' WHERE number = 1", "record", "observations/"),
    "condition deleted": ("DELETE FROM conditions", "record", "conditions/"),
    "medication deleted": ("DELETE FROM medication_requests", "record", "medication_requests/"),
    "consent deleted": ("DELETE FROM consents", "record", "consents/"),
    "merge deleted": ("DELETE FROM patient_merges WHERE undoes IS NOT NULL", "record", "patient_merges/"),
    "conflict deleted": ("DELETE FROM conflict_settlements", "record", "conflict_settlements/"),
    "review edited": (substitute("reviews", "record", "accept", "reject"), "record", "reviews/"),
    "review deleted": ("DELETE FROM reviews", "record", "reviews/"),
    "impression edited": (substitute("impressions", "record", "肺炎", "正常"), "record", "impressions/"),
    "report edited": (substitute("reports", "content", "肺炎", "正常"), "record", "reports/"),
    "report moved": ("UPDATE reports SET study = 'x'", "record", "reports/"),
    "report deleted": ("DELETE FROM reports", "record", "reports/"),
    "addendum deleted": ("DELETE FROM addenda", "record", "addenda/"),
    "addendum moved": ("UPDATE addenda SET number = 2", "record", "reports/"),
    "unsigned again": ("UPDATE imaging_studies SET signed = 0", "record", "imaging_studies/"),
    "user's key": ("UPDATE users SET public_key = zeroblob(32)", "record", "users/"),
    "user added": (
        "INSERT INTO users SELECT 'x', 'mallory', public_key, record FROM users LIMIT 1",
        "record",
        "users/x",
    ),
    "file row moved": ("UPDATE attachments SET file = file || 'x'", "record", "attachments/"),
    "index emptied": ("DELETE FROM patient_search WHERE rowid = 1", "database", "patients/"),
    "index poorer": (
        "INSERT INTO patient_search (rowid, tokens) VALUES (777, 'pwang')",
        "database",
        "patient_search",
    ),
    "keys for search": (substitute("patients", "search_keys", "ming", "bing"), "database", "patients/"),
    "words forgotten": ("DELETE FROM search_words", "database", "search_words"),
    "trigger gone": ("DROP TABLE drafts", "database", f"{DATABASE}/drafts"),
    "index gone": ("DROP INDEX patients_by_touch", "database", f"{DATABASE}/patients_by_touch"),
    "signed head forgotten": ("DELETE FROM meta WHERE name = 'signed_head'", "database", "meta/"),
    "older keystore remembered": (
        "UPDATE meta SET value = value + 1 WHERE name = 'keystore_generation'",
        "keystore",
        "keystore.json",
    ),
}


@pytest.mark.parametrize("tamper", ROW_TAMPERS)
def test_a_changed_row_is_told(clinic: Clinic, look: Look, keys: vault.Unlocked, tamper: str) -> None:
    statement, kind, where = ROW_TAMPERS[tamper]
    before = contents(clinic.folder, keys) if "gone" not in tamper else None
    as_attacker(clinic.folder, keys, statement)
    assert before is None or contents(clinic.folder, keys) != before or "signed" in tamper, "nothing was changed"
    found = look(clinic.folder)
    assert any(one == kind and place.startswith(where) for one, place in told(found)), told(found)


def test_a_dropped_trigger_is_told(clinic: Clinic, look: Look, keys: vault.Unlocked) -> None:
    connection = opened(clinic.folder, keys)
    connection.execute("DROP TRIGGER audit_log_refuses_delete")
    connection.close()
    assert told(look(clinic.folder)) == {("database", f"{DATABASE}/audit_log_refuses_delete")}


def test_a_record_edited_with_its_audit_line_is_told(clinic: Clinic, look: Look, keys: vault.Unlocked) -> None:
    """Whoever makes record, line and chain agree still contradicts the heads."""
    identity = clinic.read.patient.id
    as_attacker(clinic.folder, keys, substitute("patients", "record", "下河村", "上河村"))
    connection = opened(clinic.folder, keys)
    (record,) = connection.execute("SELECT record FROM patients WHERE id = ?", (identity,)).fetchone()
    connection.close()
    digest = hashlib.sha256(record).hexdigest()
    where = f"subject = '{identity}' AND record = 'patient'"
    change = f"UPDATE audit_log SET content_sha256 = '{digest}' WHERE {where}"
    as_attacker(clinic.folder, keys, change)
    assert "audit" in kinds(look(clinic.folder))
    rehash(clinic.folder, keys, change)
    assert kinds(look(clinic.folder)) >= {"rollback"}


def test_a_report_sealed_anew_by_nobody_is_told(clinic: Clinic, look: Look, keys: vault.Unlocked) -> None:
    connection = opened(clinic.folder, keys)
    (content, seal) = connection.execute("SELECT content, record FROM reports").fetchone()
    connection.close()
    forged = content.decode().replace("肺炎", "正常").encode()
    fresh = seal.replace(hashlib.sha256(content).hexdigest().encode(), hashlib.sha256(forged).hexdigest().encode())
    as_attacker(clinic.folder, keys, f"UPDATE reports SET content = x'{forged.hex()}', record = x'{fresh.hex()}'")
    assert ("record", f"reports/{clinic.read.report.content.report}") in told(look(clinic.folder))


# What is not tampering


def test_what_a_crash_leaves_is_noted_and_no_problem(clinic: Clinic, look: Look, keys: vault.Unlocked) -> None:
    with Store.open(clinic.folder, keys) as store:
        store.attachments.stage(b"before its row", Job())
    heads = clinic.folder / HEADS
    heads.write_bytes(heads.read_bytes() + b'{"sequence": 99')
    (clinic.folder / "keystore.json.new").write_bytes(b"{")
    (clinic.folder / (DATABASE + ".new")).write_bytes(b"half")
    found = look(clinic.folder)
    assert found.problems == ()
    assert {note.key for note in found.notes} == {"verify.orphan", "verify.head_torn", "verify.leftover"}
    for language in Language:
        assert all(Translator(language).text(note.key, **note.details) != note.key for note in found.notes)


def test_patients_nobody_tampered_with_stay_whole_beside_one_that_was(
    clinic: Clinic, look: Look, keys: vault.Unlocked
) -> None:
    with Store.open(clinic.folder, keys) as store, store.transaction() as tx:
        other = patient("李四")
        tx.patients.add(other)
        tx.audit.add(AuditAction.ADD_PATIENT, other.id, actor="t")
    as_attacker(clinic.folder, keys, substitute("patients", "record", "李四", "李五"))
    assert told(look(clinic.folder)) == {("record", f"patients/{other.id}")}
