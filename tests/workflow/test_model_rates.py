"""The drift board counts what is on record, by month and by whom."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.imaging.synthetic.film import draw_film
from desktop.jobs import Job
from desktop.learning.rates import RateKind, RateRow
from desktop.records import (
    Analysis,
    AnalysisStatus,
    AuditAction,
    Decision,
    Finding,
    HumanName,
    InstanceId,
    PartialDate,
    Provenance,
    Quality,
    Sex,
    StudyId,
    Suggestion,
    SuggestionId,
    Verdict,
    new_id,
)

JOB = Job()
MODEL = "chest-xray-child"


def keep(
    clinic: workflow.Clinic, study: StudyId, instance: InstanceId, when: datetime, decision: Decision | None
) -> SuggestionId:
    """A suggestion as if a model had made it then; None: refused."""
    made = Provenance(MODEL, "1.0.0", "ab" * 32, "CPU", "cd" * 32, 1.0)
    if decision is None:
        analysis = Analysis(AnalysisStatus.REFUSED, made, Quality(ok=False))
    else:
        analysis = Analysis(
            AnalysisStatus.OK, made, Quality(ok=True), (Finding("pneumonia", "Pneumonia", 0.5, decision),)
        )
    suggestion = Suggestion(SuggestionId(new_id()), study, instance, analysis, when)
    with clinic.store.transaction() as tx:
        tx.suggestions.add(suggestion)
        tx.audit.add(AuditAction.ADD_SUGGESTION, suggestion.id, actor=clinic.actor)
    return suggestion.id


@pytest.fixture
def study(clinic: workflow.Clinic, tmp_path: Path) -> StudyId:
    draft = workflow.PatientDraft((HumanName("王小明"),), sex=Sex.MALE, birth_date=PartialDate(2022, 5))
    patient = workflow.register_patient(clinic, JOB, draft).patient
    picture = tmp_path / "film.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (90, 100), np.uint8)).save(picture)
    return workflow.import_file(clinic, JOB, picture, patient.id).study


def rates(row: RateRow) -> dict[RateKind, tuple[float, int]]:
    return {rate.kind: (rate.share.value, rate.share.n) for rate in row.rates if rate.share.n}


def test_what_is_on_record_is_counted(clinic: workflow.Clinic, study: StudyId) -> None:
    with clinic.store.snapshot() as tx:
        instance = tx.studies.get(study).main.id
    early, late = datetime(2026, 9, 5, tzinfo=UTC), datetime(2026, 10, 5, tzinfo=UTC)
    keep(clinic, study, instance, early, Decision.LIKELY)
    keep(clinic, study, instance, early, None)
    last = keep(clinic, study, instance, late, Decision.UNLIKELY)
    assert workflow.model_rates(clinic, JOB, MODEL, workflow.RateGroup.MONTH).rows == ()  # all is sealed
    workflow.record_impression(clinic, JOB, study, "Patchy.")
    workflow.reading(clinic, JOB, study)
    workflow.review_finding(clinic, JOB, last, "pneumonia", Verdict.ACCEPT)
    workflow.review_finding(clinic, JOB, last, "pneumonia", Verdict.AMEND, Decision.LIKELY)
    found = workflow.model_rates(clinic, JOB, MODEL, workflow.RateGroup.MONTH)
    assert (found.answers, [(row.group, row.asked) for row in found.rows]) == (3, [("2026-09", 2), ("2026-10", 1)])
    assert rates(found.rows[0]) == {
        RateKind.REFUSED: (0.5, 2),
        RateKind.LIKELY: (1.0, 1),
        RateKind.CANNOT_SAY: (0.0, 1),
    }
    assert rates(found.rows[1])[RateKind.CHANGED] == (1.0, 1)
    workflow.review_finding(clinic, JOB, last, "pneumonia", Verdict.AMEND, Decision.UNLIKELY)
    found = workflow.model_rates(clinic, JOB, MODEL, workflow.RateGroup.MONTH)
    assert rates(found.rows[1])[RateKind.CHANGED] == (0.0, 1)


@pytest.mark.parametrize(
    ("by", "group"),
    [
        (workflow.RateGroup.SEX, "male"),
        (workflow.RateGroup.AGE, "00-04"),
        (workflow.RateGroup.VERSION, "1.0.0 (abababab)"),
        (workflow.RateGroup.EXAMINATION, "PHOTO"),
    ],
)
def test_they_are_told_apart_by_whom_they_are_of(
    clinic: workflow.Clinic,
    study: StudyId,
    by: workflow.RateGroup,
    group: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("desktop.workflow.watching._PAGE", 2)
    with clinic.store.snapshot() as tx:
        instance = tx.studies.get(study).main.id
    for _ in range(5):
        keep(clinic, study, instance, datetime(2026, 9, 5, tzinfo=UTC), Decision.LIKELY)
    workflow.record_impression(clinic, JOB, study, "Patchy.")
    workflow.reading(clinic, JOB, study)
    (row,) = workflow.model_rates(clinic, JOB, MODEL, by).rows
    assert (row.group, row.asked) == (group, 5)
    assert workflow.model_rates(clinic, JOB, "another", by).rows == ()


def test_what_took_the_picture_is_a_group(clinic: workflow.Clinic, study: StudyId, tmp_path: Path) -> None:
    with clinic.store.snapshot() as tx:
        imaging = tx.studies.get(study)
        patient = tx.patients.standing(imaging.patient).id
    keep(clinic, study, imaging.main.id, datetime(2026, 9, 5, tzinfo=UTC), Decision.LIKELY)
    phone = tmp_path / "phone.jpg"
    about = Image.Exif()
    about[0x010F], about[0x0110] = "Acme\x00 ", "Acme Phone 3"
    grey = (draw_film(3, None) >> 4).astype(np.uint8)
    Image.fromarray(grey).save(phone, exif=about, quality=92)
    taken = workflow.import_file(clinic, JOB, phone, patient).study
    assert workflow.suggest(clinic, JOB, taken).suggestions
    for one in (study, taken):
        workflow.record_impression(clinic, JOB, one, "Patchy.")
        workflow.reading(clinic, JOB, one)
    board = workflow.model_rates(clinic, JOB, MODEL, workflow.RateGroup.DEVICE)
    assert [row.group for row in board.rows] == ["Acme Phone 3", "unknown"]
