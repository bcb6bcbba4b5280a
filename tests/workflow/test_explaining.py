"""What stands behind a suggestion: similar cases of which the truth is known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.errors import Cancelled, UserFacingError
from desktop.inference.embedding import Alikeness
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    AuditAction,
    Decision,
    Finding,
    HumanName,
    LabelBasis,
    LabelValue,
    PartialDate,
    PatientId,
    Provenance,
    Quality,
    Sex,
    StudyId,
    Suggestion,
    SuggestionId,
    Verdict,
    new_id,
)
from desktop.store import AuditQuery
from desktop.workflow import explaining
from desktop.workflow.confirmed import Strength
from desktop.workflow.explaining import similar_cases
from desktop.workflow.labelling import add_labels
from tests.cheap_keys import make_cheap

JOB = Job()
MODEL = "chest-xray-child"
FINDING = "pneumonia"
WHEN = datetime(2026, 10, 5, 9, tzinfo=UTC)


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[workflow.Clinic]:
    with pytest.MonkeyPatch.context() as patch:
        make_cheap(patch)
        made = workflow.create_clinic(
            tmp_path / "clinic", Job(), name="C", admin="li", passphrase="correct horse", models=workflow.load_models()
        ).clinic
    yield made
    workflow.lock(made)


def patient(clinic: workflow.Clinic) -> PatientId:
    draft = workflow.PatientDraft((HumanName("王小明"),), sex=Sex.MALE, birth_date=PartialDate(2022, 5))
    return workflow.register_patient(clinic, JOB, draft).patient.id


def film(clinic: workflow.Clinic, folder: Path, whose: PatientId, stripes: float, seed: int = 0) -> StudyId:
    """A picture whose look is told by one number: how many stripes it has."""
    rows, columns = np.mgrid[0:128, 0:128]
    light = 128 + 80 * np.sin(stripes * columns / 20) * np.cos(rows / 30)
    light += np.random.default_rng(seed).normal(0, 4, light.shape)
    path = folder / f"{new_id()}.png"
    Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).save(path)
    return workflow.import_file(clinic, JOB, path, whose).study


def suggested(clinic: workflow.Clinic, study: StudyId, sha256: str | None = None) -> SuggestionId:
    """As if the model had answered, and somebody had read and seen it."""
    model = clinic.models.get(MODEL)
    made = Provenance(MODEL, model.version, sha256 or model.sha256, "CPU", "cd" * 32, 1.0)
    finding = Finding(FINDING, "Pneumonia", 0.9, Decision.LIKELY)
    analysis = Analysis(AnalysisStatus.OK, made, Quality(ok=True), (finding,))
    with clinic.store.transaction() as tx:
        instance = tx.studies.get(study).main.id
        suggestion = Suggestion(SuggestionId(new_id()), study, instance, analysis, WHEN)
        tx.suggestions.add(suggestion)
        tx.audit.add(AuditAction.ADD_SUGGESTION, suggestion.id, actor=clinic.actor)
    workflow.record_impression(clinic, JOB, study, "Seen.")
    workflow.reading(clinic, JOB, study)
    return suggestion.id


def confirm(clinic: workflow.Clinic, study: StudyId, present: bool, basis: LabelBasis = LabelBasis.LABORATORY) -> None:
    with clinic.store.snapshot() as tx:
        instance = tx.studies.get(study).main.id
    value = LabelValue.PRESENT if present else LabelValue.ABSENT
    add_labels(clinic, JOB, study, instance, {FINDING: value}, basis)


def test_without_a_confirmed_case_there_is_none(clinic: workflow.Clinic, tmp_path: Path) -> None:
    asked = suggested(clinic, film(clinic, tmp_path, patient(clinic), 1))
    suggested(clinic, film(clinic, tmp_path, patient(clinic), 1))  # seen, but nobody said what it was
    found = similar_cases(clinic, JOB, asked, FINDING)
    assert (found.cases, found.compared, found.other_weights) == ((), 0, 0)


def test_the_nearest_of_other_patients_come_first_with_what_was_true(
    clinic: workflow.Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = patient(clinic)
    asked = suggested(clinic, film(clinic, tmp_path, mine, 1.0))
    own = film(clinic, tmp_path, mine, 1.0, seed=1)
    suggested(clinic, own)
    confirm(clinic, own, True)
    studies = {}
    for stripes in (8.0, 1.0, 4.0, 2.0, 6.0, 3.0, 1.5):
        study = film(clinic, tmp_path, patient(clinic), stripes, seed=2)
        suggested(clinic, study)
        confirm(clinic, study, stripes < 2)
        studies[study] = stripes
    found = similar_cases(clinic, JOB, asked, FINDING)
    assert found.compared == 7
    assert len(found.cases) == 5
    assert own not in {case.study for case in found.cases}
    assert studies[found.cases[0].study] == 1.0
    near = [case.cosine for case in found.cases]
    assert near == sorted(near, reverse=True)
    first = found.cases[0]
    assert (first.truth.present, first.truth.strength) == (True, Strength.REFERENCE)
    assert (first.said.decision, first.sex, first.age) == (Decision.LIKELY, "male", "00-04")
    assert first.picture.dtype == np.uint8
    assert max(first.picture.shape) <= 320
    assert first.alikeness is Alikeness.UNKNOWN  # of seven
    assert len(clinic.embeddings) == 8
    again = similar_cases(clinic, JOB, asked, FINDING, limit=1)
    assert [case.study for case in again.cases] == [first.study]
    monkeypatch.setattr(explaining, "MOST_COMPARED", 3)
    few = similar_cases(clinic, JOB, asked, FINDING)
    assert (len(few.cases), few.compared, few.older) == (3, 3, 4)


def test_looking_is_audited_once_for_each_case_shown_and_no_other(clinic: workflow.Clinic, tmp_path: Path) -> None:
    asked = suggested(clinic, film(clinic, tmp_path, patient(clinic), 1))
    cases = []
    for stripes in (1, 2):
        study = film(clinic, tmp_path, patient(clinic), stripes)
        suggested(clinic, study)
        confirm(clinic, study, True)
        cases.append(study)
    clinic.sitting._seen.clear()  # somebody else's shift

    def looks(study: StudyId) -> int:
        with clinic.store.snapshot() as tx:
            return len(tx.audit.search(AuditQuery(action=AuditAction.VIEW_STUDY, subject=study), 10))

    before = {study: looks(study) for study in cases}
    shown = similar_cases(clinic, JOB, asked, FINDING, limit=1).cases
    similar_cases(clinic, JOB, asked, FINDING, limit=1)
    for study in cases:
        assert looks(study) - before[study] == (study == shown[0].study)


def test_one_case_of_a_doctors_decision_counts_as_the_weakest(clinic: workflow.Clinic, tmp_path: Path) -> None:
    asked = suggested(clinic, film(clinic, tmp_path, patient(clinic), 1))
    other = film(clinic, tmp_path, patient(clinic), 2)
    workflow.review_finding(clinic, JOB, suggested(clinic, other), FINDING, Verdict.REJECT)
    found = similar_cases(clinic, JOB, asked, FINDING)
    assert [(case.truth.present, case.truth.strength) for case in found.cases] == [(False, Strength.REVIEWED)]


def test_cases_of_other_weights_are_counted_and_not_compared(clinic: workflow.Clinic, tmp_path: Path) -> None:
    asked = suggested(clinic, film(clinic, tmp_path, patient(clinic), 1))
    other = film(clinic, tmp_path, patient(clinic), 1)
    suggested(clinic, other, sha256="ab" * 32)
    confirm(clinic, other, True)
    found = similar_cases(clinic, JOB, asked, FINDING)
    assert (found.cases, found.compared, found.other_weights) == ((), 0, 1)
    with pytest.raises(UserFacingError, match="model_changed"):
        similar_cases(clinic, JOB, suggested(clinic, other, sha256="ab" * 32), FINDING)


def test_what_is_sealed_or_unknown_is_refused(clinic: workflow.Clinic, tmp_path: Path) -> None:
    study = film(clinic, tmp_path, patient(clinic), 1)
    model = clinic.models.get(MODEL)
    made = Provenance(MODEL, model.version, model.sha256, "CPU", "cd" * 32, 1.0)
    analysis = Analysis(
        AnalysisStatus.OK, made, Quality(ok=True), (Finding(FINDING, "Pneumonia", 0.9, Decision.LIKELY),)
    )
    with clinic.store.transaction() as tx:
        sealed = Suggestion(SuggestionId(new_id()), study, tx.studies.get(study).main.id, analysis, WHEN)
        tx.suggestions.add(sealed)
        tx.audit.add(AuditAction.ADD_SUGGESTION, sealed.id, actor=clinic.actor)
    with pytest.raises(UserFacingError, match="sealed"):
        similar_cases(clinic, JOB, sealed.id, FINDING)
    with pytest.raises(UserFacingError):
        similar_cases(clinic, JOB, SuggestionId(new_id()), FINDING)
    asked = suggested(clinic, film(clinic, tmp_path, patient(clinic), 1))
    with pytest.raises(UserFacingError, match="no_such_finding"):
        similar_cases(clinic, JOB, asked, "broken_rib")


def test_cancelled_work_goes_on_where_it_was(clinic: workflow.Clinic, tmp_path: Path) -> None:
    asked = suggested(clinic, film(clinic, tmp_path, patient(clinic), 1))
    for stripes in (1, 2, 3):
        study = film(clinic, tmp_path, patient(clinic), stripes)
        suggested(clinic, study)
        confirm(clinic, study, True)

    class Impatient(Job):
        def report(self, *args: object, **details: object) -> None:
            if len(clinic.embeddings) >= 2:
                self.cancel()
                self.check()

    with pytest.raises(Cancelled):
        similar_cases(clinic, Impatient(), asked, FINDING)
    assert len(clinic.embeddings) == 2
    assert len(similar_cases(clinic, JOB, asked, FINDING).cases) == 3


def test_only_the_very_model_is_known_to_point_badly(monkeypatch: pytest.MonkeyPatch) -> None:
    models = workflow.load_models()
    model = models.picture_model(MODEL)

    def answer(name: str, sha256: str) -> Analysis:
        return Analysis(AnalysisStatus.OK, Provenance(name, "1", sha256, "CPU", "cd" * 32, 1.0), Quality(ok=True))

    assert not explaining.points_weakly(models, answer(MODEL, model.sha256))
    monkeypatch.setattr(model, "manifest", replace(model.manifest, weak_map=True))
    assert explaining.points_weakly(models, answer(MODEL, model.sha256))
    assert not explaining.points_weakly(models, answer(MODEL, "0" * 64))
    assert not explaining.points_weakly(models, answer("gone", model.sha256))
