"""Drafting, signing, printing and exporting reports."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.access import Permission
from desktop.errors import UserFacingError, from_os_error
from desktop.exports import EXPORTERS, ReportBundle
from desktop.exports.preview import pages as render_pages
from desktop.i18n import Language
from desktop.imaging.display import grey
from desktop.imaging.frame_run import FramePlace
from desktop.imaging.geometry import Length
from desktop.imaging.measure import length, manual_scale, scale_at
from desktop.jobs import Job
from desktop.records import (
    Addendum,
    AnnotationId,
    AnnotationKind,
    AuditAction,
    Changes,
    ImagingStudy,
    Picture,
    PrintedPicture,
    ReportContent,
    ReportId,
    SignedReport,
    StudyId,
)
from desktop.records.canonical_report import addendum_canonical_bytes, report_canonical_bytes
from desktop.signals.paper import paper_page
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.importing import is_sliced, is_trace, stored_recording
from desktop.workflow.looking import looking_at_study
from desktop.workflow.policy import read_policy
from desktop.workflow.reading import add_impression, check_unsigned
from desktop.workflow.report_content import compose
from desktop.workflow.viewing_flat import is_flat
from desktop.workflow.viewing_frames import printed_picture
from desktop.workflow.viewing_series import printed_slice
from desktop.workflow.words import plain_text


@dataclass(frozen=True)
class Signed:
    """A report as signed."""

    report: SignedReport
    changes: Changes


@dataclass(frozen=True)
class Exported:
    """A file that left the clinic. sha256: hex digest of what was written."""

    file: Path
    sha256: str


@dataclass(frozen=True)
class ReportDraft:
    """What the report would say if it were signed now, and the words the findings field begins with."""

    content: ReportContent
    languages: tuple[Language, ...]


@requires(Permission.READ_IMAGES)
def draft_report(clinic: Clinic, job: Job, study: StudyId, findings_text: str | None = None) -> ReportDraft:
    """What would be signed now. findings_text: as typed; None takes the draft. Raises UserFacingError (not_found)."""
    job.check()
    synthetic = _film_is_synthetic(clinic, study)
    with looking_at_study(clinic, study) as tx:
        return ReportDraft(
            compose(clinic, tx, study, findings_text, synthetic), read_policy(tx).report_language.languages
        )


@requires(Permission.READ_IMAGES)
def preview_report(
    clinic: Clinic,
    job: Job,
    study: StudyId,
    findings_text: str | None,
    languages: tuple[Language, ...],
    picture: PrintedPicture | None = None,
) -> bytes:
    """The report as a PDF marked as a draft. picture: as for `sign_report`."""
    synthetic = _film_is_synthetic(clinic, study)
    with looking_at_study(clinic, study) as tx:
        content = compose(clinic, tx, study, findings_text, synthetic, picture)
    job.report("workflow.progress.report")
    return EXPORTERS["pdf"].render(_bundle(clinic, content), languages)


@requires(Permission.SIGN_REPORT)
def sign_report(
    clinic: Clinic,
    job: Job,
    study: StudyId,
    findings_text: str | None = None,
    impression: str | None = None,
    picture: PrintedPicture | None = None,
) -> Signed:
    """Freeze the report's canonical bytes under the doctor's key; from then on only addenda are added.

    impression: recorded first where given. picture: of a scan, the slice for the paper as the screen shows it; None
    takes the first key image, else the first slice drawn on, else the middle one, in its file's window. An undecided
    suggestion blocks nothing, the report says so. Raises UserFacingError: no impression yet, signed already, not found.
    """
    job.report("workflow.progress.signing")
    synthetic = _film_is_synthetic(clinic, study)
    with clinic.store.transaction() as tx:
        check_unsigned(tx, study)
        if impression is not None and impression.strip():
            add_impression(clinic, tx, study, impression)
        content = compose(clinic, tx, study, findings_text, synthetic, picture)
        if not content.impression:
            raise UserFacingError("workflow.report_needs_impression")
        data = report_canonical_bytes(content)
        report = SignedReport(
            content=content,
            sha256=hashlib.sha256(data).hexdigest(),
            signature=clinic.unlocked.signing_key.sign(data),
            public_key=clinic.unlocked.public_key,
        )
        tx.reports.add(report)
        tx.drafts.clear(study)
        tx.audit.add(AuditAction.SIGN_REPORT, content.report, actor=clinic.actor)
    clinic.store.sign_head()
    return Signed(report, Changes(reports=True, studies=True, impressions=impression is not None))


@requires(Permission.SIGN_REPORT)
def add_addendum(clinic: Clinic, job: Job, report: ReportId, text: str) -> Signed:
    """Add words to a signed report, signed in turn over the report's hash and every earlier addendum's."""
    job.check()
    words = plain_text(text)
    if not words:
        raise UserFacingError("workflow.addendum_empty")
    with clinic.store.transaction() as tx:
        signed = tx.reports.get(report)
        now = clinic.clock()
        previous = signed.addenda[-1].sha256 if signed.addenda else ""
        data = addendum_canonical_bytes(signed.sha256, previous, words, clinic.session.user.name, now)
        addendum = Addendum(
            text=words,
            author_name=clinic.session.user.name,
            signed=now,
            sha256=hashlib.sha256(data).hexdigest(),
            signature=clinic.unlocked.signing_key.sign(data),
        )
        tx.reports.add_addendum(report, addendum)
        full = tx.reports.get(report)
        tx.audit.add(AuditAction.ADD_ADDENDUM, report, actor=clinic.actor)
    return Signed(full, Changes(reports=True))


@requires(Permission.EXPORT_REPORT)
def report_bytes(
    clinic: Clinic,
    job: Job,
    report: ReportId,
    format: str,
    languages: tuple[Language, ...] = (),
    *,
    action: AuditAction = AuditAction.EXPORT_REPORT,
) -> bytes:
    """A signed report in a format of `EXPORTERS`. languages: empty takes the clinic's choice. action: audited as.

    Raises UserFacingError: unknown format, not found.
    """
    if format not in EXPORTERS:
        raise UserFacingError("workflow.no_such_format", formats=", ".join(EXPORTERS))
    with clinic.store.snapshot() as tx:
        signed = tx.reports.get(report)
        chosen = languages or read_policy(tx).report_language.languages
    job.report("workflow.progress.report")
    data = EXPORTERS[format].render(_bundle(clinic, signed), chosen)
    with clinic.store.transaction() as tx:
        tx.audit.add(action, report, actor=clinic.actor, reason=format)
    return data


@requires(Permission.EXPORT_REPORT)
def export_report(
    clinic: Clinic, job: Job, report: ReportId, format: str, out: Path, languages: tuple[Language, ...] = ()
) -> Exported:
    """Write a signed report to a file, whole or not at all. Raises UserFacingError, KnownFailure (disk_full, io)."""
    data = report_bytes(clinic, job, report, format, languages)
    write_whole(out, data)
    return Exported(out, hashlib.sha256(data).hexdigest())


def write_whole(out: Path, data: bytes) -> None:
    """Write a file so that a power cut leaves the old one or the new one. Raises KnownFailure."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise from_os_error(error) from error


