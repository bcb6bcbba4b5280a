"""Files of folders, archives and discs go on record together or not at all."""

import inspect
import io
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from desktop import workflow
from desktop.access import Permission
from desktop.errors import Cancelled, KnownFailure
from desktop.intake import folder_content
from desktop.intake.folder import DiskSource, Source, gather
from desktop.intake.folder_content import read_content
from desktop.jobs import Job
from desktop.records import HumanName, PartialDate, Patient
from desktop.records.dicom_node import Doubt
from desktop.store.places import ATTACHMENTS
from desktop.workflow import import_finding as finding
from desktop.workflow import import_storing as storing
from desktop.workflow import network_objects
from desktop.workflow.import_storing import FileState


def film(path: Path, seed: int, **tags: object) -> Path:
    """A small CR film."""
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 50), np.uint8)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality = "CR"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


@pytest.fixture
def patient(clinic: workflow.Clinic) -> Patient:
    """Somebody on file."""
    draft = workflow.PatientDraft(names=(HumanName(text="Anna Berg"),), birth_date=PartialDate(1950, 4, 2))
    return workflow.register_patient(clinic, Job(), draft).patient


def sources(*paths: Path) -> list[Source]:
    """Files as they lie on the disk."""
    return [DiskSource(path, path.stat().st_size) for path in paths]


def keep(
    clinic: workflow.Clinic, files: list[Source], patient: Patient, consent: storing.Consent = storing.NOTHING_ASKED
) -> tuple[storing.FileKept, ...]:
    """Both steps."""
    return storing.keep_files(clinic, Job(), storing.seal_files(clinic, Job(), files, patient.id, consent)).files


def sealed_files(clinic: workflow.Clinic) -> int:
    """How many sealed files lie on the disk."""
    return sum(1 for path in (clinic.store.folder / ATTACHMENTS).rglob("*") if path.is_file())


def test_every_deed_declares_its_permission() -> None:
    deeds = [
        found
        for module in (finding, storing)
        for name, found in vars(module).items()
        if inspect.isfunction(found) and found.__module__ == module.__name__ and not name.startswith("_")
    ]
    assert len(deeds) >= 10
    assert all(isinstance(deed.__dict__.get("permission"), Permission) for deed in deeds)


