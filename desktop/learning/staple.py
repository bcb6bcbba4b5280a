"""One mask from those that several people drew (STAPLE; Warfield, Zou and Wells 2004), for one thing against the rest.

Expectation and maximisation over what is true in each pixel and how often each drawer marks it. Pixels are taken one by
one, without regard to their neighbours, and pixels that everybody marked alike are counted together, which makes it
exact and quick.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST_DRAWERS = 16
_ROUNDS = 500
_SETTLED = 1e-9
# No drawer is perfect: a share of exactly 1 would let one of them overrule all others.
_NEARLY = 1.0 - 1e-6

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MergedMask:
    """probability: that a pixel belongs to it, float32 of the masks' shape, 0 to 1. sensitivity, specificity: of each
    drawer, in the order given; of two, they show who marks more, not who is right."""

    probability: npt.NDArray[np.float32]
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]

    @property
    def mask(self) -> Bools:
        """The pixels that more likely than not belong to it."""
        return self.probability > 0.5


def merge_masks(masks: Sequence[Bools]) -> MergedMask:
    """Merge masks of one shape. A single mask is its own answer, and so are masks that all agree.

    Raises ValueError where there is none, there are more than MOST_DRAWERS, or their shapes differ.
    """
    if not 1 <= len(masks) <= MOST_DRAWERS or len({mask.shape for mask in masks}) != 1:
        raise ValueError("one to sixteen masks of one shape are merged")
    codes = np.zeros(masks[0].shape, dtype=np.uint16)
    for place, mask in enumerate(masks):
        codes |= mask.astype(np.uint16) << np.uint16(place)
    counts = np.bincount(codes.ravel(), minlength=1 << len(masks))
    patterns = np.flatnonzero(counts)
    marked = ((patterns[:, None] >> np.arange(len(masks))) & 1).astype(np.float64)
    total = counts[patterns].astype(np.float64)
    share = float((marked.mean(axis=1) * total).sum() / max(1.0, total.sum()))
    seen = np.full(len(masks), 0.99)
    cleared = np.full(len(masks), 0.99)
    truth = marked.mean(axis=1)
    if len(masks) > 1 and 0.0 < share < 1.0:
        truth, seen, cleared = _settle(marked, total, share, seen, cleared)
    unanimous = np.isin(marked.mean(axis=1), (0.0, 1.0))
    truth = np.where(unanimous, marked.mean(axis=1), truth)
    by_code = np.zeros(len(counts), dtype=np.float32)
    by_code[patterns] = truth
    return MergedMask(by_code[codes], tuple(seen.tolist()), tuple(cleared.tolist()))


def _settle(
    marked: Floats, total: Floats, share: float, seen: Floats, cleared: Floats
) -> tuple[Floats, Floats, Floats]:
    """marked: (patterns, drawers) 0 or 1. total: pixels of each. share: of the pixels that are marked."""
    truth = np.zeros(len(marked))
    for _ in range(_ROUNDS):
        yes, no = np.log(seen / (1 - cleared)), np.log((1 - seen) / cleared)
        odds = np.log(share / (1 - share)) + marked @ yes + (1 - marked) @ no
        found = 1.0 / (1.0 + np.exp(-np.clip(odds, -60, 60)))
        has, lacks = found * total, (1 - found) * total
        seen = np.clip(has @ marked / max(has.sum(), 1e-12), 1 - _NEARLY, _NEARLY)
        cleared = np.clip(lacks @ (1 - marked) / max(lacks.sum(), 1e-12), 1 - _NEARLY, _NEARLY)
        moved, truth = float(np.abs(found - truth).max()), found
        if moved < _SETTLED:
            break
    return truth, seen, cleared
