"""Fetching images from an archive: search, choose, watch, and say whose they are where that is asked."""

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QGridLayout, QProgressBar, QStackedWidget, QWidget

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.ui.network.peer_box import PeerBox
from desktop.ui.network.words import error_words, study_row
from desktop.ui.patients.words import today
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.fields import Choice, Field
from desktop.ui.widgets.parts import button, column, label, row, set_role
from desktop.ui.widgets.rows import RowList
from desktop.workflow import network_archive as archive

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.records import Patient
    from desktop.records.dicom_node import Peer
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Operation
    from desktop.workflow import Clinic, Hearers
    from desktop.workflow.network_archive import ArchivedStudy, FetchedStudy, Wanted

_SIZE = (900, 660)
_SPANS = {"any": None, "today": 0, "week": 7, "month": 31, "year": 366}
_KINDS = ("any", "CR", "DX", "CT", "MR", "US", "ECG")
_LOOK_MILLISECONDS = 200


class FetchDialog(QDialog):
    """Whose a study would be stands beside it before it is fetched; what no rule can answer is asked afterwards."""

    def __init__(self, context: "UiContext", patient: "Patient | None", parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("fetch_dialog")
        self.setWindowTitle(context.tr("network.fetch.title"))
        self.resize(*_SIZE)
        self._context = context
        self._found: tuple[ArchivedStudy, ...] = ()
        self._fetched: dict[str, str] = {}
        self._searching: Operation[Any] | None = None
        self._fetching: Operation[Any] | None = None
        self._asked = 0
        self._current = ""
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_MILLISECONDS)
        self._look.timeout.connect(self._show_progress)
        self._build()
        if patient is not None:
            self.name.edit.setText(patient.display_name)
        self._ready()
        self._say(context.tr("network.fetch.about"))
        self.name.edit.setFocus()
        self.name.edit.selectAll()

    # Building

    def _build(self) -> None:
        tr = self._context.tr
        layout = column(self, margin=24, spacing=12)
        title = label("fetch_title", "title", wrap=True)
        title.setText(tr("network.fetch.title"))
        layout.addWidget(title)
        layout.addLayout(self._build_form())
        self._note = label("fetch_note", "muted", wrap=True)
        layout.addWidget(self._note)
        self.list = RowList(self._context, "fetch_list")
        self.list.setAccessibleName(tr("network.fetch.found"))
        self.list.chosen.connect(self._fetch)
        self._nothing = EmptyState(self._context, "fetch_nothing", "search", has_button=False)
        self._nothing.set_texts(tr("network.fetch.nothing_yet"))
        self._lists = QStackedWidget()
        self._lists.addWidget(self._nothing)
        self._lists.addWidget(self.list)
        layout.addWidget(self._lists, 1)
        self.bar = QProgressBar(self)
        self.bar.setObjectName("fetch_progress")
        self.bar.setTextVisible(False)
        self.bar.hide()
        layout.addWidget(self.bar)
        self._whose = button("fetch_whose")
        self._whose.setText(tr("network.fetch.whose"))
        self._whose.clicked.connect(self._ask_whose)
        self._whose.hide()
        self._stop = button("fetch_stop")
        self._stop.setText(tr("network.fetch.stop"))
        self._stop.clicked.connect(self.stop)
        self._stop.hide()
        self._close = button("fetch_close", "quiet")
        self._close.setText(tr("ui.close"))
        self._close.clicked.connect(self.reject)
        foot = row()
        foot.addWidget(self._close)
        foot.addStretch(1)
        for made in (self._whose, self._stop):
            foot.addWidget(made)
        layout.addLayout(foot)

    def _build_form(self) -> QGridLayout:
        tr = self._context.tr
        self.name, self.number = Field("fetch_name"), Field("fetch_number")
        self.name.set_caption(tr("network.fetch.name"))
        self.name.set_hint(tr("network.fetch.name.hint"))
        self.number.set_caption(tr("network.fetch.number"))
        self.number.set_hint(tr("network.fetch.number.hint"))
        self.span, self.kind = Choice("fetch_span", tuple(_SPANS)), Choice("fetch_kind", _KINDS)
        self.span.set_texts(tr("network.fetch.span"), [tr(f"network.fetch.span.{name}") for name in _SPANS])
        self.kind.set_texts(tr("network.fetch.kind"), [tr("network.fetch.kind.any"), *_KINDS[1:]])
        self.span.set_value("any")
        self.kind.set_value("any")
        self.peers = PeerBox(self._context, "fetch_peer")
        self.peers.loaded.connect(self._peers_known)
        self.search = button("fetch_search", "primary")
        self.search.setText(tr("network.fetch.search"))
        self.search.clicked.connect(self._search)
        for field in (self.name, self.number):
            field.edit.returnPressed.connect(self._search)
        for choice in (self.span, self.kind):
            choice.entered.connect(self._search)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.number, 0, 1)
        for at, (key, choice) in enumerate((("network.fetch.span", self.span), ("network.fetch.kind", self.kind))):
            caption = label(role="strong")
            caption.setText(tr(key))
            grid.addWidget(caption, 1, at)
            grid.addWidget(choice, 2, at)
        last = row()
        last.addWidget(self.peers, 1)
        last.addWidget(self.search)
        grid.addLayout(last, 3, 0, 1, 2)
        return grid

    def _peers_known(self) -> None:
        self._ready()
        if self.peers.peer is None:
            self._say(self._context.tr("network.no_archive"), "caution")

    # Searching

    def _wanted(self) -> "Wanted":
        span = _SPANS[self.span.value]
        day: date | None = None if span is None else today(self._context) - timedelta(days=span)
        kind = "" if self.kind.value == "any" else self.kind.value
        return archive.Wanted(self.name.text(), self.number.text(), since=day, modality=kind)

    def _search(self) -> None:
        peer = self.peers.peer
        if peer is None or self._searching is not None or self._fetching is not None:
            return
        tr = self._context.tr
        self._say(tr("network.fetch.searching", device=peer.name))
        self._searching = self._context.operations.run(
            partial(_search, self._context.open_clinic, peer, self._wanted()),
            initiator=self,
            done=self._show,
            failed=self._failed,
            ended=self._searched,
            pool="media",
            title=tr("network.progress.calling"),
        )
        self._ready()

    def _show(self, found: "tuple[ArchivedStudy, ...]") -> None:
        tr = self._context.tr
        self._found, self._fetched = found, {}
        self._fill()
        self._nothing.set_texts(tr("network.fetch.nothing"))
        self._lists.setCurrentWidget(self.list if found else self._nothing)
        self._say(tr("network.fetch.found_count", count=len(found)) if found else "")
        if found:
            self.list.setFocus()

    def _fill(self) -> None:
        rows = [
            study_row(self._context, str(number), study, self._fetched.get(study.found.study_uid, ""))
            for number, study in enumerate(self._found)
        ]
        self.list.set_rows(rows, select_first=True)

    def _searched(self) -> None:
        self._searching = None
        self._ready()

    # Fetching

    def _fetch(self, key: str) -> None:
        peer = self.peers.peer
        if peer is None or self._fetching is not None or not key.isdigit() or int(key) >= len(self._found):
            return
        keeper, study = self._context.network, self._found[int(key)]
        self._current = study.found.study_uid
        self._fetching = self._context.operations.run(
            partial(_fetch, self._context.open_clinic, peer, self._current, keeper.hearers, keeper.status is not None),
            initiator=self,
            done=self._have,
            failed=self._failed,
            ended=self._over,
            pool="media",
            title=self._context.tr("network.progress.retrieving"),
        )
        self._look.start()
        self._show_progress()
        self._ready()

    def stop(self) -> None:
        """Fetch no more; what came stays, whole."""
        if self._fetching is not None:
            self._fetching.cancel()
            self._say(self._context.tr("network.fetch.stopped"))

    def _show_progress(self) -> None:
        if self._fetching is None or self._fetching.job.cancelled:
            return
        progress = self._fetching.progress
        self.bar.setMaximum(progress.total)
        self.bar.setValue(progress.done)
        key = "network.fetch.fetching_of" if progress.total else "network.fetch.fetching"
        self._say(self._context.tr(key, done=progress.done, total=progress.total))

    def _have(self, fetched: "FetchedStudy") -> None:
        tr = self._context.tr
        words = [tr("network.fetch.done", count=fetched.completed)]
        if fetched.filed:
            words.append(tr("network.fetch.filed", count=fetched.filed))
        if fetched.asked:
            words.append(tr("network.fetch.asked", count=fetched.asked))
        if fetched.failed:
            words.append(tr("network.fetch.failed", count=fetched.failed))
        self._say(" ".join(words), "caution" if fetched.failed or fetched.asked else "ok")
        self._fetched[self._current] = tr("network.fetch.here") if not fetched.failed else ""
        self._asked += fetched.asked or 0
        self._whose.setVisible(bool(self._asked))
        self._fill()
        if fetched.asked:
            self._whose.setFocus()

    def _over(self) -> None:
        self._fetching = None
        self._look.stop()
        self._ready()

    # Both

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._say(error_words(self._context, error), "danger")

    def _ready(self) -> None:
        """What can be pressed now."""
        busy = self._searching is not None or self._fetching is not None
        self.search.setEnabled(not busy and self.peers.peer is not None)
        self._stop.setVisible(self._fetching is not None)
        self.bar.setVisible(self._fetching is not None)

    def _say(self, words: str, role: str = "muted") -> None:
        self._note.setText(words)
        self._note.setVisible(bool(words))
        set_role(self._note, role)

    def _ask_whose(self) -> None:
        from desktop.ui.admin.network_inbox import ArrivalsDialog

        self._asked = 0
        self._whose.hide()
        ArrivalsDialog(self._context, self).open()

    def reject(self) -> None:
        """Closing calls off what runs."""
        for running in (self._searching, self._fetching):
            if running is not None:
                running.cancel()
        super().reject()
        self.deleteLater()


def _search(clinic: "Clinic", peer: "Peer", wanted: "Wanted", job: "Job") -> "tuple[ArchivedStudy, ...]":
    return archive.search_archive(clinic, job, peer, wanted)


def _fetch(
    clinic: "Clinic", peer: "Peer", study_uid: str, hearers: "Hearers", listening: bool, job: "Job"
) -> "FetchedStudy":
    return archive.fetch_study(clinic, job, peer, study_uid, hearers, listening=listening)


def open_fetch(context: "UiContext", patient: "Patient | None", parent: QWidget) -> None:
    """Show it, beginning with the patient on the screen."""
    if not context.open_clinic.session.may(Permission.IMPORT_IMAGES):
        context.toast(context.tr("access.denied"))
        return
    FetchDialog(context, patient, parent.window()).open()
