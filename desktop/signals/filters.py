"""Filters of traces. Each leaves no delay: it runs forwards and backwards, so a wave stays where it was."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.records.trace import Samples, Trace

Rows = npt.NDArray[np.float64]
"""(leads, length), no missing value."""


@dataclass(frozen=True)
class FilterSetting:
    """What is taken away: everything slower than low_hz, faster than high_hz, and a narrow band about notch_hz."""

    low_hz: float | None = None
    high_hz: float | None = None
    notch_hz: float | None = None

    @property
    def off(self) -> bool:
        """Whether the trace stays as recorded."""
        return self.low_hz is None and self.high_hz is None and self.notch_hz is None


def filled(samples: Samples) -> Rows:
    """The rows with every missing stretch bridged by a straight line (zeros where a row has no value at all)."""
    rows = samples.astype(np.float64)
    for row in rows:
        missing = np.isnan(row)
        if missing.all():
            row[:] = 0.0
        elif missing.any():
            known = np.flatnonzero(~missing)
            row[missing] = np.interp(np.flatnonzero(missing), known, row[known])
    return rows


def applied(trace: Trace, setting: FilterSetting) -> Samples:
    """The trace's samples filtered; what was missing stays missing.

    A limit the sampling rate cannot carry is left out, since the recording holds nothing beyond it anyway.
    """
    if setting.off:
        return trace.samples
    rows = filled(trace.samples)
    if setting.low_hz is not None:
        rows = high_pass(rows, trace.rate, setting.low_hz)
    if setting.high_hz is not None:
        rows = low_pass(rows, trace.rate, setting.high_hz)
    if setting.notch_hz is not None:
        rows = notch(rows, trace.rate, setting.notch_hz)
    result = rows.astype(np.float32)
    result[np.isnan(trace.samples)] = np.nan
    return result


def high_pass(rows: Rows, rate: float, hertz: float) -> Rows:
    """Without what is slower than `hertz` (Butterworth, second order, twice)."""
    return _butterworth(rows, rate, hertz, "highpass")


def low_pass(rows: Rows, rate: float, hertz: float) -> Rows:
    """Without what is faster than `hertz`."""
    return _butterworth(rows, rate, hertz, "lowpass") if hertz < 0.49 * rate else rows


def band_pass(rows: Rows, rate: float, low: float, high: float) -> Rows:
    """Between two frequencies."""
    return low_pass(high_pass(rows, rate, low), rate, high)


def notch(rows: Rows, rate: float, hertz: float) -> Rows:
    """Without a narrow band about `hertz` (quality 30: some 2 Hz wide at 50 Hz)."""
    # Imported late: scipy.signal takes half a second, and the window opens without it.
    from scipy import signal

    if hertz >= 0.49 * rate:
        return rows
    numerator, denominator = signal.iirnotch(hertz, 30.0, rate)
    return np.asarray(signal.filtfilt(numerator, denominator, rows, axis=-1, padlen=_padding(rows, rate)))


def _butterworth(rows: Rows, rate: float, hertz: float, kind: str) -> Rows:
    from scipy import signal

    sections = signal.butter(2, hertz, kind, fs=rate, output="sos")
    return np.asarray(signal.sosfiltfilt(sections, rows, axis=-1, padlen=_padding(rows, rate)))


def _padding(rows: Rows, rate: float) -> int:
    """A second at each end lets the filter settle, as far as the trace is that long."""
    return max(0, min(int(rate), int(rows.shape[-1]) - 1))
