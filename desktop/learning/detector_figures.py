"""How well boxes fit those that people drew, and how well they count. numpy only."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from desktop.inference.detection_decoding import overlaps

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SAME = 0.5
"""Share of the union that two boxes of one thing have in common at least."""


def matched(found: Floats, drawn: Floats) -> Bools:
    """Which of the boxes found, (n, 6) the surest first, are one that was drawn, (m, 5); each of those counts once.

    A box is held against the drawn box of its kind that it fits best; where a surer one has taken that, it is wrong
    (Everingham 2010).
    """
    right = np.zeros(len(found), dtype=np.bool_)
    if not (len(found) and len(drawn)):
        return right
    shared = np.where(found[:, 4:5] == drawn[None, :, 4], overlaps(found, drawn), 0.0)
    best = shared.argmax(axis=1)
    taken: set[int] = set()
    for index in range(len(found)):
        wanted = int(best[index])
        if shared[index, wanted] >= SAME and wanted not in taken:
            taken.add(wanted)
            right[index] = True
    return right


def average_precision(scores: Floats, right: Bools, drawn: int) -> float:
    """Area under precision, made falling, over recall: every point. NaN where nothing was drawn."""
    if not drawn:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = np.concatenate([[0.0], hits / drawn])
    return float(np.sum(np.diff(recall) * precision))


class Judged:
    """Boxes found on some photographs beside those drawn, kind by kind.

    found: for each photograph (n, 6), the surest first. drawn: for each (m, 5).
    """

    def __init__(self, found: Sequence[Floats], drawn: Sequence[Floats]) -> None:
        self.found, self.drawn = list(found), list(drawn)
        self._right = [matched(boxes, truth) for boxes, truth in zip(found, drawn, strict=True)]

    def scores(self, kind: int, chosen: Sequence[int] | None = None) -> tuple[Floats, Bools]:
        """Scores of one kind's boxes, and which are right. chosen: photographs, repeated ones counted again."""
        scores, right = [np.empty(0)], [np.empty(0, dtype=np.bool_)]
        for index in range(len(self.found)) if chosen is None else chosen:
            of_kind = self.found[index][:, 4] == kind
            scores.append(self.found[index][of_kind, 5])
            right.append(self._right[index][of_kind])
        return np.concatenate(scores), np.concatenate(right)

    def precision(self, kind: int, chosen: Sequence[int] | None = None) -> float:
        """Average precision of a kind."""
        indices = list(range(len(self.found)) if chosen is None else chosen)
        scores, right = self.scores(kind, indices)
        return average_precision(scores, right, int(sum((self.drawn[index][:, 4] == kind).sum() for index in indices)))

    def mean_precision(self, kinds: int, chosen: Sequence[int] | None = None) -> float:
        """Mean of the kinds' average precisions; kinds that nobody drew are left out."""
        values = np.array([self.precision(kind, chosen) for kind in range(kinds)])
        return float(np.mean(values[np.isfinite(values)])) if np.isfinite(values).any() else float("nan")

    def counts(self, kind: int, threshold: float) -> tuple[Floats, Floats]:
        """On each photograph: how many of a kind were found at a threshold, and how many drawn."""
        said = [float(((boxes[:, 4] == kind) & (boxes[:, 5] >= threshold)).sum()) for boxes in self.found]
        true = [float((boxes[:, 4] == kind).sum()) for boxes in self.drawn]
        return np.array(said), np.array(true)

    def recall(self, kind: int, threshold: float) -> tuple[int, int, int]:
        """At a threshold: how many were found rightly, how many were said, how many drawn."""
        scores, right = self.scores(kind)
        drawn = int(sum((boxes[:, 4] == kind).sum() for boxes in self.drawn))
        said = scores >= threshold
        return int((right & said).sum()), int(said.sum()), drawn


def counting_threshold(judged: Judged, kind: int, candidates: Sequence[float] | None = None) -> float:
    """The threshold whose counts differ least from those drawn, photograph by photograph; among the best (within 2 % of
    the least difference) the one that neither over- nor undercounts, and of those the nearest to one half."""
    scores, _ = judged.scores(kind)
    tried = np.unique(np.round(scores, 3)) if candidates is None else np.asarray(candidates)
    if not len(tried):
        return 0.5
    rows = []
    for threshold in tried:
        said, true = judged.counts(kind, float(threshold))
        rows.append((float(np.abs(said - true).sum()), float(abs((said - true).sum()))))
    least = min(row[0] for row in rows)
    close = [index for index, row in enumerate(rows) if row[0] <= 1.02 * least]
    return float(tried[min(close, key=lambda index: (rows[index][1], abs(float(tried[index]) - 0.5)))])


def count_spread(said: Floats, true: Floats, share: float) -> tuple[float, float]:
    """What to add, in roots of the count said plus one, for an interval that holds the true count in that share."""
    difference = (true - said) / np.sqrt(said + 1)
    low, high = np.quantile(difference, [(1 - share) / 2, (1 + share) / 2])
    return min(0.0, float(low)), max(0.0, float(high))
