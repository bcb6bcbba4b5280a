"""A finished graph taught on in PyTorch: the same answers first, then better ones, not far from where it was."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.errors import Cancelled, KnownFailure
from desktop.inference import read_picture_model
from desktop.inference.golden import PICTURES
from desktop.inference.manifest import TensorSpec
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.learning.whole_process import learn_apart
from desktop.learning.whole_tuning import Learned, Material, Proof, WholeEpoch, WholeSettings, gain
from desktop.settings import model_folder

pytestmark = pytest.mark.torch

SIDE = 8
SETTINGS = WholeSettings(epochs=4, batch=16, rate=2e-2, anchor=1e-3, threads=1)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """For networks this small several threads only wait for one another."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole(graph: bytes) -> Learned:
    """The whole lesson, once."""
    return taught(graph)


@pytest.fixture(scope="module")
def graph() -> bytes:
    """A network of two convolutions that tells bright from dark, badly, and speaks of a second finding."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    weights = {
        "members.0.body.weight": 0.3 * random.normal(size=(4, 1, 3, 3)),
        "members.0.body.bias": np.zeros(4),
        "members.0.head.weight_half": 0.3 * random.normal(size=(2, 4)),
        "members.0.head.bias": np.zeros(2),
        "axes": np.array([2, 3]),
        "one": np.array([1]),
    }
    kinds = {"axes": np.int64, "one": np.int64, "members.0.head.weight_half": np.float16}
    nodes = [
        helper.make_node("Cast", ["members.0.head.weight_half"], ["head"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["image", "members.0.body.weight", "members.0.body.bias"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["maps"]),
        helper.make_node("ReduceMean", ["maps", "axes"], ["embedding"], keepdims=0),
        helper.make_node("Gemm", ["embedding", "head", "members.0.head.bias"], ["logits"], transB=1),
        helper.make_node("Mul", ["embedding", "embedding"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "one"], ["distance"], keepdims=1),
    ]
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in OUTPUTS.items()],
        [numpy_helper.from_array(value.astype(kinds.get(name, np.float32)), name) for name, value in weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


OUTPUTS = {"logits": 2, "distance": 1}


def material(n: int = 120) -> Material:
    random = np.random.default_rng(2)
    bright = random.random(n) < 0.5
    pictures = random.normal(size=(n, 1, SIDE, SIDE)) + np.where(bright, 0.7, -0.7)[:, None, None, None]
    truths = np.full((n, 2), np.nan, np.float32)
    truths[:, 0] = bright
    weights = np.zeros((n, 2), np.float32)
    weights[:, 0] = 1.0
    fits = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    return Material(pictures.astype(np.float16), truths, weights, np.arange(n) % 4 == 0, fits)


def taught(
    graph: bytes,
    settings: WholeSettings = SETTINGS,
    checkpoint: Path | None = None,
    said: list[WholeEpoch] | None = None,
) -> Learned:
    """In this process."""
    from desktop.learning.whole_lesson import Limits, learn

    rounds = said if said is not None else []
    return learn(graph, material(), proof(graph), settings, Limits(1e12, checkpoint, "lesson"), rounds.append)


def runner(graph: bytes) -> OnnxRunner:
    specs = tuple(TensorSpec(name, (size,)) for name, size in OUTPUTS.items())
    return OnnxRunner(graph, TensorSpec("image", (1, SIDE, SIDE)), specs)


def answers(graph: bytes, pictures: np.ndarray) -> np.ndarray:
    return np.asarray(runner(graph).run_many(pictures.astype(np.float32))["logits"])


def proof(graph: bytes, wrong: float = 0.0) -> Proof:
    image = material().pictures[:1].astype(np.float32)
    said = runner(graph).run(image)
    return Proof(image, {name: value + np.float32(wrong) for name, value in said.items()})


def test_nothing_is_learned_where_the_rebuilt_network_says_something_else(graph: bytes) -> None:
    from desktop.learning.whole_lesson import Limits, learn

    with pytest.raises(ValueError, match="another answer"):
        learn(graph, material(), proof(graph, 0.01), SETTINGS, Limits(1e12, None, "lesson"), print)


@pytest.mark.parametrize("name", ["chest-xray-child", "chest-xray-adult", "malaria-cell"])
def test_pytorch_answers_as_the_shipped_graph_does(name: str) -> None:
    from desktop.learning.graph_in_torch import GraphNetwork, largest_difference

    model, folder = read_picture_model(model_folder() / name), model_folder() / name
    graph = read_weights(folder, model.manifest.weights)
    network = GraphNetwork(graph)
    light = PICTURES[model.manifest.golden.picture]()
    _, wanted = model.outputs(light)
    assert set(wanted) == {spec.name for spec in model.manifest.outputs}
    assert largest_difference(network, model.prepared_light(light).tensor, wanted) < 1e-5
    assert len(network.exported()) == len(graph), "the same file, other numbers"
    model.close()


@pytest.mark.parametrize("name", ["chest-xray-child", "chest-xray-adult", "malaria-cell"])
def test_what_a_lesson_makes_of_the_head_the_map_shows(name: str) -> None:
    import torch

    from desktop.learning.graph_in_torch import GraphNetwork

    folder = model_folder() / name
    model = read_picture_model(folder)
    network = GraphNetwork(read_weights(folder, model.manifest.weights))
    image = torch.from_numpy(model.prepared_light(PICTURES[model.manifest.golden.picture]()).tensor)
    model.close()
    with torch.no_grad():
        before = network(image)["activation"]
        for weight, label in zip(network.weights, network.names, strict=True):
            if ".head." in label:
                weight.zero_()
        after = network(image)["activation"]
    assert before[:, 0].abs().max() > 0.1
    assert after[:, 0].abs().max() == 0.0


def test_it_learns_and_what_nobody_said_stays(graph: bytes, whole: Learned) -> None:
    given, done = material(), whole
    mean, error = gain(given, done)
    assert mean > error
    assert done.best_epoch > 0
    assert [one.epoch for one in done.curve] == list(range(len(done.curve)))
    inner = given.pictures[given.inner]
    said = answers(done.graph, inner)
    assert np.abs(said - done.after).max() < 5e-3, "the file says what was judged, in half precision"
    first = answers(graph, inner)
    moved = np.abs(1 / (1 + np.exp(-said)) - 1 / (1 + np.exp(-first))).mean(axis=0)
    assert moved[0] > 4 * moved[1]


def test_the_anchor_holds_it(graph: bytes, whole: Learned) -> None:
    held = taught(graph, replace(SETTINGS, anchor=100.0))
    assert np.abs(held.after - held.before).mean() < 0.3 * np.abs(whole.after - whole.before).mean()


def test_a_power_cut_is_gone_on_from_to_the_same_end(graph: bytes, whole: Learned, tmp_path: Path) -> None:
    from desktop.learning.whole_lesson import Limits, learn

    class Cut(Exception):
        pass

    place, rounds = tmp_path / "learning" / "tiny.pt", [0]

    def cut(epoch: WholeEpoch) -> None:
        rounds[0] = epoch.epoch
        if epoch.epoch == 2:
            raise Cut

    with pytest.raises(Cut):
        learn(graph, material(), proof(graph), SETTINGS, Limits(1e12, place, "lesson"), cut)
    said: list[WholeEpoch] = []
    again = taught(graph, checkpoint=place, said=said)
    assert said[0].epoch == 2
    assert again.graph == whole.graph
    place.write_bytes(b"half of")
    assert taught(graph, checkpoint=place).graph == again.graph, "a spoilt one is begun anew"


def test_without_time_nothing_is_learned(graph: bytes) -> None:
    from desktop.learning.whole_lesson import Limits, learn

    done = learn(graph, material(), proof(graph), SETTINGS, Limits(0.0, None, "lesson"), print)
    assert (done.graph, done.best_epoch) == (b"", 0)


def test_what_cannot_be_learned_through_is_said(graph: bytes) -> None:
    from onnx import load_from_string

    from desktop.learning.graph_in_torch import GraphNetwork

    model = load_from_string(graph)
    model.graph.node[2].op_type = "Softplus"
    with pytest.raises(ValueError, match="Softplus"):
        GraphNetwork(model.SerializeToString())
    plain = graph.replace(b"members", b"persons")
    with pytest.raises(ValueError, match="nothing"):
        GraphNetwork(plain)


def test_in_a_process_of_its_own(graph: bytes, whole: Learned, tmp_path: Path) -> None:
    place, said = tmp_path / "tiny.pt", list[WholeEpoch]()
    run: Callable[..., Learned] = learn_apart
    done = run(graph, material(), proof(graph), SETTINGS, seconds=300, checkpoint=place, asked=("a",), say=said.append)
    assert done.graph == whole.graph
    assert len(said) == len(done.curve)
    assert not place.exists()


def test_it_can_be_stopped_before_it_has_begun(graph: bytes) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        learn_apart(graph, material(), proof(graph), SETTINGS, seconds=300, checkpoint=None, asked=("a",), check=stop)


def test_a_process_that_dies_is_told(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.learning.whole_process.sys.executable", shutil.which("false"))
    with pytest.raises(KnownFailure) as failure:
        learn_apart(graph, material(), proof(graph), SETTINGS, seconds=300, checkpoint=None, asked=("a",))
    assert failure.value.key == "learning.whole_failed"
