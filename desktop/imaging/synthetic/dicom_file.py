"""A synthetic film as a DICOM file, with everything in it that says nobody was X-rayed."""

import io
import uuid
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from desktop.imaging.synthetic.anatomy import Opacity
from desktop.imaging.synthetic.film import BITS, draw_film
from desktop.imaging.synthetic.marks import COMMENT, MAKER
from desktop.records import Patient, Sex

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
_SEXES = {Sex.MALE: "M", Sex.FEMALE: "F", Sex.OTHER: "O"}
_PIXEL_MM = 0.2
_VERSION = "1"


def demo_film(seed: int, patient: Patient, opacity: Opacity | None, taken: date) -> bytes:
    """A film nobody had taken, as the bytes of a DICOM file (CR, MONOCHROME2, 12 bits, Explicit VR Little Endian).

    The same arguments give the same bytes. The patient's name is written as its own alphabetic and ideographic groups.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.filewriter import dcmwrite
    from pydicom.uid import ExplicitVRLittleEndian

    pixels = draw_film(seed, opacity)
    dataset = Dataset()
    _describe_patient(dataset, patient, taken)
    _describe_study(dataset, seed, patient, opacity, taken)
    _describe_pixels(dataset, pixels)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def person_name(patient: Patient) -> str:
    """The patient's names as a PN value `family^given=汉字^…` (PS3.5 6.2.1)."""
    latin = ideographic = ""
    for name in patient.names:
        family, given = name.family or name.text, " ".join(name.given)
        text = f"{family}^{given}" if given else family
        if any("\u3400" <= character <= "\u9fff" for character in text):
            ideographic = ideographic or text
        else:
            latin = latin or text
    return f"{latin}={ideographic}" if ideographic else latin


def _describe_patient(dataset: "Dataset", patient: Patient, taken: date) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = person_name(patient)
    dataset.PatientID = patient.card_number or (patient.identifiers[0].value if patient.identifiers else "SYNTHETIC")
    dataset.PatientSex = _SEXES.get(patient.sex, "")
    dataset.PatientBirthDate = ""
    dataset.PatientComments = COMMENT
    born = patient.birth_date
    if born is None:
        return
    if born.day is not None:
        dataset.PatientBirthDate = born.earliest.strftime("%Y%m%d")
    age = born.age_on(taken)
    if age is not None:
        dataset.PatientAge = f"{age.months:03d}M" if age.months < 24 else f"{age.months // 12:03d}Y"


def _describe_study(dataset: "Dataset", seed: int, patient: Patient, opacity: Opacity | None, taken: date) -> None:
    def uid(what: str) -> str:
        # A UUID under 2.25 (PS3.5 B.2): no organisation's root is borrowed, and the same film keeps its UIDs.
        made_of = "/".join((MAKER, _VERSION, what, str(seed), patient.id, str(opacity), taken.isoformat()))
        return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, made_of).int}"

    day = taken.strftime("%Y%m%d")
    dataset.SOPClassUID = _CR_STORAGE
    dataset.SOPInstanceUID = uid("instance")
    dataset.StudyInstanceUID = uid("study")
    dataset.SeriesInstanceUID = uid("series")
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.Modality = "CR"
    dataset.Manufacturer = MAKER
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.ContentTime = "090000"
    dataset.StudyID = str(seed)
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "Chest (synthetic)"
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "AP"
    dataset.Laterality = ""
    dataset.ContentQualification = "RESEARCH"
    dataset.ImageComments = COMMENT
    dataset.BurnedInAnnotation = "YES"


def _describe_pixels(dataset: "Dataset", pixels: npt.NDArray[np.uint16]) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = BITS
    dataset.HighBit = BITS - 1
    dataset.PixelRepresentation = 0
    dataset.ImagerPixelSpacing = [_PIXEL_MM, _PIXEL_MM]
    dataset.WindowCenter = 1 << (BITS - 1)
    dataset.WindowWidth = 1 << BITS
    dataset.PixelData = pixels.astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
