"""A clinic with films that wait to be labelled."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    AuditAction,
    Decision,
    Finding,
    InstanceId,
    Provenance,
    Quality,
    StudyId,
    Suggestion,
    SuggestionId,
    new_id,
)
from desktop.ui.context import UiContext
from desktop.ui.main_window import MainWindow

JOB = Job()
MODEL = "chest-xray-adult"
KEYS = ("effusion", "cardiomegaly")


def wait_to_be_labelled(clinic: workflow.Clinic, folder: Path, films: int) -> list[tuple[StudyId, InstanceId]]:
    """Films of the first patient, each with a sealed answer of a model on two findings."""
    patient = workflow.recent_patients(clinic, JOB, 1)[0].patient.id
    found = []
    for number in range(films):
        path = folder / f"film-{number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (90, 100), np.uint8)).save(path)
        done = workflow.import_file(clinic, JOB, path, patient)
        findings = tuple(Finding(key, key, 0.4 + number / 100, Decision.CANNOT_SAY) for key in KEYS)
        made = Provenance(MODEL, "1.0.0", "ab" * 32, "CPU", "cd" * 32, 1.0)
        analysis = Analysis(AnalysisStatus.OK, made, Quality(ok=True), findings)
        suggestion = Suggestion(SuggestionId(new_id()), done.study, done.instance, analysis, datetime.now(UTC))
        with clinic.store.transaction() as tx:
            tx.suggestions.add(suggestion)
            tx.audit.add(AuditAction.ADD_SUGGESTION, suggestion.id, actor=clinic.actor)
        found.append((done.study, done.instance))
    return found


@pytest.fixture
def films(opened: MainWindow, context: UiContext, tmp_path: Path) -> list[tuple[StudyId, InstanceId]]:
    """Three films that wait."""
    return wait_to_be_labelled(context.open_clinic, tmp_path, 3)
