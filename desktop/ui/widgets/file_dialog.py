"""The dialog that asks for a file or a folder."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QWidget

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


def file_dialog(context: "UiContext", parent: QWidget, title: str) -> QFileDialog:
    """A dialog whose every word is in the window's language: Qt's own Chinese leaves two of them out."""
    dialog = QFileDialog(parent, title)
    dialog.setLabelText(QFileDialog.DialogLabel.LookIn, context.tr("ui.files.look_in"))
    dialog.setLabelText(QFileDialog.DialogLabel.FileType, context.tr("ui.files.type"))
    return dialog
