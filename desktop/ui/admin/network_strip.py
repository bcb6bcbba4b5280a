"""The imaging network in the status strip: whether it listens, what it asks, and what is on its way to others."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton

from desktop.access import Permission
from desktop.ui.widgets.parts import set_role

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


class NodeStrip(QPushButton):
    """Hidden where the network is off and nothing waits. Signals: arrivals_requested, settings_requested."""

    arrivals_requested = Signal()
    settings_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("status_network")
        self.setProperty("role", "strip")
        self.setAutoDefault(True)
        self._context = context
        self._keeper = keeper = context.network
        self.clicked.connect(self._pressed)
        keeper.changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language, and show how things stand."""
        tr, keeper, clinic = self._context.tr, self._keeper, self._context.clinic
        status = keeper.status
        asks = keeper.waiting > 0 and clinic is not None and clinic.session.may(Permission.IMPORT_IMAGES)
        if asks:
            words = tr("network.strip.waiting", count=keeper.waiting)
        elif keeper.trouble is not None:
            words = tr("network.strip.trouble")
        elif status is not None:
            words = tr("network.strip.busy" if status.connected else "network.strip.on")
        else:
            words = ""
        self.setVisible(bool(words))
        self.setText(words)
        tip = tr(keeper.trouble.key, **keeper.trouble.details) if keeper.trouble is not None else ""
        self.setToolTip(tip)
        self.setAccessibleDescription(tip)
        set_role(self, "strip_next" if asks else "strip_alarm" if keeper.trouble is not None else "strip")

    def _pressed(self) -> None:
        clinic = self._context.clinic
        if clinic is None:
            return
        if self._keeper.waiting and clinic.session.may(Permission.IMPORT_IMAGES):
            self.arrivals_requested.emit()
        elif clinic.session.may(Permission.MANAGE_CLINIC):
            self.settings_requested.emit()


class SendingStrip(QPushButton):
    """Hidden where nothing is to be sent and nothing was given up. Signals: sendings_requested."""

    sendings_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("status_sendings")
        self.setProperty("role", "strip")
        self.setAutoDefault(True)
        self._context = context
        self._keeper = context.network
        self.clicked.connect(self._pressed)
        self._keeper.changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language, and show how things stand."""
        tr, counts = self._context.tr, self._keeper.sendings
        failed = counts.failed if counts is not None else 0
        waiting = counts.waiting if counts is not None else 0
        if self._keeper.under_way is not None:
            words = tr("network.strip.sending")
        elif failed:
            words = tr("network.strip.not_sent", count=failed)
        elif waiting:
            words = tr("network.strip.to_send", count=waiting)
        else:
            words = ""
        self.setVisible(bool(words))
        self.setText(words)
        set_role(self, "strip_alarm" if failed and self._keeper.under_way is None else "strip")

    def _pressed(self) -> None:
        clinic = self._context.clinic
        if clinic is not None and clinic.session.may(Permission.SEND_IMAGES):
            self.sendings_requested.emit()
