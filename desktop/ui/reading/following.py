"""Keeps the picture on the screen and the suggestion in turn about each other."""

import time

from PySide6.QtCore import QObject, Signal

from desktop.records import Suggestion
from desktop.ui.reading.film_side import FilmSide
from desktop.ui.reading.panel import ReadingPanel
from desktop.ui.reading.trace_side import TraceSide


class SuggestionFollower(QObject):
    """Where another suggestion is in turn its picture or recording comes up; where somebody leafs on, what was said
    about the next one is in turn. moved: when a picture last came up that way, seconds of the monotonic clock.

    Signals: came_up() when a picture did.
    """

    came_up = Signal()

    def __init__(self, panel: ReadingPanel, film: FilmSide, traces: TraceSide, parent: QObject) -> None:
        super().__init__(parent)
        self._panel = panel
        self._film = film
        self._traces = traces
        self.moved = 0.0
        panel.suggestion_changed.connect(self._follow_suggestion)
        panel.decision.turn_changed.connect(self._follow_finding)

    def look(self) -> None:
        """Tell the panel which picture is on the screen."""
        place = self._film.place
        self._panel.look_at(self._traces.instance or (place.instance if place is not None else None))

    def _follow_finding(self) -> None:
        current, shown = self._panel.decision.current, self._panel.shown
        self._film.show_finding(current.key if current is not None else None, shown.id if shown is not None else None)

    def _follow_suggestion(self, suggestion: Suggestion) -> None:
        if self._film.show_instance(suggestion.instance) or self._traces.show_instance(suggestion.instance):
            self.moved = time.monotonic()
            self._panel.look_at(suggestion.instance)
            self.came_up.emit()
