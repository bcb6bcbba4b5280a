"""Films come in for the right patient or not at all."""

from pathlib import Path

import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Patient, StudySummary
from desktop.ui.context import UiContext
from desktop.ui.importing import ImportFlow, start_import
from desktop.ui.importing.outcome import FileOutcome, Status
from desktop.ui.importing.results import ResultsDialog
from desktop.ui.importing.whose import WhoseDialog
from tests.ui.reading.conftest import draw_film


def write_dicom(path: Path, name: str, seed: int) -> Path:
    """A small CR film with a name in it."""
    pixels = draw_film(seed, (60, 80))
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality, dataset.PatientName, dataset.PatientID = "CR", name, "7"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = pixels.tobytes()
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


class Import:
    """An import under way, and what became of it."""

    def __init__(self, qtbot: QtBot, context: UiContext, window: QWidget) -> None:
        self.qtbot, self.context, self.window = qtbot, context, window
        self.outcomes: tuple[FileOutcome, ...] | None = None
        self.opened: list[str] = []
        context.study_requested.connect(self.opened.append)

    def start(self, paths: list[Path], patient: Patient | None) -> ImportFlow:
        flow = start_import(self.context, paths, patient.id if patient is not None else None, self.window)
        assert flow is not None
        flow.finished.connect(self._finished)
        return flow

    def wait(self) -> tuple[FileOutcome, ...]:
        self.qtbot.waitUntil(lambda: self.outcomes is not None, timeout=8000)
        assert self.outcomes is not None
        return self.outcomes

    def dialog(self, name: str) -> QWidget:
        self.qtbot.waitUntil(lambda: self.window.findChild(QWidget, name) is not None, timeout=8000)
        found = self.window.findChild(QWidget, name)
        assert found is not None
        return found

    def _finished(self, outcomes: tuple[FileOutcome, ...]) -> None:
        self.outcomes = outcomes


@pytest.fixture
def importing(qtbot: QtBot, context: UiContext) -> Import:
    """Imports with a bare window behind them."""
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return Import(qtbot, context, window)


def button(parent: QWidget, name: str) -> QPushButton:
    """A button by its name."""
    found = parent.findChild(QPushButton, name)
    assert found is not None
    return found


def studies(clinic: workflow.Clinic, patient: Patient) -> tuple[StudySummary, ...]:
    """What is on the patient's record."""
    return workflow.open_patient(clinic, Job(), patient.id).studies


def test_a_good_film_is_kept_opened_and_shown_to_the_model(
    qtbot: QtBot, importing: Import, clinic: workflow.Clinic, patient: Patient, film_file: Path
) -> None:
    importing.start([film_file], patient)
    (outcome,) = importing.wait()
    assert outcome.status is Status.OK
    assert outcome.study is not None
    assert importing.opened == [outcome.study]
    study = outcome.study
    qtbot.waitUntil(lambda: workflow.reading(clinic, Job(), study).suggestion_ready, timeout=5000)


def test_the_same_film_twice_is_named_and_the_old_one_opened(
    importing: Import, clinic: workflow.Clinic, patient: Patient, film_file: Path
) -> None:
    old = workflow.import_file(clinic, Job(), film_file, patient.id).study
    importing.start([film_file], patient)
    (outcome,) = importing.wait()
    assert (outcome.status, outcome.study) == (Status.DUPLICATE, old)
    assert "already" in outcome.words
    assert importing.opened == [old]
    assert len(studies(clinic, patient)) == 1


