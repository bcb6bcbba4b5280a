"""A drawing that came in another program's file, as films and slices show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from desktop.imaging.frame_run import FramePlace
from desktop.records import AnnotationKind, ImportedDrawing
from desktop.ui.viewers.film_painting import Mark

_NUMBERS = 3
"""Of a drawing with more numbers the first is shown beside it; the others stand in its file."""


@dataclass(frozen=True)
class ForeignMark:
    """An imported drawing on a picture of the study. words: beside it, with where it came from."""

    place: FramePlace
    drawing: ImportedDrawing
    words: str

    @property
    def mark(self) -> Mark:
        """As it is painted; a line that is none of ours is a line of its points."""
        kind = self.drawing.kind
        if kind is None and len(self.drawing.points) == 1:
            kind = AnnotationKind.POINT
        if kind is None:
            kind = AnnotationKind.FREEHAND if self.drawing.closed else AnnotationKind.ANGLE
        return Mark(kind, self.drawing.points, self.words, foreign=True)


def beside(label: str, stated: Sequence[str], origin: str) -> str:
    """The words beside a drawing: its label, what the file says it measures (without how), where it came from."""
    numbers = [line.partition(" (")[0] for line in stated]
    shown = numbers if len(numbers) <= _NUMBERS else [f"{numbers[0]} …"]
    return "\n".join(part for part in (label, *shown, origin) if part)
