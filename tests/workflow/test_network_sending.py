"""Studies on their way to others, and our word to those who sent us theirs."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydicom import dcmread

from desktop import workflow
from desktop.errors import Cancelled, UserFacingError
from desktop.jobs import Job
from desktop.network.parts import Committed, KeepingAnswer, KeepingAsked, NotKept, ObjectName
from desktop.records import AuditAction, HumanName, PartialDate, Sex, StudyId
from desktop.records.dicom_node import SendingId, SendingParts, SendingState
from desktop.workflow import network_sending
from desktop.workflow.network_keeping import OwedAnswers
from desktop.workflow.network_outbox import Outbox
from desktop.workflow.network_receiving import Reception
from desktop.workflow.network_sending import send_what_waits
from tests.conftest import ExpectLog
from tests.network.objects import CT, DX, dataset, file_bytes
from tests.network.programs import free_port, running, until
from tests.network.test_commitment import Asker
from tests.workflow.test_network import is_whole, received

JOB = Job()


class Held:
    """A study of three CT slices from a device, and one that asks whose it is."""

    def __init__(self, clinic: workflow.Clinic) -> None:
        draft = workflow.PatientDraft(names=(HumanName(text="张伟"),), birth_date=PartialDate(1980, 1, 2), sex=Sex.MALE)
        workflow.register_patient(clinic, JOB, draft)
        stored: list[workflow.Stored] = []
        self.desk = Reception(clinic, stored.append, lambda: None)
        for seed in range(3):
            self.desk.receive(received(file_bytes(dataset(study="1.2.3.4", seed=seed))))
        self.desk.receive(received(file_bytes(dataset(name="Li^Na"))))
        self.stored = stored
        assert stored[0].study is not None
        self.study: StudyId = stored[0].study


@pytest.fixture
def held(clinic: workflow.Clinic) -> Held:
    return Held(clinic)


@pytest.fixture
def port(clinic: workflow.Clinic) -> int:
    """Where an archive called so will listen."""
    found = free_port()
    workflow.set_dicom_peers(clinic, JOB, [workflow.new_peer("archive", "ARCHIVE", "127.0.0.1", found)])
    return found


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Where the archive keeps what it gets."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


def later(clinic: workflow.Clinic, minutes: int) -> workflow.Clinic:
    moment = clinic.clock() + timedelta(minutes=minutes)
    return workflow.Clinic(clinic.store, clinic.unlocked, clinic.session, clinic.models, lambda: moment)


def state(clinic: workflow.Clinic) -> SendingState:
    return workflow.list_sendings(clinic, JOB)[0].state


# Sending


def test_what_is_queued_goes_once_the_outbox_looks(clinic: workflow.Clinic, held: Held, port: int, there: Path) -> None:
    changed = workflow.queue_study(clinic, JOB, held.study, "archive")
    assert (changed.sending.state, changed.left) == (SendingState.WAITING, 3)
    assert workflow.count_sendings(clinic, JOB) == workflow.SendingCounts(1, 0)
    heard: list[bool] = []
    with running(port, "storescp", "-od", there, port):
        outbox = workflow.start_outbox(clinic, JOB, workflow.Hearers(sent=lambda: heard.append(True)))
        until(lambda: state(clinic) is SendingState.SENT)
        outbox.stop()
    assert len(list(there.iterdir())) == 3
    assert heard
    (view,) = workflow.sendings_in_words(clinic, JOB)
    assert (view.patient, view.modality, view.objects) == ("张伟", "CT", 3)
    assert is_whole(clinic)


def test_what_the_peer_has_is_not_sent_again(
    clinic: workflow.Clinic, held: Held, port: int, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a power cut in the middle: what was written down stays with the peer."""
    monkeypatch.setattr(network_sending, "_NOTED_EACH", 1)
    jobs: list[Job] = []

    class Stops(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            if done == 2:
                self.cancel()
            super().report(key, done, total)

    changed = workflow.queue_study(clinic, JOB, held.study, "archive")
    with running(port, "storescp", "-od", there, port):
        with pytest.raises(Cancelled):
            workflow.retry_sending(clinic, Stops(), changed.sending.id)
        (sending,) = workflow.list_sendings(clinic, JOB)
        assert (sending.state, len(sending.sent)) == (SendingState.WAITING, 2)
        for file in there.iterdir():
            file.unlink()
        assert send_what_waits(clinic, lambda: False, lambda _sending, job: jobs.append(job)) == 1
    assert len(list(there.iterdir())) == 1
    assert (state(clinic), len(jobs)) == (SendingState.SENT, 1)


def test_a_sending_is_called_off_and_taken_up_again(clinic: workflow.Clinic, held: Held, port: int) -> None:
    sending = workflow.queue_study(clinic, JOB, held.study, "archive").sending
    assert send_what_waits(clinic, lambda: False) == 1
    assert workflow.cancel_sending(clinic, JOB, sending.id).sending.state is SendingState.CANCELLED
    assert send_what_waits(later(clinic, 5), lambda: False) == 0
    assert workflow.count_sendings(clinic, JOB) == workflow.SendingCounts(0, 0)
    again = workflow.requeue_sending(clinic, JOB, sending.id)
    assert (again.sending.state, again.sending.attempts, again.left) == (SendingState.WAITING, 0, 3)
    assert is_whole(clinic)


def test_one_called_off_while_it_is_tried_stays_so(clinic: workflow.Clinic, held: Held, port: int) -> None:
    sending = workflow.queue_study(clinic, JOB, held.study, "archive").sending

    def call_off(one: SendingId, _job: Job) -> None:
        workflow.cancel_sending(clinic, JOB, one)

    send_what_waits(clinic, lambda: False, call_off)
    (now,) = workflow.list_sendings(clinic, JOB)
    assert (now.id, now.state, now.next_try) == (sending.id, SendingState.CANCELLED, None)


def test_what_a_peer_does_not_promise_is_sent_again_on_demand(
    clinic: workflow.Clinic, held: Held, port: int, there: Path
) -> None:
    with running(port, "storescp", "-od", there, port):
        sending = workflow.send_study(clinic, JOB, held.study, "archive").sending
    with clinic.store.transaction() as tx:
        tx.sendings.update(replace(sending, transaction="1.2.77"))
        tx.audit.add(AuditAction.SEND_STUDY, sending.id, actor="system")
    held.desk.committed(Committed("1.2.77", (), (held.stored[0].instance_uid,)))
    (now,) = workflow.list_sendings(clinic, JOB)
    assert (now.state, now.failure, len(now.sent)) == (SendingState.FAILED, "network.not_committed", 2)
    assert workflow.requeue_sending(clinic, JOB, sending.id).left == 1


def test_only_who_is_on_the_list_is_sent_to(clinic: workflow.Clinic, held: Held) -> None:
    with pytest.raises(UserFacingError) as refusal:
        workflow.queue_study(clinic, JOB, held.study, "archive")
    assert refusal.value.key == "network.no_such_peer"
    assert workflow.list_sendings(clinic, JOB) == ()


def test_a_signed_report_goes_beside_its_images(clinic: workflow.Clinic, held: Held, port: int, there: Path) -> None:
    with pytest.raises(UserFacingError) as refusal:
        workflow.queue_study(clinic, JOB, held.study, "archive", SendingParts.REPORT)
    assert refusal.value.key == "network.no_report"
    assert workflow.sendable(clinic, JOB, held.study) == workflow.Sendable(3, False)
    report = workflow.sign_report(clinic, JOB, held.study, impression="Nothing acute.").report
    assert workflow.sendable(clinic, JOB, held.study) == workflow.Sendable(3, True)
    with running(port, "storescp", "-od", there, port):
        whole = workflow.send_study(clinic, JOB, held.study, "archive", parts=SendingParts.BOTH)
        assert (whole.sending.state, len(whole.sending.sent)) == (SendingState.SENT, 4)
        workflow.add_addendum(clinic, JOB, report.content.report, "Seen again.")
        again = workflow.send_study(clinic, JOB, held.study, "archive", parts=SendingParts.REPORT)
        assert (again.sending.state, len(again.sending.sent)) == (SendingState.SENT, 1)
    made = [dcmread(path) for path in there.iterdir()]
    reports = sorted((one for one in made if one.Modality == "SR"), key=lambda one: int(one.InstanceNumber))
    assert [len(one.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence) for one in reports] == [3, 3]
    (images,) = {(one.StudyInstanceUID, str(one.PatientName), one.PatientBirthDate) for one in made}
    assert images == ("1.2.3.4", "Zhang^Wei=张^伟", "19800102")
    added = [b"Seen again." in path.read_bytes() for path in sorted(there.iterdir()) if path.name.startswith("SR")]
    assert sorted(added) == [False, True]
    assert is_whole(clinic)


# Our word to others


def due(clinic: workflow.Clinic) -> datetime | None:
    with clinic.store.snapshot() as tx:
        return next((one.due for one in tx.owed_answers.waiting()), None)


def asked(*objects: ObjectName) -> KeepingAsked:
    return KeepingAsked("1.2.9", objects, "XRAY", "127.0.0.1")


def test_we_promise_what_is_here_whole_and_nothing_else(clinic: workflow.Clinic, held: Held) -> None:
    filed, waiting, damaged = (ObjectName(CT, held.stored[place].instance_uid) for place in (0, 3, 1))
    unknown, other = ObjectName(CT, "1.2.3.99"), ObjectName(DX, held.stored[2].instance_uid)
    answer = held.desk.keeping(asked(filed, waiting, unknown, other))
    assert answer.kept == (filed, waiting)
    assert answer.failed == ((unknown, NotKept.UNKNOWN), (other, NotKept.OTHER_CLASS))
    for file in (clinic.store.folder / "att").rglob("*"):
        if not file.is_file():
            continue
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    assert held.desk.keeping(asked(damaged)).failed == ((damaged, NotKept.FAILURE),)


@pytest.fixture
def asker(clinic: workflow.Clinic) -> Iterator[Asker]:
    made = Asker()
    yield made
    assert made.server is not None
    made.server.shutdown()


def test_who_hung_up_is_called_until_they_hear(clinic: workflow.Clinic, held: Held, asker: Asker) -> None:
    owed = OwedAnswers(clinic)
    question = KeepingAsked("1.2.9", (ObjectName(CT, held.stored[0].instance_uid),), "PEER", "127.0.0.1")
    owed.add(question, held.desk.keeping(question))
    asker.answer = 0x0110
    workflow.set_dicom_peers(clinic, JOB, [workflow.new_peer("device", "PEER", "127.0.0.1", asker.port)])
    owed.deliver(lambda: False)
    assert owed
    owed.deliver(lambda: False)
    assert len(asker.heard) == 1
    asker.answer = 0x0000
    owed._clinic = later(clinic, 2)
    owed.deliver(lambda: False)
    assert not owed
    assert [event for event, _ in asker.heard] == [1, 1]


def test_what_is_owed_outlives_a_restart_and_is_looked_up_anew(
    clinic: workflow.Clinic, held: Held, asker: Asker
) -> None:
    objects = tuple(ObjectName(CT, one.instance_uid) for one in held.stored[:2])
    question = KeepingAsked("1.2.9", objects, "PEER", "127.0.0.1")
    workflow.set_dicom_peers(clinic, JOB, [workflow.new_peer("device", "PEER", "127.0.0.1", asker.port)])
    for _ in range(2):
        held.desk.untold(question, held.desk.keeping(question))
    folder, models = clinic.store.folder, clinic.models
    workflow.lock(clinic)
    for file in (folder / "att").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1])
    opened = workflow.unlock(folder, JOB, user="li", passphrase="correct horse", models=models)
    try:
        assert OwedAnswers(opened)
        outbox = Outbox(later(opened, 600), lambda: None)
        until(lambda: len(asker.heard) == 1)
        until(lambda: not OwedAnswers(opened))
        outbox.stop()
    finally:
        workflow.lock(opened)
    ((event, word),) = asker.heard
    assert (event, word.TransactionUID) == (2, "1.2.9")
    assert "ReferencedSOPSequence" not in word
    lost = [item.ReferencedSOPInstanceUID for item in word.FailedSOPSequence]
    assert lost == [name.instance_uid for name in objects]


def test_whoever_never_listens_is_given_up_after_two_days(clinic: workflow.Clinic, held: Held) -> None:
    workflow.set_dicom_peers(clinic, JOB, [workflow.new_peer("device", "PEER", "127.0.0.1", free_port())])
    owed = OwedAnswers(clinic)
    owed.add(KeepingAsked("1.2.9", (ObjectName(CT, "1.2.3"),), "PEER", "127.0.0.1"), KeepingAnswer("1.2.9", ()))
    tries = 0
    for minutes in range(0, 4000, 100):
        owed._clinic = later(clinic, minutes)
        before = due(clinic)
        owed.deliver(lambda: False)
        tries += before is not None and before != due(clinic)
    assert not owed
    assert tries == 8
    assert is_whole(clinic)


def test_an_answer_for_a_stranger_is_dropped(clinic: workflow.Clinic, held: Held, expected_log: ExpectLog) -> None:
    question = asked(ObjectName(CT, "1.2.3"))
    owed = OwedAnswers(clinic)
    owed.add(question, held.desk.keeping(question))
    with expected_log("desktop.workflow", logging.WARNING, match="not on the list"):
        owed.deliver(lambda: False)
    assert not owed
