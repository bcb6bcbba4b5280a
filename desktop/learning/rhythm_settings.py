"""Settings of the recipe of ecg-rhythm. Every training record holds them."""

from dataclasses import dataclass, field
from typing import Any

from desktop.learning.child_settings import usable_cores


@dataclass(frozen=True)
class RhythmSettings:
    """parts: of CinC's records. members: the part that each strip network leaves out, and judges.

    beat_members: networks for beats, each without one part of the patients. class_weights: of N, A, O and ~ in the
    loss. soft: label smoothing of strips (doctors disagree about them). turned: the share of every half hour whose
    complexes are given another form in a second copy to learn from, 0: no copies. alpha: share of each rhythm that the
    three-way answer may exclude wrongly. strip_lessons, beat_lessons: raised when the code of the lessons changes what
    is learned. threads: networks that learn at a time, each on one core; only changes the speed.
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
    turned: float = 0.15
    alpha: float = 0.1
    strip_lessons: int = 1
    beat_lessons: int = 3
    threads: int = field(default_factory=usable_cores)

    def of_strips(self) -> dict[str, Any]:
        """Those that a strip network depends on."""
        names = ("seed", "parts", "members", "widths", "batch", "epochs", "rate", "class_weights", "soft")
        return {name: getattr(self, name) for name in (*names, "strip_lessons")}

    def of_beats(self) -> dict[str, Any]:
        """Those that a beat network depends on."""
        names = ("seed", "rate", "beat_members", "beat_batch", "beat_epochs", "beat_steps", "turned", "beat_lessons")
        return {name: getattr(self, name) for name in names}
