"""Tolerant access to a data set: a value that cannot be read is absent, whatever a file puts there."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from desktop.intake.limits import MAX_TABLE_BYTES
from desktop.records import PartialDate

_MAX_TEXT = 256
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_DATE = re.compile(r"(\d{4})[.\-/]?(\d{2})?[.\-/]?(\d{2})?")
_EARLIEST_YEAR = 1850
_DEFAULT_REPERTOIRE = "iso8859"
"""What pydicom calls the character set of a file that declares none (ISO IR 6, ASCII)."""


@dataclass(frozen=True)
class Fields:
    """One data set, asked by keyword (PS3.6)."""

    dataset: Dataset

    def value(self, keyword: str) -> object:
        """The element's value, or None where it is absent or unreadable."""
        try:
            element: object = self.dataset.get_item(keyword)
            if isinstance(element, RawDataElement) and element.VR == "SQ" and element.length > MAX_TABLE_BYTES:
                return None
            return cast("object", self.dataset.get(keyword))
        except Exception:  # converters of odd values raise anything at all
            return None

    def values(self, keyword: str) -> tuple[object, ...]:
        """The element's values, none where it is absent."""
        value = self.value(keyword)
        if value is None or value == "":
            return ()
        return tuple(value) if isinstance(value, MultiValue | list | tuple) else (value,)

    def text(self, keyword: str) -> str:
        """The first value as one clean line of at most 256 characters, or empty."""
        values = self.values(keyword)
        return clean(str(values[0])) if values else ""

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """The finite numbers among the values."""
        found = []
        for value in self.values(keyword):
            try:
                number = float(str(value))
            except ValueError:
                continue
            if math.isfinite(number):
                found.append(number)
        return tuple(found)

    def number(self, keyword: str) -> float | None:
        """The first finite number."""
        return next(iter(self.numbers(keyword)), None)

    def integer(self, keyword: str) -> int | None:
        """The first value as a whole number; None where it is not one (`1A`, 2.5)."""
        values = self.values(keyword)
        try:
            return int(str(values[0])) if values else None
        except ValueError:
            return None

    def first_item(self, keyword: str) -> "Fields | None":
        """The first item of a sequence."""
        value = self.value(keyword)
        try:
            if isinstance(value, Sequence) and len(value) and isinstance(value[0], Dataset):
                return Fields(value[0])
        except Exception:  # items are parsed when they are touched
            return None
        return None

    def partial_date(self, keyword: str) -> PartialDate | None:
        """A DA value, also in its old forms and cut short (`1999`, `199907`, `1999.07.02`); None if no real date."""
        match = _DATE.fullmatch(self.text(keyword))
        if match is None:
            return None
        year, month, day = (int(part) if part and int(part) else None for part in match.groups())
        if year is None or year < _EARLIEST_YEAR:
            return None
        try:
            return PartialDate(year, month, day if month else None)
        except ValueError:
            return None

    def date(self, keyword: str) -> date | None:
        """A DA value known to the day."""
        found = self.partial_date(keyword)
        return found.earliest if found is not None and found.day is not None else None

    def name_groups(self, keyword: str) -> tuple[str, ...]:
        """A PN value's component groups, decoded; trailing empty groups are dropped."""
        try:
            value = self.value(keyword)
            if isinstance(value, MultiValue) and value:
                value = value[0]
            if not isinstance(value, PersonName):
                return ()
            text = _undeclared(value) or str(value)
        except Exception:  # bytes no character set explains
            return ()
        groups = [clean(group.rstrip("^ ")) for group in text.split("=")[:3]]
        while groups and not groups[-1]:
            groups.pop()
        return tuple(groups)


def clean(text: str) -> str:
    """One line without control characters, at most 256 characters."""
    return _CONTROL.sub(" ", text).strip()[:_MAX_TEXT]


def _undeclared(name: PersonName) -> str:
    """A name in bytes its file's character set does not explain, read as what Chinese stations write undeclared.

    Empty where the declared character set explains the bytes.
    """
    raw = name.original_string
    declared = (name.encodings or (_DEFAULT_REPERTOIRE,))[0]
    if raw.isascii() or (declared != _DEFAULT_REPERTOIRE and "\ufffd" not in str(name)):
        return ""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""
