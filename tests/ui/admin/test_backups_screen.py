"""Backing up, proving and planning in the window: real widgets, a real clinic, folders that stand for sticks."""

import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget

from desktop import workflow
from desktop.access import Role
from desktop.jobs import Job
from desktop.ui.admin.backup_plan import BackupPlanBox
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.widgets.rows import RowList
from desktop.workflow.clinic import system_clock
from tests.hanging import Hanging
from tests.ui.names import PASSPHRASE

DAY = timedelta(days=1)


class Watch:
    """The PC's clock, put forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


@pytest.fixture
def watch(opened: MainWindow, context: UiContext) -> Watch:
    made = Watch()
    object.__setattr__(context.open_clinic, "clock", made)  # frozen; the clinic of this test only
    return made


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    made = tmp_path / "media" / "STICK"
    made.mkdir(parents=True)
    return made


def text(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def look(driver: Driver, window: MainWindow) -> None:
    """What the keeper does by itself every five minutes."""
    assert window.workspace is not None
    window.workspace.status.backups.look()
    driver.settle()


def go(driver: Driver) -> None:
    driver.click("status_backup")
    driver.wait(lambda: driver.shown("backup_start"), "backups")
    driver.settle()


def choose(driver: Driver, window: MainWindow, folder: Path) -> None:
    """A folder in the dialog that asks for one."""
    dialog = next(one for one in window.findChildren(QFileDialog) if one.isVisible())
    dialog.fileSelected.emit(str(folder))
    dialog.close()
    driver.settle()


def test_one_button_backs_up_and_remembers_where(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path
) -> None:
    driver.settle()
    assert driver.find("status_backup", QPushButton).text() == "No backup yet"
    go(driver)
    assert driver.find("backup_start", QPushButton).hasFocus()
    assert driver.shown("backup_none")
    driver.press("Return")
    choose(driver, opened, stick)
    (made,) = stick.iterdir()
    assert "3 patients" in text(driver, "backup_result")
    assert str(made) in text(driver, "backup_result")
    assert driver.find("status_backup", QPushButton).text() == "Backup: just now"
    assert driver.find("backup_list", RowList).rows.rows[0].remark == "Verified"
    driver.press("Return")
    driver.settle()
    assert len(list(stick.iterdir())) == 2, "the second time nobody is asked where"
    assert len(driver.find("backup_list", RowList).rows.rows) == 2


def test_the_drill_says_that_the_backup_can_be_restored(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path
) -> None:
    go(driver)
    assert not driver.find("backup_prove", QPushButton).isEnabled()
    workflow.backups.back_up(context.open_clinic, Job(), stick)
    go(driver)
    assert text(driver, "backup_proven") == "No restore has been proven yet."
    driver.click("backup_prove")
    driver.settle()
    assert text(driver, "backup_proof").startswith("Proven")
    assert text(driver, "backup_proven").startswith("Last proven restore")
    assert driver.find("backup_list", RowList).rows.rows[0].remark == "Verified, restore proven"


def test_a_stick_that_is_gone_is_told_in_plain_words(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path
) -> None:
    workflow.backups.back_up(context.open_clinic, Job(), stick)
    shutil.rmtree(stick.parent)
    go(driver)
    assert driver.find("backup_list", RowList).rows.rows[0].remark == "Verified; stick not plugged in"
    driver.click("backup_start")
    driver.settle()
    assert "plug the disk or USB stick in again" in text(driver, "backup_result")
    assert context.open_clinic.store.is_open


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    made = Hanging(monkeypatch)
    yield made
    made.let_go()


def test_a_share_that_hangs_holds_up_neither_the_page_nor_saving(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path, hanging: Hanging
) -> None:
    workflow.backups.back_up(context.open_clinic, Job(), stick)
    driver.settle()
    hanging.place = stick
    go_quickly(driver)
    assert text(driver, "backup_last").startswith("Last verified backup: ")
    saved: list[object] = []
    context.operations.run(
        lambda job: saved.append(workflow.backups.backup_state(context.open_clinic, job)), initiator=opened
    )
    driver.wait(lambda: bool(saved), "the store's worker")
    assert hanging.asked, "the page asks for the stick at this moment"
    assert text(driver, "backup_none") == "Looking where the backups lie."
    hanging.let_go()
    driver.settle()
    assert driver.find("backup_list", RowList).rows.rows[0].remark == "Verified"


def go_quickly(driver: Driver) -> None:
    """To the page, without waiting for what it asks."""
    driver.click("status_backup")
    driver.wait(lambda: driver.shown("backup_start") and text(driver, "backup_last") != "", "backups")


def test_a_full_stick_is_told_and_stays_told(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow.backups.back_up(context.open_clinic, Job(), stick)
    go(driver)
    usage = shutil.disk_usage(stick)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=0))
    driver.click("backup_start")
    driver.settle()
    assert "MB are missing on the disk or USB stick" in text(driver, "backup_result")
    assert "full" in driver.find("status_backup", QPushButton).text()
    assert len(list(stick.iterdir())) == 1


def test_a_day_without_a_backup_shows_across_the_frame(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path, watch: Watch
) -> None:
    look(driver, opened)
    assert not driver.shown("backup_banner")
    watch.ahead = DAY + timedelta(hours=1)
    look(driver, opened)
    assert "no backup" in text(driver, "backup_banner_words")
    driver.press("Ctrl+2")
    assert driver.shown("backup_banner"), "it stands over every destination"
    driver.click("backup_banner_button")
    driver.settle()
    choose(driver, opened, stick)
    assert text(driver, "backup_result").startswith("Backed up and verified")
    assert not driver.shown("backup_banner")
    watch.ahead += 3 * DAY
    look(driver, opened)
    assert "3 days ago" in text(driver, "backup_banner_words")
    assert "3 days ago" in driver.find("status_backup", QPushButton).text()
    driver.click("backup_banner_button")
    driver.settle()
    assert not driver.shown("backup_banner"), "where the last one went, nobody is asked again"


def test_the_demo_clinic_is_not_nagged(
    driver: Driver, opened: MainWindow, context: UiContext, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(context.places), "demo_clinic", context.open_clinic.store.folder)
    watch.ahead = 3 * DAY
    look(driver, opened)
    assert not driver.shown("backup_banner")
    assert driver.find("status_backup", QPushButton).text() == "No backup yet"


def test_the_plan_is_saved_and_kept(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path, watch: Watch
) -> None:
    go(driver)
    box = driver.find("backup_plan", BackupPlanBox)
    assert not driver.find("backup_plan_save", QPushButton).isEnabled()
    box.add_place(str(stick))
    assert box.when.value == "daily"
    box.hour.setValue(0)
    driver.find("backup_plan_save", QPushButton).click()
    driver.settle()
    plan = workflow.backups.backup_state(context.open_clinic, Job()).plan
    assert ([Path(place.path) for place in plan.places], plan.hour) == ([stick], 0)
    look(driver, opened)
    assert list(stick.glob("lantern-*-scheduled/lantern-*")), "it was due, and made beside people's work"
    go(driver)
    assert "by plan" in driver.find("backup_list", RowList).rows.rows[0].title
    box.when.set_value("hours")
    box.interval.setValue(6)
    driver.find("backup_plan_undo", QPushButton).click()
    assert (box.when.value, box.hour.value()) == ("daily", 0)
    driver.settle()
    driver.find("backup_place_remove_0", QPushButton).click()
    box.when.set_value("off")
    box._touched()
    driver.find("backup_plan_save", QPushButton).click()
    driver.settle()
    assert workflow.backups.backup_state(context.open_clinic, Job()).plan.places == ()


def test_a_scheduled_backup_without_its_stick_is_told_once_and_stays_in_the_strip(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path, watch: Watch
) -> None:
    told: list[str] = []
    context.toast_requested.connect(told.append)
    workflow.backups.set_backup_plan(context.open_clinic, Job(), places=(stick,))
    shutil.move(stick, stick.with_name("drawer"))
    for _ in range(3):
        look(driver, opened)
    assert len(told) == 1
    assert "no backup stick is plugged in" in driver.find("status_backup", QPushButton).text()
    shutil.move(stick.with_name("drawer"), stick)
    look(driver, opened)
    driver.settle()
    assert driver.find("status_backup", QPushButton).text() == "Backup: just now"


def test_the_monthly_drill_is_done_when_it_is_due(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path, watch: Watch
) -> None:
    clinic = context.open_clinic
    workflow.backups.back_up(clinic, Job(), stick)
    look(driver, opened)
    assert workflow.backups.backup_state(clinic, Job()).proven is None
    watch.ahead = 31 * DAY
    workflow.backups.back_up(clinic, Job(), stick)
    look(driver, opened)
    assert workflow.backups.backup_state(clinic, Job()).proven is not None


def test_locking_makes_the_backup_that_is_due_and_then_closes(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path
) -> None:
    clinic = context.open_clinic
    workflow.backups.set_backup_plan(clinic, Job(), places=(stick,))
    driver.press("Ctrl+L")
    assert context.clinic is None
    assert driver.shown("unlock_page"), "nobody sees a patient meanwhile"
    driver.settle()
    assert list(stick.glob("lantern-*-scheduled/lantern-*/manifest.json"))
    assert not clinic.store.is_open
    with pytest.raises(ValueError, match="locked"):
        clinic.unlocked.master.derive("db")


def test_a_backup_under_way_ends_although_the_clinic_is_locked(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path
) -> None:
    clinic = context.open_clinic
    workflow.backups.back_up(clinic, Job(), stick)
    go(driver)
    driver.click("backup_start")
    opened.lock()
    driver.settle()
    assert len([path for path in stick.iterdir() if (path / "manifest.json").is_file()]) == 2
    assert not clinic.store.is_open


def test_a_nurse_backs_up_but_does_not_plan(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    clinic = context.open_clinic
    user = clinic.session.user
    object.__setattr__(clinic.session, "user", type(user)(user.id, user.name, (Role.NURSE.value,), user.public_key))
    go(driver)
    assert driver.find("backup_start", QPushButton).isEnabled()
    assert not driver.shown("backup_plan_save")
    assert not driver.find("backup_when", QWidget).isEnabled()
    assert text(driver, "backup_plan_note") == "An administrator can change the plan."


def test_closing_the_window_waits_for_the_backup_that_is_due(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path
) -> None:
    clinic, closed = context.open_clinic, []
    opened.closed.connect(lambda: closed.append(True))
    workflow.backups.set_backup_plan(clinic, Job(), places=(stick,))
    assert opened.workspace is not None
    opened.workspace.status.backups.activated()
    driver.settle()
    opened.close()
    assert opened.isVisible(), "it says why it is still there"
    assert driver.shown("unlock_page")
    driver.wait(lambda: bool(closed), "closed")
    assert list(stick.glob("lantern-*-scheduled/lantern-*/manifest.json"))
    assert not clinic.store.is_open


def test_coming_back_does_not_wait_for_a_backup(
    driver: Driver, opened: MainWindow, context: UiContext, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(clinic: workflow.Clinic, job: Job) -> None:
        while True:
            job.check()
            time.sleep(0.01)

    with monkeypatch.context() as patched:
        patched.setattr(workflow.backups, "run_scheduled_backup", endless)
        opened.lock()
        driver.type(PASSPHRASE)
        driver.press("Return")
        driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    assert driver.shown("today_screen")
