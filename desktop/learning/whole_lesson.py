"""Teaching a finished graph on from a clinic's pictures, as `whole_tuning` has it. Needs torch and onnx."""

import copy
import math
import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from desktop.learning.augmentation import uniform, warp
from desktop.learning.graph_in_torch import GraphNetwork, largest_difference
from desktop.learning.training import generator, write_checkpoint
from desktop.learning.whole_tuning import SAME, Learned, Material, Proof, WholeEpoch, WholeSettings

_LEAST_GAIN = 1e-5
_DEGREES, _ZOOM, _SHIFT, _BRIGHTNESS = 4.0, (0.94, 1.04), 0.03, 0.1


@dataclass(frozen=True)
class Limits:
    """until: moment of `time.monotonic` after which no round begins. checkpoint: file to go on from and to keep after
    each round, or None. identity: of the lesson; a checkpoint of another is not gone on from."""

    until: float
    checkpoint: Path | None
    identity: str


def learn(
    graph: bytes,
    material: Material,
    proof: Proof,
    settings: WholeSettings,
    limits: Limits,
    say: Callable[[WholeEpoch], None],
) -> Learned:
    """Teach the graph until the inner part gains no more, the epochs or the time are over. say: called after each
    round. Raises ValueError where the graph cannot be taught, or PyTorch does not answer the proof as it should."""
    network = GraphNetwork(graph)
    if not largest_difference(network, proof.image, proof.outputs) < SAME:
        raise ValueError("another answer than that of the graph")
    course = _Course(network, material, settings)
    if limits.checkpoint is None or not course.load(limits.checkpoint, limits.identity):
        course.begin()
    say(course.curve[-1])
    while course.goes_on() and time.monotonic() < limits.until:
        course.round()
        if limits.checkpoint is not None:
            course.save(limits.checkpoint, limits.identity)
        say(course.curve[-1])
    return course.learned()


