"""torch.export programs: run in a process of their own, and nothing in them is ever executed by Python."""

import gc
import hashlib
import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.errors import KnownFailure
from desktop.inference.manifest import TensorSpec
from desktop.inference.runner_torch import TorchRunner
from desktop.inference.torch_program import checked_program
from desktop.inference.torch_worker import answer
from desktop.inference.trial import try_out

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

SIDE = 16
IMAGE = TensorSpec("image", (1, SIDE, SIDE))
OUTPUTS = (TensorSpec("logits", (2,)), TensorSpec("activation", (1, 4, 4)))
WEIGHTS, SAMPLES = "archive/data/weights/weight_0", "archive/data/sample_inputs/model.pt"
MODEL = "archive/models/model.json"


def program(forward: Callable[[Any, Any], Any]) -> bytes:
    """A small network's program for any number of pictures, as torch.export saves it, with its sample inputs."""

    class Net(torch.nn.Module):  # type: ignore[misc,name-defined]  # torch is imported when the test runs
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.see = torch.nn.Conv2d(1, 4, 3, padding=1)
            self.say = torch.nn.Linear(4, 2)

        def forward(self, image: Any) -> Any:
            return forward(self, image)

    some = {"image": {0: torch.export.Dim("pictures", min=1, max=64)}}
    exported = torch.export.export(Net().eval(), (torch.zeros(2, 1, SIDE, SIDE),), dynamic_shapes=some)
    buffer = io.BytesIO()
    torch.export.save(exported, buffer)
    return buffer.getvalue()


def named(net: Any, image: Any) -> dict[str, Any]:
    seen = torch.relu(net.see(image))
    return {"activation": seen.amax(1, keepdim=True)[:, :, ::4, ::4], "logits": net.say(seen.mean((2, 3)))}


@pytest.fixture(scope="module")
def sound() -> bytes:
    return program(named)


@pytest.fixture(scope="module")
def runner(sound: bytes) -> Iterator[TorchRunner]:
    made = TorchRunner(sound, IMAGE, OUTPUTS, threads=1)
    yield made
    made._end()


def changed(data: bytes, **members: bytes | None) -> bytes:
    """With other members, or without some."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(made, "w") as out:
        kept = {one.filename: archive.read(one) for one in archive.infolist()} | members
        for name, content in kept.items():
            if content is not None:
                out.writestr(name, content)
    return made.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(KnownFailure) as caught:
        checked_program(data)
    return caught.value.key


def test_it_answers_as_the_network_does(sound: bytes, runner: TorchRunner) -> None:
    pictures = np.random.default_rng(3).normal(size=(3, 1, SIDE, SIDE)).astype(np.float32)
    said = runner.run_many(pictures)
    wanted = torch.export.load(io.BytesIO(sound)).module()(torch.from_numpy(pictures))
    for spec in OUTPUTS:
        assert said[spec.name].shape == (3, *spec.shape)
        assert np.allclose(said[spec.name], wanted[spec.name].detach().numpy(), atol=1e-5)
    one = runner.run(pictures[1:2])
    assert np.allclose(one["logits"], said["logits"][1], atol=1e-5)
    assert runner.device == "CPU"


def test_what_goes_wrong_once_does_not_end_it(runner: TorchRunner) -> None:
    with pytest.raises(KnownFailure, match="run_failed"):
        runner.run_many(np.zeros((1, 3, SIDE, SIDE), np.float32))
    with pytest.raises(KnownFailure, match="bad_output"):
        runner.run_many(np.full((1, 1, SIDE, SIDE), np.nan, np.float32))
    assert runner.run(np.zeros((1, 1, SIDE, SIDE), np.float32))["logits"].shape == (2,)


def test_outputs_in_a_row_go_by_the_manifests_order() -> None:
    names, tensor = [spec.name for spec in OUTPUTS], np.zeros((1, 2), "<f4")
    head = {"shape": [1, 2], "names": names}
    told, parts = answer(lambda given: (given, given[:, :1] + 1), head, tensor.tobytes())
    assert told["outputs"] == {"logits": [1, 2], "activation": [1, 1]}
    assert np.frombuffer(parts[1], "<f4") == [1.0]
    with pytest.raises(ValueError, match=r"shorter|longer"):
        answer(lambda given: given, head, tensor.tobytes())
    with pytest.raises(ValueError, match="another size"):
        answer(lambda given: given, head, b"1234")


def test_sample_inputs_are_taken_out(sound: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        written = archive.read(SAMPLES)[:2]
    assert written in (b"PK", b"\x80\x02"), "this PyTorch writes no sample inputs: nothing is tested"
    with zipfile.ZipFile(io.BytesIO(checked_program(sound))) as archive:
        assert archive.read(SAMPLES) == b""
        assert not [one for one in archive.namelist() if archive.read(one)[:2] in (b"PK", b"\x80\x02")]


@pytest.mark.parametrize(
    "member",
    ["archive/data/aotinductor/model/x.so", "archive/extra/run.py", "archive/data.pkl", "archive/../data/weights/x"],
)
def test_whatever_python_or_the_system_would_execute_is_refused(sound: bytes, member: str) -> None:
    assert refusal(changed(sound, **{member: b"1"})) == "inference.program_unsafe"


def test_a_constant_that_is_a_pickle_is_refused(sound: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        name = next(one for one in archive.namelist() if one.endswith("weights_config.json"))
        table = archive.read(name).replace(b'"use_pickle": false', b'"use_pickle": true', 1)
    assert refusal(changed(sound, **{name: table})) == "inference.program_unsafe"


WORDS = ["__import__('os').system('x')", "s0.__class__", "Symbol('A b')", "f[0]", "eval(s0)", "(lambda: s0)()", "1 if"]


@pytest.mark.parametrize("words", WORDS)
def test_an_expression_that_is_more_than_arithmetic_is_refused(sound: bytes, words: str) -> None:
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        model = archive.read(MODEL)
    assert b'"expr_str"' in model, "this program has no sizes that vary: nothing is tested"
    start = model.index(b'"expr_str": "') + len(b'"expr_str": "')
    spoilt = model[:start] + words.encode() + model[model.index(b'"', start) :]
    assert refusal(changed(sound, **{MODEL: spoilt})) == "inference.program_unsafe"


@pytest.mark.parametrize("spoil", ["nothing", "cut", "text", "pickle", "no model", "packed", "table"])
def test_what_is_no_program_is_told(sound: bytes, spoil: str) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MODEL, b"{}")
    spoilt = {
        "nothing": b"",
        "cut": sound[: len(sound) // 2],
        "text": b"a model",
        "pickle": pickle.dumps({"weights": [1.0]}),
        "no model": changed(sound, **{MODEL: None}),
        "packed": made.getvalue(),
        "table": changed(sound, **{"archive/data/weights/model_weights_config.json": b"[]"}),
    }
    assert refusal(spoilt[spoil]) == "inference.weights_unusable"


def test_a_program_of_another_shape_than_promised_is_told(sound: bytes) -> None:
    with pytest.raises(KnownFailure) as caught:
        TorchRunner(sound, IMAGE, (TensorSpec("logits", (3,)),))
    assert caught.value.key == "inference.shapes_differ"


def test_one_that_wants_more_memory_than_its_share_gets_none() -> None:
    def greedy(net: Any, image: Any) -> dict[str, Any]:
        vast = image.mean((1, 2, 3)).view(-1, 1, 1).expand(-1, 2**16, 2**16) * 2.0
        return {"logits": vast.mean((1, 2), keepdim=False).view(-1, 1).expand(-1, 2) + net.say(image[:, 0, :4, 0])}

    with pytest.raises(KnownFailure) as caught:
        TorchRunner(program(greedy), IMAGE, OUTPUTS[:1])
    assert caught.value.key == "inference.run_failed"


FIRST = b"""
import json, sys, time
def one():
    head = json.loads(sys.stdin.buffer.readline())
    sys.stdin.buffer.read(head["bytes"])
    return head
