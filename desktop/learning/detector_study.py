"""Learning curve of a detector: its first member again, from fewer photographs. Needs torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.detector_card import MEAN_PRECISION
from desktop.learning.detector_data import Photograph, parts
from desktop.learning.detector_evaluation import Answers, ask
from desktop.learning.detector_figures import Judged
from desktop.learning.detector_network import OUTPUTS, Detector
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.detector_training import DetectorSchool
from desktop.learning.learning_curve import CurvePoint, some_of
from desktop.learning.side_by_side import on_threads

SHARES = (25, 50)


@dataclass(frozen=True)
class _Asked:
    """A member alone, asked as its graph will be."""

    detector: Detector

    @torch.no_grad()
    def run(self, tensor: npt.NDArray[np.float32]) -> Mapping[str, npt.NDArray[np.float32]]:
        """As `OnnxRunner.run`."""
        answers = self.detector(torch.from_numpy(tensor))
        return {name: answer[0].numpy() for name, answer in zip(OUTPUTS, answers, strict=True)}


def curve(
    runner: OnnxRunner, photographs: Sequence[Photograph], wanted: DetectorSet, school: DetectorSchool
) -> tuple[CurvePoint, ...]:
    """Precision on the first part of the photographs, after a share of the others was learned from; at the end that of
    the member that learned from them all, out of the shipped graph. Runs of neighbours stay whole. None where nothing
    is drawn on that part. Raises Cancelled."""
    settings, job = school.settings, school.job
    part = parts(photographs, settings.members)
    held = [one for one, of in zip(photographs, part, strict=True) if of == 0]
    others = [one for one, of in zip(photographs, part, strict=True) if of != 0]
    if not any(len(one.boxes) for one in held):
        return ()
    kinds, points = len(wanted.kinds), list[CurvePoint]()
    with on_threads(1):
        for share in SHARES:
            runs = some_of((str(one.run) for one in others), share, settings.seed)
            learned = [one for one in others if str(one.run) in runs]
            school.say(f"learning curve: {len(learned)} of {len(others)} photographs")
            member, _ = school.member(learned, kinds, 0, share=share)
            answers = ask(_Asked(Detector([member]).eval()), held, kinds, settings, job)
            points.append(CurvePoint(share, len(learned), _precision(answers, held, wanted)))
    answers = ask(runner, held, kinds, settings, job, member=np.zeros(len(held), np.int64))
    return (*points, CurvePoint(100, len(others), _precision(answers, held, wanted)))


def _precision(answers: Answers, held: Sequence[Photograph], wanted: DetectorSet) -> dict[str, float]:
    """Mean average precision and that of each kind somebody drew, by scores: no photograph is left to calibrate them on
    that the whole member has not seen."""
    judged = Judged(answers.found, [one.boxes for one in held])
    each = {f"`{kind.key}`": judged.precision(number) for number, kind in enumerate(wanted.kinds)}
    found = {name: value for name, value in each.items() if np.isfinite(value)}
    return {MEAN_PRECISION: judged.mean_precision(len(wanted.kinds)), **found}
