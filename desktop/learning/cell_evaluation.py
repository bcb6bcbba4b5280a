"""The figures of the malaria cell model's card, made again from the shipped graph. Needs no PyTorch.

Of the patients the model learned from, only those of the last part are judged, each by the one member that never saw
them, with calibration and limits fitted on the patients of another part; a patient unknown to the training record is
judged by the whole model as the clinic runs it. So the same command gives honest figures on the training data and on
data held back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.imaging import display
from desktop.inference.fields import ManifestError
from desktop.inference.manifest import TensorSpec
from desktop.inference.picture_kind import kind_problems
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.preparation import prepare, resample
from desktop.inference.quality import pixel_problems
from desktop.inference.registry import read_picture_model
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.learning import cell_battery
from desktop.learning.baseline import logistic_scores
from desktop.learning.binary import Answered, yes_or_no
from desktop.learning.cell_card import COLOUR, GREY
from desktop.learning.cell_data import in_colour, light_of, small_grey
from desktop.learning.cell_settings import Settings
from desktop.learning.cells import Cell, patient_mark
from desktop.learning.films import fold_of, read_picture
from desktop.learning.learning_curve import CurvePoint
from desktop.learning.picture_changes import scale
from desktop.learning.records import EvaluationRecord, Json, Study, training_document
from desktop.learning.statistics import auc, by_patient, interval, reliability, wilson
from desktop.records import Decision, FileHeader, Modality, Photometric, Picture

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

_AT_ONCE = 16
_THUMBNAIL = 16
_OTHERS = 150
_GROUND = 0.1


class Examiner:
    """The shipped graph, with each member's own logit."""

    def __init__(self, folder: Path) -> None:
        """Raises KnownFailure where the model or its training record is damaged."""
        try:
            manifest = read_picture_model(folder).manifest
        except ManifestError as error:
            raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name) from error
        self.manifest: PictureManifest = manifest
        self.training: Mapping[str, Any] = training_document(folder)
        settings = self.training["settings"]
        self.members, self.parts, self.seed = (int(settings[name]) for name in ("members", "parts", "seed"))
        self._model = OnnxRunner(
            read_weights(folder, manifest.weights),
            manifest.input,
            (manifest.logits, TensorSpec("distance", (1,)), TensorSpec("member_logits", (self.members,))),
        )
        self._marks = frozenset(self.training["patient_marks"])

    def known(self, cell: Cell) -> bool:
        """Whether the training had to do with this patient."""
        return patient_mark(cell.patient) in self._marks

    def part(self, cell: Cell) -> int:
        """The part of the patients this one belongs to."""
        return fold_of(cell.patient, self.seed, self.parts)

    def ask(self, lights: Sequence[FloatArray], job: Job, member: int | None) -> tuple[Floats, Floats]:
        """Logits of one member, or of the whole model for None, and distances: (n) each."""
        logits, away = np.zeros(len(lights)), np.zeros(len(lights))
        for start in range(0, len(lights), _AT_ONCE):
            job.check()
            tensors = [prepare(one, self.manifest.preparation).tensor for one in lights[start : start + _AT_ONCE]]
            answer = self._model.run_many(np.concatenate(tensors))
            some = slice(start, start + len(tensors))
            logits[some] = answer["logits"][:, 0] if member is None else answer["member_logits"][:, member]
            away[some] = answer["distance"][:, 0]
        return logits, away

    def problems(self, light: FloatArray) -> tuple[str, ...]:
        """Why a picture would be refused before the network looks."""
        picture, kind = as_picture(light), self.manifest.kind
        found = kind_problems(kind, picture) if kind is not None else ()
        return found or pixel_problems(picture, display.grey(picture), self.manifest.pixels)


@dataclass(frozen=True, eq=False)
class JudgedCells:
    """Cells as one camera gave them, with what was said of each. refused: by rules or by distance."""

    cells: tuple[Cell, ...]
    answered: Answered
    refused: Bools


def as_picture(light: FloatArray) -> Picture:
    """Values in 0..1 as a file of 8 bits would hold them."""
    kind = Photometric.RGB if light.ndim == 3 else Photometric.MONOCHROME2
    return Picture(np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8), kind, FileHeader(modality=Modality.PHOTO))


