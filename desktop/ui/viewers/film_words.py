"""The words over a film, in the window's language."""

from dataclasses import dataclass

from desktop.imaging import geometry
from desktop.imaging.display import Preset
from desktop.records import Picture
from desktop.ui.context import UiContext
from desktop.ui.viewers.drawing import Tool
from desktop.ui.viewers.film_painting import Corner
from desktop.ui.viewers.frames import FilmSource
from desktop.ui.viewers.view_state import Point, ViewState


@dataclass(frozen=True)
class FilmText:
    """Whose film it is and when it was taken, already in words."""

    patient: tuple[str, ...] = ()
    study: tuple[str, ...] = ()
    synthetic: bool = False


def corners(
    context: UiContext, text: FilmText, state: ViewState, source: FilmSource | None, tool: Tool, ratio: float
) -> tuple[Corner, Corner, Corner, Corner]:
    """Top left: the patient. Top right: the study. Bottom left: how it is shown. Bottom right: what is not as taken."""
    tr = context.tr
    shown = [window_words(context, state, source)] if source is not None else []
    shown.append(tr("viewer.zoom", percent=round(state.zoom * ratio * 100)))
    changed = []
    if state.inverted:
        changed.append(tr("viewer.inverted"))
    if state.orientation.quarter_turns:
        changed.append(tr("viewer.turned", degrees=90 * state.orientation.quarter_turns))
    badges = []
    if state.overlay:
        badges.append(tr("viewer.overlay_caption"))
    if state.orientation.mirrored:
        badges.append(tr("viewer.mirrored"))
    hint = (tr(f"viewer.hint.{tool.value}"),) if tool.draws is not None else ()
    return (
        Corner(text.patient, (tr("viewer.synthetic"),) if text.synthetic else ()),
        Corner(text.study),
        Corner((*hint, *shown)),
        Corner(tuple(changed), tuple(badges)),
    )


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


def length_words(context: UiContext, picture: Picture, start: Point, end: Point) -> str:
    """A length with where its unit comes from; pixels where the file gives no scale."""
    length = geometry.length(picture, start, end)
    if length.source is None:
        return context.tr("viewer.length.px", value=f"{length.value:.0f}")
    return context.tr(
        "viewer.length.mm",
        value=f"{length.value:.1f}",
        source=context.tr(f"viewer.spacing.{length.source.value}"),
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
