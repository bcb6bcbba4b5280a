"""Where what a model says does not fit a fact on the chart. Both facts are told; no decision is changed.

Only what is on the chart counts: what nobody wrote down is unknown, and fits everything. Problems count where they are
coded in ICD-10 and active; measurements where they were made within two days of the examination.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from desktop.access import Permission, require
from desktop.jobs import Job
from desktop.records import (
    Condition,
    ConditionStatus,
    Decision,
    Finding,
    ImagingStudy,
    Observation,
    PatientId,
    StudyId,
    SuggestionId,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.looking import looking_at_patients
from desktop.workflow.reading import read_state

__all__ = ["ChartFacts", "Doubt", "chart_doubts"]

WITHIN = timedelta(days=2)
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
_TEMPERATURE, _OXYGEN, _BREATHS = ("8310-5", "Cel"), ("59408-5", "%"), ("9279-1", "/min")

FEVER, LOW_OXYGEN, NORMAL_OXYGEN = 37.5, 90.0, 95.0
"""°C measured in the armpit, and per cent: fever and low oxygen as in WHO's IMCI chart booklet (2014), the saturation
of healthy people at low altitude as in WHO's pulse oximetry training manual (2011)."""
_FAST = ((2, 60.0), (12, 50.0), (60, 40.0))
"""From so many breaths a minute on breathing is fast, under so many months of age (IMCI, 2014)."""
FAST_LATER = 30.0
"""From five years on, as in CRB-65 (Lim et al., Thorax 2003) and WHO's IMAI district clinician manual (2011)."""


@dataclass(frozen=True)
class ChartFacts:
    """What the chart says around an examination. age_months: on its day. problems: active ones coded in ICD-10.
    temperature in °C, oxygen saturation in %, breaths a minute: the newest of each."""

    problems: tuple[Condition, ...] = ()
    age_months: int | None = None
    temperature: float | None = None
    oxygen: float | None = None
    breaths: float | None = None


@dataclass(frozen=True)
class Doubt:
    """One thing that does not fit. rule: slug of its sentence, `doubts.<rule>`. details: numbers and words for it."""

    suggestion: SuggestionId
    finding: str
    rule: str
    details: Mapping[str, str]


@dataclass(frozen=True)
class _Rule:
    """A problem on the list that does not go with an answer. ranges: of ICD-10 categories or codes, ends included.

    said: which answers it does not go with. slug: of the sentence."""

    finding: str
    said: Decision
    ranges: tuple[tuple[str, str], ...]
    slug: str = "problem"


# What a code means: ICD-10, WHO 2019. Each pair is the disease itself, or one that cannot be there without it.
_RULES = (
    _Rule("pneumonia", Decision.UNLIKELY, (("J12", "J18"),)),
    _Rule("effusion", Decision.UNLIKELY, (("J90", "J91"),)),
    _Rule("edema", Decision.UNLIKELY, (("J81", "J81"),)),
    _Rule("cardiomegaly", Decision.UNLIKELY, (("I50", "I50"), ("I42", "I42"), ("I51.7", "I51.7"))),
    _Rule("emphysema", Decision.UNLIKELY, (("J43", "J43"),)),
    _Rule("tuberculosis", Decision.UNLIKELY, (("A15", "A16"),)),
    _Rule(
        "no_finding", Decision.LIKELY, (("A15", "A16"), ("J12", "J18"), ("J43", "J43"), ("J81", "J81"), ("J90", "J91"))
    ),
    _Rule("atrial_fibrillation", Decision.UNLIKELY, (("I48.2", "I48.2"),)),
    _Rule("sinus_rhythm", Decision.LIKELY, (("I48.2", "I48.2"),)),
    _Rule("normal_ecg", Decision.LIKELY, (("I21", "I22"), ("I48.2", "I48.2"), ("Z95.0", "Z95.0"))),
    _Rule("myocardial_infarction", Decision.UNLIKELY, (("I21", "I22"),)),
    _Rule("referable_dr", Decision.UNLIKELY, (("H36.0", "H36.0"), ("E10.3", "E10.3"), ("E11.3", "E11.3"))),
    _Rule("diabetes", Decision.UNLIKELY, (("E10", "E14"),)),
    _Rule("heart_disease", Decision.UNLIKELY, (("I20", "I25"),)),
    _Rule("liver_disease", Decision.UNLIKELY, (("K70", "K77"), ("B18", "B18"))),
    _Rule("kidney_disease", Decision.UNLIKELY, (("N18", "N18"),)),
    _Rule("atrial_fibrillation", Decision.LIKELY, (("Z95.0", "Z95.0"),), "paced"),
    _Rule("myocardial_infarction", Decision.LIKELY, (("Z95.0", "Z95.0"),), "paced"),
    _Rule("conduction_disturbance", Decision.LIKELY, (("Z95.0", "Z95.0"),), "paced"),
)


