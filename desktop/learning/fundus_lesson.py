"""What a network of vessels is shown, batch by batch, and what it is told about it. Needs torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from desktop.learning.augmentation import uniform
from desktop.learning.fundus_network import VesselNetwork
from desktop.learning.training import Batch, LessonOf, Schedule

FloatArray = npt.NDArray[np.float32]

EDITION = 2
"""To be raised with every change to what is learned or how: a checkpoint of another edition is not gone on from."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A prepared retina, light (lights, side, side), and what was drawn on it, (side, side) each. vessels: share of
    each point that is vessel. field: 1 where the retina is seen."""

    light: FloatArray
    vessels: FloatArray
    field: FloatArray


@dataclass(frozen=True)
class Change:
    """How far a patch may be changed beside quarter turns and mirrors. warped: share of the patches that are turned by
    any angle, zoomed and stretched too; the others keep their pixels, as resampling blurs the finest vessels. zoom,
    aspect, gain: spread of the logarithms. noise: of the grain, at most. blurred: share of patches out of focus."""

    warped: float = 0.4
    zoom: float = 0.25
    aspect: float = 0.08
    gain: float = 0.2
    noise: float = 0.2
    blurred: float = 0.1


def vessel_lesson(
    name: str, identity: str, drawn: Sequence[Drawn], schedule: Schedule, seed: int, batch: int, patch: int
) -> LessonOf[VesselNetwork]:
    """Draw the vessels of patches that are turned, mirrored, zoomed and lit in ever other ways. patch: their side.

    Nothing is held out in the loop: the last weights are taken, and whoever is to be judged is judged afterwards.
    """
    pictures = [torch.from_numpy(np.stack([*one.light, one.vessels, one.field])) for one in drawn]

    def batches(epoch: int, random: torch.Generator) -> Iterator[Batch]:
        order: list[int] = []
        for _ in range(schedule.steps):
            while len(order) < batch:
                order += torch.randperm(len(pictures), generator=random).tolist()
            chosen, order = order[:batch], order[batch:]
            shown = changed([pictures[index] for index in chosen], patch, Change(), random)
            yield Batch(shown[:, :-2], shown[:, -2:], torch.ones(batch))

    def validate(_network: VesselNetwork) -> tuple[float, float]:
        return 0.0, 0.0

    return LessonOf(name, identity, schedule, seed, batches, vessel_loss, validate)


def vessel_loss(logits: Tensor, targets: Tensor, _weights: Tensor) -> Tensor:
    """Cross-entropy within the field, and what is missing to a perfect overlap (Dice). targets: vessels, field."""
    wanted, field = targets[:, :1], targets[:, 1:]
    entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    said = torch.sigmoid(logits) * field
    wanted = wanted * field
    overlap = (2 * (said * wanted).sum() + 1) / ((said * said).sum() + (wanted * wanted).sum() + 1)
    return (entropy * field).sum() / (field.sum() + 1) + 0.5 * (1 - overlap)


def changed(pictures: Sequence[Tensor], patch: int, change: Change, random: torch.Generator) -> Tensor:
    """Pictures (lights + 2, side, side) of light, vessels and field → patches (n, lights + 2, patch, patch), each
    changed in its own way, its middle somewhere in the field."""
    count = len(pictures)
    # Evenly over a disc somewhat smaller than the retina.
    away, turn = uniform(count, 0.0, 1.0, random).sqrt() * 0.85, uniform(count, 0.0, 2 * torch.pi, random)
    across, down = away * torch.cos(turn), away * torch.sin(turn)
    grids = _grids(across, down, patch, pictures[0].shape[-1], change, random)
    warped = (torch.rand(count, generator=random) < change.warped).tolist()
    quarters = torch.randint(4, (count,), generator=random).tolist()
    mirrored = (torch.rand(count, generator=random) < 0.5).tolist()
    patches = []
    for index, picture in enumerate(pictures):
        if warped[index]:
            grid = grids[index : index + 1]
            shown = functional.grid_sample(picture[None], grid, padding_mode="zeros", align_corners=False)[0]
        else:
            shown = _crop(picture, float(across[index]), float(down[index]), patch)
        shown = torch.rot90(shown, quarters[index], (1, 2))
        patches.append(shown.flip(2) if mirrored[index] else shown)
    shown = torch.stack(patches)
    return torch.cat([_lit(shown[:, :-2], change, random), shown[:, -2:]], 1)


def _grids(across: Tensor, down: Tensor, patch: int, side: int, change: Change, random: torch.Generator) -> Tensor:
    """Where the points of turned, zoomed and stretched patches lie in their pictures; their middles are given."""
    count = len(across)
    angle = uniform(count, 0.0, 2 * torch.pi, random)
    zoom = torch.exp(uniform(count, -change.zoom, change.zoom, random)) * patch / side
    aspect = torch.exp(uniform(count, -change.aspect, change.aspect, random))
    matrices = torch.zeros(count, 2, 3)
    matrices[:, 0, 0] = zoom * aspect * torch.cos(angle)
    matrices[:, 0, 1] = -zoom * torch.sin(angle)
    matrices[:, 1, 0] = zoom * aspect * torch.sin(angle)
    matrices[:, 1, 1] = zoom * torch.cos(angle)
    matrices[:, 0, 2] = across
    matrices[:, 1, 2] = down
    return functional.affine_grid(matrices, [count, 3, patch, patch], align_corners=False)


def _crop(picture: Tensor, across: float, down: float, patch: int) -> Tensor:
    """The patch around a place, -1..1 from edge to edge, moved to lie in the picture."""
    side = picture.shape[-1]
    left, top = (min(side - patch, max(0, round((at + 1) / 2 * side - patch / 2))) for at in (across, down))
    return picture[:, top : top + patch, left : left + patch]


def _lit(light: Tensor, change: Change, random: torch.Generator) -> Tensor:
    """Out of focus, with more or less contrast, with grain."""
    count = len(light)
    soft = functional.avg_pool2d(functional.pad(light, (1, 1, 1, 1), mode="replicate"), 3, 1)
    blurred = (torch.rand(count, generator=random) < change.blurred).float()[:, None, None, None]
    light = light + blurred * (soft - light)
    light = light * torch.exp(uniform(count, -change.gain, change.gain, random))[:, None, None, None]
    level = uniform(count, -change.noise, change.noise, random).clamp_min(0)[:, None, None, None]
    return light + level * torch.randn(light.shape, generator=random)
