"""Measuring: drawn hearts whose intervals are known, a real heart whose recorder measured it, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.intake.ecg import read_trace_file
from desktop.jobs import Job
from desktop.records import STANDARD_LEADS, Lead, Trace
from desktop.signals.filters import FilterSetting, applied
from desktop.signals.leads import LeadState, lead_qualities, with_calculated_limb_leads
from desktop.signals.measure import measure_ecg
from desktop.signals.paper import PIXELS, paper_page
from desktop.signals.synthetic import DrawnHeart, draw

HEARTS = (
    DrawnHeart(),
    DrawnHeart(rr=(700,), pr=120, qrs=80, qt=340),
    DrawnHeart(rr=(1000,), pr=200, qrs=100, qt=420),
    DrawnHeart(rr=(900,), pr=240, qrs=120, qt=400),
    DrawnHeart(rr=(1000,), pr=160, qrs=140, qt=460),
    DrawnHeart(rr=(550,), pr=140, qrs=70, qt=300),
)


def changed(trace: Trace, row: int, values: np.ndarray[tuple[int], np.dtype[np.float32]] | float) -> Trace:
    """A trace whose lead holds something else."""
    samples = trace.samples.copy()
    samples[row] = values
    return replace(trace, samples=samples)


@pytest.mark.parametrize("heart", HEARTS)
@pytest.mark.parametrize("rate", [250.0, 500.0, 1000.0])
def test_known_intervals_are_found(heart: DrawnHeart, rate: float) -> None:
    """Drawn traces; the bounds are three times the errors that `bench -k ecg` prints."""
    drawn = draw(heart, rate=rate, noise_mv=0.01, wander_mv=0.1, mains_mv=0.05)
    found = measure_ecg(drawn.trace)
    assert len(found.r_peaks) == len(drawn.r_peaks)
    assert np.abs(np.array(found.r_peaks) - np.array(drawn.r_peaks)).max() <= 0.008 * rate
    assert found.rate.value == pytest.approx(60_000 / heart.rr[0], rel=0.005)
    assert found.pr.value == pytest.approx(heart.pr, abs=12)
    assert found.qrs.value == pytest.approx(heart.qrs, abs=10)
    assert found.qt.value == pytest.approx(heart.qt, abs=14)


def test_qtc_follows_its_formulas() -> None:
    found = measure_ecg(draw(DrawnHeart(rr=(640,), qt=330)).trace)
    assert found.qt.value is not None
    assert found.qtc_bazett.value == pytest.approx(found.qt.value / 0.64**0.5, rel=0.005)
    assert found.qtc_fridericia.value == pytest.approx(found.qt.value / 0.64 ** (1 / 3), rel=0.005)


def test_bad_leads_are_left_out_and_change_nothing() -> None:
    trace = draw(DrawnHeart(), noise_mv=0.01).trace
    dice = np.random.default_rng(3)
    spoilt = changed(trace, 0, 0.0)
    spoilt = changed(spoilt, 7, dice.normal(0, 1, trace.length).astype(np.float32))
    spoilt = changed(spoilt, 8, np.nan)
    spoilt = changed(spoilt, 9, np.clip(trace.samples[9] * 8, -1, 1))
    states = {quality.name: quality.state for quality in lead_qualities(spoilt)}
    assert (states["I"], states["V2"], states["V3"]) == (LeadState.FLAT, LeadState.NOISY, LeadState.MISSING)
    found = measure_ecg(spoilt)
    assert found.pr.value == pytest.approx(160, abs=12)
    assert found.qt.value == pytest.approx(380, abs=12)


def test_without_p_waves_pr_is_refused_and_the_rest_measured() -> None:
    found = measure_ecg(draw(DrawnHeart(p_wave=False, rr=(620, 910, 730, 1080)), noise_mv=0.02).trace)
    assert (found.pr.value, found.pr.reason) == (None, "ecg.cannot.no_p_wave")
    assert found.qrs.value == pytest.approx(90, abs=10)
    assert found.rr_spread is not None
    assert found.rr_spread > 0.15


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        (Trace(np.zeros((1, 5000), np.float32), 500.0, (Lead("II", "mV"),)), "ecg.cannot.bad_leads"),
        (
            Trace(np.random.default_rng(0).normal(0, 1, (1, 5000)).astype(np.float32), 500.0, (Lead("II", "mV"),)),
            "ecg.cannot.bad_leads",
        ),
        (Trace(np.ones((1, 5000), np.float32), 500.0, (Lead("PLETH", "NU"),)), "ecg.cannot.no_ecg_lead"),
        (draw(DrawnHeart(), rate=60.0).trace, "ecg.cannot.slow_sampling"),
        (draw(DrawnHeart(), seconds=1.5).trace, "ecg.cannot.too_short"),
        (replace(draw(DrawnHeart()).trace, derived=True), "ecg.cannot.derived"),
    ],
)
def test_what_cannot_be_measured_is_said(trace: Trace, reason: str) -> None:
    found = measure_ecg(trace)
    assert [found.qt.value, found.pr.value, found.qrs.value, found.qtc_bazett.value] == [None] * 4
    assert found.qt.reason == reason


def test_a_flat_t_wave_gives_no_qt() -> None:
    trace = draw(DrawnHeart(), noise_mv=0.02).trace
    when = np.arange(trace.length) / trace.rate * 1000
    onset = np.array(draw(DrawnHeart()).onsets) / trace.rate * 1000
    in_t = np.any([(when > at + 100) & (when < at + 420) for at in onset], axis=0)
    flat = replace(trace, samples=np.where(in_t, trace.samples * 0.05, trace.samples).astype(np.float32))
    found = measure_ecg(flat)
    assert found.qt.value is None
    assert found.qt.reason.startswith("ecg.cannot.t_")


def test_limb_leads_follow_from_two() -> None:
    whole = draw(DrawnHeart()).trace
    eight = [0, 1, *range(6, 12)]
    part = replace(whole, samples=whole.samples[eight], leads=tuple(whole.leads[row] for row in eight))
    complete, added = with_calculated_limb_leads(part)
    assert added == ("III", "aVR", "aVL", "aVF")
    assert tuple(lead.name for lead in complete.leads) == STANDARD_LEADS
    assert np.abs(complete.samples - whole.samples).max() < 1e-6


def test_filters_leave_waves_where_they_are() -> None:
    clean = draw(DrawnHeart()).trace
    noisy = draw(DrawnHeart(), mains_mv=0.3, wander_mv=0.5).trace
    filtered = applied(noisy, FilterSetting(0.5, 40.0, 50.0))
    lead = slice(1, 2)
    middle = slice(1000, -1000)
    wanted = applied(clean, FilterSetting(0.5, 40.0, 50.0))
    assert np.abs(wanted - noisy.samples)[lead, middle].max() > 0.5
    assert np.abs(wanted - filtered)[lead, middle].max() < 0.15, (
        "a fifth of the slow wave is left, nothing of the mains"
    )
    assert abs(int(filtered[1, 100:400].argmax()) - int(clean.samples[1, 100:400].argmax())) <= 1
    gap = changed(noisy, 1, np.where(np.arange(noisy.length) < 100, np.nan, noisy.samples[1]).astype(np.float32))
    assert np.isnan(applied(gap, FilterSetting(0.5, 40.0))[1, :100]).all()


def test_the_paper_page_is_true_to_its_squares() -> None:
    page = paper_page(draw(DrawnHeart()).trace)
    assert page.shape == (4 * 28 * PIXELS, 259 * PIXELS)
    pulse = np.flatnonzero(page[: 28 * PIXELS, 4 * PIXELS] < 60)
    base = round(0.55 * 28 * PIXELS)
    assert abs(int(pulse.min()) - (base - 10 * PIXELS)) <= 2, "1 mV is 10 mm high"


@pytest.mark.data
def test_a_real_heart_is_measured_as_its_recorder_measured_it(shared_data: Path) -> None:
    """One resting electrocardiogram with the recorder's own values: PR 161, QRS 75, QT 368 ms, RR 982."""
    path = shared_data / "dicom_conformance" / "files" / "pydicom__waveform_ecg.dcm"
    recording = read_trace_file(path, Job()).recording
    said = {one.name: float(one.value) for one in recording.statements if one.name}
    found = measure_ecg(recording.main)
    assert found.pr.value == pytest.approx(said["PR Interval"], abs=10)
    assert found.qrs.value == pytest.approx(said["QRS Duration"], abs=10)
    assert found.qt.value == pytest.approx(said["QT Interval"], abs=10)
    assert found.rate.value == pytest.approx(60_000 / said["RR Interval"], rel=0.01)
