"""What to label next: what the model is least sure of, but not the same thing over and over.

Uncertainty times the distance to the nearest that is labelled or already chosen (greedy k-centre: Gonzalez 1985; for
learning: Sener and Savarese 2018), in the model's own features where they are at hand, else by study. Nothing is drawn
by chance: what is equal goes in the order of a keyed hash, so that a day's list stays the same when it is asked again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# What a model is sure of is still asked now and then: it may be surely wrong.
_LEAST = 0.05
# Where there are no features, the next picture of the same study counts for this share of the one before it.
_SAME_STUDY = 0.25


@dataclass(frozen=True, eq=False)
class Candidate:
    """Something that could be labelled. group: what is alike beforehand, such as its study. probability: what the model
    said; None where it said nothing, which is as unsure as can be. features: (n,) of the model, None where not kept."""

    key: str
    group: str
    probability: float | None
    features: npt.NDArray[np.float32] | None = None


def uncertainty(probability: float | None) -> float:
    """1 where the model cannot say at all, near 0 where it is sure."""
    if probability is None:
        return 1.0
    return max(_LEAST, 1.0 - abs(2.0 * probability - 1.0))


def in_order(
    candidates: Sequence[Candidate], most: int, seed: str, *, labelled: Sequence[Candidate] = ()
) -> tuple[str, ...]:
    """The keys of the `most` to label first, the first of them first. labelled: what was labelled before, from which
    they should differ. seed: the same seed gives the same order."""
    if not candidates or most < 1:
        return ()
    ranked = sorted(candidates, key=lambda one: keyed(seed, one.key))
    unsure = np.array([uncertainty(one.probability) for one in ranked])
    vectors = _vectors([*ranked, *labelled])
    if vectors is None:
        return _by_group(ranked, unsure, most, labelled)
    ours, theirs = vectors[: len(ranked)], vectors[len(ranked) :]
    nearest = np.full(len(ranked), np.inf)
    for other in theirs:
        nearest = np.minimum(nearest, _distances(ours, other))
    # Features are alike in the length that is usual among them: nothing is farther than that counts for more.
    usual = float(np.median(_distances(ours, ours.mean(axis=0)))) or 1.0
    chosen: list[int] = []
    for _ in range(min(most, len(ranked))):
        worth = unsure * np.minimum(nearest / usual, 2.0)
        worth[chosen] = -1.0
        best = int(np.argmax(worth))
        chosen.append(best)
        nearest = np.minimum(nearest, _distances(ours, ours[best]))
    return tuple(ranked[index].key for index in chosen)


def keyed(seed: str, key: str) -> bytes:
    """A number for a key that nobody can foresee without the seed and that is always the same with it."""
    return hashlib.blake2b(key.encode(), key=hashlib.blake2b(seed.encode()).digest(), digest_size=16).digest()


def _by_group(ranked: Sequence[Candidate], unsure: Floats, most: int, labelled: Sequence[Candidate]) -> tuple[str, ...]:
    taken: dict[str, int] = {}
    for one in labelled:
        taken[one.group] = taken.get(one.group, 0) + 1
    left = list(range(len(ranked)))
    chosen: list[str] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda index: unsure[index] * _SAME_STUDY ** taken.get(ranked[index].group, 0))
        left.remove(best)
        chosen.append(ranked[best].key)
        taken[ranked[best].group] = taken.get(ranked[best].group, 0) + 1
    return tuple(chosen)


def _vectors(all_of_them: Sequence[Candidate]) -> Floats | None:
    """Features as rows; None where one has none, or one of another length (of another version of the model)."""
    rows = [one.features for one in all_of_them if one.features is not None]
    if len(rows) != len(all_of_them) or len({row.shape for row in rows}) != 1:
        return None
    return np.stack(rows).astype(np.float64)


def _distances(rows: Floats, one: Floats) -> Floats:
    found: Floats = np.sqrt(((rows - one) ** 2).sum(axis=1))
    return found
