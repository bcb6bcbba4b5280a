"""One device of the imaging network: its name, AE title, address and port, and whether it answers."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFileDialog, QFrame

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.records.dicom_node import Peer
from desktop.ui.admin.backup_words import error_words
from desktop.ui.widgets.fields import Choice, Field
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.ui.widgets.parts import Texts, button, column, label, narrow, row, set_role

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext

_FIELD_WIDTH = 420
_OFF, _ON = "off", "on"
_FIELDS = {
    "network.name_missing": "peer_name",
    "network.same_name": "peer_name",
    "network.bad_title": "peer_title",
    "network.bad_address": "peer_address",
    "network.bad_port": "peer_port",
}


class PeerForm(QFrame):
    """Signals: saved(Peer, former name or empty); removed(name); closed, also on Esc."""

    saved = Signal(object, str)
    removed = Signal(str)
    closed = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("peer_form")
        self.setProperty("role", "card")
        self._context = context
        self._texts = Texts(context)
        self._former = ""
        self._certificate = ""
        self._said: tuple[str, UserFacingError | None] = ("", None)
        self.fields = {name: Field(name) for name in ("peer_name", "peer_title", "peer_address", "peer_port")}
        self.tls = Choice("peer_tls", (_OFF, _ON))
        self._heading = label("peer_heading", "heading")
        self._tls_words = label("peer_tls_words", "strong")
        self._certificate_words = label("peer_certificate", "small", wrap=True)
        self._choose = button("peer_choose_certificate")
        self._note = label("peer_note", "muted", wrap=True)
        self._remove, self._cancel = button("peer_remove", "quiet"), button("peer_cancel", "quiet")
        self._test, self._save = button("peer_test"), button("peer_save", "primary")
        self._build()
        self._connect()
        self.retranslate()

    def begin(self, peer: Peer | None) -> None:
        """Show a device, or empty fields for a new one."""
        self._former = peer.name if peer is not None else ""
        self._certificate = peer.certificate if peer is not None else ""
        port = str(peer.port) if peer is not None and peer.port else ""
        words = (peer.name, peer.title, peer.address, port) if peer is not None else ("", "", "", "")
        for field, text in zip(self.fields.values(), words, strict=True):
            field.wipe()
            field.edit.setText(text)
        self.tls.set_value(_ON if peer is not None and peer.tls else _OFF)
        self._said = ("", None)
        self._remove.setVisible(peer is not None)
        self.retranslate()
        self.fields["peer_name"].edit.setFocus()

    def complain(self, error: UserFacingError) -> None:
        """Say what is wrong, at the field it is about if there is one."""
        self._said = ("", error)
        self._show()
        field = self.fields.get(_FIELDS.get(error.key, ""))
        if field is not None:
            field.edit.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self._texts.retranslate()
        self._heading.setText(self._former or tr("network.peer.new"))
        self.tls.set_texts(tr("network.tls"), [tr("network.off"), tr("network.tls.on")])
        for name, field in self.fields.items():
            key = name.replace("peer_", "network.peer.")
            field.set_caption(tr(key))
            field.set_hint(tr(f"{key}.hint"))
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc puts the form away."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _build(self) -> None:
        body = column(self, margin=16, spacing=12)
        body.addWidget(self._heading)
        for field in self.fields.values():
            body.addLayout(narrow(field, _FIELD_WIDTH))
        self._texts.add(self._tls_words.setText, "network.tls")
        body.addWidget(self._tls_words)
        body.addWidget(self.tls)
        body.addWidget(self._certificate_words)
        body.addWidget(self._choose, alignment=Qt.AlignmentFlag.AlignLeft)
        body.addWidget(self._note)
        for made, key in (
            (self._choose, "network.certificate.choose"),
            (self._remove, "network.peer.remove"),
            (self._cancel, "ui.cancel"),
            (self._test, "network.peer.test"),
            (self._save, "network.peer.save"),
        ):
            self._texts.add(made.setText, key)
        buttons = row()
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._remove)
        buttons.addStretch(1)
        buttons.addWidget(self._test)
        buttons.addWidget(self._save)
        body.addLayout(buttons)

    def _connect(self) -> None:
        for field in self.fields.values():
            field.edit.textEdited.connect(self._touched)
            field.edit.returnPressed.connect(self._store)
        self.tls.chosen.connect(self._touched)
        self._choose.clicked.connect(self._ask_certificate)
        self._test.clicked.connect(self._call)
        self._save.clicked.connect(self._store)
        self._cancel.clicked.connect(self.closed)
        self._remove.clicked.connect(self._take_away)

    def _touched(self) -> None:
        self._said = ("", None)
        self._show()

    def _show(self) -> None:
        tr, tls = self._context.tr, self.tls.value == _ON
        self._choose.setVisible(tls)
        self._certificate_words.setVisible(tls)
        self._certificate_words.setText(
            tr("network.certificate.there" if self._certificate else "network.certificate.none")
        )
        key, error = self._said
        words = error_words(self._context, error) if error is not None else tr(key) if key else ""
        wrong = _FIELDS.get(error.key, "") if error is not None else ""
        for name, field in self.fields.items():
            field.set_error(words if name == wrong else "")
        words = "" if wrong else words
        self._note.setText(words)
        self._note.setVisible(bool(words))
        set_role(self._note, "danger" if error is not None else "ok")

    def _typed(self) -> Peer | None:
        """What the fields say; complains where that is no device."""
        name, title, address, port = (field.text() for field in self.fields.values())
        try:
            number = int(port) if port.isascii() and port.isdigit() else -1 if port else 0
            return workflow.new_peer(
                name,
                title,
                address,
                number,
                tls=self.tls.value == _ON,
                certificate=self._certificate if self.tls.value == _ON else "",
            )
        except UserFacingError as error:
            self.complain(error)
            return None

    def _store(self) -> None:
        peer = self._typed()
        if peer is not None:
            self.saved.emit(peer, self._former)

    def _take_away(self) -> None:
        self.removed.emit(self._former)

    def _call(self) -> None:
        """C-ECHO with what stands in the fields, saved or not."""
        peer, clinic = self._typed(), self._context.open_clinic
        if peer is None:
            return
        if not peer.listens:
            self.complain(UserFacingError("network.peer_does_not_listen"))
            return

        def work(job: "Job") -> None:
            workflow.echo_peer(clinic, job, peer)

        self._test.setEnabled(False)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._answered,
            failed=self._silent,
            ended=self._ready,
            pool="media",
            title=self._context.tr("network.progress.calling"),
        )

    def _answered(self, _nothing: None) -> None:
        self._said = ("network.peer.answers", None)
        self._show()

    def _silent(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._said = ("", error)
        self._show()

    def _ready(self) -> None:
        self._test.setEnabled(True)

    def _ask_certificate(self) -> None:
        dialog = file_dialog(self._context, self, self._context.tr("network.certificate.choose"))
        dialog.setObjectName("certificate_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(self._context.tr("network.certificate.filter"))
        dialog.fileSelected.connect(self._read_certificate)
        dialog.open()

    def _read_certificate(self, path: str) -> None:
        clinic, file = self._context.open_clinic, Path(path)

        def work(job: "Job") -> str:
            return workflow.read_certificate(clinic, job, file)

        self._context.operations.run(
            work, initiator=self, done=self._take_certificate, failed=self._silent, pool="media"
        )

    def _take_certificate(self, text: str) -> None:
        self._certificate = text
        self._touched()
