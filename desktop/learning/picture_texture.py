"""How much texture of each width and direction lies where on a picture: Gabor filters. Needs torch."""

import math

import torch
from torch import Tensor
from torch.nn import functional

CELLS = 10
"""Places along a side that the texture is told of."""
_SIDE = 9
_DIRECTIONS = 8
# From crest to crest in pixels, and how strong such texture usually is on a chest film told against its surroundings:
# that only sets where its logarithm flattens. Shorter waves are noise and the traces of compression, and told no more.
_WAVES = ((4.0, 0.35), (6.0, 2.6))
_LEAST = 0.05
_LEAST_CONTRAST = 0.05
CHANNELS = len(_WAVES) * _DIRECTIONS
MIRRORED = tuple(
    wave * _DIRECTIONS + -number % _DIRECTIONS for wave in range(len(_WAVES)) for number in range(_DIRECTIONS)
)
"""Which channel the mirror image has in the place of each."""


def gabor_filters() -> Tensor:
    """(2 × CHANNELS, 1, side, side): for each width and direction a wave under a bell and the same wave a quarter
    later, without a mean, as strong as makes the usual energy of both together 1."""
    place = torch.arange(_SIDE) - (_SIDE - 1) / 2
    down, across = torch.meshgrid(place, place, indexing="ij")
    found = []
    for wave, usual in _WAVES:
        bell = torch.exp(-(across.square() + down.square()) / (2 * (wave / 2) ** 2))
        for number in range(_DIRECTIONS):
            angle = math.pi * number / _DIRECTIONS
            phase = 2 * math.pi * (across * math.cos(angle) + down * math.sin(angle)) / wave
            for told in (bell * torch.cos(phase), bell * torch.sin(phase)):
                even = told - bell * (told.sum() / bell.sum())
                found.append(even / (even.norm() * math.sqrt(usual)))
    return torch.stack(found)[:, None].float()


def energies(pictures: Tensor, filters: Tensor) -> Tensor:
    """(n, 1, side, side) → (n, CHANNELS × CELLS × CELLS): the mean energy of each filter (Jain and Farrokhnia 1991) in
    each cell, logarithmic; each place is told in the spread of its own small neighbourhood, so that light and contrast
    count for nothing. filters: `gabor_filters`. side: a multiple of CELLS."""
    reach = _SIDE // 2
    wide = functional.pad(pictures, (reach, reach, reach, reach), mode="replicate")
    mean = functional.avg_pool2d(wide, _SIDE, 1)
    spread = (functional.avg_pool2d(wide * wide, _SIDE, 1) - mean * mean).clamp_min(0) + _LEAST_CONTRAST
    found = functional.conv2d(wide, filters)
    held = functional.avg_pool2d(found * found / spread, pictures.shape[-1] // CELLS)
    # A wave and the one a quarter later: together they do not care where exactly a crest lies.
    both = held[:, 0::2] + held[:, 1::2]
    return torch.log(both + _LEAST).flatten(1)
