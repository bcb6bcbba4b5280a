"""The dialog that asks for a folder or a stick; the sticks that are plugged in stand at its left."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDir, QStorageInfo, Qt, QUrl
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.ui.widgets.file_dialog import file_dialog

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WHERE_STICKS_ARE = ("/media/", "/run/media/", "/Volumes/")


def ask_for_folder(
    context: "UiContext", parent: QWidget, title: str, chosen: Callable[[str], object], start: Path | None = None
) -> None:
    """Open it; it does not block. chosen: called with the folder. start: where to begin, if that is there."""
    sticks = plugged_in()
    dialog = file_dialog(context, parent, title)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.setSidebarUrls([QUrl.fromLocalFile(str(place)) for place in (*sticks, Path(QDir.homePath()))])
    begin = next((place for place in (start, *sticks) if place is not None and place.is_dir()), Path(QDir.homePath()))
    dialog.setDirectory(str(begin))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(chosen)
    dialog.open()


def plugged_in() -> tuple[Path, ...]:
    """Disks and sticks that can be taken out, by their place; on Windows every drive but the system's."""
    system = QStorageInfo.root().rootPath()
    found = []
    for volume in QStorageInfo.mountedVolumes():
        path = volume.rootPath()
        is_drive = len(path) <= len("E:/") and path.endswith(":/")
        if (
            volume.isValid()
            and volume.isReady()
            and path != system
            and (is_drive or path.startswith(_WHERE_STICKS_ARE))
        ):
            found.append(Path(path))
    return tuple(found)
