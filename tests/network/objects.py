"""DICOM objects of nobody who exists, made for these tests."""

import io

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

CT = "1.2.840.10008.5.1.4.1.1.2"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"

_PIXELS = (
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PixelData",
)


def dataset(
    *,
    name: str = "Zhang^Wei=张^伟",
    number: str = "",
    birth_date: str = "19800102",
    sex: str = "M",
    sop_class: str = CT,
    study: str = "",
    side: int = 16,
    seed: int = 1,
) -> Dataset:
    """A small picture that says it is of this person."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID = sop_class
    made.SOPInstanceUID = generate_uid()
    made.StudyInstanceUID = study or generate_uid()
    made.SeriesInstanceUID = generate_uid()
    made.PatientName = name
    made.PatientID = number
    made.PatientBirthDate = birth_date
    made.PatientSex = sex
    made.StudyDate = "20261121"
    made.StudyTime = "101500"
    made.AccessionNumber = ""
    made.StudyID = "1"
    made.SeriesNumber = 1
    made.InstanceNumber = 1
    made.Modality = "CT" if sop_class == CT else "DX"
    made.Rows = made.Columns = side
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit = 15
    made.PixelRepresentation = 0
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.PixelData = np.random.default_rng(seed).integers(0, 4096, (side, side), np.uint16).tobytes()
    return made


def trace(**facts: str) -> Dataset:
    """A 12-lead electrocardiogram of two leads, half a second, of the same person."""
    made = dataset(sop_class=ECG, **facts)  # type: ignore[arg-type]  # texts only
    for keyword in _PIXELS:
        del made[keyword]
    made.Modality = "OT"
    group = Dataset()
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = 2, 250
    group.SamplingFrequency = "500"
    group.WaveformOriginality = "ORIGINAL"
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = np.arange(500, dtype="<i2").tobytes()
    group.ChannelDefinitionSequence = []
    for code, meaning in (("5.6.3-9-1", "Lead I"), ("5.6.3-9-2", "Lead II")):
        channel, source, unit = Dataset(), Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = code, "SCPECG", meaning
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
        channel.ChannelSourceSequence, channel.ChannelSensitivityUnitsSequence = [source], [unit]
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = "1", "1"
        channel.ChannelBaseline, channel.WaveformBitsStored = "0", 16
        group.ChannelDefinitionSequence.append(channel)
    made.WaveformSequence = [group]
    return made


def note(**facts: str) -> Dataset:
    """A report without any picture, of the same person."""
    made = dataset(sop_class="1.2.840.10008.5.1.4.1.1.88.11", **facts)  # type: ignore[arg-type]  # texts only
    for keyword in _PIXELS:
        del made[keyword]
    made.Modality = "SR"
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    return made


def raw(**facts: str) -> Dataset:
    """A device's own data of the same person: no picture, and nothing anybody reads."""
    made = note(**facts)
    made.SOPClassUID, made.Modality = "1.2.840.10008.5.1.4.1.1.66", "OT"
    return made


def written(**facts: str) -> Dataset:
    """A report in words about the same person."""
    made = note(**facts)
    made.ConceptNameCodeSequence = [_coded("18782-3", "LN", "Radiology Study observation (narrative)")]
    made.ContentDate, made.ContentTime = "20261120", "091500"
    made.Manufacturer = "MAKER"
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "VERIFIED"
    verifier = Dataset()
    verifier.VerifyingObserverName, verifier.VerifyingOrganization = "Sun^Li", "County"
    verifier.VerificationDateTime = "20261120093000"
    made.VerifyingObserverSequence = [verifier]
    author = Dataset()
    author.PersonName = "Zhao^Min=赵^敏"
    made.AuthorObserverSequence = [author]
    words, size, section = Dataset(), Dataset(), Dataset()
    words.RelationshipType, words.ValueType = "CONTAINS", "TEXT"
    words.ConceptNameCodeSequence = [_coded("121070", "DCM", "Findings")]
    words.TextValue = "右下叶斑片影。\r\nHeart not enlarged."
    size.RelationshipType, size.ValueType = "CONTAINS", "NUM"
    size.ConceptNameCodeSequence = [_coded("81827009", "SCT", "Diameter")]
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "23.5", [_coded("mm", "UCUM", "millimeter")]
    size.MeasuredValueSequence = [measured]
    section.RelationshipType, section.ValueType, section.ContinuityOfContent = "CONTAINS", "CONTAINER", "SEPARATE"
    section.ConceptNameCodeSequence = [_coded("121076", "DCM", "Conclusions")]
    section.ContentSequence = [size]
    made.ContentSequence = [words, section]
    return made


def _coded(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def file_bytes(made: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """The object as a file."""
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def data_set_bytes(data: bytes) -> bytes:
    """What of a file goes over the network: everything behind group 2."""
    length = int.from_bytes(data[140:144], "little")
    return data[144 + length :]


__all__ = [
    "CT",
    "DX",
    "ECG",
    "ImplicitVRLittleEndian",
    "data_set_bytes",
    "dataset",
    "file_bytes",
    "note",
    "raw",
    "trace",
    "written",
]
