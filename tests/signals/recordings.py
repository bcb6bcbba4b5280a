"""Annotated recordings of real hearts beside the repository, and how a detector is scored against them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat

from desktop.records import MILLIVOLT, Lead, Trace


@dataclass(frozen=True)
class Score:
    """Beats there are, beats found, and how many of them are the same."""

    true: int = 0
    found: int = 0
    matched: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.true + other.true, self.found + other.found, self.matched + other.matched)

    @property
    def sensitivity(self) -> float:
        """Share of the beats that were found."""
        return self.matched / self.true

    @property
    def predictivity(self) -> float:
        """Share of what was found that is a beat."""
        return self.matched / self.found


def score(found: npt.NDArray[np.int64], true: npt.NDArray[np.int64], tolerance: float) -> Score:
    """Each true beat takes the nearest found one within `tolerance` samples that no other has taken."""
    places, taken, matched = np.sort(found), set(), 0
    for beat in np.sort(true):
        near = np.flatnonzero(np.abs(places - beat) <= tolerance)
        free = [int(place) for place in near if int(place) not in taken]
        if free:
            taken.add(min(free, key=lambda place: abs(int(places[place]) - int(beat))))
            matched += 1
    return Score(len(true), len(places), matched)


def mitbih(folder: Path) -> Iterator[tuple[str, Trace, npt.NDArray[np.int64]]]:
    """MIT-BIH, the records of set DS1: name, lead MLII of half an hour at 360 Hz, annotated beats."""
    for path in sorted((folder / "ecg" / "mitbih").glob("*.npz")):
        held = np.load(path)
        signal = ((held["sig"].astype(np.float32) - held["adc_zero"]) / held["adc_gain"]).astype(np.float32)
        yield (
            path.stem,
            Trace(signal.reshape(1, -1), 360.0, (Lead("MLII", MILLIVOLT),)),
            held["beat_sample"].astype(np.int64),
        )


def cpsc2019(folder: Path) -> Iterator[tuple[str, Trace, npt.NDArray[np.int64]]]:
    """CPSC 2019: ten-second strips at 500 Hz chosen for being difficult, annotated R peaks."""
    for path in sorted((folder / "ecg" / "cpsc2019_qrs" / "data").glob("*.mat")):
        beats = loadmat(path.parents[1] / "ref" / path.name.replace("data_", "R_"))["R_peak"].ravel()
        signal = loadmat(path)["ecg"].ravel().astype(np.float32)
        yield path.stem, Trace(signal.reshape(1, -1), 500.0, (Lead("ECG", ""),)), beats.astype(np.int64)
