"""Pages and plays a run of pictures: decodes ahead in the background and never waits for it.

Every picture is shown, one after the other; where the PC cannot keep up it plays slower and says so.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop.errors import UserFacingError
from desktop.imaging.frame_run import FramePlace, FrameRun
from desktop.jobs import Job
from desktop.ui.context import UiContext
from desktop.ui.operations import Operation
from desktop.ui.viewers.cine import Cine, Pace
from desktop.ui.viewers.cine_window import FrameWindow
from desktop.ui.viewers.frames import FilmSource

_LATE_SECONDS = 0.25
"""Later than this the time that was lost is not made up for."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture of a run, prepared; or why it cannot be shown."""

    run: FrameRun
    number: int
    source: FilmSource | None
    error: UserFacingError | None = None


class CinePlayer(QObject):
    """Signals: ready(FilmSource) when the picture asked for can be shown; changed() when its words or controls do;
    failed(UserFacingError) where the picture asked for cannot be decoded."""

    ready = Signal(object)
    changed = Signal()
    failed = Signal(object)

    def __init__(self, context: UiContext, seen: Callable[[], bool], parent: QObject) -> None:
        """seen: whether anybody can see the pictures; nothing plays where not."""
        super().__init__(parent)
        self._context = context
        self._seen = seen
        self._run: FrameRun | None = None
        self._cine = Cine(1)
        self._window: FrameWindow | None = None
        self._first: FilmSource | None = None
        self._shown = 0
        self._decoding: Operation[Decoded] | None = None
        self._due = 0.0
        self._waiting = self._urgent = False
        self._pace = Pace()
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.timeout.connect(self._tick)

    # What is asked

    @property
    def cine(self) -> Cine:
        """How it stands."""
        return self._cine

    @property
    def run(self) -> FrameRun | None:
        """What is paged; None for a single picture."""
        return self._run

    @property
    def shown(self) -> int:
        """The picture on the screen, counted from 0; the one asked for may still be on its way."""
        return self._shown

    @property
    def place(self) -> FramePlace | None:
        """Where the picture on the screen lies."""
        return self._run.places[self._shown] if self._run is not None else None

    @property
    def behind(self) -> float | None:
        """Pictures per second where the PC cannot keep up with the speed."""
        return self._pace.behind(self._cine.rate) if self._cine.playing else None

    @property
    def held(self) -> int:
        """How many pictures are decoded."""
        return len(self._window) if self._window is not None else 0

    # What is done

    def begin(self, run: FrameRun) -> None:
        """Another run, at its first picture. `first_ready` follows."""
        self.clear()
        self._run = run
        self._cine = Cine.of(len(run), run.rate, run.sweep)
        self.changed.emit()

    def first_ready(self, source: FilmSource) -> None:
        """The first picture is prepared: the others are shown like it."""
        if self._run is None or self._window is not None:
            return
        self._first = source
        self._window = FrameWindow(len(self._run), source)
        self._fetch()

    def clear(self) -> None:
        """Stop, and forget every picture."""
        self._clock.stop()
        if self._decoding is not None:
            self._decoding.cancel()
        self._run = self._window = self._first = self._decoding = None
        self._cine, self._shown, self._waiting = Cine(1), 0, False
        self._pace.clear()
        self.changed.emit()

    def go(self, number: int) -> None:
        """Another picture; it stops playing."""
        self.pause()
        self._go(self._cine.at(number))

    def step(self, by: int) -> None:
        """So many pictures on."""
        self.go(self._cine.number + by)

    def toggle(self) -> None:
        """Play, or pause."""
        if self._cine.playing:
            self.pause()
        elif self._run is not None and self._cine.count > 1:
            # From where one looks, not from a picture that is still on its way.
            self._cine = replace(self._cine, number=self._shown, playing=True)
            self._begin_pace()
            self._schedule()
            self.changed.emit()

    def pause(self) -> None:
        """Stay at the picture on the screen."""
        if not self._cine.playing:
            return
        self._clock.stop()
        self._waiting = False
        self._cine = replace(self._cine, playing=False, number=self._shown)
        self._pace.clear()
        self.changed.emit()
        self._fetch()

    def set_rate(self, rate: float) -> None:
        """So many pictures per second."""
        self._take(replace(self._cine, rate=rate))

    def faster(self, by: int) -> None:
        """The next speed up (1) or down (-1)."""
        self._take(self._cine.faster(by))

    def set_sweep(self, sweep: bool) -> None:
        """Forth and back, or round."""
        self._take(replace(self._cine, sweep=sweep))

    def frame_shown(self) -> None:
        """The picture is on the screen; only then is the next one due."""
        if self._cine.playing and not self._waiting and not self._clock.isActive():
            self._pace.shown(time.monotonic())
            self._schedule()

    # Inside

    def _take(self, cine: Cine) -> None:
        if self._run is None or cine == self._cine:
            return
        self._cine = cine
        self._begin_pace()
        self.changed.emit()

    def _begin_pace(self) -> None:
        self._pace.clear()
        self._due = time.monotonic()

    def _schedule(self) -> None:
        now = time.monotonic()
        self._due += 1 / self._cine.rate
        if now - self._due > _LATE_SECONDS:
            self._due = now
        self._clock.start(max(0, round((self._due - now) * 1000)))

    def _tick(self) -> None:
        if not self._cine.playing:
            return
        if not self._seen():
            self.pause()
            return
        self._go(self._cine.next())

    def _go(self, cine: Cine) -> None:
        if self._run is None:
            return
        self._cine = cine
        if self._window is not None:
            self._window.retry(cine.number)
            source = self._window.get(cine.number)
            if source is not None:
                self._show(cine.number, source)
            else:
                self._waiting = True
        self._fetch()
        self.changed.emit()

    def _show(self, number: int, source: FilmSource) -> None:
        self._waiting = False
        self._shown = number
        self.ready.emit(source)

    def _fetch(self) -> None:
        """Decode what is wanted next, one picture at a time."""
        if self._run is None or self._window is None or self._first is None or self._decoding is not None:
            return
        number = self._window.missing(self._cine)
        if number is None:
            return
        self._decoding = self._context.operations.run(
            partial(decode, self._run, number, self._first),
            initiator=self,
            done=self._decoded,
            ended=self._decode_ended,
            pool="decoding",
        )
        self._urgent = number == self._cine.number

    def _decoded(self, made: Decoded) -> None:
        if made.run is not self._run or self._window is None:
            return
        arrived = made.number == self._cine.number
        if made.source is not None:
            self._window.put(made.number, made.source, self._cine)
            # While somebody pages on, what they passed is shown too: it says that it is another one.
            if self._waiting and (arrived or self._urgent):
                self._show(made.number, made.source)
                self._waiting = not arrived
                self.changed.emit()
            return
        self._window.put_failed(made.number)
        if arrived and self._waiting:
            self._waiting = False
            self.pause()
            self._cine = self._cine.at(self._shown)
            self.changed.emit()
            self.failed.emit(made.error)

    def _decode_ended(self) -> None:
        if self._decoding is not None and self._decoding.finished:
            self._decoding = None
        self._fetch()


CINE_COMMANDS: Mapping[str, Callable[[CinePlayer], None]] = {
    "viewer.cine_play": CinePlayer.toggle,
    "viewer.next_frame": lambda player: player.step(1),
    "viewer.previous_frame": lambda player: player.step(-1),
    "viewer.first_frame": lambda player: player.go(0),
    "viewer.last_frame": lambda player: player.go(player.cine.count - 1),
    "viewer.cine_faster": lambda player: player.faster(1),
    "viewer.cine_slower": lambda player: player.faster(-1),
    "viewer.cine_sweep": lambda player: player.set_sweep(not player.cine.sweep),
}
"""What a key does; of a single film nothing."""


def decode(run: FrameRun, number: int, first: FilmSource, job: Job) -> Decoded:
    """A picture of a run, shown as the first one is. Raises Cancelled."""
    job.check()
    try:
        picture = run.read(number)
        job.check()
        return Decoded(run, number, FilmSource.like(picture, first))
    except UserFacingError as error:
        return Decoded(run, number, None, error)
