"""Twelve leads measured: what was drawn is found again, whatever the recorder's rate and unit."""

import math
from dataclasses import replace

import numpy as np
import pytest

from desktop.records import Lead
from desktop.signals.synthetic import DrawnHeart, draw
from desktop.signals.twelve import RATE, ready_twelve
from desktop.signals.twelve_features import COUNT, NAMES, measure_twelve

HEART = DrawnHeart(rr=(780.0, 800.0, 820.0))


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    return measure_twelve(ready_twelve(draw(HEART).trace))


def test_what_was_drawn_is_measured(measured: dict[str, float]) -> None:
    assert tuple(measured) == NAMES
    assert COUNT == 335
    assert measured["rate"] == pytest.approx(75.0, abs=1.5)
    assert measured["qrs"] == pytest.approx(90.0, abs=16.0)
    assert measured["pr"] == pytest.approx(160.0, abs=20.0)
    assert measured["qt"] == pytest.approx(380.0, abs=20.0)
    assert measured["p_seen"] == 1.0
    assert measured["V5.r"] == pytest.approx(1.30, abs=0.25)
    assert measured["V2.s"] == pytest.approx(-1.25, abs=0.3)
    assert measured["V3.t"] == pytest.approx(0.50, abs=0.08)
    assert measured["sokolow"] == pytest.approx(1.25 + 1.30, abs=0.4)
    assert measured["II.st_40"] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("rate", [100.0, 257.0, 1000.0])
def test_the_recorders_rate_hardly_matters(measured: dict[str, float], rate: float) -> None:
    other = measure_twelve(ready_twelve(draw(HEART, rate=rate).trace))
    for name in ("V5.r", "V1.s", "V4.t", "I.qrs_range", "sokolow", "aVL.r"):
        assert other[name] == pytest.approx(measured[name], abs=0.2), name
    for name in ("qrs", "qt", "pr"):
        assert other[name] == pytest.approx(measured[name], abs=15.0), name


def test_fibrillation_looks_uneven_and_has_no_wave_before_the_beats() -> None:
    heart = DrawnHeart(rr=(520.0, 810.0, 640.0, 930.0, 580.0, 700.0, 1010.0), qt=340.0, p_wave=False)
    found = measure_twelve(ready_twelve(draw(heart, noise_mv=0.01).trace))
    assert found["rr_spread"] > 0.15
    assert found["p_seen"] == 0.0


def test_numbers_without_a_unit_are_measured_and_said_to_be_no_millivolts() -> None:
    trace = draw(HEART).trace
    bare = replace(trace, samples=trace.samples * 2000, leads=tuple(Lead(lead.name, "") for lead in trace.leads))
    twelve = ready_twelve(bare)
    assert not twelve.calibrated
    assert ready_twelve(trace).calibrated
    assert measure_twelve(twelve)["qrs"] == pytest.approx(90.0, abs=16.0)


def test_a_silent_lead_has_no_numbers_and_the_others_have() -> None:
    trace = draw(HEART).trace
    samples = trace.samples.copy()
    samples[trace.row("V3")] = np.nan
    twelve = ready_twelve(replace(trace, samples=samples))
    found = measure_twelve(twelve)
    assert twelve.silent.tolist() == [name == "V3" for name in (lead.name for lead in trace.leads)]
    assert math.isnan(found["V3.r"])
    assert found["V5.r"] == pytest.approx(1.30, abs=0.25)
    assert math.isfinite(found["rate"])


def test_where_no_beats_are_alike_nothing_is_made_up() -> None:
    trace = draw(HEART).trace
    noise = np.random.default_rng(1).normal(0.0, 0.4, trace.samples.shape).astype(np.float32)
    found = measure_twelve(ready_twelve(replace(trace, samples=noise)))
    assert math.isnan(found["V5.r"])
    assert math.isnan(found["qrs"])
    assert math.isnan(found["sokolow"])


def test_only_the_first_minute_is_looked_at() -> None:
    twelve = ready_twelve(draw(HEART, rate=100.0, seconds=80.0).trace)
    assert twelve.rows.shape == (12, 60 * RATE)
