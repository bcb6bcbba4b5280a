"""What was copied from this window leaves the clipboard when the clinic is locked."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication


class ClipboardGuard(QObject):
    """Remembers whether the clipboard was filled while one of our windows had the focus.

    Asking the system who owns the clipboard is not enough: some platforms do not know.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._ours = False
        QGuiApplication.clipboard().dataChanged.connect(self._filled)

    def wipe(self) -> None:
        """Empty it if its content is ours; what another program put there stays."""
        clipboard = QGuiApplication.clipboard()
        if self._ours or clipboard.ownsClipboard():
            clipboard.clear()
        if clipboard.supportsSelection() and clipboard.ownsSelection():
            clipboard.clear(clipboard.Mode.Selection)
        self._ours = False

    def _filled(self) -> None:
        self._ours = QGuiApplication.focusWindow() is not None
