"""How long the window stands still while its theme or language changes: every screen built, a film of the demo open.

The peer is a window of Qt's own with as many widgets, most of them out of sight, and no style sheet: its change of
palette is the least a change of theme can cost. Beside it stands what Qt documents for themes, another style sheet.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from string import Template

import pytest
import shiboken6
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop import app
from desktop.i18n import Language
from desktop.i18n.catalogue import resource_folder
from desktop.settings import Places, Theme
from desktop.ui import reading_steps, theme
from desktop.ui.application import application
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.settings.screen import SettingsScreen

LONGEST_BLOCK_SECONDS = 0.1
"""The house rule: the window never stands still for longer."""

BEAT_MILLISECONDS = 2
CALM_SECONDS = 0.1
ROUNDS = 4
SIZE = (1366, 768)
PEER_PAGES, PEER_ROWS = 10, 20
PLACES = {
    "Today": "Ctrl+1",
    "Patients": "Ctrl+2",
    "Reading room": "Ctrl+3",
    "Tools": "Ctrl+4",
    "Feedback": "Ctrl+5",
    "Settings": "Ctrl+6",
}

pytestmark = pytest.mark.qt_log_ignore("plugin does not support propagateSizeHints", extend=True)


@dataclass(frozen=True)
class Block:
    """How long the main thread was away from its events, at the most. seconds: by the clock, which counts what other
    programs took meanwhile; busy: of the processor, which is what the window is to blame for."""

    seconds: float
    busy: float

    def __str__(self) -> str:
        return f"{self.busy * 1e3:.0f} ms busy ({self.seconds * 1e3:.0f} ms by the clock)"


class Heart:
    """Beats while the main thread is free; the longest pause between two beats is the longest block."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setInterval(BEAT_MILLISECONDS)
        self._timer.timeout.connect(self._beat)
        self._last = (0.0, 0.0)
        self._seconds: list[float] = []
        self._busy: list[float] = []

    def longest_block(self, deed: Callable[[], object], going_on: Callable[[], bool] = lambda: False) -> Block:
        """From the deed until nothing has been going on for a while; the median of some rounds."""
        rounds = [self._round(deed, going_on) for _ in range(ROUNDS)]
        return Block(
            statistics.median(block.seconds for block in rounds), statistics.median(block.busy for block in rounds)
        )

    def _round(self, deed: Callable[[], object], going_on: Callable[[], bool]) -> Block:
        self._seconds, self._busy, self._last = [], [], _now()
        self._timer.start()
        deed()
        calm_since = time.monotonic()
        while time.monotonic() - calm_since < CALM_SECONDS:
            QApplication.processEvents()
            if going_on():
                calm_since = time.monotonic()
        self._timer.stop()
        self._beat()
        return Block(max(self._seconds), max(self._busy))

    def _beat(self) -> None:
        before, self._last = self._last, _now()
        self._seconds.append(self._last[0] - before[0])
        self._busy.append(self._last[1] - before[1])


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()


