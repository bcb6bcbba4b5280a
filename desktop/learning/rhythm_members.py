"""All networks of ecg-rhythm, and the two graphs made of them. Needs torch."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from desktop.errors import KnownFailure
from desktop.inference.rhythm_lead import AFTER, BEFORE
from desktop.inference.rhythm_strips import SAMPLES
from desktop.jobs import Job
from desktop.learning.export import export
from desktop.learning.one_row import one_row_high
from desktop.learning.records import settings_of, training_document
from desktop.learning.rhythm_beat_training import BeatsToLearn, train_beat_member
from desktop.learning.rhythm_data import BeatRecord, StripRecords
from desktop.learning.rhythm_export import BEAT_GRAPH, MODEL
from desktop.learning.rhythm_network import Together
from desktop.learning.rhythm_settings import RhythmSettings
from desktop.learning.rhythm_training import train_member
from desktop.learning.rhythm_turned import turned_copies
from desktop.learning.side_by_side import in_turn, side_by_side
from desktop.learning.training import Epoch

_OUTPUTS = ("logits", "member_logits")


@dataclass(frozen=True, eq=False)
class LearnedStrips:
    """The networks for strips of an earlier run: the graph's bytes, their training curves by name, and how many learned
    at a time."""

    graph: bytes
    curves: Mapping[str, tuple[Epoch, ...]]
    threads: int

    @property
    def seconds(self) -> float:
        """How long they learned."""
        each = [sum(epoch.seconds for epoch in curve) for curve in self.curves.values()]
        return sum(each) / max(1, min(self.threads, len(each)))


def learned_strips(model_folder: Path, settings: RhythmSettings, data_sha256: str) -> LearnedStrips | None:
    """Those that a finished model holds, where learning them again would give the same: from the same data with the
    same settings by the same PyTorch. None otherwise."""
    try:
        training = training_document(model_folder)
        graph = (model_folder / MODEL).read_bytes()
        earlier = settings_of(RhythmSettings, training["settings"])
        same = (
            training["data_sha256"] == data_sha256
            and earlier.of_strips() == settings.of_strips()
            and training["software"]["torch"] == torch.__version__
            and training["sha256"] == hashlib.sha256(graph).hexdigest()
        )
        names = [_strips(part) for part in settings.members]
        curves = {name: tuple(Epoch(**epoch) for epoch in training["curves"][name]) for name in names}
        threads = int(training["threads"])
    except (KnownFailure, OSError, KeyError, TypeError):
        return None
    return LearnedStrips(graph, curves, threads) if same else None


def train_all(
    strips: StripRecords,
    beats: Sequence[BeatRecord],
    settings: RhythmSettings,
    data_sha256: str,
    work: Path,
    job: Job,
    say: Callable[[str], None],
    *,
    learned: LearnedStrips | None = None,
) -> dict[str, tuple[Epoch, ...]]:
    """Every member, going on after the last whole epoch where a run was cut off; the graphs lie in `work` afterwards.
    learned: the networks for strips, where they need not be learned again. The training curves by name."""
    say = in_turn(say)
    if learned is not None:
        say("the networks for strips have learned from this before: taken over")
        (work / MODEL).write_bytes(learned.graph)
        curves = dict(learned.curves)
    else:
        curves = _train_strips(strips, settings, data_sha256, work, job, say)
    say("giving beats another form")
    lessons = BeatsToLearn(beats, turned_copies(beats, settings.turned, settings.seed))
    taught = side_by_side(
        [
            partial(train_beat_member, lessons, part, settings, data_sha256, work, job, say)
            for part in range(settings.beat_members)
        ],
        settings.threads,
        job,
    )
    curves |= {f"beats {part + 1}": one.curve for part, one in enumerate(taught)}
    _export(Together([one.network for one in taught]), BEFORE + AFTER, work / BEAT_GRAPH)
    return curves


def _train_strips(
    strips: StripRecords,
    settings: RhythmSettings,
    data_sha256: str,
    work: Path,
    job: Job,
    say: Callable[[str], None],
) -> dict[str, tuple[Epoch, ...]]:
    taught = side_by_side(
        [partial(train_member, strips, part, settings, data_sha256, work, job, say) for part in settings.members],
        settings.threads,
        job,
    )
    _export(Together([one.network for one in taught]), SAMPLES, work / MODEL)
    return {_strips(part): one.curve for part, one in zip(settings.members, taught, strict=True)}


def _export(members: Together, samples: int, path: Path) -> None:
    export(members, (3, samples), _OUTPUTS, path)
    path.write_bytes(one_row_high(path.read_bytes()))


def _strips(part: int) -> str:
    return f"strips {part + 1}"
