"""Settings of the malaria cell recipe. Every training record holds them."""

from dataclasses import dataclass, field

from desktop.inference.picture_manifest import CellPreparation
from desktop.learning.child_settings import usable_cores


@dataclass(frozen=True)
class Settings:
    """parts: patients are split into as many; members: how many networks, each of which leaves out one part.

    epochs: of the schedule; stop_after: how many are gone through, then the averaged weights are taken.
    side: input square. distance_loss: share of ordinary cells that may be called unlike them. alphas: shares of each
    class that the three-way answer may exclude wrongly, see `statistics.thresholds_of`. threads: networks trained at a
    time; only changes the speed.
    """

    seed: int = 20264
    parts: int = 5
    members: int = 2
    side: int = 64
    frame_level: float = 0.15
    body_level: float = 0.6
    epsilon: float = 0.02
    widths: tuple[int, ...] = (24, 56, 112)
    blocks: tuple[int, ...] = (0, 1, 2)
    fold: int = 2
    dropout: float = 0.3
    batch: int = 64
    epochs: int = 6
    stop_after: int = 6
    rate: float = 3e-3
    decay: float = 0.05
    distance_loss: float = 0.01
    alphas: tuple[float, ...] = (0.05, 0.03, 0.02, 0.01)
    threads: int = field(default_factory=usable_cores)

    @property
    def preparation(self) -> CellPreparation:
        """How a cell becomes the networks' input."""
        return CellPreparation(self.side, self.frame_level, self.body_level, self.epsilon)
