"""What is on its way to others, what arrived, and what could not go: tried again or called off here."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QTimer
from PySide6.QtWidgets import QDialog, QStackedWidget, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.records import Changes
from desktop.records.dicom_node import SendingId, SendingState
from desktop.ui.network.words import sending_row
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import button, column, label, row
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, SendingChanged, SendingView

_SIZE = (820, 560)
_LOOK_MILLISECONDS = 500
_OPEN = (SendingState.WAITING, SendingState.FAILED)


class SendingsDialog(QDialog):
    """The newest first. Whatever is not with the other side can be tried again at once, or called off."""

    def __init__(self, context: "UiContext", parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("sendings_dialog")
        self.setWindowTitle(context.tr("network.sendings.title"))
        self.resize(*_SIZE)
        self._context = context
        self._views: tuple[SendingView, ...] = ()
        tr = context.tr
        title, about = label("sendings_title", "title", wrap=True), label("sendings_about", "muted", wrap=True)
        title.setText(tr("network.sendings.title"))
        about.setText(tr("network.sendings.about"))
        self.list = RowList(context, "sendings_list")
        self.list.setAccessibleName(tr("network.sendings.title"))
        self.list.selectionModel().currentChanged.connect(self._moved)
        self._nothing = EmptyState(context, "sendings_nothing", "check", has_button=False)
        self._nothing.set_texts(tr("network.sendings.nothing"))
        self._lists = QStackedWidget()
        self._lists.addWidget(self._nothing)
        self._lists.addWidget(self.list)
        close = button("sendings_close", "quiet")
        close.setText(tr("ui.close"))
        close.clicked.connect(self.reject)
        self.off, self.again = button("sendings_off"), button("sendings_again", "primary")
        self.off.setText(tr("network.sendings.off"))
        self.again.setText(tr("network.sendings.again"))
        self.off.clicked.connect(self._call_off)
        self.again.clicked.connect(self._try_again)
        foot = row()
        foot.addWidget(close)
        foot.addStretch(1)
        foot.addWidget(self.off)
        foot.addWidget(self.again)
        layout = column(self, margin=24, spacing=12)
        for part in (title, about):
            layout.addWidget(part)
        layout.addWidget(self._lists, 1)
        layout.addLayout(foot)
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_MILLISECONDS)
        self._look.timeout.connect(self._look_again)
        self._look.start()
        context.changed.connect(self._on_changed)
        self.finished.connect(self.deleteLater)
        self._offer()
        self._load()

    def _load(self) -> None:
        clinic = self._context.open_clinic

        def work(job: "Job") -> "tuple[SendingView, ...]":
            return workflow.sendings_in_words(clinic, job)

        self._context.operations.run(work, initiator=self, done=self._show)

    def _show(self, views: "tuple[SendingView, ...]") -> None:
        first = not self._views
        self._views = views
        self._fill()
        self._lists.setCurrentWidget(self.list if views else self._nothing)
        if first and views:
            self.list.setFocus()

    def _fill(self) -> None:
        under_way = self._context.network.under_way
        rows = tuple(sending_row(self._context, view, under_way) for view in self._views)
        if rows != self.list.rows.rows:
            self.list.set_rows(rows, select_first=True)
        self._offer()

    def _look_again(self) -> None:
        """How far the one under way is."""
        if self._context.clinic is not None and self._context.network.under_way is not None:
            self._fill()

    def _moved(self, _current: QModelIndex, _previous: QModelIndex) -> None:
        self._offer()

    def _offer(self) -> None:
        view = self._chosen()
        state = view.sending.state if view is not None else None
        self.off.setEnabled(state in _OPEN)
        self.again.setEnabled(state in (*_OPEN, SendingState.CANCELLED))

    def _chosen(self) -> "SendingView | None":
        return next((view for view in self._views if view.sending.id == self.list.current_key), None)

    def _call_off(self) -> None:
        view = self._chosen()
        if view is not None:
            self._context.network.leave_off(view.sending.id)
            self._run(partial(_cancel, self._context.open_clinic, view.sending.id))

    def _try_again(self) -> None:
        view = self._chosen()
        if view is not None:
            self._run(partial(_requeue, self._context.open_clinic, view.sending.id))

    def _run(self, work: "partial[SendingChanged]") -> None:
        self._context.operations.run(work, initiator=self, done=self._done, failed=self._failed)

    def _done(self, _changed: "SendingChanged") -> None:
        self._context.network.send_now()
        self._load()

    def _failed(self, error: Exception) -> None:
        self._context.show_error(error, self)

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.network and initiator is not self and self._context.clinic is not None and self.isVisible():
            self._load()


def _cancel(clinic: "Clinic", sending: SendingId, job: "Job") -> "SendingChanged":
    return workflow.cancel_sending(clinic, job, sending)


def _requeue(clinic: "Clinic", sending: SendingId, job: "Job") -> "SendingChanged":
    return workflow.requeue_sending(clinic, job, sending)


def open_sendings(context: "UiContext", parent: QWidget) -> None:
    """Show it."""
    if not context.open_clinic.session.may(Permission.SEND_IMAGES):
        context.toast(context.tr("access.denied"))
        return
    SendingsDialog(context, parent.window()).open()
