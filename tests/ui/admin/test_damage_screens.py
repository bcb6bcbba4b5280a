"""Real damage to a real clinic's files: each is named in the window, with what to do."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QWidget

from desktop import workflow
from desktop.jobs import Job
from desktop.settings import Places
from desktop.store import StoreFiles
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from tests.conftest import ExpectLog
from tests.ui.names import PASSPHRASE, USER

PAGE = 4096


def flip(path: Path, *places: int) -> None:
    """Spoil bytes of a file."""
    data = bytearray(path.read_bytes())
    for place in places:
        data[place] ^= 0xFF
    path.write_bytes(data)


def words_in(driver: Driver, name: str) -> str:
    """Every word that a visible widget shows."""
    return "\n".join(label.text() for label in driver.find(name, QWidget).findChildren(QLabel))


def unlock(driver: Driver) -> None:
    driver.settle()
    driver.find("unlock_passphrase", QLineEdit).setText(PASSPHRASE)
    driver.click("unlock_submit")


def destroy_database(folder: Path) -> None:
    flip(StoreFiles(folder).database, *range(16, 400))


def remove_database(folder: Path) -> None:
    StoreFiles(folder).database.unlink()


def replace_by_plain(folder: Path) -> None:
    StoreFiles(folder).database.write_bytes(b"SQLite format 3\0" + bytes(PAGE))


@pytest.mark.parametrize(
    ("damage", "named", "salvable"),
    [
        (destroy_database, "damaged and cannot be read", True),
        (remove_database, "database is missing", False),
        (replace_by_plain, "not encrypted", False),
    ],
)
def test_a_clinic_that_does_not_open_says_why_and_what_to_do(
    driver: Driver,
    locked: MainWindow,
    context: UiContext,
    places: Places,
    damage: Callable[[Path], None],
    named: str,
    salvable: bool,
) -> None:
    damage(places.clinic)
    before = {path: path.read_bytes() for path in places.clinic.rglob("*") if path.is_file()}
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_page"), "damage")
    driver.settle()
    assert named in words_in(driver, "damaged_page_problems")
    assert context.clinic is None
    assert driver.find("damaged_page_restore", QPushButton).hasFocus()
    assert driver.shown("damaged_page_salvage") is salvable
    assert locked.start.unlock.passphrase.secret() == ""
    after = {path: path.read_bytes() for path in before}
    assert after == before, "looking changes nothing"
    driver.press("Esc")
    assert driver.shown("unlock_page")


def test_lost_key_files_are_told_before_anybody_types(
    driver: Driver, locked: MainWindow, context: UiContext, places: Places
) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        (places.clinic / name).unlink()
    locked.start.begin()
    driver.settle()
    assert "key file of this clinic is missing" in words_in(driver, "damaged_page_problems")
    driver.click("damaged_page_restore")
    assert driver.shown("restore_page")
    driver.press("Esc")
    assert driver.shown("damaged_page")
    driver.click("damaged_page_other")
    assert driver.shown("welcome_page")


def test_an_edited_keystore_is_called_that(driver: Driver, locked: MainWindow, places: Places) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        path = places.clinic / name
        path.write_text(
            path.read_text(encoding="utf-8").replace('"administrator"', '"administratox"'), encoding="utf-8"
        )
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_page"), "damage")
    driver.settle()
    assert "changed by something other than Lantern" in words_in(driver, "damaged_page_problems")
    assert not driver.shown("damaged_page_salvage")


def test_a_newer_store_is_refused_calmly(
    driver: Driver, locked: MainWindow, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop.store import migrations

    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_page"), "newer store")
    driver.settle()
    assert driver.find("damaged_page_title", QLabel).text() == "This clinic needs a newer Lantern"
    assert not driver.shown("damaged_page_restore")
    assert driver.find("damaged_page_back", QPushButton).hasFocus()


def test_newer_key_files_are_refused_as_calmly(driver: Driver, locked: MainWindow, places: Places) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        path = places.clinic / name
        path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    locked.start.begin()
    driver.settle()
    assert driver.find("damaged_page_title", QLabel).text() == "This clinic needs a newer Lantern"
    assert "written by a newer Lantern" in words_in(driver, "damaged_page_problems")
    assert not driver.shown("damaged_page_restore")


def test_what_is_whole_is_saved_into_a_new_clinic(
    driver: Driver, locked: MainWindow, context: UiContext, places: Places
) -> None:
    destroy_database(places.clinic)
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_page"), "damage")
    driver.settle()
    driver.click("damaged_page_salvage")
    target = locked.start.rescue.salvage.target
    assert target == places.clinic.with_name("clinic-saved")
    assert driver.find("salvage_submit", QPushButton).hasFocus(), "nobody types the passphrase twice"
    driver.press("Return")
    driver.wait(lambda: driver.shown("salvage_finished"), "salvage")
    driver.settle()
    assert "3 patients" in driver.find("salvage_saved", QLabel).text()
    driver.press("Return")
    assert driver.shown("unlock_page")
    assert locked.start.folder == target
    unlock(driver)
    driver.wait(lambda: context.clinic is not None, "saved clinic")
    driver.settle()
    assert len(workflow.recent_patients(context.open_clinic, Job(), 10)) == 3
    locked.lock()
    driver.settle()


def test_salvage_that_cannot_be_done_says_why(
    driver: Driver, locked: MainWindow, context: UiContext, places: Places
) -> None:
    data = StoreFiles(places.clinic).database
    data.write_bytes(bytes(range(256)) * (data.stat().st_size // 256))
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_page"), "damage")
    driver.settle()
    driver.click("damaged_page_salvage")
    driver.find("salvage_passphrase", QLineEdit).setText("not the passphrase")
    driver.click("salvage_submit")
    driver.settle()
    assert "wrong" in driver.find("salvage_error", QLabel).text()
    driver.find("salvage_passphrase", QLineEdit).setText(PASSPHRASE)
    driver.click("salvage_submit")
    driver.settle()
    assert "Nothing that can be proven" in driver.find("salvage_error", QLabel).text()
    assert not places.clinic.with_name("clinic-saved").exists()
    driver.press("Esc")
    driver.press("Esc")
    assert driver.shown("unlock_page")
    assert locked.start.rescue.salvage.passphrase.secret() == ""


@pytest.fixture
def torn(places: Places, clinic_template: Path, tmp_path: Path) -> Callable[[], None]:
    """Make the clinic one that was not closed: its write-ahead log still holds what was committed last."""

    def tear() -> None:
        folder = places.clinic
        clinic = workflow.unlock(folder, Job(), user=USER, passphrase=PASSPHRASE, models=workflow.load_models())
        aside = tmp_path / f"aside-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(folder, aside)
        workflow.lock(clinic)
        shutil.rmtree(folder)
        shutil.copytree(aside, folder)
        assert StoreFiles(folder).write_ahead_log.stat().st_size > 0

    return tear


def test_a_clinic_that_was_not_closed_is_looked_at_and_said_to_be_whole(
    driver: Driver, locked: MainWindow, context: UiContext, torn: Callable[[], None]
) -> None:
    told: list[str] = []
    context.toast_requested.connect(told.append)
    torn()
    unlock(driver)
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    assert told == ["Lantern had not been closed the last time. The clinic was looked at, and nothing is missing."]
    assert driver.shown("today_screen")
    locked.lock()
    driver.settle()


def test_a_lost_write_ahead_log_is_a_page_and_work_may_go_on(
    driver: Driver, locked: MainWindow, context: UiContext, places: Places, torn: Callable[[], None]
) -> None:
    torn()
    StoreFiles(places.clinic).write_ahead_log.unlink()
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_screen"), "page")
    driver.settle()
    assert "-wal file was lost after a power cut" in words_in(driver, "damaged_problems")
    assert driver.find("damaged_continue", QPushButton).hasFocus()
    driver.press("Return")
    assert driver.shown("today_screen")
    locked.lock()
    driver.settle()
    assert words_in_locked(locked) == ""


def words_in_locked(window: MainWindow) -> str:
    """What the page that was shown before locking still holds."""
    assert window.workspace is not None
    return "".join(
        label.text() for label in window.workspace.damaged.problems.findChildren(QLabel) if label.isVisible()
    )


def test_a_missing_key_copy_is_named_after_unlocking(
    driver: Driver, locked: MainWindow, context: UiContext, places: Places
) -> None:
    (places.clinic / "keystore.copy.json").unlink()
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_screen"), "page")
    assert "keystore.copy.json" in words_in(driver, "damaged_problems")
    driver.click("damaged_restore")
    driver.wait(lambda: driver.shown("restore_page"), "restore")
    assert context.clinic is None
    driver.settle()


def test_checking_everything_groups_the_problems_by_kind(
    driver: Driver, locked: MainWindow, context: UiContext, places: Places
) -> None:
    (places.clinic / "keystore.copy.json").unlink()
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_screen"), "page")
    driver.click("damaged_check")
    driver.wait(lambda: driver.shown("check_verdict"), "check")
    driver.settle()
    assert driver.find("check_verdict", QLabel).text() == "One problem found."
    assert words_in(driver, "check_found").startswith("Key files")
    locked.lock()
    driver.settle()


def test_a_proof_kept_elsewhere_is_compared(
    driver: Driver, opened: MainWindow, context: UiContext, tmp_path: Path, places: Places
) -> None:
    clinic = context.open_clinic
    made = workflow.backups.back_up(clinic, Job(), tmp_path / "stick")
    assert opened.workspace is not None
    opened.workspace._check_now()
    section = opened.workspace.settings()._sections["check"]
    driver.settle()
    assert driver.find("check_verdict", QLabel).text() == "Everything is there and unchanged."
    section.compare(made.folder / "manifest.json")  # type: ignore[attr-defined]  # the check's section
    driver.settle()
    assert "manifest.json has it" in driver.find("check_verdict", QLabel).text()
    (tmp_path / "nonsense.json").write_text("{}", encoding="utf-8")
    section.compare(tmp_path / "nonsense.json")  # type: ignore[attr-defined]  # the check's section
    driver.settle()
    assert driver.find("error_message", QLabel).text() == "What you gave is no audit head."
    driver.click("error_close")


def test_a_check_can_be_cancelled(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    assert opened.workspace is not None
    opened.workspace._check_now()
    driver.click("check_stop")
    driver.settle()
    assert not driver.shown("check_verdict")
    assert driver.find("check_start", QPushButton).isEnabled()


def test_a_damaged_database_is_left_for_a_backup_or_what_is_whole(
    driver: Driver,
    locked: MainWindow,
    context: UiContext,
    places: Places,
    torn: Callable[[], None],
    expected_log: ExpectLog,
) -> None:
    torn()
    clinic = workflow.unlock(places.clinic, Job(), user=USER, passphrase=PASSPHRASE, models=workflow.load_models())
    with clinic.store.snapshot() as tx:
        table = tx.patients._rows.one("SELECT rootpage FROM sqlite_schema WHERE name = 'backup_runs'")
    workflow.lock(clinic)
    assert table is not None
    torn()
    flip(StoreFiles(places.clinic).database, (int(table[0]) - 1) * PAGE + 100)
    unlock(driver)
    driver.wait(lambda: driver.shown("damaged_screen"), "page")
    driver.settle()
    assert "damaged" in words_in(driver, "damaged_problems")
    assert "may be lost" in driver.find("damaged_about", QLabel).text()
    assert not driver.shown("damaged_continue"), "nobody is invited to go on"
    assert driver.find("damaged_restore", QPushButton).hasFocus()
    assert not driver.shown("error_dialog"), "told once, on the page"
    with expected_log("desktop.workflow.opening"), expected_log("desktop.store.signing"):
        driver.click("damaged_salvage")
        driver.wait(lambda: driver.shown("salvage_page"), "salvage")
        assert context.clinic is None
        driver.settle()
    driver.type(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: driver.shown("salvage_finished"), "salvage")
    driver.settle()
    assert "3 patients" in driver.find("salvage_saved", QLabel).text()
