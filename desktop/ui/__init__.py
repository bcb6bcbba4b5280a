"""The window: the only package that imports Qt.

May import `workflow` (everything that reads or writes the clinic), `imaging`, `signals` and `jobs` and below.
Screens are widgets with `retranslate()`, `activated()` and `clear()`; slow work goes through `operations`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


def run(context: "UiContext") -> int:
    """Open the window and stay until it is closed. Returns the process's exit status.

    `application()` must have been called before `context` was built.
    """
    from desktop.ui.main_window import open_window

    return open_window(context)
