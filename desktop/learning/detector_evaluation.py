"""Measures a detector: every photograph is judged by the member that never saw it, with calibration, thresholds and
intervals fitted on the photographs of the other parts. numpy and ONNX Runtime only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import Calibration
from desktop.inference.detection_decoding import at_rim, boxes_of
from desktop.inference.detection_manifest import DetectionManifest, TileSpec
from desktop.inference.detection_model import log_odds, staining
from desktop.inference.manifest import TensorSpec
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.usual_answers import UsualAnswers
from desktop.jobs import Job
from desktop.learning import detector_grading as grading
from desktop.learning import picture_changes
from desktop.learning.detector_data import Photograph, parts
from desktop.learning.detector_figures import Judged, count_spread, counting_threshold
from desktop.learning.detector_grading import FindingFit
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.detector_tiles import fit_tiles, several_fields
from desktop.learning.picture_changes import Change
from desktop.learning.records import Json
from desktop.learning.robustness import Fared, Scored, by_kind, counted, losses
from desktop.learning.statistics import by_patient, calibration_error, fit_calibration, interval, wilson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FAINTEST = 0.01
"""Scores below are not even calibrated with."""
_BATTERY_EVERY, _BATTERY_MOST = 6, 30
"""One of so many photographs is spoilt for the battery, and no more than about so many."""


class Maps(Protocol):
    """A detector, as its graph or not yet one."""

    def run(self, tensor: npt.NDArray[np.float32]) -> Mapping[str, npt.NDArray[np.float32]]:
        """See `OnnxRunner.run`."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What the members say of photographs. found: for each photograph boxes as `boxes_of` gives them, in prepared
    pixels, of the member that never saw it, or of all together. distances: likewise."""

    found: tuple[Floats, ...]
    distances: Floats


@dataclass(frozen=True)
class KindFit:
    """How a kind's scores become probabilities, from which on one counts, and how far off a count usually is; see
    `KindSpec`."""

    calibration: Calibration
    threshold: float
    spread: tuple[float, float]
    rim: Calibration | None = None

    def calibration_of(self, cut: bool) -> Calibration:
        """That of a box. cut: it lies at the rim."""
        return self.rim if cut and self.rim is not None else self.calibration


@dataclass(frozen=True, eq=False)
class Measured:
    """What a new graph's manifest and card say. farthest: the largest distance of a photograph from those that the
    member judging it has learned from. usual: beyond what a photograph is refused, see `detector_usual`. tiles: when a
    photograph is looked at in tiles, see `detector_tiles`."""

    kinds: Sequence[KindFit]
    finding: FindingFit | None
    figures: dict[str, Json]
    farthest: float
    usual: UsualAnswers | None = None
    tiles: TileSpec | None = None


def runner_of(graph: bytes, wanted: DetectorSet, members: int) -> OnnxRunner:
    """A graph with the outputs of each member. Raises KnownFailure."""
    kinds, cells = len(wanted.kinds), (wanted.height // wanted.stride, wanted.width // wanted.stride)
    return OnnxRunner(
        graph,
        TensorSpec("image", (3, wanted.height, wanted.width)),
        (
            TensorSpec("scores", (kinds, *cells)),
            TensorSpec("reach", (4, *cells)),
            TensorSpec("distance", (1,)),
            TensorSpec("member_scores", (members * kinds, *cells)),
            TensorSpec("member_reach", (members * 4, *cells)),
            TensorSpec("member_distances", (members,)),
        ),
    )


def ask(
    runner: Maps,
    photographs: Sequence[Photograph],
    kinds: int,
    settings: DetectorSettings,
    job: Job,
    *,
    member: Ints | None = None,
) -> Answers:
    """member: which one answers for each photograph; None: all together, as in the clinic."""
    found, distances = [], []
    lowest = [_FAINTEST] * kinds
    for index, one in enumerate(photographs):
        job.check()
        outputs = runner.run(one.pixels[None].astype(np.float32))
        scores, reach, away = outputs["scores"], outputs["reach"], float(outputs["distance"][0])
        if member is not None:
            chosen = int(member[index])
            scores = outputs["member_scores"][chosen * kinds : (chosen + 1) * kinds]
            reach = outputs["member_reach"][chosen * 4 : (chosen + 1) * 4]
            away = float(outputs["member_distances"][chosen])
        boxes = boxes_of(scores, reach, lowest, settings.overlap)
        # As the clinic names them: no box goes beyond the photograph.
        boxes[:, :4] = np.clip(boxes[:, :4], 0.0, (one.pixels.shape[2], one.pixels.shape[1]) * 2)
        found.append(boxes)
        distances.append(away)
    return Answers(tuple(found), np.array(distances))


def measured(
    runner: OnnxRunner, photographs: Sequence[Photograph], wanted: DetectorSet, settings: DetectorSettings, job: Job
) -> Measured:
    """Each photograph judged by the member that never saw it."""
    part = parts(photographs, settings.members)
    answers = ask(runner, photographs, len(wanted.kinds), settings, job, member=part)
    drawn = [one.boxes for one in photographs]
    kinds = fit(answers.found, drawn, wanted, settings)
    graded = wanted.graded
    finding = None
    if graded is not None:
        finding = grading.fit_finding(graded, probable(answers.found, [kinds] * len(drawn), wanted), drawn, settings)
    found = cross_fitted(answers, photographs, wanted, settings)
    farthest = float(np.max(answers.distances))
    limit = settings.distance_margin * farthest
    found["battery"], found["robustness"] = battery(runner, photographs, wanted, settings, limit, job)
    tiles = fit_tiles(answers.found, photographs, wanted)
    if tiles is not None:
        sure = [(one.calibration, one.threshold) for one in kinds]
        found["fields"] = several_fields(runner, photographs, part, sure, tiles, limit, wanted, settings, job)
    return Measured(kinds, finding, found, farthest, tiles=tiles)


def asked(
    runner: OnnxRunner,
    photographs: Sequence[Photograph],
    manifest: DetectionManifest,
    wanted: DetectorSet,
    settings: DetectorSettings,
    job: Job,
) -> dict[str, Json]:
    """The shipped model's figures on photographs it has not learned from."""
    answers = ask(runner, photographs, len(wanted.kinds), settings, job)
    return figures(answers, [fits_of(manifest)] * len(photographs), photographs, wanted)


