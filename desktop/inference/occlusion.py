"""What happens to an answer when a part of the picture is hidden: a second way to see what it hangs on.

A grey patch slides over what the network sees, half its side at a time, filled with the mean of what lies around it
(Zeiler and Fergus 2014). The activation overlay shows where the network found evidence; this shows what the answer
would be without it. Nothing that was said is changed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError
from desktop.inference.manifest import FindingSpec
from desktop.inference.picture_model import PictureModel
from desktop.jobs import Job
from desktop.records import Activation, Picture

FloatArray = npt.NDArray[np.float32]

AGREES, AGREES_IN_PART = 0.5, 0.25
"""Rank correlations from which on two maps are said to agree."""
LEAST_FALL = 0.2
"""Log-odds. Where no hidden part lowers them by so much, no single part matters."""


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How an answer changes with a part hidden.

    map: how far the log-odds fall, as a share of the greatest fall; None where no single part matters. before: the
    probability of the whole picture; lowest, highest: with the part hidden that matters most, either way. agreement:
    rank correlation with the activation, -1 to 1, None where there is nothing to compare. hidden: how many places.
    """

    map: Activation | None
    before: float
    lowest: float
    highest: float
    agreement: float | None
    hidden: int


def hide_parts(model: PictureModel, picture: Picture, finding: str, job: Job) -> Occlusion:
    """Hide one part of a picture after the other. Takes some seconds; reports how far it is.

    Raises UserFacingError for a model that sees no places, KeyError for a finding it does not know, KnownFailure where
    the weights are damaged, Cancelled.
    """
    prepared, spec = model.prepared(picture), model.manifest.finding(finding)
    if prepared.tensor.ndim != 4 or not model.has_maps:
        raise UserFacingError("explaining.not_this_model")
    whole = model.answers(prepared.tensor)
    before = _log_odds(whole["logits"], spec)[0]
    side = prepared.tensor.shape[-1]
    patch = max(2, round(side * model.manifest.occlusion))
    places = _places(side, patch)
    answers = np.empty((len(places), len(places)), dtype=np.float64)
    for number, top in enumerate(places):
        job.report("workflow.progress.hiding", number, len(places))
        row = np.concatenate([_hidden(prepared.tensor, top, left, patch) for left in places])
        answers[number] = _log_odds(model.answers(row)["logits"], spec)
    falls = _spread(before - answers, places, patch, side)
    greatest = float(np.max(before - answers))
    heat = np.clip(falls, 0, None) / max(float(falls.max()), 1e-9)
    activation = whole["activation"][0][spec.output]
    return Occlusion(
        map=Activation(finding, heat.astype(np.float32), prepared.box) if greatest >= LEAST_FALL else None,
        before=_probability(before),
        lowest=_probability(float(answers.min())),
        highest=_probability(float(answers.max())),
        agreement=agreement(falls, activation) if greatest >= LEAST_FALL else None,
        hidden=answers.size,
    )


def agreement(falls: npt.NDArray[np.floating], activation: FloatArray) -> float | None:
    """Spearman's rank correlation of two maps of the same part, the second brought to the first one's size; None where
    either is flat."""
    from PIL import Image

    rows, columns = falls.shape
    positive = Image.fromarray(np.maximum(activation, 0.0).astype(np.float32))
    other = np.asarray(positive.resize((columns, rows), Image.Resampling.BILINEAR))
    one, two = _ranks(falls.ravel()), _ranks(other.ravel())
    if one.std() == 0 or two.std() == 0:
        return None
    return float(np.corrcoef(one, two)[0, 1])


def _ranks(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Places in order, equal values sharing one."""
    unique, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    ranks: npt.NDArray[np.float64] = ((ends - count + ends - 1) / 2)[place].astype(np.float64)
    return ranks if len(unique) else np.zeros(0)


def _places(side: int, patch: int) -> list[int]:
    """Where patches begin: every half patch, the last one at the edge."""
    places = list(range(0, side - patch + 1, max(1, patch // 2)))
    return places if places[-1] == side - patch else [*places, side - patch]


def _hidden(tensor: FloatArray, top: int, left: int, patch: int) -> FloatArray:
    """A copy with a patch filled with the mean of a ring of half its side around it, of each channel."""
    around, side = patch // 2, tensor.shape[-1]
    high, low = max(0, top - around), min(side, top + patch + around)
    near, far = max(0, left - around), min(side, left + patch + around)
    window, inside = tensor[:, :, high:low, near:far], tensor[:, :, top : top + patch, left : left + patch]
    ring = window.sum(axis=(2, 3), dtype=np.float64) - inside.sum(axis=(2, 3), dtype=np.float64)
    size = window.shape[2] * window.shape[3] - patch * patch
    made = tensor.copy()
    made[:, :, top : top + patch, left : left + patch] = (ring / size)[:, :, None, None]
    return made


def _spread(falls: npt.NDArray[np.float64], places: list[int], patch: int, side: int) -> npt.NDArray[np.float64]:
    """For each half patch of the square, the mean fall of all patches that hid its middle."""
    cell = max(1, patch // 2)
    count = -(-side // cell)
    total, times = np.zeros((count, count)), np.zeros((count, count))
    middles = np.minimum(np.arange(count) * cell + cell / 2, side - 0.5)
    for row, top in enumerate(places):
        down = (middles >= top) & (middles < top + patch)
        for at, left in enumerate(places):
            covered = np.outer(down, (middles >= left) & (middles < left + patch))
            total[covered] += falls[row, at]
            times[covered] += 1
    return total / np.maximum(times, 1)


def _log_odds(logits: FloatArray, spec: FindingSpec) -> npt.NDArray[np.float64]:
    """Calibrated. logits: (n, findings) → (n,)."""
    calibration = spec.calibration
    return logits[:, spec.output].astype(np.float64) / calibration.temperature + calibration.offset


def _probability(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(log_odds, -700.0, 700.0))))
