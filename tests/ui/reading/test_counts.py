"""What a model counted: sealed like everything else, told with its interval, its boxes drawn where the cells lie."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QLabel

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Activation, Analysis, AnalysisStatus, Count, DetectedBox, Mask, Quality, StudyId
from desktop.ui.reading import ReadingRoom
from desktop.ui.viewers.frames import FilmSource, render_frame
from desktop.ui.viewers.overlay import Laid, Overlay, counted, kind_colour, overlay_of
from desktop.ui.viewers.view_state import ViewState
from tests.ui.reading.conftest import OpenStudy, StandIn, provenance
from tests.ui.reading.test_frames import picture, request

COUNTING = Analysis(
    AnalysisStatus.OK,
    provenance(),
    Quality(True),
    boxes=(
        DetectedBox(20.0, 30.0, 40.0, 30.0, "red_cell", 0.97),
        DetectedBox(120.0, 60.0, 40.0, 30.0, "platelet", 0.8),
        DetectedBox(90.0, 10.0, 20.0, 20.0, "red_cell", 0.6),
        DetectedBox(5.0, 5.0, 10.0, 10.0, "red_cell", 0.06),
    ),
    counts=(Count("red_cell", 2, 1, 4), Count("platelet", 1)),
)


@pytest.fixture
def model_first(clinic: workflow.Clinic) -> Iterator[None]:
    usual = workflow.policy(clinic, Job())
    workflow.set_policy(clinic, Job(), workflow.Policy(reading_order=workflow.ReadingOrder.MODEL_FIRST))
    yield
    workflow.set_policy(clinic, Job(), usual)


def test_only_what_is_counted_is_laid_over_the_picture() -> None:
    shown = counted(COUNTING)
    assert [(one.box.kind, one.box.probability, one.order) for one in shown] == [
        ("red_cell", 0.97, 0),
        ("red_cell", 0.6, 0),
        ("platelet", 0.8, 1),
    ]
    overlay = overlay_of([COUNTING], None)
    assert overlay is not None
    assert overlay.activation is None
    assert overlay.like(overlay_of([COUNTING], "anything"))
    assert overlay_of([replace(COUNTING, boxes=())], None) is None


def test_a_map_known_to_point_badly_is_called_so() -> None:
    heat = np.ones((4, 4), np.float32)
    looked = Analysis(
        AnalysisStatus.OK, provenance(), Quality(True), activations=(Activation("edema", heat, (0.0, 0.0, 1.0, 1.0)),)
    )
    plain, weak = overlay_of([looked], None), overlay_of([COUNTING, looked], "edema", lambda one: one is looked)
    assert plain is not None
    assert plain.kind is Laid.LOOKED
    assert weak is not None
    assert weak.weak
    assert not weak.like(plain)
    only = overlay_of([looked], None, lambda _one: True)
    assert only is not None
    assert only.kind is Laid.WEAK


def test_boxes_are_drawn_where_they_lie_and_only_when_asked() -> None:
    source = FilmSource.build(picture(np.full((100, 200), 90, np.uint8)), Job())
    state = ViewState(100, 200).fit(400, 300)
    asked = replace(request(source, state), overlay=overlay_of([COUNTING], None))
    plain = render_frame(asked, Job()).image
    shown = render_frame(replace(asked, state=replace(state, overlay=True)), Job()).image
    for box, order in ((COUNTING.boxes[0], 0), (COUNTING.boxes[1], 1)):
        edge = state.to_view((box.x - 0.5, box.y + box.height / 2), 400, 300)
        middle = state.to_view((box.x + box.width / 2, box.y + box.height / 2), 400, 300)
        assert plain.pixelColor(round(edge[0]), round(edge[1])) != kind_colour(order)
        near = [shown.pixelColor(round(edge[0]) + by, round(edge[1])) for by in (-1, 0, 1)]
        assert kind_colour(order) in near
        assert shown.pixel(round(middle[0]), round(middle[1])) == plain.pixel(round(middle[0]), round(middle[1]))


def test_a_mask_is_drawn_over_what_it_was_traced_in_and_named_for_what_it_is() -> None:
    traced = np.zeros((100, 200), np.uint8)
    traced[40:60, 50:150] = 255
    mask = Mask("vessels", cv2.imencode(".png", traced)[1].tobytes())
    overlay = overlay_of([Analysis(AnalysisStatus.OK, provenance(), Quality(True), masks=(mask,))], None)
    assert overlay is not None
    assert overlay.kind is Laid.MASKS
    assert not overlay.like(overlay_of([COUNTING], None))
    source = FilmSource.build(picture(np.full((100, 200), 90, np.uint8)), Job())
    state = ViewState(100, 200).fit(400, 300)
    asked = replace(request(source, state), overlay=overlay)
    plain, shown = (render_frame(replace(asked, state=replace(state, overlay=on)), Job()).image for on in (False, True))
    inside, outside = (state.to_view(place, 400, 300) for place in ((100.0, 50.0), (20.0, 50.0)))
    seen = shown.pixelColor(round(inside[0]), round(inside[1]))
    assert (seen.blue() - seen.red() > 50, seen.alpha()) == (True, 255)
    below = round(outside[0]), round(outside[1])
    assert shown.pixel(*below) == plain.pixel(*below)


def test_a_mask_that_is_no_picture_draws_nothing() -> None:
    spoilt = Overlay(None, masks=(Mask("vessels", b"no picture"),))
    source = FilmSource.build(picture(np.full((100, 200), 90, np.uint8)), Job())
    state = replace(ViewState(100, 200).fit(400, 300), overlay=True)
    frames = [render_frame(replace(request(source, state), overlay=one), Job()).image for one in (None, spoilt)]
    assert frames[0] == frames[1]


@pytest.mark.usefixtures("model_first")
def test_counts_are_told_with_their_interval(
    room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic, model: StandIn
) -> None:
    model.answer = COUNTING
    workflow.suggest(clinic, Job(), study)
    open_study(study)
    step = room.study.panel.suggestion
    labels = {label.objectName(): label.text() for label in step.findChildren(QLabel)}
    assert (labels["count_red_cell"], labels["count_platelet"]) == ("2", "1")
    assert (labels["range_red_cell"], labels["range_platelet"]) == ("range 1 to 4", "")
    tiles = step.findChild(QLabel, "counts_tiles")
    assert isinstance(tiles, QLabel)
    assert not tiles.isVisibleTo(step)
    assert step.overlay.isVisibleTo(step)
    assert not step.why.isVisibleTo(step)
    room.study.viewer.run("viewer.overlay")
    state = room.study.viewer.state
    assert state is not None
    assert state.overlay
    room.clear()
    assert room.study.viewer.overlay is None


@pytest.mark.usefixtures("model_first")
def test_it_is_said_where_a_picture_was_looked_at_in_parts(
    room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic, model: StandIn
) -> None:
    model.answer = replace(COUNTING, tiles=20)
    workflow.suggest(clinic, Job(), study)
    open_study(study)
    step = room.study.panel.suggestion
    tiles = step.findChild(QLabel, "counts_tiles")
    assert isinstance(tiles, QLabel)
    assert tiles.isVisibleTo(step)
    assert "20 overlapping parts" in tiles.text()


def test_counts_stay_sealed(
    room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic, model: StandIn
) -> None:
    model.answer = COUNTING
    workflow.suggest(clinic, Job(), study)
    open_study(study)
    assert not room.study.panel.suggestion.findChildren(QLabel, "count_red_cell")
    assert room.study.viewer.overlay is None
