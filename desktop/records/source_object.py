"""Which DICOM object a stored picture is, and the study it belongs to: what a file about it has to repeat."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceObject:
    """Values as the file has them, text decoded; empty where the file says nothing.

    patient_name: PN component groups joined by `=`. birth_date, study_date: DA. study_time: TM. frames: of the object,
    1 or more. rescale_type: of the values after slope and intercept, such as HU.
    """

    class_uid: str
    instance_uid: str
    series_uid: str
    study_uid: str
    rows: int
    columns: int
    frames: int = 1
    patient_name: str = ""
    patient_number: str = ""
    birth_date: str = ""
    sex: str = ""
    study_date: str = ""
    study_time: str = ""
    study_id: str = ""
    study_description: str = ""
    accession: str = ""
    referring: str = ""
    modality: str = ""
    laterality: str = ""
    rescale_type: str = ""

    def __post_init__(self) -> None:
        if not (self.class_uid and self.instance_uid and self.series_uid and self.study_uid):
            raise ValueError("an object is known by its class, its own number, its series and its study")
        if self.rows < 1 or self.columns < 1 or self.frames < 1:
            raise ValueError("a picture has rows, columns and a frame")
