"""Cells one by one: only what a model boxed can be opened, three helpers and hidden known ones, and a helper's word
counts for nothing but the order in which a doctor looks."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.access import Role
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    AuditAction,
    CellBox,
    Count,
    Decision,
    DetectedBox,
    Finding,
    HumanName,
    InstanceId,
    Label,
    LabelBasis,
    LabelId,
    LabelValue,
    Provenance,
    Quality,
    StudyId,
    Suggestion,
    SuggestionId,
    UserId,
    new_id,
)
from desktop.workflow.cells import HELPERS, CellTask, HelpersWord, answer_cell, cell_queue, helper_boards, open_cell
from desktop.workflow.confirmed import confirmed_cases
from desktop.workflow.labelling import labels

JOB = Job()
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
YES, NO, UNSURE = LabelValue.PRESENT, LabelValue.ABSENT, LabelValue.UNSURE
SIDE = 20


def keep(clinic: workflow.Clinic, study: StudyId, name: str, analysis: Analysis) -> SuggestionId:
    with clinic.store.snapshot() as tx:
        instance = tx.studies.get(study).main.id
    made = replace(analysis, provenance=Provenance(name, "1.0.0", "ab" * 32, "CPU", "cd" * 32, 1.0))
    suggestion = Suggestion(SuggestionId(new_id()), study, instance, made, NOW)
    with clinic.store.transaction() as tx:
        tx.suggestions.add(suggestion)
        tx.audit.add(AuditAction.ADD_SUGGESTION, suggestion.id, actor=clinic.actor)
    return suggestion.id


def boxes(*found: DetectedBox, kinds: tuple[str, ...] = ("red_cell", "infected_cell")) -> Analysis:
    nobody = Provenance("", "", "", "", "", 0.0)
    counts = tuple(Count(kind, 0) for kind in kinds)
    return Analysis(AnalysisStatus.OK, nobody, Quality(ok=True), boxes=found, counts=counts)


def cell(place: int, probability: float, kind: str = "infected_cell") -> DetectedBox:
    return DetectedBox(10.0 + 30 * (place % 8), 10.0 + 30 * (place // 8), SIDE, SIDE, kind, probability)


def bring_in(clinic: workflow.Clinic, folder: Path, rows: int = 200, columns: int = 300) -> StudyId:
    patient = workflow.register_patient(clinic, JOB, workflow.PatientDraft((HumanName(text="张小明"),))).patient
    path = folder / "张小明 smear.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (rows, columns, 3), np.uint8)).save(path)
    return workflow.import_file(clinic, JOB, path, patient.id).study


@pytest.fixture
def smear(clinic: workflow.Clinic, tmp_path: Path) -> StudyId:
    """A photograph on which a model boxed twelve cells and something that is no cell."""
    study = bring_in(clinic, tmp_path)
    found = [cell(place, 0.4 + place / 50, "infected_cell" if place % 2 else "red_cell") for place in range(12)]
    large = DetectedBox(0.0, 0.0, 150.0, 150.0, "red_cell", 0.9)
    keep(clinic, study, "malaria-field", boxes(*found, large))
    return study


def as_(clinic: workflow.Clinic, who: str, *roles: Role) -> workflow.Clinic:
    """The same clinic in somebody else's hands: a helper's, unless roles are named."""
    user = replace(clinic.session.user, id=UserId(who), name=who, roles=roles or (Role.HELPER,))
    return replace(clinic, session=workflow.Session(user))


def by_place(clinic: workflow.Clinic) -> list[CellTask]:
    tasks = cell_queue(clinic, JOB, 400).tasks
    return sorted(tasks, key=lambda task: (task.box.y, task.box.x) if task.box else (0.0, 0.0))


def test_a_helper_sees_a_small_cut_out_and_nobody_s_name(clinic: workflow.Clinic, smear: StudyId) -> None:
    helper = as_(clinic, "wu")
    found = cell_queue(helper, JOB)
    assert (found.lay, found.waiting, len(found.tasks)) == (True, 12, 12), "what shows half the photograph is no cell"
    picture = open_cell(helper, JOB, found.tasks[0])
    assert picture.pixels.shape == (26, 26, 3)
    assert not picture.pixels[0, 0].any(), "what lies beside the cell is black"
    assert picture.pixels[13, 13].any()
    assert picture.pixels.base is None, "nothing around it is kept in memory"
    told = picture.header
    assert (told.name_groups, told.patient_number, told.study_date, told.study_uid) == ((), "", None, "")
    last = workflow.audit_entries(clinic, JOB, limit=1)[0]
    assert (last.action, last.actor, last.subject) == (AuditAction.VIEW_TO_LABEL, "wu", smear)
    for deed in (
        workflow.worklist,
        workflow.audit_entries,
        workflow.queueing.label_queue,
        workflow.backups.backup_state,
    ):
        with pytest.raises(UserFacingError) as refusal:
            deed(helper, JOB)
        assert refusal.value.kind is ErrorKind.PERMISSION


def test_nothing_else_of_the_photograph_can_be_opened(clinic: workflow.Clinic, smear: StudyId) -> None:
    helper = as_(clinic, "wu")
    (task, *_) = cell_queue(helper, JOB).tasks
    for box in (None, CellBox(0.0, 0.0, 150.0, 150.0), CellBox(0.0, 0.0, 30.0, 30.0)):
        with pytest.raises(UserFacingError) as refusal:
            open_cell(helper, JOB, replace(task, box=box))
        assert refusal.value.kind is ErrorKind.NOT_FOUND
        with pytest.raises(UserFacingError):
            answer_cell(helper, JOB, replace(task, box=box), YES)


def test_three_helpers_are_led_through_the_same_cells(clinic: workflow.Clinic, smear: StudyId) -> None:
    first = cell_queue(as_(clinic, "wu"), JOB).tasks[3]
    for number, who in enumerate(("wu", "xu", "yu")):
        helper = as_(clinic, who)
        assert (first in cell_queue(helper, JOB).tasks[:1]) is bool(number), "what is begun on is finished first"
        answer_cell(helper, JOB, first, YES)
        assert first not in cell_queue(helper, JOB).tasks
    assert cell_queue(as_(clinic, "zhu"), JOB).waiting == 12 - 1
    assert HELPERS == 3


def test_helpers_words_are_no_truth_and_only_order_what_the_doctor_sees(
    clinic: workflow.Clinic, smear: StudyId
) -> None:
    cells = by_place(clinic)
    for who in ("wu", "xu", "yu"):
        helper = as_(clinic, who)
        answer_cell(helper, JOB, cells[0], NO)
        done = answer_cell(helper, JOB, cells[7], YES if who != "yu" else UNSURE)
        assert (done.basis, done.helpers) == (LabelBasis.LAY, HelpersWord()), "a helper is not told what others said"
    workflow.record_impression(clinic, JOB, smear, "Ring forms.")
    assert labels(clinic, JOB, smear) == ()
    assert confirmed_cases(clinic, JOB, "malaria-field") == ()
    order = cell_queue(clinic, JOB, 400).tasks
    assert (order[0], order[-1], len(order)) == (cells[7], cells[0], 12), "suspicious first, cleared last"
    done = answer_cell(clinic, JOB, cells[7], NO)
    assert (done.basis, done.helpers) == (LabelBasis.BLIND, HelpersWord(present=2, unsure=1))
    again = answer_cell(clinic, JOB, cells[7], YES)
    assert again.basis is LabelBasis.REVIEWED, "who knows what helpers said is not blind"
    with pytest.raises(ValueError, match="lay word"):
        Label(LabelId("x"), smear, InstanceId("y"), "f", YES, LabelBasis.LAY, UserId("wu"), NOW)


def test_known_cells_are_hidden_among_the_others_and_measure_each_helper(
    clinic: workflow.Clinic, smear: StudyId
) -> None:
    cells = by_place(clinic)
    for task, value in ((cells[0], YES), (cells[1], NO), (cells[2], UNSURE)):
        answer_cell(clinic, JOB, task, value)
    helper = as_(clinic, "wu")
    found = cell_queue(helper, JOB)
    assert found.waiting == 9, "what a doctor spoke of needs no helper"
    asked = set(found.tasks)
    assert len(asked & {cells[0], cells[1]}) == 1, "one among nine others"
    assert cells[2] not in asked
    for task, value in ((cells[0], YES), (cells[1], YES), (cells[5], NO)):
        answer_cell(helper, JOB, task, value)
    (about,) = helper_boards(clinic, JOB)
    (row,) = about.board.rows
    assert (about.known, row.answers) == (2, 3)
    assert (row.sensitivity.value, row.specificity.value) == (1.0, 0.0)
    assert workflow.queueing.quality_boards(clinic, JOB).boards == (), "doctors and helpers are judged apart"


def test_two_models_on_one_photograph_ask_of_each_cell_once(clinic: workflow.Clinic, tmp_path: Path) -> None:
    study = bring_in(clinic, tmp_path)
    keep(clinic, study, "malaria-field", boxes(cell(0, 0.6), cell(1, 0.5)))
    helper = as_(clinic, "wu")
    (first, second) = by_place(helper)
    answer_cell(helper, JOB, first, YES)
    shifted = [replace(cell(place, 0.9, "red_cell"), x=12.0 + 30 * place) for place in range(3)]
    doubtful = cell(9, 0.1, "red_cell")
    keep(clinic, study, "blood-cells", boxes(*shifted, doubtful, kinds=("red_cell", "white_cell")))
    assert cell_queue(helper, JOB).waiting == 2, "what was answered holds for the new box"
    assert first in by_place(as_(clinic, "xu"))
    assert second.suggestion not in {task.suggestion for task in by_place(as_(clinic, "xu")) if task != first}


def test_a_picture_of_one_cell_is_asked_whole_and_a_doctor_s_word_is_one_on_the_picture(
    clinic: workflow.Clinic, tmp_path: Path
) -> None:
    study = bring_in(clinic, tmp_path, 60, 70)
    nobody = Provenance("", "", "", "", "", 0.0)
    said = (Finding("parasitized", "Parasitized", 0.5, Decision.CANNOT_SAY),)
    keep(clinic, study, "malaria-cell", Analysis(AnalysisStatus.OK, nobody, Quality(ok=True), said))
    large = bring_in(clinic, tmp_path, 600, 700)
    keep(clinic, large, "malaria-cell", Analysis(AnalysisStatus.OK, nobody, Quality(ok=True), said))
    helper = as_(clinic, "wu")
    (task,) = cell_queue(helper, JOB).tasks
    assert task.box is None
    assert open_cell(helper, JOB, task).pixels.shape == (60, 70, 3)
    answer_cell(helper, JOB, task, YES)
    assert labels(clinic, JOB, study) == ()
    first, again = answer_cell(clinic, JOB, task, NO), answer_cell(clinic, JOB, task, YES)
    assert (first.basis, again.basis) == (LabelBasis.BLIND, LabelBasis.REVIEWED)
    assert [(one.finding, one.basis) for one in labels(clinic, JOB, study)] == [
        ("parasitized", LabelBasis.BLIND),
        ("parasitized", LabelBasis.REVIEWED),
    ]
    assert cell_queue(clinic, JOB).tasks == ()
