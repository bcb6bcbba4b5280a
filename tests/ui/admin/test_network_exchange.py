"""Other DICOM programs in the window: fetched from, read, sent to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from desktop import workflow
from desktop.jobs import Job
from desktop.records.dicom_node import Sending, SendingState
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.network.fetch_dialog import FetchDialog
from desktop.ui.network.planned_dialog import PlannedDialog
from desktop.ui.network.sendings_dialog import SendingsDialog
from desktop.ui.widgets.rows import RowList, Tone
from tests.network.objects import DX, dataset, file_bytes
from tests.network.programs import dcmqrscp, free_port, run, running, wlmscpfs
from tests.network.test_calls import step_file

JOB = Job()
KNOWN, STRANGER = "1.2.3.1", "1.2.3.2"


@pytest.fixture(scope="module")
def archive_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """dcmtk's archive with a film of 张小明, and one of somebody else."""
    folder, port = tmp_path_factory.mktemp("qr"), free_port()
    with dcmqrscp(folder, port, "ARCHIVE", {}):
        for number, made in enumerate(
            (
                dataset(study=KNOWN, name="Zhang^Xiaoming=张^小明", birth_date="20210311", sop_class=DX, side=64),
                dataset(study=STRANGER, name="Zhang^San=张^三", sop_class=DX, side=64),
            )
        ):
            path = folder / f"{number}.dcm"
            path.write_bytes(file_bytes(made))
            assert run("storescu", "-xe", "-aec", "ARCHIVE", "127.0.0.1", port, path).returncode == 0
        yield port


@pytest.fixture
def listed(context: UiContext, opened: MainWindow, driver: Driver) -> Callable[[str, int], None]:
    """Puts a device on the list."""

    def add(title: str, port: int) -> None:
        peer = workflow.new_peer(f"Room {title}", title, "127.0.0.1", port)
        workflow.set_dicom_peers(context.open_clinic, JOB, [peer])
        context.network.restart()
        context.network.send_now()
        driver.wait(lambda: context.network.has_peers, "device")
        driver.settle()

    return add


