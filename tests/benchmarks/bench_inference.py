"""How long one film takes, against the same graph in torch eager and against the machine's matrix multiplication.

Run by `python3 packaging/dev.py bench`; prints figures and fails where a promise of the project is broken.
"""

import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop.inference import PictureModel, Registry, Subject, golden
from desktop.inference.devices import usable_cores
from desktop.inference.manifest import TensorSpec
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner, read_weights
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


def convolution_work(weights: bytes, side: int) -> float:
    """Multiplications and additions of one pass through a graph's convolutions and matrix products."""
    onnx = pytest.importorskip("onnx", reason="needs the package onnx to write a graph")
    graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(weights)).graph
    shapes = {
        value.name: [int(size.dim_value) or 1 for size in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output, *graph.input)
    }
    constants = {item.name: list(item.dims) for item in graph.initializer}
    total = 0.0
    for node in graph.node:
        # Weights kept in half precision, or in whole numbers.
        if node.op_type in ("Cast", "DequantizeLinear") and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
        if node.op_type == "Conv":
            kernel, output = constants[node.input[1]], shapes[node.output[0]]
            total += 2.0 * float(np.prod(kernel)) * output[-1] * output[-2]
        elif node.op_type in ("Gemm", "MatMul") and node.input[1] in constants:
            total += 2.0 * float(np.prod(constants[node.input[1]]))
    return total


def test_share_of_the_machines_matrix_multiplication(model: PictureModel, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = model.manifest
    weights = read_weights(model_folder() / NAME, manifest.weights)
    runner = OnnxRunner(weights, manifest.input, (manifest.logits, TensorSpec("distance", (1,))))
    tensor = prepare(golden.lung_phantom(), manifest.preparation).tensor
    took = seconds(lambda: runner.run(tensor), 40)
    work = convolution_work(weights, manifest.input.shape[-1])
    left, right = np.ones((1024, 1024), np.float32), np.ones((1024, 1024), np.float32)
    reference = 2 * 1024**3 / seconds(lambda: left @ right, 10)
    with capsys.disabled():
        print(f"\nmodel graph alone: {took * 1000:.1f} ms for {work / 1e6:.0f} MFLOP on {usable_cores()} cores")
        print(f"{work / took / 1e9:.0f} GFLOP/s, {work / took / reference:.2f} of numpy's 1024³ product here")
    assert work / took > 0.1 * reference


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_against_the_same_graph_in_torch_eager(model: PictureModel, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    from desktop.learning.child_settings import Settings
    from desktop.learning.child_training import MeasuringEnsemble, build_film_network
    from desktop.learning.network import channels_last

    settings = Settings()
    torch.set_num_threads(usable_cores())
    members = [channels_last(build_film_network(settings)) for _ in range(settings.members)]
    width = settings.widths[-1]
    means, whitenings = torch.zeros(settings.members, width), torch.eye(width).repeat(settings.members, 1, 1)
    eager = MeasuringEnsemble(members, means, whitenings).eval()
    manifest = model.manifest
    tensor = prepare(golden.lung_phantom(), manifest.preparation).tensor
    runner = OnnxRunner(read_weights(model_folder() / NAME, manifest.weights), manifest.input, manifest.outputs)
    ours = seconds(lambda: runner.run(tensor), 40)
    with torch.no_grad():
        theirs = seconds(lambda: eager(torch.from_numpy(tensor)), 40)
    with capsys.disabled():
        print(f"\nONNX Runtime {ours * 1000:.1f} ms, torch eager {theirs * 1000:.1f} ms: {theirs / ours:.2f} × as long")
    assert ours <= theirs * 1.5
