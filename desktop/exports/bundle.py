"""What an exporter is handed, and what it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from desktop.i18n import Language
from desktop.imaging.geometry import Length, Point
from desktop.records import Annotation, AnnotationId, InstanceId, ReportContent, SignedReport


@dataclass(frozen=True, eq=False)
class ReportBundle:
    """A report with what its paper shows beside the words.

    report: the signed report, or content nobody has signed yet. draft: print it as a draft, whatever it is.
    image: (rows, columns) uint8, grey, windowed as the doctor wants it printed, with the rows and columns of the
    picture the annotations were drawn on; None where there is none to print.
    instance, frame: whose picture it is; drawings on others are left out. None: all are on this one.
    lengths: for each LENGTH annotation what it measures (`imaging.geometry.length`); without an entry, no number.
    placed: where the picture lies otherwise on paper than in its file (a slice as the viewer has it), the points of its
    drawings on paper.
    """

    report: SignedReport | ReportContent
    image: npt.NDArray[np.uint8] | None = None
    instance: InstanceId | None = None
    draft: bool = False
    lengths: Mapping[AnnotationId, Length] = field(default_factory=dict)
    frame: int = 1
    placed: Mapping[AnnotationId, tuple[Point, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.image is not None and (self.image.ndim != 2 or self.image.dtype != np.uint8 or not self.image.size):
            raise ValueError("a report's image is (rows, columns) uint8")

    @property
    def content(self) -> ReportContent:
        """What the report says, signed or not."""
        return self.report.content if isinstance(self.report, SignedReport) else self.report

    @property
    def signed(self) -> SignedReport | None:
        """The signed report, or None for a draft."""
        return self.report if isinstance(self.report, SignedReport) and not self.draft else None

    @property
    def drawings(self) -> tuple[Annotation, ...]:
        """What is drawn on the printed picture."""
        return tuple(
            replace(annotation, points=self.placed.get(annotation.id, annotation.points))
            for annotation in self.content.annotations
            if not annotation.deleted
            and (self.instance is None or (self.instance, self.frame) == (annotation.instance, annotation.frame))
        )


@dataclass(frozen=True)
class Exporter:
    """One format. render: the bundle in the given languages (first leads), as the bytes of a file."""

    media_type: str
    suffix: str
    render: Callable[[ReportBundle, tuple[Language, ...]], bytes]
