"""Storage commitment, both ways: on the line it was asked on, and on one of the other side's."""

import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.presentation import build_context

from desktop.errors import KnownFailure
from desktop.jobs import Job
from desktop.network import calls
from desktop.network.commitment import ASK, COMMITMENT, COMMITMENT_INSTANCE, request_of
from desktop.network.node import Node
from desktop.network.parts import KeepingAnswer, Line, NotKept, ObjectName
from tests.network.desk import MemoryDesk
from tests.network.objects import CT, dataset, file_bytes
from tests.network.programs import free_port, until

JOB = Job()
KEPT, LOST = ObjectName(CT, "1.2.3.1"), ObjectName(CT, "1.2.3.2")


def outgoing(data: bytes) -> calls.Outgoing:
    return calls.Outgoing("one", data[:4096], lambda: data)


def line_to(node: Node) -> Line:
    return Line("LANTERN", "127.0.0.1", node.port, "PEER")


def test_what_was_taken_is_promised_on_the_same_line(node: Node, desk: MemoryDesk) -> None:
    data = file_bytes(dataset())
    given = calls.send(line_to(node), [outgoing(data)], JOB, transaction="1.2.3")
    assert (given.sent, given.asked) == (("one",), True)
    assert given.word is not None
    uid = str(dcmread(io.BytesIO(data)).SOPInstanceUID)
    assert (given.word.transaction, given.word.kept, given.word.failed) == ("1.2.3", (uid,), ())
    (asked,) = desk.asked
    assert (asked.title, asked.address, asked.objects) == ("PEER", "127.0.0.1", (ObjectName(CT, uid),))
    assert desk.owed == []


def test_a_word_is_thanked_for_before_hanging_up(node: Node, desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    send_msg = DIMSEServiceProvider.send_msg

    def slowly(self: DIMSEServiceProvider, primitive: Any, context_id: int) -> None:
        if isinstance(primitive, N_EVENT_REPORT) and primitive.MessageIDBeingRespondedTo is not None:
            time.sleep(0.3)
        send_msg(self, primitive, context_id)

    monkeypatch.setattr(DIMSEServiceProvider, "send_msg", slowly)
    given = calls.send(line_to(node), [outgoing(file_bytes(dataset()))], JOB, transaction="1.2.3")
    assert given.word is not None
    node.stop()
    assert desk.owed == []


def test_what_is_not_here_is_not_promised(node: Node) -> None:
    data = file_bytes(dataset())
    calls.send(line_to(node), [outgoing(data)], JOB)
    stranger = outgoing(file_bytes(dataset()))
    more = file_bytes(dataset())
    given = calls.send(line_to(node), [outgoing(more)], JOB, transaction="1.2.4", before=[outgoing(data), stranger])
    assert given.word is not None
    assert len(given.word.kept) == 2
    assert given.word.failed == (str(dcmread(io.BytesIO(stranger.load())).SOPInstanceUID),)


def ask(node: Node, information: Dataset, action: int = ASK) -> int:
    """Ask, and hang up at once, as programs do that want their answer on another line."""
    association = AE("PEER").associate("127.0.0.1", node.port, [build_context(COMMITMENT)], ae_title="LANTERN")
    status, _ = association.send_n_action(information, action, COMMITMENT, COMMITMENT_INSTANCE)
    association.release()
    return int(status.Status)


def test_who_hangs_up_is_answered_on_another_line(node: Node, desk: MemoryDesk) -> None:
    assert ask(node, request_of("1.2.5", [LOST])) == 0x0000
    until(lambda: len(desk.owed) == 1)
    ((asked, answer),) = desk.owed
    assert (asked.title, asked.transaction) == ("PEER", "1.2.5")
    assert answer == KeepingAnswer("1.2.5", (), ((LOST, NotKept.UNKNOWN),))


@pytest.mark.parametrize(
    ("information", "action", "status"),
    [
        (request_of("", [LOST]), ASK, 0x0115),
        (request_of("1.2.6", []), ASK, 0x0115),
        (request_of("1.2.6", [LOST]), 2, 0x0123),
    ],
)
def test_what_is_no_request_is_refused(
    node: Node, desk: MemoryDesk, information: Dataset, action: int, status: int
) -> None:
    assert ask(node, information, action) == status
    assert desk.asked == []


class Asker:
    """Somebody else's program that asked us, and waits for our call."""

    def __init__(self) -> None:
        self.heard: list[tuple[int | None, Dataset]] = []
        self.answer = 0x0000
        entity = AE("PEER")
        entity.add_supported_context(COMMITMENT, scu_role=True, scp_role=True)
        self.port = free_port()
        handlers: list[Any] = [(evt.EVT_N_EVENT_REPORT, self._hear)]
        self.server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def _hear(self, event: evt.Event) -> tuple[int, None]:
        self.heard.append((event.event_type, event.event_information))
        return self.answer, None


@pytest.fixture
def asker() -> Iterator[Asker]:
    made = Asker()
    yield made
    assert made.server is not None
    made.server.shutdown()


def test_our_word_is_taken_to_who_asked(asker: Asker) -> None:
    line = Line("PEER", "127.0.0.1", asker.port, "LANTERN")
    calls.tell_keeping(line, KeepingAnswer("1.2.7", (KEPT,), ((LOST, NotKept.UNKNOWN),)))
    calls.tell_keeping(line, KeepingAnswer("1.2.8", (KEPT,)))
    (some, first), (whole, second) = asker.heard
    assert (some, whole) == (2, 1)
    assert first.FailedSOPSequence[0].FailureReason == 0x0112
    assert first.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == KEPT.instance_uid
    assert (second.TransactionUID, "FailedSOPSequence" in second) == ("1.2.8", False)
    asker.answer = 0x0110
    with pytest.raises(KnownFailure):
        calls.tell_keeping(line, KeepingAnswer("1.2.9", (KEPT,)))
