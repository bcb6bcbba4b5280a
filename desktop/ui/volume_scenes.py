"""Scenes of the volume viewer for the screenshots: a drawn head in four planes, then with something painted in it."""

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from desktop import workflow
from desktop.jobs import Job
from desktop.records import PatientId, StudyId, VoiWindow
from desktop.ui.people_scenes import Camera
from desktop.ui.viewers.volume_screen import VolumeScreen
from desktop.ui.viewers.volume_state import PaneKind

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_SHAPE = (72, 112, 96)
_SPACING = (2.5, 2.0, 2.0)
_STROKES = (
    (PaneKind.AXIAL, ((-34.0, 12.0), (-28.0, 22.0), (-20.0, 18.0), (-28.0, 10.0))),
    (PaneKind.CORONAL, ((-30.0, -10.0), (-26.0, 4.0))),
)
"""Where the brush goes, in millimetres of each pane."""


def volumes(camera: Camera, context: "UiContext") -> None:
    """With a clinic open that has patients."""
    driver = camera.driver
    clinic = context.open_clinic
    patient = workflow.recent_patients(clinic, Job(), 1)[0].patient.id
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn-head.mha"
        path.write_bytes(drawn_head())
        context.study_requested.emit(_stored(clinic, path, patient))
        driver.wait(partial(driver.shown, "volume_screen"), "volume screen")
        screen = driver.find("volume_screen", VolumeScreen)
        driver.wait(partial(_ready, screen), "volume")
    driver.settle()
    viewer, book = screen.viewer, screen.viewer.book
    viewer.choose_window(VoiWindow(40.0, 120.0))
    camera.take("volume")
    viewer.run("volume.paint")
    book.set_brush(6)
    book.set_ball(True)
    driver.settle()
    for kind, points in _STROKES:
        pane = viewer.panes[kind]
        places = [pane.to_widget(*point).toPoint() for point in points]
        QTest.mousePress(pane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[0])
        for place in places:
            QTest.mouseMove(pane, place + QPoint(1, 0))
        QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[-1])
        viewer.run("volume.add_label")
        driver.settle()
    book.choose(1)
    camera.take("volume-painted")
    viewer.run("volume.paint")
    viewer.run("volume.turning")
    viewer.choose_window(VoiWindow(500.0, 1400.0))
    camera.take("volume-turning")
    driver.press("Ctrl+3")


def _ready(screen: VolumeScreen) -> bool:
    return screen.isVisible() and screen.viewer.book.available


def _stored(clinic: "workflow.Clinic", path: Path, patient: PatientId) -> StudyId:
    from desktop.workflow import import_finding as finding
    from desktop.workflow import import_storing as storing

    with finding.gather_files(clinic, Job(), (path,)) as gathered:
        kept = storing.keep_files(clinic, Job(), storing.seal_files(clinic, Job(), gathered.sources, patient)).files
    study = kept[0].study
    assert study is not None
    return study


def drawn_head() -> bytes:
    """A head as a MetaImage file: skull, brain, ventricles and a mass at the right, drawn from ellipsoids. Nobody's."""
    slices, rows, columns = _SHAPE
    axes = (np.arange(size, dtype=np.float32) - (size - 1) / 2 for size in _SHAPE)
    z, y, x = (axis * np.float32(step) for axis, step in zip(axes, _SPACING, strict=True))

    def inside(middle: tuple[float, float, float], radii: tuple[float, float, float]) -> npt.NDArray[np.bool_]:
        parts = (((place - m) / r) ** 2 for place, m, r in zip((x, y, z), middle, radii, strict=True))
        across, down, through = parts
        shell: npt.NDArray[np.bool_] = across[None, None] + down[None, :, None] + through[:, None, None] < 1
        return shell

    grain = np.random.default_rng(8).normal(0, 6, _SHAPE)
    head = np.full(_SHAPE, -1000.0)
    for value, middle, radii in (
        (30.0, (0, 0, -4), (82, 101, 82)),
        (900.0, (0, 0, 0), (76, 95, 78)),
        (38.0, (0, 0, 0), (69, 88, 71)),
        (28.0, (-32, 0, 4), (30, 76, 58)),
        (28.0, (32, 0, 4), (30, 76, 58)),
        (8.0, (-10, 4, 8), (6, 26, 12)),
        (8.0, (10, 4, 8), (6, 26, 12)),
        (70.0, (-27, 16, 0), (13, 15, 14)),
    ):
        head[inside(middle, radii)] = value
    voxels = np.where(head > -900, head + grain, head).astype("<i2")
    step = f"{_SPACING[2]} {_SPACING[1]} {_SPACING[0]}"
    header = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -95 -111 -88.75\n"
        f"ElementSpacing = {step}\nDimSize = {columns} {rows} {slices}\n"
        "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )
    return header.encode() + voxels.tobytes()
