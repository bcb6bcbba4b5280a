"""Sorting single cells: what models boxed on photographs, one cut-out at a time, by helpers who may see nothing else.

Three helpers look at each cell, and about one in ten has an answer that a doctor gave already, without saying so. What
helpers say is kept apart from every other word: it puts the doctor's own cells in order, and is told to the doctor
after the own look. It never counts as what is true.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError
from desktop.imaging.cutting import cut_oval
from desktop.inference.golden_fields import FIELDS
from desktop.jobs import Job
from desktop.learning.dawid_skene import Merged, Vote, merge
from desktop.learning.labellers import Board, board
from desktop.learning.sampling import Candidate, in_order, mixed_in, uncertainty
from desktop.records import (
    AnalysisStatus,
    AuditAction,
    CellBox,
    CellLabel,
    CellQuestion,
    Changes,
    DetectedBox,
    FileHeader,
    Instance,
    InstanceId,
    Label,
    LabelBasis,
    LabelId,
    LabelValue,
    Picture,
    StudyId,
    Suggestion,
    SuggestionId,
    UserId,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.importing import is_sliced, is_trace, stored_picture
from desktop.workflow.labelling import has_seen_suggestion
from desktop.workflow.queueing import GOLD_EVERY, PRESENT, labeller_code, studies_to_ask_about

__all__ = [
    "CellAnswered",
    "CellBoard",
    "CellExample",
    "CellQueue",
    "CellTask",
    "HelpersWord",
    "answer_cell",
    "cell_examples",
    "cell_queue",
    "helper_boards",
    "open_cell",
]

HELPERS = 3
"""How many helpers look at each cell."""

_BOXED = {
    "red_cell": CellQuestion.PARASITE,
    "infected_cell": CellQuestion.PARASITE,
    "afb": CellQuestion.BACILLUS,
}
"""What is asked about a box, by its kind; about others nothing is."""
_WHOLE = {"parasitized": CellQuestion.PARASITE}
"""What is asked about a picture of a single cell, by the model's finding."""
_SUSPECTED = {CellQuestion.PARASITE: "infected_cell", CellQuestion.BACILLUS: "afb"}

# The oval around a box, in boxes: a round cell with a little beside it, a rod from corner to corner.
_ROOM = {CellQuestion.PARASITE: 1.3, CellQuestion.BACILLUS: 1.6}
# What is larger than this would show the photograph, and what may be written on it.
_LARGEST_SHARE = 0.5
_LARGEST_WHOLE = 400
# Of one photograph, so that many are looked at; and what a model hardly takes for a cell is none.
_MOST_OF_ONE = 20
_LEAST_CELL = 0.3
# Two boxes that share this much of their union are the same cell, found by two models or by two versions.
_SAME = 0.5
# Above this the helpers together say that there may be something, and the doctor sees it first.
_SUSPICIOUS = 0.25
_PAGE = 500


@dataclass(frozen=True)
class CellTask:
    """A cell and what is asked about it. suggestion: whose box it is. box: None where the whole picture is the cell.
    Whether the answer is known already, it does not tell."""

    suggestion: SuggestionId
    box: CellBox | None
    question: CellQuestion


@dataclass(frozen=True)
class CellQueue:
    """tasks: the next ones first. waiting: cells that wait for this person's word. lay: whether this person helps, and
    does not read pictures."""

    tasks: tuple[CellTask, ...]
    waiting: int
    lay: bool


@dataclass(frozen=True)
class HelpersWord:
    """How many helpers said what of a cell."""

    present: int = 0
    absent: int = 0
    unsure: int = 0

    @property
    def total(self) -> int:
        """How many said anything."""
        return self.present + self.absent + self.unsure


@dataclass(frozen=True)
class CellAnswered:
    """A word now on record. helpers: what helpers said of the same cell; nothing for a helper."""

    value: LabelValue
    basis: LabelBasis
    helpers: HelpersWord
    changes: Changes


@dataclass(frozen=True, eq=False)
class CellExample:
    """What somebody who never saw one is shown. pixels: (rows, columns, 3) uint8, drawn by our own code."""

    present: bool
    pixels: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class CellBoard:
    """How well helpers answer one question. known: cells a doctor answered without knowing what helpers said."""

    question: CellQuestion
    board: Board
    known: int


