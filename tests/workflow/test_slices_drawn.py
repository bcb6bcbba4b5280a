"""Drawings and key images on the slices of a CT: out to other programs, back again, and onto the paper."""

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from desktop import workflow
from desktop.jobs import Job
from desktop.records import AnnotationKind, HumanName, InstanceId, Patient, PrintedPicture, StudyId, VoiWindow
from desktop.workflow import Clinic, reporting
from desktop.workflow import drawings_exporting as exporting
from desktop.workflow import import_storing as storing
from desktop.workflow import key_images as marking
from desktop.workflow.viewing_series import printed_slice
from tests.intake.test_series_volume import ct_slice

from .test_drawings import keep

KINDS = AnnotationKind
DRAWN = {
    KINDS.LENGTH: ((2.0, 3.0), (22.0, 3.0)),
    KINDS.ANGLE: ((2.0, 3.0), (12.0, 13.0), (22.0, 3.0)),
    KINDS.ELLIPSE: ((2.0, 2.0), (12.0, 10.0)),
    KINDS.REGION: ((2.0, 2.0), (12.0, 2.0), (12.0, 10.0)),
    KINDS.BIDIRECTIONAL: ((2.0, 3.0), (22.0, 3.0), (12.0, 1.0), (12.0, 9.0)),
    KINDS.POINT: ((5.0, 5.0),),
}


@dataclass(frozen=True)
class Scan:
    """Three slices on record. uids: of their files, from the feet up."""

    patient: Patient
    study: StudyId
    instances: tuple[InstanceId, ...]
    uids: tuple[str, ...]


@pytest.fixture
def scan(clinic: Clinic, tmp_path: Path) -> Scan:
    """Slice n holds n * 100 HU at the left of the picture, 0 HU at its right."""
    study = generate_uid()
    paths, uids = [], []
    for number in range(3):
        pixels = np.full((24, 32), 1024, np.int16)
        pixels[:, :16] += 100 * number
        ds = pydicom.dcmread(io.BytesIO(ct_slice(number, pixels)))
        ds.StudyInstanceUID, ds.PatientName, ds.PatientID = study, "Wang^Xiaoming", "17"
        paths.append(tmp_path / f"{number}.dcm")
        ds.save_as(paths[-1])
        uids.append(str(ds.SOPInstanceUID))
    draft = workflow.PatientDraft(names=(HumanName(text="Wang Xiaoming"),))
    patient = workflow.register_patient(clinic, Job(), draft).patient
    kept = keep(clinic, patient, *paths)
    instances = tuple(one.instance for one in kept if one.instance is not None)
    assert kept[0].study is not None
    assert len(instances) == 3
    return Scan(patient, kept[0].study, instances, tuple(uids))


def _draw(clinic: Clinic, scan: Scan) -> None:
    for kind, points in DRAWN.items():
        workflow.annotate(clinic, Job(), scan.instances[1], kind, points)
    marking.mark_key_image(clinic, Job(), scan.instances[2])


def test_what_leaves_refers_to_the_slice_and_is_sound(clinic: Clinic, scan: Scan, tmp_path: Path) -> None:
    _draw(clinic, scan)
    views = {instance: exporting.View(VoiWindow(40.0, 80.0)) for instance in scan.instances}
    for format in exporting.DRAWING_FORMATS:
        exporting.export_drawings(clinic, Job(), scan.study, format, tmp_path / f"out-{format}.dcm", views)
    state = pydicom.dcmread(tmp_path / "out-gsps.dcm")
    named = {one.ReferencedImageSequence[0].ReferencedSOPInstanceUID for one in state.GraphicAnnotationSequence}
    assert named == {scan.uids[1]}
    assert float(state.SoftcopyVOILUTSequence[0].WindowWidth) == 80.0
    report = str(pydicom.dcmread(tmp_path / "out-tid1500.dcm"))
    assert scan.uids[1] in report
    assert scan.uids[2] not in report
    assert "Attenuation Coefficient" in report
    assert "[hnsf'U]" in report
    assert scan.uids[2] in str(pydicom.dcmread(tmp_path / "out-ko.dcm"))
    if shutil.which("dciodvfy") is None:
        pytest.skip("dicom3tools is not installed")
    for format in exporting.DRAWING_FORMATS:
        said = subprocess.run(["dciodvfy", tmp_path / f"out-{format}.dcm"], capture_output=True, text=True, check=False)
        assert "Error" not in said.stderr + said.stdout


