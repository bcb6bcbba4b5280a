"""R peaks against the annotations of real recordings; `bench -k ecg` prints the figures of each."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from desktop.records import Trace
from desktop.signals.beats import r_peaks
from desktop.signals.leads import lead_qualities
from tests.signals.recordings import Score, cpsc2019, mitbih, score


def total(records: Iterable[tuple[str, Trace, npt.NDArray[np.int64]]], tolerance: float) -> Score:
    """All records together. tolerance: seconds."""
    found = Score()
    for _, trace, beats in records:
        found += score(r_peaks(trace, lead_qualities(trace)), beats, tolerance * trace.rate)
    return found


@pytest.mark.data
@pytest.mark.slow
def test_beats_of_half_an_hour_are_found(shared_data: Path) -> None:
    """Six records of MIT-BIH (DS1), ectopic ones among them, within the usual 150 ms."""
    wanted = ("101", "106", "119", "203", "208", "223")
    found = total((record for record in mitbih(shared_data) if record[0] in wanted), 0.150)
    assert found.true > 12_000
    assert found.sensitivity > 0.985
    assert found.predictivity > 0.99


@pytest.mark.data
def test_beats_of_difficult_strips_are_found(shared_data: Path) -> None:
    """CPSC 2019 within its own 75 ms: strips chosen because detectors fail on them."""
    found = total(cpsc2019(shared_data), 0.075)
    assert found.true == 616
    assert found.sensitivity > 0.87
    assert found.predictivity > 0.88
