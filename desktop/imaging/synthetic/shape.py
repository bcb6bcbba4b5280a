"""The blurred overall look of a child's chest film, as a mean and a few ways to vary: a low-rank (principal component)
model fitted on normal films by `fit.py`.

It knows a film at 72 x 88 pixels, blurred, and varies it in 28 directions shared by 434 children: too little to hold
anybody's film. Measured on 60 drawn films, brought to mean 0 and length 1 at that size (tests/imaging/test_synthetic.py
measures again where the films are there): the nearest film of a child lies 0.38 to 0.50 away, while the most alike two
children are 0.34 apart; and the nearest child is never nearer than 0.85 of the second nearest (children among
themselves: down to 0.76), so no drawn film follows one child.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.i18n.catalogue import resource_folder

ROWS, COLUMNS, DIRECTIONS = 72, 88, 28
FloatArray = npt.NDArray[np.float32]

_RESTRAINT = 0.8
_FARTHEST = 1.8


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """mean: (ROWS, COLUMNS) grey in 0..1, bright = dense. directions: (DIRECTIONS, ROWS, COLUMNS), each scaled to one
    standard deviation over the films."""

    mean: FloatArray
    directions: FloatArray

    def draw(self, random: np.random.Generator) -> FloatArray:
        """A new blurred film: (ROWS, COLUMNS) float32. Draws keep somewhat nearer to the mean than children do."""
        weights = np.clip(random.normal(0.0, _RESTRAINT, DIRECTIONS), -_FARTHEST, _FARTHEST).astype(np.float32)
        return self.mean + np.tensordot(weights, self.directions, axes=1)


def save(mean: FloatArray, directions: FloatArray, path: Path) -> None:
    """Keep a model in 8 bits a value with one scale per direction. The same model gives the same bytes."""
    scales = np.abs(directions).max(axis=(1, 2)) / 127
    np.savez_compressed(
        path,
        mean=np.rint(np.clip(mean, 0, 1) * 255).astype(np.uint8),
        directions=np.rint(directions / scales[:, None, None]).astype(np.int8),
        scales=scales.astype(np.float32),
    )


@cache
def shape_model() -> ShapeModel:
    """The fitted model that comes with the program."""
    with np.load(resource_folder() / "demo" / "film_shape.npz", allow_pickle=False) as packed:
        return ShapeModel(
            mean=packed["mean"].astype(np.float32) / 255,
            directions=packed["directions"] * packed["scales"][:, None, None],
        )
