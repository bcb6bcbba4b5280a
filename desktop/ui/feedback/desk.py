"""Where pictures are answered about: one at the left, what is asked at the right, or a word on why nothing is."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QStackedWidget, QWidget

from desktop.ui.feedback.actions import LOOK_ACTIONS
from desktop.ui.viewers.film import FilmViewer
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import card, column, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_SIDE_WIDTH = 396


class Desk(QStackedWidget):
    """`viewer` and `side` while there is a picture, `empty` while there is none. Signal: again() asks what is next."""

    again = Signal()

    def __init__(self, context: "UiContext", name: str, page: QWidget) -> None:
        """Fills the page. name: begins the object names."""
        super().__init__()
        self.viewer = FilmViewer(context)
        self.side = card(f"{name}_side", "plain")
        self.side.setFixedWidth(_SIDE_WIDTH)
        self.empty = EmptyState(context, f"{name}_empty", "check")
        self.empty.pressed.connect(self.again)
        if (button := self.empty.findChild(QPushButton)) is not None:
            self.empty.setFocusProxy(button)
        work = QWidget()
        across = row(work, spacing=0)
        across.addWidget(self.viewer, 1)
        across.addWidget(self.side)
        self.addWidget(work)
        self.addWidget(self.empty)
        column(page).addWidget(self)
        self.setCurrentWidget(self.empty)

    def looks(self) -> dict[str, Callable[[], object]]:
        """What the keys that change the look of the picture do."""
        return {one.id: partial(self._look, one.id) for one in LOOK_ACTIONS}

    def ask(self) -> None:
        """There is a picture to answer about."""
        self.setCurrentIndex(0)

    def rest(self) -> None:
        """There is none; whoever looks on can ask again with Enter."""
        self.setCurrentWidget(self.empty)
        if self.isVisible():
            self.empty.setFocus()

    def clear(self) -> None:
        """Forget the picture."""
        self.viewer.clear()
        self.setCurrentWidget(self.empty)

    def _look(self, command: str) -> None:
        self.viewer.run(command)
