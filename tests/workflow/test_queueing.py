"""The queue: blind only, two readers and a third, known ones among the others, and nobody named on the board."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Decision,
    HumanName,
    InstanceId,
    Label,
    LabelBasis,
    LabelId,
    LabelValue,
    StudyId,
    UserId,
    new_id,
)
from desktop.workflow.labelling import add_labels
from desktop.workflow.queueing import GOLD_EVERY, LabelTask, label_queue, open_to_label, quality_boards
from tests.workflow.test_model_rates import keep

JOB = Job()
WHEN = datetime(2026, 10, 5, 9, tzinfo=UTC)
YES, NO, UNSURE = LabelValue.PRESENT, LabelValue.ABSENT, LabelValue.UNSURE
ANNA, BO, CHEN = UserId("anna"), UserId("bo"), UserId("chen")


@pytest.fixture
def films(clinic: workflow.Clinic, tmp_path: Path) -> list[tuple[StudyId, InstanceId]]:
    """Twelve films of twelve people, each with a sealed suggestion."""
    found = []
    for number in range(12):
        patient = workflow.register_patient(
            clinic, JOB, workflow.PatientDraft((HumanName(text=f"Zhang {number}"),))
        ).patient
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (90, 100), np.uint8)).save(path)
        done = workflow.import_file(clinic, JOB, path, patient.id)
        keep(clinic, done.study, done.instance, WHEN, Decision.CANNOT_SAY)
        found.append((done.study, done.instance))
    return found


def says(
    clinic: workflow.Clinic,
    who: UserId,
    film: tuple[StudyId, InstanceId],
    value: LabelValue,
    basis: LabelBasis = LabelBasis.BLIND,
) -> None:
    label = Label(LabelId(new_id()), *film, "pneumonia", value, basis, who, WHEN)
    with clinic.store.transaction() as tx:
        tx.labels.add(label)
        tx.audit.add(AuditAction.ADD_LABEL, label.id, actor=who)


def asked(tasks: Iterable[LabelTask]) -> set[InstanceId]:
    return {task.instance for task in tasks}


def test_every_sealed_film_waits_in_an_order_that_holds_all_day(
    clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]]
) -> None:
    first = label_queue(clinic, JOB)
    assert asked(first.tasks) == {instance for _, instance in films}
    assert (first.waiting, first.answered) == (12, 0)
    assert [question.finding for question in first.tasks[0].questions] == ["pneumonia"]
    assert label_queue(clinic, JOB).tasks == first.tasks
    tomorrow = replace(clinic, clock=lambda: datetime(2031, 1, 1, 9, tzinfo=UTC))
    assert label_queue(tomorrow, JOB).tasks != first.tasks
    assert len(label_queue(clinic, JOB, 5).tasks) == 5


def test_what_i_answered_or_may_have_seen_is_not_asked(
    clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]]
) -> None:
    add_labels(clinic, JOB, *films[0], {"pneumonia": UNSURE})
    workflow.record_impression(clinic, JOB, films[1][0], "Patchy.")
    workflow.reading(clinic, JOB, films[1][0])
    add_labels(clinic, JOB, *films[2], {"other": YES}, LabelBasis.LABORATORY)
    left = label_queue(clinic, JOB)
    assert asked(left.tasks) == {instance for _, instance in films[3:]}
    assert left.answered == 2


def test_a_look_in_the_queue_keeps_me_blind(clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]]) -> None:
    (task, *_) = label_queue(clinic, JOB).tasks
    picture = open_to_label(clinic, JOB, task)
    told = picture.header
    assert (told.name_groups, told.patient_number, told.birth_date, told.study_uid) == ((), "", None, "")
    with clinic.store.transaction() as tx:
        for one in tx.suggestions.mark_revealed(task.study, ANNA, WHEN):
            tx.audit.add(AuditAction.REVEAL_SUGGESTION, one, actor=ANNA)
    done = add_labels(clinic, JOB, task.study, task.instance, {"pneumonia": YES})
    assert [label.basis for label in done.labels] == [LabelBasis.BLIND]
    actions = [entry.action for entry in workflow.audit_entries(clinic, JOB, limit=50)]
    assert actions.count(AuditAction.VIEW_TO_LABEL) == 1
    assert AuditAction.VIEW_STUDY not in actions


def test_two_read_and_a_third_where_they_disagree(
    clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]]
) -> None:
    says(clinic, ANNA, films[0], YES)
    says(clinic, ANNA, films[1], YES)
    says(clinic, BO, films[1], NO)
    says(clinic, ANNA, films[2], YES)
    says(clinic, BO, films[2], UNSURE)
    for who, value in ((ANNA, YES), (BO, NO), (CHEN, YES)):
        says(clinic, who, films[3], value)
    says(clinic, ANNA, films[4], YES, LabelBasis.REVIEWED)
    says(clinic, BO, films[4], YES, LabelBasis.REVIEWED)
    found = label_queue(clinic, JOB)
    assert found.waiting == 11
    assert films[3][1] not in asked(found.tasks), "three have spoken"
    assert {films[place][1] for place in (0, 1, 2, 4)} <= asked(found.tasks), "seen words are no second reading"


def test_known_films_are_mixed_in_without_a_sign(
    clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]]
) -> None:
    says(clinic, ANNA, films[0], YES)
    says(clinic, BO, films[0], YES)
    says(clinic, ANNA, films[1], NO, LabelBasis.LABORATORY)
    found = label_queue(clinic, JOB)
    assert found.waiting == 10
    mixed = asked(found.tasks) & {films[0][1], films[1][1]}
    assert 1 <= len(mixed) <= 2
    assert found.tasks[GOLD_EVERY - 1 :], "ten wait, so one known film is among the first ten"
    assert asked(found.tasks[:GOLD_EVERY]) & mixed
    assert len({len(task.questions) for task in found.tasks}) == 1


def test_nothing_waits_where_no_model_spoke_or_all_is_done(
    clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]]
) -> None:
    for film in films:
        says(clinic, ANNA, film, YES)
        says(clinic, BO, film, YES)
    assert label_queue(clinic, JOB).tasks == (), "known ones alone teach nothing"


def test_only_doctors_label_films(clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]]) -> None:
    task = label_queue(clinic, JOB).tasks[0]
    nurse = replace(clinic, session=workflow.Session(replace(clinic.session.user, roles=("nurse",))))
    for deed in (label_queue, quality_boards):
        with pytest.raises(UserFacingError) as refusal:
            deed(nurse, JOB)
        assert refusal.value.kind is ErrorKind.PERMISSION
    with pytest.raises(UserFacingError):
        open_to_label(nurse, JOB, task)


def test_the_board_counts_blind_words_and_names_nobody(
    clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]]
) -> None:
    assert quality_boards(clinic, JOB).boards == ()
    for place, film in enumerate(films):
        says(clinic, ANNA, film, YES if place % 2 else NO)
        says(clinic, BO, film, YES if place % 3 else NO)
        says(clinic, CHEN, film, YES, LabelBasis.REVIEWED)
    says(clinic, CHEN, films[1], YES, LabelBasis.LABORATORY)
    add_labels(clinic, JOB, *films[5], {"pneumonia": YES})
    boards = quality_boards(clinic, JOB)
    (about,) = boards.boards
    assert about.finding == "pneumonia"
    assert "pneumonia" in clinic.models.get(about.model).findings, "for its name, whichever model has one"
    rows = {row.labeller: row for row in about.board.rows}
    assert len(rows) == 3
    assert boards.own in rows
    assert rows[boards.own].answers == 1
    assert (about.board.shared, about.board.gold) == (12, 1)
    assert not {"anna", "bo", "chen", "li"} & {code.lower() for code in rows}


def test_hints_are_not_asked(
    clinic: workflow.Clinic, films: list[tuple[StudyId, InstanceId]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = clinic.models.picture_model("chest-xray-child")

    monkeypatch.setattr(model, "manifest", replace(model.manifest, hints={"pneumonia": "another"}))
    assert label_queue(clinic, JOB).tasks == (), "nothing else is known of these films"
