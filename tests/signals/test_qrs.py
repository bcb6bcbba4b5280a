"""Every beat of a lead is found, the T waves are not, and nothing is found where nothing is."""

import numpy as np
import pytest

from desktop.signals.qrs import qrs_complexes, running_median
from desktop.signals.synthetic import Drawn, DrawnHeart, draw


def _lead(drawn: Drawn, name: str = "II") -> np.ndarray:
    row = drawn.trace.row(name)
    assert row is not None
    return np.asarray(drawn.trace.samples[row], dtype=np.float64)


@pytest.mark.parametrize("rate", [100.0, 200.0, 360.0, 500.0, 1000.0])
def test_every_beat_at_any_rate(rate: float) -> None:
    drawn = draw(DrawnHeart(rr=(700.0, 900.0, 560.0)), rate=rate, seconds=30, noise_mv=0.03, wander_mv=0.3)
    found = qrs_complexes(_lead(drawn), rate)
    assert len(found) == len(drawn.r_peaks)
    assert np.abs(found - np.array(drawn.r_peaks)).max() <= 0.02 * rate


def test_tall_t_waves_are_no_beats() -> None:
    drawn = draw(DrawnHeart(rr=(1000.0,)), seconds=30)
    lead = _lead(drawn, "V2")
    assert len(qrs_complexes(lead, 500.0)) == len(drawn.r_peaks)


def test_a_small_beat_among_large_ones_is_found() -> None:
    drawn = draw(DrawnHeart(rr=(800.0,)), seconds=20)
    lead = _lead(drawn)
    place = drawn.r_peaks[10]
    lead[place - 60 : place + 60] *= 0.3
    assert len(qrs_complexes(lead, 500.0)) == len(drawn.r_peaks)


@pytest.mark.parametrize("scale", [1e-3, 1000.0])
def test_the_unit_does_not_matter(scale: float) -> None:
    lead = _lead(draw(DrawnHeart(), seconds=15, noise_mv=0.02))
    assert np.array_equal(qrs_complexes(lead, 500.0), qrs_complexes(lead * scale, 500.0))


def test_nothing_where_nothing_moves() -> None:
    assert not len(qrs_complexes(np.zeros(5000), 500.0))
    assert not len(qrs_complexes(np.ones(300), 500.0))


def test_a_running_median_of_few() -> None:
    assert running_median(np.array([1.0, 9.0]), 7).tolist() == [5.0, 5.0]
    assert running_median(np.array([1.0, 9.0, 2.0, 3.0, 4.0]), 3).tolist() == [9.0, 2.0, 3.0, 3.0, 3.0]
