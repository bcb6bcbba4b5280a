"""Reading a study: impression first, then the suggestion, then a decision on each finding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError
from desktop.imaging.frame_run import FrameRun
from desktop.jobs import Job
from desktop.records import (
    Annotation,
    AnnotationId,
    AnnotationKind,
    AuditAction,
    Changes,
    Decision,
    Finding,
    ImagingStudy,
    ImportedMarks,
    Impression,
    ImpressionId,
    InstanceId,
    KeyImage,
    Patient,
    Picture,
    Question,
    Recording,
    Review,
    ReviewId,
    SignedReport,
    StudyId,
    StudySummary,
    Suggestion,
    SuggestionId,
    UserId,
    Verdict,
    new_id,
    standing,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.importing import is_sliced, is_trace, stored_recording
from desktop.workflow.looking import looking_at_study
from desktop.workflow.policy import ReadingOrder, read_policy
from desktop.workflow.viewing_flat import is_flat
from desktop.workflow.viewing_frames import frame_runs
from desktop.workflow.words import plain_text, typed_text


class Step(StrEnum):
    """What is to be done next with a study."""

    READ = "read"
    DECIDE = "decide"
    REPORT = "report"
    DONE = "done"


@dataclass(frozen=True)
class Draft:
    """Words typed but not yet saved as an impression or signed; they survive a crash."""

    findings_text: str = ""
    impression: str = ""


@dataclass(frozen=True)
class Reading:
    """How far the reading of a study is.

    sealed: the suggestions may not be shown yet; `suggestions` is then empty, else they come in the order of the
    study's pictures. suggestion_ready: a model has spoken. reviews, impressions: oldest first, every row kept.
    imported: what files of other programs mark on its pictures.
    """

    study: StudyId
    impressions: tuple[Impression, ...]
    sealed: bool
    suggestion_ready: bool
    suggestions: tuple[Suggestion, ...]
    reviews: tuple[Review, ...]
    annotations: tuple[Annotation, ...]
    draft: Draft
    reports: tuple[SignedReport, ...]
    key_images: tuple[KeyImage, ...] = ()
    imported: tuple[ImportedMarks, ...] = ()

    @property
    def current_reviews(self) -> Mapping[Question, Review]:
        """The decisions that hold, by what each is about."""
        return standing(self.reviews)

    @property
    def open_questions(self) -> tuple[tuple[Suggestion, Finding], ...]:
        """Revealed findings without a decision, each with the suggestion it is of."""
        decided = self.current_reviews
        return tuple(
            (said, finding)
            for said in self.suggestions
            for finding in said.analysis.findings
            if Question(said.id, finding.key) not in decided
        )

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """Revealed findings without a decision."""
        return tuple(finding for _, finding in self.open_questions)

    @property
    def next_step(self) -> Step:
        """The next thing to do."""
        if self.reports:
            return Step.DONE
        if not self.impressions:
            return Step.READ
        return Step.DECIDE if self.undecided else Step.REPORT


@dataclass(frozen=True, eq=False)
class OpenStudy:
    """A study on the screen: its recordings, or the first picture of each run, decoded (slices come with
    `open_series`), whose it is, the reading so far, and the patient's other studies. runs: its pictures, those that are
    paged or played together as one. sliced: whether it is looked at as piles of slices."""

    study: ImagingStudy
    patient: Patient
    pictures: Mapping[InstanceId, Picture]
    reading: Reading
    others: tuple[StudySummary, ...]
    recordings: Mapping[InstanceId, Recording] = field(default_factory=dict)
    runs: tuple[FrameRun, ...] = ()
    sliced: bool = False


@dataclass(frozen=True)
class SealedSuggestion:
    """One suggestion as the command line lists it: `suggestion` is None while it is sealed.

    file: the name of the file that was judged, as it was when it came in.
    """

    id: SuggestionId
    suggestion: Suggestion | None
    file: str = ""


@dataclass(frozen=True)
class Recorded:
    """An impression now on record."""

    impression: Impression
    changes: Changes


@dataclass(frozen=True)
class Reviewed:
    """A decision now on record."""

    review: Review
    changes: Changes


@dataclass(frozen=True)
class Annotated:
    """A drawing now on record."""

    annotation: Annotation
    changes: Changes


@requires(Permission.VIEW_IMAGES)
def open_study(clinic: Clinic, job: Job, study: StudyId) -> OpenStudy:
    """Decode what of a study is shown first and read where its reading stands; the look is audited.

    Raises UserFacingError (not_found); KnownFailure where a sealed file is damaged.
    """
    with clinic.store.transaction() as tx:
        record = tx.studies.get(study)
        patient = tx.patients.standing(record.patient)
        others = tuple(s for s in tx.studies.for_patient(record.patient) if s.study.id != study)
        tx.audit.add(AuditAction.VIEW_STUDY, study, actor=clinic.actor)
    clinic.sitting.saw(AuditAction.VIEW_STUDY, study)
    pictures: dict[InstanceId, Picture] = {}
    recordings: dict[InstanceId, Recording] = {}
    for number, instance in enumerate(record.instances if is_trace(record) else ()):
        job.report("workflow.progress.opening", number, len(record.instances))
        recordings[instance.id] = stored_recording(clinic, instance)
    sliced = is_sliced(record) and not is_flat(clinic, record)
    runs = () if is_trace(record) or sliced else frame_runs(clinic, job, record)
    for number, run in enumerate(runs):
        job.report("workflow.progress.opening", number, len(runs))
        pictures[run.places[0].instance] = run.read(0)
    return OpenStudy(record, patient, pictures, reading(clinic, job, study), others, recordings, runs, sliced)


@requires(Permission.VIEW_IMAGES)
def open_recording(clinic: Clinic, job: Job, study: StudyId) -> Recording:
    """The first trace of a study, to compare another with; the look is audited.

    Raises UserFacingError (not_found, `ecg.not_recognised` for a study of pictures); KnownFailure where it is damaged.
    """
    with clinic.store.transaction() as tx:
        record = tx.studies.get(study)
        tx.audit.add(AuditAction.VIEW_STUDY, study, actor=clinic.actor)
    if not is_trace(record) or not record.instances:
        raise UserFacingError("ecg.not_recognised")
    job.report("workflow.progress.opening", 0, 1)
    return stored_recording(clinic, record.instances[0])


@requires(Permission.VIEW_IMAGES)
def reading(clinic: Clinic, job: Job, study: StudyId) -> Reading:
    """Where the reading of a study stands. What is revealed here for the first time is written down."""
    job.check()
    with looking_at_study(clinic, study) as tx:
        state = read_state(tx, study, clinic.session.user.id)
        unseen = any(tx.suggestions.revealed_at(s.id) is None for s in state.suggestions)
    if unseen:
        with clinic.store.transaction() as tx:
            for suggestion in tx.suggestions.mark_revealed(study, clinic.session.user.id, clinic.clock()):
                tx.audit.add(AuditAction.REVEAL_SUGGESTION, suggestion, actor=clinic.actor)
    return state


def read_state(tx: Transaction, study: StudyId, user: UserId) -> Reading:
    """`Reading` inside a transaction, without writing anything. user: whose draft it shows."""
    record = tx.studies.get(study)
    impressions = tuple(tx.impressions.for_study(study))
    suggestions = in_order(record, tx.suggestions.for_study(study))
    sealed = not impressions and read_policy(tx).reading_order is ReadingOrder.DOCTOR_FIRST
    kept = tx.drafts.get(study, user)
    return Reading(
        study=study,
        impressions=impressions,
        sealed=sealed,
        suggestion_ready=bool(suggestions),
        suggestions=() if sealed else suggestions,
        reviews=tuple(tx.reviews.for_study(study)),
        annotations=tuple(a for i in record.instances for a in tx.annotations.for_instance(i.id)),
        draft=Draft(kept.findings_text, kept.impression_text) if kept else Draft(),
        reports=tuple(tx.reports.for_study(study)),
        key_images=tuple(tx.key_images.for_study(study)),
        imported=tuple(tx.imported.for_study(record.patient, record.study_uid)),
    )


def in_order(study: ImagingStudy, suggestions: Iterable[Suggestion]) -> tuple[Suggestion, ...]:
    """Suggestions by the study's pictures; those about one picture as they came."""
    place = {instance.id: number for number, instance in enumerate(study.instances)}
    return tuple(sorted(suggestions, key=lambda one: place.get(one.instance, len(place))))


