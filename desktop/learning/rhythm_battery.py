"""Strips and half hours of one lead made worse on purpose, and what that costs where a rhythm and beats are told.

Of strips those are counted whose rhythm somebody could tell: of each rhythm the share that is told right, the most
probable one being what is told. Of beats it is how many are missed and how many are wrongly called so, each as a share
of those there are. What is called too noisy instead, or not decided because contact was lost, counts as refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.inference.rhythm_beats import beat_inputs
from desktop.inference.rhythm_features import bands_of, features, interval_curve
from desktop.inference.rhythm_lead import RATE, SILENT, ready_lead, silent_share
from desktop.inference.rhythm_reading import kinds_of
from desktop.jobs import Job
from desktop.learning.records import Json
from desktop.learning.rhythm_data import BEATS, RHYTHMS, WITHIN, BeatRecord, StripRecords, matched
from desktop.learning.rhythm_judging import (
    Graphs,
    judge_beats,
    judge_strips,
    record_probabilities,
    rhythm_of_half_hour,
    shares_of_half_hour,
    stated_calibration,
    tally,
)
from desktop.learning.robustness import Fared, Scored, by_kind, losses
from desktop.learning.trace_changes import TREMOR_HERTZ, noisy, swinging

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Worsen = Callable[[Floats, float, np.random.Generator], Floats]
"""A wave in mV, and its samples a second."""

_OF_EACH = 60
"""Strips of each rhythm."""
_TOLD = len(RHYTHMS) - 1
"""The last of RHYTHMS is that none can be told."""
_MINUTES = 10
"""Of every half hour."""
_BEATS = {2: "ventricular", 1: "supraventricular"}
_SEED = 5


def _noise(wave: Floats, _rate: float, random: np.random.Generator) -> Floats:
    return noisy(wave, 0.1, random)


def _wave_of(height: float, hertz: float) -> Worsen:
    """With a sine of that height (mV) on top, from anywhere."""

    def worsen(wave: Floats, rate: float, random: np.random.Generator) -> Floats:
        return swinging(wave, rate, height, hertz, random)

    return worsen


def _coarse(wave: Floats, _rate: float, _random: np.random.Generator) -> Floats:
    return np.asarray(np.round(wave / 0.1) * 0.1)


def _clipped(wave: Floats, _rate: float, _random: np.random.Generator) -> Floats:
    middle = float(np.median(wave))
    most = 0.5 * float(np.percentile(np.abs(wave - middle), 99.5))
    return np.clip(wave, middle - most, middle + most)


def _no_contact(wave: Floats, rate: float, random: np.random.Generator) -> Floats:
    """Flat for five seconds somewhere, or for half of what is shorter than ten."""
    size = min(round(5 * rate), len(wave) // 2)
    begin = int(random.integers(0, len(wave) - size + 1))
    gap = wave.copy()
    gap[begin : begin + size] = wave[begin]
    return gap


CHANGES: Mapping[str, Worsen | None] = {
    "as recorded": None,
    "white noise, 0.1 mV": _noise,
    "slow wander, 0.5 mV at 0.3 Hz": _wave_of(0.5, 0.3),
    "tremor or hum, 0.1 mV at 35 Hz": _wave_of(0.1, TREMOR_HERTZ),
    "low gain, steps of 0.1 mV": _coarse,
    "clipped at half the height": _clipped,
    "no contact for five seconds": _no_contact,
}


def battery(
    folder: Path,
    strips: StripRecords,
    parts: Ints,
    members: Sequence[int],
    graphs: Graphs,
    manifest: Mapping[str, Any],
    job: Job,
) -> list[Json]:
    """What is lost, see `robustness`, of some strips by members that never saw them. folder: of the traces. parts: of
    each strip."""
    chosen = _chosen(strips, np.isin(parts, members))
    waves = read_waves(folder, [strips.names[index] for index in chosen])
    true, names = strips.rhythms[chosen], [strips.names[index] for index in chosen]
    temperature, offsets, _ = stated_calibration(manifest)
    fared = []
    for name, worsen in CHANGES.items():
        random = np.random.default_rng(_SEED)
        worse = waves if worsen is None else [worsen(wave, RATE, random) for wave in waves]
        judged = judge_strips(records_of(worse, true, names, job), parts[chosen], members, graphs, job)
        said = record_probabilities(judged, temperature, offsets).argmax(axis=1)
        silent = np.array([silent_share(wave, RATE) > SILENT for wave in worse])
        fared.append(Fared(name, {"rhythm": by_kind(said == true, true, _TOLD)}, (said >= _TOLD) | silent))
    return losses(fared, names)


def beat_battery(
    folder: Path,
    records: Sequence[BeatRecord],
    parts: Mapping[str, int],
    graphs: Graphs,
    manifest: Mapping[str, Any],
    job: Job,
) -> list[Json]:
    """The same of the first minutes of MIT-BIH's half hours. parts: the member that left each patient out."""
    waves = [read_half_hour(folder, record)[: round(_MINUTES * 60 * record.lead.rate)] for record in records]
    temperature, offsets, limits = stated_calibration(manifest)
    fared = []
    for name, worsen in CHANGES.items():
        random = np.random.default_rng(_SEED)
        worse = []
        for record, wave in zip(records, waves, strict=True):
            job.check()
            rate = record.lead.rate
            worse.append(with_wave(record, wave if worsen is None else worsen(wave, rate, random)))
        judged = judge_beats(worse, parts, graphs, job)
        rhythms = [rhythm_of_half_hour(one, temperature, offsets).probabilities for one in judged]
        kinds = [kinds_of(shares_of_half_hour(one, temperature, offsets), limits) for one in judged]
        scores = {f"{word} beats": _tallied(worse, kinds, kind) for kind, word in _BEATS.items()}
        fared.append(Fared(name, scores, np.array([one.argmax() >= _TOLD for one in rhythms])))
    return losses(fared, [record.name for record in records])


