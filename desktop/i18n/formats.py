"""Dates and ages the way people of each language say them."""

from datetime import date, datetime

from desktop.i18n.catalogue import Language, Translator

_ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_date(day: date, language: Language) -> str:
    """`7 May 2019` or `2019年5月7日`."""
    if language is Language.CHINESE:
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_ENGLISH_MONTHS[day.month - 1]} {day.year}"


def format_datetime(moment: datetime, language: Language) -> str:
    """Date and time to the minute, in the moment's own zone."""
    return f"{format_date(moment.date(), language)} {moment:%H:%M}"


def format_age(months: int, days: int, language: Language) -> str:
    """Age in the unit a doctor would say: days under a month, months under two years, then years.

    months: completed months. days: completed days, used under one month only.
    """
    translator = Translator(language)
    if months < 1:
        return translator.text("age.days", count=days)
    if months < 24:
        return translator.text("age.months", count=months)
    return translator.text("age.years", count=months // 12)
