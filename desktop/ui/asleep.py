"""Whether the PC slept, or only stood still under load."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

SLEPT_SECONDS = 20.0
"""Shorter sleep than this locks nothing."""


@dataclass(frozen=True)
class Moment:
    """What the PC's clocks show, in seconds. steady: goes on only while the PC is awake. wall: the time of day; may be
    set. suspended: how long the PC has slept since it was started, None where the system does not say."""

    steady: float
    wall: float
    suspended: float | None


def slept_between(before: Moment, now: Moment, most: float) -> bool:
    """Whether the PC was asleep between two looks at its clocks.

    A PC under load, or a window that waits for a disk, stands still as long, and is not asleep: its steady clock goes
    on. most: seconds the time of day may run ahead of it where the system says that it did not sleep: somebody set the
    clock; further ahead, it was a virtual PC that its host had stopped.
    """
    ahead = (now.wall - before.wall) - (now.steady - before.steady)
    if before.suspended is None or now.suspended is None:
        return ahead > SLEPT_SECONDS
    return now.suspended - before.suspended > SLEPT_SECONDS or ahead > most


def clocks() -> Callable[[], Moment]:
    """This system's clocks."""
    awake, all_of_it = _pair()

    def look() -> Moment:
        steady = awake()
        return Moment(steady, time.time(), all_of_it() - steady if all_of_it is not None else None)

    return look


def _pair() -> tuple[Callable[[], float], Callable[[], float] | None]:
    """A clock that stands still while the PC sleeps, and one that does not, from the same start."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.WinDLL("kernel32")
        kernel.GetTickCount64.restype = ctypes.c_uint64

        def awake() -> float:
            passed = ctypes.c_uint64()
            kernel.QueryUnbiasedInterruptTime(ctypes.byref(passed))
            return passed.value / 1e7

        return awake, lambda: float(kernel.GetTickCount64()) / 1e3
    elif sys.platform == "darwin":  # noqa: RET505 (type checkers follow no other form)
        return _read(time.CLOCK_UPTIME_RAW), _read(time.CLOCK_MONOTONIC_RAW)
    elif sys.platform == "linux":
        return _read(time.CLOCK_MONOTONIC), _read(time.CLOCK_BOOTTIME)
    else:
        return time.monotonic, None


def _read(clock: int) -> Callable[[], float]:
    def read() -> float:
        if sys.platform == "win32":
            return time.monotonic()
        else:  # noqa: RET505 (likewise)
            return time.clock_gettime(clock)

    return read
