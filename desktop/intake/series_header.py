"""What a slice's file says of itself: where each of its frames lies, what its values mean, where its pixels are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.uid import UID

from desktop.errors import UserFacingError
from desktop.imaging.volume_stack import SlicePlace
from desktop.intake.dicom_fields import Fields, clean
from desktop.intake.dicom_file import open_dicom
from desktop.intake.dicom_frames import NATIVE, fits_exactly
from desktop.intake.dicom_layout import Layout, frame_count, read_layout
from desktop.records import VoiWindow

Source = Callable[[], BinaryIO]
"""Opens a file, wherever it lies; sealed ones are read through a stream that unseals and leaves nothing on the disk."""


class IsSegmentation(UserFacingError):
    """The file holds no slice but segments painted on slices."""


_SHARED, _EACH = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"


@dataclass(frozen=True)
class Meaning:
    """What stored values mean. padding: stored, None without. inverted: MONOCHROME1."""

    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    padding: int | None = None
    inverted: bool = False


@dataclass(frozen=True)
class FrameFacts:
    """One frame of a file. place: None where the file does not say."""

    place: SlicePlace | None
    meaning: Meaning


@dataclass(frozen=True, eq=False)
class SliceFile:
    """A file of a series, read up to its pixels.

    start, length: of the pixels in the plain bytes (length None where they are compressed).
    """

    source: Source
    layout: Layout
    syntax: UID
    start: int
    length: int | None
    frames: tuple[FrameFacts, ...]
    instance_uid: str
    series_uid: str
    modality: str
    description: str
    windows: tuple[VoiWindow, ...] = field(default=())
    frame_of_reference: str = ""

    @property
    def native(self) -> bool:
        """Whether its frames can be cut out of the file as they are: not of a deflated one, whose places are others,
        nor of one that may have its bytes turned round in pairs."""
        turned = not self.syntax.is_little_endian and self.layout.allocated == 8
        return self.syntax in NATIVE and self.length is not None and not self.syntax.is_deflated and not turned


def read_slice_file(source: Source) -> SliceFile:
    """A file's header. Raises UserFacingError (also where it holds no grey picture), OSError, and whatever pydicom
    does with a hostile file."""
    with source() as stream:
        file = open_dicom(stream)
    fields = Fields(file.dataset)
    if fields.text("Modality").upper() == "SEG":
        raise IsSegmentation("volume.no_slices")
    if file.pixels is None:
        raise UserFacingError("intake.no_pixels")
    layout = read_layout(fields, file.pixels.keyword)
    count = frame_count(fields)
    if file.syntax is None or (not file.told and not fits_exactly(file.pixels, layout, count)):
        raise UserFacingError("intake.no_transfer_syntax")
    if layout.samples != 1 or not layout.photometric.startswith("MONOCHROME"):
        raise UserFacingError("volume.colour")
    return SliceFile(
        source=source,
        layout=layout,
        syntax=file.syntax,
        start=file.pixels.start,
        length=file.pixels.length,
        frames=_frames(fields, layout, count),
        instance_uid=fields.text("SOPInstanceUID"),
        series_uid=fields.text("SeriesInstanceUID"),
        modality=fields.text("Modality").upper(),
        description=fields.text("SeriesDescription"),
        windows=_windows([Fields(file.dataset), *group_fields(file.dataset, _SHARED), *_first_group(file.dataset)]),
        frame_of_reference=fields.text("FrameOfReferenceUID"),
    )


def _frames(fields: Fields, layout: Layout, count: int) -> tuple[FrameFacts, ...]:
    each = items_of(fields.dataset, _EACH)
    shared = group_fields(fields.dataset, _SHARED)
    if count > 1 and not each:
        return tuple(FrameFacts(None, _meaning([fields], fields, layout)) for _ in range(count))
    found = []
    for number in range(count):
        own = groups_of(each[number]) if number < len(each) else []
        levels = [*own, *shared, fields]
        found.append(FrameFacts(_place(levels, layout, number), _meaning(levels, fields, layout)))
    return tuple(found)


def items_of(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence, however long it is: a large series' groups are megabytes of honest places."""
    try:
        value = dataset.get(keyword)
        return list(value) if value else []
    except Exception:  # items are parsed when they are touched, and a hostile one raises anything at all
        return []


