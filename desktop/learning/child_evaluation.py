"""The figures of the child pneumonia model's card, made again from the shipped graphs. Needs no PyTorch.

A film of a child the model learned from is judged only by the member that never saw that child, with calibration and
thresholds fitted on the other parts; a film of a child unknown to the training record is judged by the whole model as
the clinic runs it. So the same command gives honest figures on the training data and on data held back.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure
from desktop.imaging import display
from desktop.inference import quality
from desktop.inference.calibration import Calibration, ConformalThresholds, conformal_thresholds
from desktop.inference.fields import ManifestError
from desktop.inference.manifest import FindingSpec, TensorSpec
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.preparation import prepare
from desktop.inference.registry import read_picture_model
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.learning import child_battery, child_data, child_stretches
from desktop.learning.binary import Answered, yes_or_no
from desktop.learning.child_graph import ALONE
from desktop.learning.child_hint import BACTERIAL, VIRAL
from desktop.learning.child_hint import KEY as HINT_KEY
from desktop.learning.child_manifest import KEY
from desktop.learning.films import DataFolder, Film, fold_of, patient_mark, read_picture
from desktop.learning.records import EvaluationRecord, Json, Study, training_document
from desktop.learning.statistics import auc, by_patient, fit_calibration, interval, reliability, wilson
from desktop.records import Decision, Picture

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DECISIONS = (Decision.UNLIKELY, Decision.CANNOT_SAY, Decision.LIKELY)


@dataclass(frozen=True)
class Said:
    """What a member, or the whole model, says of one picture. hint: NaN where the model gives none. alone: by network
    and by line, nothing where the model has no lines."""

    logit: float
    hint: float
    distance: float
    alone: tuple[float, ...] = ()


class Examiner:
    """The shipped graphs, asked one picture at a time, with each member's own logit."""

    def __init__(self, folder: Path) -> None:
        """Raises KnownFailure where the model or its training record is damaged."""
        try:
            manifest = read_picture_model(folder).manifest
        except ManifestError as error:
            raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name) from error
        self.manifest: PictureManifest = manifest
        self.training: Mapping[str, Any] = training_document(folder)
        settings = self.training["settings"]
        self.members, self.seed = int(settings["members"]), int(settings["seed"])
        if manifest.gate is None:
            raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name)
        self._gate_spec = gate = manifest.gate
        distance, members = TensorSpec("distance", (1,)), (self.members,)
        self._places = {spec.key: spec.output for spec in manifest.findings}
        hints = (TensorSpec("member_hints", members),) if HINT_KEY in self._places else ()
        self._alone = ALONE if "line_components" in settings else ()
        self._gate = OnnxRunner(
            read_weights(folder, gate.graph),
            TensorSpec("image", (1, gate.preparation.side, gate.preparation.side)),
            (TensorSpec("logits", (len(gate.classes),)), distance),
        )
        self._model = OnnxRunner(
            read_weights(folder, manifest.weights),
            manifest.input,
            (
                manifest.logits,
                distance,
                TensorSpec("member_logits", members),
                *hints,
                *(TensorSpec(name, members) for name in self._alone),
            ),
        )
        self._marks = frozenset(self.training["patient_marks"])

    def part(self, film: Film) -> int:
        """The member that never saw this child, or -1 for a child of whom the training knew nothing."""
        known = patient_mark(film.group) in self._marks
        return fold_of(film.group, self.seed, self.members) if known else -1

    def gate_saw(self, group: str, known: bool) -> bool:
        """Whether the gate learned from this patient or file."""
        return known and fold_of(group, self.seed + 1, 5) != 0

    def ask(self, grey: FloatArray, part: int) -> Said:
        """One member, or the whole model for part -1."""
        answer = self._model.run(prepare(grey, self.manifest.preparation).tensor)
        hint = self._places.get(HINT_KEY)
        if part < 0:
            said = (
                float(answer["logits"][self._places[KEY]]),
                math.nan if hint is None else float(answer["logits"][hint]),
            )
        else:
            own = float(answer["member_logits"][part])
            said = (own, math.nan if hint is None else float(answer["member_hints"][part]))
        alone = tuple(float(answer[name].mean() if part < 0 else answer[name][part]) for name in self._alone)
        return Said(*said, float(answer["distance"][0]), alone)

    def problems(self, picture: Picture | None, grey: FloatArray) -> tuple[str, ...]:
        """The gate's verdict. picture None: only the network, for squares that came through a cache."""
        found = quality.pixel_problems(picture, grey) if picture is not None else ()
        if found:
            return found
        gate = self._gate_spec
        answer = self._gate.run(prepare(grey, gate.preparation).tensor)
        return quality.network_problems(gate, answer["logits"], float(answer["distance"][0]))


