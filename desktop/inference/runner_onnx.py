"""Runs one ONNX graph: checked before it is loaded, checked after it has answered."""

import hashlib
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure, from_os_error
from desktop.inference import devices
from desktop.inference.manifest import GraphFile, TensorSpec

_log = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]

SECONDS = 60.0
"""How long one picture, trace or row may take a graph: the slowest of ours needs a fifth of a second."""


def read_weights(folder: Path, graph: GraphFile) -> bytes:
    """The bytes of a graph, once their size and SHA-256 are what the manifest says.

    Raises KnownFailure where the file is missing, unreadable, or another one than the manifest speaks of.
    """
    path = folder / graph.file
    try:
        if path.is_symlink() or path.stat().st_size != graph.size:
            raise KnownFailure("inference.weights_changed", kind=ErrorKind.IO)
        data = path.read_bytes()
    except FileNotFoundError:
        raise KnownFailure("inference.weights_missing", kind=ErrorKind.NOT_FOUND) from None
    except OSError as error:
        raise from_os_error(error) from error
    if hashlib.sha256(data).hexdigest() != graph.sha256:
        raise KnownFailure("inference.weights_changed", kind=ErrorKind.IO)
    return data


def session(weights: bytes, providers: Sequence[str], threads: int) -> Any:
    """ONNX Runtime's session of a graph, as every graph is run here. Raises what ONNX Runtime raises."""
    onnxruntime = devices.runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # Worker threads wait for a graph's next step awake, for its steps are shorter than waking up is; between two films
    # they must not burn a clinic laptop's battery.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(weights, options, providers=list(providers))


class OnnxRunner:
    """One graph in one session.

    input: the tensor it takes. outputs: the tensors asked of it; it may have more. threads: processor threads, as
    many as there are cores unless told. seconds: what one input may take; a graph that takes longer is stopped, and not
    asked again by this runner. Not safe for two threads at once while the processor it runs on is failing.
    """

    def __init__(
        self,
        weights: bytes,
        input_spec: TensorSpec,
        outputs: Sequence[TensorSpec],
        *,
        threads: int | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """Raises KnownFailure where the bytes are no graph, or one of another shape than the manifest says."""
        self._weights = weights
        self._input = input_spec
        self._outputs = tuple(outputs)
        self._threads = threads or devices.usable_cores()
        self._seconds = seconds
        self._stuck = False
        self._session = self._best_session()
        self._check_signature()

    @property
    def device(self) -> str:
        """Name of the processor the session really runs on."""
        return devices.device_name(str(self._session.get_providers()[0]))

    def run(self, tensor: FloatArray) -> Mapping[str, FloatArray]:
        """The outputs asked for, by name, without the batch axis. tensor: (1, *input shape) float32.

        Raises as `run_many`."""
        return {name: values[0] for name, values in self.run_many(tensor).items()}

    def run_many(self, tensor: FloatArray) -> Mapping[str, FloatArray]:
        """The outputs asked for, by name, each (n, *output shape).

        tensor: (n, *input shape) float32. When a GPU fails, the same work is done again on the CPU and `device`
        says so from then on. Raises KnownFailure where the answer has another shape or is not finite, and where the
        graph did not end in its time.
        """
        if self._stuck:
            raise KnownFailure("inference.run_too_long", kind=ErrorKind.IO)
        try:
            answer = self._answer(tensor)
        except _failures() as error:
            if self._session.get_providers()[0] == devices.CPU:
                raise self._failed() from error
            _log.warning("a model moved to the CPU: its processor failed")
            self._session = self._session_on((devices.CPU,))
            answer = self._answer_or_fail(tensor)
        found = {}
        for spec, value in zip(self._outputs, answer, strict=True):
            array = np.asarray(value)
            if array.shape != (len(tensor), *spec.shape) or array.dtype != np.float32 or not np.isfinite(array).all():
                raise KnownFailure("inference.bad_output", kind=ErrorKind.IO)
            found[spec.name] = array
        return found

    def _answer(self, tensor: FloatArray) -> Sequence[Any]:
        """What the session says, stopped where it takes too long: the runtime looks at the mark between two steps of
        the graph."""
        options = devices.runtime().RunOptions()
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            options.terminate = True

        watch = threading.Timer(self._seconds * max(1, len(tensor)), stop)
        watch.daemon = True
        watch.start()
        try:
            names = [spec.name for spec in self._outputs]
            answer: Sequence[Any] = self._session.run(names, {self._input.name: tensor}, options)
        finally:
            watch.cancel()
            self._stuck = stopped.is_set()
        return answer

    def _failed(self) -> KnownFailure:
        return KnownFailure("inference.run_too_long" if self._stuck else "inference.run_failed", kind=ErrorKind.IO)

    def _answer_or_fail(self, tensor: FloatArray) -> Sequence[Any]:
        try:
            return self._answer(tensor)
        except _failures() as error:
            raise self._failed() from error

    def _best_session(self) -> Any:
        """A session on the best processor that will take the graph."""
        ranked = devices.providers()
        for provider in ranked[:-1]:
            try:
                return self._session_on((provider, devices.CPU))
            except KnownFailure:
                _log.info("a processor did not take the model; trying the next")
        return self._session_on((devices.CPU,))

    def _session_on(self, wanted: Sequence[str]) -> Any:
        try:
            return session(self._weights, wanted, self._threads)
        except _failures() as error:
            raise KnownFailure("inference.weights_unusable", kind=ErrorKind.IO) from error

    def _check_signature(self) -> None:
        """Raises KnownFailure where the graph's inputs and outputs are not the manifest's."""
        inputs = {item.name: list(item.shape) for item in self._session.get_inputs()}
        outputs = {item.name: list(item.shape) for item in self._session.get_outputs()}
        fits = (
            list(inputs) == [self._input.name]
            and _shape_fits(inputs[self._input.name], self._input)
            and all(spec.name in outputs and _shape_fits(outputs[spec.name], spec) for spec in self._outputs)
        )
        if not fits:
            raise KnownFailure("inference.shapes_differ", kind=ErrorKind.IO)


def _shape_fits(found: Sequence[object], spec: TensorSpec) -> bool:
    """Whether a graph's declared shape (batch first, a name where it is free) is the manifest's."""
    return len(found) == len(spec.shape) + 1 and all(
        not isinstance(size, int) or size == wanted for size, wanted in zip(found[1:], spec.shape, strict=True)
    )


def _failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; its exceptions share no base class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    named = (
        state.Fail,
        state.InvalidGraph,
        state.InvalidArgument,
        state.InvalidProtobuf,
        state.NoModel,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
        state.EPFail,
        state.EngineError,
        state.ModelLoaded,
    )
    return (*named, RuntimeError, ValueError)
