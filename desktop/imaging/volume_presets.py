"""Windows to begin with. Those of CT are the customary ones in Hounsfield units (as in Hofer, CT Teaching Manual)."""

from dataclasses import dataclass

import numpy as np

from desktop.imaging.volume import OUTSIDE, Volume
from desktop.imaging.window import apply_window
from desktop.records import VoiWindow

_SAMPLES = 100_000
_LEAST_SHADED = 0.02


@dataclass(frozen=True)
class VolumePreset:
    """key: names its sentence. name: what the file calls it, else empty."""

    key: str
    window: VoiWindow
    name: str = ""


CT_PRESETS: tuple[VolumePreset, ...] = (
    VolumePreset("volume.preset.soft", VoiWindow(40.0, 400.0)),
    VolumePreset("volume.preset.lung", VoiWindow(-600.0, 1500.0)),
    VolumePreset("volume.preset.bone", VoiWindow(500.0, 2000.0)),
    VolumePreset("volume.preset.brain", VoiWindow(40.0, 80.0)),
    VolumePreset("volume.preset.stroke", VoiWindow(35.0, 40.0)),
    VolumePreset("volume.preset.subdural", VoiWindow(75.0, 220.0)),
    VolumePreset("volume.preset.liver", VoiWindow(60.0, 160.0)),
)


def volume_presets(volume: Volume, windows: tuple[VoiWindow, ...] = ()) -> tuple[VolumePreset, ...]:
    """What to offer, the one to begin with first: the file's own, what the values suggest, and CT's where HU are."""
    own = [VolumePreset("volume.preset.file", window, window.name) for window in windows if _shows(volume, window)]
    automatic = VolumePreset("volume.preset.automatic", automatic_window(volume))
    return (*own[:2], automatic, *(CT_PRESETS if volume.unit == "HU" else ()))


def automatic_window(volume: Volume) -> VoiWindow:
    """From the 1st to the 99.5th percentile of what was scanned, the commonest value (air around a body) left out."""
    values = _sample(volume)
    low, high = float(values.min()), float(values.max())
    common, counts = np.unique(values, return_counts=True)
    rest = values[values != common[np.argmax(counts)]]
    if rest.size > 16:
        low, high = (float(value) for value in np.percentile(rest, (1.0, 99.5)))
    width = high - low if high > low else 1.0
    return VoiWindow((low + high) / 2, width, function="LINEAR_EXACT")


def _shows(volume: Volume, window: VoiWindow) -> bool:
    shades = apply_window(_sample(volume), window)
    return bool(np.count_nonzero((shades > 0) & (shades < 1)) >= _LEAST_SHADED * shades.size)


def _sample(volume: Volume) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    """Values meant of some evenly spread voxels."""
    step = max(1, round((volume.voxels.size / _SAMPLES) ** (1 / 3)))
    slices = max(1, min(step, volume.shape[0] // 8))
    stored = volume.voxels[::slices, ::step, ::step].ravel()
    if volume.padded:
        scanned = stored[stored != OUTSIDE]
        stored = scanned if scanned.size else stored
    finite = stored[np.isfinite(stored)]
    return (finite if finite.size else np.zeros(1)).astype(np.float32) * np.float32(volume.slope) + np.float32(
        volume.intercept
    )
