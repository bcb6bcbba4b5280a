"""The order of a reading: impression, reveal, decision, signature."""

import functools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.access import Role
from desktop.errors import KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    AnnotationId,
    AnnotationKind,
    AuditAction,
    Decision,
    FileHeader,
    Finding,
    HumanName,
    Modality,
    PartialDate,
    PatientId,
    Picture,
    Provenance,
    Quality,
    Question,
    Sex,
    StudyId,
    Verdict,
    new_id,
)
from desktop.vault import keystore
from desktop.workflow import accepting
from desktop.workflow.suggesting import subject_of

JOB = Job()


class StubModel:
    """A model that always says the same; it counts how often it was asked."""

    name, version, sha256 = "stub", "1.0", "ab" * 32

    def __init__(self) -> None:
        self.asked = 0
        self.failure: UserFacingError | None = None
        self.refusal = ""

    def analyse(self, picture: Picture, subject: object, job: Job) -> Analysis:
        self.asked += 1
        if self.refusal:
            made = Provenance(self.name, self.version, self.sha256, "CPU", "cd" * 32, 1.0)
            return Analysis(AnalysisStatus.REFUSED, made, Quality(ok=False), reason=self.refusal)
        if self.failure is not None:
            raise self.failure
        return Analysis(
            AnalysisStatus.OK,
            Provenance(self.name, self.version, self.sha256, "CPU", "cd" * 32, 1.0),
            Quality(ok=True),
            (Finding("pneumonia", "Pneumonia", 0.9, Decision.LIKELY),),
        )

    def finding_name(self, key: str, language: object) -> str:
        return key

    def title(self, language: object) -> str:
        return self.name


