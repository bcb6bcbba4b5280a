"""A painted volume as a DICOM segmentation (PS3.3 A.51): one binary segment for each label, frame by frame where it is.

Where the painted grid is the files' own slices each frame names the slice it was painted on; on a resampled grid, or of
a file of many frames, frames have places of their own.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import highdicom
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from desktop import __version__
from desktop.imaging.volume_labels import unpacked_bits
from desktop.records import Segment, Segmentation

MAKER = "Lantern"
_SAME_PLACE = 0.1
_REPEATED = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)
"""What a segmentation repeats of the pictures (type 2): empty where they do not say."""
_LONGEST = 64


@dataclass(frozen=True, eq=False)
class PaintedSeries:
    """What is needed of it. sources: headers of the series' files, without pixels. painter: who painted, as a DICOM
    person name. description: of the new series."""

    segmentation: Segmentation
    sources: tuple[Dataset, ...]
    painter: str
    description: str


def render(painted: PaintedSeries, now: datetime) -> bytes:
    """The file. Raises ValueError where nothing is painted, or without sources."""
    segments = [segment for segment in painted.segmentation.segments if segment.voxels]
    if not segments or not painted.sources:
        raise ValueError("nothing painted, or on nothing")
    for source in painted.sources:
        _complete(source)
    first = min(segment.box[0] for segment in segments)
    last = max(segment.box[3] for segment in segments)
    labels = _labels(painted.segmentation, segments, first, last)
    there = [number for number in range(last - first) if labels[number].any()]
    labels = labels[there]
    own = _own_slices(painted, [first + number for number in there])
    places = None if own else _places(painted.segmentation, [first + number for number in there])
    written = highdicom.seg.Segmentation(
        source_images=list(own or painted.sources),
        pixel_array=labels,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _description(segment, number, merged=bool(painted.segmentation.merged_from))
            for number, segment in enumerate(segments, 1)
        ],
        series_instance_uid=highdicom.UID(),
        series_number=_series_number(painted.sources),
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=__version__,
        device_serial_number="none",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_label="SEGMENTATION",
        content_creator_name=painted.painter or None,
        series_description=painted.description[:_LONGEST],
        plane_positions=places.positions if places else None,
        plane_orientation=places.orientation if places else None,
        pixel_measures=places.measures if places else None,
    )
    written.SpecificCharacterSet = "ISO_IR 192"
    _date(written, now)
    with io.BytesIO() as stream:
        written.save_as(stream)
        return stream.getvalue()


def _complete(source: Dataset) -> None:
    """What is repeated, as plain text: the file is in UTF-8, whatever the pictures are in."""
    for keyword in _REPEATED:
        setattr(source, keyword, str(source.get(keyword) or ""))


def _labels(painted: Segmentation, segments: Sequence[Segment], first: int, last: int) -> npt.NDArray[np.uint8]:
    """Slices from `first` on, each voxel the number its segment has in the file."""
    _, rows, columns = painted.shape
    labels = np.zeros((last - first, rows, columns), np.uint8)
    for number, segment in enumerate(segments, 1):
        low, high = segment.box[:3], segment.box[3:]
        region = labels[low[0] - first : high[0] - first, low[1] : high[1], low[2] : high[2]]
        region[unpacked_bits(segment.box, segment.bits)] = number
    return labels


def _description(segment: Segment, number: int, *, merged: bool) -> highdicom.seg.SegmentDescription:
    """Painted by hand, or merged from what several painted; what of, the label alone says, so its code is the widest
    there is: tissue."""
    kinds = highdicom.seg.SegmentAlgorithmTypeValues
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.name[:_LONGEST] or f"{number}",
        segmented_property_category=codes.SCT.Tissue,
        segmented_property_type=codes.SCT.Tissue,
        algorithm_type=kinds.SEMIAUTOMATIC if merged else kinds.MANUAL,
        algorithm_identification=_staple() if merged else None,
        tracking_uid=highdicom.UID(),
        tracking_id=f"{MAKER} {segment.number}",
        display_color=highdicom.color.CIELabColor.from_rgb(*segment.colour),
    )


def _staple() -> highdicom.AlgorithmIdentificationSequence:
    """Warfield, Zou and Wells 2004."""
    return highdicom.AlgorithmIdentificationSequence("STAPLE", codes.cid7162.ClusterAnalysis, __version__)


def _own_slices(painted: PaintedSeries, numbers: Sequence[int]) -> list[Dataset] | None:
    """The files the painted slices are, in their order; None where the grid's slices are not the files' own."""
    grid = painted.segmentation
    step = np.array(grid.through)
    length = float(np.linalg.norm(step))
    _, rows, columns = grid.shape
    found: dict[int, Dataset] = {}
    for source in painted.sources:
        position = source.get("ImagePositionPatient")
        if position is None or (source.Rows, source.Columns) != (rows, columns):
            continue
        away = np.array([float(value) for value in position]) - np.array(grid.origin)
        number = float(away @ step) / length**2
        beside = np.linalg.norm(away - number * step)
        if abs(number - round(number)) < _SAME_PLACE and beside < _SAME_PLACE * length:
            found.setdefault(round(number), source)
    if any(number not in found for number in numbers):
        return None
    return [found[number] for number in numbers]


@dataclass(frozen=True, eq=False)
class _Places:
    """Where frames of a grid of its own lie."""

    positions: list[highdicom.PlanePositionSequence]
    orientation: highdicom.PlaneOrientationSequence
    measures: highdicom.PixelMeasuresSequence


def _places(painted: Segmentation, numbers: Sequence[int]) -> _Places:
    across, down, through = (np.array(step) for step in (painted.across, painted.down, painted.through))
    wide, high, thick = (float(np.linalg.norm(step)) for step in (across, down, through))
    origin = np.array(painted.origin)
    system = highdicom.CoordinateSystemNames.PATIENT
    directions = [float(part) for part in (*(across / wide), *(down / high))]
    return _Places(
        [highdicom.PlanePositionSequence(system, (origin + number * through).tolist()) for number in numbers],
        highdicom.PlaneOrientationSequence(system, directions),
        highdicom.PixelMeasuresSequence([high, wide], thick, thick),
    )


def _series_number(sources: Sequence[Dataset]) -> int:
    """One that is not taken by what was painted on."""
    taken = [int(source.SeriesNumber) for source in sources if source.get("SeriesNumber") not in (None, "")]
    return max([0, *taken]) % 10_000 + 900


def _date(written: Dataset, now: datetime) -> None:
    written.ContentDate, written.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    written.SeriesDate, written.SeriesTime = written.ContentDate, written.ContentTime
    written.InstanceCreationDate, written.InstanceCreationTime = written.ContentDate, written.ContentTime


__all__ = ["PaintedSeries", "render"]
