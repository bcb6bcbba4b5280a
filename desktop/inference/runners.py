"""A runner for a graph beside a manifest, by what kind of file it is."""

from collections.abc import Sequence
from pathlib import Path

from desktop.inference.manifest import GraphFile, TensorSpec
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.runner_torch import TorchRunner
from desktop.inference.torch_program import SUFFIX

Runner = OnnxRunner | TorchRunner
"""What answers a tensor: ONNX Runtime in this process, or PyTorch in one of its own."""


def open_runner(folder: Path, graph: GraphFile, input_spec: TensorSpec, outputs: Sequence[TensorSpec]) -> Runner:
    """Raises KnownFailure where the file is missing, another than the manifest speaks of, or cannot be used."""
    kind = TorchRunner if graph.file.endswith(SUFFIX) else OnnxRunner
    return kind(read_weights(folder, graph), input_spec, outputs)
