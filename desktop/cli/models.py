"""`analyse`, `selftest` and `models`: no store, no unlock."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop import workflow
from desktop.cli.output import Output, note
from desktop.cli.session import milliseconds_since
from desktop.errors import UserFacingError, from_os_error
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Analysis, AnalysisStatus, Finding, Sex


@dataclass(frozen=True)
class AnalyseInput:
    """One file to analyse, and what is known of the patient beside it. failure: the line made no sense."""

    file: str
    age_years: float | None = None
    sex: Sex | None = None
    failure: UserFacingError | None = None


def analyse(arguments: argparse.Namespace, output: Output) -> None:
    """Answer each file in order, each answer before the next input is needed."""
    registry = workflow.load_models()
    if arguments.model is not None:
        workflow.model_card(registry, arguments.model, Language.ENGLISH)
    if arguments.masks is not None:
        try:
            arguments.masks.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error) from error
    job = Job()
    for one in _inputs(arguments):
        started = time.perf_counter()
        if one.failure is not None:
            output.failed = True
            output.answer(_error_line(one.file, arguments.model, one.failure, output, started))
            continue
        answers = workflow.analyse_file(
            registry, job, Path(one.file), model=arguments.model, age_years=one.age_years, sex=one.sex
        )
        for answer in answers:
            output.answer(_analysis_line(one.file, answer, output, started))
            started = time.perf_counter()


def _inputs(arguments: argparse.Namespace) -> Iterator[AnalyseInput]:
    sex = Sex(arguments.sex) if arguments.sex else None
    if not arguments.batch:
        for file in arguments.files:
            yield AnalyseInput(file, arguments.age_years, sex)
        return
    for line in sys.stdin:
        yield parse_batch_line(line.rstrip("\r\n"), arguments.age_years, sex)


def parse_batch_line(text: str, age_years: float | None, sex: Sex | None) -> AnalyseInput:
    """A path, or `{"file", "age_years"?, "sex"?}`; what the line says overrides the command's options."""
    if not text.strip():
        return AnalyseInput(text, failure=UserFacingError("cli.blank_line"))
    if not text.lstrip().startswith("{"):
        return AnalyseInput(text, age_years, sex)
    try:
        line = json.loads(text)
        file = line["file"]
        age = line.get("age_years")
        said = line.get("sex")
        if not isinstance(file, str) or isinstance(age, bool) or not isinstance(age, int | float | None):
            raise ValueError
        if age is not None and not 0 <= age <= 150:
            raise ValueError
        return AnalyseInput(file, age_years if age is None else float(age), Sex(said) if said else sex)
    except (ValueError, KeyError, TypeError, AttributeError):
        return AnalyseInput("", failure=UserFacingError("cli.bad_batch_line"))


def _analysis_line(file: str, answer: workflow.FileAnalysis, output: Output, started: float) -> dict[str, object]:
    if answer.analysis is None:
        failure = answer.failure or UserFacingError("workflow.no_fitting_model")
        if failure.key == "workflow.no_fitting_model":
            line = _error_line(file, None, failure, output, started)
            line["status"] = AnalysisStatus.REFUSED.value
            return line
        output.failed = True
        line = _error_line(file, answer.model.name if answer.model else None, failure, output, started)
        if answer.model is not None:
            line |= {"version": answer.model.version, "sha256": answer.model.sha256}
        return line
    return {"file": file} | analysis_keys(answer.analysis, output) | {"milliseconds": milliseconds_since(started)}


def analysis_keys(analysis: Analysis, output: Output) -> dict[str, object]:
    """What the contract of `analyse` says of one model's answer, without the file."""
    provenance = analysis.provenance
    if analysis.status is AnalysisStatus.ERROR:
        output.failed = True
    return {
        "status": analysis.status.value,
        "reason": _sentence(analysis.reason, output),
        "model": provenance.model,
        "version": provenance.version,
        "sha256": provenance.sha256,
        "device": provenance.device,
        "quality": {
            "ok": analysis.quality.ok,
            "problems": [problem.key for problem in analysis.quality.problems],
        },
        "findings": [_finding(finding, output) for finding in analysis.findings],
        "beats": [],
        "episodes": [],
        "boxes": [],
        "counts": {},
        "masks": [],
        "milliseconds": round(provenance.milliseconds, 3),
    }


def _finding(finding: Finding, output: Output) -> dict[str, object]:
    return {
        "key": finding.key,
        "name": finding.name,
        "codings": [
            {"system": coding.system, "code": coding.code, "display": coding.display} for coding in finding.codings
        ],
        "probability": finding.probability,
        "decision": finding.decision.value,
        "reason": _sentence(finding.reason, output),
    }


def _sentence(key: str, output: Output) -> str | None:
    return output.translator.text(key) if key else None


def _error_line(
    file: str, model: str | None, failure: UserFacingError, output: Output, started: float
) -> dict[str, object]:
    return {
        "file": file,
        "status": AnalysisStatus.ERROR.value,
        "reason": output.reason(failure),
        "model": model,
        "version": None,
        "sha256": None,
        "device": None,
        "quality": {"ok": None, "problems": []},
        "findings": [],
        "beats": [],
        "episodes": [],
        "boxes": [],
        "counts": {},
        "masks": [],
        "milliseconds": milliseconds_since(started),
    }


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
