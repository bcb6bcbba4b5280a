"""Trains a detector's members, each without one part of the photographs. Needs torch."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from desktop.jobs import Job
from desktop.learning import detector_lesson as lessons
from desktop.learning.detector_data import Photograph, parts
from desktop.learning.detector_lesson import Change, detector_lesson
from desktop.learning.detector_network import Detector, Finder, Member
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.network import gaussian
from desktop.learning.recipe import Say
from desktop.learning.training import Epoch, Schedule, train


@dataclass(frozen=True, eq=False)
class TrainedDetector:
    """The members as they are shipped, and the training curves."""

    network: Detector
    curves: dict[str, tuple[Epoch, ...]]


def train_members(
    photographs: Sequence[Photograph],
    kinds: int,
    settings: DetectorSettings,
    data_sha256: str,
    work: Path,
    job: Job,
    say: Say,
) -> TrainedDetector:
    """work: folder for checkpoints. Raises Cancelled."""
    part = parts(photographs, settings.members)
    members, curves = [], {}
    with _threads(settings.threads):
        for number in range(settings.members):
            name = f"member {number + 1}"
            learned = [one for one, of in zip(photographs, part, strict=True) if of != number]
            identity = _identity(settings, data_sha256, number)
            schedule = Schedule(
                epochs=settings.epochs,
                steps=len(learned) // settings.batch,
                rate=settings.rate,
                decay=settings.decay,
                to_the_end=True,
                longest=settings.longest,
            )
            lesson = detector_lesson(name, identity, learned, kinds, schedule, settings.seed + number, settings.batch)
            trained = train(lesson, lambda: Finder(kinds), work / f"member{number}.pt", job, say)
            learned_looks = gaussian(lessons.embeddings(trained.network, learned))
            members.append(Member(trained.network, *learned_looks).eval())
            curves[name] = trained.curve
    return TrainedDetector(Detector(members).eval(), curves)


def software() -> dict[str, str]:
    """Versions of what trained it."""
    import onnx

    return {"torch": torch.__version__.partition("+")[0], "onnx": onnx.__version__, "numpy": np.__version__}


def _identity(settings: DetectorSettings, data_sha256: str, number: int) -> str:
    """Changes with whatever changes what is learned."""
    told = {
        name: getattr(settings, name) for name in ("seed", "members", "epochs", "batch", "rate", "decay", "longest")
    }
    return hashlib.sha256(f"{told}{data_sha256}{number}{Change()}{lessons.EDITION}".encode()).hexdigest()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def seconds_of(curves: dict[str, tuple[Epoch, ...]]) -> float:
    """Seconds of training in all curves, those of earlier runs included."""
    return round(sum(epoch.seconds for curve in curves.values() for epoch in curve), 1)
