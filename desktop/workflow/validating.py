"""How right a model is in this clinic: its answers against what its cases turned out to be, on screen and on paper."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError
from desktop.i18n import Language
from desktop.inference import ConformalThresholds, Model
from desktop.jobs import Job
from desktop.learning.clinical_validation import (
    Answers,
    Calibration,
    Judged,
    Roc,
    ValidationRow,
    ValidationTable,
    validate,
)
from desktop.learning.statistics import Interval
from desktop.records import Analysis, AnalysisStatus
from desktop.workflow.asking_afterwards import models_to_judge
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.confirmed import ConfirmedCase, Strength, confirmed_cases, counts
from desktop.workflow.reporting import Exported, write_whole
from desktop.workflow.watching import later_answers, revealed_suggestions, version_words

__all__ = [
    "Answers",
    "Calibration",
    "Flow",
    "Interval",
    "JudgedModel",
    "Roc",
    "Validation",
    "ValidationGroup",
    "ValidationRow",
    "ValidationTable",
    "export_validation",
    "group_key",
    "judged_models",
    "validate_model",
    "validation_pdf",
]


class ValidationGroup(StrEnum):
    """What cases are counted by. STRENGTH: how it is known what was true. ASKED: in the course of reading, or once that
    was known."""

    STRENGTH = "strength"
    SEX = "sex"
    AGE = "age"
    EXAMINATION = "examination"
    DEVICE = "device"
    MONTH = "month"
    VERSION = "version"
    ASKED = "asked"


@dataclass(frozen=True)
class JudgedModel:
    """A model that can be judged here. findings: keys it speaks of. answers: of any version that somebody has seen;
    none of one that was not here yet when pictures it could judge were read."""

    name: str
    findings: tuple[str, ...]
    answers: int


@dataclass(frozen=True)
class Flow:
    """From the answers to the cases that count.

    seen: by any version. afterwards: further ones, of versions that were asked once the truth was known, seen by
    nobody. other_versions: not by the one looked at. refused: the model would not judge. without: answered, but the
    finding is not among what it spoke of. unknown: nobody said what was true, or not reliably enough. learned: of
    patients the version may have learned from when it was tuned here. What is left are the cases of the table.
    """

    seen: int
    other_versions: int
    refused: int
    without: int
    unknown: int
    afterwards: int = 0
    learned: int = 0

    @property
    def cases(self) -> int:
        """How many count."""
        left = self.seen + self.afterwards - self.other_versions - self.refused - self.without
        return left - self.unknown - self.learned


@dataclass(frozen=True)
class Validation:
    """One finding of one model, judged by this clinic's cases.

    sha256: of the weights the cases are of, empty where versions are told apart. thresholds: those in use now; answers
    count as they were given. strengths: how many cases by what is known of them. first, last: days of the first and the
    last examination.
    """

    model: str
    version: str
    sha256: str
    finding: str
    by: ValidationGroup
    least: Strength
    thresholds: ConformalThresholds
    flow: Flow
    strengths: Mapping[Strength, int]
    first: date | None
    last: date | None
    table: ValidationTable


@requires(Permission.READ_IMAGES)
def judged_models(clinic: Clinic, job: Job) -> tuple[JudgedModel, ...]:
    """The models on this PC that answered here and were seen, by name, then those that could be asked about pictures
    known already. Raises Cancelled."""
    answers: Counter[str] = Counter()
    models = [clinic.models.get(name) for name in clinic.models.names()]
    with clinic.store.snapshot() as tx:
        for suggestion in revealed_suggestions(tx, job):
            answers[suggestion.analysis.provenance.model] += 1
        others = models_to_judge(tx, job, [one for one in models if not answers[one.name]])
    here = [one for one in models if answers[one.name] and one.findings]
    here += [one for one in models if one.name in others]
    return tuple(JudgedModel(one.name, one.findings, answers[one.name]) for one in here)


@requires(Permission.READ_IMAGES)
def validate_model(
    clinic: Clinic,
    job: Job,
    model: str,
    finding: str,
    *,
    by: ValidationGroup = ValidationGroup.STRENGTH,
    least: Strength = Strength.REVIEWED,
) -> Validation:
    """Sensitivity, specificity, AUC and calibration of the version in use on all cases of which it is known what they
    were; by version, of all versions. least: how it must be known at least. Nobody is named in them.

    Patients whom a version tuned here may have learned from are no cases of it.

    Raises UserFacingError (not_found) for a model or finding that is not here, and Cancelled.
    """
    asked, counted = _asked(clinic, model, finding), _counted(clinic, job, model)
    cases = _cases(clinic, job, model, finding, least)
    return _validation(asked, finding, by, least, counted, cases)


@requires(Permission.READ_IMAGES)
def validation_pdf(
    clinic: Clinic,
    job: Job,
    model: str,
    finding: str,
    languages: tuple[Language, ...],
    *,
    least: Strength = Strength.REVIEWED,
) -> bytes:
    """The same on paper, after STARD 2015: flow of cases, index test, reference standards, tables with intervals by
    every group, limits. Raises as `validate_model`, and KnownFailure where fonts are missing."""
    asked, counted = _asked(clinic, model, finding), _counted(clinic, job, model)
    cases = _cases(clinic, job, model, finding, least)
    groups = (
        ValidationGroup.STRENGTH,
        ValidationGroup.ASKED,
        ValidationGroup.SEX,
        ValidationGroup.AGE,
        ValidationGroup.EXAMINATION,
        ValidationGroup.DEVICE,
        ValidationGroup.MONTH,
    )
    found = []
    for by in groups:
        job.check()
        found.append(_validation(asked, finding, by, least, counted, cases))
    job.report("workflow.progress.report")
    # Late: the typesetter is not wanted before the first paper.
    from desktop.exports.validation_paper import render
    from desktop.workflow.validation_content import paper_content

    with clinic.store.snapshot() as tx:
        synthetic = any(tx.patients.standing(patient).synthetic for patient in {case.patient for case in cases})
    return render(paper_content(clinic, asked, found, synthetic=synthetic), languages)


@requires(Permission.READ_IMAGES)
def export_validation(
    clinic: Clinic,
    job: Job,
    model: str,
    finding: str,
    out: Path,
    languages: tuple[Language, ...],
    *,
    least: Strength = Strength.REVIEWED,
) -> Exported:
    """Write that paper to a file, whole or not at all. Raises as `validation_pdf`, and KnownFailure (disk_full, io)."""
    data = validation_pdf(clinic, job, model, finding, languages, least=least)
    write_whole(out, data)
    return Exported(out, hashlib.sha256(data).hexdigest())


@open_to_all
def group_key(by: ValidationGroup, group: str) -> str:
    """Key of the sentence that names a group, where there is one."""
    if group == "unknown":
        return "settings.rates.unknown"
    prefixes = {
        ValidationGroup.STRENGTH: "validation.strength",
        ValidationGroup.SEX: "patients.sex",
        ValidationGroup.AGE: "settings.rates.age",
        ValidationGroup.EXAMINATION: "reading.modality",
        ValidationGroup.ASKED: "validation.asked",
    }
    return f"{prefixes[by]}.{group}" if by in prefixes else ""


def judged(case: ConfirmedCase, finding: str, group: str = "") -> Judged:
    """One case as the statistics see it."""
    said = next(one for one in case.analysis.findings if one.key == finding)
    return Judged(case.patient, said.probability, said.decision, case.truths[finding].present, group)


def _asked(clinic: Clinic, name: str, finding: str) -> Model:
    model = clinic.models.get(name)
    if finding not in model.findings:
        raise UserFacingError("workflow.no_such_finding", kind=ErrorKind.NOT_FOUND, finding=finding, model=name)
    return model


@dataclass(frozen=True)
class _Seen:
    """Of each answer of a model: its weights, whether it would judge, and what it spoke of. afterwards: how many were
    asked for once the truth was known; the others were seen."""

    answers: Sequence[tuple[str, bool, frozenset[str]]]
    afterwards: int


def _cases(clinic: Clinic, job: Job, model: str, finding: str, least: Strength) -> tuple[ConfirmedCase, ...]:
    found = confirmed_cases(clinic, job, model, least=least, afterwards=True)
    return tuple(case for case in found if finding in case.truths)


def _counted(clinic: Clinic, job: Job, model: str) -> _Seen:
    answers, asked, afterwards = [], set(), 0
    with clinic.store.snapshot() as tx:
        for suggestion in revealed_suggestions(tx, job):
            if suggestion.analysis.provenance.model == model:
                answers.append(_in_short(suggestion.analysis))
                asked.add((suggestion.instance, suggestion.analysis.provenance.sha256))
        for later in later_answers(tx, job):
            made = later.analysis.provenance
            if made.model == model and counts(later) and (later.instance, made.sha256) not in asked:
                answers.append(_in_short(later.analysis))
                afterwards += 1
    return _Seen(answers, afterwards)


def _in_short(analysis: Analysis) -> tuple[str, bool, frozenset[str]]:
    spoken = frozenset(one.key for one in analysis.findings)
    return analysis.provenance.sha256, analysis.status is AnalysisStatus.OK, spoken


def _validation(
    model: Model,
    finding: str,
    by: ValidationGroup,
    least: Strength,
    seen: _Seen,
    cases: Sequence[ConfirmedCase],
) -> Validation:
    every = by is ValidationGroup.VERSION
    own = [case for case in cases if every or case.analysis.provenance.sha256 == model.sha256]
    taken = [case for case in own if not case.learned]
    days = [case.on for case in taken]
    group = _GROUPS[by]
    return Validation(
        model=model.name,
        version="" if every else model.version,
        sha256="" if every else model.sha256,
        finding=finding,
        by=by,
        least=least,
        thresholds=model.thresholds(finding),
        flow=_flow(seen, "" if every else model.sha256, finding, len(taken), len(own) - len(taken)),
        strengths=Counter(case.truths[finding].strength for case in taken),
        first=min(days, default=None),
        last=max(days, default=None),
        table=validate([judged(case, finding, group(case, finding)) for case in taken]),
    )


def _flow(seen: _Seen, sha256: str, finding: str, cases: int, learned: int) -> Flow:
    own = [answer for answer in seen.answers if sha256 in ("", answer[0])]
    judging = [spoken for _, judges, spoken in own if judges]
    without = sum(finding not in spoken for spoken in judging)
    return Flow(
        seen=len(seen.answers) - seen.afterwards,
        other_versions=len(seen.answers) - len(own),
        refused=len(own) - len(judging),
        without=without,
        unknown=max(0, len(judging) - without - cases - learned),
        afterwards=seen.afterwards,
        learned=learned,
    )


def _version(case: ConfirmedCase, finding: str) -> str:
    return version_words(case.analysis)


def _asked_when(case: ConfirmedCase, finding: str) -> str:
    return "afterwards" if case.afterwards else "reading"


_GROUPS: dict[ValidationGroup, Callable[[ConfirmedCase, str], str]] = {
    ValidationGroup.STRENGTH: lambda case, finding: case.truths[finding].strength.name.lower(),
    ValidationGroup.SEX: lambda case, finding: case.sex,
    ValidationGroup.AGE: lambda case, finding: case.age,
    ValidationGroup.EXAMINATION: lambda case, finding: case.examination,
    ValidationGroup.DEVICE: lambda case, finding: case.device,
    ValidationGroup.MONTH: lambda case, finding: f"{case.on:%Y-%m}",
    ValidationGroup.VERSION: _version,
    ValidationGroup.ASKED: _asked_when,
}
