"""The header at a glance says what the full parser says, of every file, and gives up where it is not sure."""

import io
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import open_dicom
from desktop.intake.dicom_header import file_header
from desktop.intake.dicom_scan import ScannedHeader, scan, scan_file
from desktop.intake.signatures import is_dicom
from desktop.records import Modality
from tests.intake.conformance import read_manifest
from tests.intake.dicom_files import file_bytes, film, film_bytes

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
TEXTS = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SOPClassUID",
    "Modality",
    "PatientID",
    "SeriesDescription",
    "SeriesNumber",
    "InstanceNumber",
)


def scanned(data: bytes) -> ScannedHeader:
    """The header in a file's bytes."""
    return scan(io.BytesIO(data))


def agrees(data: bytes) -> bool:
    """Compares with the full parser; False where that reads nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            full = Fields(open_dicom(io.BytesIO(data)).dataset)
        except Exception:  # whatever the parser raises for this file
            return False
        if not len(full.dataset) or not is_dicom(data[:4096]):
            return False
        quick = scanned(data).fields()
        assert [quick.text(name) for name in TEXTS] == [full.text(name) for name in TEXTS]
        for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            assert quick.numbers(name) == full.numbers(name)
        for name in ("Rows", "Columns", "NumberOfFrames"):
            assert quick.integer(name) == full.integer(name)
        assert quick.name_groups("PatientName") == full.name_groups("PatientName")
        mine, theirs = (file_header(fields, Modality.OT, "") for fields in (quick, full))
        assert (mine.birth_date, mine.sex, mine.study_date) == (theirs.birth_date, theirs.sex, theirs.study_date)
    return True


def test_every_file_that_pydicom_ships() -> None:
    paths = [path for path in PYDICOM_FILES.rglob("*") if path.is_file() and path.stat().st_size < 1_000_000]
    assert sum(agrees(path.read_bytes()) for path in paths) > 60


@pytest.mark.data
def test_every_file_of_the_conformance_folder(shared_data: Path) -> None:
    assert sum(agrees(row.path.read_bytes()) for row in read_manifest(shared_data)) > 220


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_encoding(syntax: pydicom.uid.UID, tmp_path: Path) -> None:
    inner = Dataset()
    inner.StudyDescription = "inside"
    dataset = film(
        SpecificCharacterSet="ISO_IR 192", PatientName="Wang^XiaoMing=王^小明", ReferencedStudySequence=[inner]
    )
    dataset["ReferencedStudySequence"].is_undefined_length = True
    dataset["ReferencedStudySequence"].value[0].is_undefined_length_sequence_item = True
    path = tmp_path / "film.dcm"
    path.write_bytes(file_bytes(dataset, syntax))
    found = scan_file(path)
    assert (found.study_uid, found.series_uid, found.instance_uid) == ("1.2.3", "1.2.3.4", "1.2.3.4.5")
    assert (found.modality, found.number(0x00280010), found.text(0x00020010)) == ("CR", 24, syntax)
    fields = found.fields()
    assert fields.name_groups("PatientName") == ("Wang^XiaoMing", "王^小明")
    assert fields.text("StudyDescription") == ""


def test_a_header_longer_than_the_first_read() -> None:
    dataset = film(ImageComments="y" * 9000, AdditionalPatientHistory="z" * 20_000)
    assert scanned(file_bytes(dataset)).number(0x00280011) == 32


@pytest.mark.parametrize("data", [b"", b"no picture at all", bytes(200)])
def test_what_is_no_dicom_file_is_refused(data: bytes) -> None:
    with pytest.raises(UserFacingError):
        scanned(data)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    changes=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), min_size=1, max_size=8),
    end=st.integers(100, 2000),
)
def test_spoilt_headers_are_scanned_or_refused(changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(film_bytes())
    for place, value in changes:
        data[place] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = scanned(bytes(data[:end]))
        except UserFacingError:
            return
        assert all(isinstance(group, str) for group in found.fields().name_groups("PatientName"))
