"""Imaging studies as the clinic keeps them."""

from dataclasses import dataclass
from datetime import date, datetime

from desktop.records.ids import AttachmentId, InstanceId, PatientId, StudyId
from desktop.records.picture import Modality


@dataclass(frozen=True)
class Attachment:
    """A sealed file. patient: empty while it came from the network and nobody has said whose it is. sha256: hex digest
    of the plain bytes. size: plain bytes. media_type: as recognised."""

    id: AttachmentId
    patient: PatientId
    sha256: str
    size: int
    media_type: str
    file_name: str
    added: datetime


@dataclass(frozen=True)
class Instance:
    """One picture or trace of a study. rows, columns: pixels; of a trace, its leads and the samples of each. made_from:
    the photograph this film was cut out of and laid flat; the photograph stays beside it."""

    id: InstanceId
    study: StudyId
    attachment: AttachmentId
    instance_uid: str
    rows: int
    columns: int
    body_part: str = ""
    view_position: str = ""
    laterality: str = ""
    made_from: InstanceId | None = None


@dataclass(frozen=True)
class ImagingStudy:
    """A study: what was taken at one visit. mismatch_reason: why a name that did not fit was accepted."""

    id: StudyId
    patient: PatientId
    study_uid: str
    modality: Modality
    started: date | None
    description: str
    added: datetime
    instances: tuple[Instance, ...] = ()
    mismatch_reason: str = ""

    @property
    def main(self) -> Instance:
        """The picture a report shows: the newest film that was cut out of a photograph, else the first picture."""
        return next((one for one in reversed(self.instances) if one.made_from is not None), self.instances[0])


@dataclass(frozen=True)
class StudySummary:
    """One row of a list: the study and how far its reading is."""

    study: ImagingStudy
    patient_name: str
    has_impression: bool
    has_suggestion: bool
    signed: bool
