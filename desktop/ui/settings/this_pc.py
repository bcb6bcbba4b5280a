"""Settings of this PC: language, look, minutes until it locks itself."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.settings import Theme
from desktop.ui.settings.section import Section
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.language_switch import LanguageSwitch
from desktop.ui.widgets.parts import row
from desktop.ui.widgets.spin_box import SpinBox

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_MINUTES = (1, 60)
_FIELD_WIDTH = 140


class ThisPcSection(Section):
    """Every choice takes effect at once; nothing needs saving."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "settings_this_pc", "settings.section.this_pc")
        self.box("settings.language").addLayout(_left(LanguageSwitch(context)))
        self.theme = Choice("settings_theme", [theme.value for theme in Theme])
        self.theme.chosen.connect(self._choose_theme)
        self.box("settings.theme", "settings.theme.about").addWidget(self.theme)
        self.minutes = SpinBox("settings_idle", *_MINUTES, width=_FIELD_WIDTH)
        self.minutes.valueChanged.connect(self._choose_minutes)
        self.texts.add(self.minutes.setAccessibleName, "settings.idle")
        self.box("settings.idle", "settings.idle.about").addLayout(_left(self.minutes))
        self.body.addStretch(1)
        context.settings_changed.connect(self._show)
        self.retranslate()
        self._show()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        tr = self.context.tr
        self.theme.set_texts(tr("settings.theme"), [tr(f"settings.theme.{theme.value}") for theme in Theme])
        self.minutes.setSuffix(tr("settings.idle.suffix"))

    def _show(self) -> None:
        self.theme.set_value(self.context.settings.theme.value)
        self.minutes.blockSignals(True)
        self.minutes.setValue(self.context.settings.idle_minutes)
        self.minutes.blockSignals(False)

    def _choose_theme(self, value: str) -> None:
        self.context.set_theme(Theme(value))

    def _choose_minutes(self, minutes: int) -> None:
        self.context.change_settings(replace(self.context.settings, idle_minutes=minutes))


def _left(widget: QWidget) -> QHBoxLayout:
    layout = row()
    layout.addWidget(widget)
    layout.addStretch(1)
    return layout
