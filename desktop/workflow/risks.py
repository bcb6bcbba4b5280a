"""The forms of the risk models, and what a chart already says of the values they ask for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from desktop.access import Permission
from desktop.i18n import Language
from desktop.inference import Registry, TableModel
from desktop.inference.calibration import Calibration
from desktop.inference.table_manifest import Column
from desktop.jobs import Job
from desktop.records import Condition, Finding, Patient, PatientId, RecordedObservation, Sex, SuggestionId
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.doubts import ChartFacts, Doubt, coded_in, coded_problems, doubts_about
from desktop.workflow.looking import looking_at_patients

__all__ = [
    "ChartSource",
    "ChartValue",
    "ChartValues",
    "RiskField",
    "RiskForm",
    "RiskUnit",
    "risk_forms",
    "values_on_chart",
]

NEWEST_FOR = timedelta(days=365)
"""An older measurement is not put into a form."""


@dataclass(frozen=True)
class RiskUnit:
    """A unit a value may be given in. code: UCUM. factor: times it, a value is in the model's own unit."""

    code: str
    factor: float = 1.0


@dataclass(frozen=True)
class RiskField:
    """One value a model asks for. units: the model's own first, empty where there is none. low, high: least and
    greatest value learned from, in that unit; of a field of choices, `choices` has values and names instead. weight:
    the share of the whole that hangs on it, 0 to 1."""

    key: str
    name: str
    units: tuple[RiskUnit, ...]
    low: float
    high: float
    choices: tuple[tuple[str, str], ...]
    weight: float


@dataclass(frozen=True)
class RiskForm:
    """A model of tables as the window shows it, in one language. average: its probability where nothing is known, that
    of the average person it learned from. sexes: of whom it learned, empty where of both. asks_sex: whether one of the
    fields is the sex."""

    model: str
    language: Language
    title: str
    finding: str
    limits: str
    average: float
    sexes: tuple[Sex, ...]
    asks_sex: bool
    fields: tuple[RiskField, ...]


class ChartSource(StrEnum):
    """Where on a chart a value stands."""

    BIRTH_DATE = "birth_date"
    RECORD = "record"
    MEASURED = "measured"
    PROBLEM = "problem"


@dataclass(frozen=True)
class ChartValue:
    """A value as the chart has it: a number in a unit of the field, or one of its choices. exact: False for an age
    reckoned from a year or month of birth. on: when it was measured or written down. words: the problem's."""

    value: float | str
    source: ChartSource
    unit: str = ""
    exact: bool = True
    on: datetime | None = None
    words: str = ""


@dataclass(frozen=True)
class ChartValues:
    """What a patient's chart says of one model's fields; what it does not say is missing, never assumed. problems: the
    active ones coded in ICD-10."""

    patient: Patient
    model: str
    values: Mapping[str, ChartValue]
    problems: tuple[Condition, ...] = ()

    def doubts(self, finding: Finding) -> tuple[Doubt, ...]:
        """What of an answer does not fit the chart."""
        return doubts_about(SuggestionId(""), (finding,), ChartFacts(problems=self.problems))


@dataclass(frozen=True)
class _Substance:
    """A measurement whose meaning is certain. unit: the model's. others: further units with their factors.

    codes: LOINC, any of them; the unit says whether it is a mass or an amount.
    """

    unit: str
    codes: tuple[str, ...] = ()
    others: tuple[RiskUnit, ...] = ()

    @property
    def units(self) -> tuple[RiskUnit, ...]:
        own = (RiskUnit(self.unit),) if self.unit else ()
        return (*own, *self.others)


# Factors from molar masses in g/mol: glucose 180.156, cholesterol 386.65, bilirubin 584.66, creatinine 113.12, urea
# 60.056.
_GRAM_PER_LITRE = (RiskUnit("g/L", 0.1),)
_GLUCOSE = (RiskUnit("mmol/L", 18.0156),)
_BILIRUBIN = (RiskUnit("umol/L", 0.058466),)
_MILLIMOLE = (RiskUnit("mmol/L"),)

