"""From a network's logit to a probability, and from a probability to a three-way answer.

Temperature scaling with an offset (Platt; Guo et al. 2017) and class-conditional split conformal prediction (Vovk
2013): each class gets its own threshold, so that a rare class is covered as well as a frequent one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from desktop.records import Decision


@dataclass(frozen=True)
class Calibration:
    """probability = 1 / (1 + exp(-(logit / temperature + offset)))."""

    temperature: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0 and math.isfinite(self.offset)):
            raise ValueError("a temperature is positive and finite")

    def probability(self, logit: float) -> float:
        """Calibrated probability of a finite logit. Raises ValueError for NaN and infinity."""
        if not math.isfinite(logit):
            raise ValueError("a logit must be finite")
        scaled = logit / self.temperature + self.offset
        if scaled >= 0:
            return 1.0 / (1.0 + math.exp(-min(scaled, 700.0)))
        small = math.exp(max(scaled, -700.0))
        return small / (1.0 + small)


@dataclass(frozen=True)
class ConformalThresholds:
    """Where a probability stops being compatible with having, or with not having, the finding.

    positive: the lowest probability still usual among calibration cases with the finding (all but a share
    `alpha_positive` of them lie at or above it). negative: the highest still usual among those without it.
    """

    positive: float
    negative: float
    alpha_positive: float
    alpha_negative: float

    def __post_init__(self) -> None:
        for value in (self.positive, self.negative, self.alpha_positive, self.alpha_negative):
            if not 0.0 <= value <= 1.0:
                raise ValueError("thresholds and error shares lie between 0 and 1")

    def decide(self, probability: float) -> Decision:
        """likely or unlikely where exactly one answer is compatible with the probability; else cannot say."""
        may_have = probability >= self.positive
        may_lack = probability <= self.negative
        if may_have and not may_lack:
            return Decision.LIKELY
        if may_lack and not may_have:
            return Decision.UNLIKELY
        return Decision.CANNOT_SAY


def conformal_thresholds(
    positives: Sequence[float], negatives: Sequence[float], alpha_positive: float, alpha_negative: float
) -> ConformalThresholds:
    """Thresholds from the probabilities of calibration cases that took no part in training.

    With n exchangeable cases of a class, a new one of it falls outside its class's range with probability at most
    alpha (Vovk 2013). Where n is too small for the alpha asked for, nothing is excluded for that class.
    Raises ValueError where a class has no case.
    """
    if not positives or not negatives:
        raise ValueError("each class needs calibration cases")
    low = _edge(sorted(positives), alpha_positive, 0.0)
    high = _edge(sorted(negatives, reverse=True), alpha_negative, 1.0)
    return ConformalThresholds(low, high, alpha_positive, alpha_negative)


def _edge(outermost_first: Sequence[float], alpha: float, nothing_excluded: float) -> float:
    """The value beyond which at most floor(alpha (n + 1)) - 1 of the n values lie."""
    rank = math.floor(alpha * (len(outermost_first) + 1))
    return outermost_first[rank - 1] if rank >= 1 else nothing_excluded
