"""What an exporter is handed, and what it is."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from desktop.i18n import Language
from desktop.records import AnnotationId, ReportContent, SignedReport, SpacingSource


@dataclass(frozen=True)
class MeasuredLength:
    """How long a drawn line is. unit: `mm` or `px`. source: where the millimetres come from, None for pixels."""

    value: float
    unit: str
    source: SpacingSource | None = None

    def __post_init__(self) -> None:
        if self.unit not in ("mm", "px") or (self.unit == "mm") != (self.source is not None):
            raise ValueError("millimetres need a source, and nothing else has one")


@dataclass(frozen=True, eq=False)
class ReportBundle:
    """A report with what its paper shows beside the words.

    report: the signed report, or content nobody has signed yet, which is printed as a draft.
    image: (rows, columns) uint8, grey, windowed as the doctor wants it printed, with the rows and columns of the
    picture the annotations were drawn on; None where there is none to print.
    lengths: for each LENGTH annotation what it measures; one without an entry is drawn without a number.
    """

    report: SignedReport | ReportContent
    image: npt.NDArray[np.uint8] | None = None
    lengths: dict[AnnotationId, MeasuredLength] = field(default_factory=dict)

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
        return self.report if isinstance(self.report, SignedReport) else None


@dataclass(frozen=True)
class Exporter:
    """One format. render: the bundle in the given languages (first leads), as the bytes of a file."""

    media_type: str
    suffix: str
    render: Callable[[ReportBundle, tuple[Language, ...]], bytes]
