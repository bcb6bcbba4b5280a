"""How near the main graph of each model made of convolutions comes to the machine's matrix multiplication, and to the
same graph in PyTorch.

Run by `python3 packaging/dev.py bench -k rates`; prints figures and fails where a promise of the project is broken.
Small graphs beside them (quality gates, single beats: half a millisecond) are left out.
"""

import importlib.util
import statistics
from collections.abc import Callable

import numpy as np
import pytest

from desktop.inference.devices import CPU, usable_cores
from desktop.inference.runner_onnx import session
from desktop.settings import model_folder
from tests.benchmarks.rates import FloatArray, in_turns, share_of_product, work_of

GRAPHS = (
    "chest-xray-adult/model",
    "chest-xray-child/model",
    "ecg-rhythm/model",
    "malaria-cell/model",
    "blood-cells/model",
    "fundus/model",
)
# Graphs whose every step can be done by PyTorch's own operations, one after the other.
ALSO_IN_TORCH = GRAPHS[:4]


def opened(name: str) -> tuple[bytes, Callable[[], object], FloatArray]:
    """A shipped graph, its run alone in a session as the program makes it, and the image of noise that it is run on."""
    data = (model_folder() / f"{name}.onnx").read_bytes()
    made = session(data, (CPU,), usable_cores())
    taken = made.get_inputs()[0]
    image = np.random.default_rng(1).normal(size=(1, *taken.shape[1:])).astype(np.float32)
    return data, lambda: made.run(None, {taken.name: image}), image


@pytest.mark.parametrize("name", GRAPHS)
def test_share_of_the_machines_matrix_multiplication(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, run, image = opened(name)
    work = work_of(data, image)
    took, share = share_of_product(run, work)
    with capsys.disabled():
        print(f"\n{name}: {took * 1000:.1f} ms for {work / 1e6:.0f} MFLOP on {usable_cores()} cores;", end=" ")
        print(f"at its best {share:.2f} of numpy's 1024³ product (promise: 0.50)")
    assert share >= 0.5


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", ALSO_IN_TORCH)
def test_against_the_same_graph_in_torch_eager(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    from desktop.learning.graph_in_torch import GraphNetwork

    data, run, image = opened(name)
    eager, given = GraphNetwork(data), torch.from_numpy(image)
    torch.set_num_threads(usable_cores())
    with torch.inference_mode():
        ours, theirs = (statistics.median(times) for times in in_turns(run, lambda: eager(given)))
    with capsys.disabled():
        print(f"\n{name}: ONNX Runtime {ours * 1000:.1f} ms, torch eager {theirs * 1000:.1f} ms", end=" ")
        print(f"({theirs / ours:.2f} × as long)")
    assert ours <= theirs
