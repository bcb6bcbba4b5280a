"""A real clinic on a real store, a film of our own drawing, and a stand-in for the model."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job, Pools
from desktop.records import (
    Activation,
    Analysis,
    AnalysisStatus,
    Decision,
    Finding,
    HumanName,
    PartialDate,
    Patient,
    Picture,
    Provenance,
    Quality,
    QualityProblem,
    Sex,
    StudyId,
)
from desktop.settings import Places, SettingsFile
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from desktop.ui.viewers import FilmViewer
from tests.ui.reading.ramp import film

SHA = "ab" * 32


def provenance() -> Provenance:
    """Where a stand-in's answer comes from."""
    return Provenance("stand-in", "1.0.0", SHA, "CPU", "cd" * 32, 12.0)


def suggestion(decision: Decision = Decision.LIKELY, probability: float = 0.914) -> Analysis:
    """An answer of the stand-in."""
    heat = np.zeros((6, 6), np.float32)
    heat[4, 4] = 1.0
    finding = Finding("pneumonia", "Pneumonia", probability, decision)
    return Analysis(AnalysisStatus.OK, provenance(), Quality(True), (finding,), (Activation("pneumonia", heat),))


def refusal() -> Analysis:
    """What it says of a sideways film."""
    quality = Quality(False, (QualityProblem("sideways"),))
    return Analysis(AnalysisStatus.REFUSED, provenance(), quality, reason="inference.reason.quality")


class StandIn:
    """Answers what a test wants, when a test wants it."""

    name, version, sha256 = "stand-in", "1.0.0", SHA

    def __init__(self) -> None:
        self.answer = suggestion()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def title(self, language: Language) -> str:
        return "Stand-in"

    def finding_name(self, key: str, language: Language) -> str:
        return {Language.ENGLISH: "Pneumonia", Language.CHINESE: "肺炎"}[language]

    def limits(self, language: Language) -> str:
        return "Tried on twelve drawings."

    def analyse(self, picture: Picture, subject: object, job: Job) -> Analysis:
        while not self.may_answer.wait(0.01):
            job.check()
        return self.answer

    # A registry of itself.

    def names(self) -> Sequence[str]:
        return (self.name,)

    def get(self, name: str) -> "StandIn":
        return self

    def fitting(self, picture: Picture) -> "list[StandIn]":
        return [self]

    def follow(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def session_model() -> StandIn:
    """The one model of the session's clinic."""
    return StandIn()


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory, session_model: StandIn) -> Iterator[workflow.Clinic]:
    """One clinic for all tests here (creating one costs a second of key derivation); each test has its own patient."""
    opened = workflow.create_clinic(
        tmp_path_factory.mktemp("clinics") / "clinic",
        Job(),
        name="Sunny Village Clinic",
        admin="Dr Li",
        passphrase="correct horse battery",
        models=cast(workflow.Registry, session_model),
    ).clinic
    yield opened
    workflow.lock(opened)


@pytest.fixture
def model(session_model: StandIn) -> Iterator[StandIn]:
    """The model, answering at once unless told otherwise."""
    session_model.answer = suggestion()
    session_model.may_answer.set()
    yield session_model
    session_model.may_answer.set()


@pytest.fixture
def context(qtbot: QtBot, tmp_path: Path, pools: Pools, clinic: workflow.Clinic, model: StandIn) -> Iterator[UiContext]:
    """Unlocked, in English; an error dialog nobody expects fails the test."""
    errors: list[BaseException] = []
    places = Places(settings=tmp_path / "settings.json", clinics=tmp_path / "clinics", logs=tmp_path / "logs")
    made = UiContext(
        pools=pools,
        places=places,
        settings_file=SettingsFile(places.settings),
        registry=cast(workflow.Registry, model),
    )
    made.operations.unhandled.connect(lambda error, initiator: errors.append(error))
    made.set_clinic(clinic)
    yield made
    model.may_answer.set()
    qtbot.waitUntil(lambda: not made.operations.busy, timeout=5000)
    pools.close()
    made.deleteLater()
    assert errors == []


@pytest.fixture
def patient(clinic: workflow.Clinic, request: pytest.FixtureRequest) -> Patient:
    """A child of three."""
    draft = workflow.PatientDraft(
        names=(HumanName(text="王小明"),), sex=Sex.MALE, birth_date=PartialDate(2023, 5), village=request.node.name
    )
    return workflow.register_patient(clinic, Job(), draft).patient


def draw_film(seed: int = 0, size: tuple[int, int] = (420, 500)) -> npt.NDArray[np.uint8]:
    """(rows, columns) uint8: soft blobs and noise, different for each seed."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    blob = np.exp(-((rows - size[0] / 2) ** 2 + (columns - size[1] / 3) ** 2) / 9000.0)
    film: npt.NDArray[np.uint8] = np.clip(40 + 150 * blob + rng.normal(0, 6, size), 0, 255).astype(np.uint8)
    return film


@pytest.fixture
def film_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A picture file that no other test has."""
    path = tmp_path / "film.png"
    Image.fromarray(draw_film(abs(hash(request.node.name)) % 2**32)).save(path)
    return path


@pytest.fixture
def study(clinic: workflow.Clinic, patient: Patient, film_file: Path) -> StudyId:
    """A study of the patient, imported, no model asked yet."""
    return workflow.import_file(clinic, Job(), film_file, patient.id).study


@pytest.fixture
def room(qtbot: QtBot, context: UiContext) -> Iterator[ReadingRoom]:
    """The reading room on a laptop's screen."""
    made = ReadingRoom(context)
    qtbot.addWidget(made)
    made.resize(1274, 638)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    yield made
    made.clear()


OpenStudy = Callable[[StudyId], None]


@pytest.fixture
def open_study(qtbot: QtBot, room: ReadingRoom) -> OpenStudy:
    """Opens a study and waits until its film is on the screen."""

    def open_and_wait(study: StudyId) -> None:
        room.open_study(study)
        qtbot.waitUntil(lambda: room.study.viewer.frame is not None, timeout=5000)

    return open_and_wait


@pytest.fixture
def viewer(qtbot: QtBot, context: UiContext) -> Iterator[FilmViewer]:
    """A viewer of 600 by 400 with the ramp in it."""
    made = FilmViewer(context)
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    qtbot.waitExposed(made)
    made.show_picture(film())
    qtbot.waitUntil(lambda: made.frame is not None)
    yield made
    made.clear()
