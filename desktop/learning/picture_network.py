"""The networks of a picture model as they learn and as they are shipped. Needs torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from desktop.learning.abreast import Abreast
from desktop.learning.network import SmallNetwork, distances
from desktop.learning.picture_texture import CELLS, MIRRORED, energies, gabor_filters

OUTPUTS = ("logits", "activation", "embedding", "distance", "member_logits")
_DIRECTIONS = 8
_TINY = 1e-8
_LEAST_CONTRAST = 0.15
_LARGE = 160
"""Side of what all matrices of blurring are cut from: large enough that an exported graph holds it once, and not every
matrix that can be worked out of it."""
_ACROSS = tuple((_DIRECTIONS // 2 - number) % _DIRECTIONS for number in range(_DIRECTIONS))
PARTS = ((_ACROSS, 10), (_ACROSS, 10), (_ACROSS, 5), ((0,), 8), ((0,), 8), ((0,), 8), ((0,), 8), ((0,), 20))
"""Of what `measured` gives, in its order: which channel the mirror image has in the place of each, and cells a side
where the side is a multiple of FILLED."""
TOLD = (*PARTS, (MIRRORED, CELLS))
"""The same of `told_of`."""
FILLED = 80
"""Pixels: a multiple of it is a side that all cells fill; others have pixels left over at one edge, or other numbers
of cells."""


def corner_mask(side: int, share: float) -> Tensor:
    """(1, 1, side, side): 0 in all four corners as far as `share` of the side goes, 1 elsewhere."""
    mask = torch.ones(1, 1, side, side)
    size = round(side * share)
    if size:
        for rows in (slice(None, size), slice(-size, None)):
            for columns in (slice(None, size), slice(-size, None)):
                mask[..., rows, columns] = 0
    return mask


def blurred(pictures: Tensor, deviation: float) -> Tensor:
    """Gaussian blur of (n, 1, side, side); the border goes on beyond the picture. deviation: in pixels.

    By products of matrices: a processor multiplies them several times faster than it slides a kernel of one channel.
    """
    matrix = _blur_matrix(pictures.shape[-1], deviation)
    return matrix.T @ (pictures @ matrix)


def _blur_matrix(side: int, deviation: float) -> Tensor:
    """(side, side): a row of pixels times this is the row blurred. A graph works it out once, when it is loaded."""
    reach = math.ceil(3 * deviation)
    place = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-place.square() / (2 * deviation**2))
    kernel = kernel / kernel.sum()
    identity = torch.eye(max(side, _LARGE))[:side, :side]
    rows = functional.pad(identity[None, None], (reach, reach, 0, 0), mode="replicate")
    return functional.conv2d(rows, kernel[None, None, None, :])[0, 0]


def _directions(pictures: Tensor, cells: int) -> Tensor:
    """Histograms of gradient directions (Dalal and Triggs 2005): (n, 1, side, side) → (n, directions, cells, cells).

    Signed directions; each cell is told against the strength of its neighbourhood. A place adds to a direction the
    square of its gradient along it, over the gradient's length.
    """
    across = functional.pad(pictures, (1, 1, 0, 0), mode="replicate")
    down = functional.pad(pictures, (0, 0, 1, 1), mode="replicate")
    x = (across[..., 2:] - across[..., :-2]) / 2
    y = (down[:, :, 2:] - down[:, :, :-2]) / 2
    root = torch.sqrt(torch.sqrt((x * x + y * y).clamp_min(_TINY)))
    angle = torch.arange(_DIRECTIONS) * (2 * math.pi / _DIRECTIONS)
    turned = torch.stack([torch.cos(angle), torch.sin(angle)], 1)[:, :, None, None]
    along = functional.relu(functional.conv2d(torch.cat([x / root, y / root], 1), turned))
    held = functional.avg_pool2d(along * along, pictures.shape[-1] // cells)
    around = functional.avg_pool2d((held * held).sum(1, keepdim=True), 3, 1, 1, count_include_pad=False)
    return held / (torch.sqrt(around.clamp_min(0)) + 0.02)


def _texture(fine: Tensor, coarse: Tensor, cell: int) -> Tensor:
    """How much there is between two degrees of blur, in cells; logarithmic."""
    energy = functional.avg_pool2d((fine - coarse).square(), cell)
    # A runner that adds up as it goes along may end a little below nothing.
    return torch.log(torch.sqrt(energy.clamp_min(0) + 1e-5) + 0.01)


def measured(pictures: Tensor) -> Tensor:
    """What is measured on pictures, (n, 1, side, side) standardised, → (n, numbers): directions of gradients on three
    scales, texture in four bands, and the picture in small."""
    side = pictures.shape[-1]
    eighth = side // 8
    soft, softer = blurred(pictures, 1.0), blurred(pictures, 2.0)
    half = functional.avg_pool2d(soft, 2)
    quarter = functional.avg_pool2d(half, 2)
    wide = blurred(functional.avg_pool2d(pictures, 2), 2.0)
    found = (
        _directions(soft, 10),
        _directions(blurred(half, 1.5), 10),
        _directions(blurred(quarter, 1.0), 5),
        _texture(pictures, soft, eighth),
        _texture(soft, softer, eighth),
        _texture(functional.avg_pool2d(softer, 2), wide, eighth // 2),
        _texture(wide, blurred(wide, 4.0), eighth // 2),
        functional.avg_pool2d(pictures, side // 20),
    )
    return torch.cat([part.flatten(1) for part in found], 1)


def against_surroundings(pictures: Tensor, width: float) -> Tensor:
    """Each place of (n, 1, side, side) as how far it is from the mean around it, in the spreads around it. width:
    standard deviation of what is around, in pixels."""
    mean = blurred(pictures, width)
    spread = blurred((pictures - mean).square(), width).clamp_min(0).sqrt()
    return (pictures - mean) / (spread + _LEAST_CONTRAST)


def told_of(pictures: Tensor, filters: Tensor) -> Tensor:
    """What lines are told of pictures, (n, 1, side, side), each place told against its surroundings → (n, numbers)."""
    return torch.cat([measured(pictures), energies(pictures, filters)], 1)


def mirror(parts: Sequence[tuple[Sequence[int], int]], side: int) -> Tensor:
    """(numbers,): where each number stands among those of the mirror image. parts: PARTS or TOLD. Raises ValueError
    where the side of the pictures is no multiple of FILLED, whose halves are not measured alike."""
    if side % FILLED:
        raise ValueError(f"both halves are measured alike only where the side is a multiple of {FILLED}")
    found, start = [], 0
    for channels, cells in parts:
        places = torch.arange(start, start + len(channels) * cells**2).view(len(channels), cells, cells)
        found.append(places[list(channels)].flip(2).flatten())
        start += places.numel()
    return torch.cat(found)


class Measures(nn.Module):
    """What the regression beside a network is told of (n, 1, side, side) → (n, numbers): `measured`; and where
    surroundings (a share of the side) is not nought, the same of each place told against its surroundings, so that two
    X-ray machines look more alike. texture: with them `picture_texture.energies`. Raises ValueError for texture without
    surroundings, and where the halves of pictures of that side are not measured alike.
    """

    def __init__(self, side: int, surroundings: float, *, texture: bool) -> None:
        super().__init__()
        if texture and not surroundings:
            raise ValueError("texture is told against the surroundings")
        self.surroundings, self.texture = surroundings, texture
        self.register_buffer("filters", gabor_filters() if texture else None)
        self._mirror = mirror(TOLD if texture else PARTS, side) if surroundings else None

    def forward(self, pictures: Tensor) -> Tensor:
        if not self.surroundings:
            return measured(pictures)
        told = against_surroundings(pictures, self.surroundings * pictures.shape[-1])
        count = pictures.shape[0]
        both = measured(torch.cat([pictures, told]))
        texture = [energies(told, self.get_buffer("filters"))] if self.texture else []
        return torch.cat([both[:count], both[count:], *texture], 1)

    def both_sides(self, numbers: Tensor) -> Tensor:
        """What is told against surroundings as the mean over a picture and its mirror image, so that both halves count
        alike. A regression that learns from this weighs both halves alike, so that it answers the same, and is shipped,
        without it. (n, numbers) → (n, numbers)."""
        if self._mirror is None:
            return numbers
        count = len(self._mirror)
        plain, around = numbers[:, :-count], numbers[:, -count:]
        return torch.cat([plain, (around + around[:, self._mirror]) / 2], 1)


@dataclass(frozen=True, eq=False)
class Ridge:
    """A regression on what is measured: logits = measured @ weights + bias. (numbers, findings), (findings)."""

    weights: Tensor
    bias: Tensor


@dataclass(frozen=True, eq=False)
class PictureMember:
    """One network, its head cut down to the findings, and the regression beside it where there is one.

    scales: (2, findings), what the logits of network and regression are multiplied by before they are added. mean,
    whitening: of the embeddings of the pictures it learned from, see `network.gaussian`.
    """

    network: SmallNetwork
    ridge: Ridge | None
    scales: Tensor
    mean: Tensor
    whitening: Tensor


class PictureEnsemble(nn.Module):
    """The members as they are shipped, in one graph: what is measured is measured once for all.

    image (n, 1, side, side) → logits (n, findings), the members' mean; activation (n, findings, rows, columns), the
    members' mean class-activation map (`Abreast.activations`) of their networks, in logits; embedding (n, members ×
    width, or twice that with peaks), each less the mean of what its member learned from; distance (n, 1), the members'
    mean distance from that; member_logits (n, members, findings). mask: None where no corners are masked. measures:
    None where there are no regressions.
    """

    def __init__(self, members: Sequence[PictureMember], mask: Tensor | None, measures: Measures | None) -> None:
        super().__init__()
        self.members = Abreast([member.network for member in members])
        self.masked, self.measures = mask is not None, measures
        ridges = [member.ridge for member in members if member.ridge is not None]
        buffers = {
            "mask": mask,
            "ridge_weights": torch.cat([ridge.weights for ridge in ridges], 1) if ridges else None,
            "ridge_bias": torch.cat([ridge.bias for ridge in ridges]) if ridges else None,
            "scales": torch.stack([member.scales for member in members], 1),
            "means": torch.stack([member.mean for member in members]),
            "whitenings": torch.stack([member.whitening for member in members]),
        }
        for name, value in buffers.items():
            self.register_buffer(name, value)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        seen = image * self.get_buffer("mask") if self.masked else image
        logits, maps, embeddings = self.members(seen)
        scales = self.get_buffer("scales")
        together = logits * scales[0]
        if self.measures is not None:
            told = self.measures(seen) @ self.get_buffer("ridge_weights") + self.get_buffer("ridge_bias")
            together = together + told.view_as(logits) * scales[1]
        means, whitenings = self.get_buffer("means"), self.get_buffer("whitenings")
        shown = self.members.activations(maps) * scales[0][:, :, None, None]
        each = [shown[:, member] for member in range(self.members.count)]
        return (
            together.mean(1),
            sum(each[1:], each[0]) / len(each),
            (embeddings - means).flatten(1),
            distances(embeddings, means, whitenings),
            together,
        )
