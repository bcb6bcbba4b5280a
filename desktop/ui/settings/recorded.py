"""What the records of trainings say in plain English, in the window's language."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_NO_KEY = re.compile("[^a-z0-9]+")
_NUMBERED = re.compile(r"(.+) (\d+)")


def recorded(context: "UiContext", written: str) -> str:
    """A phrase of a record, with or without a number at its end; as it is written where nobody translated it."""
    if context.has_text(key := _key(written)):
        return context.tr(key)
    numbered = _NUMBERED.fullmatch(written)
    if numbered is not None and context.has_text(key := _key(f"{numbered[1]} number")):
        return context.tr(key, number=numbered[2])
    return written


def _key(written: str) -> str:
    return f"settings.training.phrase.{_NO_KEY.sub('_', written.casefold()).strip('_')}"