_SUBSTANCES: Mapping[tuple[str, str], _Substance] = {
    ("risk-diabetes", "pregnancies"): _Substance("", ("11996-6",)),
    ("risk-diabetes", "glucose_2h"): _Substance("mg/dL", ("1518-0", "14995-5"), _GLUCOSE),
    ("risk-diabetes", "diastolic_bp"): _Substance("mm[Hg]", ("8462-4",)),
    ("risk-diabetes", "insulin_2h"): _Substance("u[IU]/mL", (), (RiskUnit("m[IU]/L"),)),
    ("risk-diabetes", "bmi"): _Substance("kg/m2", ("39156-5",)),
    ("risk-heart-disease", "trestbps"): _Substance("mm[Hg]", ("8480-6",)),
    ("risk-heart-disease", "chol"): _Substance("mg/dL", ("2093-3", "14647-2"), (RiskUnit("mmol/L", 38.665),)),
    ("risk-liver-disease", "Total_Bilirubin"): _Substance("mg/dL", ("1975-2", "14631-6"), _BILIRUBIN),
    ("risk-liver-disease", "Direct_Bilirubin"): _Substance("mg/dL", ("1968-7", "14629-0"), _BILIRUBIN),
    ("risk-liver-disease", "Alkaline_Phosphotase"): _Substance("U/L", ("6768-6",)),
    ("risk-liver-disease", "Alamine_Aminotransferase"): _Substance("U/L", ("1742-6",)),
    ("risk-liver-disease", "Aspartate_Aminotransferase"): _Substance("U/L", ("1920-8",)),
    ("risk-liver-disease", "Total_Protiens"): _Substance("g/dL", ("2885-2",), _GRAM_PER_LITRE),
    ("risk-liver-disease", "Albumin"): _Substance("g/dL", ("1751-7",), _GRAM_PER_LITRE),
    ("risk-kidney-disease", "bgr"): _Substance("mg/dL", (), _GLUCOSE),
    ("risk-kidney-disease", "bu"): _Substance("mg/dL", ("3091-6", "22664-7"), (RiskUnit("mmol/L", 6.0056),)),
    ("risk-kidney-disease", "sc"): _Substance("mg/dL", ("2160-0", "14682-9"), (RiskUnit("umol/L", 0.011312),)),
    ("risk-kidney-disease", "sod"): _Substance("meq/L", ("2951-2",), _MILLIMOLE),
    ("risk-kidney-disease", "pot"): _Substance("meq/L", ("2823-3",), _MILLIMOLE),
    ("risk-kidney-disease", "hemo"): _Substance("g/dL", ("718-7",), _GRAM_PER_LITRE),
    ("risk-kidney-disease", "pcv"): _Substance("%", ("4544-3", "20570-8")),
    ("risk-kidney-disease", "wc"): _Substance(
        "/uL", ("6690-2", "26464-8"), (RiskUnit("10*9/L", 1000.0), RiskUnit("10*3/uL", 1000.0))
    ),
    ("risk-kidney-disease", "rc"): _Substance("10*6/uL", ("789-8", "26453-1"), (RiskUnit("10*12/L"),)),
}
"""What is known of the columns of the bundled models, where a chart's measurement certainly means the same.

Not here although a chart may have something near: the kidney model's `bp` (its data do not say which of the two
pressures), its `bgr` (nobody says whether a chart's glucose was a random one) and urine strips (graded in another way).
"""

_PROBLEMS: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("risk-kidney-disease", "htn"): (("I10", "I15"),),
    ("risk-kidney-disease", "dm"): (("E10", "E14"),),
    ("risk-kidney-disease", "cad"): (("I20", "I25"),),
    ("risk-kidney-disease", "ane"): (("D50", "D64"),),
}
"""Columns answered "yes" by a problem that is active, by ranges of ICD-10 categories. No problem on file means nothing:
nobody may have asked."""

_AGES = {"age", "Age"}
_SEXES: Mapping[tuple[str, str], Mapping[Sex, str]] = {
    ("risk-heart-disease", "sex"): {Sex.FEMALE: "0", Sex.MALE: "1"},
    ("risk-liver-disease", "Gender"): {Sex.FEMALE: "Female", Sex.MALE: "Male"},
}


