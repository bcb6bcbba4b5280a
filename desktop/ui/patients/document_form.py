"""Before a paper is kept: what it is, and what it is called on the page."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.records import DocumentKind
from desktop.ui.widgets.fields import Choice, Field
from desktop.ui.widgets.parts import Texts, button, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


@dataclass(frozen=True)
class DocumentDraft:
    """A file that shall be kept."""

    path: Path
    kind: DocumentKind
    title: str


class DocumentForm(QWidget):
    """Signals: submitted(DocumentDraft) on Enter; given_up."""

    submitted = Signal(object)
    given_up = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("document_form")
        self._context = context
        self._texts = Texts(context)
        self._path: Path | None = None
        self._title = label("document_form_title", "heading", wrap=True)
        self.name = Field("document_name")
        self.kind = Choice("document_kind", [kind.value for kind in DocumentKind])
        self._caption = label("document_kind_label", "strong")
        self._save = button("document_save", "primary")
        self._save.clicked.connect(self._submit)
        back = button("document_form_back", "quiet")
        back.clicked.connect(self.given_up)
        about = label("document_about", "small", wrap=True)
        for setter, key in (
            (self.name.set_caption, "documents.form.name"),
            (self._caption.setText, "documents.kind"),
            (about.setText, "documents.form.about"),
            (back.setText, "documents.form.back"),
            (self._save.setText, "documents.form.save"),
        ):
            self._texts.add(setter, key)
        self.name.edit.returnPressed.connect(self._submit)
        self.kind.entered.connect(self._submit)
        captioned = column(spacing=4)
        captioned.addWidget(self._caption)
        captioned.addWidget(self.kind)
        layout = column(self, spacing=12)
        layout.addWidget(self._title)
        layout.addWidget(self.name)
        layout.addLayout(captioned)
        layout.addWidget(about)
        layout.addStretch(1)
        buttons = row()
        buttons.addWidget(back)
        buttons.addStretch(1)
        buttons.addWidget(self._save)
        layout.addLayout(buttons)
        self.retranslate()

    def begin(self, path: Path) -> None:
        """Ask about a file; its own name is a first guess at a title."""
        self._path = path
        self.name.wipe()
        self.name.edit.setText(path.stem)
        self.kind.set_value(DocumentKind.OTHER.value)
        self.retranslate()

    def focus_first(self) -> None:
        """The title, ready to be typed over."""
        self.name.edit.setFocus()
        self.name.edit.selectAll()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self._texts.retranslate()
        self._title.setText(tr("documents.form.title", file=self._path.name) if self._path is not None else "")
        self.kind.set_texts(tr("documents.kind"), [tr(f"documents.kind.{kind.value}") for kind in DocumentKind])
        if self.name.has_error:
            self.name.set_error(tr("documents.form.name.missing"))

    def clear(self) -> None:
        """Forget the file."""
        self._path = None
        self.name.wipe()
        self._title.setText("")

    def set_ready(self, ready: bool) -> None:
        """Whether it can be kept."""
        self._save.setEnabled(ready)

    def _submit(self) -> None:
        if self._path is None or not self._save.isEnabled():
            return
        title = self.name.text()
        self.name.set_error("" if title else self._context.tr("documents.form.name.missing"))
        if title:
            self.submitted.emit(DocumentDraft(self._path, DocumentKind(self.kind.value), title))
        else:
            self.name.edit.setFocus()
