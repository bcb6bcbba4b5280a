"""What a model was compared with when it was trained, as lines to be read and copied."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from desktop.ui.settings.recorded import recorded
from desktop.ui.widgets.parts import column, label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow.shelf import Compared

_HEIGHT = 90
_AREA = "settings.training.compared"
_CURVE = "curve"


class ModelComparison(QWidget):
    """One line for each, the figure first."""

    def __init__(self, context: "UiContext", compared: "Sequence[Compared]") -> None:
        super().__init__()
        heading = label(role="strong", wrap=True)
        heading.setText(context.tr("settings.training.compared"))
        lines = QPlainTextEdit("\n".join(_line(context, one) for one in compared))
        lines.setObjectName("training_compared")
        lines.setAccessibleName(heading.text())
        lines.setReadOnly(True)
        lines.setTabChangesFocus(True)
        lines.setMinimumHeight(_HEIGHT)
        lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        layout = column(self, spacing=4)
        layout.addWidget(heading)
        layout.addWidget(lines, 1)


def _line(context: "UiContext", one: "Compared") -> str:
    known = one.low is not None and one.high is not None
    said = _words(context, one)
    if one.measure:
        said = context.tr(f"{_AREA}.of", name=recorded(context, one.measure), what=said)
    return f"{one.value:.3f}{f' ({one.low:.3f}–{one.high:.3f})' if known else ''}  {said}"


def _words(context: "UiContext", one: "Compared") -> str:
    tr, name = context.tr, recorded(context, one.name)
    if one.beside != _CURVE:
        people = {"learned": recorded(context, one.learned_on), "tested": recorded(context, one.tested_on)}
        return tr(f"{_AREA}.{one.beside.value}", name=name, **people)
    if one.share is None:
        said = tr(f"{_AREA}.curve.count", count=one.learned)
    elif one.learned is None:
        said = tr(f"{_AREA}.curve.share", share=one.share)
    else:
        said = tr(f"{_AREA}.curve.both", share=one.share, count=one.learned)
    return tr(f"{_AREA}.of", name=name, what=said) if name else said
