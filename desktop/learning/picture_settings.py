"""Settings of a picture model. Every training record holds them."""

from dataclasses import dataclass, field

from desktop.learning.child_settings import usable_cores


@dataclass(frozen=True)
class PictureSettings:
    """members: networks in the ensemble; each leaves out one part of the groups, which judges and calibrates it.

    side: input square; large_side: that of the pictures kept for training, which are cut and turned. frame_level, the
    percentiles, epsilon: as in `inference.picture_manifest.Preparation`. corners: share of each side that is masked in
    all four corners, where letters stand. widths, blocks, fold, peaks, dropout: of `SmallNetwork`.
    earlier_epochs, epochs: of the schedule on what is learned first, and on the set itself; stop_after: how many of the
    latter are gone through, 0 for all. earlier_rate, rate: highest learning rates. degrees … noise, coarsest: how far a
    picture is changed, see `augmentation.Strength`; nothing is ever mirrored. mixing: of pairs of pictures (Zhang
    2018), 0 for none. smoothing: of the labels. side_weight: of what is only learned on the side. gradients: whether a
    ridge regression on gradient histograms answers beside each network; surroundings, texture: see
    `picture_network.Measures`. components, ridge: its principal components and its penalty; network_share: how much the
    network counts beside it, which sees more, while the regression errs elsewhere.
    alpha: share of pictures with a finding that the three-way answer may call unlikely; of those without it, strictness
    times fewer may be called likely. distance_loss: share of ordinary pictures that may be called unlike them. threads:
    networks trained at a time; only changes the speed.
    """

    seed: int = 20267
    members: int = 3
    side: int = 160
    large_side: int = 192
    frame_level: float = 0.02
    low_percentile: float = 0.5
    high_percentile: float = 99.5
    epsilon: float = 0.05
    corners: float = 0.0
    widths: tuple[int, ...] = (24, 48, 96, 160)
    blocks: tuple[int, ...] = (0, 1, 1, 1)
    fold: int = 4
    peaks: bool = True
    dropout: float = 0.3
    batch: int = 32
    earlier_epochs: int = 0
    earlier_rate: float = 4e-3
    epochs: int = 30
    stop_after: int = 0
    rate: float = 2e-3
    decay: float = 0.05
    degrees: float = 8.0
    zoom: tuple[float, float] = (0.80, 1.06)
    aspect: float = 0.12
    shift: float = 0.07
    gamma: float = 0.35
    noise: float = 0.03
    coarsest: float = 0.7
    mixing: float = 0.0
    smoothing: float = 0.03
    side_weight: float = 0.5
    gradients: bool = True
    surroundings: float = 0.0
    texture: bool = False
    components: int = 200
    ridge: float = 300.0
    network_share: float = 2 / 3
    alpha: float = 0.1
    strictness: float = 3.0
    distance_loss: float = 0.01
    threads: int = field(default_factory=usable_cores)
