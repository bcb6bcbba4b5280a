"""How far what a detector of two sorts says of a whole photograph lies from what it says of those it was made for.

A network that learned to look away from lamp and stain places the photographs of another laboratory among its own. Its
answers give them away: the surest of its finds are unsure, or it takes far more of them than usual for the second sort.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

NUMBERS = 2
"""What is told of a photograph: the mean log-odds of its surest finds, and the logarithm of how far the log-odds of the
second sort are spread over all of them."""

_FAINTEST = 0.1
_SUREST = 20
_TINY, _NARROWEST = 1e-4, 0.05


@dataclass(frozen=True)
class Usual:
    """What one member says of photographs it never saw: mean, and the inverse of the covariance, row by row."""

    mean: tuple[float, ...]
    precision: tuple[float, ...]

    def away(self, numbers: Floats) -> float:
        """Mahalanobis distance of (NUMBERS,) per root dimension."""
        beside = numbers - np.array(self.mean)
        squared = beside @ np.array(self.precision).reshape(NUMBERS, NUMBERS) @ beside
        return float(np.sqrt(max(0.0, float(squared)) / NUMBERS))


@dataclass(frozen=True)
class UsualAnswers:
    """limit: of the members' mean distance; farther away the photograph is none of those it was made for."""

    members: tuple[Usual, ...]
    limit: float

    def away(self, member_scores: FloatArray) -> float:
        """member_scores: (2 × members, rows, columns), each member's two maps."""
        pairs = member_scores.reshape(len(self.members), 2, *member_scores.shape[1:])
        return float(np.mean([one.away(numbers_of(maps)) for one, maps in zip(self.members, pairs, strict=True)]))


def numbers_of(maps: FloatArray) -> Floats:
    """(NUMBERS,) of one member's maps (2, rows, columns): 0 but at peaks, and the second sort everywhere."""
    there = maps[0] >= _FAINTEST
    surest = np.full(_SUREST, _FAINTEST)
    found = np.sort(maps[0][there].astype(np.float64))[::-1][:_SUREST]
    surest[: len(found)] = found
    second = _log_odds(maps[1][there].astype(np.float64)) if np.count_nonzero(there) > 1 else np.zeros(2)
    return np.array([_log_odds(surest).mean(), np.log(second.std() + _NARROWEST)])


def _log_odds(scores: Floats) -> Floats:
    return np.asarray(np.log((scores + _TINY) / (1.0 - scores + _TINY)))