class StubRegistry:
    """A shelf with the one stub on it."""

    def __init__(self) -> None:
        self.model = StubModel()

    def fitting(self, picture: Picture) -> list[StubModel]:
        return [self.model]

    def get(self, name: str) -> StubModel:
        return self.model

    def follow(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        return None


class Clock:
    """A minute passes at each look."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def registry() -> Any:
    return StubRegistry()


@pytest.fixture
def clinic(tmp_path: Path, registry: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[workflow.Clinic]:
    monkeypatch.setattr(keystore, "create", functools.partial(keystore.create, calibrate=False))
    made = workflow.create_clinic(
        tmp_path / "clinic", JOB, name="N", admin="li", passphrase="correct horse", models=registry, clock=Clock()
    ).clinic
    yield made
    workflow.lock(made)


@pytest.fixture
def study(clinic: workflow.Clinic, tmp_path: Path) -> StudyId:
    patient = workflow.register_patient(clinic, JOB, workflow.PatientDraft((HumanName("王小明"),))).patient
    picture = tmp_path / "film.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (90, 100), np.uint8)).save(picture)
    done = workflow.import_file(clinic, JOB, picture, patient.id).study
    workflow.suggest(clinic, JOB, done)
    return done


def actions(clinic: workflow.Clinic) -> list[AuditAction]:
    return [entry.action for entry in reversed(workflow.audit_entries(clinic, JOB, 500))]


def test_the_suggestion_is_sealed_until_the_impression_is_saved(clinic: workflow.Clinic, study: StudyId) -> None:
    before = workflow.reading(clinic, JOB, study)
    assert before.sealed
    assert before.suggestion_ready
    assert before.suggestions == ()
    assert before.next_step is workflow.Step.READ
    hidden = workflow.list_suggestions(clinic, JOB, study)
    assert [item.suggestion for item in hidden] == [None]
    with pytest.raises(UserFacingError, match=r"workflow\.sealed"):
        workflow.review_finding(clinic, JOB, hidden[0].id, "pneumonia", Verdict.ACCEPT)
    assert AuditAction.REVEAL_SUGGESTION not in actions(clinic)

    recorded = workflow.record_impression(clinic, JOB, study, "patchy")
    assert recorded.impression.before_reveal
    after = workflow.reading(clinic, JOB, study)
    assert not after.sealed
    assert after.next_step is workflow.Step.DECIDE
    shown = [e.subject for e in workflow.audit_entries(clinic, JOB, 500) if e.action is AuditAction.REVEAL_SUGGESTION]
    assert shown.count(hidden[0].id) == 1
    second = workflow.record_impression(clinic, JOB, study, "on second thoughts clear")
    assert not second.impression.before_reveal
    assert [i.text for i in workflow.reading(clinic, JOB, study).impressions] == ["patchy", "on second thoughts clear"]


def test_model_first_is_a_policy(clinic: workflow.Clinic, study: StudyId) -> None:
    workflow.set_policy(clinic, JOB, workflow.Policy(reading_order=workflow.ReadingOrder.MODEL_FIRST))
    assert not workflow.reading(clinic, JOB, study).sealed
    assert not workflow.record_impression(clinic, JOB, study, "patchy").impression.before_reveal


def test_decisions_are_added_never_replaced(clinic: workflow.Clinic, study: StudyId) -> None:
    workflow.record_impression(clinic, JOB, study, "patchy")
    said = workflow.reading(clinic, JOB, study).suggestions[0]
    for verdict, value in ((Verdict.ACCEPT, None), (Verdict.AMEND, Decision.UNLIKELY), (Verdict.REJECT, None)):
        workflow.review_finding(clinic, JOB, said.id, "pneumonia", verdict, value, "why")
    workflow.add_finding(clinic, JOB, study, "肋骨骨折")
    state = workflow.reading(clinic, JOB, study)
    assert [(r.verdict, r.value) for r in state.reviews] == [
        (Verdict.ACCEPT, Decision.LIKELY),
        (Verdict.AMEND, Decision.UNLIKELY),
        (Verdict.REJECT, None),
        (Verdict.ADDED, Decision.LIKELY),
    ]
    assert state.current_reviews[Question(said.id, "pneumonia")].verdict is Verdict.REJECT
    assert state.next_step is workflow.Step.REPORT
    assert state.suggestions[0].analysis.findings[0].decision is Decision.LIKELY
    with pytest.raises(UserFacingError, match=r"workflow\.amend_needs_value"):
        workflow.review_finding(clinic, JOB, said.id, "pneumonia", Verdict.AMEND)
    with pytest.raises(UserFacingError, match=r"workflow\.no_such_finding"):
        workflow.review_finding(clinic, JOB, said.id, "fracture", Verdict.ACCEPT)


def test_every_suggestion_is_decided_by_itself(clinic: workflow.Clinic, study: StudyId, registry: StubRegistry) -> None:
    registry.model.sha256 = "ef" * 32
    workflow.suggest(clinic, JOB, study)
    workflow.record_impression(clinic, JOB, study, "Pneumonia.")
    first, second = workflow.reading(clinic, JOB, study).suggestions
    workflow.review_finding(clinic, JOB, first.id, "pneumonia", Verdict.ACCEPT)
    state = workflow.reading(clinic, JOB, study)
    assert [said.id for said, _ in state.open_questions] == [second.id]
    workflow.review_finding(clinic, JOB, second.id, "pneumonia", Verdict.REJECT, reason="a fold")
    workflow.add_finding(clinic, JOB, study, "rib fracture")
    assert workflow.reading(clinic, JOB, study).next_step is workflow.Step.REPORT
    content = workflow.sign_report(clinic, JOB, study).report.content
    assert [(one.model_sha256, one.picture) for one in content.suggestions] == [("ab" * 32, 1), ("ef" * 32, 1)]
    assert [f.verdict for one in content.suggestions for f in one.findings] == [Verdict.ACCEPT, Verdict.REJECT]
    assert [finding.verdict for finding in content.findings] == [Verdict.ADDED]
    assert content.model_name == ""
    assert [one.reason for one in content.all_findings] == ["", "a fold", ""]


def test_what_agrees_with_the_impression_is_accepted_at_once(clinic: workflow.Clinic, study: StudyId) -> None:
    with clinic.store.snapshot() as tx:
        (said,) = tx.suggestions.for_study(study)
    with pytest.raises(UserFacingError, match=r"workflow\.sealed"):
        accepting.accept_findings(clinic, JOB, said.id)
    workflow.record_impression(clinic, JOB, study, "Clear lungs.")
    refused = accepting.accept_findings(clinic, JOB, said.id)
    assert (refused.reviews, bool(refused.changes)) == ((), False)
    assert [(f.key, why) for f, why in refused.left] == [("pneumonia", accepting.LeftOut.OTHERWISE)]
    workflow.record_impression(clinic, JOB, study, "右下肺炎。")
    done = accepting.accept_findings(clinic, JOB, said.id)
    assert (len(done.reviews), done.left, done.changes.reviews) == (1, (), True)
    assert workflow.reading(clinic, JOB, study).undecided == ()
    assert accepting.take_back(clinic, JOB, done.reviews).changes.reviews
    after = workflow.reading(clinic, JOB, study)
    assert [finding.key for finding in after.undecided] == ["pneumonia"]
    assert [row.verdict for row in after.reviews] == [Verdict.ACCEPT, Verdict.WITHDRAWN]
    assert not accepting.take_back(clinic, JOB, done.reviews).changes
    assert workflow.draft_report(clinic, JOB, study).content.findings[0].verdict is None


def test_without_an_impression_nothing_is_accepted_at_once(clinic: workflow.Clinic, study: StudyId) -> None:
    workflow.set_policy(clinic, JOB, workflow.Policy(reading_order=workflow.ReadingOrder.MODEL_FIRST))
    (said,) = workflow.reading(clinic, JOB, study).suggestions
    with pytest.raises(UserFacingError, match=r"workflow\.accept_needs_impression"):
        accepting.accept_findings(clinic, JOB, said.id)


def test_after_signing_only_addenda_are_added(clinic: workflow.Clinic, study: StudyId) -> None:
    workflow.record_impression(clinic, JOB, study, "patchy")
    said = workflow.reading(clinic, JOB, study).suggestions[0]
    instance = said.instance
    signed = workflow.sign_report(clinic, JOB, study, "right lower zone").report
    assert signed.content.findings[0].verdict is None
    assert signed.content.audit_sequence >= 1
    for late in (
        lambda: workflow.record_impression(clinic, JOB, study, "x"),
        lambda: workflow.review_finding(clinic, JOB, said.id, "pneumonia", Verdict.ACCEPT),
        lambda: workflow.add_finding(clinic, JOB, study, "x"),
        lambda: workflow.annotate(clinic, JOB, instance, AnnotationKind.LENGTH, ((0, 0), (1, 1))),
        lambda: workflow.sign_report(clinic, JOB, study, "x"),
    ):
        with pytest.raises(UserFacingError, match=r"workflow\.already_signed"):
            late()
    workflow.add_addendum(clinic, JOB, signed.content.report, "first")
    full = workflow.add_addendum(clinic, JOB, signed.content.report, "second").report
    assert [a.text for a in full.addenda] == ["first", "second"]
    assert full.sha256 == signed.sha256


def test_a_model_is_asked_once_per_picture(clinic: workflow.Clinic, study: StudyId, registry: StubRegistry) -> None:
    assert registry.model.asked == 1
    assert workflow.suggest(clinic, JOB, study).suggestions == ()
    assert registry.model.asked == 1


def test_a_failing_model_stops_nothing(
    clinic: workflow.Clinic, study: StudyId, registry: StubRegistry, tmp_path: Path, expected_log: Any
) -> None:
    import logging

    registry.model.failure = KnownFailure("workflow.out_of_memory")
    patient = workflow.open_study(clinic, JOB, study).patient
    other = tmp_path / "other.png"
    Image.fromarray(np.zeros((90, 100), np.uint8)).save(other)
    new = workflow.import_file(clinic, JOB, other, patient.id).study
    with expected_log("desktop.workflow.suggesting", logging.WARNING, match="no suggestion"):
        done = workflow.suggest(clinic, JOB, new)
    assert done.failure is registry.model.failure
    assert not workflow.reading(clinic, JOB, new).suggestion_ready


@pytest.mark.parametrize(("reason", "kept"), [("inference.reason.other_kind", 0), ("inference.reason.quality", 1)])
def test_only_a_refusal_that_tells_of_the_study_is_kept(
    clinic: workflow.Clinic, study: StudyId, registry: StubRegistry, tmp_path: Path, reason: str, kept: int
) -> None:
    registry.model.refusal = reason
    patient = workflow.open_study(clinic, JOB, study).patient
    other = tmp_path / "other.png"
    Image.fromarray(np.zeros((90, 100), np.uint8)).save(other)
    new = workflow.import_file(clinic, JOB, other, patient.id).study
    done = workflow.suggest(clinic, JOB, new)
    assert (len(done.suggestions), done.failure) == (kept, None)


def test_a_removed_drawing_is_hidden_and_drafts_survive(clinic: workflow.Clinic, study: StudyId) -> None:
    instance = workflow.open_study(clinic, JOB, study).study.instances[0].id
    drawn = workflow.annotate(
        clinic, JOB, instance, AnnotationKind.REGION, ((1, 1), (9, 1), (9, 9)), "opacity"
    ).annotation
    assert workflow.reading(clinic, JOB, study).annotations == (drawn,)
    workflow.remove_annotation(clinic, JOB, drawn)
    assert workflow.reading(clinic, JOB, study).annotations == ()
    workflow.save_draft(clinic, JOB, study, "lungs: ", "so far")
    assert workflow.reading(clinic, JOB, study).draft == workflow.Draft("lungs: ", "so far")


def test_a_colleague_does_not_see_what_was_begun(clinic: workflow.Clinic, study: StudyId) -> None:
    added = workflow.people.add_user(clinic, JOB, name="Amina", roles=[Role.DOCTOR], passphrase="green rice and tea")
    colleague = replace(clinic, session=workflow.Session(added.user))
    workflow.save_draft(clinic, JOB, study, "lungs: ", "so far")
    assert workflow.reading(colleague, JOB, study).draft == workflow.Draft()
    workflow.save_draft(colleague, JOB, study, "", "mine")
    assert workflow.reading(clinic, JOB, study).draft == workflow.Draft("lungs: ", "so far")
    assert workflow.reading(colleague, JOB, study).draft == workflow.Draft("", "mine")


def test_a_drawing_is_labelled_by_a_later_row(clinic: workflow.Clinic, study: StudyId) -> None:
    instance = workflow.open_study(clinic, JOB, study).study.instances[0].id
    drawing = AnnotationId(new_id())
    drawn = workflow.annotate(
        clinic, JOB, instance, AnnotationKind.REGION, ((1, 1), (9, 9)), drawing=drawing
    ).annotation
    assert drawn.id == drawing
    workflow.label_annotation(clinic, JOB, instance, drawing, " cavity\x07 ")
    (named,) = workflow.reading(clinic, JOB, study).annotations
    assert (named.id, named.points, named.label) == (drawing, drawn.points, "cavity")
    workflow.remove_annotation(clinic, JOB, named)
    with pytest.raises(UserFacingError) as gone:
        workflow.label_annotation(clinic, JOB, instance, drawing, "late")
    assert gone.value.key == "workflow.no_such_drawing"
    assert workflow.reading(clinic, JOB, study).annotations == ()


def test_the_file_of_a_damaged_attachment_is_named(clinic: workflow.Clinic, study: StudyId) -> None:
    for file in (clinic.store.folder / "att").rglob("*"):
        if file.is_file():
            data = bytearray(file.read_bytes())
            data[-5] ^= 1
            file.write_bytes(data)
    with pytest.raises(KnownFailure):
        workflow.open_study(clinic, JOB, study)


@pytest.mark.parametrize(
    ("record", "in_file", "years"),
    [("2023-11-21", 40.0, 3.0), (None, 4.5, 4.5), (None, None, None), ("2027-01-01", 4.0, 4.0)],
)
def test_the_record_speaks_before_the_file(record: str | None, in_file: float | None, years: float | None) -> None:
    born = PartialDate.parse(record) if record else None
    draft = workflow.PatientDraft((HumanName("王"),), birth_date=born)
    subject = subject_of(
        draft.as_patient(PatientId("p")),
        FileHeader(Modality.CR, age_years=in_file, sex=Sex.FEMALE),
        date(2026, 11, 21),
    )
    assert subject.age_years == years
    assert subject.sex is Sex.FEMALE
