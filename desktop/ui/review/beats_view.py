"""What a model says of single heartbeats: how many of each kind, and the stretches in which a rhythm held."""

from collections import Counter

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from desktop.records import BeatKind, Episode, Suggestion
from desktop.ui.context import UiContext
from desktop.ui.reading.step_card import paragraph, set_paragraph
from desktop.ui.review import words

# More would fill the panel; the rest is told as a number.
_EPISODES = 4


class BeatsView(QWidget):
    """Kinds that were found, and episodes by their times. rate: samples a second of the recording, None where unknown;
    then episodes are only counted."""

    def __init__(self, context: UiContext, suggestion: Suggestion, rate: float | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("beats_view")
        self._context = context
        self._suggestion = suggestion
        self._rate = rate
        self._title = QLabel(self)
        self._title.setProperty("role", "heading")
        self._beats = paragraph("beats", "body", self)
        self._episodes = paragraph("episodes", "body", self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self._title, self._beats, self._episodes):
            layout.addWidget(part)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        analysis = self._suggestion.analysis
        self._title.setText(tr("review.beats"))
        number = Counter(beat.kind for beat in analysis.beats)
        kinds = [tr(f"review.beat.{kind.value}", count=number[kind]) for kind in BeatKind if number[kind]]
        set_paragraph(self._beats, tr("review.separator").join(kinds))
        lines = [self._episode_words(one) for one in analysis.episodes[:_EPISODES]]
        more = len(analysis.episodes) - len(lines)
        set_paragraph(self._episodes, "\n".join([*lines, *([tr("review.episodes.more", count=more)] if more else [])]))

    def _episode_words(self, episode: Episode) -> str:
        name = words.kind_name(self._context, self._suggestion, episode.key)
        if self._rate is None:
            return name
        begin, end = (_clock(sample / self._rate) for sample in (episode.start, episode.end))
        return self._context.tr("review.episode", rhythm=name, begin=begin, end=end)


def _clock(seconds: float) -> str:
    """Minutes and seconds since the recording's beginning."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
