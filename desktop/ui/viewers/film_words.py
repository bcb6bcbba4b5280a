"""The words over a film, in the window's language."""

from dataclasses import dataclass

from desktop.imaging.colour_tables import ColourTable
from desktop.imaging.display import Preset
from desktop.records import Photometric
from desktop.ui.context import UiContext
from desktop.ui.viewers.drawing import Tool
from desktop.ui.viewers.film_painting import Corner
from desktop.ui.viewers.frames import FilmSource
from desktop.ui.viewers.overlay import Laid
from desktop.ui.viewers.view_state import ViewState

STEPS = {Tool.CARDIOTHORACIC: 4, Tool.COBB: 4, Tool.BIDIRECTIONAL: 4}
"""Tools whose points are asked for one by one."""


@dataclass(frozen=True)
class FilmText:
    """Whose film it is and when it was taken, already in words. note: that it is not shown as it was taken. figures:
    whether window and size are told."""

    patient: tuple[str, ...] = ()
    study: tuple[str, ...] = ()
    synthetic: bool = False
    note: str = ""
    figures: bool = True


def corners(
    context: UiContext,
    text: FilmText,
    state: ViewState,
    source: FilmSource | None,
    tool: Tool,
    ratio: float,
    drawn: int = 0,
    *,
    laid: Laid = Laid.LOOKED,
) -> tuple[Corner, Corner, Corner, Corner]:
    """Top left: the patient. Top right: the study. Bottom left: how it is shown. Bottom right: what is not as taken.
    laid: what lies over the picture."""
    tr = context.tr
    shown = [window_words(context, state, source)] if source is not None and text.figures else []
    if text.figures:
        shown.append(tr("viewer.zoom", percent=round(state.zoom * ratio * 100)))
    changed = []
    if state.exact:
        changed.append(tr("viewer.exact"))
    if state.colours is not ColourTable.GREY and not (source is not None and _is_colour(source)):
        changed.append(tr(f"viewer.colours.{state.colours.value}"))
    if state.inverted:
        changed.append(tr("viewer.inverted"))
    if state.orientation.quarter_turns:
        changed.append(tr("viewer.turned", degrees=90 * state.orientation.quarter_turns))
    badges = [text.note] if text.note else []
    if state.overlay:
        badges.append(tr(f"viewer.{laid.value}_caption"))
    if state.orientation.mirrored:
        badges.append(tr("viewer.mirrored"))
    hint = (_hint(context, tool, drawn),) if tool.draws is not None else ()
    return (
        Corner(text.patient, (tr("viewer.synthetic"),) if text.synthetic else ()),
        Corner(text.study),
        Corner((*hint, *shown)),
        Corner(tuple(changed), tuple(badges)),
    )


def _hint(context: UiContext, tool: Tool, drawn: int) -> str:
    """What to do next with a tool; one that needs its points in an order says which comes now."""
    if tool in STEPS:
        return context.tr(f"viewer.hint.{tool.value}_{min(drawn, STEPS[tool] - 1) + 1}")
    return context.tr(f"viewer.hint.{tool.value}")


def _is_colour(source: FilmSource) -> bool:
    return source.picture.photometric is Photometric.RGB


def window_words(context: UiContext, state: ViewState, source: FilmSource) -> str:
    """Width and centre of the window, and its name where it has one."""
    window = state.window or source.window
    if window is None:
        return context.tr("imaging.preset.file_table")
    values = context.tr("viewer.window", width=_number(window.width), center=_number(window.center))
    name = next((preset_name(context, preset) for preset in source.presets if preset.window == window), "")
    return f"{values} · {name}" if name else values


def preset_name(context: UiContext, preset: Preset) -> str:
    """What the file calls the window, else our word for it."""
    return preset.name or context.tr(preset.key)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
