from PySide6.QtCore import QCoreApplication

from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.main_window import MainWindow


def look_in() -> str:
    return QCoreApplication.translate("QFileDialog", "Look in:")


def test_qts_own_dialogs_follow_the_language(context: UiContext, window: MainWindow) -> None:
    context.set_language(Language.CHINESE)
    assert look_in() != "Look in:"
    context.set_language(Language.ENGLISH)
    assert look_in() == "Look in:"
