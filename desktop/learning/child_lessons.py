"""What the child pneumonia networks and their quality gate are shown, batch by batch. Needs torch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from desktop.learning import augmentation
from desktop.learning.network import SmallNetwork
from desktop.learning.statistics import auc
from desktop.learning.training import Batch, Lesson, Schedule

Bytes = npt.NDArray[np.uint8]

GATE_CLASSES = ("good", "sideways", "upside_down", "inverted", "cropped", "not_chest")
_GOOD, _SIDEWAYS, _UPSIDE_DOWN, _INVERTED, _CROPPED, _NOT_CHEST = range(6)
# How often each kind of changed chest film is shown.
_CHEST_SHARES = torch.tensor([0.56, 0.13, 0.07, 0.12, 0.12])
_CHEST_SHARE = 0.68
GATE_STRENGTH = augmentation.Strength(
    degrees=10, zoom=(0.85, 1.12), aspect=0.15, shift=0.08, gamma=0.5, noise=0.05, coarsest=0.42
)
EPSILON = 0.05
SMOOTHING = 0.03
MIXING = 0.2


@dataclass(frozen=True, eq=False)
class Squares:
    """Films as squares: `large` for training (n, *, *), `exact` as the clinic prepares them (n, side, side); 0..255.

    labels: (n) bool.
    """

    large: Bytes
    exact: Bytes
    labels: npt.NDArray[np.bool_]


def unit(pictures: Bytes, chosen: npt.NDArray[np.int64] | Tensor) -> Tensor:
    """The chosen squares as (n, 1, *, *) float32 in 0..1."""
    index = np.asarray(chosen)
    return torch.from_numpy(pictures[index]).float()[:, None] / 255


def mask_lungs(pictures: Tensor) -> Tensor:
    """Both lung fields and the heart painted grey: what a model can still tell, it tells from elsewhere."""
    side = pictures.shape[-1]
    place = (torch.arange(side) + 0.5) / side
    down, across = place[:, None], place[None, :]
    inside = ((across - 0.5) / 0.42) ** 4 + ((down - 0.47) / 0.40) ** 4 < 1
    return torch.where(inside, torch.full_like(pictures, 0.5), pictures)


def film_lesson(
    name: str,
    identity: str,
    squares: Squares,
    training: npt.NDArray[np.int64],
    validation: npt.NDArray[np.int64],
    schedule: Schedule,
    seed: int,
    *,
    batch: int = 32,
    change: Callable[[Tensor], Tensor] | None = None,
) -> Lesson:
    """Pneumonia or not: both classes weigh alike, labels softened, pairs of films mixed (Zhang 2018).

    change: an ablation applied to every film after augmentation.
    """
    side = squares.exact.shape[-1]
    labels = torch.from_numpy(squares.labels[:]).float()
    share = float(squares.labels[training].mean())
    changed = change or (lambda pictures: pictures)

    def batches(epoch: int, random: torch.Generator) -> Iterator[Batch]:
        order = torch.from_numpy(training)[torch.randperm(len(training), generator=random)]
        numpy_random = np.random.default_rng((seed, epoch))
        for step in range(schedule.steps):
            chosen = order[step * batch : (step + 1) * batch]
            pictures = augmentation.augment(unit(squares.large, chosen), side, augmentation.FILM, random)
            inputs = augmentation.standardise(changed(pictures), EPSILON)
            truth = labels[chosen]
            weights = truth * (1 - share) / share + (1 - truth)
            targets = truth * (1 - 2 * SMOOTHING) + SMOOTHING
            part = float(numpy_random.beta(MIXING, MIXING))
            partner = torch.randperm(len(chosen), generator=random)
            yield Batch(
                part * inputs + (1 - part) * inputs[partner],
                (part * targets + (1 - part) * targets[partner])[:, None],
                part * weights + (1 - part) * weights[partner],
            )

    def validate(network: SmallNetwork) -> tuple[float, float]:
        logits = film_logits(network, squares.exact, validation, change)
        truth = labels[validation]
        weights = truth * (1 - share) / share + (1 - truth)
        loss = _binary_loss(logits[:, None], truth[:, None], weights)
        return float(loss), auc(logits.double().numpy(), squares.labels[validation])

    return Lesson(name, identity, schedule, seed, batches, _binary_loss, validate)


@torch.no_grad()
def film_logits(
    network: SmallNetwork,
    exact: Bytes,
    chosen: npt.NDArray[np.int64],
    change: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Logits (n) of films as the clinic prepares them."""
    found = []
    for start in range(0, len(chosen), 64):
        pictures = unit(exact, chosen[start : start + 64])
        pictures = change(pictures) if change else pictures
        found.append(network(augmentation.standardise(pictures, EPSILON))[0][:, 0])
    return torch.cat(found)


@torch.no_grad()
def embeddings(network: SmallNetwork, exact: Bytes, chosen: npt.NDArray[np.int64]) -> Tensor:
    """Embeddings (n, d) of films as the clinic prepares them."""
    found = []
    for start in range(0, len(chosen), 64):
        found.append(network(augmentation.standardise(unit(exact, chosen[start : start + 64]), EPSILON))[2])
    return torch.cat(found)


def _binary_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (loss[:, 0] * weights).mean()


@dataclass(frozen=True, eq=False)
class GateSquares:
    """chest: good films of all collections; other: anything else; drawn: by our own code. (n, *, *), 0..255.

    weights: how often each chest film and each other picture is drawn (they need not add up to 1).
    """

    chest: Bytes
    chest_weights: npt.NDArray[np.float64]
    other: Bytes
    other_weights: npt.NDArray[np.float64]
    drawn: Bytes


