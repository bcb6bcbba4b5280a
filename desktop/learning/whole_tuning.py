"""A whole network learning on from a clinic's own confirmed pictures: what it takes, and what may come of it.

Other than a correction of the head (`head_tuning`), everything the shipped training learned may move, in all networks
of the model together. Each of those once left out a part of the patients it was first taught with, who judged it; their
pictures are not in a clinic, so that part of the design ends here: all of them learn from the clinic's patients but the
locked ones, and those alone judge. What keeps it from wandering:

- it starts from the shipped weights and is drawn back to them: half the squared distance from them is part of the loss
  (L2-SP: Li, Grandvalet, Davoine, ICML 2018), at a small learning rate;
- what nobody said of a picture stays as the shipped network has it: its own answers are the targets there (learning
  without forgetting: Li, Hoiem, ECCV 2016), for other findings and for hints;
- statistics of normalisation stay as they are;
- it stops where an inner part of the learned-from patients, drawn like the locked one, no longer gains, and counts for
  nothing unless it gains there by more than a standard error.

How far an answer may move is not bounded as a correction's is. So the gate asks more: no finding may be worse on the
locked patients, whether it was learned or not; one that cannot be compared there must keep its decisions. A hint that
does not keep them falls silent: nobody labels hints, and saying less is never wrong.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import ConformalThresholds
from desktop.learning.child_settings import usable_cores
from desktop.learning.head_tuning import LEAST_LOCKED, Enough
from desktop.learning.statistics import wilson

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

INNER_SHARE = 0.2
"""Of the patients who are learned from: those who say when to stop."""
LEAST_OF_EACH_ALL = round(LEAST_LOCKED / INNER_SHARE)
"""Cases with a finding, and without it, under which no whole network learns: the inner part needs as many of either as
the locked one, or it stops by chance."""
KEPT_DECISIONS = 0.98
"""Share of locked pictures on which a finding that cannot be compared must decide as before."""

# The slope is kept near 1 and the offset near 0 as if so many cases more had been seen that say so.
_AS_IF = 10.0
_BOLDEST = 2.0
SAME = 1e-3
"""Largest difference of two libraries that say the same, in shares of an output's largest value."""


@dataclass(frozen=True)
class WholeSettings:
    """rate: highest learning rate, falling to none over all epochs. anchor: weight of half the squared distance from
    the shipped weights. keep: of staying with its own answers where nobody said anything. patience: epochs without a
    gain before it stops. threads: only changes the speed."""

    seed: int = 41
    epochs: int = 8
    batch: int = 16
    rate: float = 1e-4
    anchor: float = 0.01
    keep: float = 1.0
    patience: int = 3
    threads: int = field(default_factory=usable_cores)


@dataclass(frozen=True, eq=False)
class Material:
    """What a whole network learns from. pictures: (n, *input shape) float16, as the network is given them. truths: (n,
    findings) probability that a finding is there, NaN where nobody said. weights: (n, findings). inner: (n,) whose
    patients say when to stop; they are not learned from. calibration: (findings, 2), temperature and offset of each."""

    pictures: npt.NDArray[np.float16]
    truths: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    inner: Bools
    calibration: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Proof:
    """What ONNX Runtime says of the golden picture: PyTorch must say the same before anything is learned. image: (1,
    *input shape) float32; outputs: by name, without the first axis."""

    image: npt.NDArray[np.float32]
    outputs: Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class WholeEpoch:
    """One round. loss: mean log-loss of the inner part, over all findings that are learned; epoch 0: as shipped."""

    epoch: int
    training_loss: float
    loss: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Learned:
    """What came of it. graph: the file, empty where nothing was gained. before, after: raw logits (inner, findings) of
    the inner part; distances the same. curve: with epoch 0."""

    graph: bytes
    curve: tuple[WholeEpoch, ...]
    best_epoch: int
    before: Floats
    after: Floats
    distances_before: Floats
    distances_after: Floats


@dataclass(frozen=True)
class WholeEnough:
    """Whether a whole network may learn a finding. missing_*: how many more cases are needed."""

    enough: Enough

    @property
    def missing_present(self) -> int:
        """Cases with the finding wanting."""
        return max(0, LEAST_OF_EACH_ALL - self.enough.present)

    @property
    def missing_absent(self) -> int:
        """Cases without it wanting."""
        return max(0, LEAST_OF_EACH_ALL - self.enough.absent)

    @property
    def to_learn(self) -> bool:
        """Whether it may."""
        return not (self.missing_present or self.missing_absent)


