"""Settings of the detectors. Every training record holds them."""

from dataclasses import dataclass, field

from desktop.learning.child_settings import usable_cores


@dataclass(frozen=True)
class DetectorSettings:
    """members: networks, each of which leaves out one part of the photographs. overlap: see `boxes_of`. listed: boxes
    of a lower probability are not named. interval: share of photographs whose true count lies in the interval told.
    alphas: see `thresholds_of`. distance_margin: how much farther from the training photographs than any held-out one
    a picture may lie. widths: channels at each of four scales, the finest first, and of what joins them. views: of a
    picture and its mirror images, how many a network is asked about: 4, or 2 for the picture and its half turn.
    half_turns: photographs are not turned by quarters while learning. sorter_epochs, sorter_batch, sorter_rate: of the
    network that tells two sorts of one thing apart, where there is one. refused: share of ordinary photographs that may
    be refused for what is said of them as a whole, see `detector_usual`; 0: none is. threads: only changes the speed.
    """

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
    alphas: tuple[float, ...] = (0.1, 0.05, 0.02)
    distance_margin: float = 1.3
    widths: tuple[int, ...] = (32, 64, 96, 128, 40)
    views: int = 4
    half_turns: bool = False
    sorter_epochs: int = 0
    sorter_batch: int = 24
    sorter_rate: float = 3e-3
    refused: float = 0.0
    threads: int = field(default_factory=usable_cores)
