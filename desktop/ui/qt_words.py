"""Qt's own words, those of its file and print dialogs, in the window's language."""

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QObject, QTranslator

from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.qt_catalogue import QtWord, qt_catalogue

# Qt speaks English by itself; its other languages come with the library.
_CATALOGUES = {Language.CHINESE: "qtbase_zh_CN"}

_ANYWHERE_ELSE = "All other platforms"
_OURS = {
    QtWord("QFileSystemModel", "Size"): "ui.files.size",
    QtWord("QAbstractFileIconProvider", "Folder", _ANYWHERE_ELSE): "ui.files.folder",
    QtWord("QAbstractFileIconProvider", "Drive"): "ui.files.drive",
}
"""Words of the file dialog that Qt's Chinese has wrong or not at all (the size of a file is a volume in it)."""


class QtWords(QObject):
    """Follows the language of the window."""

    def __init__(self, context: UiContext, application: QCoreApplication, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._application = application
        self._translator = QTranslator(self)
        self._corrected = QTranslator(self)
        self._catalogue = b""
        context.language_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Speak the window's language from now on."""
        for translator in (self._translator, self._corrected):
            self._application.removeTranslator(translator)
        name = _CATALOGUES.get(self._context.language)
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if name is None or not self._translator.load(name, folder):
            return
        self._application.installTranslator(self._translator)
        # A catalogue, not a translator in Python: threads of Qt's own ask for words while the main thread waits for
        # them. The translator reads from these bytes and does not copy them.
        self._catalogue = qt_catalogue({word: self._context.tr(key) for word, key in _OURS.items()})
        self._corrected.load(self._catalogue)
        self._application.installTranslator(self._corrected)  # the one installed last is asked first
