"""How fast objects from the network are received, sealed, matched and certain on the disk, beside dcmtk's storescp.

`python3 packaging/dev.py bench -k network` prints the figures. Both sides get the same files over one association of
dcmtk's storescu, three runs each, alternately: storescp writes plain files and waits for no disk; Lantern encrypts each
object, files it with its patient, attests it in the audit chain and answers once all of that is on the disk.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from desktop import workflow
from desktop.jobs import Job
from desktop.records import HumanName, PartialDate, Sex
from tests.network.objects import dataset, file_bytes
from tests.network.programs import free_port, run, running

OBJECTS = 1000
SIDE = 512
"""Pixels each way, 16 bits: 512 KiB."""

AT_LEAST = 0.7
RUNS = 3


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A series of a thousand slices."""
    folder = tmp_path_factory.mktemp("series")
    noise = np.random.default_rng(1)
    for number in range(OBJECTS):
        made = dataset(study="1.2.3.4", side=16)
        made.InstanceNumber = number + 1
        made.Rows = made.Columns = SIDE
        made.PixelData = noise.integers(0, 4096, (SIDE, SIDE), np.uint16).tobytes()
        (folder / f"{number:04}.dcm").write_bytes(file_bytes(made))
    yield folder
    shutil.rmtree(folder)


def seconds_to_send(port: int, title: str, files: Path) -> float:
    start = time.perf_counter()
    done = run("storescu", "-xe", "+sd", "-aec", title, "127.0.0.1", port, files, timeout=900)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - start


def storescp(files: Path, folder: Path) -> float:
    """Objects per second of dcmtk's."""
    port = free_port()
    folder.mkdir()
    with running(port, "storescp", "-aet", "STORE", "-od", folder, port):
        took = seconds_to_send(port, "STORE", files)
    assert len(list(folder.iterdir())) == OBJECTS
    shutil.rmtree(folder)
    return OBJECTS / took


def ours(files: Path, folder: Path) -> float:
    """Objects per second of a fresh clinic, in which the patient is registered."""
    clinic = workflow.create_clinic(
        folder, Job(), name="Bench", admin="li", passphrase="correct horse", models=workflow.load_models()
    ).clinic
    draft = workflow.PatientDraft(names=(HumanName(text="张伟"),), sex=Sex.MALE, birth_date=PartialDate(1980, 1, 2))
    patient = workflow.register_patient(clinic, Job(), draft).patient
    stored: list[workflow.Stored] = []
    node = workflow.receive_from(clinic, Job(), workflow.Hearers(stored=stored.append), title="LANTERN", port=0)
    try:
        took = seconds_to_send(node.status.port, "LANTERN", files)
    finally:
        node.stop()
    assert len(stored) == OBJECTS
    assert {one.patient for one in stored} == {patient.id}
    assert not any(one.duplicate for one in stored)
    assert clinic.store.verify(Job()).ok
    workflow.lock(clinic)
    shutil.rmtree(folder)
    return OBJECTS / took


def test_receiving_a_series(files: Path, tmp_path: Path) -> None:
    measured: dict[str, list[float]] = {"storescp": [], "Lantern": []}
    sides: tuple[tuple[str, Callable[[Path, Path], float]], ...] = (("storescp", storescp), ("Lantern", ours))
    for number in range(RUNS):
        for name, side in sides:
            measured[name].append(side(files, tmp_path / f"{name}{number}"))
    theirs, own = (median(measured[name]) for name in ("storescp", "Lantern"))
    print(
        f"\nC-STORE, {OBJECTS} x 512 KiB: {own:.0f}/s sealed and durable, storescp {theirs:.0f}/s; {own / theirs:.2f}"
    )
    assert own >= AT_LEAST * theirs
