"""Every command of the reading room with its keys. Single letters do nothing while somebody types."""

from desktop.ui.action import Action
from desktop.ui.viewers.view_actions import MORE_VIEWER_ACTIONS

SCREEN = "reading"


def _action(name: str, *shortcuts: str) -> Action:
    return Action(name, SCREEN, shortcuts, f"reading.action.{name.replace('.', '_')}")


STUDY_ACTIONS: tuple[Action, ...] = (
    _action("reading.primary", "Ctrl+Return", "Ctrl+Enter"),
    _action("reading.accept", "A"),
    _action("reading.accept_all", "Ctrl+Shift+A"),
    _action("reading.amend", "M"),
    _action("reading.reject", "R"),
    _action("reading.reason", "E"),
    _action("reading.add_finding", "N"),
    _action("reading.why", "Y"),
    _action("reading.limits", "U"),
    _action("reading.history", "J"),
    _action("reading.findings", "Alt+1"),
    _action("reading.impression", "Alt+2"),
    _action("reading.film", "Alt+3"),
    _action("reading.report", "P", "Alt+4"),
    _action("reading.print", "Ctrl+P"),
    _action("reading.save_pdf", "Ctrl+S"),
    _action("reading.save_fhir", "Ctrl+Shift+S"),
    _action("reading.addendum", "Ctrl+D"),
    _action("reading.next_study", "."),
    _action("reading.previous_study", ","),
    _action("reading.next_film", "PgDown"),
    _action("reading.previous_film", "PgUp"),
    _action("reading.next_suggestion", "Alt+PgDown"),
    _action("reading.previous_suggestion", "Alt+PgUp"),
)

VIEWER_ACTIONS: tuple[Action, ...] = (
    _action("viewer.fit", "F"),
    _action("viewer.full_size", "Shift+F"),
    _action("viewer.zoom_in", "+", "="),
    _action("viewer.zoom_out", "-"),
    _action("viewer.pan_left", "Shift+Left"),
    _action("viewer.pan_right", "Shift+Right"),
    _action("viewer.pan_up", "Shift+Up"),
    _action("viewer.pan_down", "Shift+Down"),
    _action("viewer.invert", "I"),
    _action("viewer.turn_right", "]"),
    _action("viewer.turn_left", "["),
    _action("viewer.flip_left_right", "H"),
    _action("viewer.flip_top_bottom", "V"),
    _action("viewer.auto_window", "0"),
    *(_action(f"viewer.preset_{number}", str(number)) for number in range(1, 10)),
    _action("viewer.brighter", "Ctrl+Up"),
    _action("viewer.darker", "Ctrl+Down"),
    _action("viewer.more_contrast", "Ctrl+Right"),
    _action("viewer.less_contrast", "Ctrl+Left"),
    _action("viewer.reset", "Ctrl+0"),
    _action("viewer.tool_window", "B"),
    _action("viewer.tool_pan", "X"),
    _action("viewer.tool_length", "L"),
    _action("viewer.tool_region", "G"),
    _action("viewer.overlay", "O"),
    _action("viewer.next_drawing", "D"),
    _action("viewer.label_drawing", "T"),
    _action("viewer.remove_drawing", "Delete"),
    *MORE_VIEWER_ACTIONS,
)
"""What the film viewer does. While it has the focus the arrow keys alone move the film, or the pen."""

ECG_ACTIONS: tuple[Action, ...] = (
    _action("ecg.layout_3x4", "1"),
    _action("ecg.layout_6x2", "2"),
    _action("ecg.layout_12x1", "3"),
    _action("ecg.layout_beats", "4"),
    _action("ecg.speed", "S"),
    _action("ecg.gain_up", "+", "="),
    _action("ecg.gain_down", "-"),
    _action("ecg.filter", "F"),
    _action("ecg.mains", "L"),
    _action("ecg.true_size", "Z"),
    _action("ecg.calibrate", "Shift+Z"),
    _action("ecg.marks", "I"),
    _action("ecg.rhythm_lead", "Q"),
    _action("ecg.caliper", "C"),
    _action("ecg.swap", "X"),
    _action("ecg.march", "K"),
    _action("ecg.forward", "Shift+Right"),
    _action("ecg.back", "Shift+Left"),
    _action("ecg.page_forward", "Ctrl+Right"),
    _action("ecg.page_back", "Ctrl+Left"),
    _action("ecg.begin", "Ctrl+Home"),
    _action("ecg.end", "Ctrl+End"),
)
"""What the ECG viewer does; they hold while it is in front, the film viewer's while a film is. While it has the focus
the arrow keys alone move the caliper, or the page."""

ROOM_ACTIONS: tuple[Action, ...] = (_action("reading.worklist", "W"),)
"""What the room does with or without a study on the screen."""

READING_ACTIONS: tuple[Action, ...] = (*STUDY_ACTIONS, *ROOM_ACTIONS, *VIEWER_ACTIONS)
