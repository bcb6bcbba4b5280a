"""Training of the child pneumonia model: the gate, the members, and one graph of each. Needs torch."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from desktop.jobs import Job
from desktop.learning import child_data, child_hint, child_lessons, child_lines, child_manifest
from desktop.learning.augmentation import standardise
from desktop.learning.child_graph import MEASURED
from desktop.learning.child_hint import Hint
from desktop.learning.child_settings import Settings
from desktop.learning.export import export
from desktop.learning.films import DataFolder, Film, fold_of
from desktop.learning.network import Ensemble, Gate, SmallNetwork, gaussian
from desktop.learning.picture_network import measured
from desktop.learning.side_by_side import Say, in_turn, on_threads, wait_for_all
from desktop.learning.training import Epoch, Schedule, Trained, generator, train

Indices = npt.NDArray[np.int64]

# Raised when the code of the lessons changes what is learned.
_LESSONS = 3
# Settings that only matter once the networks have learned.
_AFTERWARDS = frozenset(
    {
        "threads",
        "alpha",
        "gate_loss",
        "distance_loss",
        "line_components",
        "line_ridge",
        "hint_components",
        "hint_ridge",
        "hint_alpha",
    }
)
LARGE_SIDE = 160
GATE_LARGE_SIDE = 120


@dataclass(frozen=True, eq=False)
class MemberAnswers:
    """What each film's own held-out member says of it: logits (n), of the network alone until its line is put beside
    it; distances (n)."""

    logits: npt.NDArray[np.float64]
    distances: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """Everything a manifest and a record need from one run. hint: None where the films do not tell what
    caused a pneumonia. earlier_seconds: epochs done before this run resumed."""

    answers: MemberAnswers
    gate_pass_at: float
    gate_distance_limit: float
    hint: Hint | None
    curves: dict[str, tuple[Epoch, ...]]
    earlier_seconds: float


def identity(data_sha256: str, settings: Settings, *parts: object) -> str:
    """Changes with data, settings and place in the run; a checkpoint of another identity is not resumed."""
    lasting = {name: value for name, value in asdict(settings).items() if name not in _AFTERWARDS}
    text = json.dumps([_LESSONS, data_sha256, lasting, [str(part) for part in parts], torch.__version__])
    return hashlib.sha256(text.encode()).hexdigest()


def build_film_network(settings: Settings) -> SmallNetwork:
    """An untrained member."""
    return SmallNetwork(settings.widths, settings.blocks, 1, settings.dropout)


def build_gate_network(settings: Settings) -> SmallNetwork:
    """An untrained gate."""
    return SmallNetwork(settings.gate_widths, settings.gate_blocks, len(child_lessons.GATE_CLASSES), 0.1)


def folds(films: Sequence[Film], settings: Settings) -> Indices:
    """The part each film's patient belongs to: member k never sees part k."""
    return np.array([fold_of(film.group, settings.seed, settings.members) for film in films], dtype=np.int64)


