"""Several sentences in one paragraph."""

from typing import TYPE_CHECKING

from desktop.i18n import Language

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


def together(context: "UiContext", *sentences: str) -> str:
    """One after another, as the window's language sets them: Chinese has no space after a full stop."""
    return ("" if context.language is Language.CHINESE else " ").join(sentence for sentence in sentences if sentence)