def _tallied(records: Sequence[BeatRecord], said: Sequence[Ints], kind: int) -> Scored:
    tallies = [tally(record, kinds, kind) for record, kinds in zip(records, said, strict=True)]
    there = np.array([[one.hits + one.missed] * 2 for one in tallies], dtype=np.float64)
    return Scored(np.array([(one.hits, one.fused - one.wrong) for one in tallies], dtype=np.float64), there)


def with_wave(record: BeatRecord, wave: Floats) -> BeatRecord:
    """A half hour, or its beginning, with another wave: its beats found anew. Nothing may learn from it."""
    rate = record.lead.rate
    lead, there = ready_lead(wave, rate), record.marked < len(wave)
    marked, kinds = record.marked[there], record.kinds[there]
    classes, unclassified = np.full(len(lead.beats), -1), np.zeros(len(lead.beats), dtype=bool)
    for mark, place in matched(marked, lead.beats, WITHIN * rate):
        classes[place] = BEATS.index(kinds[mark]) if kinds[mark] in BEATS else -1
        unclassified[place] = kinds[mark] not in BEATS
    return replace(
        record,
        lead=lead,
        inputs=beat_inputs(lead),
        classes=classes,
        unclassified=unclassified,
        taught=np.zeros(len(lead.beats), dtype=bool),
        marked=marked,
        kinds=kinds,
    )


def read_half_hour(folder: Path, record: BeatRecord) -> Floats:
    """The wave of a record of MIT-BIH in mV."""
    with np.load(folder / "mitbih" / f"{record.name}.npz") as held:
        return np.asarray((held["sig"].astype(np.float64) - float(held["adc_zero"])) / float(held["adc_gain"]))


def _chosen(strips: StripRecords, judged: npt.NDArray[np.bool_]) -> Ints:
    """Some strips of each rhythm, the same every time."""
    order = np.random.default_rng(_SEED).permutation(np.flatnonzero(judged))
    return np.concatenate([order[strips.rhythms[order] == kind][:_OF_EACH] for kind in range(_TOLD)])


def read_waves(folder: Path, names: Sequence[str]) -> list[Floats]:
    """CinC's records by name, in mV at RATE."""
    wanted, found = set(names), dict[str, Floats]()
    for path in sorted((folder / "cinc2017_100hz").glob("part*.npz")):
        with np.load(path) as part:
            signal, starts = np.cumsum(part["delta"].astype(np.int64)), part["offset"]
            for number, name in enumerate(map(str, part["record"])):
                if name in wanted:
                    found[name] = signal[starts[number] : starts[number + 1]] / 1000.0
    return [found[name] for name in names]


def records_of(waves: Sequence[Floats], rhythms: Ints, names: Sequence[str], job: Job) -> StripRecords:
    """Waves in mV at RATE made ready as the clinic makes them."""
    ready, curves, counted = [], [], []
    for signal in waves:
        job.check()
        lead = ready_lead(signal, RATE)
        wave = lead.resampled()
        ready.append(wave.astype(np.float16))
        curves.append(interval_curve(lead, len(wave)).astype(np.float16))
        counted.append(features(lead, bands_of(lead), 0.0, lead.seconds))
    begins = np.concatenate([[0], np.cumsum([len(wave) for wave in ready])])
    return StripRecords(np.concatenate(ready), np.concatenate(curves), begins, np.array(counted), rhythms, tuple(names))
