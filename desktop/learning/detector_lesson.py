"""What a detector is shown, batch by batch, and what it is told about it. Needs torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from desktop.inference.detection_decoding import STRIDE
from desktop.learning.augmentation import uniform
from desktop.learning.detector_data import Photograph
from desktop.learning.detector_network import EXTENT, Finder, mirror_images, standardise
from desktop.learning.training import Batch, LessonOf, Schedule

Floats = npt.NDArray[np.float64]

EDITION = 1
"""To be raised with every change to what is learned or how: a checkpoint of another edition is not gone on from."""

_GROUND = 0.85
"""Quantile of each channel that fills what lies beyond a turned photograph."""
_VISIBLE = 0.3
"""Share of a thing that must be left in the picture for its box to count."""
_CORE = 0.2
"""Height of the bell around a middle from which on its reach is learned."""
_BELL = 0.09
_NARROWEST = 1.6
_REACH_WEIGHT = 3.0


@dataclass(frozen=True)
class Change:
    """How far a photograph may be changed. zoom, aspect: spread of the logarithm. degrees: beside quarter
    (or half) turns. shift: share of the width. gain: of a channel, lamp: of all, gamma: spread of the logarithms."""

    zoom: float = 0.25
    aspect: float = 0.05
    degrees: float = 17.0
    shift: float = 0.2
    gain: float = 0.06
    lamp: float = 0.12
    gamma: float = 0.15
    blurred: float = 0.15
    grey: float = 0.05
    half_turns: bool = False


def detector_lesson(
    name: str,
    identity: str,
    photographs: Sequence[Photograph],
    kinds: int,
    schedule: Schedule,
    seed: int,
    batch: int,
    change: Change,
) -> LessonOf[Finder]:
    """Find the boxes of photographs that are turned, mirrored, moved, zoomed and lit in ever other ways.

    Nothing is held out in the loop: the last weights are taken, and whoever is to be judged is judged afterwards.
    """

    def batches(epoch: int, random: torch.Generator) -> Iterator[Batch]:
        order = torch.randperm(len(photographs), generator=random).tolist()
        for step in range(schedule.steps):
            chosen = [photographs[index] for index in order[step * batch : (step + 1) * batch]]
            pictures, boxes = changed(chosen, change, random)
            rows, columns = pictures.shape[2] // STRIDE, pictures.shape[3] // STRIDE
            targets = np.stack([target(one, kinds, rows, columns) for one in boxes])
            yield Batch(standardise(pictures), torch.from_numpy(targets), torch.ones(len(chosen)))

    def validate(_network: Finder) -> tuple[float, float]:
        return 0.0, 0.0

    def loss(maps: Tensor, targets: Tensor, _weights: Tensor) -> Tensor:
        return detector_loss(maps, targets, kinds)

    return LessonOf(name, identity, schedule, seed, batches, loss, validate)


def changed(photographs: Sequence[Photograph], change: Change, random: torch.Generator) -> tuple[Tensor, list[Floats]]:
    """Photographs as (n, 3, rows, columns) float32 in 0..255, each changed in its own way, and their boxes."""
    pictures = torch.from_numpy(np.stack([one.pixels for one in photographs])).float()
    count, _, rows, columns = pictures.shape
    matrices = matrices_of(count, change, random)
    shifts = torch.stack(
        [uniform(count, -change.shift, change.shift, random), uniform(count, -change.shift, change.shift, random)], 1
    ).double() * torch.tensor([columns, rows])
    moved = _moved(pictures, matrices, shifts)
    boxes = [
        moved_boxes(one.boxes, matrices[index].numpy(), shifts[index].numpy(), rows, columns)
        for index, one in enumerate(photographs)
    ]
    return _lit(moved, change, random), boxes


def matrices_of(count: int, change: Change, random: torch.Generator) -> Tensor:
    """(n, 2, 2) float64: what each photograph is turned, zoomed and perhaps mirrored by, about its middle."""
    zoom = torch.exp(uniform(count, -change.zoom, change.zoom, random))
    aspect = torch.exp(torch.randn(count, generator=random) * change.aspect)
    tilt = uniform(count, -change.degrees, change.degrees, random)
    turns = torch.randint(4, (count,), generator=random)
    angle = torch.deg2rad(tilt + 90 * (turns // 2 * 2 if change.half_turns else turns))
    mirror = torch.where(torch.rand(count, generator=random) < 0.5, -1.0, 1.0)
    across, down = zoom * aspect * mirror, zoom / aspect
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return torch.stack(
        [torch.stack([cosine * across, -sine * down], 1), torch.stack([sine * across, cosine * down], 1)], 1
    ).double()


def _moved(pictures: Tensor, matrices: Tensor, shifts: Tensor) -> Tensor:
    """Place p of a photograph goes to matrix (p - middle) + middle + shift; what lies beyond is empty ground."""
    count, _, rows, columns = pictures.shape
    inverse = torch.linalg.inv(matrices)
    half = torch.tensor([columns / 2, rows / 2], dtype=torch.float64)
    back = inverse * half[None, None, :] / half[None, :, None]
    offset = -(inverse @ shifts[:, :, None])[:, :, 0] / half
    grid = functional.affine_grid(
        torch.cat([back, offset[:, :, None]], 2).float(), [count, 3, rows, columns], align_corners=False
    )
    ground = torch.quantile(pictures.flatten(2)[:, :, ::16], _GROUND, dim=2)[:, :, None, None]
    return functional.grid_sample(pictures - ground, grid, align_corners=False) + ground


def moved_boxes(boxes: Floats, matrix: Floats, shift: Floats, rows: int, columns: int) -> Floats:
    """Boxes (n, 5) where the photograph went, cut where it ends; those of which little is left are dropped.

    Cells are round: a box holds the ellipse that fills it, and becomes the box of the turned ellipse.
    """
    middle = np.array([columns / 2, rows / 2])
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = (boxes[:, 2:4] - boxes[:, :2]) / 2
    gone = (centres - middle) @ matrix.T + middle + shift
    reach: Floats = np.sqrt((half**2) @ (matrix**2).T)
    low, high = gone - reach, gone + reach
    cut_low, cut_high = np.clip(low, 0, [columns, rows]), np.clip(high, 0, [columns, rows])
    left: Floats = np.prod(cut_high - cut_low, axis=1) / np.prod(high - low, axis=1)
    whole: Floats = np.concatenate([cut_low, cut_high, boxes[:, 4:]], axis=1)
    return np.asarray(whole[left > _VISIBLE])


def _lit(pictures: Tensor, change: Change, random: torch.Generator) -> Tensor:
    """Another lamp, another camera, another stain; sometimes out of focus, sometimes without colour."""
    count = len(pictures)
    lamp = torch.randn(count, 1, generator=random) * change.lamp
    gain = torch.exp(torch.randn(count, 3, generator=random) * change.gain + lamp)[:, :, None, None]
    gamma = torch.exp(torch.randn(count, generator=random) * change.gamma)[:, None, None, None]
    pictures = 255.0 * ((pictures * gain).clamp(0, 255) / 255.0) ** gamma
    soft = functional.interpolate(functional.avg_pool2d(pictures, 2), scale_factor=2, mode="bilinear")
    pictures = torch.where(torch.rand(count, 1, 1, 1, generator=random) < change.blurred, soft, pictures)
    grey = pictures.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return torch.where(torch.rand(count, 1, 1, 1, generator=random) < change.grey, grey, pictures)


def target(boxes: Floats, kinds: int, rows: int, columns: int) -> npt.NDArray[np.float32]:
    """(kinds + 4 + 1, rows, columns): a bell around each middle, the logarithm of the reach around it in cells, and how
    much that counts. Of two things in one place the smaller one is learned."""
    found = np.zeros((kinds + EXTENT + 1, rows, columns), np.float32)
    across, down = (np.arange(columns) + 0.5) * STRIDE, (np.arange(rows) + 0.5) * STRIDE
    x, y = np.meshgrid(across, down)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for left, top, right, bottom, kind in boxes[np.argsort(-areas, kind="stable")]:
        column = min(columns - 1, max(0, int((left + right) / 2 / STRIDE)))
        row = min(rows - 1, max(0, int((top + bottom) / 2 / STRIDE)))
        wide, high = max((right - left) * _BELL, _NARROWEST), max((bottom - top) * _BELL, _NARROWEST)
        bell = np.exp(-((x - across[column]) ** 2 / (2 * wide**2) + (y - down[row]) ** 2 / (2 * high**2)))
        found[int(kind)] = np.maximum(found[int(kind)], bell)
        reach = np.stack([x - left, y - top, right - x, bottom - y]) / STRIDE
        core = (bell > _CORE) & (reach.min(axis=0) > 0)
        if core.any():
            found[kinds : kinds + EXTENT, core] = np.log(reach[:, core])
            found[-1, core] = bell[core] / bell[core].sum()
    return found


def detector_loss(maps: Tensor, targets: Tensor, kinds: int) -> Tensor:
    """Focal loss of the middles (Law 2018), and what the reach lacks of a perfect overlap (Rezatofighi 2019)."""
    said = torch.sigmoid(maps[:, :kinds]).clamp(1e-4, 1 - 1e-4)
    bells = targets[:, :kinds]
    middle = bells == 1
    near = torch.where(middle, (1 - said) ** 2 * said.log(), (1 - bells) ** 4 * said**2 * (1 - said).log())
    middles = -near.sum() / middle.sum().clamp_min(1)
    weight = targets[:, -1]
    overlap = _overlap(torch.exp(maps[:, kinds:]), torch.exp(targets[:, kinds:-1]))
    reach = ((1 - overlap) * weight).sum() / weight.sum().clamp_min(1e-6)
    return middles + _REACH_WEIGHT * reach


def _overlap(first: Tensor, second: Tensor) -> Tensor:
    """Generalised intersection over union of boxes around the same place, each given by its reach (n, 4, …)."""

    def area(reach: Tensor) -> Tensor:
        return (reach[:, 0] + reach[:, 2]) * (reach[:, 1] + reach[:, 3])

    inner, outer = area(torch.minimum(first, second)), area(torch.maximum(first, second))
    union = area(first) + area(second) - inner
    return inner / (union + 1e-6) - (outer - union) / (outer + 1e-6)


@torch.no_grad()
def embeddings(network: Finder, photographs: Sequence[Photograph], views: int) -> Tensor:
    """Embeddings (n, d) as the shipped network makes them: of a picture and its mirror images together."""
    found = []
    for one in photographs:
        plain = standardise(torch.from_numpy(one.pixels)[None].float())
        found.append(network(mirror_images(plain, views))[1].mean(0))
    return torch.stack(found)
