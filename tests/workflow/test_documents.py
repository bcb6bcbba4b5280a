"""Papers about a patient: kept byte for byte, shown from memory, and never written anywhere in the clear."""

import hashlib
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from desktop import workflow
from desktop.access import Role
from desktop.errors import ErrorKind, UserFacingError
from desktop.intake.folder import gather
from desktop.jobs import Job
from desktop.network.parts import Answer, KeepingAsked, ObjectName
from desktop.records import AuditAction, DocumentId, DocumentKind, HumanName, PartialDate, Patient, new_id
from desktop.workflow import Clinic, DocumentShape, PatientDraft
from desktop.workflow import import_finding as finding
from desktop.workflow import import_storing as storing
from desktop.workflow.network_receiving import Reception
from tests.network.objects import file_bytes, note, written
from tests.workflow.test_network import received
from tests.workflow.test_visits import as_role


@pytest.fixture
def child(clinic: Clinic) -> Patient:
    return workflow.register_patient(clinic, Job(), PatientDraft((HumanName("王小明"),))).patient


@pytest.fixture
def keep(clinic: Clinic, child: Patient, tmp_path: Path) -> Callable[[bytes], DocumentId]:
    """Keeps these bytes as a document of the child."""

    def kept(data: bytes) -> DocumentId:
        path = tmp_path / "paper"
        path.write_bytes(data)
        done = workflow.add_document(clinic, Job(), path, child.id, kind=DocumentKind.OTHER, title="信")
        path.unlink()
        return done.document.id

    return kept


def refused(deed: Callable[[], object]) -> UserFacingError:
    with pytest.raises(UserFacingError) as refusal:
        deed()
    return refusal.value


def pdf(pages: int = 2, size: tuple[int, int] = (200, 300)) -> bytes:
    colours = ((255, 0, 0), (0, 0, 255), (0, 255, 0))
    drawn = [Image.new("RGB", size, colours[number % 3]) for number in range(pages)]
    out = io.BytesIO()
    drawn[0].save(out, "PDF", save_all=True, append_images=drawn[1:], resolution=72)
    return out.getvalue()


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_a_document_comes_back_byte_for_byte(clinic: Clinic, child: Patient, tmp_path: Path) -> None:
    path = tmp_path / "转诊单.pdf"
    path.write_bytes(b"%PDF-1.7\nreferral")
    kept = workflow.add_document(clinic, Job(), path, child.id, kind=DocumentKind.REFERRAL, title="转诊单")
    assert workflow.open_patient(clinic, Job(), child.id).documents == (kept.document,)
    assert workflow.document_bytes(clinic, Job(), kept.document.id) == path.read_bytes()
    for source, title, key in (
        (path, " ", "visits.no_title"),
        (tmp_path / "missing.pdf", "转诊单", "error.file_not_found"),
    ):
        keep = partial(workflow.add_document, clinic, Job(), source, child.id, kind=DocumentKind.OTHER, title=title)
        assert refused(keep).key == key
    assert AuditAction.VIEW_DOCUMENT in {entry.action for entry in workflow.audit_entries(clinic, Job())}
    assert workflow.verify(clinic, Job()).notes == ()


def test_a_copy_is_what_was_kept_and_leaves_a_line(
    clinic: Clinic, keep: Callable[[bytes], DocumentId], tmp_path: Path
) -> None:
    document, copy = keep(pdf()), tmp_path / "stick" / "copy.pdf"
    copy.parent.mkdir()
    saved = workflow.save_document(clinic, Job(), document, copy)
    assert (saved.file, saved.sha256) == (copy, hashlib.sha256(copy.read_bytes()).hexdigest())
    assert copy.read_bytes() == workflow.document_bytes(clinic, Job(), document)
    assert [path.name for path in copy.parent.iterdir()] == ["copy.pdf"]
    lines = [one for one in workflow.audit_entries(clinic, Job()) if one.action is AuditAction.EXPORT_DOCUMENT]
    assert [one.subject for one in lines] == [document]


