"""The models on this PC: what each was trained on, its limits, and whether it still answers as it did."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QLabel, QPushButton

from desktop import workflow
from desktop.access import Permission
from desktop.i18n import Language
from desktop.records import Changes
from desktop.ui.settings.model_card import CardDialog
from desktop.ui.settings.model_rates import RatesDialog
from desktop.ui.settings.model_training import TrainingDialog
from desktop.ui.settings.model_versions import ModelVersions
from desktop.ui.settings.section import Section
from desktop.ui.widgets.parts import button, card, column, label, row, set_role
from desktop.workflow import shelf

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import ModelCard, SelfTest


_ENDS = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|(?<=[。！？])(?=\S)")
"""Of sentences, in either language."""


@dataclass(frozen=True)
class _Cards:
    """The cards in one language. changes: what another program put into use meanwhile."""

    language: Language
    cards: "tuple[ModelCard, ...]"
    changes: Changes


class ModelsSection(Section):
    """One box per model."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "settings_models", "settings.section.models")
        self._boxes: list[QFrame] = []
        self._verdicts: dict[str, QLabel] = {}
        self._cards: dict[str, ModelCard] = {}
        self._results: SelfTest | None = None
        self._asked = False
        about = label(role="muted", wrap=True)
        self.texts.add(about.setText, "settings.models.about")
        self.body.addWidget(about)
        self._test = button("models_self_test")
        self.icons.add(self._test, "check")
        self.texts.add(self._test.setText, "settings.models.test")
        self._test.clicked.connect(self._start_test)
        line = row()
        line.addWidget(self._test)
        line.addStretch(1)
        self._none = label("models_none", "muted", wrap=True)
        self.texts.add(self._none.setText, "settings.models.none")
        self.body.addWidget(self._none)
        self.body.addLayout(line)
        self.versions = ModelVersions(context, self.texts, self.icons, self)
        self.versions.changed.connect(self._load)
        self.body.addWidget(self.versions)
        self.body.addStretch(1)

    def activated(self) -> None:
        """Read the cards."""
        self._asked = True
        self._load()
        self.versions.load()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        if self._asked:
            self._load()
            self.versions.retranslate()

    def _load(self) -> None:
        models, language = self.context.registry, self.context.language

        def work(job: "Job") -> _Cards:
            followed = shelf.follow_models(models)
            cards = workflow.installed_models(models, language)
            return _Cards(language, tuple(card for card in cards if card.in_window), followed.changes)

        self.context.operations.run(work, initiator=self, done=self._show, pool="compute")

    def _show(self, answer: _Cards) -> None:
        if answer.language is not self.context.language:
            return
        cards = answer.cards
        for box in self._boxes:
            self.body.removeWidget(box)
            box.hide()
            box.deleteLater()
        self._boxes.clear()
        self._verdicts.clear()
        self._cards = {model.name: model for model in cards}
        self._none.setVisible(not cards)
        for place, model in enumerate(cards):
            box = self._box_of(model)
            self.body.insertWidget(2 + place, box)
            self._boxes.append(box)
        self._show_results()

    def _box_of(self, model: "ModelCard") -> QFrame:
        box = card(f"model_{model.name}")
        inside = column(box, margin=16, spacing=8)
        title = label(role="heading", wrap=True)
        title.setText(model.title)
        small = label(role="small", selectable=True)
        small.setText(
            self.context.tr("settings.models.version", name=model.name, version=model.version, hash=model.sha256[:12])
        )
        limits = label(f"model_limits_{model.name}", wrap=True, selectable=True)
        told = _ENDS.split(model.limits)
        if model.withheld:
            told.append(self.context.tr("settings.models.withheld", names=", ".join(model.withheld)))
        limits.setText("\n".join(f"• {one}" for one in told))
        verdict = label(f"model_verdict_{model.name}", "muted", wrap=True)
        self._verdicts[model.name] = verdict
        more: QPushButton = button(f"model_card_{model.name}", "quiet")
        more.setText(self.context.tr("settings.models.card"))
        more.setProperty("model", model.name)
        more.clicked.connect(self._open_card)
        rates: QPushButton = button(f"model_rates_{model.name}", "quiet")
        rates.setText(self.context.tr("settings.rates"))
        rates.setProperty("model", model.name)
        rates.clicked.connect(self._open_rates)
        clinic = self.context.clinic
        rates.setVisible(model.kept and clinic is not None and clinic.session.may(Permission.READ_IMAGES))
        foot = row()
        foot.addWidget(verdict, 1)
        foot.addWidget(rates)
        if model.training is not None:
            trained: QPushButton = button(f"model_training_{model.name}", "quiet")
            trained.setText(self.context.tr("settings.training"))
            trained.setProperty("model", model.name)
            trained.clicked.connect(self._open_training)
            foot.addWidget(trained)
        foot.addWidget(more)
        for part in (title, small, limits):
            inside.addWidget(part)
        inside.addLayout(foot)
        return box

    def _start_test(self) -> None:
        models = self.context.registry

        def work(job: "Job") -> "SelfTest":
            return workflow.self_test(models, job)

        self._test.setEnabled(False)
        self.context.operations.run(
            work,
            initiator=self,
            done=self._tested,
            ended=self._ready,
            pool="compute",
            title=self.context.tr("settings.models.testing"),
        )

    def _tested(self, result: "SelfTest") -> None:
        self._results = result
        self._show_results()

    def _show_results(self) -> None:
        for result in self._results.models if self._results is not None else ():
            verdict = self._verdicts.get(result.name)
            if verdict is None:
                continue
            key = "settings.models.ok" if result.ok else "settings.models.failed"
            why = self.context.tr(result.error) if result.error else ""
            verdict.setText(" ".join(part for part in (self.context.tr(key), why) if part))
            set_role(verdict, "ok" if result.ok else "danger")

    def _ready(self) -> None:
        self._test.setEnabled(True)

    def _open_rates(self) -> None:
        model = self._cards[self.sender().property("model")]
        title = self.context.tr("settings.rates.title", model=model.title)
        RatesDialog(self.context, model.name, title, self.window()).open()

    def _open_training(self) -> None:
        TrainingDialog(self.context, self._cards[self.sender().property("model")], self.window()).open()

    def _open_card(self) -> None:
        CardDialog(self.context, self._cards[self.sender().property("model")], self.window()).open()
