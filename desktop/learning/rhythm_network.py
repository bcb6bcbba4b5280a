"""The networks of ecg-rhythm: one looks at strips, one at beats. Small: a core learns them in minutes. Needs torch."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from desktop.inference.rhythm_strips import FEATURES, SHARE
from desktop.learning.network import Learner


class Dropping(Learner):
    """A network that leaves out a share of what it sees while it learns."""

    def dropped(self, values: Tensor, share: float) -> Tensor:
        """values (n, d) with a share of them set to none while learning."""
        if not self.training or share == 0:
            return values
        kept = torch.rand(values.shape, generator=self.random) >= share
        return values * kept / (1 - share)


class Stage(nn.Module):
    """Half as long, more channels: two convolutions of seven samples around a shortcut."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.first = _convolution(incoming, outgoing, 7, 2)
        self.second = _convolution(outgoing, outgoing, 7, 1)
        self.shortcut = nn.Conv1d(incoming, outgoing, 1, bias=False)

    def forward(self, waves: Tensor) -> Tensor:
        inner = self.second(functional.relu(self.first(waves)))
        return functional.relu(inner + self.shortcut(functional.avg_pool1d(waves, 2, 2, ceil_mode=True)))


class StripNetwork(Dropping):
    """(n, 3, samples) → (logits (n, classes),).

    Rows: the wave, the interval curve, and what was counted (the first FEATURES numbers of the third row; number SHARE
    tells how much of the strip is filled).
    """

    def __init__(self, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.stem = _convolution(2, widths[0], 15, 3)
        self.stages = nn.Sequential(*[Stage(a, b) for a, b in itertools.pairwise(widths)])
        self.counted = nn.Sequential(
            nn.BatchNorm1d(FEATURES), nn.Linear(FEATURES, 64), nn.ReLU(), nn.Linear(64, 48), nn.ReLU()
        )
        self.hidden = nn.Linear(2 * widths[-1] + 48, 64)
        self.head = nn.Linear(64, classes)

    def forward(self, strips: Tensor) -> tuple[Tensor]:
        counted = strips[:, 2, :FEATURES]
        maps = self.stages(functional.relu(self.stem(strips[:, :2])))
        mean = maps.mean(2) / counted[:, SHARE : SHARE + 1].clamp(min=0.25)
        seen = torch.cat([mean, maps.amax(2), self.counted(counted)], 1)
        hidden = functional.relu(self.hidden(self.dropped(seen, 0.3)))
        return (self.head(self.dropped(hidden, 0.2)),)


class Together(nn.Module):
    """Members as they are shipped: logits (n, classes), their mean; member_logits (n, members × classes)."""

    def __init__(self, members: Sequence[Learner]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, strips: Tensor) -> tuple[Tensor, Tensor]:
        each = [member(strips)[0] for member in self.members]
        return sum(each[1:], each[0]) / len(each), torch.cat(each, 1)


def _convolution(incoming: int, outgoing: int, length: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(incoming, outgoing, length, stride, length // 2, bias=False), nn.BatchNorm1d(outgoing)
    )


class BeatNetwork(Dropping):
    """(n, 3, samples) → (logits (n, classes),). Rows as `rhythm_beats.beat_inputs` makes them.

    mean, spread: (numbers,) of the numbers among the beats learned from.
    """

    def __init__(self, mean: Tensor, spread: Tensor, samples: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.first = nn.Linear(len(mean), 48)
        self.second = nn.Linear(48, 32)
        self.waves = nn.Sequential(
            nn.Conv1d(2, 12, 7, 2, 3), nn.ReLU(), nn.Conv1d(12, 16, 5, 2, 2), nn.ReLU(), nn.Conv1d(16, 16, 5, 2, 2),
            nn.ReLU(), nn.Flatten(),
        )  # fmt: skip  # a list reads better with several to a line
        self.shape = nn.Linear(16 * (samples // 8), 24)
        self.head = nn.Linear(56, classes)

    def forward(self, beats: Tensor) -> tuple[Tensor]:
        mean, spread = self.get_buffer("mean"), self.get_buffer("spread")
        numbers = ((beats[:, 2, : mean.shape[0]] - mean) / spread).clamp(-5.0, 5.0)
        if self.training:
            numbers = numbers + 0.1 * torch.randn(numbers.shape, generator=self.random)
        numbers = self.dropped(functional.relu(self.first(numbers)), 0.3)
        numbers = self.dropped(functional.relu(self.second(numbers)), 0.2)
        shape = functional.relu(self.shape(self.dropped(self.waves(beats[:, :2]), 0.4)))
        return (self.head(torch.cat([numbers, shape], 1)),)
