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
    "the same bytes": "SELECT id FROM attachments WHERE patient = ? AND sha256 = ?",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_index_answers(store: Store, question: str) -> None:
    statement = QUESTIONS[question]
    with store.snapshot() as tx:
        plan = tx.patients._rows.all(f"EXPLAIN QUERY PLAN {statement}", ("x",) * statement.count("?"))
    steps = [step for *_, step in plan]
    assert not [step for step in steps if "TEMP B-TREE" in step and "LAST TERM" not in step.upper()], steps
    assert all("USING" in step or "SCAN audit_log" in step for step in steps if step.startswith(("SCAN", "SEARCH"))), (
        steps
    )