@open_to_all
def risk_forms(models: Registry, language: Language) -> tuple[RiskForm, ...]:
    """The models of tables that are asked without being named, by name."""
    return tuple(_form(model, language) for model in models.table_models())


@requires(Permission.VIEW_PATIENTS)
def values_on_chart(clinic: Clinic, job: Job, patient: PatientId, model: str) -> ChartValues:
    """What the chart says today of the values a model asks for: age, sex, problems, what was measured within a year.

    Only where meaning and unit are certain; of several measurements the newest, and nothing where that one is in a unit
    nobody can convert. Raises UserFacingError (not_found).
    """
    job.check()
    table, now = clinic.models.table_model(model), clinic.clock()
    with looking_at_patients(clinic, patient) as tx:
        record = tx.patients.standing(patient)
        problems = coded_problems(tx, patient)
        values: dict[str, ChartValue] = {}
        for column in table.manifest.columns:
            place = (model, column.key)
            found: ChartValue | None = None
            if column.key in _AGES and column.unit == "a" and record.birth_date is not None:
                age = record.birth_date.age_on(now.date())
                if age is not None:
                    found = ChartValue(float(age.months // 12), ChartSource.BIRTH_DATE, "a", age.exact)
            elif place in _SEXES and record.sex in _SEXES[place]:
                found = ChartValue(_SEXES[place][record.sex], ChartSource.RECORD)
            elif place in _PROBLEMS:
                found = _from_problems(problems, _PROBLEMS[place])
            elif place in _SUBSTANCES:
                found = _from_course(tx, patient, column, _SUBSTANCES[place], now)
            if found is not None:
                values[column.key] = found
    return ChartValues(record, model, values, problems)


def _form(model: TableModel, language: Language) -> RiskForm:
    manifest = model.manifest
    finding = manifest.findings[0]
    return RiskForm(
        model=model.name,
        language=language,
        title=model.title(language),
        finding=finding.names.text(language),
        limits=model.limits(language),
        average=Calibration().probability(manifest.baseline),
        sexes=manifest.sexes,
        asks_sex=any((model.name, column.key) in _SEXES for column in manifest.columns),
        fields=tuple(_field(model.name, column, language) for column in manifest.columns),
    )


def _field(model: str, column: Column, language: Language) -> RiskField:
    known = _SUBSTANCES.get((model, column.key))
    units = known.units if known is not None and known.unit == column.unit else ()
    return RiskField(
        key=column.key,
        name=column.names.text(language),
        units=units or ((RiskUnit(column.unit),) if column.unit else ()),
        low=column.low,
        high=column.high,
        choices=tuple((choice.value, choice.names.text(language)) for choice in column.choices),
        weight=column.weight,
    )


def _from_problems(problems: Sequence[Condition], ranges: tuple[tuple[str, str], ...]) -> ChartValue | None:
    for one in problems:
        if coded_in(one, ranges):
            return ChartValue("yes", ChartSource.PROBLEM, on=one.recorded, words=one.text)
    return None


def _from_course(
    tx: Transaction, patient: PatientId, column: Column, known: _Substance, now: datetime
) -> ChartValue | None:
    if known.unit != column.unit:  # a version that measures in another unit: what it means is not known here
        return None
    newest = max(_newest(tx, patient, known), key=_when, default=None)
    if newest is None or newest.observation.value is None or not now - NEWEST_FOR <= newest.effective <= now:
        return None
    wanted = {unit.code for unit in known.units} or {"1", "{#}"}
    if newest.observation.unit not in wanted:
        return None
    unit = newest.observation.unit if known.unit else ""
    return ChartValue(newest.observation.value, ChartSource.MEASURED, unit, on=newest.effective)


def _newest(tx: Transaction, patient: PatientId, known: _Substance) -> Iterator[RecordedObservation]:
    """The newest of each code."""
    for code in known.codes:
        yield from tx.visits.course(patient, code, 1)


def _when(recorded: RecordedObservation) -> datetime:
    return recorded.effective
