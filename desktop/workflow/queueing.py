"""The queue of double reading: which pictures somebody should label next, and how well people label.

Everybody is asked blind: never about a picture whose suggestion they may have seen. Two people look at each picture, a
third where they do not agree, and about one picture in ten has an answer that is known already, without saying so. What
the models are least sure of comes first, unlike pictures before alike ones.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from desktop.access import Permission
from desktop.i18n import Language
from desktop.inference import PictureModel
from desktop.jobs import Job
from desktop.learning.dawid_skene import Vote
from desktop.learning.labellers import TOO_FEW, Board, board
from desktop.learning.sampling import Candidate, in_order, mixed_in
from desktop.learning.statistics import Interval as Share
from desktop.records import (
    AnalysisStatus,
    AuditAction,
    FileHeader,
    ImagingStudy,
    Instance,
    InstanceId,
    Label,
    LabelBasis,
    LabelValue,
    Picture,
    StudyId,
    Suggestion,
    UserId,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.confirmed import Strength, Truth, settled
from desktop.workflow.importing import is_sliced, is_trace, stored_picture
from desktop.workflow.labelling import newest

__all__ = [
    "TOO_FEW",
    "Board",
    "FindingBoard",
    "LabelQueue",
    "LabelTask",
    "QualityBoards",
    "Question",
    "Share",
    "label_queue",
    "open_to_label",
    "quality_boards",
]

READERS = 2
MOST_READERS = 3
GOLD_EVERY = 10
"""One picture in as many is one whose answer is known."""

# Where the model looked counts for more than how sure it was, which uncertainty tells already.
_LOOKED = 3.0
_NEWEST_STUDIES = 400
_PAGE = 500


@dataclass(frozen=True)
class Question:
    """Whether a finding is there. model: one that knows the finding, for its name."""

    finding: str
    model: str


@dataclass(frozen=True)
class LabelTask:
    """A picture and what is asked about it. Whether the answer is known already, it does not tell."""

    study: StudyId
    instance: InstanceId
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class LabelQueue:
    """tasks: the next ones first. waiting: pictures that wait for this person's word, those of other days among them.
    answered: pictures this person labelled today."""

    tasks: tuple[LabelTask, ...]
    waiting: int
    answered: int


@dataclass(frozen=True)
class FindingBoard:
    """How well people label one finding. model: one that knows it, empty where none does any more."""

    finding: str
    model: str
    board: Board


@dataclass(frozen=True)
class QualityBoards:
    """The boards of all findings that somebody labelled. Labellers are told by codes; own: that of whoever asks."""

    own: str
    boards: tuple[FindingBoard, ...]


@requires(Permission.READ_IMAGES)
def label_queue(clinic: Clinic, job: Job, most: int = 20) -> LabelQueue:
    """What this person should label next, `most` pictures at most. The same all day, but for what was answered
    meanwhile. Looks at the newest 400 studies, and at all that are known. Raises Cancelled."""
    me, now = clinic.session.user.id, clinic.clock()
    seed = f"{clinic.store.store_id}/{me}/{now:%Y-%m-%d}"
    hints = _hints(clinic)
    with clinic.store.snapshot() as tx:
        said = _all_labels(tx, job)
        mine = {
            label.instance
            for label in said
            if label.author == me and label.created.astimezone(now.tzinfo).date() == now.date()
        }
        by_study: dict[StudyId, list[Label]] = {}
        for label in said:
            by_study.setdefault(label.study, []).append(label)
        opened = tx.audit.subjects(AuditAction.VIEW_STUDY, me)
        asked: list[_Asked] = []
        for study in studies_to_ask_about(tx, by_study):
            job.check()
            about = newest(by_study.get(study.id, []))
            asked += _asked_about(tx, study, about, me, hints, opened=study.id in opened)
    wanted = {one.task.instance: one for one in asked if one.wanted}
    known = [one.task for one in asked if one.known and not one.wanted]
    done = [one.candidate for one in asked if not one.task.questions]
    order = in_order([one.candidate for one in wanted.values()], most, seed, labelled=done)
    by_key = {task.instance: task for task in (*known, *(one.task for one in wanted.values()))}
    mixed = mixed_in(order, [task.instance for task in known], seed, GOLD_EVERY)
    return LabelQueue(tuple(by_key[InstanceId(key)] for key in mixed[:most]), len(wanted), len(mine))


@requires(Permission.READ_IMAGES)
def open_to_label(clinic: Clinic, job: Job, task: LabelTask) -> Picture:
    """The picture without anybody's name, number or date. What is burned into its pixels stays. The look is in the
    trail as one that shows nothing else. Raises UserFacingError (not_found) and where it is no single picture,
    KnownFailure where the sealed file is damaged."""
    job.check()
    with clinic.store.snapshot() as tx:
        instance = tx.studies.instance(task.instance)
    picture = stored_picture(clinic, instance)
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.VIEW_TO_LABEL, task.study, actor=clinic.actor)
    told = picture.header
    nameless = FileHeader(modality=told.modality, view_position=told.view_position, laterality=told.laterality)
    return replace(picture, header=nameless)


@requires(Permission.READ_IMAGES)
def quality_boards(clinic: Clinic, job: Job) -> QualityBoards:
    """How well people label, from what they said without knowing the suggestion. Raises Cancelled."""
    with clinic.store.snapshot() as tx:
        said = newest(_all_labels(tx, job))
    boards = []
    for finding in sorted({label.finding for label in said if label.basis is LabelBasis.BLIND}):
        job.check()
        about = [label for label in said if label.finding == finding]
        votes = [
            Vote(label.instance, labeller_code(clinic, label.author), PRESENT[label.value])
            for label in about
            if label.basis is LabelBasis.BLIND
        ]
        model = next((one for one in clinic.models.names() if _knows(clinic, one, finding)), "")
        boards.append(FindingBoard(finding, model, board(votes, _references(about))))
    return QualityBoards(labeller_code(clinic, clinic.session.user.id), tuple(boards))


@dataclass(frozen=True)
class _Asked:
    """A picture that may be asked about; without a question, one that this person has answered. wanted: another reader
    is needed; known: an answer is known already."""

    task: LabelTask
    candidate: Candidate
    wanted: bool
    known: bool


def _all_labels(tx: Transaction, job: Job) -> list[Label]:
    place, found = 0, []
    while page := tx.labels.page(place, _PAGE):
        job.check()
        found += [label for _, label in page]
        place = page[-1][0]
    return found


def studies_to_ask_about(tx: Transaction, labelled: Iterable[StudyId]) -> Iterator[ImagingStudy]:
    """The newest studies, then those somebody labelled."""
    newest_ones = [summary.study for summary in tx.studies.worklist(_NEWEST_STUDIES)]
    yield from newest_ones
    listed = {study.id for study in newest_ones}
    for study in labelled:
        if study not in listed:
            yield tx.studies.get(study)


def _asked_about(
    tx: Transaction,
    study: ImagingStudy,
    about: Sequence[Label],
    me: UserId,
    hints: frozenset[Question],
    *,
    opened: bool,
) -> Iterator[_Asked]:
    """The pictures of a study that may be shown to somebody. about: what holds of its labels. hints: what is not asked.
    opened: whether they ever opened it; then what was revealed of it, to anybody, they may have seen (as
    `has_seen_suggestion` has it)."""
    if is_trace(study) or is_sliced(study):
        return
    if any(label.author == me and label.basis.is_reference for label in about):
        return  # they know what the case turned out to be
    suggestions = tx.suggestions.for_study(study.id)
    if opened and any(tx.suggestions.revealed_at(one.id) is not None for one in suggestions):
        return
    questions = _questions(suggestions, hints)
    for instance in study.instances:
        open_ones = {
            question: chance
            for question, chance in questions.get(instance.id, {}).items()
            if not any(one.author == me for one in _of(about, instance, question.finding))
        }
        if instance.id in questions:
            yield _asked(study.id, instance, about, open_ones, _seen_alike(suggestions, instance.id))


def _seen_alike(suggestions: Iterable[Suggestion], instance: InstanceId) -> npt.NDArray[np.float32] | None:
    """What the first model that spoke of a picture made of it: its probabilities, and where it looked; None where it
    has no maps. Pictures that look alike to it lie near one another, and it is on file already: no picture is opened
    for it."""
    for suggestion in suggestions:
        analysis = suggestion.analysis
        if suggestion.instance == instance and analysis.activations:
            said = np.array([finding.probability for finding in analysis.findings], dtype=np.float32)
            maps = [_LOOKED * one.heat.ravel() / np.sqrt(one.heat.size) for one in analysis.activations]
            return np.concatenate([said, *maps]).astype(np.float32)
    return None


def _asked(
    study: StudyId,
    instance: Instance,
    about: Sequence[Label],
    chances: Mapping[Question, float],
    features: npt.NDArray[np.float32] | None,
) -> _Asked:
    wanted = known = False
    for question in chances:
        labels = _of(about, instance, question.finding)
        blind = [label.value for label in labels if label.basis is LabelBasis.BLIND]
        agree = len(blind) >= READERS and len(set(blind)) == 1 and blind[0] is not LabelValue.UNSURE
        reference = any(label.basis.is_reference for label in labels)
        known = known or reference or agree
        wanted = wanted or not (reference or agree or len(blind) >= MOST_READERS)
    unsure = min(chances.values(), key=lambda chance: abs(chance - 0.5), default=None)
    candidate = Candidate(instance.id, study, unsure, features)
    return _Asked(LabelTask(study, instance.id, tuple(chances)), candidate, wanted, known)


def _hints(clinic: Clinic) -> frozenset[Question]:
    """Findings that mean something only where another may be there: nobody sees them in a picture."""
    models = [clinic.models.get(name) for name in clinic.models.names()]
    looking = [model for model in models if isinstance(model, PictureModel)]
    return frozenset(Question(key, model.name) for model in looking for key in model.manifest.hints)


def _questions(
    suggestions: Iterable[Suggestion], hints: frozenset[Question]
) -> dict[InstanceId, dict[Question, float]]:
    """What models said about each picture, by what could be asked; the newest answer of each model."""
    found: dict[InstanceId, dict[Question, float]] = {}
    for suggestion in suggestions:
        if suggestion.analysis.status is AnalysisStatus.OK:
            model = suggestion.analysis.provenance.model
            said = {Question(one.key, model): one.probability for one in suggestion.analysis.findings}
            # Of two models that know a finding, one asks.
            others = {one.finding for one in found.get(suggestion.instance, {}) if one.model != model}
            kept = {
                question: chance
                for question, chance in said.items()
                if question.finding not in others and question not in hints
            }
            found.setdefault(suggestion.instance, {}).update(kept)
    return found


def _of(about: Sequence[Label], instance: Instance, finding: str) -> list[Label]:
    return [label for label in about if label.instance == instance.id and label.finding == finding]


def _references(about: Iterable[Label]) -> dict[str, bool]:
    """What reference standards say of each picture, where they agree."""
    told: dict[str, list[Truth]] = {}
    for label in about:
        present = PRESENT[label.value]
        if label.basis.is_reference and present is not None:
            told.setdefault(label.instance, []).append(Truth(present, Strength.REFERENCE))
    truths = {instance: settled(votes) for instance, votes in told.items()}
    return {instance: truth.present for instance, truth in truths.items() if truth is not None}


def labeller_code(clinic: Clinic, user: UserId) -> str:
    """Who labelled, without a name: the same in this clinic all the time."""
    return hashlib.blake2b(user.encode(), key=clinic.store.store_id.encode()[:64], digest_size=2).hexdigest().upper()


def _knows(clinic: Clinic, model: str, finding: str) -> bool:
    try:
        clinic.models.get(model).finding_name(finding, Language.ENGLISH)
    except KeyError:
        return False
    return True


PRESENT = {LabelValue.PRESENT: True, LabelValue.ABSENT: False, LabelValue.UNSURE: None}
