"""Cells spoilt on purpose: how far the operating point moves, and how many are refused then."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from desktop.jobs import Job
from desktop.learning.cells import Cell
from desktop.learning.picture_changes import (
    Change,
    blur,
    exposure,
    gamma,
    in_turn,
    jpeg,
    noise,
    scale,
    turn,
    vignette,
)
from desktop.learning.records import Json
from desktop.learning.robustness import Fared, by_kind, losses
from desktop.learning.statistics import auc

if TYPE_CHECKING:
    from desktop.learning.cell_evaluation import Examiner

FloatArray = npt.NDArray[np.float32]
CELLS = 240

# What another microscope, camera, stain or hand may do to the same cell.
CHANGES: Mapping[str, Change] = {
    "as it is": lambda light: light,
    "noise 0.03": noise(0.03),
    "noise 0.06": noise(0.06),
    "blur 1 % of the side": blur(0.01),
    "blur 2.5 % of the side": blur(0.025),
    "lamp × 0.6": exposure(0.6),
    "lamp × 1.2": exposure(1.2),
    "gamma 0.7": gamma(0.7),
    "gamma 1.4": gamma(1.4),
    "JPEG quality 25": jpeg(25),
    "half the pixels": scale(0.5),
    "warm light": exposure(1.08, 0.95, 0.8),
    "stain shifted to blue": gamma(1.3, 1.1, 0.8),
    "paler stain": gamma(0.75, 0.7, 0.8),
    "turned 40 degrees": turn(40),
    "phone through the eyepiece": in_turn(
        (vignette(0.3), blur(0.012), exposure(1.05, 0.95, 0.85), noise(0.02), jpeg(40))
    ),
}


def run(
    examiner: "Examiner",
    cells: Sequence[Cell],
    lights: Sequence[FloatArray],
    infected: set[str],
    member: int | None,
    job: Job,
) -> tuple[dict[str, Json], list[Json]]:
    """For each change: AUC, and at one half the sensitivity, the specificity within patients and in healthy people, how
    many changed sides, and how many are refused. And what is lost of the mean of the three, see `robustness`. infected:
    patients who have a parasite."""
    chosen = np.random.default_rng(5).permutation(len(cells))[:CELLS]
    labels = np.array([cells[index].parasitized for index in chosen])
    sick = np.array([cells[index].patient in infected for index in chosen])
    spec = examiner.manifest.findings[0]
    kinds = np.where(labels, 2, sick.astype(np.int64))
    found: dict[str, Json] = {}
    fared: list[Fared] = []
    usual: npt.NDArray[np.bool_] | None = None
    for name, change in CHANGES.items():
        spoilt = [change(lights[index]) for index in chosen]
        logits, distances = examiner.ask(spoilt, job, member)
        called = np.array([spec.calibration.probability(float(logit)) >= 0.5 for logit in logits])
        usual = called if usual is None else usual
        refused = np.array([bool(examiner.problems(one)) for one in spoilt])
        refused |= distances > examiner.manifest.refused_distance
        found[name] = {
            "auc": round(auc(logits, labels), 4),
            "sensitivity": _mean(called[labels]),
            "specificity_patients": _mean(~called[~labels & sick]),
            "specificity_healthy": _mean(~called[~labels & ~sick]),
            "changed_sides": _mean(called != usual),
            "refused": _mean(refused),
        }
        fared.append(Fared(name, {spec.key: by_kind(called == labels, kinds, 3)}, refused))
    return found, losses(fared, [cells[index].patient for index in chosen])


def _mean(shares: npt.NDArray[np.bool_]) -> float | None:
    return round(float(shares.mean()), 4) if len(shares) else None
