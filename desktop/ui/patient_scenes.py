"""Scenes about one patient for the screenshots: two records of one person, two versions of one record, visits and
consents, and the audit trail of it all."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit

from desktop import workflow
from desktop.jobs import Job
from desktop.records import ConsentDecision, ConsentPurpose, HumanName, Patient
from desktop.ui.admin.audit import AuditSection
from desktop.ui.patients.chart import ChartPage
from desktop.ui.people_scenes import Camera

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


def about_a_chart(camera: Camera, context: "UiContext") -> None:
    """From a chart that is shown, and back to it."""
    chart = camera.driver.find("chart_page", ChartPage)
    patient = chart.patient
    if patient is None:
        raise LookupError("the chart shows nobody")
    _visits(camera, chart)
    _consents(camera, context, chart, patient)
    chart.show_part("studies")
    _merging(camera, context, patient)
    _versions(camera, context, patient)


def audit_trail(camera: Camera, section: AuditSection) -> None:
    """From the audit trail: a file of it, and a file with a line left out."""
    driver = camera.driver
    driver.find("audit_search", QLineEdit).setText("qqqqq")
    driver.settle()
    camera.take("audit-nothing")
    driver.find("audit_search", QLineEdit).setText("")
    with TemporaryDirectory() as folder:
        trail = Path(folder) / "audit-trail.jsonl"
        section.export_to(str(trail))
        driver.settle()
        camera.take("audit-exported")
        trail.write_bytes(b"".join(trail.read_bytes().splitlines(keepends=True)[1:]))
        section.check_file(str(trail))
        driver.settle()
        camera.take("audit-damaged-file")


def _visits(camera: Camera, chart: ChartPage) -> None:
    driver = camera.driver
    chart.show_part("visits")
    camera.take("chart-visits-empty")
    driver.press("Ctrl+Shift+N")
    driver.wait(lambda: driver.shown("visit_form"), "visit")
    driver.settle()
    driver.type("咳嗽三天，发热 cough for three days")
    for name, words in (("temperature", "385"), ("pulse", "132"), ("breaths", "48"), ("oxygen", "93")):
        driver.find(f"visit_{name}", QLineEdit).setText(words)
    driver.press("Return")
    camera.take("visit-error")
    driver.find("visit_temperature", QLineEdit).setText("38.5")
    driver.press("Return")
    driver.wait(lambda: driver.shown("visit"), "visit on file")
    driver.settle()
    camera.take("chart-visits")


def _consents(camera: Camera, context: "UiContext", chart: ChartPage, patient: Patient) -> None:
    driver = camera.driver
    draft = workflow.ConsentDraft(patient.id, ConsentPurpose.TEACHING, ConsentDecision.GIVEN, decided_by="母亲")
    workflow.record_consent(context.open_clinic, Job(), draft)
    workflow.withdraw_consent(context.open_clinic, Job(), patient.id, ConsentPurpose.TEACHING, note="搬家")
    chart.reload()
    chart.show_part("consents")
    driver.settle()
    camera.take("chart-consents")
    driver.click("consent_care_given")
    driver.settle()
    camera.take("consent-form")
    driver.press("Esc")


def _merging(camera: Camera, context: "UiContext", patient: Patient) -> None:
    driver = camera.driver
    name = HumanName(text=f"{patient.display_name}（大）")
    double = replace(workflow.PatientDraft.of(patient), names=(name,), village="柳树村二组", phones=("13900139000",))
    workflow.register_patient(context.open_clinic, Job(), double)
    driver.press("Ctrl+M")
    driver.settle()
    camera.take("merge-find")
    driver.press("Return")
    driver.wait(lambda: driver.shown("merge_compare"), "both records")
    driver.settle()
    camera.take("merge-compare")
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("chart_merge"), "merged")
    driver.settle()
    camera.take("chart-merged")
    driver.press("Ctrl+Z")
    driver.settle()


def _versions(camera: Camera, context: "UiContext", patient: Patient) -> None:
    driver = camera.driver
    clinic, draft = context.open_clinic, workflow.PatientDraft.of(patient)
    base = workflow.open_patient(clinic, Job(), patient.id).version
    workflow.edit_patient(clinic, Job(), patient.id, replace(draft, village="石桥村"), base)
    workflow.edit_patient(clinic, Job(), patient.id, replace(draft, village="清河村"), base)
    driver.find("chart_page", ChartPage).reload()
    driver.settle()
    camera.take("chart-two-versions")
    driver.click("chart_conflict_compare")
    driver.wait(lambda: driver.shown("conflict_page"), "both versions")
    driver.settle()
    camera.take("two-versions")
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "settled")
    driver.settle()