@pytest.mark.parametrize(
    ("said", "unit"), [({}, "hu"), ({"RescaleType": "HU"}, "hu"), ({"RescaleType": "US"}, "stored")]
)
def test_values_are_hounsfield_units_where_the_file_says_so(
    clinic: Clinic, scan: Scan, tmp_path: Path, said: dict[str, str], unit: str
) -> None:
    ds = pydicom.dcmread(tmp_path / "1.dcm")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for name, value in said.items():
        setattr(ds, name, value)
    ds.save_as(tmp_path / "other.dcm")
    (kept,) = keep(clinic, scan.patient, tmp_path / "other.dcm")
    assert kept.instance is not None
    workflow.annotate(clinic, Job(), kept.instance, KINDS.POINT, DRAWN[KINDS.POINT])
    ((number,),) = exporting.measured_drawings(clinic, Job(), scan.study).values()
    assert (number.value, number.unit) == (100.0, unit)


def test_what_comes_back_lies_on_its_slice(clinic: Clinic, scan: Scan, tmp_path: Path) -> None:
    _draw(clinic, scan)
    for format in ("tid1500", "ko"):
        exporting.export_drawings(clinic, Job(), scan.study, format, tmp_path / f"out-{format}.dcm")
    for drawing in workflow.reading(clinic, Job(), scan.study).annotations:
        workflow.remove_annotation(clinic, Job(), drawing)
    marking.mark_key_image(clinic, Job(), scan.instances[2], marked=False)
    kept = keep(clinic, scan.patient, tmp_path / "out-tid1500.dcm", tmp_path / "out-ko.dcm")
    assert [one.state for one in kept] == [storing.FileState.OK] * 2
    imported = workflow.reading(clinic, Job(), scan.study).imported
    found = {one.kind: one for file in imported for one in file.drawings}
    assert set(found) == set(DRAWN)
    assert {one.instance_uid for one in found.values()} == {scan.uids[1]}
    assert found[KINDS.LENGTH].points == DRAWN[KINDS.LENGTH]
    assert found[KINDS.POINT].stated[0].startswith("Attenuation Coefficient 100 Hounsfield unit")
    assert [one.instance_uid for file in imported for one in file.key_images] == [scan.uids[2]]


def test_paper_shows_the_slice_that_was_chosen_in_its_window_with_its_drawings(clinic: Clinic, scan: Scan) -> None:
    record = workflow.open_study(clinic, Job(), scan.study).study
    chosen = PrintedPicture(scan.instances[1], 1, VoiWindow(50.0, 100.0))
    page, place = printed_slice(clinic, record, chosen)
    assert place.instance == scan.instances[1]
    assert page.light.shape == (24, 32)
    assert (int(page.light[5, 5]), int(page.light[5, 25])) == (255, 0)
    wide, _ = printed_slice(clinic, record)
    assert int(wide.light[5, 25]) == 102, "the files' own window is wider: 40, 400"
    turned, _ = printed_slice(
        clinic, record, PrintedPicture(scan.instances[1], 1, VoiWindow(50.0, 100.0), inverted=True)
    )
    assert (int(turned.light[5, 5]), int(turned.light[5, 25])) == (0, 255)

    workflow.annotate(clinic, Job(), scan.instances[1], KINDS.LENGTH, DRAWN[KINDS.LENGTH])
    workflow.record_impression(clinic, Job(), scan.study, "No fracture.")
    signed = workflow.sign_report(clinic, Job(), scan.study, "", picture=chosen).report
    assert signed.content.picture == chosen
    bundle = reporting._bundle(clinic, signed)
    assert (bundle.instance, bundle.frame) == (scan.instances[1], 1)
    (drawing,) = bundle.drawings
    assert np.allclose(drawing.points, DRAWN[KINDS.LENGTH])
    assert bundle.lengths[drawing.id].value == pytest.approx(10.0)
    with clinic.store.snapshot() as tx:
        assert tx.reports.get(signed.content.report).content.picture == chosen


def test_without_a_screen_paper_shows_the_key_image_else_what_is_drawn_on(clinic: Clinic, scan: Scan) -> None:
    workflow.record_impression(clinic, Job(), scan.study, "No fracture.")
    assert workflow.draft_report(clinic, Job(), scan.study).content.picture is None
    workflow.annotate(clinic, Job(), scan.instances[2], KINDS.LENGTH, DRAWN[KINDS.LENGTH])
    drawn = workflow.draft_report(clinic, Job(), scan.study).content
    assert drawn.picture is None
    assert reporting._bundle(clinic, drawn).instance == scan.instances[2]
    marking.mark_key_image(clinic, Job(), scan.instances[0])
    marked = workflow.draft_report(clinic, Job(), scan.study).content
    assert marked.picture == PrintedPicture(scan.instances[0])
    assert reporting._bundle(clinic, marked).drawings == ()
