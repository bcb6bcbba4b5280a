"""Measures a detector of two sorts of one thing: every photograph is judged by the member that never saw it, with
calibration, thresholds and intervals fitted on the photographs of the other parts. numpy and ONNX Runtime only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import Calibration
from desktop.inference.detection_decoding import overlaps, told_apart
from desktop.inference.detection_manifest import DetectionManifest
from desktop.inference.detection_model import log_odds
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.usual_answers import NUMBERS, UsualAnswers, numbers_of
from desktop.jobs import Job
from desktop.learning.baseline import logistic_scores
from desktop.learning.detector_data import Photograph, parts
from desktop.learning.detector_evaluation import SPOILT, KindFit, Measured, fits_of, other_stain, spoilt_pixels
from desktop.learning.detector_figures import SAME, count_spread
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.detector_tiles import fit_tiles
from desktop.learning.detector_usual import fit_usual, kept
from desktop.learning.records import Json
from desktop.learning.robustness import Fared, Scored, losses
from desktop.learning.statistics import Interval, auc, by_patient, calibration_error, fit_calibration, interval, wilson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_FAINTEST = 0.02
_BOXED = 0.98
"""Share of the drawn things of the second sort that must be found at least, wherever they can be: what is not found
cannot be told apart."""
_BATTERY_MOST = 12
_THUMBNAIL = 8
_MOST_OTHERS = 4000
"""Things of the first sort that the simple methods learn from."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What was found on a photograph. boxes: (n, 7) as `told_apart` gives them. right: which of them fit a thing that
    was drawn, `owner`: which, -1 for none. drawn: (m, 5)."""

    boxes: Floats
    owner: Ints
    drawn: Floats

    @classmethod
    def of(cls, boxes: Floats, drawn: Floats) -> "Seen":
        """Each box, the surest first, with the drawn thing it fits best, unless a surer one has that."""
        owner = np.full(len(boxes), -1)
        shared = overlaps(boxes, drawn) if len(boxes) and len(drawn) else np.zeros((len(boxes), 1))
        taken: set[int] = set()
        for index, best in enumerate(shared.argmax(axis=1)):
            if shared[index, best] >= SAME and int(best) not in taken:
                taken.add(int(best))
                owner[index] = best
        return cls(boxes, owner, drawn)

    @property
    def right(self) -> Bools:
        """(n,) which boxes fit a thing that was drawn."""
        return self.owner >= 0

    def sorts(self) -> Ints:
        """(n,) sort of the drawn thing of each box: 0, 1, 2 where nobody is sure, -1 where nothing was drawn."""
        known = self.drawn[:, 4].astype(np.int64) if len(self.drawn) else np.zeros(1, np.int64)
        return np.where(self.right, known[self.owner], -1)


@dataclass(frozen=True, eq=False)
class Said:
    """As the clinic would say it. named: of each box that is listed, whether it is called the second sort; probability:
    of that; sorts: as in `Seen`, of those boxes. true: how many of each sort were drawn."""

    named: Bools
    probability: Floats
    sorts: Ints
    true: tuple[int, int]

    def counts(self) -> tuple[int, int]:
        """How many of either sort are said."""
        return int((~self.named).sum()), int(self.named.sum())


def measured(
    runner: OnnxRunner, photographs: Sequence[Photograph], wanted: DetectorSet, settings: DetectorSettings, job: Job
) -> Measured:
    """Each photograph judged by the member that never saw it."""
    part = parts(photographs, settings.members)
    seen, distances, numbers = ask(runner, photographs, wanted, settings, job, member=part)
    runs = [one.run for one in photographs]
    usual = fit_usual(numbers, part, runs, settings.refused)
    found = _figures(seen, _cross_fitted(seen, part, settings), photographs, wanted)
    found["answered"] = kept(numbers, part, runs, settings.refused)
    found["comparators"] = _comparators(photographs, seen, part)
    farthest = float(np.max(distances))
    limit = settings.distance_margin * farthest
    found["battery"], found["robustness"] = _battery(runner, photographs, wanted, settings, usual, limit, job)
    tiles = fit_tiles([one.boxes for one in seen], photographs, wanted)
    return Measured(fit(seen, settings), None, found, farthest, usual, tiles)


def asked(
    runner: OnnxRunner,
    photographs: Sequence[Photograph],
    manifest: DetectionManifest,
    wanted: DetectorSet,
    settings: DetectorSettings,
    job: Job,
) -> dict[str, Json]:
    """The shipped model's figures on photographs it has not learned from."""
    seen, _, _ = ask(runner, photographs, wanted, settings, job)
    return _figures(seen, [fits_of(manifest)] * len(photographs), photographs, wanted)


