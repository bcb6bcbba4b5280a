"""A small network that tells, at every place of a photograph, which of two kinds a cell with its middle there is. Needs
torch.

The finder looks at half the resolution, which is enough to see that something is a cell; a parasite in it is as wide as
a few pixels of the whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from desktop.learning.augmentation import uniform
from desktop.learning.detector_data import Photograph
from desktop.learning.detector_lesson import Change, matrices_of
from desktop.learning.detector_network import Member, Residual, convolution, mean_of, peaks_of, standardise
from desktop.learning.network import Learner
from desktop.learning.training import Batch, LessonOf, Schedule

Floats = npt.NDArray[np.float64]

STRIDE = 8
"""Pixels per cell of the map: the finder's four, at half the resolution."""
HALF = 2

_FOLD, _WIDTHS, _HEAD = 2, (16, 32, 64), 32
_TILE = 96
_JITTER = 16.0
"""Pixels that the middle of a tile may lie beside that of the cell it was chosen for, either way."""
_NEAR = 9.0
"""As far from its middle a place still tells the kind of a cell."""
_MARGIN = 12.0
_CHANGE = Change(zoom=0.15, aspect=0.04, degrees=45.0)
_GAIN, _LAMP, _BLURRED = 0.12, 0.12, 0.2
_SMOOTH = 0.02


