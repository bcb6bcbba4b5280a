"""Drawings from files of other programs stand beside ours, say where they came from, and never take their place."""

from __future__ import annotations

import inspect
import io
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import UID

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.imaging.geometry import Orientation
from desktop.intake.folder import DiskSource
from desktop.jobs import Job
from desktop.network.parts import Answer, Received
from desktop.records import (
    AnnotationKind,
    AuditAction,
    HumanName,
    Identifier,
    InstanceId,
    PartialDate,
    Patient,
    Sex,
    SpacingSource,
    StudyId,
    VoiWindow,
)
from desktop.workflow import drawings_exporting as exporting
from desktop.workflow import drawings_importing as importing
from desktop.workflow import import_storing as storing
from desktop.workflow import key_images as marking
from desktop.workflow.import_storing import FileKept, FileState
from desktop.workflow.network_receiving import Reception
from tests.exports.drawn import LABELS, SHAPES, film_bytes, single
from tests.intake.dicom_files import file_bytes, gradient
from tests.intake.dicom_files import film as film_dataset


@dataclass(frozen=True)
class Opened:
    """A study with one film, and whose it is."""

    patient: Patient
    study: StudyId
    instance: InstanceId


def keep(clinic: workflow.Clinic, patient: Patient, *paths: Path) -> tuple[FileKept, ...]:
    sources = [DiskSource(path, path.stat().st_size) for path in paths]
    sealed = storing.seal_files(clinic, Job(), sources, patient.id, storing.Consent(mismatch="a test"))
    return storing.keep_files(clinic, Job(), sealed).files


def somebody(clinic: workflow.Clinic, name: str) -> Patient:
    return workflow.register_patient(clinic, Job(), workflow.PatientDraft(names=(HumanName(text=name),))).patient


def opened(clinic: workflow.Clinic, folder: Path, data: bytes | None = None, name: str = "Wang Xiaoming") -> Opened:
    patient = somebody(clinic, name)
    (folder / "film.dcm").write_bytes(data or film_bytes())
    (kept,) = keep(clinic, patient, folder / "film.dcm")
    assert kept.study is not None
    assert kept.instance is not None
    return Opened(patient, kept.study, kept.instance)


def draw_all(clinic: workflow.Clinic, on: Opened) -> None:
    for kind, points in SHAPES.items():
        workflow.annotate(clinic, Job(), on.instance, kind, points, LABELS.get(kind, ""))


def exported(clinic: workflow.Clinic, on: Opened, format: str, folder: Path) -> Path:
    out = folder / f"{format}.dcm"
    exporting.export_drawings(clinic, Job(), on.study, format, out)
    return out


def actions(clinic: workflow.Clinic) -> list[AuditAction]:
    with clinic.store.snapshot() as tx:
        return [entry.action for entry in tx.audit.entries(1000)]


def test_every_deed_declares_its_permission() -> None:
    deeds = [
        found
        for module in (exporting, importing, marking)
        for name, found in vars(module).items()
        if inspect.isfunction(found) and found.__module__ == module.__name__ and not name.startswith("_")
    ]
    declared = [deed for deed in deeds if isinstance(deed.__dict__.get("permission"), Permission)]
    # What runs inside somebody else's transaction is handed that transaction.
    inside = [deed for deed in deeds if "tx" in inspect.signature(deed).parameters]
    assert len(declared) == 5
    assert set(deeds) == {*declared, *inside}


@pytest.mark.parametrize("format", ["gsps", "tid1500"])
def test_every_kind_reaches_another_record_as_it_was(clinic: workflow.Clinic, tmp_path: Path, format: str) -> None:
    on = opened(clinic, tmp_path)
    draw_all(clinic, on)
    out = exported(clinic, on, format, tmp_path)
    # Into the record they came from: nothing is doubled, and ours stay.
    before = workflow.reading(clinic, Job(), on.study)
    (again,) = keep(clinic, on.patient, out)
    assert (again.state, again.study) == (FileState.DUPLICATE, on.study)
    assert workflow.reading(clinic, Job(), on.study) == before

    elsewhere = somebody(clinic, "Other")
    kept, pictured = keep(clinic, elsewhere, out, tmp_path / "film.dcm")
    assert (kept.state, kept.drawings, pictured.state) == (FileState.OK, len(SHAPES), FileState.OK)
    assert kept.study == pictured.study is not None
    state = workflow.reading(clinic, Job(), pictured.study)
    assert state.annotations == ()
    (imported,) = state.imported
    assert imported.source == "石桥村卫生室, Lantern"
    assert [(one.kind, single(one.points), one.label) for one in imported.drawings] == [
        (one.kind, single(one.points), one.label) for one in before.annotations
    ]
    assert keep(clinic, elsewhere, out)[0].state is FileState.DUPLICATE
    assert AuditAction.IMPORT_MARKS in actions(clinic)


