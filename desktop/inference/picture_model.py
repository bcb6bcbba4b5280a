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
from desktop.inference import golden, picture_kind, quality
from desktop.inference.manifest import TensorSpec
from desktop.inference.model import Model
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.preparation import Box, Prepared, fingerprint, light_of, prepare, sees_colour
from desktop.inference.runners import Runner, open_runner
from desktop.inference.subject import Subject
from desktop.inference.withheld import withhold
from desktop.jobs import Job
from desktop.records import Activation, Analysis, AnalysisStatus, Finding, Photometric, Picture, Provenance

FloatArray = npt.NDArray[np.float32]

REASON_QUALITY = "inference.reason.quality"
REASON_OTHER_KIND = "inference.reason.other_kind"
_DISTANCE = TensorSpec("distance", (1,))


@dataclass(frozen=True)
class Answer:
    """A network's outputs in clinical words."""

    findings: tuple[Finding, ...]
    activations: tuple[Activation, ...]


@dataclass(frozen=True)
class PictureTask:
    """prepare: (rows, columns) grey, or (rows, columns, 3) where colour is seen, in 0..1 → input tensor and the part of
    the picture it shows. interpret: outputs by name, and that part → findings and maps."""

    prepare: Callable[[PictureManifest, FloatArray], Prepared]
    interpret: Callable[[PictureManifest, Mapping[str, FloatArray], Subject, Box], Answer]


@dataclass(frozen=True)
class _Runners:
    """The gate's graph, where there is one, and the model's own."""

    gate: Runner | None
    model: Runner


