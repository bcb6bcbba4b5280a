"""What a model suggests, exactly as it was said."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.records.ids import InstanceId, LaterAnswerId, StudyId, SuggestionId, UserId


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


class BeatKind(StrEnum):
    """Classes of heartbeats (ANSI/AAMI EC57): of the sinus node or a bundle branch and escapes, above the ventricles,
    in them, a fusion of both, unsure."""

    NORMAL = "N"
    SUPRAVENTRICULAR = "S"
    VENTRICULAR = "V"
    FUSION = "F"
    UNSURE = "Q"


@dataclass(frozen=True)
class Beat:
    """A heartbeat. sample: of its QRS, counted from 0 at the recording's own rate."""

    sample: int
    kind: BeatKind

    def __post_init__(self) -> None:
        if self.sample < 0:
            raise ValueError("samples are counted from 0")


@dataclass(frozen=True)
class Episode:
    """A stretch of a recording in which a finding holds. start, end: samples at its own rate, end exclusive."""

    key: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError("an episode has a length")


@dataclass(frozen=True)
class DetectedBox:
    """Where something lies in a picture. x, y: its top left corner; all in pixels of the file. kind: slug of the class
    named; probability: that it is one, 0 to 1."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    probability: float

    def __post_init__(self) -> None:
        if not (self.width > 0 and self.height > 0 and 0.0 <= self.probability <= 1.0):
            raise ValueError("a box has a size, and a probability lies between 0 and 1")


@dataclass(frozen=True)
class Count:
    """How many of a kind were found at the operating point. low, high: between which the true number usually lies;
    None where the model does not tell."""

    kind: str
    number: int
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        low = self.number if self.low is None else self.low
        high = self.number if self.high is None else self.high
        if not 0 <= low <= self.number <= high:
            raise ValueError("nothing is counted below 0, and a count lies in its interval")


@dataclass(frozen=True)
class Mask:
    """Which pixels belong to something. key: slug, such as `vessels`. png: of the picture's size, one channel of 8
    bits, 0 or 255."""

    key: str
    png: bytes


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
    """One model's answer to one picture, trace or row. reason: key of a sentence where status is not ok, else empty.

    beats: in order of time. counts: one for each kind the model boxes, none for other models. tiles: in how many parts
    it looked at a picture whose things were too small to be seen in the whole, 0 where it saw it whole.
    """

    status: AnalysisStatus
    provenance: Provenance
    quality: Quality
    findings: tuple[Finding, ...] = ()
    activations: tuple[Activation, ...] = ()
    reason: str = ""
    beats: tuple[Beat, ...] = ()
    episodes: tuple[Episode, ...] = ()
    boxes: tuple[DetectedBox, ...] = ()
    counts: tuple[Count, ...] = ()
    masks: tuple[Mask, ...] = ()
    tiles: int = 0

    def __post_init__(self) -> None:
        if self.tiles < 0:
            raise ValueError("tiles are counted from 0")


@dataclass(frozen=True, eq=False)
class Suggestion:
    """An analysis kept with a study. Never edited. taken_with: maker and model of what took the picture or trace, as
    its file says."""

    id: SuggestionId
    study: StudyId
    instance: InstanceId
    analysis: Analysis
    created: datetime
    taken_with: str = ""


@dataclass(frozen=True, eq=False)
class LaterAnswer:
    """What a version of a model says of a picture or trace whose truth was known before it was asked: for judging the
    model, never for the patient, and shown to nobody.

    analysis: without maps, masks, beats and boxes. author: who had it asked. taken_with: as of a suggestion.
    """

    id: LaterAnswerId
    study: StudyId
    instance: InstanceId
    analysis: Analysis
    created: datetime
    author: UserId
    taken_with: str = ""