@requires(Permission.VIEW_IMAGES)
def list_suggestions(clinic: Clinic, job: Job, study: StudyId) -> tuple[SealedSuggestion, ...]:
    """A study's suggestions, with what they say only once the seal is broken. Raises UserFacingError (not_found)."""
    state = reading(clinic, job, study)
    with clinic.store.snapshot() as tx:
        if state.sealed:
            return tuple(SealedSuggestion(s.id, None) for s in tx.suggestions.for_study(study))
        attachments = {i.id: i.attachment for i in tx.studies.get(study).instances}
        return tuple(
            SealedSuggestion(s.id, s, tx.attachments.get(attachments[s.instance]).file_name) for s in state.suggestions
        )


@requires(Permission.READ_IMAGES)
def save_draft(clinic: Clinic, job: Job, study: StudyId, findings_text: str, impression: str) -> None:
    """Keep what is being typed; not part of the record until it is saved or signed."""
    job.check()
    with clinic.store.transaction() as tx:
        words = typed_text(findings_text), typed_text(impression)
        tx.drafts.save(study, clinic.session.user.id, *words, now=clinic.clock())


@requires(Permission.READ_IMAGES)
def record_impression(clinic: Clinic, job: Job, study: StudyId, text: str) -> Recorded:
    """Save what the doctor read; the first one breaks the seal, later ones are kept beside it.

    Raises UserFacingError (bad_input): no words, or the study is signed already.
    """
    job.check()
    with clinic.store.transaction() as tx:
        impression = add_impression(clinic, tx, study, text)
    return Recorded(impression, Changes(impressions=True, suggestions=True))


