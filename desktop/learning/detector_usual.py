"""What a detector of two sorts usually says of a whole photograph, and what it says of photographs of other kinds.

numpy and ONNX Runtime only.
"""

import glob
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.inference.detection_model import DetectionModel
from desktop.inference.subject import Subject
from desktop.inference.usual_answers import NUMBERS, Usual, UsualAnswers
from desktop.jobs import Job
from desktop.learning.detector_sets import DetectorSet, Strangers
from desktop.learning.films import read_picture
from desktop.learning.records import Json
from desktop.learning.statistics import interval, wilson
from desktop.records import AnalysisStatus, Picture

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SHRUNKEN = 0.05
_LEAST_SPREAD = 0.02
"""Of each number: no photographs are so alike that another may not differ by that."""
_FEWEST = 2
_MOST = 60
"""Photographs of another kind are looked at, about so many."""


def fit_usual(numbers: Floats, parts: Ints, runs: Sequence[int], refused: float) -> UsualAnswers | None:
    """What is usual, from what each photograph's own held-out member says of it, `numbers_of` (n, NUMBERS).

    The limit leaves out that share of photographs, each held against what the same member says of the other runs of its
    part: neighbours resemble each other. None where there are too few photographs for that, or none may be refused.
    """
    away = _left_out(numbers, parts, np.asarray(runs))
    if away is None or refused <= 0:
        return None
    members = tuple(_usual(numbers[parts == number]) for number in range(int(parts.max()) + 1))
    return UsualAnswers(members, round(float(np.quantile(away, 1 - refused)), 4))


def kept(numbers: Floats, parts: Ints, runs: Sequence[int], refused: float) -> Json:
    """The share of photographs that is answered: each held against the other runs of its part, with the limit of the
    other parts. None where `fit_usual` gives none."""
    away = _left_out(numbers, parts, np.asarray(runs))
    if away is None or refused <= 0 or len(np.unique(parts)) < 2:
        return None
    limits = [np.quantile(away[parts != number], 1 - refused) for number in range(int(parts.max()) + 1)]
    return interval(wilson(int((away <= np.array(limits)[parts]).sum()), len(away)))


def _left_out(numbers: Floats, parts: Ints, runs: Ints) -> Floats | None:
    """(n,) how far each photograph is from the other runs of its part; None where there are none."""
    away = np.zeros(len(numbers))
    for number in np.unique(parts):
        for run in np.unique(runs[parts == number]):
            own, others = (parts == number) & (runs == run), (parts == number) & (runs != run)
            if np.count_nonzero(others) < _FEWEST:
                return None
            usual = _usual(numbers[others])
            away[own] = [usual.away(one) for one in numbers[own]]
    return away


def _usual(numbers: Floats) -> Usual:
    covariance = np.atleast_2d(np.cov(numbers.T))
    plain = np.diag(np.diag(covariance))
    held = (1 - _SHRUNKEN) * covariance + _SHRUNKEN * plain + np.eye(NUMBERS) * _LEAST_SPREAD**2
    precision = np.linalg.inv(held).ravel()
    return Usual(
        tuple(round(float(value), 5) for value in numbers.mean(axis=0)),
        tuple(round(float(value), 5) for value in precision),
    )


def asked_strangers(model: DetectionModel, wanted: DetectorSet, data: Path, job: Job) -> list[Json]:
    """What the model says to photographs of other kinds, as far as the data folder holds any."""
    rows: list[Json] = []
    for strangers in wanted.strangers:
        paths = sorted(glob.glob(str(data / strangers.places)))
        if paths:
            rows.append(_asked(model, strangers, paths[:: -(-len(paths) // _MOST)], wanted, job))
    return rows


def _asked(model: DetectionModel, strangers: Strangers, paths: Sequence[str], wanted: DetectorSet, job: Job) -> Json:
    refused, counted = 0, dict.fromkeys((kind.key for kind in wanted.kinds), 0)
    for path in paths:
        job.check()
        answer = model.analyse(made_smaller(read_picture(Path(path)), strangers.scale), Subject(), job)
        refused += answer.status is AnalysisStatus.REFUSED
        for count in answer.counts:
            counted[count.kind] += count.number
    return {
        "name": strangers.name,
        "photographs": len(paths),
        "refused": interval(wilson(refused, len(paths))),
        "counted": {**counted},
    }


def made_smaller(picture: Picture, scale: float) -> Picture:
    """A photograph of the same size on which everything is smaller: the small copy and its mirror images, side by
    side. As it is where scale is 1."""
    if scale == 1:
        return picture
    from PIL import Image

    rows, columns = picture.pixels.shape[:2]
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = np.asarray(Image.fromarray(picture.pixels).resize(size, Image.Resampling.BOX))
    across = np.concatenate([small, small[:, ::-1]] * -(-columns // (2 * size[0])), axis=1)
    whole = np.concatenate([across, across[::-1]] * -(-rows // (2 * size[1])), axis=0)
    return replace(picture, pixels=np.ascontiguousarray(whole[:rows, :columns]))
