"""The words over a volume's panes, in the window's language."""

from collections.abc import Sequence

from desktop.imaging.slab import Slab
from desktop.imaging.volume import Volume
from desktop.imaging.volume_presets import VolumePreset
from desktop.imaging.volume_series import VolumeSeries
from desktop.imaging.volume_stack import StackFinding, StackFindingKind
from desktop.records import VoiWindow
from desktop.ui.context import UiContext
from desktop.ui.viewers.film_painting import Corner
from desktop.ui.viewers.film_words import FilmText
from desktop.ui.viewers.volume_mask_book import MaskBook
from desktop.ui.viewers.volume_state import PaneKind, VolumeState, slice_place

_AXIS = {PaneKind.AXIAL: 2, PaneKind.CORONAL: 1, PaneKind.SAGITTAL: 0}
_DEGREES = (StackFindingKind.TILT,)


def finding_words(context: UiContext, finding: StackFinding) -> str:
    """What was found wrong with the slices."""
    digits = 1 if finding.kind in _DEGREES else 2
    low, high = (f"{value:.{digits}f}".rstrip("0").rstrip(".") for value in (finding.low, finding.high))
    return context.tr(f"volume.finding.{finding.kind.value}", count=finding.count, low=low, high=high)


def preset_name(context: UiContext, preset: VolumePreset) -> str:
    """What the file calls the window, else our word for it."""
    return preset.name or context.tr(preset.key)


def window_words(context: UiContext, window: VoiWindow, presets: Sequence[VolumePreset]) -> str:
    """Width and centre of the window, and its name where it has one."""
    values = context.tr("volume.window", width=_number(window.width), center=_number(window.center))
    name = next((preset_name(context, preset) for preset in presets if preset.window == window), "")
    return f"{values} · {name}" if name else values


def slab_words(context: UiContext, slab: Slab) -> str:
    """How thick and how made."""
    if slab.thickness_mm == 0:
        return context.tr("volume.slab.thin")
    mode = context.tr(f"volume.slab.{slab.mode.value}")
    return context.tr("volume.slab.thick", mode=mode, value=_number(slab.thickness_mm))


def pane_corners(
    context: UiContext,
    kind: PaneKind,
    series: VolumeSeries,
    volume: Volume,
    state: VolumeState,
    presets: Sequence[VolumePreset],
    text: FilmText | None,
) -> tuple[Corner, Corner, Corner, Corner]:
    """Top left: which plane, whose. Top right: the study. Bottom left: how it is shown. Bottom right: where it lies.

    text: only the pane that says whose series it is has it.
    """
    tr = context.tr
    shown = []
    if kind is PaneKind.OBLIQUE:
        shown.append(tr("volume.angles", first=_number(state.angles[0]), second=_number(state.angles[1])))
    if series.solid and state.whole(kind):
        shown.append(tr("volume.whole"))
    elif series.solid and state.slab.thickness_mm > 0:
        shown.append(slab_words(context, state.slab))
    if text is not None:
        if series.solid and state.crosshair:
            shown.append(_value_words(context, volume, state))
        if state.inverted:
            shown.append(tr("volume.inverted"))
        shown.append(window_words(context, state.window, presets))
    place = _place_words(context, kind, series, volume, state)
    return (
        Corner(
            (
                tr("volume.view.whole" if state.whole(kind) else f"volume.view.{kind.value}"),
                *(text.patient if text else ()),
            )
        ),
        Corner(text.study if text else ()),
        Corner(tuple(shown)),
        Corner(tuple(place)),
    )


def _place_words(
    context: UiContext, kind: PaneKind, series: VolumeSeries, volume: Volume, state: VolumeState
) -> list[str]:
    tr = context.tr
    words = []
    if series.moments > 1:
        words.append(tr("volume.moment", number=state.moment + 1, count=series.moments))
    if kind is PaneKind.SLICES:
        if series.count > 1:
            words.append(tr("volume.slice", number=state.number + 1, count=series.count))
        if series.positions:
            value = f"{series.positions[state.number]:.1f}"
            return [*words, tr("volume.position", value=value, source=tr("volume.position.along"))]
        return [*words, tr("volume.position.none")] if series.refusals else words
    place = slice_place(kind, volume, state)
    if place is not None:
        words.append(tr("volume.slice", number=place[0], count=place[1]))
    if kind in _AXIS:
        axis = _AXIS[kind]
        value = f"{'LPH'[axis] if state.cross[axis] >= 0 else 'RAF'[axis]} {abs(state.cross[axis]):.1f}"
        words.append(tr("volume.position", value=value, source=tr("volume.position.patient")))
    return words


def _value_words(context: UiContext, volume: Volume, state: VolumeState) -> str:
    value = volume.value_at(state.cross)
    if value is None:
        return context.tr("volume.value.none")
    return context.tr("volume.value", value=_number(value), unit=volume.unit).strip()


def mask_words(context: UiContext, book: MaskBook, layers: Sequence[tuple[str, float | None]]) -> str:
    """How large each label is and where the size of its voxels comes from; what else lies over the series."""
    tr = context.tr
    sizes = []
    for label in book.labels:
        voxels = book.voxels(label.number)
        if voxels:
            name = label.name or tr("volume.mask.label.number", number=label.number)
            sizes.append(
                tr("volume.mask.size", name=name, value=_millilitres(book.millilitres(label.number)), voxels=voxels)
            )
    lines = []
    if sizes:
        lines.append(
            tr("volume.mask.sizes", sizes=tr("volume.mask.comma").join(sizes), source=_source_words(context, book))
        )
    if book.elsewhere:
        lines.append(tr("volume.mask.elsewhere"))
    if layers:
        named = [_layer(context, name, size) for name, size in layers]
        lines.append(tr("volume.mask.layers", names=tr("volume.mask.comma").join(named)))
    return "\n".join(lines)


def _layer(context: UiContext, name: str, millilitres: float | None) -> str:
    if millilitres is None:
        return name
    return context.tr("volume.mask.layer", name=name, value=_millilitres(millilitres))


def _millilitres(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"


def _source_words(context: UiContext, book: MaskBook) -> str:
    return context.tr(f"volume.mask.source.{book.source.value}")


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 or value == round(value) else f"{value:.2g}"


__all__ = ["finding_words", "mask_words", "pane_corners", "preset_name", "slab_words", "window_words"]