@open_to_all
def cell_examples(question: CellQuestion) -> tuple[CellExample, ...]:
    """One with what is asked and one without; of nobody."""
    return tuple(CellExample(present, pixels) for present, pixels in _drawn(question))


@requires(Permission.SORT_CELLS)
def cell_queue(clinic: Clinic, job: Job, most: int = 20) -> CellQueue:
    """What this person should sort next, `most` cells at most. All helpers are led through the same cells, so that each
    is seen by three. Whoever reads pictures gets first what helpers found suspicious. Raises Cancelled."""
    me, now = clinic.session.user.id, clinic.clock()
    lay = not clinic.session.may(Permission.READ_IMAGES)
    with clinic.store.snapshot() as tx:
        cells = list(_cells(tx, _all_words(tx, job), job))
    day = f"{clinic.store.store_id}/{now:%Y-%m-%d}"
    if lay:
        wanted, order = _for_helper(cells, me, most, day)
    else:
        wanted, order = _for_doctor(cells, me, most, day)
    by_key = {cell.key: cell.task for cell in cells}
    return CellQueue(tuple(by_key[key] for key in order), wanted, lay)


@requires(Permission.SORT_CELLS)
def open_cell(clinic: Clinic, job: Job, task: CellTask) -> Picture:
    """The cut-out alone: pixels without anybody's name, number, date or file. The look is in the trail as one that
    shows nothing else. Raises UserFacingError (not_found) for what is no cell of a model's, KnownFailure where the
    sealed file is damaged."""
    job.check()
    with clinic.store.snapshot() as tx:
        suggestion, instance, _ = _checked(tx, task)
    picture = stored_picture(clinic, instance)
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.VIEW_TO_LABEL, suggestion.study, actor=clinic.actor)
    pixels = picture.pixels.copy()
    if task.box is not None:
        box, room = task.box, _ROOM[task.question]
        middle = box.x + box.width / 2, box.y + box.height / 2
        pixels = cut_oval(picture.pixels, *middle, box.width * room, box.height * room)
    nameless = FileHeader(modality=picture.header.modality)
    return replace(picture, pixels=pixels, header=nameless, spacing=None, regions=())


@requires(Permission.SORT_CELLS)
def answer_cell(clinic: Clinic, job: Job, task: CellTask, value: LabelValue) -> CellAnswered:
    """Keep one person's word on a cell. A helper's is lay. Whoever reads pictures is told afterwards what helpers said;
    what is said with that knowledge is no blind word any more. About a picture of one cell a doctor's word is one on
    the picture. Raises UserFacingError (not_found) for what is no cell of a model's."""
    job.check()
    me = clinic.session.user.id
    lay = not clinic.session.may(Permission.READ_IMAGES)
    with clinic.store.transaction() as tx:
        suggestion, _, finding = _checked(tx, task)
        said = [word for word in _words_of(tx, suggestion) if _is_of(word, task)]
        helpers = HelpersWord() if lay else _helpers(said)
        again = [*(word.author for word in said), *_pictures_authors(tx, suggestion, finding)]
        told = helpers.total > 0 and me in again
        seen = told or has_seen_suggestion(tx, suggestion.study, me)
        basis = LabelBasis.LAY if lay else LabelBasis.REVIEWED if seen else LabelBasis.BLIND
        _keep(tx, clinic, suggestion, task, value, basis, "" if lay else finding)
    return CellAnswered(value, basis, helpers, Changes(labels=True))


@requires(Permission.READ_IMAGES)
def helper_boards(clinic: Clinic, job: Job) -> tuple[CellBoard, ...]:
    """How well helpers sort cells, against doctors' blind words and against each other, told by codes. Raises
    Cancelled."""
    with clinic.store.snapshot() as tx:
        cells = list(_cells(tx, _all_words(tx, job), job))
    boards = []
    for question in CellQuestion:
        asked = [cell for cell in cells if cell.task.question is question and cell.lay]
        votes = [
            Vote(cell.key, labeller_code(clinic, who), PRESENT[value])
            for cell in asked
            for who, value in cell.lay.items()
        ]
        known = {cell.key: cell.truth for cell in asked if cell.truth is not None}
        if votes:
            boards.append(CellBoard(question, board(votes, known), len(known)))
    return tuple(boards)


