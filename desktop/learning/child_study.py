"""Comparators of the child pneumonia model: other splits, less data, and what leaks without any lung. Needs torch."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from desktop.jobs import Job
from desktop.learning import child_data, child_hint, child_lessons, child_manifest, child_training, side_by_side
from desktop.learning.baseline import logistic_scores
from desktop.learning.child_card import table_row
from desktop.learning.child_settings import Settings
from desktop.learning.films import PUBLISHED_TEST, Film, fold_of
from desktop.learning.learning_curve import CurvePoint
from desktop.learning.records import Json, Study
from desktop.learning.statistics import auc, by_patient, fit_calibration, interval

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_THUMBNAIL = 32
_SHARES = (25, 50, 100)
# Draws the children of a smaller share.
_DRAWN = 77


@dataclass(frozen=True)
class _Split:
    """Who is learned from and who is tested. Part 0 of the patients, or the published test part."""

    trained_on: str
    tested_on: str
    training: Indices
    testing: Indices


@dataclass(frozen=True, eq=False)
class _Comparator:
    """A network to train on some of a split's training films. change: what is done to every film first."""

    name: str
    split: _Split
    training: Indices
    change: Callable[[Tensor], Tensor] | None = None


def run(
    films: Sequence[Film],
    data_sha256: str,
    settings: Settings,
    graph: bytes,
    work: Path,
    job: Job,
    say: Callable[[str], None],
) -> Study:
    """All rows of the card's table of comparators, and the learning curve of the hint in the shipped graph; the
    networks resume from `work`."""
    sides = (child_training.LARGE_SIDE, settings.side, _THUMBNAIL)
    large, exact, small = child_data.load_squares(films, sides, job, say)
    labels = np.array([film.pneumonia for film in films])
    curve = [point.to_row() for point in hint_curve(graph, films, settings, job, say)]
    patients, published = _patient_split(films, settings), _published_split(films)
    rows: list[Json] = [row for split in (patients, published) for row in _baselines(films, small, labels, split)]
    say(f"compared {len(rows)} simple methods")
    voice = side_by_side.in_turn(say)
    study = _Study(films, child_lessons.Squares(large, exact, labels), data_sha256, settings, work, job, voice)
    lessons = [
        _Comparator("network, lungs and heart painted grey", patients, patients.training, child_lessons.mask_lungs),
        _Comparator("network", published, published.training),
        _Comparator("network, all of them", patients, patients.training),
        _Comparator("network, 50 % of the children", patients, _some(films, patients.training, 50)),
        _Comparator("network, 25 % of the children", patients, _some(films, patients.training, 25)),
    ]
    wanted = [lesson for lesson in lessons if study.can_judge(lesson)]
    say(f"training {len(wanted)} networks, {_EPOCHS} epochs each at the most")
    with side_by_side.on_threads(1), ThreadPoolExecutor(max_workers=settings.threads) as pool:
        futures = [pool.submit(study.network, lesson) for lesson in wanted]
        side_by_side.wait_for_all(futures, job)
        return Study(data_sha256, _EPOCHS, [*rows, *(future.result() for future in futures), *curve])


def hint_curve(
    graph: bytes, films: Sequence[Film], settings: Settings, job: Job, say: Callable[[str], None]
) -> list[CurvePoint]:
    """How well the hint's lines tell the cause when learned from a share of the children whose cause is known, each
    judged on the part that is not its own to learn from. The networks' maps are the shipped ones at every point: they
    learned pneumonia from all children, and from nobody what caused it. Shares too small to hold both causes are left
    out. The figures are areas under the ROC curve. graph: with or without a hint in it."""
    told = child_hint.tell(graph, films, child_manifest.preparation(settings), settings, job)
    if told is None:
        return []
    place = np.array([fold_of(film.group, _DRAWN, 100) for film in told.films])
    tested = np.array([film.split == PUBLISHED_TEST for film in told.films])
    points = []
    for share in _SHARES:
        chosen = place < share
        try:
            scores = _on_one_scale(told, told.lines(settings, chosen)[1])
        except ValueError:
            continue
        areas = {"the hint": auc(scores, told.bacterial)}
        areas |= {"the hint, published test part": auc(scores[tested], told.bacterial[tested])}
        children = {film.group for film, taken in zip(told.films, chosen, strict=True) if taken}
        points.append(
            CurvePoint(share, len(children), {name: area for name, area in areas.items() if np.isfinite(area)})
        )
        say(f"the hint from {share} % of the children")
    return points