@dataclass(frozen=True, eq=False)
class Judged:
    """Every film with what was said of it. decisions: index into DECISIONS. refused: by the gate.
    hints: logits of the hint, NaN where there is none. alone: (n, 2) log-odds by network and by line, (n, 0) where the
    model has no lines."""

    films: tuple[Film, ...]
    labels: Bools
    logits: Floats
    probabilities: Floats
    decisions: npt.NDArray[np.int64]
    distances: Floats
    refused: Bools
    parts: npt.NDArray[np.int64]
    hints: Floats
    alone: Floats


def evaluate(
    folder: DataFolder, films: Sequence[Film], model_folder: Path, job: Job, say: Callable[[str], None]
) -> dict[str, Json]:
    """All figures that the model and the data folder allow."""
    examiner = Examiner(model_folder)
    judged = judge(examiner, films, job, say)
    everyone = np.ones(len(films), dtype=bool)
    figures: dict[str, Json] = {
        "known_children": int((judged.parts >= 0).sum()),
        "unknown_children": int((judged.parts < 0).sum()),
        "all": group_figures(judged, everyone),
        "alone": alone_figures(judged, examiner.manifest),
        "groups": {name: group_figures(judged, chosen) for name, chosen in groups(judged).items()},
        "reliability": [asdict(row) for row in reliability(judged.probabilities, judged.labels)],
        **hint_figures(judged, examiner.manifest),
    }
    say("quality gate and strange pictures")
    figures["gate"] = gate_figures(examiner, judged, folder, job)
    say("noise, blur and exposure")
    figures["battery"], figures["robustness"] = child_battery.run(examiner, judged, job)
    return figures


def judge(examiner: Examiner, films: Sequence[Film], job: Job, say: Callable[[str], None]) -> Judged:
    """Ask about every film."""
    parts = np.array([examiner.part(film) for film in films], dtype=np.int64)
    logits, hints, distances = (np.zeros(len(films)) for _ in range(3))
    refused, alone = np.zeros(len(films), dtype=bool), []
    for index, film in enumerate(films):
        if index % 100 == 0:
            job.report("learning.progress.measuring", index, len(films))
        if index % 1000 == 0:
            say(f"film {index} of {len(films)}")
        picture = read_picture(film.path)
        grey = display.grey(picture)
        said = examiner.ask(grey, int(parts[index]))
        logits[index], hints[index], distances[index] = said.logit, said.hint, said.distance
        alone.append(said.alone)
        refused[index] = bool(examiner.problems(picture, grey))
    labels = np.array([film.pneumonia for film in films])
    probabilities, decisions = _answers(examiner.manifest.finding(KEY), logits, labels, parts)
    decisions[distances > examiner.manifest.distance_limit] = DECISIONS.index(Decision.CANNOT_SAY)
    return Judged(
        tuple(films), labels, logits, probabilities, decisions, distances, refused, parts, hints, np.array(alone)
    )


