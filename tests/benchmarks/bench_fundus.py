"""How long one photograph of a retina takes, from pixels to grades and vessels.

Run by `python3 packaging/dev.py bench`; prints figures and fails where a promise of the project is broken.
"""

from collections.abc import Iterator

import pytest

from desktop.inference import FundusModel, Registry, Subject
from desktop.inference.golden_fundus import drawn_retina
from desktop.jobs import Job
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.settings import model_folder
from tests.benchmarks.bench_inference import resident_megabytes, seconds

NAME = "fundus"


@pytest.fixture(scope="module")
def model() -> Iterator[FundusModel]:
    registry = Registry.load([model_folder()])
    found = registry.looking_model(NAME)
    assert isinstance(found, FundusModel)
    yield found
    registry.close()


def test_session_load(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> None:
        registry = Registry.load([model_folder()])
        registry.get(NAME).load()
        registry.close()

    found = seconds(load, 5)
    with capsys.disabled():
        print(f"\nread, check and load both graphs: {found * 1000:.0f} ms (promise: 1000)")
    assert found <= 1.0


def test_one_retina_from_pixels_to_grades_and_vessels(model: FundusModel, capsys: pytest.CaptureFixture[str]) -> None:
    photograph = Picture(drawn_retina(), Photometric.RGB, FileHeader(modality=Modality.PHOTO))
    found = seconds(lambda: model.analyse(photograph, Subject(), Job()), 10)
    with capsys.disabled():
        print(f"\n620 × 600 photograph to grades and vessels: {found * 1000:.0f} ms (promise: 400)")
        print(f"resident memory after it: {resident_megabytes():.0f} MB (promise: 400 without torch)")
    assert found <= 0.4
