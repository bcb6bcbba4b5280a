"""Papers on the chart: added, listed, read page by page; nothing of them stays after a lock."""

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QScrollArea

from desktop import workflow
from desktop.i18n import Language
from desktop.intake.folder import gather
from desktop.jobs import Job
from desktop.records import AuditAction, Changes, DocumentKind, Patient
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.patients.document_page import DocumentPage
from desktop.ui.patients.documents import DocumentsPart
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.rows import RowList
from desktop.workflow import import_storing as storing
from tests.hanging import Hanging
from tests.network.objects import file_bytes, written

OpenChart = Callable[[str], Patient]


def pdf(path: Path, colours: tuple[str, ...] = ("#cc0000", "#0000cc")) -> Path:
    pages = [Image.new("RGB", (200, 800), colour) for colour in colours]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=72)
    path.write_bytes(out.getvalue())
    return path


def show_documents(driver: Driver) -> None:
    driver.find("chart_parts", Choice).setFocus()
    driver.press("5")
    driver.settle()


def add(driver: Driver, path: Path, title: str, kind: str = "") -> None:
    driver.find("documents_empty_button" if driver.shown("documents_empty") else "document_add", QPushButton).setFocus()
    driver.press("Return")
    dialog = driver.find("document_dialog", QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.reject()
    driver.settle()
    driver.type(title)
    if kind:
        driver.press("Tab")
        driver.press(kind)
    driver.press("Return")
    driver.wait(lambda: driver.shown("document_list"), "keeping")
    driver.settle()


def rows(driver: Driver) -> list[tuple[str, str]]:
    return [(row.title, row.subtitle) for row in driver.find("document_list", RowList).rows.rows]


def read_first(driver: Driver) -> DocumentPage:
    driver.find("document_list", RowList).setFocus()
    driver.press("Return")
    page = driver.find("document_page", DocumentPage)
    driver.wait(lambda: page.ready, "document")
    driver.settle()
    return page


def middle(driver: Driver) -> QColor:
    picture = driver.find("document_sheet", QLabel).pixmap().toImage()
    return picture.pixelColor(picture.width() // 2, picture.height() // 2)


def test_a_paper_is_added_and_read_by_keyboard(
    driver: Driver, context: UiContext, chart_of: OpenChart, tmp_path: Path
) -> None:
    patient = chart_of("张小明")
    show_documents(driver)
    assert driver.shown("documents_empty")
    add(driver, pdf(tmp_path / "scan 12.pdf"), "Referral to the county", kind="1")
    (row,) = rows(driver)
    assert row[0] == "Referral to the county"
    assert row[1].startswith("Referral · ")
    (document,) = workflow.open_patient(context.open_clinic, Job(), patient.id).documents
    assert document.kind is DocumentKind.REFERRAL
    assert driver.find("document_list", RowList).hasFocus()
    read_first(driver)
    assert driver.find("document_title", QLabel).text() == "Referral to the county"
    assert driver.find("banner_name", QLabel).text() == "张小明"
    assert driver.find("document_place", QLabel).text() == "Page 1 of 2"
    assert middle(driver).red() > 150
    bar = driver.find("document_scroll", QScrollArea).verticalScrollBar()
    assert bar.maximum() > 0
    while bar.value() < bar.maximum():
        driver.press("PgDown")
    driver.press("PgDown")
    driver.settle()
    assert driver.find("document_place", QLabel).text() == "Page 2 of 2"
    assert middle(driver).blue() > 150
    assert not driver.find("document_next", QPushButton).isEnabled()
    driver.click("document_previous")
    driver.settle()
    assert middle(driver).red() > 150
    driver.press("Esc")
    driver.settle()
    assert rows(driver) == [row]
    looks = workflow.audit_entries(context.open_clinic, Job())
    assert [one.subject for one in looks if one.action is AuditAction.VIEW_DOCUMENT] == [document.id]


def test_a_text_and_a_picture_are_shown_and_forgotten_when_the_clinic_locks(
    driver: Driver, opened: MainWindow, chart_of: OpenChart, tmp_path: Path
) -> None:
    chart_of("张小明")
    show_documents(driver)
    letter, photo = tmp_path / "letter.txt", tmp_path / "photo.png"
    letter.write_text("转诊单：右下肺炎", encoding="gb18030")
    Image.new("RGB", (60, 40), "#00aa00").save(photo)
    add(driver, photo, "slip")
    read_first(driver)
    assert middle(driver).green() > 150
    assert not driver.shown("document_place")
    driver.press("Esc")
    driver.settle()
    add(driver, letter, "letter")
    page = read_first(driver)
    assert driver.find("document_text", QPlainTextEdit).toPlainText() == "转诊单：右下肺炎"
    opened.lock()
    driver.settle()
    assert not page.ready
    assert "右下肺炎" not in {edit.toPlainText() for edit in opened.findChildren(QPlainTextEdit)}
    assert all(sheet.pixmap().isNull() for sheet in opened.findChildren(QLabel, "document_sheet"))
    assert not [said for said in opened.findChildren(QLabel) if said.text() == "letter"]


def test_a_report_of_another_program_says_who_wrote_it_and_when(
    driver: Driver, context: UiContext, chart_of: OpenChart, tmp_path: Path
) -> None:
    clinic, patient = context.open_clinic, chart_of("张小明")
    path = tmp_path / "report.dcm"
    path.write_bytes(file_bytes(written(name="")))
    with gather((path,), Job()) as gathered:
        storing.keep_files(clinic, Job(), storing.seal_files(clinic, Job(), gathered.sources, patient.id))
    context.announce(Changes(visits=True), None)
    driver.settle()
    show_documents(driver)
    ((title, about),) = rows(driver)
    assert title == "Radiology Study observation (narrative)"
    assert about.startswith("Report from elsewhere · ")
    read_first(driver)
    text = driver.find("document_text", QPlainTextEdit)
    assert text.toPlainText() == "\n".join(
        (
            "Written by: Zhao Min 赵 敏",
            "Written on: 20 Nov 2026 09:15",
            "Made with: MAKER",
            "Verified by: Sun Li, 20 Nov 2026 09:30",
            "",
            "Findings:",
            "    右下叶斑片影。",
            "    Heart not enlarged.",
            "Conclusions",
            "    Diameter: 23.5 millimeter",
        )
    )
    context.set_language(Language.CHINESE)
    assert text.toPlainText().startswith("书写者：Zhao Min 赵 敏\n书写时间：2026年11月20日 09:15\n")


def test_what_cannot_be_shown_is_not_taken(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart, tmp_path: Path
) -> None:
    patient = chart_of("张小明")
    show_documents(driver)
    archive = tmp_path / "letter.docx"
    archive.write_bytes(b"PK\x03\x04\x14\x00\x06\x00")
    assert opened.workspace is not None
    opened.workspace.patients().chart.documents.take_file(str(archive))
    driver.wait(lambda: driver.shown("error_dialog"), "refusal")
    assert context.tr("documents.cannot_show") in {said.text() for said in opened.findChildren(QLabel)}
    driver.press("Esc")
    assert not driver.shown("document_form")
    assert not workflow.open_patient(context.open_clinic, Job(), patient.id).documents


def test_a_paper_needs_a_title_and_esc_keeps_nothing(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart, tmp_path: Path
) -> None:
    patient = chart_of("张小明")
    show_documents(driver)
    assert opened.workspace is not None
    opened.workspace.patients().chart.documents.take_file(str(pdf(tmp_path / "scan.pdf")))
    driver.settle()
    assert driver.find("document_name", QLineEdit).text() == "scan"
    driver.press("Backspace")
    driver.press("Return")
    assert driver.find("document_name_note", QLabel).text() == context.tr("documents.form.name.missing")
    context.set_language(Language.CHINESE)
    assert "县医院" in driver.find("document_name_note", QLabel).text()
    context.set_language(Language.ENGLISH)
    driver.press("Esc")
    driver.settle()
    assert driver.shown("documents_empty")
    assert driver.find("chart_parts", Choice).hasFocus()
    assert not workflow.open_patient(context.open_clinic, Job(), patient.id).documents


def test_a_copy_is_saved_where_the_doctor_says(
    driver: Driver, context: UiContext, chart_of: OpenChart, tmp_path: Path
) -> None:
    chart_of("张小明")
    show_documents(driver)
    paper, copy = pdf(tmp_path / "referral.pdf"), tmp_path / "for the hospital.pdf"
    add(driver, paper, "Referral")
    read_first(driver)
    driver.click("document_copy")
    dialog = driver.find("document_copy_dialog", QFileDialog)
    assert dialog.selectedFiles() == [str(Path(dialog.directory().absolutePath()) / "referral.pdf")]
    dialog.fileSelected.emit(str(copy))
    dialog.reject()
    driver.wait(copy.exists, "copy")
    driver.settle()
    assert copy.read_bytes() == paper.read_bytes()
    assert driver.find("toast_words", QLabel).text() == context.tr("documents.copy.saved", file=copy.name)


@pytest.mark.parametrize("may", [True, False])
def test_only_who_records_visits_is_offered_to_add(
    driver: Driver, context: UiContext, chart_of: OpenChart, may: bool
) -> None:
    if not may:
        user = context.open_clinic.session.user
        object.__setattr__(user, "roles", ("technician",))  # frozen; the session of this test only
    chart_of("张小明")
    show_documents(driver)
    assert driver.shown("documents_empty") is may
    assert driver.shown("documents_nothing") is not may


def test_a_stick_that_hangs_holds_up_nobody(
    driver: Driver, context: UiContext, chart_of: OpenChart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart_of("张小明")
    show_documents(driver)
    paper, saved, hanging = pdf(tmp_path / "scan.pdf"), threading.Event(), Hanging(monkeypatch)
    hanging.place = paper
    driver.find("chart_documents", DocumentsPart).take_file(str(paper))
    driver.wait(lambda: hanging.asked > 0, "looking at the file")
    context.operations.run(lambda job: saved.set(), initiator=context)
    try:
        driver.wait(saved.is_set, "a deed of somebody else")
        assert not driver.shown("document_form"), "the stick still hangs"
    finally:
        hanging.let_go()
    driver.wait(lambda: driver.shown("document_form"), "form")
    assert driver.find("document_name", QLineEdit).text() == "scan"
