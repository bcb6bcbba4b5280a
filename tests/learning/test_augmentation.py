"""No change to a training film may mirror it: a mirrored chest is another patient."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from desktop.inference import golden
from desktop.inference.picture_manifest import Preparation
from desktop.inference.preparation import prepare, resample

if TYPE_CHECKING:
    from torch import Tensor

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


def phantom() -> "Tensor":
    """One bright spot in the upper left, a fainter one in the lower left, nothing on the right."""
    place = torch.arange(160) / 160
    down, across = place[:, None], place[None, :]
    upper = torch.exp(-(((down - 0.3) / 0.06) ** 2) - ((across - 0.25) / 0.06) ** 2)
    lower = 0.6 * torch.exp(-(((down - 0.75) / 0.06) ** 2) - ((across - 0.3) / 0.06) ** 2)
    spots: Tensor = (upper + lower)[None, None]
    return spots


def test_every_change_leaves_left_on_the_left_and_top_at_the_top() -> None:
    from desktop.learning.augmentation import FILM, augment

    random = torch.Generator().manual_seed(3)
    changed = augment(phantom().repeat(300, 1, 1, 1), 128, FILM, random)[:, 0]
    left, right = changed[:, :, :64].sum((1, 2)), changed[:, :, 64:].sum((1, 2))
    assert bool((left > right).all())
    brightest = changed.flatten(1).argmax(1)
    assert bool((brightest // 128 < 64).all())


def test_the_geometry_never_turns_inside_out() -> None:
    from desktop.learning import child_lessons
    from desktop.learning.augmentation import FILM, film_geometry

    random = torch.Generator().manual_seed(4)
    for angle, across, down, _, _ in (
        film_geometry(2000, FILM, random),
        child_lessons._gate_geometry(torch.randint(0, 6, (2000,), generator=random), random),
    ):
        assert float((across * down).min()) > 0
        assert torch.isfinite(angle).all()


def test_changes_depend_on_the_random_source_alone() -> None:
    from desktop.learning.augmentation import FILM, augment

    films = phantom().repeat(4, 1, 1, 1)
    first = augment(films, 128, FILM, torch.Generator().manual_seed(5))
    again = augment(films, 128, FILM, torch.Generator().manual_seed(5))
    other = augment(films, 128, FILM, torch.Generator().manual_seed(6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1


def test_training_and_clinic_standardise_alike() -> None:
    from desktop.inference.preparation import stretch
    from desktop.learning.augmentation import standardise
    from desktop.learning.child_data import PERCENTILES

    grey = golden.lung_phantom()
    clinic = prepare(grey, Preparation(128, *PERCENTILES, 0.05)).tensor
    square = torch.from_numpy(stretch(resample(grey, 128), *PERCENTILES))[None, None]
    assert np.allclose(standardise(square, 0.05).numpy(), clinic, atol=1e-4)


def test_chest_films_are_never_flipped_for_the_gate() -> None:
    from desktop.learning import child_lessons

    random = torch.Generator().manual_seed(7)
    classes = torch.tensor([0, 1, 2, 3, 4, 5] * 50)
    films = phantom().repeat(300, 1, 1, 1)
    flipped = child_lessons._flip_others(films, classes, random)
    same = torch.tensor([torch.equal(a, b) for a, b in zip(films, flipped, strict=True)])
    assert bool(same[classes != 5].all())
    assert not bool(same[classes == 5].all())


def test_drawn_pictures_are_pictures(tmp_path: Path) -> None:
    from desktop.learning import negatives

    random = np.random.default_rng(0)
    for kind in negatives._KINDS:
        drawn = kind(random)
        assert drawn.shape == (240, 240)
        assert np.isfinite(drawn).all()
    first = negatives.draw(np.random.default_rng(9))
    assert np.array_equal(first, negatives.draw(np.random.default_rng(9)))
    assert float(first.min()) == 0.0
    assert first.dtype == np.float32
