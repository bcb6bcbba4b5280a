"""Settings of the models of the retina. Every training record holds them."""

from dataclasses import dataclass, field

from desktop.learning.child_settings import usable_cores


@dataclass(frozen=True)
class FundusSettings:
    """members: networks of vessels, each of which leaves out one part of the eyes. first_epochs:
    of the network they all begin from, which learned from other eyes; 0: they begin from nothing. epochs of `steps`
    batches of `batch` patches of `patch` pixels. folds, runs: the grades are judged by forests that saw none of a run
    of neighbouring numbers. trees, least, share: see `ForestPlan`. alphas: see `thresholds_of`. familiar: how much
    farther from the usual than any photograph learned from one may lie. margin: by how many spreads of the good
    photographs a limit of the gate lies beyond all of them. threads: only changes the speed."""

    seed: int = 20267
    members: int = 3
    first_epochs: int = 0
    epochs: int = 30
    steps: int = 48
    batch: int = 4
    patch: int = 160
    rate: float = 5e-3
    decay: float = 0.02
    longest: float = 5.0
    folds: int = 5
    run: int = 8
    trees: int = 200
    least: int = 3
    share: float = 0.2
    alphas: tuple[float, ...] = (0.1, 0.05, 0.02)
    familiar: float = 1.3
    margin: float = 0.05
    threads: int = field(default_factory=usable_cores)