@requires(Permission.VIEW_IMAGES)
def chart_doubts(clinic: Clinic, job: Job, study: StudyId) -> tuple[Doubt, ...]:
    """What the suggestions of a study say that does not fit the patient's chart; nothing while they are sealed.

    Showing such facts is a look at the chart, and audited as one. Raises UserFacingError (permission, not_found).
    """
    require(clinic.session.roles, Permission.VIEW_PATIENTS)
    job.check()
    with clinic.store.snapshot() as tx:
        said = read_state(tx, study, clinic.session.user.id).suggestions
        record = tx.studies.get(study)
        facts = chart_facts(tx, record) if said else ChartFacts()
    found = tuple(doubt for one in said for doubt in doubts_about(one.id, one.analysis.findings, facts))
    if found:
        with looking_at_patients(clinic, record.patient):
            pass
    return found


def doubts_about(suggestion: SuggestionId, findings: Iterable[Finding], facts: ChartFacts) -> tuple[Doubt, ...]:
    """What of an answer does not fit: at most one doubt of a kind for each finding. An answer that cannot say fits."""
    found: list[Doubt] = []
    for finding in findings:
        by_rule: dict[str, Doubt] = {}
        for rule in _RULES:
            if rule.finding != finding.key or rule.said is not finding.decision or rule.slug in by_rule:
                continue
            problem = next((one for one in facts.problems if coded_in(one, rule.ranges)), None)
            if problem is not None and problem.coding is not None:
                details = {"problem": problem.text, "code": problem.coding.code}
                by_rule[rule.slug] = Doubt(suggestion, finding.key, rule.slug, details)
        found += by_rule.values()
        if finding.key == "pneumonia" and (doubt := _breathing(suggestion, finding, facts)) is not None:
            found.append(doubt)
    return tuple(found)


def chart_facts(tx: Transaction, study: ImagingStudy) -> ChartFacts:
    """What the chart says around an examination."""
    patient = tx.patients.standing(study.patient)
    day = study.started or study.added.astimezone().date()
    age = patient.birth_date.age_on(day) if patient.birth_date is not None else None
    problems = coded_problems(tx, study.patient)
    temperature, oxygen, breaths = (
        _measured(tx, study.patient, day, *what) for what in (_TEMPERATURE, _OXYGEN, _BREATHS)
    )
    return ChartFacts(problems, age.months if age is not None else None, temperature, oxygen, breaths)


def coded_problems(tx: Transaction, patient: PatientId) -> tuple[Condition, ...]:
    """A person's active problems that are coded in ICD-10."""
    return tuple(
        one
        for one in tx.conditions.of_person(patient)
        if one.status in (ConditionStatus.ACTIVE, ConditionStatus.RECURRENCE)
        and one.coding is not None
        and one.coding.system == ICD_10
    )


def coded_in(problem: Condition, ranges: Sequence[tuple[str, str]]) -> bool:
    """Whether a problem's code, or the category it belongs to, lies in one of the ranges, ends included."""
    code = problem.coding.code.strip().upper() if problem.coding is not None else ""
    return any(len(code) >= len(low) and low <= code[: len(low)] <= high for low, high in ranges)


def fast_breathing(age_months: int | None) -> float | None:
    """From how many breaths a minute on breathing is fast at an age; None where the age is unknown."""
    if age_months is None:
        return None
    return next((fast for under, fast in _FAST if age_months < under), FAST_LATER)


def _breathing(suggestion: SuggestionId, finding: Finding, facts: ChartFacts) -> Doubt | None:
    """Pneumonia without fever, with normal oxygen and quiet breathing speaks against itself; without pneumonia, low
    oxygen or fast breathing want another reason."""
    fast = fast_breathing(facts.age_months)
    hurried = fast is not None and facts.breaths is not None and facts.breaths >= fast
    if finding.decision is Decision.LIKELY:
        if facts.temperature is None or facts.oxygen is None or facts.breaths is None or fast is None or hurried:
            return None
        if facts.temperature >= FEVER or facts.oxygen < NORMAL_OXYGEN:
            return None
        details = {
            "temperature": f"{facts.temperature:g}",
            "oxygen": f"{facts.oxygen:g}",
            "breaths": f"{facts.breaths:g}",
        }
        return Doubt(suggestion, finding.key, "well", details)
    if finding.decision is not Decision.UNLIKELY:
        return None
    if facts.oxygen is not None and facts.oxygen < LOW_OXYGEN:
        return Doubt(suggestion, finding.key, "low_oxygen", {"oxygen": f"{facts.oxygen:g}"})
    if hurried and facts.breaths is not None:
        return Doubt(suggestion, finding.key, "fast_breathing", {"breaths": f"{facts.breaths:g}", "fast": f"{fast:g}"})
    return None


def _measured(tx: Transaction, patient: PatientId, day: date, code: str, unit: str) -> float | None:
    """The newest measurement near a day, in a unit."""
    for one in tx.visits.course(patient, code, 20):
        if _near(one.effective, day):
            return _value(one.observation, unit)
    return None


def _value(observation: Observation, unit: str) -> float | None:
    return observation.value if observation.unit == unit else None


def _near(moment: datetime, day: date) -> bool:
    return abs(moment.astimezone().date() - day) <= WITHIN
