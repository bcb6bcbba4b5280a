"""The shipped model of twelve leads (on real recordings it has learned from: its honest figures are on its card)."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.i18n import Language
from desktop.inference import Registry, Subject, TraceModel
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.tasks.trace_findings import features
from desktop.inference.trace_manifest import MAIN_GRAPH
from desktop.jobs import Job
from desktop.learning.ecg_data import read_trace
from desktop.records import AnalysisStatus, Decision
from desktop.settings import model_folder
from tests.inference.traces import heart, recording


@pytest.fixture(scope="module")
def model() -> Iterator[TraceModel[Any]]:
    registry = Registry.load([model_folder()])
    yield registry.trace_model("ecg-12-lead")
    registry.close()


def test_the_golden_trace_holds(model: TraceModel[Any]) -> None:
    result = model.self_test()
    assert result.ok, result
    assert result.max_difference <= 0.001


def test_any_number_of_threads_gives_the_same_answer(model: TraceModel[Any]) -> None:
    graph = model.manifest.graph(MAIN_GRAPH)
    weights = read_weights(model_folder() / model.name, graph.file)
    tensor = features(heart())[0]
    one, two, four = (
        OnnxRunner(weights, graph.input, graph.outputs, threads=threads).run(tensor)["logits"] for threads in (1, 2, 4)
    )
    assert one == pytest.approx(two, abs=1e-5)
    assert one == pytest.approx(four, abs=1e-5)


def test_the_same_trace_gives_the_same_answer_again(model: TraceModel[Any]) -> None:
    first, second = (model.analyse(recording(heart()), Subject(), Job()) for _ in range(2))
    assert first.findings == second.findings
    assert first.provenance.input_sha256 == second.provenance.input_sha256


def test_the_card_and_the_limits_are_there(model: TraceModel[Any]) -> None:
    card = model.card_text()
    assert card.startswith("# ecg-12-lead")
    assert "Not measured yet" not in card
    for language in Language:
        assert len(model.limits(language)) > 80
        assert model.finding_name("atrial_fibrillation", language)


def rows(shared_data: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    folder = shared_data / "ecg" / "ptbxl100"
    with (folder / "ptbxl_database.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield folder / f"{row['filename_lr']}.hea", row


@pytest.mark.data
def test_real_recordings_are_told_apart(model: TraceModel[Any], shared_data: Path) -> None:
    right, asked = 0, 0
    for place, (path, row) in enumerate(rows(shared_data)):
        fibrillates = "AFIB" in row["scp_codes"]
        if place % 48 and not (fibrillates and place % 5 == 0):
            continue
        analysis = model.analyse(recording(read_trace(path)), Subject(), Job())
        assert analysis.status is AnalysisStatus.OK
        found = {finding.key: finding for finding in analysis.findings}
        right += (found["normal_ecg"].probability > 0.5) == ("NORM" in row["superclass"])
        right += (found["atrial_fibrillation"].decision is Decision.LIKELY) == fibrillates
        asked += 2
    assert asked > 20
    assert right >= 0.9 * asked


@pytest.mark.data
def test_the_same_recording_at_500_samples_a_second_gets_nearly_the_same_answer(
    model: TraceModel[Any], shared_data: Path
) -> None:
    examples = sorted((shared_data / "ecg" / "ptbxl500_examples").glob("**/*_hr.hea"))[:4]
    slow = shared_data / "ecg" / "ptbxl100" / "records"
    for path in examples:
        fast, other = (
            np.array([finding.probability for finding in model.answer(read_trace(one), Subject(), Job()).findings])
            for one in (path, slow / path.name.replace("_hr", "_lr"))
        )
        assert np.abs(fast - other).max() < 0.1
