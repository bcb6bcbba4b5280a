"""What to label next: what the model is least sure of, but not the same thing over and over.

Uncertainty times the distance to the nearest that is labelled or already chosen (greedy k-centre: Gonzalez 1985; for
learning: Sener and Savarese 2018), in features of the model where they are at hand, else by study. Nothing is drawn
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
    they should differ. Features of different length, of different models, are not compared. seed: the same seed gives
    the same order."""
    pools: dict[int, list[Candidate]] = {}
    for one in sorted(candidates, key=lambda one: keyed(seed, one.key)):
        pools.setdefault(_width(one), []).append(one)
    chosen: list[tuple[float, str]] = []
    for width, ranked in sorted(pools.items()):
        known = [one for one in labelled if _width(one) == width]
        chosen += _by_features(ranked, most, known) if width else _by_group(ranked, most, labelled)
    # Within each pool what is chosen later is worth no more, so that this keeps its order.
    return tuple(key for _, key in sorted(chosen, key=lambda one: -one[0])[:most])


def _width(one: Candidate) -> int:
    return one.features.size if one.features is not None else 0


def _by_features(ranked: Sequence[Candidate], most: int, labelled: Sequence[Candidate]) -> list[tuple[float, str]]:
    unsure = np.array([uncertainty(one.probability) for one in ranked])
    ours, theirs = _vectors(ranked), _vectors(labelled)
    nearest = np.full(len(ranked), np.inf)
    for other in theirs:
        nearest = np.minimum(nearest, _distances(ours, other))
    # Features are alike in the length that is usual among them: nothing beyond twice that counts for more.
    usual = 2.0 * (float(np.median(_distances(ours, ours.mean(axis=0)))) or 1.0)
    chosen: list[tuple[float, str]] = []
    left = np.ones(len(ranked), dtype=np.bool_)
    for _ in range(min(most, len(ranked))):
        worth = np.where(left, unsure * np.minimum(nearest / usual, 1.0), -1.0)
        best = int(np.argmax(worth))
        left[best] = False
        chosen.append((float(worth[best]), ranked[best].key))
        nearest = np.minimum(nearest, _distances(ours, ours[best]))
    return chosen


def keyed(seed: str, key: str) -> bytes:
    """A number for a key that nobody can foresee without the seed and that is always the same with it."""
    return hashlib.blake2b(key.encode(), key=hashlib.blake2b(seed.encode()).digest(), digest_size=16).digest()


def mixed_in(order: Sequence[str], known: Sequence[str], seed: str, every: int) -> tuple[str, ...]:
    """Keys with one of the known ones among every `every - 1` others, at a place that cannot be foreseen; in the last,
    shorter block it comes as seldom as that is short."""
    left = sorted(known, key=lambda key: keyed(seed, key))
    mixed: list[str] = []
    block = every - 1
    for start in range(0, len(order), block):
        part = list(order[start : start + block])
        place = int.from_bytes(keyed(seed, f"place {start}")[:4], "big") % block
        if left and place < len(part):
            part.insert(place, left.pop(0))
        mixed += part
    return tuple(mixed)


def _by_group(ranked: Sequence[Candidate], most: int, labelled: Sequence[Candidate]) -> list[tuple[float, str]]:
    taken: dict[str, int] = {}
    for one in labelled:
        taken[one.group] = taken.get(one.group, 0) + 1
    left = list(ranked)
    chosen: list[tuple[float, str]] = []
    while left and len(chosen) < most:
        worth = [uncertainty(one.probability) * _SAME_STUDY ** taken.get(one.group, 0) for one in left]
        best = worth.index(max(worth))
        one = left.pop(best)
        chosen.append((worth[best], one.key))
        taken[one.group] = taken.get(one.group, 0) + 1
    return chosen


def _vectors(some: Sequence[Candidate]) -> Floats:
    """Features as rows."""
    return np.array([one.features for one in some if one.features is not None], dtype=np.float64)


def _distances(rows: Floats, one: Floats) -> Floats:
    found: Floats = np.sqrt(((rows - one) ** 2).sum(axis=1))
    return found
