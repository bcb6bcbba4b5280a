"""A correction put into a graph does in ONNX Runtime what numpy says, and nothing else changes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from desktop.inference.devices import runtime
from desktop.learning.graph_correction import add_correction
from desktop.settings import model_folder


def answers(model: bytes, image: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
    session = runtime().InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: image}), strict=True))


@pytest.fixture(scope="module")
def model() -> bytes:
    return Path(model_folder() / "chest-xray-child" / "model.onnx").read_bytes()


def test_the_graph_adds_what_numpy_says_and_leaves_the_rest(model: bytes) -> None:
    random = np.random.default_rng(2)
    image = random.normal(size=(3, 1, 128, 128)).astype(np.float32)
    before = answers(model, image)
    findings, width = before["logits"].shape[1], before["embedding"].shape[1]
    weights = 0.05 * random.normal(size=(width, findings))
    bias = np.asarray(random.normal(size=findings))
    limit = 0.4 * np.ones(findings)
    after = answers(add_correction(model, weights, bias, limit), image)
    wanted = before["logits"] + np.clip(before["embedding"] @ weights + bias, -limit, limit)
    assert np.abs(after["logits"] - wanted).max() < 1e-5
    assert np.abs(after["logits"] - before["logits"]).max() > 1e-3
    for name in set(before) - {"logits"}:
        assert np.array_equal(after[name], before[name])


def test_one_that_was_corrected_is_not_corrected_again(model: bytes) -> None:
    weights, bias, limit = np.zeros((384, 1)), np.zeros(1), np.ones(1)
    with pytest.raises(ValueError, match="corrected before"):
        add_correction(add_correction(model, weights, bias, limit), weights, bias, limit)


@pytest.mark.parametrize("spoilt", [b"", b"\x08\x07", b"\xff" * 40, b"\x3a\x05\x0a\x03abc"])
def test_what_is_no_such_graph_is_refused(spoilt: bytes) -> None:
    with pytest.raises(ValueError, match=r"graph|message"):
        add_correction(spoilt, np.zeros((4, 1)), np.zeros(1), np.ones(1))


def test_a_truncated_graph_is_refused(model: bytes) -> None:
    with pytest.raises(ValueError, match="message"):
        add_correction(model[: len(model) // 2], np.zeros((4, 1)), np.zeros(1), np.ones(1))


def test_shapes_that_do_not_fit_are_refused(model: bytes) -> None:
    with pytest.raises(ValueError, match="weight"):
        add_correction(model, np.zeros((384, 2)), np.zeros(1), np.ones(1))