def fit(
    found: Sequence[Floats], drawn: Sequence[Floats], wanted: DetectorSet, settings: DetectorSettings
) -> list[KindFit]:
    """Calibration, counting threshold and interval of each kind, from photographs that the answers come fresh to."""
    judged, graded = Judged(found, drawn), wanted.graded
    fits = []
    for kind in range(len(wanted.kinds)):
        rough = _calibrated(judged, kind, wanted)
        sure = Judged([_probable(boxes, {kind: rough}, wanted) for boxes in found], drawn)
        grades = graded is not None and graded.kind == kind
        threshold = grading.threshold_of(graded, sure) if graded and grades else counting_threshold(sure, kind)
        spread = count_spread(*sure.counts(kind, threshold), settings.interval)
        fits.append(replace(rough, threshold=threshold, spread=spread))
    return fits


def _calibrated(judged: Judged, kind: int, wanted: DetectorSet) -> KindFit:
    """A kind's calibrations, before its threshold and spread are known."""
    scores, right = judged.scores(kind)
    odds = np.array([log_odds(float(score)) for score in scores])
    own = [boxes[boxes[:, 4] == kind] for boxes in judged.found]
    cut = at_rim(np.concatenate([np.empty((0, 6)), *own]), wanted.width, wanted.height, wanted.stride)
    inner = ~cut if wanted.rim_apart else np.ones(len(scores), dtype=np.bool_)
    plain = _fitted(odds[inner], right[inner])
    rim = _fitted(odds[cut], right[cut]) if wanted.rim_apart else None
    return KindFit(plain or Calibration(), 0.5, (0.0, 0.0), rim)


def _fitted(odds: Floats, right: npt.NDArray[np.bool_]) -> Calibration | None:
    """None where they are always right, or never: that gives nothing to calibrate with."""
    return Calibration(*fit_calibration(odds, right)) if right.any() and not right.all() else None


def fits_of(manifest: DetectionManifest) -> list[KindFit]:
    """Those a shipped model goes by."""
    return [KindFit(kind.calibration, kind.threshold, kind.spread, kind.rim) for kind in manifest.kinds]


