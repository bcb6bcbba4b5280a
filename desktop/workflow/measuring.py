"""Measuring a file without keeping it: an electrocardiogram's rate and intervals, a film's cardiothoracic ratio."""

from dataclasses import dataclass
from pathlib import Path

from desktop.errors import KnownFailure, UserFacingError
from desktop.imaging.cardiothoracic import CardiothoracicRatio, Pair, cardiothoracic_ratio
from desktop.intake.ecg import find_trace, read_trace_file
from desktop.jobs import Job
from desktop.records import Recording
from desktop.signals.measure import DETECTOR, EcgMeasurements, measure_ecg
from desktop.workflow.clinic import open_to_all
from desktop.workflow.importing import read_in_words

__all__ = ["DETECTOR", "CardiothoracicRatio", "ChestPoints", "EcgMeasurements", "MeasuredFile", "measure_file"]


@dataclass(frozen=True)
class ChestPoints:
    """Points for a cardiothoracic ratio, (x, y) in pixels of the picture: two of the heart's border, two of the inner
    chest wall, and two of the midline where the film was taken askew."""

    heart: Pair
    chest: Pair
    midline: Pair | None = None


@dataclass(frozen=True, eq=False)
class MeasuredFile:
    """What was measured: of a trace `recording` and `ecg`, of a picture `ratio`."""

    recording: Recording | None = None
    ecg: EcgMeasurements | None = None
    ratio: CardiothoracicRatio | None = None


@open_to_all
def measure_file(job: Job, path: Path, points: ChestPoints | None = None) -> MeasuredFile:
    """Measure a trace, or with points a picture.

    Raises UserFacingError where the file cannot be read, is not of the kind asked for, or the points do not fit it.
    """
    if points is not None:
        picture = read_in_words(path, job)[1]
        try:
            ratio = cardiothoracic_ratio(picture, points.heart, points.chest, points.midline)
        except ValueError as error:
            raise UserFacingError("ecg.ctr_points") from error
        return MeasuredFile(ratio=ratio)
    if find_trace(path) is None:
        raise UserFacingError("ecg.not_recognised")
    try:
        recording = read_trace_file(path, job).recording
        return MeasuredFile(recording, measure_ecg(recording.main))
    except MemoryError as error:
        raise KnownFailure("workflow.out_of_memory") from error
