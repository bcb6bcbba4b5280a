"""The models on this PC: what they are, training them again, and re-making their cards' figures."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.i18n import Language
from desktop.inference import Library, Model, Registry, TableModel
from desktop.jobs import Job
from desktop.learning import RECIPES, EvaluationRecord, Recipe, Searching, TrainingRecord
from desktop.learning.comparisons import Compared as Compared
from desktop.learning.comparisons import read_comparisons
from desktop.learning.runs import LossCurve as LossCurve
from desktop.learning.runs import TrainingRun as TrainingRun
from desktop.learning.runs import TriedSettings as TriedSettings
from desktop.learning.runs import read_run
from desktop.records import Changes
from desktop.settings import default_places, model_folder
from desktop.workflow.clinic import open_to_all

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelCard:
    """One model as window and command line show it. limits: short, in the language asked for; withheld: names of the
    findings of which it decides nothing for some people, or for all. card: Markdown.

    in_window: a screen asks it; the others only answer who names them. kept: its answers are kept with examinations.
    research: never asked unless someone asked for it. training: how it was trained; None where no record that can be
    read lies beside it. compared: with simpler models, with less to learn from, with spoilt recordings.
    """

    name: str
    version: str
    sha256: str
    title: str
    limits: str
    withheld: tuple[str, ...]
    card: str
    in_window: bool
    kept: bool
    research: bool
    training: TrainingRun | None = None
    compared: tuple[Compared, ...] = ()


@open_to_all
def load_models(library: Library | None = None) -> Registry:
    """The bundled models, and those trained on this PC or brought to it, by their manifests; weights are read when a
    model is first asked. library: this PC's own unless another is given."""
    return Registry.load([model_folder()], library or own_library())


@dataclass(frozen=True)
class Followed:
    """Names of the models that another program changed."""

    names: tuple[str, ...]
    changes: Changes


@open_to_all
def follow_models(models: Registry) -> Followed:
    """Use what another program, such as the command line, put into use, fitted or took back meanwhile."""
    names = models.follow()
    return Followed(names, Changes(models=bool(names)))


@open_to_all
def own_library() -> Library:
    """The models that came to this PC after the program did."""
    return library_in(default_places().models)


@open_to_all
def library_in(folder: Path) -> Library:
    """Such models in a folder of their own."""
    return Library(folder)


@open_to_all
def installed_models(models: Registry, language: Language) -> tuple[ModelCard, ...]:
    """Every model's card."""
    return tuple(model_card(models, name, language) for name in models.names())


@open_to_all
def model_card(models: Registry, name: str, language: Language) -> ModelCard:
    """One model's card. Raises UserFacingError (not_found)."""
    model = models.get(name)
    return ModelCard(
        name=model.name,
        version=model.version,
        sha256=model.sha256,
        title=model.title(language),
        limits=model.limits(language),
        withheld=tuple(model.finding_name(key, language) for key in model.withheld),
        card=model.card_text(),
        in_window=models.asks(name),
        kept=not isinstance(model, TableModel),
        research=model.research,
        training=_training_of(model),
        compared=_compared_with(model),
    )


def _compared_with(model: Model) -> tuple[Compared, ...]:
    try:
        return read_comparisons(model.name, model.training_text(), model.study_text())
    except KnownFailure as failure:
        _log.warning("what a model was compared with cannot be shown: %s", failure.key)
        return ()


def _training_of(model: Model) -> TrainingRun | None:
    try:
        text = model.training_text()
        return read_run(model.name, text) if text else None
    except KnownFailure as failure:
        _log.warning("the record of a training cannot be shown: %s", failure.key)
        return None


@open_to_all
def train_model(
    name: str,
    data: Path,
    out: Path | None,
    job: Job,
    say: Callable[[str], None],
    *,
    resume: bool = True,
    search: bool = False,
) -> TrainingRecord:
    """Train a model from its recipe. out: where the model's folder is written, else where the bundled one lies; that
    of a research pack among the models of this PC. search: it first chooses its settings itself.

    Raises UserFacingError: no such recipe, one that has nothing to choose, data missing, torch missing.
    """
    recipe = _recipe(name)
    if search:
        if not isinstance(recipe, Searching):
            able = ", ".join(one for one in RECIPES if isinstance(_recipe(one), Searching))
            raise UserFacingError("workflow.nothing_to_search", model=name, known=able)
        recipe = recipe.searching()
    return recipe.train(data, out or _folder_of(recipe), job, say, resume=resume)


@open_to_all
def evaluate_model(
    name: str, data: Path, folder: Path | None, job: Job, say: Callable[[str], None], *, study: bool = False
) -> EvaluationRecord:
    """Re-make the figures of a model's card. study: also those of the comparators, which takes a training's time.

    Raises UserFacingError: no such recipe, data missing, no training record, torch missing (for a study).
    """
    recipe = _recipe(name)
    return recipe.evaluate(data, folder or _folder_of(recipe), job, say, study=study)


def _folder_of(recipe: Recipe) -> Path:
    """Where a model lies that was made by a recipe."""
    return (own_library().trained if recipe.research else model_folder()) / recipe.name


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise UserFacingError("workflow.no_such_recipe", kind=ErrorKind.NOT_FOUND, known=", ".join(RECIPES))
    return RECIPES[name]()
