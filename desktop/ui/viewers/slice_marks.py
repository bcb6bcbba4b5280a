"""What lies on the slices of a volume viewer, and which pictures are worth going back to for it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from desktop.imaging.frame_run import FramePlace
from desktop.imaging.slice_ground import Ground
from desktop.records import Annotation, AnnotationKind
from desktop.ui.viewers.foreign_mark import ForeignMark
from desktop.ui.viewers.slice_grounds import SliceGrounds
from desktop.ui.viewers.view_state import Point


@dataclass(frozen=True)
class MarkedSlice:
    """A slice worth going back to. number: in its moment, from 0. counted: as the pane's corner has it. drawings: how
    many lie on it, of whomever."""

    place: FramePlace
    moment: int
    number: int
    counted: int
    key: bool
    drawings: int


@dataclass(frozen=True)
class OnScreen:
    """A drawing that is on the screen only: until it is on record, or because its plane is no picture."""

    ground: Ground
    kind: AnnotationKind
    points: tuple[Point, ...]


def drawings_by_picture(annotations: Sequence[Annotation], foreign: Sequence[ForeignMark]) -> Counter[FramePlace]:
    """How many drawings each picture has: our own, and those of files."""
    drawn = Counter(FramePlace(one.instance, one.frame) for one in annotations)
    drawn.update(one.place for one in foreign)
    return drawn


def marked_slices(
    grounds: SliceGrounds, keys: Collection[FramePlace], drawn: Counter[FramePlace]
) -> tuple[MarkedSlice, ...]:
    """Every slice of the series that is a key image or is drawn on, in the order of scrolling."""
    if not (drawn or keys):
        return ()
    return tuple(
        MarkedSlice(place, moment, number, grounds.counted(moment, number), place in keys, drawn[place])
        for place, moment, number in grounds.places()
        if place in keys or place in drawn
    )


def marked_elsewhere(
    grounds: SliceGrounds, keys: Collection[FramePlace], drawn: Counter[FramePlace]
) -> tuple[tuple[FramePlace, bool, int], ...]:
    """Marked pictures of the study that are none of this series': which, whether a key image, how many drawings."""
    here = {place for place, _, _ in grounds.places()}
    every = dict.fromkeys((*sorted(keys, key=str), *drawn))
    return tuple((one, one in keys, drawn[one]) for one in every if one not in here)


def next_marked(grounds: SliceGrounds, marked: Sequence[MarkedSlice], by: int) -> MarkedSlice | None:
    """The marked slice that comes next (1) or came before (-1), round and round; None where there is none, or where
    no slice of the series is shown."""
    at = grounds.at
    order = {(moment, number): place for place, (_, moment, number) in enumerate(grounds.places())}
    if not marked or at is None or at not in order:
        return None
    beyond = [one for one in marked[::by] if (order[one.moment, one.number] - order[at]) * by > 0]
    return (*beyond, *marked[::by])[0]
