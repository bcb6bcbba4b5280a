"""A small network that tells vessels from the rest of a retina, point by point. Needs torch.

Coarse maps joined to fine ones on the way back (Ronneberger 2015, "U-Net"), by addition; pixels are folded two by two
on the way in and unfolded at the end, which keeps every pixel and the work small.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from desktop.learning.network import Learner

WIDTHS = (32, 48, 64, 64)


class VesselNetwork(Learner):
    """(n, lights, rows, columns) against their ground → logits (n, 1, rows, columns). rows, columns: multiples of
    16."""

    def __init__(self, lights: int = 1, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        first, second, third, fourth = widths
        self.down1 = nn.Sequential(_convolution(4 * lights, first), _convolution(first, first))
        self.down2 = nn.Sequential(_convolution(first, second), _convolution(second, second))
        self.down3 = nn.Sequential(_convolution(second, third), _convolution(third, third))
        self.bottom = nn.Sequential(_convolution(third, fourth), _convolution(fourth, third))
        self.up3 = nn.Sequential(_convolution(third, third), _convolution(third, second))
        self.up2 = nn.Sequential(_convolution(second, second), _convolution(second, first))
        self.up1 = _convolution(first, first)
        self.last = nn.Conv2d(first, 4, 3, 1, 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor]:
        folded = functional.pixel_unshuffle(pictures, 2).contiguous(memory_format=torch.channels_last)
        one = self.down1(folded)
        two = self.down2(functional.max_pool2d(one, 2))
        three = self.down3(functional.max_pool2d(two, 2))
        joined = self.up3(_grown(self.bottom(functional.max_pool2d(three, 2))) + three)
        joined = self.up2(_grown(joined) + two)
        joined = self.up1(_grown(joined) + one)
        return (functional.pixel_shuffle(self.last(joined), 2),)


class Vessels(nn.Module):
    """The members as they are shipped, in one graph: image (n, lights, rows, columns) → vessels (n, rows, columns) in
    0..1, the members' mean; member_vessels (n, members, rows, columns), of each."""

    def __init__(self, members: Sequence[VesselNetwork]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        each = torch.cat([torch.sigmoid(member(image)[0]) for member in self.members], 1)
        return each.mean(1), each


OUTPUTS = ("vessels", "member_vessels")
"""Names of what `Vessels` gives, in order."""


def _convolution(incoming: int, outgoing: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(incoming, outgoing, 3, 1, 1, bias=False), nn.BatchNorm2d(outgoing), nn.ReLU(inplace=True)
    )


def _grown(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
