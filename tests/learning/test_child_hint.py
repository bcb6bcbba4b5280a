"""Lines are put beside the networks of a finished graph; then a hint, and what it says of pneumonia stays the same."""

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
from desktop.learning import child_graph, child_hint, child_lines, child_manifest
from desktop.learning.child_settings import Settings
from desktop.learning.films import Film, find_data, fold_of, read_children

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

SETTINGS = Settings(
    members=2, side=64, widths=(8, 8, 8), blocks=(0, 0, 1), threads=1, line_components=6, hint_components=6
)
SHAPES = {"logits": (1,), "activation": (1, 4, 4), "embedding": (16,), "distance": (1,), "member_logits": (2,)}


def quiet(text: str) -> None:
    """Progress nobody reads."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An ensemble that has learned nothing, as it is exported."""
    from desktop.learning.child_training import MeasuringEnsemble, build_film_network
    from desktop.learning.export import export

    torch.manual_seed(3)
    members = [build_film_network(SETTINGS).eval() for _ in range(2)]
    ensemble = MeasuringEnsemble(members, torch.rand(2, 8), torch.eye(8).repeat(2, 1, 1))
    path = tmp_path_factory.mktemp("plain") / "model.onnx"
    export(ensemble, (1, 64, 64), (*SHAPES, child_graph.MEASURED), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def films(drawn_data: Path) -> list[Film]:
    return read_children(find_data(drawn_data).cxr)


@pytest.fixture(scope="module")
def beside(plain: bytes, films: list[Film]) -> child_lines.Beside:
    networks = np.random.default_rng(5).normal(size=len(films))
    return child_lines.add(plain, films, networks, child_manifest.preparation(SETTINGS), SETTINGS, Job(), quiet)


@pytest.fixture(scope="module")
def hint(plain: bytes, films: list[Film]) -> child_hint.Hint:
    """Put into a graph without lines of pneumonia."""
    found = child_hint.add(plain, films, child_manifest.preparation(SETTINGS), SETTINGS, Job(), quiet)
    assert found is not None
    assert len(found.logits) == sum(bool(film.subtype) for film in films)
    return found


def answers(graph: bytes, shapes: dict[str, tuple[int, ...]], light: float) -> dict[str, npt.NDArray[np.float32]]:
    outputs = [TensorSpec(name, shape) for name, shape in shapes.items()]
    film = golden.lung_phantom() ** np.float32(light)
    tensor = prepare(film, child_manifest.preparation(SETTINGS)).tensor
    return dict(OnnxRunner(graph, TensorSpec("image", (1, 64, 64)), outputs, threads=1).run(tensor))


ALONE = dict.fromkeys(child_graph.ALONE, (2,))


def test_a_member_answers_by_the_mean_of_its_network_and_its_line(plain: bytes, beside: child_lines.Beside) -> None:
    lines = []
    for light in (1.0, 1.6):
        before, after = answers(plain, SHAPES, light), answers(beside.graph, SHAPES | ALONE, light)
        together = (after["member_networks"] + after["member_lines"]) / 2
        assert np.allclose(after["member_logits"], together, atol=1e-5)
        assert after["logits"][0] == pytest.approx(float(together.mean()), abs=1e-5)
        assert not np.allclose(after["member_networks"], before["member_logits"])
        for name in ("activation", "embedding", "distance"):
            assert np.array_equal(after[name], before[name]), name
        lines.append(after["member_lines"])
    assert not np.allclose(lines[0], lines[1])


def test_the_lines_tell_films_of_children_they_never_saw_and_are_in_the_graph_as_they_were_learned(
    plain: bytes, films: list[Film]
) -> None:
    # With networks that tell nothing, what is told is the lines' own.
    none = np.random.default_rng(6).normal(scale=1e-3, size=len(films))
    found = child_lines.add(plain, films, none, child_manifest.preparation(SETTINGS), SETTINGS, Job(), quiet)
    labels = np.array([film.pneumonia for film in films])
    assert np.mean((found.logits > 0.5) == labels) > 0.9
    model = child_graph.model_of(found.graph)
    sizes = {"member_lines": 2}
    said = child_graph.answers(model, sizes, films[:6], child_manifest.preparation(SETTINGS), 1, Job())["member_lines"]
    own = [fold_of(film.group, SETTINGS.seed, 2) for film in films[:6]]
    # The network's calibrated log-odds are the same of all films but for what chance made of them.
    rest = 2 * found.logits[:6] - said[np.arange(6), own]
    assert np.allclose(rest, rest.mean(), atol=0.05)


def test_a_hint_also_learns_from_what_is_measured(beside: child_lines.Beside, films: list[Film]) -> None:
    preparation = child_manifest.preparation(SETTINGS)
    found = child_hint.add(beside.graph, films, preparation, SETTINGS, Job(), quiet)
    told = child_hint.tell(beside.graph, films, preparation, SETTINGS, Job())
    assert found is not None
    assert told is not None
    measured = child_graph.measured_size(child_graph.model_of(found.graph))
    assert told.numbers.shape[2] == 8 * 16 + measured > measured > 1000
    again = child_hint.tell(found.graph, films, preparation, SETTINGS, Job())
    assert again is not None
    assert np.array_equal(again.numbers, told.numbers), "a graph with a hint shows the lines the same"
    wider = {**SHAPES, **ALONE, "logits": (2,), "activation": (2, 4, 4), "member_hints": (2,)}
    before, after = answers(beside.graph, SHAPES | ALONE, 1.3), answers(found.graph, wider, 1.3)
    assert after["logits"][0] == before["logits"][0]
    assert after["logits"][1] == pytest.approx(float(after["member_hints"].mean()), abs=1e-5)
    # What the graph says of a film is what its line said when it was learned.
    said = child_graph.answers(
        child_graph.model_of(found.graph), {"member_hints": 2}, told.films[:4], preparation, 1, Job()
    )["member_hints"]
    assert np.allclose(said[np.arange(4), told.parts[:4]], found.logits[:4], atol=1e-3)


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


def test_there_is_no_hint_where_no_cause_is_told(plain: bytes, films: list[Film]) -> None:
    untold = [replace(film, subtype="") for film in films]
    assert child_hint.add(plain, untold, child_manifest.preparation(SETTINGS), SETTINGS, Job(), quiet) is None
