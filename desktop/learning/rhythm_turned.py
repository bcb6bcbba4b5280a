"""Half hours in which stretches of beats look otherwise, to learn from: as if the heart had turned in the chest."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from desktop.inference.rhythm_beats import beat_inputs
from desktop.inference.rhythm_lead import with_wave
from desktop.learning.rhythm_data import BeatRecord

_LONGEST = 20
_LEAST = np.pi / 3
_LOUDER = 0.3


def turned_copies(records: Sequence[BeatRecord], share: float, seed: int) -> tuple[BeatRecord, ...]:
    """A copy of each record; see `turned`. None where share is 0."""
    return tuple(turned(record, share, seed) for record in records) if share else ()


def turned(record: BeatRecord, share: float, seed: int) -> BeatRecord:
    """The record with about a share of its beats, in stretches of up to twenty, turned in phase and scaled by chance.

    Complexes change their form when somebody lies down, breathes or an electrode slips; a beat does not become
    ventricular by that, and few of those learned from show it. Intervals, widths and classes stay. Only what changed is
    to be learned from. The same seed changes a record alike.
    """
    from scipy.signal import hilbert

    mark = hashlib.sha256(f"{seed}:{record.name}".encode()).digest()
    random = np.random.default_rng(int.from_bytes(mark[:8], "big"))
    lead = record.lead
    edges = np.concatenate([[0], (lead.beats[1:] + lead.beats[:-1]) // 2, [len(lead.wave)]]).astype(np.int64)
    ahead, wave = np.imag(hilbert(lead.wave)), lead.wave.copy()
    changed = np.zeros(len(lead.beats), dtype=bool)
    for begin, end in _stretches(len(lead.beats), share, random):
        inside = slice(int(edges[begin]), int(edges[end]))
        angle, scale = random.uniform(_LEAST, 2 * np.pi - _LEAST), np.exp(random.normal(0.0, _LOUDER))
        wave[inside] = scale * (np.cos(angle) * lead.wave[inside] + np.sin(angle) * ahead[inside])
        changed[begin:end] = True
    made = with_wave(lead, wave)
    return replace(record, lead=made, inputs=beat_inputs(made), taught=record.taught & changed)


def _stretches(count: int, share: float, random: np.random.Generator) -> list[tuple[int, int]]:
    """First and last (exclusive) beat of each."""
    found, at = [], int(random.integers(_LONGEST))
    pause = max(2, round(_LONGEST * (1 - share) / share))
    while at < count:
        end = min(count, at + int(random.integers(1, _LONGEST + 1)))
        found.append((at, end))
        at = end + int(random.integers(1, pause))
    return found
