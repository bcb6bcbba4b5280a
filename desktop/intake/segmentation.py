"""DICOM segmentations (PS3.3 A.51) other programs wrote: binary, fractional and label maps, as volumes to lay over.

Frames are counted in the file, and each segment takes the memory of the box around it, weighed before it is taken.
Grids that are not regular are refused; nothing is interpolated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError
from desktop.imaging.volume import Floats, Vector, Volume, VolumeGrid, as_vector
from desktop.imaging.volume_mask import COLOURS, Colour, MaskLayer
from desktop.intake.dicom_fields import Fields, clean
from desktop.intake.dicom_file import DicomFile, open_dicom
from desktop.intake.dicom_frames import frames
from desktop.intake.dicom_kind import STORAGE
from desktop.intake.dicom_layout import frame_count, read_layout
from desktop.intake.limits import MAX_SAMPLES
from desktop.intake.series import damage_in_words, reading_quietly
from desktop.intake.series_header import group_fields, groups_of, items_of
from desktop.intake.series_memory import fits
from desktop.records import Modality

BINARY, LABELS = STORAGE + "66.4", STORAGE + "66.7"
_MOST_SLICES, _MOST_FRAMES = 10_000, 100_000
_CLASSES_OF_MR = (STORAGE + "4", STORAGE + "4.1", STORAGE + "4.3", STORAGE + "4.4")
_ON_GRID = 0.1
_STEPS = ("SpacingBetweenSlices", "SliceThickness")


@dataclass(frozen=True, eq=False)
class SegmentationFile:
    """study_uid, frame_of_reference: what it belongs to. modality: of the pictures it was made on. layers: its
    segments. creator: who made it, as the file says."""

    study_uid: str
    frame_of_reference: str
    modality: Modality
    layers: tuple[MaskLayer, ...]
    creator: str = ""


@dataclass(frozen=True)
class _Place:
    """Where a frame lies: position, directions of rows and columns, spacing between rows and between columns."""

    position: Vector
    along: tuple[float, ...]
    spacing: tuple[float, float]


def is_segmentation(fields: Fields) -> bool:
    """Whether a file holds segments as pixels."""
    return fields.text("SOPClassUID") in (BINARY, LABELS)


def read_segmentation(stream: BinaryIO, *, free: int | None = None) -> SegmentationFile:
    """Read one. free: bytes that may be taken; None asks the system. Raises UserFacingError, OSError, MemoryError."""
    with reading_quietly(), damage_in_words():
        file = open_dicom(stream)
        fields = Fields(file.dataset)
        if not is_segmentation(fields) or file.pixels is None or file.syntax is None:
            raise UserFacingError("intake.no_pixels")
        return SegmentationFile(
            study_uid=fields.text("StudyInstanceUID"),
            frame_of_reference=fields.text("FrameOfReferenceUID"),
            modality=_modality(fields),
            layers=_layers(file, fields, free),
            creator=clean(" ".join(" ".join(fields.name_groups("ContentCreatorName")).replace("^", " ").split())),
        )


def _modality(fields: Fields) -> Modality:
    series = fields.first_item("ReferencedSeriesSequence")
    instance = series.first_item("ReferencedInstanceSequence") if series is not None else None
    return (
        Modality.MR
        if instance is not None and instance.text("ReferencedSOPClassUID") in _CLASSES_OF_MR
        else Modality.CT
    )


def _layers(file: DicomFile, fields: Fields, free: int | None) -> tuple[MaskLayer, ...]:
    """Every segment that has a voxel, in the order of their numbers."""
    assert file.pixels is not None
    assert file.syntax is not None
    count = frame_count(fields)
    each = items_of(file.dataset, "PerFrameFunctionalGroupsSequence")
    shared = group_fields(file.dataset, "SharedFunctionalGroupsSequence")
    if not 1 <= count <= _MOST_FRAMES or len(each) != count:
        raise UserFacingError("volume.segmentation.geometry")
    levels = [[*groups_of(item), *shared, fields] for item in each]
    places = [_place(one) for one in levels]
    numbers = _slice_numbers(places, _steps_said(levels[0]))
    layout = read_layout(fields, file.pixels.keyword).aligned()
    if layout.samples != 1 or layout.values > MAX_SAMPLES:
        raise UserFacingError("intake.unsupported_pixels")
    names = _names(file, fields)
    single = fields.text("SOPClassUID") == BINARY
    boxes = _Boxes(names, free)
    decoded = frames(file.pixels, layout, file.syntax, count, file.dataset)
    for found, level, (number, _) in zip(decoded, levels, numbers.frames, strict=False):
        if single:
            segment = next((one for item in level if (one := item.integer("ReferencedSegmentNumber")) is not None), 0)
            most = fields.integer("MaximumFractionalValue") if fields.text("SegmentationType") == "FRACTIONAL" else None
            boxes.add(segment, number, found.astype(np.int64) * 2 >= most if most else found != 0)
        else:
            for segment in np.unique(found).tolist():
                if segment in names:
                    boxes.add(int(segment), number, found == segment)
    return boxes.layers(numbers.grid)


@dataclass(frozen=True, eq=False)
class _Numbers:
    """frames: for each the number of its slice, and its place. grid: of slice 0 on."""

    frames: list[tuple[int, _Place]]
    grid: VolumeGrid


def _place(levels: Sequence[Fields]) -> _Place:
    def numbers(keyword: str) -> tuple[float, ...]:
        return next((found for level in levels if (found := level.numbers(keyword))), ())

    position, along, spacing = (
        numbers(keyword) for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    )
    if len(position) != 3 or len(along) != 6 or len(spacing) != 2 or min(spacing) <= 0:
        raise UserFacingError("volume.segmentation.geometry")
    return _Place((position[0], position[1], position[2]), along, (spacing[0], spacing[1]))


def _steps_said(levels: Sequence[Fields]) -> list[float]:
    """Millimetres between slices, as the file says."""
    said = (next((one for level in levels if (one := level.number(word)) is not None), None) for word in _STEPS)
    return [step for step in said if step is not None and step > 1e-3]


def _slice_numbers(places: Sequence[_Place], said: Sequence[float]) -> _Numbers:
    """Frames on one regular grid. Raises UserFacingError where they are on none."""
    first = places[0]
    for place in places:
        if np.abs(np.subtract((*place.along, *place.spacing), (*first.along, *first.spacing))).max() > 1e-3:
            raise UserFacingError("volume.segmentation.geometry")
    row, column = np.array(first.along[:3]), np.array(first.along[3:])
    normal = np.cross(row, column)
    positions = np.array([place.position for place in places])
    offsets = positions @ normal
    beside = positions - offsets[:, None] * normal
    if np.abs(beside - beside[0]).max() > _ON_GRID * min(first.spacing):
        raise UserFacingError("volume.segmentation.geometry")
    between = np.diff(np.unique(np.round(offsets, 3)))
    # Frames may be few and far between: what the file says of its slices goes before what lies between frames.
    for step in (*said, float(between.min()) if between.size else 1.0):
        exact = (offsets - offsets.min()) / step
        numbers = np.rint(exact)
        if np.abs(exact - numbers).max() < _ON_GRID and numbers.max() < _MOST_SLICES:
            break
    else:
        raise UserFacingError("volume.segmentation.geometry")
    lowest = positions[int(np.argmin(offsets))]
    try:
        grid = VolumeGrid(
            as_vector(lowest),
            as_vector(normal * step),
            as_vector(column * first.spacing[0]),
            as_vector(row * first.spacing[1]),
        )
    except ValueError as error:
        raise UserFacingError("volume.segmentation.geometry") from error
    return _Numbers(list(zip(numbers.astype(int).tolist(), places, strict=True)), grid)


class _Boxes:
    """Segments, each cut to what is inside of it, frame by frame."""

    def __init__(self, names: Mapping[int, tuple[str, Colour]], free: int | None) -> None:
        self._names = names
        self._free = free
        self._parts: dict[int, list[tuple[int, int, int, npt.NDArray[np.bool_]]]] = {}

    def add(self, segment: int, number: int, inside: npt.NDArray[np.bool_]) -> None:
        """One frame of one segment."""
        if not inside.any():
            return
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        part = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        self._parts.setdefault(segment, []).append((number, int(rows[0]), int(columns[0]), part))

    def layers(self, grid: VolumeGrid) -> tuple[MaskLayer, ...]:
        """What was added. Raises UserFacingError where memory does not hold it."""
        return tuple(self._made(grid))

    def _made(self, grid: VolumeGrid) -> Iterator[MaskLayer]:
        for segment, parts in sorted(self._parts.items()):
            low = np.array([[number, row, column] for number, row, column, _ in parts]).min(axis=0)
            high = np.array([[n + 1, r + one.shape[0], c + one.shape[1]] for n, r, c, one in parts]).max(axis=0)
            shape = tuple(int(side) for side in high - low)
            if not fits(2 * int(np.prod(shape, dtype=np.int64)), self._free):
                raise UserFacingError("volume.segmentation.memory")
            block = np.zeros(shape, np.int16)
            for number, row, column, one in parts:
                rows, columns = row - low[1], column - low[2]
                block[number - low[0], rows : rows + one.shape[0], columns : columns + one.shape[1]] |= one
            origin: Floats = grid.to_patient(low)
            place = VolumeGrid(as_vector(origin), grid.through, grid.down, grid.across)
            name, colour = self._names.get(segment, (f"{segment}", COLOURS[segment % len(COLOURS)]))
            yield MaskLayer(Volume(block, place), colour, name)


def _names(file: DicomFile, fields: Fields) -> Mapping[int, tuple[str, Colour]]:
    """What each segment is called, and its colour."""
    found: dict[int, tuple[str, Colour]] = {}
    for item in items_of(file.dataset, "SegmentSequence"):
        segment = Fields(item)
        number = segment.integer("SegmentNumber")
        if number is None or number == 0:
            continue
        lab = segment.numbers("RecommendedDisplayCIELabValue")
        colour = _rgb(lab) if len(lab) == 3 else COLOURS[(number - 1) % len(COLOURS)]
        found[number] = clean(segment.text("SegmentLabel")) or f"{number}", colour
    return found


def _rgb(lab: Sequence[float]) -> Colour:
    """PCS values of 16 bits each (PS3.3 C.10.7.1.1) as sRGB. The white is sRGB's own (D65), as dcmqi and highdicom
    write it, though the standard says D50."""
    lightness, a, b = lab[0] / 65535 * 100, lab[1] / 65535 * 255 - 128, lab[2] / 65535 * 255 - 128
    y = (lightness + 16) / 116
    ratios = [y + a / 500, y, y - b / 200]
    white = (0.95047, 1.0, 1.08883)
    x, y, z = (
        w * (r**3 if r > 6 / 29 else 3 * (6 / 29) ** 2 * (r - 4 / 29)) for w, r in zip(white, ratios, strict=True)
    )
    matrix = (
        (3.2404542, -1.5371385, -0.4985314),
        (-0.9692660, 1.8760108, 0.0415560),
        (0.0556434, -0.2040259, 1.0572252),
    )
    linear = [min(max(row[0] * x + row[1] * y + row[2] * z, 0.0), 1.0) for row in matrix]
    bytes_ = [round(255 * (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055)) for v in linear]
    return bytes_[0], bytes_[1], bytes_[2]
