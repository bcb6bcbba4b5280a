"""Asking the graph of a picture model about pictures, and the figures of its card. Needs no PyTorch."""

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.inference.golden import PICTURES
from desktop.inference.manifest import TensorSpec
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.picture_model import PictureModel
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.subject import Subject
from desktop.jobs import Job
from desktop.learning import picture_changes, picture_figures
from desktop.learning.child_battery import SPOILT, as_picture
from desktop.learning.films import read_picture
from desktop.learning.picture_changes import blur, exposure, gamma, jpeg, noise, turn
from desktop.learning.picture_data import Indices, answers_of, judged, preparation_of, upright
from desktop.learning.picture_figures import Bools, Fit, Floats, Said
from desktop.learning.picture_sets import Example, PictureFinding, PictureSet
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.records import Json
from desktop.learning.statistics import auc, interval, wilson
from desktop.records import AnalysisStatus, Picture

FloatArray = npt.NDArray[np.float32]

THUMBNAIL = 32
CHANGES: Mapping[str, picture_changes.Change] = {
    "as it is": lambda grey: grey,
    "noise 0.03": noise(0.03),
    "blur 0.5 % of the side": blur(0.005),
    "gamma 0.7": gamma(0.7),
    "exposure × 1.3": exposure(1.3),
    "JPEG quality 20": jpeg(20),
    "turned 7 degrees": turn(7),
}
_CHANGED = 80
_SPOILT = 25
_STRANGERS = 30
_GOOD = 250


@dataclass(frozen=True, eq=False)
class Asked:
    """What a graph answered: logits (n, findings), distances (n), and each picture in small (n, pixels)."""

    logits: Floats
    distances: Floats
    thumbnails: Floats


def runner_of(graph: bytes, findings: int, settings: PictureSettings) -> OnnxRunner:
    """A graph of a picture model, with what only its members say."""
    shape = (1, settings.side, settings.side)
    return OnnxRunner(
        graph,
        TensorSpec("image", shape),
        (
            TensorSpec("logits", (findings,)),
            TensorSpec("distance", (1,)),
            TensorSpec("member_logits", (settings.members, findings)),
        ),
    )


def ask(runner: OnnxRunner, examples: Sequence[Example], parts: Indices, settings: PictureSettings, job: Job) -> Asked:
    """parts: the member that is asked, or -1 for all of them together."""
    logits, distances, small = [], [], []
    for index, (one, part) in enumerate(zip(examples, parts, strict=True)):
        if index % 100 == 0:
            job.report("learning.progress.measuring", index, len(examples))
        job.check()
        grey = upright(one)
        answer = _answer(runner, grey, int(part), settings)
        logits.append(answer[0])
        distances.append(answer[1])
        small.append(thumbnail(grey, settings))
    return Asked(np.array(logits), np.array(distances), np.array(small))


def _answer(runner: OnnxRunner, grey: FloatArray, part: int, settings: PictureSettings) -> tuple[Floats, float]:
    found = runner.run(prepare(grey, preparation_of(settings)).tensor)
    said = found["logits"] if part < 0 else found["member_logits"][part]
    return said.astype(np.float64), float(found["distance"][0])


def thumbnail(grey: FloatArray, settings: PictureSettings) -> Floats:
    """A picture in small, (pixels), prepared as the network's."""
    small = replace(preparation_of(settings), side=THUMBNAIL)
    return prepare(grey, small).tensor.reshape(-1).astype(np.float64)


def fits_of(manifest: PictureManifest) -> list[Fit]:
    """How the clinic turns each finding's logit into an answer."""
    return [Fit(one.calibration, one.thresholds) for one in sorted(manifest.findings, key=lambda item: item.output)]


def own_figures(
    asked: Asked,
    examples: Sequence[Example],
    parts: Indices,
    spoken: Sequence[PictureFinding],
    wanted: PictureSet,
    settings: PictureSettings,
) -> dict[str, Json]:
    """Of the data learned from: each picture by the member that never saw it."""
    counted = judged(examples)
    answers = answers_of(examples, [one.key for one in spoken])
    simple = picture_figures.thumbnail_scores(asked.thumbnails, answers, counted, parts, settings)
    found: dict[str, Json] = {}
    for index, finding in enumerate(spoken):
        known = counted & np.isfinite(answers[:, index])
        groups = [one.group for one, taken in zip(examples, known, strict=True) if taken]
        one = picture_figures.cross_fitted(
            asked.logits[known, index], answers[known, index] > 0.5, groups, parts[known], settings
        )
        facts = [one.facts for one, taken in zip(examples, known, strict=True) if taken]
        said = Said(one, asked.logits[known, index], simple[known, index], facts, parts[known])
        found[finding.key] = picture_figures.finding_figures(said, wanted.facts)
    return _over_all(examples, counted, found)