class PictureModel(Model):
    """What kind of picture it is and its quality are looked at first, then the network looks."""

    def __init__(self, manifest: PictureManifest, folder: Path, task: PictureTask) -> None:
        """Raises KnownFailure where this release does not know the golden picture."""
        super().__init__(manifest, folder)
        if manifest.golden.picture not in golden.PICTURES:
            raise KnownFailure("inference.model_too_new", kind=ErrorKind.BAD_INPUT, model=manifest.name)
        self.manifest = manifest
        self._task = task
        self._runners: _Runners | None = None
        self._loading = threading.Lock()

    def fits(self, picture: Picture) -> bool:
        """Whether the manifest says that the model is meant for such a picture, whatever its quality."""
        kind = self.manifest.kind
        meant = picture.header.modality in self.manifest.modalities
        return meant and (kind is None or not picture_kind.kind_problems(kind, picture))

    def bears(self, picture: Picture) -> bool:
        """Whether a picture has no colour that the model would not see, and plain measurements find nothing wrong."""
        if picture.photometric is Photometric.RGB and not sees_colour(self.manifest.preparation):
            return False
        return not quality.pixel_problems(picture, display.grey(picture), self.manifest.pixels)

    def analyse(self, picture: Picture, subject: Subject, job: Job) -> Analysis:
        """Kind, gate, network and three-way decision for one picture.

        A picture that is none of the model's kind or fails the gate is `refused` and the network does not run, but for
        what only the network can tell: that nothing of the kind was among what it has learned from. Raises KnownFailure
        where the weights are damaged or the network misbehaves, Cancelled between the stages.
        """
        started = time.perf_counter()
        runners = self._ready()
        job.check()
        kind = self.manifest.kind
        light = light_of(picture, self.manifest.preparation)
        prepared = self._task.prepare(self.manifest, light)
        if kind is not None and (problems := picture_kind.kind_problems(kind, picture)):
            return self._refused(runners, prepared, problems, REASON_OTHER_KIND, started)
        grey = light if light.ndim == 2 else display.grey(picture)
        problems = quality.pixel_problems(picture, grey, self.manifest.pixels) or self._gate_problems(runners, grey)
        job.check()
        if problems:
            return self._refused(runners, prepared, problems, REASON_QUALITY, started)
        outputs = runners.model.run(prepared.tensor)
        if float(outputs["distance"][0]) > self.manifest.refused_distance:
            return self._refused(runners, prepared, (quality.STRANGE,), REASON_OTHER_KIND, started)
        answer = self._task.interpret(self.manifest, outputs, subject, prepared.box)
        findings = withhold(answer.findings, self.manifest.withheld, subject, picture.header.view_position)
        provenance = self._provenance(runners.model, prepared.tensor, started)
        verdict = quality.quality(())
        return Analysis(AnalysisStatus.OK, provenance, verdict, findings, answer.activations)

    def _refused(
        self, runners: _Runners, prepared: Prepared, problems: tuple[str, ...], reason: str, started: float
    ) -> Analysis:
        provenance = self._provenance(runners.gate or runners.model, prepared.tensor, started)
        return Analysis(AnalysisStatus.REFUSED, provenance, quality.quality(problems), reason=reason)

    def outputs(self, light: FloatArray) -> tuple[Mapping[str, FloatArray], Mapping[str, FloatArray]]:
        """What the gate's graph (nothing where there is none) and the model's own answer, without any decision.

        light: (rows, columns) in 0..1, bright = dense, or (rows, columns, 3) where the preparation sees colour. For
        measuring a model; the clinic uses `analyse`.
        """
        runners = self._ready()
        gate, model = self.manifest.gate, runners.model.run(self._task.prepare(self.manifest, light).tensor)
        if gate is None or runners.gate is None:
            return {}, model
        return runners.gate.run(prepare(light, gate.preparation).tensor), model

    def embed(self, picture: Picture, job: Job) -> FloatArray:
        """Where the network places a picture among all pictures: (width,) float32, see `embedding_width`.

        Pictures that look alike to it lie near one another (cosine); vectors of different weights (`sha256`) must not
        be compared. Neither kind nor quality is looked at, and it takes as long as an analysis without them: for
        pictures that `analyse` has answered, when somebody wants similar ones. Raises KnownFailure where the weights
        are damaged or the network misbehaves, Cancelled.
        """
        runners = self._ready()
        job.check()
        prepared = self._task.prepare(self.manifest, light_of(picture, self.manifest.preparation))
        job.check()
        return runners.model.run(prepared.tensor)[self.manifest.embedding.name]

    @property
    def has_maps(self) -> bool:
        """Whether it says where it looked."""
        return self.manifest.activation is not None

    def prepared(self, picture: Picture) -> Prepared:
        """What the network is given of a picture. For explaining an answer; the clinic asks with `analyse`."""
        return self._task.prepare(self.manifest, light_of(picture, self.manifest.preparation))

    def prepared_light(self, light: FloatArray) -> Prepared:
        """The same of a picture as light, see `outputs`."""
        return self._task.prepare(self.manifest, light)

    def answers(self, tensors: FloatArray) -> Mapping[str, FloatArray]:
        """What the network says to prepared pictures (n, *input shape), without any decision, each (n, *output shape).

        Raises as `analyse`.
        """
        return self._ready().model.run_many(tensors)

    @property
    def embedding_width(self) -> int:
        """How many numbers `embed` gives."""
        return self.manifest.embedding.shape[0]

    def close(self) -> None:
        """Let go of the sessions' memory; the next question loads them again."""
        with self._loading:
            self._runners = None

    def _golden_difference(self) -> tuple[float, float]:
        expected = self.manifest.golden
        gate, model = self.outputs(golden.PICTURES[expected.picture]())
        logits = [model["logits"], gate["logits"]] if gate else [model["logits"]]
        found = np.concatenate(logits).astype(np.float64)
        wanted = np.array(expected.logits + expected.quality_logits)
        return float(np.max(np.abs(found - wanted))), expected.tolerance

    def _gate_problems(self, runners: _Runners, grey: FloatArray) -> tuple[str, ...]:
        gate = self.manifest.gate
        if gate is None or runners.gate is None:
            return ()
        outputs = runners.gate.run(prepare(grey, gate.preparation).tensor)
        return quality.network_problems(gate, outputs["logits"], float(outputs["distance"][0]))

    def _provenance(self, runner: Runner, tensor: FloatArray, started: float) -> Provenance:
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
        manifest, gate = self.manifest, self.manifest.gate
        model = open_runner(self._folder, manifest.weights, manifest.input, manifest.outputs)
        if gate is None:
            return _Runners(None, model)
        side = gate.preparation.side
        gate_outputs = (TensorSpec("logits", (len(gate.classes),)), _DISTANCE)
        image = TensorSpec("image", (1, side, side))
        return _Runners(open_runner(self._folder, gate.graph, image, gate_outputs), model)
