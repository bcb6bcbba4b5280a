"""One study being read: the film or the report at the left, the four steps at the right."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop.records import PrintedPicture, StudyId, SuggestionId
from desktop.ui.action import bind
from desktop.ui.context import UiContext
from desktop.ui.explain.tools import ExplainTools
from desktop.ui.reading.actions import ECG_ACTIONS, STUDY_ACTIONS, VIEWER_ACTIONS
from desktop.ui.reading.desk import ReadingDesk
from desktop.ui.reading.drafts import DraftKeeper, Typed
from desktop.ui.reading.film_bar import FilmBar
from desktop.ui.reading.film_drawings import FilmDrawings
from desktop.ui.reading.film_side import FilmSide
from desktop.ui.reading.following import SuggestionFollower
from desktop.ui.reading.footer import Turn
from desktop.ui.reading.hanging_tools import HangingTools
from desktop.ui.reading.marks_tools import MARKS_ACTIONS, MarksTools
from desktop.ui.reading.panel import ReadingPanel
from desktop.ui.reading.picture_tools import PICTURE_ACTIONS, PictureTools
from desktop.ui.reading.read_step import templates, without_open_prompts
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.reading.trace_side import TraceSide
from desktop.ui.reading.turned_out import Told, TurnedOut, can_be_told, outcome_lines
from desktop.ui.reading.volume_drawings import VolumeDrawings
from desktop.ui.reading.volume_side import VolumeSide
from desktop.ui.reports.handing_over import HandingOver
from desktop.ui.reports.preview import ReportPreview
from desktop.ui.review.history import HistoryDialog
from desktop.ui.viewers import FilmViewer
from desktop.ui.viewers.ecg_pane import EcgPane
from desktop.ui.viewers.film_tiles import FilmTiles
from desktop.ui.viewers.volume_screen import VolumeScreen

REVEAL_GUARD_SECONDS = 0.4
"""A verdict key within this time after the reveal, or after another picture came up, was meant for something else."""


class StudyPage(QWidget):
    """Puts a `Sitting` on the screen and hands the reader's deeds to the desk.

    Signals: opened(Sitting) when another study is on the screen; patient_changed(Patient) where whose it is was edited;
    worklist_asked(); study_asked(study id) for another one of the same patient; not_opened() where it failed.
    """

    opened = Signal(object)
    patient_changed = Signal(object)
    worklist_asked = Signal()
    study_asked = Signal(str)
    not_opened = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("study_page")
        self._context = context
        self._impressions_shown = 0
        self._previewed_words: str | None = None
        self._previewed_picture: PrintedPicture | None = None
        self._revealed = 0.0
        self._history: HistoryDialog | None = None
        self._desk = ReadingDesk(context, self)
        self._drafts = DraftKeeper(context, self)
        self._handing = HandingOver(context, self)
        self.viewer = FilmViewer(context)
        self.tiles = FilmTiles(context, self.viewer)
        self.ecg = EcgPane(context)
        self.volume = VolumeScreen(context)
        self.preview = ReportPreview(context)
        self.panel = ReadingPanel(context)
        self._bound = bind(context, self, (*STUDY_ACTIONS, *VIEWER_ACTIONS, *ECG_ACTIONS), self._handlers())
        self._bound["reading.primary"].setAutoRepeat(False)
        self.bar = FilmBar(context, self._bound)
        self._film = FilmSide(context, self.viewer, self.bar, self)
        self._drawings = FilmDrawings(context, self._desk, self.viewer, self._film)
        self.tools = PictureTools(context, self, self._desk, self.viewer, self._film)
        self.bar.add_pictures([self.tools.actions[action.id] for action in PICTURE_ACTIONS])
        self.marks = MarksTools(context, self, self._desk, self.viewer, self._film, self.volume)
        self.bar.add_marks([self.marks.actions[action.id] for action in MARKS_ACTIONS])
        self.bar.add_for_slices(self.volume.marked)
        self.volume.add_marks([self.marks.actions[action.id] for action in MARKS_ACTIONS])
        self.turned_out = TurnedOut(context, self)
        self._told: Told | None = None
        self._traces = TraceSide(context, self.ecg, self)
        self._follower = SuggestionFollower(self.panel, self._film, self._traces, self)
        self._slices = VolumeSide(context, self.volume, self)
        self._slice_drawings = VolumeDrawings(context, self._desk, self.volume)
        self._slices.shown.connect(self._slice_drawings.begin)
        self.explain = ExplainTools(context, self, self.panel, self._film, self.viewer)
        self.hanging = HangingTools(context, self, self.tiles, self._film, self.volume, self._slices)
        side = ("compare.layout", "compare.prior", "compare.difference")
        self.bar.add_side([self.hanging.actions[name] for name in side])
        self._lay_out()
        self._connect()
        self._bring(self.tiles)
        self.retranslate()

    # Building

    def _lay_out(self) -> None:
        self._front = QStackedWidget()
        self._front.addWidget(self.tiles)
        self._front.addWidget(self.ecg)
        self._front.addWidget(self.hanging.volumes)
        self._front.addWidget(self.preview)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(self.bar)
        left.addWidget(self._front, 1)
        page = QHBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addLayout(left, 1)
        page.addWidget(self.panel)
        for before, after in pairwise((self.bar.last, self.viewer, self.preview, self.panel.first)):
            QWidget.setTabOrder(before, after)

    def _connect(self) -> None:
        self._desk.opened.connect(self._show_study)
        self._desk.updated.connect(self._update_study)
        self._desk.signed.connect(self._was_signed)
        self._desk.failed.connect(self._deed_failed)
        self._desk.not_opened.connect(self.not_opened)
        self._drafts.saved.connect(self._draft_saved)
        self._drafts.failed.connect(self._draft_failed)
        self._handing.failed.connect(self._deed_failed)
        self.bar.worklist_asked.connect(self.worklist_asked)
        self.bar.study_chosen.connect(self.study_asked)
        self.tools.reopen_asked.connect(self.open)
        self.tools.tally_asked.connect(self._add_to_findings)
        self.ecg.asked.connect(self._traces.run)
        self._slices.failed.connect(self._deed_failed)
        preview, panel = self.preview, self.panel
        preview.shown.connect(self._preview_shown)
        preview.failed.connect(self._preview_failed)
        preview.left.connect(self.show_film)
        panel.pressed.connect(self._pressed)
        panel.read.typed.connect(self._typed)
        panel.read.left.connect(self._focus_film)
        self._film.overlay_changed.connect(panel.suggestion.overlay.setChecked)
        panel.suggestion.overlay_asked.connect(self._toggle_overlay)
        panel.suggestion.again_asked.connect(self._desk.ask_models)
        panel.decision.decided.connect(self._desk.review)
        panel.decision.all_accepted.connect(self._accept_all)
        panel.decision.added.connect(self._desk.add_finding)
        self._follower.came_up.connect(self.hanging.films.refresh)
        self._desk.taking_back.connect(self.show_film)
        panel.decision.left.connect(panel.focus_next)
        panel.decision.region_asked.connect(self._draw_region)
        panel.decision.history_asked.connect(self.show_history)
        panel.report.preview_asked.connect(self.show_report)
        panel.report.language_chosen.connect(self._language_chosen)
        panel.report.addendum.connect(self._desk.add_addendum)
        panel.report.left.connect(panel.focus_next)
        panel.report.turned_out_asked.connect(self.turned_out.ask)
        self.turned_out.told.connect(self._show_outcomes)

    def _handlers(self) -> Mapping[str, Callable[[], object]]:
        panel = self.panel
        handlers: dict[str, Callable[[], object]] = {
            "reading.primary": self._press_primary,
            "reading.accept": self._accept,
            "reading.accept_all": panel.decision.accept_all,
            "reading.amend": self._amend,
            "reading.reject": self._reject,
            "reading.reason": panel.decision.reason.setFocus,
            "reading.add_finding": panel.decision.start_adding,
            "reading.why": panel.suggestion.why.click,
            "reading.limits": panel.suggestion.limits.click,
            "reading.history": self.show_history,
            "reading.findings": self._focus_findings,
            "reading.impression": self._focus_impression,
            "reading.film": self.show_film,
            "reading.report": self.show_report,
            "reading.print": partial(self._hand_over, "print"),
            "reading.save_pdf": partial(self._hand_over, "save_pdf"),
            "reading.save_fhir": partial(self._hand_over, "save_fhir"),
            "reading.addendum": panel.report.start_addendum,
            "reading.next_study": partial(self._step_study, 1),
            "reading.previous_study": partial(self._step_study, -1),
            "reading.next_film": partial(self._step_film, 1),
            "reading.previous_film": partial(self._step_film, -1),
            "reading.next_suggestion": partial(panel.step_suggestion, 1),
            "reading.previous_suggestion": partial(panel.step_suggestion, -1),
        }
        handlers |= {action.id: partial(self._run_viewer, action.id) for action in VIEWER_ACTIONS}
        handlers |= {action.id: partial(self._run_ecg, action.id) for action in ECG_ACTIONS}
        return handlers

    # What the room calls

    @property
    def sitting(self) -> Sitting | None:
        """The study being read."""
        return self._desk.sitting

    def open(self, study: StudyId) -> None:
        """Read a study; what was typed for another one is kept."""
        self.leave()
        self._desk.open(study)

    def leave(self) -> None:
        """Put the study away; its draft is kept."""
        self.save_drafts()
        self._desk.close()
        for part in (self._film, self._traces, self._slices, self.preview, self.panel, self.explain):
            part.clear()
        self._bring(self.tiles)
        self._handing.close()
        self._drawings.clear()
        self._slice_drawings.clear()
        self.tools.clear()
        self.marks.clear()
        self.turned_out.clear()
        self._told = None
        self.hanging.clear()
        self._previewed_words = self._previewed_picture = None
        if self._history is not None:
            self._history.close()
            self._history = None

    def save_drafts(self) -> None:
        """Put typed words in the store's queue at once."""
        self.viewer.finish_label()
        self.volume.drawer.finish_label()
        self._drafts.save_now()

    def forget_drafts(self) -> None:
        """Drop words that can no longer be kept: the clinic is locked."""
        self._drafts.forget()

    def focus_next(self) -> None:
        """Put the focus where the next thing is done."""
        self.panel.focus_next()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._bound.retranslate()
        self.tools.retranslate()
        self.marks.retranslate()
        self.turned_out.retranslate()
        self._show_outcomes(self._told)
        for part in (self._film, self.hanging, self._traces, self._slices, self.panel, self.preview, self.explain):
            part.retranslate()
        self.ecg.set_tips({action.id: self._bound[action.id] for action in ECG_ACTIONS})

    # The study on the desk

    def _show_study(self, sitting: Sitting) -> None:
        self._impressions_shown = len(sitting.reading.impressions)
        self._film.begin(sitting)
        self._traces.begin(sitting)
        self._slices.begin(sitting)
        self.marks.show_sitting(sitting)
        self._slice_drawings.show_sitting(sitting)
        self.hanging.begin(sitting)
        self._bring(self._picture)
        self._follower.look()
        self.panel.begin(sitting)
        self.explain.show_sitting(sitting)
        self._show_outcomes(None)
        self.turned_out.show_sitting(sitting)
        self.opened.emit(sitting)
        self.panel.focus_next()

    def _update_study(self, sitting: Sitting) -> None:
        """Follow what changed; the focus moves on to the next step, and the report comes up once all is decided."""
        before, impressions = self.panel.turn, self._impressions_shown
        self._impressions_shown = len(sitting.reading.impressions)
        if self._impressions_shown > impressions:
            self.panel.read.stop_editing()
            self._drafts.typed(Typed(sitting.study.study.id, self.panel.read.findings_words, ""))
            self._drafts.save_now()
            self._revealed = time.monotonic()
        self.patient_changed.emit(sitting.study.patient)
        self._film.show_sitting(sitting)
        self.marks.show_sitting(sitting)
        self._traces.show_sitting(sitting)
        self._slices.show_sitting(sitting)
        self._slice_drawings.show_sitting(sitting)
        self.panel.show_sitting(sitting)
        self.explain.show_sitting(sitting)
        self.turned_out.show_sitting(sitting)
        self._show_outcomes(self._told)
        all_decided = before is Turn.DECIDE and self.panel.turn is Turn.PREVIEW
        if all_decided:
            self.panel.suggestion.fold()
        if all_decided or (self.previewing and not sitting.signed):
            self.show_report()
        elif self.panel.turn is not before:
            self.panel.focus_next()

    def _show_outcomes(self, told: Told | None) -> None:
        """What the case turned out to be, where its report stands."""
        self._told, sitting = told, self.sitting
        if sitting is not None:
            lines = outcome_lines(self._context, sitting, told) if told is not None else ""
            self.panel.report.show_outcomes(lines, may_add=can_be_told(sitting))

    def _step_study(self, by: int) -> None:
        self.bar.step_study(by)

    def _step_film(self, by: int) -> None:
        """Another picture of the study; while the report is in front, another part of its pages."""
        if self.previewing:
            self.preview.step(by)
        else:
            self._film.step(by)
            self.hanging.films.refresh()
            self._traces.step(by)
            self._slices.step(by)
            self._follower.look()

    # The film or the trace

    @property
    def _picture(self) -> QWidget:
        """What is read: the film, the trace, or the slices."""
        if self._slices.showing:
            return self.hanging.volumes
        return self.ecg if self._traces.showing else self.tiles

    def _bring(self, front: QWidget) -> None:
        """Put something in front with its keys and buttons: films and traces use the same keys for their own commands,
        and before the report's pages neither has any."""
        self._front.setCurrentWidget(front)
        kind = self.sitting.kind if self.sitting is not None else StudyKind.FILM
        self.bar.show_tools(kind, self.previewing)
        self.tools.enable(kind, self.previewing)
        self.marks.enable(kind, self.previewing)
        self.hanging.enable(kind, self.previewing)
        for actions, owner in ((VIEWER_ACTIONS, StudyKind.FILM), (ECG_ACTIONS, StudyKind.TRACE)):
            for action in actions:
                self._bound[action.id].setEnabled(kind is owner and not self.previewing)

    def _run_ecg(self, command: str) -> None:
        if self._on_film and self._traces.run(command) and command == "ecg.caliper":
            self.ecg.viewer.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _run_viewer(self, command: str) -> None:
        if self._on_film and self.tiles.run(command) and self.viewer.tool.draws is not None:
            self.viewer.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @property
    def _on_film(self) -> bool:
        return not self.previewing

    def _toggle_overlay(self, shown: bool) -> None:
        self.show_film()
        self.viewer.run("viewer.overlay")
        self.panel.suggestion.overlay.setChecked(self.viewer.state is not None and self.viewer.state.overlay)

    def _draw_region(self) -> None:
        self.show_film()
        self._run_viewer("viewer.tool_region")

    def _focus_film(self) -> None:
        if self._on_film:
            self._picture.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_film(self) -> None:
        """The film in front, with the keys."""
        if self.sitting is None:
            return
        self._bring(self._picture)
        self.panel.show_preview_state(False, False)
        self._focus_film()

    # Reading and deciding

    def _focus_findings(self) -> None:
        self._focus_field(self.panel.read.findings)

    def _focus_impression(self) -> None:
        self._focus_field(self.panel.read.impression)

    def _focus_field(self, field: QWidget) -> None:
        sitting = self.sitting
        if sitting is None or not sitting.writable:
            return
        if sitting.reading.impressions and not self.panel.read.editing:
            self.show_film()
            self.panel.read.edit()
        field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.panel.show_preview_state(self.previewing, self.preview.ready)

    def _add_to_findings(self, words: str) -> None:
        """Write a line below the findings, where the report may still change."""
        findings = self.panel.read.findings
        if self.sitting is not None and self.sitting.writable:
            before = self.panel.read.findings_words.rstrip()
            findings.setPlainText(f"{before}\n{words}" if before else words)
            self._context.toast(self._context.tr("counting.written"))

    def _typed(self) -> None:
        sitting, read = self.sitting, self.panel.read
        if sitting is not None and sitting.writable:
            words = read.impression_words if read.impression_changed else ""
            self._drafts.typed(Typed(sitting.study.study.id, read.findings_words, words))
            read.say_draft("")

    def _draft_saved(self) -> None:
        if not self._drafts.waiting:
            self.panel.read.say_draft(self._context.tr("reading.draft.saved"))

    def _draft_failed(self, error: Exception) -> None:
        self.panel.read.say_draft(self._context.tr("reading.draft.failed"))

    def _press_primary(self) -> None:
        self.viewer.finish_label()
        self.panel.footer.press_primary()

    def _pressed(self, name: str) -> None:
        {
            "save_impression": self._save_impression,
            "save_change": self._save_impression,
            "keep_old": self._keep_old,
            "accept": self._accept,
            "amend": self._amend,
            "reject": self._reject,
            "see_report": self.show_report,
            "sign": self._sign,
            "back_to_film": self.show_film,
            "addendum": self.panel.report.start_addendum,
        }.get(name, partial(self._hand_over, name))()

    def _save_impression(self) -> None:
        read = self.panel.read
        if read.editing and not read.impression_changed:
            self._keep_old()
            return
        self.panel.footer.set_enabled(False)
        self._desk.record_impression(read.impression_words)

    def _keep_old(self) -> None:
        """Leave the impression as it is on record; changed findings stay in the draft."""
        self.panel.read.stop_editing()
        self._typed()
        self.panel.show_preview_state(self.previewing, self.preview.ready)
        self.panel.focus_next()

    def _may_decide(self) -> bool:
        since = max(self._revealed, self._follower.moved)
        return self._on_film and time.monotonic() - since > REVEAL_GUARD_SECONDS

    def _accept(self) -> None:
        if self._may_decide():
            self.panel.decision.accept()

    def _accept_all(self, suggestion: SuggestionId) -> None:
        if self._may_decide():
            self._desk.accept_all(suggestion)

    def _amend(self) -> None:
        if self._may_decide():
            self.panel.decision.amend()

    def _reject(self) -> None:
        if self._may_decide():
            self.panel.decision.reject()

    def show_history(self) -> None:
        """Everything on record about this reading."""
        if self.sitting is not None and not self.sitting.reading.sealed:
            self._history = HistoryDialog(self._context, self.sitting, self)
            self._history.open()

    def _deed_failed(self, error: Exception) -> None:
        self._context.show_error(error, self)
        if self.sitting is not None:
            self.panel.show_sitting(self.sitting)

    # The report

    @property
    def previewing(self) -> bool:
        """Whether the report's pages are in front."""
        return self._front.currentWidget() is self.preview

    def show_report(self) -> None:
        """The report's pages in front: what would be signed, or what was."""
        sitting = self.sitting
        if sitting is None or not sitting.may_preview:
            return
        self._bring(self.preview)
        self.panel.show_preview_state(True, False)
        languages = self.panel.report.report_language.languages
        if sitting.signed:
            self.preview.show_report(sitting.reading.reports[-1].content.report, languages)
        else:
            self._previewed_words, self._previewed_picture = self._findings(), self._slice_drawings.on_paper
            picture = self._previewed_picture
            self.preview.show_draft(sitting.study.study.id, self._previewed_words, languages, picture)

    def _findings(self) -> str:
        """The findings as the report gives them: what the template asks and nobody answered is left out."""
        sitting = self.sitting
        return without_open_prompts(self.panel.read.findings_words, templates(sitting) if sitting is not None else ())

    def _language_chosen(self) -> None:
        if self.previewing:
            self.show_report()

    def _preview_shown(self) -> None:
        self.panel.show_preview_state(self.previewing, True)
        if self.previewing and not self.panel.typing:
            self.panel.focus_next()

    def _preview_failed(self, error: Exception) -> None:
        self.show_film()
        self._deed_failed(error)

    def _sign(self) -> None:
        """Sign what the pages show; words typed since are shown first."""
        if not self.preview.ready or self._previewed_words != self._findings():
            self.show_report()
            return
        self.panel.footer.set_enabled(False)
        self._drafts.forget()
        self._desk.sign(self._previewed_words, self._previewed_picture)

    def _was_signed(self, sitting: Sitting) -> None:
        self._drafts.forget()
        self._context.toast(self._context.tr("reports.signed.toast"))
        self.show_report()
        self.panel.focus_next()

    def _hand_over(self, how: str) -> None:
        sitting = self.sitting
        if sitting is None or not sitting.signed or not sitting.may_export:
            return
        report, language = sitting.reading.reports[-1], self.panel.report.report_language
        if how == "print":
            self._handing.print_report(report, language)
        else:
            self._handing.save_report(report, how.removeprefix("save_"), language)
