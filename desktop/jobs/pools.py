"""The two pools: one worker for the store (so it needs no locks), one for arrays and models."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Pools:
    """Threads the application owns. Close it to wait for what is running."""

    def __init__(self) -> None:
        self._store = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._compute = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")

    def store(self, work: Callable[[], T]) -> Future[T]:
        """Run something that reads or writes the clinic's store."""
        return self._store.submit(work)

    def compute(self, work: Callable[[], T]) -> Future[T]:
        """Run something that works on arrays or models."""
        return self._compute.submit(work)

    def close(self) -> None:
        """Finish what runs, drop what waits."""
        self._compute.shutdown(wait=True, cancel_futures=True)
        self._store.shutdown(wait=True, cancel_futures=True)
