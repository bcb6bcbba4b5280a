"""A film with every kind of drawing on it, made to order."""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from io import BytesIO

from desktop.exports.drawings import DrawingsBundle, DrawnPicture, Observer, Shown
from desktop.imaging.geometry import Orientation
from desktop.imaging.measure import manual_scale
from desktop.imaging.measured import measured
from desktop.intake.dicom import decode
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import open_dicom
from desktop.intake.source_object import source_object
from desktop.records import Annotation, AnnotationId, AnnotationKind, InstanceId, UserId, VoiWindow, new_id
from tests.intake.dicom_files import file_bytes, film, gradient

NOW = datetime(2026, 11, 20, 9, 30, 15, 250000, tzinfo=UTC)
KINDS = AnnotationKind
SHAPES = {
    KINDS.REGION: ((10.0, 20.0), (50.0, 20.25), (40.5, 47.3), (12.0, 33.0)),
    KINDS.LENGTH: ((1.25, 2.5), (60.75, 43.1)),
    KINDS.ANGLE: ((10.0, 10.0), (30.1, 40.0), (50.0, 10.0)),
    KINDS.COBB: ((1.0, 1.0), (50.0, 9.0), (3.0, 40.0), (50.0, 44.0)),
    KINDS.BIDIRECTIONAL: ((10.0, 10.0), (10.0, 20.0), (0.0, 20.0), (55.0, 21.0)),
    KINDS.CARDIOTHORACIC: ((20.0, 20.0), (40.0, 20.0), (5.0, 30.0), (58.0, 30.0), (30.0, 1.0), (31.0, 45.0)),
    KINDS.ELLIPSE: ((50.0, 40.0), (10.0, 12.5)),
    KINDS.FREEHAND: ((10.0, 10.0), (50.0, 10.5), (30.0, 39.0), (12.7, 22.1)),
    KINDS.POINT: ((33.0, 4.0),),
    KINDS.CALIBRATION: ((10.0, 30.0), (50.0, 30.0)),
    KINDS.COUNT: ((3.0, 4.0), (5.0, 6.0), (7.5, 8.25)),
    KINDS.GRID_DISC: ((30.0, 20.0), (10.0, 20.0), (14.0, 20.0)),
}
LABELS = {KINDS.REGION: "右下肺 shadow\nsecond line", KINDS.CALIBRATION: "25", KINDS.COUNT: "neutrophil"}


def drawing(
    kind: AnnotationKind, points: tuple[tuple[float, float], ...], label: str = "", frame: int = 1
) -> Annotation:
    return Annotation(AnnotationId(new_id()), InstanceId(new_id()), kind, points, label, UserId("u"), NOW, frame=frame)


def single(points: tuple[tuple[float, float], ...]) -> list[bytes]:
    """Points as a file holds them: single floats, from the outer corner of the first pixel."""
    return [struct.pack("<2f", x + 0.5, y + 0.5) for x, y in points]


def every_kind() -> tuple[Annotation, ...]:
    """One of each kind, and a rectangle that was drawn from its lower right corner."""
    each = [drawing(kind, points, LABELS.get(kind, "")) for kind, points in SHAPES.items()]
    return (*each, drawing(KINDS.REGION, ((50.0, 40.0), (20.0, 10.0))))


@dataclass(frozen=True)
class Film:
    """What to make. elements: of the file, beside those of `film`."""

    rows: int = 48
    columns: int = 64
    elements: dict[str, object] = field(default_factory=dict)

    def bytes(self) -> bytes:
        return file_bytes(film(gradient(self.rows, self.columns), **self.elements))


@cache
def film_bytes() -> bytes:
    """A radiograph with everything a complete object has, 0.2 mm at the detector."""
    return Film(
        elements={
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
            "StudyDate": "20261119",
            "StudyTime": "101112",
            "StudyID": "S1",
            "AccessionNumber": "A1",
            "ReferringPhysicianName": "Zhao^Yisheng",
            "PatientBirthDate": "20220101",
            "PatientSex": "F",
            "PatientName": "Wang^Xiaoming=王^小明",
            "SpecificCharacterSet": "ISO_IR 192",
            "ImagerPixelSpacing": [0.2, 0.2],
            "RescaleSlope": 1,
            "RescaleIntercept": 0,
            "WindowCenter": 2048,
            "WindowWidth": 4096,
        }
    ).bytes()


def bundle(
    drawings: tuple[Annotation, ...],
    shown: Shown | None = None,
    data: bytes | None = None,
    signed: bool = True,
    key_frames: tuple[int, ...] = (1,),
) -> DrawingsBundle:
    """What an exporter is handed about a film."""
    content = data or film_bytes()
    picture = decode(content)
    source = source_object(Fields(open_dicom(BytesIO(content)).dataset), 1)
    # The calibration is measured with, as the other drawings are: it goes before the file's own scale.
    manual = manual_scale(picture, drawings)
    numbers = {one.id: measured(picture, one.kind, one.points, manual, one.millimetres) for one in drawings}
    lies = shown or Shown(VoiWindow(2000.0, 3000.0), orientation=Orientation())
    observer = Observer("王医生", "清河村卫生室", doctor=True, signed=NOW if signed else None)
    return DrawingsBundle((DrawnPicture(source, picture, lies, drawings, numbers, key_frames),), observer, NOW)
