"""What the DICOM node keeps: its settings, what waits for an answer, what is to be sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import (
    Attachment,
    AttachmentId,
    AuditAction,
    FileHeader,
    Modality,
    PatientId,
    StudyId,
    UserId,
    new_id,
)
from desktop.records.dicom_node import (
    Arrival,
    ArrivalId,
    ArrivalState,
    Doubt,
    NodeSettings,
    Peer,
    Sending,
    SendingId,
    SendingState,
    is_title,
)
from desktop.store import Store
from desktop.store.salvage import salvage

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def ask(store: Store, data: bytes = b"an object") -> Arrival:
    staged = store.attachments.stage(data, Job())
    attachment = Attachment(
        AttachmentId(new_id()), PatientId(""), staged.sha256, staged.size, "application/dicom", "1.2.dcm", NOW
    )
    header = FileHeader(Modality.CR, study_uid="1.2.3")
    arrival = Arrival(ArrivalId(new_id()), attachment.id, NOW, "XRAY", Doubt.NOBODY, header)
    with store.transaction() as tx:
        tx.attachments.add(attachment, staged)
        tx.arrivals.add(arrival)
        tx.audit.add(AuditAction.RECEIVE_OBJECT, attachment.id, actor="t")
    return arrival


def test_what_arrived_waits_until_it_is_answered(store: Store) -> None:
    arrival = ask(store)
    with store.snapshot() as tx:
        assert tx.arrivals.waiting() == [arrival]
        assert tx.arrivals.get(arrival.id) == arrival
        sha256 = tx.attachments.get(arrival.attachment).sha256
        assert tx.arrivals.same_waiting(sha256) == arrival
    settled = replace(arrival, state=ArrivalState.SET_ASIDE)
    with store.transaction() as tx:
        tx.arrivals.update(settled)
        tx.audit.add(AuditAction.SET_ASIDE_ARRIVAL, arrival.id, actor="t")
    with store.snapshot() as tx:
        assert (tx.arrivals.waiting(), tx.arrivals.count_waiting()) == ([], 0)
        assert tx.arrivals.get(arrival.id).state is ArrivalState.SET_ASIDE
    assert store.verify(Job()).ok


def test_a_file_of_nobody_is_read_checked_and_kept(store: Store) -> None:
    arrival = ask(store, b"bytes of nobody")
    assert store.attachments.read(arrival.attachment) == b"bytes of nobody"
    assert store.attachments.sweep() == 0
    assert store.verify(Job()).ok


def test_what_waits_is_saved_out_of_a_damaged_clinic(folder: Path, keys: vault.Unlocked) -> None:
    with Store.open(folder, keys) as store:
        arrival = ask(store, b"bytes of nobody")
        with store.transaction() as tx:
            tx.node.set(NodeSettings(on=True))
            tx.audit.add(AuditAction.CHANGE_NODE, "node", actor="t")
    saved = salvage(folder, folder.parent / "saved", keys, Job(), clock=lambda: NOW)
    assert (saved.lost, saved.verification.problems) == ({}, ())
    with Store.open(folder.parent / "saved", keys) as store, store.snapshot() as tx:
        assert tx.arrivals.waiting() == [arrival]
        assert tx.node.get().on


def test_a_file_of_somebody_is_given_to_nobody_else(store: Store) -> None:
    arrival = ask(store)
    with pytest.raises(UserFacingError), store.transaction() as tx:
        tx.lookups.give_attachment(AttachmentId(new_id()), PatientId("x"))
    with store.snapshot() as tx:
        assert tx.attachments.get(arrival.attachment).patient == ""


def test_settings_are_those_of_a_node_that_is_off_until_somebody_makes_some(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.node.get() == NodeSettings()
        assert not tx.node.get().on
        made = NodeSettings(on=True, title="CLINIC", port=104, peers=(Peer("room", "XRAY", "10.0.0.7", 104),))
        tx.node.set(made)
        tx.audit.add(AuditAction.CHANGE_NODE, "node", actor="t")
    with store.snapshot() as tx:
        assert tx.node.get() == made
    assert store.verify(Job()).ok


def test_sendings_are_found_by_state_and_by_their_commitment(store: Store) -> None:
    first, second = (
        Sending(SendingId(new_id()), StudyId("s"), "archive", NOW + timedelta(minutes=number), UserId("u"))
        for number in range(2)
    )
    with store.transaction() as tx:
        for sending in (first, second):
            tx.sendings.add(sending)
        tx.audit.add(AuditAction.SEND_STUDY, first.id, actor="t")
    done = replace(first, state=SendingState.SENT, transaction="2.25.1")
    with store.transaction() as tx:
        tx.sendings.update(done)
        tx.audit.add(AuditAction.SEND_STUDY, first.id, actor="t")
    with store.snapshot() as tx:
        assert tx.sendings.waiting() == [second]
        assert tx.sendings.newest() == [second, done]
        assert tx.sendings.of_transaction("2.25.1") == done
        assert tx.sendings.of_transaction("") is None
    assert store.verify(Job()).ok


@pytest.mark.parametrize(
    ("title", "good"),
    [
        *((good, True) for good in ("A", "X RAY 1", "A" * 16)),
        *((bad, False) for bad in ("A" * 17, "", " A", "A\\B", "放射室", "A\n")),
    ],
)
def test_what_may_be_an_ae_title(title: str, good: bool) -> None:
    assert is_title(title) is good


@pytest.mark.parametrize(
    "question",
    [
        "SELECT record FROM arrivals WHERE waiting = 1 ORDER BY key DESC LIMIT 5",
        "SELECT record FROM dicom_sendings WHERE state = ? ORDER BY key",
        "SELECT record FROM dicom_sendings WHERE transaction_uid = ? AND transaction_uid <> ''",
        "SELECT id FROM attachments WHERE patient IS NULL AND sha256 = ?",
    ],
)
def test_an_index_answers(store: Store, question: str) -> None:
    with store.snapshot() as tx:
        plan = tx.arrivals._rows.all(f"EXPLAIN QUERY PLAN {question}", ("x",) * question.count("?"))
    assert all("USING" in step for *_, step in plan), plan
    assert not any("TEMP B-TREE" in step for *_, step in plan), plan
