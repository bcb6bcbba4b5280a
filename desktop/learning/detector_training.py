"""Trains a detector's members, each without one part of the photographs. Needs torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
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
from desktop.learning.side_by_side import earlier_seconds, in_turn, side_by_side
from desktop.learning.training import Epoch, Schedule, TrainedOf, train

Curves = dict[str, tuple[Epoch, ...]]

_TOLD = ("seed", "members", "epochs", "batch", "rate", "decay", "longest", "widths", "half_turns")
_SORTER_TOLD = (*_TOLD, "sorter_epochs", "sorter_batch", "sorter_rate")
_LOOKS = 240
"""Photographs are looked at once more, no more than about so many, to know what they look like."""


@dataclass(frozen=True, eq=False)
class TrainedDetector:
    """The members as they are shipped, and the training curves. earlier_seconds: of epochs done before this run."""

    network: Detector | SortingDetector
    curves: Curves
    earlier_seconds: float


@dataclass(frozen=True, eq=False)
class DetectorSchool:
    """Where the networks of one model learn. data_sha256: of the photographs. work: folder for checkpoints."""

    settings: DetectorSettings
    data_sha256: str
    work: Path
    job: Job
    say: Say

    def member(
        self, learned: Sequence[Photograph], kinds: int, number: int, *, share: int = 100
    ) -> tuple[Member, TrainedOf[Finder]]:
        """The member that leaves out part `number`. learned: all other photographs, or a share of them, in per cent.
        Raises Cancelled."""
        settings = self.settings
        mark = f"{number}" if share == 100 else f"{number}, {share} %"
        name = f"member {number + 1}" if share == 100 else f"member {number + 1} with {share} %"
        checkpoint = f"member{number}.pt" if share == 100 else f"share{share}.pt"
        identity = _identity(settings, self.data_sha256, mark)
        schedule = _schedule(settings, settings.epochs, settings.rate, max(1, len(learned) // settings.batch))
        seed, change = settings.seed + number, Change(half_turns=settings.half_turns)
        lesson = detector_lesson(name, identity, learned, kinds, schedule, seed, settings.batch, change)
        trained = train(lesson, lambda: Finder(kinds, settings.widths), self.work / checkpoint, self.job, self.say)
        looks = lessons.embeddings(trained.network, learned[:: 1 + len(learned) // _LOOKS], settings.views)
        return Member(trained.network, *gaussian(looks), settings.views).eval(), trained

    def sorter(self, learned: Sequence[Photograph], number: int) -> TrainedOf[Sorter]:
        """What tells the sorts apart for the member that leaves out part `number`. Raises Cancelled."""
        settings, batch = self.settings, self.settings.sorter_batch
        identity = _identity(settings, self.data_sha256, f"{number}", _SORTER_TOLD)
        schedule = _schedule(settings, settings.sorter_epochs, settings.sorter_rate, steps_of(learned, batch))
        seed = settings.seed + 100 + number
        lesson = sorter_lesson(f"sorter {number + 1}", identity, learned, schedule, seed, batch)
        return train(lesson, Sorter, self.work / f"sorter{number}.pt", self.job, self.say)


def train_detector(photographs: Sequence[Photograph], wanted: DetectorSet, school: DetectorSchool) -> TrainedDetector:
    """Raises Cancelled."""
    settings = school.settings
    part = parts(photographs, settings.members)
    kinds = 1 if wanted.each_once else len(wanted.kinds)
    seen = halves(photographs) if wanted.each_once else photographs
    school = replace(school, say=in_turn(school.say))

    def others(of: Sequence[Photograph], number: int) -> list[Photograph]:
        return [one for one, place in zip(of, part, strict=True) if place != number]

    numbers = range(settings.members)
    finders = [partial(school.member, others(seen, number), kinds, number) for number in numbers]
    taught = side_by_side(finders, settings.threads, school.job)
    members, found = [member for member, _ in taught], [one for _, one in taught]
    curves = {f"member {number + 1}": one.curve for number, one in enumerate(found)}
    past = earlier_seconds(found, settings.threads)
    if not wanted.each_once:
        return TrainedDetector(Detector(members).eval(), curves, past)
    tellers = [partial(school.sorter, others(photographs, number), number) for number in numbers]
    sorters = side_by_side(tellers, settings.threads, school.job)
    curves |= {f"sorter {number + 1}": one.curve for number, one in enumerate(sorters)}
    past += earlier_seconds(sorters, settings.threads)
    return TrainedDetector(SortingDetector(members, [one.network for one in sorters]).eval(), curves, past)


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
    return hashlib.sha256(f"{told}{data_sha256}{mark}{change}{lessons.EDITION}{torch.__version__}".encode()).hexdigest()
