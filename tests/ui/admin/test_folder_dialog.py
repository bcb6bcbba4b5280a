"""Asking for a folder: it begins at the last one, else at a stick, else at home."""

from pathlib import Path

import pytest
from PySide6.QtCore import QDir
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.context import UiContext
from desktop.ui.widgets import folder_dialog


@pytest.mark.parametrize(
    ("last", "stick", "begins"), [(True, True, "last"), (False, True, "stick"), (False, False, "")]
)
def test_it_begins_where_the_person_probably_wants(
    qtbot: QtBot,
    context: UiContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    last: bool,
    stick: bool,
    begins: str,
) -> None:
    for name in ("last", "stick"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(folder_dialog, "plugged_in", lambda: (tmp_path / "stick",) if stick else ())
    window = QWidget()
    qtbot.addWidget(window)
    chosen: list[str] = []
    start = tmp_path / "last" if last else tmp_path / "pulled out"
    folder_dialog.ask_for_folder(context, window, "Where", chosen.append, start)
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    assert Path(dialog.directory().path()) == (tmp_path / begins if begins else Path(QDir.homePath()))
    dialog.fileSelected.emit("here")
    assert chosen == ["here"]
    dialog.close()


def test_the_system_disk_is_no_stick() -> None:
    assert Path("/") not in folder_dialog.plugged_in()
