"""`analyse` on pictures of single red cells: whom it asks, and what it refuses."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.inference import golden
from tests.cli.helpers import Lantern

MODEL = "malaria-cell"


@pytest.fixture
def save(tmp_path: Path) -> "Save":
    return Save(tmp_path)


class Save:
    """Writes pictures of values in 0..1."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, light: npt.NDArray[np.floating]) -> Path:
        path = self._folder / name
        Image.fromarray(np.rint(light * 255).astype(np.uint8)).save(path)
        return path


def test_a_cell_is_answered_by_its_model_alone(lantern: Lantern, save: Save) -> None:
    grey = np.asarray(Image.fromarray(np.rint(golden.cell_phantom() * 255).astype(np.uint8)).convert("L")) / 255
    for path in (save("colour.jpg", golden.cell_phantom()), save("grey.png", grey[::2, ::2])):
        named = lantern.run("analyse", path, "--model", MODEL).only
        assert (named["status"], named["model"], named["quality"]) == ("ok", MODEL, {"ok": True, "problems": []})
        (finding,) = named["findings"]
        assert finding["key"] == "parasitized"
        assert 0 <= finding["probability"] <= 1
        assert finding["decision"] in ("likely", "unlikely", "cannot_say")
        assert finding["codings"][0]["code"] == "B50.9"
        alone = lantern.run("analyse", path).only
        assert (alone["model"], alone["findings"]) == (MODEL, named["findings"])


def test_a_film_is_refused_by_the_model_of_cells_and_not_brought_to_it(lantern: Lantern, save: Save) -> None:
    film = save("film.png", golden.lung_phantom())
    answer = lantern.run("analyse", film, "--model", MODEL)
    line = answer.only
    assert (answer.code, line["status"], line["findings"]) == (0, "refused", [])
    assert line["quality"] == {"ok": False, "problems": ["other_size"]}
    assert "kind" in line["reason"]
    asked = {line["model"] for line in lantern.run("analyse", film).lines}
    assert "chest-xray-child" in asked
    assert MODEL not in asked
