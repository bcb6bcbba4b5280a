"""The scenes of the screenshots can be reached, one after the other."""

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication

from desktop.ui.backup_scenes import backups_and_damage
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow


class Album:
    """Remembers which widget of a scene was on the screen instead of drawing it."""

    def __init__(self, driver: Driver, wanted: dict[str, str]) -> None:
        self.driver = driver
        self.seen: dict[str, bool] = {}
        self._wanted = wanted

    def take(self, scene: str, again: Callable[[], None] | None = None) -> None:
        """Whether what the scene is about can be seen."""
        self.driver.settle()
        self.seen[scene] = self.driver.shown(self._wanted[scene])


@pytest.mark.slow
def test_every_scene_shows_what_it_is_about(
    driver: Driver, window: MainWindow, context: UiContext, qapp: QApplication
) -> None:
    wanted = {
        "backup-overdue": "backup_banner",
        "backups": "backup_list",
        "backups-error": "backup_result",
        "backups-done": "backup_proof",
        "backups-plan": "backup_place_0",
        "damaged-open": "damaged_problems",
        "damaged-closed": "damaged_page_salvage",
        "salvage": "salvage_passphrase",
        "salvage-done": "salvage_saved",
        "restore-empty": "restore_choose",
        "restore-none": "restore_error",
        "restore-error": "restore_card_note",
        "restore": "restore_card_fits",
        "restore-done": "restore_verdict",
    }
    album = Album(driver, wanted)
    driver.settle()
    backups_and_damage(album, window, context)
    assert album.seen == dict.fromkeys(wanted, True)
