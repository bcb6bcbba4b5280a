"""Settings of the recipe of ecg-rhythm. Every training record holds them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RhythmSettings:
    """parts: of CinC's records. members: the part that each strip network leaves out, and judges.

    beat_members: networks for beats, each without one part of the patients. class_weights: of N, A, O and ~ in the
    loss. soft: label smoothing of strips (doctors disagree about them). alpha: share of each rhythm that the three-way
    answer may exclude wrongly.
    """

    seed: int = 20177
    parts: int = 3
    members: tuple[int, ...] = (0, 2)
    widths: tuple[int, ...] = (24, 32, 48, 64, 96)
    batch: int = 32
    epochs: int = 9
    rate: float = 3e-3
    class_weights: tuple[float, ...] = (1.0, 1.6, 1.1, 1.5)
    soft: float = 0.06
    beat_members: int = 11
    beat_batch: int = 128
    beat_epochs: int = 10
    beat_steps: int = 70
    alpha: float = 0.1
