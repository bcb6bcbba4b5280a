"""Small DICOM files made to order, so that each test says only what matters to it."""

import io

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
SC_STORAGE = "1.2.840.10008.5.1.4.1.1.7"
CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


def gradient(rows: int = 24, columns: int = 32, top: int = 4095) -> npt.NDArray[np.uint16]:
    """Every value different from its neighbours, from 0 to `top`."""
    return np.linspace(0, top, rows * columns).round().astype(np.uint16).reshape(rows, columns)


def film(pixels: npt.NDArray[np.generic] | None = None, **elements: object) -> Dataset:
    """A computed radiograph of these pixels (12 bits unless told), with elements set or, where None, removed."""
    stored = gradient() if pixels is None else pixels
    dataset = Dataset()
    dataset.SOPClassUID = CR_STORAGE
    dataset.SOPInstanceUID = "1.2.3.4.5"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.Modality = "CR"
    dataset.PatientName = "Wang^Xiaoming"
    dataset.PatientID = "P-1"
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.SamplesPerPixel = 3 if stored.ndim == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if stored.ndim == 3 else "MONOCHROME2"
    if stored.ndim == 3:
        dataset.PlanarConfiguration = 0
    allocated = 8 * stored.dtype.itemsize
    dataset.BitsAllocated = allocated
    dataset.BitsStored = 12 if allocated == 16 else allocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 1 if stored.dtype.kind == "i" else 0
    for keyword, value in elements.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    if "BitsStored" in elements and "HighBit" not in elements:
        dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OB" if allocated == 8 else "OW"
    return dataset


def file_bytes(dataset: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """The data set as a complete DICOM file."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CR_STORAGE)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3.4.5")
    dataset.file_meta = meta
    buffer = io.BytesIO()
    dcmwrite(
        buffer,
        dataset,
        enforce_file_format=True,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
    )
    return buffer.getvalue()


def film_bytes(pixels: npt.NDArray[np.generic] | None = None, **elements: object) -> bytes:
    """`film` as a file."""
    return file_bytes(film(pixels, **elements))
