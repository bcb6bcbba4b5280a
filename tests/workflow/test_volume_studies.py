"""Volume files into the store and out again."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import HumanName, Modality, Patient, Segment
from desktop.workflow import Clinic, import_finding, import_storing
from tests.intake.test_volume_files import asymmetric, image_of, stored


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    """Somebody on file."""
    draft = workflow.PatientDraft(names=(HumanName(text="Anna Berg"),))
    return workflow.register_patient(clinic, Job(), draft).patient


def test_files_without_a_name_go_to_the_patient_chosen_and_open_as_volumes(
    clinic: Clinic, patient: Patient, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    values = asymmetric()
    image = image_of(values)
    paths = [stored(folder / f"one{ending}", image) for ending in (".mhd", ".nii.gz")]
    with import_finding.gather_files(clinic, Job(), [folder]) as gathered:
        sealed = import_storing.seal_files(clinic, Job(), gathered.sources, patient.id)
        kept = import_storing.keep_files(clinic, Job(), sealed)
    states = {Path(one.name).name: one.state.value for one in kept.files}
    # The voxels beside the header are its part, and kept once.
    assert states == {"one.mhd": "ok", "one.nii.gz": "ok", "one.raw": "duplicate"}
    assert all(import_finding.is_of_series(clinic, Job(), path) for path in paths)
    for one in kept.files:
        assert one.study is not None
        study = workflow.open_study(clinic, Job(), one.study).study
        assert (study.modality, study.patient) == (Modality.VOLUME, patient.id)
        opened = workflow.open_series(clinic, Job(), one.study)
        assert [(name.description, name.count) for name in opened.names] == [(study.description, 6)]
        point = image.TransformIndexToPhysicalPoint([3, 4, 5])
        assert opened.series.volumes[0].value_at(point) == values[5, 4, 3]
        assert workflow.first_look_at_series(clinic, Job(), one.study).shape == (1, 8, 10)
        volume = opened.series.volumes[0]
        inside = np.packbits(np.ones((2, 3, 4), np.bool_)).tobytes()
        segment = Segment(1, "Liver", (230, 159, 0), (1, 2, 3, 3, 5, 7), zlib.compress(inside), 24)
        workflow.keep_mask(
            clinic,
            Job(),
            workflow.MaskDraft(one.study, opened.key, volume.grid, volume.shape, opened.source, (segment,)),
        )
        for name in ("mask.nrrd", "mask.nii.gz", "mask.nii"):
            out = tmp_path / name
            workflow.export_mask(clinic, Job(), one.study, opened.key, out)
            tools: Any = SimpleITK  # half of it has types
            written = tools.ReadImage(str(out))
            assert np.argwhere(tools.GetArrayFromImage(written)).min(axis=0).tolist() == [1, 2, 3]
            assert np.allclose(written.TransformIndexToPhysicalPoint([3, 4, 5]), point, atol=1e-4)


def test_a_torn_file_is_not_kept(clinic: Clinic, patient: Patient, tmp_path: Path) -> None:
    path = stored(tmp_path / "one.nrrd", image_of(np.zeros((5, 6, 7), np.int16)))
    path.write_bytes(path.read_bytes()[:-9])
    with import_finding.gather_files(clinic, Job(), [path]) as gathered:
        sealed = import_storing.seal_files(clinic, Job(), gathered.sources, patient.id)
        kept = import_storing.keep_files(clinic, Job(), sealed)
    assert [one.state.value for one in kept.files] == ["error"]
    assert isinstance(kept.files[0].error, UserFacingError)
