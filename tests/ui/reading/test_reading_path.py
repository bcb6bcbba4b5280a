"""From an opened film to the signed report through the real widgets, with the keyboard alone."""

from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]  # ships no types
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Decision, HumanName, PartialDate, Patient, StudyId, Verdict
from desktop.ui.context import UiContext
from desktop.ui.importing import start_import
from desktop.ui.reading import ReadingRoom
from desktop.ui.reading import study_page as study_page_module
from desktop.ui.reading.footer import Turn
from desktop.ui.reports.handing_over import file_name
from tests.ui.reading.conftest import OpenStudy, StandIn, refusal, suggestion

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(autouse=True)
def _no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a hand here."""
    monkeypatch.setattr(study_page_module, "REVEAL_GUARD_SECONDS", 0.0)


def focused() -> QWidget:
    """Where the keys go."""
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def press(qtbot: QtBot, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A key to whoever has the focus."""
    QTest.keyClick(focused(), key, modifier)


def turn(room: ReadingRoom) -> Turn:
    """What the foot of the panel offers, asked afresh."""
    return room.study.panel.turn


def read_and_reveal(qtbot: QtBot, room: ReadingRoom, words: str = "Right lower lobe pneumonia") -> None:
    """Type the impression where the focus is and save it."""
    assert focused().objectName() == "impression_text"
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.reading.suggestion_ready, timeout=5000)
    QTest.keyClicks(focused(), words)
    press(qtbot, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: room.study.panel.turn not in (Turn.READ, Turn.NOTHING), timeout=5000)


def test_first_light_by_keyboard(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic, tmp_path: Path
) -> None:
    open_study(study)
    read_and_reveal(qtbot, room)
    assert turn(room) is Turn.DECIDE
    assert focused().objectName() == "accept"
    press(qtbot, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: room.study.preview.ready, timeout=8000)
    assert turn(room) is Turn.SIGN
    assert focused().objectName() == "sign"
    press(qtbot, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.signed, timeout=8000)
    qtbot.waitUntil(lambda: room.study.preview.ready, timeout=8000)
    assert turn(room) is Turn.DONE
    assert focused().objectName() == "print"

    press(qtbot, Qt.Key.Key_S, CTRL)
    dialog = room.study.findChild(QFileDialog, "save_report_dialog")
    assert isinstance(dialog, QFileDialog)
    out = tmp_path / "report.pdf"
    dialog.fileSelected.emit(str(out))
    qtbot.waitUntil(out.exists, timeout=8000)
    text = pypdfium2.PdfDocument(out)[0].get_textpage().get_text_range()
    assert "Right lower lobe pneumonia" in text
    kept = workflow.reading(clinic, Job(), study)
    assert [review.verdict for review in kept.reviews] == [Verdict.ACCEPT]
    assert kept.impressions[0].before_reveal


