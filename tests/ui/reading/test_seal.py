"""Until the doctor has read, nothing tells what the model thinks; after locking nothing tells anything."""

import re

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Patient, StudyId
from desktop.ui.reading import ReadingRoom
from desktop.ui.reading.footer import Turn
from tests.ui.reading.conftest import OpenStudy


def texts(widget: QWidget) -> list[str]:
    """Every word any widget holds, shown or not."""
    found = []
    for part in [widget, *widget.findChildren(QWidget)]:
        found += [part.toolTip(), part.accessibleName(), part.whatsThis()]
        if isinstance(part, QLabel | QAbstractButton | QLineEdit):
            found.append(part.text())
        elif isinstance(part, QPlainTextEdit):
            found.append(part.toPlainText())
        elif isinstance(part, QComboBox):
            found += [part.itemText(at) for at in range(part.count())]
    return [text for text in found if text]


def test_sealed_stays_sealed(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    workflow.suggest(clinic, Job(), study)
    open_study(study)
    sitting = room.sitting
    assert sitting is not None
    assert sitting.reading.suggestion_ready
    assert sitting.reading.suggestions == ()
    every = texts(room)
    assert not [text for text in every if re.search(r"9[01]\s*%|0\.91|Pneumonia|Stand-in", text)]
    assert any("stays sealed" in text for text in every)
    room.study.viewer.run("viewer.overlay")
    state = room.study.viewer.state
    assert state is not None
    assert not state.overlay
    for key in ("A", "M", "R"):
        QTest.keyClicks(room.study.viewer, key.lower())
    qtbot.wait(50)
    assert workflow.reading(clinic, Job(), study).reviews == ()


def test_a_clinic_that_reads_with_the_model_first_sees_it_at_once(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    usual = workflow.policy(clinic, Job())
    workflow.suggest(clinic, Job(), study)
    workflow.set_policy(clinic, Job(), workflow.Policy(reading_order=workflow.ReadingOrder.MODEL_FIRST))
    try:
        open_study(study)
        assert any(re.search(r"91\s*%", text) for text in texts(room))
        assert room.study.panel.turn is Turn.READ
    finally:
        workflow.set_policy(clinic, Job(), usual)


def test_locking_leaves_no_pixel_and_no_word(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    study: StudyId,
    clinic: workflow.Clinic,
    patient: Patient,
) -> None:
    workflow.record_impression(clinic, Job(), study, "Secret impression")
    workflow.suggest(clinic, Job(), study)
    open_study(study)
    room.toggle_worklist()
    qtbot.waitUntil(lambda: bool(room.worklist.studies), timeout=5000)
    room.toggle_worklist()
    room.study.show_report()
    qtbot.waitUntil(lambda: room.study.preview.ready, timeout=8000)
    assert any("Secret impression" in text for text in texts(room))
    banner: list[object] = []
    room.patient_changed.connect(banner.append)

    room.clear()
    qtbot.wait(1)

    words = texts(room)
    for secret in ("Secret impression", patient.display_name, patient.card_number, "Pneumonia"):
        assert not [text for text in words if secret in text], secret
    viewer = room.study.viewer
    assert viewer.picture is None
    assert viewer.source is None
    assert viewer.frame is None
    assert room.study.preview.page_count == 0
    assert room.worklist.studies == ()
    assert room.sitting is None
    assert banner == [None]
    image = viewer.grab().toImage()
    colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(colours) == 1
