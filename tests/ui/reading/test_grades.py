"""A grade a model gives stands beside the probability, once the suggestion may be seen."""

import pytest
from PySide6.QtWidgets import QLabel

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Analysis, AnalysisStatus, Decision, Finding, Mask, Quality, StudyId
from desktop.ui.reading import ReadingRoom
from tests.ui.reading.conftest import OpenStudy, StandIn, provenance
from tests.ui.reading.test_counts import model_first

__all__ = ["model_first"]

GRADED = Analysis(
    AnalysisStatus.OK,
    provenance(),
    Quality(True),
    (
        Finding("referable_dr", "Referable diabetic retinopathy", 0.93, Decision.LIKELY, grade=3),
        Finding("other", "Something else", 0.2, Decision.UNLIKELY),
    ),
    masks=(Mask("vessels", b"\x89PNG"),),
)


@pytest.mark.usefixtures("model_first")
def test_a_grade_stands_beside_the_probability(
    room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic, model: StandIn
) -> None:
    model.answer = GRADED
    workflow.suggest(clinic, Job(), study)
    open_study(study)
    step = room.study.panel.suggestion
    told = [label.text() for label in step.findChildren(QLabel, "finding_probability")]
    assert told == ["93 %, grade 3", "20 %"]
