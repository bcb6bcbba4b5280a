"""A report of another program as a page of text: who wrote it and when, then its content as it stands."""

from collections.abc import Iterator
from typing import Protocol

from desktop.i18n import Language, format_datetime
from desktop.records.written_report import WrittenReport

_STEP = "    "


class Words(Protocol):
    """The window's translator."""

    def __call__(self, key: str, **details: object) -> str: ...


def in_words(report: WrittenReport, tr: Words, language: Language) -> str:
    """All of it; nothing is left out."""
    return "\n".join((*_head(report, tr, language), "", *_content(report, tr)))


def _head(report: WrittenReport, tr: Words, language: Language) -> Iterator[str]:
    if report.authors:
        yield tr("documents.report.authors", names=", ".join(report.authors))
    else:
        yield tr("documents.report.nobody")
    if report.made is not None:
        yield tr("documents.report.made", moment=format_datetime(report.made.astimezone(), language))
    else:
        yield tr("documents.report.undated")
    if report.source:
        yield tr("documents.report.source", source=report.source)
    for one in report.verified:
        if one.at is None:
            yield tr("documents.report.verified", name=one.name)
        else:
            moment = format_datetime(one.at.astimezone(), language)
            yield tr("documents.report.verified_at", name=one.name, moment=moment)
    if not report.verified:
        yield tr("documents.report.unverified")
    if report.complete is False:
        yield tr("documents.report.partial")


def _content(report: WrittenReport, tr: Words) -> Iterator[str]:
    for line in report.lines:
        before = _STEP * line.depth
        name = line.name
        if line.object_uid:
            name = tr("documents.report.refers", name=name or tr("documents.report.object"), uid=line.object_uid)
        first, *rest = line.value.split("\n")
        if rest:
            # A text of several lines stands below what it is about.
            if name:
                yield f"{before}{name}:"
            yield from (f"{before}{_STEP if name else ''}{part}" for part in (first, *rest))
        elif first and name:
            yield f"{before}{name}: {first}"
        else:
            yield f"{before}{name or first}"
