"""Every screen as a picture: both languages, light and dark, a small laptop and a 4K screen; empty, typical, error.

The widgets, the clinics and the work behind them are the real ones.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit

from desktop.errors import KnownFailure, UserFacingError
from desktop.i18n import Language
from desktop.settings import Theme
from desktop.ui import (
    backup_scenes,
    explain_scenes,
    feedback_scenes,
    film_scenes,
    patient_scenes,
    people_scenes,
    reading_steps,
    tools_scenes,
    volume_scenes,
)
from desktop.ui.admin.audit import AuditSection
from desktop.ui.admin.network_scenes import imaging_network
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.settings.screen import SettingsScreen

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_PASSPHRASE = "four words of green"
_THEMES = (Theme.LIGHT, Theme.DARK)


@dataclass(frozen=True)
class Format:
    """A screen: logical size, and device pixels per logical pixel."""

    size: QSize
    scale: float

    @property
    def name(self) -> str:
        """Device pixels, for the file name."""
        device = self.size * self.scale
        return f"{device.width()}x{device.height()}"


FORMATS = (Format(QSize(1366, 768), 1.0), Format(QSize(1920, 1080), 2.0))


def render_all(out: Path, context: "UiContext", application: QApplication) -> int:
    """Fill a folder with pictures; returns the process's exit status and says where they lie."""
    out.mkdir(parents=True, exist_ok=True)
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    gallery = Gallery(out, context, application)
    try:
        gallery.render()
    except UserFacingError as error:
        text = context.error_text(error)
        sys.stderr.write(f"{text.message} {text.advice}\n")
        return 1
    finally:
        gallery.close()
    sys.stdout.write(f"{context.tr('ui.screenshots.done', count=gallery.count, folder=out)}\n")
    return 0


