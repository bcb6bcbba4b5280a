"""Runs one torch.export program as `runner_onnx` runs a graph: checked before and after, in a process of its own."""

import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from desktop.errors import ErrorKind, KnownFailure
from desktop.inference import devices
from desktop.inference.manifest import TensorSpec
from desktop.inference.runner_onnx import SECONDS, FloatArray
from desktop.inference.torch_program import checked_program
from desktop.inference.torch_worker import receive, send

MEGABYTES = 1500
LOADING_SECONDS = 60.0


class TorchRunner:
    """One program in one process, which ends with the runner. input, outputs, threads, seconds: as `OnnxRunner`.

    megabytes: what the process may take of its own, where the system can limit that (Linux). A program that hangs or
    dies is not asked again by this runner. On the processor only: a program is exported for the device it was made on.
    """

    def __init__(
        self,
        weights: bytes,
        input_spec: TensorSpec,
        outputs: Sequence[TensorSpec],
        *,
        threads: int | None = None,
        seconds: float = SECONDS,
        megabytes: int = MEGABYTES,
    ) -> None:
        """Raises KnownFailure where the bytes are no program, an unsafe one, or of another shape than the manifest
        says, and where PyTorch is not installed."""
        program = checked_program(weights)
        self._input, self._outputs, self._seconds = input_spec, tuple(outputs), seconds
        self._talking = threading.Lock()
        self._lost = ""
        command = [sys.executable, "-m", "desktop.inference.torch_worker", str(megabytes)]
        command.append(str(threads or devices.usable_cores()))
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise KnownFailure("inference.run_failed", kind=ErrorKind.IO) from error
        self._end = weakref.finalize(self, end_process, self._process)
        try:
            self._ask({}, program, LOADING_SECONDS)
            # A graph declares its shapes; of a program they are known once it has answered.
            self.run(np.zeros((1, *input_spec.shape), np.float32))
        except KnownFailure as failure:
            self._end()
            told = failure.key == "inference.bad_output"
            raise KnownFailure("inference.shapes_differ", kind=ErrorKind.IO) if told else failure from failure

    @property
    def device(self) -> str:
        """Name of the processor it runs on."""
        return devices.device_name(devices.CPU)

    def run(self, tensor: FloatArray) -> Mapping[str, FloatArray]:
        """As `OnnxRunner.run`."""
        return {name: values[0] for name, values in self.run_many(tensor).items()}

    def run_many(self, tensor: FloatArray) -> Mapping[str, FloatArray]:
        """As `OnnxRunner.run_many`."""
        names = [spec.name for spec in self._outputs]
        body = np.ascontiguousarray(tensor, dtype="<f4").tobytes()
        head = {"shape": list(tensor.shape), "names": names}
        told, data = self._ask(head, body, self._seconds * max(1, len(tensor)))
        found, place = {}, 0
        for spec in self._outputs:
            shape = (len(tensor), *spec.shape)
            size = 4 * int(np.prod(shape))
            if told["kinds"].get(spec.name) != "float32" or tuple(told["outputs"][spec.name]) != shape:
                raise KnownFailure("inference.bad_output", kind=ErrorKind.IO)
            array = np.frombuffer(data[place : place + size], "<f4").reshape(shape).astype(np.float32)
            if not np.isfinite(array).all():
                raise KnownFailure("inference.bad_output", kind=ErrorKind.IO)
            found[spec.name] = array
            place += size
        return found

    def _ask(self, head: Mapping[str, object], body: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """One message and its answer. Raises KnownFailure; where the process is gone, each time from then on."""
        with self._talking:
            if self._lost:
                raise KnownFailure(self._lost, kind=ErrorKind.IO)
            late, process = threading.Event(), self._process

            def stop() -> None:  # holds the process and not this runner, which would live as long as the watch
                late.set()
                process.kill()

            watch = threading.Timer(seconds, stop)
            watch.daemon = True
            watch.start()
            try:
                assert self._process.stdin is not None
                assert self._process.stdout is not None
                send(self._process.stdin, dict(head), body)
                message = receive(self._process.stdout)
            except (OSError, ValueError, KeyError):
                message = None
            finally:
                watch.cancel()
            if message is None:
                self._lost = "inference.run_too_long" if late.is_set() else "inference.run_failed"
                self._end()
                raise KnownFailure(self._lost, kind=ErrorKind.IO)
        told, data = message
        if "failure" in told:
            raise KnownFailure(str(told["failure"]), kind=ErrorKind.IO)
        return told, data


def end_process(process: "subprocess.Popen[bytes]") -> None:
    """End the process and wait for it, so that none is left behind."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    process.wait()
