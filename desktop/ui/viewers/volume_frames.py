"""Pictures of a volume's panes: a frozen request in, images out. Runs off the main thread; touches no widget."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QImage

from desktop.imaging.reslice import Frame, SliceImage, Slicer, SliceRequest
from desktop.imaging.slab import THIN
from desktop.imaging.volume import Volume
from desktop.imaging.volume_labels import cut_labels, lit
from desktop.imaging.volume_mask import MaskLayer, painted
from desktop.imaging.volume_series import VolumeSeries
from desktop.jobs import Job
from desktop.ui.viewers.volume_mask_book import Painted
from desktop.ui.viewers.volume_state import PaneKind, VolumeState, plane_for


@dataclass(frozen=True, eq=False)
class PaneRequest:
    """What to draw. serial: grows with each request of a pane; an older answer than the one shown is dropped. draft:
    while something is dragged."""

    serial: int
    series: VolumeSeries
    kind: PaneKind
    state: VolumeState
    masks: tuple[MaskLayer, ...] = ()
    draft: bool = False
    painted: Painted | None = None


@dataclass(frozen=True, eq=False)
class PaneImage:
    """The answer. overlay: the masks over the slice, as many pixels as it has, or None. volume: what was cut, a single
    slice where there is no volume."""

    request: PaneRequest
    volume: Volume
    slice: SliceImage
    overlay: QImage | None = None


def render_pane(request: PaneRequest, slicer: Slicer, job: Job) -> PaneImage:
    """Cut what a pane shows. slicer: the pane's own. Raises Cancelled, UserFacingError where a slice must be read."""
    job.check()
    series, state = request.series, request.state
    volume = series.volumes[state.moment] if series.solid else series.read_slice(state.number, state.moment)
    wanted = SliceRequest(
        serial=request.serial,
        volume=volume,
        plane=plane_for(request.kind, volume, state),
        window=state.window,
        slab=state.slab if series.solid else THIN,
        inverted=state.inverted,
        draft=request.draft,
        whole=series.solid and state.whole(request.kind),
    )
    found = slicer.render(wanted, job.check)
    rows, columns = found.light.shape
    colours = _overlay(request, found.frame)
    overlay = None
    if colours is not None:
        # Copied: the array ends with this function, and an image only borrows.
        overlay = QImage(colours.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888_Premultiplied).copy()
    return PaneImage(request, volume, found, overlay)


def _overlay(request: PaneRequest, frame: Frame) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None":
    """Segments of files, and over them what is painted here."""
    if request.state.whole(request.kind):
        return None
    opacity = request.state.opacity
    below = painted(request.masks, frame, opacity)
    above = None
    if request.painted is not None:
        labels = cut_labels(request.painted.labels, request.painted.grid, frame)
        above = lit(labels, request.painted.colours, opacity)
    if below is None or above is None:
        return above if below is None else below
    there = above[..., 3] > 0
    below[there] = above[there]
    return below