class Gallery:
    """Sets a scene, then takes it in every language, theme and size."""

    def __init__(
        self,
        out: Path,
        context: "UiContext",
        application: QApplication,
        formats: tuple[Format, ...] = FORMATS,
        themes: tuple[Theme, ...] = _THEMES,
    ) -> None:
        self.count = 0
        self._out = out
        self._context = context
        self._application = application
        self._formats = formats
        self._themes = themes
        # Nobody touches a key while several hundred pictures are drawn.
        context.change_settings(replace(context.settings, idle_minutes=60))
        self._window = MainWindow(context, application)
        self._window.resize(formats[0].size)
        self._window.show()
        self._window.activateWindow()
        self.driver = Driver(context, self._window, application)

    def render(self) -> None:
        """Every scene, in the order a person meets them."""
        self._first_start()
        self._empty_clinic()
        self._demo_clinic()
        self._reading()
        self._settings()
        self._over_the_screen()
        self._unlocking()
        backup_scenes.backups_and_damage(self, self._window, self._context)

    def close(self) -> None:
        """Lock and leave."""
        self._window.lock()
        self.driver.settle()
        self._window.hide()

    def take(self, scene: str, again: Callable[[], None] | None = None) -> None:
        """Pictures of what is on the screen. again: brings back what a change of language drops, such as a dialog."""
        for theme, language, form in product(self._themes, Language, self._formats):
            settings = replace(self._context.settings, language=language, theme=theme)
            if settings != self._context.settings:
                self._context.change_settings(settings)
            if again is not None:
                self._close_dialogs()
                again()
            self._window.resize(form.size)
            self.driver.settle()
            name = f"{scene}-{language.value}-{theme.value}-{form.name}.png"
            self.driver.picture(form.scale).save(str(self._out / name))
            self.count += 1
        self._close_dialogs()

    # Scenes

    def _first_start(self) -> None:
        self.driver.settle()
        self.take("welcome")
        self.driver.click("create_clinic")
        self.take("create-empty")
        self.driver.click("create_submit")
        self.take("create-error")

    def _empty_clinic(self) -> None:
        driver = self.driver
        for name, words in (
            ("clinic_name", "Green Valley · 青谷诊所"),
            ("user_name", "Dr. Amina Okafor"),
            ("new_passphrase", _PASSPHRASE),
            ("new_passphrase_again", _PASSPHRASE),
        ):
            driver.find(name, QLineEdit).setText(words)
        driver.click("create_submit")
        driver.wait(lambda: driver.shown("recovery_page"), "recovery card")
        self.take("recovery-card")
        driver.click("recovery_without")
        self.take("recovery-card-without")
        driver.click("recovery_surely")
        driver.wait(lambda: driver.shown("workspace"), "clinic")
        for keys, name in (("Ctrl+1", "today"), ("Ctrl+2", "patients"), ("Ctrl+3", "reading")):
            driver.press(keys)
            self.take(f"{name}-empty")
        driver.press("Ctrl+N")
        self.take("register-empty")
        driver.click("form_save")
        self.take("register-error")
        self._window.lock()
        driver.settle()
        people_scenes.forgotten_passphrase(self)

    def _demo_clinic(self) -> None:
        driver = self.driver
        driver.click("unlock_other")
        driver.click("explore_demo")
        driver.wait(lambda: self._context.clinic is not None, "demo clinic")
        self.take("today")
        driver.press("Ctrl+2")
        self.take("patients")
        driver.type("lmy")
        self.take("patients-search")
        self._search("qqqqq")
        self.take("patients-nobody")
        self._search("")
        driver.press("Ctrl+N")
        driver.type("李明远")
        driver.find("patient_birth", QLineEdit).setText("4y")
        driver.find("patient_phone", QLineEdit).setFocus()
        driver.type("138")
        driver.wait(lambda: driver.shown("duplicates_list"), "duplicates")
        self.take("register-duplicate")
        driver.click("form_again")
        driver.press("Esc")
        self._search("lmy")
        driver.settle()
        driver.press("Return")
        driver.wait(lambda: driver.shown("chart_page"), "chart")
        self.take("chart")
        patient_scenes.about_a_chart(self, self._context)

    def _reading(self) -> None:
        driver = self.driver
        driver.press("Ctrl+3")
        self.take("reading-list")
        driver.press("Return")
        driver.wait(lambda: driver.shown("study_page"), "film")
        self.take("reading-sealed")
        film_scenes.films(self, self._press_question_mark)
        reading_steps.write_impression(driver, "Right lower zone consolidation. 右下肺实变。")
        reading_steps.save_impression(driver)
        self.take("reading-suggestion")
        explain_scenes.behind_a_suggestion(self)
        reading_steps.accept_every_finding(driver)
        reading_steps.see_report(driver)
        self.take("reading-preview")
        reading_steps.sign_report(driver)
        self.take("reading-signed")
        tools_scenes.turned_out(self)
        volume_scenes.volumes(self, self._context)
        feedback_scenes.feedback(self, self._press_question_mark)
        tools_scenes.tools(self, self._press_question_mark)
        explain_scenes.risk(self)

    def _settings(self) -> None:
        self.driver.press("Ctrl+6")
        screen = self.driver.find("settings_screen", SettingsScreen)
        for section in screen.section_names:
            screen.show_section(section)
            self.take(f"settings-{section}")
        screen.show_section("check")
        self.driver.click("check_start")
        self.take("settings-check-done")
        people_scenes.people_and_keys(self, screen)
        screen.show_section("audit")
        driver = self.driver
        driver.settle()
        patient_scenes.audit_trail(self, driver.find("admin_audit", AuditSection))
        imaging_network(self, screen, self._context)

    def _over_the_screen(self) -> None:
        driver = self.driver
        driver.press("Ctrl+2")
        self.take("shortcuts", self._press_question_mark)
        self.take("palette", self._press_palette)
        self.take("error", self._show_error)

    def _unlocking(self) -> None:
        driver = self.driver
        driver.press("Ctrl+L")
        driver.wait(lambda: driver.shown("pin_page"), "lock")
        people_scenes.change_of_hands(self)
        self.take("unlock")
        driver.find("unlock_passphrase", QLineEdit).setText("wrong")
        driver.click("unlock_submit")
        driver.settle()
        self.take("unlock-error")

    def _search(self, words: str) -> None:
        field = self.driver.find("patient_search", QLineEdit)
        field.setFocus()
        field.setText(words)
        self.driver.settle()

    def _press_question_mark(self) -> None:
        self.driver.press("F1")

    def _press_palette(self) -> None:
        self.driver.press("Ctrl+K")

    def _show_error(self) -> None:
        self._context.show_error(KnownFailure("error.disk_full"), self._window)

    def _close_dialogs(self) -> None:
        for window in self._application.topLevelWidgets():
            if isinstance(window, QDialog) and window.isVisible():
                window.close()
        self.driver.settle()
