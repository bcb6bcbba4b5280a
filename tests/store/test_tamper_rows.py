"""Somebody with the key and a tool of his own: whatever he changes in the database is named with its kind and place."""

import hashlib
from pathlib import Path

import pytest

from desktop import vault
from desktop.records import AuditAction
from desktop.store import Store
from desktop.store.audit import row_hash
from desktop.store.places import DATABASE
from tests.store.helpers import as_attacker, patient
from tests.store.tampering import Clinic, Look, contents, kinds, opened, told

# The audit chain


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


# Records


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


def test_patients_nobody_tampered_with_stay_whole_beside_one_that_was(
    clinic: Clinic, look: Look, keys: vault.Unlocked
) -> None:
    with Store.open(clinic.folder, keys) as store, store.transaction() as tx:
        other = patient("李四")
        tx.patients.add(other)
        tx.audit.add(AuditAction.ADD_PATIENT, other.id, actor="t")
    as_attacker(clinic.folder, keys, substitute("patients", "record", "李四", "李五"))
    assert told(look(clinic.folder)) == {("record", f"patients/{other.id}")}
