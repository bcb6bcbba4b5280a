"""The listening node, called by dcmtk, by pynetdicom, and by nobody's friends."""

import contextlib
import io
import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless
from pynetdicom import AE
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]  # made at import

from desktop.errors import KnownFailure
from desktop.network import limits
from desktop.network.guard import Budget, Places
from desktop.network.node import Node
from desktop.network.parts import Answer, Caller, Step
from tests.conftest import ExpectLog
from tests.network.desk import MemoryDesk, here
from tests.network.objects import CT, data_set_bytes, dataset, file_bytes
from tests.network.programs import run, until

WAIT_SECONDS = 20.0


def associate_rq() -> bytes:
    """An A-ASSOCIATE-RQ (PS3.8 9.3.2) with one presentation context, explicit little endian."""

    def item(kind: int, body: bytes) -> bytes:
        return struct.pack(">BBH", kind, 0, len(body)) + body

    context = item(
        0x20,
        b"\x01\0\0\0" + item(0x30, CT.encode()) + item(0x40, b"1.2.840.10008.1.2.1"),
    )
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4"))
    body = (
        struct.pack(">HH", 1, 0)
        + b"LANTERN".ljust(16)
        + b"RAW".ljust(16)
        + bytes(32)
        + item(0x10, b"1.2.840.10008.3.1.1.1")
        + context
        + user
    )
    return struct.pack(">BBI", 1, 0, len(body)) + body


def p_data(body: bytes, flags: int) -> bytes:
    """A P-DATA-TF PDU with one fragment. flags: 1 command, 2 last."""
    value = struct.pack(">IBB", len(body) + 2, 1, flags) + body
    return struct.pack(">BBI", 4, 0, len(value)) + value


def c_store_rq(instance: str) -> bytes:
    """The command set of a C-STORE-RQ."""

    def element(number: int, value: bytes) -> bytes:
        return struct.pack("<HHI", 0, number, len(value)) + value

    def uid(text: str) -> bytes:
        return text.encode() + b"\0" * (len(text) % 2)

    rest = (
        element(0x0002, uid(CT))
        + element(0x0100, struct.pack("<H", 1))
        + element(0x0110, struct.pack("<H", 1))
        + element(0x0700, struct.pack("<H", 0))
        + element(0x0800, struct.pack("<H", 1))
        + element(0x1000, uid(instance))
    )
    return element(0, struct.pack("<I", len(rest))) + rest


@contextlib.contextmanager
def call(node: Node) -> Iterator[socket.socket]:
    """An association by hand."""
    with socket.create_connection(("127.0.0.1", node.port), WAIT_SECONDS) as line:
        line.sendall(associate_rq())
        kind, length = struct.unpack(">BxI", exactly(line, 6))
        assert kind == 2
        exactly(line, length)
        yield line


