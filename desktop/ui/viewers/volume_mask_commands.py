"""What a key does while painting in a volume."""

from collections.abc import Callable, Mapping

from desktop.ui.action import Action
from desktop.ui.viewers.volume_mask_book import MaskBook

MaskCommand = Callable[[MaskBook], None]

MASK_COMMANDS: Mapping[str, MaskCommand] = {
    "volume.paint": lambda book: book.set_painting(not book.painting),
    "volume.erase": lambda book: book.set_erasing(not book.erasing),
    "volume.ball": lambda book: book.set_ball(not book.ball),
    "volume.brush_larger": lambda book: book.set_brush(book.brush + 1),
    "volume.brush_smaller": lambda book: book.set_brush(book.brush - 1),
    "volume.next_label": MaskBook.next_label,
    "volume.add_label": MaskBook.add_label,
    "volume.undo": MaskBook.undo,
    "volume.redo": MaskBook.redo,
}

_KEYS: Mapping[str, tuple[str, ...]] = {
    "volume.paint": ("D",),
    "volume.erase": ("V",),
    "volume.ball": ("Shift+D",),
    "volume.brush_larger": ("Ctrl+]",),
    "volume.brush_smaller": ("Ctrl+[",),
    "volume.next_label": ("Q",),
    "volume.add_label": ("Shift+Q",),
    "volume.undo": ("Ctrl+Z",),
    "volume.redo": ("Ctrl+Shift+Z",),
}

MASK_ACTIONS: tuple[Action, ...] = tuple(
    Action(command, "reading", _KEYS[command], f"reading.action.{command.replace('.', '_')}")
    for command in MASK_COMMANDS
)
"""For the sheet under `?` and the palette; they hold while the viewer's series can be painted in."""
