"""Pictures that are paged and played one after the other: the frames of a clip, or files of one series."""

from collections.abc import Callable
from dataclasses import dataclass

from desktop.records import InstanceId, Picture


@dataclass(frozen=True)
class FramePlace:
    """Where one picture of a run lies. frame: of the instance, counted from 1."""

    instance: InstanceId
    frame: int = 1


@dataclass(frozen=True, eq=False)
class FrameRun:
    """Pictures that belong together, none of them decoded yet.

    read: decodes the n-th, counted from 0; from any thread, one call at a time; nothing is kept of it. Raises
    UserFacingError or KnownFailure in words. rate: frames per second the file asks for, None where it says nothing.
    sweep: the file asks to be played forth and back instead of round (PS3.3 C.7.6.5, Preferred Playback Sequencing).
    """

    places: tuple[FramePlace, ...]
    read: Callable[[int], Picture]
    rate: float | None = None
    sweep: bool = False

    def __post_init__(self) -> None:
        if not self.places:
            raise ValueError("a run has pictures")

    def __len__(self) -> int:
        return len(self.places)