def _answers(
    spec: FindingSpec, logits: Floats, labels: Bools, parts: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Probability and decision of each film, never with constants fitted on its own part."""
    probabilities = np.zeros(len(logits))
    decisions = np.zeros(len(logits), dtype=np.int64)
    for part in np.unique(parts):
        own, others = parts == part, (parts != part) & (parts >= 0)
        calibration, thresholds = spec.calibration, spec.thresholds
        if part >= 0 and labels[others].any() and not labels[others].all():
            calibration, thresholds = _refit(logits[others], labels[others], thresholds)
        for index in np.flatnonzero(own):
            probabilities[index] = calibration.probability(float(logits[index]))
            decisions[index] = DECISIONS.index(thresholds.decide(float(probabilities[index])))
    return probabilities, decisions


def _refit(logits: Floats, labels: Bools, like: ConformalThresholds) -> tuple[Calibration, ConformalThresholds]:
    calibration = Calibration(*fit_calibration(logits, labels))
    probabilities = np.array([calibration.probability(float(logit)) for logit in logits])
    thresholds = conformal_thresholds(
        probabilities[labels].tolist(),
        probabilities[~labels].tolist(),
        like.alpha_positive,
        like.alpha_negative,
    )
    return calibration, thresholds


def groups(judged: Judged) -> dict[str, Bools]:
    """The parts of the data that the card speaks of. Viral and bacterial films stand against all normal ones."""

    def chosen(test: Callable[[Film], bool]) -> Bools:
        return np.array([test(film) for film in judged.films], dtype=bool)

    found = {
        f"published part {split}": chosen(lambda film, split=split: film.split == split)  # type: ignore[misc]  # bound now
        for split in sorted({film.split for film in judged.films})
    }
    for source in sorted({film.source for film in judged.films}):
        found[f"source {source}"] = chosen(lambda film, source=source: film.source == source)  # type: ignore[misc]  # bound now
    for name in sorted({film.collector for film in judged.films}):
        found[f"collector {name}"] = chosen(lambda film, name=name: film.collector == name)  # type: ignore[misc]  # bound now
    for subtype in ("bacterial", "viral"):
        found[f"{subtype} against normal"] = chosen(
            lambda film, subtype=subtype: not film.pneumonia or film.subtype == subtype  # type: ignore[misc]  # bound now
        )
    known = chosen(lambda film: film.source == "kermany_full")
    if known.any():
        middle = float(np.median([film.width for film in judged.films if film.source == "kermany_full"]))
        found["narrower originals (kermany_full)"] = known & chosen(lambda film: film.width <= middle)
        found["wider originals (kermany_full)"] = known & chosen(lambda film: film.width > middle)
    return found


def group_figures(judged: Judged, chosen: Bools) -> dict[str, Json]:
    """See `yes_or_no`; also how many there are, and how many the gate refused."""
    labels, probabilities = judged.labels[chosen], judged.probabilities[chosen]
    patients = [film.group for film, taken in zip(judged.films, chosen, strict=True) if taken]
    decisions = judged.decisions[chosen]
    logits = judged.logits[chosen] if len(set(judged.parts[chosen].tolist())) == 1 else _logit(probabilities)
    decided, likely = decisions != DECISIONS.index(Decision.CANNOT_SAY), decisions == DECISIONS.index(Decision.LIKELY)
    return {
        "films": len(labels),
        "children": len(set(patients)),
        "pneumonia": int(labels.sum()),
        **yes_or_no(Answered(labels, logits, probabilities, decided, likely, patients)),
        "refused": interval(wilson(int(judged.refused[chosen].sum()), len(labels))),
    }


def alone_figures(judged: Judged, manifest: PictureManifest) -> dict[str, Json]:
    """The area under the curve of each half of the model by itself, of the films judged as the whole is."""
    patients, found = [film.group for film in judged.films], {}
    for name, logits in zip(ALONE, judged.alone.T, strict=False):
        scores = _logit(_answers(manifest.finding(KEY), logits, judged.labels, judged.parts)[0])
        found[name] = interval(by_patient(lambda index, by=scores: auc(by[index], judged.labels[index]), patients))  # type: ignore[misc]  # bound now
    return found


def hint_figures(judged: Judged, manifest: PictureManifest) -> dict[str, Json]:
    """Of the films of pneumonia whose cause is known: bacteria against viruses. Nothing where the model gives no hint,
    or the films none of the two."""
    caused = [film.pneumonia and film.subtype in (BACTERIAL, VIRAL) for film in judged.films]
    told = np.flatnonzero(np.array(caused, dtype=bool) & np.isfinite(judged.hints))
    films = [judged.films[index] for index in told]
    bacterial = np.array([film.subtype == BACTERIAL for film in films], dtype=bool)
    if bacterial.all() or not bacterial.any():
        return {}
    spec, parts = manifest.finding(HINT_KEY), judged.parts[told]
    probabilities, decisions = _answers(spec, judged.hints[told], bacterial, parts)
    # Where pneumonia is unlikely, or nothing can be said of the film at all, the hint is silent too.
    silent = (judged.decisions[told] == DECISIONS.index(Decision.UNLIKELY)) | (
        judged.distances[told] > manifest.distance_limit
    )
    decisions[silent] = DECISIONS.index(Decision.CANNOT_SAY)
    cannot = DECISIONS.index(Decision.CANNOT_SAY)
    likely = decisions == DECISIONS.index(Decision.LIKELY)
    patients = [film.group for film in films]
    scores = _logit(probabilities)
    answered = Answered(bacterial, scores, probabilities, decisions != cannot, likely, patients)
    names = [
        ("all", f"published part {film.split}", f"source {film.source}", *child_stretches.of(film)) for film in films
    ]
    found: dict[str, Json] = {}
    for name in dict.fromkeys(name for row in sorted(set(names)) for name in row):
        part = answered.part(np.array([name in row for row in names], dtype=bool))
        if part.labels.any() and not part.labels.all():
            found[name] = {"films": len(part.labels), "bacterial": int(part.labels.sum()), **yes_or_no(part)}
    return {"hint": found, "hint_reliability": [asdict(row) for row in reliability(probabilities, bacterial)]}


def _logit(probabilities: Floats) -> Floats:
    """Scores that can be compared across parts: each part's logits on its own calibrated scale."""
    clipped = np.clip(probabilities, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def gate_figures(examiner: Examiner, judged: Judged, folder: DataFolder, job: Job) -> dict[str, Json]:
    """Shares refused: good films, the same films spoilt on purpose, and other pictures, only of groups the gate did
    not learn from."""
    unseen = [
        index
        for index, film in enumerate(judged.films)
        if not examiner.gate_saw(film.group, bool(judged.parts[index] >= 0))
    ]
    found: dict[str, Json] = {}
    for source in sorted({film.source for film in judged.films}):
        mine = [index for index in unseen if judged.films[index].source == source]
        found[f"good films, {source}"] = interval(wilson(int(judged.refused[mine].sum()), len(mine)))
    for name, refused, total in child_battery.spoilt(examiner, [judged.films[index] for index in unseen], job):
        found[name] = interval(wilson(refused, total))
    adults = child_data.load_adults(folder, 240, job)
    learned = child_data.load_others(folder, child_data.LEARNED_KINDS, 240, examiner.seed, job)
    unseen_kinds = child_data.load_others(folder, child_data.UNSEEN_KINDS, 240, examiner.seed, job)
    for label, films, kind_known in (
        ("good films of adults", adults, True),
        ("no chest film", learned, True),
        ("no chest film, kind never shown", unseen_kinds, False),
    ):
        refused_by: dict[str, list[bool]] = {}
        for square, kind, group in zip(films.squares, films.kinds, films.groups, strict=True):
            if not examiner.gate_saw(group, kind_known):
                job.check()
                refused_by.setdefault(kind, []).append(bool(examiner.problems(None, square.astype(np.float32) / 255)))
        for kind, verdicts in sorted(refused_by.items()):
            found[f"{label}, {kind}"] = interval(wilson(sum(verdicts), len(verdicts)))
    found["no chest film, drawn anew"] = _drawn(examiner, job)
    found.update(_orientation(examiner, folder, job))
    return found


def _drawn(examiner: Examiner, job: Job) -> Json:
    squares = child_data.draw_others(240, examiner.seed + 99, job, 300)
    return interval(wilson(sum(bool(examiner.problems(None, item.astype(np.float32) / 255)) for item in squares), 300))


def _orientation(examiner: Examiner, folder: DataFolder, job: Job) -> dict[str, Json]:
    """Real films of grown-ups, some stored sideways, that the gate never learned from."""
    from desktop.learning.films import table

    place = folder.cxr / "nih_orientation100"
    if not (place / "labels.csv").is_file():
        return {}
    verdicts: dict[str, list[bool]] = {}
    for row in table(place):
        job.check()
        picture = read_picture(place / row["file"])
        verdicts.setdefault(row["label"], []).append(bool(examiner.problems(picture, display.grey(picture))))
    return {
        f"nih_orientation100, {label}": interval(wilson(sum(found), len(found)))
        for label, found in sorted(verdicts.items())
    }


def record(
    figures: Mapping[str, Json], study: Study | None, model_folder: Path, data_sha256: str, films: int
) -> EvaluationRecord:
    """The record of an evaluation."""
    manifest = read_picture_model(model_folder).manifest
    return EvaluationRecord(
        model=manifest.name,
        version=manifest.version,
        sha256=manifest.weights.sha256,
        data_sha256=data_sha256,
        films=films,
        figures=figures,
        study=study.rows if study is not None else [],
    )
