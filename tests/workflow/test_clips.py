"""A video clip from file to frames: sealed, joined to the patient, paged; the models are left alone."""

from pathlib import Path

import numpy as np

from desktop import workflow
from desktop.intake.folder import DiskSource
from desktop.jobs import Job
from desktop.records import HumanName, Modality, Photometric
from desktop.workflow.import_finding import is_of_series
from desktop.workflow.import_storing import FileState, keep_files, seal_files
from tests.intake.other_formats import clip_bytes


def test_a_clip_is_kept_sealed_and_opened_frame_by_frame(clinic: workflow.Clinic, tmp_path: Path) -> None:
    data = clip_bytes(".avi", frames=12)
    path = tmp_path / "scope.avi"
    path.write_bytes(data)
    assert is_of_series(clinic, Job(), path), "it is sorted like clips of other kinds"
    patient = workflow.register_patient(clinic, Job(), workflow.PatientDraft(names=(HumanName(text="王小明"),))).patient
    source = DiskSource(path, len(data))
    kept = keep_files(clinic, Job(), seal_files(clinic, Job(), (source,), patient.id)).files[0]
    assert kept.state is FileState.OK
    assert not kept.askable
    assert kept.study is not None
    assert kept.attachment is not None
    opened = workflow.open_study(clinic, Job(), kept.study)
    assert opened.study.modality is Modality.OT
    assert clinic.store.attachments.read(kept.attachment) == data
    (run,) = opened.runs
    assert len(run) == 12
    first = opened.pictures[run.places[0].instance]
    assert first.photometric is Photometric.RGB
    assert np.array_equal(run.read(0).pixels, first.pixels)
    assert run.read(9).pixels.mean() > run.read(2).pixels.mean() > first.pixels.mean()
    assert workflow.suggest(clinic, Job(), kept.study).failure is None
    for file in (tmp_path / "clinic").rglob("*"):
        assert not file.is_file() or data[:64] not in file.read_bytes(), "nothing of it lies in the clear"
