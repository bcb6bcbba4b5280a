"""The window off-screen, on real widgets, threads and files."""

import functools
import gc
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job, Pools
from desktop.records import AllergyIntolerance, HumanName, Identifier, PartialDate, Sex
from desktop.settings import Places, SettingsFile
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.vault import changes, derive, keystore
from tests.cheap_keys import make_cheap
from tests.ui.names import CLINIC, PASSPHRASE, USER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What Qt's off-screen platform says about windows with a smallest size is no fault of ours."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("plugin does not support propagateSizeHints", extend=True))


@pytest.fixture(autouse=True)
def _garbage_stays_on_the_main_thread(_what_stays: None) -> Iterator[None]:
    """As `desktop.ui.collector` has it. A worker that happens to collect would destroy the closed window of an earlier
    test: "QObject::killTimer: Timers cannot be stopped from another thread", or a crash, in whatever test runs then."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Folders of an installation nobody has used."""
    return Places(settings=tmp_path / "settings.json", clinics=tmp_path / "clinics", logs=tmp_path / "logs")


@pytest.fixture
def pools() -> Iterator[Pools]:
    """Real threads, joined at the end."""
    threads = Pools()
    yield threads
    threads.close()


@pytest.fixture
def cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """New keys at the smallest cost the keystore allows, so that a test does not wait a second for each."""
    monkeypatch.setattr(keystore, "create", functools.partial(keystore.create, calibrate=False))
    monkeypatch.setattr(changes, "fresh_parameters", lambda calibrate: derive.fresh_parameters(calibrate=False))


@pytest.fixture
def context(qtbot: QtBot, places: Places, pools: Pools, cheap_keys: None) -> Iterator[UiContext]:
    """What screens are handed, locked and on its first start."""
    made = UiContext(
        pools=pools,
        places=places,
        settings_file=SettingsFile(places.settings),
        registry=workflow.load_models(workflow.library_in(places.models)),
    )
    yield made
    qtbot.waitUntil(lambda: not made.operations.busy, timeout=20_000)
    made.deleteLater()
    # Without an event loop of the outermost level nothing that was closed would ever be deleted.
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture(scope="session")
def clinic_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic with three patients, made once by the ordinary deeds; tests get copies."""
    folder = tmp_path_factory.mktemp("template") / "clinic"
    with pytest.MonkeyPatch.context() as patch:
        make_cheap(patch)
        clinic = workflow.create_clinic(
            folder, Job(), name=CLINIC, admin=USER, passphrase=PASSPHRASE, models=workflow.load_models()
        ).clinic
    drafts = (
        workflow.PatientDraft(
            names=(HumanName(text="张小明"), HumanName(text="Zhang Xiaoming")),
            sex=Sex.MALE,
            birth_date=PartialDate.from_date(date(2021, 3, 11)),
            phones=("13800138000",),
            village="柳树村",
            identifiers=(Identifier("510100202103110017", "urn:oid:2.16.156.10011.1.1"),),
            allergies=(AllergyIntolerance("青霉素", "皮疹"),),
        ),
        workflow.PatientDraft(
            names=(HumanName(text="Aisha Mwangi"),),
            sex=Sex.FEMALE,
            birth_date=PartialDate(2023, 10),
            village="Kibera",
            no_known_allergies=True,
        ),
        workflow.PatientDraft(names=(HumanName(text="Li Wei"),), village="North hill"),
    )
    for draft in drafts:
        workflow.register_patient(clinic, Job(), draft)
    workflow.lock(clinic)
    return folder


def _shown(window: MainWindow, qtbot: QtBot) -> MainWindow:
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()
    window.activateWindow()
    window.start.focus_page()
    return window


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, context: UiContext) -> MainWindow:
    """The window on its first start."""
    return _shown(MainWindow(context, qapp), qtbot)


@pytest.fixture
def locked(qtbot: QtBot, qapp: QApplication, context: UiContext, clinic_template: Path, places: Places) -> MainWindow:
    """The window before a clinic of three patients, asking for the passphrase."""
    shutil.copytree(clinic_template, places.clinic)
    context.change_settings(replace(context.settings, language=Language.ENGLISH, last_user=USER))
    return _shown(MainWindow(context, qapp), qtbot)


@pytest.fixture
def driver(context: UiContext, qapp: QApplication, request: pytest.FixtureRequest) -> Driver:
    """Hands for whichever window the test asked for."""
    for name in ("opened", "locked", "window"):
        if name in request.fixturenames:
            return Driver(context, request.getfixturevalue(name), qapp)
    raise LookupError("a test that drives asks for a window")


@pytest.fixture
def opened(locked: MainWindow, context: UiContext, qapp: QApplication) -> Iterator[MainWindow]:
    """The window with the clinic of three patients unlocked, by the keyboard."""
    hands = Driver(context, locked, qapp)
    hands.settle()
    hands.type(PASSPHRASE)
    hands.press("Return")
    hands.wait(lambda: context.clinic is not None, "unlock")
    hands.settle()
    yield locked
    locked.lock()
    hands.settle()
