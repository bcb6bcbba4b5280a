"""What is painted in a CT: on record with its author, there again when the study is opened, out and in as DICOM SEG."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.imaging.volume_labels import Brush, LabelVolume
from desktop.intake.segmentation import read_segmentation
from desktop.jobs import Job
from desktop.records import AuditAction, GridSource, Patient, Segment, StudyId, UserId
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from desktop.ui.reading.mask_agreement import MaskAgreementDialog
from desktop.ui.viewers.volume_state import PaneKind
from desktop.workflow import Clinic, MaskDraft
from tests.ui.reading.test_volume_study import _files, _store


@pytest.fixture
def ct(clinic: Clinic, patient: Patient, tmp_path: Path) -> StudyId:
    """A CT with what a segmentation repeats of it."""
    paths = _files(tmp_path)
    for path in paths:
        ds = pydicom.dcmread(path)
        ds.FrameOfReferenceUID, ds.PatientName = "1.2.3.9", ""
        ds.save_as(path)
    return _store(clinic, paths, patient.id)


def painted(clinic: Clinic, study: StudyId) -> MaskDraft:
    """A ball of 8 mm in the largest series."""
    opened = workflow.open_series(clinic, Job(), study)
    volume = opened.series.volumes[0]
    labels = LabelVolume(volume.grid, volume.shape)
    from desktop.imaging.orientation import View, plane_of

    labels.paint(
        plane_of(View.AXIAL, volume.grid, volume.middle), volume.middle, volume.middle, Brush(1, 8.0, ball=True)
    )
    packed = labels.pack(1)
    segment = Segment(1, "肿块", (230, 159, 0), packed.box, packed.bits, packed.voxels)
    return MaskDraft(study, opened.key, volume.grid, volume.shape, opened.source, (segment,))


def test_a_mask_is_a_record_with_author_and_time(clinic: Clinic, ct: StudyId) -> None:
    draft = painted(clinic, ct)
    assert workflow.open_mask(clinic, Job(), ct, draft.series) is None
    first = workflow.keep_mask(clinic, Job(), draft).segmentation
    assert (first.author, first.source) == (clinic.session.user.id, GridSource.POSITIONS)
    again = workflow.keep_mask(clinic, Job(), replace(draft, segments=())).segmentation
    assert again.id == first.id
    assert workflow.open_mask(clinic, Job(), ct, draft.series) == again
    with clinic.store.snapshot() as tx:
        actions = [entry.action for entry in tx.audit.entries(100) if entry.subject == first.id]
    assert actions == [AuditAction.PAINT_MASK, AuditAction.PAINT_MASK]


def test_out_as_dicom_seg_and_in_again_over_the_same_slices(
    clinic: Clinic, ct: StudyId, patient: Patient, tmp_path: Path
) -> None:
    draft = painted(clinic, ct)
    with pytest.raises(UserFacingError, match=r"volume\.mask\.nothing"):
        workflow.export_mask(clinic, Job(), ct, draft.series, tmp_path / "none.dcm")
    workflow.keep_mask(clinic, Job(), draft)
    out = tmp_path / "out" / "painted.dcm"
    out.parent.mkdir()
    workflow.export_mask(clinic, Job(), ct, draft.series, out)
    written = read_segmentation(io.BytesIO(out.read_bytes()))
    assert [layer.name for layer in written.layers] == ["肿块"]
    assert int(written.layers[0].volume.voxels.sum()) == draft.segments[0].voxels
    # Brought in as any file it joins its study, is no slice of it, and lies over the series it was painted on.
    assert _store(clinic, [out], patient.id) == ct
    opened = workflow.open_series(clinic, Job(), ct)
    assert [(name.description, name.count) for name in opened.names] == [("soft", 12), ("bone", 4)]
    assert opened.series.refusals == ()
    assert [layer.name for layer in opened.layers] == ["肿块"]
    voxel = abs(float(np.linalg.det(draft.grid.steps)))
    assert opened.layers[0].millilitres == pytest.approx(draft.segments[0].voxels * voxel / 1000)
    inside = np.argwhere(opened.layers[0].volume.voxels)[0]
    x, y, z = opened.layers[0].volume.grid.to_patient(inside)
    index = np.rint(draft.grid.to_index((float(x), float(y), float(z)))).astype(int)
    box = draft.segments[0].box
    assert all(low <= at < high for low, at, high in zip(box[:3], index, box[3:], strict=True))
    assert workflow.first_look_at_series(clinic, Job(), ct).shape == (1, 32, 32)


def test_a_stroke_is_kept_and_is_there_when_the_study_is_opened_again(
    qtbot: QtBot, context: UiContext, room: ReadingRoom, clinic: Clinic, ct: StudyId
) -> None:
    room.open_study(ct)
    page = room.study
    viewer, book = page.volume.viewer, page.volume.viewer.book
    qtbot.waitUntil(lambda: book.available, timeout=10_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)
    viewer.setFocus()
    QTest.keyClick(viewer, Qt.Key.Key_D)
    assert book.painting
    pane = viewer.panes[PaneKind.AXIAL]
    key = workflow.open_series(clinic, Job(), ct).key
    QTest.mouseClick(pane, Qt.MouseButton.LeftButton, pos=pane.rect().center())
    voxels = book.voxels(1)
    assert voxels > 0
    room.clear()  # at once, before the stroke was kept
    qtbot.waitUntil(lambda: workflow.open_mask(clinic, Job(), ct, key) is not None, timeout=10_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)
    assert book.painted is None
    kept = workflow.open_mask(clinic, Job(), ct, key)
    assert kept is not None
    assert [segment.voxels for segment in kept.segments] == [voxels]
    room.open_study(ct)
    qtbot.waitUntil(lambda: book.available and book.voxels(1) == voxels, timeout=10_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)
    assert page.volume.masks.isVisible()
    assert page.volume.masks.tools["export"].isVisible()
    room.clear()


def test_a_second_person_paints_from_nothing_and_both_are_merged(
    qtbot: QtBot, context: UiContext, room: ReadingRoom, clinic: Clinic, ct: StudyId
) -> None:
    draft = painted(clinic, ct)
    other = replace(clinic.session.user, id=UserId("bo"))
    workflow.keep_mask(replace(clinic, session=workflow.Session(other)), Job(), draft)
    room.open_study(ct)
    viewer, book, bar = room.study.volume.viewer, room.study.volume.viewer.book, room.study.volume.masks
    qtbot.waitUntil(lambda: book.anything, timeout=10_000)
    assert [bar.people.itemText(at) for at in range(bar.people.count())] == ["bo", "Paint my own, from nothing"]
    assert not bar.tools["compare"].isVisible()
    bar.people.setCurrentIndex(1)
    bar.people.activated.emit(1)
    assert book.painting
    assert not book.anything
    book.rename("肿块")
    QTest.mouseClick(viewer.panes[PaneKind.AXIAL], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bar.people.count() == 2 and bar.tools["compare"].isVisible(), timeout=10_000)
    assert bar.people.itemText(1).endswith("(you)")
    assert bar.people.currentIndex() == 1
    with clinic.store.snapshot() as tx:
        first, second = tx.segmentations.standing(ct, draft.series)
    assert (first.segments, second.begun_from) == (draft.segments, None)
    bar.tools["compare"].click()
    dialog = room.window().findChild(MaskAgreementDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 3, timeout=10_000)
    keep = dialog.findChild(QPushButton, "mask_agreement_keep")
    assert keep is not None
    keep.click()
    qtbot.waitUntil(lambda: bar.people.currentText() == "Merged from 2 people (STAPLE)", timeout=10_000)
    assert [bar.people.itemText(at) for at in range(2)] == ["bo", f"{clinic.session.user.name} (you)"]
    room.clear()
    assert not bar.people.isVisible()
