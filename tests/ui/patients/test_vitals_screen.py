"""What was measured over time: the curve, the table beside it, and the same number in both."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Observation, Patient
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.patients.chart import ChartPage
from desktop.ui.patients.vitals import VitalsPart, courses
from desktop.ui.patients.vitals_plot import VitalsPlot

OpenChart = Callable[[str], Patient]
BEGAN = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)


def write_down(context: UiContext, patient: Patient, day: int, *measured: Observation) -> None:
    draft = workflow.VisitDraft(patient.id, started=BEGAN + timedelta(days=day), observations=measured)
    workflow.record_visit(context.open_clinic, Job(), draft)


def pressure(upper: float, lower: float) -> tuple[Observation, Observation]:
    return Observation("8480-6", upper, "mm[Hg]"), Observation("8462-4", lower, "mm[Hg]")


def column(part: VitalsPart) -> list[str]:
    """The values of the table, from the top."""
    return [str(part.table.model().index(row, 1).data()) for row in range(part.table.rowCount())]


def shown(driver: Driver) -> VitalsPart:
    part = driver.find("chart_vitals", VitalsPart)
    driver.wait(lambda: part.table.rowCount() > 0, "values")
    driver.settle()
    return part


def test_curve_and_table_say_the_same_with_mouse_and_keys(
    driver: Driver, context: UiContext, chart_of: OpenChart
) -> None:
    patient = chart_of("张小明")
    for day, value in ((0, 39.2), (1, 38.4), (3, 37.1)):
        write_down(context, patient, day, Observation("8310-5", value, "Cel"), *pressure(110 + day, 70))
    write_down(context, patient, 4, Observation("8480-6", 118, "mm[Hg]"), Observation("8310-5", 99.0, "[degF]"))
    found = courses(context.open_clinic, patient.id, Job())
    assert [one.words for one in found.curves["temperature"]] == ["39.2", "38.4", "37.1"]
    assert [one.words for one in found.curves["pressure"]] == ["110/70", "111/70", "113/70", "118/–"]

    chart_of("张小明")
    driver.find("chart_page", ChartPage).show_part("vitals")
    part = shown(driver)
    assert column(part) == ["37.1", "38.4", "39.2"]
    assert "°C" in str(part.table.model().headerData(1, Qt.Orientation.Horizontal))
    plot, readout = part.plot, driver.find("vitals_readout", QLabel)
    assert isinstance(plot, VitalsPlot)
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert "38.4 °C" in readout.text()
    assert [index.row() for index in part.table.selectionModel().selectedRows()] == [1]
    part.table.selectRow(2)
    assert "39.2 °C" in readout.text()
    assert plot.at == 0
    wide = plot.getViewBox().viewRange()[0]
    QTest.keyClick(plot, Qt.Key.Key_Plus)
    close = plot.getViewBox().viewRange()[0]
    assert close[1] - close[0] < 0.8 * (wide[1] - wide[0])
    QTest.keyClick(plot, Qt.Key.Key_0)
    assert plot.getViewBox().viewRange()[0] == wide
    part.kinds.set_value("pressure")
    part.kinds.chosen.emit("pressure")
    assert column(part) == ["118/–", "113/70", "111/70", "110/70"]


def test_what_was_never_measured_is_not_drawn(driver: Driver, context: UiContext, chart_of: OpenChart) -> None:
    patient = chart_of("Aisha")
    assert not any(courses(context.open_clinic, patient.id, Job()).curves.values())
    driver.find("chart_page", ChartPage).show_part("vitals")
    driver.wait(lambda: driver.shown("vitals_nothing"), "nothing measured")
    assert driver.find("chart_vitals", VitalsPart).plot is None, "no empty axes"