def groups_of(item: Dataset) -> list[Fields]:
    """The macros of one functional group item (PS3.3 C.7.6.16), flattened."""
    found = []
    for element in item:
        if element.VR == "SQ" and element.value:
            found.append(Fields(element.value[0]))
    return found


def group_fields(dataset: Dataset, keyword: str) -> list[Fields]:
    items = items_of(dataset, keyword)
    return groups_of(items[0]) if items else []


def _first_group(dataset: Dataset) -> list[Fields]:
    return group_fields(dataset, _EACH)


def _numbers(levels: Sequence[Fields], keyword: str) -> tuple[float, ...]:
    return next((found for level in levels if (found := level.numbers(keyword))), ())


def _number(levels: Sequence[Fields], keyword: str) -> float | None:
    return next(iter(_numbers(levels, keyword)), None)


def _place(levels: Sequence[Fields], layout: Layout, frame: int) -> SlicePlace | None:
    position, directions = _numbers(levels, "ImagePositionPatient"), _numbers(levels, "ImageOrientationPatient")
    spacing = _numbers(levels, "PixelSpacing")
    if len(position) != 3 or len(directions) != 6 or len(spacing) != 2:
        return None
    thickness = _number(levels, "SliceThickness")
    number = next((n for level in levels if (n := level.integer("InstanceNumber")) is not None), None)
    try:
        return SlicePlace(
            position=(position[0], position[1], position[2]),
            along_row=(directions[0], directions[1], directions[2]),
            along_column=(directions[3], directions[4], directions[5]),
            row_mm=spacing[0],
            column_mm=spacing[1],
            rows=layout.rows,
            columns=layout.columns,
            thickness=thickness if thickness is not None and thickness > 0 else None,
            moment=_moment(levels),
            number=(number or 0) + frame,
        )
    except ValueError:
        return None


_MOMENTS = (
    "TemporalPositionIndex",
    "TemporalPositionIdentifier",
    "EchoNumbers",
    "EffectiveEchoTime",
    "TriggerTime",
    "AcquisitionNumber",
)


def _moment(levels: Sequence[Fields]) -> tuple[float, ...]:
    """What tells slices of one place from one another, in the order that counts."""
    return tuple(_number(levels, keyword) or 0.0 for keyword in _MOMENTS)


def _meaning(levels: Sequence[Fields], root: Fields, layout: Layout) -> Meaning:
    slope, intercept = _number(levels, "RescaleSlope"), _number(levels, "RescaleIntercept")
    unit = next((text for level in levels if (text := level.text("RescaleType"))), "").upper()
    if not unit and root.text("Modality").upper() == "CT" and slope is not None:
        unit = "HU"  # PS3.3 C.11.1.1.2: of a CT, unless the file says otherwise
    padding = root.integer("PixelPaddingValue")
    if padding is not None and layout.signed and padding >= 1 << (layout.allocated - 1):
        padding -= 1 << layout.allocated
    if padding is not None and not layout.signed and padding < 0:
        padding += 1 << layout.allocated
    return Meaning(
        slope=slope or 1.0,
        intercept=intercept or 0.0,
        unit=clean(unit) if unit == "HU" else "",
        padding=padding,
        inverted=layout.photometric == "MONOCHROME1",
    )


def _windows(levels: Sequence[Fields]) -> tuple[VoiWindow, ...]:
    for level in levels:
        centers, widths = level.numbers("WindowCenter"), level.numbers("WindowWidth")
        names = [clean(str(name)) for name in level.values("WindowCenterWidthExplanation")]
        found = [
            VoiWindow(center, width, names[index] if index < len(names) else "")
            for index, (center, width) in enumerate(zip(centers, widths, strict=False))
            if width >= 1
        ]
        if found:
            return tuple(found)
    return ()
