"""One network's training: resumable after every epoch, averaged weights, early stop on validation. Needs torch."""

import copy
import math
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic

import torch
from torch import Tensor

from desktop.jobs import Job
from desktop.learning.network import N, SmallNetwork, channels_last

# torch draws first weights from one source for the whole process.
_WEIGHTS_DRAWN = threading.Lock()


@dataclass(frozen=True)
class Schedule:
    """How long and how fast. rate: highest learning rate, after `warm_up` of all steps; then a cosine down to none.

    average: memory of the running mean of the weights. patience: epochs without a better validation score before
    the early stop. to_the_end: the last epoch's weights are taken, whatever the validation says of it, so that what is
    held out chooses nothing. longest: length to which a step's gradient is cut, 0: none is.
    """

    epochs: int
    steps: int
    rate: float = 4e-3
    decay: float = 0.02
    warm_up: float = 0.2
    average: float = 0.99
    patience: int = 5
    to_the_end: bool = False
    longest: float = 0.0


@dataclass(frozen=True)
class Batch:
    """inputs (n, 1, side, side) standardised; targets (n, outputs) soft; weights (n)."""

    inputs: Tensor
    targets: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Epoch:
    """One epoch of a training curve. score: as the validation defines it (AUC, share right)."""

    epoch: int
    training_loss: float
    validation_loss: float
    score: float
    seconds: float


@dataclass(frozen=True)
class LessonOf(Generic[N]):
    """What one training needs. batches(epoch, random) yields `schedule.steps` batches. validate → (loss, score).

    identity: changes whenever data, settings or code of the lesson change; a checkpoint of another is not resumed.
    """

    name: str
    identity: str
    schedule: Schedule
    seed: int
    batches: Callable[[int, torch.Generator], Iterator[Batch]]
    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    validate: Callable[[N], tuple[float, float]]


Lesson = LessonOf[SmallNetwork]


@dataclass(frozen=True)
class TrainedOf(Generic[N]):
    """The best averaged weights by validation score, and the curve. resumed_at: epoch it went on from, 0 if none."""

    network: N
    curve: tuple[Epoch, ...]
    best_epoch: int
    resumed_at: int


Trained = TrainedOf[SmallNetwork]


def generator(seed: int, *path: int) -> torch.Generator:
    """A random source that depends only on the seed and a path of numbers: what makes a resumed run the same run."""
    mixed = seed
    for part in path:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 1)
    return torch.Generator().manual_seed(mixed)


def rate_at(progress: float, schedule: Schedule) -> float:
    """Learning rate at a share of all steps."""
    if progress < schedule.warm_up:
        share = 0.5 - 0.5 * math.cos(math.pi * progress / schedule.warm_up)
        return schedule.rate * (0.04 + 0.96 * share)
    rest = (progress - schedule.warm_up) / (1 - schedule.warm_up)
    return schedule.rate * (0.5 + 0.5 * math.cos(math.pi * min(1.0, rest)))


