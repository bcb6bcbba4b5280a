"""The keys for what lies beside the study being read."""

from desktop.ui.action import Action


def _action(name: str, *shortcuts: str) -> Action:
    return Action(f"compare.{name}", "reading", shortcuts, f"reading.action.compare_{name}")


COMPARE_ACTIONS: tuple[Action, ...] = (_action("prior", "F4"), _action("difference", "Shift+F4"))
"""For films and for slices."""

FILM_COMPARE_ACTIONS: tuple[Action, ...] = (_action("layout", "Shift+F3"),)

SLICES_COMPARE_ACTIONS: tuple[Action, ...] = (_action("link", "F3"),)
"""Films have `viewer.link` on the same key."""
