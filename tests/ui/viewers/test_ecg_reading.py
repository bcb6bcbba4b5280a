"""An electrocardiogram from the dropped file to the signed report, in the real window."""

import time
from pathlib import Path

import edfio
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Modality, Trace, Verdict
from desktop.signals.synthetic import DrawnHeart, draw
from desktop.ui import reading_steps
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.reading.study_page import REVEAL_GUARD_SECONDS, StudyPage
from desktop.ui.viewers.ecg_state import EcgLayout


def write_edf(path: Path, trace: Trace, day: str = "2026-05-06") -> Path:
    """A recording as another program writes it."""
    from datetime import date, time

    signals = [
        edfio.EdfSignal(
            row.astype(np.float64) * 1000,
            trace.rate,
            label=lead.name,
            physical_dimension="uV",
            physical_range=(-32768, 32767),
        )
        for lead, row in zip(trace.leads, trace.samples, strict=True)
    ]
    recording = edfio.Recording(startdate=date.fromisoformat(day))
    edfio.Edf(signals, recording=recording, starttime=time(7, 8, 9)).write(path)
    return path


def undecided(page: StudyPage) -> int:
    """How many findings wait for a decision."""
    return len(page.sitting.reading.undecided) if page.sitting is not None else -1


@pytest.fixture
def patient(opened: MainWindow, driver: Driver) -> str:
    """Whose chart is open: the first of the list."""
    driver.press("Ctrl+2")
    driver.settle()
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    driver.settle()
    return "chart"


def test_a_dropped_electrocardiogram_is_read_and_signed(
    opened: MainWindow, patient: str, driver: Driver, context: UiContext, tmp_path: Path
) -> None:
    earlier = draw(DrawnHeart(qt=340, pr=140), noise_mv=0.01, seed=1).trace
    now = draw(DrawnHeart(), noise_mv=0.01, seed=2).trace
    driver.drop(write_edf(tmp_path / "earlier.edf", earlier, "2025-03-03"))
    driver.wait(lambda: driver.shown("ecg_viewer"), "first trace")
    driver.settle()
    driver.press("Ctrl+2")
    driver.settle()
    driver.drop(write_edf(tmp_path / "now.edf", now))
    driver.settle()
    page = driver.find("study_page", StudyPage)
    viewer = page.ecg.viewer
    driver.wait(lambda: viewer.measurements is not None and viewer.earlier is not None, "measurements and the earlier")
    assert page.sitting is not None
    assert page.sitting.study.study.modality is Modality.ECG
    assert page.sitting.study.study.started is not None
    assert viewer.measurements is not None
    assert viewer.measurements.qt.value == pytest.approx(380, abs=12)
    assert viewer.earlier is not None
    assert viewer.earlier.measured.qt.value == pytest.approx(340, abs=12)

    # The same keys do what the trace needs, and the film's commands are off.
    driver.press("Alt+3")
    driver.press("4")
    assert viewer.view.layout is EcgLayout.BEATS
    driver.press("S")
    assert viewer.view.speed == 50.0
    assert context.tr("reading.modality.ECG") in driver.find("film_studies", QComboBox).currentText()
    # What the model suggests is sealed until the doctor has read; nothing asks for a region of a film.
    driver.wait(lambda: page.sitting is not None and page.sitting.reading.suggestion_ready, "suggestion")
    assert driver.find("suggestion_words", QLabel).text() == context.tr("review.sealed")
    reading_steps.write_impression(driver, "Sinus rhythm. 窦性心律。")
    reading_steps.save_impression(driver)
    assert not driver.shown("draw_region")
    (suggestion,) = page.sitting.reading.suggestions
    assert suggestion.analysis.provenance.model == "ecg-12-lead"
    time.sleep(REVEAL_GUARD_SECONDS)
    assert undecided(page) == 6
    driver.click("reject")
    driver.wait(lambda: undecided(page) == 5, "one rejected")
    driver.press("Ctrl+Shift+A")
    driver.wait(lambda: undecided(page) == 0, "all accepted")
    verdicts = [review.verdict for review in page.sitting.reading.current_reviews.values()]
    assert (verdicts.count(Verdict.ACCEPT), verdicts.count(Verdict.REJECT)) == (5, 1)
    assert not driver.shown("accept_all")
    reading_steps.see_report(driver)
    driver.settle()
    back = driver.find("film_back", QPushButton)
    assert back.text() == driver.find("back_to_film", QPushButton).text() == context.tr("reading.button.back_to.trace")
    driver.click("film_back")
    assert driver.shown("ecg_viewer")
    assert not back.isVisible()
    reading_steps.see_report(driver)
    driver.settle()
    reading_steps.sign_report(driver)
    assert page.sitting.signed
    clinic = context.open_clinic
    report = page.sitting.reading.reports[-1]
    assert workflow.report_bytes(clinic, Job(), report.content.report, "pdf").startswith(b"%PDF")


def test_one_lead_goes_to_the_model_of_rhythms(
    opened: MainWindow, patient: str, driver: Driver, tmp_path: Path
) -> None:
    trace = draw(DrawnHeart(), noise_mv=0.01, seed=3).trace
    alone = Trace(trace.samples[1:2], trace.rate, trace.leads[1:2])
    driver.drop(write_edf(tmp_path / "strip.edf", alone))
    driver.wait(lambda: driver.shown("ecg_viewer"), "trace")
    page = driver.find("study_page", StudyPage)
    driver.wait(lambda: page.sitting is not None and page.sitting.reading.suggestion_ready, "suggestion")
    reading_steps.write_impression(driver, "Sinus rhythm.")
    reading_steps.save_impression(driver)
    assert page.sitting is not None
    (suggestion,) = page.sitting.reading.suggestions
    assert suggestion.analysis.provenance.model == "ecg-rhythm"
    assert suggestion.analysis.beats
    driver.wait(lambda: driver.shown("beats"), "beats")
    assert driver.find("beats", QLabel).text()


def test_a_caliper_follows_the_arrows(opened: MainWindow, patient: str, driver: Driver, tmp_path: Path) -> None:
    driver.drop(write_edf(tmp_path / "now.edf", draw(DrawnHeart()).trace))
    driver.wait(lambda: driver.shown("ecg_viewer"), "trace")
    driver.settle()
    viewer = driver.find("study_page", StudyPage).ecg.viewer
    driver.press("Alt+3")
    driver.press("C")
    assert viewer.view.caliper is not None
    before = viewer.view.caliper.seconds
    for _ in range(5):
        QTest.keyClick(viewer, Qt.Key.Key_Right)
    assert viewer.view.caliper.seconds > before
    driver.press("X")
    after = viewer.view.caliper.seconds
    QTest.keyClick(viewer, Qt.Key.Key_Right)
    assert viewer.view.caliper.seconds < after
