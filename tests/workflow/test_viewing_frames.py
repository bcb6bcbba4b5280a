"""Clips and series of pictures from their files into the store, and out of it picture by picture."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop import workflow
from desktop.imaging.display import grey
from desktop.imaging.frame_run import FramePlace
from desktop.imaging.measure_region import ValueUnit, point_value
from desktop.jobs import Job
from desktop.records import AnnotationKind, Modality, Patient, StudyId
from desktop.workflow import import_finding, importing
from desktop.workflow.import_storing import Consent, FileState
from tests.imaging.test_measure import pet
from tests.intake.dicom_files import file_bytes, film, gradient
from tests.intake.test_picture_frames import FRAMES, clip
from tests.workflow.test_import_storing import keep, patient, sources

__all__ = ["patient"]
STUDY, SERIES = "1.2.3.100", "1.2.3.200"


def written(folder: Path, files: list[bytes]) -> list[Path]:
    paths = [folder / f"{number}.dcm" for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    return paths


def stored(clinic: workflow.Clinic, patient: Patient, paths: list[Path]) -> workflow.OpenStudy:
    """Bring files in as a drop does, and open their study."""
    kept = keep(clinic, sources(*paths), patient, Consent(mismatch="drawn for a test"))
    assert [one.state for one in kept] == [FileState.OK] * len(paths)
    (study,) = {one.study for one in kept}
    assert study is not None
    return workflow.open_study(clinic, Job(), StudyId(study))


def still(number: int, position: float | None = None, **elements: object) -> bytes:
    """A PET or ultrasound picture of a series; its brightest pixel says which."""
    told: dict[str, object] = {"SeriesInstanceUID": SERIES, "StudyInstanceUID": STUDY, "InstanceNumber": str(number)}
    if position is not None:
        told["ImagePositionPatient"] = ["0", "0", str(position)]
        told["ImageOrientationPatient"] = ["1", "0", "0", "0", "1", "0"]
    told["SOPInstanceUID"] = f"1.2.3.300.{number}"
    return file_bytes(film(gradient(12, 16, 1000 + number), **(told | elements)))


@pytest.fixture
def run(clinic: workflow.Clinic, patient: Patient, tmp_path: Path) -> workflow.OpenStudy:
    """An ultrasound clip of five frames."""
    data = file_bytes(clip(FrameTime="40", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES))
    return stored(clinic, patient, written(tmp_path, [data]))


def test_a_clip_opens_with_its_first_frame(run: workflow.OpenStudy) -> None:
    (frames,) = run.runs
    (instance,) = run.study.instances
    assert (run.study.modality, len(frames), frames.rate) == (Modality.US, 5, 25.0)
    assert frames.places[3] == FramePlace(instance.id, 4)
    assert np.array_equal(run.pictures[instance.id].pixels, FRAMES[0])
    assert np.array_equal(frames.read(3).pixels, FRAMES[3])


def test_a_clip_is_brought_in_like_a_series_and_no_model_is_asked(
    clinic: workflow.Clinic, run: workflow.OpenStudy, tmp_path: Path
) -> None:
    assert import_finding.is_of_series(clinic, Job(), tmp_path / "0.dcm")
    told = workflow.suggest(clinic, Job(), run.study.id)
    assert (told.suggestions, told.failure) == ((), None)


def test_pictures_of_a_series_are_paged_by_where_they_lie(
    clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    slices = {1: 30.0, 2: 10.0, 3: 20.0}
    files = [still(n, z, SOPClassUID="1.2.840.10008.5.1.4.1.1.128", Modality="PT") for n, z in slices.items()]
    opened = stored(clinic, patient, written(tmp_path, files))
    (frames,) = opened.runs
    assert [int(frames.read(n).pixels.max()) for n in range(3)] == [1002, 1003, 1001]
    assert list(opened.pictures) == [frames.places[0].instance]


def test_others_are_paged_as_they_are_numbered_and_films_stand_alone(
    clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    echo: dict[str, Any] = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "Modality": "US"}
    files = [still(2, **echo), still(1, **echo), still(3), still(4)]
    opened = stored(clinic, patient, written(tmp_path, files))
    assert [len(one) for one in opened.runs] == [2, 1, 1]
    assert [int(opened.runs[0].read(n).pixels.max()) for n in range(2)] == [1001, 1002]
    assert len(opened.pictures) == 3


def test_uptake_is_measured_on_a_pet_picture(clinic: workflow.Clinic, patient: Patient, tmp_path: Path) -> None:
    data = pet(SOPClassUID="1.2.840.10008.5.1.4.1.1.128")
    opened = stored(clinic, patient, written(tmp_path, [data]))
    picture = opened.runs[0].read(0)
    found = point_value(picture, (3, 3))
    assert found is not None
    assert picture.uptake is not None
    assert found.unit is ValueUnit.UPTAKE
    wanted = float(picture.pixels[3, 3]) * 10 * picture.uptake.grams / picture.uptake.becquerels
    assert found.value == pytest.approx(wanted, rel=1e-6)


def test_the_report_prints_the_frame_that_was_drawn_on(clinic: workflow.Clinic, run: workflow.OpenStudy) -> None:
    (instance,) = run.study.instances
    drawn = workflow.annotate(
        clinic, Job(), instance.id, AnnotationKind.LENGTH, ((1.0, 1.0), (9.0, 1.0)), frame=4
    ).annotation
    assert drawn.frame == 4
    named = workflow.label_annotation(clinic, Job(), instance.id, drawn.id, "valve").annotation
    assert (named.frame, named.label) == (4, "valve")
    workflow.record_impression(clinic, Job(), run.study.id, "A valve.")
    report = workflow.sign_report(clinic, Job(), run.study.id, "").report
    from desktop.workflow.reporting import _bundle

    bundle = _bundle(clinic, report)
    assert (bundle.frame, [one.frame for one in bundle.drawings]) == (4, [4])
    assert bundle.image is not None
    light = grey(run.runs[0].read(3))
    assert np.abs(bundle.image - light * 255).max() <= 0.5
    assert np.abs(grey(run.runs[0].read(0)) - light).max() > 0.1


def test_a_large_clip_is_not_read_to_learn_that_it_is_no_film(
    clinic: workflow.Clinic, run: workflow.OpenStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_LARGE_FILE", 100)
    monkeypatch.setattr(type(clinic.store.attachments), "read", lambda *_: pytest.fail("the whole clip was read"))
    assert workflow.suggest(clinic, Job(), run.study.id).failure is None


def test_clips_never_lie_open_once_read(run: workflow.OpenStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sealed file that stayed open would keep its key after the clinic is locked."""
    closed = []

    class Watched(io.BytesIO):
        def close(self) -> None:
            closed.append(self)
            super().close()

    from desktop.intake.picture_frames import read_frames_file

    data = file_bytes(clip())
    file = read_frames_file(lambda: Watched(data))
    file.picture(1)
    assert len(closed) == 2
