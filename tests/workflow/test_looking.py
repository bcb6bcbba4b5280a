"""Whoever looks at a record is a line of the audit trail, once a sitting and by whatever way they came."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, HumanName, PatientId, StudyId

VIEWS = (AuditAction.VIEW_PATIENT, AuditAction.VIEW_STUDY, AuditAction.VIEW_AUDIT)
PANELS: dict[str, Callable[[workflow.Clinic, PatientId], object]] = {
    "visits": lambda clinic, patient: workflow.visits(clinic, Job(), patient),
    "course": lambda clinic, patient: workflow.observation_course(clinic, Job(), patient, "8310-5"),
    "consents": lambda clinic, patient: workflow.consents(clinic, Job(), patient),
    "conflicts": lambda clinic, patient: workflow.conflicts(clinic, Job(), patient),
    "merges": lambda clinic, patient: workflow.merges(clinic, Job(), patient),
}


def register(clinic: workflow.Clinic, name: str) -> PatientId:
    return workflow.register_patient(clinic, Job(), workflow.PatientDraft((HumanName(name),))).patient.id


def looks(clinic: workflow.Clinic) -> list[tuple[AuditAction, str, str]]:
    """What the trail tells of looks, the oldest first. Asking this is no look."""
    with clinic.store.snapshot() as tx:
        entries = tx.audit.entries(100)
    return [(entry.action, entry.subject, entry.actor) for entry in reversed(entries) if entry.action in VIEWS]


def view(clinic: workflow.Clinic, patient: PatientId) -> tuple[AuditAction, str, str]:
    return AuditAction.VIEW_PATIENT, patient, clinic.actor


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_leaves_a_line_where_the_chart_was_not_opened_and_only_there(
    clinic: workflow.Clinic, panel: str
) -> None:
    asked, opened = register(clinic, "甲"), register(clinic, "乙")
    for _ in range(2):
        PANELS[panel](clinic, asked)
    assert looks(clinic) == [view(clinic, asked)]
    workflow.open_patient(clinic, Job(), opened)
    PANELS[panel](clinic, opened)
    assert looks(clinic) == [view(clinic, asked), view(clinic, opened)]


def test_opening_a_chart_is_a_line_every_time(clinic: workflow.Clinic) -> None:
    patient = register(clinic, "甲")
    workflow.visits(clinic, Job(), patient)
    workflow.open_patient(clinic, Job(), patient)
    workflow.open_patient(clinic, Job(), patient)
    assert looks(clinic) == [view(clinic, patient)] * 3


def test_a_merge_is_looked_at_in_both_records(clinic: workflow.Clinic) -> None:
    kept, gone = register(clinic, "甲"), register(clinic, "乙")
    workflow.open_patient(clinic, Job(), kept)
    for _ in range(2):
        workflow.merge_preview(clinic, Job(), kept, gone)
        workflow.merge_preview(clinic, Job(), gone, kept)
    assert looks(clinic) == [view(clinic, kept), view(clinic, gone)]


def test_a_record_that_was_merged_away_is_a_look_at_the_one_that_stands_for_it(clinic: workflow.Clinic) -> None:
    kept, gone = register(clinic, "甲"), register(clinic, "乙")
    workflow.merge_patients(clinic, Job(), kept, gone)
    workflow.visits(clinic, Job(), gone)
    workflow.consents(clinic, Job(), kept)
    assert looks(clinic) == [view(clinic, kept)]


def test_a_study_is_looked_at_once_by_whatever_way(clinic: workflow.Clinic, film: Path) -> None:
    patient = register(clinic, "甲")
    done = workflow.import_file(clinic, Job(), film, patient, "")
    study = StudyId(str(done.study))
    workflow.list_suggestions(clinic, Job(), study)
    workflow.reading(clinic, Job(), study)
    workflow.draft_report(clinic, Job(), study)
    assert looks(clinic) == [(AuditAction.VIEW_STUDY, study, clinic.actor)]
    workflow.open_study(clinic, Job(), study)
    assert len(looks(clinic)) == 2


def test_a_new_sitting_looks_anew(clinic: workflow.Clinic) -> None:
    patient, folder = register(clinic, "甲"), clinic.store.folder
    workflow.visits(clinic, Job(), patient)
    workflow.lock(clinic)
    again = workflow.unlock(folder, Job(), user="li", passphrase="correct horse", models=workflow.load_models())
    workflow.visits(again, Job(), patient)
    assert looks(again) == [view(again, patient)] * 2
    workflow.lock(again)


def test_lists_of_who_is_on_file_leave_no_line(clinic: workflow.Clinic) -> None:
    register(clinic, "欧阳凤凰")
    assert workflow.search_patients(clinic, Job(), "欧阳")
    assert workflow.possible_duplicates(clinic, Job(), workflow.PatientDraft((HumanName("欧阳凤凰"),)))
    workflow.recent_patients(clinic, Job())
    workflow.worklist(clinic, Job())
    workflow.retention_due(clinic, Job())
    assert looks(clinic) == []


def test_the_trail_is_looked_at_although_one_begins_in_its_middle(clinic: workflow.Clinic) -> None:
    register(clinic, "甲")
    line = AuditAction.VIEW_AUDIT, clinic.store.store_id, clinic.actor
    workflow.search_audit(clinic, Job(), before=2)
    assert looks(clinic) == [line]
    workflow.search_audit(clinic, Job(), before=1)
    assert looks(clinic) == [line]
    workflow.search_audit(clinic, Job())
    assert looks(clinic) == [line] * 2


def test_a_look_that_fails_is_none(clinic: workflow.Clinic) -> None:
    nobody = PatientId("00000000-0000-4000-8000-000000000009")
    for panel in PANELS.values():
        with pytest.raises(UserFacingError, match=r"store\.patient_not_found"):
            panel(clinic, nobody)
    assert looks(clinic) == []
    assert not clinic.sitting.has_seen(AuditAction.VIEW_PATIENT, nobody)
