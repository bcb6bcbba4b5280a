"""What a risk model answers: in three ways, as a number, what each value adds, and what if a value were another."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from desktop.records import Finding
from desktop.ui.review.probability_bar import ProbabilityBar
from desktop.ui.review.words import decision_word
from desktop.ui.risk import words
from desktop.ui.risk.contributions import Contributions
from desktop.ui.risk.inputs import RiskInput
from desktop.ui.risk.what_if import WhatIf
from desktop.ui.widgets.parts import Texts, button, card, column, label, row
from desktop.workflow.doubts import Doubt
from desktop.workflow.risks import RiskForm

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


class AnswerLine(QWidget):
    """A caption, the decision in words, the probability as bar and number."""

    def __init__(self, context: "UiContext", name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._context = context
        self.caption = label(f"{name}_caption", "muted")
        self._decision = label(f"{name}_decision", "heading")
        self._bar = ProbabilityBar(self)
        self._number = label(f"{name}_number", "strong")
        head = row(spacing=8)
        head.addWidget(self.caption)
        head.addStretch(1)
        head.addWidget(self._decision)
        scale = row(spacing=8)
        scale.addWidget(self._bar, 1)
        scale.addWidget(self._number)
        layout = column(self, spacing=4)
        layout.addLayout(head)
        layout.addLayout(scale)

    def show_finding(self, finding: Finding) -> None:
        """One answer."""
        number = words.chance_text(self._context, finding.probability)
        calm = finding.decision.value == "cannot_say"
        self._decision.setText(decision_word(self._context, finding.decision))
        self._number.setText(number)
        said = self._context.tr("review.probability", percent=number)
        self._bar.set_value(finding.probability, calm=calm, words=f"{self.caption.text()}: {said}")


class RiskAnswer(QWidget):
    """The answer stays on top while the sliders below are moved. Signals: what_if_asked() on each step of a slider."""

    what_if_asked = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("risk_answer")
        self._context = context
        self._texts = Texts(context)
        self._form: RiskForm | None = None
        self._inputs: Mapping[str, RiskInput] = {}
        self._nothing = label("risk_nothing", "muted", wrap=True)
        self._top = card("risk_top")
        self._finding = label("risk_finding", "title", wrap=True)
        self.given = AnswerLine(context, "risk_given")
        self.other = AnswerLine(context, "risk_other")
        _keep_room(self.other)
        self._why = label("risk_why", wrap=True, selectable=True)
        self._extreme = label("risk_extreme", "caution", wrap=True, selectable=True)
        self._easy = label("risk_easy", "muted", wrap=True, selectable=True)
        self._doubt = label("risk_doubt", "caution", wrap=True, selectable=True)
        self._average = label("risk_average", "muted", wrap=True)
        top = column(self._top, margin=16, spacing=8)
        told = (self._extreme, self._easy, self._doubt, self._why, self._average)
        for part in (self._finding, self.given, *told, self.other):
            top.addWidget(part)
        self.parts = Contributions(context)
        self._missing = label("risk_missing_list", wrap=True)
        self.what_if = WhatIf(context)
        self.what_if.moved.connect(self._moved)
        self.back = button("what_if_back", "quiet")
        self.back.clicked.connect(self._reset)
        _keep_room(self.back)
        self._limits = label("risk_limits", wrap=True, selectable=True)
        self._more = QScrollArea()
        self._more.setObjectName("risk_more")
        self._more.setWidgetResizable(True)
        self._more.setWidget(self._below())
        layout = column(self, spacing=12)
        layout.addWidget(self._nothing)
        layout.addWidget(self._top)
        layout.addWidget(self._more, 1)
        layout.addStretch(0)
        self.say_nothing("")

    def _below(self) -> QWidget:
        inner = QWidget()
        inner.setProperty("role", "scroll")
        body = column(inner, spacing=12)
        body.setContentsMargins(0, 0, 12, 12)
        body.addWidget(self._heading("risk.parts"))
        body.addWidget(self._text("risk.parts.about", "muted"))
        body.addWidget(self.parts)
        body.addWidget(self._missing)
        head = row()
        head.addWidget(self._heading("risk.what_if"), 1)
        head.addWidget(self.back)
        self._texts.add(self.back.setText, "risk.what_if.back")
        body.addLayout(head)
        warning: QFrame = card("risk_not_cause", "notice")
        inside = column(warning, margin=12)
        inside.addWidget(self._text("risk.not_cause", ""))
        body.addWidget(warning)
        body.addWidget(self.what_if)
        body.addWidget(self._heading("risk.learned"))
        body.addWidget(self._limits)
        body.addStretch(1)
        return inner

    def _heading(self, key: str) -> QLabel:
        made = label(role="heading", wrap=True)
        self._texts.add(made.setText, key)
        return made

    def _text(self, key: str, role: str) -> QLabel:
        made = label(role=role, wrap=True)
        self._texts.add(made.setText, key)
        return made

    def retranslate(self) -> None:
        """Speak the window's language; the answer itself is asked for again."""
        self._texts.retranslate()

    def say_nothing(self, sentence: str) -> None:
        """There is no answer, and why."""
        self._form = None
        self._nothing.setText(sentence)
        self._nothing.setVisible(bool(sentence))
        self._top.hide()
        self._more.hide()
        self.parts.show_finding(None, {})
        self.what_if.show_values({})

    def show_finding(
        self, form: RiskForm, finding: Finding, inputs: "dict[str, RiskInput]", doubts: tuple[Doubt, ...] = ()
    ) -> None:
        """The answer to what was given, and what of it does not fit the chart; the sliders are at their marks."""
        tr = self._context.tr
        self._form, self._inputs = form, inputs
        self._nothing.hide()
        self._finding.setText(form.finding)
        self.given.caption.setText(tr("risk.given"))
        self.other.caption.setText(tr("risk.other"))
        self.given.show_finding(finding)
        decision = decision_word(self._context, finding.decision)
        told = [tr(f"doubts.{doubt.rule}", decision=decision, **doubt.details) for doubt in doubts]
        self._doubt.setText("\n".join(told))
        self._doubt.setVisible(bool(told))
        self._why.setText(words.reason_text(self._context, form, finding))
        extreme = words.is_extreme(finding.probability)
        for part, text in ((self._extreme, tr("risk.extreme")), (self._easy, form.limits)):
            part.setText(text if extreme else "")
            part.setVisible(extreme)
        self._average.setText(tr("risk.average", percent=words.chance_text(self._context, form.average)))
        self._limits.setText(form.limits)
        self.parts.show_finding(finding, inputs)
        missing = [one.field.name for one in inputs.values() if one.value is None]
        self._missing.setText(tr("risk.missing.list", columns=tr("patients.list_comma").join(missing)))
        self._missing.setVisible(bool(missing))
        self.what_if.show_values(inputs)
        self.other.hide()
        self.back.hide()
        self._top.show()
        self._more.show()

    def show_other(self, finding: Finding) -> None:
        """The answer if the values were as the sliders say."""
        if self.what_if.is_moved:
            self.other.show_finding(finding)
            self.other.show()

    def _moved(self) -> None:
        moved = self.what_if.is_moved
        self.back.setVisible(moved)
        if moved:
            self.what_if_asked.emit()
        else:
            self.other.hide()

    def _reset(self) -> None:
        self.what_if.reset()
        self._moved()


def _keep_room(part: QWidget) -> None:
    """A slider must not slip away from under the hand that moves it, when something above it appears."""
    policy = part.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    part.setSizePolicy(policy)
