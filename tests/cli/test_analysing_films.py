"""`analyse` on chest films without a model's name: the age decides which of the two is asked."""

from datetime import date
from pathlib import Path

import pytest

from desktop.imaging.synthetic import demo_film
from desktop.records import HumanName, Patient, PatientId
from tests.cli.helpers import Lantern

CHILD, ADULT = "chest-xray-child", "chest-xray-adult"


@pytest.fixture
def film(lantern: Lantern) -> Path:
    """A film drawn by our own code that says nothing of an age."""
    somebody = Patient(PatientId("00000000-0000-4000-8000-000000000001"), (HumanName("欧阳小明"),))
    return lantern.file("film.dcm", demo_film(7, somebody, None, date(2026, 11, 20)))


@pytest.mark.parametrize(
    ("age", "asked"), [("3", {CHILD}), ("40", {ADULT}), ("15", {ADULT}), ("9", {CHILD, ADULT}), (None, {CHILD, ADULT})]
)
def test_the_age_decides_who_is_asked(lantern: Lantern, film: Path, age: str | None, asked: set[str]) -> None:
    words = [] if age is None else ["--age-years", age]
    lines = lantern.run("analyse", film, *words).lines
    assert {line["model"] for line in lines} == asked
    if len(asked) > 1:
        decisions = {finding["decision"] for line in lines for finding in line["findings"]}
        assert decisions <= {"cannot_say"}
