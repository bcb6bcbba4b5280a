"""Sending a study: to whom. It then goes by itself, now or as soon as the other side is there."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.records import StudyId
from desktop.records.dicom_node import SendingParts
from desktop.ui.network.peer_box import PeerBox
from desktop.ui.network.words import error_words
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.parts import button, column, label, row, set_role

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, Sendable, SendingChanged

_WIDTH = 520


class SendDialog(QDialog):
    """One question, one key."""

    def __init__(self, context: "UiContext", study: StudyId, whose: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("send_dialog")
        self.setWindowTitle(context.tr("network.send.title"))
        self.setMinimumWidth(_WIDTH)
        self._context = context
        self._study = study
        tr = context.tr
        title, about = label("send_title", "title", wrap=True), label("send_about", "muted", wrap=True)
        title.setText(tr("network.send.whose", name=whose) if whose else tr("network.send.title"))
        about.setText(tr("network.send.about"))
        self._count = label("send_count", wrap=True)
        self.parts = Choice("send_parts", tuple(SendingParts))
        self.parts.set_texts(
            tr("network.send.parts"), [tr(f"network.send.parts.{part.value}") for part in SendingParts]
        )
        self.parts.set_value(SendingParts.IMAGES)
        self.parts.hide()
        caption = label(role="strong")
        caption.setText(tr("network.send.to"))
        self.peers = PeerBox(context, "send_peer")
        caption.setBuddy(self.peers)
        self.peers.loaded.connect(self._peers_known)
        self._note = label("send_note", "muted", wrap=True)
        self._note.hide()
        cancel = button("send_cancel", "quiet")
        cancel.setText(tr("ui.cancel"))
        cancel.clicked.connect(self.reject)
        self.send = button("send_send", "primary")
        self.send.setText(tr("network.send"))
        self.send.setEnabled(False)
        self.send.clicked.connect(self._send)
        foot = row()
        foot.addWidget(cancel)
        foot.addStretch(1)
        foot.addWidget(self.send)
        layout = column(self, margin=24, spacing=12)
        for part in (title, about, self._count, self.parts, caption, self.peers, self._note):
            layout.addWidget(part)
        layout.addLayout(foot)
        self.finished.connect(self.deleteLater)
        context.operations.run(
            partial(_sendable, context.open_clinic, study), initiator=self, done=self._show, failed=self._failed
        )

    def _show(self, found: "Sendable") -> None:
        self._count.setText(self._context.tr("network.inbox.images", count=found.images))
        self.parts.setVisible(found.signed)
        if found.signed:
            self.parts.set_value(SendingParts.BOTH)

    def _peers_known(self) -> None:
        there = self.peers.peer is not None
        self.send.setEnabled(there)
        if there:
            self.send.setFocus()
        else:
            self._say(self._context.tr("network.no_archive"), "caution")

    def _send(self) -> None:
        peer = self.peers.peer
        if peer is None:
            return
        self.send.setEnabled(False)
        self._context.operations.run(
            partial(_queue, self._context.open_clinic, self._study, peer.name, SendingParts(self.parts.value)),
            initiator=self,
            done=self._queued,
            failed=self._failed,
        )

    def _queued(self, changed: "SendingChanged") -> None:
        self._context.network.send_now()
        self._context.toast(self._context.tr("network.send.queued", device=changed.sending.peer))
        self.accept()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._say(error_words(self._context, error), "danger")
        self.send.setEnabled(self.peers.peer is not None)

    def _say(self, words: str, role: str) -> None:
        self._note.setText(words)
        self._note.setVisible(bool(words))
        set_role(self._note, role)


def _queue(clinic: "Clinic", study: StudyId, peer: str, parts: SendingParts, job: "Job") -> "SendingChanged":
    return workflow.queue_study(clinic, job, study, peer, parts)


def _sendable(clinic: "Clinic", study: StudyId, job: "Job") -> "Sendable":
    return workflow.sendable(clinic, job, study)


def open_send(context: "UiContext", study: StudyId, whose: str, parent: QWidget) -> None:
    """Ask where a study is to go."""
    if not context.open_clinic.session.may(Permission.SEND_IMAGES):
        context.toast(context.tr("access.denied"))
        return
    SendDialog(context, study, whose, parent.window()).open()
