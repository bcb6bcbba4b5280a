"""Ridge regression on many measured numbers: the simple method beside a network, and the thumbnail's. numpy only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# What hardly differs from picture to picture (a masked corner) must not be made much of.
_LEAST_SPREAD = 1e-2


@dataclass(frozen=True, eq=False)
class Line:
    """Logits = numbers @ weights + bias. weights: (numbers,)."""

    weights: Floats
    bias: float

    def scores(self, numbers: Floats) -> Floats:
        """(n,) of (n, numbers)."""
        return np.asarray(numbers @ self.weights + self.bias)


@dataclass(frozen=True, eq=False)
class Components:
    """The directions in which pictures differ most. mean, spread: (numbers,). axes: (numbers, components), scaled so
    that a picture's places have variance 1 in the mean over the components."""

    mean: Floats
    spread: Floats
    axes: Floats

    def places(self, numbers: Floats) -> Floats:
        """(n, components) of (n, numbers)."""
        return np.asarray(((numbers - self.mean) / self.spread) @ self.axes)


def components_of(numbers: Floats, count: int) -> Components:
    """At most `count` principal components of standardised numbers (n, numbers)."""
    mean, spread = numbers.mean(axis=0), np.maximum(numbers.std(axis=0), _LEAST_SPREAD)
    values = (numbers - mean) / spread
    # By way of the pictures' products with one another: there are fewer pictures than numbers.
    heights, vectors = np.linalg.eigh(values @ values.T)
    kept = np.argsort(heights)[::-1][: min(count, len(values) - 1)]
    lengths = np.sqrt(np.maximum(heights[kept], 1e-9))
    axes = values.T @ (vectors[:, kept] / lengths)
    usual = np.sqrt(np.mean(heights[kept]) / len(values))
    return Components(mean, spread, axes / usual)


def fit(components: Components, numbers: Floats, labels: Bools, ridge: float, weights: Floats | None = None) -> Line:
    """Logistic regression with a penalty on the components, those with and without the finding weighing the same
    together. weights: (n). Raises ValueError where a class is missing."""
    if labels.all() or not labels.any():
        raise ValueError("a regression needs both classes")
    places = np.column_stack([components.places(numbers), np.ones(len(numbers))])
    counted = np.ones(len(labels)) if weights is None else weights
    counted = counted * np.where(labels, 0.5 / counted[labels].sum(), 0.5 / counted[~labels].sum()) * len(labels)
    penalty = np.full(places.shape[1], ridge)
    penalty[-1] = 1e-6
    found = np.zeros(places.shape[1])
    for _ in range(30):
        said = 1 / (1 + np.exp(-np.clip(places @ found, -30, 30)))
        gradient = places.T @ (counted * (said - labels)) + penalty * found
        hessian = (places * (counted * said * (1 - said))[:, None]).T @ places + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        found -= step * min(1.0, 2.0 / float(np.abs(step).max() + 1e-12))
        if float(np.abs(step).max()) < 1e-6:
            break
    line = (components.axes @ found[:-1]) / components.spread
    return Line(line, float(found[-1] - components.mean @ line))