def ask(
    runner: OnnxRunner,
    photographs: Sequence[Photograph],
    wanted: DetectorSet,
    settings: DetectorSettings,
    job: Job,
    *,
    member: Ints | None = None,
) -> tuple[list[Seen], Floats, Floats]:
    """What is found, distances, and `numbers_of` (n, NUMBERS). member: which one answers for each photograph; None: all
    together, and no numbers."""
    seen, distances, numbers = [], [], []
    for index, one in enumerate(photographs):
        job.check()
        outputs = runner.run(one.pixels[None].astype(np.float32))
        scores, reach, away = outputs["scores"], outputs["reach"], float(outputs["distance"][0])
        if member is not None:
            chosen = int(member[index])
            scores = outputs["member_scores"][2 * chosen : 2 * chosen + 2]
            reach = outputs["member_reach"][4 * chosen : 4 * chosen + 4]
            away = float(outputs["member_distances"][chosen])
            numbers.append(numbers_of(scores))
        seen.append(Seen.of(told_apart(scores, reach, _FAINTEST, settings.overlap, wanted.stride), one.boxes))
        distances.append(away)
    return seen, np.array(distances), np.array(numbers).reshape(-1, NUMBERS)


def fit(seen: Sequence[Seen], settings: DetectorSettings) -> list[KindFit]:
    """How the score of a thing and of its sort become probabilities, from which on it is listed and called the second
    sort, and how far off the counts usually are; from photographs that the answers come fresh to."""
    right = np.concatenate([one.right for one in seen])
    thing = _calibrated(np.concatenate([one.boxes[:, 5] for one in seen]), right)
    sorts = np.concatenate([one.sorts() for one in seen])
    known = (sorts == 0) | (sorts == 1)
    second = _calibrated(np.concatenate([one.boxes[:, 6] for one in seen])[known], sorts[known] == 1)
    listed = _listing(seen, thing)
    rough = [KindFit(thing, listed, (0.0, 0.0)), KindFit(second, 0.5, (0.0, 0.0))]
    named = _naming([say(one, rough) for one in seen])
    rough[1] = KindFit(second, named, (0.0, 0.0))
    counts = np.array([say(one, rough).counts() for one in seen], dtype=np.float64)
    true = np.array([say(one, rough).true for one in seen], dtype=np.float64)
    spreads = [count_spread(counts[:, sort], true[:, sort], settings.interval) for sort in (0, 1)]
    return [KindFit(thing, listed, spreads[0]), KindFit(second, named, spreads[1])]


def say(one: Seen, fits: Sequence[KindFit]) -> Said:
    """What the clinic says of a photograph."""
    thing, second = fits
    listed = np.array([_probability(thing.calibration, score) >= thing.threshold for score in one.boxes[:, 5]], bool)
    probability = np.array([_probability(second.calibration, score) for score in one.boxes[listed, 6]])
    true = tuple(int((one.drawn[:, 4] == sort).sum()) for sort in (0, 1))
    return Said(probability >= second.threshold, probability, one.sorts()[listed], (true[0], true[1]))


def _cross_fitted(seen: Sequence[Seen], part: Ints, settings: DetectorSettings) -> list[list[KindFit]]:
    """The fits each photograph is judged with: those of the other parts."""
    fits: list[list[KindFit]] = [[]] * len(seen)
    for number in range(settings.members):
        fitted = fit([seen[int(index)] for index in np.flatnonzero(part != number)], settings)
        for index in np.flatnonzero(part == number):
            fits[index] = fitted
    return fits


