"""What was found, whose it is said to be, and what became of it: the dialog's memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from desktop.records import Patient, PatientId
from desktop.ui.context import UiContext
from desktop.ui.importing import disc_words as say
from desktop.ui.widgets.rows import Row, Tone
from desktop.workflow.import_finding import FolderIndex, FoundPatient, FoundStudy, Match, NotTaken, Source
from desktop.workflow.import_storing import Consent, FileKept, FileState


@dataclass
class Person:
    """Somebody found. patient: whose the studies go to. reason: why another name was accepted."""

    key: str
    found: FoundPatient
    match: Match
    patient: Patient | None
    reason: str = ""
    left_out: bool = False
    done: bool = False


@dataclass(frozen=True)
class Task:
    """One study for one patient, to be stored in one piece."""

    key: str
    sources: tuple[Source, ...]
    patient: PatientId
    consent: Consent


@dataclass
class _Results:
    counts: Counter[FileState] = field(default_factory=Counter)
    failed: str = ""


class Plan:
    """Rows for the list, tasks for the store."""

    def __init__(self, context: UiContext) -> None:
        self._context = context
        self._people: list[Person] = []
        self._studies: dict[str, tuple[Person, FoundStudy]] = {}
        self._results: dict[str, _Results] = {}
        self._refused: list[tuple[str, str]] = []
        self._strangers: tuple[NotTaken, ...] = ()
        self._second: list[Task] = []

    def begin(self, index: FolderIndex, matches: Sequence[Match]) -> None:
        """Take over what was found, in the order it was met."""
        for number, (found, match) in enumerate(zip(index.patients, matches, strict=True)):
            person = Person(f"p{number}", found, match, match.patient)
            self._people.append(person)
            for place, study in enumerate(found.studies):
                self._studies[f"p{number}s{place}"] = person, study
        self._strangers = index.strangers
        for one in index.not_taken:
            text = self._context.error_text(one.error)
            self._refused.append((one.name, f"{text.message} {text.advice}"))

    @property
    def first_question(self) -> str:
        """Key of the first row somebody has to say something about; empty where there is none."""
        return next((one.key for one in self._people if one.patient is None and not one.left_out), "")

    @property
    def versions(self) -> int:
        """Pictures not kept, as others of the same number are on record."""
        return sum(len(task.sources) for task in self._second)

    def person(self, key: str) -> Person | None:
        """Whose row, or whose study's row, that is."""
        if key in self._studies:
            return self._studies[key][0]
        return next((one for one in self._people if one.key == key), None)

    def source(self, key: str) -> Source | None:
        """The file to look at for a row: the middle of a series says more than its edge."""
        study = self._studies[key][1] if key in self._studies else None
        if study is None:
            person = self.person(key)
            study = person.found.studies[0] if person is not None else None
        if study is None:
            return None
        first = study.series[0].sources
        return first[len(first) // 2 if len(first) > 5 else 0]

    def refusal(self, key: str) -> tuple[str, str]:
        """Name and reason of a file that cannot be brought in; empty for every other row."""
        if not key.startswith("x"):
            return "", ""
        return self._refused[int(key.removeprefix("x"))]

    def is_named(self, person: Person) -> bool:
        """Whether the files say a name somebody could be registered by."""
        return any(letter.isalpha() for group in person.found.header.name_groups[:2] for letter in group)

    def give(self, person: Person, patient: Patient, reason: str) -> None:
        """Somebody said whose they are."""
        person.patient, person.reason, person.left_out = patient, reason, False

    def note(self, person: Person) -> str:
        """What differs, why it is asked, who it may be."""
        tr = self._context.tr
        if person.done or person.left_out:
            return ""
        if person.reason:
            return tr("importing.disc.reason", reason=person.reason)
        if person.patient is not None:
            said = [tr(remark) for remark in person.match.remarks] if person.patient == person.match.patient else []
            return " ".join(said)
        parts = [tr(f"importing.disc.doubt.{person.match.doubt.value}")] if person.match.doubt is not None else []
        if person.match.likely:
            who = tr("patients.list_comma").join(one.display_name for one in person.match.likely[:3])
            parts.append(tr("importing.disc.likely", who=who))
        return " ".join(parts)

    def rows(self) -> list[Row]:
        """Patients with their studies, then what cannot be brought in."""
        context, rows = self._context, []
        for person in self._people:
            rows.append(
                say.patient_row(context, person.key, person.found.header, person.match, person.patient, person.left_out)
            )
            for key, (owner, study) in self._studies.items():
                if owner is person:
                    remark, tone = self._remark(key)
                    rows.append(say.study_row(context, key, study, remark, tone))
        for number, (name, message) in enumerate(self._refused):
            rows.append(say.refused_row(context, f"x{number}", name, message))
        if self._strangers:
            rows.append(say.strangers_row(context, self._strangers))
        return rows

    def _remark(self, key: str) -> tuple[str, Tone]:
        result, tr = self._results.get(key), self._context.tr
        if result is None:
            return "", Tone.QUIET
        if result.failed:
            return tr("importing.status.left"), Tone.CAUTION
        kept, known = result.counts[FileState.OK], result.counts[FileState.DUPLICATE]
        rest = sum(result.counts.values()) - kept - known
        parts = [tr("importing.disc.kept", count=kept)] if kept else []
        parts += [tr("importing.disc.known", count=known)] if known else []
        parts += [tr("importing.disc.not_kept", count=rest)] if rest else []
        return " · ".join(parts), Tone.CAUTION if rest else Tone.GOOD

    def summary(self) -> str:
        """How much was found, and what is to be done."""
        tr = self._context.tr
        if not self._people:
            return tr("importing.disc.nothing")
        words = tr(
            "importing.disc.found",
            patients=len(self._people),
            studies=len(self._studies),
            files=sum(len(study.sources) for _, study in self._studies.values()),
        )
        asked = tr("importing.disc.say_whose") if self.first_question else ""
        return f"{words} {asked}".strip()

    def running(self, task: Task | None) -> str:
        """What is being stored."""
        if task is None:
            return ""
        person, study = self._studies[task.key]
        kind = say.modality_text(self._context, study.modalities[0])
        who = person.patient.display_name if person.patient is not None else ""
        return self._context.tr("importing.disc.storing", kind=kind, who=who)

    def tasks(self) -> list[Task]:
        """Studies that can be stored now."""
        return [
            Task(key, study.sources, person.patient.id, Consent(person.reason))
            for key, (person, study) in self._studies.items()
            if person.patient is not None and not person.left_out and key not in self._results
        ]

    def second_versions(self) -> list[Task]:
        """Pictures that shall be kept beside those on record."""
        tasks, self._second = self._second, []
        return tasks

    def note_kept(self, task: Task, files: Sequence[FileKept]) -> None:
        """What became of a study's files."""
        result = self._results.setdefault(task.key, _Results())
        result.counts.pop(FileState.VERSION, None)
        result.counts.update(one.state for one in files)
        self._studies[task.key][0].done = True
        for one in files:
            if one.error is not None and one.state is not FileState.OK:
                text = self._context.error_text(one.error)
                self._refused.append((one.name, f"{text.message} {text.advice}"))
        again = {one.name for one in files if one.state is FileState.VERSION}
        if again:
            sources = tuple(source for source in task.sources if source.name in again)
            consent = replace(task.consent, versions=True)
            self._second.append(Task(task.key, sources, task.patient, consent))

    def note_failed(self, task: Task, message: str) -> None:
        """Nothing of a study could be stored."""
        self._results[task.key] = _Results(failed=message)
        _, study = self._studies[task.key]
        self._refused.append((study.description or study.sources[0].name, message))
