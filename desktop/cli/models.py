"""`selftest` and `models`: no store, no unlock."""

import argparse
import json

from desktop import workflow
from desktop.cli.output import Output, note
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
    """`models list | verify | train | evaluate`."""
    registry = workflow.load_models()
    if arguments.verb == "list":
        for card in workflow.installed_models(registry, output.translator.language):
            output.answer(
                {
                    "name": card.name,
                    "version": card.version,
                    "sha256": card.sha256,
                    "title": card.title,
                    "limits": card.limits,
                    "research": card.research,
                }
            )
    elif arguments.verb == "verify":
        for result in workflow.self_test(registry, Job()).models:
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
    elif arguments.verb == "train":
        record = workflow.train_model(
            arguments.name, arguments.data, arguments.out, Job(), note, resume=not arguments.fresh
        )
        output.answer(json.loads(record.to_json()))
    else:
        figures = workflow.evaluate_model(
            arguments.name, arguments.data, arguments.folder, Job(), note, study=arguments.study
        )
        output.answer(json.loads(figures.to_json()))