def new_figures(
    asked: Asked, examples: Sequence[Example], fits: Sequence[Fit], spoken: Sequence[PictureFinding], wanted: PictureSet
) -> dict[str, Json]:
    """Of pictures of people it has not learned from: the model as the clinic has it."""
    counted = judged(examples)
    answers = answers_of(examples, [one.key for one in spoken])
    found: dict[str, Json] = {}
    for index, finding in enumerate(spoken):
        known = counted & np.isfinite(answers[:, index])
        labels = answers[known, index] > 0.5
        if labels.all() or not labels.any():
            continue
        groups = [one.group for one, taken in zip(examples, known, strict=True) if taken]
        facts = [one.facts for one, taken in zip(examples, known, strict=True) if taken]
        one = picture_figures.answered(asked.logits[known, index], labels, groups, [fits[index]] * int(known.sum()))
        said = Said(one, asked.logits[known, index], None, facts, np.zeros(int(known.sum()), dtype=np.int64))
        found[finding.key] = picture_figures.finding_figures(said, wanted.facts)
    return _over_all(examples, counted, found)


def _over_all(examples: Sequence[Example], counted: Bools, found: dict[str, Json]) -> dict[str, Json]:
    people = {one.group for one, taken in zip(examples, counted, strict=True) if taken}
    return {"pictures": int(counted.sum()), "groups": len(people), "findings": found}


def battery(
    runner: OnnxRunner,
    examples: Sequence[Example],
    parts: Indices,
    spoken: Sequence[PictureFinding],
    settings: PictureSettings,
    job: Job,
) -> dict[str, Json]:
    """Pictures changed on purpose, each judged by the member that never saw it: AUC of each finding."""
    chosen = np.random.default_rng(5).permutation(np.flatnonzero(judged(examples)))[:_CHANGED]
    some = [examples[index] for index in chosen]
    answers, pictures = answers_of(some, [one.key for one in spoken]), [upright(one) for one in some]
    found: dict[str, Json] = {}
    for name, change in CHANGES.items():
        rows = []
        for index, grey in zip(chosen, pictures, strict=True):
            job.check()
            rows.append(_answer(runner, change(grey).astype(np.float32), int(parts[index]), settings)[0])
        logits = np.array(rows)
        areas = {}
        for column, finding in enumerate(spoken):
            known = np.isfinite(answers[:, column])
            area = auc(logits[known, column], answers[known, column] > 0.5)
            areas[finding.key] = round(area, 4) if np.isfinite(area) else None
        found[name] = areas
    return found


def refusals(
    model: PictureModel, examples: Sequence[Example], wanted: PictureSet, data: Path, job: Job
) -> dict[str, Json]:
    """Which pictures the clinic's model refuses: good ones, good ones spoilt on purpose, and other things."""
    good = [one for one in examples if one.judged]
    some = [one for one in good[:: max(1, len(good) // _GOOD)] if not one.turns]
    found: dict[str, Json] = {"good": _refused(model, (read_picture(one.path) for one in some), job)}
    spoilt = [upright(one) for one in good[:: max(1, len(good) // _SPOILT)]]
    if model.manifest.gate is not None:
        for name, change in SPOILT.items():
            changed = (as_picture(np.ascontiguousarray(change(grey), dtype=np.float32)) for grey in spoilt)
            found[name] = _refused(model, changed, job)
    for name, pattern in wanted.strangers.items():
        paths = sorted(glob.glob(str(data / pattern), recursive=True))
        strange = [Path(path) for path in paths[:: max(1, len(paths) // _STRANGERS)]]
        found[name] = _refused(model, (read_picture(path) for path in strange if path.is_file()), job)
    return found


def _refused(model: PictureModel, pictures: Iterable[Picture], job: Job) -> Json:
    verdicts = [model.analyse(one, Subject(), job).status is AnalysisStatus.REFUSED for one in pictures]
    return interval(wilson(sum(verdicts), len(verdicts)))


def golden_logits(runner: OnnxRunner, wanted: PictureSet, settings: PictureSettings) -> list[float]:
    """What a graph answers to the golden picture."""
    answer = _answer(runner, PICTURES[wanted.golden](), -1, settings)[0]
    return [round(float(value), 6) for value in answer]
