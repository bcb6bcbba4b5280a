"""The film that tests of the viewer look at: a ramp, whose every column has a value of its own."""

import numpy as np

from desktop.records import FileHeader, Modality, Photometric, Picture, Spacing
from desktop.ui.viewers import FilmViewer
from desktop.ui.viewers.view_state import ViewState


def film(spacing: Spacing | None = None, columns: int = 300) -> Picture:
    """A ramp of 200 rows."""
    pixels = np.tile(np.arange(columns, dtype=np.uint16) * 10, (200, 1))
    return Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=Modality.DX), bits=12, spacing=spacing)


def state_of(viewer: FilmViewer) -> ViewState:
    """How the film is shown."""
    assert viewer.state is not None
    return viewer.state