def _twin(network: N) -> N:
    """A copy with weights of its own; a random source cannot be copied and is shared (only training draws from it)."""
    return copy.deepcopy(network, {id(network.random): network.random})


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """A power cut leaves the file that was there or this one. content: what `torch.load` reads with `weights_only`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as stream:
        torch.save(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


class _Course(Generic[N]):
    """Everything that changes while a network learns; what a checkpoint holds."""

    def __init__(self, network: N, schedule: Schedule) -> None:
        self.network = channels_last(network)
        self.averaged = _twin(self.network)
        self.best = _twin(self.network)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=schedule.rate, weight_decay=schedule.decay)
        self.curve: list[Epoch] = []
        self.best_epoch = 0

    def save(self, path: Path, identity: str) -> None:
        """Write a checkpoint."""
        content = {
            "identity": identity,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "best": self.best.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "curve": [asdict(epoch) for epoch in self.curve],
            "best_epoch": self.best_epoch,
        }
        write_checkpoint(path, content)

    def load(self, path: Path, identity: str) -> bool:
        """Go on from a checkpoint of the same lesson; False where there is none that can be read."""
        try:
            content = torch.load(path, weights_only=True)
            if content["identity"] != identity:
                return False
            self.network.load_state_dict(content["network"])
            self.averaged.load_state_dict(content["averaged"])
            self.best.load_state_dict(content["best"])
            self.optimiser.load_state_dict(content["optimiser"])
            self.curve = [Epoch(**epoch) for epoch in content["curve"]]
            self.best_epoch = content["best_epoch"]
        except (OSError, RuntimeError, ValueError, KeyError, EOFError, TypeError, pickle.UnpicklingError):
            return False
        return True


def train(
    lesson: LessonOf[N],
    build: Callable[[], N],
    checkpoint: Path | None,
    job: Job,
    say: Callable[[str], None],
    *,
    stop_after: int | None = None,
) -> TrainedOf[N]:
    """Train a network. build: makes it untrained (weights come from the lesson's seed).

    checkpoint: file to resume from and to keep after each epoch, or None. stop_after: epochs of the schedule that are
    gone through, all of them where None; a later run goes on from there. Raises Cancelled between batches.
    """
    course = _begin(lesson, build)
    if checkpoint is not None and not course.load(checkpoint, lesson.identity):
        course = _begin(lesson, build)
    resumed_at = len(course.curve)
    if resumed_at:
        say(f"{lesson.name}: going on after epoch {resumed_at}")
    for epoch in range(resumed_at, min(lesson.schedule.epochs, stop_after or lesson.schedule.epochs)):
        if _stopped_improving(course, lesson.schedule):
            say(f"{lesson.name}: stopped early, best was epoch {course.best_epoch}")
            break
        _run_epoch(lesson, course, epoch, job)
        last = course.curve[-1]
        if checkpoint is not None:
            course.save(checkpoint, lesson.identity)
        say(
            f"{lesson.name}: epoch {last.epoch}/{lesson.schedule.epochs} loss {last.training_loss:.4f} "
            f"validation {last.validation_loss:.4f} score {last.score:.4f} ({last.seconds:.0f} s)"
        )
        job.report("learning.progress.training", last.epoch, lesson.schedule.epochs)
    return TrainedOf(course.best.eval(), tuple(course.curve), course.best_epoch, resumed_at)


def _begin(lesson: LessonOf[N], build: Callable[[], N]) -> _Course[N]:
    """An untrained network whose first weights depend on the seed alone, whoever else trains beside it."""
    with _WEIGHTS_DRAWN:
        torch.manual_seed(lesson.seed)
        return _Course(build(), lesson.schedule)


def _merit(epoch: Epoch) -> tuple[float, float]:
    """What makes one epoch better than another: its validation score; where that is the same, its loss."""
    score = epoch.score if math.isfinite(epoch.score) else -math.inf
    return score, -epoch.validation_loss


def _stopped_improving(course: _Course[N], schedule: Schedule) -> bool:
    return len(course.curve) - course.best_epoch >= schedule.patience and course.best_epoch > 0


def _run_epoch(lesson: LessonOf[N], course: _Course[N], epoch: int, job: Job) -> None:
    schedule, started, total = lesson.schedule, time.perf_counter(), 0.0
    random = generator(lesson.seed, epoch)
    course.network.random = generator(lesson.seed, epoch, 1)
    course.network.train()
    for step, batch in enumerate(lesson.batches(epoch, random)):
        job.check()
        done = epoch * schedule.steps + step
        for group in course.optimiser.param_groups:
            group["lr"] = rate_at(done / (schedule.epochs * schedule.steps), schedule)
        loss = lesson.loss(course.network(batch.inputs)[0], batch.targets, batch.weights)
        course.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        if schedule.longest:
            torch.nn.utils.clip_grad_norm_(course.network.parameters(), schedule.longest)
        course.optimiser.step()
        _average(course, min(schedule.average, 1 - 1 / (done + 1)))
        total += float(loss.detach())
    course.averaged.eval()
    validation, score = lesson.validate(course.averaged)
    best = max((_merit(item) for item in course.curve), default=(-math.inf, -math.inf))
    seconds = time.perf_counter() - started
    course.curve.append(Epoch(epoch + 1, total / schedule.steps, validation, score, round(seconds, 1)))
    if schedule.to_the_end or _merit(course.curve[-1]) > best:
        course.best.load_state_dict(course.averaged.state_dict())
        course.best_epoch = epoch + 1


@torch.no_grad()
def _average(course: _Course[N], memory: float) -> None:
    """Move the averaged weights towards the present ones (batch statistics too)."""
    current = course.network.state_dict()
    for name, value in course.averaged.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(current[name], 1 - memory)
        else:
            value.copy_(current[name])
