"""The figures of ecg-rhythm: every record and patient judged by networks that never saw it, with intervals."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.inference.rhythm_beats import NAMES as BEAT_NAMES
from desktop.inference.rhythm_features import NAMES as STRIP_NAMES
from desktop.inference.rhythm_reading import FIBRILLATION, RHYTHMS, BeatLimits, kinds_of, shares_of
from desktop.learning.baseline import logistic_scores
from desktop.learning.records import Json
from desktop.learning.rhythm_data import BeatRecord, StripRecords, matched
from desktop.learning.rhythm_judging import (
    PLACES,
    JudgedBeats,
    JudgedStrips,
    Tally,
    in_flutter,
    limits_by_others,
    record_probabilities,
    rhythm_of_half_hour,
    tally,
    true_fibrillation,
)
from desktop.learning.statistics import by_patient, calibration_error, interval
from desktop.signals.qrs import qrs_complexes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_INTERVALS_ONLY = [place for place, name in enumerate(STRIP_NAMES) if name.startswith("rr_")]
_BEAT_INTERVALS = list(range(BEAT_NAMES.index("alike")))
_EDGE_SECONDS, _CPSC_WITHIN = 0.5, 0.075


def f1(said: Ints, true: Ints, kind: int) -> float:
    """Twice the hits over all that were said or are; NaN where there is neither."""
    both = int((said == kind).sum() + (true == kind).sum())
    return 2 * int(((said == kind) & (true == kind)).sum()) / both if both else float("nan")


def _f1_of(said: Ints, true: Ints, kind: int, index: Ints) -> float:
    return f1(said[index], true[index], kind)


def mean_f1(said: Ints, true: Ints) -> float:
    """The challenge's figure: the mean of F1 over N, A and O."""
    return float(np.mean([f1(said, true, kind) for kind in range(3)]))


def rhythm_figures(
    records: StripRecords, judged: JudgedStrips, temperature: float, offsets: Floats, decided: Callable[[Floats], Ints]
) -> dict[str, Json]:
    """Of CinC's records. decided: from probabilities (n, 4) to the likely rhythm, -1 where none is."""
    probabilities = record_probabilities(judged, temperature, offsets)
    true = records.rhythms[judged.index]
    names = [records.names[index] for index in judged.index]
    said, likely = probabilities.argmax(axis=1), decided(probabilities)
    plain = _plain_rhythm(records, judged.index)
    clear = likely >= 0
    right = probabilities.max(axis=1)
    return {
        "records": len(true),
        "counts": {word: int((true == kind).sum()) for kind, word in enumerate(RHYTHMS)},
        "mean_f1": interval(by_patient(lambda index: mean_f1(said[index], true[index]), names)),
        "f1": {
            word: interval(by_patient(partial(_f1_of, said, true, kind), names)) for kind, word in enumerate(RHYTHMS)
        },
        "plain_mean_f1": interval(by_patient(lambda index: mean_f1(plain[index], true[index]), names)),
        "plain_f1": {word: round(f1(plain, true, kind), 4) for kind, word in enumerate(RHYTHMS)},
        "decided": interval(by_patient(lambda index: float(clear[index].mean()), names)),
        "right_among_decided": interval(
            by_patient(lambda index: float((likely == true)[index][clear[index]].mean()), names)
        ),
        "calibration_error": round(calibration_error(right, said == true), 4),
        "confusion": [[int(((true == row) & (said == column)).sum()) for column in range(4)] for row in range(4)],
    }


def _plain_rhythm(records: StripRecords, chosen: Ints) -> Ints:
    """Logistic regression on the intervals between beats alone, one for each rhythm, by other records."""
    numbers, true = records.counted[:, _INTERVALS_ONLY].astype(np.float64), records.rhythms
    part = np.arange(len(true)) % 2
    scores = np.zeros((len(true), len(RHYTHMS)))
    for half in (0, 1):
        learn, test = part != half, part == half
        for kind in range(len(RHYTHMS)):
            scores[test, kind] = logistic_scores(numbers[learn], true[learn] == kind, numbers[test])
    return np.asarray(scores[chosen].argmax(axis=1))


def qrs_figures(records: Sequence[BeatRecord], strips: Path) -> dict[str, Json]:
    """How many beats are found and how many found ones are beats, outside flutter; and on difficult strips (CPSC 2019,
    never learned from) where those are there."""
    counts = np.array([_found(record) for record in records], dtype=np.float64)
    names = [record.name for record in records]
    figures: dict[str, Json] = {
        "sensitivity": interval(by_patient(lambda index: _ratio(counts[index], 0, 1), names)),
        "ppv": interval(by_patient(lambda index: _ratio(counts[index], 0, 2), names)),
        "records": [[name, *(int(count) for count in row)] for name, row in zip(names, counts, strict=True)],
    }
    if (strips / "data").is_dir():
        hard = np.array([_found_in(path) for path in sorted((strips / "data").glob("*.mat"))], dtype=np.float64)
        each = [str(number) for number in range(len(hard))]
        figures["difficult"] = {
            "strips": len(hard),
            "sensitivity": interval(by_patient(lambda index: _ratio(hard[index], 0, 1), each)),
            "ppv": interval(by_patient(lambda index: _ratio(hard[index], 0, 2), each)),
        }
    return figures


def _ratio(counts: Floats, hits: int, others: int) -> float:
    total = counts.sum(axis=0)
    return float(total[hits] / max(1.0, total[hits] + total[others]))


