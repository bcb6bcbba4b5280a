"""The study on the desk: opens it, carries out the reader's deeds, and says when something about it changed."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import (
    Annotation,
    AnnotationId,
    AnnotationKind,
    Changes,
    Decision,
    InstanceId,
    Patient,
    PrintedPicture,
    Review,
    StudyId,
    SuggestionId,
    Verdict,
    new_id,
)
from desktop.ui.context import UiContext
from desktop.ui.operations import Operation
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.workflow import accepting


class ReadingDesk(QObject):
    """Signals: opened(Sitting) for another study; updated(Sitting) when its reading, or whose it is, changed;
    signed(Sitting) after `updated` when the user just signed; failed(error) where a deed did not succeed;
    not_opened() after `failed` where there is no study to show; taking_back() when decisions become open again."""

    opened = Signal(object)
    updated = Signal(object)
    signed = Signal(object)
    failed = Signal(object)
    not_opened = Signal()
    taking_back = Signal()

    def __init__(self, context: UiContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._sitting: Sitting | None = None
        self._wanted: StudyId | None = None
        self._opening: Operation[tuple[workflow.OpenStudy, workflow.Policy]] | None = None
        self._just_signed = False
        self._at_once: tuple[Review, ...] = ()
        context.changed.connect(self._on_changes)

    @property
    def sitting(self) -> Sitting | None:
        """The study on the desk."""
        return self._sitting

    # Opening

    def open(self, study: StudyId) -> None:
        """Put another study on the desk; one asked for earlier and still on its way is dropped."""
        clinic = self._context.open_clinic
        self._wanted = study
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self._context.operations.run(
            lambda job: (workflow.open_study(clinic, job, study), workflow.policy(clinic, job)),
            initiator=self,
            done=self._take,
            failed=self._fail_to_open,
            title=self._context.tr("reading.progress.open"),
        )

    def close(self) -> None:
        """Clear the desk."""
        if self._opening is not None:
            self._opening.cancel()
        self._sitting = self._wanted = self._opening = None
        self._just_signed = False

    def _take(self, result: tuple["workflow.OpenStudy", "workflow.Policy"]) -> None:
        study, policy = result
        clinic = self._context.clinic
        if study.study.id != self._wanted or clinic is None:
            return
        self._opening = None
        self._just_signed = False
        self._sitting = Sitting(
            study=study,
            reading=study.reading,
            policy=policy,
            may_read=clinic.session.may(Permission.READ_IMAGES),
            may_sign=clinic.session.may(Permission.SIGN_REPORT),
            may_export=clinic.session.may(Permission.EXPORT_REPORT),
        )
        self.opened.emit(self._sitting)
        if not study.reading.suggestion_ready and not study.reading.reports:
            self.ask_models()

    # The models

    def ask_models(self) -> None:
        """Let the models look, in the background; a study they have seen already costs nothing. None reads slices."""
        clinic, sitting = self._context.clinic, self._sitting
        if sitting is not None and sitting.kind is StudyKind.SLICES:
            return
        if clinic is None or sitting is None or sitting.asking or not clinic.session.may(Permission.IMPORT_IMAGES):
            return
        study = sitting.study.study.id
        self._replace(replace(sitting, asking=True, failure=None))
        self._context.operations.run(
            lambda job: (study, workflow.suggest(clinic, job, study)),
            initiator=self,
            done=self._take_suggested,
            failed=self._suggest_failed,
            ended=self._reload,
            pool="compute",
            title=self._context.tr("reading.progress.suggest"),
        )

    def _take_suggested(self, result: tuple[StudyId, "workflow.Suggested"]) -> None:
        study, suggested = result
        self._context.announce(suggested.changes, self)
        if self._sitting is not None and self._sitting.study.study.id == study:
            self._replace(replace(self._sitting, asking=False, asked=True, failure=suggested.failure))

    def _suggest_failed(self, error: Exception) -> None:
        if self._sitting is not None and isinstance(error, UserFacingError):
            self._replace(replace(self._sitting, asking=False, asked=True, failure=error))

    # Deeds of the reader

    def record_impression(self, text: str) -> None:
        """Save what the doctor read."""
        clinic, study = self._context.open_clinic, self._study()
        self._run(lambda job: workflow.record_impression(clinic, job, study, text))

    def review(
        self, suggestion: SuggestionId, finding: str, verdict: Verdict, value: Decision | None, reason: str
    ) -> None:
        """Accept, amend or reject one finding."""
        clinic = self._context.open_clinic
        self._run(lambda job: workflow.review_finding(clinic, job, suggestion, finding, verdict, value, reason))

    def accept_all(self, suggestion: SuggestionId) -> None:
        """Accept what of a suggestion agrees with the impression, and offer to take it back."""
        clinic = self._context.open_clinic
        self._context.operations.run(
            lambda job: accepting.accept_findings(clinic, job, suggestion),
            initiator=self,
            done=self._was_accepted,
            failed=self._fail,
        )

    def _was_accepted(self, accepted: accepting.AcceptedAtOnce) -> None:
        if accepted.reviews:
            self._at_once = accepted.reviews
            self._context.toast(self._context.tr("review.at_once.done", count=len(accepted.reviews)), self._take_back)

    def _take_back(self) -> None:
        clinic, reviews = self._context.clinic, self._at_once
        if clinic is not None and reviews:
            self._at_once = ()
            if self._sitting is not None and self._sitting.study.study.id == reviews[0].study:
                self.taking_back.emit()
            self._run(lambda job: accepting.take_back(clinic, job, reviews))

    def add_finding(self, words: str, value: Decision, reason: str) -> None:
        """Record a finding no model spoke of, or another view of one added before."""
        clinic, study = self._context.open_clinic, self._study()
        self._run(lambda job: workflow.add_finding(clinic, job, study, words, value, reason))

    def annotate(
        self,
        instance: InstanceId,
        kind: AnnotationKind,
        points: tuple[tuple[float, float], ...],
        label: str = "",
        frame: int = 1,
    ) -> AnnotationId:
        """Keep a drawing. Its id is known before it is on record, so that it can be labelled meanwhile."""
        clinic, drawing = self._context.open_clinic, AnnotationId(new_id())
        self._run(lambda job: workflow.annotate(clinic, job, instance, kind, points, label, drawing, frame))
        return drawing

    def label_annotation(self, instance: InstanceId, drawing: AnnotationId, label: str) -> None:
        """Give a drawing its words; the store works in order, so a drawing on its way is there by then."""
        clinic = self._context.open_clinic
        self._run(lambda job: workflow.label_annotation(clinic, job, instance, drawing, label))

    def remove_annotation(self, annotation: Annotation) -> None:
        """Hide a drawing."""
        clinic = self._context.open_clinic
        self._run(lambda job: workflow.remove_annotation(clinic, job, annotation))

    def sign(self, findings_text: str, picture: PrintedPicture | None = None) -> None:
        """Freeze the report under the doctor's key. picture: of a scan, the slice for the paper."""
        clinic, study = self._context.open_clinic, self._study()
        self._context.operations.run(
            lambda job: workflow.sign_report(clinic, job, study, findings_text, picture=picture),
            initiator=self,
            done=self._was_signed,
            failed=self._fail,
            title=self._context.tr("reports.progress.sign"),
        )

    def add_addendum(self, text: str) -> None:
        """Add words to the signed report."""
        if self._sitting is None or not self._sitting.signed:
            return
        clinic, report = self._context.open_clinic, self._sitting.reading.reports[-1].content.report
        self._run(lambda job: workflow.add_addendum(clinic, job, report, text))

    def _run(self, deed: Callable[[Job], object]) -> None:
        self._context.operations.run(deed, initiator=self, failed=self._fail)

    def _was_signed(self, signed: "workflow.Signed") -> None:
        self._just_signed = True

    def _study(self) -> StudyId:
        if self._sitting is None:
            raise RuntimeError("no study is open")
        return self._sitting.study.study.id

    def _fail_to_open(self, error: Exception) -> None:
        self._opening = None
        self.failed.emit(error)
        if self._sitting is None:
            self.not_opened.emit()

    def _fail(self, error: Exception) -> None:
        self.failed.emit(error)

    # Following changes

    def _on_changes(self, changes: Changes, initiator: QObject | None) -> None:
        if self._sitting is None:
            return
        if changes.patients or (changes.studies and initiator is not self):
            self._reload_patient()
        self._reload()

    def _reload(self) -> None:
        """Read again where the reading stands."""
        clinic, sitting = self._context.clinic, self._sitting
        if clinic is None or sitting is None:
            return
        study = sitting.study.study.id
        self._context.operations.run(
            lambda job: (workflow.reading(clinic, job, study), workflow.policy(clinic, job)),
            initiator=self,
            done=self._take_reading,
            failed=self._fail,
        )

    def _take_reading(self, result: tuple["workflow.Reading", "workflow.Policy"]) -> None:
        reading, policy = result
        if self._sitting is None or self._sitting.study.study.id != reading.study:
            return
        asking = self._sitting.asking and not reading.suggestion_ready
        self._replace(replace(self._sitting, reading=reading, policy=policy, asking=asking))
        if self._just_signed and reading.reports:
            self._just_signed = False
            self.signed.emit(self._sitting)

    def _reload_patient(self) -> None:
        clinic, sitting = self._context.clinic, self._sitting
        if clinic is None or sitting is None:
            return
        patient = sitting.study.patient.id
        self._context.operations.run(
            lambda job: workflow.open_patient(clinic, job, patient),
            initiator=self,
            done=self._take_patient,
            failed=self._fail,
        )

    def _take_patient(self, chart: "workflow.PatientChart") -> None:
        sitting = self._sitting
        if sitting is None or sitting.study.patient.id != chart.patient.id:
            return
        others = tuple(s for s in chart.studies if s.study.id != sitting.study.study.id)
        self._replace(replace(sitting, study=replace(sitting.study, patient=chart.patient, others=others)))

    def _replace(self, sitting: Sitting) -> None:
        self._sitting = sitting
        self.updated.emit(sitting)

    @property
    def patient(self) -> Patient | None:
        """Whose study it is."""
        return self._sitting.study.patient if self._sitting is not None else None
