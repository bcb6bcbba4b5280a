"""Files dropped anywhere on the window."""

from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QObject, QUrl, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

_DRAGS = frozenset({QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop})


class FileDrops(QObject):
    """Takes files from the system's window, before a text field can turn them into words.

    Active while `area` is visible and no dialog lies over it. Signals: dropped(tuple of Path).
    """

    dropped = Signal(object)

    def __init__(self, area: QWidget) -> None:
        super().__init__(area)
        self._area = area
        area.setAcceptDrops(True)
        handle = area.window().windowHandle()
        if handle is not None:
            handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept local files, hand them over when they are let go."""
        if event.type() not in _DRAGS or not self._area.isVisible() or QApplication.activeModalWidget() is not None:
            return False
        drag = cast(QDropEvent, event)
        paths = _local_files(drag.mimeData().urls())
        if not paths:
            return False
        drag.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self.dropped.emit(paths)
        return True


def _local_files(urls: list[QUrl]) -> tuple[Path, ...]:
    return tuple(Path(url.toLocalFile()) for url in urls if url.isLocalFile())
