"""The drawings of structured reports (PS3.3 C.17.3, C.18.6): measurement groups of TID 1500, and coordinates in others.

A group is one drawing, or as many as it has lines that belong together in no way we know. What the report says it
measures is kept in its own words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydicom.dataset import Dataset

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.marks import (
    MOST_DRAWINGS,
    Graphic,
    MarksFile,
    Shape,
    checked,
    items,
    made_at,
    moment,
    multiline,
    our_shape,
    read_graphic,
    referenced_pictures,
    shapes,
    source_words,
)
from desktop.records import (
    AnnotationId,
    AnnotationKind,
    FileHeader,
    ImportedDrawing,
    MarkedPicture,
    MarksFormat,
    new_id,
)

_GROUP, _TRACKING, _TRACKING_UID = "125007", "112039", "112040"
_COMMENT, _SHORT_LABEL, _FINDING, _OBSERVER = "121106", "125309", "121071", "121008"
_DERIVATION, _METHOD = ("121401",), ("370129005", "G-C036")
_SAYS_WHERE = ("CONTAINS", "INFERRED FROM")
_PLAIN_UNITS = {
    **{unit: unit for unit in ("mm", "cm", "%", "s", "ms")},
    "mm2": "mm²",
    "cm2": "cm²",
    "mm3": "mm³",
    "cm3": "cm³",
    "deg": "°",
    "{ratio}": "",
    "{count}": "",
}
_DEEPEST = 24


@dataclass
class _Holder:
    """What belongs to one drawing: a measurement group, or a graphic outside of any."""

    tracking: str = ""
    uid: str = ""
    label: str = ""
    finding: str = ""
    made: datetime | None = None
    names: set[str] = field(default_factory=set)
    stated: list[str] = field(default_factory=list)
    graphics: list[tuple[Graphic, MarkedPicture]] = field(default_factory=list)


class _Report:
    def __init__(self, fields: Fields) -> None:
        self.root = fields.dataset
        self.offset = fields.text("TimezoneOffsetFromUTC")
        self.holders: list[_Holder] = []
        self.observer = ""
        self.in_space = False
        pictures = _evidence(self.root)
        self.only = pictures[0] if len(pictures) == 1 else None

    def walk(self, item: Dataset, holder: _Holder | None, depth: int = 0) -> None:
        """Sort what is below an item into holders."""
        if depth > _DEEPEST:
            raise UserFacingError("intake.damaged")
        for child in items(item, "ContentSequence"):
            fields = Fields(child)
            kind, name = fields.text("ValueType").upper(), _code(child)
            here = holder
            alone = kind in ("NUM", "SCOORD") and holder is None
            if alone or (kind == "CONTAINER" and name == _GROUP):
                here = self._new()
            if here is not None:
                self._take(here, child, fields, kind, name)
            if kind == "PNAME" and name == _OBSERVER and not self.observer:
                self.observer = " ".join(" ".join(fields.name_groups("PersonName")).replace("^", " ").split())
            self.walk(child, here, depth + 1)

    def _new(self) -> _Holder:
        holder = _Holder()
        self.holders.append(holder)
        if len(self.holders) > MOST_DRAWINGS:
            raise UserFacingError("intake.marks.too_many")
        return holder

    def _take(self, holder: _Holder, item: Dataset, fields: Fields, kind: str, name: str) -> None:
        if kind == "TEXT" and name == _TRACKING:
            holder.tracking = fields.text("TextValue")
        elif kind == "UIDREF" and name == _TRACKING_UID:
            holder.uid = fields.text("UID")
        elif kind == "TEXT" and name in (_COMMENT, _SHORT_LABEL):
            words = multiline(fields, "TextValue")
            holder.label = holder.label or ("" if words.startswith("{") and words.endswith("}") else words)
        elif name == _FINDING and kind in ("CODE", "TEXT"):
            holder.finding = _meaning(item, "ConceptCodeSequence") or multiline(fields, "TextValue")
        elif kind == "NUM":
            holder.names.add(_meaning(item, "ConceptNameCodeSequence").lower())
            holder.made = holder.made or moment(fields.text("ObservationDateTime"), self.offset)
            holder.stated.extend(_stated(item))
        elif kind == "SCOORD" and fields.text("RelationshipType").upper() in _SAYS_WHERE:
            holder.made = holder.made or moment(fields.text("ObservationDateTime"), self.offset)
            graphic, picture = read_graphic(fields), self._picture(item)
            if graphic is not None and picture is not None and (graphic, picture) not in holder.graphics:
                holder.graphics.append((graphic, picture))
        elif kind == "SCOORD3D":
            self.in_space = True

    def _picture(self, item: Dataset) -> MarkedPicture | None:
        """Which picture a graphic lies on: the one it names, else the only one the report is about."""
        for child in items(item, "ContentSequence"):
            path = Fields(child).numbers("ReferencedContentItemIdentifier")
            target = self._at([int(step) for step in path]) if path else child
            found = _reference(target) if target is not None else None
            if found is not None:
                return found
        return self.only

    def _at(self, path: Sequence[int]) -> Dataset | None:
        """A content item by its place in the tree (PS3.3 C.17.3.2.5); the first step is the root."""
        item = self.root
        for step in path[1:]:
            children = items(item, "ContentSequence")
            if not 1 <= step <= len(children):
                return None
            item = children[step - 1]
        return item


def read_measurements(fields: Fields, header: FileHeader) -> MarksFile:
    """What a report draws on pictures. Raises UserFacingError `intake.marks.in_space`, where all it has are places in
    the patient and not on a picture; `intake.marks.too_many`."""
    report = _Report(fields)
    report.walk(report.root, None)
    made = made_at(fields, "ContentDate", "ContentTime")
    drawings = checked(
        drawing
        for holder in report.holders
        for drawing in _drawings(replace(holder, made=holder.made or made), report.observer)
    )
    if not drawings and report.in_space:
        raise UserFacingError("intake.marks.in_space")
    title = _meaning(report.root, "ConceptNameCodeSequence")
    return MarksFile(header, MarksFormat.MEASUREMENTS, source_words(fields), title, made, drawings)


def read_key_objects(fields: Fields, header: FileHeader) -> MarksFile:
    """The pictures a key object selection points at (PS3.16 TID 2010)."""
    found: dict[MarkedPicture, None] = {}
    words = [_meaning(fields.dataset, "ConceptNameCodeSequence")]
    for item in items(fields.dataset, "ContentSequence"):
        if Fields(item).text("ValueType").upper() in ("IMAGE", "COMPOSITE"):
            found |= dict.fromkeys(referenced_pictures(item, "ReferencedSOPSequence"))
        elif _code(item) == "113012":
            words.append(multiline(Fields(item), "TextValue"))
    made = made_at(fields, "ContentDate", "ContentTime")
    title = ": ".join(word for word in words if word)
    return MarksFile(header, MarksFormat.KEY_IMAGES, source_words(fields), title, made, (), tuple(found))


def _drawings(holder: _Holder, observer: str) -> Iterator[ImportedDrawing]:
    if not holder.graphics:
        return
    picture = holder.graphics[0][1]
    together = [graphic for graphic, where in holder.graphics if where == picture]
    ours = our_shape(holder.tracking, together, holder.label)
    if ours is not None:
        yield _drawing(ours[0], picture, holder, observer, holder.label if ours[1] else "", tuple(holder.stated))
        return
    known = _known(together, holder.names)
    if known is not None:
        yield _drawing(known, picture, holder, observer, holder.label or holder.finding, tuple(holder.stated))
        return
    first = True
    for graphic, where in holder.graphics:
        for shape in shapes(graphic):
            label, stated = (holder.label or holder.finding, tuple(holder.stated)) if first else ("", ())
            yield _drawing(shape, where, holder, observer, label, stated)
            first = False


def _drawing(
    shape: Shape, picture: MarkedPicture, holder: _Holder, observer: str, label: str, stated: tuple[str, ...]
) -> ImportedDrawing:
    return ImportedDrawing(
        AnnotationId(new_id()),
        picture.instance_uid,
        shape.points,
        shape.kind,
        shape.closed,
        picture.frame,
        label,
        stated,
        observer,
        holder.made,
        holder.uid,
    )


def _known(graphics: Sequence[Graphic], names: set[str]) -> Shape | None:
    """A drawing of ours by what the report says it measures; None where it does not say, or its points do not fit."""
    lines = [graphic.points for graphic in graphics if graphic.type == "POLYLINE"]
    if len(lines) != len(graphics):
        return None
    points, sizes = tuple(point for line in lines for point in line), [len(line) for line in lines]
    if sizes == [2, 2] and any("long axis" in name for name in names):
        return Shape(points, AnnotationKind.BIDIRECTIONAL)
    if sizes == [2, 2] and any("cobb" in name for name in names):
        return Shape(points, AnnotationKind.COBB)
    if sizes == [3] and points[0] != points[2] and any("angle" in name for name in names):
        return Shape(points, AnnotationKind.ANGLE)
    if sizes == [2] and any(word in name for name in names for word in ("length", "distance", "diameter")):
        return Shape(points, AnnotationKind.LENGTH)
    return None


def _stated(item: Dataset) -> Iterator[str]:
    """What a NUM says, as a line: name, value, unit, and which of many values and by what method where it says so."""
    name = _meaning(item, "ConceptNameCodeSequence")
    aside = [
        _meaning(child, "ConceptCodeSequence")
        for child in items(item, "ContentSequence")
        if _code(child) in (*_DERIVATION, *_METHOD)
    ]
    for value in items(item, "MeasuredValueSequence")[:1]:
        number = Fields(value).number("NumericValue")
        if number is None:
            continue
        unit = Fields(value).first_item("MeasurementUnitsCodeSequence")
        code, meaning = (unit.text("CodeValue"), unit.text("CodeMeaning")) if unit is not None else ("", "")
        shown = "" if code == "1" else _PLAIN_UNITS.get(code, meaning)
        words = " ".join(part for part in (name, f"{number:.6g}", shown) if part)
        said = ", ".join(word for word in aside if word)
        yield f"{words} ({said})" if said else words


def _code(item: Dataset) -> str:
    """The code of an item's concept name."""
    named = Fields(item).first_item("ConceptNameCodeSequence")
    return named.text("CodeValue") if named is not None else ""


def _meaning(item: Dataset, keyword: str) -> str:
    named = Fields(item).first_item(keyword)
    return named.text("CodeMeaning") if named is not None else ""


def _reference(item: Dataset) -> MarkedPicture | None:
    return next(iter(referenced_pictures(item, "ReferencedSOPSequence")), None)


def _evidence(root: Dataset) -> list[MarkedPicture]:
    """The objects a report is about (PS3.3 C.17.2)."""
    keywords = ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
    return [
        picture
        for keyword in keywords
        for study in items(root, keyword)
        for series in items(study, "ReferencedSeriesSequence")
        for picture in referenced_pictures(series, "ReferencedSOPSequence")
    ]
