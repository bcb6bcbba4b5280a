"""Risk of one disease from a row of values: an additive model for each table, fitted in a minute on one core."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from desktop.errors import UserFacingError
from desktop.inference.registry import MANIFEST, read_table_model
from desktop.jobs import Job
from desktop.learning import risk_card, risk_evaluation, risk_export
from desktop.learning.publishing import TRAINING, folder_of, publish, restate
from desktop.learning.recipe import Say, require_onnx
from desktop.learning.records import EvaluationRecord, TrainingRecord, settings_of, stated_settings, training_document
from desktop.learning.risk_sets import RiskSet
from desktop.learning.risk_training import RiskSettings, fit_risk
from desktop.learning.tables import read_table, row_mark, without_rare


@dataclass(frozen=True)
class Risk:
    """The recipe of one table's model."""

    risk: RiskSet
    settings: RiskSettings = field(default_factory=RiskSettings)
    research: bool = False

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.risk.model

    def searching(self) -> "Risk":
        """See `Searching`: how smooth the curves are is always chosen."""
        return self

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card. There is nothing to resume."""
        require_onnx()
        whole = read_table(data, self.risk)
        table, risk = without_rare(whole, self.risk)
        out = folder_of(out, self.name)
        started = time.monotonic()
        say(f"{len(table.labels)} people, {int(table.labels.sum())} with the disease")
        fitted = fit_risk(table, risk, self.settings, self.settings.seed)
        seconds = time.monotonic() - started
        say("judging everybody by models made without him")
        figures = risk_evaluation.cross_validated(table, risk, self.settings, job)
        graph = risk_export.graph_of(fitted.model)
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
            settings={**stated_settings(self.settings), "penalty": asdict(fitted.penalty)},
            curves={},
            calibration={"slope": round(fitted.slope, 6), "offset": round(fitted.offset, 6)},
            gate={},
            patient_marks=tuple(sorted(row_mark(row) for row in whole.rows)),
            tried=fitted.tried,
        )
        manifest = risk_export.document(graph, risk, fitted, table, self.settings.missing_limit)
        files = {risk_export.GRAPH: graph, TRAINING: record.to_json().encode()}
        training = json.loads(record.to_json())
        publish(out, files | risk_card.texts(risk, manifest, training, figures, len(table.labels)))
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. The comparator is fitted each time, so a study adds nothing.

        On the table it has learned from, everybody is judged by models made without him; on any other, by the model
        itself, without those it has learned from.
        """
        training = training_document(model_folder)
        model = read_table_model(model_folder)
        model.load()
        table = read_table(data, self.risk)
        if training["data_sha256"] == table.sha256:
            table, risk = without_rare(table, self.risk)
            say("judging everybody by models made without him")
            figures = risk_evaluation.cross_validated(table, risk, settings_of(RiskSettings, training["settings"]), job)
            manifest = json.loads((model_folder / MANIFEST).read_text(encoding="utf-8"))
            restate(model_folder, risk_card.texts(risk, manifest, training, figures, len(table.labels)), say)
        else:
            seen = set(training["patient_marks"])
            new = np.array([row_mark(row) not in seen for row in table.rows])
            if len(set(table.labels[new].tolist())) < 2:
                raise UserFacingError("learning.nobody_new", model=self.name)
            say(f"asking the model about {int(new.sum())} people it has not learned from")
            figures = risk_evaluation.shipped(model, table.part(new), self.risk, job)
        model.close()
        return EvaluationRecord(
            model=self.name,
            version=training["version"],
            sha256=training["sha256"],
            data_sha256=table.sha256,
            films=len(table.labels),
            figures=figures,
            study=[],
        )


def _software() -> dict[str, str]:
    import onnx

    return {"numpy": np.__version__, "onnx": onnx.__version__}
