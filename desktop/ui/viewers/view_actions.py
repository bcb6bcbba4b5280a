"""The film viewer's commands beyond looking and marking: measuring, looking closer, what is written over the film."""

from desktop.ui.action import Action


def _action(name: str, *shortcuts: str) -> Action:
    return Action(f"viewer.{name}", "reading", shortcuts, f"reading.action.viewer_{name}")


MORE_VIEWER_ACTIONS: tuple[Action, ...] = (
    _action("tool_angle", "Shift+A"),
    _action("tool_cobb", "Shift+C"),
    _action("tool_cardiothoracic", "Shift+H"),
    _action("tool_bidirectional", "Shift+B"),
    _action("tool_ellipse", "Shift+E"),
    _action("tool_freehand", "Shift+G"),
    _action("tool_point", "K"),
    _action("tool_calibration", "Shift+K"),
    _action("true_size", "Z"),
    _action("calibrate_screen", "Shift+Z"),
    _action("magnifier", "Q"),
    _action("histogram", "S"),
    _action("exact_pixels", "Shift+X"),
    _action("next_colours", "C"),
    _action("next_layout", "F2"),
    _action("previous_layout", "Shift+F2"),
    _action("link", "F3"),
    _action("corner_1", "F5"),
    _action("corner_2", "F6"),
    _action("corner_3", "F7"),
    _action("corner_4", "F8"),
    _action("cine_play", "Shift+P"),
    _action("next_frame", "Shift+PgDown"),
    _action("previous_frame", "Shift+PgUp"),
    _action("first_frame", "Shift+Home"),
    _action("last_frame", "Shift+End"),
    _action("cine_faster", "Ctrl+]"),
    _action("cine_slower", "Ctrl+["),
    _action("cine_sweep", "Shift+S"),
)
