"""What every kind of task offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.manifest import Manifest
from desktop.inference.preparation import Box, Prepared
from desktop.inference.subject import Subject
from desktop.records import Activation, Finding

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """A network's outputs in clinical words."""

    findings: tuple[Finding, ...]
    activations: tuple[Activation, ...]


@dataclass(frozen=True)
class Task:
    """prepare: (rows, columns) grey in 0..1 → input tensor and the part of the picture it shows. interpret: outputs by
    name, and that part → findings and maps."""

    prepare: Callable[[Manifest, FloatArray], Prepared]
    interpret: Callable[[Manifest, Mapping[str, FloatArray], Subject, Box], Answer]
