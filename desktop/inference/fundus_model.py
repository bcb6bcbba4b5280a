"""A model that looks at photographs of retinas: how far they can be judged, grades, and where the vessels are."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure
from desktop.i18n import Language
from desktop.inference import fundus_gate, picture_kind, quality
from desktop.inference.fundus_field import Circle, Retina, find_circle
from desktop.inference.fundus_lesions import lesion_measures
from desktop.inference.fundus_manifest import FundusManifest, GradeGraph
from desktop.inference.fundus_vessels import prepare_vessels
from desktop.inference.golden_fundus import RETINAS
from desktop.inference.manifest import FindingSpec, TensorSpec
from desktop.inference.model import Model
from desktop.inference.picture_model import REASON_OTHER_KIND, REASON_QUALITY
from desktop.inference.preparation import fingerprint
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.subject import Subject
from desktop.inference.withheld import withhold
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    Decision,
    Finding,
    Mask,
    Photometric,
    Picture,
    Provenance,
)

FloatArray = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

VESSELS = "vessels"
AGE_OUTSIDE = "inference.reason.age_outside"
UNFAMILIAR = "inference.reason.unfamiliar"
BETWEEN = "inference.reason.between"
_DISTANCE = TensorSpec("distance", (1,))


@dataclass(frozen=True, eq=False)
class SeenRetina:
    """A photograph's retina and what the network of vessels says of it: (side, side) in 0..1. tensor: what it saw."""

    pixels: Bytes
    circle: Circle
    retina: Retina
    tensor: FloatArray
    vessels: FloatArray


@dataclass(frozen=True)
class _Runners:
    """The network of vessels and, where it grades, the forests."""

    vessels: OnnxRunner
    grades: OnnxRunner | None


class FundusModel(Model):
    """The photograph is looked at first, then the network draws vessels, then, where enough can be seen, it grades."""

    def __init__(self, manifest: FundusManifest, folder: Path) -> None:
        """Raises KnownFailure where this release does not know the golden picture."""
        super().__init__(manifest, folder)
        if manifest.golden.picture not in RETINAS:
            raise KnownFailure("inference.model_too_new", kind=ErrorKind.BAD_INPUT, model=manifest.name)
        self.manifest = manifest
        self._runners: _Runners | None = None
        self._loading = threading.Lock()

    def fits(self, picture: Picture) -> bool:
        """Whether this is a photograph of a retina, whatever can be seen of it."""
        return picture.header.modality in self.manifest.modalities and not self._kind(picture)[0]

    def analyse(self, picture: Picture, subject: Subject, job: Job) -> Analysis:
        """Findings with grades, and the vessels as a mask of the picture's size. Whose eye it is matters only where the
        age is known and other than of those it learned from: then no grade is decided.

        Refused where it is no photograph of a retina, or where too little can be seen of it. Raises KnownFailure where
        the weights are damaged or a graph misbehaves, Cancelled.
        """
        started = time.perf_counter()
        runners = self._ready()
        job.check()
        problems, circle = self._kind(picture)
        if problems or circle is None:
            nothing = np.zeros((1, *self.manifest.input.shape), np.float32)
            return self._refused(problems, REASON_OTHER_KIND, nothing, started)
        seen = self._look(runners, picture.pixels, circle)
        job.check()
        measures = fundus_gate.sight_measures(seen.retina, circle, seen.vessels)
        if problems := fundus_gate.problems(self.manifest.sight, measures):
            return self._refused(problems, REASON_QUALITY, seen.tensor, started)
        findings = self._findings(runners, seen, subject)
        job.check()
        mask = Mask(VESSELS, png_of(self._mask(seen)))
        provenance = self._provenance(seen.tensor, started)
        return Analysis(AnalysisStatus.OK, provenance, quality.quality(()), findings, masks=(mask,))

    def load(self) -> None:
        """Read and check the weights now rather than with the first photograph. Raises what `analyse` raises."""
        self._ready()

    def close(self) -> None:
        """Let go of the sessions' memory; the next question loads them again."""
        with self._loading:
            self._runners = None

    def look(self, pixels: Bytes) -> SeenRetina | None:
        """What the network of vessels says of a photograph, (rows, columns, 3) RGB; None where there is no circle.
        For measuring a model; the clinic uses `analyse`."""
        circle = find_circle(pixels)
        return self._look(self._ready(), pixels, circle) if circle is not None else None

    def graded(self, seen: SeenRetina) -> Mapping[str, FloatArray]:
        """What the forests answer, nothing where there are none. For measuring a model."""
        runners = self._ready()
        return _graded(runners.grades, seen) if runners.grades is not None else {}

    def _kind(self, picture: Picture) -> tuple[tuple[str, ...], Circle | None]:
        """Slugs of why it is no photograph of a retina, and where the retina is."""
        if problems := picture_kind.kind_problems(self.manifest.kind, picture):
            return problems, None
        if picture.photometric is not Photometric.RGB:
            return (picture_kind.OTHER_COLOUR,), None
        circle = find_circle(picture.pixels)
        if circle is None:
            return (fundus_gate.NOT_RETINA,), None
        return fundus_gate.problems(self.manifest.shape, fundus_gate.shape_measures(picture.pixels, circle)), circle

    def _look(self, runners: _Runners, pixels: Bytes, circle: Circle) -> SeenRetina:
        tensor, retina = prepare_vessels(pixels, circle, self.manifest.preparation)
        vessels = runners.vessels.run(tensor)[VESSELS]
        return SeenRetina(pixels, circle, retina, tensor, vessels)

    def _mask(self, seen: SeenRetina) -> Bytes:
        return vessel_mask(seen.retina, seen.vessels, self.manifest.threshold, seen.pixels.shape[:2])

    def _findings(self, runners: _Runners, seen: SeenRetina, subject: Subject) -> tuple[Finding, ...]:
        grades = self.manifest.grades
        if grades is None or runners.grades is None:
            return ()
        outputs = _graded(runners.grades, seen)
        silent = UNFAMILIAR if float(outputs["distance"][0]) > grades.distance_limit else ""
        ages, years = self.manifest.ages, subject.age_years
        if ages is not None and years is not None and not ages.contains(years):
            silent = AGE_OUTSIDE
        found = [_finding(spec, grades, outputs, silent) for spec in self.manifest.findings]
        return withhold(found, self.manifest.withheld, subject)

    def _refused(self, problems: tuple[str, ...], reason: str, tensor: FloatArray, started: float) -> Analysis:
        provenance = self._provenance(tensor, started)
        return Analysis(AnalysisStatus.REFUSED, provenance, quality.quality(problems), reason=reason)

    def _provenance(self, tensor: FloatArray, started: float) -> Provenance:
        milliseconds = (time.perf_counter() - started) * 1000.0
        device = self._ready().vessels.device
        return Provenance(self.name, self.version, self.sha256, device, fingerprint(tensor), round(milliseconds, 1))

    def _golden_difference(self) -> tuple[float, float]:
        expected = self.manifest.golden
        seen = self.look(RETINAS[expected.picture]())
        if seen is None:
            raise KnownFailure("inference.golden_differs", kind=ErrorKind.IO)
        found = golden_evidence(seen, self.graded(seen))
        return float(np.max(np.abs(found - np.array(expected.evidence)))), expected.tolerance

    def _ready(self) -> _Runners:
        with self._loading:
            if self._runners is None:
                manifest, grades = self.manifest, self.manifest.grades
                vessels = OnnxRunner(read_weights(self._folder, manifest.weights), manifest.input, (manifest.vessels,))
                forests = grade_runner(read_weights(self._folder, grades.file), grades) if grades is not None else None
                self._runners = _Runners(vessels, forests)
            return self._runners

    def finding_name(self, key: str, language: Language) -> str:
        """What a finding is called. Raises KeyError for a key the model does not know."""
        return self.manifest.finding(key).names.text(language)


