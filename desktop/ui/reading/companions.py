"""What lies beside the film being read: the study's other pictures, earlier ones to compare with, then all others."""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop import workflow
from desktop.imaging.registration_films import FilmDifference, FilmRegistration, film_difference
from desktop.jobs import Job
from desktop.records import ImagingStudy, Instance, InstanceId, Modality, Picture, StudyId
from desktop.ui.context import UiContext
from desktop.ui.operations import Operation
from desktop.ui.reading.film_side import FilmSide
from desktop.ui.reading.film_text import film_text
from desktop.ui.reading.hanging import (
    Film,
    Occasion,
    arranged,
    chosen,
    default_layout,
    hanging_order,
    occasion,
    own_layout,
    priors,
    taken,
)
from desktop.ui.reading.hanging_words import elapsed_words, remember
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.viewers.compare_films import difference_legend, refusal_words
from desktop.ui.viewers.film_tiles import LAYOUTS, Companion, FilmTiles
from desktop.ui.viewers.film_words import FilmText

if TYPE_CHECKING:
    from desktop.workflow import OpenStudy

_NO_FILMS = (Modality.ECG, Modality.HD, Modality.CT, Modality.MR, Modality.VOLUME)


@dataclass(frozen=True, eq=False)
class _Compared:
    """A film and the earlier one it was compared with, and what came of it."""

    now: InstanceId
    before: InstanceId
    answer: FilmDifference | FilmRegistration