class Sorter(Learner):
    """(n, 3, rows, columns) standardised → (n, 1, rows / 8, columns / 8) logits of the second kind."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = _WIDTHS
        self.body = nn.Sequential(
            convolution(3 * _FOLD * _FOLD, fine),
            Residual(fine),
            convolution(fine, middle, 2),
            Residual(middle),
            convolution(middle, coarse, 2),
            Residual(coarse),
        )
        self.head = nn.Sequential(nn.Conv2d(2 * coarse, _HEAD, 1), nn.ReLU(inplace=True), nn.Conv2d(_HEAD, 1, 1))

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        folded = functional.pixel_unshuffle(pictures, _FOLD).contiguous(memory_format=torch.channels_last)
        maps = self.body(folded)
        # A parasite lies anywhere in its cell.
        return (self.head(torch.cat([maps, functional.max_pool2d(maps, 3, 1, 1)], 1)),)


class SortingDetector(nn.Module):
    """Finders and sorters as they are shipped, in one graph; outputs as those of `Detector`, with two maps of scores:
    peaks where a cell is, and everywhere how probable it is that a cell there is of the second kind.

    image (n, 3, rows, columns), 0..255; maps of rows / 8, columns / 8; reach in pixels of the image.
    """

    def __init__(self, members: Sequence[Member], sorters: Sequence[Sorter]) -> None:
        super().__init__()
        self.members, self.sorters = nn.ModuleList(members), nn.ModuleList(sorters)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        half = standardise(functional.avg_pool2d(image, HALF))
        answers = [member(half) for member in self.members]
        scores, reach, embedding, away = (list(part) for part in zip(*answers, strict=True))
        reach = [HALF * one for one in reach]
        plain = standardise(image)
        kinds = [torch.sigmoid(sorter(plain)[0]) for sorter in self.sorters]
        own = [torch.cat([peaks_of(score), kind], 1) for score, kind in zip(scores, kinds, strict=True)]
        return (
            torch.cat([peaks_of(mean_of(scores)), mean_of(kinds)], 1),
            mean_of(reach),
            torch.cat(embedding, 1),
            mean_of(away),
            torch.cat(own, 1),
            torch.cat(reach, 1),
            torch.cat(away, 1),
        )


def halves(photographs: Sequence[Photograph]) -> list[Photograph]:
    """The photographs as the finder is shown them: half the resolution, every cell of one kind."""
    return [_half(one) for one in photographs]


def sorter_lesson(
    name: str, identity: str, photographs: Sequence[Photograph], schedule: Schedule, seed: int, batch: int
) -> LessonOf[Sorter]:
    """Tell cells of the second kind (1) from those of the first (0), on small tiles around each of them and around as
    many others; what nobody is sure of (2) teaches nothing."""
    looks = [_Look.of(one) for one in photographs]
    rare = [(index, place) for index, one in enumerate(looks) for place in np.flatnonzero(one.kinds == 1)]
    full = [index for index, one in enumerate(looks) if len(one.kinds)]

    def batches(epoch: int, random: torch.Generator) -> Iterator[Batch]:
        del epoch
        order = torch.randperm(len(rare), generator=random).tolist()
        for step in range(schedule.steps):
            # Two of three tiles are around a rare cell, in turn; the others around any.
            chosen = [rare[order[(step * batch + place) % len(rare)]] for place in range(2 * batch // 3)]
            while len(chosen) < batch:
                index = full[int(torch.randint(len(full), (1,), generator=random))]
                chosen.append((index, int(torch.randint(len(looks[index].kinds), (1,), generator=random))))
            tiles, targets = _tiles([(looks[index], place) for index, place in chosen], random)
            yield Batch(tiles, targets, torch.ones(batch))

    def validate(_network: Sorter) -> tuple[float, float]:
        return 0.0, 0.0

    return LessonOf(name, identity, schedule, seed, batches, _loss, validate)


def steps_of(photographs: Sequence[Photograph], batch: int) -> int:
    """Steps in which each cell of the second kind is shown once."""
    rare = sum(int((one.boxes[:, 4] == 1).sum()) for one in photographs)
    return max(1, -(-rare // (2 * batch // 3)))


@dataclass(frozen=True, eq=False)
class _Look:
    """A photograph standardised, (1, 3, rows, columns), and the middles and kinds of its cells."""

    picture: Tensor
    middles: Floats
    kinds: Floats

    @classmethod
    def of(cls, one: Photograph) -> "_Look":
        middles = (one.boxes[:, :2] + one.boxes[:, 2:4]) / 2
        picture = standardise(torch.from_numpy(one.pixels)[None].float())
        return cls(picture.half(), middles, one.boxes[:, 4])


def _tiles(chosen: Sequence[tuple[_Look, int]], random: torch.Generator) -> tuple[Tensor, Tensor]:
    """(n, 3, side, side), and targets (n, 2, side / 8, side / 8): the kind, and how much that counts."""
    count = len(chosen)
    matrices = matrices_of(count, _CHANGE, random)
    beside = uniform(2 * count, -_JITTER, _JITTER, random).reshape(count, 2).double()
    inverse, tiles, targets = torch.linalg.inv(matrices), [], []
    for number, (look, place) in enumerate(chosen):
        middle = torch.from_numpy(look.middles[place]) + beside[number]
        rows, columns = look.picture.shape[2:]
        half = torch.tensor([columns / 2, rows / 2], dtype=torch.float64)
        back = inverse[number] * (_TILE / 2) / half[:, None]
        grid = functional.affine_grid(
            torch.cat([back, (middle / half - 1)[:, None]], 1).float()[None], [1, 3, _TILE, _TILE], align_corners=False
        )
        tiles.append(functional.grid_sample(look.picture.float(), grid, align_corners=False))
        gone = (look.middles - middle.numpy()) @ matrices[number].numpy().T + _TILE / 2
        targets.append(_target(gone, look.kinds))
    return _lit(torch.cat(tiles), random), torch.from_numpy(np.stack(targets))


def _target(middles: Floats, kinds: Floats) -> npt.NDArray[np.float32]:
    """(2, side / 8, side / 8)."""
    side = _TILE // STRIDE
    found = np.zeros((2, side, side), np.float32)
    inside = ((middles > _MARGIN) & (middles < _TILE - _MARGIN)).all(axis=1)
    if not inside.any():
        return found
    places = (np.arange(side) + 0.5) * STRIDE
    x, y = np.meshgrid(places, places)
    away = np.hypot(x[None] - middles[inside, 0, None, None], y[None] - middles[inside, 1, None, None])
    kind = kinds[inside][away.argmin(axis=0)]
    found[0] = kind == 1
    found[1] = (away.min(axis=0) <= _NEAR) & (kind < 2)
    return found


def _lit(tiles: Tensor, random: torch.Generator) -> Tensor:
    """Another stain and lamp; sometimes out of focus."""
    count = len(tiles)
    gain = torch.exp(torch.randn(count, 1, 1, 1, generator=random) * _GAIN)
    lamp = torch.randn(count, 3, 1, 1, generator=random) * _LAMP
    soft = functional.interpolate(functional.avg_pool2d(tiles, 2), scale_factor=2, mode="bilinear")
    blurred = torch.rand(count, 1, 1, 1, generator=random) < _BLURRED
    return torch.where(blurred, soft, tiles) * gain + lamp


def _loss(maps: Tensor, targets: Tensor, _weights: Tensor) -> Tensor:
    """Log-loss, either kind as heavy as the other."""
    kind, weight = targets[:, :1], targets[:, 1:]
    each = functional.binary_cross_entropy_with_logits(maps, kind * (1 - 2 * _SMOOTH) + _SMOOTH, reduction="none")
    rare, other = weight * kind, weight * (1 - kind)
    return ((each * rare).sum() / rare.sum().clamp_min(1) + (each * other).sum() / other.sum().clamp_min(1)) / 2


def _half(one: Photograph) -> Photograph:
    rows, columns = one.pixels.shape[1:]
    folded = one.pixels.reshape(3, rows // HALF, HALF, columns // HALF, HALF).astype(np.float64)
    boxes = one.boxes * [1 / HALF, 1 / HALF, 1 / HALF, 1 / HALF, 0]
    return Photograph(one.name, one.sha256, np.rint(folded.mean(axis=(2, 4))).astype(np.uint8), boxes, one.run)
