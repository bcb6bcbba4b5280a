"""Files dropped anywhere on the window."""

from pathlib import Path
from typing import cast

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QUrl, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

_DRAGS = frozenset({QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop})


class FileDrops(QObject):
    """Takes files before a text field can turn them into words. `dropped(tuple of Path)`.

    Active while `area` is visible; other windows are left alone.
    """

    dropped = Signal(object)

    def __init__(self, application: QCoreApplication, area: QWidget) -> None:
        super().__init__(area)
        self._area = area
        area.setAcceptDrops(True)
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept local files over the area, hand them over when they are let go."""
        if event.type() not in _DRAGS or not self._area.isVisible() or not isinstance(watched, QWidget):
            return False
        if watched is not self._area and not self._area.isAncestorOf(watched):
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
