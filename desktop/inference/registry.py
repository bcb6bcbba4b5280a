"""The shelf: every model found by its manifest in the given folders. No code is ever loaded from there."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference.detection_model import DetectionModel
from desktop.inference.fields import ManifestError
from desktop.inference.manifest import MAX_MANIFEST_BYTES, Manifest, document_of
from desktop.inference.model import Model
from desktop.inference.picture_model import PictureModel
from desktop.inference.table_model import TableModel
from desktop.inference.table_row import Row
from desktop.inference.tasks import TASKS
from desktop.inference.trace_manifest import WantedLeads
from desktop.inference.trace_model import TraceModel
from desktop.records import Picture, Recording

_log = logging.getLogger(__name__)

MANIFEST = "manifest.json"

LookingModel = PictureModel | DetectionModel
"""A model that is asked about one picture."""


@dataclass(frozen=True)
class DamagedModel:
    """A folder with a manifest that cannot be used. where: the place in the manifest, or the failure's key."""

    name: str
    where: str


class Registry:
    """Models by name."""

    def __init__(self, models: Sequence[Model], damaged: Sequence[DamagedModel] = ()) -> None:
        """The first of two models with one name is kept: folders are given in order of trust."""
        self._models: dict[str, Model] = {}
        for model in models:
            self._models.setdefault(model.name, model)
        self.damaged = tuple(damaged)

    @classmethod
    def load(cls, folders: Sequence[Path]) -> "Registry":
        """Read the manifests of all sub-folders. A damaged one is set aside; the others stay usable."""
        models: list[Model] = []
        damaged: list[DamagedModel] = []
        for folder in folders:
            for path in sorted(folder.glob(f"*/{MANIFEST}")):
                try:
                    models.append(read_model(path.parent))
                except ManifestError as error:
                    _log.error("a model's manifest is wrong at %s", error.where or "its top level")
                    damaged.append(DamagedModel(path.parent.name, error.where))
                except UserFacingError as error:
                    _log.error("a model cannot be used: %s", error.key)
                    damaged.append(DamagedModel(path.parent.name, error.key))
        return cls(models, damaged)

    def names(self) -> tuple[str, ...]:
        """Names of the usable models, sorted."""
        return tuple(sorted(self._models))

    def get(self, name: str) -> Model:
        """The model with this name. Raises UserFacingError for an unknown one, KnownFailure for a damaged one."""
        model = self._models.get(name)
        if model is not None:
            return model
        if any(item.name == name for item in self.damaged):
            raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=name)
        raise UserFacingError("inference.no_such_model", kind=ErrorKind.NOT_FOUND, model=name)

    def picture_model(self, name: str) -> PictureModel:
        """The model with this name, which must be one that looks at pictures. Raises as `get`, and UserFacingError for
        one of another kind."""
        return _looking(self.get(name))

    def looking_model(self, name: str) -> LookingModel:
        """As `picture_model`, detectors too."""
        model = self.get(name)
        return model if isinstance(model, DetectionModel) else _looking(model)

    def fitting(self, picture: Picture) -> list[LookingModel]:
        """The models meant for this kind of picture, by name.

        Where a manifest describes the very picture, models that only name its modality are asked too, but for those
        whose plain limits it is beyond: a red cell in colour is no bad chest film.
        """
        fitting: list[LookingModel] = [
            model
            for _, model in sorted(self._models.items())
            if isinstance(model, PictureModel | DetectionModel) and model.fits(picture)
        ]
        if all(model.manifest.kind is None for model in fitting):
            return fitting
        return [model for model in fitting if model.manifest.kind is not None or model.bears(picture)]

    def trace_model(self, name: str) -> TraceModel[Any]:
        """The model with this name, which must be one that reads traces. Raises as `get`, and UserFacingError for one
        of another kind."""
        return _tracing(self.get(name))

    def fitting_trace(self, recording: Recording) -> list[TraceModel[Any]]:
        """The models that want all the standard leads where they are there, else those that read any lead, by name."""
        tracing = [model for _, model in sorted(self._models.items()) if isinstance(model, TraceModel)]
        fitting = [model for model in tracing if model.fits(recording)]
        twelve = [model for model in fitting if model.manifest.range.leads is WantedLeads.STANDARD_12]
        return twelve or fitting

    def table_model(self, name: str) -> TableModel:
        """The model with this name, which must be one that reads rows. Raises as `get`, and UserFacingError for one of
        another kind."""
        return _reading(self.get(name))

    def fitting_row(self, row: Row) -> list[TableModel]:
        """The model made for rows of these columns; none where several know all that was given."""
        reading = [model for _, model in sorted(self._models.items()) if isinstance(model, TableModel)]
        found = [model for model in reading if model.fits(row)]
        return found if len(found) == 1 else []

    def close(self) -> None:
        """Let go of every session."""
        for model in self._models.values():
            model.close()


def read_model(folder: Path) -> Model:
    """The model in a folder. Raises ManifestError, KnownFailure (an unreadable file, a task of a newer release)."""
    try:
        with (folder / MANIFEST).open("rb") as stream:
            data = stream.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name) from error
    fields = document_of(data)
    if fields.text("name") != folder.name:
        raise ManifestError("name", "differs from the folder's name")
    task = TASKS.get(fields.text("task"))
    if task is None:
        raise KnownFailure("inference.model_too_new", kind=ErrorKind.BAD_INPUT, model=folder.name)
    return task.open(task.read(fields), folder)


def read_picture_model(folder: Path) -> PictureModel:
    """The model in a folder, which must be one that looks at pictures. Raises as `read_model`, and UserFacingError."""
    return _looking(read_model(folder))


def read_table_model(folder: Path) -> TableModel:
    """The model in a folder, which must be one that reads rows. Raises as `read_model`, and UserFacingError."""
    return _reading(read_model(folder))


def read_trace_model(folder: Path) -> TraceModel[Any]:
    """The model in a folder, which must be one that reads traces. Raises as `read_model`, and UserFacingError."""
    return _tracing(read_model(folder))


def _tracing(model: Model) -> TraceModel[Any]:
    if not isinstance(model, TraceModel):
        raise UserFacingError("inference.not_for_traces", model=model.name)
    return model


def _reading(model: Model) -> TableModel:
    if not isinstance(model, TableModel):
        raise UserFacingError("inference.not_for_tables", model=model.name)
    return model


def _looking(model: Model) -> PictureModel:
    if not isinstance(model, PictureModel):
        raise UserFacingError("inference.not_for_pictures", model=model.name)
    return model


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in a JSON document. Raises ManifestError, naming the place, for whatever does not hold, and for a
    kind of task this release does not know."""
    fields = document_of(data)
    task = TASKS.get(fields.text("task"))
    if task is None:
        raise ManifestError("task", "this release does not know this kind of task")
    manifest: Manifest = task.read(fields)
    return manifest
