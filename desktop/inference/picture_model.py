"""A model that looks at one picture."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure
from desktop.imaging import display
from desktop.inference import golden, quality
from desktop.inference.manifest import TensorSpec
from desktop.inference.model import Model
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.preparation import Box, Prepared, fingerprint, prepare
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.subject import Subject
from desktop.jobs import Job
from desktop.records import Activation, Analysis, AnalysisStatus, Finding, Picture, Provenance

FloatArray = npt.NDArray[np.float32]

REASON_QUALITY = "inference.reason.quality"
_DISTANCE = TensorSpec("distance", (1,))


@dataclass(frozen=True)
class Answer:
    """A network's outputs in clinical words."""

    findings: tuple[Finding, ...]
    activations: tuple[Activation, ...]


@dataclass(frozen=True)
class PictureTask:
    """prepare: (rows, columns) grey in 0..1 → input tensor and the part of the picture it shows. interpret: outputs by
    name, and that part → findings and maps."""

    prepare: Callable[[PictureManifest, FloatArray], Prepared]
    interpret: Callable[[PictureManifest, Mapping[str, FloatArray], Subject, Box], Answer]


@dataclass(frozen=True)
class _Runners:
    """The gate's graph and the model's own."""

    gate: OnnxRunner
    model: OnnxRunner


class PictureModel(Model):
    """The quality gate looks first, then the network."""

    def __init__(self, manifest: PictureManifest, folder: Path, task: PictureTask) -> None:
        """Raises KnownFailure where this release does not know the golden picture."""
        super().__init__(manifest, folder)
        if manifest.golden.picture not in golden.PICTURES:
            raise KnownFailure("inference.model_too_new", kind=ErrorKind.BAD_INPUT, model=manifest.name)
        self.manifest = manifest
        self._task = task
        self._runners: _Runners | None = None
        self._loading = threading.Lock()

    def analyse(self, picture: Picture, subject: Subject, job: Job) -> Analysis:
        """Gate, network and three-way decision for one picture.

        A picture that fails the gate is `refused` and the network does not run. Raises KnownFailure where the weights
        are damaged or the network misbehaves, Cancelled between the stages.
        """
        started = time.perf_counter()
        runners = self._ready()
        job.check()
        grey = display.grey(picture)
        prepared = self._task.prepare(self.manifest, grey)
        problems = quality.pixel_problems(picture, grey) or self._gate_problems(runners, grey)
        job.check()
        if problems:
            provenance = self._provenance(runners.gate, prepared.tensor, started)
            verdict = quality.quality(problems)
            return Analysis(AnalysisStatus.REFUSED, provenance, verdict, reason=REASON_QUALITY)
        outputs = runners.model.run(prepared.tensor)
        answer = self._task.interpret(self.manifest, outputs, subject, prepared.box)
        provenance = self._provenance(runners.model, prepared.tensor, started)
        verdict = quality.quality(())
        return Analysis(AnalysisStatus.OK, provenance, verdict, answer.findings, answer.activations)

    def outputs(self, grey: FloatArray) -> tuple[Mapping[str, FloatArray], Mapping[str, FloatArray]]:
        """What the gate's graph and the model's own answer to grey values, without any decision.

        grey: (rows, columns) in 0..1, bright = dense. For measuring a model; the clinic uses `analyse`.
        """
        runners = self._ready()
        gate = runners.gate.run(prepare(grey, self.manifest.quality.preparation).tensor)
        return gate, runners.model.run(self._task.prepare(self.manifest, grey).tensor)

    def close(self) -> None:
        """Let go of the sessions' memory; the next question loads them again."""
        with self._loading:
            self._runners = None

    def _golden_difference(self) -> tuple[float, float]:
        expected = self.manifest.golden
        gate, model = self.outputs(golden.PICTURES[expected.picture]())
        found = np.concatenate([model["logits"], gate["logits"]]).astype(np.float64)
        wanted = np.array(expected.logits + expected.quality_logits)
        return float(np.max(np.abs(found - wanted))), expected.tolerance

    def _gate_problems(self, runners: _Runners, grey: FloatArray) -> tuple[str, ...]:
        gate = self.manifest.quality
        outputs = runners.gate.run(prepare(grey, gate.preparation).tensor)
        return quality.network_problems(gate, outputs["logits"], float(outputs["distance"][0]))

    def _provenance(self, runner: OnnxRunner, tensor: FloatArray, started: float) -> Provenance:
        milliseconds = (time.perf_counter() - started) * 1000.0
        return Provenance(
            self.name, self.version, self.sha256, runner.device, fingerprint(tensor), round(milliseconds, 1)
        )

    def load(self) -> None:
        """Read and check the weights now rather than with the first film. Raises what `analyse` raises."""
        self._ready()

    def _ready(self) -> _Runners:
        with self._loading:
            if self._runners is None:
                self._runners = self._load()
            return self._runners

    def _load(self) -> _Runners:
        manifest, gate = self.manifest, self.manifest.quality
        side = gate.preparation.side
        gate_outputs = (TensorSpec("logits", (len(gate.classes),)), _DISTANCE)
        outputs = (manifest.logits, manifest.activation, manifest.embedding, _DISTANCE)
        return _Runners(
            OnnxRunner(read_weights(self._folder, gate.graph), TensorSpec("image", (1, side, side)), gate_outputs),
            OnnxRunner(read_weights(self._folder, manifest.weights), manifest.input, outputs),
        )
