"""Gabor filters: what they tell of a wave, and what they must not be told by."""

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the filters are part of a graph")
texture = pytest.importorskip("desktop.learning.picture_texture", reason="it needs PyTorch")

SIDE = 80
# Channels: eight directions each of waves of 4 and 6 pixels from crest to crest.
WAVES = (4.0, 6.0)


def wave(length: float, angle: float, *, late: float = 0.0) -> Any:
    place = torch.arange(SIDE).float()
    along = place[None, :] * math.cos(angle) + place[:, None] * math.sin(angle)
    return torch.sin(2 * math.pi * along / length + late)[None, None]


def told(picture: Any) -> Any:
    """(CHANNELS, CELLS, CELLS) without the border."""
    found = texture.energies(picture, texture.gabor_filters())
    return found.view(texture.CHANNELS, texture.CELLS, texture.CELLS)[:, 1:-1, 1:-1]


@pytest.mark.parametrize("width", range(2))
@pytest.mark.parametrize("direction", [0, 3, 6])
def test_a_wave_speaks_in_the_direction_it_runs_in(width: int, direction: int) -> None:
    found = told(wave(WAVES[width], math.pi * direction / 8)).mean((1, 2)).view(2, 8)
    assert int(found[width].argmax()) == direction
    assert float(found[width, direction] - found[width, (direction + 4) % 8]) > 3


def test_it_does_not_matter_where_a_crest_lies_or_how_bright_it_is() -> None:
    plain, late = told(wave(4.0, 0.0)), told(wave(4.0, 0.0, late=1.0))
    assert torch.allclose(plain[0], late[0], atol=0.05)
    assert torch.allclose(plain[0], told(wave(4.0, 0.0) * 3 + 20)[0], atol=0.15)


def test_nothing_is_told_of_a_plain_picture() -> None:
    flat = told(torch.full((1, 1, SIDE, SIDE), 0.7))
    assert torch.allclose(flat, torch.full_like(flat, math.log(0.05)), atol=1e-3)