def say(**told):
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\\n")
    sys.stdout.buffer.flush()
one(); say(bytes=0)
head = one()
say(outputs={"logits": [1, 2]}, kinds={"logits": "float32"}, bytes=8)
sys.stdout.buffer.write(b"\\0" * 8); sys.stdout.buffer.flush()
one()
"""


def stand_in(monkeypatch: pytest.MonkeyPatch, then: bytes, sound: bytes) -> TorchRunner:
    """A runner whose process answers twice, then does something else with the next question."""
    start = subprocess.Popen

    def popen(command: list[str], **kinds: Any) -> Any:
        return start([sys.executable, "-c", (FIRST + then).decode()], **kinds)

    monkeypatch.setattr("desktop.inference.runner_torch.subprocess.Popen", popen)
    return TorchRunner(sound, IMAGE, OUTPUTS[:1], seconds=2.0)


@pytest.mark.parametrize(
    ("then", "key"),
    [
        (b"time.sleep(60)", "inference.run_too_long"),
        (b"sys.exit(1)", "inference.run_failed"),
        (b"print('hello', flush=True)", "inference.run_failed"),
        (b"say(outputs={}, kinds={}, bytes=99)", "inference.run_failed"),
    ],
)
def test_one_that_hangs_dies_or_babbles_is_ended_and_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, sound: bytes, then: bytes, key: str
) -> None:
    made = stand_in(monkeypatch, then, sound)
    for _ in range(2):
        with pytest.raises(KnownFailure) as caught:
            made.run(np.zeros((1, 1, SIDE, SIDE), np.float32))
        assert caught.value.key == key
    assert made._process.poll() is not None


def test_the_process_ends_with_the_runner(monkeypatch: pytest.MonkeyPatch, sound: bytes) -> None:
    made = stand_in(monkeypatch, b"time.sleep(60)", sound)
    process = made._process
    assert process.poll() is None
    del made
    gc.collect()
    assert process.poll() is not None


def test_a_path_is_never_a_program(tmp_path: Path) -> None:
    assert refusal(str(tmp_path).encode()) == "inference.weights_unusable"


def test_a_model_of_a_program_is_tried_out_before_it_is_believed(make_model: Callable[..., Path]) -> None:
    def always(net: Any, image: Any) -> dict[str, Any]:
        silence = net.say(image[:, 0, :4, 0])[:, :1] * 0.0
        return {
            "logits": silence + 1.0,
            "activation": silence.view(-1, 1, 1, 1).expand(-1, 1, 2, 2) + 0.5,
            "embedding": silence.expand(-1, 3) + 0.5,
            "distance": silence + 0.5,
        }

    folder = make_model(logit=1.0)
    (folder / "model.onnx").unlink()
    data = program(always)
    (folder / "model.pt2").write_bytes(data)
    document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    document["weights"] = {"file": "model.pt2", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    tested = try_out(folder)
    assert (tested.ok, tested.error, tested.sha256) == (True, "", document["weights"]["sha256"])
    (folder / "model.pt2").write_bytes(data[:-1] + b"x")
    assert try_out(folder).error == "inference.weights_changed"