def add_impression(clinic: Clinic, tx: Transaction, study: StudyId, text: str) -> Impression:
    """`record_impression` inside the caller's transaction."""
    words = plain_text(text)
    if not words:
        raise UserFacingError("workflow.impression_empty")
    check_unsigned(tx, study)
    revealed = any(tx.suggestions.revealed_at(s.id) is not None for s in tx.suggestions.for_study(study))
    impression = Impression(
        id=ImpressionId(new_id()),
        study=study,
        author=clinic.session.user.id,
        text=words,
        created=clinic.clock(),
        before_reveal=not revealed,
    )
    tx.impressions.add(impression)
    tx.audit.add(AuditAction.RECORD_IMPRESSION, impression.id, actor=clinic.actor)
    return impression


def check_unsigned(tx: Transaction, study: StudyId) -> None:
    """Raises UserFacingError where the study's report is signed; from then on only addenda are added."""
    tx.studies.get(study)
    if tx.reports.for_study(study):
        raise UserFacingError("workflow.already_signed")


@requires(Permission.READ_IMAGES)
def review_finding(
    clinic: Clinic,
    job: Job,
    suggestion: SuggestionId,
    finding: str,
    verdict: Verdict,
    value: Decision | None = None,
    reason: str = "",
) -> Reviewed:
    """Accept, amend or reject one finding. The suggestion itself is never changed; the newest decision counts.

    value: what the doctor holds instead (needed for amend). Raises UserFacingError: sealed, unknown, already signed.
    """
    job.check()
    with clinic.store.transaction() as tx:
        said = tx.suggestions.get(suggestion)
        check_unsigned(tx, said.study)
        if read_state(tx, said.study, clinic.session.user.id).sealed:
            raise UserFacingError("workflow.sealed")
        named = next((f for f in said.analysis.findings if f.key == finding), None)
        if named is None:
            raise UserFacingError("workflow.no_such_finding", kind=ErrorKind.NOT_FOUND)
        if verdict is Verdict.ACCEPT:
            value = named.decision
        elif verdict is Verdict.AMEND and value is None:
            raise UserFacingError("workflow.amend_needs_value")
        review = Review(
            id=ReviewId(new_id()),
            study=said.study,
            suggestion=suggestion,
            finding=finding,
            verdict=verdict,
            value=value,
            reason=plain_text(reason),
            author=clinic.session.user.id,
            created=clinic.clock(),
        )
        add_review(clinic, tx, review)
    return Reviewed(review, Changes(reviews=True))


