"""What the clinic does with what arrives from the network, and what it answers and sends."""

import io
import logging
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydicom import dcmread

from desktop import workflow
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.network.parts import Answer, Committed, Received, StepQuery
from desktop.records import HumanName, Identifier, PartialDate, Patient, Sex
from desktop.records.dicom_node import Doubt, SendingState
from desktop.store.attachments import SealedFolder
from desktop.workflow.network_receiving import Reception
from desktop.workflow.network_sending import send_what_waits
from tests.conftest import ExpectLog
from tests.network.objects import CT, dataset, file_bytes
from tests.network.programs import free_port, orthanc, run, running, until

JOB = Job()
BORN = PartialDate(1980, 1, 2)


def register(
    clinic: workflow.Clinic,
    name: str = "张伟",
    born: PartialDate | None = BORN,
    sex: Sex = Sex.MALE,
    numbers: tuple[str, ...] = (),
) -> Patient:
    draft = workflow.PatientDraft(
        names=(HumanName(text=name),), birth_date=born, sex=sex, identifiers=tuple(Identifier(one) for one in numbers)
    )
    return workflow.register_patient(clinic, JOB, draft).patient


def received(data: bytes, *, instance: str = "", title: str = "XRAY") -> Received:
    found = dcmread(io.BytesIO(data), stop_before_pixels=True)
    syntax = str(found.file_meta.TransferSyntaxUID)
    return Received(data, str(found.SOPClassUID), instance or str(found.SOPInstanceUID), syntax, title, "127.0.0.1")


class Heard:
    """A reception, and what it told."""

    def __init__(self, clinic: workflow.Clinic) -> None:
        self.stored: list[workflow.Stored] = []
        self.desk = Reception(clinic, self.stored.append, lambda: None)

    def take(self, data: bytes) -> workflow.Stored:
        assert self.desk.receive(received(data)) is Answer.STORED
        return self.stored[-1]


@pytest.fixture
def heard(clinic: workflow.Clinic) -> Heard:
    return Heard(clinic)


def is_whole(clinic: workflow.Clinic) -> bool:
    found = clinic.store.verify(JOB)
    assert found.problems == ()
    assert found.notes == ()
    return True


# Matching


def test_name_and_birth_date_file_an_object(clinic: workflow.Clinic, heard: Heard) -> None:
    patient = register(clinic)
    data = file_bytes(dataset())
    stored = heard.take(data)
    assert (stored.patient, stored.doubt, stored.sent_by) == (patient.id, None, "XRAY")
    assert clinic.store.attachments.read(stored.attachment) == data
    chart = workflow.open_patient(clinic, JOB, patient.id)
    assert [study.study.id for study in chart.studies] == [stored.study]
    assert is_whole(clinic)


def test_the_card_number_files_an_object_without_a_birth_date(clinic: workflow.Clinic, heard: Heard) -> None:
    patient = register(clinic, born=None)
    assert heard.take(file_bytes(dataset(number=patient.card_number, birth_date=""))).patient == patient.id


def test_an_identifier_somebody_else_gave_counts_too(clinic: workflow.Clinic, heard: Heard) -> None:
    patient = register(clinic, numbers=("H-77",))
    assert heard.take(file_bytes(dataset(number="h-77"))).patient == patient.id


@pytest.mark.parametrize(
    ("facts", "doubt"),
    [
        ({"name": ""}, Doubt.NO_NAME),
        ({"name": "Li^Na"}, Doubt.NOBODY),
        ({"birth_date": ""}, Doubt.UNSURE),
        ({"birth_date": "1980"}, Doubt.UNSURE),
        ({"birth_date": "19810102"}, Doubt.UNSURE),
        ({"sex": "F"}, Doubt.UNSURE),
        ({"number": "999"}, Doubt.UNSURE),
    ],
)
def test_whatever_leaves_a_doubt_is_asked(
    clinic: workflow.Clinic, heard: Heard, facts: dict[str, str], doubt: Doubt
) -> None:
    register(clinic)
    stored = heard.take(file_bytes(dataset(**facts)))  # type: ignore[arg-type]  # texts only
    assert (stored.patient, stored.doubt) == (None, doubt)


