"""A network that calculates in whole numbers of eight bits: half the bytes of half precision, and less time where the
processor has instructions for it. Needs onnx."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def in_whole_numbers(graph: bytes, name: str, inputs: Sequence[FloatArray]) -> bytes:
    """The graph with weights in 7 bits, one scale for each channel, and what flows between in 8, each with the range
    seen with `inputs` (static quantisation, ONNX Runtime). The same inputs give the same bytes.

    name: of the graph's one input. inputs: (1, …) float32 each, such as it will meet. Seven bits, because processors
    without VNNI add products of eight in sixteen, which overflow, and answers would differ from PC to PC.
    """
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Seen(CalibrationDataReader):  # type: ignore[misc]  # the library ships no types
        def __init__(self) -> None:
            self._left: Iterator[FloatArray] = iter(inputs)

        def get_next(self) -> dict[str, FloatArray] | None:
            tensor = next(self._left, None)
            return None if tensor is None else {name: tensor}

    with tempfile.TemporaryDirectory() as folder:
        single, ready, made = (Path(folder) / f"{stage}.onnx" for stage in ("single", "ready", "made"))
        options = onnxruntime.SessionOptions()
        # Weights in half precision are cast where they are used; folded, they can be counted in whole numbers.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(single)
        options.log_severity_level = 4
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        before = logging.root.level
        try:
            quant_pre_process(str(single), str(ready), skip_symbolic_shape=True)
            quantize_static(
                str(ready),
                str(made),
                Seen(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.root.setLevel(before)
        return made.read_bytes()