class Hands:
    """The open demo clinic and what works it."""

    def __init__(self, qt: QApplication, home: Path) -> None:
        places = Places(settings=home / "settings.json", clinics=home / "clinics", logs=home / "logs")
        self.parts = app.build(places)
        self.context = UiContext(**vars(self.parts))
        self.window = MainWindow(self.context, qt)
        self.driver = Driver(self.context, self.window, qt)
        self.heart = Heart()
        self.window.resize(*SIZE)
        self.window.show()

    def build_every_screen(self) -> None:
        """By visiting each, down to a film with its suggestion."""
        driver = self.driver
        driver.settle()
        driver.click("explore_demo")
        driver.wait(lambda: self.context.clinic is not None, "demo clinic")
        for keys in ("Ctrl+2", "Ctrl+N", "Esc", "Ctrl+6"):
            driver.press(keys)
            driver.settle()
        screen = driver.find("settings_screen", SettingsScreen)
        for section in screen.section_names:
            screen.show_section(section)
            driver.settle()
        driver.press("Ctrl+3")
        driver.settle()
        driver.press("Return")
        driver.wait(lambda: driver.shown("study_page"), "film")
        reading_steps.write_impression(driver, "Right lower zone consolidation.")
        reading_steps.save_impression(driver)
        driver.settle()

    def _going_on(self) -> bool:
        return self.window.dresser.busy or self.context.operations.busy

    def longest_block(self, deed: Callable[[], object]) -> Block:
        """Until the deed has reached every screen."""
        return self.heart.longest_block(deed, self._going_on)

    def next_theme(self) -> None:
        themes = list(Theme)
        self.context.set_theme(themes[(themes.index(self.context.settings.theme) + 1) % len(themes)])

    def next_language(self) -> None:
        languages = list(Language)
        self.context.set_language(languages[(languages.index(self.context.language) + 1) % len(languages)])

    def leave(self) -> None:
        self.window.lock()
        self.driver.settle()
        self.window.hide()
        self.parts.pools.close()
        self.parts.registry.close()


@pytest.fixture(scope="module")
def peer() -> tuple[Block, Block]:
    """How long a plain Qt window stands still for another palette, and for another style sheet."""
    qt = application()
    window = QStackedWidget()
    for _ in range(PEER_PAGES):
        page = QWidget()
        layout = QVBoxLayout(page)
        for row in range(PEER_ROWS):
            for made in (QLabel(f"label {row}"), QPushButton(f"button {row}"), QLineEdit(f"field {row}")):
                layout.addWidget(made)
        window.addWidget(page)
    window.resize(*SIZE)
    window.show()
    heart, themes = Heart(), cycle(Theme)
    source = Template((resource_folder() / "themes" / "lantern.qss").read_text(encoding="utf-8"))
    icons = (resource_folder() / "icons").as_posix()

    def another_palette() -> None:
        qt.setPalette(theme.qt_palette(theme.PALETTES[next(themes)]))

    def another_sheet() -> None:
        qt.setStyleSheet(source.substitute(asdict(theme.PALETTES[next(themes)]), icons=icons))

    palette = heart.longest_block(another_palette)
    another_sheet()
    sheet = heart.longest_block(another_sheet)
    qt.setStyleSheet("")
    shiboken6.delete(window)
    return palette, sheet


@pytest.fixture(scope="module")
def hands(peer: tuple[Block, Block], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    """The window with everything built; the peer is gone by then."""
    made = Hands(application(), tmp_path_factory.mktemp("home"))
    made.build_every_screen()
    yield made
    made.leave()


@pytest.mark.parametrize("place", PLACES)
def test_another_theme(qtbot: QtBot, hands: Hands, peer: tuple[Block, Block], place: str) -> None:
    hands.driver.press(PLACES[place])
    hands.driver.settle()
    ours, (palette, sheet) = hands.longest_block(hands.next_theme), peer
    print(
        f"\nanother theme on {place}, {len(QApplication.allWidgets())} widgets: longest block {ours}; a Qt window of"
        f" {PEER_PAGES * PEER_ROWS * 3}: palette {palette}, {ours.busy / palette.busy:.1f}x;"
        f" style sheet {sheet}, {ours.busy / sheet.busy:.2f}x"
    )
    assert ours.busy < LONGEST_BLOCK_SECONDS


@pytest.mark.parametrize("place", PLACES)
def test_another_language(qtbot: QtBot, hands: Hands, peer: tuple[Block, Block], place: str) -> None:
    hands.driver.press(PLACES[place])
    hands.driver.settle()
    ours, (palette, _) = hands.longest_block(hands.next_language), peer
    print(f"\nanother language on {place}: longest block {ours}; {ours.busy / palette.busy:.1f}x the peer's palette")
    assert ours.busy < LONGEST_BLOCK_SECONDS