_DRAWN = {
    # Where in our own drawing: the field, then the middle of one with it and of one without, and the side.
    CellQuestion.PARASITE: ("malaria-field/1", (207, 58), (50, 44), 56),
    CellQuestion.BACILLUS: ("sputum-field/1", (330, 60), (90, 120), 72),
}


def _drawn(question: CellQuestion) -> Iterator[tuple[bool, npt.NDArray[np.uint8]]]:
    field_name, present, absent, side = _DRAWN[question]
    pixels = FIELDS[field_name]().pixels
    for value, (across, down) in ((True, present), (False, absent)):
        yield value, cut_oval(pixels, across, down, side, side)


@dataclass(frozen=True)
class _Cell:
    """A cell and what was said of it. chance: what the model said; None where it does not speak of that. lay: the
    newest word of each helper; doctors: of each who reads pictures; blind: those of them whose first word was."""

    task: CellTask
    instance: InstanceId
    chance: float | None
    lay: dict[UserId, LabelValue] = field(default_factory=dict)
    doctors: dict[UserId, LabelValue] = field(default_factory=dict)
    blind: set[UserId] = field(default_factory=set)

    @property
    def key(self) -> str:
        """The same cell has the same."""
        box = self.task.box
        place = f"{box.x:.1f} {box.y:.1f} {box.width:.1f} {box.height:.1f}" if box is not None else "whole"
        return f"{self.instance}/{self.task.question}/{place}"

    @property
    def truth(self) -> bool | None:
        """What doctors say who looked without knowing what others said; None where they differ or are unsure."""
        told = {PRESENT[value] for who, value in self.doctors.items() if who in self.blind} - {None}
        return told.pop() if len(told) == 1 else None

    @property
    def candidate(self) -> Candidate:
        """For the order."""
        return Candidate(self.key, self.instance, _expected(self.chance))

    def add(self, word: CellLabel) -> None:
        """Take a word, the older ones first."""
        if word.basis is LabelBasis.LAY:
            self.lay[word.author] = word.value
        else:
            self.doctors[word.author] = word.value
            if word.basis is LabelBasis.BLIND:
                self.blind.add(word.author)


def _for_helper(cells: Sequence[_Cell], me: UserId, most: int, day: str) -> tuple[int, list[str]]:
    """How many wait, and the keys of the next: what others have begun on first."""
    open_ones = {cell.key: cell for cell in cells if me not in cell.lay}
    wanted = [cell for cell in open_ones.values() if not cell.doctors and len(cell.lay) < HELPERS]
    known = [cell.key for cell in open_ones.values() if cell.truth is not None]
    order = in_order([cell.candidate for cell in wanted], len(wanted), day)
    begun = sorted(order, key=lambda key: -len(open_ones[key].lay))
    return len(wanted), list(mixed_in(begun[:most], known, f"{day}/{me}", GOLD_EVERY))[:most]


def _for_doctor(cells: Sequence[_Cell], me: UserId, most: int, day: str) -> tuple[int, list[str]]:
    """How many wait, and the keys of the next: what helpers found suspicious, then what nobody has seen, so that there
    are known ones, then what helpers cleared."""
    merged = {question: _merged(cells, question) for question in CellQuestion}
    wanted = {cell.key: cell for cell in cells if not cell.doctors}
    chances = {key: merged[cell.task.question].answers.get(key, 0.0) for key, cell in wanted.items() if cell.lay}
    helped = sorted(chances, key=lambda key: (len(wanted[key].lay) < HELPERS, -chances[key]))
    fresh = in_order([cell.candidate for key, cell in wanted.items() if key not in chances], most, day)
    first = [key for key in helped if chances[key] >= _SUSPICIOUS]
    last = [key for key in helped if chances[key] < _SUSPICIOUS]
    return len(wanted), [*first, *fresh, *last][:most]


