"""Several networks learning at a time, each on one core. Needs torch.

For networks this small that is faster than several cores on one, and gives the same weights on every machine with the
same libraries.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager
from typing import Any

import torch

from desktop.jobs import Job

Say = Callable[[str], None]


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


def wait_for_all(futures: Sequence[Future[Any]], job: Job) -> None:
    """Wait for all; when one fails or the job is cancelled, the others stop at their next batch."""
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
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
