"""Marks on pictures in DICOM files: presentation states, structured reports with coordinates, key object selections.

What such a file marks is read as it is; nothing is measured anew, and nothing is guessed about a line that does not say
what it is. A place lies half a pixel further in DICOM, which counts from the outer corner of the first pixel.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydicom.dataset import Dataset

from desktop.errors import UserFacingError
from desktop.imaging.measure_region import ellipse_outline
from desktop.intake.dicom_fields import Fields, clean
from desktop.records import (
    Annotation,
    AnnotationId,
    AnnotationKind,
    FileHeader,
    ImportedDrawing,
    InstanceId,
    MarkedPicture,
    MarksFormat,
    UserId,
    new_id,
)

Point = tuple[float, float]
Line = tuple[Point, ...]

MOST_DRAWINGS, MOST_POINTS = 5_000, 200_000
_FARTHEST = 1e6
_OURS = re.compile(r"Lantern:([a-z_]+)(\+label)?")
_RECTANGLE = "rectangle"
_DT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,6}))?([+-]\d{4})?")
_CORNER = 0.5
_CLOSED = (AnnotationKind.REGION, AnnotationKind.FREEHAND)


@dataclass(frozen=True)
class MarksFile:
    """What one file marks. source: who made it, in its own words. title: what it calls itself. made: when."""

    header: FileHeader
    format: MarksFormat
    source: str
    title: str
    made: datetime | None
    drawings: tuple[ImportedDrawing, ...] = ()
    key_images: tuple[MarkedPicture, ...] = ()

    @property
    def pictures(self) -> frozenset[str]:
        """SOP instances of the pictures it marks."""
        return frozenset((*(one.instance_uid for one in self.drawings), *(one.instance_uid for one in self.key_images)))


@dataclass(frozen=True)
class Graphic:
    """One graphic of a file: POINT, MULTIPOINT, POLYLINE, INTERPOLATED, CIRCLE or ELLIPSE, with points as ours lie."""

    type: str
    points: Line


@dataclass(frozen=True)
class Shape:
    """What a graphic is here: one of our kinds, or a line of its own."""

    points: Line
    kind: AnnotationKind | None = None
    closed: bool = False


def items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence, none where there is none."""
    value: object = dataset.get(keyword)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return ()
    return tuple(item for item in value if isinstance(item, Dataset))


def referenced_pictures(item: Dataset, keyword: str) -> list[MarkedPicture]:
    """The pictures, or frames of them, that the items of a sequence refer to."""
    found: list[MarkedPicture] = []
    for reference in items(item, keyword):
        fields = Fields(reference)
        uid = fields.text("ReferencedSOPInstanceUID")
        frames = [int(number) for number in fields.numbers("ReferencedFrameNumber") if number >= 1] or [1]
        found.extend(MarkedPicture(uid, frame) for frame in frames if uid)
    return found


def read_graphic(fields: Fields, type_keyword: str = "GraphicType") -> Graphic | None:
    """A graphic with its points, None where they make no sense. Raises UserFacingError `intake.marks.too_many`."""
    numbers = fields.numbers("GraphicData")
    if len(numbers) > 2 * MOST_POINTS:
        raise UserFacingError("intake.marks.too_many")
    if not numbers or len(numbers) % 2 or any(abs(number) > _FARTHEST for number in numbers):
        return None
    points = tuple((x - _CORNER, y - _CORNER) for x, y in zip(numbers[::2], numbers[1::2], strict=True))
    return Graphic(fields.text(type_keyword).upper(), points)


def shapes(graphic: Graphic) -> tuple[Shape, ...]:
    """What a graphic of another program is here; a line that does not say what it is stays a line."""
    points = graphic.points
    if graphic.type in ("POINT", "MULTIPOINT"):
        return tuple(Shape((point,), AnnotationKind.POINT) for point in points)
    if graphic.type == "CIRCLE" and len(points) == 2:
        (x, y), radius = points[0], math.dist(*points)
        box = (x - radius, y - radius), (x + radius, y + radius)
        return (Shape(box, AnnotationKind.ELLIPSE, closed=True),) if radius > 0 else ()
    if graphic.type == "ELLIPSE" and len(points) == 4:
        return _ellipse(points)
    if len(points) < 2:
        return ()
    if len(points) >= 4 and points[0] == points[-1]:
        return (Shape(points[:-1], AnnotationKind.REGION, closed=True),)
    return (Shape(points),)