def words(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def open_chart(driver: Driver, context: UiContext) -> None:
    match = next(
        one for one in workflow.recent_patients(context.open_clinic, JOB) if "张小明" in one.patient.display_name
    )
    context.patient_requested.emit(match.patient.id)
    driver.settle()


def test_images_of_an_archive_are_searched_fetched_and_filed(
    driver: Driver, context: UiContext, listed: Callable[[str, int], None], archive_port: int
) -> None:
    listed("ARCHIVE", archive_port)
    open_chart(driver, context)
    driver.click("chart_fetch")
    driver.wait(lambda: driver.shown("fetch_dialog"), "dialog")
    driver.settle()
    assert driver.find("fetch_name", QLineEdit).text() == "张小明"
    driver.find("fetch_name", QLineEdit).setText("Zhang")
    driver.press("Return")
    driver.settle()
    rows = {row.title: row for row in driver.find("fetch_list", RowList).rows.rows}
    assert rows["张小明 · Zhang Xiaoming"].remark == context.tr("network.fetch.goes_to", name="张小明")
    assert rows["张三 · Zhang San"].remark == context.tr("network.fetch.will_ask")
    fetch(driver, KNOWN)
    assert words(driver, "fetch_note") == " ".join(
        (context.tr("network.fetch.done", count=1), context.tr("network.fetch.filed", count=1))
    )
    assert not driver.shown("fetch_whose")
    fetch(driver, STRANGER)
    driver.click("fetch_whose")
    driver.wait(lambda: driver.shown("arrivals_dialog"), "question")
    driver.settle()
    assert [row.title for row in driver.find("arrivals_list", RowList).rows.rows] == ["Zhang San / 张 三"]
    tones = {row.tone for row in driver.find("fetch_list", RowList).rows.rows}
    assert tones == {Tone.GOOD}


def fetch(driver: Driver, study_uid: str) -> None:
    dialog = driver.find("fetch_dialog", FetchDialog)
    at = next(at for at, one in enumerate(dialog._found) if one.found.study_uid == study_uid)
    dialog.list.setCurrentIndex(dialog.list.rows.index(at))
    dialog.list.choose_current()
    driver.settle()


def test_an_empty_search_and_a_silent_archive_are_told(
    driver: Driver, context: UiContext, listed: Callable[[str, int], None]
) -> None:
    listed("ARCHIVE", free_port())
    driver.press("Ctrl+Shift+F")
    driver.wait(lambda: driver.shown("fetch_dialog"), "dialog")
    driver.settle()
    driver.click("fetch_search")
    driver.settle()
    assert words(driver, "fetch_note").startswith(context.tr("network.search_is_empty"))
    driver.find("fetch_name", QLineEdit).setText("Zhang")
    driver.click("fetch_search")
    driver.settle()
    assert words(driver, "fetch_note").startswith(context.tr("network.unreachable"))
    driver.press("Esc")
    driver.settle()
    assert not driver.shown("fetch_dialog")


def test_without_a_device_nothing_can_be_asked(driver: Driver, context: UiContext, opened: MainWindow) -> None:
    open_chart(driver, context)
    assert not driver.shown("chart_fetch")
    driver.press("Ctrl+Shift+F")
    driver.wait(lambda: driver.shown("fetch_dialog"), "dialog")
    driver.settle()
    assert words(driver, "fetch_note") == context.tr("network.no_archive")
    assert not driver.find("fetch_search", QPushButton).isEnabled()


def test_whoever_is_expected_is_put_on_file_without_typing(
    driver: Driver, context: UiContext, listed: Callable[[str, int], None], opened: MainWindow, tmp_path: Path
) -> None:
    port = free_port()
    with wlmscpfs(tmp_path / "wl", port, "WORKLIST", [step_file("Wang^Fang=王^芳", "7")], "-csk"):
        listed("WORKLIST", port)
        assert opened.workspace is not None
        opened.workspace._fetch_planned()
        driver.wait(lambda: driver.shown("planned_dialog"), "dialog")
        driver.settle()
        dialog = driver.find("planned_dialog", PlannedDialog)
        driver.click("planned_day_any")
        driver.settle()
    (row,) = dialog.list.rows.rows
    assert (row.title, row.remark) == ("王芳 · Wang Fang", context.tr("network.planned.register"))
    driver.press("Return")
    driver.wait(lambda: driver.shown("register_dialog"), "registration")
    driver.settle()
    driver.click("register_save")
    driver.settle()
    (found,) = workflow.search_patients(context.open_clinic, JOB, "王芳")
    assert (str(found.patient.birth_date), found.patient.identifiers[0].value) == ("1990-03-05", "7")
    assert not driver.shown("planned_dialog")
    assert opened.workspace.banner.patient == found.patient


def test_a_study_is_sent_kept_waiting_called_off_and_tried_again(
    driver: Driver, context: UiContext, listed: Callable[[str, int], None], archive_port: int, tmp_path: Path
) -> None:
    port = free_port()
    listed("STORE", port)
    film = tmp_path / "film.dcm"
    film.write_bytes(file_bytes(dataset(name="张小明", birth_date="20210311", sop_class=DX, side=64)))
    patient = workflow.search_patients(context.open_clinic, JOB, "张小明")[0].patient
    workflow.import_file(context.open_clinic, JOB, film, patient.id)
    open_chart(driver, context)
    driver.click("chart_send")
    driver.wait(lambda: driver.shown("send_dialog"), "dialog")
    driver.settle()
    driver.press("Return")
    driver.settle()
    assert not driver.shown("send_dialog")
    driver.wait(lambda: state(context).attempts == 1, "first try")
    to_send = context.tr("network.strip.to_send", count=1)
    driver.wait(lambda: driver.find("status_sendings", QPushButton).text() == to_send, "strip")
    driver.click("status_sendings")
    driver.wait(lambda: driver.shown("sendings_dialog"), "list")
    driver.settle()
    dialog = driver.find("sendings_dialog", SendingsDialog)
    (row,) = dialog.list.rows.rows
    assert row.title == "张小明 · DX → Room STORE"
    assert row.remark == context.tr("network.sending.waiting")
    assert context.tr("network.unreachable") in row.subtitle
    driver.click("sendings_off")
    driver.settle()
    assert state(context).state is SendingState.CANCELLED
    assert not dialog.off.isEnabled()
    (tmp_path / "in").mkdir()
    with running(port, "storescp", "-od", tmp_path / "in", port):
        driver.click("sendings_again")
        driver.wait(lambda: state(context).state is SendingState.SENT, "sent")
    driver.wait(lambda: dialog.list.rows.rows[0].remark == context.tr("network.sending.sent"), "row")
    assert len(list((tmp_path / "in").iterdir())) == 1
    driver.wait(lambda: not driver.shown("status_sendings"), "strip")


def state(context: UiContext) -> Sending:
    return workflow.list_sendings(context.open_clinic, JOB)[0]
