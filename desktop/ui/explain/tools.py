"""Looks behind a suggestion while it is read: similar cases, hidden parts, and what does not fit the chart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from desktop.access import Permission
from desktop.records import Changes, Suggestion, SuggestionId
from desktop.ui.action import Action, bind
from desktop.ui.explain.similar_dialog import SimilarDialog
from desktop.ui.review.words import decision_word, finding_name, percent
from desktop.workflow import doubts, explaining

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Operation
    from desktop.ui.reading.film_side import FilmSide
    from desktop.ui.reading.panel import ReadingPanel
    from desktop.ui.reading.sitting import Sitting
    from desktop.ui.viewers import FilmViewer
    from desktop.workflow.doubts import Doubt
    from desktop.workflow.explaining import HiddenParts

_Key = tuple[SuggestionId, str]

EXPLAIN_ACTIONS: tuple[Action, ...] = (
    Action("explain.similar", "reading", ("Shift+Y",), "explaining.action.similar"),
    Action("explain.hiding", "reading", ("Shift+U",), "explaining.action.hiding"),
)
"""For the finding in turn; each finding has buttons of its own besides."""


@dataclass(frozen=True)
class _Doubts:
    """What does not fit, and about which suggestions it was asked."""

    asked: tuple[SuggestionId, ...]
    doubts: "tuple[Doubt, ...]"


class ExplainTools(QObject):
    """Stands between the reading panel, the film and the models. What was worked out is kept while a study is open."""

    def __init__(
        self, context: "UiContext", page: QWidget, panel: "ReadingPanel", film: "FilmSide", viewer: "FilmViewer"
    ) -> None:
        super().__init__(page)
        self._context = context
        self._page = page
        self._panel = panel
        self._film = film
        self._viewer = viewer
        self._sitting: Sitting | None = None
        self._hidden: dict[_Key, HiddenParts] = {}
        self._hiding: Operation[HiddenParts] | None = None
        self._asked: tuple[SuggestionId, ...] = ()
        self._doubts: tuple[Doubt, ...] = ()
        handlers: dict[str, Callable[[], object]] = {
            "explain.similar": self._similar_in_turn,
            "explain.hiding": self._hide_in_turn,
        }
        self.actions = bind(context, page, EXPLAIN_ACTIONS, handlers)
        panel.suggestion.similar_asked.connect(self.show_similar)
        panel.suggestion.hiding_asked.connect(self.show_hidden)
        context.changed.connect(self._follow)

    # What the page calls

    def show_sitting(self, sitting: "Sitting") -> None:
        """Where the reading stands now."""
        self._sitting = sitting
        shown = tuple(one.id for one in sitting.reading.suggestions)
        if shown != self._asked:
            self._asked, self._doubts = shown, ()
            self._ask_doubts()
        self._say()

    def clear(self) -> None:
        """Forget every picture and every word."""
        self._sitting = None
        self._asked, self._doubts = (), ()
        self._hidden.clear()
        if self._hiding is not None:
            self._hiding.cancel()
            self._hiding = None

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.actions.retranslate()
        self._say()

    # Similar cases

    def show_similar(self, suggestion: Suggestion, key: str) -> None:
        """Confirmed cases like this one, in a window of their own."""
        name = self._name(suggestion, key)
        dialog = SimilarDialog(self._context, suggestion, key, name, self._page.window())
        dialog.opened.connect(self._context.study_requested)
        dialog.open()

    def _similar_in_turn(self) -> None:
        asked = self._in_turn()
        if asked is None:
            return
        if explaining.can_explain(self._context.registry, asked[0]).similar:
            self.show_similar(*asked)
        else:
            self._cannot(asked[0])

    # Hidden parts

    def show_hidden(self, suggestion: Suggestion, key: str) -> None:
        """Which parts it matters to hide, over the film; asked once more, where the model looked comes back."""
        shown = self._film.hidden
        if shown is not None and (shown.suggestion, shown.finding) == (suggestion.id, key):
            self._film.show_hidden(None)
            self._say()
            return
        known = self._hidden.get((suggestion.id, key))
        if known is not None:
            self._lay(known)
            return
        if self._hiding is not None:
            return
        clinic = self._context.open_clinic

        def work(job: "Job") -> "HiddenParts":
            return explaining.hidden_parts(clinic, job, suggestion.id, key)

        self._hiding = self._context.operations.run(
            work,
            initiator=self,
            done=self._take,
            failed=self._failed,
            ended=self._ended,
            pool="compute",
            title=self._context.tr("explaining.hiding.working"),
        )

    def _hide_in_turn(self) -> None:
        asked = self._in_turn()
        if asked is None:
            return
        if explaining.can_explain(self._context.registry, asked[0]).hiding:
            self.show_hidden(*asked)
        else:
            self._cannot(asked[0])

    def _take(self, found: "HiddenParts") -> None:
        if self._sitting is None or found.suggestion not in {s.id for s in self._sitting.reading.suggestions}:
            return
        self._hidden[found.suggestion, found.finding] = found
        self._lay(found)

    def _lay(self, found: "HiddenParts") -> None:
        self._film.show_hidden(found)
        state = self._viewer.state
        if found.occlusion.map is not None and state is not None and not state.overlay:
            self._viewer.run("viewer.overlay")
        self._say()

    def _failed(self, error: Exception) -> None:
        self._context.show_error(error, self._page)

    def _ended(self) -> None:
        self._hiding = None

    # What does not fit the chart

    def _follow(self, changes: Changes, initiator: QObject | None) -> None:
        """Something new on the chart may not fit, or make fit what did not."""
        if changes.visits or changes.patients:
            self._ask_doubts()

    def _ask_doubts(self) -> None:
        clinic, sitting = self._context.clinic, self._sitting
        if clinic is None or sitting is None or not self._asked:
            return
        study, asked = sitting.study.study.id, self._asked

        def work(job: "Job") -> "_Doubts":
            return _Doubts(asked, doubts.chart_doubts(clinic, job, study))

        self._context.operations.run(work, initiator=self, done=self._take_doubts, failed=self._failed)

    def _take_doubts(self, found: "_Doubts") -> None:
        if found.asked == self._asked:
            self._doubts = found.doubts
            self._say()

    def _doubt_words(self) -> dict[_Key, str]:
        sitting = self._sitting
        said = (
            {}
            if sitting is None
            else {
                (one.id, finding.key): finding.decision
                for one in sitting.reading.suggestions
                for finding in one.analysis.findings
            }
        )
        told: dict[_Key, str] = {}
        for doubt in self._doubts:
            key = (doubt.suggestion, doubt.finding)
            if key in said:
                word = decision_word(self._context, said[key])
                sentence = self._context.tr(f"doubts.{doubt.rule}", decision=word, **doubt.details)
                told[key] = f"{told[key]}\n{sentence}" if key in told else sentence
        return told

    # Words

    def _say(self) -> None:
        self._panel.suggestion.show_doubts(self._doubt_words())
        shown = self._film.hidden
        said = {} if shown is None else {(shown.suggestion, shown.finding): self._hidden_words(shown)}
        self._panel.suggestion.show_hidden(said)

    def _hidden_words(self, found: "HiddenParts") -> str:
        """How far the answer falls and rises, and whether the two maps tell the same."""
        tr, occlusion = self._context.tr, found.occlusion
        if occlusion.map is None:
            return tr("explaining.hiding.nowhere", before=percent(occlusion.before))
        falls = tr(
            "explaining.hiding.falls",
            before=percent(occlusion.before),
            lowest=percent(occlusion.lowest),
            count=occlusion.hidden,
        )
        return "\n".join((falls, tr(f"explaining.hiding.{found.agreement.value}")))

    def _in_turn(self) -> tuple[Suggestion, str] | None:
        """The finding whose turn it is, or the only one there is; None while nothing is revealed or nobody may."""
        clinic, subject = self._context.clinic, self._panel.decision.current
        if clinic is None or not clinic.session.may(Permission.READ_IMAGES):
            return None
        if subject is None or subject.suggestion is None:
            return None
        return subject.suggestion, subject.key

    def _cannot(self, suggestion: Suggestion) -> None:
        """A key was pressed for what this model, or what is left of it, cannot do."""
        known = explaining.can_explain(self._context.registry, suggestion)
        self._context.toast(self._context.tr(f"explaining.{'model_changed' if known.changed else 'not_this_model'}"))

    def _name(self, suggestion: Suggestion, key: str) -> str:
        finding = next(one for one in suggestion.analysis.findings if one.key == key)
        return finding_name(self._context, suggestion, finding)
