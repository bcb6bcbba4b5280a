"""The shelf: every model found by its manifest in the given folders. No code is ever loaded from there."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference.detection_model import DetectionModel
from desktop.inference.fields import ManifestError
from desktop.inference.fundus_model import FundusModel
from desktop.inference.library import MANIFEST as MANIFEST
from desktop.inference.library import Library, read_manifest
from desktop.inference.manifest import Manifest, document_of
from desktop.inference.model import Model
from desktop.inference.picture_model import PictureModel
from desktop.inference.site import SiteFile, SiteThresholds, SiteUse, fitted_manifest
from desktop.inference.table_model import TableModel
from desktop.inference.table_row import Row
from desktop.inference.tasks import TASKS
from desktop.inference.tasks.rhythm import RhythmManifest
from desktop.inference.trace_manifest import WantedLeads
from desktop.inference.trace_model import TraceModel
from desktop.inference.trusted import digest_of
from desktop.records import Picture, Recording

_log = logging.getLogger(__name__)

LookingModel = PictureModel | DetectionModel | FundusModel
"""A model that is asked about one picture."""
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class DamagedModel:
    """A folder with a manifest that cannot be used. where: the place in the manifest, or the failure's key."""

    name: str
    where: str


class Registry:
    """Models by name. One that came with the program gives way to a version brought here that is in use."""

    def __init__(
        self, models: Sequence[Model], damaged: Sequence[DamagedModel] = (), switched_on: frozenset[str] = frozenset()
    ) -> None:
        """The first of two models with one name is kept: folders are given in order of trust. switched_on: names of
        the research packs that are asked without being named."""
        self._models: dict[str, Model] = {}
        for model in models:
            self._models.setdefault(model.name, model)
        self.damaged = tuple(damaged)
        self._switched_on = switched_on
        self._sources: tuple[tuple[Path, ...], Library | None] = ((), None)
        self._mark: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def load(cls, folders: Sequence[Path], library: Library | None = None) -> "Registry":
        """Read the manifests of all sub-folders, and of what was brought to this PC. A damaged one is set aside; the
        others stay usable."""
        models: list[Model] = []
        damaged: list[DamagedModel] = []
        switched_on: set[str] = set()
        mark = library.mark() if library is not None else ()
        kept, unreadable = _kept_thresholds(library)
        for folder, digest in _places(folders, library, damaged):
            try:
                models.append(read_model(folder, digest, kept))
                if unreadable:
                    models[-1].site = SiteUse(damaged=True)
            except ManifestError as error:
                _log.error("a model's manifest is wrong at %s", error.where or "its top level")
                damaged.append(DamagedModel(folder.name, error.where))
            except UserFacingError as error:
                _log.error("a model cannot be used: %s", error.key)
                damaged.append(DamagedModel(folder.name, error.key))
            else:
                switched_on |= {folder.name} if digest is not None else set()
        registry = cls(models, damaged, frozenset(switched_on))
        registry._sources, registry._mark = (tuple(folders), library), mark
        return registry

    def refresh(self) -> None:
        """Read everything again after a version was chosen; who holds this registry asks the new one from now on."""
        fresh, before = Registry.load(*self._sources), self._models
        self._mark = fresh._mark
        self._models, self.damaged, self._switched_on = fresh._models, fresh.damaged, fresh._switched_on
        for model in before.values():
            model.close()

    def follow(self) -> tuple[str, ...]:
        """Read everything again where another program, such as the command line, changed what is in use; names of the
        models that are now another version, decide otherwise, came or went. A few looks at the folder, no more, while
        nothing changed. Where models are asked: it lets go of those that are no longer in use."""
        library = self._sources[1]
        if library is None or library.mark() == self._mark:
            return ()
        before = self._in_use()
        self.refresh()
        after = self._in_use()
        return tuple(sorted(name for name in before | after if before.get(name) != after.get(name)))

    def _in_use(self) -> dict[str, tuple[str, str, SiteUse, bool]]:
        """What tells one state of a model from another, by its name."""
        return {
            name: (model.version, model.sha256, model.site, self.asks(name)) for name, model in self._models.items()
        }

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

    def asks(self, name: str) -> bool:
        """Whether the model with this name is asked without being named. Raises as `get`."""
        return not self.get(name).research or name in self._switched_on

    def picture_model(self, name: str) -> PictureModel:
        """The model with this name, which must be one that looks at pictures. Raises as `get`, and UserFacingError for
        one of another kind."""
        return _looking(self.get(name))

    def looking_model(self, name: str) -> LookingModel:
        """As `picture_model`, detectors and models of retinas too."""
        model = self.get(name)
        return model if isinstance(model, DetectionModel | FundusModel) else _looking(model)

    def fitting(self, picture: Picture) -> list[LookingModel]:
        """The models meant for this kind of picture, by name.

        Where a manifest describes the very picture, models that only name its modality are asked too, but for those
        whose plain limits it is beyond: a red cell in colour is no bad chest film. What is seen to be a retina goes to
        models of retinas alone: others know it by its size and colour only.
        """
        fitting: list[LookingModel] = [
            model for model in self._asked() if isinstance(model, LookingModel) and model.fits(picture)
        ]
        if retinal := [model for model in fitting if isinstance(model, FundusModel)]:
            return list(retinal)
        if all(model.manifest.kind is None for model in fitting):
            return fitting
        return [model for model in fitting if not isinstance(model, PictureModel) or _is_for(model, picture)]

    def trace_model(self, name: str) -> TraceModel[Any]:
        """The model with this name, which must be one that reads traces. Raises as `get`, and UserFacingError for one
        of another kind."""
        return _tracing(self.get(name))

    def fitting_trace(self, recording: Recording) -> list[TraceModel[Any]]:
        """The models that want all the standard leads where they are there, else those that read any lead, by name."""
        tracing = [model for model in self._asked() if isinstance(model, TraceModel)]
        fitting = [model for model in tracing if model.fits(recording)]
        twelve = [model for model in fitting if model.manifest.range.leads is WantedLeads.STANDARD_12]
        return twelve or fitting

    def table_model(self, name: str) -> TableModel:
        """The model with this name, which must be one that reads rows. Raises as `get`, and UserFacingError for one of
        another kind."""
        return _reading(self.get(name))

    def table_models(self) -> list[TableModel]:
        """The models that read rows and are asked without being named, by name."""
        return [model for model in self._asked() if isinstance(model, TableModel)]

    def fitting_row(self, row: Row) -> list[TableModel]:
        """The model made for rows of these columns; none where several know all that was given."""
        found = [model for model in self.table_models() if model.fits(row)]
        return found if len(found) == 1 else []

    def _asked(self) -> list[Model]:
        """The models that are asked without being named, by name: no research pack that nobody switched on."""
        return [model for name, model in sorted(self._models.items()) if self.asks(name)]

    def close(self) -> None:
        """Let go of every session."""
        for model in self._models.values():
            model.close()


