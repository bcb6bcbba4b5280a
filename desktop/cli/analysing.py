"""`analyse`: no store, no unlock; nothing is kept."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.session import milliseconds_since
from desktop.errors import KnownFailure, UserFacingError, from_os_error
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Analysis, AnalysisStatus, DetectedBox, Finding, Sex

# Readable, but not for the model that was asked: no error.
_NOT_ITS_KIND = frozenset(
    {
        "workflow.no_fitting_model",
        "inference.not_for_pictures",
        "inference.not_for_tables",
        "inference.not_for_traces",
        "inference.unknown_column",
        "intake.not_an_image_of_this_kind",
    }
)


@dataclass(frozen=True)
class AnalyseInput:
    """One file, or one row of values, to analyse, and what is known of the patient beside a file.

    said: how the answer names it. failure: the line made no sense.
    """

    said: Mapping[str, object]
    file: str = ""
    row: Mapping[str, float | str | None] | None = None
    age_years: float | None = None
    sex: Sex | None = None
    failure: UserFacingError | None = field(default=None)


def analyse(arguments: argparse.Namespace, output: Output) -> None:
    """Answer each input in order, each answer before the next one is needed."""
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
            output.answer(_error_line(one.said, arguments.model, one.failure, output, started))
            continue
        if one.row is not None:
            answers = workflow.analyse_row(registry, job, one.row, model=arguments.model, sex=one.sex)
        else:
            answers = workflow.analyse_file(
                registry, job, Path(one.file), model=arguments.model, age_years=one.age_years, sex=one.sex
            )
        for answer in answers:
            output.answer(_answered(one, answer, arguments.masks, output, started))
            started = time.perf_counter()


def _answered(
    one: AnalyseInput, answer: workflow.FileAnalysis, folder: Path | None, output: Output, started: float
) -> dict[str, object]:
    """The line of one answer; its masks are written before."""
    masks: tuple[str, ...] = ()
    if folder is not None and answer.analysis is not None and one.file:
        try:
            masks = tuple(_write_masks(answer.analysis, Path(one.file), folder))
        except KnownFailure as failure:
            answer = replace(answer, analysis=None, failure=failure)
    return _analysis_line(one.said, answer, output, started, masks)


def _write_masks(analysis: Analysis, file: Path, folder: Path) -> Iterator[str]:
    """One file for each mask, whole or not at all. Raises KnownFailure."""
    for mask in analysis.masks:
        path = folder / f"{file.stem}_{mask.key}.png"
        workflow.write_whole(path, mask.png)
        yield str(path)


def _inputs(arguments: argparse.Namespace) -> Iterator[AnalyseInput]:
    sex = Sex(arguments.sex) if arguments.sex else None
    if not arguments.batch:
        for file in arguments.files:
            yield AnalyseInput({"file": file}, file, None, arguments.age_years, sex)
        return
    for line in sys.stdin:
        yield parse_batch_line(line.rstrip("\r\n"), arguments.age_years, sex)


def parse_batch_line(text: str, age_years: float | None, sex: Sex | None) -> AnalyseInput:
    """A path, `{"file", "age_years"?, "sex"?}` or `{"id", "values", "sex"?}`; the line overrides the options."""
    if not text.strip():
        return AnalyseInput({"file": text}, failure=UserFacingError("cli.blank_line"))
    if not text.lstrip().startswith("{"):
        return AnalyseInput({"file": text}, text, None, age_years, sex)
    try:
        line = json.loads(text, parse_constant=_no_constant)
        if line.get("values") is not None:
            return _row_input(line, sex)
        file = line["file"]
        age = line.get("age_years")
        said = line.get("sex")
        if not isinstance(file, str) or isinstance(age, bool) or not isinstance(age, int | float | None):
            raise ValueError
        if age is not None and not 0 <= age <= 150:
            raise ValueError
        known_age = age_years if age is None else float(age)
        return AnalyseInput({"file": file}, file, None, known_age, Sex(said) if said else sex)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return AnalyseInput({"file": ""}, failure=UserFacingError("cli.bad_batch_line"))


def _no_constant(word: str) -> float:
    """NaN and the infinities are no JSON. Raises ValueError."""
    raise ValueError(word)


def _row_input(line: Mapping[str, object], sex: Sex | None) -> AnalyseInput:
    """A row of a table, and the sex if it is known beside the values. Raises ValueError."""
    values, beside = line["values"], line.get("sex")
    said = {"id": line.get("id")}
    if not isinstance(beside, str | None):
        raise ValueError("no sex")
    if not isinstance(values, dict):
        return AnalyseInput(said, failure=UserFacingError("cli.bad_row"))
    if any(isinstance(value, bool) or not isinstance(value, int | float | str | None) for value in values.values()):
        return AnalyseInput(said, failure=UserFacingError("cli.bad_row"))
    return AnalyseInput(said, row=values, sex=Sex(beside) if beside else sex)


def _analysis_line(
    said: Mapping[str, object],
    answer: workflow.FileAnalysis,
    output: Output,
    started: float,
    masks: Sequence[str] = (),
) -> dict[str, object]:
    if answer.analysis is None:
        failure = answer.failure or UserFacingError("workflow.no_fitting_model")
        line = _error_line(said, answer.model.name if answer.model else None, failure, output, started)
        if failure.key in _NOT_ITS_KIND:
            line["status"] = AnalysisStatus.REFUSED.value
        else:
            output.failed = True
        if answer.model is not None:
            line |= {"version": answer.model.version, "sha256": answer.model.sha256}
        return line
    research = {"research": True} if answer.model is not None and answer.model.research else {}
    answered = analysis_keys(answer.analysis, output, masks) | {"milliseconds": milliseconds_since(started)}
    return {**said} | answered | research


def analysis_keys(analysis: Analysis, output: Output, masks: Sequence[str] = ()) -> dict[str, object]:
    """What the contract of `analyse` says of one model's answer, without the file. masks: paths of those written."""
    provenance = analysis.provenance
    if analysis.status is AnalysisStatus.ERROR:
        output.failed = True
    looked = {"tiles": analysis.tiles} if analysis.tiles else {}
    return looked | {
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
        "beats": [{"sample": beat.sample, "class": beat.kind.value} for beat in analysis.beats],
        "episodes": [{"key": one.key, "start": one.start, "end": one.end} for one in analysis.episodes],
        "boxes": [_box(box) for box in analysis.boxes],
        "counts": {count.kind: count.number for count in analysis.counts},
        "count_intervals": {count.kind: [count.low, count.high] for count in analysis.counts if count.low is not None},
        "masks": list(masks),
        "milliseconds": round(provenance.milliseconds, 3),
    }


def _finding(finding: Finding, output: Output) -> dict[str, object]:
    line: dict[str, object] = {
        "key": finding.key,
        "name": finding.name,
        "codings": [
            {"system": coding.system, "code": coding.code, "display": coding.display} for coding in finding.codings
        ],
        "probability": finding.probability,
        "decision": finding.decision.value,
        "reason": _sentence(finding.reason, output, columns=", ".join(finding.about)),
    }
    if finding.grade is not None:
        line["grade"] = finding.grade
    if finding.baseline is not None:
        line["baseline"] = finding.baseline
        line["contributions"] = {one.key: one.log_odds for one in finding.contributions}
    return line


def _box(box: DetectedBox) -> dict[str, object]:
    return {
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "class": box.kind,
        "probability": box.probability,
    }


def _sentence(key: str, output: Output, **details: object) -> str | None:
    return output.translator.text(key, **details) if key else None


def _error_line(
    said: Mapping[str, object], model: str | None, failure: UserFacingError, output: Output, started: float
) -> dict[str, object]:
    return {
        **said,
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
        "count_intervals": {},
        "masks": [],
        "milliseconds": milliseconds_since(started),
    }
