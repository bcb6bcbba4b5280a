"""Dates as exact as they are known (FHIR `date`: year, year-month or full), and ages."""

import re
from dataclasses import dataclass
from datetime import date

_PATTERN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


@dataclass(frozen=True)
class Age:
    """Completed months and completed days. exact: False where the birth date was only known to the year or month."""

    months: int
    days: int
    exact: bool = True

    @property
    def years(self) -> float:
        """Age in years, with months as fractions."""
        return self.months / 12


@dataclass(frozen=True, order=True)
class PartialDate:
    """A calendar date known to the year, the month or the day."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.month is None and self.day is not None:
            raise ValueError("a day needs a month")
        date(self.year, self.month or 1, self.day or 1)

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """From FHIR's `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. Raises ValueError."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise ValueError("a date is written YYYY, YYYY-MM or YYYY-MM-DD")
        year, month, day = match.groups()
        return cls(int(year), int(month) if month else None, int(day) if day else None)

    @classmethod
    def from_date(cls, day: date) -> "PartialDate":
        """A date known to the day."""
        return cls(day.year, day.month, day.day)

    @classmethod
    def from_age(cls, today: date, *, years: int = 0, months: int = 0) -> "PartialDate":
        """The birth date an age implies: to the month where months are given, else to the year."""
        total = today.year * 12 + today.month - 1 - years * 12 - months
        return cls(total // 12, total % 12 + 1) if months else cls(today.year - years)

    def __str__(self) -> str:
        parts = [f"{self.year:04d}"]
        if self.month is not None:
            parts.append(f"{self.month:02d}")
        if self.day is not None:
            parts.append(f"{self.day:02d}")
        return "-".join(parts)

    @property
    def earliest(self) -> date:
        """First day the date can mean."""
        return date(self.year, self.month or 1, self.day or 1)

    def agrees_with(self, other: "PartialDate") -> bool:
        """Whether both can be the same day, as far as each is known."""
        if self.year != other.year:
            return False
        if self.month is None or other.month is None:
            return True
        if self.month != other.month:
            return False
        return self.day is None or other.day is None or self.day == other.day

    def age_on(self, today: date) -> Age | None:
        """Age on a day, taking the middle of what is not known; None before birth."""
        if self.day is not None:
            born = self.earliest
        elif self.month is not None:
            born = date(self.year, self.month, 15)
        else:
            born = date(self.year, 7, 1)
        if self.day is None and born > today >= self.earliest:
            born = self.earliest
        if born > today:
            return None
        months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
        return Age(months, (today - born).days, exact=self.day is not None)
