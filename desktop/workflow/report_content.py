"""What a report says, put together from what is on record."""

from collections.abc import Iterable, Mapping

from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.inference import Model
from desktop.records import (
    AnalysisStatus,
    ImagingStudy,
    InstanceId,
    Modality,
    PrintedPicture,
    Question,
    ReportContent,
    ReportedCount,
    ReportedFinding,
    ReportedSuggestion,
    ReportId,
    Review,
    StudyId,
    Suggestion,
    Verdict,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic
from desktop.workflow.importing import is_sliced
from desktop.workflow.reading import Reading, in_order, read_state
from desktop.workflow.words import plain_text


def compose(
    clinic: Clinic,
    tx: Transaction,
    study: StudyId,
    findings_text: str | None,
    synthetic: bool,
    picture: PrintedPicture | None = None,
) -> ReportContent:
    """Everything the report says, from what is on record now, every suggestion with it. picture: as for
    `sign_report`."""
    record = tx.studies.get(study)
    patient = tx.patients.standing(record.patient)
    state = read_state(tx, study, clinic.session.user.id)
    now = clinic.clock()
    on = record.started or now.date()
    age = patient.birth_date.age_on(on) if patient.birth_date else None
    said = _said(clinic, tx, record, state)
    only = said[0] if len(said) == 1 else None
    head = tx.audit.head()
    shown = _chosen_slice(record, state, picture)
    file = next((one for one in record.instances if shown is not None and one.id == shown.instance), record.main)
    return ReportContent(
        report=ReportId(new_id()),
        study=study,
        clinic_name=clinic.name,
        patient=patient,
        age_months=age.months if age else None,
        age_days=age.days if age else None,
        modality=record.modality.value,
        body_part=record.main.body_part,
        study_date=record.started.isoformat() if record.started else None,
        study_uid=record.study_uid,
        image_sha256=tx.attachments.get(file.attachment).sha256,
        findings_text=plain_text(state.draft.findings_text if findings_text is None else findings_text),
        impression=state.impressions[-1].text if state.impressions else "",
        read_before_reveal=bool(state.impressions) and state.impressions[0].before_reveal,
        findings=(*(only.findings if only else ()), *_added(state.current_reviews.values())),
        annotations=state.annotations,
        model_name=only.model_name if only else "",
        model_version=only.model_version if only else "",
        model_sha256=only.model_sha256 if only else "",
        model_device=only.model_device if only else "",
        model_refusal=only.refusal if only else "",
        author=clinic.session.user.id,
        author_name=clinic.session.user.name,
        signed=now,
        audit_head=head.hash,
        audit_sequence=head.sequence,
        synthetic=patient.synthetic or synthetic,
        picture=shown,
        counts=only.counts if only else (),
        suggestions=() if only else said,
    )


def _said(clinic: Clinic, tx: Transaction, study: ImagingStudy, state: Reading) -> tuple[ReportedSuggestion, ...]:
    """Every suggestion on record, sealed or not, with what was decided about it."""
    numbers = {instance.id: number for number, instance in enumerate(study.instances, 1)}
    files = {instance.id: tx.attachments.get(instance.attachment).sha256 for instance in study.instances}
    every = in_order(study, tx.suggestions.for_study(study.id))
    return tuple(_reported(clinic, one, numbers, files[one.instance], state.current_reviews) for one in every)


def _reported(
    clinic: Clinic,
    said: Suggestion,
    numbers: Mapping[InstanceId, int],
    image_sha256: str,
    reviews: Mapping[Question, Review],
) -> ReportedSuggestion:
    analysis, made = said.analysis, said.analysis.provenance
    model = _model(clinic, made.model)
    return ReportedSuggestion(
        model_name=made.model,
        model_version=made.version,
        model_sha256=made.sha256,
        model_device=made.device,
        title_en=model.title(Language.ENGLISH) if model else made.model,
        title_zh=model.title(Language.CHINESE) if model else made.model,
        picture=numbers[said.instance],
        image_sha256=image_sha256,
        refusal=analysis.reason if analysis.status is not AnalysisStatus.OK else "",
        findings=_findings(model, said, reviews),
        counts=_counts(model, said),
    )


def _findings(model: Model | None, said: Suggestion, reviews: Mapping[Question, Review]) -> tuple[ReportedFinding, ...]:
    """What was suggested with what was decided."""
    rows = []
    for finding in said.analysis.findings:
        review = reviews.get(Question(said.id, finding.key))
        rows.append(
            ReportedFinding(
                key=finding.key,
                name_en=model.finding_name(finding.key, Language.ENGLISH) if model else finding.name,
                name_zh=model.finding_name(finding.key, Language.CHINESE) if model else finding.name,
                suggested=finding.decision,
                probability=finding.probability,
                verdict=review.verdict if review else None,
                decided=review.value if review else None,
                reason=review.reason if review else "",
                codings=finding.codings,
            )
        )
    return tuple(rows)


def _added(reviews: Iterable[Review]) -> tuple[ReportedFinding, ...]:
    """What the doctor added."""
    return tuple(
        ReportedFinding(
            key="",
            name_en=review.finding,
            name_zh=review.finding,
            suggested=None,
            probability=None,
            verdict=review.verdict,
            decided=review.value,
            reason=review.reason,
        )
        for review in reviews
        if review.verdict is Verdict.ADDED
    )


def _counts(model: Model | None, said: Suggestion) -> tuple[ReportedCount, ...]:
    """What a model counted, by its names for it."""
    return tuple(
        ReportedCount(
            key=count.kind,
            name_en=model.finding_name(count.kind, Language.ENGLISH) if model else count.kind,
            name_zh=model.finding_name(count.kind, Language.CHINESE) if model else count.kind,
            number=count.number,
            low=count.low,
            high=count.high,
        )
        for count in said.analysis.counts
    )


def _model(clinic: Clinic, name: str) -> Model | None:
    """The model by whose names things are called; None where it is gone from this PC."""
    try:
        return clinic.models.get(name)
    except UserFacingError:
        return None


def _chosen_slice(study: ImagingStudy, state: Reading, picture: PrintedPicture | None) -> PrintedPicture | None:
    """Of a scan: what the screen shows, else the first key image; None of everything else."""
    known = {instance.id for instance in study.instances}
    if not is_sliced(study) or study.modality is Modality.VOLUME:
        return None
    if picture is not None and picture.instance in known:
        return picture
    marked = next((one for one in state.key_images if one.instance in known), None)
    return PrintedPicture(marked.instance, marked.frame) if marked is not None else None
