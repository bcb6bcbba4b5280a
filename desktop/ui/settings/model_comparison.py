"""What a model was compared with when it was trained, as lines to be read and copied."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from desktop.ui.widgets.parts import column, label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow.shelf import Compared

_HEIGHT = 90


class ModelComparison(QWidget):
    """One line for each, the figure first."""

    def __init__(self, context: "UiContext", compared: "Sequence[Compared]") -> None:
        super().__init__()
        heading = label(role="strong", wrap=True)
        heading.setText(context.tr("settings.training.compared"))
        lines = QPlainTextEdit("\n".join(map(_line, compared)))
        lines.setObjectName("training_compared")
        lines.setAccessibleName(heading.text())
        lines.setReadOnly(True)
        lines.setTabChangesFocus(True)
        lines.setMinimumHeight(_HEIGHT)
        lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        layout = column(self, spacing=4)
        layout.addWidget(heading)
        layout.addWidget(lines, 1)


def _line(one: "Compared") -> str:
    known = one.low is not None and one.high is not None
    return f"{one.area:.3f}{f' ({one.low:.3f}–{one.high:.3f})' if known else ''}  {one.name}"
