"""Training of the malaria cell model: the members, and one graph of all of them. Needs torch."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from desktop.jobs import Job
from desktop.learning import cell_data, cell_lessons
from desktop.learning.cell_settings import Settings
from desktop.learning.cells import Cell
from desktop.learning.export import export
from desktop.learning.films import fold_of
from desktop.learning.network import SmallNetwork, distance, gaussian
from desktop.learning.side_by_side import Say, earlier_seconds, in_turn, on_threads, side_by_side
from desktop.learning.training import Epoch, Schedule, Trained, train

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Raised when the code of the lessons changes what is learned.
_LESSONS = 1
# Settings that only matter once the networks have learned.
_AFTERWARDS = frozenset({"threads", "alphas", "distance_loss", "stop_after"})
# Every so many of the cells learned from tell well enough what usual cells are like, and of those held out what a
# network's logits mean.
_DISTANCE_STEP, _CALIBRATION_STEP = 16, 3
OUTPUTS = ("logits", "activation", "embedding", "distance", "member_logits")


@dataclass(frozen=True, eq=False)
class MemberAnswers:
    """What the first member says of cells of the part it never saw. cells: their indices (n); the rest (2, n): in
    colour, in grey."""

    cells: Indices
    logits: Floats
    distances: Floats


@dataclass(frozen=True, eq=False)
class TrainedCells:
    """Everything a manifest and a record need from one run. earlier_seconds: epochs done before this run resumed."""

    answers: MemberAnswers
    curves: dict[str, tuple[Epoch, ...]]
    earlier_seconds: float


class AllWays(nn.Module):
    """The members as they are shipped, in one graph, each looking at a cell in all eight ways it may lie.

    image (n, 3, side, side) → logits (n, 1), the mean of the members; activation (n, 1, rows, columns), their mean
    class-activation map in logits, as the cell lies; embedding (n, members × width); distance (n, 1), their mean
    Mahalanobis distance from the training cells; member_logits (n, members). A cell has no left and right, so that
    turning or mirroring it changes nothing but the map, which turns with it.
    """

    def __init__(self, members: list[SmallNetwork], means: Tensor, whitenings: Tensor) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("means", means)
        self.register_buffer("whitenings", whitenings)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        means, whitenings = self.get_buffer("means"), self.get_buffer("whitenings")
        logits, maps, embeddings, distances = [], [], [], []
        for index, member in enumerate(self.members):
            assert isinstance(member, SmallNetwork)
            logit, heat, embedding = all_ways(member, image)
            logits.append(logit)
            maps.append(heat)
            embeddings.append(embedding)
            distances.append(distance(embedding, means[index], whitenings[index]))
        together = torch.cat(logits, 1)
        return (
            together.mean(1, keepdim=True),
            sum(maps[1:], maps[0]) / len(maps),
            torch.cat(embeddings, 1),
            sum(distances[1:], distances[0]) / len(distances),
            together,
        )


def _ways(maps: Tensor) -> list[Tensor]:
    """(n, c, side, side) in all eight ways it may lie."""
    both = (maps, maps.transpose(2, 3))
    return [way for one in both for way in (one, one.flip(2), one.flip(3), one.flip(2, 3))]


def _back(ways: Sequence[Tensor]) -> list[Tensor]:
    """What `_ways` did, undone."""
    upright = [undone for one in (ways[:4], ways[4:]) for undone in _unflipped(one)]
    return [*upright[:4], *(way.transpose(2, 3) for way in upright[4:])]


def _unflipped(four: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return four[0], four[1].flip(2), four[2].flip(3), four[3].flip(2, 3)


def all_ways(network: SmallNetwork, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean logit (n, 1), map (n, 1, rows, columns) and embedding (n, width) over the eight ways a cell may lie."""
    # All ways at once: the graph holds the network once, not eight times.
    logits, maps, embeddings = network(torch.cat(_ways(image)))
    heats = network.activations(maps)
    upright = torch.stack(_back(heats.view(8, -1, *heats.shape[1:]).unbind(0)))
    return (
        logits.view(8, -1, *logits.shape[1:]).mean(0),
        upright.mean(0),
        embeddings.view(8, -1, *embeddings.shape[1:]).mean(0),
    )


def identity(data_sha256: str, settings: Settings, *parts: object) -> str:
    """Changes with data, settings and place in the run; a checkpoint of another identity is not resumed."""
    lasting = {name: value for name, value in asdict(settings).items() if name not in _AFTERWARDS}
    text = json.dumps([_LESSONS, data_sha256, lasting, [str(part) for part in parts], torch.__version__])
    return hashlib.sha256(text.encode()).hexdigest()