def test_a_number_of_somebody_else_is_asked(clinic: workflow.Clinic, heard: Heard) -> None:
    register(clinic)
    other = register(clinic, name="李娜", born=PartialDate(1990, 3, 5), sex=Sex.FEMALE)
    assert heard.take(file_bytes(dataset(number=other.card_number))).doubt is Doubt.UNSURE


def test_two_who_fit_are_asked_about(clinic: workflow.Clinic, heard: Heard) -> None:
    register(clinic)
    register(clinic)
    assert heard.take(file_bytes(dataset())).doubt is Doubt.SEVERAL


# Keeping


def test_the_same_bytes_again_are_kept_once(clinic: workflow.Clinic, heard: Heard) -> None:
    for data in (file_bytes(dataset()), file_bytes(dataset(name="Li^Na"))):
        first = heard.take(data)
        second = heard.take(data)
        assert (first.duplicate, second.duplicate) == (False, True)
        assert (first.attachment, first.arrival, first.instance) == (second.attachment, second.arrival, second.instance)
    assert workflow.count_waiting_arrivals(clinic, JOB) == 2


def test_pictures_of_one_study_come_together(clinic: workflow.Clinic, heard: Heard) -> None:
    patient = register(clinic)
    stored = [heard.take(file_bytes(dataset(study="1.2.3.4", seed=seed))) for seed in range(3)]
    assert len({one.study for one in stored}) == 1
    (study,) = workflow.open_patient(clinic, JOB, patient.id).studies
    assert len(study.study.instances) == 3


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\0" * 128 + b"DICM" + b"\x02\0" * 40, Answer.NOT_UNDERSTOOD),
        (file_bytes(dataset())[:400], Answer.NOT_UNDERSTOOD),
    ],
)
def test_what_cannot_be_read_is_refused(
    clinic: workflow.Clinic, heard: Heard, expected_log: ExpectLog, data: bytes, answer: Answer
) -> None:
    with expected_log("desktop.workflow", logging.WARNING, match="not kept"):
        assert heard.desk.receive(Received(data, CT, "1.2.3", "1.2.840.10008.1.2.1", "XRAY", "127.0.0.1")) is answer
    assert heard.stored == []
    assert heard.desk.counts == (0, 1)
    assert is_whole(clinic)


def test_another_object_than_announced_is_refused(heard: Heard) -> None:
    assert heard.desk.receive(received(file_bytes(dataset()), instance="1.2.3")) is Answer.NOT_AS_ANNOUNCED


def test_a_full_disk_is_told_and_leaves_nothing(
    clinic: workflow.Clinic, heard: Heard, monkeypatch: pytest.MonkeyPatch, expected_log: ExpectLog
) -> None:
    def full(*_: object) -> None:
        raise KnownFailure("error.disk_full", kind=ErrorKind.DISK_FULL)

    register(clinic)
    data = file_bytes(dataset())
    with monkeypatch.context() as patch, expected_log("desktop.workflow", logging.WARNING, match="disk_full"):
        patch.setattr(SealedFolder, "write", full)
        assert heard.desk.receive(received(data)) is Answer.NO_ROOM
    with monkeypatch.context() as patch, expected_log("desktop.workflow", logging.WARNING, match="disk_full"):
        patch.setattr("desktop.workflow.network_receiving.add_to_study", full)
        assert heard.desk.receive(received(data)) is Answer.NO_ROOM
    assert heard.stored == []
    assert is_whole(clinic)


# Asking