def _ellipse(points: Line) -> tuple[Shape, ...]:
    box = box_of_axes(points)
    if box is not None:
        return (Shape(box, AnnotationKind.ELLIPSE, closed=True),)
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    middle = (ax + bx) / 2, (ay + by) / 2
    major, minor = ((bx - ax) / 2, (by - ay) / 2), ((dx - cx) / 2, (dy - cy) / 2)
    unit = ellipse_outline(((-1.0, -1.0), (1.0, 1.0)))
    turned = tuple((middle[0] + u * major[0] + v * minor[0], middle[1] + u * major[1] + v * minor[1]) for u, v in unit)
    return (Shape(turned, None, closed=True),)


def box_of_axes(points: Line) -> tuple[Point, Point] | None:
    """The corners of the box around an ellipse whose axes lie along rows and columns, in the order they were drawn;
    None for one that leans."""
    first, second = (points[0], points[1]), (points[2], points[3])
    across, down = (
        (first, second)
        if abs(first[1][0] - first[0][0]) >= abs(first[1][1] - first[0][1])
        else (
            second,
            first,
        )
    )
    if abs(across[1][1] - across[0][1]) > 1e-3 or abs(down[1][0] - down[0][0]) > 1e-3:
        return None
    corners = (across[0][0], down[0][1]), (across[1][0], down[1][1])
    return corners if corners[0][0] != corners[1][0] and corners[0][1] != corners[1][1] else None


def our_shape(tracking: str, graphics: Sequence[Graphic], label: str) -> tuple[Shape, bool] | None:
    """A drawing that Lantern wrote, as it was, and whether it has a label; None for every other, and where its points
    do not fit what it says it is."""
    match = _OURS.fullmatch(tracking)
    if match is None or not graphics:
        return None
    word, labelled = match[1], match[2] is not None
    rectangle = word == _RECTANGLE
    if not rectangle and word not in {one.value for one in AnnotationKind}:
        return None
    kind = AnnotationKind.REGION if rectangle else AnnotationKind(word)
    points: Line | None = tuple(point for graphic in graphics for point in graphic.points)
    if kind is AnnotationKind.ELLIPSE and points is not None:
        points = box_of_axes(points) if len(points) == 4 else None
    elif kind in _CLOSED and points is not None:
        points = points[:-1]
        if rectangle:
            points = (points[0], points[2]) if len(points) == 4 else None
    if points is None or not _fits(kind, points, label if labelled else ""):
        return None
    return Shape(points, kind, closed=kind in (*_CLOSED, AnnotationKind.ELLIPSE)), labelled


def _fits(kind: AnnotationKind, points: Line, label: str) -> bool:
    try:
        nobody, now = UserId(""), datetime.now(UTC)
        Annotation(AnnotationId(new_id()), InstanceId(""), kind, points, label, nobody, now)
    except ValueError:
        return False
    return True


def checked(drawings: Iterable[ImportedDrawing]) -> tuple[ImportedDrawing, ...]:
    """The drawings, if they are not too many. Raises UserFacingError `intake.marks.too_many`."""
    found: list[ImportedDrawing] = []
    points = 0
    for drawing in drawings:
        found.append(drawing)
        points += len(drawing.points)
        if len(found) > MOST_DRAWINGS or points > MOST_POINTS:
            raise UserFacingError("intake.marks.too_many")
    return tuple(found)


def multiline(fields: Fields, keyword: str) -> str:
    """A text with its lines, without other control characters, at most 1,024 characters."""
    value = fields.value(keyword)
    if value is None:
        return ""
    lines = str(value)[:1024].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(clean(line) for line in lines).strip()


def source_words(fields: Fields) -> str:
    """Who made a file: institution, maker, program; each said once."""
    said = [fields.text(keyword) for keyword in ("InstitutionName", "Manufacturer", "ManufacturerModelName")]
    return ", ".join(dict.fromkeys(one for one in said if one))


def made_at(fields: Fields, date_keyword: str, time_keyword: str) -> datetime | None:
    """A date and a time of two elements."""
    day, hour = fields.text(date_keyword), fields.text(time_keyword).partition(".")[0].ljust(6, "0")
    return moment(f"{day}{hour}", fields.text("TimezoneOffsetFromUTC"))


def moment(text: str, offset: str = "") -> datetime | None:
    """A DT value; without an offset of its own, or of its file, it is this PC's time. None where it is none."""
    match = _DT.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[place]) for place in range(1, 7))
    zone = match[8] or (offset if re.fullmatch(r"[+-]\d{4}", offset) else "")
    try:
        parts = year, month, day, hour, minute, min(second, 59), int((match[7] or "0").ljust(6, "0"))
        written = datetime(*parts, tzinfo=UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
        plain = datetime.fromisoformat(f"{written}{zone[:3]}:{zone[3:]}" if zone else written)
        return plain if zone else plain.astimezone()
    except (ValueError, OverflowError, OSError):
        return None
