"""Training of the beat networks of ecg-rhythm. Needs torch."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from desktop.inference.rhythm_beats import NAMES
from desktop.inference.rhythm_lead import AFTER, BEFORE
from desktop.jobs import Job
from desktop.learning.rhythm_data import BEATS, BeatRecord
from desktop.learning.rhythm_network import BeatNetwork
from desktop.learning.rhythm_parts import beat_parts, rarity
from desktop.learning.rhythm_settings import RhythmSettings
from desktop.learning.rhythm_training import soft_targets, weighted_loss
from desktop.learning.training import Batch, LessonOf, Schedule, TrainedOf, train

Say = Callable[[str], None]
Indices = npt.NDArray[np.int64]

_SOFT = 0.02


@dataclass(frozen=True, eq=False)
class BeatsToLearn:
    """records: half hours; copies: of each of them with beats of another form, or none. kept: the share of the patients
    outside its own part that a network learns from, in per cent; draw: which of the shares of that size.

    Shares are dealt out so that each has its portion of whatever is rare, those of a quarter within those of a half.
    """

    records: Sequence[BeatRecord]
    copies: Sequence[BeatRecord]
    kept: int = 100
    draw: int = 0

    def split(self, part: int, settings: RhythmSettings) -> tuple[list[BeatRecord], list[BeatRecord]]:
        """The half hours, and copies, that the member of a part learns from; those it judges."""
        parts = beat_parts(self.records, settings)
        others = sorted((one for one in self.records if parts[one.name] != part), key=rarity)
        names = {one.name for one in others[self.draw :: round(100 / self.kept)]}
        learn = [one for one in (*self.records, *self.copies) if one.name in names]
        return learn, [one for one in self.records if parts[one.name] == part]


def train_beat_member(
    beats: BeatsToLearn, part: int, settings: RhythmSettings, data_sha256: str, work: Path, job: Job, say: Say
) -> TrainedOf[BeatNetwork]:
    """The member that never sees the patients of one part, and takes the last weights. With a share of the others its
    epochs have that share of the steps."""
    learn, judge = beats.split(part, settings)
    inputs, classes, weights = _lesson_beats(learn)
    numbers = torch.from_numpy(inputs[:, 2, : len(NAMES)])
    build = partial(BeatNetwork, numbers.mean(0), numbers.std(0) + 1e-3, BEFORE + AFTER, len(BEATS))
    schedule = Schedule(
        settings.beat_epochs,
        max(1, settings.beat_steps * beats.kept // 100),
        settings.rate,
        decay=0.01,
        warm_up=0.05,
        average=0.98,
        patience=settings.beat_epochs,
        to_the_end=True,
    )
    whole = beats.kept == 100
    told = [data_sha256, settings.of_beats(), part, beats.kept, beats.draw, torch.__version__]
    lesson = LessonOf[BeatNetwork](
        f"beats {part + 1}" if whole else f"beats {part + 1}, share {beats.draw + 1} of {beats.kept} %",
        hashlib.sha256(json.dumps(told).encode()).hexdigest(),
        schedule,
        settings.seed + 100 + part,
        lambda epoch, random: _batches(inputs, classes, weights, settings.beat_batch, schedule.steps, random),
        weighted_loss,
        partial(_validate, judge) if whole else _unwatched,
    )
    name = f"beats{part}.pt" if whole else f"beats{part}_{beats.kept}_{beats.draw}.pt"
    return train(lesson, build, work / name, job, say)


def _lesson_beats(
    records: Sequence[BeatRecord],
) -> tuple[npt.NDArray[np.float32], Indices, npt.NDArray[np.float64]]:
    """Inputs, classes, and how often each beat is drawn: classes and patients by the square root of their number, so
    that neither the frequent drown the rare nor one patient's beats are learned by heart. A copy counts as another
    patient."""
    inputs = np.concatenate([record.inputs[record.taught] for record in records])
    classes = np.concatenate([record.classes[record.taught] for record in records])
    owner = np.repeat(np.arange(len(records)), [int(record.taught.sum()) for record in records])
    drawn = np.zeros(len(classes))
    for kind in range(len(BEATS)):
        of_kind = classes == kind
        if not of_kind.any():
            continue
        counts = np.bincount(owner[of_kind], minlength=len(records)).astype(np.float64)
        drawn[of_kind] = (counts[owner[of_kind]] ** -0.5) * np.sqrt(of_kind.sum()) / np.sqrt(counts).sum()
    return inputs, classes, drawn / drawn.sum()


def _batches(
    inputs: npt.NDArray[np.float32],
    classes: Indices,
    weights: npt.NDArray[np.float64],
    size: int,
    steps: int,
    random: torch.Generator,
) -> Iterator[Batch]:
    numbers = np.random.default_rng(int(torch.randint(2**31, (1,), generator=random)))
    drawn = numbers.choice(len(classes), size * steps, p=weights)
    for step in range(steps):
        chosen = drawn[step * size : (step + 1) * size]
        batch = inputs[chosen].copy()
        batch[:, :2] *= np.exp(numbers.normal(0.0, 0.1, (size, 1, 1))).astype(np.float32)
        targets = soft_targets(torch.from_numpy(classes[chosen]), len(BEATS), _SOFT)
        yield Batch(torch.from_numpy(batch), targets, torch.ones(size))


def _unwatched(_network: BeatNetwork) -> tuple[float, float]:
    """Nobody looks at the course of a network that is made for a learning curve, and it chooses nothing."""
    return 0.0, 0.0


@torch.no_grad()
def _validate(records: Sequence[BeatRecord], network: BeatNetwork) -> tuple[float, float]:
    """Log-loss of the beats of patients it never saw, and the share that is right."""
    inputs = np.concatenate([record.inputs[record.classes >= 0] for record in records])
    true = torch.from_numpy(np.concatenate([record.classes[record.classes >= 0] for record in records]))
    logits = network(torch.from_numpy(inputs))[0]
    loss = torch.nn.functional.cross_entropy(logits, true)
    return float(loss), float((logits.argmax(1) == true).float().mean())