class Companions(QObject):
    """Hangs films as the rules, or the doctor's own layout for this kind of film, want it.

    Opens other studies only when there is room for them, one after the other; each opening is a look on record. Of an
    earlier study only pictures are shown here, never what a model said about it.
    """

    def __init__(self, context: UiContext, tiles: FilmTiles, film: FilmSide) -> None:
        super().__init__(tiles)
        self._context = context
        self._tiles = tiles
        self._film = film
        self._sitting: Sitting | None = None
        self._earlier: list[ImagingStudy] = []
        self._sight: Occasion | None = None
        self._opened: dict[StudyId, OpenStudy] = {}
        self._failed: set[StudyId] = set()
        self._opening: StudyId | None = None
        self._made: dict[InstanceId, Companion] = {}
        self._comparing = False
        self._compared: _Compared | None = None
        self._difference: Companion | None = None
        self._at_work: Operation[_Compared] | None = None
        tiles.layout_changed.connect(self.refresh)
        tiles.chosen.connect(self._learn)

    def begin(self, sitting: Sitting) -> None:
        """Another study is being read: hung as its kind is."""
        self.clear()
        if sitting.kind is not StudyKind.FILM:
            return
        self._sitting = sitting
        self._earlier = priors(sitting.study.study, [summary.study for summary in sitting.study.others])
        self._sight = occasion(sitting.study.study, self._earlier)
        own = own_layout(self._context.settings.own_layouts, self._user, self._sight)
        films = len(sitting.study.pictures)
        beside = len(self._earlier[0].instances) if self._earlier else 0
        layout = (own.rows, own.columns) if own is not None else default_layout(max(films, 1), beside)
        self._tiles.set_linked(own.linked if own is not None else True)
        self._tiles.set_layout(LAYOUTS.index(layout))
        self.refresh()

    def clear(self) -> None:
        """Forget every film."""
        self._stop_comparing()
        self._sitting = self._opening = self._sight = None
        self._earlier = []
        self._opened.clear()
        self._failed.clear()
        self._made.clear()
        self._tiles.clear()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._made.clear()
        self._difference = None
        self._tiles.clear()
        self.refresh()

    def run(self, command: str) -> bool:
        """Carry out `compare.prior` or `compare.difference`; False for any other, and without a film."""
        if self._sitting is None or command not in ("compare.prior", "compare.difference"):
            return False
        if not self._earlier:
            self._context.toast(self._context.tr("compare.none"))
        elif command == "compare.prior":
            self._toggle_prior()
        elif self._comparing:
            self._stop_comparing()
            self.refresh()
        else:
            self._comparing = True
            if not self._tiles.room:
                self._tiles.set_layout(LAYOUTS.index((1, 2)))
            self.refresh()
        return True

    @property
    def comparing(self) -> bool:
        """Whether what changed is on show, or on its way."""
        return self._comparing

    def refresh(self) -> None:
        """Fill the panes with what there is, and open the next study where one is empty."""
        sitting, room = self._sitting, self._tiles.room
        if sitting is None or not room:
            return
        panes = self._panes(sitting)
        shown: list[Companion | None] = []
        for film in panes[1:]:
            study = self._study(sitting, film.study.id) if film is not None else None
            if film is None or study is None:
                shown.append(None)
                if film is not None:
                    self._open(film.study.id)
            else:
                shown.append(self._companion(study, film.instance.id))
        if self._comparing:
            self._compare(sitting, panes, shown)
        self._tiles.show_companions(shown)

    # What hangs where

    @property
    def _user(self) -> str:
        clinic = self._context.clinic
        return clinic.session.user.id if clinic is not None else ""

    def _panes(self, sitting: Sitting) -> list[Film | None]:
        """What hangs in each pane, the film being read first."""
        study = sitting.study.study
        read = self._film.instance
        own = [
            Film(study, one) for one in hanging_order([i for i in study.instances if i.id in sitting.study.pictures])
        ]
        own.sort(key=lambda film: read is None or film.instance.id != read.id)
        earlier = [self._films(one) for one in self._earlier if one.id not in self._failed]
        known = {study.id, *(one.id for one in self._earlier)}
        others = [s.study for s in sitting.study.others if s.study.id not in known | self._failed]
        rest = [one for one in others if one.modality not in _NO_FILMS]
        rest.sort(key=lambda one: (taken(one), one.id), reverse=True)
        if not own:
            return []
        films = [film for one in rest for film in self._films(one)]
        return arranged(self._tiles.layout_shown, own, [one for one in earlier if one], films)

    def _films(self, study: ImagingStudy) -> list[Film]:
        opened = self._opened.get(study.id)
        instances = hanging_order(study.instances)
        return [Film(study, one) for one in instances if opened is None or one.id in opened.pictures]

    def _study(self, sitting: Sitting, study: StudyId) -> "OpenStudy | None":
        return sitting.study if study == sitting.study.study.id else self._opened.get(study)

    def _companion(self, study: "OpenStudy", instance_id: InstanceId) -> Companion:
        if instance_id not in self._made:
            instance = next(one for one in study.study.instances if one.id == instance_id)
            picture = study.pictures[instance_id]
            self._made[instance_id] = Companion(picture, self._text(study, instance, picture))
        return self._made[instance_id]

    def _text(self, study: "OpenStudy", instance: Instance, picture: Picture) -> FilmText:
        text = film_text(self._context, study.patient, study.study, instance, picture)
        sitting = self._sitting
        if sitting is None or study.study.id == sitting.study.study.id:
            return text
        return replace(text, study=(*text.study, elapsed_words(self._context, sitting.study.study, study.study)))

    def _open(self, study: StudyId) -> None:
        if self._opening is not None or self._context.clinic is None:
            return
        clinic = self._context.clinic
        self._opening = study
        self._context.operations.run(
            lambda job: workflow.open_study(clinic, job, study),
            initiator=self,
            done=self._take,
            failed=self._could_not,
            title=self._context.tr("reading.progress.open"),
        )

    def _take(self, study: "OpenStudy") -> None:
        if self._sitting is None or study.patient.id != self._sitting.study.patient.id:
            return
        self._opening = None
        self._opened[study.study.id] = study
        self.refresh()

    def _could_not(self, error: Exception) -> None:
        """A film that cannot be opened stays away from beside the others; its own page says why."""
        if self._opening is not None:
            self._failed.add(self._opening)
        self._opening = None
        self.refresh()

    # What the doctor chose

    def _toggle_prior(self) -> None:
        """The earlier film beside, or the film alone; remembered as any layout chosen by hand."""
        sitting = self._sitting
        if sitting is None:
            return
        alone = default_layout(len(sitting.study.pictures), 0)
        beside = default_layout(len(sitting.study.pictures), len(self._earlier[0].instances))
        showing = any(film is not None and film.study.id == self._earlier[0].id for film in self._panes(sitting)[1:])
        self._stop_comparing()
        self._tiles.choose_layout(LAYOUTS.index(alone if showing else beside))

    def _learn(self) -> None:
        """The next film of this kind opens as this one was laid out by hand."""
        if self._sight is not None and self._user:
            remember(self._context, chosen(self._user, self._sight, self._tiles.layout_shown, self._tiles.linked))

    # What changed

    def _stop_comparing(self) -> None:
        if self._at_work is not None:
            self._at_work.cancel()
        self._comparing = False
        self._at_work = self._compared = self._difference = None

    def _compare(self, sitting: Sitting, panes: list[Film | None], shown: list[Companion | None]) -> None:
        """Put what changed in the place of the earlier film of the same view, once that is open; find it first."""
        read = self._film.instance
        earlier = {one.id for one in self._earlier}
        place = next((n for n, film in enumerate(panes[1:]) if film is not None and film.study.id in earlier), None)
        before = panes[place + 1] if place is not None else None
        if place is None or before is None or read is None or before.study.id not in self._opened:
            return
        now = sitting.study.pictures.get(read.id)
        old = self._opened[before.study.id].pictures.get(before.instance.id)
        if now is None or old is None:
            return
        pair = (read.id, before.instance.id)
        if self._compared is not None and (self._compared.now, self._compared.before) == pair:
            if self._difference is None:
                self._difference = self._words_for(self._compared, now, old, shown[place])
            shown[place] = self._difference
            return
        self._compared = self._difference = None
        if self._at_work is None:
            self._at_work = self._context.operations.run(
                partial(_difference, *pair, now, old),
                initiator=self,
                done=self._take_difference,
                ended=self._compared_once,
                pool="compute",
                title=self._context.tr("compare.progress"),
            )

    def _words_for(self, found: _Compared, now: Picture, old: Picture, beside: Companion | None) -> Companion:
        answer = found.answer
        if isinstance(answer, FilmRegistration):
            return Companion(None, FilmText(), refusal_words(self._context, answer))
        before = beside.text if beside is not None else FilmText()
        text = replace(before, study=(self._context.tr("compare.films.title"), *before.study))
        views = (now.header.view_position, old.header.view_position)
        return Companion(answer.picture, text, legend=difference_legend(self._context, answer, views))

    def _take_difference(self, found: _Compared) -> None:
        if self._comparing:
            self._compared = found

    def _compared_once(self) -> None:
        """After an answer, or after somebody cancelled it."""
        if self._at_work is None or not self._at_work.finished:
            return  # one for a film that is gone
        self._at_work = None
        if self._comparing and self._compared is None:
            self._comparing = False
        self.refresh()


def _difference(now: InstanceId, before: InstanceId, film: Picture, earlier: Picture, job: Job) -> _Compared:
    return _Compared(now, before, film_difference(film, earlier, job))
