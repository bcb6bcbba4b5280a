"""Several networks learning at a time, each on one core. Needs torch.

For networks this small that is faster than several cores on one, and gives the same weights on every machine with the
same libraries.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from desktop.jobs import Job
from desktop.learning.training import TrainedOf

Say = Callable[[str], None]
T = TypeVar("T")


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """torch on so many threads, and as before afterwards; on one where several networks learn at a time."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_turn(say: Say) -> Say:
    """Several networks learn at a time, and each has something to say: one line at a time, each line whole."""
    turn = threading.Lock()

    def speak(line: str) -> None:
        with turn:
            say(line)

    return speak


def side_by_side(lessons: Sequence[Callable[[], T]], threads: int, job: Job) -> list[T]:
    """What each lesson ends with, in their order. threads: so many learn at a time; only changes the speed. When one
    fails or the job is cancelled, the others stop at their next batch. Raises what the first to fail raised."""

    def alone(lesson: Callable[[], T]) -> T:
        torch.set_num_threads(1)
        return lesson()

    with on_threads(1), ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        futures = [pool.submit(alone, lesson) for lesson in lessons]
        wait_for_all(futures, job)
        return [future.result() for future in futures]


def earlier_seconds(taught: Sequence[TrainedOf[Any]], threads: int) -> float:
    """What the epochs before this run took of networks that learned side by side."""
    each = [sum(epoch.seconds for epoch in one.curve[: one.resumed_at]) for one in taught]
    return sum(each) / max(1, min(threads, len(each)))


def wait_for_all(futures: Sequence[Future[Any]], job: Job) -> None:
    """Wait for all; when one fails, the job is cancelled or somebody interrupts the program, the others stop at their
    next batch."""
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    except BaseException:
        job.cancel()
        raise
    if any(future.exception() is not None for future in done):
        job.cancel()
        wait(futures)
        for future in done:
            future.result()


def software() -> dict[str, str]:
    """Versions that a run depends on."""
    import numpy as np
    import onnx
    import PIL

    return {"torch": torch.__version__, "numpy": np.__version__, "onnx": onnx.__version__, "Pillow": PIL.__version__}
