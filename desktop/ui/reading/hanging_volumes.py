"""An earlier CT or MR beside the one being read: found, opened, aligned and subtracted in the background."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop import workflow
from desktop.imaging.registration import Registration, centred, register_volumes
from desktop.imaging.registration_difference import difference_volume, usual_width
from desktop.imaging.volume import Volume
from desktop.imaging.volume_series import VolumeSeries
from desktop.jobs import Job
from desktop.records import ImagingStudy, StudyId, VoiWindow
from desktop.ui.context import UiContext
from desktop.ui.operations import Operation
from desktop.ui.reading.film_text import film_text
from desktop.ui.reading.hanging import Occasion, chosen, occasion, own_layout, priors
from desktop.ui.reading.hanging_words import elapsed_words, remember
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.reading.volume_side import VolumeSide
from desktop.ui.reading.worklist import study_words
from desktop.ui.viewers.compare_volumes import VolumesBeside
from desktop.ui.viewers.film_words import FilmText

if TYPE_CHECKING:
    from desktop.workflow import OpenSeries, OpenStudy

BY_ITSELF_BYTES = 400_000_000
"""Two scans larger than this together lie side by side only when somebody asks: a small PC has 4 GB in all."""


class _Mode(StrEnum):
    ALONE = "alone"
    PRIOR = "prior"
    DIFFERENCE = "difference"


@dataclass(frozen=True, eq=False)
class _Earlier:
    """An earlier scan, open."""

    study: "OpenStudy"
    series: VolumeSeries


@dataclass(frozen=True, eq=False)
class _Aligned:
    """Two series and how they lie on one another; the difference and its window once it was asked for."""

    now: VolumeSeries
    before: VolumeSeries
    found: Registration
    difference: VolumeSeries | None = None
    window: VoiWindow | None = None


class VolumePriors(QObject):
    """Keeps what lies beside a scan at what the rules, or the doctor's own layout for its kind, want.

    Of an earlier study only its slices are shown, never what a model said about it; opening it is a look on record.
    """

    def __init__(self, context: UiContext, beside: VolumesBeside, slices: VolumeSide, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._beside = beside
        self._sitting: Sitting | None = None
        self._prior: ImagingStudy | None = None
        self._sight: Occasion | None = None
        self._mode = _Mode.ALONE
        self._now: VolumeSeries | None = None
        self._earlier: _Earlier | None = None
        self._aligned: _Aligned | None = None
        self._at_work: Operation[_Earlier | _Aligned] | None = None
        slices.shown.connect(self._series_ready)
        beside.asked.connect(self.run)

    def begin(self, sitting: Sitting) -> None:
        """Another study is being read."""
        self.clear()
        if sitting.kind is not StudyKind.SLICES:
            return
        study = sitting.study.study
        earlier = priors(study, [summary.study for summary in sitting.study.others])
        self._sitting, self._sight = sitting, occasion(study, earlier)
        if not earlier:
            return
        self._prior = earlier[0]
        own = own_layout(self._context.settings.own_layouts, self._user, self._sight)
        wanted = own.rows * own.columns > 1 if own is not None else _bytes(study) + _bytes(earlier[0]) < BY_ITSELF_BYTES
        self._mode = _Mode.PRIOR if wanted else _Mode.ALONE
        self._beside.set_linked(own.linked if own is not None else True)
        self._say_which()
        self._mark()

    def clear(self) -> None:
        """Forget every voxel and every word; what is under way is dropped."""
        if self._at_work is not None:
            self._at_work.cancel()
        self._sitting = self._prior = self._sight = self._now = None
        self._earlier = self._aligned = self._at_work = None
        self._mode = _Mode.ALONE
        self._beside.clear()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._beside.retranslate()
        self._say_which()
        self._say_alignment()

    def run(self, command: str) -> bool:
        """Carry out `compare.prior`, `compare.difference` or `compare.link`; False without slices on the desk."""
        if self._sitting is None:
            return False
        if self._prior is None:
            self._context.toast(self._context.tr("compare.none"))
        elif command == "compare.link":
            self._beside.set_linked(not self._beside.linked)
            self._context.toast(self._context.tr("viewer.linked" if self._beside.linked else "viewer.not_linked"))
            self._learn()
        elif command in ("compare.prior", "compare.difference"):
            wanted = _Mode(command.removeprefix("compare."))
            if self._mode is wanted and wanted is _Mode.DIFFERENCE:
                wanted = _Mode.PRIOR
            elif self._mode is wanted:
                wanted = _Mode.ALONE
            self._choose(wanted)
            if wanted is not _Mode.DIFFERENCE:
                self._learn()
        else:
            return False
        self._mark()
        return True

    # Inside

    @property
    def _user(self) -> str:
        clinic = self._context.clinic
        return clinic.session.user.id if clinic is not None else ""

    def _learn(self) -> None:
        if self._sight is not None and self._user:
            columns = 1 if self._mode is _Mode.ALONE else 2
            remember(self._context, chosen(self._user, self._sight, (1, columns), self._beside.linked))

    def _mark(self) -> None:
        self._beside.mark(self._mode is _Mode.PRIOR, self._mode is _Mode.DIFFERENCE)

    def _say_which(self) -> None:
        if self._prior is not None and self._sitting is not None:
            ago = elapsed_words(self._context, self._sitting.study.study, self._prior)
            self._beside.offer(f"{study_words(self._context, self._prior)} · {ago}")

    def _choose(self, mode: _Mode) -> None:
        self._mode = mode
        if mode is _Mode.ALONE:
            if self._at_work is not None:
                self._at_work.cancel()
            self._beside.hide_beside()
            self._beside.say("")
        else:
            self._go_on()

    def _series_ready(self, opened: "OpenSeries") -> None:
        """A series of the study is there whole."""
        self._now = opened.series
        if self._mode is not _Mode.ALONE:
            self._go_on()

    def _go_on(self) -> None:
        """Do the next thing that is missing for what is wanted; one thing at a time."""
        now, earlier, prior = self._now, self._earlier, self._prior
        if now is None or prior is None or self._mode is _Mode.ALONE:
            return
        if self._at_work is not None and not self._at_work.finished:
            return
        clinic = self._context.open_clinic
        if earlier is None:
            self._begin(partial(_open_earlier, clinic, prior.id, now.description), "compare.progress.open")
            return
        aligned = self._aligned
        if aligned is None or aligned.now is not now or aligned.before is not earlier.series:
            self._show(earlier.series, None)
            if not self._beside.comparable:
                self._beside.say(self._context.tr("compare.volumes.not_solid"), caution=True)
                return
            self._beside.say(self._context.tr("compare.volumes.aligning"))
            self._begin(partial(_align, now, earlier.series), "compare.progress.align")
        elif self._mode is _Mode.DIFFERENCE and aligned.found.problem is None and aligned.difference is None:
            self._begin(partial(_subtract, aligned), "compare.progress.subtract")
        else:
            self._show_aligned(aligned)

    def _begin(self, work: "Callable[[Job], _Earlier | _Aligned]", title: str) -> None:
        self._at_work = self._context.operations.run(
            work,
            initiator=self,
            done=self._take,
            failed=self._fail,
            ended=self._ended,
            pool="compute",
            title=self._context.tr(title),
        )

    def _take(self, result: "_Earlier | _Aligned") -> None:
        if isinstance(result, _Aligned):
            if result.now is self._now and self._earlier is not None and result.before is self._earlier.series:
                self._aligned = result
        elif self._prior is not None and result.study.study.id == self._prior.id:
            self._earlier = result

    def _fail(self, error: Exception) -> None:
        """The scan being read stays as it is; the strip says what is wrong with the other one."""
        self._mode = _Mode.ALONE
        self._beside.hide_beside()
        self._beside.say(self._context.error_text(error).message, caution=True)
        self._mark()

    def _ended(self) -> None:
        """Go on with what is missing; what was cancelled is not begun again."""
        work = self._at_work
        if work is None or not work.finished:
            return  # one for a study that is gone
        self._at_work = None
        if work.job.cancelled:
            if self._beside.beside:
                self._mode = _Mode.PRIOR
                self._beside.say(self._context.tr("compare.volumes.cancelled"), caution=True)
            else:
                self._mode = _Mode.ALONE
            self._mark()
        else:
            self._go_on()

    def _show_aligned(self, aligned: _Aligned) -> None:
        if self._mode is _Mode.DIFFERENCE and aligned.difference is not None:
            self._show(aligned.difference, aligned)
        else:
            self._mode = _Mode.PRIOR
            self._show(aligned.before, aligned)
        self._say_alignment()
        self._mark()

    def _show(self, series: VolumeSeries, aligned: _Aligned | None) -> None:
        earlier, sitting = self._earlier, self._sitting
        if earlier is None or sitting is None:
            return
        study = earlier.study
        text = film_text(self._context, study.patient, study.study, study.study.instances[0], None, among=(1, 1))
        ago = elapsed_words(self._context, sitting.study.study, study.study)
        lines: tuple[str, ...] = (study_words(self._context, study.study), ago)
        difference = aligned is not None and series is aligned.difference
        if difference:
            lines = (self._context.tr("compare.volumes.title"), *lines)
        motion = None
        if aligned is not None and aligned.found.problem is None:
            motion = aligned.found.motion
        words = FilmText(text.patient, lines, text.synthetic)
        if difference and aligned is not None:
            motion = centred(aligned.now.volumes[0], aligned.now.volumes[0])  # it lies on the same grid
        window = aligned.window if difference and aligned is not None else None
        self._beside.show_beside(series, words, motion, window)

    def _say_alignment(self) -> None:
        aligned = self._aligned
        if aligned is None or self._mode is _Mode.ALONE:
            return
        tr, found = self._context.tr, aligned.found
        numbers = {"agreement": f"{found.agreement:.2f}", "apart": f"{max(found.apart_mm, 0.1):.1f}"}
        if found.problem is not None:
            words = tr(f"compare.volumes.problem.{found.problem.value}", overlap=round(found.overlap * 100), **numbers)
            self._beside.say(words, caution=True)
        elif self._mode is _Mode.DIFFERENCE and aligned.difference is not None:
            unit = aligned.difference.volumes[0].unit
            self._beside.say(tr("compare.volumes.legend.hu" if unit == "HU" else "compare.volumes.legend", **numbers))
        else:
            self._beside.say(tr("compare.volumes.aligned", degrees=f"{found.motion.degrees:.0f}", **numbers))


def _bytes(study: ImagingStudy) -> int:
    """What its voxels take in memory."""
    return sum(2 * one.rows * one.columns for one in study.instances)


def _open_earlier(clinic: "workflow.Clinic", study: StudyId, description: str, job: Job) -> _Earlier:
    """Open an earlier study's series of the same name, else its largest."""
    opened = workflow.open_study(clinic, job, study)
    series = workflow.open_series(clinic, job, study)
    alike = [number for number, name in enumerate(series.names) if name.description == description and description]
    if alike and series.number not in alike:
        series = workflow.open_series(clinic, job, study, alike[0])
    return _Earlier(opened, series.series)


def _align(now: VolumeSeries, before: VolumeSeries, job: Job) -> _Aligned:
    return _Aligned(now, before, register_volumes(now.volumes[0], before.volumes[0], job))


def _subtract(aligned: _Aligned, job: Job) -> _Aligned:
    made = difference_volume(aligned.now.volumes[0], aligned.before.volumes[0], aligned.found.motion, job)
    count = made.shape[0]
    positions = tuple(float(number) * made.grid.spacing[0] for number in range(count))

    def read_slice(number: int, moment: int) -> Volume:
        return made.slab_of(number)

    series = VolumeSeries(aligned.now.modality, (made,), count, 1, positions, (), read_slice)
    return replace(aligned, difference=series, window=VoiWindow(0.0, usual_width(made)))
