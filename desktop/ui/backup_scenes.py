"""Scenes about backups and damage for the screenshots: on a clinic of yesterday, whose files are really damaged."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit

from desktop import workflow
from desktop.jobs import Job
from desktop.records import HumanName
from desktop.ui.people_scenes import Camera

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.ui.driver import Driver
    from desktop.ui.main_window import MainWindow

_PASSPHRASE = "four words of green"
_USER = "Dr. Amina Okafor"
_NAMES = ("李秀英", "Aisha Mwangi", "张小明")
_SPOILT = slice(16, 400)
"""Bytes of the first page, without which SQLCipher has no key."""


def backups_and_damage(camera: Camera, window: "MainWindow", context: "UiContext") -> None:
    """A clinic whose last backup is too old, that is backed up, damaged, saved in part and restored."""
    folder, stick = context.places.clinics / "valley", context.places.clinics / "stick"
    card = _clinic_of_yesterday(folder, stick, context)
    _unlock(camera.driver, window, context, folder)
    _backups(camera, window, stick)
    window.lock()
    camera.driver.settle()
    _damage(camera, window, context, folder)
    _restore(camera, window, stick, card)


def _clinic_of_yesterday(folder: Path, stick: Path, context: "UiContext") -> str:
    def yesterday() -> datetime:
        return workflow.system_clock() - timedelta(hours=30)

    made = workflow.create_clinic(
        folder,
        Job(),
        name="Green Valley · 青谷诊所",
        admin=_USER,
        passphrase=_PASSPHRASE,
        models=context.registry,
        clock=yesterday,
    )
    for name in _NAMES:
        workflow.register_patient(made.clinic, Job(), workflow.PatientDraft(names=(HumanName(text=name),)))
    workflow.backups.back_up(made.clinic, Job(), stick)
    workflow.lock(made.clinic)
    return made.recovery_card.code


def _unlock(driver: "Driver", window: "MainWindow", context: "UiContext", folder: Path) -> None:
    window.start.folder = folder
    window.start.begin()
    driver.settle()
    driver.find("unlock_passphrase", QLineEdit).setText(_PASSPHRASE)
    driver.click("unlock_submit")
    driver.wait(lambda: context.clinic is not None or driver.shown("damaged_page"), "unlock")
    driver.settle()


def _backups(camera: Camera, window: "MainWindow", stick: Path) -> None:
    driver = camera.driver
    camera.take("backup-overdue")
    driver.click("status_backup")
    driver.settle()
    camera.take("backups")
    assert window.workspace is not None
    section = window.workspace.settings().backups
    section.back_up_to(str(stick / "film.dcm" / "away"))
    driver.settle()
    camera.take("backups-error")
    section.back_up_to(str(stick))
    driver.settle()
    driver.click("backup_prove")
    driver.settle()
    section.plan.add_place(str(stick))
    camera.take("backups-done")
    section.verticalScrollBar().setValue(section.verticalScrollBar().maximum())
    camera.take("backups-plan")


def _damage(camera: Camera, window: "MainWindow", context: "UiContext", folder: Path) -> None:
    driver = camera.driver
    (folder / "keystore.copy.json").unlink()
    _unlock(driver, window, context, folder)
    driver.wait(lambda: driver.shown("damaged_screen"), "damage")
    camera.take("damaged-open")
    window.lock()
    driver.settle()
    database = folder / "clinic.db"
    data = bytearray(database.read_bytes())
    data[_SPOILT] = bytes(len(data[_SPOILT]))
    database.write_bytes(data)
    _unlock(driver, window, context, folder)
    camera.take("damaged-closed")
    driver.click("damaged_page_salvage")
    camera.take("salvage")
    driver.click("salvage_submit")
    driver.wait(lambda: driver.shown("salvage_finished"), "salvage")
    driver.settle()
    camera.take("salvage-done")
    driver.click("salvage_unlock")


def _restore(camera: Camera, window: "MainWindow", stick: Path, card: str) -> None:
    driver, page = camera.driver, window.start.rescue.restore
    driver.click("unlock_restore")
    camera.take("restore-empty")
    page.look_in(str(stick / "nowhere"))
    driver.settle()
    camera.take("restore-none")
    page.look_in(str(stick))
    driver.settle()
    groups = card.split("-")
    for number, group in enumerate((*groups[:-1], groups[-1][:-1] + "U"), start=1):
        driver.find(f"restore_card_{number}", QLineEdit).setFocus()
        driver.type(group)
    camera.take("restore-error")
    last = driver.find("restore_card_7", QLineEdit)
    last.setFocus()
    last.selectAll()
    driver.type(groups[-1])
    camera.take("restore")
    driver.click("restore_submit")
    driver.wait(lambda: driver.shown("restore_finished"), "restore")
    driver.settle()
    camera.take("restore-done")
    driver.click("restore_unlock")