def gate_lesson(
    identity: str,
    squares: GateSquares,
    validation: tuple[Tensor, Tensor],
    side: int,
    schedule: Schedule,
    seed: int,
    *,
    batch: int = 64,
) -> Lesson:
    """Good film, sideways, upside down, inverted, cropped or no chest film at all.

    validation: standardised pictures (n, 1, side, side) and their classes (n).
    """

    def batches(epoch: int, random: torch.Generator) -> Iterator[Batch]:
        for _ in range(schedule.steps):
            inputs, classes = gate_batch(squares, side, batch, random)
            targets = functional.one_hot(classes, len(GATE_CLASSES)).float()
            yield Batch(inputs, targets * (1 - SMOOTHING) + SMOOTHING / len(GATE_CLASSES), torch.ones(batch))

    def validate(network: SmallNetwork) -> tuple[float, float]:
        inputs, truth = validation
        with torch.no_grad():
            logits = torch.cat([network(part)[0] for part in torch.split(inputs, 128)])
        right = (logits.argmax(1) == truth).float().mean()
        return float(functional.cross_entropy(logits, truth)), float(right)

    return Lesson("quality gate", identity, schedule, seed, batches, _class_loss, validate)


def _class_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    return (functional.cross_entropy(logits, targets, reduction="none") * weights).mean()


def gate_batch(squares: GateSquares, side: int, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch (n, 1, side, side), standardised, and its classes (n): films as they are, spoilt films, other things."""
    chest = int(count * _CHEST_SHARE)
    other = (count - chest) // 2 if len(squares.other) else 0
    drawn = count - chest - other
    parts = [_sample(squares.chest, squares.chest_weights, chest, random)]
    if other:
        parts.append(_sample(squares.other, squares.other_weights, other, random))
    parts.append(unit(squares.drawn, torch.randint(len(squares.drawn), (drawn,), generator=random)))
    classes = torch.cat(
        [
            torch.multinomial(_CHEST_SHARES, chest, replacement=True, generator=random),
            torch.full((other + drawn,), _NOT_CHEST),
        ]
    )
    pictures = _flip_others(torch.cat(parts), classes, random)
    geometry = _gate_geometry(classes, random)
    moved = augmentation.warp(pictures, side, *geometry, padding="zeros")
    spoilt = augmentation.degrade(moved, GATE_STRENGTH, random).clamp(0.0, 1.0)
    return augmentation.standardise(_invert(spoilt, classes, random), EPSILON), classes


def _sample(pictures: Bytes, weights: npt.NDArray[np.float64], count: int, random: torch.Generator) -> Tensor:
    return unit(pictures, torch.multinomial(torch.from_numpy(weights), count, replacement=True, generator=random))


def _flip_others(pictures: Tensor, classes: Tensor, random: torch.Generator) -> Tensor:
    """Mirror half of what is no chest film. Chest films are never mirrored."""
    chosen = (classes == _NOT_CHEST) & (torch.rand(len(classes), generator=random) < 0.5)
    return torch.where(chosen[:, None, None, None], pictures.flip(3), pictures)


def _gate_geometry(classes: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """As `augmentation.film_geometry`, turned or cut as each class says."""
    count = len(classes)
    angle, across, down, horizontal, vertical = augmentation.film_geometry(count, GATE_STRENGTH, random)
    uniform = augmentation.uniform
    side = torch.where(torch.rand(count, generator=random) < 0.5, -90.0, 90.0)
    near = torch.rand(count, generator=random) < 0.6
    wobble = torch.where(near, uniform(count, -12, 12, random), uniform(count, -50, 50, random))
    angle = torch.where(classes == _SIDEWAYS, torch.deg2rad(side + wobble), angle)
    angle = torch.where(classes == _UPSIDE_DOWN, torch.deg2rad(180 + uniform(count, -20, 20, random)), angle)
    free = (classes == _NOT_CHEST) & (torch.rand(count, generator=random) < 0.5)
    angle = torch.where(free, uniform(count, -torch.pi, torch.pi, random), angle)
    other = classes == _NOT_CHEST
    across = torch.where(other, across * uniform(count, 0.5, 1.1, random), across)
    down = torch.where(other, down * uniform(count, 0.5, 1.1, random), down)
    for index in torch.nonzero(classes == _CROPPED).flatten().tolist():
        across[index], down[index], horizontal[index], vertical[index] = _cut(random)
    return angle, across, down, horizontal, vertical


def _cut(random: torch.Generator) -> tuple[float, float, float, float]:
    """Zoom and shift that leave too little of a chest: a small piece, one half, the upper or the lower part."""

    def between(low: float, high: float) -> float:
        return float(augmentation.uniform(1, low, high, random))

    kind = int(torch.randint(3, (1,), generator=random))
    sign = 1.0 if between(0, 1) < 0.5 else -1.0
    if kind == 0:
        zoom = between(0.25, 0.5)
        return zoom, zoom * between(0.85, 1.15), between(-0.5, 0.5), between(-0.5, 0.5)
    if kind == 1:
        return between(0.3, 0.5), between(0.7, 1.0), sign * between(0.4, 0.6), between(-0.1, 0.1)
    return between(0.7, 1.0), between(0.3, 0.48), between(-0.1, 0.1), sign * between(0.4, 0.6)


def _invert(pictures: Tensor, classes: Tensor, random: torch.Generator) -> Tensor:
    """Black for white: always where the class says so, sometimes where the picture is to be refused anyway."""
    draw = torch.rand(len(classes), generator=random)
    also = ((classes == _NOT_CHEST) & (draw < 0.4)) | (
        ((classes == _SIDEWAYS) | (classes == _UPSIDE_DOWN) | (classes == _CROPPED)) & (draw < 0.1)
    )
    chosen = (classes == _INVERTED) | also
    return torch.where(chosen[:, None, None, None], 1 - pictures, pictures)
