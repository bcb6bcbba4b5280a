"""A recording in, findings out; what is no recording for the model is refused in words, and no answer is made up."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.errors import Cancelled, KnownFailure, UserFacingError
from desktop.inference import Registry, Subject, TraceModel
from desktop.inference.fields import ManifestError
from desktop.inference.registry import parse_manifest, read_trace_model
from desktop.inference.tasks.trace_findings import AGE_OUTSIDE, NO_SIZE, SILENT_LEADS, UNCLEAR, UNFAMILIAR
from desktop.inference.trace_model import FLAT, LEADS_MISSING, SLOW_SAMPLING, TOO_LONG, TOO_SHORT
from desktop.jobs import Job
from desktop.records import STANDARD_LEADS, Analysis, AnalysisStatus, Decision, Trace
from desktop.settings import model_folder
from tests.inference.traces import document, graph, heart, only, recording, write_trace_model

LIKELY, UNLIKELY, CANNOT_SAY = Decision.LIKELY, Decision.UNLIKELY, Decision.CANNOT_SAY


@pytest.fixture
def toy(tmp_path: Path) -> TraceModel[Any]:
    return read_trace_model(write_trace_model(tmp_path))


def ask(model: TraceModel[Any], trace: Trace, subject: Subject | None = None) -> Analysis:
    return model.analyse(recording(trace), subject or Subject(), Job())


def with_row(trace: Trace, name: str, values: float) -> Trace:
    samples = trace.samples.copy()
    samples[trace.row(name)] = values
    return replace(trace, samples=samples)


def test_it_answers_without_knowing_age_or_sex(toy: TraceModel[Any]) -> None:
    analysis = ask(toy, heart())
    assert analysis.status is AnalysisStatus.OK
    assert analysis.quality.ok
    assert [finding.decision for finding in analysis.findings] == [LIKELY, UNLIKELY]
    assert analysis.findings[0].probability == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert analysis.provenance.model == "toy-traces"
    assert len(analysis.provenance.input_sha256) == 64
    assert (analysis.beats, analysis.episodes) == ((), ())


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: heart(seconds=4.9), TOO_SHORT),
        (lambda: heart(seconds=61.0, rate=100.0), TOO_LONG),
        (lambda: heart(rate=90.0), SLOW_SAMPLING),
        (lambda: replace(heart(), samples=np.zeros((12, 5000), np.float32)), FLAT),
        (lambda: replace(heart(), samples=np.full((12, 5000), np.nan, np.float32)), FLAT),
        (lambda: only(heart(), "II"), LEADS_MISSING),
        (lambda: only(heart(), *STANDARD_LEADS[:-1]), LEADS_MISSING),
        (lambda: replace(heart(), derived=True), LEADS_MISSING),
    ],
)
def test_what_it_cannot_read_is_refused(toy: TraceModel[Any], made: Callable[[], Trace], problem: str) -> None:
    analysis = ask(toy, made())
    assert analysis.status is AnalysisStatus.REFUSED
    assert [one.key for one in analysis.quality.problems] == [problem]
    assert analysis.findings == ()
    assert analysis.reason == "inference.reason.trace"


@pytest.mark.parametrize(
    "made",
    [
        lambda: heart(seconds=5.0),
        lambda: heart(rate=100.0),
        lambda: heart(noise_mv=0.3),
        lambda: only(heart(), "I", "II", "V1", "V2", "V3", "V4", "V5", "V6"),
        lambda: only(heart(), *reversed(STANDARD_LEADS)),
    ],
)
def test_a_poor_or_odd_recording_is_answered(toy: TraceModel[Any], made: Callable[[], Trace]) -> None:
    analysis = ask(toy, made())
    assert analysis.status is AnalysisStatus.OK
    assert [finding.key for finding in analysis.findings] == ["finding_0", "finding_1"]


@pytest.mark.parametrize(
    ("made", "subject", "reason"),
    [
        (lambda: with_row(heart(), "V3", 0.0), Subject(), SILENT_LEADS),
        (lambda: replace(heart(), leads=tuple(replace(lead, unit="") for lead in heart().leads)), Subject(), NO_SIZE),
        (lambda: replace(heart(), samples=noise()), Subject(), UNCLEAR),
        (heart, Subject(age_years=9.0), AGE_OUTSIDE),
    ],
)
def test_what_it_must_not_decide_on_gets_a_probability_only(
    toy: TraceModel[Any], made: Callable[[], Trace], subject: Subject, reason: str
) -> None:
    analysis = ask(toy, made(), subject)
    assert analysis.status is AnalysisStatus.OK
    assert {(finding.decision, finding.reason) for finding in analysis.findings} == {(CANNOT_SAY, reason)}


def noise() -> Any:
    return np.random.default_rng(1).normal(0.0, 0.4, (12, 5000)).astype(np.float32)


def test_far_from_what_it_learned_from_nothing_is_decided(tmp_path: Path) -> None:
    analysis = ask(read_trace_model(write_trace_model(tmp_path, distance=2.5)), heart())
    assert {finding.reason for finding in analysis.findings} == {UNFAMILIAR}


def test_it_can_be_cancelled(toy: TraceModel[Any]) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        toy.analyse(recording(heart()), Subject(), job)


def test_the_golden_trace_is_asked_and_compared(tmp_path: Path) -> None:
    folder = write_trace_model(tmp_path)
    assert read_trace_model(folder).self_test().ok
    written = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    written["golden"]["evidence"][0] += 0.5
    (folder / "manifest.json").write_text(json.dumps(written), encoding="utf-8")
    result = read_trace_model(folder).self_test()
    assert (result.ok, result.error) == (False, "inference.golden_differs")
    assert result.max_difference == pytest.approx(0.5)


def test_changed_weights_are_not_used(tmp_path: Path) -> None:
    folder = write_trace_model(tmp_path)
    (folder / "model.onnx").write_bytes(b"\0" * (folder / "model.onnx").stat().st_size)
    with pytest.raises(KnownFailure) as caught:
        ask(read_trace_model(folder), heart())
    assert caught.value.key == "inference.weights_changed"


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("applicability", "leads"), "any", "applicability.leads"),
        (("applicability", "leads"), "three", "applicability.leads"),
        (("applicability", "longest_seconds"), 1, "applicability.longest_seconds"),
        (("network_data_format", "inputs", "features", "shape"), [3], "network_data_format.inputs"),
        (("network_data_format", "outputs", "logits", "shape"), [3], "network_data_format.outputs"),
        (("network_data_format", "inputs"), {}, "network_data_format.inputs"),
        (("golden", "evidence"), [1.0], "golden.evidence"),
        (("golden", "evidence"), [], "golden.evidence"),
        (("preparation", "rate_hz"), 0, "preparation.rate_hz"),
        (("out_of_distribution", "limit"), None, "out_of_distribution.limit"),
    ],
)
def test_a_manifest_that_does_not_hold_is_named_by_its_place(path: tuple[str, ...], value: Any, where: str) -> None:
    data = graph([2.0, -2.0], 1.0)
    written = document(data, [2.0, -2.0], 1.0)
    place: Any = written
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ManifestError) as caught:
        parse_manifest(json.dumps(written).encode())
    assert caught.value.where == where


@pytest.mark.parametrize(("member", "name"), [("preparation", "method"), ("golden", "trace")])
def test_what_a_later_release_prepares_otherwise_is_not_used(tmp_path: Path, member: str, name: str) -> None:
    folder = write_trace_model(tmp_path)
    written = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    written[member][name] = "something-new/7"
    (folder / "manifest.json").write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(KnownFailure) as caught:
        read_trace_model(folder)
    assert caught.value.key == "inference.model_too_new"


def test_the_schema_asks_for_the_members_the_reader_asks_for() -> None:
    schema = json.loads((model_folder() / "manifest.schema.json").read_text(encoding="utf-8"))
    written = document(b"x", [2.0], 1.0)
    (own,) = (rule["then"] for rule in schema["allOf"] if rule["if"]["properties"]["task"]["const"] == written["task"])
    assert {*schema["required"], *own["required"]} == set(written)


def test_leads_decide_which_model_is_asked(tmp_path: Path) -> None:
    write_trace_model(tmp_path)
    registry = Registry.load([tmp_path])
    assert [model.name for model in registry.fitting_trace(recording(heart()))] == ["toy-traces"]
    assert registry.fitting_trace(recording(only(heart(), "II"))) == []
    for refuse in (registry.picture_model, registry.table_model):
        with pytest.raises(UserFacingError) as caught:
            refuse("toy-traces")
        assert caught.value.key in ("inference.not_for_pictures", "inference.not_for_tables")
    with pytest.raises(UserFacingError) as caught:
        Registry.load([model_folder()]).trace_model("risk-diabetes")
    assert caught.value.key == "inference.not_for_traces"
