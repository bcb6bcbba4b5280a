"""Viewers by the kind of thing they show: a film viewer has `show_picture`, a trace viewer `show_recording`; both have
`clear` and `run(command)`."""

from collections.abc import Mapping

from desktop.records import Modality
from desktop.ui.viewers.ecg import EcgViewer
from desktop.ui.viewers.film import FilmViewer

VIEWERS: Mapping[Modality, type[FilmViewer | EcgViewer]] = {
    Modality.CR: FilmViewer,
    Modality.DX: FilmViewer,
    Modality.SC: FilmViewer,
    Modality.OT: FilmViewer,
    Modality.PHOTO: FilmViewer,
    Modality.ECG: EcgViewer,
    Modality.HD: EcgViewer,
}

__all__ = ["VIEWERS", "EcgViewer", "FilmViewer"]
