"""No question that grows with the clinic walks through a whole table."""

import pytest

from desktop.store import Store

QUESTIONS = {
    "the chain's word on a record": (
        "SELECT content_sha256 FROM audit_log WHERE record = ? AND record <> '' AND subject = ? ORDER BY sequence DESC"
    ),
    "a failed unlock": "SELECT 1 FROM audit_log WHERE action = 'unlock_failed' AND reason = ?",
    "the newest head": "SELECT sequence, hash FROM audit_log ORDER BY sequence DESC LIMIT 1",
    "those last touched": "SELECT record FROM patients ORDER BY touched DESC, key DESC LIMIT 50",
    "a card number": "SELECT 1 FROM patients WHERE card_number = ?",
    "the worklist": "SELECT record FROM imaging_studies ORDER BY signed, added DESC LIMIT 50",
    "a patient's studies": "SELECT record FROM imaging_studies WHERE patient = ? ORDER BY added DESC",
    "those last touched and not merged": (
        "SELECT record FROM patients WHERE merged_into IS NULL ORDER BY touched DESC, key DESC LIMIT 50"
    ),
    "which records a record stands for": "SELECT key FROM patients WHERE merged_into = ?",
    "a patient's visits": (
        "SELECT record FROM encounters WHERE patient IN (?) AND started < ? ORDER BY started DESC, key DESC LIMIT 50"
    ),
    "what was measured at visits": (
        "SELECT record FROM observations WHERE encounter IN (SELECT value FROM json_each(?)) ORDER BY encounter, number"
    ),
    "one kind of measurement over time": (
        "SELECT observations.record, encounters.id FROM observations "
        "JOIN encounters ON encounters.key = observations.encounter "
        "WHERE observations.patient IN (?) AND code = ? ORDER BY effective DESC LIMIT 200"
    ),
    "a patient's diagnoses": "SELECT record FROM conditions WHERE patient IN (?) ORDER BY key DESC",
    "a patient's prescriptions": "SELECT record FROM medication_requests WHERE patient IN (?) ORDER BY key DESC",
    "a patient's documents": "SELECT record FROM documents WHERE patient IN (?) ORDER BY key DESC",
    "a patient's consents": "SELECT record FROM consents WHERE patient IN (?) ORDER BY key",
    "what may be kept no longer": "SELECT record FROM consents WHERE retain_until < ? ORDER BY retain_until, key",
    "the merge that holds": (
        "SELECT record FROM patient_merges AS merge WHERE gone = ? AND undoes IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM patient_merges WHERE undoes = merge.id) ORDER BY key DESC LIMIT 1"
    ),
    "a patient's conflicts": "SELECT record FROM edit_conflicts WHERE patient IN (?) ORDER BY key",
    "the same bytes": "SELECT id FROM attachments WHERE patient = ? AND sha256 = ?",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_index_answers(store: Store, question: str) -> None:
    statement = QUESTIONS[question]
    with store.snapshot() as tx:
        plan = tx.patients._rows.all(f"EXPLAIN QUERY PLAN {statement}", ("x",) * statement.count("?"))
    steps = [step for *_, step in plan]
    assert not [step for step in steps if "TEMP B-TREE" in step and "LAST TERM" not in step.upper()], steps
    assert all(
        "USING" in step or "SCAN audit_log" in step or "json_each" in step
        for step in steps
        if step.startswith(("SCAN", "SEARCH"))
    ), steps
