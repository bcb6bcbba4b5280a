"""What a model was compared with when it was trained: the same with less to learn from, and other ways."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHeaderView, QWidget

from desktop.ui.settings.recorded import recorded
from desktop.ui.widgets.figure_table import FigureTable
from desktop.ui.widgets.parts import column, label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow.shelf import Compared

_AREA = "settings.training.compared"
_CURVE = "curve"
# Tables of so few lines are never scrolled; the height of a line and of what frames them, in pixels.
_SEEN_WHOLE, _LINE, _FRAME = 4, 40, 4


class ModelComparison(QWidget):
    """A table of either kind, where the record has any."""

    def __init__(self, context: "UiContext", compared: "Sequence[Compared]") -> None:
        super().__init__()
        self._context = context
        about = label(role="muted", wrap=True)
        about.setText(context.tr(f"{_AREA}.about"))
        self._layout = column(self, spacing=8)
        self._layout.addWidget(about)
        curve = [one for one in compared if one.beside == _CURVE]
        others = [one for one in compared if one.beside != _CURVE]
        if curve:
            self._add("curve", *self._curve(curve))
        if others:
            heads = [context.tr(f"{_AREA}.head.{key}") for key in ("what", "area", "interval")]
            self._add("others", heads, [self._other(one) for one in others])

    def _add(self, key: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
        heading = label(role="strong", wrap=True)
        heading.setText(self._context.tr(f"{_AREA}.{key}"))
        table = FigureTable(f"training_{key}")
        table.setAccessibleName(heading.text())
        table.show_lines(heads, lines, words=1)
        # The words take what is left and the figures are seen whole: nobody scrolls sideways for a number.
        table.setWordWrap(True)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._layout.addWidget(heading)
        self._layout.addWidget(table, len(lines) + 1)
        if len(lines) <= _SEEN_WHOLE:
            table.setMinimumHeight(_LINE * (len(lines) + 1) + _FRAME)

    def _curve(self, points: "Sequence[Compared]") -> tuple[list[str], list[list[str]]]:
        """A line for each thing measured, a column for each amount learned from."""
        counts: dict[int, set[int | None]] = {}
        found: dict[str, dict[int, str]] = {}
        shares = any(one.share is not None for one in points)
        for one in points:
            amount = (one.share if shares else one.learned) or 0
            counts.setdefault(amount, set()).add(one.learned)
            found.setdefault(self._measured(one), {})[amount] = _figure(one)
        amounts = sorted(counts)
        heads = [self._amount(amount, counts[amount] if shares else None) for amount in amounts]
        lines = [[name, *(told.get(amount, "–") for amount in amounts)] for name, told in found.items()]
        return [self._context.tr(f"{_AREA}.head.measured"), *heads], lines

    def _measured(self, one: "Compared") -> str:
        context = self._context
        known = [recorded(context, phrase) for phrase in (one.name, one.measure) if phrase]
        if len(known) == 2:
            return context.tr(f"{_AREA}.of", name=known[0], what=known[1])
        return known[0] if known else context.tr(f"{_AREA}.head.area")

    def _amount(self, amount: int, counts: set[int | None] | None) -> str:
        """Over a column. counts: how many each share was, which only stands there where it is one for all lines; None:
        the amount is a count itself."""
        if counts is None:
            return self._context.tr(f"{_AREA}.curve.count", count=amount)
        if len(counts) == 1 and None not in counts:
            return self._context.tr(f"{_AREA}.curve.both", share=amount, count=next(iter(counts)))
        return self._context.tr(f"{_AREA}.curve.share", share=amount)

    def _other(self, one: "Compared") -> list[str]:
        context = self._context
        people = {"learned": recorded(context, one.learned_on), "tested": recorded(context, one.tested_on)}
        said = context.tr(f"{_AREA}.{one.beside.value}", name=recorded(context, one.name), **people)
        interval = f"{one.low:.3f}–{one.high:.3f}" if one.low is not None and one.high is not None else "–"
        return [said, f"{one.value:.3f}", interval]


def _figure(one: "Compared") -> str:
    known = one.low is not None and one.high is not None
    return f"{one.value:.3f}{f' ({one.low:.3f}–{one.high:.3f})' if known else ''}"
