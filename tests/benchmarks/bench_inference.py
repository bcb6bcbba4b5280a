"""How long one film takes, from pixels to answer and map.

Run by `python3 packaging/dev.py bench`; prints figures and fails where a promise of the project is broken.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop.inference import PictureModel, Registry, Subject, golden
from desktop.jobs import Job
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.settings import model_folder

NAME = "chest-xray-child"


def seconds(work: Callable[[], object], rounds: int = 20) -> float:
    """Median time of one call, after two to warm up."""
    for _ in range(2):
        work()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


@pytest.fixture(scope="module")
def model() -> Iterator[PictureModel]:
    registry = Registry.load([model_folder()])
    yield registry.picture_model(NAME)
    registry.close()


def large_film() -> Picture:
    """A radiograph of 3,000 × 2,500 pixels of 12 bits, drawn."""
    from PIL import Image

    drawn = Image.fromarray(golden.lung_phantom()).resize((2500, 3000), Image.Resampling.BICUBIC)
    values = np.rint(np.clip(np.asarray(drawn), 0, 1) * 4095).astype(np.uint16)
    return Picture(values, Photometric.MONOCHROME2, FileHeader(modality=Modality.DX), bits=12)


def resident_megabytes() -> float:
    """VmRSS of this process, or nought where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def test_session_load(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> None:
        registry = Registry.load([model_folder()])
        assert registry.picture_model(NAME).self_test().ok
        registry.close()

    found = seconds(load, 5)
    with capsys.disabled():
        print(f"\nload both graphs and run the golden example: {found * 1000:.0f} ms (promise: 1000)")
    assert found <= 1.0


def test_one_film_from_pixels_to_answer(model: PictureModel, capsys: pytest.CaptureFixture[str]) -> None:
    film = large_film()
    found = seconds(lambda: model.analyse(film, Subject(3.0), Job()))
    with capsys.disabled():
        print(f"\n3,000 × 2,500 film, gate to answer and map: {found * 1000:.0f} ms (promise: 400)")
        print(f"resident memory after it: {resident_megabytes():.0f} MB (promise: 400 without torch)")
    assert found <= 0.4
