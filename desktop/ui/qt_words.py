"""Qt's own words, those of its file and print dialogs, in the window's language."""

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QObject, QTranslator

from desktop.i18n import Language
from desktop.ui.context import UiContext

# Qt speaks English by itself; its other languages come with the library.
_CATALOGUES = {Language.CHINESE: "qtbase_zh_CN"}


class QtWords(QObject):
    """Follows the language of the window."""

    def __init__(self, context: UiContext, application: QCoreApplication, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._application = application
        self._translator = QTranslator(self)
        context.language_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Speak the window's language from now on."""
        self._application.removeTranslator(self._translator)
        name = _CATALOGUES.get(self._context.language)
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if name is not None and self._translator.load(name, folder):
            self._application.installTranslator(self._translator)
