"""A study of two films: each suggestion is decided by itself, its film comes up with it, and nothing is passed over."""

from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Decision, Finding, Patient, StudyId, Verdict
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from desktop.ui.reading.footer import Turn
from desktop.workflow import Clinic
from tests.ui.reading.conftest import OpenStudy, StandIn, draw_film, suggestion
from tests.ui.reading.test_hanging_room import _film as dicom_film
from tests.ui.reading.test_hanging_room import _store as store

JOB = Job()


@pytest.fixture
def two_films(clinic: Clinic, patient: Patient, model: StandIn, tmp_path: Path) -> StudyId:
    """Two films of one examination, of which the model has spoken."""
    first = dicom_film(tmp_path, "first", draw_film(11), "20261110")
    second = pydicom.dcmread(first)
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    second.SeriesInstanceUID = generate_uid()
    second.PixelData = draw_film(12).tobytes()
    second.save_as(tmp_path / "second.dcm")
    study = store(clinic, [first, tmp_path / "second.dcm"], patient)
    heat = suggestion()
    findings = (*heat.findings, Finding("lobar", "Lobar", 0.95, Decision.LIKELY))
    model.answer = replace(heat, findings=findings)
    workflow.suggest(clinic, JOB, study)
    return study


def words(room: ReadingRoom, name: str) -> str:
    found = room.study.panel.findChild(QLabel, name)
    assert found is not None
    return found.text() if found.isVisibleTo(room) else ""


def on_screen(room: ReadingRoom) -> int:
    """Number of the film on the screen, from 1."""
    sitting = room.sitting
    assert sitting is not None
    place = room.study._film.place
    assert place is not None
    return [one.id for one in sitting.study.study.instances].index(place.instance) + 1


def decided(room: ReadingRoom) -> int:
    return len(room.sitting.reading.current_reviews) if room.sitting is not None else -1


def test_every_film_has_its_turn(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, two_films: StudyId, context: UiContext
) -> None:
    workflow.record_impression(context.open_clinic, JOB, two_films, "Pneumonia on both.")
    open_study(two_films)
    panel = room.study.panel
    assert words(room, "suggestion_number") == "Suggestion 1 of 2"
    assert words(room, "suggestion_about") == "Picture 1: Stand-in"
    assert (on_screen(room), panel.turn) == (1, Turn.DECIDE)
    assert "Picture 2: Stand-in – Pneumonia, Pneumonia" in words(room, "undecided_elsewhere")
    # The other way round: who leafs on sees what was said of the next film.
    panel.step_suggestion(1)
    assert (on_screen(room), words(room, "suggestion_about")) == (2, "Picture 2: Stand-in")
    room.study._bound["reading.previous_film"].trigger()
    assert (on_screen(room), words(room, "suggestion_about")) == (1, "Picture 1: Stand-in")
    back = panel.findChild(QPushButton, "previous_suggestion")
    assert back is not None
    assert not back.isEnabled()
    # One stroke accepts what agrees, of this film alone; the next film comes up by itself.
    room.study._follower.moved = 0.0
    panel.decision.accept_all()
    qtbot.waitUntil(lambda: decided(room) == 2)
    qtbot.waitUntil(lambda: on_screen(room) == 2)
    assert words(room, "suggestion_about") == "Picture 2: Stand-in"
    assert words(room, "undecided_elsewhere") == ""
    room.study._accept()  # within the moment after the film came up
    room.study._follower.moved = 0.0
    room.study._reject()
    qtbot.waitUntil(lambda: decided(room) == 3)
    assert room.sitting is not None
    room.study.show_report()
    hint = words(room, "footer_hint")
    assert "Picture 2: Stand-in – Pneumonia" in hint
    # What was accepted at once is taken back at once.
    room.study._desk._take_back()
    qtbot.waitUntil(lambda: decided(room) == 1)
    assert panel.turn is Turn.DECIDE
    assert words(room, "suggestion_about") == "Picture 1: Stand-in", "what was taken back is in turn again"
    verdicts = [row.verdict for row in room.sitting.reading.reviews]
    assert verdicts.count(Verdict.WITHDRAWN) == 2


def test_what_the_impression_does_not_bear_is_left_out_and_named(
    room: ReadingRoom, open_study: OpenStudy, study: StudyId, context: UiContext, model: StandIn
) -> None:
    said = suggestion()
    more = [Finding(key, key, 0.9, Decision.LIKELY) for key in ("lobar", "left")]
    model.answer = replace(said, findings=(*said.findings, *more, Finding("old", "Old", 0.1, Decision.UNLIKELY)))
    workflow.suggest(context.open_clinic, JOB, study)
    workflow.record_impression(context.open_clinic, JOB, study, "Pneumonia.")
    open_study(study)
    assert words(room, "accept_all_left").endswith("your impression says otherwise")
    assert room.study.panel.decision.all.text().startswith("Accept the 3 that fit")
    assert words(room, "footer_hint").startswith("3 findings fit")
    assert words(room, "suggestion_number") == "", "one suggestion needs no number"
