"""The shelf: every model found by its manifest in the given folders. No code is ever loaded from there."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference.fields import ManifestError
from desktop.inference.manifest import MAX_MANIFEST_BYTES, parse_manifest
from desktop.inference.model import Model
from desktop.records import Picture

_log = logging.getLogger(__name__)

MANIFEST = "manifest.json"


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

    def fitting(self, picture: Picture) -> list[Model]:
        """The models meant for this kind of picture, by name."""
        modality = picture.header.modality
        return [model for name, model in sorted(self._models.items()) if modality in model.manifest.modalities]

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
    manifest = parse_manifest(data)
    if manifest.name != folder.name:
        raise ManifestError("name", "differs from the folder's name")
    return Model(manifest, folder)