def _found(record: BeatRecord) -> tuple[int, int, int]:
    """Beats found, missed, and made up."""
    outside = ~in_flutter(record, record.lead.beats)
    marked = record.marked[~in_flutter(record, record.marked)]
    found = record.lead.beats[outside]
    pairs = len(matched(marked, found, 0.15 * record.lead.rate))
    return pairs, len(marked) - pairs, len(found) - pairs


def _found_in(path: Path) -> tuple[int, int, int]:
    """The same in a strip of CPSC 2019, without its first and last half second, within the challenge's 75 ms."""
    from scipy.io import loadmat

    rate = 500.0
    lead = np.asarray(loadmat(path)["ecg"], dtype=np.float64).ravel()
    answers = path.parent.parent / "ref" / path.name.replace("data", "R")
    marked = np.asarray(loadmat(answers)["R_peak"], dtype=np.int64).ravel()
    found = qrs_complexes(lead, rate)
    within = [
        places[(places > _EDGE_SECONDS * rate) & (places < len(lead) - _EDGE_SECONDS * rate)]
        for places in (marked, found)
    ]
    pairs = len(matched(within[0], within[1], _CPSC_WITHIN * rate))
    return pairs, len(within[0]) - pairs, len(within[1]) - pairs


def beat_figures(
    judged: Sequence[JudgedBeats],
    parts: Mapping[str, int] | None,
    temperature: float,
    offsets: Floats,
    limits: BeatLimits,
) -> dict[str, Json]:
    """Of MIT-BIH's half hours: ventricular and supraventricular beats, and the seconds in atrial fibrillation.

    parts: the member that left each patient out; then also by intervals alone, and with the limits that the other
    patients would have chosen.
    """
    records, names = [one.record for one in judged], [one.record.name for one in judged]
    rhythms = [rhythm_of_half_hour(one, temperature, offsets) for one in judged]
    shares = [shares_of(one.record.lead, one.logits, rhythm) for one, rhythm in zip(judged, rhythms, strict=True)]
    ways = {"": [kinds_of(share, limits) for share in shares]}
    if parts is not None:
        ways["plain_"] = _plain_beats(records, parts)
        chosen = limits_by_others(judged, parts, temperature, offsets)
        ways["others_"] = [kinds_of(share, each) for share, each in zip(shares, chosen, strict=True)]
    figures: dict[str, Json] = {"records": len(judged)}
    for word, kind in PLACES.items():
        for way, kinds in ways.items():
            tallies = [tally(record, said, kind) for record, said in zip(records, kinds, strict=True)]
            figures[f"{way}{word}"] = _of_tallies(tallies, names)
    seconds = np.zeros((len(judged), 3))
    for place, (one, rhythm) in enumerate(zip(judged, rhythms, strict=True)):
        true = true_fibrillation(one.record)
        said = rhythm.each_second[: len(true), FIBRILLATION] > 0.5
        true = true[: len(said)]
        seconds[place] = (said & true).sum(), (~said & true).sum(), (said & ~true).sum()
    figures["fibrillation_seconds"] = {
        "sensitivity": interval(by_patient(lambda index: _ratio(seconds[index], 0, 1), names)),
        "ppv": interval(by_patient(lambda index: _ratio(seconds[index], 0, 2), names)),
        "seconds": int(seconds[:, :2].sum()),
    }
    return figures


def _of_tallies(tallies: Sequence[Tally], names: Sequence[str]) -> Json:
    """Sensitivity, predictive value (fusion beats not counted against it, as AAMI has it; and counted), by record."""
    counts = np.array([(one.hits, one.missed, one.wrong - one.fused, one.wrong) for one in tallies], dtype=np.float64)
    return {
        "beats": int(counts[:, :2].sum()),
        "sensitivity": interval(by_patient(lambda index: _ratio(counts[index], 0, 1), names)),
        "ppv": interval(by_patient(lambda index: _ratio(counts[index], 0, 2), names)),
        "ppv_strict": interval(by_patient(lambda index: _ratio(counts[index], 0, 3), names)),
        "by_record": [
            [name, one.hits, one.missed, one.wrong, one.fused]
            for name, one in zip(names, tallies, strict=True)
            if one.hits + one.missed + one.wrong
        ],
    }


def _plain_beats(records: Sequence[BeatRecord], parts: Mapping[str, int]) -> list[Ints]:
    """Logistic regression on the intervals about a beat alone, by other patients: ventricular, supraventricular or
    neither, whichever is more than half likely."""
    found: dict[str, Ints] = {}
    for part in sorted(set(parts.values())):
        learn = [other for other in records if parts[other.name] != part]
        judge = [record for record in records if parts[record.name] == part]
        # Every third beat is plenty for so few numbers.
        numbers = np.concatenate([other.inputs[other.taught][::3, 2, _BEAT_INTERVALS] for other in learn])
        classes = np.concatenate([other.classes[other.taught][::3] for other in learn])
        test = np.concatenate([record.inputs[:, 2, _BEAT_INTERVALS] for record in judge]).astype(np.float64)
        scores = {kind: logistic_scores(numbers.astype(np.float64), classes == kind, test) for kind in (1, 2)}
        called = np.where(scores[1] > np.maximum(scores[2], 0.0), 1, 0)
        called = np.where(scores[2] > np.maximum(scores[1], 0.0), 2, called)
        ends = np.cumsum([len(record.inputs) for record in judge])[:-1]
        found |= {record.name: said for record, said in zip(judge, np.split(called, ends), strict=True)}
    return [found[record.name] for record in records]
