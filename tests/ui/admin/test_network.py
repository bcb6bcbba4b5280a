"""The imaging network in the window: switched on, a device listed and tested, an image received and given away."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from desktop import workflow
from desktop.jobs import Job
from desktop.ui.admin.network import NetworkSection
from desktop.ui.admin.network_inbox import ArrivalsDialog
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.rows import RowList
from desktop.ui.widgets.spin_box import SpinBox
from tests.network.objects import DX, dataset, file_bytes
from tests.network.programs import free_port, run, running

JOB = Job()


@pytest.fixture
def section(show_section: Callable[[str], None], driver: Driver) -> NetworkSection:
    show_section("network")
    return driver.find("admin_network", NetworkSection)


def words(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def add_device(driver: Driver, name: str, title: str, address: str, port: str) -> None:
    driver.click("network_add")
    for field, text in (("name", name), ("title", title), ("address", address), ("port", port)):
        driver.find(f"peer_{field}", QLineEdit).setFocus()
        driver.find(f"peer_{field}", QLineEdit).setText("")
        driver.type(text)


def switch_on(driver: Driver, context: UiContext, section: NetworkSection) -> int:
    port = free_port()
    section.ensureWidgetVisible(driver.find("network_on", Choice))
    driver.click("network_on_on")
    driver.find("network_port", SpinBox).setValue(port)
    driver.click("network_save")
    driver.settle()
    driver.wait(lambda: context.network.status is not None, "node")
    return port


def send(port: int, tmp_path: Path, name: str, birth_date: str) -> None:
    (tmp_path / "a.dcm").write_bytes(file_bytes(dataset(name=name, birth_date=birth_date, sop_class=DX, side=64)))
    words = ("-aec", "LANTERN", "-aet", "XRAY", "127.0.0.1", port, tmp_path / "a.dcm")
    assert run("storescu", "-xe", *words).returncode == 0


def listen_to_the_x_ray_room(driver: Driver, context: UiContext, section: NetworkSection) -> int:
    add_device(driver, "X-ray room", "XRAY", "127.0.0.1", "")
    driver.click("peer_save")
    driver.settle()
    return switch_on(driver, context, section)


def an_image_waits(
    driver: Driver,
    context: UiContext,
    section: NetworkSection,
    tmp_path: Path,
    name: str = "Zhang^Xiaoming=张小明",
    birth_date: str = "20210311",
) -> None:
    """One came that nobody can say whose it is."""
    send(listen_to_the_x_ray_room(driver, context, section), tmp_path, name, birth_date)
    driver.wait(lambda: context.network.waiting == 1, "question")
    driver.settle()


def open_arrivals(driver: Driver) -> None:
    driver.click("status_network")
    driver.wait(lambda: driver.shown("arrivals_dialog"), "list")
    driver.settle()


def test_the_network_is_off_and_says_so(driver: Driver, section: NetworkSection, context: UiContext) -> None:
    assert words(driver, "network_status") == context.tr("network.state.off")
    assert words(driver, "network_no_peers") == context.tr("network.peers.none")
    assert not driver.find("network_save", QPushButton).isEnabled()
    assert not driver.shown("status_network")
    assert not driver.shown("network_digest")


def test_a_device_is_tested_listed_and_taken_back(driver: Driver, section: NetworkSection, context: UiContext) -> None:
    port = free_port()
    add_device(driver, "Archive", "STORE", "127.0.0.1", str(port))
    driver.click("peer_test")
    driver.settle()
    assert context.tr("network.unreachable") in words(driver, "peer_note")
    with running(port, "storescp", "-aet", "STORE", port):
        driver.click("peer_test")
        driver.settle()
    assert words(driver, "peer_note") == context.tr("network.peer.answers")
    driver.click("peer_save")
    driver.settle()
    (row,) = driver.find("network_peers", RowList).rows.rows
    assert (row.title, row.subtitle) == ("Archive", f"STORE · 127.0.0.1:{port}")
    assert not driver.shown("peer_form")
    driver.find("network_peers", RowList).choose_current()
    driver.settle()
    driver.click("peer_remove")
    driver.settle()
    assert workflow.dicom_peers(context.open_clinic, JOB) == ()
    driver.click("toast_undo")
    driver.settle()
    assert [peer.name for peer in workflow.dicom_peers(context.open_clinic, JOB)] == ["Archive"]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (("", "STORE", "", ""), "peer_name"),
        (("a", "", "", ""), "peer_title"),
        (("a", "STORE", "not an address", "104"), "peer_address"),
        (("a", "STORE", "127.0.0.1", "x"), "peer_port"),
    ],
)
def test_a_mistyped_device_is_told_at_its_field(
    driver: Driver, section: NetworkSection, typed: tuple[str, str, str, str], field: str
) -> None:
    add_device(driver, *typed)
    driver.click("peer_save")
    driver.settle()
    assert section.form.fields[field].has_error
    assert driver.find(field, QLineEdit).hasFocus()


def test_what_arrives_for_a_known_patient_appears(
    driver: Driver, section: NetworkSection, context: UiContext, opened: MainWindow, tmp_path: Path
) -> None:
    port = listen_to_the_x_ray_room(driver, context, section)
    assert words(driver, "network_status") == context.tr("network.state.on", title="LANTERN", port=port)
    assert driver.find("status_network", QPushButton).text() == context.tr("network.strip.on")
    send(port, tmp_path, "Zhang^Xiaoming=张小明", "20210311")
    driver.wait(lambda: driver.shown("network_latest"), "arrival")
    driver.settle()
    (row,) = driver.find("network_latest", RowList).rows.rows
    assert row.remark == context.tr("network.arrived.filed")
    driver.press("Ctrl+1")
    driver.settle()
    assert any("张小明" in one.title for one in driver.find("today_waiting", RowList).rows.rows)
    opened.lock()
    driver.settle()
    assert run("echoscu", "-aec", "LANTERN", "-aet", "XRAY", "127.0.0.1", port).returncode != 0


def test_the_doctor_says_whose_an_image_is(
    driver: Driver, section: NetworkSection, context: UiContext, tmp_path: Path
) -> None:
    an_image_waits(driver, context, section, tmp_path, birth_date="")
    assert driver.find("status_network", QPushButton).text() == context.tr("network.strip.waiting", count=1)
    open_arrivals(driver)
    (row,) = driver.find("arrivals_list", RowList).rows.rows
    assert row.remark == context.tr("network.doubt.unsure")
    driver.press("Return")
    driver.settle()
    assert [one.title for one in driver.find("arrival_likely", RowList).rows.rows] == ["张小明"]
    driver.press("Esc")
    driver.settle()
    assert driver.find("arrivals_list", RowList).hasFocus()
    driver.press("Return")
    driver.settle()
    driver.press("Return")
    driver.settle()
    assert driver.shown("arrivals_nothing")
    assert workflow.waiting_arrivals(context.open_clinic, JOB) == ()
    driver.press("Esc")
    driver.settle()
    assert not driver.shown("arrivals_dialog")


def test_a_wrong_name_needs_a_reason_and_strangers_are_set_aside(
    driver: Driver, section: NetworkSection, context: UiContext, tmp_path: Path
) -> None:
    an_image_waits(driver, context, section, tmp_path, name="Somebody^Else")
    open_arrivals(driver)
    driver.press("Return")
    driver.settle()
    dialog = driver.find("arrivals_dialog", ArrivalsDialog)
    dialog.finder.chosen.emit(workflow.recent_patients(context.open_clinic, JOB)[0].patient.id)
    driver.wait(lambda: driver.shown("mismatch_dialog"), "mismatch")
    driver.click("mismatch_refuse")
    driver.settle()
    driver.click("arrival_aside")
    driver.settle()
    assert driver.shown("arrivals_nothing")
    assert context.network.waiting == 0
    driver.click("arrivals_close")
    driver.settle()
    driver.click("toast_undo")
    driver.settle()
    assert context.network.waiting == 1


def test_a_port_somebody_else_uses_is_told(driver: Driver, section: NetworkSection, context: UiContext) -> None:
    port = free_port()
    with running(port, "storescp", port):
        driver.click("network_on_on")
        driver.find("network_port", SpinBox).setValue(port)
        driver.click("network_save")
        driver.settle()
        driver.wait(lambda: context.network.trouble is not None, "trouble")
        driver.settle()
    assert words(driver, "network_status").startswith(context.tr("network.port_taken", port=port))
    assert driver.find("status_network", QPushButton).text() == context.tr("network.strip.trouble")


def test_tls_brings_a_certificate_to_hand_on(
    driver: Driver, section: NetworkSection, context: UiContext, tmp_path: Path
) -> None:
    driver.click("network_tls_on")
    driver.click("network_save")
    driver.settle()
    assert len(words(driver, "network_digest").split()) == 16
    section._write_certificate(str(tmp_path / "ours.pem"))
    driver.settle()
    text = (tmp_path / "ours.pem").read_text()
    assert "BEGIN CERTIFICATE" in text
    assert "PRIVATE" not in text
