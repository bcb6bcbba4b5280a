"""Training of a picture model: what is learned first, the members, and one graph of them. Needs torch."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from desktop.jobs import Job
from desktop.learning import picture_data, picture_lessons, picture_ridge, side_by_side
from desktop.learning.films import fold_of
from desktop.learning.learning_curve import CurvePoint
from desktop.learning.network import SmallNetwork, gaussian
from desktop.learning.picture_data import Indices, Squares
from desktop.learning.picture_lessons import picture_lesson, prepared
from desktop.learning.picture_network import Measures, PictureEnsemble, PictureMember, Ridge, corner_mask
from desktop.learning.picture_sets import Example, PictureFinding, PictureSet
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.recipe import Say
from desktop.learning.records import Json
from desktop.learning.side_by_side import in_turn, on_threads, wait_for_all
from desktop.learning.statistics import auc, by_patient, interval
from desktop.learning.training import Epoch, Schedule, Trained, train

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Settings that only matter once the networks have learned.
_AFTERWARDS = frozenset(
    {
        "threads",
        "alpha",
        "strictness",
        "distance_loss",
        "gradients",
        "surroundings",
        "texture",
        "components",
        "ridge",
        "network_share",
        "stop_after",
    }
)
# Settings that do not matter to what is learned first.
_LATER = frozenset({"members", "epochs", "rate", "side_weight"})
# One part in so many of what is learned first draws its curve.
_WATCHED = 20
# Per cent of the patients that a learning curve is drawn by, beside all of them.
_SHARES_LEARNED = (25, 50)


@dataclass(frozen=True, eq=False)
class MemberAnswers:
    """What each picture's own held-out member says of it. network, ridge: logits (n, findings), the latter zeros where
    there is no regression; distances (n). network_share: of the settings."""

    network: Floats
    ridge: Floats
    distances: Floats
    network_share: float

    def scales(self, chosen: npt.NDArray[np.bool_]) -> Floats:
        """(2, findings): what makes the logits of both vary as their shares say over the chosen pictures."""
        both = np.stack([self.network[chosen].std(axis=0), self.ridge[chosen].std(axis=0)])
        shares = np.array([[self.network_share], [1 - self.network_share]])
        return np.where(both > 0, shares / np.maximum(both, 1e-9), 0.0)

    def logits(self, scales: Floats) -> Floats:
        """(n, findings): both added up."""
        return np.asarray(self.network * scales[0] + self.ridge * scales[1])


@dataclass(frozen=True, eq=False)
class Member:
    """A trained member: its network with all questions, the regression of each finding, how what it learned looks."""

    network: SmallNetwork
    lines: Sequence[picture_ridge.Line]
    mean: Tensor
    whitening: Tensor


@dataclass(frozen=True, eq=False)
class TrainedPictures:
    """The members, what each says of the pictures it never saw, and the curves. earlier_seconds: of epochs done before
    this run went on. splits: AUC of a model learned from all others on what a split tests on, by its name.
    learning_curve: AUC of the regressions alone, by share of the patients learned from."""

    members: Sequence[Member]
    answers: MemberAnswers
    curves: dict[str, tuple[Epoch, ...]]
    earlier_seconds: float
    splits: Mapping[str, Json]
    learning_curve: Mapping[str, Json]
    points: tuple[CurvePoint, ...] = ()
    """Of a learning curve place by place, which networks have none of: it would take hours."""


def train_all(
    wanted: PictureSet,
    settings: PictureSettings,
    examples: Sequence[Example],
    earlier: Sequence[Example],
    data_sha256: str,
    work: Path,
    job: Job,
    say: Say,
) -> TrainedPictures:
    """work: folder for checkpoints. Raises Cancelled."""
    run = _Run(wanted, settings, data_sha256, work, job, in_turn(say))
    squares = picture_data.load_squares(examples, picture_data.questions_of(wanted), settings, job, say)
    parts = picture_data.parts(examples, settings)
    with on_threads(1), ThreadPoolExecutor(max_workers=max(1, settings.threads)) as pool:
        first = pool.submit(run.first, earlier).result() if earlier and settings.earlier_epochs else None
        futures = [
            pool.submit(run.member, squares, parts == part, f"member {part + 1}", settings.seed + 1 + part, first)
            for part in range(settings.members)
        ]
        tested = {split.name: _facts(examples, split.fact) == split.value for split in wanted.splits}
        apart = [
            pool.submit(run.member, squares, out, f"split {number + 1}", settings.seed + 101 + number, first)
            for number, out in enumerate(tested.values())
        ]
        wait_for_all([*futures, *apart], job)
        trained = [future.result() for future in futures]
        lessons = {"first": first} if first else {}
        lessons |= {f"member {number + 1}": one for number, one in enumerate(trained)}
        say("measuring gradients and embeddings")
        numbers = _measured(squares, settings) if settings.gradients else None
        shipped, answers = run.answers(squares, numbers, parts, [one.network for one in trained])
        splits = {
            name: run.split(squares, numbers, examples, out, future.result().network)
            for (name, out), future in zip(tested.items(), apart, strict=True)
        }
        curve = {} if numbers is None else run.learning_curve(squares, numbers, examples, parts, answers.ridge)
    past = sum(epoch.seconds for one in lessons.values() for epoch in one.curve[: one.resumed_at])
    curves = {name: one.curve for name, one in lessons.items()}
    return TrainedPictures(shipped, answers, curves, past / max(1, settings.threads), splits, curve)


def assemble(
    members: Sequence[Member], spoken: Sequence[int], scales: Floats, settings: PictureSettings
) -> PictureEnsemble:
    """The shipped graph. spoken: numbers of the findings it answers; scales: (2, findings), as `MemberAnswers` has."""
    kept = list(spoken)
    factors = torch.from_numpy(scales[:, kept]).float()
    shipped = []
    for one in members:
        ridge = None
        if one.lines:
            weights = np.stack([one.lines[index].weights for index in kept], axis=1)
            bias = np.array([one.lines[index].bias for index in kept])
            ridge = Ridge(torch.from_numpy(weights).float(), torch.from_numpy(bias).float())
        shipped.append(PictureMember(_cut(one.network, kept), ridge, factors, one.mean, one.whitening))
    measures = _measures(settings) if settings.gradients else None
    mask = corner_mask(settings.side, settings.corners) if settings.corners else None
    return PictureEnsemble(shipped, mask, measures).eval()


def _cut(network: SmallNetwork, kept: Sequence[int]) -> SmallNetwork:
    """The same network with those outputs alone."""
    head = nn.Linear(network.head.in_features, len(kept))
    with torch.no_grad():
        head.weight.copy_(network.head.weight[list(kept)])
        head.bias.copy_(network.head.bias[list(kept)])
    network.head = head
    return network


@dataclass(frozen=True, eq=False)
class _Run:
    """What all networks of one run share."""

    wanted: PictureSet
    settings: PictureSettings
    data_sha256: str
    work: Path
    job: Job
    say: Say

    def first(self, earlier: Sequence[Example]) -> Trained:
        """One network on what is learned first, for all members to start from."""
        torch.set_num_threads(1)
        settings, questions = self.settings, self.wanted.earlier_questions
        squares = picture_data.load_squares(earlier, questions, settings, self.job, self.say)
        places = np.array([fold_of(one.group, settings.seed, _WATCHED) for one in earlier])
        learned = np.flatnonzero(places != 0)
        # Of very few people none may be watched; the curve is then drawn by what is learned.
        watched = np.flatnonzero(places == 0) if len(learned) < len(places) else learned
        schedule = self._schedule(settings.earlier_epochs, len(learned), settings.earlier_rate)
        identity = self._identity("first", picture_data.data_hash(earlier), schedule, without=_LATER)
        lesson = picture_lesson(
            "first", identity, squares, learned, watched, len(questions), schedule, settings.seed, settings
        )
        return train(lesson, partial(self._network, len(questions)), self.work / "first.pt", self.job, self.say)

    def member(self, squares: Squares, out: Bools, name: str, seed: int, first: Trained | None) -> Trained:
        """A network that never sees some of the pictures. out: (n), which."""
        torch.set_num_threads(1)
        settings, outputs = self.settings, squares.answers.shape[1]
        learned, held_out = np.flatnonzero(~out), np.flatnonzero(out)
        schedule = self._schedule(settings.epochs, len(learned), settings.rate)
        identity = self._identity(name, schedule, first.curve[-1].training_loss if first else None)
        lesson = picture_lesson(
            name,
            identity,
            squares,
            learned,
            held_out,
            len(self.wanted.findings),
            schedule,
            seed,
            settings,
        )
        build = partial(self._network, outputs, first.network if first else None)
        checkpoint = self.work / f"{name.replace(' ', '-')}.pt"
        return train(lesson, build, checkpoint, self.job, self.say, stop_after=settings.stop_after or None)

    def answers(
        self, squares: Squares, numbers: Floats | None, parts: Indices, networks: Sequence[SmallNetwork]
    ) -> tuple[list[Member], MemberAnswers]:
        """The members as they are put together, and what each says of its own part."""
        said = self._nothing_said(len(parts))
        members = []
        for part, network in enumerate(networks):
            members.append(self._put_together(squares, numbers, parts == part, network, said))
        return members, said

    def _nothing_said(self, count: int) -> MemberAnswers:
        """Of so many pictures, to be written down in."""
        shape = (count, len(self.wanted.findings))
        return MemberAnswers(np.zeros(shape), np.zeros(shape), np.zeros(count), self.settings.network_share)

    def _put_together(
        self, squares: Squares, numbers: Floats | None, out: Bools, network: SmallNetwork, said: MemberAnswers
    ) -> Member:
        """A network and its regressions; writes down what both say of the pictures they never saw."""
        findings, everyone = len(self.wanted.findings), np.arange(len(out))
        logits, embeddings = picture_lessons.answers_to(network, squares.exact, everyone, self.settings)
        mean, whitening = gaussian(embeddings[torch.from_numpy(~out)])
        away = ((embeddings - mean) @ whitening).square().mean(1).sqrt()
        said.network[out] = logits[torch.from_numpy(out), :findings].double().numpy()
        said.distances[out] = away[torch.from_numpy(out)].double().numpy()
        if numbers is None:
            return Member(network, [], mean, whitening)
        lines = regressions(numbers, squares, ~out, findings, self.settings)
        said.ridge[out] = np.stack([line.scores(numbers[out]) for line in lines], axis=1)
        return Member(network, lines, mean, whitening)

    def split(
        self, squares: Squares, numbers: Floats | None, examples: Sequence[Example], out: Bools, network: SmallNetwork
    ) -> Json:
        """AUC of each finding on the pictures tested on, with its interval."""
        said = self._nothing_said(len(out))
        self._put_together(squares, numbers, out, network, said)
        tested = out & picture_data.judged(examples)
        logits = said.logits(said.scales(tested))
        found: dict[str, Json] = {}
        for index, finding in enumerate(self.wanted.findings):
            known = np.flatnonzero(tested & np.isfinite(squares.answers[:, index]))
            labels, scores = squares.answers[known, index] > 0.5, logits[known, index]
            groups = [examples[int(place)].group for place in known]
            area = by_patient(partial(_area, scores, labels), groups)
            found[finding.key] = {"n": len(known), "positive": int(labels.sum()), "auc": interval(area)}
        return found

    def learning_curve(
        self, squares: Squares, numbers: Floats, examples: Sequence[Example], parts: Indices, of_all: Floats
    ) -> Mapping[str, Json]:
        """AUC of the regressions on each part, learned from a share of the other patients. of_all: what they say of
        each part when learned from all of them."""
        findings, counted = self.wanted.findings, picture_data.judged(examples)
        place = np.array([fold_of(one.group, self.settings.seed + 7, 100) for one in examples])
        curve: dict[str, Json] = {}
        for share in _SHARES_LEARNED:
            scores = np.zeros((len(parts), len(findings)))
            try:
                for part in range(self.settings.members):
                    own, learned = parts == part, (parts != part) & (place < share)
                    lines = regressions(numbers, squares, learned, len(findings), self.settings)
                    scores[own] = np.stack([line.scores(numbers[own]) for line in lines], axis=1)
            except ValueError:  # too few patients for this share: none of them has a finding
                continue
            curve[f"{share} %"] = _areas(scores, squares, counted, findings)
        return curve | {"100 %": _areas(of_all, squares, counted, findings)}

    def _network(self, outputs: int, first: SmallNetwork | None = None) -> SmallNetwork:
        """An untrained network, or one that starts from what another has learned."""
        settings = self.settings
        network = SmallNetwork(
            settings.widths, settings.blocks, outputs, settings.dropout, fold=settings.fold, peaks=settings.peaks
        )
        if first is not None:
            network.body.load_state_dict(first.body.state_dict())
        return network

    def _schedule(self, epochs: int, count: int, rate: float) -> Schedule:
        return Schedule(
            epochs=epochs,
            steps=max(1, count // self.settings.batch),
            rate=rate,
            decay=self.settings.decay,
            warm_up=0.1,
            to_the_end=True,
            longest=5.0,
        )

    def _identity(self, *parts: object, without: frozenset[str] = frozenset()) -> str:
        """Changes with data, settings and place in the run; a checkpoint of another identity is not resumed."""
        lasting = {name: value for name, value in asdict(self.settings).items() if name not in _AFTERWARDS | without}
        told = [picture_lessons.EDITION, self.data_sha256, lasting, [str(part) for part in parts], torch.__version__]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def software() -> dict[str, str]:
    """Versions of what trained it."""
    return side_by_side.software()


def _facts(examples: Sequence[Example], fact: str) -> "npt.NDArray[np.object_]":
    return np.array([one.facts.get(fact, "") for one in examples], dtype=object)


def _areas(scores: Floats, squares: Squares, counted: Bools, findings: Sequence[PictureFinding]) -> dict[str, Json]:
    """AUC of each finding over the pictures counted whose answer is known. scores: (n, findings)."""
    found: dict[str, Json] = {}
    for index, finding in enumerate(findings):
        known = counted & np.isfinite(squares.answers[:, index])
        found[finding.key] = round(auc(scores[known, index], squares.answers[known, index] > 0.5), 4)
    return found


def _area(scores: Floats, labels: Bools, index: Indices) -> float:
    return auc(scores[index], labels[index])


def _measures(settings: PictureSettings) -> Measures:
    return Measures(settings.side, settings.surroundings, texture=settings.texture)


@torch.no_grad()
def _measured(squares: Squares, settings: PictureSettings) -> Floats:
    """(n, numbers) of pictures as the clinic prepares them."""
    measures, everyone = _measures(settings), np.arange(len(squares.exact))
    found = torch.cat([measures(seen) for seen in prepared(squares.exact, everyone, settings)])
    return measures.both_sides(found).double().numpy()


def regressions(
    numbers: Floats, squares: Squares, learned: npt.NDArray[np.bool_], findings: int, settings: PictureSettings
) -> list[picture_ridge.Line]:
    """One line for each finding, from the learned pictures whose answer is known."""
    components = picture_ridge.components_of(numbers[learned], settings.components)
    lines = []
    for index in range(findings):
        told = squares.answers[:, index]
        known = learned & np.isfinite(told)
        weights = squares.weights[known].astype(np.float64)
        lines.append(picture_ridge.fit(components, numbers[known], told[known] > 0.5, settings.ridge, weights))
    return lines
