"""Merging masks: a square drawn by several is recovered, and what all agree on is kept."""

import numpy as np
import numpy.typing as npt
import pytest

from desktop.learning.staple import MOST_DRAWERS, merge_masks

Bools = npt.NDArray[np.bool_]


def square(side: int = 60) -> Bools:
    mask = np.zeros((side, side), dtype=np.bool_)
    mask[15:45, 20:40] = True
    return mask


def drawn(truth: Bools, seen: float, cleared: float, seed: int) -> Bools:
    random = np.random.default_rng(seed).random(truth.shape)
    return np.where(truth, random < seen, random >= cleared)


def test_drawers_and_what_they_drew_are_recovered() -> None:
    truth = square()
    skills = [(0.95, 0.98), (0.8, 0.95), (0.7, 0.99)]
    merged = merge_masks([drawn(truth, *skill, seed) for seed, skill in enumerate(skills)])
    for (seen, cleared), found, spared in zip(skills, merged.sensitivity, merged.specificity, strict=True):
        assert found == pytest.approx(seen, abs=0.05)
        assert spared == pytest.approx(cleared, abs=0.02)
    overlap = 2 * (merged.mask & truth).sum() / (merged.mask.sum() + truth.sum())
    assert overlap > 0.93


def test_a_careless_drawer_is_overruled_by_two_careful_ones() -> None:
    truth = square()
    good = [drawn(truth, 0.97, 0.99, 1), drawn(truth, 0.97, 0.99, 2)]
    merged = merge_masks([*good, drawn(truth, 0.5, 0.5, 3)])
    assert (merged.mask != truth).mean() < 0.02
    assert merged.sensitivity[2] < 0.6


def test_the_order_does_not_matter() -> None:
    masks = [drawn(square(), 0.9, 0.95, seed) for seed in range(4)]
    one, two = merge_masks(masks), merge_masks(masks[::-1])
    assert np.allclose(one.probability, two.probability, atol=1e-6)
    assert one.sensitivity == pytest.approx(two.sensitivity[::-1], abs=1e-6)


def test_a_single_mask_and_equal_masks_are_their_own_answer() -> None:
    truth = square()
    assert (merge_masks([truth]).mask == truth).all()
    assert (merge_masks([truth, truth, truth]).mask == truth).all()
    for empty in (np.zeros_like(truth), np.ones_like(truth)):
        assert (merge_masks([empty, empty]).mask == empty).all()


def test_what_cannot_be_merged_is_refused() -> None:
    with pytest.raises(ValueError, match="masks"):
        merge_masks([])
    with pytest.raises(ValueError, match="masks"):
        merge_masks([square(60), square(70)])
    with pytest.raises(ValueError, match="masks"):
        merge_masks([square()] * (MOST_DRAWERS + 1))
