"""Straight lines of what is measured on a picture, where there are too few pictures for a network. Needs torch.

Light and contrast of every place are told against its surroundings, so that two X-ray machines look more alike, and
both halves count alike: lines learn from the mean of what is measured on a picture and on its mirror image, and so
weigh both halves alike when they answer. A picture is never mirrored to become another one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from desktop.jobs import Job
from desktop.learning import picture_data, picture_ridge
from desktop.learning.learning_curve import CurvePoint, some_of
from desktop.learning.network import distance, distances, gaussian
from desktop.learning.picture_data import Squares
from desktop.learning.picture_figures import FEWEST
from desktop.learning.picture_lessons import prepared
from desktop.learning.picture_network import TOLD, against_surroundings, corner_mask, mirror, told_of
from desktop.learning.picture_sets import LINES_GRID, Example, LinesSettings, PictureSet
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.picture_texture import gabor_filters
from desktop.learning.records import Json
from desktop.learning.statistics import auc, by_patient, interval
from desktop.learning.training import Epoch

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

GRID = LINES_GRID
_NEIGHBOURS = 5
_SHARES = (25, 50)
"""Per cent of the people that the learning curve is drawn by, beside all of them."""
_PAINTED = (0.12, 0.32)
"""How far painted corners reach, as shares of the side."""


@dataclass(frozen=True, eq=False)
class LineMember:
    """What one member learned without one part of the people: a line for each finding, the directions in which pictures
    differ most (numbers, kept), and the mean and whitening of the places there."""

    lines: Sequence[picture_ridge.Line]
    axes: Floats
    centre: Tensor
    whitening: Tensor

    def places(self, numbers: Floats, usual: Floats) -> Tensor:
        """(n, kept) of (n, numbers). usual: the mean of the numbers of all pictures."""
        return torch.from_numpy((numbers - usual) @ self.axes).float()

    def distances(self, numbers: Floats, usual: Floats) -> Floats:
        """(n,) from what it learned from."""
        away = distance(self.places(numbers, usual), self.centre, self.whitening)
        return np.asarray(away[:, 0].double().numpy())


class LinesEnsemble(nn.Module):
    """The members as they are shipped, in one graph: what is measured is measured once for all.

    image (n, 1, side, side) → logits (n, findings), the members' mean; activation (n, findings, GRID, GRID): what each
    neighbourhood adds to them; embedding (n, members × kept); distance (n, 1), the members' mean; member_logits (n,
    members, findings).
    """

    def __init__(
        self, members: Sequence[LineMember], usual: Floats, settings: PictureSettings, plan: LinesSettings
    ) -> None:
        super().__init__()
        self.width = plan.surroundings * settings.side
        weights = np.stack([np.stack([line.weights for line in one.lines], axis=1) for one in members])
        bias = np.array([[line.bias + float(line.weights @ usual) for line in one.lines] for one in members])
        buffers = {
            "mask": corner_mask(settings.side, settings.corners),
            "filters": gabor_filters(),
            "usual": torch.from_numpy(usual).float(),
            "weights": torch.from_numpy(weights).float(),
            "bias": torch.from_numpy(bias).float(),
            "axes": torch.from_numpy(np.stack([one.axes for one in members])).float(),
            "centres": torch.stack([one.centre for one in members]),
            "whitenings": torch.stack([one.whitening for one in members]),
        }
        for name, value in buffers.items():
            self.register_buffer(name, value)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        usual, weights, mask = self.get_buffer("usual"), self.get_buffer("weights"), self.get_buffer("mask")
        seen = against_surroundings(image * mask, self.width) * mask
        away = told_of(seen, self.get_buffer("filters")) - usual
        said = torch.einsum("np,mpf->nmf", away, weights) + self.get_buffer("bias")
        places = torch.einsum("np,mpk->nmk", away, self.get_buffer("axes"))
        return (
            said.mean(1),
            functional.avg_pool2d(_placed(away, weights.mean(0)), _NEIGHBOURS, 1, _NEIGHBOURS // 2) * _NEIGHBOURS**2,
            places.flatten(1),
            distances(places, self.get_buffer("centres"), self.get_buffer("whitenings")),
            said,
        )


def _placed(away: Tensor, weights: Tensor) -> Tensor:
    """What each place adds: (n, numbers) and (numbers, findings) → (n, findings, GRID, GRID)."""
    maps, start = [], 0
    for channels, cells in ((len(across), cells) for across, cells in TOLD):
        size = channels * cells * cells
        part = away[:, start : start + size].view(-1, channels, cells * cells)
        told = weights[start : start + size].view(channels, cells * cells, -1)
        square = torch.einsum("ncp,cpf->nfp", part, told).view(-1, told.shape[2], cells, cells)
        grown = functional.interpolate(square, size=(GRID, GRID), mode="bilinear", align_corners=False)
        maps.append(grown * (cells / GRID) ** 2)
        start += size
    return sum(maps[1:], maps[0])


def painted(exact: picture_data.Bytes, random: np.random.Generator) -> picture_data.Bytes:
    """(n, side, side) with the upper corners, or all four, painted over: black, white, grey or as the picture's mean.
    What somebody who distrusts letters does to a film must not change what is said of it."""
    found, side = exact.copy(), exact.shape[-1]
    for picture in found:
        wide, high = (round(share * side) for share in random.uniform(*_PAINTED, 2))
        light = (0, 255, 128, int(picture.mean()))[random.integers(4)]
        for rows in (slice(None, high), slice(-high, None))[: random.integers(1, 3)]:
            picture[rows, :wide] = light
            picture[rows, -wide:] = light
    return found


@torch.no_grad()
def numbers_of(exact: picture_data.Bytes, settings: PictureSettings, plan: LinesSettings) -> Floats:
    """(n, numbers) of pictures as the clinic prepares them, both halves counted alike."""
    mask, width = corner_mask(settings.side, settings.corners), plan.surroundings * settings.side
    filters, every = gabor_filters(), prepared(exact, np.arange(len(exact)), settings)
    found = torch.cat([told_of(against_surroundings(seen, width) * mask, filters) for seen in every])
    return ((found + found[:, mirror(TOLD, settings.side)]) / 2).double().numpy()


@dataclass(frozen=True, eq=False)
class LineAnswers:
    """What each picture's own held-out member says of it: said (n, findings), distances (n). There is nothing to weigh
    against one another, as `picture_training.MemberAnswers` does."""

    said: Floats
    distances: Floats

    def scales(self, chosen: Bools) -> Floats:
        """(2, findings)."""
        del chosen
        return np.ones((2, self.said.shape[1]))

    def logits(self, scales: Floats) -> Floats:
        """(n, findings)."""
        del scales
        return self.said


@dataclass(frozen=True, eq=False)
class LinesLearned:
    """members: see `LineMember`; usual: (numbers,), the mean of all pictures. The others as
    `picture_training.TrainedPictures` has them. points: of the learning curve, place by place."""

    plan: LinesSettings
    members: Sequence[LineMember]
    usual: Floats
    answers: LineAnswers
    splits: dict[str, Json]
    points: tuple[CurvePoint, ...]
    earlier_seconds: float = 0.0

    @property
    def curves(self) -> dict[str, tuple[Epoch, ...]]:
        """Lines have none."""
        return {}

    @property
    def learning_curve(self) -> dict[str, Json]:
        """Over all places at once it would say nothing of any: see `points`."""
        return {}


def assemble(learned: LinesLearned, settings: PictureSettings) -> nn.Module:
    """The shipped graph."""
    return LinesEnsemble(learned.members, learned.usual, settings, learned.plan).eval()


def learn(
    wanted: PictureSet,
    plan: LinesSettings,
    examples: Sequence[Example],
    job: Job,
    say: Callable[[str], None],
) -> LinesLearned:
    """Everything, in a few minutes on one core. Raises Cancelled."""
    torch.set_num_threads(1)
    settings = wanted.settings
    squares = picture_data.load_squares(examples, picture_data.questions_of(wanted), settings, job, say)
    say("measuring")
    numbers = numbers_of(squares.exact, settings, plan)
    random = np.random.default_rng(settings.seed)
    copies = [numbers_of(painted(squares.exact, random), settings, plan) for _ in range(plan.painted)]
    run = _Run(wanted, plan, examples, squares, numbers, copies, picture_data.parts(examples, settings))
    logits, distances, members = np.zeros((len(examples), len(wanted.findings))), np.zeros(len(examples)), []
    for part in range(settings.members):
        job.check()
        out = run.parts == part
        member = run.member(~out)
        members.append(member)
        logits[out] = np.stack([line.scores(numbers[out]) for line in member.lines], axis=1)
        distances[out] = member.distances(numbers[out], run.usual)
    return LinesLearned(plan, members, run.usual, LineAnswers(logits, distances), run.splits(), run.points(logits))


@dataclass(frozen=True, eq=False)
class _Run:
    """What everything of one run shares. copies: numbers of the same pictures with painted corners, which are
    learned from too."""

    wanted: PictureSet
    plan: LinesSettings
    examples: Sequence[Example]
    squares: Squares
    numbers: Floats
    copies: Sequence[Floats]
    parts: picture_data.Indices

    @property
    def usual(self) -> Floats:
        """(numbers,) the mean of all pictures."""
        return np.asarray(self.numbers.mean(axis=0))

    def member(self, learned: Bools) -> LineMember:
        """Lines of the pictures learned from."""
        components, lines = self._lines(learned)
        axes = components.axes[:, : self.plan.kept] / components.spread[:, None]
        places = torch.from_numpy((self.numbers[learned] - self.usual) @ axes).float()
        return LineMember(lines, axes, *gaussian(places))

    def splits(self) -> dict[str, Json]:
        """Learned without one place, tested on it."""
        found: dict[str, Json] = {}
        counted = picture_data.judged(self.examples)
        for split in self.wanted.splits:
            there = np.array([one.facts.get(split.fact, "") == split.value for one in self.examples])
            lines = self._lines(~there)[1]
            areas: dict[str, Json] = {}
            for place, finding in enumerate(self.wanted.findings):
                known = np.flatnonzero(there & counted & np.isfinite(self.squares.answers[:, place]))
                labels, scores = self.squares.answers[known, place] > 0.5, lines[place].scores(self.numbers[known])
                area = by_patient(partial(_area, scores, labels), [self.examples[int(one)].group for one in known])
                areas[finding.key] = {"n": len(known), "positive": int(labels.sum()), "auc": interval(area)}
            found[split.name] = areas
        return found

    def points(self, of_all: Floats) -> tuple[CurvePoint, ...]:
        """Of the learning curve. of_all: (n, findings), what each part's member says that learned from all others."""
        found = []
        for share in _SHARES:
            drawn, scores = self._drawn(share), np.zeros_like(of_all)
            try:
                for part in range(self.wanted.settings.members):
                    own = self.parts == part
                    lines = self._lines(~own & drawn)[1]
                    scores[own] = np.stack([line.scores(self.numbers[own]) for line in lines], axis=1)
            except ValueError:
                # So few people that all, or none, of them have a finding.
                continue
            found += self._point(share, drawn, scores)
        return (*found, *self._point(100, np.ones(len(self.parts), dtype=bool), of_all))

    def _drawn(self, share: int) -> Bools:
        """(n,) the pictures of a share of the people of each place."""
        names: set[str] = set()
        for place in self._places().values():
            people = (one.group for one, there in zip(self.examples, place, strict=True) if there)
            names |= some_of(people, share, self.wanted.settings.seed)
        return np.array([one.group in names for one in self.examples])

    def _places(self) -> dict[str, Bools]:
        """Which pictures lie on one side of a split or the other, by name; all of them where there are no splits."""
        facts = dict.fromkeys(split.fact for split in self.wanted.splits)
        found = {
            f"{fact} {value}": np.array([one.facts.get(fact) == value for one in self.examples])
            for fact in facts
            for value in sorted({one.facts[fact] for one in self.examples if fact in one.facts})
        }
        return found or {"all": np.ones(len(self.examples), dtype=bool)}

    def _point(self, share: int, drawn: Bools, scores: Floats) -> list[CurvePoint]:
        """At most one: none where there is no place to judge by."""
        counted, figures = picture_data.judged(self.examples), dict[str, float]()
        for index, finding in enumerate(self.wanted.findings):
            answers = self.squares.answers[:, index]
            for name, there in self._places().items():
                known = there & counted & np.isfinite(answers)
                labels = answers[known] > 0.5
                if min(labels.sum(), (~labels).sum()) >= FEWEST:
                    figures[f"{finding.key}, {name}"] = auc(scores[known, index], labels)
        groups = np.array([one.group for one in self.examples])
        learned = [len(set(groups[drawn & (self.parts != part)])) for part in np.unique(self.parts)]
        return [CurvePoint(share, round(float(np.mean(learned))), figures)] if figures else []

    def _lines(self, learned: Bools) -> tuple[picture_ridge.Components, list[picture_ridge.Line]]:
        """Of the pictures learned from, as they are and with painted corners. Raises ValueError where nobody, or
        everybody, has a finding."""
        versions = (self.numbers, *self.copies)
        components = picture_ridge.components_of(
            np.concatenate([numbers[learned] for numbers in versions]), self.plan.components
        )
        lines = []
        for place in range(len(self.wanted.findings)):
            told = self.squares.answers[:, place]
            known = learned & np.isfinite(told)
            labels, weights = told[known] > 0.5, self.squares.weights[known].astype(np.float64)
            rows = np.concatenate([numbers[known] for numbers in versions])
            count = len(versions)
            lines.append(
                picture_ridge.fit(components, rows, np.tile(labels, count), self.plan.ridge, np.tile(weights, count))
            )
        return components, lines


def _area(scores: Floats, labels: Bools, index: picture_data.Indices) -> float:
    return auc(scores[index], labels[index])
