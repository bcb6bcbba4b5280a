"""The tool that fits a model's thresholds to the clinic's own patients: how many cases there are, what is wanted, what
would change, and the button."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.access import Permission
from desktop.i18n import format_date
from desktop.ui.tools.charts import ShareChart
from desktop.ui.tools.registry import ToolPage
from desktop.ui.tools.share_slider import ShareSlider
from desktop.ui.tools.validation_words import decimal, finding_name, model_title, percent
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.figure_table import FigureTable
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row
from desktop.workflow import shelf, site_fitting
from desktop.workflow.confirmed import Strength
from desktop.workflow.site_fitting import Outcome, SiteCases, SiteFit, SiteThresholds
from desktop.workflow.validating import JudgedModel

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext

_CHART_WIDTH = 300
_LOWEST, _HIGHEST = 70, 99
_PAUSE_MS = 120
_LINE = 30
_LEAST = (Strength.BLIND, Strength.REFERENCE, Strength.REVIEWED)


@dataclass(frozen=True)
class _Read:
    """The cases, and for which question."""

    number: int
    cases: SiteCases


@dataclass(frozen=True)
class _Tried:
    """What thresholds would do, and for which wish."""

    number: int
    found: SiteFit


class SiteWizard(ToolPage):
    """Questions and wishes are numbered: an answer to an older one is dropped."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("site_wizard")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._models: tuple[JudgedModel, ...] = ()
        self._cases: SiteCases | None = None
        self._found: SiteFit | None = None
        self._question = self._wish = 0
        self._filling = self._applying = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._try)
        self._empty = EmptyState(context, "site_empty", "threshold", has_button=False)
        shown = QWidget()
        inside = column(shown, margin=16, spacing=8)
        inside.addLayout(self._build_head())
        body = row(spacing=16)
        body.addLayout(self._build_left(), 1)
        body.addLayout(self._build_right())
        inside.addLayout(body, 1)
        self._front = QStackedWidget()
        self._front.addWidget(self._empty)
        self._front.addWidget(shown)
        self._front.setCurrentIndex(1)
        layout = column(self)
        layout.addWidget(self._front)
        self.retranslate()

    # Building

    def _build_head(self) -> QHBoxLayout:
        head = row(spacing=8)
        self.model, self.finding, self.least = (QComboBox() for _ in range(3))
        for choice, name in ((self.model, "model"), (self.finding, "finding"), (self.least, "least")):
            choice.setObjectName(f"site_{name}")
            choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            caption = label(role="strong")
            self._texts.add(caption.setText, f"validation.choose.{name}")
            self._texts.add(choice.setAccessibleName, f"validation.choose.{name}")
            caption.setBuddy(choice)
            head.addWidget(caption)
            head.addWidget(choice)
        self.model.currentIndexChanged.connect(self._other_model)
        self.finding.currentIndexChanged.connect(self.read)
        self.least.currentIndexChanged.connect(self.read)
        head.addStretch(1)
        return head

    def _build_left(self) -> QVBoxLayout:
        self._use = label("site_use", "strong", wrap=True)
        self._counted = label("site_counted", wrap=True)
        self._weak = label("site_weak", "caution", wrap=True)
        self._missing = label("site_missing", "caution", wrap=True)
        left = column(spacing=8)
        for part in (self._use, self._counted, self._weak, self._missing):
            left.addWidget(part)
        self._wishes = QWidget()
        wishes = column(self._wishes, spacing=4)
        self.sensitivity, self._sensitivity_words = self._slider("sensitivity", wishes)
        self.specificity, self._specificity_words = self._slider("specificity", wishes)
        left.addWidget(self._wishes)
        self.table = FigureTable("site_table", line_names=True)
        self.table.setSelectionMode(FigureTable.SelectionMode.NoSelection)
        left.addWidget(self.table, 1)
        self._never = label("site_never", "caution", wrap=True)
        self._honest = label("site_honest", "small", wrap=True)
        self._texts.add(self._honest.setText, "site.honest")
        self._rule = label("site_rule", "small", wrap=True)
        left.addWidget(self._never)
        left.addWidget(self._honest)
        left.addWidget(self._rule)
        left.addStretch(0)
        left.addLayout(self._build_foot())
        return left

    def _slider(self, name: str, place: QVBoxLayout) -> tuple[ShareSlider, QLabel]:
        made = ShareSlider(self._context, f"site_{name}", _LOWEST, _HIGHEST)
        words = label(f"site_{name}_words", wrap=True)
        words.setBuddy(made)
        self._texts.add(made.setAccessibleName, f"site.{name}")
        made.valueChanged.connect(self._wished)
        line = row(spacing=12)
        line.addWidget(made)
        line.addWidget(words, 1)
        place.addLayout(line)
        return made, words

    def _build_foot(self) -> QHBoxLayout:
        self.apply, self.drop = button("site_apply", "primary"), button("site_drop")
        self._texts.add(self.apply.setText, "site.apply")
        self._texts.add(self.drop.setText, "site.drop")
        self.apply.clicked.connect(self._apply)
        self.drop.clicked.connect(self._drop)
        self._whose = label("site_whose", "muted", wrap=True)
        self._texts.add(self._whose.setText, "site.not_yours")
        foot = row(spacing=12)
        foot.addWidget(self.apply)
        foot.addWidget(self.drop)
        foot.addWidget(self._whose, 1)
        foot.addStretch(0)
        return foot

    def _build_right(self) -> QVBoxLayout:
        right = column(spacing=4)
        caption = label(role="strong", wrap=True)
        self._texts.add(caption.setText, "validation.roc")
        self.roc = ShareChart(self._context, "site_roc")
        self._area = label("site_area", "small", wrap=True)
        self._others = label("site_others", "small", wrap=True)
        for part in (caption, self.roc, self._area):
            part.setFixedWidth(_CHART_WIDTH)
            right.addWidget(part)
        self.roc.setFixedHeight(_CHART_WIDTH)
        right.addStretch(1)
        self._others.setFixedWidth(_CHART_WIDTH)
        right.addWidget(self._others)
        return right

    # What the tools screen asks for

    def activated(self) -> None:
        """Read which models answered here."""
        clinic = self._context.open_clinic

        def work(job: "Job") -> tuple[JudgedModel, ...]:
            shelf.follow_models(clinic.models)
            return site_fitting.fittable_models(clinic, job)

        title = self._context.tr("validation.counting")
        self._context.operations.run(work, initiator=self, done=self._show_models, pool="background", title=title)

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._empty.set_texts("\n\n".join(filter(None, (self._context.tr("validation.none"), self._others_words()))))
        self._fill()
        self._show()

    def clear(self) -> None:
        """Nothing of the clinic stays."""
        self._question += 1
        self._wish += 1
        self._pause.stop()
        self._models, self._cases, self._found = (), None, None
        self._fill()
        self._show()

    # Choosing

    def _show_models(self, models: tuple[JudgedModel, ...]) -> None:
        self._models = models
        self._front.setCurrentIndex(1 if models else 0)
        self._fill()
        if models:
            self.model.setFocus()
            self.read()

    def _fill(self) -> None:
        """The choices in the window's language; what was chosen stays chosen."""
        self._filling = True
        _fill(self.model, [(model_title(self._context, one.name), one.name) for one in self._models])
        self._fill_findings()
        words = [self._context.tr(f"site.least.{one.name.lower()}") for one in _LEAST]
        _fill(self.least, list(zip(words, [one.value for one in _LEAST], strict=True)))
        self._filling = False

    def _fill_findings(self) -> None:
        model = self.model.currentData()
        findings = next((one.findings for one in self._models if one.name == model), ())
        _fill(self.finding, [(finding_name(self._context, model, key), key) for key in findings])

    def _other_model(self) -> None:
        if not self._filling:
            self._filling = True
            self._fill_findings()
            self._filling = False
            self.read()

    def read(self) -> None:
        """Read the cases, as chosen."""
        if self._filling or self.finding.currentData() is None:
            return
        clinic, model, finding = self._context.open_clinic, self.model.currentData(), self.finding.currentData()
        least = Strength(self.least.currentData())
        self._question += 1
        number = self._question

        def work(job: "Job") -> _Read:
            return _Read(number, site_fitting.site_cases(clinic, job, model, finding, least=least))

        title = self._context.tr("validation.counting")
        self._context.operations.run(work, initiator=self, done=self._take, pool="background", title=title)

    def _take(self, read: _Read) -> None:
        if read.number != self._question:
            return
        before, self._cases, self._found = self._cases, read.cases, None
        if before is None or (before.model, before.finding) != (read.cases.model, read.cases.finding):
            self._filling = True
            present = sum(case.present for case in read.cases.cases)
            counts = present, len(read.cases.cases) - present
            for slider, share, count in zip(
                (self.sensitivity, self.specificity), read.cases.asked, counts, strict=True
            ):
                slider.setValue(min(round(100 * share), _most(count)))
            self._filling = False
        self._show()
        self._try()

    def _wished(self) -> None:
        """Another wish: said at once, worked out after a short pause."""
        if not self._filling:
            self._say_wishes()
            self._pause.start()

    def _try(self) -> None:
        cases = self._cases
        if cases is None or cases.missing.any:
            return
        clinic = self._context.open_clinic
        sensitivity, specificity = self.sensitivity.value() / 100, self.specificity.value() / 100
        self._wish += 1
        number = self._wish

        def work(job: "Job") -> _Tried:
            return _Tried(number, site_fitting.fitted_to(clinic, job, cases, sensitivity, specificity))

        self._context.operations.run(work, initiator=self, done=self._tried, pool="compute")

    def _tried(self, tried: _Tried) -> None:
        if tried.number == self._wish:
            self._found = tried.found
            self._show()

    # Deeds

    def _apply(self) -> None:
        cases, found = self._cases, self._found
        if cases is None or found is None or self._applying:
            return
        self._applying = True
        clinic, library = self._context.open_clinic, shelf.library_in(self._context.places.models)
        sensitivity, specificity = self.sensitivity.value() / 100, self.specificity.value() / 100

        def work(job: "Job") -> SiteThresholds:
            return site_fitting.fit_site_thresholds(
                clinic, job, cases.model, cases.finding, sensitivity, specificity, least=cases.least, library=library
            )

        self._context.operations.run(
            work,
            initiator=self,
            done=self._applied,
            ended=self._read_again,
            pool="background",
            title=self._context.tr("site.applying"),
        )

    def _applied(self, kept: SiteThresholds) -> None:
        self._context.toast(self._context.tr("site.applied"))

    def _read_again(self) -> None:
        """What is in use may be other thresholds now; the focus stays where it can be undone."""
        self._applying = False
        self.read()

    def _drop(self) -> None:
        cases = self._cases
        if cases is None or self._applying:
            return
        self._applying = True
        self.apply.setFocus()
        clinic, library = self._context.open_clinic, shelf.library_in(self._context.places.models)
        finding = None if cases.use.damaged else cases.finding

        def work(job: "Job") -> str:
            site_fitting.drop_site_thresholds(clinic, job, cases.model, finding, library=library)
            return cases.model

        self._context.operations.run(
            work, initiator=self, done=self._dropped, ended=self._read_again, pool="background"
        )

    def _dropped(self, model: str) -> None:
        self._context.toast(self._context.tr("site.dropped"))

    # What is shown

    def _show(self) -> None:
        cases, tr = self._cases, self._context.tr
        fits = cases is not None and not cases.missing.any
        clinic = self._context.clinic
        may = clinic is not None and clinic.session.may(Permission.MANAGE_CLINIC)
        self._wishes.setVisible(fits)
        self.table.setVisible(fits)
        self._honest.setVisible(fits)
        self.apply.setVisible(fits and may)
        kept = cases is not None and bool(cases.use.used or cases.use.stale or cases.use.damaged)
        self.drop.setVisible(kept and may)
        self._whose.setVisible(not may)
        self._say(self._use, self._use_words())
        self._say(self._counted, self._counted_words())
        self._say(self._missing, self._missing_words())
        reviewed = cases.strengths.get(Strength.REVIEWED, 0) if cases is not None else 0
        self._say(self._weak, tr("validation.incorporation", count=reviewed) if reviewed else "")
        self._say(self._rule, tr(f"site.rule.{cases.rule}") if cases is not None and fits and cases.rule else "")
        self._say(self._others, self._others_words())
        self._say_wishes()
        self._show_found()

    def _others_words(self) -> str:
        """Which models are not offered, and why."""
        separator = self._context.tr("validation.list.stop")
        return "\n".join(
            self._context.tr(
                f"site.not_fitted.{why.value}",
                models=separator.join(model_title(self._context, name) for name in names),
            )
            for why, names in site_fitting.models_not_fitted(self._context.registry).items()
        )

    def _say(self, where: QLabel, words: str) -> None:
        where.setText(words)
        where.setVisible(bool(words))

    def _use_words(self) -> str:
        cases, tr = self._cases, self._context.tr
        if cases is None:
            return ""
        if cases.use.damaged:
            return tr("inference.site_damaged")
        if cases.use.used:
            one = cases.use.used[0]
            day = format_date(datetime.fromisoformat(one.fitted).astimezone().date(), self._context.language)
            return tr("site.in_use", day=day, count=one.cases, who=one.by, version=cases.version)
        return tr("inference.site.stale") if cases.use.stale else tr("site.not_in_use", version=cases.version)

    def _counted_words(self) -> str:
        cases, tr = self._cases, self._context.tr
        if cases is None:
            return ""
        present = sum(case.present for case in cases.cases)
        told = tr("site.counted", count=len(cases.cases), present=present, absent=len(cases.cases) - present)
        if not cases.cases:
            told = tr("site.counted.none")
        parts = [tr(f"validation.strength.{one.name.lower()}") + f" {count}" for one, count in _by_strength(cases)]
        if parts:
            told = tr("site.counted.how", counted=told, how=tr("validation.list.stop").join(parts))
        if cases.weaker:
            told = tr("site.counted.weaker", counted=told, count=cases.weaker)
        return tr("site.counted.others", counted=told, count=cases.others) if cases.others else told

    def _missing_words(self) -> str:
        cases, tr = self._cases, self._context.tr
        if cases is None or not cases.missing.any:
            return ""
        missing = cases.missing
        parts = [
            tr(f"validation.missing.{key}", count=count)
            for key, count in (("cases", missing.cases), ("present", missing.present), ("absent", missing.absent))
            if count
        ]
        return tr("site.missing", what=tr("validation.list.stop").join(parts))

    def _say_wishes(self) -> None:
        tr = self._context.tr
        self._sensitivity_words.setText(tr("site.wish.sensitivity", percent=self.sensitivity.value()))
        self._specificity_words.setText(tr("site.wish.specificity", percent=self.specificity.value()))

    def _show_found(self) -> None:
        cases, found, tr = self._cases, self._found, self._context.tr
        curve = cases.curve if cases is not None else None
        marks = [_mark(found.before), _mark(found.same)] if found is not None and curve is not None else []
        self.roc.show_curve(curve.points if curve else (), curve.band if curve else (), marks)
        told = tr("validation.roc.told", area=decimal(self._context, curve.area)) if curve else ""
        self.roc.set_words(tr("validation.roc.x"), tr("validation.roc.y"), tr("validation.roc.none"), told)
        self._say(self._area, tr("site.chart", told=told) if curve else "")
        if found is None:
            self.table.setRowCount(0)
            self._say(self._never, "")
            return
        never = [key for key, told in (("unlikely", found.never_unlikely), ("likely", found.never_likely)) if told]
        self._say(self._never, " ".join(tr(f"site.never.{key}") for key in never))
        self._show_table(found)

    def _show_table(self, found: SiteFit) -> None:
        tr, before = self._context.tr, self._before()
        outcomes = (found.before, found.same, found.honest)
        heads = [tr(f"site.column.{name}") for name in ("before", "same", "honest")]
        after = _bounds(found.thresholds.positive, found.thresholds.negative)
        rows: list[tuple[str, list[str]]] = [
            (tr("site.row.thresholds"), [before, after, ""]),
            *(
                (tr(f"site.row.{name}"), [percent(self._context, getattr(one, name)) for one in outcomes])
                for name in ("kept", "ruled_out", "cleared", "found", "decided")
            ),
            (tr("site.row.present"), [_answers(one, True) for one in outcomes]),
            (tr("site.row.absent"), [_answers(one, False) for one in outcomes]),
        ]
        self.table.show_lines(heads, [cells for _, cells in rows], words=0)
        self.table.setVerticalHeaderLabels([name for name, _ in rows])
        self.table.setAccessibleName(tr("tools.site"))
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.table.verticalHeader().setDefaultSectionSize(_LINE)

    def _before(self) -> str:
        cases = self._cases
        if cases is None:
            return ""
        own = self._context.registry.get(cases.model).thresholds(cases.finding)
        return _bounds(own.positive, own.negative)