def evaluate(
    root: Path, cells: Sequence[Cell], model_folder: Path, job: Job, say: Callable[[str], None]
) -> dict[str, Json]:
    """All figures that the model and the cells allow. root: the folder that holds the cells' and other sets.

    Raises UserFacingError where no patient is left to judge.
    """
    examiner = Examiner(model_folder)
    judged_cells, member = _to_judge(examiner, cells, model_folder)
    lights = [in_colour(light_of(read_picture(cell.path))) for cell in judged_cells]
    seen: dict[str, list[FloatArray]] = {COLOUR: lights, GREY: [small_grey(one) for one in lights]}
    infected = {cell.patient for cell in cells if cell.parasitized}
    figures: dict[str, Json] = {
        "judged_by": "the whole model" if member is None else "the member that never saw the patient",
        "patients": len({cell.patient for cell in judged_cells}),
        "groups": {},
    }
    groups: dict[str, Json] = {}
    for name, pictures in seen.items():
        say(f"{len(pictures)} cells, {name}")
        judged = judge(examiner, judged_cells, pictures, member, job)
        groups |= {label: group_figures(judged, chosen) for label, chosen in _groups(name, judged, infected)}
        figures[f"reliability, {name}"] = [
            asdict(row) for row in reliability(judged.answered.probabilities, judged.answered.labels)
        ]
    figures["groups"] = groups
    if member is not None:
        say("simple methods beside it")
        figures["comparators"] = _comparators(examiner, cells, judged_cells, lights)
    say("pictures of other kinds")
    figures["others"] = dict(_others(examiner, root, job))
    say("noise, blur and stain")
    figures["battery"], figures["robustness"] = cell_battery.run(examiner, judged_cells, lights, infected, member, job)
    return figures


def _to_judge(examiner: Examiner, cells: Sequence[Cell], folder: Path) -> tuple[list[Cell], int | None]:
    """The cells to judge and the member that may judge them, None for the whole model."""
    new = [cell for cell in cells if not examiner.known(cell)]
    last = examiner.members - 1
    held = [cell for cell in cells if examiner.known(cell) and examiner.part(cell) == last]
    for chosen, member in ((new, None), (held, last)):
        if len({cell.parasitized for cell in chosen}) == 2:
            return chosen, member
    raise UserFacingError("learning.nobody_new", model=folder.name)


def judge(
    examiner: Examiner, cells: Sequence[Cell], lights: Sequence[FloatArray], member: int | None, job: Job
) -> JudgedCells:
    """Ask about every cell."""
    logits, distances = examiner.ask(lights, job, member)
    manifest = examiner.manifest
    spec = manifest.findings[0]
    probabilities = np.array([spec.calibration.probability(float(logit)) for logit in logits])
    told = np.array([spec.thresholds.decide(float(one)) for one in probabilities], dtype=object)
    decided = (told != Decision.CANNOT_SAY) & (distances <= manifest.distance_limit)
    refused = np.array([bool(examiner.problems(light)) for light in lights]) | (distances > manifest.refused_distance)
    answered = Answered(
        np.array([cell.parasitized for cell in cells]),
        logits,
        probabilities,
        decided,
        told == Decision.LIKELY,
        [cell.patient for cell in cells],
    )
    return JudgedCells(tuple(cells), answered, refused)


def group_figures(judged: JudgedCells, chosen: Bools) -> dict[str, Json]:
    """See `yes_or_no`; also how many there are, and how many were refused."""
    answered = judged.answered.part(chosen)
    return {
        "cells": len(answered.labels),
        "patients": len(set(answered.patients)),
        "parasitized": int(answered.labels.sum()),
        **yes_or_no(answered),
        "refused": interval(wilson(int(judged.refused[chosen].sum()), int(chosen.sum()))),
    }


def _groups(name: str, judged: JudgedCells, infected: set[str]) -> Iterator[tuple[str, Bools]]:
    """Everybody; and patients and healthy people apart, whose cells are all uninfected."""
    sick = np.array([cell.patient in infected for cell in judged.cells])
    yield name, np.ones(len(sick), dtype=bool)
    yield f"{name}, within infected patients", sick
    if not sick.all():
        yield f"{name}, healthy people", ~sick


