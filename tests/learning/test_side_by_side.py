"""Several networks learning at a time: the order of what they end with, and that nobody goes on alone."""

import threading

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from desktop.errors import Cancelled
from desktop.jobs import Job
from desktop.learning import side_by_side as room
from desktop.learning.network import SmallNetwork
from desktop.learning.training import Epoch, TrainedOf


def test_each_learns_on_one_core_and_the_answers_come_in_order() -> None:
    before = torch.get_num_threads()
    both = threading.Barrier(2, timeout=30)

    def slow() -> tuple[str, int]:
        both.wait()
        return "first", torch.get_num_threads()

    def quick() -> tuple[str, int]:
        both.wait()
        return "second", torch.get_num_threads()

    assert room.side_by_side([slow, quick], 2, Job()) == [("first", 1), ("second", 1)]
    assert torch.get_num_threads() == before


def learning(job: Job, begun: threading.Event) -> None:
    """One that only ends when it is told to."""
    begun.set()
    while True:
        job.check()


def test_one_that_fails_stops_the_others() -> None:
    job, begun = Job(), threading.Event()

    def failing() -> None:
        begun.wait(30)
        raise ValueError("a damaged photograph")

    with pytest.raises(ValueError, match="a damaged photograph"):
        room.side_by_side([lambda: learning(job, begun), failing], 2, job)
    with pytest.raises(Cancelled):
        job.check()


def test_whoever_interrupts_the_program_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C arrives while the main thread waits; what still learns, and what has not begun, ends with it."""
    job, begun = Job(), threading.Event()

    def interrupted(*_given: object, **_named: object) -> None:
        begun.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        room.side_by_side([lambda: learning(job, begun)] * 3, 1, job)


def test_what_was_done_before_is_shared_by_as_many_as_learned_at_a_time() -> None:
    curve = tuple(Epoch(number, 1.0, 1.0, 0.5, 10.0) for number in range(1, 5))
    taught = [TrainedOf(SmallNetwork((8,), (0,), 1, 0.0), curve, 4, resumed_at) for resumed_at in (4, 2, 0)]
    assert room.earlier_seconds(taught, 1) == 60.0
    assert room.earlier_seconds(taught, 2) == 30.0
    assert room.earlier_seconds(taught, 8) == 20.0
