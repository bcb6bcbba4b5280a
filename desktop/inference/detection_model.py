"""A model that boxes and counts things on a photograph."""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure
from desktop.i18n import Language
from desktop.inference import picture_kind, quality
from desktop.inference.closer_look import FAINTEST, Closer, Question, Seen, look_closer
from desktop.inference.detection_decoding import at_rim, boxes_of, told_apart
from desktop.inference.detection_manifest import DetectionManifest, KindSpec
from desktop.inference.field_picture import PreparedField, prepare_field
from desktop.inference.golden_fields import FIELDS
from desktop.inference.model import Model
from desktop.inference.picture_model import REASON_OTHER_KIND
from desktop.inference.preparation import fingerprint
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.subject import Subject
from desktop.inference.tiling import Tile
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    Count,
    Decision,
    DetectedBox,
    Finding,
    Photometric,
    Picture,
    Provenance,
)

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

BETWEEN = "inference.reason.between"
_SURE = 1.0 - 1e-6
_FEWEST = 0.01
_DARK, _BRIGHT = 25, 85
_NOTHING: Floats = np.empty((0, 6))
_PIXELS = 2
"""Decimals of a box's corner: a hundredth of a pixel."""


class DetectionModel(Model):
    """The photograph is looked at first, then the network, then its peaks become boxes."""

    def __init__(self, manifest: DetectionManifest, folder: Path) -> None:
        """Raises KnownFailure where this release does not know the golden picture."""
        super().__init__(manifest, folder)
        if manifest.golden.picture not in FIELDS:
            raise KnownFailure("inference.model_too_new", kind=ErrorKind.BAD_INPUT, model=manifest.name)
        self.manifest = manifest
        self._runner: OnnxRunner | None = None
        self._loading = threading.Lock()

    def fits(self, picture: Picture) -> bool:
        """Whether this may be a photograph of the kind the model is meant for."""
        return picture.header.modality in self.manifest.modalities and not self._problems(picture)

    def analyse(self, picture: Picture, subject: Subject, job: Job) -> Analysis:
        """Boxes and counts on one photograph; whose blood it is makes no difference.

        Refused where it is no such photograph: too small, without colour, or unlike those the model has learned from.
        Raises KnownFailure where the weights are damaged or the network misbehaves, Cancelled.
        """
        del subject
        started = time.perf_counter()
        runner = self._ready()
        job.check()
        prepared = prepare_field(picture, self.manifest.preparation)
        problems, placed, tiles, scale = self._problems(picture), _NOTHING, 0, prepared.scale
        if not problems:
            whole = self._seen(runner, prepared)
            closer = self._closer(runner, picture, whole, job)
            if closer is not None:
                placed, tiles, scale = closer.placed, closer.tiles, closer.scale
            else:
                placed, problems = whole.placed, (quality.STRANGE,) if whole.strange else ()
        milliseconds = (time.perf_counter() - started) * 1000.0
        provenance = Provenance(
            self.name, self.version, self.sha256, runner.device, fingerprint(prepared.tensor), round(milliseconds, 1)
        )
        if problems:
            return Analysis(AnalysisStatus.REFUSED, provenance, quality.quality(problems), reason=REASON_OTHER_KIND)
        cut = at_rim(placed, prepared.columns, prepared.rows, self.manifest.stride / scale)
        boxes = self._named_once(placed) if self.manifest.each_once else self._boxes(placed, cut)
        counts = self._counts(boxes)
        if tiles:
            # Ranges were measured on single fields, and put together from nine of them counts were off by half.
            counts = tuple(Count(one.kind, one.number) for one in counts)
        return Analysis(
            AnalysisStatus.OK,
            provenance,
            quality.quality(()),
            self._findings(boxes, counts),
            boxes=boxes,
            counts=counts,
            tiles=tiles,
        )

    def finding_name(self, key: str, language: Language) -> str:
        """What a kind of box, or a finding, is called. Raises KeyError for a key the model does not know."""
        if any(spec.key == key for spec in self.manifest.findings):
            return super().finding_name(key, language)
        return self.manifest.kind_name(key).text(language)

    def load(self) -> None:
        """Read and check the weights now rather than with the first photograph. Raises what `analyse` raises."""
        self._ready()

    def close(self) -> None:
        """Let go of the session's memory; the next question loads it again."""
        with self._loading:
            self._runner = None

    def outputs(self, tensor: FloatArray) -> Mapping[str, FloatArray]:
        """What the graph answers to a prepared photograph. For measuring a model; the clinic uses `analyse`."""
        return self._ready().run(tensor)

    def _golden_difference(self) -> tuple[float, float]:
        expected = self.manifest.golden
        field = prepare_field(FIELDS[expected.picture](), self.manifest.preparation)
        found = golden_evidence(self.outputs(field.tensor))
        return float(np.max(np.abs(found - np.array(expected.evidence)))), expected.tolerance

    def _problems(self, picture: Picture) -> tuple[str, ...]:
        """Slugs of why it is no photograph of the kind the model is meant for."""
        if problems := picture_kind.kind_problems(self.manifest.kind, picture):
            return problems
        coloured = picture.photometric is Photometric.RGB
        if self.manifest.tinted_share and not (coloured and tinted_share(picture.pixels) >= self.manifest.tinted_share):
            return (picture_kind.OTHER_COLOUR,)
        low, high = self.manifest.stain
        if (low, high) != (-math.inf, math.inf) and not (coloured and low <= staining(picture.pixels) <= high):
            return (picture_kind.OTHER_COLOUR,)
        return ()

    def _strange(self, outputs: Mapping[str, FloatArray]) -> bool:
        """Whether the network's answer shows that it has learned from nothing of the kind."""
        usual = self.manifest.usual
        if float(outputs["distance"][0]) > self.manifest.distance_limit:
            return True
        return usual is not None and usual.away(outputs["member_scores"]) > usual.limit

    def _seen(self, runner: OnnxRunner, prepared: PreparedField, left: int = 0, top: int = 0) -> Seen:
        """What the network says of a photograph, or of a part of one whose corner lies at left, top."""
        manifest = self.manifest
        outputs = runner.run(prepared.tensor)
        if manifest.each_once:
            thing = manifest.kinds[0]
            least = _score_at(thing, thing.threshold)
            least = least if manifest.tiles is None else min(least, FAINTEST)
            found = told_apart(outputs["scores"], outputs["reach"], least, manifest.overlap, manifest.stride)
        else:
            lowest = [_score_at(kind, manifest.listed) for kind in manifest.kinds]
            if manifest.tiles is not None:
                sized = self._number(manifest.tiles.kind)
                lowest[sized] = min(lowest[sized], FAINTEST)
            found = boxes_of(outputs["scores"], outputs["reach"], lowest, manifest.overlap, manifest.stride)
        places = prepared.back(found[:, :4]) + np.array([left, top, left, top])
        placed = np.concatenate([places, found[:, 4:]], axis=1)
        return Seen(found, placed, float(outputs["distance"][0]), self._strange(outputs))

    def _closer(self, runner: OnnxRunner, picture: Picture, whole: Seen, job: Job) -> Closer | None:
        """What is found in tiles, where they are the better answer."""
        manifest, spec = self.manifest, self.manifest.tiles
        if spec is None:
            return None

        def ask(tile: Tile) -> Seen:
            part = replace(picture, pixels=picture.pixels[tile.top : tile.bottom, tile.left : tile.right])
            return self._seen(runner, prepare_field(part, manifest.preparation), tile.left, tile.top)

        kind = self._number(spec.kind)
        probability = manifest.kinds[kind].calibration.probability
        rows, columns = picture.pixels.shape[:2]
        question = Question(
            spec, manifest.preparation, rows, columns, kind, manifest.overlap, ask, lambda at: probability(log_odds(at))
        )
        return look_closer(question, whole, job)

    def _number(self, key: str) -> int:
        return next(number for number, kind in enumerate(self.manifest.kinds) if kind.key == key)

    def _boxes(self, placed: Floats, cut: npt.NDArray[np.bool_]) -> tuple[DetectedBox, ...]:
        """cut: (n,) which of them the rim of the photograph may cut."""
        kinds, boxes = self.manifest.kinds, []
        places = placed[:, :4].round(_PIXELS)
        for (left, top, right, bottom), (number, score), rim in zip(places, placed[:, 4:], cut, strict=True):
            kind = kinds[int(number)]
            probability = kind.calibration_of(bool(rim)).probability(log_odds(float(score)))
            if right > left and bottom > top and probability >= self.manifest.listed:
                size = (round(float(right - left), _PIXELS), round(float(bottom - top), _PIXELS))
                boxes.append(DetectedBox(float(left), float(top), *size, kind.key, probability))
        return tuple(sorted(boxes, key=lambda box: -box.probability))

    def _named_once(self, placed: Floats) -> tuple[DetectedBox, ...]:
        """Every thing under the name of the kind it is taken for, with that kind's probability; the other's is what
        lacks of 1."""
        thing, second = self.manifest.kinds
        places, boxes = placed[:, :4].round(_PIXELS), []
        for (left, top, right, bottom), (score, told) in zip(places, placed[:, 5:], strict=True):
            surely = thing.calibration.probability(log_odds(float(score))) >= thing.threshold
            probability = second.calibration.probability(log_odds(float(told)))
            named, said = (second, probability) if probability >= second.threshold else (thing, 1.0 - probability)
            if surely and right > left and bottom > top:
                size = (round(float(right - left), _PIXELS), round(float(bottom - top), _PIXELS))
                boxes.append(DetectedBox(float(left), float(top), *size, named.key, said))
        return tuple(boxes)

    def _findings(self, boxes: tuple[DetectedBox, ...], counts: tuple[Count, ...]) -> tuple[Finding, ...]:
        """The finding that is graded by a count, where there is one."""
        graded = self.manifest.grade
        if graded is None:
            return ()
        spec = self.manifest.finding(graded.finding)
        expected = sum(box.probability for box in boxes if box.kind == graded.kind)
        probability = spec.calibration.probability(expectation(expected))
        decision = spec.thresholds.decide(probability)
        grade = graded.grade(next(count.number for count in counts if count.kind == graded.kind))
        # A grade above none, and "none" beside it, would be two answers to one question.
        if decision is not Decision.CANNOT_SAY and (decision is Decision.LIKELY) != (grade > 0):
            decision = Decision.CANNOT_SAY
        reason = spec.reason(decision, BETWEEN)
        name = spec.names.text(Language.ENGLISH)
        return (Finding(spec.key, name, probability, decision, spec.codings, reason=reason, grade=grade),)

    def _counts(self, boxes: tuple[DetectedBox, ...]) -> tuple[Count, ...]:
        counts = []
        for kind in self.manifest.kinds:
            # What is named once is counted where it is named.
            least = 0.0 if self.manifest.each_once else kind.threshold
            number = sum(box.kind == kind.key and box.probability >= least for box in boxes)
            root = math.sqrt(number + 1)
            low, high = number + kind.spread[0] * root, number + kind.spread[1] * root
            counts.append(Count(kind.key, number, max(0, math.floor(low)), math.ceil(high)))
        return tuple(counts)

    def _ready(self) -> OnnxRunner:
        with self._loading:
            if self._runner is None:
                manifest = self.manifest
                weights = read_weights(self._folder, manifest.weights)
                self._runner = OnnxRunner(weights, manifest.input, manifest.outputs)
            return self._runner


