"""What lies beside the film being read: the study's other pictures, then the patient's other studies, newest first."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop import workflow
from desktop.records import InstanceId, Modality, StudyId
from desktop.ui.context import UiContext
from desktop.ui.reading.film_side import FilmSide
from desktop.ui.reading.film_text import film_text
from desktop.ui.reading.sitting import Sitting
from desktop.ui.viewers.film_tiles import Companion, FilmTiles

if TYPE_CHECKING:
    from desktop.workflow import OpenStudy

_NO_FILMS = (Modality.ECG, Modality.HD, Modality.CT, Modality.MR, Modality.VOLUME)


class Companions(QObject):
    """Opens other studies only when there is room for them, one after the other; each opening is a look on record."""

    def __init__(self, context: UiContext, tiles: FilmTiles, film: FilmSide) -> None:
        super().__init__(tiles)
        self._context = context
        self._tiles = tiles
        self._film = film
        self._sitting: Sitting | None = None
        self._opened: dict[StudyId, OpenStudy] = {}
        self._failed: set[StudyId] = set()
        self._opening: StudyId | None = None
        self._made: dict[InstanceId, Companion] = {}
        tiles.layout_changed.connect(self.refresh)

    def begin(self, sitting: Sitting) -> None:
        """Another study is being read."""
        self.clear()
        self._sitting = sitting
        self.refresh()

    def clear(self) -> None:
        """Forget every film."""
        self._sitting = self._opening = None
        self._opened.clear()
        self._failed.clear()
        self._made.clear()
        self._tiles.clear()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._made.clear()
        self._tiles.clear()
        self.refresh()

    def refresh(self) -> None:
        """Fill the panes with what there is, and open the next study where one is empty."""
        sitting, room = self._sitting, self._tiles.room
        if sitting is None or not room:
            return
        shown = self._of_study(sitting.study, self._film.instance.id if self._film.instance is not None else None)
        for other in self._others(sitting):
            if len(shown) >= room:
                break
            if other in self._opened:
                shown += self._of_study(self._opened[other], None)
            elif other not in self._failed:
                self._open(other)
                break
        self._tiles.show_companions(shown[:room])

    def _others(self, sitting: Sitting) -> list[StudyId]:
        """The patient's other studies of pictures, newest first."""
        others = [summary.study for summary in sitting.study.others if summary.study.modality not in _NO_FILMS]
        others.sort(key=lambda study: (study.started or study.added.date(), study.id), reverse=True)
        return [study.id for study in others]

    def _of_study(self, study: "OpenStudy", without: InstanceId | None) -> list[Companion]:
        return [self._companion(study, instance_id) for instance_id in study.pictures if instance_id != without]

    def _companion(self, study: "OpenStudy", instance_id: InstanceId) -> Companion:
        if instance_id not in self._made:
            instance = next(one for one in study.study.instances if one.id == instance_id)
            picture = study.pictures[instance_id]
            text = film_text(self._context, study.patient, study.study, instance, picture)
            self._made[instance_id] = Companion(picture, text)
        return self._made[instance_id]

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
