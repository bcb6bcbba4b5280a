"""The pools: one worker each for the store (so that deeds follow one another), for models, for what is on screen, for
decoding the frames of a clip ahead of it, for what takes minutes and nobody waits for, and for looking at sticks and
network folders."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Pools:
    """Threads the application owns. Close it to wait for what is running."""

    def __init__(self) -> None:
        self._store = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._compute = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")
        self._display = ThreadPoolExecutor(max_workers=1, thread_name_prefix="display")
        self._decoding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decoding")
        self._background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background")
        self._media = ThreadPoolExecutor(max_workers=1, thread_name_prefix="media")

    def store(self, work: Callable[[], T]) -> Future[T]:
        """Run something that reads or writes the clinic's store."""
        return self._store.submit(work)

    def compute(self, work: Callable[[], T]) -> Future[T]:
        """Run a model, or anything else that may take a second."""
        return self._compute.submit(work)

    def display(self, work: Callable[[], T]) -> Future[T]:
        """Run what the screen waits for, a frame or a page; it never queues behind a model."""
        return self._display.submit(work)

    def decoding(self, work: Callable[[], T]) -> Future[T]:
        """Run what the screen will want next; what it wants now does not wait for that."""
        return self._decoding.submit(work)

    def background(self, work: Callable[[], T]) -> Future[T]:
        """Run what reads the clinic beside people's work: a backup, a drill, a check."""
        return self._background.submit(work)

    def media(self, work: Callable[[], T]) -> Future[T]:
        """Run what first asks a stick or a network folder, which may take seconds to answer."""
        return self._media.submit(work)

    def close(self) -> None:
        """Finish what runs, drop what waits."""
        for pool in (self._display, self._decoding, self._media, self._background, self._compute, self._store):
            pool.shutdown(wait=True, cancel_futures=True)
