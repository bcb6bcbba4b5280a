"""Seeing a patient: one transaction, one look at the chart, and what each role may write."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from desktop import workflow
from desktop.access import Permission, Role
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    ConditionStatus,
    ConsentDecision,
    ConsentPurpose,
    DocumentKind,
    Dosage,
    EncounterStatus,
    HumanName,
    MedicationStatus,
    Observation,
    Patient,
    PatientId,
    new_id,
)
from desktop.workflow import (
    Clinic,
    ConditionDraft,
    ConsentDraft,
    MedicationDraft,
    PatientDraft,
    Session,
    VisitDraft,
)

TEMPERATURE = "8310-5"


@pytest.fixture
def child(clinic: Clinic) -> Patient:
    return workflow.register_patient(clinic, Job(), PatientDraft((HumanName("王小明"),))).patient


def full_visit(patient: PatientId) -> VisitDraft:
    return VisitDraft(
        patient,
        reason="咳嗽三天",
        note="右下肺湿啰音",
        observations=(Observation(TEMPERATURE, 38.5, "Cel"), Observation("8867-4", 104, "/min")),
        conditions=(ConditionDraft("肺炎"),),
        medications=(MedicationDraft("阿莫西林", Dosage(250, "mg", 3, days=5)),),
    )


def refused(deed: Callable[[], object]) -> UserFacingError:
    with pytest.raises(UserFacingError) as refusal:
        deed()
    return refusal.value


def as_role(clinic: Clinic, role: Role) -> Clinic:
    return replace(clinic, session=Session(replace(clinic.session.user, roles=(role.value,))))


def test_a_visit_is_on_the_chart_as_it_was_recorded(clinic: Clinic, child: Patient) -> None:
    recorded = workflow.record_visit(clinic, Job(), full_visit(child.id))
    assert recorded.changes.visits
    chart = workflow.open_patient(clinic, Job(), child.id)
    assert chart.visits == (recorded.visit,)
    assert not chart.more_visits
    assert [one.text for one in chart.conditions] == ["肺炎"]
    assert [one.medication for one in chart.medications] == ["阿莫西林"]
    assert workflow.visits(clinic, Job(), child.id) == (recorded.visit,)
    actions = [entry.action for entry in workflow.audit_entries(clinic, Job())]
    assert actions.count(AuditAction.RECORD_VISIT) == 4  # visit, observations, diagnosis, prescription
    assert workflow.verify(clinic, Job()).ok


def test_what_was_pasted_is_kept_without_what_is_no_text(clinic: Clinic, child: Patient, tmp_path: Path) -> None:
    """Half a character of a page from elsewhere could not be written, and the whole visit would be lost with it."""
    pasted = " 咳嗽\udc80三天\x00\r\n夜间重 "
    kept = "咳嗽三天\n夜间重"
    draft = replace(full_visit(child.id), reason=pasted, note=pasted, conditions=(ConditionDraft(pasted),))
    visit = workflow.record_visit(clinic, Job(), draft).visit
    assert (visit.encounter.reason, visit.encounter.note, visit.conditions[0].text) == (kept,) * 3
    workflow.change_visit(clinic, Job(), visit.encounter.id, note=f"{pasted}！")
    assert workflow.visits(clinic, Job(), child.id)[0].encounter.note == f"{kept} ！"
    consent = ConsentDraft(child.id, ConsentPurpose.CARE, ConsentDecision.GIVEN, decided_by=pasted, note=pasted)
    said = workflow.record_consent(clinic, Job(), consent).consent
    assert (said.decided_by, said.note) == (kept, kept)
    path = tmp_path / "letter.txt"
    path.write_bytes(b"letter")
    document = workflow.add_document(clinic, Job(), path, child.id, kind=DocumentKind.OTHER, title=pasted).document
    assert document.title == kept


def test_nothing_of_a_visit_stays_where_a_part_of_it_fails(clinic: Clinic, child: Patient) -> None:
    nobody = PatientId(new_id())
    assert refused(lambda: workflow.record_visit(clinic, Job(), full_visit(nobody))).kind is ErrorKind.NOT_FOUND
    assert workflow.visits(clinic, Job(), child.id) == ()
    assert workflow.verify(clinic, Job()).ok


def test_a_nurse_measures_and_a_doctor_prescribes(clinic: Clinic, child: Patient) -> None:
    nurse, technician = as_role(clinic, Role.NURSE), as_role(clinic, Role.TECHNICIAN)
    vitals = VisitDraft(child.id, observations=(Observation(TEMPERATURE, 38.5, "Cel"),))
    assert workflow.record_visit(nurse, Job(), vitals).visit.observations
    assert refused(lambda: workflow.record_visit(technician, Job(), vitals)).kind is ErrorKind.PERMISSION
    assert refused(lambda: workflow.record_visit(nurse, Job(), full_visit(child.id))).kind is ErrorKind.PERMISSION
    assert not nurse.session.may(Permission.PRESCRIBE)
    assert len(workflow.visits(clinic, Job(), child.id)) == 1


def test_a_visit_is_changed_and_put_right(clinic: Clinic, child: Patient) -> None:
    visit = workflow.record_visit(clinic, Job(), full_visit(child.id)).visit
    wrong, pulse = visit.observations
    workflow.correct_observation(clinic, Job(), wrong, Observation(TEMPERATURE, 39.5, "Cel"))
    workflow.correct_observation(clinic, Job(), pulse)
    workflow.add_observations(clinic, Job(), visit.encounter.id, [Observation("2708-6", 95, "%")])
    workflow.change_visit(clinic, Job(), visit.encounter.id, note="好转", status=EncounterStatus.IN_PROGRESS)
    resolved = workflow.set_condition_status(clinic, Job(), visit.conditions[0].id, ConditionStatus.RESOLVED)
    assert (resolved.condition.status, resolved.before) == (ConditionStatus.RESOLVED, ConditionStatus.ACTIVE)
    stopped = workflow.set_medication_status(clinic, Job(), visit.medications[0].id, MedicationStatus.STOPPED)
    assert (stopped.medication.status, stopped.before) == (MedicationStatus.STOPPED, MedicationStatus.ACTIVE)
    assert resolved.changes.visits
    assert stopped.changes.visits
    (now,) = workflow.visits(clinic, Job(), child.id)
    assert {one.observation.code: one.observation.value for one in now.observations} == {
        TEMPERATURE: 39.5,
        "2708-6": 95.0,
    }
    assert (now.encounter.reason, now.encounter.note) == ("咳嗽三天", "好转")
    assert now.conditions[0].status is ConditionStatus.RESOLVED
    assert now.medications[0].status is MedicationStatus.STOPPED
    assert workflow.verify(clinic, Job()).ok


def test_older_visits_come_page_by_page(clinic: Clinic, child: Patient) -> None:
    start = clinic.clock()
    for day in range(5):
        workflow.record_visit(clinic, Job(), VisitDraft(child.id, started=start - timedelta(days=day)))
    chart = workflow.open_patient(clinic, Job(), child.id, visits=2)
    assert (len(chart.visits), chart.more_visits) == (2, True)
    rest = workflow.visits(clinic, Job(), child.id, before=chart.visits[-1].encounter.started)
    starts = [visit.encounter.started for visit in (*chart.visits, *rest)]
    assert starts == sorted(starts, reverse=True)
    assert len(starts) == 5


def test_a_status_somebody_changed_meanwhile_is_not_overwritten_unseen(clinic: Clinic, child: Patient) -> None:
    visit = workflow.record_visit(clinic, Job(), full_visit(child.id)).visit
    problem, medicine = visit.conditions[0].id, visit.medications[0].id
    workflow.set_condition_status(clinic, Job(), problem, ConditionStatus.RESOLVED, ConditionStatus.ACTIVE)
    workflow.set_medication_status(clinic, Job(), medicine, MedicationStatus.STOPPED, MedicationStatus.ACTIVE)
    for change in (
        partial(workflow.set_condition_status, clinic, Job(), problem, ConditionStatus.ENTERED_IN_ERROR),
        partial(workflow.set_medication_status, clinic, Job(), medicine, MedicationStatus.COMPLETED),
    ):
        seen = ConditionStatus.ACTIVE if change.func is workflow.set_condition_status else MedicationStatus.ACTIVE
        assert refused(partial(change, seen)).key == "visits.status_changed"
    chart = workflow.open_patient(clinic, Job(), child.id)
    assert [one.status for one in chart.conditions] == [ConditionStatus.RESOLVED]
    assert [one.status for one in chart.medications] == [MedicationStatus.STOPPED]


# Consents


def test_a_consent_is_given_withdrawn_and_its_retention_told(clinic: Clinic, child: Patient) -> None:
    given = ConsentDraft(child.id, ConsentPurpose.TEACHING, ConsentDecision.GIVEN, decided_by="母亲")
    workflow.record_consent(clinic, Job(), given)
    yesterday = clinic.clock().date() - timedelta(days=1)
    withdrawn = workflow.withdraw_consent(
        clinic, Job(), child.id, ConsentPurpose.TEACHING, retain_until=yesterday
    ).consent
    teaching = workflow.consents(clinic, Job(), child.id)[1]
    assert [one.decision for one in teaching.history] == [ConsentDecision.WITHDRAWN, ConsentDecision.GIVEN]
    assert not teaching.permits(clinic.clock().date())
    assert workflow.retention_due(clinic, Job()) == (withdrawn,)
    workflow.record_consent(clinic, Job(), given)
    assert workflow.retention_due(clinic, Job()) == ()
    assert workflow.open_patient(clinic, Job(), child.id).consents[1].permits(clinic.clock().date())
    assert workflow.verify(clinic, Job()).ok


@pytest.mark.parametrize("first", [None, ConsentDecision.REFUSED])
def test_there_must_be_something_to_withdraw(clinic: Clinic, child: Patient, first: ConsentDecision | None) -> None:
    if first is not None:
        workflow.record_consent(clinic, Job(), ConsentDraft(child.id, ConsentPurpose.FEEDBACK, first))
    error = refused(lambda: workflow.withdraw_consent(clinic, Job(), child.id, ConsentPurpose.FEEDBACK))
    assert error.key == "consents.nothing_to_withdraw"


def test_a_consent_that_ended_before_it_began_is_refused(clinic: Clinic, child: Patient) -> None:
    draft = ConsentDraft(child.id, ConsentPurpose.CARE, ConsentDecision.GIVEN, valid_until=date(2020, 1, 1))
    assert refused(lambda: workflow.record_consent(clinic, Job(), draft)).key == "consents.ends_early"


def test_a_long_history_opens_at_once(clinic: Clinic, child: Patient) -> None:
    """Fifty visits of four measurements; the budget is the issue's for 200 observations, on a busy machine tenfold."""
    start = clinic.clock()
    for day in range(50):
        draft = VisitDraft(
            child.id,
            started=start - timedelta(days=day),
            observations=tuple(Observation(TEMPERATURE, 36 + number / 10, "Cel") for number in range(4)),
        )
        workflow.record_visit(clinic, Job(), draft)
    begun = time.perf_counter()
    chart = workflow.open_patient(clinic, Job(), child.id)
    assert time.perf_counter() - begun < 1.0
    assert sum(len(visit.observations) for visit in chart.visits) == 200
