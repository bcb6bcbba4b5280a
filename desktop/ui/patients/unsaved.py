"""What somebody began about a patient and did not save: said with what and when, gone on with, or discarded."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QFrame, QPushButton, QVBoxLayout, QWidget

from desktop import workflow
from desktop.i18n import format_datetime
from desktop.ui.widgets.parts import button, card, column, label, row

if TYPE_CHECKING:
    from datetime import datetime

    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, UnsavedWork

_MOST = 3


class UnsavedList(QWidget):
    """A box for each, the latest typed first. Takes no room where there is none.

    Signals: go_on(UnsavedWork); discard(UnsavedWork).
    """

    go_on = Signal(object)
    discard = Signal(object)

    def __init__(self, context: "UiContext", name: str, *, with_name: bool) -> None:
        super().__init__()
        self.setObjectName(name)
        self._context = context
        self._with_name = with_name
        self._work: tuple[UnsavedWork, ...] = ()
        self._first: QPushButton | None = None
        self._layout: QVBoxLayout = column(self, spacing=8)
        self.hide()

    @property
    def work(self) -> "tuple[UnsavedWork, ...]":
        """What it tells of."""
        return self._work

    def show_work(self, work: "Sequence[UnsavedWork]") -> None:
        """Tell of this; the keyboard stays here if it was here."""
        focused = QApplication.focusWidget()
        had_focus = focused is not None and self.isAncestorOf(focused)
        self._work = tuple(work)
        self._empty()
        for one in self._work[:_MOST]:
            self._layout.addWidget(self._box(one))
        if len(self._work) > _MOST:
            more = label(f"{self.objectName()}_more", "small")
            more.setText(self._context.tr("patients.unsaved.more", count=len(self._work) - _MOST))
            self._layout.addWidget(more)
        self.setVisible(bool(self._work))
        if had_focus:
            self.focus_first()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.show_work(self._work)

    def focus_first(self) -> bool:
        """To going on with the latest; False where there is nothing."""
        if self._first is not None:
            self._first.setFocus()
        return self._first is not None

    def _empty(self) -> None:
        self._first = None
        while self._layout.count():
            item = self._layout.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _box(self, work: "UnsavedWork") -> QFrame:
        name = self.objectName()
        box = card(f"{name}_{work.kind.value}", "notice")
        inside = row(box, spacing=8)
        inside.setContentsMargins(12, 4, 8, 4)
        words = label(f"{name}_words", wrap=True)
        words.setText(self._said(work))
        drop = button(f"{name}_discard", "quiet")
        drop.setText(self._context.tr("patients.unsaved.discard"))
        go_on = button(f"{name}_go_on")
        go_on.setText(self._context.tr("patients.unsaved.go_on"))
        for made, pressed in ((go_on, self._go_on), (drop, self._discard)):
            made.setProperty("place", self._work.index(work))
            made.setAccessibleDescription(words.text())
            made.clicked.connect(pressed)
        inside.addWidget(words, 1)
        inside.addWidget(go_on)
        inside.addWidget(drop)
        self._first = self._first or go_on
        return box

    def _said(self, work: "UnsavedWork") -> str:
        key = f"patients.unsaved.{work.kind.value}"
        when = moment_text(self._context, work.saved)
        if self._with_name:
            return self._context.tr(f"{key}.of", name=work.patient.display_name, when=when)
        return self._context.tr(key, when=when)

    def _go_on(self) -> None:
        self.go_on.emit(self._work[self.sender().property("place")])

    def _discard(self) -> None:
        self.discard.emit(self._work[self.sender().property("place")])


class KeptStrip(QWidget):
    """Above a form: that it shows what was typed before, and a button to be rid of it. Signals: discarded."""

    discarded = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._words = label(f"{name}_kept", "muted", wrap=True)
        self.discard = button(f"{name}_discard", "quiet")
        self.discard.clicked.connect(self.discarded)
        self.line = row(self)
        self.line.addWidget(self._words, 1)
        self.line.addWidget(self.discard)
        self.hide()

    def say(self, text: str, words: str = "") -> None:
        """What is shown, and what the button says; no button without words; nothing at all without text."""
        self._words.setText(text)
        self.discard.setText(words)
        self.discard.setVisible(bool(words))
        self.setVisible(bool(text))


def moment_text(context: "UiContext", moment: "datetime") -> str:
    """Day and hour at the clinic, the local way."""
    return format_datetime(moment.astimezone(), context.language)


def drop(clinic: "Clinic", job: "Job", work: "UnsavedWork") -> "UnsavedWork":
    """Discard it; gives it, so that it can be taken back."""
    if work.kind is workflow.UnsavedKind.EDIT:
        workflow.keep_unsaved_edit(clinic, job, work.patient.id, None)
    else:
        workflow.keep_unsaved_visit(clinic, job, work.patient.id, None)
    return work


def keep_again(clinic: "Clinic", job: "Job", work: "UnsavedWork") -> "UnsavedWork":
    """Take back `drop`."""
    if isinstance(work.form, workflow.UnsavedEdit):
        workflow.keep_unsaved_edit(clinic, job, work.patient.id, work.form)
    else:
        workflow.keep_unsaved_visit(clinic, job, work.patient.id, work.form)
    return work
