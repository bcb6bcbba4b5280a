"""The clinic's own thresholds: refused with what is missing, put into use and taken back by whoever may, on record."""

from dataclasses import replace
from pathlib import Path

import pytest

from desktop import workflow
from desktop.access import Role
from desktop.errors import ErrorKind, UserFacingError
from desktop.inference import Library
from desktop.jobs import Job
from desktop.records import AuditAction, LabelBasis
from desktop.workflow.confirmed import Strength
from desktop.workflow.site_fitting import (
    NotFitted,
    drop_site_thresholds,
    fit_site_thresholds,
    fittable_models,
    fitted_to,
    models_not_fitted,
    site_cases,
)
from tests.confirmed_clinic import FINDING, MODEL, fill

JOB = Job()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models")


@pytest.fixture
def own(clinic: workflow.Clinic, library: Library) -> workflow.Clinic:
    """The clinic with models of its own."""
    return replace(clinic, models=workflow.load_models(library))


def as_role(clinic: workflow.Clinic, role: Role) -> workflow.Clinic:
    return replace(clinic, session=workflow.Session(replace(clinic.session.user, roles=(role.value,))))


def trail(clinic: workflow.Clinic) -> list[tuple[AuditAction, str]]:
    wanted = {AuditAction.FIT_SITE_THRESHOLDS, AuditAction.DROP_SITE_THRESHOLDS}
    entries = workflow.audit_entries(clinic, JOB, limit=20)
    return [(one.action, one.reason) for one in reversed(entries) if one.action in wanted]


def test_too_few_cases_are_refused_with_what_is_missing(own: workflow.Clinic, tmp_path: Path) -> None:
    fill(own, tmp_path, 40, present=0.2)
    fill(own, tmp_path, 30, seed=5, basis=None)
    cases = site_cases(own, JOB, MODEL, FINDING)
    assert (len(cases.cases), cases.weaker, cases.curve) == (40, 30, None)
    assert (cases.missing.cases, cases.missing.present, cases.missing.absent) == (10, 2, 0)
    with pytest.raises(UserFacingError) as refusal:
        fitted_to(own, JOB, cases, 0.95, 0.9)
    assert refusal.value.key == "workflow.site_too_few"
    with pytest.raises(UserFacingError):
        fit_site_thresholds(own, JOB, MODEL, FINDING, 0.95, 0.9)
    assert trail(own) == []
    assert len(site_cases(own, JOB, MODEL, FINDING, least=Strength.REVIEWED).cases) == 70


def test_they_are_tried_put_into_use_and_taken_back(own: workflow.Clinic, tmp_path: Path, library: Library) -> None:
    fill(own, tmp_path, 80)
    program = own.models.get(MODEL).thresholds(FINDING)
    cases = site_cases(own, JOB, MODEL, FINDING)
    assert cases.curve is not None
    assert [one.name for one in fittable_models(own, JOB)] == [MODEL]
    tried = fitted_to(own, JOB, cases, 0.9, 0.9)
    assert own.models.get(MODEL).thresholds(FINDING) == program, "a trial changes nothing"
    kept = fit_site_thresholds(own, JOB, MODEL, FINDING, 0.9, 0.9, library=library)
    assert kept.thresholds == tried.thresholds == own.models.get(MODEL).thresholds(FINDING)
    assert (kept.cases, kept.present, kept.by) == (80, 32, own.session.user.name)
    assert site_cases(own, JOB, MODEL, FINDING).use.used == (kept,)
    drop_site_thresholds(own, JOB, MODEL, library=library)
    assert own.models.get(MODEL).thresholds(FINDING) == program
    with pytest.raises(UserFacingError) as refusal:
        drop_site_thresholds(own, JOB, MODEL, library=library)
    assert refusal.value.kind is ErrorKind.NOT_FOUND
    (fitted, reason), (dropped, _) = trail(own)
    assert (fitted, dropped) == (AuditAction.FIT_SITE_THRESHOLDS, AuditAction.DROP_SITE_THRESHOLDS)
    assert reason.startswith(f"{MODEL} {FINDING} ")
    assert reason.endswith("n=80")


def test_only_who_keeps_the_clinic_and_reads_may_change_them(own: workflow.Clinic, tmp_path: Path) -> None:
    fill(own, tmp_path, 60)
    for role in (Role.DOCTOR, Role.ADMINISTRATOR):
        with pytest.raises(UserFacingError) as refusal:
            fit_site_thresholds(as_role(own, role), JOB, MODEL, FINDING, 0.9, 0.9)
        assert refusal.value.kind is ErrorKind.PERMISSION
    with pytest.raises(UserFacingError):
        drop_site_thresholds(as_role(own, Role.DOCTOR), JOB, MODEL)
    assert len(site_cases(as_role(own, Role.DOCTOR), JOB, MODEL, FINDING).cases) == 60


def test_answers_of_another_version_are_not_fitted_to(own: workflow.Clinic, tmp_path: Path) -> None:
    fill(own, tmp_path, 30)
    fill(own, tmp_path, 30, seed=5, sha256="ab" * 32)
    cases = site_cases(own, JOB, MODEL, FINDING)
    assert (len(cases.cases), cases.others) == (30, 30)


def test_shares_that_cannot_be_and_models_that_cannot_be_fitted(own: workflow.Clinic, tmp_path: Path) -> None:
    fill(own, tmp_path, 60, basis=LabelBasis.BLIND)
    cases = site_cases(own, JOB, MODEL, FINDING)
    for sensitivity, specificity in ((1.0, 0.9), (0.3, 0.9), (0.9, float("nan"))):
        with pytest.raises(UserFacingError):
            fitted_to(own, JOB, cases, sensitivity, specificity)
    with pytest.raises(UserFacingError) as refusal:
        site_cases(own, JOB, "risk-diabetes", "diabetes")
    assert refusal.value.key == "workflow.site_not_this_model"
    assert site_cases(own, JOB, "ecg-rhythm", "atrial_fibrillation").rule == "one_rhythm"


def test_models_that_cannot_be_fitted_are_named_with_the_reason(own: workflow.Clinic) -> None:
    found = models_not_fitted(own.models)
    assert found[NotFitted.COUNTS] == ("blood-cells",)
    assert set(found[NotFitted.NOT_KEPT]) == {name for name in own.models.names() if name.startswith("risk-")}
