"""One lead or more in; one of four rhythms, every beat and the episodes out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.inference import Registry, Subject
from desktop.inference.fields import ManifestError
from desktop.inference.manifest import document_of
from desktop.inference.registry import parse_manifest, read_trace_model
from desktop.inference.rhythm_lead import SILENT, ready_lead, silent_share
from desktop.inference.rhythm_reading import (
    BeatLimits,
    Rhythm,
    episodes_of,
    kinds_of,
    rhythm_of,
    shares_of,
)
from desktop.inference.rhythm_runs import NAMES as RUN_NAMES
from desktop.inference.rhythm_runs import run_numbers, told_alike
from desktop.inference.rhythm_strips import FEATURES, SAMPLES, strip_times, strips
from desktop.inference.tasks.rhythm import NO_CONTACT, TASK, best_lead, findings
from desktop.jobs import Job
from desktop.records import AnalysisStatus, BeatKind, Decision
from desktop.signals.synthetic import DrawnHeart, draw
from tests.inference.rhythms import write_rhythm_model
from tests.inference.traces import heart, only, recording

LIMITS = BeatLimits(0.5, 0.5, 0.9)


def test_probabilities_sum_to_one_and_one_finding_at_most_is_likely(tmp_path: Path) -> None:
    model = read_trace_model(write_rhythm_model(tmp_path, strips=(1.0, 0.9, 0.0, 0.0)))
    found = model.analyse(recording(only(heart(), "II")), Subject(), Job())
    assert found.status is AnalysisStatus.OK
    assert sum(finding.probability for finding in found.findings) == pytest.approx(1.0)
    assert [finding.decision for finding in found.findings] == [
        Decision.LIKELY,
        Decision.CANNOT_SAY,
        Decision.UNLIKELY,
        Decision.UNLIKELY,
    ]
    assert model.self_test().ok


def test_the_most_probable_rhythm_is_never_unlikely(tmp_path: Path) -> None:
    document = json.loads((write_rhythm_model(tmp_path) / "manifest.json").read_text())
    for finding in document["findings"]:
        finding["thresholds"] |= {"positive": 0.9, "negative": 0.95}
    manifest = TASK.read(document_of(json.dumps(document).encode()))
    decisions = [finding.decision for finding in findings(manifest, np.array([0.6, 0.2, 0.1, 0.1]))]
    assert decisions == [Decision.CANNOT_SAY, *[Decision.UNLIKELY] * 3]


@pytest.mark.parametrize("rate", [100.0, 300.0, 500.0])
def test_beats_are_samples_at_the_records_own_rate(tmp_path: Path, rate: float) -> None:
    model = read_trace_model(write_rhythm_model(tmp_path))
    drawn = draw(DrawnHeart(), rate=rate, seconds=20)
    found = model.analyse(recording(only(drawn.trace, "II")), Subject(), Job())
    samples = np.array([beat.sample for beat in found.beats])
    assert np.abs(samples - np.array(drawn.r_peaks)).max() <= 0.02 * rate
    assert {beat.kind for beat in found.beats} == {BeatKind.NORMAL}


def test_fibrillation_is_an_episode_of_the_whole_record(tmp_path: Path) -> None:
    model = read_trace_model(write_rhythm_model(tmp_path, strips=(0.0, 4.0, 0.0, 0.0)))
    trace = only(heart(seconds=20), "I")
    found = model.analyse(recording(trace), Subject(), Job())
    assert [(one.key, one.start, one.end) for one in found.episodes] == [("atrial_fibrillation", 0, trace.length)]


def test_refused_only_where_nothing_can_be_read(tmp_path: Path) -> None:
    model = read_trace_model(write_rhythm_model(tmp_path))
    short = model.analyse(recording(only(heart(seconds=4.5), "II")), Subject(), Job())
    flat = only(heart(), "II")
    still = model.analyse(recording(replace(flat, samples=np.zeros_like(flat.samples))), Subject(), Job())
    noise = np.random.default_rng(1).normal(0.0, 0.4, flat.samples.shape).astype(np.float32)
    poor = model.analyse(recording(replace(flat, samples=noise)), Subject(), Job())
    assert short.status is still.status is AnalysisStatus.REFUSED
    assert poor.status is AnalysisStatus.OK
    assert len(poor.findings) == 4


def test_a_single_lead_goes_to_this_model_by_itself(tmp_path: Path) -> None:
    write_rhythm_model(tmp_path)
    registry = Registry.load([tmp_path])
    assert [model.name for model in registry.fitting_trace(recording(only(heart(), "II")))] == ["toy-rhythm"]


def test_a_good_lead_two_is_read_and_a_bad_one_is_not() -> None:
    trace = only(heart(), "V1", "II", "I")
    assert trace.leads[best_lead(trace)].name == "II"
    spoilt = trace.samples.copy()
    spoilt[1] = np.random.default_rng(2).normal(0.0, 0.5, spoilt.shape[1])
    assert trace.leads[best_lead(replace(trace, samples=spoilt))].name == "I"


def test_a_manifest_without_the_graph_of_beats_is_none(tmp_path: Path) -> None:
    document = json.loads((write_rhythm_model(tmp_path) / "manifest.json").read_text())
    for member, value in (("graphs", []), ("beats", {"ventricular_at": 2.0})):
        with pytest.raises(ManifestError):
            parse_manifest(json.dumps({**document, member: value}).encode())


def test_strips_cover_the_record() -> None:
    assert strip_times(9.0) == strip_times(30.0) == [0.0]
    assert strip_times(61.0)[-1] == 31.0
    assert max(np.diff(strip_times(1800.0))) <= 10.0
    _, made = strips(ready_lead(only(heart(seconds=12), "II").samples[0].astype(float), 500.0))
    assert made.shape == (1, 3, SAMPLES)
    assert not made[0, :2, 1200:].any()
    assert made[0, 2, FEATURES - 1] == pytest.approx(0.4)


def test_a_minute_of_fibrillation_is_the_finding_of_half_an_hour() -> None:
    begins = strip_times(1800.0)
    said = np.tile([0.97, 0.01, 0.01, 0.01], (len(begins), 1))
    attack = [place for place, begin in enumerate(begins) if 600 <= begin <= 720]
    said[attack] = [0.01, 0.97, 0.01, 0.01]
    rhythm = rhythm_of(begins, said, 1800.0)
    assert rhythm.probabilities.sum() == pytest.approx(1.0)
    assert rhythm.probabilities.argmax() == 1
    (episode,) = episodes_of(rhythm, 250.0, 450_000)
    assert 600 <= episode.start / 250 <= 620
    assert 720 <= episode.end / 250 <= 750


def test_early_beats_need_more_in_fibrillation_and_nothing_probable_is_unsure() -> None:
    lead = ready_lead(only(heart(), "II").samples[0].astype(float), 500.0)
    count = len(lead.beats)
    calm, wild = (Rhythm(np.ones(4) / 4, np.tile(row, (10, 1))) for row in ([1.0, 0, 0, 0], [0, 1.0, 0, 0]))
    early = np.tile([0.0, 1.0, -3.0, -3.0], (count, 1))
    assert set(kinds_of(shares_of(lead, early, calm), LIMITS)) == {1}
    assert set(kinds_of(shares_of(lead, early, wild), LIMITS)) == {0}
    assert set(kinds_of(shares_of(lead, np.tile([0.1, 0.0, 0.1, 0.0], (count, 1)), calm), LIMITS)) == {-1}
    assert set(kinds_of(shares_of(lead, np.tile([0.0, 0.0, 4.0, 0.0], (count, 1)), calm), LIMITS)) == {2}


def times(*intervals: float) -> np.ndarray:
    return np.concatenate([[1.0], 1.0 + np.cumsum(intervals)])


def test_a_run_begins_with_a_step_and_a_sinus_node_that_speeds_up_has_none() -> None:
    step = dict(zip(RUN_NAMES, run_numbers(times(*[0.8] * 20, *[0.5] * 15, *[0.8] * 20)), strict=True))
    slope = dict(zip(RUN_NAMES, run_numbers(times(*np.linspace(0.8, 0.5, 60))), strict=True))
    run = slice(21, 36)
    assert step["run_depth"][run] == pytest.approx(np.log(0.8 / 0.5))
    assert step["run_length"][run] == pytest.approx(np.log1p(15))
    assert step["run_end"][run] == pytest.approx(np.log(0.8 / 0.5))
    assert np.expm1(step["run_place"][[21, 35]]) == pytest.approx([1, 15])
    assert not any(column[:21].any() or column[36:].any() for column in step.values())
    assert not any(column[1:].any() for column in slope.values())


def test_beats_that_come_alike_are_what_most_of_them_are_said_to_be() -> None:
    when = times(*[0.8] * 20, 0.5, 1.1, *[0.8] * 20)
    said = np.full(len(when), -2.0)
    said[[5, 21]] = 3.0
    told = told_alike(when, said)
    assert told[5] < -0.5
    assert told[21] == 3.0
    assert np.allclose(told_alike(when, np.full(len(when), 1.5)), 1.5)
    assert told_alike(when[:2], said[:2]).tolist() == [-2.0, -2.0]


def test_a_gap_in_contact_is_no_pause_of_the_heart(tmp_path: Path) -> None:
    """Whatever the graph says of it: the probabilities stay, and nothing is decided."""
    model = read_trace_model(write_rhythm_model(tmp_path, strips=(0.0, 0.0, 9.0, 0.0)))
    trace = only(heart(), "II")
    lost = slice(round(3 * trace.rate), round(5 * trace.rate))
    gap, missing = trace.samples.copy(), trace.samples.copy()
    gap[:, lost] = gap[:, lost.start][:, None]
    missing[:, lost] = np.nan
    whole, silent, unrecorded = (
        model.analyse(recording(replace(trace, samples=samples)), Subject(), Job())
        for samples in (trace.samples, gap, missing)
    )
    assert any(one.decision is Decision.LIKELY for one in whole.findings)
    for one in (silent, unrecorded):
        assert one.status is AnalysisStatus.OK
        assert {finding.decision for finding in one.findings} == {Decision.CANNOT_SAY}
        assert {finding.reason for finding in one.findings} == {NO_CONTACT}
        assert sum(finding.probability for finding in one.findings) == pytest.approx(1.0)


@pytest.mark.parametrize(("flat", "share"), [(99, 0.0), (100, 0.1), (1000, 1.0)])
def test_contact_is_lost_where_nothing_moves_for_a_second(flat: int, share: float) -> None:
    wave = np.sin(np.arange(1000.0))
    wave[:flat] = 0.25
    assert silent_share(wave, 100.0) == pytest.approx(share)
    assert 0.0 < SILENT < 0.1
