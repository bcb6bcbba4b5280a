"""Films spoilt on purpose: how far the operating point moves, and what the gate does about it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from desktop.imaging import display
from desktop.jobs import Job
from desktop.learning.child_manifest import KEY
from desktop.learning.films import Film, read_picture
from desktop.learning.picture_changes import PHONE_AT_FILM, blur, exposure, gamma, jpeg, noise, stretch, turn
from desktop.learning.records import Json
from desktop.learning.robustness import Fared, losses, two_sided
from desktop.learning.statistics import auc
from desktop.records import FileHeader, Modality, Photometric, Picture

if TYPE_CHECKING:
    from desktop.learning.child_evaluation import Examiner, Judged

FloatArray = npt.NDArray[np.float32]
_FILMS = 300


def _frame(share: float) -> Callable[[FloatArray], FloatArray]:
    """A black frame of `share` of each side around the film."""

    def change(grey: FloatArray) -> FloatArray:
        down, across = int(grey.shape[0] * share), int(grey.shape[1] * share)
        return np.pad(grey, ((down, down), (across, across)))

    return change


# Mild changes a clinic's own machine, scanner or export may make; a good model keeps its answer.
CHANGES: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "as it is": lambda grey: grey,
    "noise 0.03": noise(0.03),
    "noise 0.08": noise(0.08),
    "blur 0.5 % of the side": blur(0.005),
    "blur 1 % of the side": blur(0.01),
    "gamma 0.7": gamma(0.7),
    "gamma 1.4": gamma(1.4),
    "exposure × 0.6": exposure(0.6),
    "exposure × 1.3": exposure(1.3),
    "JPEG quality 20": jpeg(20),
    "turned 7 degrees": turn(7),
    "black frame 8 %": _frame(0.08),
    "stretched to 224 × 224": stretch(224),
    "phone photograph of the film": PHONE_AT_FILM,
}


def run(examiner: "Examiner", judged: "Judged", job: Job) -> tuple[dict[str, Json], list[Json]]:
    """For each change: AUC, sensitivity and specificity at one half, mean shift of the probability, and refusals. And
    what is lost there, see `robustness`."""
    random = np.random.default_rng(5)
    chosen = random.permutation(len(judged.films))[:_FILMS]
    greys = [display.grey(read_picture(judged.films[index].path)) for index in chosen]
    labels = judged.labels[chosen]
    calibration = examiner.manifest.finding(KEY).calibration
    found: dict[str, Json] = {}
    fared: list[Fared] = []
    usual: npt.NDArray[np.float64] | None = None
    for name, change in CHANGES.items():
        probabilities, refused = np.zeros(len(chosen)), np.zeros(len(chosen), dtype=bool)
        for place, (index, grey) in enumerate(zip(chosen, greys, strict=True)):
            job.check()
            spoilt = change(grey)
            said = examiner.ask(spoilt, int(judged.parts[index]))
            probabilities[place] = calibration.probability(said.logit)
            refused[place] = bool(examiner.problems(as_picture(spoilt), spoilt))
        usual = probabilities if usual is None else usual
        called = probabilities >= 0.5
        found[name] = {
            "auc": round(auc(probabilities, labels), 4),
            "sensitivity": round(float(called[labels].mean()), 4),
            "specificity": round(float((~called[~labels]).mean()), 4),
            "mean_shift": round(float(np.mean(probabilities - usual)), 4),
            "changed_sides": round(float(np.mean(called != (usual >= 0.5))), 4),
            "refused": round(float(refused.mean()), 4),
        }
        fared.append(Fared(name, {KEY: two_sided(called, labels)}, refused))
    return found, losses(fared, [judged.films[index].group for index in chosen])


def as_picture(grey: FloatArray) -> Picture:
    """Grey values as a file of 8 bits would hold them."""
    pixels = np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)
    return Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=Modality.PHOTO))


def _left_half(grey: FloatArray) -> FloatArray:
    return grey[:, : grey.shape[1] // 2]


def _corner(grey: FloatArray) -> FloatArray:
    return grey[: int(grey.shape[0] * 0.4), : int(grey.shape[1] * 0.4)]


# Changes after which a film must not be judged any more.
SPOILT: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "turned 90 degrees left": lambda grey: np.rot90(grey, 1),
    "turned 90 degrees right": lambda grey: np.rot90(grey, -1),
    "upside down": lambda grey: np.rot90(grey, 2),
    "inverted": lambda grey: np.float32(1) - grey,
    "left half only": _left_half,
    "upper left corner only": _corner,
    "nearly black": exposure(0.08),
    "washed out": lambda grey: np.clip(grey * np.float32(0.05) + np.float32(0.95), 0, 1),
}


def spoilt(examiner: "Examiner", films: Sequence[Film], job: Job) -> Iterator[tuple[str, int, int]]:
    """For each change: name, how many of at most 300 films were refused, how many there were."""
    some = films[:: max(1, len(films) // _FILMS)]
    greys = [display.grey(read_picture(film.path)) for film in some]
    for name, change in SPOILT.items():
        refused = 0
        for grey in greys:
            job.check()
            changed = np.ascontiguousarray(change(grey), dtype=np.float32)
            refused += bool(examiner.problems(as_picture(changed), changed))
        yield name, refused, len(greys)
