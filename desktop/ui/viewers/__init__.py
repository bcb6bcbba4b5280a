"""Viewers by the kind of thing they show. A viewer is a widget with `show_picture`, `clear` and `run(command)`."""

from collections.abc import Mapping

from desktop.records import Modality
from desktop.ui.viewers.film import FilmViewer

VIEWERS: Mapping[Modality, type[FilmViewer]] = {
    Modality.CR: FilmViewer,
    Modality.DX: FilmViewer,
    Modality.SC: FilmViewer,
    Modality.OT: FilmViewer,
    Modality.PHOTO: FilmViewer,
}

__all__ = ["VIEWERS", "FilmViewer"]
