"""One finding of a suggestion, and on demand why, the model's limits, and what else stands behind it."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.access import Permission
from desktop.records import Decision, Finding, Suggestion, SuggestionId
from desktop.ui.context import UiContext
from desktop.ui.reading.step_card import paragraph, set_paragraph
from desktop.ui.review import words
from desktop.ui.review.probability_bar import ProbabilityBar
from desktop.workflow import explaining


class FindingView(QWidget):
    """One finding: its name, the decision in words, the probability as number and bar, what does not fit the chart; why
    and limits on demand.

    Signals: similar_asked(Suggestion, finding key) for confirmed cases like it; hiding_asked(Suggestion, finding key)
    for what happens when a part of the picture is hidden.
    """

    similar_asked = Signal(object, str)
    hiding_asked = Signal(object, str)

    def __init__(self, context: UiContext, suggestion: Suggestion, finding: Finding, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(f"finding_{finding.key}")
        self._context = context
        self._suggestion = suggestion
        self._finding = finding
        self._name = QLabel(self)
        self._name.setObjectName("finding_name")
        self._decision = QLabel(self)
        self._decision.setObjectName("finding_decision")
        self._decision.setProperty("role", "heading")
        self._number = QLabel(self)
        self._number.setObjectName("finding_probability")
        self._bar = ProbabilityBar(self)
        self._doubt = paragraph("finding_doubt", "caution", self)
        self._why = paragraph("finding_why", "muted", self)
        self._limits = paragraph("finding_limits", "muted", self)
        self._hidden = paragraph("finding_hidden", "body", self)
        self._behind = QWidget(self)
        self._similar = self._button("finding_similar", self._ask_similar)
        self._hiding = self._button("finding_hiding", self._ask_hiding)
        for part in (self._doubt, self._why, self._limits, self._hidden, self._behind):
            part.hide()
        self._lay_out()
        self.retranslate()

    def _button(self, name: str, pressed: Callable[[], None]) -> QPushButton:
        made = QPushButton(self._behind)
        made.setObjectName(name)
        made.setProperty("role", "quiet")
        made.clicked.connect(pressed)
        return made

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._name)
        head.addStretch(1)
        head.addWidget(self._decision)
        scale = QHBoxLayout()
        scale.setSpacing(8)
        scale.addWidget(self._bar, 1)
        scale.addWidget(self._number)
        behind = QHBoxLayout(self._behind)
        behind.setContentsMargins(0, 0, 0, 0)
        behind.setSpacing(4)
        behind.addWidget(self._similar)
        behind.addWidget(self._hiding)
        behind.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addLayout(scale)
        for part in (self._doubt, self._hidden, self._why, self._behind, self._limits):
            layout.addWidget(part)

    def retranslate(self) -> None:
        """Speak the window's language."""
        finding = self._finding
        calm = finding.decision is Decision.CANNOT_SAY
        self._name.setText(words.finding_name(self._context, self._suggestion, finding))
        self._decision.setText(words.decision_word(self._context, finding.decision))
        self._decision.setProperty("calm", calm)
        number = words.percent(finding.probability)
        self._number.setText(words.with_grade(self._context, number, finding))
        self._bar.set_value(
            finding.probability,
            calm=calm,
            words=self._context.tr("review.probability", percent=number),
        )
        self._why.setText(words.why(self._context, finding))
        self._limits.setText(words.limits(self._context, self._suggestion))
        self._similar.setText(self._context.tr("explaining.similar"))
        self._hiding.setText(self._context.tr("explaining.hiding"))

    def show_why(self, shown: bool) -> None:
        """Open or close the reason, and the ways to what stands behind it."""
        self._why.setVisible(shown)
        can = self._explained if shown else None
        self._similar.setVisible(can is not None and can.similar)
        self._hiding.setVisible(can is not None and can.hiding)
        self._behind.setVisible(can is not None and (can.similar or can.hiding))

    def show_limits(self, shown: bool) -> None:
        """Open or close the model's limits."""
        self._limits.setVisible(shown)

    def show_doubt(self, sentences: str) -> None:
        """What does not fit the chart; empty where nothing is known that does not."""
        set_paragraph(self._doubt, sentences)

    def show_hidden(self, sentences: str) -> None:
        """What became of it when parts of the picture were hidden; empty where nobody asked, or it is put away."""
        set_paragraph(self._hidden, sentences)

    @property
    def key(self) -> tuple[SuggestionId, str]:
        """Which finding of which suggestion it shows."""
        return self._suggestion.id, self._finding.key

    @property
    def _explained(self) -> explaining.Explained | None:
        clinic = self._context.clinic
        if clinic is None or not clinic.session.may(Permission.READ_IMAGES):
            return None
        return explaining.can_explain(self._context.registry, self._suggestion)

    def _ask_similar(self) -> None:
        self.similar_asked.emit(self._suggestion, self._finding.key)

    def _ask_hiding(self) -> None:
        self.hiding_asked.emit(self._suggestion, self._finding.key)
