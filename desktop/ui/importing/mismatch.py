"""The name in the file fits nobody: both names side by side, and a reason before it is accepted."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QWidget

from desktop import workflow
from desktop.ui.context import UiContext
from desktop.ui.widgets.parts import button, card, column, label


class MismatchDialog(QDialog):
    """Signals: accepted_with(reason) when the user says it is the right patient; closing it refuses the file."""

    accepted_with = Signal(str)

    def __init__(self, context: UiContext, mismatch: "workflow.NameMismatch", path: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("mismatch_dialog")
        tr = context.tr
        self.setWindowTitle(tr("importing.mismatch.title"))
        self.setMinimumWidth(620)
        head = label("mismatch_words", "heading", wrap=True)
        head.setText(tr("importing.mismatch"))
        file = label("mismatch_file", "small", wrap=True)
        file.setText(path.name)
        header, patient = mismatch.header, mismatch.patient
        born = str(header.birth_date) if header.birth_date is not None else tr("importing.mismatch.not_said")
        known = str(patient.birth_date) if patient.birth_date is not None else tr("importing.mismatch.not_said")
        sides = QHBoxLayout()
        sides.setSpacing(12)
        names = [" ".join(group.replace("^", " ").split()) for group in header.name_groups]
        sides.addWidget(_side("in_file", tr("importing.mismatch.in_file"), " / ".join(n for n in names if n), born), 1)
        sides.addWidget(_side("on_record", tr("importing.mismatch.on_record"), patient.display_name, known), 1)
        self.reason = QLineEdit(self)
        self.reason.setObjectName("mismatch_reason")
        self.reason.setPlaceholderText(tr("importing.mismatch.reason.placeholder"))
        self.reason.textChanged.connect(self._typed)
        why = label("mismatch_why", "strong")
        why.setText(tr("importing.mismatch.reason"))
        why.setBuddy(self.reason)
        self._accept = button("mismatch_accept", "")
        self._accept.setText(tr("importing.mismatch.accept"))
        self._accept.setEnabled(False)
        self._accept.clicked.connect(self._accepted)
        refuse = button("mismatch_refuse", "primary")
        refuse.setText(tr("importing.mismatch.refuse"))
        refuse.setDefault(True)
        refuse.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self._accept)
        row.addStretch(1)
        row.addWidget(refuse)
        layout = column(self, margin=24, spacing=12)
        for part in (head, file):
            layout.addWidget(part)
        layout.addLayout(sides)
        layout.addWidget(why)
        layout.addWidget(self.reason)
        layout.addLayout(row)
        refuse.setFocus(Qt.FocusReason.OtherFocusReason)

    def _typed(self, text: str) -> None:
        self._accept.setEnabled(bool(text.strip()))

    def _accepted(self) -> None:
        reason = self.reason.text().strip()
        if reason:
            self.accept()
            self.accepted_with.emit(reason)


def _side(name: str, caption: str, who: str, born: str) -> QWidget:
    box = card(f"mismatch_{name}")
    layout = column(box, margin=12, spacing=4)
    top = label(f"mismatch_{name}_caption", "muted")
    top.setText(caption)
    middle = label(f"mismatch_{name}_name", "title", wrap=True, selectable=True)
    middle.setText(who)
    bottom = label(f"mismatch_{name}_born", "muted")
    bottom.setText(born)
    for part in (top, middle, bottom):
        layout.addWidget(part)
    layout.addStretch(1)
    return box
