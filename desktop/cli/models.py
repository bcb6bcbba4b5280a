"""`selftest` and `models`: no store, no unlock."""

import argparse
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager

from desktop import workflow
from desktop.cli import site_fitting, teaching
from desktop.cli.output import Output, note
from desktop.cli.session import store_folder, unlocked
from desktop.jobs import Job


def selftest(arguments: argparse.Namespace, output: Output) -> None:
    """One line about this installation."""
    tested = workflow.self_test(workflow.load_models(), Job())
    output.failed = not tested.ok
    output.answer(
        {
            "ok": tested.ok,
            "sqlcipher": tested.sqlcipher,
            "sqlite": tested.sqlite,
            "providers": list(tested.providers),
            "qt": tested.qt,
            "models": [
                {
                    "name": model.name,
                    "version": model.version,
                    "sha256": model.sha256,
                    "ok": model.ok,
                    "max_difference": model.max_difference,
                }
                for model in tested.models
            ],
        }
    )


def models(arguments: argparse.Namespace, output: Output) -> None:
    """`models list | verify | train | evaluate | import | activate | rollback | fit-site | drop-site`."""
    _VERBS[arguments.verb](arguments, output)


def _list(arguments: argparse.Namespace, output: Output) -> None:
    registry = workflow.load_models()
    versions = workflow.model_versions()
    for card in workflow.installed_models(registry, output.translator.language):
        output.answer(
            {
                "name": card.name,
                "version": card.version,
                "sha256": card.sha256,
                "title": card.title,
                "limits": card.limits,
                "research": card.research,
                "site": site_fitting.site_lines(registry.get(card.name).site),
                "versions": [_version(one) for one in versions if one.name == card.name],
            }
        )
    listed = set(registry.names())
    for one in versions:
        if one.name not in listed:
            output.answer(_version(one))


def _verify(arguments: argparse.Namespace, output: Output) -> None:
    for result in workflow.self_test(workflow.load_models(), Job()).models:
        output.failed = output.failed or not result.ok
        output.answer(
            {
                "name": result.name,
                "version": result.version,
                "sha256": result.sha256,
                "ok": result.ok,
                "max_difference": result.max_difference,
            }
        )


def _train(arguments: argparse.Namespace, output: Output) -> None:
    record = workflow.train_model(
        arguments.name,
        arguments.data,
        arguments.out,
        Job(),
        note,
        resume=not arguments.fresh,
        search=arguments.search,
    )
    words = output.translator.text(
        "cli.trained",
        model=record.model,
        version=record.version,
        minutes=max(1, math.ceil(record.seconds / 60)),
        cases=record.films,
        people=record.patients,
    )
    output.answer(json.loads(record.to_json()), words)


def _evaluate(arguments: argparse.Namespace, output: Output) -> None:
    figures = workflow.evaluate_model(
        arguments.name, arguments.data, arguments.folder, Job(), note, study=arguments.study
    )
    output.answer(json.loads(figures.to_json()))


def _import(arguments: argparse.Namespace, output: Output) -> None:
    with _keeper(arguments, wanted=arguments.trust or arguments.trust_publisher) as keeper:
        brought = workflow.import_model(
            arguments.folder,
            Job(),
            keeper=keeper,
            vouch=keeper is not None,
            trust_publisher=arguments.trust_publisher,
        )
    tested = {"ok": brought.tested.ok, "max_difference": brought.tested.max_difference}
    output.answer(_version(brought.version) | {"sha256": brought.tested.sha256, "self_test": tested})


def _activate(arguments: argparse.Namespace, output: Output) -> None:
    with _keeper(arguments) as keeper:
        assert keeper is not None
        output.answer(
            _version(workflow.activate_model(arguments.name, Job(), keeper=keeper, version=arguments.version))
        )


def _roll_back(arguments: argparse.Namespace, output: Output) -> None:
    with _keeper(arguments) as keeper:
        assert keeper is not None
        version = workflow.roll_back_model(arguments.name, keeper=keeper)
    output.answer(_version(version) if version is not None else {"name": arguments.name, "in_use": False})


@contextmanager
def _keeper(arguments: argparse.Namespace, *, wanted: bool = True) -> Iterator[workflow.ShelfKeeper | None]:
    """Who answers for what changes: an administrator of the clinic on this PC, or of the one named; before there is
    one, whoever sets the PC up. Raises UserFacingError (unlock, permission)."""
    folder = store_folder(arguments)
    if not wanted:
        yield None
    elif workflow.clinic_exists(folder) or arguments.store is not None:
        with unlocked(arguments) as clinic:
            yield workflow.keeper_of(clinic)
    else:
        yield workflow.keeper_before_clinic(folder)


def _version(version: workflow.ModelVersion) -> dict[str, object]:
    return {
        "name": version.name,
        "version": version.version,
        "digest": version.digest,
        "trust": version.trust.value,
        "vouched": version.vouched,
        "since": version.since,
        "in_use": version.in_use,
    }


_VERBS = {
    "list": _list,
    "verify": _verify,
    "train": _train,
    "evaluate": _evaluate,
    "import": _import,
    "activate": _activate,
    "rollback": _roll_back,
    "fit-site": site_fitting.fit,
    "drop-site": site_fitting.drop,
    "tune": teaching.tune,
}
