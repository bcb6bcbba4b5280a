"""`impressions`, `suggestions` and `report`."""

import argparse

from desktop import workflow
from desktop.cli import teaching, validating
from desktop.cli.analysing import analysis_keys
from desktop.cli.output import Output
from desktop.cli.secrets_in import read_text
from desktop.cli.session import unlocked
from desktop.errors import ErrorKind, UserFacingError
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Decision, ReportId, StudyId, SuggestionId, Verdict


def impressions(arguments: argparse.Namespace, output: Output) -> None:
    """`impressions add`."""
    text = read_text(arguments.text_file)
    with unlocked(arguments) as clinic:
        done = workflow.record_impression(clinic, Job(), StudyId(arguments.study), text)
        output.answer({"id": done.impression.id})


def suggestions(arguments: argparse.Namespace, output: Output) -> None:
    """`suggestions list | review | rates | validate | catch-up | queue | label | quality`."""
    if arguments.verb in teaching.VERBS:
        teaching.VERBS[arguments.verb](arguments, output)
        return
    if arguments.verb in validating.VERBS:
        validating.VERBS[arguments.verb](arguments, output)
        return
    with unlocked(arguments) as clinic:
        if arguments.verb == "rates":
            found = workflow.model_rates(clinic, Job(), arguments.model, workflow.RateGroup(arguments.by))
            for row in found.rows:
                output.answer({"group": row.group, "answers": row.asked, "rates": [_rate(one) for one in row.rates]})
            return
        if arguments.verb == "list":
            for item in workflow.list_suggestions(clinic, Job(), StudyId(arguments.study)):
                line: dict[str, object] = {"id": item.id, "sealed": item.suggestion is None}
                if item.suggestion is not None:
                    failed = output.failed
                    line |= {"file": item.file} | analysis_keys(item.suggestion.analysis, output)
                    output.failed = failed
                output.answer(line)
            return
        done = workflow.review_finding(
            clinic,
            Job(),
            SuggestionId(arguments.id),
            arguments.finding,
            Verdict(arguments.verdict),
            Decision(arguments.value) if arguments.value else None,
            arguments.reason,
        )
        output.answer({"id": done.review.id})


def _rate(rate: workflow.Rate) -> dict[str, object]:
    """A share with its interval; null where it rests on no case."""
    known = rate.share.n > 0
    return {
        "kind": rate.kind.value,
        "finding": rate.finding or None,
        "share": round(rate.share.value, 4) if known else None,
        "low": round(rate.share.low, 4) if known else None,
        "high": round(rate.share.high, 4) if known else None,
        "cases": rate.share.n,
        "trend": rate.trend.value,
    }


def report(arguments: argparse.Namespace, output: Output) -> None:
    """`report sign | export`."""
    impression = None
    if arguments.verb == "sign" and arguments.impression_file is not None:
        impression = read_text(arguments.impression_file)
        if not impression.strip():
            raise UserFacingError("workflow.impression_empty", kind=ErrorKind.BAD_INPUT)
    with unlocked(arguments) as clinic:
        if arguments.verb == "sign":
            signed = workflow.sign_report(clinic, Job(), StudyId(arguments.study), impression=impression)
            content = signed.report.content
            output.answer({"id": content.report, "sha256": signed.report.sha256, "audit_head": content.audit_head})
            return
        languages: tuple[Language, ...] = ()
        if arguments.report_language:
            languages = workflow.ReportLanguage(arguments.report_language).languages
        done = workflow.export_report(clinic, Job(), ReportId(arguments.id), arguments.format, arguments.out, languages)
        output.answer({"file": str(done.file), "sha256": done.sha256})