class _Course:
    """Everything that changes while it learns; what a checkpoint holds."""

    def __init__(self, network: GraphNetwork, material: Material, settings: WholeSettings) -> None:
        self.network, self._material, self._settings = network, material, settings
        self._shipped = [one.detach().clone() for one in network.weights]
        self._best = [one.detach().clone() for one in network.weights]
        self.curve: list[WholeEpoch] = []
        self._best_epoch = 0
        self._optimiser = torch.optim.Adam(network.weights, lr=settings.rate)
        self._temperature = torch.from_numpy(material.calibration[:, 0].copy())
        self._offset = torch.from_numpy(material.calibration[:, 1].copy())
        self._learn, self._inner = np.flatnonzero(~material.inner), np.flatnonzero(material.inner)
        self._own, self._away = self._answers(np.arange(len(material.pictures)))

    def begin(self) -> None:
        """As shipped."""
        self.curve = [WholeEpoch(0, math.nan, self._inner_loss(self._own[self._inner]), 0.0)]

    def goes_on(self) -> bool:
        """Whether another round may gain something."""
        done = len(self.curve) - 1
        return done < self._settings.epochs and done - self._best_epoch < self._settings.patience

    def round(self) -> None:
        """All pictures once."""
        settings, started, epoch = self._settings, time.perf_counter(), len(self.curve)
        random = generator(settings.seed, epoch)
        steps = max(1, math.ceil(len(self._learn) / settings.batch))
        total = 0.0
        for step, chosen in enumerate(self._batches(random)):
            share = (epoch - 1 + step / steps) / settings.epochs
            for group in self._optimiser.param_groups:
                group["lr"] = settings.rate * (0.5 + 0.5 * math.cos(math.pi * share))
            loss = self._loss(chosen, random)
            self._optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            self._optimiser.step()
            total += float(loss.detach())
        inner, _ = self._answers(self._inner)
        told = WholeEpoch(epoch, total / steps, self._inner_loss(inner), round(time.perf_counter() - started, 1))
        if told.loss < self.curve[self._best_epoch].loss - _LEAST_GAIN:
            self._best_epoch = epoch
            self._best = [one.detach().clone() for one in self.network.weights]
        self.curve.append(told)

    def learned(self) -> Learned:
        """The best of all rounds."""
        with torch.no_grad():
            for weight, best in zip(self.network.weights, self._best, strict=True):
                weight.copy_(best)
        after, away = self._answers(self._inner)
        graph = self.network.exported() if self._best_epoch else b""
        place = self._inner
        return Learned(
            graph,
            tuple(self.curve),
            self._best_epoch,
            self._own[place].double().numpy(),
            after.double().numpy(),
            self._away[place].double().numpy(),
            away.double().numpy(),
        )

    def save(self, path: Path, identity: str) -> None:
        """Write a checkpoint."""
        content = {
            "identity": identity,
            "weights": [one.detach() for one in self.network.weights],
            "best": self._best,
            "optimiser": self._optimiser.state_dict(),
            "curve": [asdict(one) for one in self.curve],
            "best_epoch": self._best_epoch,
        }
        write_checkpoint(path, content)

    def load(self, path: Path, identity: str) -> bool:
        """Go on from a checkpoint of the same lesson; False where there is none that can be read."""
        try:
            content = torch.load(path, weights_only=True)
            if content["identity"] != identity:
                return False
            optimiser = copy.deepcopy(content["optimiser"])
            weights, best = content["weights"], content["best"]
            curve = [WholeEpoch(**one) for one in content["curve"]]
            with torch.no_grad():
                for weight, value in zip(self.network.weights, weights, strict=True):
                    weight.copy_(value)
            self._optimiser.load_state_dict(optimiser)
            self._best, self.curve, self._best_epoch = list(best), curve, int(content["best_epoch"])
        except (OSError, RuntimeError, ValueError, KeyError, EOFError, TypeError, pickle.UnpicklingError):
            return False
        return True

    def _batches(self, random: torch.Generator) -> Iterator[npt.NDArray[np.int64]]:
        order = self._learn[torch.randperm(len(self._learn), generator=random).numpy()]
        for start in range(0, len(order), self._settings.batch):
            yield order[start : start + self._settings.batch]

    def _loss(self, chosen: npt.NDArray[np.int64], random: torch.Generator) -> Tensor:
        """Log-loss where people said something; elsewhere how far it is from its own answer as shipped; and how far the
        weights are from the shipped ones."""
        material, settings = self._material, self._settings
        z = self._calibrated(self.network(changed(self._pictures(chosen), random))["logits"])
        own = torch.sigmoid(self._calibrated(self._own[chosen]))
        truths, weights = torch.from_numpy(material.truths[chosen]), torch.from_numpy(material.weights[chosen])
        known = torch.isfinite(truths) & (weights > 0)
        target = torch.where(known, truths, own)
        each = functional.binary_cross_entropy_with_logits(z, target, reduction="none")
        said = torch.where(known, weights, 0.0)
        other = torch.where(known, 0.0, 1.0)
        loss = (each * said).sum() / said.sum().clamp_min(1e-6)
        loss = loss + settings.keep * (each * other).sum() / other.sum().clamp_min(1.0)
        pairs = zip(self.network.weights, self._shipped, strict=True)
        away = torch.stack([(one - two).square().sum() for one, two in pairs]).sum()
        return loss + away * (settings.anchor / 2)

    def _calibrated(self, logits: Tensor) -> Tensor:
        return logits / self._temperature + self._offset

    def _pictures(self, chosen: npt.NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(self._material.pictures[chosen].astype(np.float32))

    @torch.no_grad()
    def _answers(self, chosen: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Raw logits (n, findings) and distances (n) of pictures as they are."""
        logits, away = [], []
        for start in range(0, len(chosen), self._settings.batch):
            said = self.network(self._pictures(chosen[start : start + self._settings.batch]))
            logits.append(said["logits"])
            away.append(said["distance"][:, 0])
        return torch.cat(logits), torch.cat(away)

    def _inner_loss(self, logits: Tensor) -> float:
        truths = torch.from_numpy(self._material.truths[self._inner])
        weights = torch.from_numpy(self._material.weights[self._inner])
        known = torch.isfinite(truths) & (weights > 0)
        each = functional.binary_cross_entropy_with_logits(
            self._calibrated(logits), torch.nan_to_num(truths), reduction="none"
        )
        weights = torch.where(known, weights, 0.0)
        return float((each * weights).sum() / weights.sum())


def changed(pictures: Tensor, random: torch.Generator) -> Tensor:
    """(n, channels, side, side) standardised, each turned, enlarged, shifted and lit a little differently; none is
    mirrored."""
    count, side = len(pictures), pictures.shape[-1]
    angle = torch.deg2rad(uniform(count, -_DEGREES, _DEGREES, random))
    zoom = uniform(count, *_ZOOM, random)
    across, down = (uniform(count, -_SHIFT, _SHIFT, random) for _ in range(2))
    moved = warp(pictures, side, angle, zoom, zoom, across, down, padding="border")
    gains = torch.exp(uniform(count, -_BRIGHTNESS, _BRIGHTNESS, random))[:, None, None, None]
    return moved * gains + uniform(count, -_BRIGHTNESS, _BRIGHTNESS, random)[:, None, None, None]
