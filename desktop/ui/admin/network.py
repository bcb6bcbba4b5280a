"""Settings, Imaging network: our side of it, the devices on it, and what arrived."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.i18n import format_date
from desktop.records import Changes
from desktop.records.dicom_node import Peer
from desktop.ui.admin.backup_words import error_words, moment
from desktop.ui.admin.network_peer_form import PeerForm
from desktop.ui.settings.section import Section
from desktop.ui.widgets.fields import Choice, Field
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.ui.widgets.parts import button, label, narrow, row, set_role
from desktop.ui.widgets.rows import Row, RowList, Tone
from desktop.ui.widgets.spin_box import SpinBox

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import NodeChanged, NodeView, Stored

_OFF, _ON = "off", "on"
_FIELD_WIDTH = 320
_PORT_WIDTH = 120
_LATEST = 8


class NetworkSection(Section):
    """Our own side is saved by its button; a device by its form's."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "admin_network", "settings.section.network")
        self._keeper = context.network
        self._view: NodeView | None = None
        self._error: UserFacingError | None = None
        self._build_own()
        self._build_peers()
        self._build_certificate()
        self._build_arrivals()
        self.body.addStretch(1)
        self._keeper.changed.connect(self._show_status)
        context.changed.connect(self._on_changed)
        self.form.hide()
        self.retranslate()

    def activated(self) -> None:
        """Ask the clinic what holds, unless something is being changed."""
        if not self._changed():
            self._load()
        self._show_status()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        tr = self.context.tr
        self.on.set_texts(tr("network.own"), [tr("network.off"), tr("network.on")])
        self.tls.set_texts(tr("network.tls"), [tr("network.off"), tr("network.tls.on")])
        self.title.set_caption(tr("network.own.title"))
        self.title.set_hint(tr("network.own.title.hint"))
        self.form.retranslate()
        self._show()
        self._show_status()

    def clear(self) -> None:
        """The clinic is locked."""
        self._view = self._error = None
        self.form.begin(None)
        self.form.hide()
        self._show()
        self._show_status()

    # Building

    def _build_own(self) -> None:
        box = self.box("network.own", "network.own.about")
        self.on = Choice("network_on", (_OFF, _ON))
        self.title = Field("network_title")
        self.port = SpinBox("network_port", 1, 65535, _PORT_WIDTH)
        self.tls = Choice("network_tls", (_OFF, _ON))
        box.addWidget(self.on)
        box.addLayout(narrow(self.title, _FIELD_WIDTH))
        for words, key, field in (("port", "network.own.port", self.port), ("tls", "network.tls", self.tls)):
            caption = label(f"network_{words}_label", "strong")
            self.texts.add(caption.setText, key)
            self.texts.add(field.setAccessibleName, key)
            caption.setBuddy(field)
            box.addWidget(caption)
            box.addWidget(field, alignment=Qt.AlignmentFlag.AlignLeft)
        about = label(role="small", wrap=True)
        self.texts.add(about.setText, "network.tls.about")
        self._status = label("network_status", "muted", wrap=True)
        self._note = label("network_note", "danger", wrap=True)
        self._undo, self._save = button("network_undo", "quiet"), button("network_save", "primary")
        self.texts.add(self._undo.setText, "settings.undo")
        self.texts.add(self._save.setText, "settings.save")
        foot = row()
        foot.addWidget(self._note, 1)
        foot.addWidget(self._undo)
        foot.addWidget(self._save)
        box.addWidget(about)
        box.addWidget(self._status)
        box.addLayout(foot)
        self.on.chosen.connect(self._touched)
        self.tls.chosen.connect(self._touched)
        self.title.edit.textEdited.connect(self._touched)
        self.title.edit.returnPressed.connect(self._store)
        self.port.valueChanged.connect(self._touched)
        self._undo.clicked.connect(self._reset)
        self._save.clicked.connect(self._store)

    def _build_peers(self) -> None:
        box = self.box("network.peers", "network.peers.about")
        self.peers = RowList(self.context, "network_peers")
        self.texts.add(self.peers.setAccessibleName, "network.peers")
        self._add = button("network_add")
        self.icons.add(self._add, "plus")
        self.texts.add(self._add.setText, "network.peer.add")
        self._none = label("network_no_peers", "muted", wrap=True)
        self.texts.add(self._none.setText, "network.peers.none")
        self.form = PeerForm(self.context)
        box.addWidget(self._none)
        box.addWidget(self.peers)
        box.addWidget(self._add, alignment=Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self.form)
        self.peers.chosen.connect(self._open_peer)
        self._add.clicked.connect(self._new_peer)
        self.form.saved.connect(self._keep_peer)
        self.form.removed.connect(self._remove_peer)
        self.form.closed.connect(self._close_form)

    def _build_certificate(self) -> None:
        box = self.box("network.certificate", "network.certificate.about")
        self._certificate_box = box.parentWidget()
        self._expires = label("network_expires", wrap=True)
        self._digest = label("network_digest", "small", wrap=True, selectable=True)
        self._save_certificate = button("network_save_certificate")
        self._renew = button("network_renew", "quiet")
        self.texts.add(self._save_certificate.setText, "network.certificate.save")
        self.texts.add(self._renew.setText, "network.certificate.renew")
        buttons = row()
        buttons.addWidget(self._save_certificate)
        buttons.addWidget(self._renew)
        buttons.addStretch(1)
        box.addWidget(self._expires)
        box.addWidget(self._digest)
        box.addLayout(buttons)
        self._save_certificate.clicked.connect(self._ask_where)
        self._renew.clicked.connect(self._make_another)

    def _build_arrivals(self) -> None:
        box = self.box("network.latest")
        self._counts = label("network_counts", "muted", wrap=True)
        self.latest = RowList(self.context, "network_latest")
        self.texts.add(self.latest.setAccessibleName, "network.latest")
        box.addWidget(self._counts)
        box.addWidget(self.latest)

    # Our own side

    def _load(self) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> "NodeView":
            return workflow.dicom_node(clinic, job)

        self.context.operations.run(work, initiator=self, done=self._take)

    def _take(self, view: "NodeView") -> None:
        self._view = view
        self._reset()

    def _reset(self) -> None:
        view = self._view
        if view is not None:
            self.on.set_value(_ON if view.on else _OFF)
            self.tls.set_value(_ON if view.tls else _OFF)
            self.title.edit.setText(view.title)
            self.port.blockSignals(True)
            self.port.setValue(view.port)
            self.port.blockSignals(False)
        self._error = None
        self._show()

    def _wanted(self) -> tuple[bool, str, int, bool]:
        return self.on.value == _ON, self.title.text(), self.port.value(), self.tls.value == _ON

    def _changed(self) -> bool:
        view = self._view
        return view is not None and self._wanted() != (view.on, view.title, view.port, view.tls)

    def _touched(self) -> None:
        self._error = None
        self._show()

    def _store(self) -> None:
        clinic, (on, title, port, tls) = self.context.open_clinic, self._wanted()

        def work(job: "Job") -> "NodeChanged":
            return workflow.set_dicom_node(clinic, job, on=on, title=title, port=port, tls=tls)

        self._save.setEnabled(False)
        self.context.operations.run(work, initiator=self, done=self._stored, failed=self._failed)

    def _stored(self, changed: "NodeChanged") -> None:
        self._take(changed.view)
        self.context.toast(self.context.tr("settings.saved"))
        self._keeper.restart()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._error = error
        self._show()

    # Devices

    def _open_peer(self, name: str) -> None:
        peers = self._view.peers if self._view is not None else ()
        peer = next((peer for peer in peers if peer.name == name), None)
        if peer is not None:
            self.form.show()
            self.form.begin(peer)

    def _new_peer(self) -> None:
        self.form.show()
        self.form.begin(None)

    def _close_form(self) -> None:
        self.form.hide()
        self._add.setFocus()

    def _keep_peer(self, peer: Peer, former: str) -> None:
        peers = self._view.peers if self._view is not None else ()
        self._set_peers((*(one for one in peers if one.name != former), peer))

    def _remove_peer(self, name: str) -> None:
        peers = self._view.peers if self._view is not None else ()
        self._before = peers
        self._set_peers(tuple(one for one in peers if one.name != name))
        self.context.toast(self.context.tr("network.peer.removed", name=name), self._put_back)

    def _put_back(self) -> None:
        if self.context.clinic is not None:
            self._set_peers(self._before)

    def _set_peers(self, peers: tuple[Peer, ...]) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> "NodeChanged":
            return workflow.set_dicom_peers(clinic, job, sorted(peers, key=lambda peer: peer.name))

        self.context.operations.run(work, initiator=self, done=self._peers_kept, failed=self._peer_refused)

    def _peers_kept(self, changed: "NodeChanged") -> None:
        self._view = changed.view
        self.form.hide()
        self._show()
        (self.peers if changed.view.peers else self._add).setFocus()
        self._keeper.restart()

    def _peer_refused(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self.form.complain(error)

    # The certificate

    def _ask_where(self) -> None:
        dialog = file_dialog(self.context, self, self.context.tr("network.certificate.save"))
        dialog.setObjectName("save_certificate_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pem")
        dialog.setNameFilter(self.context.tr("network.certificate.filter"))
        dialog.selectFile("lantern.pem")
        dialog.fileSelected.connect(self._write_certificate)
        dialog.open()

    def _write_certificate(self, path: str) -> None:
        clinic, file = self.context.open_clinic, Path(path)

        def work(job: "Job") -> None:
            workflow.save_dicom_certificate(clinic, job, file)

        self.context.operations.run(work, initiator=self, done=self._written, pool="media")

    def _written(self, _nothing: None) -> None:
        self.context.toast(self.context.tr("network.certificate.saved"))

    def _make_another(self) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> "NodeChanged":
            return workflow.renew_dicom_certificate(clinic, job)

        self.context.operations.run(work, initiator=self, done=self._stored, failed=self._failed)

    # Showing

    def _show(self) -> None:
        tr, view, changed = self.context.tr, self._view, self._changed()
        self._save.setEnabled(changed)
        self._undo.setEnabled(changed)
        words = error_words(self.context, self._error) if self._error is not None else ""
        of_title = self._error is not None and self._error.key == "network.bad_title"
        self.title.set_error(words if of_title else "")
        self._note.setText("" if of_title else words)
        peers = view.peers if view is not None else ()
        self.peers.set_rows([self._peer_row(peer) for peer in peers])
        self.peers.fit_height()
        self.peers.setVisible(bool(peers))
        self._none.setVisible(not peers)
        if self._certificate_box is not None:
            self._certificate_box.setVisible(view is not None and bool(view.certificate))
        if view is not None and view.expires is not None:
            day = format_date(view.expires.astimezone().date(), self.context.language)
            self._expires.setText(tr("network.certificate.expires", day=day))
            self._digest.setText(view.sha256)

    def _peer_row(self, peer: Peer) -> Row:
        tr = self.context.tr
        place = f"{peer.address}:{peer.port}" if peer.listens else peer.address or tr("network.peer.anywhere")
        remark = tr("network.tls.on") if peer.tls else ""
        return Row(peer.name, peer.name, f"{peer.title} · {place}", remark)

    def _show_status(self) -> None:
        tr, status, trouble = self.context.tr, self._keeper.status, self._keeper.trouble
        words = error_words(self.context, trouble) if trouble is not None else tr("network.state.off")
        if status is not None:
            words = tr("network.state.on", title=status.title, port=status.port)
        self._status.setText(words)
        set_role(self._status, "danger" if trouble is not None else "ok" if status is not None else "muted")
        latest = status.latest[:_LATEST] if status is not None else ()
        self._counts.setText(
            tr(
                "network.latest.counts",
                stored=status.stored,
                waiting=self._keeper.waiting,
                failed=status.not_stored,
                refused=status.refused,
            )
            if status is not None
            else tr("network.latest.off")
        )
        self.latest.set_rows([self._arrival_row(number, one) for number, one in enumerate(latest)])
        self.latest.fit_height()
        self.latest.setVisible(bool(latest))

    def _arrival_row(self, number: int, stored: "Stored") -> Row:
        """What arrived, without saying whose it is: an administrator need not know."""
        tr = self.context.tr
        words = tr("network.arrived", device=stored.sent_by, time=moment(self.context, stored.received))
        if stored.duplicate:
            return Row(str(number), words, remark=tr("network.arrived.again"))
        if stored.doubt is not None:
            return Row(str(number), words, remark=tr("network.arrived.asked"), tone=Tone.CAUTION)
        return Row(str(number), words, remark=tr("network.arrived.filed"), tone=Tone.GOOD)

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.network and initiator is not self and self.isVisible() and not self._changed():
            self._load()