def _answers(outcome: Outcome, present: bool) -> str:
    """Likely, cannot say, unlikely."""
    said = outcome.present if present else outcome.absent
    return f"{said.likely} / {said.cannot_say} / {said.unlikely}"


def _mark(outcome: Outcome) -> tuple[float, float]:
    """Where on the curve the line lies below which unlikely begins."""
    return 1 - outcome.ruled_out.value, outcome.kept.value


def _bounds(positive: float, negative: float) -> str:
    """Up to where it says unlikely, from where on likely; a dash where it never does."""
    unlikely = f"≤ {100 * min(positive, negative):.0f}%" if positive > 0 else "–"
    likely = f"≥ {100 * max(positive, negative):.0f}%" if negative < 1 else "–"
    return f"{unlikely} / {likely}"


def _most(count: int) -> int:
    """The highest share in whole per cent that so many cases of a class can promise for the next one (see
    `inference.calibration.conformal_thresholds`)."""
    return int(100 * (1 - 1 / (count + 1)))


def _by_strength(cases: SiteCases) -> list[tuple[Strength, int]]:
    """How many of each, the strongest first."""
    return [(one, cases.strengths[one]) for one in sorted(Strength, reverse=True) if cases.strengths.get(one, 0)]


def _fill(choice: QComboBox, entries: Sequence[tuple[str, object]]) -> None:
    """Other entries; what was chosen stays chosen where it is still there."""
    before = choice.currentData()
    choice.clear()
    for words, data in entries:
        choice.addItem(words, data)
    choice.setCurrentIndex(max(choice.findData(before), 0) if entries else -1)
