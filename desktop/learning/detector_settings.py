"""Settings of the detectors. Every training record holds them."""

from dataclasses import dataclass, field

from desktop.learning.child_settings import usable_cores


@dataclass(frozen=True)
class DetectorSettings:
    """members: networks, each of which leaves out one part of the photographs. overlap: see `boxes_of`. listed: boxes
    of a lower probability are not named. interval: share of photographs whose true count lies in the interval told.
    distance_margin: how much farther from the training photographs than any held-out one a picture may lie. threads:
    only changes the speed."""

    seed: int = 20261
    members: int = 3
    epochs: int = 30
    batch: int = 6
    rate: float = 2e-3
    decay: float = 0.03
    longest: float = 5.0
    overlap: float = 0.45
    listed: float = 0.05
    interval: float = 0.9
    distance_margin: float = 1.3
    threads: int = field(default_factory=usable_cores)