def parts_of(cells: Sequence[Cell], settings: Settings) -> Indices:
    """The part each cell's patient belongs to: member k never sees part k."""
    return np.array([fold_of(cell.patient, settings.seed, settings.parts) for cell in cells], dtype=np.int64)


def build(settings: Settings) -> SmallNetwork:
    """An untrained member."""
    return SmallNetwork(
        settings.widths, settings.blocks, 1, settings.dropout, channels=3, fold=settings.fold, peaks=True
    )


def train_all(
    cells: Sequence[Cell], data_sha256: str, settings: Settings, work: Path, job: Job, say: Say
) -> TrainedCells:
    """The members; the graph `model.onnx` lies in `work` afterwards."""
    squares = cell_data.load_squares(cells, settings, job, say)
    parts = parts_of(cells, settings)
    run = Run(squares, parts, data_sha256, settings, work, job, in_turn(say))
    members = side_by_side([partial(run.member, part) for part in range(settings.members)], settings.threads, job)
    say("asking the first member about patients it never saw")
    with on_threads(1):
        shipped, answers = run.assemble([member.network for member in members])
    export(shipped, (3, settings.side, settings.side), OUTPUTS, work / "model.onnx")
    past = earlier_seconds(members, settings.threads)
    curves = {f"member {part + 1}": member.curve for part, member in enumerate(members)}
    return TrainedCells(answers, curves, past)


@dataclass(frozen=True, eq=False)
class Run:
    """What all networks of one run share."""

    squares: cell_data.CellSquares
    parts: Indices
    data_sha256: str
    settings: Settings
    work: Path
    job: Job
    say: Say

    def member(self, part: int) -> Trained:
        """The member that never sees one part."""
        return self.taught(f"member {part + 1}", np.flatnonzero(self.parts != part), part, f"member{part}.pt")

    def taught(self, name: str, learn: Indices, part: int, checkpoint: str) -> Trained:
        """A network that never sees one part, and of the others only what it is to learn from. It learns to the end of
        its schedule: that part chooses nothing."""
        settings, held = self.settings, np.flatnonzero(self.parts == part)
        schedule = Schedule(
            settings.epochs,
            max(1, len(learn) // settings.batch),
            rate=settings.rate,
            decay=settings.decay,
            patience=settings.epochs,
            to_the_end=True,
        )
        lesson = cell_lessons.cell_lesson(
            name,
            identity(self.data_sha256, settings, name, schedule),
            self.squares,
            learn,
            held,
            schedule,
            settings.seed + part,
            settings.preparation,
            batch=settings.batch,
        )
        return train(
            lesson,
            lambda: build(settings),
            self.work / checkpoint,
            self.job,
            self.say,
            stop_after=settings.stop_after,
        )

    @torch.no_grad()
    def assemble(self, members: list[SmallNetwork]) -> tuple[AllWays, MemberAnswers]:
        """The shipped graph, and what the first member says of the cells it never saw."""
        means, whitenings = [], []
        for part, member in enumerate(members):
            self.job.check()
            some = np.flatnonzero(self.parts != part)[::_DISTANCE_STEP]
            mean, whitening = gaussian(torch.cat([self._looked(member, kind, some)[:, 1:] for kind in self._kinds()]))
            means.append(mean)
            whitenings.append(whitening)
        own = np.flatnonzero(self.parts == 0)[::_CALIBRATION_STEP]
        logits, away = [], []
        for pictures in self._kinds():
            self.job.check()
            found = self._looked(members[0], pictures, own)
            logits.append(found[:, 0])
            away.append(distance(found[:, 1:], means[0], whitenings[0])[:, 0])
        answers = MemberAnswers(own, torch.stack(logits).double().numpy(), torch.stack(away).double().numpy())
        return AllWays(members, torch.stack(means), torch.stack(whitenings)), answers

    def _kinds(self) -> tuple[cell_data.Bytes, cell_data.Bytes]:
        return self.squares.colour, self.squares.grey

    def _looked(self, member: SmallNetwork, pictures: cell_data.Bytes, chosen: Indices) -> Tensor:
        """Logit and embedding of each cell, looked at in all eight ways: (n, 1 + width)."""

        def ask(image: Tensor) -> Tensor:
            logit, _, embedding = all_ways(member, image)
            return torch.cat([logit, embedding], 1)

        return cell_lessons.answers_of(ask, pictures, chosen, self.settings.preparation)
