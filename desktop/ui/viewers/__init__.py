"""Viewers by the kind of thing they show: a film viewer has `show_picture`, a trace viewer `show_recording`, a volume
viewer `show_series`; all have `clear` and `run(command)`."""

from collections.abc import Mapping

from desktop.records import Modality
from desktop.ui.viewers.ecg import EcgViewer
from desktop.ui.viewers.film import FilmViewer
from desktop.ui.viewers.volume import VolumeViewer

VIEWERS: Mapping[Modality, type[FilmViewer | EcgViewer | VolumeViewer]] = {
    Modality.CR: FilmViewer,
    Modality.DX: FilmViewer,
    Modality.SC: FilmViewer,
    Modality.OT: FilmViewer,
    Modality.US: FilmViewer,
    Modality.XA: FilmViewer,
    Modality.RF: FilmViewer,
    Modality.PT: FilmViewer,
    Modality.NM: FilmViewer,
    Modality.PHOTO: FilmViewer,
    Modality.ECG: EcgViewer,
    Modality.HD: EcgViewer,
    Modality.CT: VolumeViewer,
    Modality.MR: VolumeViewer,
    Modality.VOLUME: VolumeViewer,
}

__all__ = ["VIEWERS", "EcgViewer", "FilmViewer", "VolumeViewer"]
