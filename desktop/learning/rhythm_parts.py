"""Which network of ecg-rhythm leaves which records and patients out."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from desktop.learning.films import fold_of
from desktop.learning.rhythm_data import BeatRecord, StripRecords
from desktop.learning.rhythm_settings import RhythmSettings


def strip_parts(records: StripRecords, settings: RhythmSettings) -> npt.NDArray[np.int64]:
    """(records,) the part each one belongs to: a member never sees its own."""
    return np.array([fold_of(name, settings.seed, settings.parts) for name in records.names], dtype=np.int64)


def beat_parts(records: Sequence[BeatRecord], settings: RhythmSettings) -> dict[str, int]:
    """The part each patient belongs to: patients sorted by rarity, dealt out there and back, so that no part holds all
    that is rare."""
    parts, found = settings.beat_members, {}
    for place, record in enumerate(sorted(records, key=rarity)):
        turn = place % (2 * parts)
        found[record.name] = turn if turn < parts else 2 * parts - 1 - turn
    return found


def rarity(record: BeatRecord) -> tuple[int, int, str]:
    """Sorts patients by how many premature beats above the ventricles they have, most first; by ventricular ones where
    equal."""
    counts = [int((record.kinds == kind).sum()) for kind in ("S", "V")]
    return -counts[0], -counts[1], record.name
