"""From picture to answer: three ways of speaking, refusal, and damage that never becomes a wrong answer."""

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from desktop.errors import Cancelled, ErrorKind, KnownFailure, UserFacingError
from desktop.i18n import Language
from desktop.inference import PictureModel, Registry, Subject, devices, golden
from desktop.inference.manifest import TensorSpec
from desktop.inference.registry import read_picture_model
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.records import AnalysisStatus, Decision, FileHeader, Modality, Photometric, Picture

pytest.importorskip("onnx", reason="needs the package onnx to write graphs")

MakeModel = Callable[..., Path]
ExpectLog = Callable[..., AbstractContextManager[None]]


def film(modality: Modality = Modality.DX) -> Picture:
    pixels = np.rint(golden.lung_phantom() * 255).astype(np.uint8)
    return Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=modality))


def answer(model: PictureModel, subject: Subject) -> tuple[Decision, str]:
    finding = model.analyse(film(), subject, Job()).findings[0]
    return finding.decision, finding.reason


def test_an_answer_carries_what_made_it(make_model: MakeModel) -> None:
    folder = make_model(logit=2.0)
    analysis = read_picture_model(folder).analyse(film(), Subject(3.0), Job())
    finding = analysis.findings[0]
    assert analysis.status is AnalysisStatus.OK
    assert analysis.quality.ok
    assert (finding.key, finding.name, finding.codings[0].code) == ("pneumonia", "Pneumonia", "J18.9")
    assert finding.probability == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert finding.decision is Decision.LIKELY
    assert analysis.provenance.device == "CPU"
    assert analysis.provenance.sha256 == json.loads((folder / "manifest.json").read_text())["weights"]["sha256"]
    assert len(analysis.provenance.input_sha256) == 64
    heat = analysis.activations[0].heat
    assert heat.shape == (2, 2)
    assert heat.dtype == np.float32
    assert float(heat.max()) == 1.0


@pytest.mark.parametrize(
    ("age", "decision", "reason"),
    [
        (3.0, Decision.LIKELY, ""),
        (1.0, Decision.LIKELY, ""),
        (5.99, Decision.LIKELY, ""),
        (0.9, Decision.CANNOT_SAY, "inference.reason.age_outside"),
        (6.0, Decision.CANNOT_SAY, "inference.reason.age_outside"),
        (40.0, Decision.CANNOT_SAY, "inference.reason.age_outside"),
        (None, Decision.CANNOT_SAY, "inference.reason.age_unknown"),
    ],
)
def test_the_age_gate(make_model: MakeModel, age: float | None, decision: Decision, reason: str) -> None:
    assert answer(read_picture_model(make_model(logit=2.0)), Subject(age)) == (decision, reason)


def test_between_the_thresholds_and_far_from_the_training_films(tmp_path: Path, make_model: MakeModel) -> None:
    assert answer(read_picture_model(make_model(logit=0.1)), Subject(3.0)) == (
        Decision.CANNOT_SAY,
        "inference.reason.between",
    )


def test_a_strange_picture_gets_no_decision_but_a_probability(make_model: MakeModel) -> None:
    model = read_picture_model(make_model(logit=3.0, distance=2.5))
    finding = model.analyse(film(), Subject(3.0), Job()).findings[0]
    assert (finding.decision, finding.reason) == (Decision.CANNOT_SAY, "inference.reason.unfamiliar")
    assert finding.probability > 0.9


def test_the_map_covers_what_the_network_saw(make_model: MakeModel) -> None:
    folder = make_model()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["preparation"]["frame_level"] = 0.02
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    inner = np.maximum(film().pixels, 30)
    framed = Picture(np.pad(inner, ((0, 100), (85, 0))), Photometric.MONOCHROME2, film().header)
    analysis = read_picture_model(folder).analyse(framed, Subject(3.0), Job())
    assert analysis.activations[0].box == pytest.approx((85 / 425, 0.0, 1.0, 300 / 400))


def test_a_failed_gate_is_a_refusal_with_its_problem(make_model: MakeModel) -> None:
    analysis = read_picture_model(make_model(gate=(-4.0, 4.0))).analyse(film(), Subject(3.0), Job())
    assert analysis.status is AnalysisStatus.REFUSED
    assert [problem.key for problem in analysis.quality.problems] == ["not_chest"]
    assert (analysis.findings, analysis.activations) == ((), ())
    assert analysis.reason == "inference.reason.quality"


