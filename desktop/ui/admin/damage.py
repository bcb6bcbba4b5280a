"""What is wrong with a clinic: each problem in words, with what to do, grouped by where it is."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.ui.widgets.parts import card, column, label
from desktop.workflow import ProblemKind

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import Note, Problem

_ORDER = tuple(ProblemKind)
_MOST_ALIKE = 5
"""Problems of one sentence that are listed one by one; of the others the number is told."""


class ProblemList(QWidget):
    """Problems under a heading for each kind; notes, which need nothing done, at the end."""

    def __init__(self, context: "UiContext", name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._context = context
        self._problems: tuple[Problem, ...] = ()
        self._notes: tuple[Note, ...] = ()
        self._layout: QVBoxLayout = column(self, spacing=8)

    def set_found(self, problems: "Sequence[Problem]", notes: "Sequence[Note]" = ()) -> None:
        """Show what was found."""
        self._problems, self._notes = tuple(problems), tuple(notes)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._empty()
        by_kind = sorted(self._problems, key=lambda problem: _ORDER.index(problem.kind))
        for kind, group in groupby(by_kind, key=lambda problem: problem.kind):
            self._head(f"admin.damage.kind.{kind.value}")
            self._add_group(list(group))
        if self._notes:
            self._head("admin.damage.notes")
            self._add_notes()

    def _add_group(self, problems: "list[Problem]") -> None:
        seen: Counter[str] = Counter()
        for problem in problems:
            seen[problem.key] += 1
            if seen[problem.key] <= _MOST_ALIKE:
                self._layout.addWidget(self._box(problem))
        more = sum(max(0, count - _MOST_ALIKE) for count in seen.values())
        if more:
            words = label(role="muted", wrap=True)
            words.setText(self._context.tr("admin.damage.more", count=more))
            self._layout.addWidget(words)

    def _box(self, problem: "Problem") -> QWidget:
        tr, details = self._context.tr, dict(problem.details)
        return self._framed(
            "check_problem",
            (tr(problem.key, **details), "strong"),
            (tr(f"{problem.key}.advice", **details), "body"),
            (problem.where, "small"),
        )

    def _add_notes(self) -> None:
        told: set[str] = set()
        for note in self._notes:
            sentence = self._context.tr(note.key, **dict(note.details))
            if sentence not in told:
                told.add(sentence)
                self._layout.addWidget(self._framed("check_note", (sentence, "body"), (note.where, "small")))

    def _framed(self, name: str, *lines: tuple[str, str]) -> QWidget:
        box = card(name)
        inside = column(box, margin=12, spacing=4)
        for text, role in lines:
            if not text:
                continue
            words = label(role=role, wrap=True, selectable=True)
            words.setText(text)
            inside.addWidget(words)
        return box

    def _head(self, key: str) -> None:
        words = label(role="heading", wrap=True)
        words.setText(self._context.tr(key))
        self._layout.addWidget(words)

    def _empty(self) -> None:
        while self._layout.count():
            item = self._layout.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
