"""What people type about a patient, turned into records and back. Pure: no Qt, no clinic."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta

from desktop.records import AllergyIntolerance, Identifier, PartialDate

_OLDEST_YEARS = 120
_SEPARATORS = re.compile(r"[,;，；、\n]+")
_DATE = re.compile(r"(\d{4})(?:[-/.年]\s*(\d{1,2})(?:[-/.月]\s*(\d{1,2})日?|月)?|年)?")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_AGE = re.compile(
    r"(?:(?P<years>\d{1,3})\s*(?:years?|yrs?|y|岁)?\b\s*)?"
    r"(?:(?P<months>\d{1,2})\s*(?:months?|mon?|m|个月|月))?\s*"
    r"(?:(?P<weeks>\d{1,2})\s*(?:weeks?|w|周))?\s*"
    r"(?:(?P<days>\d{1,3})\s*(?:days?|d|天|日))?"
)
_LENGTH = re.compile(r"(?P<count>\d{1,3})\s*(?P<unit>y|years?|年|m|months?|个月|月|d|days?|天|日)")
_UNITS = {
    **dict.fromkeys(("y", "year", "years", "年"), "y"),
    **dict.fromkeys(("m", "month", "months", "个月", "月"), "m"),
    **dict.fromkeys(("d", "day", "days", "天", "日"), "d"),
}
_ALLERGY = re.compile(r"(?P<substance>[^()]+?)\s*(?:\((?P<reaction>[^()]*)\))?")


def parse_birth(text: str, today: date) -> PartialDate | None:
    """A birth date or an age; None for nothing.

    Dates: `2019-05-07`, `2019/5/7`, `20190507`, `2019年5月7日`, `2019-05`, `2019`.
    Ages: `4`, `4y`, `18m`, `2y6m`, `3w`, `20d`, `4岁`, `18个月`; a bare number up to 120 means years.
    Raises ValueError for anything else, dates in the future and ages over 120 years.
    """
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if not plain:
        return None
    born = _parse_date(plain) or _parse_age(plain, today)
    if born is None:
        raise ValueError("neither a date nor an age")
    if born.earliest > today:
        raise ValueError("in the future")
    if born.year < today.year - _OLDEST_YEARS - 1:
        raise ValueError("too long ago")
    return born


def parse_date(text: str) -> date | None:
    """A whole date as `parse_birth` takes it; None for nothing. Raises ValueError for anything else."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if not plain:
        return None
    said = _parse_date(plain)
    if said is None or said.day is None:
        raise ValueError("not a whole date")
    return said.earliest


def parse_day(text: str, today: date) -> date | None:
    """A day to come, or how long from today; None for nothing.

    Dates as `parse_birth`, whole ones only; lengths `5y`, `18m`, `30d`, `5年`, `6个月`. Raises ValueError for anything
    else, and for days before today.
    """
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if not plain:
        return None
    length = _LENGTH.fullmatch(plain)
    if length:
        count = int(length["count"])
        months = {"y": 12 * count, "m": count}.get(_UNITS[length["unit"]])
        day = today + timedelta(days=count) if months is None else _months_later(today, months)
    else:
        whole = parse_date(plain)
        assert whole is not None
        day = whole
    if day < today:
        raise ValueError("in the past")
    return day


def _months_later(today: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    after = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=today.day - 1), after - timedelta(days=1))


def _parse_date(text: str) -> PartialDate | None:
    compact = _COMPACT_DATE.fullmatch(text)
    if compact:
        year, month, day = compact.groups()
        return PartialDate(int(year), int(month), int(day))
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = match.groups()
    return PartialDate(int(year), int(month) if month else None, int(day) if day else None)


def _parse_age(text: str, today: date) -> PartialDate | None:
    bare = re.fullmatch(r"\d{1,3}", text)
    if bare:
        return _from_years(int(text), today)
    # A unit straight after the digits leaves no word boundary for `4y6m`; blanks make one.
    match = _AGE.fullmatch(re.sub(r"([a-z\u4e00-\u9fff])(?=\d)", r"\1 ", text))
    if match is None or not any(match.groupdict().values()):
        return None
    years, months, weeks, days = (int(match[name] or 0) for name in ("years", "months", "weeks", "days"))
    if match["weeks"] or match["days"]:
        if years or months:
            return None
        return PartialDate.from_date(today - timedelta(days=7 * weeks + days))
    if match["months"]:
        return PartialDate.from_age(today, years=years, months=months) if months else _from_years(years, today)
    return _from_years(years, today)


def _from_years(years: int, today: date) -> PartialDate:
    """The year of birth that reads back as this age: which of the two possible years depends on the season."""
    if years > _OLDEST_YEARS:
        raise ValueError("too old")
    for year in (today.year - years, today.year - years - 1):
        born = PartialDate(year)
        age = born.age_on(today)
        if age is not None and age.months // 12 == years:
            return born
    return PartialDate(today.year - years)


def split_list(text: str) -> tuple[str, ...]:
    """Entries separated by commas, semicolons, 、 or line ends."""
    return tuple(part.strip() for part in _SEPARATORS.split(text) if part.strip())


def join_list(entries: Sequence[str]) -> str:
    """`split_list` gives the same entries back."""
    return ", ".join(entries)


def parse_allergies(text: str) -> tuple[AllergyIntolerance, ...]:
    """`penicillin (rash), peanuts` as two allergies, the first with its reaction."""
    found = []
    for entry in split_list(text.replace("（", "(").replace("）", ")")):
        match = _ALLERGY.fullmatch(entry)
        if match is None:
            found.append(AllergyIntolerance(entry))
        else:
            found.append(AllergyIntolerance(match["substance"].strip(), (match["reaction"] or "").strip()))
    return tuple(found)


def write_allergies(allergies: Sequence[AllergyIntolerance]) -> str:
    """Allergies as they are typed."""
    return join_list([f"{a.substance} ({a.reaction})" if a.reaction else a.substance for a in allergies])


def parse_identifiers(text: str, known: Sequence[Identifier] = ()) -> tuple[Identifier, ...]:
    """Numbers as typed; one that is on file already keeps its kind."""
    kinds = {identifier.value: identifier for identifier in known}
    return tuple(kinds.get(value, Identifier(value)) for value in split_list(text))
