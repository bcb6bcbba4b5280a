"""Where objects from the network go, and that half an object goes nowhere."""

import contextlib
import io
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from desktop import workflow
from desktop.jobs import Job
from desktop.network.parts import Answer, Received
from desktop.records import HumanName, Modality, PartialDate, Sex
from desktop.workflow.importing import is_sliced, is_trace, stored_recording
from desktop.workflow.network_receiving import Reception
from tests.network.objects import CT, DX, dataset, file_bytes, raw, trace
from tests.network.programs import free_port, until

JOB = Job()
STUDY = "1.2.3.4"


@pytest.fixture
def desk(clinic: workflow.Clinic) -> Reception:
    """Of a clinic where the person is known."""
    draft = workflow.PatientDraft(names=(HumanName(text="张伟"),), birth_date=PartialDate(1980, 1, 2), sex=Sex.MALE)
    workflow.register_patient(clinic, JOB, draft)
    return Reception(clinic, lambda stored: None, lambda: None)


def take(desk: Reception, made: Dataset) -> workflow.Stored:
    data = file_bytes(made)
    found = dcmread(io.BytesIO(data), stop_before_pixels=True)
    syntax = str(found.file_meta.TransferSyntaxUID)
    received = Received(data, str(found.SOPClassUID), str(found.SOPInstanceUID), syntax, "DEVICE", "127.0.0.1")
    assert desk.receive(received) is Answer.STORED
    return desk.latest[0]


@pytest.mark.parametrize(
    ("made", "modality"),
    [(dataset(sop_class=CT), Modality.CT), (dataset(sop_class=DX), Modality.DX)],
    ids=["ct", "dx"],
)
def test_pictures_are_filed_as_what_they_are(
    clinic: workflow.Clinic, desk: Reception, made: Dataset, modality: Modality
) -> None:
    stored = take(desk, made)
    assert stored.study is not None
    with clinic.store.snapshot() as tx:
        study = tx.studies.get(stored.study)
    assert (study.modality, is_sliced(study)) == (modality, modality is Modality.CT)
    assert (study.instances[0].rows, study.instances[0].columns) == (16, 16)


def test_a_trace_is_a_recording_whatever_it_calls_itself(clinic: workflow.Clinic, desk: Reception) -> None:
    stored = take(desk, trace())
    assert stored.study is not None
    with clinic.store.snapshot() as tx:
        study = tx.studies.get(stored.study)
    (instance,) = study.instances
    assert is_trace(study)
    assert (instance.rows, instance.columns) == (2, 250)
    assert [lead.name for lead in stored_recording(clinic, instance).main.leads] == ["I", "II"]


def test_a_trace_that_asks_is_one_once_it_is_given_away(clinic: workflow.Clinic, desk: Reception) -> None:
    take(desk, trace(birth_date=""))
    (waiting,) = workflow.waiting_arrivals(clinic, JOB)
    filed = workflow.file_arrivals(clinic, JOB, waiting.arrivals, waiting.likely[0].id)
    with clinic.store.snapshot() as tx:
        assert is_trace(tx.studies.get(filed.studies[0]))


def test_what_is_no_picture_and_comes_first_does_not_name_the_kind(clinic: workflow.Clinic, desk: Reception) -> None:
    first = take(desk, raw(study=STUDY))
    second = take(desk, dataset(sop_class=CT, study=STUDY))
    last = take(desk, raw(study=STUDY))
    assert first.study is not None
    assert first.study == second.study == last.study
    with clinic.store.snapshot() as tx:
        assert tx.studies.get(first.study).modality is Modality.CT
    found = clinic.store.verify(JOB)
    assert (found.problems, found.notes) == ((), ())


# A sender that dies


class HalfWay:
    """A line that lets so many bytes through to a node, then nothing more, until it is cut."""

    def __init__(self, to: int, most: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.reached = threading.Event()
        self._to, self._left = to, most
        self._thread = threading.Thread(target=self._pass, daemon=True)
        self._thread.start()

    def _pass(self) -> None:
        caller, _ = self._server.accept()
        with caller, socket.create_connection(("127.0.0.1", self._to)) as node:
            back = threading.Thread(target=self._copy, args=(node, caller), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := caller.recv(8192):
                    node.sendall(data[: self._left])
                    self._left -= len(data[: self._left])
                    if not self._left:
                        self.reached.set()
            node.shutdown(socket.SHUT_RDWR)
            back.join()

    @staticmethod
    def _copy(source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(8192):
                to.sendall(data)

    def close(self) -> None:
        """It is over."""
        self._thread.join(20)
        self._server.close()
        assert not self._thread.is_alive()


@pytest.fixture
def node(clinic: workflow.Clinic) -> Iterator[workflow.RunningNode]:
    """The clinic's node, for programs on this PC."""
    made = workflow.receive_from(clinic, JOB, workflow.Hearers(), title="LANTERN", port=free_port())
    yield made
    made.stop()


def test_a_sender_killed_in_the_middle_leaves_nothing_half_stored(
    clinic: workflow.Clinic, node: workflow.RunningNode, tmp_path: Path
) -> None:
    first, second = (tmp_path / name for name in ("a.dcm", "b.dcm"))
    first.write_bytes(file_bytes(dataset(study=STUDY)))
    second.write_bytes(file_bytes(dataset(study=STUDY, side=1024)))
    line = HalfWay(node.status.port, 1 << 20)
    words = ["storescu", "-xe", "-aec", "LANTERN", "127.0.0.1", str(line.port), str(first), str(second)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sender:
        assert line.reached.wait(30)
        sender.kill()
    line.close()
    until(lambda: node.status.connected == 0)
    assert (node.status.stored, node.status.not_stored) == (1, 0)
    assert workflow.count_waiting_arrivals(clinic, JOB) == 1
    assert len([file for file in (clinic.store.folder / "att").rglob("*") if file.is_file()]) == 1
    found = clinic.store.verify(JOB)
    assert (found.problems, found.notes) == ((), ())
