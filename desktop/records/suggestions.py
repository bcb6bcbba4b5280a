"""What a model suggests, exactly as it was said."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.records.ids import InstanceId, StudyId, SuggestionId


class Decision(StrEnum):
    """The three-way answer."""

    LIKELY = "likely"
    UNLIKELY = "unlikely"
    CANNOT_SAY = "cannot_say"


class AnalysisStatus(StrEnum):
    """ok; refused: readable, but not for this model; error: unreadable."""

    OK = "ok"
    REFUSED = "refused"
    ERROR = "error"


@dataclass(frozen=True)
class Coding:
    """A code of a terminology, FHIR Coding."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True)
class Contribution:
    """What one value adds to the log-odds of a finding. key: its column."""

    key: str
    log_odds: float


@dataclass(frozen=True)
class Finding:
    """One thing a model speaks of.

    key: stable slug from the manifest. probability: calibrated, 0 to 1. reason: key of the sentence that says why the
    decision is what it is (`inference.reason.…`), may be empty. about: keys of the columns it speaks of.
    grade: where the model grades, else None. baseline: log-odds of the average person a model of tables learned from,
    contributions: what each column adds to it; None and empty for other models.
    """

    key: str
    name: str
    probability: float
    decision: Decision
    codings: tuple[Coding, ...] = ()
    reason: str = ""
    about: tuple[str, ...] = ()
    grade: int | None = None
    baseline: float | None = None
    contributions: tuple[Contribution, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError("a probability lies between 0 and 1")


@dataclass(frozen=True)
class QualityProblem:
    """Why a picture is not good enough. key: slug such as `rotated`; the sentence is `inference.quality.<key>`,
    what to do about it `inference.quality.<key>.advice`."""

    key: str


@dataclass(frozen=True)
class Quality:
    """What the quality gate found."""

    ok: bool
    problems: tuple[QualityProblem, ...] = ()


@dataclass(frozen=True, eq=False)
class Activation:
    """Where the model looked.

    heat: (rows, columns) float32 in 0..1, coarse. box: the part of the picture it covers as fractions
    (left, top, right, bottom) of the picture's width and height.
    """

    finding: str
    heat: npt.NDArray[np.float32]
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Provenance:
    """What made a suggestion. sha256: of model.onnx. input_sha256: of the prepared input. device: really used."""

    model: str
    version: str
    sha256: str
    device: str
    input_sha256: str
    milliseconds: float


@dataclass(frozen=True, eq=False)
class Analysis:
    """One model's answer to one picture. reason: key of a sentence where status is not ok, else empty."""

    status: AnalysisStatus
    provenance: Provenance
    quality: Quality
    findings: tuple[Finding, ...] = ()
    activations: tuple[Activation, ...] = ()
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Suggestion:
    """An analysis kept with a study. Never edited."""

    id: SuggestionId
    study: StudyId
    instance: InstanceId
    analysis: Analysis
    created: datetime
