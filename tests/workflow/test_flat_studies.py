"""What of CT and MR is no pile of slices is looked at as films are."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import HumanName, Modality, Patient
from desktop.workflow import import_finding, import_storing
from desktop.workflow.clinic import Clinic
from tests.intake.dicom_files import CT_STORAGE, SC_STORAGE, file_bytes, film

COLOUR = np.zeros((24, 32, 3), np.uint8)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return workflow.register_patient(clinic, Job(), workflow.PatientDraft(names=(HumanName(text="A"),))).patient


def slice_(number: int, *, series: str = "1.2.3.4", kind: str = "AXIAL", pixels: np.ndarray | None = None) -> Dataset:
    return film(
        pixels,
        SOPClassUID=CT_STORAGE,
        Modality="CT",
        SOPInstanceUID=f"{series}.{number}",
        SeriesInstanceUID=series,
        ImageType=["ORIGINAL", "PRIMARY", kind],
        ImagePositionPatient=[0, 0, float(number)],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[1, 1],
        RescaleIntercept=-1024,
        RescaleSlope=1,
    )


def sheet(number: int) -> Dataset:
    """A dose sheet: a copy of a screen, in colour."""
    uid = f"1.2.9.{number}"
    return film(COLOUR, SOPClassUID=SC_STORAGE, Modality="CT", SOPInstanceUID=uid, SeriesInstanceUID="1.2.9")


def opened(clinic: Clinic, patient: Patient, folder: Path, *files: Dataset) -> workflow.OpenStudy:
    for number, made in enumerate(files):
        made.PatientName = ""
        (folder / f"{number}.dcm").write_bytes(file_bytes(made))
    with import_finding.gather_files(clinic, Job(), [folder / f"{n}.dcm" for n in range(len(files))]) as gathered:
        sealed = import_storing.seal_files(clinic, Job(), gathered.sources, patient.id)
        kept = import_storing.keep_files(clinic, Job(), sealed)
    assert {one.state.value for one in kept.files} == {"ok"}, kept.files
    (study,) = {one.study for one in kept.files}
    assert study is not None
    return workflow.open_study(clinic, Job(), study)


@pytest.mark.parametrize(
    ("files", "sliced"),
    [
        ((slice_(1),), False),
        ((slice_(1, kind="LOCALIZER"), slice_(2, kind="LOCALIZER")), False),
        ((slice_(1, kind="LOCALIZER"), sheet(1)), False),
        ((slice_(1, pixels=COLOUR), slice_(2, pixels=COLOUR)), False),
        ((slice_(1), slice_(1, series="1.2.5")), False),
        ((sheet(1), slice_(1), slice_(2)), True),
        ((slice_(99, kind="LOCALIZER"), *(slice_(n) for n in range(30))), True),
    ],
    ids=["one slice", "overviews", "overview and sheet", "colour", "two single ones", "slices and a sheet", "many"],
)
def test_where_a_study_is_looked_at(
    clinic: Clinic, patient: Patient, tmp_path: Path, files: tuple[Dataset, ...], sliced: bool
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    study = opened(clinic, patient, folder, *files)
    assert study.sliced is sliced
    assert study.study.modality is Modality.CT
    assert (not study.runs) is sliced
    if not sliced:
        assert sum(len(run.places) for run in study.runs) == len(files)
        for picture in study.pictures.values():
            assert picture.pixels.shape[:2] == (24, 32)
        workflow.record_impression(clinic, Job(), study.study.id, "Nothing to be seen.")
        assert workflow.preview_report(clinic, Job(), study.study.id, None, (Language.ENGLISH,))
