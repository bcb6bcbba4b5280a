"""Strips of half a minute as the rhythm network sees them."""

import math

import numpy as np
import numpy.typing as npt

from desktop.inference.rhythm_features import NAMES, bands_of, features, interval_curve
from desktop.inference.rhythm_lead import RATE, ReadyLead

FloatArray = npt.NDArray[np.float32]

SECONDS = 30.0
SAMPLES = round(SECONDS * RATE)
SHARE = len(NAMES)
FEATURES = SHARE + 1
"""What was counted, and how much of the strip is filled."""

WHOLE = 62.0
"""Up to so many seconds the numbers are counted over the whole record, whatever strip of it is looked at."""

_STEP = 10.0


def strip_times(seconds: float) -> list[float]:
    """Where strips begin, in seconds: every 10 s at most, the last ends with the record; one at 0 in a short record."""
    if seconds <= SECONDS:
        return [0.0]
    count = math.ceil((seconds - SECONDS) / _STEP)
    return [(seconds - SECONDS) * number / count for number in range(count + 1)]


def strips(lead: ReadyLead) -> tuple[list[float], FloatArray]:
    """When each strip begins (seconds), and (strips, 3, SAMPLES)."""
    wave = lead.resampled()
    curve = interval_curve(lead, len(wave))
    begins = strip_times(lead.seconds)
    bands = bands_of(lead)
    whole = features(lead, bands, 0.0, lead.seconds) if lead.seconds <= WHOLE else None
    made = np.zeros((len(begins), 3, SAMPLES), np.float32)
    for number, begin in enumerate(begins):
        counted = whole if whole is not None else features(lead, bands, begin, begin + SECONDS)
        first = round(begin * RATE)
        made[number] = strip(wave[first:], curve[first:], counted)
    return begins, made


def strip(wave: npt.NDArray[np.floating], curve: npt.NDArray[np.floating], counted: FloatArray) -> FloatArray:
    """(3, SAMPLES) from a wave and its interval curve (as much of them as fits) and the numbers counted."""
    made = np.zeros((3, SAMPLES), np.float32)
    size = min(len(wave), SAMPLES)
    made[0, :size], made[1, :size] = wave[:size], curve[:size]
    made[2, : len(NAMES)], made[2, SHARE] = counted, size / SAMPLES
    return made
