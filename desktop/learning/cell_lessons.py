"""What the malaria cell networks are shown, batch by batch. Needs torch."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from desktop.inference.picture_manifest import CellPreparation
from desktop.inference.preparation import DARKEST, FARTHEST, GROUND
from desktop.learning.augmentation import uniform
from desktop.learning.cell_data import Bytes, CellSquares
from desktop.learning.network import SmallNetwork
from desktop.learning.statistics import auc
from desktop.learning.training import Batch, Lesson, Schedule

Indices = npt.NDArray[np.int64]

SMOOTHING = 0.04
# Every so many held-out cells draw the curve; they choose nothing.
_WATCHED_STEP = 4
_LUMINOSITY = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
# How often a cell is shown as a grey camera would see it, coarser, sharpened, through a lossy file, with noise.
_GREY, _COARSE, _SHARP, _LOSSY, _NOISY = 0.5, 0.45, 0.15, 0.3, 0.35


def unit(pictures: Bytes, chosen: Indices | Tensor) -> Tensor:
    """The chosen squares as (n, 3, side, side) float32 in 0..1."""
    return torch.from_numpy(pictures[np.asarray(chosen)]).float() / 255


def against_body(squares: Tensor, preparation: CellPreparation) -> Tensor:
    """As `inference.preparation.against_body`, for a batch (n, 3, side, side) in 0..1."""
    grey = (squares * _LUMINOSITY).sum(1, keepdim=True)
    lit = (grey > GROUND * grey.amax((2, 3), keepdim=True)).float()
    mean = (grey * lit).sum((2, 3), keepdim=True) / lit.sum((2, 3), keepdim=True).clamp_min(1)
    body = (grey > preparation.body_level * mean).float()
    size = body.sum((2, 3), keepdim=True).clamp_min(1)
    shares = squares / ((squares * body).sum((2, 3), keepdim=True) / size).clamp_min(DARKEST) - 1
    spread = ((shares.square() * body).sum((1, 2, 3), keepdim=True) / (3 * size)).sqrt()
    return (shares / (spread + preparation.epsilon)).clamp(-FARTHEST, FARTHEST)


def cell_lesson(
    name: str,
    identity: str,
    squares: CellSquares,
    training: Indices,
    held_out: Indices,
    schedule: Schedule,
    seed: int,
    preparation: CellPreparation,
    *,
    batch: int,
) -> Lesson:
    """Parasitized or not, in grey and in colour alike; labels softened, since some are wrong."""
    labels = torch.from_numpy(squares.labels).float()
    watched = held_out[::_WATCHED_STEP]

    def batches(epoch: int, random: torch.Generator) -> Iterator[Batch]:
        order = torch.from_numpy(training)[torch.randperm(len(training), generator=random)]
        for step in range(schedule.steps):
            chosen = order[step * batch : (step + 1) * batch]
            seen = augment(unit(squares.large, chosen), preparation.side, random)
            targets = labels[chosen] * (1 - 2 * SMOOTHING) + SMOOTHING
            yield Batch(against_body(seen, preparation), targets[:, None], torch.ones(len(chosen)))

    def validate(network: SmallNetwork) -> tuple[float, float]:
        truth = labels[watched]
        both = [logits_of(network, pictures, watched, preparation) for pictures in (squares.colour, squares.grey)]
        losses = [binary_loss(logits[:, None], truth[:, None], torch.ones(len(truth))) for logits in both]
        areas = [auc(logits.double().numpy(), squares.labels[watched]) for logits in both]
        return float(sum(losses)) / 2, sum(areas) / 2

    return Lesson(name, identity, schedule, seed, batches, binary_loss, validate)


def binary_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Mean cross-entropy of (n, 1) against soft targets."""
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (loss[:, 0] * weights).mean()


@torch.no_grad()
def answers_of(
    answer: Callable[[Tensor], Tensor], pictures: Bytes, chosen: Indices, preparation: CellPreparation
) -> Tensor:
    """What a network answers to cells as the clinic prepares them, one row each."""
    parts = [chosen[start : start + 128] for start in range(0, len(chosen), 128)]
    return torch.cat([answer(against_body(unit(pictures, part), preparation)) for part in parts])


def logits_of(network: SmallNetwork, pictures: Bytes, chosen: Indices, preparation: CellPreparation) -> Tensor:
    """Logits (n) of cells as the clinic prepares them."""
    return answers_of(lambda inputs: network(inputs)[0][:, 0], pictures, chosen, preparation)


