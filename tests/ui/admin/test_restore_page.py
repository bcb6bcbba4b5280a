"""A bare PC, a backup and the recovery card: the clinic comes back through the window."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit, QPushButton

from desktop import workflow
from desktop.jobs import Job
from desktop.settings import Places
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.widgets.rows import RowList
from tests.ui.names import CLINIC, PASSPHRASE, USER


@pytest.fixture
def card(tmp_path: Path, cheap_keys: None) -> str:
    """A clinic somewhere else, two backups of it on a stick, and its recovery card's code."""
    made = workflow.create_clinic(
        tmp_path / "elsewhere",
        Job(),
        name=CLINIC,
        admin=USER,
        passphrase=PASSPHRASE,
        models=workflow.load_models(),
    )
    for _ in range(2):
        workflow.backups.back_up(made.clinic, Job(), tmp_path / "stick")
    workflow.lock(made.clinic)
    return made.recovery_card.code


@pytest.fixture
def stick(tmp_path: Path, card: str) -> Path:
    return tmp_path / "stick"


def look_in(driver: Driver, window: MainWindow, folder: Path) -> None:
    """Press the bright button and choose a folder in the dialog."""
    driver.click("restore_choose")
    dialog = next(one for one in window.findChildren(QFileDialog) if one.isVisible())
    dialog.fileSelected.emit(str(folder))
    dialog.close()
    driver.settle()


def enter(driver: Driver, code: str) -> None:
    """The whole code, as it is read off the card."""
    for place, group in enumerate(code.split("-"), start=1):
        field = driver.find(f"restore_card_{place}", QLineEdit)
        field.setFocus()
        field.selectAll()
        driver.type(group)
    driver.settle()


def begin(driver: Driver, window: MainWindow, folder: Path) -> None:
    driver.settle()
    driver.click("welcome_restore")
    assert driver.find("restore_choose", QPushButton).hasFocus()
    look_in(driver, window, folder)


