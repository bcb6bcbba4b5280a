"""Yes-or-no findings on one picture: small networks for each set, from scratch on two cores.

Each network learns without one part of the patients; that part judges and calibrates it, so every figure of the card
comes from people the answering network never saw, and the model the clinic gets, the mean of all, has learned from
everybody.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.inference.fields import ManifestError
from desktop.inference.model import STUDY
from desktop.inference.picture_model import PictureModel
from desktop.inference.registry import MANIFEST, read_picture_model
from desktop.inference.runner_onnx import read_weights
from desktop.jobs import Job
from desktop.learning import picture_card, picture_evaluation, picture_export, picture_figures, picture_pointing
from desktop.learning.learning_curve import CurvePoint, curve_points
from desktop.learning.picture_data import answers_of, data_hash, judged, mark, parts, read_examples, upright
from desktop.learning.picture_sets import Example, PictureFinding, PictureSet
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.publishing import TRAINING, folder_of, install, make_work_folder, manifest_text, restate
from desktop.learning.recipe import Say, require_torch
from desktop.learning.records import (
    EvaluationRecord,
    Json,
    Study,
    TrainingRecord,
    settings_of,
    stated_settings,
    training_document,
)
from desktop.learning.statistics import interval

if TYPE_CHECKING:
    from desktop.learning.picture_lines import LinesLearned
    from desktop.learning.picture_training import TrainedPictures

_LEAST_MARGIN = 0.0
"""By how much a finding that has to earn its place must beat its thumbnail at least, at the interval's lower end."""
_LEAST_AREA = 0.70
"""And the area under its ROC curve: what tells pictures apart less well helps nobody, whatever else does worse."""