def test_an_older_export_comes_back_beside_what_was_changed_since(clinic: workflow.Clinic, tmp_path: Path) -> None:
    on = opened(clinic, tmp_path)
    first = workflow.annotate(clinic, Job(), on.instance, AnnotationKind.LENGTH, ((1.0, 1.0), (9.0, 1.0)), "old")
    out = exported(clinic, on, "gsps", tmp_path)
    workflow.label_annotation(clinic, Job(), on.instance, first.annotation.id, "new")
    (kept,) = keep(clinic, on.patient, out)
    assert (kept.state, kept.drawings) == (FileState.OK, 1)
    state = workflow.reading(clinic, Job(), on.study)
    assert [one.label for one in state.annotations] == ["new"]
    assert [one.label for one in state.imported[0].shown] == ["old"]
    hidden = importing.hide_imported(clinic, Job(), state.imported[0].id, state.imported[0].drawings[0].id)
    assert hidden.imported.shown == ()
    assert workflow.reading(clinic, Job(), on.study).imported == (hidden.imported,)


def test_pictures_that_are_not_here_are_named(clinic: workflow.Clinic, tmp_path: Path) -> None:
    on = opened(clinic, tmp_path)
    draw_all(clinic, on)
    out = exported(clinic, on, "gsps", tmp_path)
    stranger = somebody(clinic, "Other")
    (kept,) = keep(clinic, stranger, out)
    assert kept.state is FileState.ERROR
    assert kept.error is not None
    assert kept.error.key == "workflow.drawings.not_here"
    with clinic.store.snapshot() as tx:
        assert tx.imported.for_study(stranger.id, "1.2.3") == []
    # Some of its pictures are: those drawings that are elsewhere are kept, and said.
    state = pydicom.dcmread(out)
    state.GraphicAnnotationSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID = "1.2.3.4.99"
    state.save_as(tmp_path / "partly.dcm")
    other = opened(clinic, tmp_path, name="Third")
    (partly,) = keep(clinic, other.patient, tmp_path / "partly.dcm")
    assert (partly.state, partly.drawings) == (FileState.OK, len(SHAPES))
    assert partly.error is not None
    assert partly.error.key == "importing.marks.some_not_here"


def test_key_images_are_marked_exported_and_known_again(clinic: workflow.Clinic, tmp_path: Path) -> None:
    on = opened(clinic, tmp_path)
    done = marking.mark_key_image(clinic, Job(), on.instance)
    assert done.changes.annotations
    assert marking.mark_key_image(clinic, Job(), on.instance).key_image == done.key_image
    out = exported(clinic, on, "ko", tmp_path)
    assert keep(clinic, on.patient, out)[0].state is FileState.DUPLICATE
    assert not workflow.reading(clinic, Job(), on.study).imported
    marking.mark_key_image(clinic, Job(), on.instance, marked=False)
    assert workflow.reading(clinic, Job(), on.study).key_images == ()
    (kept,) = keep(clinic, on.patient, out)
    assert (kept.state, kept.key_images) == (FileState.OK, 1)
    counts = actions(clinic)
    assert (counts.count(AuditAction.MARK_KEY_IMAGE), counts.count(AuditAction.EXPORT_MARKS)) == (2, 1)


def test_the_view_on_the_screen_goes_along(clinic: workflow.Clinic, tmp_path: Path) -> None:
    on = opened(clinic, tmp_path)
    draw_all(clinic, on)
    view = exporting.View(VoiWindow(1000.0, 500.0), inverted=True, orientation=Orientation(3))
    exporting.export_drawings(clinic, Job(), on.study, "gsps", tmp_path / "v.dcm", {on.instance: view})
    state = pydicom.dcmread(tmp_path / "v.dcm")
    assert (state.ImageRotation, state.ImageHorizontalFlip, state.PresentationLUTShape) == (270, "N", "INVERSE")
    voi = state.SoftcopyVOILUTSequence[0]
    assert (voi.WindowCenter, voi.WindowWidth) == (1000.0, 500.0)


def test_the_signing_doctor_answers_for_the_measurements(clinic: workflow.Clinic, tmp_path: Path) -> None:
    on = opened(clinic, tmp_path)
    workflow.annotate(clinic, Job(), on.instance, AnnotationKind.LENGTH, ((1.0, 1.0), (9.0, 1.0)))
    before = pydicom.dcmread(exported(clinic, on, "tid1500", tmp_path))
    signed = workflow.sign_report(clinic, Job(), on.study, impression="normal").report.content.signed
    after = pydicom.dcmread(exported(clinic, on, "tid1500", tmp_path))
    assert (before.VerificationFlag, after.VerificationFlag) == ("UNVERIFIED", "VERIFIED")
    (verifying,) = after.VerifyingObserverSequence
    assert str(verifying.VerifyingObserverName) == "li^"
    assert verifying.VerificationDateTime[:14] == signed.strftime("%Y%m%d%H%M%S")
    numbers = exporting.measured_drawings(clinic, Job(), on.study)
    (number,) = next(iter(numbers.values()))
    assert (round(number.value, 6), number.source) == (1.6, SpacingSource.IMAGER_PIXEL_SPACING)


