"""Which device: a box with those of the list that can be called."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox

from desktop import workflow
from desktop.records.dicom_node import Peer

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext


class PeerBox(QComboBox):
    """Signals: loaded() once the devices are there, or it is known that there are none."""

    loaded = Signal()

    def __init__(self, context: "UiContext", name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._context = context
        self._peers: tuple[Peer, ...] = ()
        self.setAccessibleName(context.tr("network.device"))
        self.setMinimumContentsLength(20)
        clinic = context.open_clinic

        def work(job: "Job") -> tuple[Peer, ...]:
            return tuple(peer for peer in workflow.dicom_peers(clinic, job) if peer.listens)

        context.operations.run(work, initiator=self, done=self._take)

    @property
    def peer(self) -> Peer | None:
        """The chosen one; None where there is none."""
        return self._peers[self.currentIndex()] if 0 <= self.currentIndex() < len(self._peers) else None

    def _take(self, peers: tuple[Peer, ...]) -> None:
        self._peers = peers
        self.clear()
        self.addItems([peer.name for peer in peers])
        self.setEnabled(len(peers) > 1)
        self.loaded.emit()
