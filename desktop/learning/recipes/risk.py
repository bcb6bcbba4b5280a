"""Risk of one disease from a row of values: an additive model for each table, fitted in a minute on one core."""

import errno
import hashlib
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from desktop.errors import ErrorKind, KnownFailure, from_os_error
from desktop.jobs import Job
from desktop.learning import risk_card, risk_evaluation, risk_export
from desktop.learning.recipe import Say
from desktop.learning.records import EvaluationRecord, TrainingRecord, training_document
from desktop.learning.risk_sets import RiskSet
from desktop.learning.risk_training import RiskSettings, fit_risk
from desktop.learning.tables import read_table

_NOT_OURS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@dataclass(frozen=True)
class Risk:
    """The recipe of one table's model."""

    risk: RiskSet
    settings: RiskSettings = field(default_factory=RiskSettings)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.risk.model

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card. There is nothing to resume."""
        _require_onnx()
        table = read_table(data, self.risk)
        out = out if out.name == self.name else out / self.name
        started = time.monotonic()
        say(f"{len(table.labels)} people, {int(table.labels.sum())} with the disease")
        fitted = fit_risk(table, self.risk, self.settings, self.settings.seed)
        seconds = time.monotonic() - started
        say("judging everybody by models made without him")
        found = risk_evaluation.judge(table, self.risk, self.settings, job)
        graph = risk_export.graph_of(fitted.model)
        thresholds = risk_evaluation.thresholds(found, self.settings)
        manifest = risk_export.document(graph, self.risk, fitted.model, table, thresholds, self.settings.missing_limit)
        record = TrainingRecord(
            model=self.name,
            version=risk_export.VERSION,
            sha256=hashlib.sha256(graph).hexdigest(),
            seed=self.settings.seed,
            data_sha256=table.sha256,
            films=len(table.labels),
            patients=len(table.labels),
            seconds=round(seconds, 1),
            threads=1,
            software=_software(),
            settings={**asdict(self.settings), "penalty": asdict(fitted.penalty)},
            curves={},
            calibration={"slope": round(fitted.slope, 6), "offset": round(fitted.offset, 6)},
            gate={},
            patient_marks=(),
        )
        try:
            out.mkdir(parents=True, exist_ok=True)
            (out / risk_card.TRAINING).write_text(record.to_json(), encoding="utf-8")
            risk_export.write_model(out, graph, manifest)
            risk_card.publish(out, self.risk, risk_evaluation.figures(found, self.risk, self.settings))
        except OSError as error:
            raise from_os_error(error) from error
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. The comparator is fitted each time, so a study adds nothing."""
        table = read_table(data, self.risk)
        training = training_document(model_folder)
        say("judging everybody by models made without him")
        found = risk_evaluation.judge(table, self.risk, self.settings, job)
        figures = risk_evaluation.figures(found, self.risk, self.settings)
        if training["data_sha256"] == table.sha256:
            try:
                risk_card.publish(model_folder, self.risk, figures)
            except OSError as error:
                if error.errno not in _NOT_OURS:
                    raise from_os_error(error) from error
                say("the figures are made again; the installed card cannot be written to")
        return EvaluationRecord(
            model=self.name,
            version=training["version"],
            sha256=training["sha256"],
            data_sha256=table.sha256,
            films=len(table.labels),
            figures=figures,
            study=[],
        )


def _require_onnx() -> None:
    """Raises KnownFailure where the package that writes graphs is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise KnownFailure("learning.torch_missing", kind=ErrorKind.NOT_FOUND) from error
    del onnx


def _software() -> dict[str, str]:
    import onnx

    return {"numpy": np.__version__, "onnx": onnx.__version__}
