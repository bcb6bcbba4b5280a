"""Key images, drawings that came from another clinic, and ours written for others: with the keys, on a real clinic."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.intake.folder import DiskSource
from desktop.jobs import Job
from desktop.records import AnnotationKind, InstanceId, Patient, StudyId
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from desktop.workflow import drawings_exporting as exporting
from desktop.workflow import import_storing as storing
from desktop.workflow import key_images as marking
from tests.exports.drawn import Film

from .conftest import OpenStudy

SHIFT = Qt.KeyboardModifier.ShiftModifier
PLAIN = {"StudyInstanceUID": "1.2.3.77", "SOPInstanceUID": "1.2.3.77.1", "PatientName": None}


def keep(clinic: workflow.Clinic, patient: Patient, *paths: Path) -> tuple[storing.FileKept, ...]:
    sources = [DiskSource(path, path.stat().st_size) for path in paths]
    sealed = storing.seal_files(clinic, Job(), sources, patient.id)
    return storing.keep_files(clinic, Job(), sealed).files


@pytest.fixture
def film(clinic: workflow.Clinic, patient: Patient, tmp_path: Path) -> tuple[StudyId, InstanceId, Path]:
    path = tmp_path / "film.dcm"
    path.write_bytes(Film(rows=60, columns=80, elements=dict(PLAIN)).bytes())
    (kept,) = keep(clinic, patient, path)
    assert kept.study is not None
    assert kept.instance is not None
    return kept.study, kept.instance, path


def test_a_film_is_marked_and_its_drawings_saved_with_the_keys(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    clinic: workflow.Clinic,
    film: tuple[StudyId, InstanceId, Path],
    tmp_path: Path,
) -> None:
    study, instance, _ = film
    workflow.annotate(clinic, Job(), instance, AnnotationKind.LENGTH, ((5.0, 5.0), (45.0, 35.0)))
    open_study(study)
    page = room.study
    page.viewer.setFocus()
    assert not page.marks.layer.is_key
    QTest.keyClick(page.viewer, Qt.Key.Key_M, SHIFT)
    qtbot.waitUntil(lambda: page.marks.layer.is_key)
    assert page.marks.layer.isVisible()
    assert len(workflow.reading(clinic, Job(), study).key_images) == 1
    QTest.keyClick(page.viewer, Qt.Key.Key_I)  # inverted: the view goes along
    out = {}
    for format, keys in (("gsps", "Ctrl+Shift+G"), ("ko", "Ctrl+Shift+K")):
        save = page.marks.actions[f"marks.save_{format}"]
        assert save.shortcut().toString() == keys
        save.trigger()
        dialog = room.window().findChild(QFileDialog, "save_marks_dialog")
        assert dialog is not None
        out[format] = tmp_path / f"{format}.dcm"
        dialog.fileSelected.emit(str(out[format]))
        dialog.close()
        qtbot.waitUntil(out[format].exists)
        dialog.setObjectName("")
    assert pydicom.dcmread(out["gsps"]).PresentationLUTShape == "INVERSE"
    assert pydicom.dcmread(out["ko"]).Modality == "KO"
    page.marks.actions["marks.key_image"].trigger()
    qtbot.waitUntil(lambda: not page.marks.layer.is_key)
    assert workflow.reading(clinic, Job(), study).key_images == ()


def test_what_came_from_elsewhere_says_so_and_can_be_left_out(
    qtbot: QtBot,
    context: UiContext,
    room: ReadingRoom,
    open_study: OpenStudy,
    clinic: workflow.Clinic,
    film: tuple[StudyId, InstanceId, Path],
    tmp_path: Path,
) -> None:
    study, instance, _ = film
    drawn = workflow.annotate(clinic, Job(), instance, AnnotationKind.LENGTH, ((5.0, 5.0), (45.0, 35.0)), "old")
    marking.mark_key_image(clinic, Job(), instance)
    for format in ("tid1500", "ko"):
        exporting.export_drawings(clinic, Job(), study, format, tmp_path / f"{format}.dcm")
    workflow.remove_annotation(clinic, Job(), drawn.annotation)
    marking.mark_key_image(clinic, Job(), instance, marked=False)
    owner = workflow.open_study(clinic, Job(), study).patient
    kept = keep(clinic, owner, tmp_path / "tid1500.dcm", tmp_path / "ko.dcm")
    assert [one.state for one in kept] == [storing.FileState.OK] * 2
    open_study(study)
    layer = room.study.marks.layer
    (mark,) = layer.here
    assert mark.words == "old\nLength 50 pixels\nimported, from Sunny Village Clinic, Dr Li"
    assert mark.mark.foreign
    assert layer.is_key
    assert room.study.viewer.annotations == ()
    context.set_language(Language.CHINESE)
    room.retranslate()
    assert layer.here[0].words.endswith("导入，来自 Sunny Village Clinic、Dr Li")
    QTest.keyClick(room.study.viewer, Qt.Key.Key_I, SHIFT)
    assert layer.here == ()
    assert layer.isVisible(), "the badge stays"