def is_inner(patient: str, key: str) -> bool:
    """Whether a patient who is not locked says when to stop. key: as for `is_locked`."""
    mark = hashlib.blake2b(patient.encode(), key=hashlib.blake2b(f"{key}/inner".encode()).digest(), digest_size=8)
    return int.from_bytes(mark.digest(), "big") < INNER_SHARE * 2**64


def recalibrated(raw: Floats, truth: Floats, weight: Floats, temperature: float, offset: float) -> tuple[float, float]:
    """Temperature and offset that fit what the learned network says, (n,) raw logits, to what was true; drawn towards
    those it had. By Newton's method on the calibrated log-odds z: slope · z + shift."""
    z = raw / temperature + offset
    slope, shift = 1.0, 0.0
    for _ in range(50):
        said = 1.0 / (1.0 + np.exp(-np.clip(slope * z + shift, -60, 60)))
        error, curve = weight * (said - truth), weight * said * (1 - said)
        gradient = np.array([float(error @ z) + _AS_IF * (slope - 1), float(error.sum()) + _AS_IF * shift])
        inner = float(curve @ z)
        matrix = np.array([[float(curve @ z**2) + _AS_IF, inner], [inner, float(curve.sum()) + _AS_IF]])
        step = np.linalg.solve(matrix, gradient)
        slope, shift = slope - float(step[0]), shift - float(step[1])
        if float(np.abs(step).max()) < 1e-9:
            break
    slope = min(max(slope, 1 / _BOLDEST), _BOLDEST)
    return temperature / slope, slope * offset + shift


def gain(material: Material, learned: Learned) -> tuple[float, float]:
    """By how much the log-loss of the inner part fell, over all findings that are learned, and its standard error; not
    calibrated anew."""
    temperature, offset = material.calibration[:, 0], material.calibration[:, 1]
    truths, weights = material.truths[material.inner].astype(np.float64), material.weights[material.inner]
    known = np.isfinite(truths) & (weights > 0)
    falls = [_loss(raw / temperature + offset, np.nan_to_num(truths)) for raw in (learned.before, learned.after)]
    fall = (falls[0] - falls[1])[known]
    share = weights[known] / weights[known].sum()
    mean = float(share @ fall)
    return mean, float(np.sqrt((share**2) @ (fall - mean) ** 2))


def _loss(z: Floats, truth: Floats) -> Floats:
    found: Floats = np.logaddexp(0.0, z) - truth * z
    return found


def farther(learned: Learned) -> float:
    """What limits of distance from what the network first learned from are multiplied by, so that as many of the inner
    part are strange to it as before: its features have moved, the place they are measured from has not."""
    if len(learned.distances_before) == 0:
        return 1.0
    before, after = (float(np.quantile(one, 0.95)) for one in (learned.distances_before, learned.distances_after))
    return after / before if before > 0 and math.isfinite(after) else 1.0


def keeps_decisions(before: Floats, after: Floats, thresholds: ConformalThresholds) -> bool:
    """Whether a finding that cannot be compared decides as before on enough pictures. before, after: (n,) calibrated
    log-odds of all locked pictures. Nothing can be said of fewer than the locked part needs of one kind."""
    if len(before) < LEAST_LOCKED:
        return False
    chances = [1.0 / (1.0 + np.exp(-np.clip(one, -60, 60))) for one in (before, after)]
    pairs = zip(*chances, strict=True)
    same = sum(thresholds.decide(float(one)) is thresholds.decide(float(two)) for one, two in pairs)
    return same >= KEPT_DECISIONS * len(before)


def refuses_more(before: int, after: int, pictures: int) -> bool:
    """Whether more of the locked pictures are strange to the challenger, beyond the interval of the model in use."""
    return pictures > 0 and after / pictures > wilson(before, pictures).high


def identity(graph: bytes, material: Material, settings: WholeSettings, asked: Sequence[str]) -> str:
    """Changes with anything that changes what is learned; a checkpoint of another is not gone on from."""
    mark = hashlib.sha256(graph)
    for part in (material.pictures, material.truths, material.weights, material.inner, material.calibration):
        mark.update(np.ascontiguousarray(part).tobytes())
    lasting: Mapping[str, object] = {name: value for name, value in vars(settings).items() if name != "threads"}
    mark.update(repr((sorted(lasting.items()), tuple(asked))).encode())
    return mark.hexdigest()
