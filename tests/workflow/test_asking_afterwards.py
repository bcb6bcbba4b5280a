"""A new version asked about pictures known before: it can be judged at once, and nobody reads by what it says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.errors import Cancelled, UserFacingError
from desktop.imaging.synthetic.film import draw_film
from desktop.inference import Model
from desktop.jobs import Job
from desktop.learning.head_tuning import is_locked
from desktop.learning.rates import RateKind
from desktop.records import (
    Analysis,
    AnalysisStatus,
    AuditAction,
    Decision,
    Finding,
    HumanName,
    InstanceId,
    LabelBasis,
    LabelValue,
    PartialDate,
    Provenance,
    Quality,
    StudyId,
)
from desktop.workflow import asking_afterwards
from desktop.workflow.asking_afterwards import ask_afterwards, known_pictures
from desktop.workflow.confirmed import Strength, confirmed_cases, locked_key
from desktop.workflow.labelling import add_labels
from desktop.workflow.site_fitting import site_cases
from desktop.workflow.tuning import tuning_state
from desktop.workflow.validating import ValidationGroup, judged_models, validate_model
from desktop.workflow.watching import AFTERWARDS
from tests.confirmed_clinic import FINDING, MODEL, fill

JOB = Job()
OLD = "ab" * 32


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version in use answers at once, and always that it is likely."""

    def answer(
        clinic: workflow.Clinic, job: Job, model: Model, study: StudyId, instance: InstanceId
    ) -> tuple[Analysis, str]:
        made = Provenance(model.name, model.version, model.sha256, "CPU", "cd" * 32, 1.0)
        said = Finding(FINDING, "Pneumonia", 0.97, Decision.LIKELY)
        return Analysis(AnalysisStatus.OK, made, Quality(ok=True), (said,)), "X 1"

    monkeypatch.setattr(asking_afterwards, "_answer", answer)


def test_what_it_says_counts_where_models_are_judged_and_nowhere_else(
    clinic: workflow.Clinic, tmp_path: Path, sure: None
) -> None:
    studies = fill(clinic, tmp_path, 12, sha256=OLD)
    studies += fill(clinic, tmp_path, 3, seed=5, sha256=OLD, basis=None)
    found = known_pictures(clinic, JOB, MODEL)
    assert (found.known, found.answered, found.waiting) == (15, 0, 15)
    assert validate_model(clinic, JOB, MODEL, FINDING).table.whole.cases == 0
    with clinic.store.snapshot() as tx:
        before = [[one.id for one in tx.suggestions.for_study(study)] for study in studies]
    done = ask_afterwards(clinic, JOB, MODEL)
    assert (done.answered, done.refused, done.passed, done.unreadable) == (15, 0, 0, 0)
    assert done.changes.later_answers
    assert not done.changes.suggestions
    assert known_pictures(clinic, JOB, MODEL).waiting == 0
    assert ask_afterwards(clinic, JOB, MODEL).answered == 0
    judged = validate_model(clinic, JOB, MODEL, FINDING, by=ValidationGroup.ASKED)
    assert (judged.flow.seen, judged.flow.afterwards, judged.flow.other_versions, judged.flow.cases) == (15, 15, 15, 15)
    assert [(row.group, row.cases) for row in judged.table.rows] == [("afterwards", 15)]
    assert judged.strengths == {Strength.REFERENCE: 12, Strength.REVIEWED: 3}
    assert len(site_cases(clinic, JOB, MODEL, FINDING).cases) == 12
    board = workflow.model_rates(clinic, JOB, MODEL, workflow.RateGroup.VERSION)
    (row,) = [one for one in board.rows if one.group.endswith(AFTERWARDS)]
    assert row.asked == 15
    assert {rate.share.n for rate in row.rates if rate.kind is RateKind.CHANGED} == {0}, "nobody decided on them"
    assert workflow.model_rates(clinic, JOB, MODEL, workflow.RateGroup.MONTH).answers == 15
    with clinic.store.snapshot() as tx:
        assert [[one.id for one in tx.suggestions.for_study(study)] for study in studies] == before
    assert not any(one.afterwards for one in confirmed_cases(clinic, JOB, MODEL))
    trail = [entry.action for entry in workflow.audit_entries(clinic, JOB, limit=100)]
    assert trail.count(AuditAction.ASK_AFTERWARDS) == 15
    assert AuditAction.REVEAL_SUGGESTION not in trail


