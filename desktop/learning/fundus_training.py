"""Trains the networks of vessels, each without one part of the eyes. Needs torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from desktop.jobs import Job
from desktop.learning.compact import halved
from desktop.learning.export import export
from desktop.learning.fundus_data import DrawnEye, vessel_parts
from desktop.learning.fundus_lesson import EDITION, Change, Drawn, vessel_lesson
from desktop.learning.fundus_network import OUTPUTS, WIDTHS, VesselNetwork, Vessels
from desktop.learning.fundus_settings import FundusSettings
from desktop.learning.recipe import Say
from desktop.learning.training import Epoch, Schedule, train


@dataclass(frozen=True, eq=False)
class TrainedVessels:
    """The members as they are shipped, and the training curves."""

    network: Vessels
    curves: dict[str, tuple[Epoch, ...]]


def train_vessels(
    eyes: Sequence[DrawnEye], settings: FundusSettings, identity: str, work: Path, job: Job, say: Say
) -> TrainedVessels:
    """identity: of the data and how it was prepared. work: folder for checkpoints. Raises Cancelled."""
    part = vessel_parts(eyes, settings.members)
    schedule = Schedule(
        epochs=settings.epochs,
        steps=settings.steps,
        rate=settings.rate,
        decay=settings.decay,
        warm_up=0.1,
        to_the_end=True,
        longest=settings.longest,
    )
    members, curves = [], {}
    before = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        for number in range(settings.members):
            name = f"vessels {number + 1}"
            learned = [
                Drawn(eye.light, eye.share, eye.retina.field.astype(np.float32))
                for eye, of in zip(eyes, part, strict=True)
                if of != number
            ]
            told = (schedule, settings.batch, settings.patch, settings.seed, number, Change(), EDITION, WIDTHS)
            mark = hashlib.sha256(f"{told}{identity}".encode()).hexdigest()
            lesson = vessel_lesson(
                name, mark, learned, schedule, settings.seed + number, settings.batch, settings.patch
            )
            trained = train(lesson, VesselNetwork, work / f"vessels{number}.pt", job, say)
            members.append(trained.network)
            curves[name] = trained.curve
    finally:
        torch.set_num_threads(before)
    return TrainedVessels(Vessels(members).eval(), curves)


def exported(network: Vessels, side: int, path: Path) -> bytes:
    """The graph with its weights in half precision; `path` is written on the way."""
    export(network, (1, side, side), OUTPUTS, path)
    return halved(path.read_bytes())


def software() -> dict[str, str]:
    """Versions of what trained it."""
    import cv2
    import onnx

    return {
        "torch": torch.__version__.partition("+")[0],
        "onnx": onnx.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }
