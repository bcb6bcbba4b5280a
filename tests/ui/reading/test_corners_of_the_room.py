"""The less trodden paths: a patient without films, a study of two pictures, a model that fails, the history."""

from pathlib import Path

import pytest
from pydicom.uid import generate_uid
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.errors import KnownFailure
from desktop.jobs import Job
from desktop.records import Changes, Decision, Patient, StudyId, Verdict
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from tests.ui.reading.conftest import OpenStudy, StandIn
from tests.ui.reading.test_importing import write_dicom


def test_a_patient_without_films_is_offered_an_import(qtbot: QtBot, room: ReadingRoom, patient: Patient) -> None:
    banner: list[object] = []
    room.patient_changed.connect(banner.append)
    room.open_patient(patient.id)
    qtbot.waitUntil(lambda: room.patient == patient, timeout=5000)
    assert room.findChild(QPushButton, "no_film_button").isVisible()  # type: ignore[union-attr]  # it is there
    assert banner[-1] == patient


def test_a_patients_unsigned_film_is_opened_first(
    qtbot: QtBot, room: ReadingRoom, patient: Patient, clinic: workflow.Clinic, study: StudyId, tmp_path: Path
) -> None:
    newer = workflow.import_file(clinic, Job(), write_dicom(tmp_path / "b.dcm", "", 71), patient.id).study
    workflow.sign_report(clinic, Job(), newer, "", "Normal")
    room.open_patient(patient.id)
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.study.study.id == study, timeout=5000)


def test_two_pictures_of_one_study_are_stepped_through(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    patient: Patient,
    clinic: workflow.Clinic,
    tmp_path: Path,
) -> None:
    import pydicom

    uid = generate_uid()
    for number in (81, 82):
        path = write_dicom(tmp_path / f"{number}.dcm", "", number)
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID = uid
        dataset.save_as(path)
        study = workflow.import_file(clinic, Job(), path, patient.id).study
    open_study(study)
    viewer = room.study.viewer
    first = viewer.picture
    viewer.setFocus()
    QTest.keyClick(viewer, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: viewer.picture is not first and viewer.frame is not None, timeout=5000)
    assert any("2 of 2" in line for line in viewer._text.study)
    QTest.keyClick(viewer, Qt.Key.Key_PageDown)
    assert viewer.picture is not first
    QTest.keyClick(viewer, Qt.Key.Key_PageUp)
    assert viewer.picture is first


def test_a_model_that_fails_is_told_in_words_and_asked_again(
    qtbot: QtBot,
    room: ReadingRoom,
    context: UiContext,
    study: StudyId,
    model: StandIn,
    clinic: workflow.Clinic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = workflow.suggest
    asked: list[StudyId] = []

    def failing(clinic: workflow.Clinic, job: Job, study: StudyId) -> workflow.Suggested:
        asked.append(study)
        if len(asked) > 1:
            return whole(clinic, job, study)
        return workflow.Suggested((), KnownFailure("workflow.out_of_memory"), Changes())

    monkeypatch.setattr("desktop.workflow.suggest", failing)
    workflow.record_impression(clinic, Job(), study, "Normal")
    room.open_study(study)
    step = room.study.panel.suggestion
    again = step.findChild(QPushButton, "suggestion_again")
    said = step.findChild(QLabel, "suggestion_words")
    assert again is not None
    assert said is not None
    qtbot.waitUntil(again.isVisible, timeout=5000)
    assert "not enough memory" in said.text()
    again.click()
    qtbot.waitUntil(lambda: room.sitting is not None and bool(room.sitting.reading.suggestions), timeout=5000)
    assert not again.isVisible()


def test_the_history_tells_every_row(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    workflow.suggest(clinic, Job(), study)
    workflow.record_impression(clinic, Job(), study, "Normal")
    (said,) = workflow.reading(clinic, Job(), study).suggestions
    workflow.review_finding(clinic, Job(), said.id, "pneumonia", Verdict.ACCEPT)
    workflow.review_finding(clinic, Job(), said.id, "pneumonia", Verdict.AMEND, Decision.UNLIKELY, "thymus")
    workflow.record_impression(clinic, Job(), study, "Normal thymus")
    open_study(study)
    room.study.viewer.setFocus()
    QTest.keyClick(room.study.viewer, Qt.Key.Key_J)
    rows = room.study.findChild(QPlainTextEdit, "history_rows")
    assert rows is not None
    lines = rows.toPlainText().splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == [
        "Impression (before the suggestion): Normal",
        "Pneumonia: accepted, Likely",
        "Pneumonia: amended to Unlikely — thymus",
        "Impression (after the suggestion): Normal thymus",
    ]


def test_before_the_report_the_films_buttons_make_way_for_the_way_back(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    workflow.record_impression(clinic, Job(), study, "Normal")
    open_study(study)
    page = room.study
    tools = [one for one in page.bar.findChildren(QToolButton) if one.objectName().startswith("film_tool_")]
    assert tools
    assert all(one.isVisible() for one in (*tools, page.bar.presets))
    assert not page.bar.back.isVisible()
    page.show_report()
    qtbot.waitUntil(lambda: page.preview.ready, timeout=5000)
    assert not [one.objectName() for one in (*tools, page.bar.presets) if one.isVisible()]
    before = page.viewer.state
    QTest.keyClick(page.preview, Qt.Key.Key_I)
    assert page.viewer.state == before
    QTest.mouseClick(page.bar.back, Qt.MouseButton.LeftButton)
    assert not page.previewing
    assert all(one.isVisible() for one in tools)
    QTest.keyClick(page.viewer, Qt.Key.Key_I)
    assert page.viewer.state != before


def test_what_no_model_speaks_of_is_not_sealed(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    study: StudyId,
    model: StandIn,
    context: UiContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model, "fitting", lambda picture: [])
    open_study(study)
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.asked, timeout=5000)
    said = room.findChild(QLabel, "suggestion_words")
    assert said is not None
    assert said.text() == context.tr("review.none")
