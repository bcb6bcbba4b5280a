"""Learning: how much a model has to learn from here, what a tuning came to, and putting that into use or taking it
back."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QScrollArea,
    QWidget,
)

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.ui.widgets.figure_table import FigureTable
from desktop.ui.widgets.parts import Texts, button, column, label, row, set_role
from desktop.workflow import tuning_whole
from desktop.workflow.tuning import (
    LEAST_CASES,
    LEAST_LOCKED,
    LEAST_OF_EACH,
    Enough,
    Figures,
    FindingTuned,
    ModelTuned,
    Point,
    TuningState,
    Verdict,
)
from desktop.workflow.tuning_whole import LEAST_OF_EACH_ALL, WholeEnough

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Operation

_HAVE = ("finding", "cases", "present", "absent", "locked", "state")
_COMPARED = ("finding", "figure", "before", "now")
_ROW_HEIGHT = 40
_NAME_LENGTH = 28
_HEAD, _WHOLE = "head", "whole"
_EXTENTS = (_HEAD, _WHOLE)


class LearningPage(QScrollArea):
    """Model, what of it may change, and what there is; the bright button learns; below, the model in use beside the
    challenger. A whole network is offered to an administrator where what it takes is installed."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("learning_page")
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._context = context
        self._texts = Texts(context)
        self._state: TuningState | None = None
        self._done: ModelTuned | None = None
        self._running: Operation[ModelTuned] | None = None
        inner = QWidget()
        inner.setProperty("role", "scroll")
        body = column(inner, margin=24, spacing=12)
        self._about = label("learning_about", "muted", wrap=True)
        self.have, self.compared = _table("learning_have"), _table("learning_compared")
        self._texts.add(self.have.setAccessibleName, "feedback.learning.have")
        self._texts.add(self.compared.setAccessibleName, "feedback.learning.compared")
        self._told = label("learning_told", wrap=True, selectable=True)
        self._guard = label("learning_guard", "muted", wrap=True)
        body.addWidget(self._about)
        body.addLayout(self._build_head())
        body.addLayout(self._build_what())
        for part in (self.have, self._told, self.compared, self._guard):
            body.addWidget(part)
        body.addLayout(self._build_foot())
        body.addStretch(1)
        for before, after in pairwise((self.models, self.what, self._stop, self._learn)):
            QWidget.setTabOrder(before, after)
        self.setWidget(inner)
        self.models.currentIndexChanged.connect(self._other_model)
        self.what.currentIndexChanged.connect(self._other_extent)
        self.retranslate()

    def _build_head(self) -> QHBoxLayout:
        self.models = QComboBox()
        self.models.setObjectName("learning_models")
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.models.setMinimumContentsLength(_NAME_LENGTH)
        self._texts.add(self.models.setAccessibleName, "feedback.learning.model")
        caption = label(role="strong")
        self._texts.add(caption.setText, "feedback.learning.model")
        caption.setBuddy(self.models)
        self._version = label("learning_version", "muted")
        self._learn = button("learning_start", "primary")
        self._texts.add(self._learn.setText, "feedback.learning.start")
        self._learn.clicked.connect(self._start)
        self._stop = button("learning_stop")
        self._texts.add(self._stop.setText, "feedback.learning.stop")
        self._stop.clicked.connect(self._cancel)
        self._stop.hide()
        head = row(spacing=12)
        for part in (caption, self.models, self._version):
            head.addWidget(part)
        head.addStretch(1)
        head.addWidget(self._stop)
        head.addWidget(self._learn)
        return head

    def _build_what(self) -> QHBoxLayout:
        self.what = QComboBox()
        self.what.setObjectName("learning_what")
        for extent in _EXTENTS:
            self.what.addItem("", extent)
        self.what.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._texts.add(self.what.setAccessibleName, "feedback.learning.what")
        self._what_caption = label(role="strong")
        self._texts.add(self._what_caption.setText, "feedback.learning.what")
        self._what_caption.setBuddy(self.what)
        self._no_torch = label("learning_no_torch", "muted", wrap=True)
        self._texts.add(self._no_torch.setText, "feedback.learning.no_torch")
        line = row(spacing=12)
        line.addWidget(self._what_caption)
        line.addWidget(self.what)
        line.addWidget(self._no_torch, 1)
        line.addStretch(0)
        return line

    def _build_foot(self) -> QHBoxLayout:
        self._use = button("learning_use", "primary")
        self._texts.add(self._use.setText, "feedback.learning.use")
        self._use.clicked.connect(self._activate)
        self._back = button("learning_back")
        self._texts.add(self._back.setText, "feedback.learning.back")
        self._back.clicked.connect(self._roll_back)
        foot = row(spacing=12)
        foot.addWidget(self._use)
        foot.addWidget(self._back)
        foot.addStretch(1)
        return foot

    # What is asked of the clinic

    def activated(self) -> None:
        """The page is shown: which models may be tuned, and what there is."""
        clinic = self._context.open_clinic

        def work(job: "Job") -> tuple[str, ...]:
            return workflow.tuning.tunable_models(clinic, job)

        self._context.operations.run(work, initiator=self, done=self._offer_models)

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        for place, extent in enumerate(_EXTENTS):
            self.what.setItemText(place, self._context.tr(f"feedback.learning.what.{extent}"))
        self._name_models()
        self._fill()

    def clear(self) -> None:
        """The clinic is locked."""
        self._state = self._done = self._running = None
        self.models.blockSignals(True)
        self.models.clear()
        self.models.blockSignals(False)
        self._fill()

    def count(self) -> None:
        """Count what there is to learn the chosen model from."""
        name = self._chosen()
        if not name:
            return
        clinic, folder = self._context.open_clinic, self._context.places.models

        def work(job: "Job") -> TuningState:
            return workflow.tuning.tuning_state(clinic, job, name, library=workflow.library_in(folder))

        self._context.operations.run(
            work, initiator=self, done=self._show, pool="display", title=self._context.tr("feedback.learning.counting")
        )

    def _start(self) -> None:
        name = self._chosen()
        clinic, folder = self._context.open_clinic, self._context.places.models

        whole = self._whole()

        def work(job: "Job") -> ModelTuned:
            library = workflow.library_in(folder)
            if whole:
                return tuning_whole.tune_whole_model(clinic, job, name, library=library)
            return workflow.tuning.tune_model(clinic, job, name, library=library)

        self._done = None
        self._running = self._context.operations.run(
            work,
            initiator=self,
            done=self._learned,
            ended=self._ended,
            pool="background",
            title=self._context.tr("feedback.learning.running"),
        )
        self._fill()
        self._stop.setFocus()

    def _cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def _activate(self) -> None:
        if self._done is None or self._done.kept is None:
            return
        kept, folder = self._done.kept, self._context.places.models
        keeper = workflow.keeper_of(self._context.open_clinic)

        def work(job: "Job") -> None:
            workflow.activate_model(
                kept.name, job, keeper=keeper, version=kept.digest, library=workflow.library_in(folder)
            )

        self._learn.setFocus()
        self._use.setEnabled(False)
        self._context.operations.run(work, initiator=self, done=self._in_use, ended=self.count, pool="compute")

    def _roll_back(self) -> None:
        name, folder = self._chosen(), self._context.places.models
        keeper = workflow.keeper_of(self._context.open_clinic)

        def work(job: "Job") -> None:
            workflow.roll_back_model(name, keeper=keeper, library=workflow.library_in(folder))

        self._learn.setFocus()
        self._back.setEnabled(False)
        self._context.operations.run(work, initiator=self, done=self._went_back, ended=self.count, pool="compute")

    # What came back

    def _offer_models(self, names: tuple[str, ...]) -> None:
        chosen = self._chosen()
        self.models.blockSignals(True)
        self.models.clear()
        for name in names:
            self.models.addItem(name, name)
        place = self.models.findData(chosen)
        self.models.setCurrentIndex(max(0, place) if names else -1)
        self._name_models()
        self.models.blockSignals(False)
        if self.isVisible():
            self.models.setFocus()
        self.count()

    def _other_model(self) -> None:
        self._state = self._done = None
        self._fill()
        self.count()

    def _other_extent(self) -> None:
        self._done = None
        self._fill()

    def _show(self, state: TuningState) -> None:
        if state.model == self._chosen():
            self._state = state
            self._fill()

    def _learned(self, done: ModelTuned) -> None:
        self._done = done

    def _ended(self) -> None:
        self._running = None
        self._fill()
        if self.isVisible():
            (self._learn if self._use.isHidden() else self._use).setFocus()
            QTimer.singleShot(0, self._bring_into_view)  # once the new tables have their places

    def _bring_into_view(self) -> None:
        self.ensureWidgetVisible(self._learn if self._use.isHidden() else self._use)

    def _in_use(self, nothing: None) -> None:
        self._done = None
        self._context.toast(self._context.tr("feedback.learning.used"))

    def _went_back(self, nothing: None) -> None:
        self._done = None
        self._context.toast(self._context.tr("feedback.learning.went_back"))

    # What is shown

    def _chosen(self) -> str:
        return str(self.models.currentData() or "")

    def _whole(self) -> bool:
        """Whether the whole network is to learn."""
        return self._may_whole() and self.what.currentData() == _WHOLE

    def _may_whole(self) -> bool:
        return self._may_manage() and tuning_whole.can_learn_whole()

    def _may_manage(self) -> bool:
        clinic = self._context.clinic
        return clinic is not None and clinic.session.may(Permission.MANAGE_CLINIC)

    def _to_learn(self, there: Enough) -> Enough | WholeEnough:
        return WholeEnough(there) if self._whole() else there

    def _name_models(self) -> None:
        for place in range(self.models.count()):
            name = str(self.models.itemData(place))
            try:
                title = self._context.registry.get(name).title(self._context.language)
            except UserFacingError:
                title = name
            self.models.setItemText(place, title)

    def _fill(self) -> None:
        tr, state, done = self._context.tr, self._state, self._done
        running = self._running is not None
        of_this = done is not None and done.model == self._chosen()
        told = done.findings if done is not None and of_this else state.findings if state is not None else ()
        self._version.setText(
            tr("feedback.learning.version.tuned" if state.tuned else "feedback.learning.version", version=state.version)
            if state is not None
            else ""
        )
        self._about.setText(tr("feedback.learning.about_whole" if self._whole() else "feedback.learning.about"))
        self.models.setEnabled(not running)
        self.what.setEnabled(not running)
        for part in (self.what, self._what_caption):
            part.setVisible(self._may_whole())
        self._no_torch.setVisible(self._may_manage() and not self._may_whole())
        self._learn.setVisible(not running)
        self._stop.setVisible(running)
        self._learn.setEnabled(any(self._to_learn(one.enough).to_learn for one in told))
        _put(
            self.have,
            [tr(f"feedback.learning.{name}") for name in _HAVE],
            [self._have_line(one) for one in told],
        )
        lines = [line for one in told for line in self._compared_lines(one)]
        _put(self.compared, [tr(f"feedback.learning.{name}") for name in _COMPARED], lines)
        whole = done.whole if done is not None and of_this else self._whole()
        self._guard.setText(tr("feedback.learning.guard_whole" if whole else "feedback.learning.guard"))
        self._guard.setVisible(bool(lines))
        self._told.setText(self._words(done if of_this else None))
        self._told.setVisible(bool(self._told.text()))
        self._offer_deeds(done if of_this else None)

    def _offer_deeds(self, done: ModelTuned | None) -> None:
        may = self._may_manage()
        ready = may and done is not None and done.kept is not None
        self._use.setVisible(ready)
        self._use.setEnabled(True)
        # One bright button: what is to be done next.
        set_role(self._learn, "" if ready else "primary")
        before = self._state is not None and any(one.before for one in self._state.versions)
        self._back.setVisible(may and before)
        self._back.setEnabled(True)

    def _have_line(self, one: FindingTuned) -> list[str]:
        there = one.enough
        locked = self._context.tr(
            "feedback.learning.with_without", present=there.locked_present, absent=there.locked_absent
        )
        return [
            self._finding(one.finding),
            str(there.cases),
            str(there.present),
            str(there.absent),
            locked,
            self._state_words(one),
        ]

    def _state_words(self, one: FindingTuned) -> str:
        tr = self._context.tr
        if one.tuned is not None and one.tuned.verdict is not Verdict.TOO_FEW:
            return tr(f"feedback.learning.verdict.{one.tuned.verdict.value}")
        return self._missing(one.enough)

    def _missing(self, there: Enough) -> str:
        tr, wanted = self._context.tr, self._to_learn(there)
        if not wanted.to_learn:
            cases = 0 if self._whole() else there.missing_cases
            parts = [
                tr(f"feedback.learning.missing.{name}", count=count)
                for name, count in (
                    ("cases", cases),
                    ("present", wanted.missing_present),
                    ("absent", wanted.missing_absent),
                )
                if count
            ]
            return tr("feedback.learning.missing", what=tr("feedback.learning.and").join(parts))
        return tr("feedback.learning.enough" if there.to_compare else "feedback.learning.not_to_compare")

    def _compared_lines(self, one: FindingTuned) -> list[list[str]]:
        tuned = one.tuned
        if tuned is None or tuned.champion is None or tuned.challenger is None:
            return []
        tr, before, now = self._context.tr, tuned.champion, tuned.challenger
        name = self._finding(one.finding)
        lines = [[name, tr("feedback.learning.auc"), self._area(before), self._area(now)]]
        for point in Point:
            shares = [figures.points[point] for figures in (before, now)]
            words = [
                tr(
                    "feedback.quality.share",
                    percent=round(100 * share.value),
                    low=round(100 * share.low),
                    high=round(100 * share.high),
                    count=share.n,
                )
                for share in shares
            ]
            mark = tr("feedback.learning.worse", share=words[1]) if point in tuned.worse else words[1]
            lines.append([name, tr(f"feedback.learning.point.{point.value}"), words[0], mark])
        return lines

    def _area(self, figures: Figures) -> str:
        area = figures.auc
        return f"{area.value:.3f} ({area.low:.3f}–{area.high:.3f})" if area.low == area.low else f"{area.value:.3f}"

    def _words(self, done: ModelTuned | None) -> str:
        tr = self._context.tr
        whole = self._whole()
        if self._running is not None:
            return tr("feedback.learning.in_background_whole" if whole else "feedback.learning.in_background")
        if done is None and whole:
            return tr("feedback.learning.rule_whole", each=LEAST_OF_EACH_ALL, locked=LEAST_LOCKED)
        if done is None:
            return tr("feedback.learning.rule", cases=LEAST_CASES, each=LEAST_OF_EACH, locked=LEAST_LOCKED)
        may = self._may_manage()
        key = "kept" if done.kept is not None and may else "kept_for_other" if done.kept is not None else "nothing_kept"
        parts = [tr(f"feedback.learning.{key}", version=done.kept.version if done.kept is not None else "")]
        if done.stranger:
            parts.append(tr("feedback.learning.stranger"))
        if done.left_out:
            parts.append(tr("feedback.learning.left_out", count=done.left_out))
        return "\n".join(parts)

    def _finding(self, key: str) -> str:
        try:
            return self._context.registry.get(self._chosen()).finding_name(key, self._context.language)
        except (UserFacingError, KeyError):
            return key


def _table(name: str) -> FigureTable:
    made = FigureTable(name)
    made.horizontalHeader().setStretchLastSection(True)
    made.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return made


def _put(table: FigureTable, head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Fill a table and make it as high as its lines; hidden where it has none."""
    # Qt forgets it with each new set of columns' widths.
    table.horizontalHeader().setStretchLastSection(False)
    table.show_lines(head, lines)
    table.horizontalHeader().setStretchLastSection(True)
    table.resizeRowsToContents()
    rows = sum(table.rowHeight(place) for place in range(len(lines)))
    table.setFixedHeight(rows + _ROW_HEIGHT)
    table.setVisible(bool(lines))
