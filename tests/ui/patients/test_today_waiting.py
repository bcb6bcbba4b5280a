"""How many films wait for a report, where more wait than are listed."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel

from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.today import screen
from desktop.ui.widgets.rows import RowList
from tests.confirmed_clinic import fill


@pytest.mark.parametrize("language", list(Language))
def test_all_that_wait_are_counted(
    opened: MainWindow,
    driver: Driver,
    context: UiContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: Language,
) -> None:
    context.set_language(language)
    studies = len(fill(context.open_clinic, tmp_path, 6)) + 1  # and the one they share their picture with
    for limit, words in (
        (200, context.tr("today.waiting.count", count=studies)),
        (4, context.tr("today.waiting.part", count=studies, listed=4)),
    ):
        monkeypatch.setattr(screen, "_WAITING_LIMIT", limit)
        driver.press("Ctrl+2")
        driver.press("Ctrl+1")
        driver.settle()
        assert driver.find("today_waiting_title", QLabel).text() == words
        assert len(driver.find("today_waiting", RowList).rows.rows) == min(limit, studies)
