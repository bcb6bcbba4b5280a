"""Asking the models. What they say is stored and stays sealed until the doctor has read."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.inference import REASON_OTHER_KIND, Model, Registry, Row, Subject, made_for_age
from desktop.intake.ecg import find_trace, read_trace_file
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AuditAction,
    Changes,
    FileHeader,
    ImagingStudy,
    Instance,
    Patient,
    Sex,
    StudyId,
    Suggestion,
    SuggestionId,
    new_id,
)
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.importing import (
    CLIPS,
    is_sliced,
    is_trace,
    read_in_words,
    stored_picture,
    stored_recording,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Suggested:
    """What `suggest` did. failure: why a model gave nothing, for the window to show; the reading goes on without it."""

    suggestions: tuple[SuggestionId, ...]
    failure: UserFacingError | None
    changes: Changes


@dataclass(frozen=True, eq=False)
class FileAnalysis:
    """One model's answer to one file or row; analysis is None and failure says why where either failed."""

    model: Model | None
    analysis: Analysis | None
    failure: UserFacingError | None


@requires(Permission.IMPORT_IMAGES)
def suggest(clinic: Clinic, job: Job, study: StudyId) -> Suggested:
    """Run every fitting model on every picture or trace of the study that has no suggestion of it yet, and store what
    it says.

    A model that fails is told in `failure` and stops nothing; one that finds itself the wrong one says nothing.
    Raises UserFacingError (not_found) and Cancelled only.
    """
    job.report("workflow.progress.suggesting")
    followed = bool(clinic.models.follow())
    with clinic.store.snapshot() as tx:
        record = tx.studies.get(study)
        patient = tx.patients.standing(record.patient)
        done = {(s.instance, s.analysis.provenance.sha256) for s in tx.suggestions.for_study(study)}
    added: list[SuggestionId] = []
    failure: UserFacingError | None = None
    for instance in () if is_sliced(record) else record.instances:
        try:
            questions = questions_about(clinic, record, instance)
            subject = subject_of(patient, questions.header, record.started or clinic.clock().date())
            for model, ask in questions.for_age(subject):
                if (instance.id, model.sha256) in done:
                    continue
                analysis = ask(subject, job)
                if analysis.reason == REASON_OTHER_KIND:  # it tells of the model, not of this study
                    continue
                taken_with = questions.header.taken_with
                suggestion = Suggestion(
                    SuggestionId(new_id()), study, instance.id, analysis, clinic.clock(), taken_with
                )
                _store(clinic, suggestion)
                added.append(suggestion.id)
        except UserFacingError as error:
            if error.key in CLIPS:  # models look at single films
                continue
            _log.warning("no suggestion: %s", error.key)
            failure = error
    return Suggested(tuple(added), failure, Changes(suggestions=bool(added), models=followed))


def questions_about(clinic: Clinic, record: ImagingStudy, instance: Instance) -> "_Questions":
    """Whom to ask about what is stored. Raises UserFacingError where it cannot be decoded."""
    if is_trace(record):
        recording = stored_recording(clinic, instance)
        tracing = clinic.models.fitting_trace(recording)
        return _Questions(recording.header, [(one, partial(one.analyse, recording)) for one in tracing])
    picture = stored_picture(clinic, instance)
    looking = clinic.models.fitting(picture)
    return _Questions(picture.header, [(one, partial(one.analyse, picture)) for one in looking])


def _store(clinic: Clinic, suggestion: Suggestion) -> None:
    with clinic.store.transaction() as tx:
        tx.suggestions.add(suggestion)
        tx.audit.add(AuditAction.ADD_SUGGESTION, suggestion.id, actor=clinic.actor)


def subject_of(patient: Patient, header: FileHeader, on: date) -> Subject:
    """Age on the day of the film and sex: the record's word first, then the file's; missing stays missing."""
    age = patient.birth_date.age_on(on) if patient.birth_date else None
    years = age.years if age is not None else header.age_years
    sex = patient.sex if patient.sex is not Sex.UNKNOWN else header.sex
    return Subject(age_years=years, sex=sex)


@open_to_all
def analyse_file(
    models: Registry,
    job: Job,
    path: Path,
    *,
    model: str | None = None,
    age_years: float | None = None,
    sex: Sex | None = None,
) -> Iterator[FileAnalysis]:
    """Every fitting model's answer to a file, or exactly the named model's. Nothing is stored.

    age_years, sex: override what the file says. Raises UserFacingError (not_found) where no such model is there.
    """
    named = models.get(model) if model is not None else None
    try:
        questions = _questions_of(models, job, path, model)
    except UserFacingError as failure:
        yield FileAnalysis(named, None, failure)
        return
    subject = Subject(
        age_years=age_years if age_years is not None else _age_in_file(questions.header),
        sex=sex if sex is not None else questions.header.sex,
    )
    if not questions.models:
        yield FileAnalysis(None, None, UserFacingError("workflow.no_fitting_model"))
    for one, ask in questions.for_age(subject):
        try:
            yield FileAnalysis(one, ask(subject, job), None)
        except UserFacingError as failure:
            yield FileAnalysis(one, None, failure)


@dataclass(frozen=True)
class _Questions:
    """Whom to ask about a file, and how; header: what the file says of itself."""

    header: FileHeader
    models: Sequence[tuple[Model, Callable[[Subject, Job], Analysis]]]

    def for_age(self, subject: Subject) -> Iterator[tuple[Model, Callable[[Subject, Job], Analysis]]]:
        """Without those made for another age, where some are made for this one."""
        asked = {model.name for model in made_for_age([model for model, _ in self.models], subject.age_years)}
        return ((model, ask) for model, ask in self.models if model.name in asked)


def _questions_of(models: Registry, job: Job, path: Path, name: str | None) -> _Questions:
    """A trace goes to models of traces, anything else to those of pictures. Raises UserFacingError."""
    if find_trace(path) is not None:
        recording = read_trace_file(path, job).recording
        tracing = [models.trace_model(name)] if name is not None else models.fitting_trace(recording)
        return _Questions(recording.header, [(one, partial(one.analyse, recording)) for one in tracing])
    picture = read_in_words(path, job)[1]
    looking = [models.looking_model(name)] if name is not None else models.fitting(picture)
    return _Questions(picture.header, [(one, partial(one.analyse, picture)) for one in looking])


@open_to_all
def analyse_row(
    models: Registry, job: Job, row: Row, *, model: str | None = None, sex: Sex | None = None
) -> Iterator[FileAnalysis]:
    """Every fitting model's answer to one person's values, or exactly the named model's. Nothing is stored.

    Raises UserFacingError (not_found) where no such model is there.
    """
    named = models.get(model) if model is not None else None
    try:
        chosen = [models.table_model(model)] if model is not None else models.fitting_row(row)
    except UserFacingError as failure:
        yield FileAnalysis(named, None, failure)
        return
    if not chosen:
        yield FileAnalysis(None, None, UserFacingError("workflow.no_fitting_model"))
    for one in chosen:
        try:
            yield FileAnalysis(one, one.analyse(row, job, sex), None)
        except UserFacingError as failure:
            yield FileAnalysis(one, None, failure)


def _age_in_file(header: FileHeader) -> float | None:
    """The age the file states, else the one its birth and study dates give."""
    if header.age_years is not None:
        return header.age_years
    if header.birth_date is None or header.study_date is None:
        return None
    age = header.birth_date.age_on(header.study_date)
    return age.years if age is not None else None