def test_an_answer_files_everything_of_the_study(clinic: workflow.Clinic, heard: Heard) -> None:
    patient = register(clinic)
    objects = [file_bytes(dataset(study="1.2.3.4", seed=seed, birth_date="")) for seed in range(3)]
    for data in objects:
        heard.take(data)
    (waiting,) = workflow.waiting_arrivals(clinic, JOB)
    assert (len(waiting.arrivals), waiting.doubt, waiting.sent_by) == (3, Doubt.UNSURE, "XRAY")
    assert [one.id for one in waiting.likely] == [patient.id]
    assert is_whole(clinic)
    filed = workflow.file_arrivals(clinic, JOB, waiting.arrivals, patient.id)
    assert workflow.waiting_arrivals(clinic, JOB) == ()
    (study,) = workflow.open_patient(clinic, JOB, patient.id).studies
    assert (study.study.id,) == filed.studies
    stored = {clinic.store.attachments.read(one.attachment) for one in study.study.instances}
    assert stored == set(objects)
    assert is_whole(clinic)
    with pytest.raises(UserFacingError) as refusal:
        workflow.file_arrivals(clinic, JOB, waiting.arrivals, patient.id)
    assert refusal.value.key == "network.arrival_settled"


def test_a_name_that_does_not_fit_needs_a_reason(clinic: workflow.Clinic, heard: Heard) -> None:
    patient = register(clinic, name="李娜", sex=Sex.FEMALE)
    heard.take(file_bytes(dataset()))
    (waiting,) = workflow.waiting_arrivals(clinic, JOB)
    with pytest.raises(workflow.NameMismatch):
        workflow.file_arrivals(clinic, JOB, waiting.arrivals, patient.id)
    assert len(workflow.waiting_arrivals(clinic, JOB)) == 1
    workflow.file_arrivals(clinic, JOB, waiting.arrivals, patient.id, "typed wrongly at the device")
    (study,) = workflow.open_patient(clinic, JOB, patient.id).studies
    assert study.study.mismatch_reason == "typed wrongly at the device"
    assert is_whole(clinic)


def test_what_is_set_aside_is_asked_again_on_demand(clinic: workflow.Clinic, heard: Heard) -> None:
    heard.take(file_bytes(dataset()))
    (waiting,) = workflow.waiting_arrivals(clinic, JOB)
    workflow.set_aside_arrivals(clinic, JOB, waiting.arrivals)
    assert workflow.count_waiting_arrivals(clinic, JOB) == 0
    workflow.ask_again(clinic, JOB, waiting.arrivals)
    assert workflow.waiting_arrivals(clinic, JOB) == (waiting,)
    assert is_whole(clinic)


def test_what_waits_survives_a_backup(clinic: workflow.Clinic, heard: Heard, tmp_path: Path) -> None:
    heard.take(file_bytes(dataset()))
    (tmp_path / "stick").mkdir()
    assert workflow.backups.back_up(clinic, JOB, tmp_path / "stick").verified


# The worklist


def test_todays_patients_are_on_the_list(clinic: workflow.Clinic, heard: Heard) -> None:
    patient = register(clinic)
    register(clinic, name="李娜", born=PartialDate(1990), sex=Sex.FEMALE)
    steps = {step.number: step for step in heard.desk.worklist(StepQuery("XRAY"))}
    step = steps[patient.card_number]
    assert (step.name, step.birth_date, step.sex) == ("Zhangwei=张伟", "19800102", "M")
    assert steps.keys() == {patient.card_number, next(number for number in steps if number != patient.card_number)}
    assert next(one for one in steps.values() if one is not step).birth_date == ""
    again = heard.desk.worklist(StepQuery("XRAY", number=patient.card_number))
    assert [one.study_uid for one in again] == [step.study_uid]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (StepQuery("X", name="zhang*"), True),
        (StepQuery("X", name="张?"), True),
        (StepQuery("X", name="Li*"), False),
        (StepQuery("X", since=date(2020, 1, 1), until=date(2020, 1, 2)), False),
        (StepQuery("X", number="0"), False),
    ],
)
def test_a_device_may_ask_for_some(clinic: workflow.Clinic, heard: Heard, query: StepQuery, found: bool) -> None:
    register(clinic)
    assert bool(heard.desk.worklist(query)) is found


