"""A model that reads one row of a table and says what each value adds: exact, since the model is a sum."""

import threading
import time
from pathlib import Path

import numpy as np

from desktop.errors import ErrorKind, KnownFailure
from desktop.i18n import Language
from desktop.inference.manifest import TensorSpec
from desktop.inference.model import Model
from desktop.inference.preparation import fingerprint
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.subject import Subject
from desktop.inference.table_manifest import TableManifest
from desktop.inference.table_row import Encoded, Row, encode
from desktop.inference.withheld import withhold
from desktop.jobs import Job
from desktop.records import Analysis, AnalysisStatus, Contribution, Decision, Finding, Provenance, Quality, Sex

MEASURE = "inference.reason.measure"
OUTSIDE = "inference.reason.value_outside"
BETWEEN = "inference.reason.value_between"
OTHER_SEX = "inference.reason.other_sex"

_AGE, _OLDEST = "age", 150.0

# Of single precision, over some dozens of columns.
_ROUNDING = 1e-3


class TableModel(Model):
    """log-odds = baseline + the sum of the columns' contributions."""

    def __init__(self, manifest: TableManifest, folder: Path) -> None:
        super().__init__(manifest, folder)
        self.manifest = manifest
        self._runner: OnnxRunner | None = None
        self._loading = threading.Lock()

    def fits(self, row: Row) -> bool:
        """Whether the model knows every column that has a value, and there is one."""
        given = {key for key, value in row.items() if value is not None}
        return bool(given) and given <= {column.key for column in self.manifest.columns}

    def analyse(self, row: Row, job: Job, sex: Sex | None = None) -> Analysis:
        """The finding for one person's values. sex: as far as it is known beside the row.

        Raises UserFacingError for a column the model does not know and for what is no number, KnownFailure where the
        weights are damaged or the graph misbehaves, and Cancelled.
        """
        started = time.perf_counter()
        encoded = encode(self.manifest.columns, row)
        runner = self._ready()
        job.check()
        finding = self._finding(encoded, runner, sex)
        (finding,) = withhold((finding,), self.manifest.withheld, Subject(self._age(encoded), sex))
        milliseconds = (time.perf_counter() - started) * 1000.0
        provenance = Provenance(
            self.name, self.version, self.sha256, runner.device, fingerprint(encoded.tensor), round(milliseconds, 1)
        )
        return Analysis(AnalysisStatus.OK, provenance, Quality(True), (finding,))

    def load(self) -> None:
        """Read and check the weights now rather than with the first row. Raises what `analyse` raises."""
        self._ready()

    def close(self) -> None:
        """Let go of the session's memory; the next question loads it again."""
        with self._loading:
            self._runner = None

    def _golden_difference(self) -> tuple[float, float]:
        golden = self.manifest.golden
        outputs = self._ready().run(np.array([golden.values], dtype=np.float32))
        found = np.concatenate([outputs["logits"], outputs["contributions"]]).astype(np.float64)
        return float(np.max(np.abs(found - np.array([golden.logit, *golden.contributions])))), golden.tolerance

    def _finding(self, encoded: Encoded, runner: OnnxRunner, sex: Sex | None) -> Finding:
        """Raises KnownFailure where the parts do not add up to the whole."""
        spec = self.manifest.findings[0]
        outputs = runner.run(encoded.tensor)
        total = self.manifest.baseline + float(np.sum(outputs["contributions"], dtype=np.float64))
        if abs(total - float(outputs["logits"][0])) > _ROUNDING:
            raise KnownFailure("inference.bad_output", kind=ErrorKind.IO)
        probability = spec.calibration.probability(float(outputs["logits"][0]))
        decision, reason = spec.thresholds.decide(probability), ""
        about: tuple[str, ...] = ()
        if sex in (Sex.FEMALE, Sex.MALE) and self.manifest.sexes and sex not in self.manifest.sexes:
            decision, reason = Decision.CANNOT_SAY, OTHER_SEX
        elif self._missing_weight(encoded) > self.manifest.missing_limit:
            decision, reason, about = Decision.CANNOT_SAY, MEASURE, self._most_telling(encoded.absent)
        elif encoded.outside:
            decision, reason, about = Decision.CANNOT_SAY, OUTSIDE, encoded.outside
        elif decision is Decision.CANNOT_SAY:
            reason = BETWEEN
        return Finding(
            spec.key,
            spec.names.text(Language.ENGLISH),
            probability,
            decision,
            spec.codings,
            reason,
            about=about,
            baseline=self.manifest.baseline,
            contributions=tuple(
                Contribution(column.key, float(value))
                for column, value in zip(self.manifest.columns, outputs["contributions"], strict=True)
            ),
        )

    def _age(self, encoded: Encoded) -> float | None:
        """As the row tells it; None where it does not, or tells what can be nobody's."""
        for place, column in enumerate(self.manifest.columns):
            if column.key.lower() == _AGE and 0 <= (years := float(encoded.tensor[0, place])) <= _OLDEST:
                return years
        return None

    def _missing_weight(self, encoded: Encoded) -> float:
        return sum(column.weight for column in self.manifest.columns if column.key in encoded.absent)

    def _most_telling(self, absent: tuple[str, ...]) -> tuple[str, ...]:
        """Up to five of the absent columns, the one of most weight first."""
        columns = [column for column in self.manifest.columns if column.key in absent]
        return tuple(column.key for column in sorted(columns, key=lambda column: -column.weight)[:5])

    def _ready(self) -> OnnxRunner:
        with self._loading:
            if self._runner is None:
                count = len(self.manifest.columns)
                self._runner = OnnxRunner(
                    read_weights(self._folder, self.manifest.weights),
                    TensorSpec("values", (count,)),
                    (TensorSpec("logits", (1,)), TensorSpec("contributions", (count,))),
                    threads=1,
                )
            return self._runner