@dataclass(frozen=True)
class Pictures:
    """The recipe of one set's model."""

    wanted: PictureSet

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.wanted.model

    @property
    def research(self) -> bool:
        """Whether it makes a research pack."""
        return self.wanted.research

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card."""
        require_torch()
        wanted, settings = self.wanted, self.wanted.settings
        gate = picture_export.borrow_gate(wanted)
        examples = read_examples(wanted, wanted.read(data))
        earlier = wanted.earlier(data) if wanted.earlier else []
        data_sha256 = data_hash(examples)
        out = folder_of(out, self.name)
        work = out / ".training"
        if not resume:
            shutil.rmtree(work, ignore_errors=True)
        started = time.monotonic()
        say(f"{len(examples)} pictures of {len({one.group for one in examples})} people, {len(earlier)} to learn first")
        try:
            make_work_folder(work)
            trained = _learned(wanted, examples, earlier, data_sha256, work, job, say)
            say("comparing with thumbnails")
            chosen = self._chosen(trained, examples, settings)
            graph = _graph_of(trained, chosen, wanted, work)
        except OSError as error:
            raise from_os_error(error) from error
        manifest = self._manifest(graph, gate, trained, chosen, examples)
        files = {picture_export.GRAPH: graph} | ({picture_export.GATE: gate.graph} if gate else {})
        record = TrainingRecord(
            model=self.name,
            version=wanted.version,
            sha256=hashlib.sha256(graph).hexdigest(),
            seed=settings.seed,
            data_sha256=data_sha256,
            films=len(examples),
            patients=len({one.group for one in examples}),
            seconds=round(trained.earlier_seconds + time.monotonic() - started, 1),
            threads=settings.threads,
            software=_software(),
            settings=stated_settings(settings),
            curves={name: [asdict(epoch) for epoch in curve] for name, curve in trained.curves.items()},
            calibration={
                "spoken": [one.key for one in chosen.spoken],
                "left_out": chosen.left_out,
                "splits": trained.splits,
                "learning_curve": trained.learning_curve,
            },
            gate={"distance_limit": manifest["out_of_distribution"]["limit"], "borrowed_from": wanted.gate},
            patient_marks=tuple(sorted({mark(self.name, one.group) for one in (*examples, *earlier)})),
        )
        files[TRAINING] = record.to_json().encode()
        try:
            # The manifest vouches for the others; an evaluation then states the figures.
            install(work / self.name, files | {MANIFEST: manifest_text(manifest).encode()})
            figures = self._own_figures(work / self.name, examples, data, job, say)
            stated = picture_card.texts(wanted, manifest, json.loads(record.to_json()), figures, trained.points)
            install(out, files | _curve_file(data_sha256, trained.points) | stated)
        except OSError as error:
            raise from_os_error(error) from error
        shutil.rmtree(work, ignore_errors=True)
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. On the pictures it has learned from, each is judged by the network that never saw the
        patient; on any others, by the model as the clinic has it, without patients it has learned from. The
        comparators are fitted each time, and lines have drawn their learning curve while they learned, so a study adds
        nothing."""
        training = training_document(model_folder)
        examples = read_examples(self.wanted, self.wanted.read(data))
        data_sha256 = data_hash(examples)
        figures: Mapping[str, Json]
        made = Study.read(model_folder / STUDY, data_sha256)
        if data_sha256 == training["data_sha256"]:
            figures = self._own_figures(model_folder, examples, data, job, say)
            manifest = json.loads((model_folder / MANIFEST).read_text(encoding="utf-8"))
            points = curve_points(made.rows) if made is not None else ()
            restate(model_folder, picture_card.texts(self.wanted, manifest, training, figures, points), say)
        else:
            seen = set(training["patient_marks"])
            examples = [one for one in examples if mark(self.name, one.group) not in seen]
            if not examples:
                raise UserFacingError("learning.nothing_new", model=self.name)
            say(f"asking the model about {len(examples)} pictures of people it has not learned from")
            figures = self._new_figures(model_folder, training, examples, job)
        return EvaluationRecord(
            model=self.name,
            version=training["version"],
            sha256=training["sha256"],
            data_sha256=data_sha256,
            films=len(examples),
            figures=figures,
            study=made.rows if made is not None else [],
        )

    def _chosen(
        self, trained: "TrainedPictures | LinesLearned", examples: Sequence[Example], settings: PictureSettings
    ) -> "_Chosen":
        """Which findings the model speaks of: those that need not earn it, and those that beat their thumbnail
        and tell pictures apart well enough to be of any use."""
        findings, counted, part = self.wanted.findings, judged(examples), parts(examples, settings)
        answers = answers_of(examples, [one.key for one in findings])
        scales = trained.answers.scales(counted)
        logits = trained.answers.logits(scales)
        simple = picture_figures.thumbnail_scores(_thumbnails(examples, settings), answers, counted, part, settings)
        spoken, left_out = [], {}
        for index, finding in enumerate(findings):
            if not finding.earned:
                spoken.append(index)
                continue
            known = counted & np.isfinite(answers[:, index])
            labels = answers[known, index] > 0.5
            groups = [one.group for one, taken in zip(examples, known, strict=True) if taken]
            own = part[known]
            gain = picture_figures.margin(logits[known, index], simple[known, index], labels, groups, own)
            area = round(picture_figures.area_within(logits[known, index], labels, own), 4)
            if gain.low > _LEAST_MARGIN and area >= _LEAST_AREA:
                spoken.append(index)
            else:
                left_out[finding.key] = {"auc": area, "margin": interval(gain), "positive": int(labels.sum())}
        return _Chosen(tuple(spoken), tuple(findings[index] for index in spoken), left_out, scales, logits)

    def _manifest(
        self,
        graph: bytes,
        gate: "picture_export.BorrowedGate | None",
        trained: "TrainedPictures | LinesLearned",
        chosen: "_Chosen",
        examples: Sequence[Example],
    ) -> dict[str, Any]:
        """Calibration and thresholds from what the members say of people they never saw."""
        settings, counted = self.wanted.settings, judged(examples)
        answers = answers_of(examples, [one.key for one in chosen.spoken])
        fits = []
        for place, index in enumerate(chosen.numbers):
            known = counted & np.isfinite(answers[:, place])
            fits.append(picture_figures.fit(chosen.logits[known, index], answers[known, place] > 0.5, settings))
        limit = float(np.quantile(trained.answers.distances[counted], 1 - settings.distance_loss))
        runner = picture_evaluation.runner_of(graph, len(chosen.spoken), settings)
        golden = picture_evaluation.golden_logits(runner, self.wanted, settings)
        return picture_export.document(graph, golden, gate, self.wanted, chosen.spoken, fits, limit, settings)

    def _spoken(self, training: Mapping[str, Any]) -> tuple[PictureFinding, ...]:
        keys = training["calibration"]["spoken"]
        by_key = {one.key: one for one in self.wanted.findings}
        return tuple(by_key[key] for key in keys)

    def _own_figures(
        self, folder: Path, examples: Sequence[Example], data: Path, job: Job, say: Say
    ) -> dict[str, Json]:
        """Of the data it learned from, as far as figures rest on it."""
        examples = [one for one in examples if one.judged]
        training, model = training_document(folder), _model_of(folder)
        settings, spoken = settings_of(PictureSettings, training["settings"]), self._spoken(training)
        runner = picture_evaluation.runner_of(read_weights(folder, model.manifest.weights), len(spoken), settings)
        part = parts(examples, settings)
        say("judging every picture by what never saw the patient")
        asked = picture_evaluation.ask(runner, examples, part, settings, job)
        figures = picture_evaluation.own_figures(asked, examples, part, spoken, self.wanted, settings)
        say("pictures changed on purpose, and other things")
        gate = picture_evaluation.Gate(model.manifest, folder)
        figures["battery"], figures["robustness"] = picture_evaluation.battery(
            runner, examples, part, spoken, settings, gate, job
        )
        figures["refused"] = picture_evaluation.refusals(model, examples, self.wanted, data, job)
        figures["pointing"] = self._pointing(model, folder, settings, examples, data, job)
        return figures

    def _pointing(
        self,
        model: PictureModel,
        folder: Path,
        settings: PictureSettings,
        examples: Sequence[Example],
        data: Path,
        job: Job,
    ) -> dict[str, Json]:
        """Where somebody drew findings: whether each member's own map points there. {} where nobody did."""
        drawn = self.wanted.drawn(data) if self.wanted.drawn is not None else []
        activation = model.manifest.activation
        if not drawn or activation is None:
            return {}
        graph = read_weights(folder, model.manifest.weights)
        runner = picture_pointing.runner_of(graph, activation, settings)
        keys = [one.key for one in sorted(model.manifest.findings, key=lambda item: item.output)]
        return picture_pointing.pointing(runner, examples, parts(examples, settings), drawn, keys, settings, job)

    def _new_figures(
        self, folder: Path, training: Mapping[str, Any], examples: Sequence[Example], job: Job
    ) -> dict[str, Json]:
        """Of people it knows nothing of."""
        model, spoken = _model_of(folder), self._spoken(training)
        settings = settings_of(PictureSettings, training["settings"])
        runner = picture_evaluation.runner_of(read_weights(folder, model.manifest.weights), len(spoken), settings)
        everybody = np.full(len(examples), -1, dtype=np.int64)
        asked = picture_evaluation.ask(runner, examples, everybody, settings, job)
        fits = picture_evaluation.fits_of(model.manifest)
        return picture_evaluation.new_figures(asked, examples, fits, spoken, self.wanted)


