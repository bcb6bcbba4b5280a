"""Somebody else's worklist: who is expected today, found here or put on file with one key, and no name typed again."""

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QDialog, QStackedWidget, QWidget

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.ui.importing.register import RegisterDialog
from desktop.ui.network.peer_box import PeerBox
from desktop.ui.network.words import error_words, planned_row
from desktop.ui.patients.words import today
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.parts import button, column, label, row, set_role
from desktop.ui.widgets.rows import RowList
from desktop.workflow import network_archive as archive

if TYPE_CHECKING:
    from datetime import date

    from desktop.jobs import Job
    from desktop.records import Patient
    from desktop.records.dicom_node import Peer
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Operation
    from desktop.workflow import Clinic
    from desktop.workflow.network_archive import PlannedPatient

_SIZE = (820, 600)


class PlannedDialog(QDialog):
    """Choosing somebody who is known opens their page; anybody else is offered for registration."""

    def __init__(self, context: "UiContext", parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("planned_dialog")
        self.setWindowTitle(context.tr("network.planned.title"))
        self.resize(*_SIZE)
        self._context = context
        self._planned: tuple[PlannedPatient, ...] = ()
        self._asking: Operation[Any] | None = None
        self._build()

    def _build(self) -> None:
        tr = self._context.tr
        title, about = label("planned_title", "title", wrap=True), label("planned_about", "muted", wrap=True)
        title.setText(tr("network.planned.title"))
        about.setText(tr("network.planned.about"))
        self.day = Choice("planned_day", ("today", "any"))
        self.day.set_texts(tr("network.planned.day"), [tr("network.fetch.span.today"), tr("network.fetch.span.any")])
        self.day.set_value("today")
        self.day.chosen.connect(self._ask)
        self.peers = PeerBox(self._context, "planned_peer")
        self.peers.loaded.connect(self._peers_known)
        self.ask = button("planned_ask", "primary")
        self.ask.setText(tr("network.planned.ask"))
        self.ask.setEnabled(False)
        self.ask.clicked.connect(self._ask)
        form = row()
        form.addWidget(self.day)
        form.addWidget(self.peers, 1)
        form.addWidget(self.ask)
        self._note = label("planned_note", "muted", wrap=True)
        self._note.hide()
        self.list = RowList(self._context, "planned_list")
        self.list.setAccessibleName(tr("network.planned.title"))
        self.list.chosen.connect(self._choose)
        self._nothing = EmptyState(self._context, "planned_nothing", "list", has_button=False)
        self._nothing.set_texts(tr("network.planned.nothing_yet"))
        self._lists = QStackedWidget()
        self._lists.addWidget(self._nothing)
        self._lists.addWidget(self.list)
        close = button("planned_close", "quiet")
        close.setText(tr("ui.close"))
        close.clicked.connect(self.reject)
        foot = row()
        foot.addWidget(close)
        foot.addStretch(1)
        layout = column(self, margin=24, spacing=12)
        for part in (title, about):
            layout.addWidget(part)
        layout.addLayout(form)
        layout.addWidget(self._note)
        layout.addWidget(self._lists, 1)
        layout.addLayout(foot)

    def _peers_known(self) -> None:
        self.ask.setEnabled(self.peers.peer is not None)
        if self.peers.peer is None:
            self._say(self._context.tr("network.no_archive"), "caution")
        self.ask.setFocus()

    def _ask(self) -> None:
        peer = self.peers.peer
        if peer is None or self._asking is not None:
            return
        tr = self._context.tr
        day = today(self._context) if self.day.value == "today" else None
        self._say(tr("network.fetch.searching", device=peer.name))
        self.ask.setEnabled(False)
        self._asking = self._context.operations.run(
            partial(_planned, self._context.open_clinic, peer, day),
            initiator=self,
            done=self._show,
            failed=self._failed,
            ended=self._asked,
            pool="media",
            title=tr("network.progress.calling"),
        )

    def _show(self, planned: "tuple[PlannedPatient, ...]") -> None:
        tr = self._context.tr
        self._planned = planned
        self.list.set_rows([planned_row(self._context, str(at), one) for at, one in enumerate(planned)])
        self._nothing.set_texts(tr("network.planned.nothing"))
        self._lists.setCurrentWidget(self.list if planned else self._nothing)
        self._say(tr("network.planned.count", count=len(planned)) if planned else "")
        if planned:
            self.list.setCurrentIndex(self.list.rows.index(0))
            self.list.setFocus()

    def _asked(self) -> None:
        self._asking = None
        self.ask.setEnabled(self.peers.peer is not None)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._say(error_words(self._context, error), "danger")

    def _choose(self, key: str) -> None:
        one = self._planned[int(key)]
        if one.owner is not None:
            self._open(one.owner)
            return
        if not one.draft.names:
            self._say(self._context.tr("network.planned.nameless"), "caution")
            return
        if not self._context.open_clinic.session.may(Permission.EDIT_PATIENTS):
            self._say(self._context.tr("access.denied"), "caution")
            return
        dialog = RegisterDialog(self._context, one.draft, self)
        dialog.registered.connect(self._open)
        dialog.open()

    def _open(self, patient: "Patient") -> None:
        self.accept()
        self._context.patient_requested.emit(patient.id)
        self.deleteLater()

    def _say(self, words: str, role: str = "muted") -> None:
        self._note.setText(words)
        self._note.setVisible(bool(words))
        set_role(self._note, role)

    def reject(self) -> None:
        """Closing calls off what runs."""
        if self._asking is not None:
            self._asking.cancel()
        super().reject()
        self.deleteLater()


def _planned(clinic: "Clinic", peer: "Peer", day: "date | None", job: "Job") -> "tuple[PlannedPatient, ...]":
    return archive.planned_patients(clinic, job, peer, day)


def open_planned(context: "UiContext", parent: QWidget) -> None:
    """Show it."""
    if not context.open_clinic.session.may(Permission.IMPORT_IMAGES):
        context.toast(context.tr("access.denied"))
        return
    PlannedDialog(context, parent.window()).open()