def train_member(
    name: str,
    squares: child_lessons.Squares,
    training: Indices,
    validation: Indices,
    settings: Settings,
    data_sha256: str,
    checkpoint: Path | None,
    job: Job,
    say: Say,
    *,
    epochs: int | None = None,
    change: Callable[[Tensor], Tensor] | None = None,
) -> Trained:
    """One member on `training`, stopped by `validation` (indices of films)."""
    schedule = Schedule(epochs=epochs or settings.epochs, steps=max(1, len(training) // settings.batch))
    mark = identity(data_sha256, settings, name, schedule)
    lesson = child_lessons.film_lesson(
        name,
        mark,
        squares,
        training,
        validation,
        schedule,
        settings.seed + _number(name),
        batch=settings.batch,
        change=change,
    )
    return train(lesson, lambda: build_film_network(settings), checkpoint, job, say)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big")


def train_all(
    folder: DataFolder, films: Sequence[Film], data_sha256: str, settings: Settings, work: Path, job: Job, say: Say
) -> TrainedModel:
    """Gate and members; the graphs `quality.onnx` and `model.onnx` lie in `work` afterwards."""
    run = _Run(folder, films, data_sha256, settings, work, job, in_turn(say))
    squares, children = run.read_children()
    lessons: dict[str, Trained] = {}
    with on_threads(1), ThreadPoolExecutor(max_workers=max(1, settings.threads)) as pool:
        parts = folds(films, settings)
        gate_work = pool.submit(run.gate, children)
        work_by_name = {
            f"member {part + 1}": pool.submit(run.member, f"member {part + 1}", squares, parts, part)
            for part in range(settings.members)
        }
        wait_for_all([gate_work, *work_by_name.values()], job)
        trained_gate, gate = gate_work.result()
        lessons["quality gate"] = trained_gate
        lessons.update({name: future.result() for name, future in work_by_name.items()})
    export(gate.network, (1, settings.gate_side, settings.gate_side), ("logits", "distance"), work / "quality.onnx")
    members = [lessons[name].network for name in work_by_name]
    ensemble, answers = assemble(members, squares, parts)
    names = ("logits", "activation", "embedding", "distance", "member_logits", MEASURED)
    path = work / "model.onnx"
    export(ensemble, (1, settings.side, settings.side), names, path)
    preparation = child_manifest.preparation(settings)
    beside = child_lines.add(path.read_bytes(), films, answers.logits, preparation, settings, job, say)
    hint = child_hint.add(beside.graph, films, preparation, settings, job, say)
    path.write_bytes(beside.graph if hint is None else hint.graph)
    answers = replace(answers, logits=beside.logits)
    earlier = sum(epoch.seconds for item in lessons.values() for epoch in item.curve[: item.resumed_at])
    curves = {name: item.curve for name, item in lessons.items()}
    return TrainedModel(answers, gate.pass_at, gate.distance_limit, hint, curves, earlier / max(1, settings.threads))


@dataclass(frozen=True, eq=False)
class GateLimits:
    """The gate's graph with its two limits: least probability of a good film, largest distance from the good ones."""

    network: Gate
    pass_at: float
    distance_limit: float


@dataclass(frozen=True, eq=False)
class _Run:
    """What all networks of one run share."""

    folder: DataFolder
    films: Sequence[Film]
    data_sha256: str
    settings: Settings
    work: Path
    job: Job
    say: Say

    def read_children(self) -> tuple[child_lessons.Squares, tuple[child_data.Bytes, child_data.Bytes]]:
        """The children's films for the members, and for the gate (large, exact)."""
        sides = (LARGE_SIDE, self.settings.side, GATE_LARGE_SIDE, self.settings.gate_side)
        large, exact, gate_large, gate_exact = child_data.load_squares(self.films, sides, self.job, self.say)
        labels = np.array([film.pneumonia for film in self.films])
        return child_lessons.Squares(large, exact, labels), (gate_large, gate_exact)

    def member(self, name: str, squares: child_lessons.Squares, parts: Indices, part: int) -> Trained:
        """The member that never sees one part."""
        torch.set_num_threads(1)
        learn, test = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        checkpoint = self.work / f"member{part}.pt"
        return train_member(name, squares, learn, test, self.settings, self.data_sha256, checkpoint, self.job, self.say)

    def gate(self, children: tuple[child_data.Bytes, child_data.Bytes]) -> tuple[Trained, GateLimits]:
        """Train the gate and choose its limits on good films of children it did not see."""
        torch.set_num_threads(1)
        settings, seed = self.settings, self.settings.seed
        adults = child_data.load_adults(self.folder, GATE_LARGE_SIDE, self.job)
        others = child_data.load_others(self.folder, child_data.LEARNED_KINDS, GATE_LARGE_SIDE, seed, self.job)
        self.say(f"read {len(others.kinds)} pictures that are no chest film")
        drawn = child_data.draw_others(GATE_LARGE_SIDE, seed, self.job)
        held = _held([film.group for film in self.films], seed)
        held_adults, held_others = _held(adults.groups, seed), _held(others.groups, seed)
        learned = _gate_squares(children[0], ~held, adults, ~held_adults, others, ~held_others, drawn[::2])
        checked = _gate_squares(children[0], held, adults, held_adults, others, held_others, drawn[1::2])
        schedule = Schedule(settings.gate_epochs, settings.gate_steps, warm_up=0.15, average=0.995, patience=4)
        lesson = child_lessons.gate_lesson(
            identity(self.data_sha256, settings, "gate", schedule, others.groups, adults.groups),
            learned,
            _gate_validation(checked, settings),
            settings.gate_side,
            schedule,
            seed,
        )
        build = partial(build_gate_network, settings)
        trained = train(lesson, build, self.work / "gate.pt", self.job, self.say)
        grown = np.empty((len(adults.squares), settings.gate_side, settings.gate_side), np.uint8)
        for index, square in enumerate(adults.squares):
            grown[index] = child_data.to_square(_grey(square), settings.gate_side)
        good = (children[1][~held], children[1][held], grown[~held_adults], grown[held_adults])
        return trained, _gate_limits(trained.network, *good, settings)


def _held(groups: Sequence[str], seed: int) -> npt.NDArray[np.bool_]:
    """Whether each patient or file is kept from the gate, one in five."""
    return np.array([fold_of(group, seed + 1, 5) == 0 for group in groups], dtype=bool)


def _grey(square: child_data.Bytes) -> npt.NDArray[np.float32]:
    return square.astype(np.float32) / np.float32(255)


def _gate_limits(
    network: SmallNetwork,
    learned: child_data.Bytes,
    held: child_data.Bytes,
    learned_adults: child_data.Bytes,
    held_adults: child_data.Bytes,
    settings: Settings,
) -> GateLimits:
    """Limits that cost few good films: of children by their rarest, of adults (other machines) by one in a hundred."""
    good = np.concatenate([learned, learned_adults])
    mean, whitening = gaussian(child_lessons.embeddings(network, good, np.arange(len(good))))
    gate = Gate(network, mean, whitening).eval()
    shares, away = _gate_answers(gate, held)
    pass_at = float(np.clip(np.quantile(shares, settings.gate_loss), 0.2, 0.6))
    # The largest distances of a few hundred films are only roughly known: leave a margin.
    limit = 1.1 * float(np.quantile(away, 1 - settings.gate_loss))
    if len(held_adults):
        limit = max(limit, float(np.quantile(_gate_answers(gate, held_adults)[1], 0.99)))
    return GateLimits(gate, round(pass_at, 4), round(limit, 4))


@torch.no_grad()
def _gate_answers(gate: Gate, exact: child_data.Bytes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Probability of a good film (n) and distance (n)."""
    parts = [gate(standardise(part, child_lessons.EPSILON)) for part in _split(exact)]
    good = torch.cat([part[0] for part in parts]).softmax(1)[:, 0]
    return good.double().numpy(), torch.cat([part[1] for part in parts])[:, 0].double().numpy()


class MeasuringEnsemble(Ensemble):
    """An `Ensemble` that also gives what is measured on the image, (n, numbers), for the lines beside its members."""

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return *super().forward(image), measured(image)


def assemble(
    members: list[SmallNetwork], squares: child_lessons.Squares, parts: Indices
) -> tuple[MeasuringEnsemble, MemberAnswers]:
    """The shipped graph without its lines, and what each member says of the films it never saw."""
    everyone = np.arange(len(parts))
    logits, distances = np.zeros(len(parts)), np.zeros(len(parts))
    means, whitenings = [], []
    for part, member in enumerate(members):
        member.eval()
        vectors = child_lessons.embeddings(member, squares.exact, everyone)
        mean, whitening = gaussian(vectors[torch.from_numpy(parts != part)])
        means.append(mean)
        whitenings.append(whitening)
        own = np.flatnonzero(parts == part)
        logits[own] = child_lessons.film_logits(member, squares.exact, own).double().numpy()
        away = ((vectors[torch.from_numpy(own)] - mean) @ whitening).square().mean(1).sqrt()
        distances[own] = away.double().numpy()
    ensemble = MeasuringEnsemble(members, torch.stack(means), torch.stack(whitenings))
    return ensemble, MemberAnswers(logits, distances)


def _split(exact: child_data.Bytes) -> tuple[Tensor, ...]:
    return torch.split(child_lessons.unit(exact, np.arange(len(exact))), 128)


def _gate_squares(
    children: child_data.Bytes,
    chosen: npt.NDArray[np.bool_],
    adults: child_data.GateFilms,
    chosen_adults: npt.NDArray[np.bool_],
    others: child_data.GateFilms,
    chosen_others: npt.NDArray[np.bool_],
    drawn: child_data.Bytes,
) -> child_lessons.GateSquares:
    adult_kinds = [kind for kind, taken in zip(adults.kinds, chosen_adults, strict=True) if taken]
    other_kinds = [kind for kind, taken in zip(others.kinds, chosen_others, strict=True) if taken]
    adult_weights = [child_data.adult_weight(kind) for kind in adult_kinds]
    # Between one share per kind and one per picture: no kind may drown, none may be learned by heart.
    other_weights = [1.0 / other_kinds.count(kind) ** 0.5 for kind in other_kinds]
    return child_lessons.GateSquares(
        np.concatenate([children[chosen], adults.squares[chosen_adults]]),
        np.concatenate([np.ones(int(chosen.sum())), np.array(adult_weights)]),
        others.squares[chosen_others],
        np.array(other_weights),
        drawn,
    )


def _gate_validation(squares: child_lessons.GateSquares, settings: Settings) -> tuple[Tensor, Tensor]:
    random = generator(settings.seed, 12345)
    batches = [child_lessons.gate_batch(squares, settings.gate_side, 64, random) for _ in range(16)]
    return torch.cat([batch[0] for batch in batches]), torch.cat([batch[1] for batch in batches])