def test_the_pages_of_a_pdf_are_drawn_one_by_one_and_the_look_is_audited_once(
    clinic: Clinic, keep: Callable[[bytes], DocumentId]
) -> None:
    document = keep(pdf())
    opened = workflow.open_document(clinic, Job(), document)
    assert (opened.shape, opened.pages, opened.document.id) == (DocumentShape.PAGES, 2, document)
    for number, colour in ((0, (255, 0, 0)), (1, (0, 0, 255))):
        page = workflow.document_page(clinic, Job(), opened, number, 400)
        assert page.shape == (600, 400, 3)
        assert np.abs(page[300, 200].astype(int) - colour).max() < 8
    assert refused(lambda: workflow.document_page(clinic, Job(), opened, 2, 400)).key == "documents.damaged"
    looks = [one for one in workflow.audit_entries(clinic, Job()) if one.action is AuditAction.VIEW_DOCUMENT]
    assert [one.subject for one in looks] == [document]


def test_a_page_that_claims_to_be_huge_is_drawn_small(clinic: Clinic, keep: Callable[[bytes], DocumentId]) -> None:
    opened = workflow.open_document(clinic, Job(), keep(pdf(1, (20, 14_000))))
    page = workflow.document_page(clinic, Job(), opened, 0, 1000)
    assert page.size <= 3 * 26_000_000


def test_a_picture_keeps_its_size_and_its_colours(clinic: Clinic, keep: Callable[[bytes], DocumentId]) -> None:
    colours = np.random.default_rng(3).integers(0, 255, (40, 30, 3), np.uint8)
    opened = workflow.open_document(clinic, Job(), keep(png(colours)))
    assert (opened.shape, opened.pages) == (DocumentShape.PICTURE, 1)
    assert np.array_equal(workflow.document_page(clinic, Job(), opened, 0, 400), colours)
    grey = np.tile(np.linspace(0, 255, 32).astype(np.uint8), (16, 1))
    shown = workflow.document_page(clinic, Job(), workflow.open_document(clinic, Job(), keep(png(grey))), 0, 400)
    assert shown.shape == (16, 32, 3)
    assert (np.diff(shown[0, :, 0].astype(int)) >= 0).all()
    assert shown[0, -1, 0] > shown[0, 0, 0] + 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_text_is_read_as_it_was_written(clinic: Clinic, keep: Callable[[bytes], DocumentId], encoding: str) -> None:
    words = "转诊单：右下肺炎\nAmoxicillin 250 mg\n" * 400
    opened = workflow.open_document(clinic, Job(), keep(words.encode(encoding)))
    assert opened.shape is DocumentShape.TEXT
    assert opened.text == words


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_text_that_begins_in_english_is_read_to_its_end(
    clinic: Clinic, keep: Callable[[bytes], DocumentId], encoding: str
) -> None:
    words = "Referral letter, see below\n" * 200 + "右下肺炎\n"
    assert workflow.open_document(clinic, Job(), keep(words.encode(encoding))).text == words


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "documents.cannot_show"),
        (b"", "documents.cannot_show"),
        (b"%PDF-1.7\nno more", "documents.damaged"),
        (b"letter" * 1000 + b"\xff\xff", "documents.damaged"),
        (b"a" * 2_000_001, "documents.cannot_show"),
    ],
    ids=["another kind", "empty", "damaged pdf", "damaged text", "endless text"],
)
def test_what_cannot_be_shown_is_said(
    clinic: Clinic, keep: Callable[[bytes], DocumentId], data: bytes, key: str
) -> None:
    document = keep(data)
    assert refused(lambda: workflow.open_document(clinic, Job(), document)).key == key
    assert workflow.document_bytes(clinic, Job(), document) == data


def test_a_file_is_looked_at_before_it_is_kept(clinic: Clinic, tmp_path: Path) -> None:
    path = tmp_path / "paper"
    path.write_bytes(pdf())
    assert workflow.look_at_file(clinic, Job(), path) is DocumentShape.PAGES
    path.write_bytes(b"PK\x03\x04\x00\x00")
    assert refused(lambda: workflow.look_at_file(clinic, Job(), path)).key == "documents.cannot_show"
    assert refused(lambda: workflow.look_at_file(clinic, Job(), tmp_path / "none")).key == "error.file_not_found"


def test_who_may_not_see_patients_sees_no_paper(clinic: Clinic, keep: Callable[[bytes], DocumentId]) -> None:
    document = keep(b"letter")
    auditor = as_role(clinic, Role.AUDITOR)
    assert refused(lambda: workflow.open_document(auditor, Job(), document)).kind is ErrorKind.PERMISSION
    missing = DocumentId(new_id())
    assert refused(lambda: workflow.open_document(clinic, Job(), missing)).kind is ErrorKind.NOT_FOUND


