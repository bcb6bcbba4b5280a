"""The film of a study: which of its pictures, whose words in the corners, which drawings, where the model looked."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.imaging.frame_run import FramePlace, FrameRun
from desktop.imaging.measure_lines import LAYERED
from desktop.records import ImagingStudy, Instance, InstanceId, SuggestionId
from desktop.ui.context import UiContext
from desktop.ui.reading.film_bar import FilmBar, StudyChoice
from desktop.ui.reading.film_text import film_text
from desktop.ui.reading.hanging import hanging_order
from desktop.ui.reading.sitting import Sitting
from desktop.ui.reading.worklist import study_words
from desktop.ui.viewers import FilmViewer
from desktop.ui.viewers.drawing import Tool
from desktop.ui.viewers.film_words import preset_name
from desktop.ui.viewers.frames import FilmSource
from desktop.ui.viewers.overlay import Overlay, overlay_of
from desktop.workflow import explaining

if TYPE_CHECKING:
    from desktop.workflow.explaining import HiddenParts


class FilmSide(QObject):
    """Keeps the viewer and the strip above it at what a `Sitting` says.

    Signals: overlay_changed(bool) whenever the overlay may have been switched.
    """

    overlay_changed = Signal(bool)

    def __init__(self, context: UiContext, viewer: FilmViewer, bar: FilmBar, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._viewer = viewer
        self._bar = bar
        self._sitting: Sitting | None = None
        self._finding: str | None = None
        self._suggestion: SuggestionId | None = None
        self._hidden: HiddenParts | None = None
        self._at = 0
        self._source_named: FilmSource | None = None
        viewer.picture_changed.connect(self._follow_picture)
        viewer.tool_changed.connect(self._show_switches)
        viewer.state_changed.connect(self._show_switches)
        bar.preset_chosen.connect(self._choose_preset)

    @property
    def run(self) -> FrameRun | None:
        """The film, clip or series of pictures on show; None without any."""
        runs = self._sitting.study.runs if self._sitting is not None else ()
        return runs[self._at] if self._at < len(runs) else None

    @property
    def place(self) -> FramePlace | None:
        """Which picture of it is on the screen."""
        return self._viewer.place or (self.run.places[0] if self.run is not None else None)

    @property
    def instance(self) -> Instance | None:
        """The file of that picture."""
        sitting, place = self._sitting, self.place
        if sitting is None or place is None:
            return None
        return next(one for one in sitting.study.study.instances if one.id == place.instance)

    def begin(self, sitting: Sitting) -> None:
        """Another study: its first picture as pictures hang, or the film that was cut out of a photograph in it."""
        study = sitting.study.study
        main = study.main.id if study.instances else None
        if study.instances and main == study.instances[0].id:
            decoded = [one for one in study.instances if one.id in sitting.study.pictures]
            main = hanging_order(decoded or [study.main])[0].id
        self._at = next((at for at, run in enumerate(sitting.study.runs) if run.places[0].instance == main), 0)
        self._finding = self._suggestion = self._hidden = None
        self._sitting = sitting
        self._show_picture()

    def show_sitting(self, sitting: Sitting) -> None:
        """Where the reading stands now."""
        self._sitting = sitting
        self._show_words()
        self._show_drawings()

    def show_finding(self, finding: str | None, suggestion: SuggestionId | None = None) -> None:
        """Where the model looked for this finding is what the overlay shows; without an answer, for the first one.
        suggestion: whose word it is; others about the same picture are then left out."""
        self._finding, self._suggestion = finding, suggestion
        self._show_overlay()

    def show_instance(self, instance: InstanceId) -> bool:
        """Another picture, where it is not on the screen yet and the study has it; whether it was changed."""
        runs = self._sitting.study.runs if self._sitting is not None else ()
        if self.place is not None and self.place.instance == instance:
            return False
        for at, run in enumerate(runs):
            frames = [number for number, place in enumerate(run.places) if place.instance == instance]
            if frames:
                if at != self._at:
                    self._at = at
                    self._show_picture()
                if frames[0]:
                    self._viewer.cine.go(frames[0])
                return True
        return False

    def show_hidden(self, hidden: "HiddenParts | None") -> None:
        """Which parts it matters to hide, instead of where the model looked, over that picture and for that finding;
        None brings back where it looked."""
        self._hidden = hidden
        self._show_overlay()

    @property
    def hidden(self) -> "HiddenParts | None":
        """The parts it matters to hide, while they are shown."""
        return self._hidden

    def step(self, by: int) -> None:
        """Another film, clip or series of pictures of the study."""
        if self._sitting is not None and 0 <= self._at + by < len(self._sitting.study.runs):
            self._at += by
            self._show_picture()

    def clear(self) -> None:
        """Forget every pixel and every word."""
        self._sitting = self._source_named = self._finding = self._suggestion = self._hidden = None
        self._at = 0
        self._viewer.clear()
        self._bar.clear()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._bar.retranslate()
        self._source_named = None
        self._show_words()
        self._show_switches()

    def _show_picture(self) -> None:
        run = self.run
        if self._sitting is not None and run is not None:
            self._viewer.show_run(run, self._sitting.study.pictures[run.places[0].instance])
            self._show_drawings()
        self._show_words()

    def _follow_picture(self) -> None:
        """Another picture of the run: its file may say something else of its view, and models speak of one picture."""
        run = self.run
        if run is not None and run.places[0].instance != run.places[-1].instance:
            self._show_text()
            self._show_overlay()

    def _show_words(self) -> None:
        sitting = self._sitting
        if sitting is None:
            return
        self._show_text()
        study = sitting.study
        every = sorted([study.study, *(s.study for s in study.others)], key=_taken, reverse=True)
        choices = [StudyChoice(one.id, study_words(self._context, one)) for one in every]
        self._bar.set_studies(choices, study.study.id)

    def _show_text(self) -> None:
        sitting, instance = self._sitting, self.instance
        if sitting is None or instance is None:
            return
        study = sitting.study
        picture = self._viewer.picture or study.pictures.get(instance.id)
        among = (self._at + 1, len(study.runs))
        self._viewer.set_text(film_text(self._context, study.patient, study.study, instance, picture, among))

    def _show_drawings(self) -> None:
        sitting, run = self._sitting, self.run
        if sitting is not None and run is not None:
            files = {place.instance for place in run.places}
            here = tuple(a for a in sitting.reading.annotations if a.instance in files and a.kind not in LAYERED)
            self._viewer.set_annotations(here)
            self._show_overlay()

    def _show_overlay(self) -> None:
        sitting, instance = self._sitting, self.instance
        if sitting is None or instance is None:
            return
        about = [one for one in sitting.reading.suggestions if one.instance == instance.id]
        here = [one.analysis for one in about if one.id == self._suggestion] or [one.analysis for one in about]
        hidden = self._hidden
        if hidden is not None and hidden.instance == instance.id and self._finding in (None, hidden.finding):
            self._viewer.set_overlay(Overlay(hidden.occlusion.map, hidden=True))
        else:
            weak = partial(explaining.points_weakly, self._context.registry)
            self._viewer.set_overlay(overlay_of(here, self._finding, weak))

    def _show_switches(self) -> None:
        """Keep the strip's switches as the film is."""
        state, source = self._viewer.state, self._viewer.source
        self._bar.set_tool_checked("viewer.tool_length", self._viewer.tool is Tool.LENGTH)
        self._bar.set_tool_checked("viewer.tool_region", self._viewer.tool is Tool.REGION)
        self._bar.set_tool_checked("viewer.invert", state is not None and state.inverted)
        if source is not None and source is not self._source_named:
            self._source_named = source
            names = [preset_name(self._context, preset) for preset in source.presets]
            self._bar.set_presets([self._context.tr("viewer.preset.own"), *names])
        self.overlay_changed.emit(state is not None and state.overlay)

    def _choose_preset(self, number: int) -> None:
        self._viewer.run(f"viewer.preset_{number}" if number else "viewer.auto_window")
        self._viewer.setFocus()


def _taken(study: ImagingStudy) -> tuple[date, str]:
    """When a study was taken, as far as its file says; else when it was brought in."""
    return study.started or study.added.date(), study.id