def received(data: bytes) -> Received:
    found = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    syntax = str(found.file_meta.TransferSyntaxUID)
    return Received(data, str(found.SOPClassUID), str(found.SOPInstanceUID), syntax, "PACS", "127.0.0.1")


def test_marks_from_the_network_are_kept_before_their_pictures(clinic: workflow.Clinic, tmp_path: Path) -> None:
    """By name they are somebody's, or they wait until somebody says whose they are; either way they are no picture."""
    on = opened(clinic, tmp_path, name="Somebody")
    draw_all(clinic, on)
    report = exported(clinic, on, "tid1500", tmp_path).read_bytes()
    draft = workflow.PatientDraft(
        names=(HumanName(text="王小明"),),
        sex=Sex.FEMALE,
        birth_date=PartialDate(2022, 1, 1),
        identifiers=(Identifier("P-1"),),
    )
    known = workflow.register_patient(clinic, Job(), draft).patient
    stored: list[workflow.Stored] = []
    desk = Reception(clinic, stored.append, lambda: None)
    assert [desk.receive(received(report)) for _ in range(2)] == [Answer.STORED] * 2
    assert [(one.patient, one.study, one.instance, one.duplicate) for one in stored] == [
        (known.id, None, None, False),
        (known.id, None, None, True),
    ]
    assert desk.receive(received(film_bytes())) is Answer.STORED
    study = stored[-1].study
    assert study is not None
    assert len(workflow.reading(clinic, Job(), study).imported[0].drawings) == len(SHAPES)
    assert len(workflow.open_study(clinic, Job(), study).pictures) == 1

    nameless = pydicom.dcmread(io.BytesIO(report))
    nameless.PatientName, nameless.PatientID, nameless.PatientBirthDate = "", "", ""
    nameless.SOPInstanceUID = nameless.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.7")
    with io.BytesIO() as stream:
        nameless.save_as(stream, enforce_file_format=True)
        assert desk.receive(received(stream.getvalue())) is Answer.STORED
    arrival = stored[-1].arrival
    assert arrival is not None
    other = opened(clinic, tmp_path, name="Third")
    filed = workflow.file_arrivals(clinic, Job(), (arrival,), other.patient.id)
    assert filed.studies == (other.study,)
    state = workflow.reading(clinic, Job(), other.study)
    assert len(state.imported[0].drawings) == len(SHAPES)
    assert len(workflow.open_study(clinic, Job(), other.study).study.instances) == 1


@pytest.mark.parametrize(
    ("changes", "key"),
    [({}, "workflow.drawings.none"), ({"SOPInstanceUID": None}, "intake.no_numbers")],
)
def test_what_cannot_leave_says_why(
    clinic: workflow.Clinic, tmp_path: Path, changes: dict[str, object], key: str
) -> None:
    on = opened(clinic, tmp_path, file_bytes(film_dataset(gradient(48, 64), **changes)))
    if changes:
        workflow.annotate(clinic, Job(), on.instance, AnnotationKind.POINT, ((1.0, 1.0),))
    with pytest.raises(UserFacingError) as raised:
        exporting.export_drawings(clinic, Job(), on.study, "gsps", tmp_path / "x.dcm")
    assert raised.value.key == key
    assert not (tmp_path / "x.dcm").exists()


@pytest.mark.parametrize("format", ["tid1500", "ko"])
def test_a_name_of_one_part_is_written_without_a_word_about_it(
    clinic: workflow.Clinic, tmp_path: Path, format: str
) -> None:
    named = film_dataset(gradient(48, 64), SpecificCharacterSet="ISO_IR 192", PatientName="=李小红")
    on = opened(clinic, tmp_path, file_bytes(named))
    workflow.annotate(clinic, Job(), on.instance, AnnotationKind.POINT, ((1.0, 1.0),))
    marking.mark_key_image(clinic, Job(), on.instance)
    assert str(pydicom.dcmread(exported(clinic, on, format, tmp_path)).PatientName) == "=李小红"


def test_a_photograph_has_no_number_to_point_at(clinic: workflow.Clinic, tmp_path: Path, film: Path) -> None:
    patient = somebody(clinic, "Wang")
    (kept,) = keep(clinic, patient, film)
    assert kept.study is not None
    assert kept.instance is not None
    marking.mark_key_image(clinic, Job(), kept.instance)
    with pytest.raises(UserFacingError, match="not_dicom"):
        exporting.export_drawings(clinic, Job(), kept.study, "ko", tmp_path / "x.dcm")
