"""What ecg-rhythm learns from: CinC 2017 for the rhythm, the first half of MIT-BIH for the beats."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError
from desktop.inference.rhythm_beats import beat_inputs
from desktop.inference.rhythm_features import bands_of, features, interval_curve
from desktop.inference.rhythm_lead import ReadyLead, ready_lead
from desktop.jobs import Job

Say = Callable[[str], None]

RHYTHMS = ("N", "A", "O", "~")
"""CinC's words for the four findings, in the order of the logits."""

_CINC_RATE = 100.0


@dataclass(frozen=True, eq=False)
class StripRecords:
    """CinC's records, ready. waves, curves: all one after another, record i from starts[i] to starts[i + 1].

    counted: (n, features). rhythms: (n,) index into RHYTHMS. names: (n,).
    """

    waves: npt.NDArray[np.float16]
    curves: npt.NDArray[np.float16]
    starts: npt.NDArray[np.int64]
    counted: npt.NDArray[np.float32]
    rhythms: npt.NDArray[np.int64]
    names: tuple[str, ...]

    def part(self, chosen: npt.NDArray[np.bool_]) -> "StripRecords":
        """The records chosen, (n,)."""
        places = np.flatnonzero(chosen)
        spans = [slice(int(self.starts[place]), int(self.starts[place + 1])) for place in places]
        lengths = [span.stop - span.start for span in spans]
        return StripRecords(
            np.concatenate([self.waves[:0], *(self.waves[span] for span in spans)]),
            np.concatenate([self.curves[:0], *(self.curves[span] for span in spans)]),
            np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
            self.counted[chosen],
            self.rhythms[chosen],
            tuple(self.names[place] for place in places),
        )


def ecg_folder(data: Path) -> Path:
    """The folder `ecg` in the data folder, or that folder itself. Raises UserFacingError where nothing is there."""
    for folder in (data / "ecg", data):
        if (folder / "cinc2017_100hz" / "part0.npz").is_file() and (folder / "mitbih").is_dir():
            return folder
    raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted="ecg/cinc2017_100hz, ecg/mitbih")


def data_hash(folder: Path) -> str:
    """SHA-256 over names and bytes of the files that are learned from."""
    mark = hashlib.sha256()
    for path in sorted([*(folder / "cinc2017_100hz").glob("*.npz"), *(folder / "mitbih").glob("*.npz")]):
        mark.update(path.name.encode())
        mark.update(hashlib.sha256(path.read_bytes()).digest())
    return mark.hexdigest()


def read_strips(folder: Path, job: Job, say: Say) -> StripRecords:
    """Every CinC record with its beats found and its numbers counted; two to three minutes."""
    waves, curves, counted, rhythms, names = [], [], [], [], []
    for path in sorted((folder / "cinc2017_100hz").glob("part*.npz")):
        with np.load(path) as part:
            signal, starts = np.cumsum(part["delta"].astype(np.int64)), part["offset"]
            labels, records = part["label"], part["record"]
        for number in range(len(starts) - 1):
            job.check()
            lead = ready_lead(signal[starts[number] : starts[number + 1]] / 1000.0, _CINC_RATE)
            wave = lead.resampled()
            waves.append(wave.astype(np.float16))
            curves.append(interval_curve(lead, len(wave)).astype(np.float16))
            counted.append(features(lead, bands_of(lead), 0.0, lead.seconds))
            rhythms.append(RHYTHMS.index(str(labels[number])))
            names.append(str(records[number]))
        say(f"read {len(names)} strips")
    begins = np.concatenate([[0], np.cumsum([len(wave) for wave in waves])])
    return StripRecords(
        np.concatenate(waves), np.concatenate(curves), begins, np.array(counted), np.array(rhythms), tuple(names)
    )


@dataclass(frozen=True, eq=False)
class BeatRecord:
    """One half hour of MIT-BIH.

    lead: as found. inputs: (found, 3, samples) of the beats that were found; classes: (found,) index into BEATS, -1
    where no beat is marked or one that nobody could classify (unclassified); taught: whether a network may learn from
    it. marked, kinds: (marks,) samples and AAMI classes (also Q). flutter: (n, 2) stretches without single beats,
    samples. rhythms: (at, words) as marked.
    """

    name: str
    lead: ReadyLead
    inputs: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]
    unclassified: npt.NDArray[np.bool_]
    taught: npt.NDArray[np.bool_]
    marked: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.str_]
    flutter: npt.NDArray[np.int64]
    rhythms: tuple[tuple[int, str], ...]


BEATS = ("N", "S", "V", "F")
"""AAMI's classes that are learned, in the order of the logits."""

WITHIN = 0.15
"""Seconds between a beat found and the one it is (ANSI/AAMI EC57)."""


def read_beats(folder: Path, job: Job, say: Say) -> list[BeatRecord]:
    """Every half hour with its beats found; some ten seconds. Two recordings of one patient are not both there."""
    found = []
    for path in sorted((folder / "mitbih").glob("*.npz")):
        job.check()
        with np.load(path) as held:
            signal = (held["sig"].astype(np.float64) - float(held["adc_zero"])) / float(held["adc_gain"])
            rate, marked = float(held["fs"]), held["beat_sample"].astype(np.int64)
            kinds = np.asarray(held["beat_aami"]).astype(str)
            symbols = np.asarray(held["beat_symbol"]).astype(str)
            rhythms = tuple(zip(held["rhythm_sample"].tolist(), map(str, held["rhythm"]), strict=True))
        lead = ready_lead(signal, rate)
        classes, unclassified = np.full(len(lead.beats), -1), np.zeros(len(lead.beats), dtype=bool)
        taught = np.zeros(len(lead.beats), dtype=bool)
        for mark, place in matched(marked, lead.beats, WITHIN * rate):
            classes[place] = BEATS.index(kinds[mark]) if kinds[mark] in BEATS else -1
            unclassified[place] = kinds[mark] not in BEATS
            # Aberrantly conducted beats look like ventricular ones; to learn them from two people blurs both classes.
            taught[place] = kinds[mark] in BEATS and symbols[mark] != "a"
        ends = [at for at, _ in rhythms[1:]] + [len(signal)]
        flutter = [(at, end) for (at, words), end in zip(rhythms, ends, strict=True) if words.startswith("(VFL")]
        found.append(
            BeatRecord(
                path.stem,
                lead,
                beat_inputs(lead),
                classes,
                unclassified,
                taught,
                marked,
                kinds,
                np.array(flutter, np.int64).reshape(-1, 2),
                rhythms,
            )
        )
    say(f"read {sum(len(record.marked) for record in found)} beats of {len(found)} people")
    return found


def matched(marked: npt.NDArray[np.int64], found: npt.NDArray[np.int64], within: float) -> list[tuple[int, int]]:
    """Which found beat is which marked one, each at most once. Both ascending."""
    pairs, mark, place = [], 0, 0
    while mark < len(marked) and place < len(found):
        apart = int(found[place]) - int(marked[mark])
        if abs(apart) > within:
            mark, place = (mark, place + 1) if apart < 0 else (mark + 1, place)
        elif place + 1 < len(found) and abs(int(found[place + 1]) - int(marked[mark])) < abs(apart):
            place += 1
        else:
            pairs.append((mark, place))
            mark, place = mark + 1, place + 1
    return pairs