def _merged(cells: Iterable[_Cell], question: CellQuestion) -> Merged:
    asked = [cell for cell in cells if cell.task.question is question]
    votes = [Vote(cell.key, who, PRESENT[value]) for cell in asked for who, value in cell.lay.items()]
    return merge(votes, {cell.key: cell.truth for cell in asked if cell.truth is not None})


# Which cells there are


def _cells(tx: Transaction, said: Sequence[CellLabel], job: Job) -> Iterator[_Cell]:
    """Every cell somebody spoke of, and those of the newest studies that may be asked about."""
    by_study: dict[StudyId, list[CellLabel]] = {}
    for word in said:
        by_study.setdefault(word.study, []).append(word)
    for study in studies_to_ask_about(tx, by_study):
        job.check()
        if is_trace(study) or is_sliced(study):
            continue
        instances = {one.id: one for one in study.instances}
        suggestions = tx.suggestions.for_study(study.id)
        found: list[_Cell] = []
        for word in by_study.get(study.id, []):
            _place_of(found, CellTask(word.suggestion, word.box, word.question), word.instance, None).add(word)
        for suggestion in reversed(suggestions):
            for task, chance in _asked(suggestion, instances[suggestion.instance]):
                cell = _place_of(found, task, suggestion.instance, chance)
                if task.box is None and not cell.doctors:
                    _add_pictures_words(tx, cell, study.id, suggestion)
        yield from found


def _asked(suggestion: Suggestion, instance: Instance) -> list[tuple[CellTask, float | None]]:
    """What is asked about one answer of a model, what it is least sure of first, with the chance it gave."""
    analysis = suggestion.analysis
    if analysis.status is not AnalysisStatus.OK:
        return []
    if _finding(suggestion) and max(instance.rows, instance.columns) <= _LARGEST_WHOLE:
        (spoken,) = [one for one in analysis.findings if one.key in _WHOLE]
        return [(CellTask(suggestion.id, None, _WHOLE[spoken.key]), spoken.probability)]
    kinds = {count.kind for count in analysis.counts}
    found = [(one, _chance(one, kinds)) for one in analysis.boxes if one.kind in _BOXED]
    found = [
        (one, chance)
        for one, chance in found
        if (chance is not None or one.probability >= _LEAST_CELL)
        and _is_whole(one, instance)
        and _is_small(one, instance)
    ]
    # What is equal in no order of place, and always in the same.
    found.sort(key=lambda one: (-uncertainty(_expected(one[1])), hash((one[0].x, one[0].y))))
    return [(CellTask(suggestion.id, _box(one), _BOXED[one.kind]), chance) for one, chance in found[:_MOST_OF_ONE]]


def _chance(one: DetectedBox, kinds: Collection[str]) -> float | None:
    """Of what is asked about a box; None where the model does not speak of it."""
    suspected = _SUSPECTED[_BOXED[one.kind]]
    if suspected not in kinds:
        return None
    return one.probability if one.kind == suspected else 1 - one.probability


def _expected(chance: float | None) -> float:
    """Where a model does not speak of what is asked, hardly any cell has it."""
    return chance if chance is not None else 0.0


def _box(one: DetectedBox) -> CellBox:
    return CellBox(one.x, one.y, one.width, one.height)


def _is_whole(box: DetectedBox, instance: Instance) -> bool:
    """Whether the picture's edge does not cut it."""
    inside = min(box.x, box.y, instance.columns - box.x - box.width, instance.rows - box.y - box.height)
    return inside >= 1.0


def _is_small(box: DetectedBox, instance: Instance) -> bool:
    longest = max(_ROOM.values()) * max(box.width, box.height)
    return longest <= _LARGEST_SHARE * min(instance.rows, instance.columns)


def _finding(suggestion: Suggestion) -> str:
    """The finding about a whole picture that is asked of cells; empty where there is none."""
    return next((one.key for one in suggestion.analysis.findings if one.key in _WHOLE), "")


def _place_of(found: list[_Cell], task: CellTask, instance: InstanceId, chance: float | None) -> _Cell:
    """The cell that is met already, else a new one at the end of the list. A model's chance is taken where it has
    one."""
    for place, cell in enumerate(found):
        if cell.instance == instance and cell.task.question is task.question and _same(cell.task.box, task.box):
            if cell.chance is None and chance is not None:
                found[place] = replace(cell, chance=chance)
            return found[place]
    found.append(_Cell(task, instance, chance))
    return found[-1]


