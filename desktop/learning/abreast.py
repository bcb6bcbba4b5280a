"""Networks of one shape run side by side as one: each step is done once for all, not once for each. Needs torch.

A small network's steps are so short that beginning them takes a processor longer than doing them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from desktop.learning.network import Excitation, Residual, SmallNetwork


class Abreast(nn.Module):
    """Trained networks of one shape, as they are shipped: in evaluation mode, their normalisations worked into their
    convolutions.

    pictures (n, channels, side, side) → logits (n, members, outputs), maps (n, members, width, side/s, side/s),
    embeddings (n, members, width or twice), as `SmallNetwork` gives them one by one.
    """

    def __init__(self, networks: Sequence[SmallNetwork]) -> None:
        super().__init__()
        self.count, first = len(networks), networks[0]
        self.peaks, self.outputs = first.peaks, first.head.out_features
        layers: list[nn.Module] = []
        for place, steps in enumerate(zip(*(network.body for network in networks), strict=True)):
            if isinstance(steps[0], Residual):
                layers.append(_Residuals([step for step in steps if isinstance(step, Residual)]))
            elif isinstance(steps[0], nn.Sequential):
                layers.append(_convolutions(steps, first.fold if place == 0 else 0))
            else:
                layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers)
        self.head = _layers([network.head for network in networks])

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps = self.body(pictures)
        each = maps.reshape(-1, self.count, maps.shape[1] // self.count, maps.shape[2], maps.shape[3])
        embeddings = each.mean((3, 4))
        if self.peaks:
            embeddings = torch.cat([embeddings, each.amax((3, 4))], 2)
        logits = self.head(embeddings.flatten(1)[:, :, None, None])
        return logits.reshape(-1, self.count, self.outputs), each, embeddings

    def activations(self, maps: Tensor) -> Tensor:
        """(n, members, outputs, rows, columns): `SmallNetwork.activations` of every member."""
        rows, columns = maps.shape[-2:]
        each = torch.cat([maps, maps], 2) if self.peaks else maps
        found = functional.conv2d(each.flatten(1, 2), self.head.weight, groups=self.count)
        return found.reshape(-1, self.count, self.outputs, rows, columns)


class _Residuals(nn.Module):
    """`Residual` of every member."""

    def __init__(self, blocks: Sequence[Residual]) -> None:
        super().__init__()
        self.first = _convolutions([block.first for block in blocks])
        self.second = _convolutions([block.second for block in blocks])
        self.excitation = _Excitations([block.excitation for block in blocks])

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.second(functional.relu(self.first(maps)))
        return functional.relu(maps + self.excitation(inner))


class _Excitations(nn.Module):
    """`Excitation` of every member."""

    def __init__(self, blocks: Sequence[Excitation]) -> None:
        super().__init__()
        self.down = _layers([block.down for block in blocks])
        self.up = _layers([block.up for block in blocks])

    def forward(self, maps: Tensor) -> Tensor:
        means = maps.mean((2, 3), keepdim=True)
        return maps * torch.sigmoid(self.up(functional.relu(self.down(means))))


def _convolutions(pairs: Sequence[nn.Module], fold: int = 0) -> nn.Conv2d:
    """Convolutions with their normalisations worked into them. fold: of the pictures that all of them look at; 0 where
    each has channels of its own."""
    fused = []
    for pair in pairs:
        assert isinstance(pair, nn.Sequential)
        convolution, normalisation = pair
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(normalisation, nn.BatchNorm2d)
        fused.append(fuse_conv_bn_eval(convolution, normalisation))
    return _grouped([_unfolded(one, fold) for one in fused], shared=True) if fold else _grouped(fused)


def _unfolded(folded: nn.Conv2d, fold: int) -> nn.Conv2d:
    """A convolution of a picture that gives what one of the folded picture (`torch.nn.functional.pixel_unshuffle`)
    does: its kernel and its steps are that much larger."""
    outputs, channels = folded.out_channels, folded.in_channels // fold**2
    rows, columns = folded.kernel_size[0], folded.kernel_size[1]
    weight = folded.weight.detach().reshape(outputs, channels, fold, fold, rows, columns).permute(0, 1, 4, 2, 5, 3)
    stride, edge = folded.stride[0] * fold, int(folded.padding[0]) * fold
    found = nn.Conv2d(channels, outputs, (rows * fold, columns * fold), stride, edge)
    found.weight.data = weight.reshape(outputs, channels, rows * fold, columns * fold)
    found.bias = folded.bias
    return found


def _layers(layers: Sequence[nn.Linear]) -> nn.Conv2d:
    """Fully connected layers, as convolutions of pictures of one pixel."""
    return _grouped([_pointwise(layer) for layer in layers])


def _pointwise(layer: nn.Linear) -> nn.Conv2d:
    found = nn.Conv2d(layer.in_features, layer.out_features, 1)
    assert found.bias is not None
    found.weight.data, found.bias.data = layer.weight.detach()[:, :, None, None], layer.bias.detach()
    return found


def _grouped(layers: Sequence[nn.Conv2d], *, shared: bool = False) -> nn.Conv2d:
    """One convolution that gives what each gives, one after the other."""
    one, count = layers[0], len(layers)
    groups = 1 if shared else count
    found = nn.Conv2d(
        one.in_channels * groups,
        one.out_channels * count,
        (one.kernel_size[0], one.kernel_size[1]),
        (one.stride[0], one.stride[1]),
        (int(one.padding[0]), int(one.padding[1])),
        groups=groups,
    )
    assert found.bias is not None
    found.weight.data = torch.cat([layer.weight.detach() for layer in layers])
    found.bias.data = torch.cat([layer.bias.detach() for layer in layers if layer.bias is not None])
    return found
