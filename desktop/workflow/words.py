"""Words as they are kept: what was typed or pasted, without what no text may contain."""

import unicodedata

_KEPT_CONTROLS = "\n\t"


def plain_text(text: str) -> str:
    """What goes on record: `typed_text`, trimmed."""
    return typed_text(text).strip()


def plain_line(text: str) -> str:
    """What goes on record on one line, such as a name: `plain_text`, its breaks and tabs as spaces."""
    return plain_text(text).replace("\n", " ").replace("\t", " ")


def typed_text(text: str) -> str:
    """The text with its line ends unified, without control codes and halves of characters.

    A page pasted from elsewhere brings such things along; stored, they could neither be signed nor printed.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in unified if c in _KEPT_CONTROLS or unicodedata.category(c) not in ("Cc", "Cs"))
    return "".join(kept)
