from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.records import PartialDate

DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31))


@pytest.mark.parametrize("text", ["2019", "2019-05", "2019-05-07", "2020-02-29"])
def test_what_is_parsed_is_written_the_same(text: str) -> None:
    assert str(PartialDate.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "19", "2019-13", "2019-02-30", "2019/05/07", "2019-5-7", "20190507", "2019-05-07T1"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        PartialDate.parse(text)


def test_a_day_needs_a_month() -> None:
    with pytest.raises(ValueError):
        PartialDate(2019, None, 7)


@given(DAYS, DAYS)
def test_age_of_an_exact_date_counts_completed_months(born: date, today: date) -> None:
    age = PartialDate.from_date(born).age_on(today)
    if born > today:
        assert age is None
        return
    assert age is not None
    assert age.exact
    assert age.days == (today - born).days
    # The month-day has or has not come round: the only way completed months can be counted.
    full = (today.year - born.year) * 12 + today.month - born.month
    assert age.months == full - (1 if today.day < born.day else 0)


@pytest.mark.parametrize(
    ("born", "months"),
    [("2024-11-21", 24), ("2024-11-22", 23), ("2024-11-20", 24), ("2025-11", 12), ("2025", 16)],
)
def test_boundaries_of_age(born: str, months: int) -> None:
    age = PartialDate.parse(born).age_on(date(2026, 11, 21))
    assert age is not None
    assert age.months == months


def test_a_birth_year_that_is_this_year_is_not_before_birth() -> None:
    age = PartialDate.parse("2026").age_on(date(2026, 3, 1))
    assert age is not None
    assert age.months == 2
    assert not age.exact


@given(st.integers(0, 99), st.integers(0, 11), DAYS)
def test_an_age_gives_a_birth_date_of_that_age(years: int, months: int, today: date) -> None:
    born = PartialDate.from_age(today, years=years, months=months)
    age = born.age_on(today)
    assert age is not None
    if months:
        assert abs(age.months - (years * 12 + months)) <= 1
    else:
        assert abs(age.months - years * 12) <= 12


@given(DAYS, DAYS)
def test_dates_agree_as_far_as_both_are_known(one: date, other: date) -> None:
    exact = PartialDate.from_date(one)
    assert exact.agrees_with(PartialDate(one.year))
    assert PartialDate(one.year, one.month).agrees_with(exact)
    assert exact.agrees_with(PartialDate.from_date(other)) == (one == other)
