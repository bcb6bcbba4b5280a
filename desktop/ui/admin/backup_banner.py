"""Across the frame while more than a day has passed without a backup: in words, with the button that ends it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel

from desktop.ui.admin.backup_words import age, failure_words, sentences
from desktop.ui.icons import pixmap
from desktop.ui.widgets.parts import button, label, row

if TYPE_CHECKING:
    from desktop.ui.admin.backup_keeper import BackupKeeper
    from desktop.ui.context import UiContext

_ICON = 20


class BackupBanner(QFrame):
    """`pressed` where a backup is wanted now."""

    pressed = Signal()

    def __init__(self, context: "UiContext", keeper: "BackupKeeper") -> None:
        super().__init__()
        self.setObjectName("backup_banner")
        self.setProperty("role", "alarm")
        self._context = context
        self._keeper = keeper
        self._icon = QLabel()
        self._words = label("backup_banner_words", "alarm", wrap=True)
        self._button = button("backup_banner_button", "alarm")
        self._button.clicked.connect(self.pressed)
        inside = row(self, spacing=12)
        inside.setContentsMargins(16, 8, 16, 8)
        inside.addWidget(self._icon)
        inside.addWidget(self._words, 1)
        inside.addWidget(self._button)
        keeper.changed.connect(self.retranslate)
        context.theme_changed.connect(self._paint)
        self._paint()
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language, and show how things stand."""
        tr, state = self._context.tr, self._keeper.state
        self._button.setText(tr("backup.now.button"))
        if state is not None and self._keeper.alarm:
            now = self._context.open_clinic.clock()
            last = state.last
            parts = [tr("backup.alarm", age=age(self._context, last.as_of, now)) if last else tr("backup.alarm.none")]
            failed = self._keeper.trouble or (state.failure.failure if state.failure is not None else "")
            if failed:
                parts.append(tr("backup.alarm.failed", why=failure_words(self._context, failed)))
            parts.append(tr("backup.alarm.meaning" if last else "backup.alarm.none_meaning"))
            self._words.setText(sentences(self._context, parts))
        self.setVisible(self._keeper.alarm)

    def _paint(self) -> None:
        scale = max(2.0, self.devicePixelRatioF())
        self._icon.setPixmap(pixmap("warning", self._context.colours.window, _ICON, scale))