@requires(Permission.READ_IMAGES)
def add_finding(
    clinic: Clinic, job: Job, study: StudyId, words: str, value: Decision = Decision.LIKELY, reason: str = ""
) -> Reviewed:
    """Record a finding no model spoke of, in the doctor's words."""
    job.check()
    named = plain_text(words)
    if not named:
        raise UserFacingError("workflow.finding_empty")
    with clinic.store.transaction() as tx:
        check_unsigned(tx, study)
        review = Review(
            id=ReviewId(new_id()),
            study=study,
            suggestion=None,
            finding=named,
            verdict=Verdict.ADDED,
            value=value,
            reason=plain_text(reason),
            author=clinic.session.user.id,
            created=clinic.clock(),
        )
        add_review(clinic, tx, review)
    return Reviewed(review, Changes(reviews=True))


def add_review(clinic: Clinic, tx: Transaction, review: Review) -> None:
    tx.reviews.add(review)
    tx.audit.add(AuditAction.REVIEW_FINDING, review.id, actor=clinic.actor)


@requires(Permission.READ_IMAGES)
def annotate(
    clinic: Clinic,
    job: Job,
    instance: InstanceId,
    kind: AnnotationKind,
    points: tuple[tuple[float, float], ...],
    label: str = "",
    drawing: AnnotationId | None = None,
    frame: int = 1,
) -> Annotated:
    """Keep a drawing. points: (x, y) in picture pixels. drawing: its id, where the caller has given it one already.
    frame: of the instance it lies on, counted from 1."""
    job.check()
    kept = Annotation(
        id=drawing or AnnotationId(new_id()),
        instance=instance,
        kind=kind,
        points=points,
        label=plain_text(label),
        author=clinic.session.user.id,
        created=clinic.clock(),
        frame=frame,
    )
    with clinic.store.transaction() as tx:
        return _add_annotation(clinic, tx, kept)


@requires(Permission.READ_IMAGES)
def label_annotation(clinic: Clinic, job: Job, instance: InstanceId, drawing: AnnotationId, label: str) -> Annotated:
    """Give a drawing other words, or none; its earlier rows stay. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.transaction() as tx:
        before = next((a for a in tx.annotations.for_instance(instance) if a.id == drawing), None)
        if before is None:
            raise UserFacingError("workflow.no_such_drawing", kind=ErrorKind.NOT_FOUND)
        named = replace(before, label=plain_text(label), author=clinic.session.user.id, created=clinic.clock())
        return _add_annotation(clinic, tx, named)


@requires(Permission.READ_IMAGES)
def remove_annotation(clinic: Clinic, job: Job, annotation: Annotation) -> Annotated:
    """Hide a drawing; its rows stay."""
    job.check()
    gone = replace(annotation, author=clinic.session.user.id, created=clinic.clock(), deleted=True)
    with clinic.store.transaction() as tx:
        return _add_annotation(clinic, tx, gone)


def _add_annotation(clinic: Clinic, tx: Transaction, drawing: Annotation) -> Annotated:
    check_unsigned(tx, tx.studies.instance(drawing.instance).study)
    tx.annotations.add(drawing)
    tx.audit.add(AuditAction.ANNOTATE, drawing.id, actor=clinic.actor)
    return Annotated(drawing, Changes(annotations=True))