def _comparators(
    examiner: Examiner, cells: Sequence[Cell], judged: Sequence[Cell], lights: Sequence[FloatArray]
) -> dict[str, Json]:
    """AUC of logistic regressions learned from all other patients: on a thumbnail, on mean and spread of colours."""
    apart = {cell.patient for cell in judged}
    others = [cell for cell in cells if cell.patient not in apart]
    learned = [in_colour(light_of(read_picture(cell.path))) for cell in others]
    labels = np.array([cell.parasitized for cell in others])
    truth, patients = np.array([cell.parasitized for cell in judged]), [cell.patient for cell in judged]
    found: dict[str, Json] = {}
    for name, features in (
        (f"thumbnail {_THUMBNAIL} × {_THUMBNAIL} in colour, logistic regression", _thumbnail),
        ("mean and spread of the three colours, logistic regression", _colours),
    ):
        scores = logistic_scores(np.stack([*map(features, learned)]), labels, np.stack([*map(features, lights)]))
        found[name] = interval(by_patient(lambda index, scores=scores: auc(scores[index], truth[index]), patients))  # type: ignore[misc]  # bound now
    return found


def _thumbnail(light: FloatArray) -> Floats:
    small = [resample(light[..., channel], _THUMBNAIL).ravel() for channel in range(3)]
    return np.concatenate(small).astype(np.float64)


def _colours(light: FloatArray) -> Floats:
    cell = light[light.max(axis=2) > _GROUND]
    return np.concatenate([cell.mean(axis=0), cell.std(axis=0)]).astype(np.float64)


# Other kinds of picture that may lie beside the cells.
_OTHER_SETS = {
    "chest films of children": "cxr/kermany224/**/*.*g",
    "chest films of children, whole": "cxr/kermany_full/**/*.*g",
    "chest films of adults": "cxr/nih_chestxray14/**/*.*g",
    "chest films of adults, 64 pixels": "cxr/nih64/**/*.*g",
    "chest films of adults, 128 pixels": "cxr/tb_nlm128/**/*.*g",
    "retinas": "fundus/**/*.jpg",
    "blood smears": "blood_cells/images/*.jpg",
    "red cells with their surroundings": "malaria_smear/cells/*.jpg",
    "slices of heads": "ct/head_ct_ich/**/*.jpg",
}
_SMALL = 200


def _others(examiner: Examiner, root: Path, job: Job) -> Iterator[tuple[str, Json]]:
    """Shares refused of pictures of other kinds, as they are and made as small as a cell."""
    for name, pattern in _OTHER_SETS.items():
        paths = sorted(root.glob(pattern))
        if not paths:
            continue
        lights = [_small(path) for path in paths[:: max(1, len(paths) // _OTHERS)]]
        by_rule = np.array([bool(examiner.problems(light)) for light in lights])
        left = [light for light, refused in zip(lights, by_rule, strict=True) if not refused]
        strange = int((examiner.ask(left, job, None)[1] > examiner.manifest.refused_distance).sum()) if left else 0
        yield name, interval(wilson(int(by_rule.sum()) + strange, len(lights)))


def _small(path: Path) -> FloatArray:
    """A picture, of 200 pixels at most on its longer side, so that its size alone gives nothing away."""
    light = light_of(read_picture(path))
    longest = max(light.shape[:2])
    return light if longest <= _SMALL else scale(_SMALL / longest)(light)


def whole_point(cells: Sequence[Cell], settings: Settings, figures: Mapping[str, Any]) -> CurvePoint:
    """The learning curve's last point: what the member that the figures are of learned from, and reached."""
    last = settings.members - 1
    people = {cell.patient for cell in cells if fold_of(cell.patient, settings.seed, settings.parts) != last}
    areas = {name: float(figures["groups"][name]["auc"]["value"]) for name in (COLOUR, GREY)}
    return CurvePoint(100, len(people), areas)


def record(
    figures: Mapping[str, Json], study: Study | None, model_folder: Path, data_sha256: str, cells: int
) -> EvaluationRecord:
    """The record of an evaluation."""
    manifest = read_picture_model(model_folder).manifest
    return EvaluationRecord(
        model=manifest.name,
        version=manifest.version,
        sha256=manifest.weights.sha256,
        data_sha256=data_sha256,
        films=cells,
        figures=figures,
        study=[] if study is None else study.rows,
    )