def exactly(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = line.recv(count - len(data))
        assert part
        data += part
    return data


def hung_up(line: socket.socket) -> bool:
    """Whether the other side aborts or closes the line, however much it says before."""
    line.settimeout(WAIT_SECONDS)
    try:
        while line.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def sent_until_hung_up(line: socket.socket, piece: bytes, most: int) -> int:
    """How often a piece could be sent."""
    for count in range(most):
        try:
            line.sendall(piece)
        except ConnectionError:
            return count
    return most


def test_dcmtk_gets_an_echo(node: Node) -> None:
    assert run("echoscu", "-aec", "LANTERN", "127.0.0.1", node.port).returncode == 0


def test_another_name_for_us_is_refused(node: Node) -> None:
    answer = run("echoscu", "-aec", "SOMEBODY", "127.0.0.1", node.port)
    assert "Called AE Title Not Recognized" in answer.stderr


def test_dcmtk_stores_byte_for_byte_what_it_sends(node: Node, desk: MemoryDesk, tmp_path: Path) -> None:
    data = file_bytes(dataset())
    (tmp_path / "a.dcm").write_bytes(data)
    sent = run("storescu", "-xe", "-aec", "LANTERN", "-aet", "XRAY", "127.0.0.1", node.port, tmp_path / "a.dcm")
    assert sent.returncode == 0
    (received,) = desk.received
    found = dcmread(io.BytesIO(received.data))
    assert (received.title, received.transfer_syntax) == ("XRAY", "1.2.840.10008.1.2.1")
    assert (received.sop_class, received.instance_uid) == (found.SOPClassUID, found.SOPInstanceUID)
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert data_set_bytes(received.data) == data_set_bytes(data)
    until(desk.over.is_set)


@pytest.mark.parametrize(("answer", "code"), [(Answer.NO_ROOM, 0xA700), (Answer.NOT_UNDERSTOOD, 0xC000)])
def test_what_is_not_kept_is_told(node: Node, desk: MemoryDesk, answer: Answer, code: int) -> None:
    desk.answer = answer
    entity = AE()
    association = entity.associate(
        "127.0.0.1", node.port, [build_context(CT, "1.2.840.10008.1.2.1")], ae_title="LANTERN"
    )
    made = dataset()
    file_bytes(made)
    status = association.send_c_store(made)
    association.release()
    assert status.Status == code


def test_a_desk_that_fails_is_no_success(node: Node, desk: MemoryDesk, expected_log: ExpectLog) -> None:
    desk.receive = lambda received: 1 / 0  # type: ignore[assignment, return-value, method-assign]  # a desk that breaks
    association = AE().associate("127.0.0.1", node.port, [build_context(CT, "1.2.840.10008.1.2.1")], ae_title="LANTERN")
    made = dataset()
    file_bytes(made)
    with expected_log("desktop.network", logging.WARNING, match="ZeroDivisionError"):
        assert association.send_c_store(made).Status == 0xA700
    association.release()


def test_only_known_titles_and_addresses_may_call(desk: MemoryDesk) -> None:
    node = Node(here(callers=(Caller("XRAY", "127.0.0.1"), Caller("CT", "192.0.2.7"))), desk)
    node.start()
    try:
        assert run("echoscu", "-aet", "XRAY", "-aec", "LANTERN", "127.0.0.1", node.port).returncode == 0
        for title in ("STRANGER", "CT"):
            answer = run("echoscu", "-aet", title, "-aec", "LANTERN", "127.0.0.1", node.port)
            assert "Calling AE Title Not Recognized" in answer.stderr
        assert node.refused == 2
    finally:
        node.stop()


def test_an_unknown_address_gets_no_association_at_all(desk: MemoryDesk) -> None:
    node = Node(here(callers=(Caller("XRAY", "192.0.2.7"),)), desk)
    node.start()
    try:
        with socket.create_connection(("127.0.0.1", node.port), WAIT_SECONDS) as line:
            assert hung_up(line)
    finally:
        node.stop()


def test_two_nodes_cannot_have_one_port(node: Node, desk: MemoryDesk) -> None:
    other = here()
    with pytest.raises(KnownFailure) as refusal:
        Node(type(other)(other.title, node.port, other.host, other.callers), desk).start()
    assert refusal.value.key == "network.port_taken"


def test_a_broken_line_leaves_nothing(node: Node, desk: MemoryDesk) -> None:
    body = data_set_bytes(file_bytes(dataset()))
    with call(node) as line:
        line.sendall(p_data(c_store_rq("1.2.3"), 3) + p_data(body[: len(body) // 2], 0))
    until(lambda: node.connected == 0)
    assert desk.received == []


def test_a_pdu_longer_than_agreed_is_hung_up_on(node: Node, desk: MemoryDesk) -> None:
    with call(node) as line:
        line.sendall(struct.pack(">BBI", 4, 0, 0xFFFFFFF0) + bytes(1000))
        assert hung_up(line)
    until(lambda: node.connected == 0)
    assert desk.received == []


def test_a_data_set_that_never_ends_is_cut(
    node: Node, desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch, expected_log: ExpectLog
) -> None:
    monkeypatch.setattr(limits, "MOST_OBJECT_BYTES", 1 << 20)
    piece = p_data(bytes(100_000), 0)
    with call(node) as line, expected_log("desktop.network", logging.WARNING, match="aborted"):
        line.sendall(p_data(c_store_rq("1.2.3"), 3))
        assert sent_until_hung_up(line, piece, 1000) < 1000
        until(lambda: node.connected == 0)
    assert desk.received == []


@pytest.mark.parametrize("piece", [p_data(bytes(10_000), 1), p_data(c_store_rq("1.2.3"), 3) + p_data(b"", 2)])
def test_endless_commands_and_pipelines_are_cut(
    node: Node, desk: MemoryDesk, expected_log: ExpectLog, piece: bytes
) -> None:
    desk.held = threading.Event()
    with call(node) as line, expected_log("desktop.network", logging.WARNING, match="aborted"):
        sent_until_hung_up(line, piece, 200)
        desk.held.set()
        assert hung_up(line)
        until(lambda: node.connected == 0)
    assert len(desk.received) < 10


def test_all_objects_together_stay_within_the_budget() -> None:
    budget = Budget(100)
    assert budget.take(60)
    assert not budget.take(41)
    budget.give_back(60)
    assert budget.take(100)


def test_nobody_takes_every_place() -> None:
    places = Places(4)
    assert [places.take("a") for _ in range(3)] == [True, True, False]
    assert [places.take("b") for _ in range(3)] == [True, True, False]
    assert not places.take("c")
    places.leave("a")
    assert places.take("c")


def test_a_flood_of_calls_is_refused_and_the_next_one_served(node: Node) -> None:
    lines = [socket.create_connection(("127.0.0.1", node.port), WAIT_SECONDS) for _ in range(60)]
    until(lambda: node.refused >= 60 - limits.MOST_ASSOCIATIONS // 2)
    assert node.connected <= limits.MOST_ASSOCIATIONS // 2
    for line in lines:
        line.close()
    until(lambda: node.connected == 0)
    assert run("echoscu", "-aec", "LANTERN", "127.0.0.1", node.port).returncode == 0


def test_what_is_no_dicom_is_hung_up_on(desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 1.0)
    node = Node(here(), desk)
    node.start()
    try:
        with socket.create_connection(("127.0.0.1", node.port), WAIT_SECONDS) as line:
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert hung_up(line)
        with socket.create_connection(("127.0.0.1", node.port), WAIT_SECONDS) as silent:
            assert hung_up(silent)
        until(lambda: node.connected == 0)
    finally:
        node.stop()


def test_an_unknown_transfer_syntax_is_not_agreed_on(node: Node) -> None:
    association = AE().associate(
        "127.0.0.1", node.port, [build_context(CT, "1.2.3.4"), build_context(CT, JPEG2000Lossless)], ae_title="LANTERN"
    )
    agreed = [str(context.transfer_syntax[0]) for context in association.accepted_contexts]
    association.release()
    assert agreed == [str(JPEG2000Lossless)]


def test_stopping_lets_the_object_on_its_way_come_to_its_end(desk: MemoryDesk, tmp_path: Path) -> None:
    node = Node(here(), desk)
    node.start()
    desk.held = threading.Event()
    (tmp_path / "a.dcm").write_bytes(file_bytes(dataset()))
    sender = threading.Thread(
        target=run, args=("storescu", "-xe", "-aec", "LANTERN", "127.0.0.1", node.port, tmp_path / "a.dcm")
    )
    sender.start()
    assert desk.begun.wait(WAIT_SECONDS)
    stopper = threading.Thread(target=node.stop)
    stopper.start()
    time.sleep(0.2)
    assert stopper.is_alive()
    desk.held.set()
    stopper.join(WAIT_SECONDS)
    sender.join(WAIT_SECONDS)
    assert not stopper.is_alive()
    assert len(desk.received) == 1


def test_stopped_nodes_leave_no_threads_behind(desk: MemoryDesk) -> None:
    before = threading.active_count()
    node = Node(here(), desk)
    node.start()
    assert run("echoscu", "-aec", "LANTERN", "127.0.0.1", node.port).returncode == 0
    node.stop()
    until(lambda: threading.active_count() <= before)
    assert threading.active_count() <= before
    assert node.port == 0


WANG = Step(
    name="Wang^Fang=王^芳",
    number="0007",
    birth_date="19900305",
    sex="F",
    study_uid="2.25.123",
    step_id="STEP1",
    accession="A1",
)


def test_a_device_gets_the_worklist(node: Node, desk: MemoryDesk) -> None:
    desk.steps = [WANG]
    wanted = Dataset()
    wanted.PatientName = "Wang*"
    wanted.PatientID = ""
    planned = Dataset()
    planned.Modality = "DX"
    planned.ScheduledProcedureStepStartDate = "20261120-20261122"
    wanted.ScheduledProcedureStepSequence = [planned]
    association = AE("XRAY").associate(
        "127.0.0.1", node.port, [build_context(ModalityWorklistInformationFind)], ae_title="LANTERN"
    )
    answers = list(association.send_c_find(wanted, ModalityWorklistInformationFind))
    association.release()
    assert [status.Status for status, _ in answers] == [0xFF00, 0x0000]
    answer = answers[0][1]
    assert answer is not None
    assert (str(answer.PatientName), answer.PatientID, answer.StudyInstanceUID) == (WANG.name, "0007", "2.25.123")
    step = answer.ScheduledProcedureStepSequence[0]
    assert (step.Modality, step.ScheduledStationAETitle) == ("DX", "XRAY")
    (query,) = desk.queries
    assert (query.title, query.name, query.modality) == ("XRAY", "Wang*", "DX")
    assert (str(query.since), str(query.until)) == ("2026-11-20", "2026-11-22")


def test_dcmtk_reads_the_worklist(node: Node, desk: MemoryDesk) -> None:
    desk.steps = [WANG]
    answer = run("findscu", "-W", "-aec", "LANTERN", "-k", "0010,0010=W*", "127.0.0.1", node.port)
    assert "Wang^Fang" in answer.stdout + answer.stderr