def test_nothing_of_a_paper_lies_on_the_disk_in_the_clear(
    clinic: Clinic, keep: Callable[[bytes], DocumentId], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    document = keep(b"Findable letter")
    picture = keep(pdf(1))
    assert "Findable" in workflow.open_document(clinic, Job(), document).text
    workflow.document_page(clinic, Job(), workflow.open_document(clinic, Job(), picture), 0, 300)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if b"Findable" in path.read_bytes() or b"%PDF" in path.read_bytes()]
    assert list(temporary.iterdir()) == []


def test_a_report_of_another_program_is_kept_as_a_document_and_never_as_a_picture(
    clinic: Clinic, tmp_path: Path
) -> None:
    draft = PatientDraft((HumanName("张伟"),), birth_date=PartialDate(1980, 1, 2))
    patient = workflow.register_patient(clinic, Job(), draft).patient
    data = file_bytes(written())
    told: list[workflow.Stored] = []
    desk = Reception(clinic, told.append, lambda: None)
    assert desk.receive(received(data)) is Answer.STORED
    assert desk.receive(received(data)) is Answer.STORED
    first, again = told
    assert (first.patient, first.study, first.instance) == (patient.id, None, None)
    assert (again.duplicate, again.document) == (True, first.document)
    path = tmp_path / "report.dcm"
    path.write_bytes(data)
    with gather((path,), Job()) as gathered:
        sealed = storing.seal_files(clinic, Job(), gathered.sources, patient.id)
        (once_more,) = storing.keep_files(clinic, Job(), sealed).files
    assert once_more.state is storing.FileState.DUPLICATE
    chart = workflow.open_patient(clinic, Job(), patient.id)
    assert chart.studies == ()
    (document,) = chart.documents
    assert (document.id, document.kind) == (first.document, DocumentKind.REPORT)
    assert document.title == "Radiology Study observation (narrative)"
    opened = workflow.open_document(clinic, Job(), document.id)
    assert (opened.shape, opened.data) == (DocumentShape.REPORT, data)
    assert opened.report is not None
    assert opened.report.authors == ("Zhao Min 赵 敏",)
    name = ObjectName(str(dcmread(io.BytesIO(data)).SOPClassUID), first.instance_uid)
    kept = desk.keeping(KeepingAsked("1.2.3", (name,), "XRAY", "127.0.0.1"))
    assert kept.kept == (name,), "what is kept as a document is promised too"
    assert workflow.verify(clinic, Job()).ok


def test_a_report_that_nobody_knew_and_one_on_a_disc(clinic: Clinic, tmp_path: Path) -> None:
    draft = PatientDraft((HumanName("张伟"),), birth_date=PartialDate(1980, 1, 2))
    patient = workflow.register_patient(clinic, Job(), draft).patient
    told: list[workflow.Stored] = []
    assert Reception(clinic, told.append, lambda: None).receive(received(file_bytes(note(birth_date="")))) is (
        Answer.STORED
    )
    (waiting,) = workflow.waiting_arrivals(clinic, Job())
    filed = workflow.file_arrivals(clinic, Job(), waiting.arrivals, patient.id)
    assert (filed.studies, filed.changes.visits) == ((), True)
    disc = tmp_path / "disc"
    disc.mkdir()
    (disc / "report.dcm").write_bytes(file_bytes(written()))
    (disc / "empty.dcm").write_bytes(file_bytes(note()))
    found = finding.find_files(clinic, Job(), (disc,))
    with found.gathered:
        assert found.index.not_taken == ()
        sealed = storing.seal_files(clinic, Job(), found.gathered.sources, patient.id)
        kept = storing.keep_files(clinic, Job(), sealed).files
    assert {Path(one.name).name: one.error.key for one in kept if one.error} == {
        "report.dcm": "importing.kept_in_words",
        "empty.dcm": "intake.report.empty",
    }
    chart = workflow.open_patient(clinic, Job(), patient.id)
    assert [one.title for one in chart.documents] == ["Radiology Study observation (narrative)", "SR"]
    assert chart.studies == ()
