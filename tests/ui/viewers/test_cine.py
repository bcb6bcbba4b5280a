"""Runs of pictures: paged, played, decoded ahead within bounds, never waited for."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.imaging.frame_run import FramePlace, FrameRun
from desktop.jobs import Job
from desktop.records import (
    Annotation,
    AnnotationId,
    AnnotationKind,
    FileHeader,
    InstanceId,
    Modality,
    Photometric,
    Picture,
    UserId,
    VoiWindow,
)
from desktop.ui.context import UiContext
from desktop.ui.viewers import FilmViewer
from desktop.ui.viewers.cine import Cine, Pace
from desktop.ui.viewers.cine_bar import CineBar
from desktop.ui.viewers.cine_player import CINE_COMMANDS
from desktop.ui.viewers.cine_window import FrameWindow
from desktop.ui.viewers.cine_words import frame_words
from desktop.ui.viewers.drawing import Drawing, Tool
from desktop.ui.viewers.film_tiles import FilmTiles
from desktop.ui.viewers.frames import FilmSource
from desktop.ui.viewers.view_actions import MORE_VIEWER_ACTIONS

CLIP = InstanceId("clip")


def frame(number: int) -> Picture:
    """A picture whose every value says which it is."""
    return Picture(
        np.full((30, 40), 10 * number % 256, np.uint8),
        Photometric.MONOCHROME2,
        FileHeader(modality=Modality.US),
        windows=(VoiWindow(127, 256),),
    )


def run_of(
    count: int, *, read: Callable[[int], Picture] = frame, rate: float | None = None, sweep: bool = False
) -> FrameRun:
    return FrameRun(tuple(FramePlace(CLIP, number + 1) for number in range(count)), read, rate, sweep)


def number_shown(viewer: FilmViewer) -> int:
    """Which picture is on the screen, by its pixels."""
    assert viewer.frame is not None
    return int(viewer.frame.request.source.picture.pixels[0, 0]) // 10


def shows(viewer: FilmViewer, number: int) -> bool:
    """Whether that picture is on the screen."""
    return number_shown(viewer) == number


def playing(viewer: FilmViewer) -> bool:
    """Asked afresh."""
    return viewer.cine.cine.playing


def drawn(viewer: FilmViewer) -> Drawing:
    """The drawing under way, asked afresh."""
    assert viewer.drawing is not None
    return viewer.drawing


def marks(viewer: FilmViewer) -> int:
    """How many drawings lie over the picture, asked afresh."""
    return len(viewer._marks())


@pytest.fixture
def viewer(qtbot: QtBot, context: UiContext) -> Iterator[FilmViewer]:
    """A viewer on the screen, empty."""
    made = FilmViewer(context)
    qtbot.addWidget(made)
    made.resize(300, 220)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.clear()


@pytest.fixture
def clip(qtbot: QtBot, viewer: FilmViewer) -> FilmViewer:
    """Twelve frames, the first on the screen."""
    viewer.show_run(run_of(12, rate=50.0), frame(0))
    qtbot.waitUntil(lambda: viewer.frame is not None)
    return viewer


class TestCine:
    def test_round_and_forth_and_back(self) -> None:
        cine = replace(Cine(4), playing=True)
        assert list(cine.ahead(6)) == [1, 2, 3, 0, 1, 2]
        assert list(replace(cine, sweep=True).ahead(8)) == [1, 2, 3, 2, 1, 0, 1, 2]
        assert Cine(1).next() == Cine(1)
        assert list(replace(cine, count=2, sweep=True).ahead(3)) == [1, 0, 1]

    def test_back_from_the_middle_goes_round_forwards(self) -> None:
        """Somebody switched from forth and back to round on the way back."""
        cine = replace(Cine(4), number=2, step=-1, playing=True)
        assert cine.next().number == 3

    def test_paging_wants_both_sides(self) -> None:
        assert list(Cine(10, number=4).ahead(6)) == [5, 3, 6, 2, 7, 1]
        assert list(Cine(10).ahead(6)) == [1, 2, 3, 4, 5, 6]

    def test_there_is_nothing_before_the_first_or_after_the_last(self) -> None:
        assert Cine(5).at(-3).number == 0
        assert Cine(5).at(9).number == 4

    def test_the_files_own_speed_is_one_to_choose(self) -> None:
        cine = Cine.of(5, 23.976, False)
        assert cine.rate == 23.976
        assert (cine.faster(1).rate, cine.faster(-1).rate) == (25, 20)
        assert cine.faster(1).faster(-1) == cine
        assert Cine.of(5, None, False).own is None
        assert Cine(5, rate=60).faster(1).rate == 60
        assert Cine(5, rate=1).faster(-1).rate == 1

    def test_pace_says_when_it_falls_behind(self) -> None:
        pace = Pace()
        for step in range(11):
            pace.shown(step * 0.1)
            assert pace.behind(25) is None
        pace.shown(1.1)
        assert pace.behind(25) == pytest.approx(10)
        assert pace.behind(10) is None
        pace.clear()
        assert pace.behind(25) is None


class TestWindow:
    @staticmethod
    def source(number: int) -> FilmSource:
        return FilmSource.like(frame(number), FIRST)

    def test_never_more_than_there_is_room_for(self) -> None:
        window = FrameWindow(1000, FIRST, budget=10 * 1800)
        cine = replace(Cine(1000), playing=True)
        assert window.room == 10
        for _ in range(60):
            number = window.missing(cine)
            if number is None:
                cine = cine.next()
                continue
            window.put(number, self.source(number), cine)
            assert len(window) <= 10
        assert window.get(cine.number) is not None
        assert cine.number > 20
        assert window.get(0) is None

    def test_a_small_clip_stays_decoded(self) -> None:
        window = FrameWindow(5, FIRST)
        cine = replace(Cine(5), playing=True)
        while (number := window.missing(cine)) is not None:
            window.put(number, self.source(number), cine)
        assert [window.get(number) is not None for number in range(5)] == [True] * 5

    def test_huge_frames_are_held_a_few_at_a_time(self) -> None:
        assert FrameWindow(100, FIRST, budget=10).room == 4

    def test_what_cannot_be_decoded_is_tried_again_only_when_asked_for(self) -> None:
        window = FrameWindow(3, FIRST)
        window.put_failed(1)
        assert window.missing(Cine(3)) == 2
        window.put(2, self.source(2), Cine(3))
        assert window.missing(Cine(3)) is None
        window.retry(1)
        assert window.missing(Cine(3)) == 1


FIRST = FilmSource.build(frame(0), Job())


def test_every_command_has_an_action() -> None:
    assert set(CINE_COMMANDS) <= {action.id for action in MORE_VIEWER_ACTIONS}


def test_paging_shows_the_frame_and_keeps_the_view(qtbot: QtBot, clip: FilmViewer) -> None:
    clip.run("viewer.zoom_in")
    clip.run("viewer.invert")
    before = clip.state
    assert clip.run("viewer.next_frame")
    qtbot.waitUntil(lambda: number_shown(clip) == 1)
    assert clip.state == before
    assert clip.place == FramePlace(CLIP, 2)
    for command, number in (("last_frame", 11), ("next_frame", 11), ("previous_frame", 10), ("first_frame", 0)):
        clip.run(f"viewer.{command}")
        qtbot.waitUntil(partial(shows, clip, number))


def test_the_wheel_pages_and_with_ctrl_it_zooms(qtbot: QtBot, clip: FilmViewer) -> None:
    def turn(delta: int, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        at = QPointF(100, 100)
        event = QWheelEvent(
            at, at, QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton, held, Qt.ScrollPhase.NoScrollPhase, False
        )
        QApplication.sendEvent(clip, event)

    turn(-240)
    qtbot.waitUntil(lambda: number_shown(clip) == 2)
    turn(60)
    turn(60)
    qtbot.waitUntil(lambda: number_shown(clip) == 1)
    zoom = clip.state.zoom if clip.state is not None else 0
    turn(120, Qt.KeyboardModifier.ControlModifier)
    assert clip.state is not None
    assert clip.state.zoom > zoom
    assert clip.cine.cine.number == 1


def test_space_plays_every_frame_in_order_and_pauses(qtbot: QtBot, clip: FilmViewer) -> None:
    seen: list[int] = []
    clip.frame_shown.connect(lambda: seen.append(number_shown(clip)))
    QTest.keyClick(clip, Qt.Key.Key_Space)
    assert playing(clip)
    qtbot.waitUntil(lambda: len(seen) >= 15, timeout=20_000)
    QTest.keyClick(clip, Qt.Key.Key_Space)
    assert not playing(clip)
    first = seen.index(1)
    assert seen[first : first + 13] == [*range(1, 12), 0, 1]
    count = len(seen)
    qtbot.waitUntil(lambda: not clip._context.operations.busy)
    assert len(seen) <= count + 1


def test_a_file_that_asks_for_it_is_played_forth_and_back(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.show_run(run_of(3, rate=60.0, sweep=True), frame(0))
    qtbot.waitUntil(lambda: viewer.frame is not None)
    seen: list[int] = []
    viewer.frame_shown.connect(lambda: seen.append(number_shown(viewer)))
    viewer.cine.toggle()
    qtbot.waitUntil(lambda: len(seen) >= 6, timeout=20_000)
    first = seen.index(2)
    assert seen[first : first + 4] == [2, 1, 0, 1]


def test_slow_frames_never_hold_up_the_window(qtbot: QtBot, viewer: FilmViewer) -> None:
    gate = threading.Event()
    threads = []

    def slow(number: int) -> Picture:
        threads.append(threading.current_thread() is threading.main_thread())
        gate.wait(10)
        return frame(number)

    viewer.show_run(run_of(6, read=slow), frame(0))
    qtbot.waitUntil(lambda: viewer.frame is not None and bool(threads))
    for _ in range(3):
        viewer.run("viewer.next_frame")
    assert viewer.cine.cine.number == 3
    assert number_shown(viewer) == 0
    assert viewer.place == FramePlace(CLIP, 1)
    viewer.run("viewer.invert")
    qtbot.waitUntil(lambda: viewer.frame is not None and viewer.frame.request.state.inverted)
    gate.set()
    qtbot.waitUntil(lambda: number_shown(viewer) == 3)
    assert not any(threads)


def test_nothing_plays_where_nobody_looks(qtbot: QtBot, clip: FilmViewer) -> None:
    clip.cine.toggle()
    clip.hide()
    assert not playing(clip)
    clip.cine.toggle()
    qtbot.waitUntil(lambda: not playing(clip))
    clip.show()
    clip.cine.toggle()
    assert playing(clip)
    clip.clear()
    assert not playing(clip)
    assert (clip.cine.run, clip.cine.held, clip.place) == (None, 0, None)


def test_another_film_ends_the_run(qtbot: QtBot, clip: FilmViewer) -> None:
    clip.cine.toggle()
    clip.show_picture(frame(7))
    assert clip.cine.run is None
    qtbot.waitUntil(lambda: clip.frame is not None)
    assert number_shown(clip) == 7
    for command in CINE_COMMANDS:
        assert clip.run(command)
    assert number_shown(clip) == 7


def test_a_frame_that_cannot_be_read_is_said_and_the_others_are_shown(
    qtbot: QtBot, viewer: FilmViewer, context: UiContext
) -> None:
    def read(number: int) -> Picture:
        if number == 2:
            raise UserFacingError("intake.truncated")
        return frame(number)

    said: list[str] = []
    context.toast_requested.connect(said.append)
    viewer.show_run(run_of(4, read=read, rate=60.0), frame(0))
    qtbot.waitUntil(lambda: viewer.frame is not None and viewer.cine.held == 3)
    assert said == []
    viewer.cine.toggle()
    qtbot.waitUntil(lambda: bool(said))
    assert not playing(viewer)
    assert viewer.cine.shown == 1
    viewer.cine.go(3)
    qtbot.waitUntil(lambda: number_shown(viewer) == 3)


def drawing(frame_number: int, kind: AnnotationKind = AnnotationKind.LENGTH, label: str = "") -> Annotation:
    return Annotation(
        AnnotationId(f"a{frame_number}"),
        CLIP,
        kind,
        ((5.0, 5.0), (25.0, 5.0)),
        label,
        UserId("u"),
        datetime(2026, 1, 1, tzinfo=UTC),
        frame=frame_number,
    )


def test_drawings_belong_to_their_frame(qtbot: QtBot, clip: FilmViewer) -> None:
    first, third = drawing(1), drawing(3)
    clip.set_annotations((first, third))
    assert clip.annotations == (first,)
    removed: list[Annotation] = []
    clip.removal_asked.connect(removed.append)
    clip.run("viewer.next_drawing")
    assert clip.selected == first
    clip.cine.go(2)
    qtbot.waitUntil(lambda: number_shown(clip) == 2)
    assert clip.annotations == (third,)
    clip.run("viewer.remove_drawing")
    assert removed == [third]
    clip.keep_here(AnnotationKind.LENGTH, ((1.0, 1.0), (9.0, 9.0)))
    assert marks(clip) == 2
    clip.cine.go(1)
    qtbot.waitUntil(lambda: number_shown(clip) == 1)
    assert marks(clip) == 0
    clip.cine.go(2)
    qtbot.waitUntil(lambda: number_shown(clip) == 2)
    assert marks(clip) == 2


def test_a_known_object_measures_every_frame_of_its_file(qtbot: QtBot, clip: FilmViewer) -> None:
    clip.set_annotations((drawing(1, AnnotationKind.CALIBRATION, "40"), drawing(3)))
    clip.cine.go(2)
    qtbot.waitUntil(lambda: number_shown(clip) == 2)
    assert [mark.words for mark in clip._marks()] == ["40.0 mm (calibrated by hand)"]


def test_drawing_stops_the_clip_and_stays_on_its_frame(qtbot: QtBot, clip: FilmViewer) -> None:
    clip.cine.toggle()
    clip.set_tool(Tool.LENGTH)
    assert not playing(clip)
    QTest.keyClick(clip, Qt.Key.Key_Space)
    assert not playing(clip)
    assert len(drawn(clip).points) == 1
    clip.cine.go(clip.cine.shown + 1)
    qtbot.waitUntil(lambda: drawn(clip).points == ())


def test_the_corner_says_which_frame_and_how_fast(clip: FilmViewer, context: UiContext) -> None:
    assert frame_words(context, clip.cine) == "Frame 1 of 12"
    clip.cine.toggle()
    assert frame_words(context, clip.cine) == "Frame 1 of 12 · 50/s"
    for step in range(12):
        clip.cine._pace.shown(step * 0.1)
    assert frame_words(context, clip.cine) == "Frame 1 of 12 · 10 of 50/s: this PC cannot show more"
    context.set_language(Language.CHINESE)
    assert frame_words(context, clip.cine).startswith("第 1 帧，共 12 帧")


def test_the_strip_under_the_film(qtbot: QtBot, context: UiContext) -> None:
    viewer = FilmViewer(context)
    tiles = FilmTiles(context, viewer)
    qtbot.addWidget(tiles)
    tiles.resize(500, 400)
    tiles.show()
    qtbot.waitExposed(tiles)
    viewer.show_picture(frame(0))
    assert tiles.findChild(CineBar) is None
    viewer.show_run(run_of(12, rate=23.976), frame(0))
    bar = tiles.findChild(CineBar)
    assert bar is not None
    assert bar.isVisible()
    qtbot.waitUntil(lambda: viewer.frame is not None)
    assert (bar.number.text(), bar.speed.currentText()) == ("1 / 12", "24/s, as in the file")
    bar.slider.setValue(6)
    qtbot.waitUntil(lambda: number_shown(viewer) == 5)
    assert bar.number.text() == "6 / 12"
    viewer.run("viewer.cine_faster")
    assert bar.speed.currentText() == "25/s"
    bar.speed.setCurrentIndex(0)
    bar.speed.activated.emit(0)
    assert viewer.cine.cine.rate == 1
    bar.sweep.click()
    assert viewer.cine.cine.sweep
    assert bar.play.text() == "Play"
    bar.play.click()
    assert bar.play.text() == "Pause"
    context.set_language(Language.CHINESE)
    assert bar.play.text() == "暂停"
    viewer.clear()
    assert not bar.isVisible()
