"""Learning curve of a network of vessels: the first member again, from fewer eyes. Needs torch."""

from collections.abc import Sequence

import numpy as np
import torch

from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.fundus_card import AREA, OVERLAP
from desktop.learning.fundus_data import DrawnEye, vessel_parts
from desktop.learning.fundus_export import MEMBERS
from desktop.learning.fundus_network import VesselNetwork
from desktop.learning.fundus_tracing import Traced, area_of, best_threshold, traced
from desktop.learning.fundus_training import VesselSchool
from desktop.learning.learning_curve import CurvePoint, some_of
from desktop.learning.side_by_side import on_threads

SHARES = (25, 50)


def curve(
    runner: OnnxRunner, eyes: Sequence[DrawnEye], before: Sequence[DrawnEye], school: VesselSchool
) -> tuple[CurvePoint, ...]:
    """Overlap on the first part of the eyes, after a share of the others was learned from; at the end that of the
    member that learned from them all, out of the shipped graph. Subjects stay whole. None where that part is a single
    eye. before: see `train_vessels`. Raises Cancelled."""
    settings = school.settings
    part = vessel_parts(eyes, settings.members)
    held = [eye for eye, of in zip(eyes, part, strict=True) if of == 0]
    others = [eye for eye, of in zip(eyes, part, strict=True) if of != 0]
    if len(held) < 2:
        return ()
    points = []
    with on_threads(1):
        start = school.first(before).network.state_dict() if settings.first_epochs else None
        for share in SHARES:
            subjects = some_of((eye.subject for eye in others), share, settings.seed)
            learned = [eye for eye in others if eye.subject in subjects]
            school.say(f"learning curve: {len(learned)} of {len(others)} photographs")
            network = school.member(0, learned, start, share=share).network
            points.append(CurvePoint(share, len(learned), _figures([_drawn_by(network, eye) for eye in held])))
    found = [traced(eye, runner.run(eye.light[None])[MEMBERS][0]) for eye in held]
    return (*points, CurvePoint(100, len(others), _figures(found)))


@torch.no_grad()
def _drawn_by(network: VesselNetwork, eye: DrawnEye) -> Traced:
    return traced(eye, torch.sigmoid(network(torch.from_numpy(eye.light[None]))[0])[0, 0].numpy())


def _figures(found: Sequence[Traced]) -> dict[str, float]:
    """Means of eyes, each by the threshold that is best for the others: each network has one of its own."""
    best = [best_threshold([*found[:place], *found[place + 1 :]]) for place in range(len(found))]
    overlaps = [float(one.dice()[at]) for one, at in zip(found, best, strict=True)]
    return {OVERLAP: float(np.mean(overlaps)), AREA: float(np.mean([area_of(one) for one in found]))}
