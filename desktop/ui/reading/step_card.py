"""One of the four steps: a numbered heading that lights up when it is the step's turn, and a body below."""

from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget


class StepState(StrEnum):
    """How a step stands to the next thing to do."""

    NOW = "now"
    DONE = "done"
    LATER = "later"


class StepCard(QFrame):
    """A step of the reading panel. The state is said by the sign before the title too, not by colour alone."""

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"step_{number}")
        self.setProperty("role", "step")
        self._number = number
        self._sign = QLabel(self)
        self._sign.setObjectName(f"step_{number}_sign")
        self._sign.setProperty("role", "step_sign")
        self._sign.setFixedWidth(22)
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(self)
        self._title.setObjectName(f"step_{number}_title")
        self._title.setProperty("role", "step_title")
        self._note = QLabel(self)
        self._note.setObjectName(f"step_{number}_note")
        self._note.setProperty("role", "muted")
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._sign)
        head.addWidget(self._title)
        head.addWidget(self._note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addLayout(self.body)
        self._state = StepState.LATER
        self.set_state(StepState.LATER)

    @property
    def state(self) -> StepState:
        """How the step stands."""
        return self._state

    def set_words(self, title: str, note: str = "") -> None:
        """The heading, and a short word on its right."""
        self._title.setText(title)
        self._note.setText(note)

    def set_state(self, state: StepState) -> None:
        """Light up, be done, or wait."""
        self._state = state
        self._sign.setText("✓" if state is StepState.DONE else str(self._number))
        for widget in (self, self._sign, self._title):
            widget.setProperty("state", state.value)
            widget.style().unpolish(widget)
            widget.style().polish(widget)


def paragraph(name: str, role: str, parent: QWidget) -> QLabel:
    """A label of wrapped plain text that can be selected."""
    label = QLabel(parent)
    label.setObjectName(name)
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def set_paragraph(label: QLabel, text: str) -> None:
    """Say something, or take no room."""
    label.setText(text)
    label.setVisible(bool(text))