def test_a_clinic_comes_back_with_nothing_but_the_card(
    driver: Driver, window: MainWindow, context: UiContext, stick: Path, card: str, places: Places
) -> None:
    begin(driver, window, stick)
    rows = driver.find("restore_list", RowList).rows.rows
    assert len(rows) == 2
    assert "0 patients" in rows[0].subtitle
    chosen = driver.find("restore_list", RowList).current_key
    assert chosen == rows[0].key, "the newest is chosen"
    assert driver.find("restore_card_1", QLineEdit).hasFocus()
    assert str(places.clinic) in driver.find("restore_target", QLabel).text()
    enter(driver, card)
    assert driver.shown("restore_card_fits")
    driver.press("Return")
    driver.wait(lambda: driver.shown("restore_finished"), "restore")
    driver.settle()
    assert driver.find("restore_verdict", QLabel).text() == "Everything was checked and is whole."
    assert driver.find("restore_unlock", QPushButton).hasFocus()
    driver.press("Return")
    assert driver.shown("unlock_page")
    driver.find("unlock_passphrase", QLineEdit).setText(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    assert context.open_clinic.name == CLINIC
    assert context.open_clinic.store.folder == places.clinic
    assert driver.find("status_backup", QPushButton).text().startswith("Backup: "), "the one that it came from"
    assert not driver.shown("backup_banner")
    driver.click("status_backup")
    driver.wait(lambda: driver.shown("backup_start"), "backups")
    driver.settle()
    assert driver.find("backup_last", QLabel).text().startswith("This clinic was restored from the backup of ")
    newest, before = driver.find("backup_list", RowList).rows.rows
    assert newest.title.endswith("· this clinic was restored from it")
    assert (newest.subtitle, newest.remark) == (chosen, "Verified")
    assert before.title.endswith("· by hand")
    window.lock()
    driver.settle()
    assert window.start.rescue.restore.card_code.code.strip("-") == "", "the code is forgotten"


def test_a_clinic_that_is_there_is_left_alone(
    driver: Driver, locked: MainWindow, context: UiContext, stick: Path, card: str, places: Places
) -> None:
    before = {path: path.read_bytes() for path in places.clinic.rglob("*") if path.is_file()}
    driver.settle()
    driver.click("unlock_restore")
    look_in(driver, locked, stick)
    beside = places.clinic.with_name("clinic-2")
    assert locked.start.rescue.restore.target == beside
    enter(driver, card)
    driver.click("restore_submit")
    driver.wait(lambda: driver.shown("restore_finished"), "restore")
    driver.settle()
    driver.click("restore_unlock")
    assert locked.start.folder == beside
    assert {path: path.read_bytes() for path in before} == before


def test_a_place_that_was_filled_meanwhile_is_not_overwritten(
    driver: Driver, window: MainWindow, stick: Path, card: str, places: Places
) -> None:
    begin(driver, window, stick)
    places.clinic.mkdir(parents=True)
    (places.clinic / "letters.txt").write_text("mine", encoding="utf-8")
    enter(driver, card)
    driver.click("restore_submit")
    driver.settle()
    assert "something in the folder already" in driver.find("restore_error", QLabel).text()
    assert window.start.rescue.restore.target == places.clinic.with_name("clinic-2")
    assert (places.clinic / "letters.txt").read_text(encoding="utf-8") == "mine"


def test_mistyped_and_foreign_cards_are_told_apart(
    driver: Driver, window: MainWindow, stick: Path, card: str, tmp_path: Path
) -> None:
    begin(driver, window, stick)
    wrong = card[:-1] + ("2" if card[-1] != "2" else "3")
    enter(driver, wrong)
    assert "Group 7 of the recovery code is mistyped" in driver.find("restore_card_note", QLabel).text()
    other = workflow.create_clinic(
        tmp_path / "other", Job(), name="B", admin="B", passphrase=PASSPHRASE, models=workflow.load_models()
    )
    workflow.lock(other.clinic)
    enter(driver, other.recovery_card.code)
    assert "does not belong to this clinic" in driver.find("restore_error", QLabel).text()
    assert not driver.shown("restore_card_fits")
    enter(driver, card)
    assert driver.shown("restore_card_fits")
    assert not driver.shown("restore_error")


def test_damage_of_the_backup_is_never_called_a_wrong_card(
    driver: Driver, window: MainWindow, stick: Path, card: str, places: Places
) -> None:
    for backup in stick.iterdir():
        data = bytearray((backup / "database").read_bytes())
        data[9000] ^= 1
        (backup / "database").write_bytes(data)
    begin(driver, window, stick)
    enter(driver, card)
    driver.click("restore_submit")
    driver.settle()
    assert 'damaged: "database"' in driver.find("restore_error", QLabel).text()
    assert not places.clinic.exists()
    shutil.rmtree(stick)
    driver.click("restore_submit")
    driver.settle()
    assert driver.shown("restore_error")
    assert not places.clinic.exists()


def test_a_folder_without_a_backup_says_so(driver: Driver, window: MainWindow, tmp_path: Path) -> None:
    begin(driver, window, tmp_path)
    assert "no backup of Lantern in this folder" in driver.find("restore_error", QLabel).text()
    assert not driver.shown("restore_submit")
    assert driver.find("restore_choose", QPushButton).hasFocus()
    driver.press("Esc")
    assert driver.shown("welcome_page")


def test_a_full_disk_is_told_and_leaves_nothing(
    driver: Driver, window: MainWindow, stick: Path, card: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(driver, window, stick)
    enter(driver, card)
    usage = shutil.disk_usage(stick)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=0))
    driver.click("restore_submit")
    driver.settle()
    assert "MB are missing on the disk that holds the clinic" in driver.find("restore_error", QLabel).text()
    assert not places.clinics.exists() or not list(places.clinics.iterdir())


def test_the_card_may_be_pasted_and_another_place_chosen(
    driver: Driver, window: MainWindow, stick: Path, card: str, tmp_path: Path
) -> None:
    begin(driver, window, stick)
    QGuiApplication.clipboard().setText(card)
    driver.find("restore_card_1", QLineEdit).setFocus()
    driver.press("Ctrl+V")
    driver.settle()
    assert driver.shown("restore_card_fits")
    (tmp_path / "big disk").mkdir()
    (tmp_path / "big disk" / "films").mkdir()
    window.start.rescue.restore.put_in(str(tmp_path / "big disk"))
    assert str(tmp_path / "big disk" / "clinic") in driver.find("restore_target", QLabel).text()
    QGuiApplication.clipboard().clear()