def made_for_age(models: Sequence[M], years: float | None) -> list[M]:
    """Of models that fit one picture, those to be asked about someone of this age: where some are made for it, no
    others that are made for another age. Where none is, or nobody knows the age, all of them: each says why it cannot
    tell."""
    aged = {model.name: model.manifest.ages for model in models if isinstance(model, PictureModel)}
    right = {name for name, ages in aged.items() if ages is not None and years is not None and ages.contains(years)}
    return [model for model in models if not right or aged.get(model.name) is None or model.name in right]


def _kept_thresholds(library: Library | None) -> tuple[tuple[SiteThresholds, ...], bool]:
    """Thresholds fitted to this clinic, and whether what was kept of them cannot be read."""
    if library is None:
        return (), False
    try:
        return SiteFile(library.root).read(), False
    except KnownFailure as error:
        _log.error("thresholds of this clinic are not used: %s", error.key)
        return (), True


def takes_site(model: Model) -> bool:
    """Whether a clinic's own thresholds can decide for a model: its answers are kept with the cases they are about, and
    a probability decides. What a model only counts, nobody says the truth of."""
    if isinstance(model, DetectionModel):
        return bool(model.findings)
    return isinstance(model, PictureModel | FundusModel | TraceModel)


def site_rule(model: Model) -> str:
    """Slug of the rule by which a model decides less often than its thresholds would; empty where it has none. What the
    thresholds promise holds: the rule only ever turns an answer into "cannot say"."""
    if isinstance(model, TraceModel) and isinstance(model.manifest, RhythmManifest):
        return "one_rhythm"
    return "grade" if isinstance(model, DetectionModel) and model.findings else ""


def read_model(folder: Path, digest: str | None = None, kept: Sequence[SiteThresholds] = ()) -> Model:
    """The model in a folder. digest: of its manifest, where that is known. kept: thresholds fitted to this clinic.

    Raises ManifestError, KnownFailure (an unreadable file, another manifest, a task of a newer release).
    """
    try:
        data = read_manifest(folder)
    except KnownFailure as error:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name) from error
    if digest is not None and digest_of(data) != digest:
        raise KnownFailure("inference.manifest_changed", kind=ErrorKind.IO, model=folder.name)
    fields = document_of(data)
    if fields.text("name") != folder.name:
        raise ManifestError("name", "differs from the folder's name")
    task = TASKS.get(fields.text("task"))
    if task is None:
        raise KnownFailure("inference.model_too_new", kind=ErrorKind.BAD_INPUT, model=folder.name)
    manifest = task.read(fields)
    model: Model = task.open(manifest, folder)
    if not any(one.model == manifest.name for one in kept) or not takes_site(model):
        return model
    fitted, use = fitted_manifest(manifest, kept)
    model = task.open(fitted, folder)
    model.site = use
    return model


def _places(
    folders: Sequence[Path], library: Library | None, damaged: list[DamagedModel]
) -> list[tuple[Path, str | None]]:
    """Folders of models in order of trust, with the digest of the manifest where it is known: what was brought and is
    in use, what came with the program, what was trained here."""
    places: list[tuple[Path, str | None]] = []
    if library is not None:
        try:
            shelf = library.shelf()
        except KnownFailure as error:
            _log.error("what was brought to this computer is not used: %s", error.key)
            damaged.append(DamagedModel(library.root.name, error.key))
        else:
            used = [kept for name in sorted(shelf.chosen) if (kept := shelf.in_use(name)) is not None]
            places += [(library.folder_of(kept), kept.digest) for kept in used]
    roots = [*folders, *([library.trained] if library is not None else [])]
    return places + [(path.parent, None) for root in roots for path in sorted(root.glob(f"*/{MANIFEST}"))]


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


def _is_for(model: PictureModel, picture: Picture) -> bool:
    """Whether a manifest describes the very picture, or at least its plain limits allow it."""
    return model.manifest.kind is not None or model.bears(picture)


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
