"""What does not fit the chart: each rule at its edges, and nothing from what nobody wrote down."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desktop import workflow
from desktop.i18n import Language
from desktop.i18n.catalogue import catalogue
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Coding,
    Condition,
    ConditionId,
    Decision,
    Finding,
    HumanName,
    Observation,
    PartialDate,
    PatientId,
    StudyId,
    SuggestionId,
    UserId,
)
from desktop.workflow.doubts import _RULES, ICD_10, ChartFacts, chart_doubts, doubts_about, fast_breathing
from tests.workflow.test_explaining import clinic, film, suggested

__all__ = ["clinic"]

JOB = Job()
LIKELY, UNLIKELY, CANNOT_SAY = Decision.LIKELY, Decision.UNLIKELY, Decision.CANNOT_SAY
ONE = SuggestionId("one")
WELL = ChartFacts(age_months=30, temperature=36.8, oxygen=98.0, breaths=28.0)


def problem(code: str, text: str = "as told", system: str = ICD_10) -> Condition:
    return Condition(
        ConditionId("c"),
        PatientId("p"),
        text,
        datetime(2026, 1, 1, tzinfo=UTC),
        UserId("u"),
        coding=Coding(system, code),
    )


def rules(key: str, decision: Decision, facts: ChartFacts) -> list[str]:
    return [doubt.rule for doubt in doubts_about(ONE, (Finding(key, key, 0.5, decision),), facts)]


@pytest.mark.parametrize(
    ("key", "decision", "fits", "does_not"),
    [
        ("pneumonia", UNLIKELY, ["J11", "J20.9", "J1"], ["J12", "J15.9", "j18.9"]),
        ("effusion", UNLIKELY, ["J86", "J92"], ["J90", "J91"]),
        ("edema", UNLIKELY, ["J80", "J82"], ["J81"]),
        ("cardiomegaly", UNLIKELY, ["I49", "I51.6", "I51", "I41"], ["I50", "I50.0", "I51.7", "I42.0"]),
        ("emphysema", UNLIKELY, ["J44.9", "J42"], ["J43", "J43.9"]),
        ("tuberculosis", UNLIKELY, ["A17", "B90.9", "A14"], ["A15.0", "A16"]),
        ("no_finding", LIKELY, ["J44", "I50", "A09"], ["J18.9", "J90", "A15", "J43.1", "J81"]),
        ("atrial_fibrillation", UNLIKELY, ["I48", "I48.0", "I48.9"], ["I48.2"]),
        ("sinus_rhythm", LIKELY, ["I48.0"], ["I48.2"]),
        ("normal_ecg", LIKELY, ["I20", "I25.2"], ["I21.9", "I22", "I48.2", "Z95.0"]),
        ("myocardial_infarction", UNLIKELY, ["I25.2", "I20.0"], ["I21", "I22.0"]),
        ("diabetes", UNLIKELY, ["E09", "E15", "R73"], ["E10", "E11.9", "E14"]),
        ("heart_disease", UNLIKELY, ["I10", "I26"], ["I20", "I25.1"]),
        ("liver_disease", UNLIKELY, ["K69", "K80", "B17.1"], ["K70", "K76.9", "K77", "B18.1"]),
        ("kidney_disease", UNLIKELY, ["N17", "N19"], ["N18", "N18.5"]),
        ("referable_dr", UNLIKELY, ["E11", "E11.9", "H36", "H35.0"], ["E11.3", "E10.3", "H36.0"]),
    ],
)
def test_a_problem_that_cannot_go_with_the_answer(
    key: str, decision: Decision, fits: list[str], does_not: list[str]
) -> None:
    other = UNLIKELY if decision is LIKELY else LIKELY
    for code in does_not:
        facts = ChartFacts(problems=(problem(code),))
        assert rules(key, decision, facts) == ["problem"], code
        assert "problem" not in rules(key, other, facts)
        assert rules(key, CANNOT_SAY, facts) == []
    for code in fits:
        assert rules(key, decision, ChartFacts(problems=(problem(code),))) == [], code


@pytest.mark.parametrize("key", ["atrial_fibrillation", "myocardial_infarction", "conduction_disturbance"])
def test_a_pacemaker_is_named_where_paced_beats_look_like_it(key: str) -> None:
    paced = ChartFacts(problems=(problem("Z95.0"),))
    assert rules(key, LIKELY, paced) == ["paced"]
    assert rules(key, UNLIKELY, paced) == []
    assert rules(key, LIKELY, ChartFacts(problems=(problem("Z95.1"),))) == []


def test_pneumonia_in_a_child_who_is_well() -> None:
    assert rules("pneumonia", LIKELY, WELL) == ["well"]
    assert rules("pneumonia", LIKELY, replace(WELL, temperature=37.4, oxygen=95.0, breaths=39.0)) == ["well"]
    for ill in (
        replace(WELL, temperature=37.5),
        replace(WELL, oxygen=94.0),
        replace(WELL, breaths=40.0),
        replace(WELL, temperature=None),
        replace(WELL, oxygen=None),
        replace(WELL, breaths=None),
        replace(WELL, age_months=None),
        ChartFacts(),
    ):
        assert rules("pneumonia", LIKELY, ill) == []
    assert rules("pneumonia", UNLIKELY, WELL) == []
    assert rules("effusion", LIKELY, WELL) == []


def test_no_pneumonia_in_a_child_who_is_short_of_breath() -> None:
    assert rules("pneumonia", UNLIKELY, replace(WELL, oxygen=89.0)) == ["low_oxygen"]
    assert rules("pneumonia", UNLIKELY, replace(WELL, oxygen=90.0)) == []
    assert rules("pneumonia", UNLIKELY, replace(WELL, breaths=40.0)) == ["fast_breathing"]
    assert rules("pneumonia", UNLIKELY, replace(WELL, breaths=39.0)) == []
    assert rules("pneumonia", UNLIKELY, replace(WELL, breaths=60.0, age_months=None)) == []
    assert rules("pneumonia", CANNOT_SAY, replace(WELL, oxygen=80.0)) == []
    assert rules("pneumonia", UNLIKELY, replace(WELL, oxygen=80.0, problems=(problem("J18"),))) == [
        "problem",
        "low_oxygen",
    ]


@pytest.mark.parametrize(
    ("months", "fast"), [(0, 60), (1, 60), (2, 50), (11, 50), (12, 40), (59, 40), (60, 30), (900, 30), (None, None)]
)
def test_what_is_fast_depends_on_the_age(months: int | None, fast: float | None) -> None:
    assert fast_breathing(months) == fast


def test_every_rule_has_its_sentence_and_speaks_of_a_finding_of_some_model() -> None:
    slugs = {rule.slug for rule in _RULES} | {"well", "low_oxygen", "fast_breathing"}
    for language in Language:
        assert {f"doubts.{slug}" for slug in slugs} <= catalogue(language).keys()
    for rule in _RULES:
        assert all(len(low) == len(high) and low <= high for low, high in rule.ranges)


def child(clinic: workflow.Clinic, folder: Path) -> tuple[PatientId, StudyId]:
    draft = workflow.PatientDraft((HumanName("王小明"),), birth_date=PartialDate(clinic.clock().year - 2))
    whose = workflow.register_patient(clinic, JOB, draft).patient.id
    return whose, film(clinic, folder, whose, 1.0)


@pytest.fixture
def ill(clinic: workflow.Clinic, tmp_path: Path) -> tuple[PatientId, StudyId]:
    whose, study = child(clinic, tmp_path)
    suggested(clinic, study)  # pneumonia likely
    return whose, study


def seen(clinic: workflow.Clinic, whose: PatientId, ago: timedelta, unit: str = "Cel") -> None:
    observations = (
        Observation("8310-5", 36.6, unit),
        Observation("59408-5", 98, "%"),
        Observation("9279-1", 26, "/min"),
    )
    workflow.record_visit(
        clinic, JOB, workflow.VisitDraft(whose, started=clinic.clock() - ago, observations=observations)
    )


def test_the_chart_is_asked_and_the_look_is_on_record(clinic: workflow.Clinic, ill: tuple[PatientId, StudyId]) -> None:
    whose, study = ill
    clinic.sitting._seen.clear()
    assert chart_doubts(clinic, JOB, study) == ()
    actions = [one.action for one in workflow.audit_entries(clinic, JOB) if one.subject == whose]
    assert AuditAction.VIEW_PATIENT not in actions, "nothing of the chart was shown"
    seen(clinic, whose, timedelta(hours=5))
    found = chart_doubts(clinic, JOB, study)
    assert [(one.finding, one.rule) for one in found] == [("pneumonia", "well")]
    assert found[0].details == {"temperature": "36.6", "oxygen": "98", "breaths": "26"}
    actions = [one.action for one in workflow.audit_entries(clinic, JOB) if one.subject == whose]
    assert actions.count(AuditAction.VIEW_PATIENT) == 1
    assert workflow.reading(clinic, JOB, study).suggestions[0].analysis.findings[0].decision is LIKELY


@pytest.mark.parametrize(("ago", "unit", "count"), [(2, "Cel", 1), (4, "Cel", 0), (-4, "Cel", 0), (0, "[degF]", 0)])
def test_only_measurements_of_those_days_in_known_units_count(
    clinic: workflow.Clinic, ill: tuple[PatientId, StudyId], ago: int, unit: str, count: int
) -> None:
    whose, study = ill
    seen(clinic, whose, timedelta(days=ago), unit)
    assert len(chart_doubts(clinic, JOB, study)) == count


def test_what_is_sealed_has_no_doubts(clinic: workflow.Clinic, tmp_path: Path) -> None:
    whose, study = child(clinic, tmp_path)
    seen(clinic, whose, timedelta(hours=1))
    assert chart_doubts(clinic, JOB, study) == ()
