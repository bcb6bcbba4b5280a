"""All networks of ecg-rhythm, and the two graphs made of them. Needs torch."""

from collections.abc import Callable, Sequence
from pathlib import Path

from desktop.inference.rhythm_lead import AFTER, BEFORE
from desktop.inference.rhythm_strips import SAMPLES
from desktop.jobs import Job
from desktop.learning.export import export
from desktop.learning.rhythm_beat_training import train_beat_member
from desktop.learning.rhythm_data import BeatRecord, StripRecords
from desktop.learning.rhythm_export import BEAT_GRAPH, MODEL
from desktop.learning.rhythm_network import BeatNetwork, StripNetwork, Together
from desktop.learning.rhythm_settings import RhythmSettings
from desktop.learning.rhythm_training import train_member
from desktop.learning.side_by_side import one_thread_each
from desktop.learning.training import Epoch

_OUTPUTS = ("logits", "member_logits")


def train_all(
    strips: StripRecords,
    beats: Sequence[BeatRecord],
    settings: RhythmSettings,
    data_sha256: str,
    work: Path,
    job: Job,
    say: Callable[[str], None],
) -> dict[str, tuple[Epoch, ...]]:
    """Every member, going on after the last whole epoch where a run was cut off; the graphs lie in `work` afterwards.
    The training curves by name."""
    curves: dict[str, tuple[Epoch, ...]] = {}
    of_strips: list[StripNetwork] = []
    of_beats: list[BeatNetwork] = []
    with one_thread_each():
        for part in settings.members:
            trained = train_member(strips, part, settings, data_sha256, work, job, say)
            curves[f"strips {part + 1}"] = trained.curve
            of_strips.append(trained.network)
        for part in range(settings.beat_members):
            taught = train_beat_member(beats, part, settings, data_sha256, work, job, say)
            curves[f"beats {part + 1}"] = taught.curve
            of_beats.append(taught.network)
        write_graphs(of_strips, of_beats, work)
    return curves


def write_graphs(strips: list[StripNetwork], beats: list[BeatNetwork], folder: Path) -> None:
    """model.onnx and beats.onnx."""
    export(Together(strips), (3, SAMPLES), _OUTPUTS, folder / MODEL)
    export(Together(beats), (3, BEFORE + AFTER), _OUTPUTS, folder / BEAT_GRAPH)
