"""A small network that finds things in a photograph: where their middles are, and how far they reach. Needs torch.

Middles as peaks of a map (Zhou 2019), sizes learned around them (Liu 2019, "training-time-friendly"), features of four
scales joined from coarse to fine (Lin 2017).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from desktop.inference.detection_decoding import STRIDE
from desktop.learning.network import Learner, distance

EXTENT = 4
"""A thing reaches this many ways from its middle: left, up, right, down."""

# Of what the maps say before anything is learned: a middle is rare, a thing reaches some twenty pixels.
_RARE = -3.5
_REACH = math.log(20 / STRIDE)
# Reaches of a thing, as logarithms of cells: beyond these nothing fits into a picture.
_LEAST, _MOST = -3.0, 5.0
# A picture and its mirror images: axes that are turned round; a picture and its half turn.
_FLIPS: dict[int, tuple[tuple[int, ...], ...]] = {4: ((), (3,), (2,), (2, 3)), 2: ((), (2, 3))}


class Finder(Learner):
    """(n, 3, rows, columns) standardised → maps (n, kinds + 4, rows / 4, columns / 4), embedding (n, widths[3]).

    maps: one of logits for each kind, then the logarithms of the reach to the left, up, right and down, in cells.
    rows, columns: multiples of 16. widths: see `DetectorSettings`.
    """

    def __init__(self, kinds: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.kinds = kinds
        stem, first, second, top, head = widths
        self.fine = nn.Sequential(convolution(3 * STRIDE * STRIDE, stem), Residual(stem))
        self.middle = nn.Sequential(convolution(stem, first, 2), Residual(first), Residual(first))
        self.coarse = nn.Sequential(convolution(first, second, 2), Residual(second), Residual(second))
        self.top = nn.Sequential(convolution(second, top, 2), Residual(top))
        self.from_top, self.from_coarse = nn.Conv2d(top, second, 1), nn.Conv2d(second, second, 1)
        self.from_middle, self.from_fine = nn.Conv2d(first, first, 1), nn.Conv2d(stem, head, 1)
        self.join_coarse = convolution(second, first)
        self.join_middle = convolution(first, head)
        self.join_fine = convolution(head, head)
        self.peaks = nn.Conv2d(head, kinds, 3, 1, 1)
        self.reach = nn.Sequential(convolution(head, head), nn.Conv2d(head, EXTENT, 1))
        _start(self.peaks, _RARE)
        last = self.reach[1]
        assert isinstance(last, nn.Conv2d)
        _start(last, _REACH)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        folded = functional.pixel_unshuffle(pictures, STRIDE).contiguous(memory_format=torch.channels_last)
        fine = self.fine(folded)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        top = self.top(coarse)
        joined = self.join_coarse(self.from_coarse(coarse) + _grown(self.from_top(top), coarse))
        joined = self.join_middle(self.from_middle(middle) + _grown(joined, middle))
        joined = self.join_fine(self.from_fine(fine) + _grown(joined, fine))
        return torch.cat([self.peaks(joined), self.reach(joined).clamp(_LEAST, _MOST)], 1), top.mean((2, 3))


class Member(nn.Module):
    """One network asked about a picture and its mirror images; the answers' mean.

    image (n, 3, rows, columns) standardised → scores (n, kinds, rows / 4, columns / 4) in 0..1; reach (n, 4, …) to the
    left, up, right and down, in pixels; embedding (n, width); distance (n, 1) from the photographs it learned from.
    """

    def __init__(self, network: Finder, mean: Tensor, whitening: Tensor, views: int) -> None:
        super().__init__()
        self.network = network
        self.flips = _FLIPS[views]
        self.register_buffer("mean", mean)
        self.register_buffer("whitening", whitening)

    def forward(self, plain: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        views = torch.stack([plain.flip(flip) if flip else plain for flip in self.flips], 1)
        maps, features = self.network(views.flatten(0, 1))
        maps = maps.unflatten(0, (-1, len(self.flips)))
        scores, reach = [], []
        for view, flip in enumerate(self.flips):
            turned = maps[:, view].flip(flip) if flip else maps[:, view]
            scores.append(torch.sigmoid(turned[:, : self.network.kinds]))
            reach.append(_mirrored(torch.exp(turned[:, self.network.kinds :]), flip))
        embedding = features.unflatten(0, (-1, len(self.flips))).mean(1)
        away = distance(embedding, self.get_buffer("mean"), self.get_buffer("whitening"))
        return mean_of(scores), STRIDE * mean_of(reach), embedding, away


class Detector(nn.Module):
    """The members as they are shipped, in one graph.

    image (n, 3, rows, columns), 0..255 → scores (n, kinds, rows / 4, columns / 4) in 0..1, 0 but at peaks, and reach
    (n, 4, …) in pixels, both of the members' mean; embedding (n, members × width); distance (n, 1), the members' mean;
    member_scores (n, members × kinds, …), member_reach (n, members × 4, …), member_distances (n, members), of each.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        plain = standardise(image)
        answers = [member(plain) for member in self.members]
        scores, reach, embedding, away = (list(part) for part in zip(*answers, strict=True))
        return (
            peaks_of(mean_of(scores)),
            mean_of(reach),
            torch.cat(embedding, 1),
            mean_of(away),
            torch.cat([peaks_of(score) for score in scores], 1),
            torch.cat(reach, 1),
            torch.cat(away, 1),
        )


OUTPUTS = ("scores", "reach", "embedding", "distance", "member_scores", "member_reach", "member_distances")
"""Names of what a `Detector` gives, in order."""


def standardise(pictures: Tensor) -> Tensor:
    """(n, 3, rows, columns) in 0..255: each channel's mean taken away, the deviation of all made one. Stain and lamp
    shift the colours of a whole photograph; what remains are differences within it."""
    mean = pictures.mean((2, 3), keepdim=True)
    deviation = (pictures - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
    return (pictures - mean) / (deviation + 8.0)


class Residual(nn.Module):
    """Two 3×3 convolutions around a shortcut; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(maps + self.norm(self.second(self.first(maps))))


def convolution(incoming: int, outgoing: int, stride: int = 1) -> nn.Sequential:
    """3×3, normalised, rectified."""
    return nn.Sequential(
        nn.Conv2d(incoming, outgoing, 3, stride, 1, bias=False), nn.BatchNorm2d(outgoing), nn.ReLU(inplace=True)
    )


def mirror_images(plain: Tensor, views: int) -> Tensor:
    """One picture (1, …) → (views, …)."""
    return torch.cat([plain.flip(flip) if flip else plain for flip in _FLIPS[views]])


def _start(layer: nn.Conv2d, value: float) -> None:
    assert layer.bias is not None
    nn.init.constant_(layer.bias, value)


def _grown(maps: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(maps, size=like.shape[2:], mode="nearest")


def mean_of(parts: Sequence[Tensor]) -> Tensor:
    """The mean of tensors of one shape."""
    return sum(parts[1:], parts[0]) / len(parts)


def peaks_of(scores: Tensor) -> Tensor:
    """Only what is highest among its neighbours."""
    return torch.where(scores == functional.max_pool2d(scores, 3, 1, 1), scores, torch.zeros_like(scores))


def _mirrored(reach: Tensor, flip: tuple[int, ...]) -> Tensor:
    """Left is right in a mirror."""
    left, up, right, down = reach.unbind(1)
    if 3 in flip:
        left, right = right, left
    if 2 in flip:
        up, down = down, up
    return torch.stack([left, up, right, down], 1)