def test_another_name_asks_and_refusing_stores_nothing(
    importing: Import, clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    importing.start([write_dicom(tmp_path / "film.dcm", "Zhao^Lei", 1)], patient)
    dialog = importing.dialog("mismatch_dialog")
    names = [dialog.findChild(QWidget, f"mismatch_{side}_name") for side in ("in_file", "on_record")]
    assert [name.property("text") for name in names if name is not None] == ["Zhao Lei", "王小明"]
    assert not button(dialog, "mismatch_accept").isEnabled()
    button(dialog, "mismatch_refuse").click()
    (outcome,) = importing.wait()
    assert (outcome.status, outcome.study) == (Status.REFUSED, None)
    assert studies(clinic, patient) == ()
    assert importing.opened == []


def test_another_name_is_accepted_with_a_reason_that_stays_with_the_study(
    qtbot: QtBot, importing: Import, clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    importing.start([write_dicom(tmp_path / "film.dcm", "Zhao^Lei", 2)], patient)
    dialog = importing.dialog("mismatch_dialog")
    reason = dialog.findChild(QLineEdit, "mismatch_reason")
    assert reason is not None
    QTest.keyClicks(reason, "machine kept the last name")
    button(dialog, "mismatch_accept").click()
    (outcome,) = importing.wait()
    assert outcome.status is Status.OK
    (summary,) = studies(clinic, patient)
    assert summary.study.mismatch_reason == "machine kept the last name"


def test_bad_files_are_told_in_words_and_the_rest_goes_on(
    importing: Import, clinic: workflow.Clinic, patient: Patient, film_file: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "letter.docx"
    bad.write_bytes(b"PK\x03\x04 not a film at all")
    importing.start([bad, film_file], patient)
    first, second = importing.wait()
    assert first.status is Status.ERROR
    assert "not a picture" in first.words
    assert second.status is Status.OK
    dialog = importing.dialog("import_results")
    assert isinstance(dialog, ResultsDialog)
    assert dialog.count == 2
    reason = dialog.findChild(QLabel, "import_reason")
    assert reason is not None
    assert reason.text() == first.words
    assert len(studies(clinic, patient)) == 1
    button(dialog, "import_close").click()


def test_stopping_keeps_what_is_kept_and_leaves_the_rest(
    qtbot: QtBot, importing: Import, clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    paths = []
    for number in range(12):
        path = tmp_path / f"{number:02d}.png"
        Image.fromarray(draw_film(5000 + number)).save(path)
        paths.append(path)
    flow = importing.start(paths, patient)
    qtbot.waitUntil(lambda: bool(studies(clinic, patient)), timeout=8000)
    flow.stop()
    outcomes = importing.wait()
    kept = [outcome for outcome in outcomes if outcome.status is Status.OK]
    assert 1 <= len(kept) < 12
    assert len(studies(clinic, patient)) == len(kept)


def test_without_a_patient_it_asks_whose_film_it_is(
    qtbot: QtBot, importing: Import, clinic: workflow.Clinic, patient: Patient, film_file: Path
) -> None:
    importing.start([film_file], None)
    dialog = importing.dialog("whose_dialog")
    assert isinstance(dialog, WhoseDialog)
    dialog.finder.chosen.emit(patient.id)
    (outcome,) = importing.wait()
    assert outcome.status is Status.OK
    assert len(studies(clinic, patient)) == 1


def test_giving_up_ends_the_import(importing: Import, clinic: workflow.Clinic, film_file: Path) -> None:
    importing.start([film_file], None)
    dialog = importing.dialog("whose_dialog")
    assert isinstance(dialog, WhoseDialog)
    dialog.reject()
    assert importing.wait() == ()


def test_without_paths_it_asks_for_files(importing: Import, patient: Patient, film_file: Path) -> None:
    importing.start([], patient)
    dialog = importing.dialog("import_files_dialog")
    assert isinstance(dialog, QFileDialog)
    dialog.filesSelected.emit([str(film_file)])
    (outcome,) = importing.wait()
    assert outcome.status is Status.OK


def test_a_single_bad_file_opens_the_three_line_error(
    qtbot: QtBot, importing: Import, clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    bad = tmp_path / "empty.dcm"
    bad.write_bytes(b"")
    importing.start([bad], patient)
    (outcome,) = importing.wait()
    assert outcome.status is Status.ERROR
    dialog = importing.dialog("error_dialog")
    message = dialog.findChild(QLabel, "error_message")
    assert message is not None
    assert message.text() == "The file is empty."
    assert studies(clinic, patient) == ()
    dialog.close()
