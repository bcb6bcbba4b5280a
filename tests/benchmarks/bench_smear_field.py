"""How long one smear field takes, from pixels to boxes.

Run by `python3 packaging/dev.py bench`; prints figures and fails where a promise of the project is broken.
"""

from collections.abc import Iterator

import pytest

from desktop.inference import DetectionModel, Registry, Subject
from desktop.inference.golden_fields import smear_field
from desktop.jobs import Job
from desktop.settings import model_folder
from tests.benchmarks.bench_inference import resident_megabytes, seconds

NAME = "blood-cells"


@pytest.fixture(scope="module")
def model() -> Iterator[DetectionModel]:
    registry = Registry.load([model_folder()])
    found = registry.looking_model(NAME)
    assert isinstance(found, DetectionModel)
    yield found
    registry.close()


def test_session_load(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> None:
        registry = Registry.load([model_folder()])
        registry.get(NAME).load()
        registry.close()

    found = seconds(load, 5)
    with capsys.disabled():
        print(f"\nread, check and load the graph: {found * 1000:.0f} ms (promise: 1000)")
    assert found <= 1.0


def test_one_field_from_pixels_to_boxes(model: DetectionModel, capsys: pytest.CaptureFixture[str]) -> None:
    field = smear_field()
    found = seconds(lambda: model.analyse(field, Subject(), Job()), 10)
    with capsys.disabled():
        print(f"\n640 × 480 field to boxes and counts: {found * 1000:.0f} ms (promise: 3000)")
        print(f"resident memory after it: {resident_megabytes():.0f} MB (promise: 400 without torch)")
    assert found <= 3.0