def cross_fitted(
    answers: Answers, photographs: Sequence[Photograph], wanted: DetectorSet, settings: DetectorSettings
) -> dict[str, Json]:
    """The card's figures: each part by what was fitted on the others."""
    part = parts(photographs, settings.members)
    drawn = [one.boxes for one in photographs]
    fits: list[list[KindFit]] = [[]] * len(photographs)
    for number in range(settings.members):
        others = np.flatnonzero(part != number)
        fitted = fit([answers.found[i] for i in others], [drawn[i] for i in others], wanted, settings)
        for index in np.flatnonzero(part == number):
            fits[index] = fitted
    found = figures(answers, fits, photographs, wanted)
    if wanted.graded is not None:
        said = probable(answers.found, fits, wanted)
        found["finding"] = grading.finding_figures(wanted.graded, said, photographs, part, settings)
        found["comparators"] = grading.comparators(wanted.graded, photographs, part)
    return found


def figures(
    answers: Answers, fits: Sequence[Sequence[KindFit]], photographs: Sequence[Photograph], wanted: DetectorSet
) -> dict[str, Json]:
    """Precision, recall and counts. fits: for each photograph, those it is judged with."""
    calibrated = probable(answers.found, fits, wanted)
    drawn = [one.boxes for one in photographs]
    judged, runs = Judged(calibrated, drawn), [str(one.run) for one in photographs]
    kinds = len(wanted.kinds)

    def mean_precision(chosen: Ints) -> float:
        return judged.mean_precision(kinds, chosen.tolist())

    found: dict[str, Json] = {
        "photographs": len(photographs),
        "mean_average_precision": interval(by_patient(mean_precision, runs, rounds=200)),
        "kinds": {kind.key: _kind_figures(judged, number, fits, runs) for number, kind in enumerate(wanted.kinds)},
    }
    if wanted.graded is not None:
        thresholds = [own[wanted.graded.kind].threshold for own in fits]
        found["grade"] = grading.grade_figures(wanted.graded, calibrated, photographs, thresholds)
    return found


def _kind_figures(judged: Judged, kind: int, fits: Sequence[Sequence[KindFit]], runs: Sequence[str]) -> Json:
    """One kind's figures."""

    def precision(chosen: Ints) -> float:
        return judged.precision(kind, chosen.tolist())

    said, true, inside, hits = [], [], 0, 0
    for index, own in enumerate(fits):
        one = Judged([judged.found[index]], [judged.drawn[index]])
        counted, there = one.counts(kind, own[kind].threshold)
        hits += one.recall(kind, own[kind].threshold)[0]
        said.append(float(counted[0]))
        true.append(float(there[0]))
        root = np.sqrt(said[-1] + 1)
        low, high = np.floor(said[-1] + own[kind].spread[0] * root), np.ceil(said[-1] + own[kind].spread[1] * root)
        inside += bool(low <= true[-1] <= high)
    counts, drawn = np.array(said), np.array(true)
    scores, right = judged.scores(kind)
    listed = scores >= 0.05
    mean = np.array([(drawn.sum() - there) / max(1, len(drawn) - 1) for there in drawn])
    return {
        "drawn": int(drawn.sum()),
        "average_precision": interval(by_patient(precision, runs, rounds=200)),
        "recall": interval(wilson(hits, int(drawn.sum()))),
        "precision": interval(wilson(hits, int(counts.sum()))),
        "count_error": _count_error(counts, drawn, runs),
        "count_error_all": round(float(abs(counts.sum() - drawn.sum()) / max(1.0, drawn.sum())), 4),
        "count_error_of_the_mean": round(float(np.abs(mean - drawn).sum() / max(1.0, drawn.sum())), 4),
        "interval_holds": interval(wilson(inside, len(fits))),
        "calibration_error": round(calibration_error(scores[listed], right[listed]), 4),
    }


def _count_error(said: Floats, true: Floats, runs: Sequence[str]) -> Json:
    """Mean difference of the counts of a photograph, as a share of the mean count."""

    def error(chosen: Ints) -> float:
        return float(np.abs(said[chosen] - true[chosen]).sum() / max(1.0, float(true[chosen].sum())))

    return interval(by_patient(error, runs, rounds=200))


