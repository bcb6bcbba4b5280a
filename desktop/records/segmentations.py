"""What somebody painted in a volume, voxel by voxel. A change is a later row of the same id."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from desktop.records.ids import SegmentationId, StudyId, UserId

Triple = tuple[float, float, float]
Colour = tuple[int, int, int]


class GridSource(StrEnum):
    """Where the size of a voxel comes from. POSITIONS: slice positions and pixel spacing of the DICOM files. RESAMPLED:
    the same, on the regular grid made of slices that lean or vary. VOLUME_FILE: the header of a volume file."""

    POSITIONS = "positions"
    RESAMPLED = "resampled"
    VOLUME_FILE = "volume_file"


@dataclass(frozen=True)
class Segment:
    """One label. number: its value, 1 to 255. box: first slice, row and column, and one past the last of each, around
    its voxels. bits: what is inside the box, slice by slice and row by row, eight voxels to a byte, the first in the
    highest bit (numpy.packbits), zlib. voxels: how many. Raises ValueError for what cannot be."""

    number: int
    name: str
    colour: Colour
    box: tuple[int, int, int, int, int, int]
    bits: bytes
    voxels: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 255 or self.voxels < 0:
            raise ValueError("a segment has a number and a size")
        if any(not 0 <= value <= 255 for value in self.colour):
            raise ValueError("a colour is three bytes")


@dataclass(frozen=True)
class Segmentation:
    """The segments of one series, as one person painted them or as those of several were merged.

    series: its Series Instance UID, or the attachment of a volume file. shape: slices, rows, columns of the grid.
    origin, through, down, across: where it lies, as `VolumeGrid` has it, LPS millimetres. author, created: of this row.
    begun_from: whose segmentation was on the screen when this one was begun; None for one begun from nothing.
    merged_from: those of several people that it was made from, empty where somebody painted it.
    """

    id: SegmentationId
    study: StudyId
    series: str
    shape: tuple[int, int, int]
    origin: Triple
    through: Triple
    down: Triple
    across: Triple
    source: GridSource
    segments: tuple[Segment, ...]
    author: UserId
    created: datetime
    begun_from: SegmentationId | None = None
    merged_from: tuple[SegmentationId, ...] = ()

    def __post_init__(self) -> None:
        numbers = [segment.number for segment in self.segments]
        if len(set(numbers)) < len(numbers) or min(self.shape) < 1:
            raise ValueError("segments have numbers of their own, and a grid has voxels")
        if len(self.merged_from) == 1 or len(set(self.merged_from)) < len(self.merged_from):
            raise ValueError("two or more are merged, each once")
        for segment in self.segments:
            low, high = segment.box[:3], segment.box[3:]
            sides = zip(low, high, self.shape, strict=True)
            if any(not 0 <= first <= last <= size for first, last, size in sides):
                raise ValueError("a segment lies in its grid")