def golden_evidence(outputs: Mapping[str, FloatArray]) -> Floats:
    """What of a detector's answer to its golden picture is compared: the sum of each kind's scores, the distance."""
    sums = outputs["scores"].sum(axis=(1, 2), dtype=np.float64)
    return np.concatenate([sums, outputs["distance"].astype(np.float64)])


def log_odds(score: float) -> float:
    """Of a score in 0..1."""
    held = min(_SURE, max(1.0 - _SURE, score))
    return math.log(held / (1.0 - held))


def expectation(expected: float) -> float:
    """The evidence for a finding: the logarithm of how many are expected, the sum of the boxes' probabilities."""
    return math.log(max(expected, _FEWEST))


def staining(pixels: npt.NDArray[np.uint8]) -> float:
    """How the dark quarter of an RGB picture, (rows, columns, 3), differs from its bright ground in red, in levels more
    than in the mean of all colours: above 0 where what is there is red or purple, below where it is blue."""
    step = max(1, min(pixels.shape[:2]) // 120)
    sample = pixels[::step, ::step].reshape(-1, 3).astype(np.float64)
    light = sample.sum(axis=1)
    dark = sample[light <= np.percentile(light, _DARK)].mean(axis=0) - np.percentile(sample, _BRIGHT, axis=0)
    return float(dark[0] - dark.mean())


def tinted_share(pixels: npt.NDArray[np.uint8]) -> float:
    """Share of an RGB picture's pixels, (rows, columns, 3), that are clearly no grey: a stain is paler than what
    `quality.coloured_share` looks for."""
    step = max(1, min(pixels.shape[:2]) // 256)
    sample = pixels[::step, ::step].astype(np.int16)
    return float(np.mean(sample.max(axis=2) - sample.min(axis=2) > 12))


def _score_at(kind: KindSpec, probability: float) -> float:
    """The lowest score that a probability comes from, a little less."""
    odds = math.log(probability / (1.0 - probability))
    logits = [(odds - one.offset) * one.temperature for one in map(kind.calibration_of, (False, True))]
    return 0.999 / (1.0 + math.exp(-max(-50.0, min(50.0, min(logits)))))
