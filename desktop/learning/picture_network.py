"""The networks of a picture model as they learn and as they are shipped. Needs torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from desktop.learning.network import SmallNetwork, distance
from desktop.learning.picture_texture import energies, gabor_filters

OUTPUTS = ("logits", "activation", "embedding", "distance", "member_logits")
_DIRECTIONS = 8
_TINY = 1e-8
_LEAST_CONTRAST = 0.15


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
    """Gaussian blur; the border goes on beyond the picture."""
    reach = math.ceil(3 * deviation)
    place = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-place.square() / (2 * deviation**2))
    kernel = kernel / kernel.sum()
    across = functional.pad(pictures, (reach, reach, 0, 0), mode="replicate")
    pictures = functional.conv2d(across, kernel[None, None, None, :])
    down = functional.pad(pictures, (0, 0, reach, reach), mode="replicate")
    return functional.conv2d(down, kernel[None, None, :, None])


def _directions(pictures: Tensor, cells: int) -> Tensor:
    """Histograms of gradient directions (Dalal and Triggs 2005): (n, 1, side, side) → (n, directions, cells, cells).

    Signed directions; each cell is told against the strength of its neighbourhood.
    """
    across = functional.pad(pictures, (1, 1, 0, 0), mode="replicate")
    down = functional.pad(pictures, (0, 0, 1, 1), mode="replicate")
    x = (across[..., 2:] - across[..., :-2]) / 2
    y = (down[:, :, 2:] - down[:, :, :-2]) / 2
    angle = torch.arange(_DIRECTIONS) * (2 * math.pi / _DIRECTIONS)
    along = (x * torch.cos(angle)[:, None, None] + y * torch.sin(angle)[:, None, None]).clamp_min(0)
    shares = along * along / torch.sqrt((x * x + y * y).clamp_min(_TINY))
    held = functional.avg_pool2d(shares, pictures.shape[-1] // cells)
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


class Measures(nn.Module):
    """What the regression beside a network is told of (n, 1, side, side) → (n, numbers): `measured`; and where
    surroundings (a share of the side) is not nought, the same of each place told against its surroundings, so that two
    X-ray machines look more alike, both halves counted alike: the mean over the picture and its mirror image.
    texture: with them `picture_texture.energies`.
    """

    def __init__(self, surroundings: float, *, texture: bool) -> None:
        super().__init__()
        if texture and not surroundings:
            raise ValueError("texture is told against the surroundings")
        self.surroundings, self.texture = surroundings, texture
        self.register_buffer("filters", gabor_filters() if texture else None)

    def forward(self, pictures: Tensor) -> Tensor:
        plain = measured(pictures)
        if not self.surroundings:
            return plain
        told = against_surroundings(pictures, self.surroundings * pictures.shape[-1])
        return torch.cat([plain, (self._around(told) + self._around(told.flip(3))) / 2], 1)

    def _around(self, told: Tensor) -> Tensor:
        return told_of(told, self.get_buffer("filters")) if self.texture else measured(told)


@dataclass(frozen=True, eq=False)
class Ridge:
    """A regression on what is measured: logits = measured @ weights + bias. (numbers, findings), (findings)."""

    weights: Tensor
    bias: Tensor


class PictureMember(nn.Module):
    """One network, its head cut down to the findings, and the regression beside it where there is one.

    image (n, 1, side, side), its corners masked already, and what is measured on it, (n, numbers), where there is a
    regression → logits (n, findings), their map (n, findings, rows, columns) in logits of the network, embedding (n,
    width) less the mean of what it learned from, distance (n, 1) from the pictures it learned from.
    scales: (2, findings), what the logits of network and regression are multiplied by before they are added.
    """

    def __init__(
        self, network: SmallNetwork, ridge: Ridge | None, scales: Tensor, mean: Tensor, whitening: Tensor
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("ridge_weights", ridge.weights if ridge else None)
        self.register_buffer("ridge_bias", ridge.bias if ridge else None)
        self.register_buffer("scales", scales)
        self.register_buffer("mean", mean)
        self.register_buffer("whitening", whitening)

    def forward(self, image: Tensor, numbers: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        logits, features, embedding = self.network(image)
        scales, mean = self.get_buffer("scales"), self.get_buffer("mean")
        logits = logits * scales[0]
        weights = self.network.head.weight * scales[0][:, None]
        width = features.shape[1]
        # Where a map's highest value counts beside its mean, the place of that value is where it counts.
        each = weights[:, :width] + weights[:, width:] if self.network.peaks else weights
        activation = torch.einsum("fc,ncyx->nfyx", each, features)
        if numbers is not None:
            told = numbers @ self.get_buffer("ridge_weights") + self.get_buffer("ridge_bias")
            logits = logits + told * scales[1]
        return logits, activation, embedding - mean, distance(embedding, mean, self.get_buffer("whitening"))


class PictureEnsemble(nn.Module):
    """The members as they are shipped, in one graph: what is measured is measured once for all.

    image (n, 1, side, side) → logits (n, findings), the members' mean; activation (n, findings, rows, columns);
    embedding (n, members × width); distance (n, 1), their mean; member_logits (n, members, findings).
    measures: None where there are no regressions.
    """

    def __init__(self, members: Sequence[PictureMember], mask: Tensor, measures: Measures | None) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("mask", mask)
        self.measures = measures

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        seen = image * self.get_buffer("mask")
        numbers = None if self.measures is None else self.measures(seen)
        answers = [member(seen, numbers) for member in self.members]
        logits, activations, embeddings, distances = (list(part) for part in zip(*answers, strict=True))
        together = torch.stack(logits, 1)
        count = len(answers)
        return (
            together.mean(1),
            sum(activations[1:], activations[0]) / count,
            torch.cat(embeddings, 1),
            sum(distances[1:], distances[0]) / count,
            together,
        )
