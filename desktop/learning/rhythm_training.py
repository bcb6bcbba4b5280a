"""Training of the networks of ecg-rhythm. Needs torch."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from desktop.inference.rhythm_strips import SAMPLES, strip
from desktop.jobs import Job
from desktop.learning.rhythm_data import RHYTHMS, StripRecords
from desktop.learning.rhythm_evaluation import mean_f1
from desktop.learning.rhythm_network import StripNetwork
from desktop.learning.rhythm_parts import strip_parts
from desktop.learning.rhythm_settings import RhythmSettings
from desktop.learning.training import Batch, LessonOf, Schedule, TrainedOf, train

Say = Callable[[str], None]
Indices = npt.NDArray[np.int64]


def train_member(
    records: StripRecords, part: int, settings: RhythmSettings, data_sha256: str, work: Path, job: Job, say: Say
) -> TrainedOf[StripNetwork]:
    """The member that never sees one part. It takes the last epoch's weights: the part only judges."""
    parts = strip_parts(records, settings)
    learn, judge = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
    schedule = Schedule(
        settings.epochs, len(learn) // settings.batch, settings.rate, patience=settings.epochs, to_the_end=True
    )
    text = json.dumps([data_sha256, settings.of_strips(), part, torch.__version__])
    lesson = LessonOf[StripNetwork](
        f"strips {part + 1}",
        hashlib.sha256(text.encode()).hexdigest(),
        schedule,
        settings.seed + part,
        lambda epoch, random: _batches(records, learn, settings, random),
        weighted_loss,
        lambda network: _validate(network, records, judge),
    )
    build = partial(StripNetwork, settings.widths, len(RHYTHMS))
    return train(lesson, build, work / f"strips{part}.pt", job, say)


def _batches(
    records: StripRecords, learn: Indices, settings: RhythmSettings, random: torch.Generator
) -> Iterator[Batch]:
    numbers = np.random.default_rng(int(torch.randint(2**31, (1,), generator=random)))
    order = numbers.permutation(learn)
    weights = torch.tensor(settings.class_weights)
    for step in range(len(learn) // settings.batch):
        chosen = order[step * settings.batch : (step + 1) * settings.batch]
        inputs = np.stack([_varied(records, int(index), numbers) for index in chosen])
        classes = torch.from_numpy(records.rhythms[chosen])
        targets = soft_targets(classes, len(RHYTHMS), settings.soft)
        yield Batch(torch.from_numpy(inputs), targets, weights[classes])


def _varied(records: StripRecords, index: int, numbers: np.random.Generator) -> npt.NDArray[np.float32]:
    """One record as a strip from anywhere in it: larger or smaller, sometimes upside down, noisy or wandering."""
    begin, end = int(records.starts[index]), int(records.starts[index + 1])
    begin += int(numbers.integers(0, max(1, end - begin - SAMPLES + 1)))
    wave = records.waves[begin : min(end, begin + SAMPLES)].astype(np.float32)
    curve = records.curves[begin : min(end, begin + SAMPLES)].astype(np.float32)
    wave = wave * np.exp(numbers.normal(0.0, 0.15))
    if numbers.random() < 0.15:
        wave = -wave
    if numbers.random() < 0.3:
        wave = wave + numbers.normal(0.0, numbers.uniform(0.0, 0.05), len(wave)).astype(np.float32)
    counted = records.counted[index] * np.exp(numbers.normal(0.0, 0.03, records.counted.shape[1]))
    return strip(wave.astype(np.float32), curve, counted.astype(np.float32))


def soft_targets(classes: Tensor, count: int, soft: float) -> Tensor:
    """(n, count) one for each class, softened."""
    return functional.one_hot(classes, count).float() * (1 - soft) + soft / count


def weighted_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy with soft targets, the mean by weight."""
    return (-(targets * logits.log_softmax(1)).sum(1) * weights).sum() / weights.sum()


@torch.no_grad()
def member_logits(network: StripNetwork, records: StripRecords, chosen: Indices) -> npt.NDArray[np.float64]:
    """(chosen, classes) of a member, from the middle of each record."""
    found = []
    for part in np.array_split(chosen, max(1, len(chosen) // 128)):
        inputs = np.stack([_middle(records, int(index)) for index in part])
        found.append(network(torch.from_numpy(inputs))[0].double().numpy())
    return np.concatenate(found)


def _middle(records: StripRecords, index: int) -> npt.NDArray[np.float32]:
    begin, end = int(records.starts[index]), int(records.starts[index + 1])
    begin += max(0, (end - begin - SAMPLES) // 2)
    return strip(records.waves[begin:end], records.curves[begin:end], records.counted[index])


def _validate(network: StripNetwork, records: StripRecords, judge: Indices) -> tuple[float, float]:
    logits = member_logits(network, records, judge)
    true = records.rhythms[judge]
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(true)), true].mean()), mean_f1(logits.argmax(axis=1), true)