@requires(Permission.VIEW_IMAGES)
def page_images(clinic: Clinic, job: Job, pdf: bytes, dpi: int) -> list[npt.NDArray[np.uint8]]:
    """A PDF's pages as (rows, columns, 3) uint8, for the preview and the printer."""
    job.check()
    return list(render_pages(pdf, dpi))


def _bundle(clinic: Clinic, report: SignedReport | ReportContent) -> ReportBundle:
    """The report with the picture it is about, windowed as its file says or as somebody chose, and what its drawings
    measure."""
    content = report.content if isinstance(report, SignedReport) else report
    with clinic.store.snapshot() as tx:
        study = tx.studies.get(content.study)
    instance = study.main
    if is_trace(study):
        page = paper_page(stored_recording(clinic, instance).main)
        return ReportBundle(report, image=page, instance=instance.id)
    if is_sliced(study) and not is_flat(clinic, study):
        return _slice_bundle(clinic, report, content, study)
    place = _printed_place(study, content)
    picture = printed_picture(clinic, study, place)
    lengths = _lengths(picture, content, place)
    image = _printable(picture)
    return ReportBundle(report, image=image, instance=place.instance, lengths=lengths, frame=place.frame)


def _slice_bundle(
    clinic: Clinic, report: SignedReport | ReportContent, content: ReportContent, study: ImagingStudy
) -> ReportBundle:
    """A scan's report with the slice that was chosen, else the first that is drawn on, else the middle one."""
    known = {instance.id for instance in study.instances}
    drawn = [one for one in content.annotations if not one.deleted and one.instance in known]
    first = PrintedPicture(drawn[0].instance, drawn[0].frame) if drawn else None
    page, place = printed_slice(clinic, study, content.picture or first)
    here = [one for one in drawn if (one.instance, one.frame) == (place.instance, place.frame)]
    lengths = _lengths(printed_picture(clinic, study, place), content, place) if here else {}
    placed = {one.id: tuple(page.placed(point) for point in one.points) for one in here}
    return ReportBundle(report, page.light, place.instance, lengths=lengths, frame=place.frame, placed=placed)


def _lengths(picture: Picture, content: ReportContent, place: FramePlace) -> dict[AnnotationId, Length]:
    """What the lengths on a printed picture measure."""
    same = tuple(drawing for drawing in content.annotations if drawing.instance == place.instance)
    manual = manual_scale(picture, same)
    return {
        drawing.id: length(scale_at(picture, drawing.points, manual), drawing.points[0], drawing.points[1])
        for drawing in same
        if drawing.frame == place.frame and drawing.kind in (AnnotationKind.LENGTH, AnnotationKind.CALIBRATION)
    }


def _printed_place(study: ImagingStudy, content: ReportContent) -> FramePlace:
    """The study's first picture; of a clip the frame that was drawn on first."""
    first = study.instances[0].id
    frames = [drawing.frame for drawing in content.annotations if drawing.instance == first and not drawing.deleted]
    return FramePlace(first, frames[0] if frames else 1)


def _printable(picture: Picture) -> npt.NDArray[np.uint8]:
    return (grey(picture) * 255 + 0.5).astype(np.uint8)


def _film_is_synthetic(clinic: Clinic, study: StudyId) -> bool:
    """Whether the film says of itself that it was drawn, whoever it is kept under."""
    with clinic.store.snapshot() as tx:
        record = tx.studies.get(study)
    if is_trace(record) or is_sliced(record):
        return False
    return printed_picture(clinic, record, FramePlace(record.main.id)).header.burned_in_synthetic
