"""What people type about a patient."""

from datetime import date

import pytest

from desktop.records import AllergyIntolerance, Identifier, PartialDate
from desktop.ui.patients.typed import (
    join_list,
    parse_allergies,
    parse_birth,
    parse_identifiers,
    split_list,
    write_allergies,
)

TODAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2019-05-07", "2019-05-07"),
        ("2019/5/7", "2019-05-07"),
        ("2019.5.7", "2019-05-07"),
        ("20190507", "2019-05-07"),
        ("2019年5月7日", "2019-05-07"),
        ("２０１９－０５－０７", "2019-05-07"),
        ("2019-05", "2019-05"),
        ("2019年5月", "2019-05"),
        ("2019", "2019"),
        ("2019年", "2019"),
        ("18m", "2024-09"),
        ("18个月", "2024-09"),
        ("2y6m", "2023-09"),
        ("2 years 6 months", "2023-09"),
        ("2岁6个月", "2023-09"),
        ("3w", "2026-02-17"),
        ("20d", "2026-02-18"),
        ("20天", "2026-02-18"),
    ],
)
def test_dates_and_ages(typed: str, meant: str) -> None:
    assert str(parse_birth(typed, TODAY)) == meant


@pytest.mark.parametrize("years", range(0, 100, 7))
@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1), date(2026, 12, 31)])
@pytest.mark.parametrize("form", ["{}", "{}y", "{} years", "{}岁"])
def test_an_age_in_years_reads_back_as_that_age_all_year_round(years: int, today: date, form: str) -> None:
    born = parse_birth(form.format(years), today)
    assert born is not None
    age = born.age_on(today)
    assert age is not None
    assert age.months // 12 == years
    assert not age.exact


@pytest.mark.parametrize(
    "typed", ["yesterday", "31-12-2019", "2019-13-01", "2019-02-30", "130", "2027", "1850", "4x", "2y20d", "-3"]
)
def test_what_is_neither_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_birth(typed, TODAY)


def test_nothing_is_not_a_birth_date() -> None:
    assert parse_birth("  ", TODAY) is None


def test_lists_are_split_at_every_kind_of_comma() -> None:
    assert split_list("138, 139；140、141，142") == ("138", "139", "140", "141", "142")
    assert split_list(join_list(("a", "b"))) == ("a", "b")


def test_allergies_with_reactions_survive_typing() -> None:
    allergies = (AllergyIntolerance("penicillin", "rash"), AllergyIntolerance("peanuts"))
    assert parse_allergies(write_allergies(allergies)) == allergies
    assert parse_allergies("青霉素（皮疹），花生") == (
        AllergyIntolerance("青霉素", "皮疹"),
        AllergyIntolerance("花生"),
    )
    assert parse_allergies("(rash)") == (AllergyIntolerance("(rash)"),)


def test_a_number_on_file_keeps_its_kind() -> None:
    known = (Identifier("5101", "urn:oid:1.2.3"),)
    assert parse_identifiers("5101, 77", known) == (known[0], Identifier("77"))


def test_a_birth_date_on_file_reads_back_as_itself() -> None:
    for text in ("2019", "2019-05", "2019-05-07"):
        assert parse_birth(str(PartialDate.parse(text)), TODAY) == PartialDate.parse(text)
