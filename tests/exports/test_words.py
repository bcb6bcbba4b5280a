"""Labels and dates in one language or in both."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from desktop.exports.words import Words
from desktop.i18n import Language
from desktop.records import PartialDate

EN, ZH = Words((Language.ENGLISH,)), Words((Language.CHINESE,))
BOTH = Words((Language.CHINESE, Language.ENGLISH))


def test_labels_in_the_order_of_the_languages() -> None:
    assert EN.label("report.name") == "Name"
    assert BOTH.label("report.name") == "姓名 Name"
    assert Words((Language.ENGLISH, Language.CHINESE)).label("report.name") == "Name 姓名"


def test_the_same_words_stand_once() -> None:
    assert BOTH.each(lambda _: "X") == ("X",)


@pytest.mark.parametrize(
    ("day", "english", "chinese", "both"),
    [
        (PartialDate(2023, 12, 1), "1 Dec 2023", "2023年12月1日", "2023-12-01"),
        (PartialDate(2023, 2, 11), "11 Feb 2023", "2023年2月11日", "2023-02-11"),
        (PartialDate(2023, 11), "Nov 2023", "2023年11月", "2023-11"),
        (PartialDate(2023), "2023", "2023年", "2023"),
    ],
)
def test_dates_as_exact_as_they_are_known(day: PartialDate, english: str, chinese: str, both: str) -> None:
    assert (EN.date(day), ZH.date(day), BOTH.date(day)) == (english, chinese, both)


def test_moments_say_their_zone() -> None:
    china = datetime(2026, 5, 7, 10, 42, tzinfo=timezone(timedelta(hours=8)))
    assert EN.moment(china) == "7 May 2026 10:42 UTC+08:00"
    assert ZH.moment(china) == "2026年5月7日 10:42 UTC+08:00"
    assert BOTH.moment(china.astimezone(UTC)) == "2026-05-07 02:42 UTC+00:00"


@pytest.mark.parametrize("languages", [(), (Language.ENGLISH, Language.ENGLISH)])
def test_a_paper_needs_different_languages(languages: tuple[Language, ...]) -> None:
    with pytest.raises(ValueError, match="language"):
        Words(languages)
