"""How long one smear field takes, against the machine's matrix multiplication.

Run by `python3 packaging/dev.py bench`; prints figures and fails where a promise of the project is broken.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from desktop.inference import DetectionModel, Registry, Subject
from desktop.inference.devices import usable_cores
from desktop.inference.field_picture import prepare_field
from desktop.inference.golden_fields import smear_field
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.settings import model_folder
from tests.benchmarks.bench_inference import convolution_work, resident_megabytes, seconds

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


def test_share_of_the_machines_matrix_multiplication(model: DetectionModel, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = model.manifest
    weights = read_weights(model_folder() / NAME, manifest.weights)
    runner = OnnxRunner(weights, manifest.input, (manifest.scores, manifest.reach))
    tensor = prepare_field(smear_field(), manifest.preparation).tensor
    took = seconds(lambda: runner.run(tensor), 10)
    # Each picture is looked at four times: as it is and mirrored.
    work = 4 * convolution_work(weights, manifest.preparation.width)
    left, right = np.ones((1024, 1024), np.float32), np.ones((1024, 1024), np.float32)
    reference = 2 * 1024**3 / seconds(lambda: left @ right, 10)
    with capsys.disabled():
        print(f"\nmodel graph alone: {took * 1000:.0f} ms for {work / 1e9:.1f} GFLOP on {usable_cores()} cores")
        print(f"{work / took / 1e9:.0f} GFLOP/s, {work / took / reference:.2f} of numpy's 1024³ product here")
    assert work / took > 0.5 * reference
