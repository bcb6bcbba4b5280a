"""Reports in words, our own and those other people's programs wrote."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from desktop.errors import UserFacingError
from desktop.intake import report_text
from desktop.intake.marks import MarksFile
from desktop.intake.notes import read_note
from desktop.intake.report_text import WrittenPages, read_written
from desktop.records.written_report import WrittenReport
from tests.network.objects import dataset, file_bytes, note, written


def report(data: bytes) -> WrittenReport:
    found = read_note(data)
    assert isinstance(found, WrittenReport)
    return found


def of_pydicom(name: str) -> bytes:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    return Path(path).read_bytes()


def test_everything_is_there_as_it_stands() -> None:
    found = report(file_bytes(written()))
    assert (found.title, found.authors) == ("Radiology Study observation (narrative)", ("Zhao Min 赵 敏",))
    assert found.made is not None
    assert found.made.strftime("%Y-%m-%d %H:%M") == "2026-11-20 09:15"
    assert (found.source, found.complete) == ("MAKER", True)
    ((verifier),) = found.verified
    assert verifier.name == "Sun Li"
    assert verifier.at is not None
    assert [(line.depth, line.name, line.value) for line in found.lines] == [
        (0, "Findings", "右下叶斑片影。\nHeart not enlarged."),
        (0, "Conclusions", ""),
        (1, "Diameter", "23.5 millimeter"),
    ]


def test_a_report_of_another_program() -> None:
    found = report(of_pydicom("reportsi.dcm"))
    assert (found.title, found.source, found.complete, found.verified) == (
        "Document Title",
        "Kuratorium OFFIS e.V.",
        False,
        (),
    )
    assert found.made is not None
    assert found.made.astimezone(UTC).date() in {datetime(2005, 5, day, tzinfo=UTC).date() for day in (30, 31)}
    assert (1, "Report Text", "Enter text") in [(line.depth, line.name, line.value) for line in found.lines]
    assert [line.object_uid for line in found.lines if line.name == "Image Reference"] == ["0", "0"]


def test_who_verified_counts_only_where_the_report_says_that_it_is_verified() -> None:
    made = written()
    made.VerificationFlag = "UNVERIFIED"
    assert report(file_bytes(made)).verified == ()


def test_places_in_the_patient_can_still_be_read() -> None:
    made = written()
    place = Dataset()
    place.RelationshipType, place.ValueType, place.GraphicType = "CONTAINS", "SCOORD3D", "POINT"
    place.GraphicData = [1.0, 2.0, 3.0]
    made.ContentSequence.append(place)
    assert report(file_bytes(made)).lines[-1].value == "SCOORD3D"


def test_a_number_that_could_not_be_had_says_why() -> None:
    made = written()
    (size,) = made.ContentSequence[1].ContentSequence
    size.MeasuredValueSequence = []
    why = Dataset()
    why.CodeValue, why.CodingSchemeDesignator, why.CodeMeaning = "114007", "DCM", "Measurement not attempted"
    size.NumericValueQualifierCodeSequence = [why]
    assert report(file_bytes(made)).lines[-1].value == "Measurement not attempted"


def test_an_empty_report_and_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert report(file_bytes(note())).lines == ()
    monkeypatch.setattr(report_text, "_MOST_LINES", 2)
    with pytest.raises(UserFacingError, match=r"intake\.report\.too_long"):
        read_written(file_bytes(written()))


def test_a_tree_without_an_end_is_refused() -> None:
    made = written()
    item = made.ContentSequence[1]
    for _ in range(40):
        deeper = Dataset()
        deeper.ValueType, deeper.ContentSequence = "CONTAINER", []
        item.ContentSequence.append(deeper)
        item = deeper
    with pytest.raises(UserFacingError, match=r"intake\.damaged"):
        read_written(file_bytes(made))


def wrapped(content: bytes, kind: str = "application/pdf") -> bytes:
    made = note()
    made.SOPClassUID, made.Modality = EncapsulatedPDFStorage, "DOC"
    made.DocumentTitle, made.MIMETypeOfEncapsulatedDocument, made.EncapsulatedDocument = "Echo", kind, content
    return file_bytes(made)


def test_pages_in_a_file_are_unwrapped() -> None:
    pages = b"%PDF-1.4 and so on"
    found = read_note(wrapped(pages))
    assert isinstance(found, WrittenPages)
    assert (found.title, found.pages) == ("Echo", pages)
    for data in (wrapped(b"<ClinicalDocument/>", "text/XML"), wrapped(b"no pages.")):
        with pytest.raises(UserFacingError, match=r"intake\.report\.not_pdf"):
            read_note(data)


def test_a_picture_says_nothing() -> None:
    assert read_note(file_bytes(dataset())) is None


@pytest.mark.data
def test_drawings_come_before_words(shared_data: Path) -> None:
    drawn = shared_data / "dicom_conformance/files/dwv__sr-ruler.dcm"
    found = read_note(drawn.read_bytes())
    assert isinstance(found, MarksFile)
    words = shared_data / "dicom_conformance/files/dicomParser__report_dfl"
    read = report(words.read_bytes())
    assert read.title == "Consultation Report"
    tree = dcmread(io.BytesIO(words.read_bytes()))
    said = [item.TextValue for item in tree.ContentSequence if item.ValueType == "TEXT"]
    assert said
    assert {" ".join(text.split()) for text in said} <= {" ".join(line.value.split()) for line in read.lines}
