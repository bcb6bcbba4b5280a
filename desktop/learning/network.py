"""A small residual network of our own, sized for two processor cores. Needs torch."""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

N = TypeVar("N", bound="Learner")


class Excitation(nn.Module):
    """Squeeze-and-excitation (Hu 2018): each channel weighted by what the whole picture holds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(8, channels // 8)
        self.down = nn.Linear(channels, hidden)
        self.up = nn.Linear(hidden, channels)

    def forward(self, maps: Tensor) -> Tensor:
        weight = torch.sigmoid(self.up(functional.relu(self.down(maps.mean((2, 3))))))
        return maps * weight[:, :, None, None]


class Residual(nn.Module):
    """Two 3×3 convolutions with excitation around a shortcut; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, 1)
        self.second = _convolution(channels, channels, 1)
        self.excitation = Excitation(channels)
        last = self.second[1]
        assert isinstance(last, nn.BatchNorm2d)
        nn.init.zeros_(last.weight)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.second(functional.relu(self.first(maps)))
        return functional.relu(maps + self.excitation(inner))


class Learner(nn.Module):
    """A network that the training loop can teach: its first output is what the loss is taken of. random: what it draws
    from while it learns, its own, so that two may learn at the same time and each learns the same again from its seed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.random = torch.Generator()


class SmallNetwork(Learner):
    """(n, channels, side, side) → logits (n, outputs), maps (n, width, side/s, side/s), embedding (n, width or twice).

    The picture is first folded 4×4 into 16 times its channels, which keeps every pixel and the work small; finer things
    than a lung want a fold of 2. s: fold × 2 for each width but the first; side: a multiple of it. blocks: residual
    blocks per width. peaks: the embedding holds each map's highest value beside its mean, for what is small and rare.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        outputs: int,
        dropout: float = 0.2,
        *,
        channels: int = 1,
        fold: int = 4,
        peaks: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous, stride = channels * fold * fold, 1
        for width, count in zip(widths, blocks, strict=True):
            layers += [_convolution(previous, width, stride), nn.ReLU(inplace=True)]
            layers += [Residual(width) for _ in range(count)]
            previous, stride = width, 2
        self.body = nn.Sequential(*layers)
        self.dropout = dropout
        self.fold = fold
        self.peaks = peaks
        self.head = nn.Linear(2 * previous if peaks else previous, outputs)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        folded = functional.pixel_unshuffle(pictures, self.fold).contiguous(memory_format=torch.channels_last)
        maps = self.body(folded)
        embedding = maps.mean((2, 3))
        if self.peaks:
            embedding = torch.cat([embedding, maps.amax((2, 3))], 1)
        return self.head(self._dropped(embedding)), maps, embedding

    def activations(self, maps: Tensor) -> Tensor:
        """(n, outputs, rows, columns): class-activation maps in logits, of the network's maps. Their mean over rows and
        columns is the logit less its bias; where a map's highest value counts beside its mean, what it is multiplied by
        is added to what the mean is: the place of that value is where it counts.

        Made by the head's own weights, so that a lesson that changes them in an exported graph changes the maps.
        """
        each = torch.cat([maps, maps], 1) if self.peaks else maps
        return (self.head.weight @ each.flatten(2)).reshape(-1, self.head.out_features, maps.shape[2], maps.shape[3])

    def _dropped(self, embedding: Tensor) -> Tensor:
        if not self.training or self.dropout == 0:
            return embedding
        kept = torch.rand(embedding.shape, generator=self.random) >= self.dropout
        return embedding * kept / (1 - self.dropout)


def channels_last(network: N) -> N:
    """The same network with its convolution weights laid out the way processors multiply fastest."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def _convolution(incoming: int, outgoing: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(incoming, outgoing, 3, stride, 1, bias=False), nn.BatchNorm2d(outgoing))


class Gate(nn.Module):
    """The quality gate as it is shipped: class logits, and the distance from the good films it was trained on."""

    def __init__(self, network: SmallNetwork, mean: Tensor, whitening: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("whitening", whitening)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        logits, _, embedding = self.network(image)
        return logits, distance(embedding, self.get_buffer("mean"), self.get_buffer("whitening"))


class Ensemble(nn.Module):
    """The members as they are shipped, in one graph.

    image (n, 1, side, side) → logits (n, 1), the members' mean; activation (n, 1, rows, columns), their mean class-
    activation map in logits; embedding (n, members × width); distance (n, 1), their mean Mahalanobis distance from the
    training films; member_logits (n, members), each member's own.
    """

    def __init__(self, members: list[SmallNetwork], means: Tensor, whitenings: Tensor) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("means", means)
        self.register_buffer("whitenings", whitenings)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        means, whitenings = self.get_buffer("means"), self.get_buffer("whitenings")
        logits, maps, embeddings, away = [], [], [], []
        for index, member in enumerate(self.members):
            assert isinstance(member, SmallNetwork)
            logit, features, embedding = member(image)
            logits.append(logit)
            maps.append(member.activations(features))
            embeddings.append(embedding)
            away.append(distance(embedding, means[index], whitenings[index]))
        together = torch.cat(logits, 1)
        count = len(logits)
        return (
            together.mean(1, keepdim=True),
            sum(maps[1:], maps[0]) / count,
            torch.cat(embeddings, 1),
            sum(away[1:], away[0]) / count,
            together,
        )


def distance(embedding: Tensor, mean: Tensor, whitening: Tensor) -> Tensor:
    """Mahalanobis distance per root dimension: about 1 for a typical training picture. (n, d) → (n, 1)."""
    return ((embedding - mean) @ whitening).square().mean(1, keepdim=True).sqrt()


def distances(embeddings: Tensor, means: Tensor, whitenings: Tensor) -> Tensor:
    """The members' mean `distance`: (n, members, d), (members, d) and (members, d, d) → (n, 1)."""
    white = ((embeddings - means)[:, :, None] @ whitenings)[:, :, 0]
    return white.square().mean(2).sqrt().mean(1, keepdim=True)


def gaussian(embeddings: Tensor, shrinkage: float = 0.1) -> tuple[Tensor, Tensor]:
    """Mean (d) and whitening matrix (d, d) of embeddings (n, d), the covariance shrunk towards its mean variance."""
    values = embeddings.double()
    mean = values.mean(0)
    covariance = torch.cov(values.T)
    size = covariance.shape[0]
    ridge = torch.eye(size, dtype=torch.float64) * covariance.diagonal().mean()
    eigenvalues, vectors = torch.linalg.eigh((1 - shrinkage) * covariance + shrinkage * ridge)
    return mean.float(), (vectors * eigenvalues.clamp_min(1e-12).rsqrt()).float()