def test_amend_takes_two_keys_and_reject_one_and_every_row_is_kept(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    open_study(study)
    read_and_reveal(qtbot, room)
    press(qtbot, Qt.Key.Key_M)
    press(qtbot, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: room.study.preview.ready, timeout=8000)
    room.study.show_film()
    press(qtbot, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: len(workflow.reading(clinic, Job(), study).reviews) == 2, timeout=5000)
    reviews = workflow.reading(clinic, Job(), study).reviews
    assert [(r.verdict, r.value) for r in reviews] == [
        (Verdict.AMEND, Decision.CANNOT_SAY),
        (Verdict.REJECT, None),
    ]


def test_a_reason_typed_before_the_verdict_goes_with_it(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    open_study(study)
    read_and_reveal(qtbot, room)
    press(qtbot, Qt.Key.Key_E)
    QTest.keyClicks(focused(), "artefact of a necklace")
    press(qtbot, Qt.Key.Key_Return)
    assert focused().objectName() == "accept"
    press(qtbot, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: bool(workflow.reading(clinic, Job(), study).reviews), timeout=5000)
    review = workflow.reading(clinic, Job(), study).reviews[0]
    assert (review.verdict, review.reason) == (Verdict.REJECT, "artefact of a necklace")


def test_single_letters_are_letters_while_somebody_types(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId
) -> None:
    open_study(study)
    QTest.keyClicks(focused(), "a m r i o 5 w")
    assert room.study.panel.read.impression_words == "a m r i o 5 w"
    state = room.study.viewer.state
    assert state is not None
    assert not state.inverted
    assert state.window is None


def test_a_finding_of_the_doctors_own_is_in_the_report(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    open_study(study)
    read_and_reveal(qtbot, room)
    press(qtbot, Qt.Key.Key_N)
    QTest.keyClicks(focused(), "Clavicle fracture")
    press(qtbot, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(workflow.reading(clinic, Job(), study).reviews), timeout=5000)
    findings = workflow.draft_report(clinic, Job(), study).content.findings
    assert [(f.name_en, f.verdict, f.decided) for f in findings if not f.key] == [
        ("Clavicle fracture", Verdict.ADDED, Decision.LIKELY)
    ]
    assert turn(room) is Turn.DECIDE


def test_an_impression_changed_after_the_reveal_is_kept_beside_the_first(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    open_study(study)
    read_and_reveal(qtbot, room, "Normal")
    press(qtbot, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert turn(room) is Turn.CHANGE
    QTest.keyClicks(focused(), ", or early pneumonia")
    press(qtbot, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: len(workflow.reading(clinic, Job(), study).impressions) == 2, timeout=5000)
    first, second = workflow.reading(clinic, Job(), study).impressions
    assert (first.text, first.before_reveal) == ("Normal", True)
    assert (second.text, second.before_reveal) == ("Normal, or early pneumonia", False)
    qtbot.waitUntil(lambda: room.study.panel.turn is Turn.DECIDE, timeout=5000)


def test_a_refusal_says_why_and_the_reading_goes_on(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, model: StandIn
) -> None:
    model.answer = refusal()
    open_study(study)
    read_and_reveal(qtbot, room)
    said = room.study.panel.suggestion.findChild(QWidget, "suggestion_words")
    assert said is not None
    assert "no suggestion" in said.property("text")
    assert turn(room) is Turn.PREVIEW
    press(qtbot, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: room.study.preview.ready, timeout=8000)
    press(qtbot, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.signed, timeout=8000)


def test_a_slow_model_holds_nobody_up_and_its_suggestion_comes_in_later(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, model: StandIn
) -> None:
    model.may_answer.clear()
    open_study(study)
    QTest.keyClicks(focused(), "Normal")
    press(qtbot, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: room.study.panel.turn is Turn.PREVIEW, timeout=5000)
    said = room.study.panel.suggestion.findChild(QWidget, "suggestion_words")
    assert said is not None
    assert "still looking" in said.property("text")
    model.may_answer.set()
    qtbot.waitUntil(lambda: room.study.panel.turn is Turn.DECIDE, timeout=5000)


def test_after_signing_only_an_addendum_can_be_written(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic, patient: Patient
) -> None:
    open_study(study)
    read_and_reveal(qtbot, room)
    workflow.sign_report(clinic, Job(), study, "Findings")
    open_study(study)
    panel = room.study.panel
    assert turn(room) is Turn.DONE
    for name in ("findings_text", "impression_text", "decision_reason", "add_finding", "change_impression"):
        part = panel.findChild(QWidget, name)
        assert part is not None
        assert not part.isVisible(), name
    press(qtbot, Qt.Key.Key_A)
    press(qtbot, Qt.Key.Key_D, CTRL)
    QTest.keyClicks(focused(), "Control in two weeks")
    press(qtbot, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(workflow.reading(clinic, Job(), study).reports[0].addenda), timeout=5000)
    report = workflow.reading(clinic, Job(), study).reports[0]
    assert report.addenda[0].text == "Control in two weeks"
    assert workflow.reading(clinic, Job(), study).reviews == ()
    assert patient.display_name not in file_name(report, "pdf")
    assert patient.card_number in file_name(report, "pdf")


def test_an_accidental_second_stroke_right_after_the_reveal_accepts_nothing(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    study: StudyId,
    clinic: workflow.Clinic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(study_page_module, "REVEAL_GUARD_SECONDS", 60.0)
    open_study(study)
    read_and_reveal(qtbot, room)
    press(qtbot, Qt.Key.Key_Return, CTRL)
    press(qtbot, Qt.Key.Key_A)
    press(qtbot, Qt.Key.Key_Return)
    qtbot.wait(100)
    assert workflow.reading(clinic, Job(), study).reviews == ()


def test_a_region_drawn_by_keyboard_is_kept_with_the_film(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    open_study(study)
    read_and_reveal(qtbot, room)
    press(qtbot, Qt.Key.Key_G)
    assert focused() is room.study.viewer
    press(qtbot, Qt.Key.Key_Return)
    for _ in range(5):
        press(qtbot, Qt.Key.Key_Right)
        press(qtbot, Qt.Key.Key_Down)
    press(qtbot, Qt.Key.Key_Return)
    press(qtbot, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(workflow.reading(clinic, Job(), study).annotations), timeout=5000)
    (annotation,) = workflow.reading(clinic, Job(), study).annotations
    (x0, y0), (x1, y1) = annotation.points
    assert x1 > x0
    assert y1 > y0


def test_cannot_say_looks_calm(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, model: StandIn
) -> None:
    model.answer = suggestion(Decision.CANNOT_SAY, 0.48)
    open_study(study)
    read_and_reveal(qtbot, room)
    word = room.study.panel.suggestion.findChild(QWidget, "finding_decision")
    assert word is not None
    assert word.property("text") == "Cannot say"
    assert word.property("calm") is True
    assert word.property("role") == "heading"


def test_another_language_without_a_restart(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, context: UiContext
) -> None:
    context.language_changed.connect(room.retranslate)
    open_study(study)
    read_and_reveal(qtbot, room, "Pneumonia")
    context.set_language(Language.CHINESE)
    texts = [b.text() for b in room.study.panel.findChildren(QPushButton) if b.isVisible() and b.text()]
    assert any("采纳" in text for text in texts)
    assert not any(word in text for text in texts for word in ("Accept", "Amend", "Reject", "Why"))
    name = room.study.panel.suggestion.findChild(QWidget, "finding_name")
    assert name is not None
    assert name.property("text") == "肺炎"


def test_a_study_that_cannot_be_opened_leads_back_to_the_worklist(
    qtbot: QtBot, room: ReadingRoom, context: UiContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[BaseException] = []
    monkeypatch.setattr(context, "show_error", lambda error, parent: errors.append(error))
    room.open_study("0b7c2f9e-7f5c-4a51-9a6f-000000000000")
    qtbot.waitUntil(lambda: bool(errors), timeout=5000)
    qtbot.waitUntil(room.worklist.isVisible, timeout=5000)
    assert room.sitting is None


def undecided(room: ReadingRoom) -> list[str]:
    """Keys of the findings nobody has decided on yet."""
    return [] if room.sitting is None else [finding.key for finding in room.sitting.reading.undecided]


@pytest.mark.data
def test_first_light_on_a_real_film_with_the_real_model(
    qtbot: QtBot, context: UiContext, shared_data: Path, tmp_path: Path
) -> None:
    """A child's film with pneumonia: imported, read, revealed, accepted, signed, saved; keyboard alone."""
    registry = workflow.load_models()
    if "chest-xray-child" not in registry.names():
        pytest.skip("the model chest-xray-child is not built")
    film = shared_data / "cxr" / "kermany_full" / "images" / "person1003_bacteria_2934.jpg"
    clinic = workflow.create_clinic(
        tmp_path / "clinic", Job(), name="Clinic", admin="Dr Li", passphrase="correct horse", models=registry
    ).clinic
    context.registry = registry
    context.set_clinic(clinic)
    draft = workflow.PatientDraft(names=(HumanName(text="Wang Ming"),), birth_date=PartialDate(2023, 2, 1))
    patient = workflow.register_patient(clinic, Job(), draft).patient
    room = ReadingRoom(context)
    qtbot.addWidget(room)
    room.resize(1274, 638)
    room.show()
    room.activateWindow()
    context.study_requested.connect(room.open_study)
    start_import(context, (film,), patient.id, room)
    qtbot.waitUntil(lambda: room.study.viewer.frame is not None, timeout=8000)
    qtbot.waitUntil(lambda: focused().objectName() == "impression_text", timeout=5000)
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.reading.suggestion_ready, timeout=20000)
    read_and_reveal(qtbot, room, "Consolidation")
    assert turn(room) is Turn.DECIDE
    press(qtbot, Qt.Key.Key_A)
    # The hint about what caused the pneumonia is decided on by itself.
    qtbot.waitUntil(lambda: undecided(room) == ["bacterial_if_pneumonia"], timeout=5000)
    press(qtbot, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: room.study.preview.ready, timeout=10000)
    press(qtbot, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.signed, timeout=10000)
    sitting = room.sitting
    assert sitting is not None
    (finding,) = [f for f in sitting.reading.reports[0].content.findings if f.key == "pneumonia"]
    assert finding.probability is not None
    assert finding.probability > 0.5
    assert finding.verdict is Verdict.ACCEPT
    room.clear()
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=5000)
    workflow.lock(clinic)