@pytest.mark.parametrize("logit", [float("nan"), float("inf")])
def test_an_answer_that_is_no_number_is_never_shown(make_model: MakeModel, logit: float) -> None:
    folder = make_model(logit=logit, golden=1.0)
    with pytest.raises(KnownFailure) as caught:
        read_picture_model(folder).analyse(film(), Subject(3.0), Job())
    assert caught.value.key == "inference.bad_output"


@pytest.mark.parametrize("file", ["model.onnx", "quality.onnx"])
@pytest.mark.parametrize(
    ("damage", "key"),
    [
        (lambda data: data[:-1], "inference.weights_changed"),
        (lambda data: data[: len(data) // 2], "inference.weights_changed"),
        (lambda data: bytes([data[0] ^ 1]) + data[1:], "inference.weights_changed"),
        (lambda data: data + b"\0", "inference.weights_changed"),
        (None, "inference.weights_missing"),
    ],
)
def test_damaged_weights_are_never_loaded(
    make_model: MakeModel, file: str, damage: Callable[[bytes], bytes] | None, key: str
) -> None:
    folder = make_model()
    path = folder / file
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    model = read_picture_model(folder)
    with pytest.raises(KnownFailure) as caught:
        model.analyse(film(), Subject(3.0), Job())
    assert caught.value.key == key
    result = model.self_test()
    assert (result.ok, result.error) == (False, key)
    assert np.isnan(result.max_difference)


def _resign(folder: Path, file: str, data: bytes) -> None:
    """Put bytes in a graph's place and make the manifest vouch for them."""
    import hashlib

    (folder / file).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    entry = manifest["weights"] if file == "model.onnx" else manifest["quality"]
    entry.update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("data", [b"no graph", b"\x80\x04\x95pickle", b"PK\x03\x04" + b"\0" * 500])
def test_bytes_that_are_no_graph_end_in_a_sentence(make_model: MakeModel, data: bytes) -> None:
    folder = make_model()
    _resign(folder, "model.onnx", data)
    with pytest.raises(KnownFailure) as caught:
        read_picture_model(folder).analyse(film(), Subject(3.0), Job())
    assert caught.value.key == "inference.weights_unusable"


def test_swapped_graphs_do_not_fit_their_description(make_model: MakeModel) -> None:
    folder = make_model()
    _resign(folder, "model.onnx", (folder / "quality.onnx").read_bytes())
    with pytest.raises(KnownFailure) as caught:
        read_picture_model(folder).analyse(film(), Subject(3.0), Job())
    assert caught.value.key == "inference.shapes_differ"


def test_a_linked_weights_file_is_not_followed(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model()
    elsewhere = tmp_path / "elsewhere.onnx"
    (folder / "model.onnx").rename(elsewhere)
    (folder / "model.onnx").symlink_to(elsewhere)
    with pytest.raises(KnownFailure):
        read_weights(folder, read_picture_model(folder).manifest.weights)


def test_the_self_test_holds_and_notices_another_answer(make_model: MakeModel) -> None:
    folder = make_model(logit=1.0)
    assert read_picture_model(folder).self_test().ok
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["golden"]["logits"] = [1.5]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    result = read_picture_model(folder).self_test()
    assert not result.ok
    assert result.max_difference == pytest.approx(0.5, abs=1e-5)


def test_a_picture_has_a_place_among_others_whatever_the_gate_says(make_model: MakeModel) -> None:
    model = read_picture_model(make_model(gate=(-4.0, 4.0)))
    place = model.embed(film(), Job())
    assert model.analyse(film(), Subject(3.0), Job()).status is AnalysisStatus.REFUSED
    assert (place.shape, place.dtype.name) == ((model.embedding_width,), "float32")
    assert place.tolist() == [0.5, 0.5, 0.5]
    stopped = Job()
    stopped.cancel()
    with pytest.raises(Cancelled):
        model.embed(film(), stopped)


def test_cancelling_stops_between_the_stages(make_model: MakeModel) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        read_picture_model(make_model()).analyse(film(), Subject(3.0), job)


def test_the_registry_finds_models_and_sets_damaged_ones_aside(make_model: MakeModel, expected_log: ExpectLog) -> None:
    folder = make_model()
    broken = folder.parent / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_text("{}", encoding="utf-8")
    (folder.parent / "README.md").write_text("no model\n", encoding="utf-8")
    with expected_log("desktop.inference.registry", logging.ERROR):
        registry = Registry.load([folder.parent, folder.parent / "absent"])
    assert registry.names() == ("toy",)
    assert [item.name for item in registry.damaged] == ["broken"]
    assert registry.get("toy").title(Language.CHINESE) == "玩具"
    with pytest.raises(KnownFailure):
        registry.get("broken")
    with pytest.raises(UserFacingError) as caught:
        registry.get("nobody")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    assert [model.name for model in registry.fitting(film())] == ["toy"]
    assert registry.fitting(film(Modality.SC)) == []


def test_a_research_pack_is_asked_only_by_name_or_once_switched_on(make_model: MakeModel) -> None:
    folder = make_model()
    document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    document |= {"research": True, "title": {"en": "Toy (research)", "zh": "玩具（研究）"}}
    (folder / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    registry = Registry.load([folder.parent])
    assert registry.fitting(film()) == []
    assert registry.picture_model("toy").research
    on = Registry([read_picture_model(folder)], switched_on=frozenset({"toy"}))
    assert [model.name for model in on.fitting(film())] == ["toy"]


def test_a_manifest_in_another_models_folder_is_refused(make_model: MakeModel, expected_log: ExpectLog) -> None:
    folder = make_model()
    folder.rename(folder.parent / "impostor")
    with expected_log("desktop.inference.registry", logging.ERROR):
        registry = Registry.load([folder.parent])
    assert (registry.names(), registry.damaged[0].name) == ((), "impostor")


def test_loading_a_registry_does_not_load_the_runtime(make_model: MakeModel) -> None:
    import subprocess
    import sys

    folder = make_model().parent
    script = (
        "import sys, pathlib; from desktop.inference import Registry;"
        f"r = Registry.load([pathlib.Path({str(folder)!r})]);"
        "loaded = {'onnxruntime', 'torch', 'PIL', 'onnx', 'PySide6'} & set(sys.modules);"
        "sys.exit(f'{r.names()} {loaded}' if loaded or not r.names() else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class FailingSession:
    """A session on a processor that vanished."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider"]

    def run(self, names: object, feed: object, options: object) -> object:
        raise self.error


def test_a_gpu_that_vanishes_is_replaced_by_the_cpu(make_model: MakeModel, expected_log: ExpectLog) -> None:
    folder = make_model(logit=2.0)
    manifest = read_picture_model(folder).manifest
    runner = OnnxRunner(read_weights(folder, manifest.weights), manifest.input, (manifest.logits,))
    runner._session = FailingSession(RuntimeError("device lost"))
    assert runner.device == "GPU (CUDA)"
    tensor = np.zeros((1, 1, 16, 16), np.float32)
    with expected_log("desktop.inference.runner_onnx", logging.WARNING):
        assert float(runner.run(tensor)["logits"][0]) == pytest.approx(2.0)
    assert runner.device == "CPU"


def test_processors_are_ranked_and_the_cpu_is_always_there() -> None:
    assert devices.ranked(["CPUExecutionProvider", "AzureExecutionProvider"]) == ("CPUExecutionProvider",)
    assert devices.ranked(["CPUExecutionProvider", "DmlExecutionProvider", "CUDAExecutionProvider"]) == (
        "CUDAExecutionProvider",
        "DmlExecutionProvider",
        "CPUExecutionProvider",
    )
    assert devices.providers()[-1] == "CPUExecutionProvider"


def test_a_shape_lie_is_found_when_the_graph_is_loaded(make_model: MakeModel) -> None:
    folder = make_model()
    manifest = read_picture_model(folder).manifest
    with pytest.raises(KnownFailure) as caught:
        OnnxRunner(read_weights(folder, manifest.weights), manifest.input, (TensorSpec("logits", (7,)),))
    assert caught.value.key == "inference.shapes_differ"
