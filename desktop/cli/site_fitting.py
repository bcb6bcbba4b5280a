"""`models fit-site` and `models drop-site`: thresholds fitted to this clinic's own cases."""

import argparse
from typing import Any

from desktop.cli.output import Output
from desktop.cli.session import unlocked
from desktop.cli.validating import answer_counts, figure
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.workflow import site_fitting
from desktop.workflow.confirmed import Strength
from desktop.workflow.site_fitting import Outcome, SiteThresholds, SiteUse

_STRENGTHS = {one.name.lower(): one for one in sorted(Strength, reverse=True)}


def add_verbs(models: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of both."""
    fit = models.add_parser("fit-site", help="fit a model's thresholds to 50 or more confirmed cases of this clinic")
    drop = models.add_parser("drop-site", help="use the program's own thresholds again")
    for verb in (fit, drop):
        verb.add_argument("name")
    fit.add_argument("--finding", metavar="KEY", help="one of the model's findings, where there are several")
    drop.add_argument("--finding", metavar="KEY", help="one of the model's findings; all of them otherwise")
    fit.add_argument(
        "--sensitivity", type=float, required=True, metavar="S", help="of those with it, not called unlikely"
    )
    fit.add_argument(
        "--specificity", type=float, metavar="S", help="of those without it, not called likely; else as the model's own"
    )
    fit.add_argument("--least", choices=list(_STRENGTHS), default="blind", help="the weakest truth that counts")
    fit.add_argument("--dry-run", action="store_true", help="only say what would change")


def fit(arguments: argparse.Namespace, output: Output) -> None:
    """What the thresholds would be and do; and, but for a dry run, in use from now on."""
    least = _STRENGTHS[arguments.least]
    with unlocked(arguments) as clinic:
        name, job = arguments.name, Job()
        findings = (arguments.finding,) if arguments.finding else clinic.models.get(name).findings
        if len(findings) != 1:
            raise UserFacingError("cli.which_finding", kind=ErrorKind.BAD_INPUT)
        cases = site_fitting.site_cases(clinic, job, name, findings[0], least=least)
        specificity = arguments.specificity if arguments.specificity is not None else cases.asked[1]
        found = site_fitting.fitted_to(clinic, job, cases, arguments.sensitivity, specificity)
        kept = None
        if not arguments.dry_run:
            kept = site_fitting.fit_site_thresholds(
                clinic, job, name, findings[0], arguments.sensitivity, specificity, least=least
            )
        area = cases.curve.area if cases.curve is not None else None
        output.answer(
            {
                "model": name,
                "version": cases.version,
                "finding": findings[0],
                "in_use": kept is not None,
                "cases": len(cases.cases),
                "present": sum(case.present for case in cases.cases),
                "strengths": {key: cases.strengths.get(one, 0) for key, one in _STRENGTHS.items()},
                "weaker": cases.weaker,
                "auc": figure(area),
                "thresholds": {"positive": found.thresholds.positive, "negative": found.thresholds.negative},
                "never_likely": found.never_likely,
                "never_unlikely": found.never_unlikely,
                "before": _outcome(found.before),
                "same_cases": _outcome(found.same),
                "left_out": _outcome(found.honest),
            }
        )


def drop(arguments: argparse.Namespace, output: Output) -> None:
    """The program's own thresholds again."""
    with unlocked(arguments) as clinic:
        site_fitting.drop_site_thresholds(clinic, Job(), arguments.name, arguments.finding)
        site = clinic.models.get(arguments.name).site
        output.answer({"model": arguments.name, "site": site_lines(site)})


def site_lines(use: SiteUse) -> list[dict[str, object]]:
    """The clinic's thresholds a model has, those for another version too; a damaged file is a line of its own."""
    if use.damaged:
        return [{"used": False, "damaged": True}]
    kept = [(one, True) for one in use.used] + [(one, False) for one in use.stale]
    return [_line(one) | {"used": used, "damaged": False} for one, used in kept]


def _line(one: SiteThresholds) -> dict[str, object]:
    return {
        "finding": one.finding,
        "positive": one.thresholds.positive,
        "negative": one.thresholds.negative,
        "cases": one.cases,
        "present": one.present,
        "sensitivity": one.sensitivity,
        "specificity": one.specificity,
        "least": one.least,
        "fitted": one.fitted,
        "by": one.by,
        "sha256": one.sha256,
    }


def _outcome(found: Outcome) -> dict[str, object]:
    return {
        "present": answer_counts(found.present),
        "absent": answer_counts(found.absent),
        "sensitivity": figure(found.kept),
        "specificity": figure(found.cleared),
        "called_likely": figure(found.found),
        "called_unlikely": figure(found.ruled_out),
        "decided": figure(found.decided),
    }
