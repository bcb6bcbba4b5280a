"""Learning curve of ecg-rhythm: its networks for beats again, from fewer patients. Needs torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from desktop.jobs import Job
from desktop.learning.learning_curve import CurvePoint
from desktop.learning.rhythm_beat_training import BeatsToLearn, train_beat_member
from desktop.learning.rhythm_judging import JudgedBeats, choose_limits, measures, reached
from desktop.learning.rhythm_parts import beat_parts
from desktop.learning.rhythm_settings import RhythmSettings
from desktop.learning.rhythm_turned import turned_copies
from desktop.learning.side_by_side import on_threads

SHARES = (25, 50)
"""Per cent of the patients, each a whole number of times in all of them."""

Calibration = tuple[float, npt.NDArray[np.float64]]


def curve(
    judged: Sequence[JudgedBeats],
    calibration: Calibration,
    settings: RhythmSettings,
    data_sha256: str,
    work: Path,
    job: Job,
    say: Callable[[str], None],
) -> tuple[CurvePoint, ...]:
    """What the limits reach at best where each network has learned from a share of the patients it learns from.

    judged: all half hours by the shipped members that never saw them, the last point. At the others each member is
    taught once with every share (four quarters, two halves, each with its portion of whatever is rare), so that every
    patient is learned from equally often, and the figures are the mean over the shares. None where a quarter would be
    nobody. calibration: temperature and offsets of the rhythm. work: folder for checkpoints. Raises Cancelled.
    """
    records = [one.record for one in judged]
    parts = beat_parts(records, settings)
    taught_by = [sum(part != own for part in parts.values()) for own in range(settings.beat_members)]
    if min(taught_by) < 100 // min(SHARES):
        return ()
    points = []
    with on_threads(1):
        copies = turned_copies(records, settings.turned, settings.seed)
        for share in SHARES:
            found, learned = [], 0
            for draw in range(100 // share):
                beats = BeatsToLearn(records, copies, share, draw)
                say(f"learning curve: {share} % of the patients, share {draw + 1} of {100 // share}")
                logits: dict[str, npt.NDArray[np.float64]] = {}
                for part in range(settings.beat_members):
                    taught = train_beat_member(beats, part, settings, data_sha256, work, job, _unsaid)
                    logits |= _asked(taught.network, [one for one in judged if parts[one.record.name] == part])
                    learned += len({one.name for one in beats.split(part, settings)[0]})
                again = [replace(one, logits=logits[one.record.name]) for one in judged]
                found.append(_figures(again, calibration))
            mean = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
            points.append(CurvePoint(share, round(learned / len(found) / settings.beat_members), mean))
    return (*points, CurvePoint(100, round(float(np.mean(taught_by))), _figures(judged, calibration)))


def _unsaid(_line: str) -> None:
    """Each of many small networks has little to say."""


@torch.no_grad()
def _asked(network: torch.nn.Module, judged: Sequence[JudgedBeats]) -> dict[str, npt.NDArray[np.float64]]:
    return {one.record.name: network(torch.from_numpy(one.record.inputs))[0].double().numpy() for one in judged}


def _figures(judged: Sequence[JudgedBeats], calibration: Calibration) -> Mapping[str, float]:
    """Both figures of both kinds with the limits chosen for these answers, as the model's are for its own."""
    found = reached(judged, choose_limits(judged, *calibration), *calibration)
    return {name: value for word, both in found.items() for name, value in zip(measures(word), both, strict=True)}
