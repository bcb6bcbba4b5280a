"""The first start: create the clinic, or look around in the demo clinic."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton

from desktop import workflow
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.parts import button, card, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH = 720


class WelcomePage(StartPage):
    """Two big choices side by side."""

    create_requested = Signal()
    demo_requested = Signal()
    folder_requested = Signal()
    restore_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "welcome_page", _WIDTH)
        title = label("welcome_title", "title")
        about = label("welcome_about", "muted", wrap=True)
        self.texts.add(title.setText, "start.welcome.title")
        self.texts.add(about.setText, "start.welcome.about")
        self.body.addWidget(title)
        self.body.addWidget(about)
        choices = row(spacing=16)
        self.create_button = button("create_clinic", "primary")
        self.demo_button = button("explore_demo")
        self.icons.add(self.create_button, "clinic")
        self.icons.add(self.demo_button, "lantern")
        self.texts.add(self.create_button.setText, "start.welcome.create")
        self.texts.add(self.demo_button.setText, "start.welcome.demo")
        self._demo_user = label("demo_user", "small", wrap=True)
        choices.addWidget(self._choice("start.welcome.create.about", self.create_button))
        choices.addWidget(self._choice("start.welcome.demo.about", self.demo_button, self._demo_user))
        self.body.addLayout(choices)
        self.other_button = button("open_other_folder", "quiet")
        self.texts.add(self.other_button.setText, "start.welcome.other")
        self.restore_button = button("welcome_restore", "quiet")
        self.texts.add(self.restore_button.setText, "backup.restore.title")
        foot = row()
        foot.addWidget(self.other_button)
        foot.addStretch(1)
        foot.addWidget(self.restore_button)
        self.body.addLayout(foot)
        self.create_button.clicked.connect(self.create_requested)
        self.demo_button.clicked.connect(self.demo_requested)
        self.other_button.clicked.connect(self.folder_requested)
        self.restore_button.clicked.connect(self.restore_requested)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self._demo_user.setText(
            self.context.tr("start.demo.credentials", user=workflow.DEMO_USER, passphrase=workflow.DEMO_PASSPHRASE)
        )

    def activated(self) -> None:
        """The bright button has the focus."""
        self.create_button.setFocus()

    def _choice(self, about_key: str, action: QPushButton, note: QLabel | None = None) -> QFrame:
        box = card()
        inside = column(box, margin=16, spacing=12)
        about = label(role="body", wrap=True)
        self.texts.add(about.setText, about_key)
        inside.addWidget(about)
        inside.addStretch(1)
        if note is not None:
            inside.addWidget(note)
        inside.addWidget(action)
        return box
