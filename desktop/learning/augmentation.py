"""Changes to a batch of pictures that a clinic might cause too. None mirrors the picture. Needs torch.

A mirrored chest is another patient (heart and liver change sides), so every geometric change here has a positive
determinant; a test holds an asymmetric phantom against all of them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Strength:
    """How far one picture may be changed.

    degrees: rotation. zoom: visible part of the width, 1 is all of it. aspect: log of the change in aspect.
    shift: fraction of half the width. gamma: log of the exponent. noise: standard deviation. coarsest: smallest share
    of the resolution.
    """

    degrees: float
    zoom: tuple[float, float]
    aspect: float
    shift: float
    gamma: float
    noise: float
    coarsest: float


FILM = Strength(degrees=8, zoom=(0.82, 1.06), aspect=0.12, shift=0.07, gamma=0.35, noise=0.04, coarsest=0.6)


def uniform(count: int, low: float, high: float, random: torch.Generator) -> Tensor:
    """count numbers between low and high."""
    return torch.rand(count, generator=random) * (high - low) + low


def augment(pictures: Tensor, side: int, strength: Strength, random: torch.Generator) -> Tensor:
    """(n, 1, *, *) in 0..1 → (n, 1, side, side) in 0..1, each picture changed in its own way."""
    count = len(pictures)
    moved = warp(pictures, side, *film_geometry(count, strength, random), padding="border")
    return degrade(moved, strength, random).clamp(0.0, 1.0)


def film_geometry(
    count: int, strength: Strength, random: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """angle (radians), horizontal and vertical zoom, horizontal and vertical shift, for `count` pictures."""
    angle = torch.deg2rad(uniform(count, -strength.degrees, strength.degrees, random))
    zoom = uniform(count, *strength.zoom, random)
    aspect = torch.exp(uniform(count, -strength.aspect, strength.aspect, random))
    horizontal = uniform(count, -strength.shift, strength.shift, random)
    vertical = uniform(count, -strength.shift, strength.shift, random)
    return angle, zoom, zoom * aspect, horizontal, vertical


def warp(
    pictures: Tensor,
    side: int,
    angle: Tensor,
    across: Tensor,
    down: Tensor,
    horizontal: Tensor,
    vertical: Tensor,
    *,
    padding: str,
) -> Tensor:
    """Rotate, zoom and shift each picture. across, down: positive, so nothing is ever mirrored."""
    count = len(pictures)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0] = across * torch.cos(angle)
    matrix[:, 0, 1] = -down * torch.sin(angle)
    matrix[:, 1, 0] = across * torch.sin(angle)
    matrix[:, 1, 1] = down * torch.cos(angle)
    matrix[:, 0, 2] = horizontal
    matrix[:, 1, 2] = vertical
    grid = functional.affine_grid(matrix, [count, 1, side, side], align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode=padding, align_corners=False)


def degrade(pictures: Tensor, strength: Strength, random: torch.Generator) -> Tensor:
    """Coarser sampling, other exposure, gamma, noise: what differs between two scanners, not between two children."""
    count, side = len(pictures), pictures.shape[-1]
    coarse = int(torch.randint(int(side * strength.coarsest), side, (1,), generator=random))
    small = functional.interpolate(pictures, size=(coarse, coarse), mode="area")
    blurred = functional.interpolate(small, size=(side, side), mode="bilinear", align_corners=False)
    chosen = (torch.rand(count, 1, 1, 1, generator=random) < 0.35).float()
    pictures = pictures * (1 - chosen) + blurred * chosen
    gamma = torch.exp(uniform(count, -strength.gamma, strength.gamma, random))[:, None, None, None]
    pictures = pictures.clamp(0.0, 1.0) ** gamma
    low = uniform(count, -0.05, 0.10, random)[:, None, None, None]
    high = uniform(count, 0.85, 1.05, random)[:, None, None, None]
    pictures = ((pictures - low) / (high - low)).clamp(0.0, 1.0)
    level = uniform(count, 0.0, strength.noise, random) * (torch.rand(count, generator=random) < 0.5)
    return pictures + torch.randn(pictures.shape, generator=random) * level[:, None, None, None]


def standardise(pictures: Tensor, epsilon: float) -> Tensor:
    """As `inference.preparation.standardise`, for a batch."""
    mean = pictures.mean((1, 2, 3), keepdim=True)
    deviation = pictures.std((1, 2, 3), keepdim=True, correction=0)
    return (pictures - mean) / (deviation + epsilon)