def augment(pictures: Tensor, side: int, random: torch.Generator) -> Tensor:
    """(n, 3, *, *) in 0..1 → (n, 3, side, side) in 0..1, each cell as another slide and camera might show it.

    A cell has no left and right: it is turned by any angle and mirrored.
    """
    seen = _stain(_turn(pictures, side, random), random)
    for share, change in ((_GREY, _grey), (_COARSE, _coarser), (_SHARP, _sharper), (_LOSSY, _lossy), (_NOISY, _noisy)):
        chosen = torch.nonzero(torch.rand(len(seen), generator=random) < share)[:, 0]
        if len(chosen):
            seen[chosen] = change(seen[chosen], random).clamp(0, 1)
    return seen


def _grey(pictures: Tensor, random: torch.Generator) -> Tensor:
    """As a grey camera would see them."""
    return (pictures * _LUMINOSITY).sum(1, keepdim=True).expand(-1, 3, -1, -1)


def _sharper(pictures: Tensor, random: torch.Generator) -> Tensor:
    """As some cameras sharpen their pictures."""
    soft = functional.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    return pictures + uniform(len(pictures), 0.3, 1.2, random)[:, None, None, None] * (pictures - soft)


def _noisy(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Grain, alike in all channels for the most part, so that grey cells do not become coloured."""
    count, _, *size = pictures.shape
    grain = torch.randn(count, 1, *size, generator=random)
    return pictures + uniform(count, 0.0, 0.04, random)[:, None, None, None] * grain


def _turn(pictures: Tensor, side: int, random: torch.Generator) -> Tensor:
    """Turned, mirrored, a little larger or smaller, a little stretched and shifted; black comes in from outside."""
    count = len(pictures)
    angle = uniform(count, -math.pi, math.pi, random)
    zoom, aspect = uniform(count, 0.9, 1.1, random), torch.exp(uniform(count, -0.1, 0.1, random))
    mirror = 1 - 2 * (torch.rand(count, generator=random) < 0.5).float()
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = mirror * zoom * aspect * torch.cos(angle), -zoom * torch.sin(angle) / aspect
    matrix[:, 1, 0], matrix[:, 1, 1] = mirror * zoom * aspect * torch.sin(angle), zoom * torch.cos(angle) / aspect
    matrix[:, 0, 2], matrix[:, 1, 2] = uniform(count, -0.06, 0.06, random), uniform(count, -0.06, 0.06, random)
    grid = functional.affine_grid(matrix, [count, 3, side, side], align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False)


def _stain(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Stronger or fainter contrast, in each channel a little differently, and a little of one channel in another.

    Light and white balance need no change: the preparation takes them out.
    """
    count = len(pictures)
    power = torch.exp(0.25 * torch.randn(count, 1, generator=random) + 0.1 * torch.randn(count, 3, generator=random))
    pictures = (pictures + 1e-4) ** power[:, :, None, None]
    mixing = torch.eye(3) + 0.07 * torch.randn(count, 3, 3, generator=random)
    return torch.einsum("nij,njyx->niyx", mixing, pictures).clamp(0, 1)


def _coarser(pictures: Tensor, random: torch.Generator) -> Tensor:
    """By way of fewer pixels, as a weaker camera would give them."""
    side = pictures.shape[-1]
    size = int(torch.randint(round(0.5 * side), side, (1,), generator=random))
    small = functional.interpolate(pictures, size=(size, size), mode="area")
    return functional.interpolate(small, size=(side, side), mode="bilinear", align_corners=False)


def _lossy(pictures: Tensor, random: torch.Generator) -> Tensor:
    """The brightness of 8 × 8 blocks rounded in the frequency domain as JPEG does, coarser by chance."""
    grey = (pictures * _LUMINOSITY).sum(1)
    count, side = len(grey), grey.shape[-1]
    blocks = grey.view(count, side // 8, 8, side // 8, 8).transpose(2, 3)
    step = float(uniform(1, 0.4, 2.5, random)) * _STEPS / 255
    rounded = torch.round(_COSINES @ blocks @ _COSINES.T / step) * step
    back = (_COSINES.T @ rounded @ _COSINES).transpose(2, 3).reshape(count, 1, side, side)
    return pictures + back - grey[:, None]


def _cosines() -> Tensor:
    """The 8-point orthonormal discrete cosine transform."""
    rows, columns = torch.arange(8.0)[:, None], torch.arange(8.0)[None]
    matrix = 0.5 * torch.cos((2 * columns + 1) * rows * math.pi / 16)
    matrix[0] /= math.sqrt(2)
    return matrix


_COSINES = _cosines()
# Close to the luminance table of ITU-T T.81, annex K: finer steps for what is coarse.
_STEPS = 12 + 6 * (torch.arange(8.0)[:, None] + torch.arange(8.0)[None])
