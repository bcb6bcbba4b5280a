"""How long one photograph of a retina takes, against the machine's matrix multiplication.

Run by `python3 packaging/dev.py bench`; prints figures and fails where a promise of the project is broken.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from desktop.inference import FundusModel, Registry, Subject
from desktop.inference.devices import usable_cores
from desktop.inference.fundus_field import find_circle
from desktop.inference.fundus_vessels import prepare_vessels
from desktop.inference.golden_fundus import drawn_retina
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.settings import model_folder
from tests.benchmarks.bench_inference import convolution_work, resident_megabytes, seconds

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


def test_share_of_the_machines_matrix_multiplication(model: FundusModel, capsys: pytest.CaptureFixture[str]) -> None:
    manifest, pixels = model.manifest, drawn_retina()
    weights = read_weights(model_folder() / NAME, manifest.weights)
    runner = OnnxRunner(weights, manifest.input, (manifest.vessels,))
    circle = find_circle(pixels)
    assert circle is not None
    tensor, _ = prepare_vessels(pixels, circle, manifest.preparation)
    took = seconds(lambda: runner.run(tensor), 10)
    work = convolution_work(weights, manifest.preparation.side)
    left, right = np.ones((1024, 1024), np.float32), np.ones((1024, 1024), np.float32)
    reference = 2 * 1024**3 / seconds(lambda: left @ right, 10)
    with capsys.disabled():
        print(f"\nvessels' graph alone: {took * 1000:.0f} ms for {work / 1e9:.1f} GFLOP on {usable_cores()} cores")
        print(f"{work / took / 1e9:.0f} GFLOP/s, {work / took / reference:.2f} of numpy's 1024³ product here")
    assert work / took > 0.5 * reference