def test_a_series_becomes_one_study_with_its_bytes_unchanged(
    clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    paths = [film(tmp_path / f"{n}", n, StudyInstanceUID="1.2.3", PatientName="Berg^Anna") for n in range(5)]
    archive = tmp_path / "disc.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in paths[3:]:
            target.write(path, f"DICOM/{path.name}")
    with gather((*paths[:3], archive), Job()) as gathered:
        kept = keep(clinic, gathered.sources, patient)
    assert [one.state for one in kept] == [FileState.OK] * 5
    assert kept[3].name == f"{archive}/DICOM/3"
    (summary,) = workflow.open_patient(clinic, Job(), patient.id).studies
    assert [one.id for one in summary.study.instances] == [one.instance for one in kept]
    stored = [clinic.store.attachments.read(one.attachment) for one in summary.study.instances]
    assert stored == [path.read_bytes() for path in paths]
    assert workflow.verify(clinic, Job()).ok


def test_a_bad_file_is_its_own_answer_and_the_rest_is_kept(
    clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    good = film(tmp_path / "good", 1)
    cut = tmp_path / "cut"
    cut.write_bytes(good.read_bytes()[:-900])
    other = film(tmp_path / "other", 2, PatientName="Stern^Otto")
    twin = tmp_path / "twin"
    twin.write_bytes(good.read_bytes())
    kept = keep(clinic, sources(cut, good, other, twin), patient)
    assert [one.state for one in kept] == [FileState.ERROR, FileState.OK, FileState.REFUSED, FileState.DUPLICATE]
    assert kept[0].error is not None
    assert kept[0].error.key == "intake.truncated"
    assert kept[3].attachment == kept[1].attachment
    assert sealed_files(clinic) == 1


def test_other_bytes_of_the_same_picture_are_asked_about(
    clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    first = film(tmp_path / "first", 1, StudyInstanceUID="1.2.3", SOPInstanceUID="1.2.3.4")
    second = film(tmp_path / "second", 2, StudyInstanceUID="1.2.3", SOPInstanceUID="1.2.3.4")
    assert keep(clinic, sources(first), patient)[0].state is FileState.OK
    (asked,) = keep(clinic, sources(second), patient)
    assert (asked.state, asked.attachment) == (FileState.VERSION, None)
    (both,) = keep(clinic, sources(second), patient, storing.Consent(versions=True))
    assert both.state is FileState.OK
    assert both.error is not None
    assert both.error.key == "importing.kept_version"
    (summary,) = workflow.open_patient(clinic, Job(), patient.id).studies
    assert len(summary.study.instances) == 2


def test_a_cancelled_study_leaves_nothing(clinic: workflow.Clinic, patient: Patient, tmp_path: Path) -> None:
    paths = [film(tmp_path / f"{n}", n) for n in range(4)]
    job = Job()

    class Third(DiskSource):
        def open(self) -> BinaryIO:
            job.cancel()
            return super().open()

    files = [*sources(*paths[:2]), Third(paths[2], 1), *sources(paths[3])]
    with pytest.raises(Cancelled):
        storing.seal_files(clinic, job, files, patient.id)
    assert sealed_files(clinic) == 0
    done = storing.seal_files(clinic, Job(), sources(*paths), patient.id)
    assert sealed_files(clinic) == 4
    cancelled = Job()
    cancelled.cancel()
    with pytest.raises(Cancelled):
        storing.keep_files(clinic, cancelled, done)
    assert sealed_files(clinic) == 0
    assert workflow.open_patient(clinic, Job(), patient.id).studies == ()


def test_a_disk_that_fails_at_the_last_moment_leaves_nothing(
    clinic: workflow.Clinic, patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = storing.seal_files(clinic, Job(), sources(film(tmp_path / "a", 1), film(tmp_path / "b", 2)), patient.id)
    calls: list[object] = []

    def add(*given: Any) -> object:
        calls.append(given)
        if len(calls) == 2:
            raise KnownFailure("error.disk_full")
        return network_objects.add_to_study(*given)

    assert sealed_files(clinic) == 2
    monkeypatch.setattr(storing, "add_to_study", add)
    with pytest.raises(KnownFailure, match=r"error\.disk_full"):
        storing.keep_files(clinic, Job(), done)
    assert sealed_files(clinic) == 0
    assert workflow.open_patient(clinic, Job(), patient.id).studies == ()
    assert workflow.verify(clinic, Job()).ok


def test_a_pdf_becomes_a_document(clinic: workflow.Clinic, patient: Patient, tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    Image.new("L", (60, 80), 200).save(path)
    (kept,) = keep(clinic, sources(path), patient)
    assert (kept.state, kept.study) == (FileState.OK, None)
    (document,) = workflow.open_patient(clinic, Job(), patient.id).documents
    assert (document.title, document.attachment) == ("letter.pdf", kept.attachment)
    (again,) = keep(clinic, sources(path), patient)
    assert (again.state, again.attachment) == (FileState.DUPLICATE, kept.attachment)


def test_large_scans_are_sealed_in_constant_memory(
    clinic: workflow.Clinic, patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_content, "_HELD", 1000)
    monkeypatch.setattr(folder_content, "FILMS", frozenset())
    path = film(tmp_path / "run", 1, StudyInstanceUID="1.2.3")
    (kept,) = keep(clinic, sources(path), patient)
    assert kept.state is FileState.OK
    assert kept.attachment is not None
    assert clinic.store.attachments.read(kept.attachment) == path.read_bytes()
    (again,) = keep(clinic, sources(path), patient)
    assert again.state is FileState.DUPLICATE
    assert sealed_files(clinic) == 1


@pytest.mark.parametrize(
    ("word", "frames", "modality"), [("CT", 1, "CT"), ("CT", 3, "CT"), ("US", 3, "US"), ("ES", 3, "OT")]
)
def test_slices_and_clips_are_taken_as_series(
    clinic: workflow.Clinic, tmp_path: Path, word: str, frames: int, modality: str
) -> None:
    pixels = np.zeros((frames, 40, 50), np.uint8).tobytes()
    tags = {"SOPClassUID": CTImageStorage, "Modality": word, "PixelData": pixels, "NumberOfFrames": frames}
    (source,) = sources(film(tmp_path / "slice", 1, **tags))
    content = read_content(source, Job())
    assert finding.is_of_series(clinic, Job(), tmp_path / "slice")
    assert (content.header.modality, content.rows, content.columns, content.askable) == (modality, 40, 50, False)


def test_matching_proposes_the_certain_and_asks_about_the_rest(
    clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    film(tmp_path / "disc" / "a", 1, PatientName="Berg^Anna", PatientBirthDate="19500402")
    film(tmp_path / "disc" / "b", 2, PatientName="Berg^Anna", PatientBirthDate="19710101")
    film(tmp_path / "disc" / "c", 3, PatientName="Nemo^Cora")
    film(tmp_path / "disc" / "d", 4)
    found = finding.find_files(clinic, Job(), (tmp_path / "disc",))
    found.gathered.close()
    headers = [one.header for one in found.index.patients]
    shut = finding.match_files(clinic, Job(), headers, None)
    assert [(one.patient, one.doubt) for one in shut] == [
        (patient, None),
        (None, Doubt.UNSURE),
        (None, Doubt.NOBODY),
        (None, Doubt.NO_NAME),
    ]
    assert shut[1].likely == (patient,)
    opened = finding.match_files(clinic, Job(), headers, patient.id)
    assert [one.owner for one in opened] == ["certain", "certain", "ask", "open"]
    assert opened[1].remarks == ("intake.remark.birth_date_differs",)


def test_the_first_picture_is_found_behind_what_is_none(clinic: workflow.Clinic, tmp_path: Path) -> None:
    (tmp_path / "disc").mkdir()
    (tmp_path / "disc" / "AUTORUN.EXE").write_bytes(b"MZ" + bytes(100))
    film(tmp_path / "disc" / "DICOM" / "1", 5)
    light = finding.first_look(clinic, Job(), (tmp_path / "disc",), 100)
    assert light is not None
    assert light.shape == (40, 50)
    assert finding.holds_pictures(clinic, Job(), tmp_path / "disc")


def test_a_trace_is_looked_at_too(clinic: workflow.Clinic, tmp_path: Path) -> None:
    beats = (int(sample % 100 == 50) for sample in range(600))
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(["# sampling_rate: 100", "II (mV),V1 (mV)", *(f"{beat},{-beat}" for beat in beats)]))
    light = finding.first_look(clinic, Job(), (path,), 100)
    assert light is not None
    assert light.shape == (50, 100)
    assert 0 < np.count_nonzero(light) < light.size / 3


def test_a_stream_is_sealed_like_the_bytes_in_it(clinic: workflow.Clinic) -> None:
    data = bytes(range(256)) * 700
    staged = [clinic.store.attachments.stage(one, Job()) for one in (data, io.BytesIO(data))]
    assert staged[0].sha256 == staged[1].sha256
    for one in staged:
        clinic.store.attachments.discard(one)