def test_what_comes_back_with_the_lists_words_is_filed_unasked(clinic: workflow.Clinic, heard: Heard) -> None:
    patient = register(clinic, born=None)
    (step,) = heard.desk.worklist(StepQuery("XRAY"))
    made = dataset(name=step.name, number=step.number, birth_date=step.birth_date, study=step.study_uid)
    assert heard.take(file_bytes(made)).patient == patient.id


# Settings


def test_a_start_loads_nothing_of_dicom() -> None:
    program = (
        "import sys, desktop.workflow;print([m for m in ('pydicom', 'pynetdicom', 'highdicom') if m in sys.modules])"
    )
    assert run(sys.executable, "-c", program).stdout.strip() == "[]"


def test_the_node_is_off_until_somebody_turns_it_on(clinic: workflow.Clinic) -> None:
    assert workflow.start_dicom_node(clinic, JOB, workflow.Hearers()) is None
    view = workflow.dicom_node(clinic, JOB)
    assert (view.on, view.tls, view.peers, view.certificate) == (False, False, (), "")


def test_settings_are_kept_and_attested(clinic: workflow.Clinic) -> None:
    peer = workflow.new_peer(" X-ray room ", "XRAY", "127.0.0.1", 104)
    workflow.set_dicom_peers(clinic, JOB, [peer])
    view = workflow.set_dicom_node(clinic, JOB, on=True, title="CLINIC", port=11113, tls=True).view
    assert (view.on, view.title, view.port, view.tls, view.peers) == (True, "CLINIC", 11113, True, (peer,))
    assert view.certificate.startswith("-----BEGIN CERTIFICATE")
    renewed = workflow.renew_dicom_certificate(clinic, JOB).view
    assert renewed.sha256 != view.sha256
    assert workflow.dicom_peer(clinic, JOB, "x-ray ROOM") == peer
    assert is_whole(clinic)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("", "XRAY", "", 0), "network.name_missing"),
        (("a", "", "", 0), "network.bad_title"),
        (("a", "TOO LONG A TITLE!", "", 0), "network.bad_title"),
        (("a", "XRAY", "", 104), "network.bad_address"),
        (("a", "XRAY", "999.1.1.1", 104), "network.bad_address"),
        (("a", "XRAY", "b c", 104), "network.bad_address"),
        (("a", "XRAY", "127.0.0.1", 70000), "network.bad_port"),
    ],
)
def test_a_peer_that_cannot_be_is_refused(words: tuple[str, str, str, int], key: str) -> None:
    with pytest.raises(UserFacingError) as refusal:
        workflow.new_peer(*words)
    assert refusal.value.key == key


def test_tls_needs_the_peers_certificate() -> None:
    with pytest.raises(UserFacingError) as refusal:
        workflow.new_peer("a", "XRAY", "127.0.0.1", 104, tls=True)
    assert refusal.value.key == "network.peer_needs_certificate"


# With others


@pytest.fixture
def port(clinic: workflow.Clinic) -> Iterator[int]:
    """The clinic's node, as an administrator set it up, for a device called XRAY on this PC."""
    found = free_port()
    workflow.set_dicom_peers(clinic, JOB, [workflow.new_peer("room", "XRAY", "127.0.0.1", 0)])
    workflow.set_dicom_node(clinic, JOB, on=True, title="LANTERN", port=found, tls=False)
    node = workflow.start_dicom_node(clinic, JOB, workflow.Hearers())
    assert node is not None
    yield found
    assert node.status.port == found
    node.stop()


def test_only_listed_devices_are_served(clinic: workflow.Clinic, port: int, tmp_path: Path) -> None:
    data = file_bytes(dataset())
    (tmp_path / "a.dcm").write_bytes(data)
    words = ("-aec", "LANTERN", "127.0.0.1", port, tmp_path / "a.dcm")
    assert run("storescu", "-xe", "-aet", "STRANGER", *words).returncode != 0
    assert workflow.count_waiting_arrivals(clinic, JOB) == 0
    assert run("storescu", "-xe", "-aet", "XRAY", *words).returncode == 0
    (waiting,) = workflow.waiting_arrivals(clinic, JOB)
    assert waiting.sent_by == "XRAY"


