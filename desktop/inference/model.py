"""One model of the shelf, ready to be asked."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure, from_os_error
from desktop.i18n import Language
from desktop.imaging import display
from desktop.inference import golden, quality
from desktop.inference.manifest import Manifest, TensorSpec
from desktop.inference.preparation import fingerprint, prepare
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.subject import Subject
from desktop.inference.tasks import TASKS, Task
from desktop.jobs import Job
from desktop.records import Analysis, AnalysisStatus, Picture, Provenance

FloatArray = npt.NDArray[np.float32]

CARD = "CARD.md"
REASON_QUALITY = "inference.reason.quality"
_DISTANCE = TensorSpec("distance", (1,))


@dataclass(frozen=True)
class SelfTestResult:
    """Whether a model still answers its golden example as it did when it was made.

    max_difference: largest difference of any logit, NaN where the model could not run. error: key of the sentence
    that says why it could not, or empty.
    """

    name: str
    version: str
    sha256: str
    ok: bool
    max_difference: float
    error: str = ""


@dataclass(frozen=True)
class _Runners:
    """The gate's graph and the model's own."""

    gate: OnnxRunner
    model: OnnxRunner


class Model:
    """A manifest and its folder. Weights are read, checked and loaded when first needed, and kept."""

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        """Raises KnownFailure where this release does not know the task or the golden picture."""
        if manifest.task not in TASKS or manifest.golden.picture not in golden.PICTURES:
            raise KnownFailure("inference.model_too_new", kind=ErrorKind.BAD_INPUT, model=manifest.name)
        self.manifest = manifest
        self._folder = folder
        self._runners: _Runners | None = None
        self._loading = threading.Lock()

    @property
    def name(self) -> str:
        """Name on the command line, and the folder's."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """Version of the weights."""
        return self.manifest.version

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of model.onnx, as the manifest promises and loading checks."""
        return self.manifest.weights.sha256

    def title(self, language: Language) -> str:
        """What the model is called on the screen."""
        return self.manifest.title.text(language)

    def limits(self, language: Language) -> str:
        """In a few sentences: what it was trained on, how well it does, and where it must not be trusted."""
        return self.manifest.limits.text(language)

    def finding_name(self, key: str, language: Language) -> str:
        """What a finding is called. Raises KeyError for a key the model does not know."""
        return self.manifest.finding(key).names.text(language)

    def card_text(self) -> str:
        """The model card (Markdown, English). Raises KnownFailure where it cannot be read."""
        try:
            return (self._folder / CARD).read_text(encoding="utf-8")
        except OSError as error:
            raise from_os_error(error) from error

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

    def self_test(self) -> SelfTestResult:
        """Ask the golden example and compare. Never raises for a damaged model: it says so."""
        expected = self.manifest.golden
        try:
            gate, model = self.outputs(golden.PICTURES[expected.picture]())
        except KnownFailure as failure:
            return SelfTestResult(self.name, self.version, self.sha256, False, float("nan"), failure.key)
        found = np.concatenate([model["logits"], gate["logits"]]).astype(np.float64)
        wanted = np.array(expected.logits + expected.quality_logits)
        difference = float(np.max(np.abs(found - wanted)))
        within = difference <= expected.tolerance
        error = "" if within else "inference.golden_differs"
        return SelfTestResult(self.name, self.version, self.sha256, within, difference, error)

    def close(self) -> None:
        """Let go of the sessions' memory; the next question loads them again."""
        with self._loading:
            self._runners = None

    @property
    def _task(self) -> Task:
        return TASKS[self.manifest.task]

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
