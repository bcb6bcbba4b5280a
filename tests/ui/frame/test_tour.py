"""The main job through the real widgets, and pictures of the screens."""

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from desktop.i18n import Language
from desktop.settings import Theme
from desktop.ui.context import UiContext
from desktop.ui.screenshots import FORMATS, Gallery
from desktop.ui.tour import REPORT_NAME, take_tour


@pytest.mark.slow
def test_from_the_first_start_to_the_printed_report(
    context: UiContext, qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tour"
    assert take_tour(out, context, qapp) == 0
    assert (out / REPORT_NAME).read_bytes().startswith(b"%PDF")
    assert len(list(out.glob("*.png"))) >= 12
    assert str(out / REPORT_NAME) in capsys.readouterr().out
    assert context.clinic is None


def test_a_scene_is_drawn_in_every_look(context: UiContext, qapp: QApplication, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path, context, qapp)
    gallery.driver.settle()
    gallery.take("welcome")
    gallery.close()
    pictures = sorted(tmp_path.glob("welcome-*.png"))
    assert len(pictures) == gallery.count == len(FORMATS) * len(Language) * 2
    sizes = {(image.width(), image.height()) for image in (QImage(str(path)) for path in pictures)}
    assert sizes == {(1366, 768), (3840, 2160)}
    light = QImage(str(tmp_path / f"welcome-en-{Theme.LIGHT}-1366x768.png"))
    dark = QImage(str(tmp_path / f"welcome-en-{Theme.DARK}-1366x768.png"))
    assert light.pixelColor(5, 400).lightness() > 200
    assert dark.pixelColor(5, 400).lightness() < 50
