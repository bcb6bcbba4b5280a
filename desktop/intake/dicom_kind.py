"""What a DICOM file holds, by its SOP class (PS3.4 B.5), else by what is in it."""

from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import DicomFile
from desktop.intake.inspection import ContentKind

BASIC_DIRECTORY = "1.2.840.10008.1.3.10"
STORAGE = "1.2.840.10008.5.1.4.1.1."

_VOLUMES = frozenset(
    STORAGE + end
    for end in (
        "2.1",  # Enhanced CT
        "2.2",  # Legacy Converted Enhanced CT
        "4.1",  # Enhanced MR
        "4.3",  # Enhanced MR Color
        "4.4",  # Legacy Converted Enhanced MR
        "6.2",  # Enhanced US Volume
        "13.1.1",  # X-Ray 3D Angiographic
        "13.1.2",  # X-Ray 3D Craniofacial
        "13.1.3",  # Breast Tomosynthesis
        "20",  # Nuclear Medicine, where it was reconstructed
        "30",  # Parametric Map
        "128.1",  # Legacy Converted Enhanced PET
        "130",  # Enhanced PET
        "77.1.5.4",  # Ophthalmic Tomography
    )
)
"""Slices of one body in one file. A single frame of these is an image."""

_RECONSTRUCTED = ("RECON TOMO", "RECON GATED TOMO")

_CLASSES = {
    "66.4": ContentKind.SEGMENTATION,
    "66.5": ContentKind.SEGMENTATION,  # of surfaces
    "66.7": ContentKind.SEGMENTATION,  # label maps
    "481.3": ContentKind.SEGMENTATION,  # RT structure sets: contours
    "481.2": ContentKind.DOSE,
    "481.5": ContentKind.PLAN,
    "481.8": ContentKind.PLAN,  # of ions
    "481.10": ContentKind.PLAN,  # second generation: physician intent and radiation sets
    "481.12": ContentKind.PLAN,
}
_NO_IMAGES = ("4.2", "66", "66.1", "66.2", "66.3", "66.6", "67", "77.1.5.3", "77.1.5.5")
"""Spectroscopy, raw data, registrations, fiducials, tracks, real-world values, eye measurements."""

_IMAGES = ("1", "2", "3", "4", "5", "6", "7", "12", "13", "14", "20", "30", "77", "128", "130")
"""First numbers of the classes whose objects are pictures."""

_FAMILIES = (
    ("9.", ContentKind.WAVEFORM),
    ("11.", ContentKind.PRESENTATION),
    ("88.", ContentKind.REPORT),
    ("104.", ContentKind.DOCUMENT),
)
_MODALITIES = {
    "SR": ContentKind.REPORT,
    "KO": ContentKind.REPORT,
    "PR": ContentKind.PRESENTATION,
    "SEG": ContentKind.SEGMENTATION,
    "RTSTRUCT": ContentKind.SEGMENTATION,
    "RTDOSE": ContentKind.DOSE,
    "RTPLAN": ContentKind.PLAN,
    "DOC": ContentKind.DOCUMENT,
    "ECG": ContentKind.WAVEFORM,
    "HD": ContentKind.WAVEFORM,
    "EPS": ContentKind.WAVEFORM,
}


def kind_of(file: DicomFile, fields: Fields, frames: int) -> ContentKind:
    """The kind of a parsed file. frames: how many its header claims."""
    sop_class = sop_class_of(fields)
    if "DirectoryRecordSequence" in fields.dataset or sop_class == BASIC_DIRECTORY:
        return ContentKind.DIRECTORY
    if sop_class.startswith(STORAGE):
        end = sop_class.removeprefix(STORAGE)
        if end in _CLASSES:
            return _CLASSES[end]
        for family, kind in _FAMILIES:
            if end.startswith(family):
                return kind
        if sop_class in _VOLUMES and frames > 1 and _is_volume(end, fields):
            return ContentKind.VOLUME
        if end in _NO_IMAGES:
            return ContentKind.OTHER
        if end.split(".")[0] in _IMAGES or end == "481.1":  # RT images
            return ContentKind.IMAGE
    elif "WaveformSequence" in fields.dataset:
        return ContentKind.WAVEFORM
    elif (word := fields.text("Modality").upper()) in _MODALITIES:
        return _MODALITIES[word]
    return ContentKind.IMAGE if file.pixels is not None or "Rows" in fields.dataset else ContentKind.OTHER


def sop_class_of(fields: Fields) -> str:
    """The SOP class the data set names, else the file's own header."""
    file_meta = getattr(fields.dataset, "file_meta", None)
    return fields.text("SOPClassUID") or (Fields(file_meta).text("MediaStorageSOPClassUID") if file_meta else "")


def _is_volume(end: str, fields: Fields) -> bool:
    """A nuclear medicine file is one only where its frames are slices, not views or times."""
    if end != "20":
        return True
    words = [str(word).upper() for word in fields.values("ImageType")]
    return any(word in _RECONSTRUCTED for word in words)
