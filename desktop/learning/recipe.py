"""What every recipe offers."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from desktop.errors import ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.learning.records import EvaluationRecord, TrainingRecord

Say = Callable[[str], None]


class Recipe(Protocol):
    """How one model is made and measured. `say` gets one English line of progress at a time."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def research(self) -> bool:
        """Whether it makes a research pack."""

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """Train from scratch on the data folder and leave the model's files in `out`.

        Goes on after the last whole epoch where an earlier run was cut off, unless resume is False. Raises
        KnownFailure("learning.torch_missing") without PyTorch, UserFacingError for data that is not as it should be.
        """

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """Make the card's figures again for a trained model, and state them wherever the model is described.

        study: first train the comparators that the card prints (other splits, less data, ablations), going on after
        the last whole epoch where an earlier run was cut off. Only this needs PyTorch.
        """


@runtime_checkable
class Searching(Protocol):
    """A recipe that can choose its settings itself: among a handful, by inner parts of those it learns from; whoever is
    judged is judged by what was chosen without him."""

    def searching(self) -> Recipe:
        """The same recipe, choosing."""


def require_onnx() -> None:
    """Raises KnownFailure where the package that writes graphs is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise KnownFailure("learning.onnx_missing", kind=ErrorKind.NOT_FOUND) from error
    del onnx


def require_torch() -> None:
    """Raises KnownFailure where PyTorch or the exporter is not installed."""
    try:
        import onnx
        import onnxscript
        import torch
    except ImportError as error:
        raise KnownFailure("learning.torch_missing", kind=ErrorKind.NOT_FOUND) from error
    del onnx, onnxscript, torch