def _on_one_scale(told: child_hint.Told, logits: Floats) -> Floats:
    """Logits that can be compared across parts: each part's on a scale fitted on the others."""
    scores = np.zeros(len(logits))
    for part in np.unique(told.parts):
        others = told.parts != part
        temperature, offset = fit_calibration(logits[others], told.bacterial[others])
        scores[~others] = logits[~others] / temperature + offset
    return scores


@dataclass(frozen=True, eq=False)
class _Study:
    """What the networks of one study share."""

    films: Sequence[Film]
    squares: child_lessons.Squares
    data_sha256: str
    settings: Settings
    work: Path
    job: Job
    say: Callable[[str], None]

    def can_judge(self, lesson: _Comparator) -> bool:
        """Whether there are films of both kinds to learn from, to stop by and to test on: not in a handful."""
        labels = self.squares.labels
        parts = (*_set_aside(self.films, lesson.training, self.settings), lesson.split.testing)
        return all(labels[part].any() and not labels[part].all() for part in parts)

    def network(self, lesson: _Comparator) -> dict[str, Json]:
        """Train one network and judge it on the split's test films."""
        torch.set_num_threads(1)
        name, split, change = lesson.name, lesson.split, lesson.change
        mark = f"{name} / {split.tested_on}"
        learned, watched = _set_aside(self.films, lesson.training, self.settings)
        trained = child_training.train_member(
            mark,
            self.squares,
            learned,
            watched,
            self.settings,
            self.data_sha256,
            self.work / f"{hashlib.sha256(mark.encode()).hexdigest()[:12]}.pt",
            self.job,
            self.say,
            epochs=_EPOCHS,
            change=change,
        )
        logits = child_lessons.film_logits(trained.network, self.squares.exact, split.testing, change)
        found = _auc(self.films, self.squares.labels, split.testing, logits.double().numpy())
        return table_row(name, split.trained_on, split.tested_on, found)


# Fewer than the shipped members get: these networks are only compared with one another.
_EPOCHS = 6


def _patient_split(films: Sequence[Film], settings: Settings) -> _Split:
    parts = child_training.folds(films, settings)
    learn, test = np.flatnonzero(parts != 0), np.flatnonzero(parts == 0)
    return _Split("two thirds of the children", "the other third", learn, test)


def _published_split(films: Sequence[Film]) -> _Split:
    """The published halves, without the training films of the people who occur in both."""
    tested = {film.group for film in films if film.split == PUBLISHED_TEST}
    test = np.array([film.split == PUBLISHED_TEST for film in films])
    learn = np.array([film.group not in tested for film in films])
    return _Split("published train", "published test", np.flatnonzero(learn), np.flatnonzero(test))


def _set_aside(films: Sequence[Film], training: Indices, settings: Settings) -> tuple[Indices, Indices]:
    """One tenth of the training children watches for the early stop, so that the test part stays untouched."""
    watch = np.array([fold_of(films[index].group, settings.seed + 2, 10) == 0 for index in training])
    return training[~watch], training[watch]


def _some(films: Sequence[Film], training: Indices, share: int) -> Indices:
    """A share of the children, the same ones in every run; smaller shares lie within larger ones."""
    return np.array([index for index in training if fold_of(films[index].group, _DRAWN, 100) < share], dtype=np.int64)


def _auc(films: Sequence[Film], labels: npt.NDArray[np.bool_], testing: Indices, scores: Floats) -> Json:
    truth = labels[testing]
    groups = [films[index].group for index in testing]
    return interval(by_patient(lambda index: auc(scores[index], truth[index]), groups))


def _baselines(
    films: Sequence[Film], small: child_data.Bytes, labels: npt.NDArray[np.bool_], split: _Split
) -> list[dict[str, Json]]:
    """Logistic regression on what is no anatomy: width, height, aspect; and on a thumbnail."""
    sizes = np.array([[film.width, film.height, film.width / film.height] for film in films], dtype=np.float64)
    full = np.array([film.source == "kermany_full" for film in films])
    shape = np.column_stack([np.log(sizes), sizes[:, 2] ** 2])
    thumbnails = small.reshape(len(films), -1).astype(np.float64)
    rows = []
    for name, features, only in (
        ("size and aspect of the original file (kermany_full)", shape, full),
        ("thumbnail 32 × 32, logistic regression", thumbnails, np.ones(len(films), dtype=bool)),
    ):
        training, testing = split.training[only[split.training]], split.testing[only[split.testing]]
        if len(set(labels[testing].tolist())) == 2:
            scores = logistic_scores(features[training], labels[training], features[testing])
            rows.append(table_row(name, split.trained_on, split.tested_on, _auc(films, labels, testing, scores)))
    return rows