def battery(
    runner: OnnxRunner,
    photographs: Sequence[Photograph],
    wanted: DetectorSet,
    settings: DetectorSettings,
    limit: float,
    job: Job,
) -> tuple[list[Json], list[Json]]:
    """How a part of the photographs fares when it is spoilt: mean precision, and the first kind's count error at the
    threshold fitted on unspoilt ones. And what is lost there, see `robustness`. limit: of the distance."""
    every = max(_BATTERY_EVERY, len(photographs) // _BATTERY_MOST)
    chosen = list(photographs[::every])
    member = parts(photographs, settings.members)[::every]
    drawn, kinds = [one.boxes for one in chosen], len(wanted.kinds)
    rows: list[Json] = []
    fits: list[KindFit] = []
    fared: list[Fared] = []
    for name, change in SPOILT.items():
        spoilt = [
            Photograph(one.name, one.sha256, spoilt_pixels(one.pixels, change), one.boxes, one.run) for one in chosen
        ]
        answers = ask(runner, spoilt, kinds, settings, job, member=member)
        found = answers.found
        fits = fits or fit(found, drawn, wanted, settings)
        away = (answers.distances > limit) | other_stain(spoilt, wanted)
        fared.append(Fared(name, _scores(found, drawn, fits, wanted), away))
        judged = Judged([_probable(boxes, {0: fits[0]}, wanted) for boxes in found], drawn)
        said, true = judged.counts(0, fits[0].threshold)
        rows.append(
            {
                "spoilt": name,
                "photographs": len(chosen),
                "mean_average_precision": round(Judged(found, drawn).mean_precision(kinds), 4),
                "count_error": round(float(np.abs(said - true).sum() / max(1.0, true.sum())), 4),
            }
        )
    return rows, losses(fared, [str(one.run) for one in chosen])


def _scores(
    found: Sequence[Floats], drawn: Sequence[Floats], fits: Sequence[KindFit], wanted: DetectorSet
) -> dict[str, Scored]:
    """What the clinic goes by: the grade where a count is graded, else the count of each kind."""
    judged, graded = Judged(probable(found, [fits] * len(found), wanted), drawn), wanted.graded
    if graded is not None:
        said, true = judged.counts(graded.kind, fits[graded.kind].threshold)
        right = grading.grades_of(graded, said) == grading.grades_of(graded, true)
        return {f"grade of {graded.key}": by_kind(right, np.zeros(len(right), dtype=np.int64), 1)}
    kinds = {kind.key: number for number, kind in enumerate(wanted.kinds)}
    return {key: counted(*judged.counts(number, fits[number].threshold)) for key, number in kinds.items()}


def other_stain(photographs: Sequence[Photograph], wanted: DetectorSet) -> npt.NDArray[np.bool_]:
    """(n,) which photographs the clinic would refuse for their stain."""
    low, high = wanted.stain or (None, None)
    told = np.array([staining(np.ascontiguousarray(one.pixels.transpose(1, 2, 0))) for one in photographs])
    return (told < (-np.inf if low is None else low)) | (told > (np.inf if high is None else high))


def probable(found: Sequence[Floats], fits: Sequence[Sequence[KindFit]], wanted: DetectorSet) -> list[Floats]:
    """Boxes with probabilities instead of scores, each photograph's by its own fits."""
    return [_probable(boxes, dict(enumerate(own)), wanted) for boxes, own in zip(found, fits, strict=True)]


def _probable(boxes: Floats, fits: Mapping[int, KindFit], wanted: DetectorSet) -> Floats:
    """The boxes with probabilities instead of scores, the surest first; kinds without a fit are left out."""
    kept = np.array([row for row in boxes if int(row[4]) in fits]).reshape(-1, 6)
    cut = at_rim(kept, wanted.width, wanted.height, wanted.stride)
    kept[:, 5] = [
        fits[int(row[4])].calibration_of(bool(rim)).probability(log_odds(float(row[5])))
        for row, rim in zip(kept, cut, strict=True)
    ]
    return kept[np.argsort(-kept[:, 5], kind="stable")]


SPOILT: Mapping[str, Change | None] = {
    "as it is": None,
    "noise of 12 of 255 levels": picture_changes.noise(12 / 255),
    "out of focus by 1 in 320": picture_changes.blur(1 / 320),
    "darker by 30 %": picture_changes.exposure(0.7),
    "brighter by 15 %": picture_changes.exposure(1.15),
    "JPEG of quality 25": picture_changes.jpeg(25),
    "yellow light": picture_changes.exposure(1.0, 0.92, 0.8),
    "darker towards a corner by 40 %": picture_changes.vignette(0.4),
    "phone through the eyepiece": picture_changes.PHONE_AT_EYEPIECE,
}


def spoilt_pixels(pixels: npt.NDArray[np.uint8], change: Change | None) -> npt.NDArray[np.uint8]:
    """A prepared photograph, (3, rows, columns) 0..255, after a change."""
    if change is None:
        return pixels
    light = change(np.ascontiguousarray(pixels.transpose(1, 2, 0), dtype=np.float32) / np.float32(255))
    return np.ascontiguousarray(np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8).transpose(2, 0, 1))
