"""What is said of a run of pictures, in the window's language."""

from desktop.ui.context import UiContext
from desktop.ui.viewers.cine_player import CinePlayer


def frame_words(context: UiContext, player: CinePlayer) -> str:
    """Which picture is shown; while it plays also how fast, and whether the PC keeps up."""
    cine = player.cine
    words = context.tr("viewer.frame", number=player.shown + 1, count=cine.count)
    if not cine.playing:
        return words
    behind = player.behind
    if behind is not None:
        return f"{words} · {context.tr('viewer.cine.behind', real=rate_number(behind), rate=rate_number(cine.rate))}"
    return f"{words} · {rate_words(context, cine.rate)}"


def rate_words(context: UiContext, rate: float) -> str:
    """A speed."""
    return context.tr("viewer.cine.rate", rate=rate_number(rate))


def rate_number(rate: float) -> str:
    """A speed as short as it can be said."""
    return f"{rate:.0f}" if rate >= 10 or rate == round(rate) else f"{rate:.1f}"
