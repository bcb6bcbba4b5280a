"""From a trained network to a single-file ONNX graph. Needs torch and onnx."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from desktop.learning.compact import bare

OPSET = 18


def export(network: nn.Module, shape: tuple[int, ...], outputs: Sequence[str], path: Path) -> None:
    """Write a graph with input `image` (batch, *shape), everything inside the one file (and its hash).

    Of the source lines it came from, which the exporter notes with the paths of this machine, it says nothing.
    """
    batch = torch.export.Dim("batch", min=1, max=4096)
    network = network.eval()
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    # The exporter reports every pass it makes; none of it concerns the person who trains.
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (torch.zeros(2, *shape),),
                path,
                input_names=["image"],
                output_names=list(outputs),
                dynamic_shapes=({0: batch},),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    finally:
        exporter.setLevel(level)
    path.write_bytes(bare(path.read_bytes()))
