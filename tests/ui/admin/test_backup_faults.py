"""What goes wrong with a stick, each once through the page: what it says in both languages, and what is left."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.store import backup_check, backup_database, backup_files
from desktop.store.backup_check import Backup
from desktop.store.restore import find_backups
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow

Fault = Callable[[Path, pytest.MonkeyPatch], None]


def pulled_out(stick: Path, patched: pytest.MonkeyPatch) -> None:
    """While the records are copied; the folder it was mounted on stays."""
    real = backup_database.copy_database

    def copy(*arguments: Any) -> None:
        for path in stick.iterdir():
            shutil.rmtree(path)
        real(*arguments)

    patched.setattr("desktop.store.backup.copy_database", copy)


def full_half_way(stick: Path, patched: pytest.MonkeyPatch) -> None:
    """Somebody else's films fill it while the clinic's are copied."""

    def digest(*_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patched.setattr(backup_files, "_digest", digest)


def write_protected(stick: Path, patched: pytest.MonkeyPatch) -> None:
    real = Path.mkdir

    def mkdir(path: Path, *arguments: Any, **named: Any) -> None:
        if path.is_relative_to(stick):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        real(path, *arguments, **named)

    patched.setattr(Path, "mkdir", mkdir)


def spoilt(stick: Path, patched: pytest.MonkeyPatch) -> None:
    """What comes back is not what was written."""
    real = backup_check.faults_of

    def faults(made: Backup, *rest: Any) -> object:
        data = bytearray((made.folder / "database").read_bytes())
        data[9000] ^= 1
        (made.folder / "database").write_bytes(data)
        return real(made, *rest)

    patched.setattr("desktop.store.backup.faults_of", faults)


SAID: dict[Fault, tuple[str, str, str]] = {
    pulled_out: (
        "The disk or USB stick with the backup cannot be reached any more. The clinic is untouched. "
        "Plug it in again and leave it in until Lantern says that it has finished.",
        "存放备份的磁盘或 U 盘已无法访问。诊所数据未受影响。请重新插好，在明灯提示完成之前不要拔出。",
        "the stick was pulled out",
    ),
    full_half_way: (
        "The disk or USB stick filled up while the backup was written. What was begun was removed; earlier backups and "
        "the clinic are untouched. Free some space there, or use a larger disk or USB stick.",
        "备份写到一半，磁盘或 U 盘就满了。未完成的部分已清除，以前的备份和诊所数据未受影响。"
        "请在那里清理出一些空间，或换用更大的磁盘、U 盘。",
        "the stick or disk was full",
    ),
    write_protected: (
        "The disk or USB stick is write-protected. The clinic and earlier backups are untouched. "
        "Slide its small lock to the other side, or use another disk or USB stick.",
        "该磁盘或 U 盘处于写保护状态。诊所数据和以前的备份未受影响。请拨动它的写保护开关，或换用另一个磁盘、U 盘。",
        "the stick is write-protected",
    ),
    spoilt: (
        '"database" could not be read back as it was written.\n'
        "Do not rely on this backup. Make another one on another disk or USB stick.",
        "“database”写入后读回的内容不一致。\n请勿依赖这份备份，请换一块磁盘或 U 盘重新备份。",
        "the backup could not be read back",
    ),
}


@pytest.fixture
def stick(tmp_path: Path, context: UiContext, opened: MainWindow) -> Path:
    """A stick with a good backup."""
    made = tmp_path / "media" / "STICK"
    made.mkdir(parents=True)
    workflow.backups.back_up(context.open_clinic, Job(), made)
    return made


def told(driver: Driver, expected: str) -> str:
    """The result; of a backup that was made after all, only what is wrong with it: its last lines."""
    lines = driver.find("backup_result", QLabel).text().split("\n")
    return "\n".join(lines[-len(expected.split("\n")) :])


@pytest.mark.parametrize("fault", SAID, ids=lambda fault: fault.__name__)
def test_what_is_wrong_with_a_stick_is_said_in_both_languages(
    driver: Driver, context: UiContext, stick: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = {backup.folder for backup in find_backups(stick)}
    driver.click("status_backup")
    driver.wait(lambda: driver.shown("backup_start"), "backups")
    driver.settle()
    english, chinese, why = SAID[fault]
    with monkeypatch.context() as patched:
        fault(stick, patched)
        driver.click("backup_start")
        driver.settle()
    assert told(driver, english) == english
    assert why in driver.find("status_backup", QPushButton).text()
    context.set_language(Language.CHINESE)
    driver.settle()
    assert told(driver, chinese) == chinese
    if fault is pulled_out:
        assert not list(stick.iterdir()), "nothing is written to the folder that the stick left"
    else:
        assert {backup.folder for backup in find_backups(stick)} >= earlier
        assert not list(stick.glob("*.partial"))
    assert workflow.verify(context.open_clinic, Job()).ok
