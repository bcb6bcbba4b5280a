"""What a training and an evaluation leave behind, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from desktop.errors import ErrorKind, KnownFailure
from desktop.inference.model import STUDY

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Json = Mapping[str, "Json"] | list["Json"] | str | int | float | bool | None
S = TypeVar("S", bound="DataclassInstance")


@dataclass(frozen=True)
class Tried:
    """Settings that were tried. loss: mean log-loss on people held out of the inner trainings. chosen: taken."""

    settings: Mapping[str, Json]
    loss: float
    chosen: bool


@dataclass(frozen=True)
class TrainingRecord:
    """One training run. settings, curves: as the recipe writes them. patient_marks: short hashes of the patients.
    tried: all settings that were tried, in order; none where they stood fixed."""

    model: str
    version: str
    sha256: str
    seed: int
    data_sha256: str
    films: int
    patients: int
    seconds: float
    threads: int
    software: Mapping[str, str]
    settings: Mapping[str, Json]
    curves: Mapping[str, Json]
    calibration: Mapping[str, Json]
    gate: Mapping[str, Json]
    patient_marks: tuple[str, ...]
    tried: tuple[Tried, ...] = ()

    def to_json(self) -> str:
        """Indented JSON, the marks on one line."""
        members = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return _dump(members | {"tried": [asdict(one) for one in self.tried]})


@dataclass(frozen=True)
class Study:
    """Comparators trained beside a model: other splits, less data, ablations. epochs: each network's. rows: a table."""

    data_sha256: str
    epochs: int
    rows: list[Json]

    def to_json(self) -> str:
        """Indented JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def files(self) -> dict[str, bytes]:
        """The file beside the model."""
        return {STUDY: self.to_json().encode()}

    @classmethod
    def read(cls, path: Path, data_sha256: str) -> "Study | None":
        """The study in a file; None where there is none, where it cannot be read, or where it is of other data."""
        try:
            study = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return study if study.data_sha256 == data_sha256 else None


@dataclass(frozen=True)
class EvaluationRecord:
    """The card's figures for one model on one folder of data. figures: as the recipe's evaluation names them.

    study: the comparators' rows, none where they were not measured on this data.
    """

    model: str
    version: str
    sha256: str
    data_sha256: str
    films: int
    figures: Mapping[str, Json]
    study: list[Json]

    def to_json(self) -> str:
        """One line of JSON."""
        members = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return json.dumps(members, ensure_ascii=False, allow_nan=False)


def _dump(document: Mapping[str, object]) -> str:
    members = [
        f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
        for name, value in document.items()
    ]
    return "{\n" + ",\n".join(members) + "\n}\n"


def training_document(model_folder: Path) -> Mapping[str, Any]:
    """The training record beside a model. Raises KnownFailure where it is missing or damaged."""
    try:
        document = json.loads((model_folder / "training.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KnownFailure("learning.no_record", kind=ErrorKind.NOT_FOUND, model=model_folder.name) from error
    if not isinstance(document, dict) or not {"settings", "patient_marks", "data_sha256"} <= document.keys():
        raise KnownFailure("learning.no_record", kind=ErrorKind.BAD_INPUT, model=model_folder.name)
    return document


def stated_settings(settings: "DataclassInstance") -> dict[str, Any]:
    """Settings as a training record states them."""
    stated: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    return stated


def settings_of(kind: type[S], stated: Mapping[str, Any]) -> S:
    """Settings from a training record; what it does not state was not yet a choice when it was written."""
    names = {field.name for field in fields(kind)} & stated.keys()
    return kind(**{name: tuple(stated[name]) if isinstance(stated[name], list) else stated[name] for name in names})
