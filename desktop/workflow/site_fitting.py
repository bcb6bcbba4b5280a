"""Thresholds of a model fitted to this clinic's own confirmed cases: tried, put into use, taken back."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError
from desktop.inference import (
    Library,
    Model,
    Registry,
    SiteFile,
    SiteThresholds,
    SiteUse,
    TableModel,
    decided_by_threshold,
    site_rule,
    takes_site,
)
from desktop.jobs import Job
from desktop.learning.clinical_validation import Judged, Roc, roc
from desktop.learning.site_fit import (
    FEWEST_OF_CLASS_TO_FIT,
    FEWEST_TO_FIT,
    Outcome,
    Shortfall,
    SiteFit,
    fit,
    shortfall,
)
from desktop.records import AuditAction
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.confirmed import Strength, confirmed_cases
from desktop.workflow.shelf import own_library
from desktop.workflow.validating import JudgedModel, judged, judged_models

__all__ = [
    "NotFitted",
    "Outcome",
    "SiteCases",
    "SiteFit",
    "SiteThresholds",
    "SiteUse",
    "drop_site_thresholds",
    "fit_site_thresholds",
    "fittable_models",
    "fitted_to",
    "models_not_fitted",
    "site_cases",
]

LEAST = Strength.BLIND
"""The weakest truth that thresholds are fitted to unless somebody says otherwise: a decision made after the suggestion
was seen leans towards it, and so would the thresholds."""


@dataclass(frozen=True)
class SiteCases:
    """What thresholds for a finding can be fitted to: cases of the version in use whose answer hung on its probability
    alone, without patients whom the version may have learned from when it was tuned here.

    strengths: how many by what is known of them. weaker: further cases of which only a weaker truth is known. others:
    confirmed cases of other versions, which are not fitted to. missing: before anything can be fitted. curve: None
    while something is missing. asked: the shares the thresholds in use were made for. use: what of the clinic's
    thresholds the model uses now. rule: see `inference.site_rule`.
    """

    model: str
    version: str
    finding: str
    least: Strength
    cases: tuple[Judged, ...]
    strengths: Mapping[Strength, int]
    weaker: int
    others: int
    missing: Shortfall
    curve: Roc | None
    asked: tuple[float, float]
    use: SiteUse
    rule: str


class NotFitted(StrEnum):
    """Why a model has no thresholds of this clinic: its answers are not kept with a patient; it only counts, and
    nobody says how many there really were."""

    NOT_KEPT = "not_kept"
    COUNTS = "counts"


@open_to_all
def models_not_fitted(models: Registry) -> Mapping[NotFitted, tuple[str, ...]]:
    """The models in use on this PC that cannot be fitted, by the reason, by name."""
    found: dict[NotFitted, tuple[str, ...]] = {}
    for name in models.names():
        model = models.get(name)
        if models.asks(name) and not takes_site(model):
            why = NotFitted.NOT_KEPT if isinstance(model, TableModel) else NotFitted.COUNTS
            found[why] = (*found.get(why, ()), name)
    return found


@requires(Permission.READ_IMAGES)
def fittable_models(clinic: Clinic, job: Job) -> tuple[JudgedModel, ...]:
    """The models that answered here and whose thresholds can be fitted, by name. Raises Cancelled."""
    return tuple(one for one in judged_models(clinic, job) if takes_site(clinic.models.get(one.name)))


@requires(Permission.READ_IMAGES)
def site_cases(clinic: Clinic, job: Job, model: str, finding: str, *, least: Strength = LEAST) -> SiteCases:
    """The cases to fit to. Raises UserFacingError (not_found; a model that cannot be fitted) and Cancelled."""
    asked = _asked(clinic, model, finding)
    taken, strengths, weaker, others = [], Counter[Strength](), 0, 0
    for case in confirmed_cases(clinic, job, model, afterwards=True):
        analysis = case.analysis
        said = next((one for one in analysis.findings if one.key == finding), None)
        if said is None or finding not in case.truths:
            continue
        if analysis.provenance.sha256 != asked.sha256:
            others += 1
            continue
        if case.learned or not decided_by_threshold(said.reason):
            continue
        if case.truths[finding].strength < least:
            weaker += 1
            continue
        strengths[case.truths[finding].strength] += 1
        taken.append(judged(case, finding))
    missing = shortfall(taken)
    own = asked.thresholds(finding)
    return SiteCases(
        model=model,
        version=asked.version,
        finding=finding,
        least=least,
        cases=tuple(taken),
        strengths=strengths,
        weaker=weaker,
        others=others,
        missing=missing,
        curve=None if missing.any else roc(taken),
        asked=(1 - own.alpha_positive, 1 - own.alpha_negative),
        use=SiteUse(
            tuple(one for one in asked.site.used if one.finding == finding),
            tuple(one for one in asked.site.stale if one.finding == finding),
            asked.site.damaged,
        ),
        rule=site_rule(asked),
    )


@requires(Permission.READ_IMAGES)
def fitted_to(clinic: Clinic, job: Job, cases: SiteCases, sensitivity: float, specificity: float) -> SiteFit:
    """What thresholds these cases give, and what would change; nothing is put into use.

    Raises UserFacingError where there are too few cases, or a share is not between one half and one.
    """
    job.check()
    if not (0.5 <= sensitivity < 1 and 0.5 <= specificity < 1):
        raise UserFacingError("workflow.site_shares", kind=ErrorKind.BAD_INPUT)
    if cases.missing.any:
        raise UserFacingError(
            "workflow.site_too_few",
            kind=ErrorKind.BAD_INPUT,
            cases=len(cases.cases),
            needed=FEWEST_TO_FIT,
            of_class=FEWEST_OF_CLASS_TO_FIT,
        )
    return fit(cases.cases, sensitivity, specificity, clinic.models.get(cases.model).thresholds(cases.finding))


@requires(Permission.MANAGE_CLINIC)
def fit_site_thresholds(
    clinic: Clinic,
    job: Job,
    model: str,
    finding: str,
    sensitivity: float,
    specificity: float,
    *,
    least: Strength = LEAST,
    library: Library | None = None,
) -> SiteThresholds:
    """Fit them to the cases as they are now and use them from now on, for this version of the model only.

    Needs a reader too: whoever may not see cases cannot fit to them. Raises as `site_cases` and `fitted_to`, and
    KnownFailure where they cannot be written; then the ones before stay in use.
    """
    cases = site_cases(clinic, job, model, finding, least=least)
    found = fitted_to(clinic, job, cases, sensitivity, specificity)
    asked = clinic.models.get(model)
    calibration = asked.calibration(finding)
    fitted = SiteThresholds(
        model=model,
        finding=finding,
        sha256=asked.sha256,
        temperature=calibration.temperature,
        offset=calibration.offset,
        thresholds=found.thresholds,
        cases=len(cases.cases),
        present=sum(case.present for case in cases.cases),
        sensitivity=sensitivity,
        specificity=specificity,
        least=least.name.lower(),
        fitted=clinic.clock().astimezone(UTC).isoformat(timespec="seconds"),
        by=clinic.session.user.name,
    )
    remark = f"{model} {finding} {found.thresholds.positive:.4f} {found.thresholds.negative:.4f} n={fitted.cases}"
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.FIT_SITE_THRESHOLDS, asked.sha256, actor=clinic.actor, reason=remark)
        SiteFile((library or own_library()).root).keep(fitted)
    clinic.models.refresh()
    return fitted


@requires(Permission.MANAGE_CLINIC)
def drop_site_thresholds(
    clinic: Clinic, job: Job, model: str, finding: str | None = None, *, library: Library | None = None
) -> None:
    """Use the program's own thresholds again, for one finding or for all of a model's. Raises UserFacingError
    (not_found) where there is nothing to take back, KnownFailure."""
    job.check()
    file = SiteFile((library or own_library()).root)
    asked = clinic.models.get(model)
    kept = (*asked.site.used, *asked.site.stale)
    if not asked.site.damaged and not any(finding in (None, one.finding) for one in kept):
        raise UserFacingError("workflow.site_nothing", kind=ErrorKind.NOT_FOUND, model=model)
    remark = model if finding is None else f"{model} {finding}"
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.DROP_SITE_THRESHOLDS, asked.sha256, actor=clinic.actor, reason=remark)
        file.drop(model, finding)
    clinic.models.refresh()


def _asked(clinic: Clinic, name: str, finding: str) -> Model:
    model = clinic.models.get(name)
    if finding not in model.findings:
        raise UserFacingError("workflow.no_such_finding", kind=ErrorKind.NOT_FOUND, finding=finding, model=name)
    if not takes_site(model):
        raise UserFacingError("workflow.site_not_this_model", kind=ErrorKind.BAD_INPUT, model=name)
    return model