def test_nothing_of_an_object_lies_readable_on_the_disk(clinic: workflow.Clinic, port: int, tmp_path: Path) -> None:
    mark = b"Zhang^Wei"
    made = dataset()
    pixels = made.PixelData
    (tmp_path / "a.dcm").write_bytes(file_bytes(made))
    run("storescu", "-xe", "-aet", "XRAY", "-aec", "LANTERN", "127.0.0.1", port, tmp_path / "a.dcm")
    assert workflow.count_waiting_arrivals(clinic, JOB) == 1
    for path in clinic.store.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert mark not in data
            assert pixels[:64] not in data


def a_study(clinic: workflow.Clinic, heard: Heard, pictures: int = 2) -> workflow.Stored:
    register(clinic)
    *_, last = [heard.take(file_bytes(dataset(study="1.2.3.4", seed=seed))) for seed in range(pictures)]
    return last


def test_a_study_goes_to_a_peer_once_it_is_there(clinic: workflow.Clinic, heard: Heard, tmp_path: Path) -> None:
    study = a_study(clinic, heard).study
    assert study is not None
    there = free_port()
    workflow.set_dicom_peers(clinic, JOB, [workflow.new_peer("archive", "ARCHIVE", "127.0.0.1", there)])
    first = workflow.send_study(clinic, JOB, study, "archive")
    assert (first.sending.state, first.sending.failure, first.left) == (
        SendingState.WAITING,
        "network.unreachable",
        2,
    )
    assert send_what_waits(clinic, lambda: False) == 0
    later = clinic.clock() + timedelta(minutes=2)
    waiting = workflow.Clinic(clinic.store, clinic.unlocked, clinic.session, clinic.models, lambda: later)
    (tmp_path / "in").mkdir()
    with running(there, "storescp", "-od", tmp_path / "in", there):
        assert send_what_waits(waiting, lambda: False) == 1
    (sending,) = workflow.list_sendings(clinic, JOB)
    assert (sending.state, sending.attempts, len(sending.sent)) == (SendingState.SENT, 2, 2)
    assert len(list((tmp_path / "in").iterdir())) == 2
    assert is_whole(clinic)


def test_what_never_arrives_is_given_up(clinic: workflow.Clinic, heard: Heard) -> None:
    study = a_study(clinic, heard, 1).study
    assert study is not None
    workflow.set_dicom_peers(clinic, JOB, [workflow.new_peer("archive", "ARCHIVE", "127.0.0.1", free_port())])
    changed = workflow.send_study(clinic, JOB, study, "archive")
    for _ in range(7):
        changed = workflow.retry_sending(clinic, JOB, changed.sending.id)
    assert (changed.sending.state, changed.sending.next_try) == (SendingState.FAILED, None)


def test_orthancs_commitment_is_noted(clinic: workflow.Clinic, heard: Heard, tmp_path: Path) -> None:
    study = a_study(clinic, heard).study
    assert study is not None
    ours, theirs = free_port(), free_port()
    workflow.set_dicom_peers(clinic, JOB, [workflow.new_peer("archive", "ORTHANC", "127.0.0.1", theirs)])
    workflow.set_dicom_node(clinic, JOB, on=True, title="LANTERN", port=ours, tls=False)
    node = workflow.start_dicom_node(clinic, JOB, workflow.Hearers())
    assert node is not None
    try:
        with orthanc(tmp_path / "orthanc", theirs, "ORTHANC", {"LANTERN": ours}):
            sent = workflow.send_study(clinic, JOB, study, "archive").sending
            assert sent.state in (SendingState.SENT, SendingState.COMMITTED)
            until(lambda: workflow.list_sendings(clinic, JOB)[0].state is SendingState.COMMITTED)
    finally:
        node.stop()
    assert is_whole(clinic)


def test_a_commitment_nobody_asked_for_changes_nothing(clinic: workflow.Clinic, heard: Heard) -> None:
    heard.desk.committed(Committed("1.2.3", ("1",), ()))
    assert workflow.list_sendings(clinic, JOB) == ()