def test_what_a_tuned_version_may_have_learned_from_is_no_fair_case(
    clinic: workflow.Clinic, tmp_path: Path, sure: None
) -> None:
    fill(clinic, tmp_path, 16, sha256=OLD)
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.TUNE_MODEL, clinic.models.get(MODEL).sha256, actor=clinic.actor)
    ask_afterwards(clinic, JOB, MODEL)
    patients = {case.patient for case in confirmed_cases(clinic, JOB, MODEL)}
    locked = sum(is_locked(one, locked_key(clinic)) for one in patients)
    judged = validate_model(clinic, JOB, MODEL, FINDING)
    assert (judged.flow.cases, judged.flow.learned) == (locked, 16 - locked)
    assert len(site_cases(clinic, JOB, MODEL, FINDING).cases) == locked
    there = next(one for one in tuning_state(clinic, JOB, MODEL).findings if one.finding == FINDING).enough
    assert there.cases == 16 - locked, "a later tuning learns from each picture once"


def test_what_nobody_has_read_is_not_asked_about(clinic: workflow.Clinic, tmp_path: Path) -> None:
    draft = workflow.PatientDraft((HumanName("王小明"),), birth_date=PartialDate(2022, 5))
    patient = workflow.register_patient(clinic, JOB, draft).patient
    film = tmp_path / "film.png"
    Image.fromarray((draw_film(3)[::8, ::8] >> 4).astype(np.uint8)).save(film)
    study = workflow.import_file(clinic, JOB, film, patient.id).study
    with clinic.store.snapshot() as tx:
        instance = tx.studies.get(study).main.id
    add_labels(clinic, JOB, study, instance, {FINDING: LabelValue.PRESENT}, LabelBasis.FOLLOW_UP)
    assert known_pictures(clinic, JOB, MODEL).known == 0
    assert judged_models(clinic, JOB) == ()
    workflow.record_impression(clinic, JOB, study, "Patchy.")
    (listed,) = judged_models(clinic, JOB)
    assert (listed.name, listed.answers) == (MODEL, 0), "that of grown-ups knows the finding too, not the age"
    stopped = Job()
    stopped.cancel()
    with pytest.raises(Cancelled):
        ask_afterwards(clinic, stopped, MODEL)
    done = ask_afterwards(clinic, JOB, MODEL)
    assert done.answered + done.refused + done.passed == 1
    with clinic.store.snapshot() as tx:
        (kept,) = tx.later_answers.for_study(study)
        assert tx.suggestions.for_study(study) == []
    assert kept.analysis.provenance.sha256 == clinic.models.get(MODEL).sha256
    assert (kept.analysis.activations, kept.author) == ((), clinic.session.user.id)
    assert workflow.list_suggestions(clinic, JOB, study) == ()


def test_a_damaged_file_is_asked_about_next_time(
    clinic: workflow.Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(clinic, tmp_path, 2, sha256=OLD)

    def damaged(*arguments: object) -> None:
        raise UserFacingError("store.attachment_damaged")

    monkeypatch.setattr(asking_afterwards, "_answer", damaged)
    done = ask_afterwards(clinic, JOB, MODEL)
    assert (done.unreadable, bool(done.changes)) == (2, False)
    assert known_pictures(clinic, JOB, MODEL).waiting == 2


def test_the_reading_room_s_own_answer_counts_before_one_asked_afterwards(
    clinic: workflow.Clinic, tmp_path: Path, sure: None
) -> None:
    fill(clinic, tmp_path, 3)
    assert known_pictures(clinic, JOB, MODEL).waiting == 0
    first = confirmed_cases(clinic, JOB, MODEL)[0]
    with clinic.store.snapshot() as tx:
        suggestion = tx.suggestions.for_study(first.study)[0]
    asking_afterwards._keep(clinic, first.study, first.instance, replace(suggestion.analysis, activations=()), "")
    judged = validate_model(clinic, JOB, MODEL, FINDING)
    assert (judged.flow.seen, judged.flow.afterwards, judged.flow.cases) == (3, 0, 3)
