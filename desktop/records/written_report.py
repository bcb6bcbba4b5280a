"""A report of another program in its own words."""

from dataclasses import dataclass
from datetime import datetime

from desktop.records.picture import FileHeader


@dataclass(frozen=True)
class ReportLine:
    """One item of the tree. depth: from 0. name: what it is about, empty where the file does not say. value: may have
    several lines; empty for a heading. object_uid: of the picture or other object it refers to."""

    depth: int
    name: str
    value: str = ""
    object_uid: str = ""


@dataclass(frozen=True)
class Verifier:
    """Who stands for a report. at: when it was verified, if the file says so."""

    name: str
    at: datetime | None = None


@dataclass(frozen=True)
class WrittenReport:
    """A report in words. title: what it calls itself. authors: names; institutions where no person is named. source:
    the institution and program that made the file. made: when it says it was written. complete: None where it does not
    say."""

    header: FileHeader
    title: str
    authors: tuple[str, ...]
    source: str
    made: datetime | None
    complete: bool | None
    verified: tuple[Verifier, ...]
    lines: tuple[ReportLine, ...]