def _figures(
    seen: Sequence[Seen], fits: Sequence[Sequence[KindFit]], photographs: Sequence[Photograph], wanted: DetectorSet
) -> dict[str, Json]:
    said = [say(one, own) for one, own in zip(seen, fits, strict=True)]
    runs = [str(one.run) for one in photographs]
    true = np.array([one.true for one in said], dtype=np.float64)
    counts = np.array([one.counts() for one in said], dtype=np.float64)
    spreads = [[own[sort].spread for own in fits] for sort in (0, 1)]
    shares, drawn = _share(counts), _share(true)
    others = np.array([(drawn.sum() - one) / max(1, len(drawn) - 1) for one in drawn])
    sorts, probability = (np.concatenate([getattr(one, name) for one in said]) for name in ("sorts", "probability"))
    named = np.concatenate([one.named for one in said])
    known = (sorts == 0) | (sorts == 1)
    return {
        "photographs": len(photographs),
        "kinds": {
            kind.key: {
                "drawn": int(true[:, sort].sum()),
                "boxed": interval(wilson(int((sorts == sort).sum()), int(true[:, sort].sum()))),
                "named": interval(
                    wilson(int(((sorts == sort) & (named == bool(sort))).sum()), int((sorts == sort).sum()))
                ),
                "count_error": interval(_mean_error(counts[:, sort], true[:, sort], runs)),
                "count_error_all": round(float(abs(counts[:, sort].sum() / max(1.0, true[:, sort].sum()) - 1)), 4),
                "interval_holds": interval(_holding(counts[:, sort], true[:, sort], spreads[sort])),
            }
            for sort, kind in enumerate(wanted.kinds)
        },
        "auc": interval(_by_photograph(said, runs, lambda p, second: auc(p, second))),
        "right_of_second": interval(wilson(int((named & (sorts == 1)).sum()), int((named & known).sum()))),
        "calibration_error": round(calibration_error(probability[known], sorts[known] == 1), 4),
        "share": {
            "drawn": round(float(true[:, 1].sum() / max(1.0, true.sum())), 5),
            "said": round(float(counts[:, 1].sum() / max(1.0, counts.sum())), 5),
            "error": interval(
                by_patient(lambda chosen: float(np.abs(shares - drawn)[chosen].mean()), runs, rounds=200)
            ),
            "error_of_the_mean": round(float(np.abs(others - drawn).mean()), 5),
        },
    }


def _by_photograph(said: Sequence[Said], runs: Sequence[str], figure: Callable[[Floats, Bools], float]) -> Interval:
    def of(chosen: Ints) -> float:
        sorts = np.concatenate([said[index].sorts for index in chosen])
        known = (sorts == 0) | (sorts == 1)
        return figure(np.concatenate([said[index].probability for index in chosen])[known], sorts[known] == 1)

    return by_patient(of, runs, rounds=200)


def _mean_error(said: Floats, true: Floats, runs: Sequence[str]) -> Interval:
    def error(chosen: Ints) -> float:
        return float(np.abs(said[chosen] - true[chosen]).sum() / max(1.0, float(true[chosen].sum())))

    return by_patient(error, runs, rounds=200)


def _holding(said: Floats, true: Floats, spreads: Sequence[tuple[float, float]]) -> Interval:
    root, (low, high) = np.sqrt(said + 1), np.array(spreads).T
    return wilson(int(((np.floor(said + low * root) <= true) & (true <= np.ceil(said + high * root))).sum()), len(said))


def _share(counts: Floats) -> Floats:
    return np.asarray(counts[:, 1] / np.maximum(1.0, counts.sum(axis=1)))


def _calibrated(scores: Floats, right: Bools) -> Calibration:
    if right.all() or not right.any():
        return Calibration()
    return Calibration(*fit_calibration(np.array([log_odds(float(score)) for score in scores]), right))


def _probability(calibration: Calibration, score: float) -> float:
    return calibration.probability(log_odds(float(score)))


def _listing(seen: Sequence[Seen], thing: Calibration) -> float:
    """The probability from which on something is listed: where all that is listed is as much as all that was drawn,
    photograph by photograph, but never above where enough of the second sort is found."""
    probability = [np.array([_probability(thing, score) for score in one.boxes[:, 5]]) for one in seen]
    tried = np.round(np.arange(0.05, 0.9, 0.01), 2)
    true = np.array([len(one.drawn) for one in seen])
    errors = [np.abs(np.array([(own >= least).sum() for own in probability]) - true).sum() for least in tried]
    best = float(tried[int(np.argmin(errors))])
    second = np.concatenate([own[one.sorts() == 1] for own, one in zip(probability, seen, strict=True)])
    if len(second):
        drawn = sum(int((one.drawn[:, 4] == 1).sum()) for one in seen)
        best = min(best, float(np.quantile(second, max(0.0, 1 - _BOXED * drawn / len(second)))))
    return max(0.05, round(best, 4))


def _naming(said: Sequence[Said]) -> float:
    """The probability from which on a thing is called the second sort: where the counts differ least from those drawn;
    among the nearly best the one that neither over- nor undercounts."""
    tried = np.round(np.arange(0.05, 0.96, 0.01), 2)
    true = np.array([one.true[1] for one in said], dtype=np.float64)
    rows = []
    for threshold in tried:
        counted = np.array([float((one.probability >= threshold).sum()) for one in said])
        rows.append((float(np.abs(counted - true).sum()), float(abs((counted - true).sum()))))
    least = min(row[0] for row in rows)
    close = [index for index, row in enumerate(rows) if row[0] <= 1.05 * least]
    return float(tried[min(close, key=lambda index: (rows[index][1], abs(float(tried[index]) - 0.5)))])


