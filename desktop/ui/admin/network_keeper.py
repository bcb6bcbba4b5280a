"""Runs the clinic's DICOM node while the clinic is open, and tells the screens what it brings."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject, QTimer, Signal

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.records import Changes, StudyId

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.records.dicom_node import ArrivalId, SendingId
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, Hearers, NodeStatus, Outbox, RunningNode, SendingCounts, Stored, UnderWay

_NEWS_MILLISECONDS = 700
_LOOK_MILLISECONDS = 10_000


class _Place:
    """Holds the node of one sitting, or where it is off what sends without it. Whoever closes it ends both, even what
    comes about only then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self.node: RunningNode | None = None
        self.outbox: Outbox | None = None

    def put(self, node: "RunningNode | None", outbox: "Outbox") -> None:
        """It works now. outbox: the node's own, where there is one."""
        with self._lock:
            if not self._closed:
                self.node, self.outbox = node, outbox
                return
        (node or outbox).stop()

    def close(self) -> None:
        """End it. May take as long as an object that is being stored or sent."""
        with self._lock:
            self._closed = True
            running, self.node, self.outbox = self.node or self.outbox, None, None
        if running is not None:
            running.stop()


class NodeKeeper(QObject):
    """Starts the node after unlocking, where it is on, and what sends in any case. `changed` whenever `status`,
    `waiting`, `sendings` or `trouble` may have.

    waiting: objects of which it is asked whose they are. sendings: how many wait, and how many were given up; None
    before anybody counted. has_peers: whether any device on the list can be called. trouble: why the node does not
    listen though it should.
    """

    changed = Signal()
    _heard = Signal(object)
    _stirred = Signal()
    _tried = Signal()

    def __init__(self, context: "UiContext", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._place = _Place()
        self._studies: dict[StudyId, None] = {}
        self._news = self._sent = False
        self._aside: tuple[ArrivalId, ...] = ()
        self.waiting = 0
        self.sendings: SendingCounts | None = None
        self.has_peers = False
        self.trouble: UserFacingError | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_NEWS_MILLISECONDS)
        self._soon.timeout.connect(self._tell)
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_MILLISECONDS)
        self._look.timeout.connect(self.changed)
        self._heard.connect(self._take)
        self._stirred.connect(self._stir)
        self._tried.connect(self._take_try)
        context.changed.connect(self._on_changed)
        context.unlocked.connect(self.activated)
        context.locked.connect(self._rest)

    @property
    def status(self) -> "NodeStatus | None":
        """How the node is doing; None where it does not listen."""
        node = self._place.node
        return node.status if node is not None else None

    @property
    def under_way(self) -> "UnderWay | None":
        """What is being sent now."""
        outbox = self._place.outbox
        return outbox.under_way if outbox is not None else None

    @property
    def hearers(self) -> "Hearers":
        """For what is fetched: it is told as what was sent to us."""
        return workflow.Hearers(stored=self._say_stored, quiet=self._say_stirred, sent=self._say_tried)

    def send_now(self) -> None:
        """Something is to go at once."""
        if self._place.outbox is not None:
            self._place.outbox.wake()
        self._count()

    def leave_off(self, sending: "SendingId") -> None:
        """Stop sending this one, if it is being sent."""
        if self._place.outbox is not None:
            self._place.outbox.leave_off(sending)

    def activated(self) -> None:
        """The clinic was unlocked."""
        self._start(_Place())
        self._count()

    def restart(self) -> None:
        """The settings are others now."""
        if self._context.clinic is not None:
            self._start(self._place)

    def release(self) -> Callable[[], None]:
        """Let go of the node before the clinic is locked; call what this returns, off the main thread, to end it."""
        place, self._place = self._place, _Place()
        return place.close

    def ask_models(self, studies: tuple[StudyId, ...]) -> None:
        """In the background, so that suggestions are there when the doctor has read."""
        clinic = self._context.clinic
        if clinic is None or not clinic.session.may(Permission.IMPORT_IMAGES):
            return
        for study in studies:
            self._context.operations.run(
                partial(_suggest, clinic, study),
                initiator=self,
                failed=self._silent,
                pool="compute",
                title=self._context.tr("reading.progress.suggest"),
            )

    def put_aside(self, arrivals: "tuple[ArrivalId, ...]") -> None:
        """They are nobody's of this clinic; a notice offers to take that back, wherever one is by then."""
        clinic = self._context.open_clinic
        self._aside = arrivals

        def work(job: "Job") -> Settled:
            return Settled(workflow.set_aside_arrivals(clinic, job, arrivals))

        self._context.operations.run(work, initiator=self, done=self._put_aside)

    def _put_aside(self, settled: "Settled") -> None:
        self._context.toast(self._context.tr("network.inbox.put_aside"), self._ask_again)
        self._count()

    def _ask_again(self) -> None:
        clinic, arrivals = self._context.clinic, self._aside
        if clinic is None:
            return

        def work(job: "Job") -> Settled:
            return Settled(workflow.ask_again(clinic, job, arrivals))

        self._context.operations.run(work, initiator=self, done=self._asked_again)

    def _asked_again(self, settled: "Settled") -> None:
        self._count()

    def _start(self, before: _Place) -> None:
        clinic, place = self._context.open_clinic, _Place()
        self._place, self.trouble = place, None
        hearers = self.hearers

        def work(job: "Job") -> None:
            before.close()
            try:
                node = workflow.start_dicom_node(clinic, job, hearers)
            except UserFacingError:
                place.put(None, workflow.start_outbox(clinic, job, hearers))
                raise
            place.put(node, node.outbox if node is not None else workflow.start_outbox(clinic, job, hearers))

        self._context.operations.run(work, initiator=self, failed=self._failed, ended=self._started, pool="media")

    def _started(self) -> None:
        if self._place.node is not None:
            self._look.start()
        self.changed.emit()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self.trouble = error

    # From the node's threads

    def _say_stored(self, stored: "Stored") -> None:
        if shiboken6.isValid(self):
            self._heard.emit(stored)

    def _say_tried(self) -> None:
        if shiboken6.isValid(self):
            self._tried.emit()

    def _say_stirred(self) -> None:
        if shiboken6.isValid(self):
            self._stirred.emit()

    # On the main thread

    def _take(self, stored: "Stored") -> None:
        if stored.study is not None and not stored.duplicate:
            self._studies[stored.study] = None
        self._news = True
        self._stir()

    def _take_try(self) -> None:
        self._sent = True
        self._stir()

    def _stir(self) -> None:
        if self._context.clinic is not None and not self._soon.isActive():
            self._soon.start()

    def _tell(self) -> None:
        """What came since the last time, at once for many objects; the models are asked once nobody sends."""
        if self._context.clinic is None:
            return
        if self._news or self._sent:
            news, self._news, self._sent = self._news, False, False
            self._context.announce(Changes(patients=news, studies=news, network=True), self)
            self._count()
        status = self.status
        if self._studies and status is not None and status.connected:
            self._soon.start()
        elif self._studies:
            studies, self._studies = tuple(self._studies), {}
            self.ask_models(studies)
        self.changed.emit()

    def _count(self) -> None:
        clinic = self._context.open_clinic

        def work(job: "Job") -> _Counts:
            return _Counts(
                workflow.count_waiting_arrivals(clinic, job),
                workflow.count_sendings(clinic, job),
                any(peer.listens for peer in workflow.dicom_peers(clinic, job)),
            )

        self._context.operations.run(work, initiator=self, done=self._counted, failed=self._silent)

    def _counted(self, counts: "_Counts") -> None:
        self.waiting, self.sendings, self.has_peers = counts.arrivals, counts.sendings, counts.peers
        self.changed.emit()

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.network and initiator is not self and self._context.clinic is not None:
            self._count()

    def _silent(self, error: Exception) -> None:
        """What is wrong with the clinic itself is told elsewhere."""

    def _rest(self) -> None:
        """The clinic is locked."""
        self._soon.stop()
        self._look.stop()
        self._studies, self._news, self._sent = {}, False, False
        self.waiting, self.sendings, self.has_peers, self.trouble = 0, None, False, None
        self.changed.emit()


@dataclass(frozen=True)
class _Counts:
    """What waits for somebody. peers: whether there is anybody to call."""

    arrivals: int
    sendings: "SendingCounts"
    peers: bool


@dataclass(frozen=True)
class Settled:
    """What a deed about arrivals changed."""

    changes: Changes


def _suggest(clinic: "Clinic", study: StudyId, job: "Job") -> "workflow.Suggested":
    return workflow.suggest(clinic, job, study)
