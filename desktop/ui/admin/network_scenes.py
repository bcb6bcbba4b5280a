"""Scenes about the imaging network for the screenshots: switched on, a device listed, an image of somebody."""

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from desktop import workflow
from desktop.imaging.synthetic import demo_film
from desktop.jobs import Job
from desktop.records import Sex
from desktop.ui.admin.network import NetworkSection
from desktop.ui.people_scenes import Camera
from desktop.ui.settings.screen import SettingsScreen
from desktop.ui.widgets.spin_box import SpinBox

if TYPE_CHECKING:
    from desktop.records import Patient
    from desktop.ui.context import UiContext

_HERE = "127.0.0.1"
_DEVICE, _TITLE = "Room 2 · 放射室", "XRAY1"


def imaging_network(camera: Camera, screen: SettingsScreen, context: "UiContext") -> None:
    """Empty, a device mistyped and listed, switched on; two films arrive, of which one asks whose it is."""
    driver = camera.driver
    screen.show_section("network")
    driver.settle()
    driver.click("network_add")
    driver.find("peer_name", QLineEdit).setText(_DEVICE)
    driver.find("peer_title", QLineEdit).setText(_TITLE)
    driver.find("peer_address", QLineEdit).setText("192.168.1")
    driver.click("peer_save")
    _look_at(camera, "peer_form")
    camera.take("network-device-error")
    driver.find("peer_address", QLineEdit).setText(_HERE)
    driver.click("peer_save")
    driver.settle()
    _look_at(camera, "network_on")
    driver.click("network_on_on")
    driver.find("network_port", SpinBox).setValue(_free_port())
    driver.click("network_save")
    driver.wait(lambda: context.network.status is not None, "node")
    known = next(match.patient for match in workflow.recent_patients(context.open_clinic, Job()))
    # Without a birth date and number a name alone is not enough.
    _send(context, replace(known, birth_date=None, card_number="", identifiers=(), sex=Sex.UNKNOWN), seed=71)
    _send(context, known, seed=72)
    driver.wait(lambda: context.network.waiting > 0, "question")
    driver.settle()
    camera.take("network-on")
    _look_at(camera, "network_latest")
    camera.take("network-arrived")
    camera.take("network-whose", lambda: _open_arrivals(camera))
    camera.take("network-whose-one", lambda: _open_first(camera))
    workflow.set_dicom_node(context.open_clinic, Job(), on=False, title="LANTERN", port=11112, tls=False)
    context.network.restart()
    driver.settle()


def _send(context: "UiContext", patient: "Patient", seed: int) -> None:
    """A synthetic film of somebody of the demo clinic, from a device on this very PC."""
    clinic, status = context.open_clinic, context.network.status
    if status is None:
        return
    path = context.places.clinics / f"synthetic-{seed}.dcm"
    path.write_bytes(demo_film(seed, patient, None, clinic.clock().date()))
    node = workflow.new_peer("node", status.title, _HERE, status.port)
    workflow.send_files(clinic, Job(), [path], node, _TITLE)


def _open_arrivals(camera: Camera) -> None:
    driver = camera.driver
    driver.find("status_network", QPushButton).click()
    driver.wait(lambda: driver.shown("arrivals_dialog"), "arrivals")
    driver.settle()


def _open_first(camera: Camera) -> None:
    _open_arrivals(camera)
    camera.driver.press("Return")
    camera.driver.settle()


def _look_at(camera: Camera, name: str) -> None:
    """Scroll the page to a part of it."""
    camera.driver.settle()
    section = camera.driver.find("admin_network", NetworkSection)
    part = section.findChild(QWidget, name)
    if part is not None:
        section.ensureWidgetVisible(part)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        return int(probe.getsockname()[1])
