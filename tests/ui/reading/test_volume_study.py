"""A CT from its files into the store, and from there onto the screen."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Modality, Patient, PatientId, StudyId
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from desktop.ui.viewers import VIEWERS, VolumeViewer
from desktop.ui.viewers.volume_state import PaneKind
from desktop.workflow import Clinic, import_finding, import_storing
from tests.intake.test_series_volume import ct_slice

STUDY, SERIES_OF_BONE = generate_uid(), generate_uid()


def _files(folder: Path, *, count: int = 12, lacking: int | None = None) -> list[Path]:
    """A CT of one study with two series of the same slices, as a scanner writes them for two kernels."""
    paths = []
    for kernel, series in (("soft", ""), ("bone", SERIES_OF_BONE)):
        for number in range(count if kernel == "soft" else 4):
            if kernel == "soft" and number == lacking:
                continue
            pixels = np.full((32, 32), 1000 + number + (500 if kernel == "bone" else 0), np.int16)
            ds = pydicom.dcmread(io.BytesIO(ct_slice(number, pixels)))
            ds.StudyInstanceUID = STUDY
            ds.SeriesInstanceUID = series or ds.SeriesInstanceUID
            ds.SeriesDescription = kernel
            path = folder / f"{kernel}{number}.dcm"
            ds.save_as(path)
            paths.append(path)
    return paths


def _store(clinic: Clinic, paths: list[Path], patient: PatientId) -> StudyId:
    """Bring files in as a drop does."""
    with import_finding.gather_files(clinic, Job(), paths) as gathered:
        sealed = import_storing.seal_files(clinic, Job(), gathered.sources, patient)
        kept = import_storing.keep_files(clinic, Job(), sealed)
    studies = {one.study for one in kept.files}
    assert len(studies) == 1
    study = studies.pop()
    assert study is not None
    return study


@pytest.fixture
def ct(clinic: Clinic, patient: Patient, tmp_path: Path) -> StudyId:
    """A CT on the patient's record."""
    return _store(clinic, _files(tmp_path), patient.id)


def test_ct_and_mr_have_the_volume_viewer() -> None:
    assert VIEWERS[Modality.CT] is VolumeViewer
    assert VIEWERS[Modality.MR] is VolumeViewer


def test_a_series_comes_out_of_the_store_whole(clinic: Clinic, ct: StudyId) -> None:
    opened = workflow.open_series(clinic, Job(), ct)
    assert [(name.description, name.count) for name in opened.names] == [("soft", 12), ("bone", 4)]
    assert [int(one[0, 0]) for one in opened.series.volumes[0].voxels] == [1000 + n for n in range(12)]
    bone = workflow.open_series(clinic, Job(), ct, 1)
    assert [int(one[0, 0]) for one in bone.series.volumes[0].voxels] == [1500 + n for n in range(4)]
    assert workflow.first_look_at_series(clinic, Job(), ct).shape == (1, 32, 32)


def test_nothing_of_it_lies_in_the_clear(clinic: Clinic, ct: StudyId, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    workflow.open_series(clinic, Job(), ct)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_film_is_no_series(clinic: Clinic, study: StudyId) -> None:
    with pytest.raises(UserFacingError, match=r"volume\.no_slices"):
        workflow.open_series(clinic, Job(), study)


def test_no_model_is_asked_about_slices(clinic: Clinic, ct: StudyId) -> None:
    suggested = workflow.suggest(clinic, Job(), ct)
    assert suggested.failure is None
    assert not workflow.open_study(clinic, Job(), ct).reading.suggestions


def test_a_study_of_slices_opens_in_the_reading_room(
    qtbot: QtBot, context: UiContext, room: ReadingRoom, ct: StudyId
) -> None:
    room.open_study(ct)
    page = room.study
    viewer = page.volume.viewer
    qtbot.waitUntil(lambda: viewer.series is not None and viewer.series.solid, timeout=10_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)
    assert page.volume.isVisible()
    assert viewer.panes[PaneKind.AXIAL].image is not None
    assert page.volume.series.isVisible()
    findings = room.findChild(QPlainTextEdit, "findings_text")
    assert findings is not None
    assert findings.toPlainText().startswith("Technique (contrast")
    page.volume.series.activated.emit(1)
    qtbot.waitUntil(lambda: viewer.series is not None and viewer.series.count == 4, timeout=10_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)
    room.clear()
    assert viewer.series is None
    assert all(pane.image is None for pane in viewer.panes.values())


def test_a_missing_slice_is_told_in_the_reading_room(
    qtbot: QtBot, context: UiContext, room: ReadingRoom, clinic: Clinic, patient: Patient, tmp_path: Path
) -> None:
    study = _store(clinic, _files(tmp_path, lacking=5), patient.id)
    room.open_study(study)
    viewer = room.study.volume.viewer
    qtbot.waitUntil(lambda: viewer.series is not None and viewer.series.count == 11, timeout=10_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)
    assert viewer.series is not None
    assert viewer.series.refusals
    assert viewer.panes[PaneKind.SLICES].isVisible()


def test_a_report_shows_the_slice_in_the_middle(clinic: Clinic, ct: StudyId) -> None:
    workflow.record_impression(clinic, Job(), ct, "No fracture.")
    pdf = workflow.preview_report(clinic, Job(), ct, "No fracture.", (Language.ENGLISH,))
    assert pdf.startswith(b"%PDF")
