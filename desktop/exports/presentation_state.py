"""Drawings as softcopy presentation states (PS3.3 A.33): the lines, their words, the window and how the picture lies.

One state for all pictures of a study that are shown alike; another one for colour, and where a picture is turned,
mirrored or inverted, which a state says once for all its pictures.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
from PIL import ImageCms
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import DSfloat

from desktop.exports.drawings import (
    DrawingsBundle,
    DrawnPicture,
    Shown,
    dicom_points,
    ellipse_axes,
    equip,
    new_uid,
    source_dataset,
    tracking_name,
    tracking_uid,
    written,
)
from desktop.exports.measurement_codes import number_words
from desktop.imaging.geometry import Orientation, Point
from desktop.imaging.measure_lines import outline
from desktop.records import Annotation, AnnotationKind, Photometric, Picture, VoiWindow
from desktop.records.picture import Array

GRAYSCALE = "1.2.840.10008.5.1.4.1.1.11.1"
COLOUR = "1.2.840.10008.5.1.4.1.1.11.2"
_LONGEST_TEXT = 1024
_PAIRS = (AnnotationKind.COBB, AnnotationKind.BIDIRECTIONAL, AnnotationKind.CARDIOTHORACIC)
_CLOSED = (AnnotationKind.REGION, AnnotationKind.FREEHAND)


def render(bundle: DrawingsBundle) -> tuple[bytes, ...]:
    """The states of a study's drawn pictures, one file each; none where nothing is drawn."""
    alike: dict[tuple[bool, bool, Orientation], list[DrawnPicture]] = {}
    for one in bundle.drawn:
        colour = one.picture.photometric is Photometric.RGB
        inverse = not colour and one.shown.inverted != (one.picture.photometric is Photometric.MONOCHROME1)
        alike.setdefault((colour, inverse, one.shown.orientation), []).append(one)
    series = new_uid()
    return tuple(
        written(_state(bundle, pictures, series, number, colour, inverse, lying), bundle)
        for number, ((colour, inverse, lying), pictures) in enumerate(alike.items(), 1)
    )


def _state(
    bundle: DrawingsBundle,
    pictures: Sequence[DrawnPicture],
    series: str,
    number: int,
    colour: bool,
    inverse: bool,
    lying: Orientation,
) -> Dataset:
    state = source_dataset(pictures[0].source)
    for keyword in ("Rows", "Columns", "NumberOfFrames"):
        state.pop(keyword, None)
    state.file_meta = FileMetaDataset()
    state.SOPClassUID, state.SOPInstanceUID = COLOUR if colour else GRAYSCALE, new_uid()
    state.file_meta.MediaStorageSOPClassUID = state.SOPClassUID
    state.file_meta.MediaStorageSOPInstanceUID = state.SOPInstanceUID
    state.Modality, state.SeriesInstanceUID, state.SeriesNumber = "PR", series, 1
    laterality = pictures[0].source.laterality
    state.Laterality = laterality if laterality in ("L", "R") else ""
    equip(state, bundle.observer)
    _identify(state, bundle, number)
    state.ReferencedSeriesSequence = _series(pictures)
    _spatial(state, lying)
    state.DisplayedAreaSelectionSequence = DicomSequence(_area(one) for one in pictures)
    layers = list(dict.fromkeys(_layer(drawing) for one in pictures for drawing in one.drawings))
    state.GraphicLayerSequence = DicomSequence(_layer_item(name, place) for place, name in enumerate(layers, 1))
    state.GraphicAnnotationSequence = DicomSequence(
        _annotation(one, drawing) for one in pictures for drawing in one.drawings
    )
    if colour:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        state.ICCProfile = _even(profile.tobytes())
    else:
        _modality_lut(state, pictures[0])
        state.SoftcopyVOILUTSequence = DicomSequence(_voi(one) for one in pictures)
        state.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    return state


