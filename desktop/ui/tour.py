"""The main job from the first start to the printed report, through the real widgets, without a display.

Leaves the report and a picture of every step in a folder. This is what `run` does where no window can be opened.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication, QFileDialog

from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.imaging.synthetic import Opacity, demo_film
from desktop.settings import Theme
from desktop.ui import reading_steps
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.patients.words import today

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_SIZE = (1366, 768)
_FILM_SEED = 20_260_101
_CHILD = "Wambui Njeri"
_IMPRESSION = "Right lower zone consolidation, most likely pneumonia. No effusion."
REPORT_NAME = "report.pdf"


def take_tour(out: Path, context: "UiContext", application: QApplication) -> int:
    """Walk the whole path; returns the process's exit status and says where the results lie."""
    out.mkdir(parents=True, exist_ok=True)
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    # Nobody touches a key here for as long as a slow PC needs: the session must not lock itself meanwhile.
    context.change_settings(replace(context.settings, idle_minutes=60))
    window = MainWindow(context, application)
    window.resize(*_SIZE)
    window.show()
    window.activateWindow()
    window.start.focus_page()
    walk = Tour(out, context, window, application)
    try:
        walk.everything()
    except UserFacingError as error:
        text = context.error_text(error)
        sys.stderr.write(f"{text.message} {text.advice}\n")
        return 1
    finally:
        window.lock()
        walk.driver.settle()
        window.hide()
    sys.stdout.write(f"{context.tr('ui.tour.report', file=out / REPORT_NAME)}\n")
    sys.stdout.write(f"{context.tr('ui.tour.pictures', folder=out)}\n")
    return 0


class Tour:
    """The steps, in order."""

    def __init__(self, out: Path, context: "UiContext", window: MainWindow, application: QApplication) -> None:
        self.driver = Driver(context, window, application)
        self._out = out
        self._context = context
        self._window = window
        self._number = 0

    def everything(self) -> None:
        """From the first start to the locked clinic. Raises UserFacingError where a step does not succeed."""
        self._open_demo_clinic()
        self._register_child()
        self._import_film()
        self._read()
        self._decide()
        self._sign()
        self._save_report()
        self._look_in_chinese()
        self._lock()

    def _open_demo_clinic(self) -> None:
        self._keep("first-start")
        self.driver.click("explore_demo")
        self.driver.wait(lambda: self._context.clinic is not None, "demo clinic")
        self._keep("today")

    def _register_child(self) -> None:
        driver = self.driver
        driver.press("Ctrl+N")
        driver.type(_CHILD)
        driver.press("Tab")
        driver.type("f")
        driver.press("Tab")
        driver.type("3y")
        driver.press("Tab")
        driver.press("Tab")
        driver.type("Riverside")
        self._keep("register")
        driver.press("Return")
        driver.wait(lambda: driver.shown("chart_page"), "registration")
        self._keep("patient")

    def _import_film(self) -> None:
        workspace = self._window.workspace
        patient = workspace.banner.patient if workspace is not None else None
        if patient is None:
            raise UserFacingError("ui.tour.stuck", step="patient")
        film = self._out / "film.dcm"
        film.write_bytes(demo_film(_FILM_SEED, patient, Opacity.RIGHT_LOWER, today(self._context)))
        self.driver.drop(film)
        self.driver.wait(lambda: self.driver.shown("study_page"), "film")
        self._keep("film")

    def _read(self) -> None:
        reading_steps.write_impression(self.driver, _IMPRESSION)
        self._keep("impression")
        reading_steps.save_impression(self.driver)
        self._keep("suggestion")

    def _decide(self) -> None:
        reading_steps.accept_every_finding(self.driver)
        self._keep("decision")

    def _sign(self) -> None:
        reading_steps.see_report(self.driver)
        self._keep("preview")
        reading_steps.sign_report(self.driver)
        self._keep("signed")

    def _save_report(self) -> None:
        driver, file = self.driver, self._out / REPORT_NAME
        driver.click("save_pdf")
        driver.wait(lambda: driver.shown("save_report_dialog"), "file dialog")
        dialog = driver.find("save_report_dialog", QFileDialog)
        file.unlink(missing_ok=True)
        dialog.setDirectory(str(self._out))
        dialog.selectFile(REPORT_NAME)
        dialog.accept()
        driver.wait(file.exists, "report file")

    def _look_in_chinese(self) -> None:
        self._context.set_language(Language.CHINESE)
        self._context.set_theme(Theme.LIGHT)
        self._keep("signed-zh")
        self.driver.press("Ctrl+1")
        self._keep("today-zh")
        self._context.set_language(Language.ENGLISH)
        self._context.set_theme(Theme.DARK)

    def _lock(self) -> None:
        self.driver.press("Ctrl+L")
        self.driver.wait(lambda: self.driver.shown("unlock_page"), "lock")
        self._keep("locked")

    def _keep(self, name: str) -> None:
        """A picture of this step."""
        self.driver.settle()
        self._number += 1
        self.driver.picture().save(str(self._out / f"{self._number:02d}-{name}.png"))
