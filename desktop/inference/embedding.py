"""Which pictures a network finds alike, by the angle between the places it gives them.

All vectors come from the same weights: vectors of different ones live in different spaces.
"""

from collections import OrderedDict
from collections.abc import Sequence
from enum import StrEnum
from threading import Lock

import numpy as np
import numpy.typing as npt

from desktop.records import InstanceId

FloatArray = npt.NDArray[np.float32]

ENOUGH_FOR_MEAN = 20
"""From so many pictures on, what all of them have in common is taken off before angles are measured."""
FEWEST_TO_COMPARE = 10
"""With fewer pictures nobody can say what is near."""
_MOST_COMPARED = 300
_MOST_BYTES = 32 * 1024 * 1024


class Alikeness(StrEnum):
    """How near a picture is beside how near pictures of different people here usually are. VERY: nearer than 95 in a
    hundred pairs; ALIKE: than 80; SOMEWHAT: than half of them; HARDLY: than fewer; UNKNOWN: too few pictures to tell.
    """

    VERY = "very"
    ALIKE = "alike"
    SOMEWHAT = "somewhat"
    HARDLY = "hardly"
    UNKNOWN = "unknown"


_LEAST = ((0.95, Alikeness.VERY), (0.8, Alikeness.ALIKE), (0.5, Alikeness.SOMEWHAT))


def cosines(query: FloatArray, others: FloatArray) -> FloatArray:
    """Cosine of the angle between one vector (width,) and each of others (n, width): (n,) float32, -1 to 1.

    With ENOUGH_FOR_MEAN others their mean is subtracted from all: raw places share a large part that tells nothing.
    A vector of no length is at a right angle to all.
    """
    mean = _mean(others)
    found: FloatArray = _unit(others - mean) @ _unit((query - mean)[None])[0]
    return found


def alikeness(cosine: float, others: FloatArray, owners: Sequence[str]) -> Alikeness:
    """What a cosine is worth among pictures (n, width) of these people: beside the pairs of different people."""
    if len(others) < FEWEST_TO_COMPARE:
        return Alikeness.UNKNOWN
    some = np.unique(np.linspace(0, len(others) - 1, min(len(others), _MOST_COMPARED)).astype(int))
    vectors = _unit(others[some] - _mean(others))
    names = np.array([owners[at] for at in some])
    upper = np.triu(np.ones((len(some), len(some)), dtype=bool), 1) & (names[:, None] != names[None, :])
    pairs = (vectors @ vectors.T)[upper]
    if len(pairs) < FEWEST_TO_COMPARE:
        return Alikeness.UNKNOWN
    nearer = float(np.mean(pairs < cosine))
    return next((word for least, word in _LEAST if nearer >= least), Alikeness.HARDLY)


def _mean(others: FloatArray) -> FloatArray:
    if len(others) < ENOUGH_FOR_MEAN:
        return np.zeros(others.shape[1], dtype=np.float32)
    mean: FloatArray = np.asarray(np.mean(others, axis=0, dtype=np.float64), dtype=np.float32)
    return mean


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions: FloatArray = np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
    return directions


class Embeddings:
    """Where networks place pictures: kept in memory until the clinic is locked, the longest unused ones dropped first.
    Safe to use from several threads.

    most: bytes of vectors that are kept.
    """

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most = most
        self._size = 0
        self._guard = Lock()
        self._kept: OrderedDict[tuple[str, InstanceId], FloatArray] = OrderedDict()

    def get(self, sha256: str, instance: InstanceId) -> FloatArray | None:
        """The place of a picture by the weights with this digest, where it is kept."""
        with self._guard:
            vector = self._kept.get((sha256, instance))
            if vector is not None:
                self._kept.move_to_end((sha256, instance))
            return vector

    def put(self, sha256: str, instance: InstanceId, vector: FloatArray) -> None:
        """Keep a place."""
        with self._guard:
            before = self._kept.pop((sha256, instance), None)
            self._size += vector.nbytes - (before.nbytes if before is not None else 0)
            self._kept[sha256, instance] = vector
            while self._size > self._most and self._kept:
                self._size -= self._kept.popitem(last=False)[1].nbytes

    def __len__(self) -> int:
        return len(self._kept)