def _identify(state: Dataset, bundle: DrawingsBundle, number: int) -> None:
    state.InstanceNumber = number
    state.ContentLabel = "DRAWINGS"
    state.ContentDescription = "Drawings on pictures"
    state.ContentCreatorName = bundle.observer.person_name
    state.PresentationCreationDate = bundle.made.strftime("%Y%m%d")
    state.PresentationCreationTime = bundle.made.strftime("%H%M%S")
    state.InstanceCreationDate, state.InstanceCreationTime = (
        state.PresentationCreationDate,
        state.PresentationCreationTime,
    )
    state.TimezoneOffsetFromUTC = zone(bundle.made)


def zone(moment: datetime) -> str:
    """The offset from UTC as DICOM writes it: &HHMM."""
    return moment.strftime("%z")[:5] or "+0000"


def _series(pictures: Sequence[DrawnPicture]) -> DicomSequence:
    groups: dict[str, list[DrawnPicture]] = {}
    for one in pictures:
        groups.setdefault(one.source.series_uid, []).append(one)
    items = []
    for uid, members in groups.items():
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedImageSequence = DicomSequence(_reference(one) for one in members)
        items.append(item)
    return DicomSequence(items)


def _reference(one: DrawnPicture, frame: int | None = None) -> Dataset:
    """The picture, or one of its frames."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.source.class_uid, one.source.instance_uid
    if frame is not None and one.source.frames > 1:
        item.ReferencedFrameNumber = frame
    return item


def _spatial(state: Dataset, lying: Orientation) -> None:
    """Ours is mirrored before it is turned, theirs is turned before it is mirrored (PS3.3 C.10.6)."""
    turns = -lying.quarter_turns % 4 if lying.mirrored else lying.quarter_turns
    state.ImageRotation = 90 * turns
    state.ImageHorizontalFlip = "Y" if lying.mirrored else "N"


def _area(one: DrawnPicture) -> Dataset:
    """The whole picture: the pixels that lie at the top left and the bottom right once it is turned (PS3.3 C.10.4)."""
    rows, columns, lying = one.source.rows, one.source.columns, one.shown.orientation
    height, width = lying.view_size(rows, columns)
    first = lying.to_picture((0, 0), rows, columns)
    last = lying.to_picture((width - 1, height - 1), rows, columns)
    item = Dataset()
    item.ReferencedImageSequence = DicomSequence([_reference(one)])
    item.DisplayedAreaTopLeftHandCorner = [int(first[0]) + 1, int(first[1]) + 1]
    item.DisplayedAreaBottomRightHandCorner = [int(last[0]) + 1, int(last[1]) + 1]
    item.PresentationSizeMode = "SCALE TO FIT"
    scale = one.picture.spacing
    if scale is None:
        item.PresentationPixelAspectRatio = [1, 1]
    else:
        item.PresentationPixelSpacing = _decimals((scale.row_mm, scale.column_mm))
    return item


def _layer(drawing: Annotation) -> str:
    return drawing.kind.value.upper()


def _layer_item(name: str, place: int) -> Dataset:
    item = Dataset()
    item.GraphicLayer = name
    item.GraphicLayerOrder = place
    item.GraphicLayerDescription = f"{name.capitalize()} drawings"
    return item


def _annotation(one: DrawnPicture, drawing: Annotation) -> Dataset:
    item = Dataset()
    item.ReferencedImageSequence = DicomSequence([_reference(one, drawing.frame)])
    item.GraphicLayer = _layer(drawing)
    words = [drawing.label] if drawing.label else []
    numbers = number_words(one.measured.get(drawing.id, ()))
    words += [numbers] if numbers else []
    if words:
        item.TextObjectSequence = DicomSequence(_text(text, drawing.points, place) for place, text in enumerate(words))
    item.GraphicObjectSequence = DicomSequence(_graphics(drawing))
    return item


def _text(words: str, points: Sequence[Point], place: int) -> Dataset:
    """Words beside the drawing's right-most point, the second ones under the first."""
    right = max(points, key=lambda point: point[0])
    item = Dataset()
    item.UnformattedTextValue = words.replace("\n", "\r\n")[:_LONGEST_TEXT]
    item.AnchorPointAnnotationUnits = "PIXEL"
    item.AnchorPoint = [float(value) for value in dicom_points([(right[0], right[1] + 14 * place)])[0]]
    item.AnchorPointVisibility = "N"
    return item