def _comparators(photographs: Sequence[Photograph], seen: Sequence[Seen], part: Ints) -> Json:
    """AUC among the boxed things of simple methods that learned from the drawn boxes of the other parts: logistic
    regression on the mean colour of a box, and on a tiny copy of it."""
    rows: list[Floats] = []
    sorts: list[Ints] = []
    parts_of: list[Ints] = []
    for one, boxed, own in zip(photographs, seen, part, strict=True):
        known = boxed.sorts()
        for index in np.flatnonzero((known == 0) | (known == 1)):
            rows.append(_tiny(one.pixels, boxed.boxes[index]))
        kept = known[(known == 0) | (known == 1)]
        sorts.append(kept)
        parts_of.append(np.full(len(kept), own))
    second, of = np.concatenate(sorts) == 1, np.concatenate(parts_of)
    if any(len(np.unique(second[of != number])) < 2 for number in range(int(part.max()) + 1)):
        return None
    numbers, found = np.array(rows), dict[str, Json]()
    colour = numbers.reshape(len(numbers), 3, -1).mean(axis=2)
    for name, values in (("mean_colour", colour), ("thumbnail", numbers)):
        scores = np.zeros(len(values))
        for number in np.unique(of):
            learn = of != number
            every = max(1, int((learn & ~second).sum()) // _MOST_OTHERS)
            chosen = np.concatenate([np.flatnonzero(learn & second), np.flatnonzero(learn & ~second)[::every]])
            scores[~learn] = logistic_scores(values[chosen], second[chosen], values[~learn])
        found[name] = round(float(auc(scores, second)), 4)
    return found


def _tiny(pixels: npt.NDArray[np.uint8], box: Floats) -> Floats:
    """A box's pixels at _THUMBNAIL × _THUMBNAIL places, the photograph's mean colour taken away."""
    rows, columns = pixels.shape[1:]
    places = (np.arange(_THUMBNAIL) + 0.5) / _THUMBNAIL
    across = np.clip((box[0] + places * (box[2] - box[0])).astype(int), 0, columns - 1)
    down = np.clip((box[1] + places * (box[3] - box[1])).astype(int), 0, rows - 1)
    mean = pixels[:, ::16, ::16].mean(axis=(1, 2))
    return np.asarray((pixels[:, down][:, :, across] - mean[:, None, None]).ravel(), dtype=np.float64)


def _battery(
    runner: OnnxRunner,
    photographs: Sequence[Photograph],
    wanted: DetectorSet,
    settings: DetectorSettings,
    usual: UsualAnswers | None,
    limit: float,
    job: Job,
) -> tuple[list[Json], list[Json]]:
    """How a part of the photographs fares when it is spoilt, with what was fitted on them unspoilt. And what is lost
    where the sorts are told apart, see `robustness`. limit: of the distance."""
    every = max(1, len(photographs) // _BATTERY_MOST)
    member, chosen = parts(photographs, settings.members)[::every], photographs[::every]
    fits: list[KindFit] = []
    rows: list[Json] = []
    fared: list[Fared] = []
    for name, change in SPOILT.items():
        changed = [
            Photograph(one.name, one.sha256, spoilt_pixels(one.pixels, change), one.boxes, one.run) for one in chosen
        ]
        seen, distances, numbers = ask(runner, changed, wanted, settings, job, member=member)
        fits = fits or fit(seen, settings)
        figures = _figures(seen, [fits] * len(seen), changed, wanted)
        refused, strange = None, (distances > limit) | other_stain(changed, wanted)
        if usual is not None:
            away = [usual.members[own].away(one) for own, one in zip(member, numbers, strict=True)]
            refused = interval(wilson(sum(one > usual.limit for one in away), len(away)))
            strange |= np.array(away) > usual.limit
        rows.append({"spoilt": name, "photographs": len(chosen), "figures": figures, "refused": refused})
        fared.append(Fared(name, {wanted.kinds[1].key: _scored([say(one, fits) for one in seen])}, strange))
    return rows, losses(fared, [str(one.run) for one in chosen])


def _scored(said: Sequence[Said]) -> Scored:
    """Of the things drawn of the second sort how many are boxed and named so, of those of the first how many are not
    named the second."""
    hits = [(int((one.named & (one.sorts == 1)).sum()), int((one.named & (one.sorts == 0)).sum())) for one in said]
    of = np.array([one.true[::-1] for one in said], dtype=np.float64)
    right = np.array([(hit, one.true[0] - wrong) for (hit, wrong), one in zip(hits, said, strict=True)], np.float64)
    return Scored(right, of)
