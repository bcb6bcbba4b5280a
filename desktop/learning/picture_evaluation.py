"""Asking the graph of a picture model about pictures, and the figures of its card. Needs no PyTorch."""

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.inference.golden import PICTURES
from desktop.inference.manifest import TensorSpec
from desktop.inference.picture_kind import kind_problems
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.picture_model import PictureModel
from desktop.inference.preparation import prepare
from desktop.inference.quality import network_problems, pixel_problems
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.subject import Subject
from desktop.jobs import Job
from desktop.learning import picture_changes, picture_figures
from desktop.learning.child_battery import SPOILT, as_picture
from desktop.learning.films import read_picture
from desktop.learning.picture_changes import PHONE_AT_FILM, blur, exposure, gamma, jpeg, noise, turn
from desktop.learning.picture_data import Indices, answers_of, judged, preparation_of, upright
from desktop.learning.picture_figures import Bools, Fit, Floats, Said
from desktop.learning.picture_sets import Example, PictureFinding, PictureSet
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.records import Json
from desktop.learning.robustness import Fared, losses, operating_point, two_sided
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
    "phone photograph of the film": PHONE_AT_FILM,
}
_CHANGED = 80
_OF_EACH = 60
"""Pictures changed with, and without, each finding, as far as there are so many: of fewer no loss can be told."""
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
        found[finding.key] = picture_figures.finding_figures(said, wanted.facts, finding.goals)
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
        found[finding.key] = picture_figures.finding_figures(said, wanted.facts, finding.goals)
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
    gate: "Gate",
    job: Job,
) -> tuple[dict[str, Json], list[Json]]:
    """Pictures changed on purpose, each judged by the member that never saw it: AUC of each finding. And what is lost
    where likely and unlikely part, on more of them, see `robustness`."""
    keys = [one.key for one in spoken]
    order = np.random.default_rng(5).permutation(np.flatnonzero(judged(examples)))
    chosen = _to_change(order, answers_of([examples[index] for index in order], keys))
    some = [examples[index] for index in chosen]
    answers, pictures = answers_of(some, keys), [upright(one) for one in some]
    found: dict[str, Json] = {}
    fared: list[Fared] = []
    for name, change in CHANGES.items():
        logits, refused = np.zeros(answers.shape), np.zeros(len(some), dtype=bool)
        for place, (index, grey) in enumerate(zip(chosen, pictures, strict=True)):
            job.check()
            changed = change(grey).astype(np.float32)
            logits[place], distance = _answer(runner, changed, int(parts[index]), settings)
            refused[place] = gate.refuses(changed, distance)
        areas, scores = {}, {}
        for column, (finding, fit) in enumerate(zip(spoken, gate.fits, strict=True)):
            known, labels = np.isfinite(answers[:, column]), answers[:, column] > 0.5
            few = known[:_CHANGED]
            area = auc(logits[:_CHANGED][few, column], labels[:_CHANGED][few])
            areas[finding.key] = round(area, 4) if np.isfinite(area) else None
            said = picture_figures.probabilities(fit.calibration, logits[:, column])
            scores[finding.key] = two_sided(said >= operating_point(fit.thresholds), labels, known)
        found[name] = areas
        fared.append(Fared(name, scores, refused))
    return found, losses(fared, [one.group for one in some])


def _to_change(order: Indices, answers: FloatArray) -> Indices:
    """The first pictures of an order, and of the others the first ones with, or without, a finding that is still rare
    among them. answers: (n, findings) in that order."""
    taken = np.arange(len(order)) < _CHANGED
    for column in answers.T:
        for kind in (column > 0.5, column <= 0.5):
            wanting = max(0, _OF_EACH - int((kind & taken).sum()))
            taken[np.flatnonzero(kind & ~taken)[:wanting]] = True
    return order[taken]


class Gate:
    """What the clinic would refuse of a picture of this model, and how it would answer."""

    def __init__(self, manifest: PictureManifest, folder: Path) -> None:
        """Raises KnownFailure where the gate's weights are damaged."""
        self.fits = fits_of(manifest)
        self._manifest, gate = manifest, manifest.gate
        self._runner = None
        if gate is not None:
            classes = TensorSpec("logits", (len(gate.classes),))
            image = TensorSpec("image", (1, gate.preparation.side, gate.preparation.side))
            self._runner = OnnxRunner(read_weights(folder, gate.graph), image, (classes, TensorSpec("distance", (1,))))

    def refuses(self, grey: FloatArray, distance: float) -> bool:
        """grey: (rows, columns) in 0..1. distance: as the network gave it."""
        picture, gate, kind = as_picture(grey), self._manifest.gate, self._manifest.kind
        if distance > self._manifest.refused_distance or (kind is not None and kind_problems(kind, picture)):
            return True
        if pixel_problems(picture, grey, self._manifest.pixels):
            return True
        if gate is None or self._runner is None:
            return False
        answer = self._runner.run(prepare(grey, gate.preparation).tensor)
        return bool(network_problems(gate, answer["logits"], float(answer["distance"][0])))


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
