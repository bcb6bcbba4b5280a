"""What a key draws on a slice of a volume, and how marked slices are found again."""

from collections.abc import Mapping

from desktop.ui.action import Action
from desktop.ui.viewers.drawing import Tool

_TOOL_KEYS: Mapping[Tool, str] = {
    Tool.LENGTH: "L",
    Tool.BIDIRECTIONAL: "Shift+B",
    Tool.ANGLE: "Shift+A",
    Tool.COBB: "Shift+C",
    Tool.ELLIPSE: "Shift+E",
    Tool.REGION: "Shift+R",
    Tool.FREEHAND: "Shift+G",
    Tool.POINT: "Shift+K",
}
"""As on films where the volume's own commands leave the key free."""

SLICE_TOOLS: Mapping[str, Tool] = {f"slice.tool_{tool.value}": tool for tool in _TOOL_KEYS}


def _action(name: str, keys: str) -> Action:
    return Action(name, "reading", (keys,), f"reading.action.{name.replace('.', '_')}")


SLICE_ACTIONS: tuple[Action, ...] = (
    *(_action(name, _TOOL_KEYS[tool]) for name, tool in SLICE_TOOLS.items()),
    _action("slice.next_drawing", "Shift+N"),
    _action("slice.label_drawing", "Shift+L"),
    _action("slice.remove_drawing", "Delete"),
    _action("slice.next_marked", "Ctrl+PgUp"),
    _action("slice.previous_marked", "Ctrl+PgDown"),
)
"""They hold while a volume viewer with a series has the focus. Page up goes on as scrolling does."""
