"""Scenes about one patient for the screenshots: two records of one person, two versions of one record, visits and
consents, and the audit trail of it all."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPainter, QPdfWriter
from PySide6.QtWidgets import QLineEdit

from desktop import workflow
from desktop.jobs import Job
from desktop.records import ConsentDecision, ConsentPurpose, DocumentKind, HumanName, Patient
from desktop.ui.admin.audit import AuditSection
from desktop.ui.patients.chart import ChartPage
from desktop.ui.patients.document_page import DocumentPage
from desktop.ui.people_scenes import Camera
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


def about_a_chart(camera: Camera, context: "UiContext") -> None:
    """From a chart that is shown, and back to it."""
    chart = camera.driver.find("chart_page", ChartPage)
    patient = chart.patient
    if patient is None:
        raise LookupError("the chart shows nobody")
    _visits(camera, chart)
    _problems(camera, chart)
    _documents(camera, context, chart, patient)
    _unsaved(camera, chart)
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
    for name, words in (
        ("temperature", "385"),
        ("pulse", "132"),
        ("breaths", "48"),
        ("oxygen", "93"),
        ("problems", "肺炎，贫血"),
        ("medicines", "阿莫西林：250 mg，每日3次；锌"),
    ):
        driver.find(f"visit_{name}", QLineEdit).setText(words)
    driver.press("Return")
    camera.take("visit-error")
    driver.find("visit_temperature", QLineEdit).setText("38.5")
    driver.press("Return")
    driver.wait(lambda: driver.shown("visit"), "visit on file")
    driver.settle()
    camera.take("chart-visits")


def _problems(camera: Camera, chart: ChartPage) -> None:
    driver = camera.driver
    chart.show_part("problems")
    driver.settle()
    driver.click("problems_resolved")
    driver.settle()
    camera.take("chart-problems")
    driver.press("Ctrl+Z")
    driver.settle()


def _documents(camera: Camera, context: "UiContext", chart: ChartPage, patient: Patient) -> None:
    driver = camera.driver
    chart.show_part("documents")
    camera.take("chart-documents-empty")
    with TemporaryDirectory() as folder:
        letter = Path(folder) / "转诊单 2026-11.txt"
        letter.write_text("转诊单\n\n患儿咳嗽三天，发热 38.5 °C，右下肺湿啰音。请拍胸片。\n", encoding="utf-8")
        chart.documents.take_file(str(letter))
        driver.settle()
        camera.take("document-form")
        chart.documents.close_form()
        paper = Path(folder) / "paper.pdf"
        _write_paper(paper, ("出院小结", "右下肺炎，阿莫西林 7 天，体温正常。", "Discharge letter: pneumonia, well."))
        for path, kind, title in (
            (letter, DocumentKind.REFERRAL, "转诊到县医院 · Referral to the county hospital"),
            (paper, DocumentKind.DISCHARGE, "出院小结 · Discharge letter"),
        ):
            workflow.add_document(context.open_clinic, Job(), path, patient.id, kind=kind, title=title)
    chart.reload()
    driver.settle()
    camera.take("chart-documents")
    for name in ("document-pages", "document-text"):
        driver.find("document_list", RowList).setFocus()
        driver.press("Return")
        page = driver.find("document_page", DocumentPage)
        driver.wait(partial(getattr, page, "ready"), "document")
        driver.settle()
        camera.take(name)
        driver.press("Esc")
        driver.settle()
        driver.find("document_list", RowList).setFocus()
        driver.press("Down")


def _write_paper(path: Path, lines: tuple[str, ...]) -> None:
    """A PDF of two pages that say the same."""
    writer = QPdfWriter(str(path))
    writer.setResolution(100)
    painter = QPainter(writer)
    for page in range(2):
        if page:
            writer.newPage()
        for place, line in enumerate(lines, 1):
            painter.drawText(QPoint(60, 60 * place), line)
    painter.end()


def _unsaved(camera: Camera, chart: ChartPage) -> None:
    """A visit and an edit begun and left: said on the chart and above the list, and shown again in the forms."""
    driver = camera.driver
    chart.show_part("visits")
    driver.press("Ctrl+Shift+N")
    driver.settle()
    driver.type("复诊：咳嗽好转 cough is better")
    driver.press("Esc")
    driver.settle()
    driver.press("Ctrl+E")
    driver.settle()
    driver.find("patient_village", QLineEdit).setFocus()
    driver.type("（新村）")
    driver.press("Esc")
    driver.settle()
    camera.take("chart-begun")
    driver.press("Ctrl+E")
    driver.settle()
    camera.take("edit-begun")
    driver.press("Esc")
    driver.press("Esc")
    driver.settle()
    camera.take("patients-begun")
    for _ in range(2):
        driver.click("finder_begun_discard")
        driver.settle()
    camera.take("patients-discarded")
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    driver.settle()


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
