"""The demo clinic's people are nobody, fit their films, and their films pass the gate of the model we ship."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from desktop.imaging.synthetic import demo_film
from desktop.inference import Registry, Subject
from desktop.intake import NameVerdict, names_fit, read_picture
from desktop.jobs import Job
from desktop.records import AnalysisStatus, Decision
from desktop.workflow.demo_patients import DemoPatient, demo_patients

TODAY = date(2026, 11, 21)
MODELS = Path(__file__).resolve().parents[2] / "models"


def children(people: tuple[DemoPatient, ...]) -> list[DemoPatient]:
    return [person for person in people if person.films]


@pytest.mark.parametrize("today", [TODAY, date(2028, 2, 29), date(2027, 1, 1), date(2031, 12, 31)])
def test_seven_of_twelve_are_children_of_one_to_five_whatever_the_day(today: date) -> None:
    people = demo_patients(today)
    assert len(people) == 12
    ages = []
    for person in children(people):
        assert person.patient.birth_date is not None
        age = person.patient.birth_date.age_on(today)
        assert age is not None
        ages.append(int(age.years))
        oldest = max(film.days_ago for film in person.films)
        at_film = person.patient.birth_date.age_on(today - timedelta(days=oldest))
        assert at_film is not None
        assert 1 <= at_film.years < 6
    assert len(ages) == 7
    assert min(ages) == 1
    assert max(ages) == 5


def test_they_are_marked_as_nobody() -> None:
    people = demo_patients(TODAY)
    for person in people:
        assert person.patient.synthetic
        assert person.patient.phones[0].startswith("1990000")
        assert person.patient.identifiers[0].value.startswith("DEMO-")
        assert person.patient.village.endswith(("（虚构）", "(fictitious)"))
    assert len({person.patient.phones for person in people}) == len(people)
    assert len({person.patient.display_name for person in people}) == len(people)


def test_somebody_has_an_allergy_somebody_none_and_somebody_was_not_asked() -> None:
    patients = [person.patient for person in demo_patients(TODAY)]
    assert any(patient.allergies for patient in patients)
    assert any(patient.no_known_allergies for patient in patients)
    assert any(not patient.allergies and not patient.no_known_allergies for patient in patients)


def test_their_films_fit_them_and_pass_the_quality_gate() -> None:
    model = Registry.load([MODELS]).picture_model("chest-xray-child")
    decisions = set()
    films = 0
    for person in children(demo_patients(TODAY)):
        for film in person.films:
            taken = TODAY - timedelta(days=film.days_ago)
            picture = read_picture(demo_film(film.seed, person.patient, film.opacity, taken))
            check = names_fit(picture.header, person.patient)
            assert (check.verdict, check.remarks) == (NameVerdict.FITS, ())
            subject = Subject(age_years=picture.header.age_years, sex=picture.header.sex)
            analysis = model.analyse(picture, subject, Job())
            assert analysis.status is AnalysisStatus.OK, [problem.key for problem in analysis.quality.problems]
            decisions |= {finding.decision for finding in analysis.findings}
            films += 1
    model.close()
    assert films == 8
    assert {Decision.LIKELY, Decision.UNLIKELY} <= decisions
