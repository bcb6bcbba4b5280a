"""Asking the version of a model that is in use about pictures whose truth was known before: so that validation,
thresholds and drift have cases on the first day of a new version, not months later.

What it says is kept apart from suggestions. It is shown to nobody as an answer about a patient, unseals nothing, and no
decision is ever made about it; it counts only where a model is judged, and there as asked afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.inference import REASON_OTHER_KIND, Model, PictureModel, TableModel
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    AuditAction,
    Changes,
    ImagingStudy,
    InstanceId,
    LabelValue,
    LaterAnswer,
    LaterAnswerId,
    Provenance,
    Quality,
    StudyId,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.confirmed import Said, in_short, truths_of
from desktop.workflow.importing import is_sliced
from desktop.workflow.suggesting import questions_about, subject_of
from desktop.workflow.watching import later_answers, revealed_suggestions

__all__ = ["AskedAfterwards", "KnownPictures", "ask_afterwards", "known_pictures"]

_PAGE = 500


@dataclass(frozen=True)
class KnownPictures:
    """How many of the clinic's pictures a version can be judged by. known: those of which the truth of one of the
    model's findings is known, in studies that were read. answered: of those, how many the version in use was asked
    about, in the reading room or afterwards."""

    model: str
    version: str
    known: int
    answered: int

    @property
    def waiting(self) -> int:
        """Known, and not asked about yet."""
        return self.known - self.answered


@dataclass(frozen=True)
class AskedAfterwards:
    """What came of it. answered: judged. refused: too poor to judge. passed: none of the model's kind after all.
    unreadable: the file or the weights are damaged; asked again next time."""

    model: str
    version: str
    answered: int
    refused: int
    passed: int
    unreadable: int
    changes: Changes


@requires(Permission.READ_IMAGES)
def known_pictures(clinic: Clinic, job: Job, model: str) -> KnownPictures:
    """What there is to ask. Raises UserFacingError (not_found) and Cancelled."""
    asked = clinic.models.get(model)
    with clinic.store.snapshot() as tx:
        known, done = _known(tx, job, asked)
    return KnownPictures(asked.name, asked.version, len(known), len(known.keys() & done))


@requires(Permission.READ_IMAGES)
def ask_afterwards(clinic: Clinic, job: Job, model: str) -> AskedAfterwards:
    """Have the version in use look at every known picture it was not asked about, the oldest study first. Each answer
    is on record once it is given, so that what was cancelled goes on where it was.

    Raises UserFacingError (not_found) and Cancelled.
    """
    asked = clinic.models.get(model)
    with clinic.store.snapshot() as tx:
        known, done = _known(tx, job, asked)
    waiting = [(instance, study) for instance, study in known.items() if instance not in done]
    counted = AskedAfterwards(asked.name, asked.version, 0, 0, 0, 0, Changes())
    for number, (instance, study) in enumerate(waiting):
        job.check()
        job.report("workflow.progress.asking_afterwards", number, len(waiting))
        try:
            analysis, taken_with = _answer(clinic, job, asked, study, instance)
        except UserFacingError:  # a damaged or missing file: the others are asked about
            counted = replace(counted, unreadable=counted.unreadable + 1)
            continue
        _keep(clinic, study, instance, analysis, taken_with)
        counted = _with(counted, analysis)
    return counted


def _with(counted: AskedAfterwards, analysis: Analysis) -> AskedAfterwards:
    changes = Changes(later_answers=True)
    if analysis.reason == REASON_OTHER_KIND:
        return replace(counted, passed=counted.passed + 1, changes=changes)
    if analysis.status is not AnalysisStatus.OK:
        return replace(counted, refused=counted.refused + 1, changes=changes)
    return replace(counted, answered=counted.answered + 1, changes=changes)


def _answer(clinic: Clinic, job: Job, model: Model, study: StudyId, instance: InstanceId) -> tuple[Analysis, str]:
    """What it says, without maps, and what took the picture. Raises UserFacingError where the file is damaged."""
    with clinic.store.snapshot() as tx:
        record = tx.studies.get(study)
        patient = tx.patients.standing(record.patient)
        stored = tx.studies.instance(instance)
    questions = questions_about(clinic, record, stored)
    subject = subject_of(patient, questions.header, day_of(record))
    for one, ask in questions.for_age(subject):
        if one.sha256 == model.sha256:
            said = ask(subject, job)
            kept = replace(said, activations=(), beats=(), episodes=(), boxes=(), masks=())
            return kept, questions.header.taken_with
    made = Provenance(model.name, model.version, model.sha256, "", "", 0.0)
    nothing = Analysis(AnalysisStatus.REFUSED, made, Quality(ok=False), reason=REASON_OTHER_KIND)
    return nothing, questions.header.taken_with


def _keep(clinic: Clinic, study: StudyId, instance: InstanceId, analysis: Analysis, taken_with: str) -> None:
    author, when = clinic.session.user.id, clinic.clock()
    answer = LaterAnswer(LaterAnswerId(new_id()), study, instance, analysis, when, author, taken_with)
    with clinic.store.transaction() as tx:
        tx.later_answers.add(answer)
        tx.audit.add(AuditAction.ASK_AFTERWARDS, answer.id, actor=clinic.actor)


@dataclass
class _Picture:
    """A picture the model may be judged by, and what suggestions said of it."""

    study: StudyId
    said: list[Said] = field(default_factory=list)


def _known(tx: Transaction, job: Job, model: Model) -> tuple[Mapping[InstanceId, StudyId], frozenset[InstanceId]]:
    """The pictures of which the truth of a finding is known, oldest study first, and those that the version in use was
    asked about."""
    pictures: dict[InstanceId, _Picture] = {}
    done, read = set(), set()
    for suggestion in revealed_suggestions(tx, job):
        made = suggestion.analysis.provenance
        read.add(suggestion.study)
        if made.model == model.name and suggestion.analysis.reason != REASON_OTHER_KIND:
            pictures.setdefault(suggestion.instance, _Picture(suggestion.study)).said.append(in_short(suggestion))
        if made.sha256 == model.sha256:
            done.add(suggestion.instance)
    for instance, study, finding in _labelled(tx, job):
        if finding not in model.findings or instance in pictures:
            continue
        if (study in read or _read(tx, study)) and concerns(tx, model, tx.studies.get(study)):
            pictures[instance] = _Picture(study)
    done |= {one.instance for one in later_answers(tx, job) if one.analysis.provenance.sha256 == model.sha256}
    known = {
        instance: picture.study
        for instance, picture in pictures.items()
        if truths_of(tx, picture.study, instance, model.findings, picture.said)
    }
    return known, frozenset(done)


def _labelled(tx: Transaction, job: Job) -> Iterator[tuple[InstanceId, StudyId, str]]:
    """Pictures of which somebody said whether a finding is there."""
    place = 0
    while page := tx.labels.page(place, _PAGE):
        for _, label in page:
            job.check()
            if label.value is not LabelValue.UNSURE:
                yield label.instance, label.study, label.finding
        place = page[-1][0]


def concerns(tx: Transaction, model: Model, study: ImagingStudy) -> bool:
    """Whether a model may be meant for a study, by what is on record of it; its file is not opened."""
    if isinstance(model, TableModel) or is_sliced(study):
        return False
    if not isinstance(model, PictureModel):
        return True
    if study.modality not in model.manifest.modalities:
        return False
    ages, born = model.manifest.ages, tx.patients.standing(study.patient).birth_date
    age = born.age_on(day_of(study)) if born is not None else None
    return ages is None or age is None or ages.contains(age.years)


def day_of(study: ImagingStudy) -> date:
    """When it was taken; where nobody knows, when it came here."""
    return study.started or study.added.astimezone().date()


def models_to_judge(tx: Transaction, job: Job, models: Sequence[Model]) -> frozenset[str]:
    """Names of those that at least one known picture concerns, whether they ever spoke of it or not."""
    known: dict[StudyId, set[str]] = {}
    for _, study, finding in _labelled(tx, job):
        known.setdefault(study, set()).add(finding)
    found: set[str] = set()
    for study, findings in known.items():
        asked = [one for one in models if one.name not in found and findings.intersection(one.findings)]
        if asked and _read(tx, study):
            record = tx.studies.get(study)
            found.update(one.name for one in asked if concerns(tx, one, record))
    return frozenset(found)


def _read(tx: Transaction, study: StudyId) -> bool:
    """Whether somebody has read a study, or seen what was suggested."""
    if tx.impressions.for_study(study):
        return True
    return any(tx.suggestions.revealed_at(one.id) is not None for one in tx.suggestions.for_study(study))
