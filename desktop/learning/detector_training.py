"""Trains a detector's members, each without one part of the photographs. Needs torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from desktop.jobs import Job
from desktop.learning import detector_lesson as lessons
from desktop.learning.detector_data import Photograph, parts
from desktop.learning.detector_lesson import Change, detector_lesson
from desktop.learning.detector_network import Detector, Finder, Member
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.detector_sorter import Sorter, SortingDetector, halves, sorter_lesson, steps_of
from desktop.learning.network import gaussian
from desktop.learning.recipe import Say
from desktop.learning.side_by_side import on_threads
from desktop.learning.training import Epoch, Schedule, train

Curves = dict[str, tuple[Epoch, ...]]

_TOLD = ("seed", "members", "epochs", "batch", "rate", "decay", "longest", "widths", "half_turns")
_SORTER_TOLD = (*_TOLD, "sorter_epochs", "sorter_batch", "sorter_rate")
_LOOKS = 240
"""Photographs are looked at once more, no more than about so many, to know what they look like."""


@dataclass(frozen=True, eq=False)
class TrainedDetector:
    """The members as they are shipped, and the training curves."""

    network: Detector | SortingDetector
    curves: Curves


def train_detector(
    photographs: Sequence[Photograph],
    wanted: DetectorSet,
    settings: DetectorSettings,
    data_sha256: str,
    work: Path,
    job: Job,
    say: Say,
) -> TrainedDetector:
    """work: folder for checkpoints. Raises Cancelled."""
    with on_threads(settings.threads):
        if not wanted.each_once:
            members, curves = _train_members(photographs, len(wanted.kinds), settings, data_sha256, work, job, say)
            return TrainedDetector(Detector(members).eval(), curves)
        members, curves = _train_members(halves(photographs), 1, settings, data_sha256, work, job, say)
        sorters, others = _train_sorters(photographs, settings, data_sha256, work, job, say)
    return TrainedDetector(SortingDetector(members, sorters).eval(), curves | others)


def _train_members(
    photographs: Sequence[Photograph],
    kinds: int,
    settings: DetectorSettings,
    data_sha256: str,
    work: Path,
    job: Job,
    say: Say,
) -> tuple[list[Member], Curves]:
    part = parts(photographs, settings.members)
    members: list[Member] = []
    curves: Curves = {}
    for number in range(settings.members):
        learned = [one for one, of in zip(photographs, part, strict=True) if of != number]
        checkpoint = work / f"member{number}.pt"
        member, curve = train_member(learned, kinds, number, settings, data_sha256, checkpoint, job, say)
        members.append(member)
        curves[f"member {number + 1}"] = curve
    return members, curves


def train_member(
    learned: Sequence[Photograph],
    kinds: int,
    number: int,
    settings: DetectorSettings,
    data_sha256: str,
    checkpoint: Path,
    job: Job,
    say: Say,
    *,
    share: int = 100,
) -> tuple[Member, tuple[Epoch, ...]]:
    """The member that leaves out part `number`. learned: all other photographs, or a share of them, in per cent."""
    mark = f"{number}" if share == 100 else f"{number}, {share} %"
    name = f"member {number + 1}" if share == 100 else f"member {number + 1} with {share} %"
    identity = _identity(settings, data_sha256, mark)
    schedule = _schedule(settings, settings.epochs, settings.rate, max(1, len(learned) // settings.batch))
    seed, change = settings.seed + number, Change(half_turns=settings.half_turns)
    lesson = detector_lesson(name, identity, learned, kinds, schedule, seed, settings.batch, change)
    trained = train(lesson, lambda: Finder(kinds, settings.widths), checkpoint, job, say)
    looks = lessons.embeddings(trained.network, learned[:: 1 + len(learned) // _LOOKS], settings.views)
    return Member(trained.network, *gaussian(looks), settings.views).eval(), trained.curve


def _train_sorters(
    photographs: Sequence[Photograph], settings: DetectorSettings, data_sha256: str, work: Path, job: Job, say: Say
) -> tuple[list[Sorter], Curves]:
    part = parts(photographs, settings.members)
    sorters: list[Sorter] = []
    curves: Curves = {}
    for number in range(settings.members):
        name, batch = f"sorter {number + 1}", settings.sorter_batch
        learned = [one for one, of in zip(photographs, part, strict=True) if of != number]
        identity = _identity(settings, data_sha256, f"{number}", _SORTER_TOLD)
        schedule = _schedule(settings, settings.sorter_epochs, settings.sorter_rate, steps_of(learned, batch))
        lesson = sorter_lesson(name, identity, learned, schedule, settings.seed + 100 + number, batch)
        trained = train(lesson, Sorter, work / f"sorter{number}.pt", job, say)
        sorters.append(trained.network)
        curves[name] = trained.curve
    return sorters, curves


def _schedule(settings: DetectorSettings, epochs: int, rate: float, steps: int) -> Schedule:
    """To the end: nothing held out chooses anything."""
    return Schedule(
        epochs=epochs, steps=steps, rate=rate, decay=settings.decay, to_the_end=True, longest=settings.longest
    )


def software() -> dict[str, str]:
    """Versions of what trained it."""
    import onnx

    return {"torch": torch.__version__.partition("+")[0], "onnx": onnx.__version__, "numpy": np.__version__}


def _identity(settings: DetectorSettings, data_sha256: str, mark: str, names: Sequence[str] = _TOLD) -> str:
    """Changes with whatever changes what is learned. mark: which network it is."""
    told = {name: getattr(settings, name) for name in names}
    change = Change(half_turns=settings.half_turns)
    return hashlib.sha256(f"{told}{data_sha256}{mark}{change}{lessons.EDITION}".encode()).hexdigest()


def seconds_of(curves: Curves) -> float:
    """Seconds of training in all curves, those of earlier runs included."""
    return round(sum(epoch.seconds for curve in curves.values() for epoch in curve), 1)