def _same(one: CellBox | None, other: CellBox | None) -> bool:
    if one is None or other is None or one == other:
        return one == other
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared >= _SAME * (one.width * one.height + other.width * other.height - shared)


# What was said


def _all_words(tx: Transaction, job: Job) -> list[CellLabel]:
    place, found = 0, []
    while page := tx.cells.page(place, _PAGE):
        job.check()
        found += [word for _, word in page]
        place = page[-1][0]
    return found


def _words_of(tx: Transaction, suggestion: Suggestion) -> list[CellLabel]:
    return [word for word in tx.cells.for_study(suggestion.study) if word.instance == suggestion.instance]


def _is_of(word: CellLabel, task: CellTask) -> bool:
    return word.question is task.question and _same(word.box, task.box)


def _helpers(said: Iterable[CellLabel]) -> HelpersWord:
    newest = {word.author: word.value for word in said if word.basis is LabelBasis.LAY}
    told = list(newest.values())
    return HelpersWord(*(told.count(value) for value in (LabelValue.PRESENT, LabelValue.ABSENT, LabelValue.UNSURE)))


def _add_pictures_words(tx: Transaction, cell: _Cell, study: StudyId, suggestion: Suggestion) -> None:
    """Of a picture of one cell, what doctors said of the picture."""
    finding = _finding(suggestion)
    for label in tx.labels.for_study(study):
        if label.instance == cell.instance and label.finding == finding:
            cell.doctors[label.author] = label.value
            if label.basis is not LabelBasis.REVIEWED:
                cell.blind.add(label.author)


def _pictures_authors(tx: Transaction, suggestion: Suggestion, finding: str) -> list[UserId]:
    """Who spoke of the whole picture."""
    said = tx.labels.for_study(suggestion.study) if finding else ()
    return [label.author for label in said if label.instance == suggestion.instance and label.finding == finding]


def _checked(tx: Transaction, task: CellTask) -> tuple[Suggestion, Instance, str]:
    """The answer a task speaks of, its picture, and the finding of a whole picture. Raises UserFacingError (not_found)
    for anything but a small box that a model drew or a picture of one cell: nothing else may be opened this way."""
    suggestion = tx.suggestions.get(task.suggestion)
    instance = tx.studies.instance(suggestion.instance)
    study = tx.studies.get(suggestion.study)
    asked: Mapping[CellBox | None, CellQuestion] = {}
    if not (is_trace(study) or is_sliced(study)) and suggestion.analysis.status is AnalysisStatus.OK:
        asked = _allowed(suggestion, instance)
    if asked.get(task.box) is not task.question:
        raise UserFacingError("workflow.no_cell", kind=ErrorKind.NOT_FOUND)
    return suggestion, instance, _finding(suggestion) if task.box is None else ""


def _allowed(suggestion: Suggestion, instance: Instance) -> Mapping[CellBox | None, CellQuestion]:
    boxes = [one for one in suggestion.analysis.boxes if one.kind in _BOXED and _is_small(one, instance)]
    asked: dict[CellBox | None, CellQuestion] = {_box(one): _BOXED[one.kind] for one in boxes}
    if _finding(suggestion) and max(instance.rows, instance.columns) <= _LARGEST_WHOLE:
        asked[None] = _WHOLE[_finding(suggestion)]
    return asked


def _keep(
    tx: Transaction,
    clinic: Clinic,
    suggestion: Suggestion,
    task: CellTask,
    value: LabelValue,
    basis: LabelBasis,
    finding: str,
) -> None:
    """finding: of a whole picture that a doctor speaks of, else empty."""
    made, me, now = LabelId(new_id()), clinic.session.user.id, clinic.clock()
    where = suggestion.study, suggestion.instance
    if finding:
        tx.labels.add(Label(made, *where, finding, value, basis, me, now))
    else:
        tx.cells.add(CellLabel(made, *where, suggestion.id, task.box, task.question, value, basis, me, now))
    tx.audit.add(AuditAction.ADD_LABEL, made, actor=clinic.actor)
