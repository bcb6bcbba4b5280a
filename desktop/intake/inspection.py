"""What can be said of a file without keeping it: what it holds, how large it is, and the figures of its values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from desktop.errors import UserFacingError
from desktop.records.picture import Array

_REFUSED = frozenset(
    f"intake.{word}"
    for word in (
        "implausible_size",
        "no_transfer_syntax",
        "not_a_file",
        "too_large",
        "too_many_pixels",
        "unsupported_pixels",
        "unsupported_transfer_syntax",
        "unsupported_volume",
    )
)
"""Sentences about files that may be whole and are not read all the same. Every other one means damage."""


class InspectionStatus(StrEnum):
    """How an inspection ended. OK: all pixels or samples were decoded. REFUSED: not read, for what it is or claims."""

    OK = "ok"
    NO_PIXELS = "no_pixels"
    REFUSED = "refused"
    ERROR = "error"


class ContentKind(StrEnum):
    """What a file holds."""

    IMAGE = "image"
    VOLUME = "volume"
    WAVEFORM = "waveform"
    DOCUMENT = "document"
    SEGMENTATION = "segmentation"
    REPORT = "report"
    DOSE = "dose"
    PLAN = "plan"
    PRESENTATION = "presentation"
    DIRECTORY = "directory"
    OTHER = "other"


@dataclass(frozen=True)
class Figures:
    """Of all decoded values together. dtype: numpy's name. The numbers are None where no value is finite."""

    dtype: str
    minimum: int | float | None
    maximum: int | float | None
    mean: float | None


@dataclass(frozen=True)
class Inspection:
    """What was found. Whatever a file does not have, or what could not be read, is None.

    reason: why it is not OK. samples: per pixel for pictures, per channel (of the first group) for waveforms.
    frames: of a document, its pages.
    """

    status: InspectionStatus
    kind: ContentKind | None
    reason: UserFacingError | None = None
    modality: str | None = None
    transfer_syntax: str | None = None
    frames: int | None = None
    rows: int | None = None
    columns: int | None = None
    samples: int | None = None
    figures: Figures | None = None

    def failed(self, error: UserFacingError) -> "Inspection":
        """The same file, whose pixels or samples were not to be had."""
        status = InspectionStatus.REFUSED if error.key in _REFUSED else InspectionStatus.ERROR
        return replace(self, status=status, reason=error, figures=None)


def not_inspected(error: UserFacingError) -> Inspection:
    """Of a file that could not even be opened."""
    return Inspection(InspectionStatus.ERROR, None).failed(error)


@dataclass
class Tally:
    """Adds up values frame by frame. Whole numbers are summed exactly; of floating point only the finite ones count."""

    dtype: str = ""
    frames: int = 0
    _count: int = 0
    _total: float = 0
    _low: int | float | None = None
    _high: int | float | None = None
    _parts: list[float] = field(default_factory=list)

    def add(self, frame: Array) -> None:
        """Count one frame in."""
        self.frames += 1
        self.dtype = self.dtype or str(frame.dtype)
        floating = frame.dtype.kind == "f"
        values = frame[np.isfinite(frame)] if floating else frame
        if not values.size:
            return
        low, high = values.min().item(), values.max().item()
        self._low = low if self._low is None else min(self._low, low)
        self._high = high if self._high is None else max(self._high, high)
        self._count += values.size
        if floating:
            self._parts.append(float(values.sum(dtype=np.float64)))
        else:
            self._total += _whole_sum(values)

    def figures(self) -> Figures:
        """Of everything so far."""
        if not self._count:
            return Figures(self.dtype, None, None, None)
        total = math.fsum(self._parts) if self._parts else self._total
        mean = total / self._count
        return Figures(self.dtype, self._low, self._high, mean if math.isfinite(mean) else None)


def _whole_sum(values: Array) -> int:
    """The exact sum: 64-bit values are added in halves, which cannot overflow in any picture of bearable size."""
    if values.dtype.itemsize < 8:
        return int(values.sum(dtype=np.int64))
    high, low = values >> 32, values & 0xFFFFFFFF
    return (int(high.sum(dtype=np.int64)) << 32) + int(low.sum(dtype=np.uint64))


def tally(frames: Iterable[Array]) -> Tally:
    """All frames counted in, one at a time."""
    counted = Tally()
    for frame in frames:
        counted.add(frame)
    return counted
