"""Sentences in one language or in both, as paper needs them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from desktop.i18n import Language, Translator, format_date, format_datetime
from desktop.records import PartialDate, ReportContent, ReportedSuggestion

_TRACES = frozenset({"ECG", "HD"})


@dataclass(frozen=True)
class Words:
    """The languages of a paper; the first leads."""

    languages: tuple[Language, ...]

    def __post_init__(self) -> None:
        if not self.languages or len(set(self.languages)) != len(self.languages):
            raise ValueError("a paper is in one language or in several different ones")

    @property
    def bilingual(self) -> bool:
        """Whether there is more than one language."""
        return len(self.languages) > 1

    def each(self, render: Callable[[Translator], str]) -> tuple[str, ...]:
        """What `render` gives in each language, the same words once."""
        return tuple(dict.fromkeys(render(Translator(language)) for language in self.languages))

    def sentences(self, key: str, **details: object) -> tuple[str, ...]:
        """The sentence in each language, for lines of their own."""
        return self.each(lambda translator: translator.text(key, **details))

    def label(self, key: str, **details: object) -> str:
        """The words in each language on one line: `姓名 Name`."""
        return " ".join(self.sentences(key, **details))

    def both(self, render: Callable[[Translator], str]) -> str:
        """What `render` gives, on one line."""
        return " ".join(self.each(render))

    def date(self, day: PartialDate) -> str:
        """A date the local way; where two languages share the page, as 2026-05-07, which both read."""
        if self.bilingual:
            return str(day)
        if day.day is not None:
            return format_date(day.earliest, self.languages[0])
        if day.month is not None:
            whole = format_date(day.earliest, self.languages[0])
            return whole.removeprefix("1 ") if self.languages[0] is Language.ENGLISH else whole[:-2]
        return str(day) if self.languages[0] is Language.ENGLISH else f"{day}年"

    def moment(self, moment: datetime) -> str:
        """Date and time with the distance to UTC, in the moment's own zone."""
        zone = moment.strftime("%z")
        zone = f"UTC{zone[:3]}:{zone[3:5]}" if zone else ""
        day = moment.strftime("%Y-%m-%d %H:%M") if self.bilingual else format_datetime(moment, self.languages[0])
        return f"{day} {zone}".strip()


def answer_words(translator: Translator, content: ReportContent, said: ReportedSuggestion) -> str:
    """Which picture or trace a suggestion is about, where there are several, and which model it is of."""
    title = said.title_zh if translator.language is Language.CHINESE else said.title_en
    several = any(one.picture > 1 for one in content.said)
    kind = "only" if not several else "trace" if content.modality in _TRACES else "picture"
    return translator.text(
        f"report.answer.{kind}", number=said.picture, title=title, model=said.model_name, version=said.model_version
    )
