"""What the networks of a picture model are shown, batch by batch. Needs torch."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from desktop.learning import augmentation
from desktop.learning.network import SmallNetwork
from desktop.learning.picture_data import Bytes, Indices, Squares
from desktop.learning.picture_network import corner_mask
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.statistics import auc
from desktop.learning.training import Batch, Lesson, Schedule

EDITION = 1
"""Raised when the code of the lessons changes what is learned."""
# Rare answers weigh more, but none so much that a single wrong label leads.
_HEAVIEST = 5.0
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def unit(pictures: Bytes, chosen: Indices | Tensor) -> Tensor:
    """The chosen squares as (n, 1, *, *) float32 in 0..1."""
    return torch.from_numpy(pictures[np.asarray(chosen)]).float()[:, None] / 255


def picture_lesson(
    name: str,
    identity: str,
    squares: Squares,
    training: Indices,
    held_out: Indices,
    findings: int,
    schedule: Schedule,
    seed: int,
    settings: PictureSettings,
) -> Lesson:
    """All questions at a time; what is not known of a picture teaches nothing. findings: how many questions count in
    full, the others are learned on the side. held_out draws the curve and chooses nothing."""
    strength = augmentation.Strength(
        settings.degrees,
        settings.zoom,
        settings.aspect,
        settings.shift,
        settings.gamma,
        settings.noise,
        settings.coarsest,
    )
    answers, weights = torch.from_numpy(squares.answers), torch.from_numpy(squares.weights)
    mask = corner_mask(settings.side, settings.corners)
    loss = loss_of(squares, training, findings, settings)

    def batches(epoch: int, random: torch.Generator) -> Iterator[Batch]:
        order = torch.from_numpy(training)[torch.randperm(len(training), generator=random)]
        draw = np.random.default_rng((seed, epoch))
        for step in range(schedule.steps):
            chosen = order[step * settings.batch : (step + 1) * settings.batch]
            pictures = augmentation.augment(unit(squares.large, chosen), settings.side, strength, random)
            inputs, targets = augmentation.standardise(pictures, settings.epsilon) * mask, answers[chosen]
            if settings.mixing:
                part = float(draw.beta(settings.mixing, settings.mixing))
                partner = torch.randperm(len(chosen), generator=random)
                inputs = part * inputs + (1 - part) * inputs[partner]
                targets = part * targets + (1 - part) * targets[partner]
            yield Batch(inputs, targets, weights[chosen])

    def validate(network: SmallNetwork) -> tuple[float, float]:
        logits = answers_to(network, squares.exact, held_out, settings)[0]
        truth = squares.answers[held_out]
        areas = [area_of(logits[:, one].double().numpy(), truth[:, one]) for one in range(findings)]
        known = [area for area in areas if np.isfinite(area)]
        spent = loss(logits, torch.from_numpy(truth), weights[held_out])
        return float(spent), float(np.mean(known)) if known else float("nan")

    return Lesson(name, identity, schedule, seed, batches, loss, validate)


def area_of(scores: "np.typing.NDArray[np.float64]", answers: "np.typing.NDArray[np.float32]") -> float:
    """AUC over those of whom the answer is known."""
    known = np.isfinite(answers)
    return auc(scores[known], answers[known] > 0.5)


def loss_of(squares: Squares, training: Indices, findings: int, settings: PictureSettings) -> Loss:
    """Mean cross-entropy of logits (n, questions) over the answers that are known, rare ones weighing more."""
    told = squares.answers[training]
    known = np.isfinite(told).sum(axis=0)
    share = (np.nansum(told, axis=0) + 1) / (known + 2)
    rarer = torch.from_numpy(np.clip(np.sqrt((1 - share) / share), 1, _HEAVIEST).astype(np.float32))
    importance = torch.full((told.shape[1],), settings.side_weight)
    importance[:findings] = 1.0

    def loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        given = torch.isfinite(targets).float()
        truth = torch.nan_to_num(targets)
        soft = truth * (1 - 2 * settings.smoothing) + settings.smoothing
        each = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
        heavy = (truth * (rarer - 1) + 1) * importance * weights[:, None] * given
        return (each * heavy).sum() / given.sum().clamp_min(1)

    return loss


@torch.no_grad()
def answers_to(
    network: SmallNetwork, exact: Bytes, chosen: Indices, settings: PictureSettings
) -> tuple[Tensor, Tensor]:
    """Logits (n, questions) and embeddings (n, width) of pictures as the clinic prepares them."""
    found = [network(seen) for seen in prepared(exact, chosen, settings)]
    return torch.cat([one[0] for one in found]), torch.cat([one[2] for one in found])


def prepared(exact: Bytes, chosen: Indices, settings: PictureSettings) -> Iterator[Tensor]:
    """Pictures as the networks see them, some at a time."""
    mask = corner_mask(settings.side, settings.corners)
    for start in range(0, len(chosen), 64):
        yield augmentation.standardise(unit(exact, chosen[start : start + 64]), settings.epsilon) * mask
