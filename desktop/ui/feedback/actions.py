"""Every command of the Feedback destination with its keys."""

from desktop.ui.action import Action
from desktop.ui.reading.actions import VIEWER_ACTIONS

SCREEN = "feedback"
CELLS = "cells"
"""A page of its own: the keys that answer mean another thing there."""

_LOOKING = (
    "viewer.fit",
    "viewer.full_size",
    "viewer.zoom_in",
    "viewer.zoom_out",
    "viewer.invert",
    "viewer.auto_window",
    "viewer.brighter",
    "viewer.darker",
    "viewer.more_contrast",
    "viewer.less_contrast",
    "viewer.reset",
    "viewer.magnifier",
)

LABEL_ACTIONS: tuple[Action, ...] = (
    Action("feedback_present", SCREEN, ("1",)),
    Action("feedback_absent", SCREEN, ("2",)),
    Action("feedback_unsure", SCREEN, ("3",)),
    Action("feedback_next", SCREEN, ("Ctrl+Return", "Ctrl+Enter")),
    Action("feedback_back", SCREEN, ("Backspace",)),
    Action("feedback_skip", SCREEN, ("S",)),
)

CELL_ACTIONS: tuple[Action, ...] = (
    Action("cells_present", CELLS, ("1",)),
    Action("cells_absent", CELLS, ("2",)),
    Action("cells_unsure", CELLS, ("3",)),
    Action("cells_back", CELLS, ("Backspace",)),
    Action("cells_skip", CELLS, ("S",)),
)

LOOK_ACTIONS: tuple[Action, ...] = tuple(
    Action(one.id, SCREEN, one.shortcuts, one.key) for one in VIEWER_ACTIONS if one.id in _LOOKING
)
"""What the film viewer does here: looking only, nothing is drawn or measured."""

SCREEN_ACTIONS: tuple[Action, ...] = (
    Action("feedback_label", SCREEN, ("Alt+1",)),
    Action("feedback_quality", SCREEN, ("Alt+2",)),
    Action("feedback_learning", SCREEN, ("Alt+3",)),
    Action("feedback_cells", SCREEN, ("Alt+4",)),
)

FEEDBACK_ACTIONS: tuple[Action, ...] = (*SCREEN_ACTIONS, *LABEL_ACTIONS, *CELL_ACTIONS, *LOOK_ACTIONS)
