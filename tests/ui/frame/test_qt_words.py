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


def test_files_have_a_size_and_folders_a_name_in_chinese(context: UiContext, window: MainWindow) -> None:
    asked = (
        ("QFileSystemModel", "Size", ""),
        ("QAbstractFileIconProvider", "Folder", "All other platforms"),
        ("QAbstractFileIconProvider", "Drive", ""),
        ("QFileSystemModel", "Name", ""),
    )
    for language, said in (
        (Language.CHINESE, ["大小", "文件夹", "驱动器", "名称"]),
        (Language.ENGLISH, ["Size", "Folder", "Drive", "Name"]),
        (Language.CHINESE, ["大小", "文件夹", "驱动器", "名称"]),
    ):
        context.set_language(language)
        assert [QCoreApplication.translate(*one) for one in asked] == said
