import re

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QLabel

from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.main_window import MainWindow
from desktop.ui.widgets.file_dialog import file_dialog


def look_in() -> str:
    return QCoreApplication.translate("QFileDialog", "Look in:")


def test_qts_own_dialogs_follow_the_language(context: UiContext, window: MainWindow) -> None:
    context.set_language(Language.CHINESE)
    assert look_in() != "Look in:"
    context.set_language(Language.ENGLISH)
    assert look_in() == "Look in:"


def test_a_file_dialog_speaks_one_language(context: UiContext, window: MainWindow) -> None:
    context.set_language(Language.CHINESE)
    dialog = file_dialog(context, window, "选择")
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    words = [part.text() for part in dialog.findChildren(QLabel) if part.text().strip()]
    dialog.deleteLater()
    assert "查找位置：" in words
    assert "文件类型：" in words
    assert all(re.search("[\u4e00-\u9fff]", text) for text in words), words
