"""`suggestions validate | catch-up`: how right a model was here, also a version that came later."""

import argparse
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.session import unlocked
from desktop.errors import ErrorKind, UserFacingError
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.workflow import asking_afterwards, validating
from desktop.workflow.confirmed import Strength
from desktop.workflow.validating import Answers, Interval, Validation, ValidationGroup, ValidationRow

_STRENGTHS = {one.name.lower(): one for one in sorted(Strength, reverse=True)}


def add_verb(verbs: "argparse._SubParsersAction[Any]") -> None:
    """The grammar."""
    verb = verbs.add_parser("validate", help="how right a model was, by the cases of which it is known what they were")
    verb.add_argument("--model", required=True, metavar="NAME")
    verb.add_argument("--finding", metavar="KEY", help="one of the model's findings; all of them otherwise")
    verb.add_argument("--by", choices=[one.value for one in ValidationGroup], default=ValidationGroup.STRENGTH.value)
    verb.add_argument("--least", choices=list(_STRENGTHS), default="reviewed", help="the weakest truth that counts")
    verb.add_argument("--pdf", type=Path, metavar="FILE", help="also write it on paper, by every group")
    verb.add_argument("--report-language", choices=("en", "zh", "both"), help="of the paper")
    later = verbs.add_parser(
        "catch-up", help="ask the version in use about pictures whose truth is known; for judging it, shown to nobody"
    )
    later.add_argument("--model", required=True, metavar="NAME")
    later.add_argument("--dry-run", action="store_true", help="only say how many there are")


def validate(arguments: argparse.Namespace, output: Output) -> None:
    """A line for each finding."""
    least = _STRENGTHS[arguments.least]
    with unlocked(arguments) as clinic:
        model, job = clinic.models.get(arguments.model), Job()
        findings = (arguments.finding,) if arguments.finding else model.findings
        if arguments.pdf is not None and len(findings) != 1:
            raise UserFacingError("cli.which_finding", kind=ErrorKind.BAD_INPUT)
        for finding in findings:
            found = validating.validate_model(
                clinic, job, model.name, finding, by=ValidationGroup(arguments.by), least=least
            )
            paper = None
            if arguments.pdf is not None:
                languages = _languages(arguments, output)
                done = validating.export_validation(
                    clinic, job, model.name, finding, arguments.pdf, languages, least=least
                )
                paper = {"file": str(done.file), "sha256": done.sha256}
            output.answer(_line(found) | {"pdf": paper})


def catch_up(arguments: argparse.Namespace, output: Output) -> None:
    """One line: how many pictures there are, and what came of those asked about."""
    with unlocked(arguments) as clinic:
        known = asking_afterwards.known_pictures(clinic, Job(), arguments.model)
        line: dict[str, object] = {
            "model": known.model,
            "version": known.version,
            "known": known.known,
            "answered_before": known.answered,
            "waiting": known.waiting,
        }
        if arguments.dry_run:
            output.answer({**line, "answered": 0, "refused": 0, "passed": 0, "unreadable": 0})
            return
        done = asking_afterwards.ask_afterwards(clinic, Job(), arguments.model)
        counts = {"answered": done.answered, "refused": done.refused, "passed": done.passed}
        output.answer({**line, **counts, "unreadable": done.unreadable})


def _languages(arguments: argparse.Namespace, output: Output) -> tuple[Language, ...]:
    if arguments.report_language:
        return workflow.ReportLanguage(arguments.report_language).languages
    return (output.translator.language,)


def _line(found: Validation) -> dict[str, object]:
    flow = found.flow
    return {
        "model": found.model,
        "version": found.version or None,
        "sha256": found.sha256 or None,
        "finding": found.finding,
        "by": found.by.value,
        "least": found.least.name.lower(),
        "thresholds": {"positive": found.thresholds.positive, "negative": found.thresholds.negative},
        "from": found.first.isoformat() if found.first is not None else None,
        "to": found.last.isoformat() if found.last is not None else None,
        "flow": {
            "seen": flow.seen,
            "afterwards": flow.afterwards,
            "other_versions": flow.other_versions,
            "refused": flow.refused,
            "without": flow.without,
            "learned": flow.learned,
            "unknown": flow.unknown,
            "cases": flow.cases,
        },
        "strengths": {name: found.strengths.get(one, 0) for name, one in _STRENGTHS.items()},
        "whole": _row(found.table.whole),
        "groups": [_row(row) for row in found.table.rows],
    }


def _row(row: ValidationRow) -> dict[str, object]:
    """The figures of a group; null where there are too few cases for one."""
    calibration = row.calibration
    shares = {
        "decided": row.decided,
        "sensitivity": row.sensitivity,
        "specificity": row.specificity,
        "sensitivity_decided": row.sensitivity_decided,
        "specificity_decided": row.specificity_decided,
        "likely_right": row.likely_right,
        "unlikely_right": row.unlikely_right,
        "auc": row.area,
        "calibration_slope": calibration.slope if calibration is not None else None,
        "calibration_offset": calibration.offset if calibration is not None else None,
        "brier": calibration.brier if calibration is not None else None,
    }
    cases, present, absent = row.missing
    return {
        "group": row.group,
        "cases": row.cases,
        "patients": row.patients,
        "present": answer_counts(row.present),
        "absent": answer_counts(row.absent),
        **{name: figure(one) for name, one in shares.items()},
        "reliability": [
            {"said": round(one.said, 4), "seen": figure(one.seen)}
            for one in (calibration.bins if calibration is not None else ())
        ],
        "missing": {"cases": cases, "present": present, "absent": absent},
    }


def answer_counts(answers: Answers) -> dict[str, int]:
    """How many of each kind."""
    return {"likely": answers.likely, "cannot_say": answers.cannot_say, "unlikely": answers.unlikely}


def figure(interval: Interval | None) -> dict[str, object] | None:
    """A figure with its interval; null where there are too few cases."""
    if interval is None:
        return None
    return {
        "value": round(interval.value, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "cases": interval.n,
    }


VERBS = {"validate": validate, "catch-up": catch_up}
"""What `suggestions` hands on."""
