"""A hint is put into a finished graph, which says the same of pneumonia as before."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from desktop.inference import golden
from desktop.inference.manifest import TensorSpec
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner
from desktop.jobs import Job
from desktop.learning import child_hint, child_manifest
from desktop.learning.child_settings import Settings
from desktop.learning.films import find_data, read_children

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

SETTINGS = Settings(members=2, side=64, widths=(8, 8, 8), blocks=(0, 0, 1), threads=1, hint_components=6)
SHAPES = {"logits": (1,), "activation": (1, 4, 4), "embedding": (16,), "distance": (1,), "member_logits": (2,)}


def quiet(text: str) -> None:
    """Progress nobody reads."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An ensemble that has learned nothing, as it is exported."""
    from desktop.learning.child_training import build_film_network
    from desktop.learning.export import export
    from desktop.learning.network import Ensemble

    torch.manual_seed(3)
    members = [build_film_network(SETTINGS).eval() for _ in range(2)]
    ensemble = Ensemble(members, torch.rand(2, 8), torch.eye(8).repeat(2, 1, 1))
    path = tmp_path_factory.mktemp("plain") / "model.onnx"
    export(ensemble, (1, 64, 64), tuple(SHAPES), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def hint(plain: bytes, drawn_data: Path) -> child_hint.Hint:
    films = read_children(find_data(drawn_data).cxr)
    found = child_hint.add(plain, films, child_manifest.preparation(SETTINGS), SETTINGS, Job(), quiet)
    assert found is not None
    assert len(found.logits) == sum(bool(film.subtype) for film in films)
    return found


def answers(graph: bytes, shapes: dict[str, tuple[int, ...]], light: float) -> dict[str, npt.NDArray[np.float32]]:
    outputs = [TensorSpec(name, shape) for name, shape in shapes.items()]
    film = golden.lung_phantom() ** np.float32(light)
    tensor = prepare(film, child_manifest.preparation(SETTINGS)).tensor
    return dict(OnnxRunner(graph, TensorSpec("image", (1, 64, 64)), outputs, threads=1).run(tensor))


def test_what_is_said_of_pneumonia_stays_the_same(plain: bytes, hint: child_hint.Hint) -> None:
    wider = {**SHAPES, "logits": (2,), "activation": (2, 4, 4), "member_hints": (2,)}
    away = []
    for light in (1.0, 1.6):
        before, after = answers(plain, SHAPES, light), answers(hint.graph, wider, light)
        assert after["logits"][0] == before["logits"][0]
        assert np.array_equal(after["activation"][0], before["activation"][0])
        assert np.array_equal(after["member_logits"], before["member_logits"])
        assert np.array_equal(after["distance"], before["distance"])
        assert after["logits"][1] == pytest.approx(float(after["member_hints"].mean()), abs=1e-6)
        away.append((before["embedding"] - after["embedding"], after["logits"][1] - after["activation"][1].sum()))
    # The embedding is told from the same mean, and the map adds up to what one film's hint is beyond another's.
    assert np.allclose(away[0][0], away[1][0], atol=1e-5)
    assert np.abs(away[0][0]).max() > 0.1
    assert away[0][1] == pytest.approx(float(away[1][1]), abs=1e-3)


def test_there_is_no_hint_where_no_cause_is_told(plain: bytes, drawn_data: Path) -> None:
    films = [replace(film, subtype="") for film in read_children(find_data(drawn_data).cxr)]
    assert child_hint.add(plain, films, child_manifest.preparation(SETTINGS), SETTINGS, Job(), quiet) is None
