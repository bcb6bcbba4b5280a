"""Trains the networks of vessels, each without one part of the eyes. Needs torch."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from desktop.inference.fundus_vessels import VesselPreparation
from desktop.jobs import Job
from desktop.learning.compact import halved
from desktop.learning.export import export
from desktop.learning.fundus_data import DrawnEye, vessel_parts
from desktop.learning.fundus_lesson import EDITION, Change, Drawn, vessel_lesson
from desktop.learning.fundus_network import OUTPUTS, WIDTHS, VesselNetwork, Vessels
from desktop.learning.fundus_settings import FundusSettings
from desktop.learning.recipe import Say
from desktop.learning.side_by_side import earlier_seconds, in_turn, side_by_side
from desktop.learning.training import Epoch, Schedule, TrainedOf, train

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class TrainedVessels:
    """The members as they are shipped, and the training curves. earlier_seconds: of epochs done before this run."""

    network: Vessels
    curves: dict[str, tuple[Epoch, ...]]
    earlier_seconds: float


@dataclass(frozen=True, eq=False)
class VesselSchool:
    """Where the networks of one model learn. lights: how many each eye is seen in. identity: of the data and how it was
    prepared. work: folder for checkpoints."""

    settings: FundusSettings
    lights: int
    identity: str
    work: Path
    job: Job
    say: Say

    def first(self, eyes: Sequence[DrawnEye]) -> TrainedOf[VesselNetwork]:
        """The network all members begin from. eyes: of another data set. Raises Cancelled."""
        settings = self.settings
        schedule = self._schedule(settings.first_epochs, settings.steps)
        return self._train("first", eyes, schedule, settings.members, None)

    def member(
        self, number: int, eyes: Sequence[DrawnEye], start: Weights | None, *, share: int = 100
    ) -> TrainedOf[VesselNetwork]:
        """The one that leaves out part `number`. eyes: all others, or a share of them, in per cent: it makes fewer
        steps then. start: the weights it begins from. Raises Cancelled."""
        settings = self.settings
        schedule = self._schedule(settings.epochs, max(1, round(settings.steps * share / 100)))
        name = f"vessels {number + 1}" if share == 100 else f"vessels {number + 1} with {share} %"
        return self._train(name, eyes, schedule, number, start)

    def _schedule(self, epochs: int, steps: int) -> Schedule:
        return Schedule(
            epochs=epochs,
            steps=steps,
            rate=self.settings.rate,
            decay=self.settings.decay,
            warm_up=0.1,
            to_the_end=True,
            longest=self.settings.longest,
        )

    def _train(
        self, name: str, eyes: Sequence[DrawnEye], schedule: Schedule, number: int, start: Weights | None
    ) -> TrainedOf[VesselNetwork]:
        settings = self.settings
        learned = [Drawn(eye.light, eye.share, eye.retina.field.astype(np.float32)) for eye in eyes]
        begun = settings.first_epochs if start is not None else 0
        told = (name, schedule, settings.batch, settings.patch, settings.seed, number, begun, Change(), EDITION, WIDTHS)
        mark = hashlib.sha256(f"{told}{torch.__version__}{self.identity}".encode()).hexdigest()
        lesson = vessel_lesson(name, mark, learned, schedule, settings.seed + number, settings.batch, settings.patch)

        def build() -> VesselNetwork:
            network = VesselNetwork(self.lights)
            if start is not None:
                network.load_state_dict(start)
            return network

        return train(lesson, build, self.work / f"{name.replace(' ', '_')}.pt", self.job, self.say)


def train_vessels(eyes: Sequence[DrawnEye], before: Sequence[DrawnEye], school: VesselSchool) -> TrainedVessels:
    """before: eyes of another data set, from which the network was taught that all begin from. Raises Cancelled."""
    settings = school.settings
    part = vessel_parts(eyes, settings.members)
    school = replace(school, say=in_turn(school.say))
    first = side_by_side([partial(school.first, before)], 1, school.job) if settings.first_epochs else []
    start = first[0].network.state_dict() if first else None
    members = side_by_side(
        [
            partial(school.member, number, [eye for eye, of in zip(eyes, part, strict=True) if of != number], start)
            for number in range(settings.members)
        ],
        settings.threads,
        school.job,
    )
    curves = {"first": first[0].curve} if first else {}
    curves |= {f"vessels {number + 1}": one.curve for number, one in enumerate(members)}
    past = earlier_seconds(first, 1) + earlier_seconds(members, settings.threads)
    return TrainedVessels(Vessels([one.network for one in members]).eval(), curves, past)


def exported(network: Vessels, preparation: VesselPreparation, path: Path) -> bytes:
    """The graph with its weights in half precision; `path` is written on the way."""
    export(network, preparation.shape, OUTPUTS, path)
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
