"""What every kind of task offers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from desktop.inference.fields import Fields
from desktop.inference.manifest import Manifest
from desktop.inference.model import Model

M = TypeVar("M", bound=Manifest)


@dataclass(frozen=True)
class Task(Generic[M]):
    """A kind of task: how its manifest is read, and the model made of it and its folder."""

    read: Callable[[Fields], M]
    open: Callable[[M, Path], Model]
