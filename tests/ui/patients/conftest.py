"""Charts on the screen."""

from collections.abc import Callable

import pytest

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Patient
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow


@pytest.fixture
def chart_of(driver: Driver, opened: MainWindow, context: UiContext) -> Callable[[str], Patient]:
    """Opens the chart of whoever the words find."""

    def open_chart(words: str) -> Patient:
        patient = workflow.search_patients(context.open_clinic, Job(), words)[0].patient
        context.patient_requested.emit(patient.id)
        driver.wait(lambda: driver.shown("chart_page"), "chart")
        driver.settle()
        return patient

    return open_chart