def _graphics(drawing: Annotation) -> Iterable[Dataset]:
    points = drawing.points
    if drawing.kind in _PAIRS:
        for at in range(0, len(points), 2):
            yield _graphic(drawing, "POLYLINE", points[at : at + 2])
    elif drawing.kind is AnnotationKind.ELLIPSE:
        yield _graphic(drawing, "ELLIPSE", ellipse_axes(points), closed=True)
    elif drawing.kind in (AnnotationKind.POINT, AnnotationKind.COUNT):
        for point in points:
            yield _graphic(drawing, "POINT", (point,))
    elif drawing.kind in _CLOSED:
        corners = outline(drawing.kind, points)
        yield _graphic(drawing, "POLYLINE", (*corners, corners[0]), closed=True)
    else:
        yield _graphic(drawing, "POLYLINE", points)


def _graphic(drawing: Annotation, kind: str, points: Sequence[Point], *, closed: bool = False) -> Dataset:
    item = Dataset()
    item.GraphicAnnotationUnits = "PIXEL"
    item.GraphicDimensions = 2
    item.NumberOfGraphicPoints = len(points)
    item.GraphicData = [float(value) for value in dicom_points(points).ravel()]
    item.GraphicType = kind
    if closed:
        item.GraphicFilled = "N"
    item.TrackingID = tracking_name(drawing)
    item.TrackingUID = tracking_uid(drawing.id)
    return item


def _modality_lut(state: Dataset, one: DrawnPicture) -> None:
    picture = one.picture
    if picture.modality_lut is not None:
        table = _table(picture.modality_lut, picture.modality_lut_first, 1.0)
        table.ModalityLUTType = one.source.rescale_type or "US"
        state.ModalityLUTSequence = DicomSequence([table])
    else:
        state.RescaleIntercept, state.RescaleSlope = _decimals((picture.intercept, picture.slope))
        state.RescaleType = one.source.rescale_type or "US"


def _voi(one: DrawnPicture) -> Dataset:
    item = Dataset()
    item.ReferencedImageSequence = DicomSequence([_reference(one)])
    picture, window = one.picture, one.shown.window
    if window is None and picture.voi_lut is not None:
        item.VOILUTSequence = DicomSequence([_table(picture.voi_lut, picture.voi_lut_first, 65535.0)])
        return item
    window = window or _whole_range(picture)
    if window.function == "LINEAR_EXACT":  # as every program knows it (PS3.3 C.11.2.1.2.1)
        window = VoiWindow(window.center + 0.5, window.width + 1.0)
    item.WindowCenter, item.WindowWidth = _decimals((window.center, window.width))
    if window.function == "SIGMOID":
        item.VOILUTFunction = "SIGMOID"
    return item


def _whole_range(picture: Picture) -> VoiWindow:
    top = float(1 << picture.bits)
    return VoiWindow(picture.intercept + picture.slope * top / 2, max(abs(picture.slope) * top, 1.0))


def _table(values: Array, first: int, factor: float) -> Dataset:
    """A look-up table of 16 bits. factor: what its entries are multiplied by."""
    entries = np.clip(np.rint(np.asarray(values, dtype=np.float64) * factor), 0, 65535).astype("<u2")
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65536, first, 16])
    item.add_new("LUTData", "OW", entries.tobytes())
    return item


def _decimals(values: Iterable[float]) -> list[DSfloat]:
    return [DSfloat(value, auto_format=True) for value in values]


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


__all__ = ["COLOUR", "GRAYSCALE", "Shown", "render", "zone"]
