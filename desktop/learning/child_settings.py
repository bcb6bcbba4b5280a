"""Settings of the child pneumonia recipe. Every training record holds them."""

import os
from dataclasses import dataclass, field


def usable_cores() -> int:
    """Cores to train on; more than four bring little for networks this small."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, usable))


@dataclass(frozen=True)
class Settings:
    """members: networks in the ensemble; each leaves out one part of the patients, which judges and calibrates it.

    side, gate_side: input squares. gate_loss: share of good films each of the gate's two limits may cost.
    alpha: share of each class that the three-way answer may exclude wrongly; hint_alpha: the same of the hint, which
    decides less. line_components, line_ridge: of the lines beside the networks, hint_components, hint_ridge: of the
    hint's, see `picture_ridge`. threads: only changes the speed.
    """

    seed: int = 20260
    members: int = 3
    side: int = 128
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (1, 1, 1)
    dropout: float = 0.2
    batch: int = 32
    epochs: int = 16
    gate_side: int = 96
    gate_widths: tuple[int, ...] = (24, 48, 96)
    gate_blocks: tuple[int, ...] = (0, 1, 1)
    gate_epochs: int = 5
    gate_steps: int = 300
    gate_loss: float = 0.003
    distance_loss: float = 0.01
    alpha: float = 0.02
    line_components: int = 400
    line_ridge: float = 30.0
    hint_components: int = 400
    hint_ridge: float = 100.0
    hint_alpha: float = 0.1
    threads: int = field(default_factory=usable_cores)