def grade_runner(graph: bytes, grades: GradeGraph) -> OnnxRunner:
    """The forests. Raises KnownFailure where the graph is none or another."""
    return OnnxRunner(graph, grades.measures, (grades.logits, _DISTANCE), threads=1)


def vessel_mask(retina: Retina, vessels: FloatArray, threshold: float, shape: tuple[int, ...]) -> Bytes:
    """(rows, columns) uint8, 255 where a point of the photograph is a vessel, else 0."""
    back = retina.back(vessels * retina.field, (shape[0], shape[1]))
    return np.where(back >= threshold, np.uint8(255), np.uint8(0))


def png_of(mask: Bytes) -> bytes:
    """A picture of one channel of 8 bits."""
    import cv2

    whole, data = cv2.imencode(".png", mask)
    assert whole, "a picture in memory can be written to memory"
    return data.tobytes()


def golden_evidence(seen: SeenRetina, grades: Mapping[str, FloatArray]) -> npt.NDArray[np.float64]:
    """What of the answers to a golden picture is compared."""
    half = seen.vessels.shape[0] // 2
    rows, columns = (slice(0, half), slice(half, None)), (slice(0, half), slice(half, None))
    # In tenths: one tolerance holds for them and for log-odds.
    parts = [10 * float(seen.vessels[row, column].mean(dtype=np.float64)) for row in rows for column in columns]
    rest = [grades[name].astype(np.float64) for name in ("logits", "distance") if name in grades]
    return np.concatenate([np.array(parts), *rest])


def _graded(runner: OnnxRunner, seen: SeenRetina) -> Mapping[str, FloatArray]:
    measures = lesion_measures(seen.pixels, seen.circle)
    return runner.run(np.array([list(measures.values())], dtype=np.float32))


def _finding(spec: FindingSpec, grades: GradeGraph, outputs: Mapping[str, FloatArray], silent: str) -> Finding:
    """silent: why nothing is decided whatever the probability, empty where there is no reason."""
    probability = spec.calibration.probability(float(outputs["logits"][spec.output]))
    decision = Decision.CANNOT_SAY if silent else spec.thresholds.decide(probability)
    reason = silent or spec.reason(decision, BETWEEN)
    grade = grades.gradings[spec.key].grade([float(logit) for logit in outputs["logits"]])
    name = spec.names.text(Language.ENGLISH)
    return Finding(spec.key, name, probability, decision, spec.codings, reason=reason, grade=grade)
