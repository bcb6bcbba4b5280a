"""What a patient agrees to, written down, withdrawn and read on the chart."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit

from desktop import workflow
from desktop.access import Role
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import ConsentDecision, ConsentPurpose, ConsentState, Patient, PatientId
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.patients.typed import parse_day
from desktop.ui.widgets.fields import Choice
from tests.ui.names import USER

OpenChart = Callable[[str], Patient]
TODAY = date(2026, 8, 31)


def state(context: UiContext, patient: PatientId, purpose: ConsentPurpose) -> ConsentState:
    states = workflow.consents(context.open_clinic, Job(), patient)
    return next(one for one in states if one.purpose is purpose)


def show_consents(driver: Driver) -> None:
    driver.find("chart_parts", Choice).setFocus()
    driver.press("6")
    driver.wait(lambda: driver.shown("consent_care_state"), "consents")
    driver.settle()


def text(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def test_a_consent_is_given_withdrawn_and_read(driver: Driver, context: UiContext, chart_of: OpenChart) -> None:
    patient = chart_of("张小明")
    show_consents(driver)
    assert text(driver, "consent_teaching_state") == "Not asked yet"
    driver.click("consent_teaching_given")
    driver.wait(lambda: driver.shown("consent_form"), "form")
    driver.type("母亲")
    driver.find("consent_until", QLineEdit).setText("5y")
    assert text(driver, "consent_until_note").endswith(str(date.today().year + 5))  # noqa: DTZ011  # the PC's own day
    driver.press("Return")
    driver.wait(lambda: not driver.shown("consent_form"), "saving")
    driver.settle()
    given = state(context, patient.id, ConsentPurpose.TEACHING).latest
    assert given is not None
    assert (given.decision, given.decided_by) == (ConsentDecision.GIVEN, "母亲")
    assert given.valid_until == parse_day("5y", date.today())  # noqa: DTZ011  # the PC's own day
    assert text(driver, "consent_teaching_state") == "Agreed"
    assert not driver.shown("consent_teaching_refused")

    driver.click("consent_teaching_withdrawn")
    driver.wait(lambda: driver.shown("consent_form"), "form")
    assert not driver.shown("consent_until")
    driver.find("consent_note", QLineEdit).setText("搬走了")
    driver.find("consent_keep", QLineEdit).setText("30d")
    driver.press("Return")
    driver.wait(lambda: not driver.shown("consent_form"), "saving")
    driver.settle()
    context.set_language(Language.CHINESE)
    driver.settle()
    assert text(driver, "consent_teaching_state") == "已撤回"
    latest = text(driver, "consent_teaching_line_0")
    assert "搬走了" in latest
    assert "可保存至" in latest
    assert USER in latest
    assert "由母亲决定" in text(driver, "consent_teaching_line_1")
    assert len(state(context, patient.id, ConsentPurpose.TEACHING).history) == 2


def test_esc_closes_the_form_before_the_page(driver: Driver, context: UiContext, chart_of: OpenChart) -> None:
    patient = chart_of("张小明")
    show_consents(driver)
    driver.click("consent_care_refused")
    driver.wait(lambda: driver.shown("consent_form"), "form")
    driver.press("Esc")
    assert driver.shown("consent_care_state")
    assert state(context, patient.id, ConsentPurpose.CARE).latest is None
    driver.press("Esc")
    assert driver.shown("patient_finder")


def test_a_day_in_the_past_is_said_beside_the_field(driver: Driver, context: UiContext, chart_of: OpenChart) -> None:
    patient = chart_of("张小明")
    show_consents(driver)
    driver.click("consent_feedback_given")
    driver.wait(lambda: driver.shown("consent_form"), "form")
    driver.find("consent_until", QLineEdit).setText("2019-05-07")
    driver.press("Return")
    assert "no day to come" in text(driver, "consent_until_note")
    assert driver.find("consent_until", QLineEdit).hasFocus()
    assert state(context, patient.id, ConsentPurpose.FEEDBACK).latest is None


def test_who_may_not_record_reads_only(driver: Driver, context: UiContext, chart_of: OpenChart) -> None:
    session = context.open_clinic.session
    technician = replace(session.user, roles=(Role.TECHNICIAN.value,))
    object.__setattr__(session, "user", technician)  # frozen; the session of this test only
    chart_of("张小明")
    show_consents(driver)
    assert not driver.shown("consent_care_given")


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("", None),
        ("2026-08-31", TODAY),
        ("2028年5月7日", date(2028, 5, 7)),
        ("5y", date(2031, 8, 31)),
        ("6个月", date(2027, 2, 28)),
        ("6 months", date(2027, 2, 28)),
        ("30天", date(2026, 9, 30)),
    ],
)
def test_days_to_come_are_understood(typed: str, day: date | None) -> None:
    assert parse_day(typed, TODAY) == day


@pytest.mark.parametrize("typed", ["2026-08-30", "2027-05", "2027", "soon", "5", "2027-02-30"])
def test_what_is_no_day_to_come_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"date|past|day|month"):
        parse_day(typed, TODAY)
