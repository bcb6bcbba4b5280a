"""English and 简体中文, both always in sight."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPushButton, QWidget

from desktop.i18n import Language
from desktop.ui.widgets.parts import button, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


class LanguageSwitch(QWidget):
    """Two buttons; the language changes at once, everywhere."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("language_switch")
        self._context = context
        self._buttons: dict[Language, QPushButton] = {}
        layout = row(self, spacing=4)
        for language in Language:
            made = button(f"language_{language.value}", "quiet")
            made.setText(language.own_name)
            made.setCheckable(True)
            made.setAutoExclusive(True)
            made.setProperty("language", language.value)
            made.clicked.connect(self._choose)
            layout.addWidget(made)
            self._buttons[language] = made
        context.language_changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Mark the language in use."""
        for language, made in self._buttons.items():
            made.setChecked(language is self._context.language)

    def _choose(self) -> None:
        for language, made in self._buttons.items():
            if made.isChecked():
                self._context.set_language(language)
                return
