"""What is typed survives whatever happens to the window."""

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language, Translator
from desktop.jobs import Job
from desktop.records import Patient, StudyId
from desktop.ui.context import UiContext
from desktop.ui.keeper import REST_MILLISECONDS
from desktop.ui.reading import ReadingRoom
from tests.ui.reading.conftest import OpenStudy


def test_words_are_durable_half_a_second_after_the_last_key(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic, context: UiContext
) -> None:
    open_study(study)
    QTest.keyClicks(room.study.panel.read.impression, "Perihilar streaks")
    QTest.keyClicks(room.study.panel.read.findings, "Heart normal. ")
    with qtbot.waitSignal(room.study._drafts.saved, timeout=REST_MILLISECONDS + 3000):
        pass
    draft = workflow.reading(clinic, Job(), study).draft
    assert draft.impression == "Perihilar streaks"
    assert draft.findings_text.startswith("Heart normal. ")

    another = ReadingRoom(context)
    qtbot.addWidget(another)
    another.open_study(study)
    qtbot.waitUntil(lambda: another.sitting is not None, timeout=5000)
    assert another.study.panel.read.impression_words == "Perihilar streaks"
    assert another.study.panel.read.findings_words == draft.findings_text
    another.clear()


def test_words_typed_a_moment_before_leaving_are_kept(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    study: StudyId,
    clinic: workflow.Clinic,
    context: UiContext,
) -> None:
    open_study(study)
    QTest.keyClicks(room.study.panel.read.impression, "In a hurry")
    room.save_drafts()
    room.clear()
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=5000)
    assert workflow.reading(clinic, Job(), study).draft.impression == "In a hurry"


def test_the_words_of_one_film_never_reach_another(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    study: StudyId,
    clinic: workflow.Clinic,
    patient: Patient,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from PIL import Image

    from tests.ui.reading.conftest import draw_film

    path = tmp_path_factory.mktemp("other") / "other.png"
    Image.fromarray(draw_film(987654)).save(path)
    other = workflow.import_file(clinic, Job(), path, patient.id).study
    open_study(study)
    QTest.keyClicks(room.study.panel.read.impression, "About the first film")
    room.open_study(other)
    assert room.study.panel.read.impression_words == ""
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.study.study.id == other, timeout=5000)
    assert room.study.panel.read.impression_words == ""
    assert workflow.reading(clinic, Job(), study).draft.impression == "About the first film"
    assert workflow.reading(clinic, Job(), other).draft.impression == ""


def test_a_draft_that_cannot_be_kept_is_said_quietly_and_the_words_stay(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop.errors import ErrorKind, KnownFailure

    def full(*args: object) -> None:
        raise KnownFailure("error.disk_full", kind=ErrorKind.DISK_FULL)

    open_study(study)
    monkeypatch.setattr("desktop.workflow.save_draft", full)
    QTest.keyClicks(room.study.panel.read.impression, "Words")
    with qtbot.waitSignal(room.study._drafts.failed, timeout=3000):
        pass
    assert "could not be kept" in room.study.panel.read._draft.text()
    assert room.study.panel.read.impression_words == "Words"


def test_prompts_nobody_answered_are_left_out_of_the_report() -> None:
    from desktop.ui.reading.read_step import without_open_prompts

    template = "Lungs:\nHeart (size, shape):\nNo foreign body.\n心影："
    typed = "Lungs: streaks on the right\nHeart (size, shape):\nNo foreign body.\n心影："
    assert without_open_prompts(typed, (template,)) == "Lungs: streaks on the right\nNo foreign body."


def test_an_untouched_template_follows_the_language_and_a_touched_one_stays(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, context: UiContext
) -> None:
    open_study(study)
    plain = {language: Translator(language).text("viewer.template.plain") for language in Language}
    field = room.study.panel.read.findings
    assert field.toPlainText() == plain[Language.ENGLISH]
    context.set_language(Language.CHINESE)
    room.retranslate()
    assert field.toPlainText() == plain[Language.CHINESE]
    QTest.keyClicks(field, "Mine. ")
    context.set_language(Language.ENGLISH)
    room.retranslate()
    assert field.toPlainText() == "Mine. " + plain[Language.CHINESE]
