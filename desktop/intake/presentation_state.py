"""The drawings and words of softcopy presentation states (PS3.3 C.10.5)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from desktop.intake.dicom_fields import Fields
from desktop.intake.marks import (
    Graphic,
    Line,
    MarksFile,
    Point,
    Shape,
    checked,
    items,
    made_at,
    multiline,
    our_shape,
    read_graphic,
    referenced_pictures,
    shapes,
    source_words,
)
from desktop.records import AnnotationId, FileHeader, ImportedDrawing, MarkedPicture, MarksFormat, new_id

_HALF = 0.5
_IMAGES = "ReferencedImageSequence"


@dataclass(frozen=True)
class _Area:
    """The displayed area of one picture: its first and last pixel, from 1, as they lie on the screen; and how the
    picture was turned (clockwise quarters) and then mirrored to lie there."""

    first: Point
    last: Point
    turns: int
    mirrored: bool

    def place(self, point: Point) -> Point:
        """A place given in parts of the screen, on the picture as ours lie."""
        u, v = point
        if self.mirrored:
            u = 1 - u
        for _ in range(self.turns):
            u, v = v, 1 - u
        (x0, x1), (y0, y1) = sorted((self.first[0], self.last[0])), sorted((self.first[1], self.last[1]))
        return x0 - 1 - _HALF + u * (x1 - x0 + 1), y0 - 1 - _HALF + v * (y1 - y0 + 1)


def read_presentation(fields: Fields, header: FileHeader) -> MarksFile:
    """What a presentation state draws on pictures; its window and its shutters are not taken over."""
    state = fields.dataset
    everything = [
        picture
        for series in items(state, "ReferencedSeriesSequence")
        for picture in referenced_pictures(series, _IMAGES)
    ]
    made = made_at(fields, "PresentationCreationDate", "PresentationCreationTime")
    observer = " ".join(_plain_name(fields))
    found: list[ImportedDrawing] = []
    for item in items(state, "GraphicAnnotationSequence"):
        for picture in referenced_pictures(item, _IMAGES) or everything:
            area = _area(state, picture)
            found.extend(
                ImportedDrawing(
                    AnnotationId(new_id()),
                    picture.instance_uid,
                    shape.points,
                    shape.kind,
                    shape.closed,
                    picture.frame,
                    label,
                    (),
                    observer,
                    made,
                    uid,
                )
                for shape, label, uid in _drawn(item, area)
            )
            checked(found)
    title = fields.text("ContentDescription") or fields.text("ContentLabel")
    return MarksFile(header, MarksFormat.PRESENTATION, source_words(fields), title, made, checked(found))


def _plain_name(fields: Fields) -> tuple[str, ...]:
    return tuple(" ".join(group.replace("^", " ").split()) for group in fields.name_groups("ContentCreatorName"))


def _area(state: Dataset, picture: MarkedPicture) -> _Area | None:
    """The displayed area of a picture: of the item that names it, or of one that names none."""
    for item in items(state, "DisplayedAreaSelectionSequence"):
        named = [one.instance_uid for one in referenced_pictures(item, _IMAGES)]
        fields = Fields(item)
        first = fields.numbers("DisplayedAreaTopLeftHandCorner")
        last = fields.numbers("DisplayedAreaBottomRightHandCorner")
        if (not named or picture.instance_uid in named) and len(first) == 2 and len(last) == 2:
            whole = Fields(state)
            turns = (whole.integer("ImageRotation") or 0) // 90 % 4
            mirrored = whole.text("ImageHorizontalFlip").upper() == "Y"
            return _Area((first[0], first[1]), (last[0], last[1]), turns, mirrored)
    return None


def _drawn(item: Dataset, area: _Area | None) -> Iterator[tuple[Shape, str, str]]:
    """Shape, label and tracking UID of each drawing of one item; its words belong to its first shape."""
    read = [(fields, _graphic(fields, area)) for fields in map(Fields, items(item, "GraphicObjectSequence"))]
    graphics = [(fields, graphic) for fields, graphic in read if graphic is not None]
    texts = [Fields(text) for text in items(item, "TextObjectSequence")]
    words = [multiline(text, "UnformattedTextValue") for text in texts]
    if graphics:
        first = graphics[0][0]
        ours = our_shape(first.text("TrackingID"), [graphic for _, graphic in graphics], words[0] if words else "")
        if ours is not None:
            yield ours[0], words[0] if ours[1] and words else "", first.text("TrackingUID")
            return
    label = "\n".join(word for word in words if word)
    some = False
    for fields, graphic in graphics:
        for shape in shapes(graphic):
            yield shape, "" if some else label, fields.text("TrackingUID")
            some = True
    if not some:
        for text, word in zip(texts, words, strict=True):
            anchor = _anchor(text, area)
            if anchor is not None and word:
                yield Shape((anchor,)), word, ""


def _graphic(fields: Fields, area: _Area | None) -> Graphic | None:
    graphic = read_graphic(fields)
    if graphic is None:
        return None
    if fields.text("GraphicAnnotationUnits").upper() == "DISPLAY":
        placed = _placed(graphic.points, area)
        return Graphic(graphic.type, placed) if placed is not None else None
    return graphic


def _anchor(fields: Fields, area: _Area | None) -> Point | None:
    """Where a text belongs: its anchor, else the corner of its box."""
    for place, units in (
        ("AnchorPoint", "AnchorPointAnnotationUnits"),
        ("BoundingBoxTopLeftHandCorner", "BoundingBoxAnnotationUnits"),
    ):
        numbers = fields.numbers(place)
        if len(numbers) == 2:
            point = numbers[0] - _HALF, numbers[1] - _HALF
            if fields.text(units).upper() != "DISPLAY":
                return point
            placed = _placed((point,), area)
            return placed[0] if placed is not None else None
    return None


def _placed(points: Sequence[Point], area: _Area | None) -> Line | None:
    """Points in parts of the screen (half a pixel was taken off them as if they were pixels) on the picture."""
    if area is None:
        return None
    return tuple(area.place((x + _HALF, y + _HALF)) for x, y in points)
