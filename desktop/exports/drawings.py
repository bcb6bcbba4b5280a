"""What is handed to whoever writes drawings into DICOM files, and what these files have in common.

A drawing's place: ours has pixel centres at integers; DICOM counts from the outer corner of the first pixel (PS3.3
C.10.5.1.2, C.18.6.1.1), half a pixel further. Numbers are float32 there.
"""

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from desktop import __version__
from desktop.imaging.geometry import Orientation, Point
from desktop.imaging.measured import Measured
from desktop.records import Annotation, AnnotationId, AnnotationKind, Picture, VoiWindow
from desktop.records.source_object import SourceObject

MAKER = "Lantern"
TRACKING = "Lantern:"
"""What the names of our drawings begin with; a kind follows, and `+label` where a label is among the words."""

RECTANGLE = "rectangle"
_TOP_LEFT = 0.5
_MOST_EXPLICIT = 8_000


@dataclass(frozen=True)
class Shown:
    """How a picture is shown. window: None for the file's own VOI table, where it has one."""

    window: VoiWindow | None
    inverted: bool = False
    orientation: Orientation = field(default_factory=Orientation)


@dataclass(frozen=True, eq=False)
class DrawnPicture:
    """A picture, what is drawn on it, what that measures, how it is shown, and which of its frames are key images."""

    source: SourceObject
    picture: Picture
    shown: Shown
    drawings: tuple[Annotation, ...] = ()
    measured: Mapping[AnnotationId, tuple[Measured, ...]] = field(default_factory=dict)
    key_frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class Observer:
    """Who answers for the drawings. signed: when the report was signed, None while it is not. doctor: is it one."""

    name: str
    organisation: str
    doctor: bool
    signed: datetime | None = None

    @property
    def person_name(self) -> str:
        """The name as a PN value; one of a single part ends with a caret, which says that it is meant so."""
        plain = self.name.replace("\\", " ").replace("=", " ").replace("^", " ").strip()[:62]
        return f"{plain}^"


@dataclass(frozen=True, eq=False)
class DrawingsBundle:
    """Pictures of one study, at least one. made: when the files are written."""

    pictures: tuple[DrawnPicture, ...]
    observer: Observer
    made: datetime

    @property
    def drawn(self) -> tuple[DrawnPicture, ...]:
        """Pictures with something drawn on them."""
        return tuple(one for one in self.pictures if one.drawings)

    @property
    def key_pictures(self) -> tuple[DrawnPicture, ...]:
        """Pictures marked as key images."""
        return tuple(one for one in self.pictures if one.key_frames)


def new_uid() -> str:
    """A UID nobody else has (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def tracking_uid(drawing: AnnotationId) -> str:
    """The UID of a drawing: of its own id, so that every export says the same."""
    return f"2.25.{uuid.UUID(drawing).int}"


def tracking_name(drawing: Annotation) -> str:
    """What kind of drawing it is, for whoever reads the file back."""
    box = drawing.kind is AnnotationKind.REGION and len(drawing.points) == 2
    return f"{TRACKING}{RECTANGLE if box else drawing.kind.value}{'+label' if drawing.label else ''}"


def dicom_points(points: Sequence[Point]) -> npt.NDArray[np.float32]:
    """(n, 2) float32, column and row from the outer corner of the first pixel."""
    return (np.asarray(points, dtype=np.float64) + _TOP_LEFT).astype(np.float32)


def ellipse_axes(points: Sequence[Point]) -> tuple[Point, ...]:
    """The ends of the major, then of the minor axis of the ellipse between two corners (PS3.3 C.10.5.1.2)."""
    (x0, y0), (x1, y1) = points[0], points[1]
    across = ((x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2))
    down = (((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1))
    return (*across, *down) if abs(x1 - x0) >= abs(y1 - y0) else (*down, *across)


def source_dataset(source: SourceObject) -> Dataset:
    """The patient, the study and the object, as a data set of its own in UTF-8."""
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    found.SOPClassUID, found.SOPInstanceUID = source.class_uid, source.instance_uid
    found.StudyInstanceUID, found.SeriesInstanceUID = source.study_uid, source.series_uid
    found.StudyDate, found.StudyTime = source.study_date, source.study_time
    found.StudyID, found.AccessionNumber = source.study_id[:16], source.accession[:16]
    found.ReferringPhysicianName = source.referring
    if source.study_description:
        found.StudyDescription = source.study_description[:64]
    found.Modality = source.modality or "OT"
    found.PatientName, found.PatientID = source.patient_name, source.patient_number[:64]
    found.PatientBirthDate, found.PatientSex = source.birth_date, source.sex
    found.Rows, found.Columns = source.rows, source.columns
    if source.frames > 1:
        found.NumberOfFrames = source.frames
    return found


def equip(dataset: Dataset, observer: Observer) -> None:
    """Who made the file (PS3.3 C.7.5.1)."""
    dataset.Manufacturer = MAKER
    dataset.ManufacturerModelName = MAKER
    dataset.SoftwareVersions = __version__
    dataset.DeviceSerialNumber = "none"
    if observer.organisation:
        dataset.InstitutionName = observer.organisation[:64]


def written(dataset: Dataset, bundle: DrawingsBundle) -> bytes:
    """The data set as the bytes of a DICOM file.

    Explicit little endian; implicit where a line has more points than 64 KiB of an explicit element hold (PS3.5 7.1.2).
    """
    longest = max((len(drawing.points) for one in bundle.drawn for drawing in one.drawings), default=0)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if longest > _MOST_EXPLICIT else ExplicitVRLittleEndian
    with io.BytesIO() as stream:
        dataset.save_as(stream, enforce_file_format=True)
        return stream.getvalue()
