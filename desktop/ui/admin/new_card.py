"""A new recovery card: printed and confirmed first, and only then does the present one end."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from desktop.ui.start.recovery import RecoveryPage
from desktop.ui.widgets.parts import column

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, RecoveryCard

_SIZE = (800, 660)


class NewCardPage(RecoveryPage):
    """`finished` once two groups were typed back, `given_up` to keep the present card."""

    given_up = Signal()

    TITLE = "people.card.title"
    ABOUT = "people.card.confirm"
    WITHOUT = "people.card.keep"
    CONTINUE = "people.card.take"

    def go_without(self) -> None:
        """The present card stays good; nothing is lost."""
        self.given_up.emit()


class NewCardDialog(QDialog):
    """Accepted once the card is in the person's hands."""

    def __init__(self, context: "UiContext", card: "RecoveryCard", clinic: "Clinic", parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("new_card_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(context.tr("people.card.title"))
        self.resize(*_SIZE)
        self.card = card
        self._page = NewCardPage(context)
        self._page.show_card(card, clinic)
        column(self).addWidget(self._page)
        self._page.finished.connect(self.accept)
        self._page.given_up.connect(self.reject)
        self._page.activated()

    def done(self, result: int) -> None:
        """Take the code from the screen; closing the dialog comes here too."""
        self._page.clear()
        super().done(result)