@dataclass(frozen=True, eq=False)
class _Chosen:
    """numbers: of the findings spoken of, in the set. left_out: figures of those that are not. scales: see
    `MemberAnswers`; logits: (n, findings of the set) of the held-out members."""

    numbers: tuple[int, ...]
    spoken: tuple[PictureFinding, ...]
    left_out: Mapping[str, Json]
    scales: picture_figures.Floats
    logits: picture_figures.Floats


def _curve_file(data_sha256: str, points: Sequence[CurvePoint]) -> dict[str, bytes]:
    """The learning curve beside the model, where one was drawn."""
    if not points:
        return {}
    return {STUDY: Study(data_sha256, 0, [point.to_row() for point in points]).to_json().encode()}


def _model_of(folder: Path) -> PictureModel:
    """Raises KnownFailure where its manifest is damaged, or of a model of another name than the folder's."""
    try:
        return read_picture_model(folder)
    except ManifestError as error:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name) from error


def _thumbnails(examples: Sequence[Example], settings: PictureSettings) -> picture_figures.Floats:
    """(n, pixels), noughts for pictures that no figure rests on."""
    small = np.zeros((len(examples), picture_evaluation.THUMBNAIL**2))
    for index, one in enumerate(examples):
        if one.judged:
            small[index] = picture_evaluation.thumbnail(upright(one), settings)
    return small


def _software() -> dict[str, str]:
    from desktop.learning import side_by_side

    return side_by_side.software()


def _learned(
    wanted: PictureSet,
    examples: Sequence[Example],
    earlier: Sequence[Example],
    data_sha256: str,
    work: Path,
    job: Job,
    say: Say,
) -> "TrainedPictures | LinesLearned":
    """Networks, or lines where the set is too small for them."""
    from desktop.learning import picture_lines, picture_training

    if wanted.lines is not None:
        return picture_lines.learn(wanted, wanted.lines, examples, job, say)
    return picture_training.train_all(wanted, wanted.settings, examples, earlier, data_sha256, work, job, say)


def _graph_of(trained: "TrainedPictures | LinesLearned", chosen: _Chosen, wanted: PictureSet, work: Path) -> bytes:
    """The shipped graph, its weights in half precision."""
    from desktop.learning import picture_lines, picture_training
    from desktop.learning.compact import halved
    from desktop.learning.export import export
    from desktop.learning.picture_network import OUTPUTS

    settings = wanted.settings
    if isinstance(trained, picture_lines.LinesLearned):
        network: Any = picture_lines.assemble(trained, settings)
    else:
        network = picture_training.assemble(trained.members, chosen.numbers, chosen.scales, settings)
    path = work / picture_export.GRAPH
    export(network, (1, settings.side, settings.side), OUTPUTS, path)
    return halved(path.read_bytes())
