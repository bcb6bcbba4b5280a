"""Folders sorted: what is taken, what is not and why, and hostile ones."""

import io
import os
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from desktop.errors import Cancelled, UserFacingError
from desktop.exports import presentation_state
from desktop.intake import folder
from desktop.intake.folder import gather
from desktop.intake.folder_index import DOCUMENTS, PICTURES, TRACES, FolderIndex, index_folder
from desktop.jobs import Job
from desktop.records import AnnotationKind
from tests.exports.drawn import bundle, drawing
from tests.intake.dicom_files import file_bytes, film


def indexed(*paths: Path) -> FolderIndex:
    """What is found below some paths."""
    with gather(paths, Job()) as gathered:
        return index_folder(gathered, Job())


def test_patients_studies_and_series_are_told_apart_by_what_headers_say(tmp_path: Path) -> None:
    def put(name: str, **elements: object) -> None:
        (tmp_path / name).write_bytes(file_bytes(film(None, **elements)))

    put("a", InstanceNumber=2, StudyDate="20240305", StudyDescription="Chest")
    put("b", InstanceNumber=1)
    put("c", SeriesInstanceUID="1.2.3.5", SeriesNumber=2)
    put("d", StudyInstanceUID="1.2.9")
    put("e", PatientID="P-2")
    put("f", StudyInstanceUID=None)
    put("g", StudyInstanceUID=None)
    index = indexed(tmp_path)
    assert [one.header.patient_number for one in index.patients] == ["P-1", "P-2"]
    studies = index.patients[0].studies
    assert [one.uid for one in studies] == ["1.2.3", "1.2.9", "", ""]
    assert [[Path(source.name).name for source in one.sources] for one in studies] == [
        ["b", "a", "c"],
        ["d"],
        ["f"],
        ["g"],
    ]
    assert (str(studies[0].started), studies[0].description) == ("2024-03-05", "Chest")
    assert index.count == 7


def test_files_that_name_nobody_stand_by_their_kind_and_what_is_no_picture_apart(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(60))
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "rec.hea").write_bytes(b"rec 1 250 1000\nrec.dat 16 200 16 0 0 0 0 I\n")
    (tmp_path / "rec.dat").write_bytes(bytes(2000))
    (tmp_path / "report.dcm").write_bytes(file_bytes(film(Rows=None, Modality="SR")))
    (tmp_path / "empty.dcm").write_bytes(b"")
    for name in ("viewer.exe", "Thumbs.db", "._photo.png"):
        (tmp_path / name).write_bytes(b"MZ" + bytes(60))
    index = indexed(tmp_path)
    (nobody,) = index.patients
    assert not nobody.header.name_groups
    assert sorted(one.modalities[0] for one in nobody.studies) == sorted((DOCUMENTS, PICTURES, TRACES))
    assert index.count == 3
    assert {Path(one.name).name: one.error.key for one in index.not_taken} == {
        "report.dcm": "intake.no_pixels",
        "empty.dcm": "intake.empty",
    }
    assert [Path(one.name).name for one in index.strangers] == ["viewer.exe"]


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and links in folders there")
def test_pipes_and_loops_of_links_hold_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(file_bytes(film()))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    index = indexed(tmp_path)
    assert index.count == 1
    assert {Path(one.name).name: one.error.key for one in index.not_taken} == {
        "gone": "error.file_not_found",
        "pipe": "intake.not_a_file",
    }


def test_a_file_that_goes_away_meanwhile_is_told(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(file_bytes(film()))
    with gather((tmp_path,), Job()) as gathered:
        (tmp_path / "film").unlink()
        index = index_folder(gathered, Job())
    assert [one.error.key for one in index.not_taken] == ["error.file_not_found"]


def test_a_whole_disk_is_refused_and_waiting_can_be_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / str(number)).write_bytes(b"x")
    monkeypatch.setattr(folder, "MAX_FILES", 3)
    with pytest.raises(UserFacingError, match=r"importing\.too_many"):
        gather((tmp_path,), Job())
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        gather((tmp_path,), job)


def test_drawings_stand_with_their_study_and_a_report_that_draws_nothing_says_so(tmp_path: Path) -> None:
    dataset = film()
    (tmp_path / "film.dcm").write_bytes(file_bytes(dataset))
    drawn = bundle((drawing(AnnotationKind.POINT, ((3.0, 4.0),)),), data=file_bytes(dataset))
    (state,) = presentation_state.render(drawn)
    (tmp_path / "state.dcm").write_bytes(state)
    empty = dcmread(io.BytesIO(state))
    empty.SOPInstanceUID = empty.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.9")
    empty.GraphicAnnotationSequence = []
    empty.save_as(tmp_path / "words.dcm", enforce_file_format=True)
    index = indexed(tmp_path)
    (person,) = index.patients
    (study,) = person.studies
    assert study.modalities == ("CR", "PR")
    (left,) = index.not_taken
    assert (Path(left.name).name, left.error.key) == ("words.dcm", "intake.marks.none")
